"""A face is checked in a real browser: by the camera, the microphone, or photographs without a script (B12, A2, A6)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.journeys import faces
from tests.journeys.browser import PHONE, SMALL_PHONE, Browser, launch
from tests.journeys.cast import LOGIN_PASSWORD, SLOW, Bureau, Citizen, asking, shows_the_face
from tests.journeys.town import Town
from yibao import face
from yibao.core.database import transaction
from yibao.face import refusals

# Notes every cause that the page shows, however short.
NOTES = """
window.causes = {};
document.addEventListener('DOMContentLoaded', function () {
  var box = document.getElementById('face');
  if (!box) { return; }
  new MutationObserver(function () { window.causes[box.getAttribute('data-cause')] = true; })
    .observe(box, { attributes: true });
});
"""


class Visitor:
    """Somebody whose face is to be checked."""

    def __init__(self, town: Town, context: BrowserContext, page: Page) -> None:
        self.town = town
        self.context = context
        self.page = page
        person = town.world.cast("luzhou_retired")
        self.subject = face.Subject(person.name, person.cert_type, person.cert_no)

    @classmethod
    async def arrives(cls, browser: Browser, town: Town, *, script: bool = True) -> "Visitor":
        context = await browser.context(PHONE if script else SMALL_PHONE, base_url=town.address, script=script)
        await context.add_init_script(NOTES)
        return cls(town, context, await context.new_page())

    async def starts(self, button: str) -> str:
        """Begin a check as a page that needs the proof does, consent and choose; return the check's address."""
        await self.page.goto("/")
        cookies = {cookie["name"]: cookie["value"] for cookie in await self.context.cookies()}
        async with transaction(self.town.house.pool) as tx:
            check_id = await face.begin(
                tx,
                self.town.house.vault,
                purpose="real_name",
                subject=self.subject,
                device=f"browser:{cookies['yb_device']}",
                back="/policy?place=510500",
                at=self.town.clock(),
            )
        await self.page.goto(f"/face/{check_id}")
        await self.page.get_by_role("checkbox").check()
        await self.press("同意，继续")
        await self.press(button)
        return f"/face/{check_id}"

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def gives(self, *pictures: bytes) -> None:
        for picture in pictures:
            file: Any = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture}
            await self.page.get_by_label("张，共 4 张").set_input_files(file)
            await self.press("上传这一张")

    async def has_passed(self, address: str) -> None:
        proof = address.rpartition("/")[2]
        await self.page.wait_for_url(f"**/policy?place=510500&face={proof}", timeout=SLOW)

    async def has_failed(self, kind: type[refusals.NotPassed]) -> None:
        await expect(self.page.get_by_text(kind.code, exact=True)).to_be_visible(timeout=SLOW)
        await expect(self.page.get_by_text(kind.remedy)).to_be_visible()


async def test_a_face_passes_by_the_camera_through_a_lost_network(a_town: Town, tmp_path: Path) -> None:
    film = faces.acting_film(tmp_path / "acts.mjpeg", "blink", "left")
    async with launch(camera=film) as phones:
        visitor = await Visitor.arrives(phones, a_town)
        await Bureau(a_town).has(visitor.subject.cert_no, faces.jpeg(faces.straight()))
        a_town.house.booth.draw = asking("blink", "left")
        address = await visitor.starts("开始人脸识别")
        box = visitor.page.locator("#face")
        await expect(box).to_have_attribute("data-step", "act", timeout=SLOW)
        await expect(visitor.page.get_by_role("button", name="打开摄像头")).to_be_hidden()
        await visitor.context.set_offline(True)
        await expect(box).to_have_attribute("data-cause", "network", timeout=SLOW)
        await expect(visitor.page.get_by_text("网络不通")).to_be_visible()
        await visitor.context.set_offline(False)
        await visitor.has_passed(address)


@pytest.mark.parametrize(
    "causes",
    [
        ("no_face", "too_dark", "too_bright", "several_faces", "not_whole"),
        ("too_far", "not_straight", "covered", "tinted_glasses"),
    ],
    ids=["light", "face"],
)
async def test_each_cause_is_told_while_the_person_tries(a_town: Town, tmp_path: Path, causes: tuple[str, ...]) -> None:
    film = faces.spoilt_film(tmp_path / "spoilt.mjpeg", *causes, seconds=2.5)
    async with launch(camera=film) as phones:
        visitor = await Visitor.arrives(phones, a_town)
        await visitor.starts("开始人脸识别")
        seen = "(wanted) => wanted.every((cause) => window.causes[cause])"
        await visitor.page.wait_for_function(seen, arg=list(causes), timeout=SLOW)


async def test_digits_are_read_to_the_camera_and_the_microphone(a_town: Town, tmp_path: Path) -> None:
    film, voice = faces.speaking_film(tmp_path / "speaks.mjpeg"), faces.voice(tmp_path / "voice.wav")
    async with launch(camera=film, microphone=voice) as phones:
        visitor = await Visitor.arrives(phones, a_town)
        await Bureau(a_town).has(visitor.subject.cert_no, faces.jpeg(faces.straight()))
        a_town.house.booth.draw = asking("blink", "left")
        address = await visitor.starts("读数字验证")
        await expect(visitor.page.locator("#face-digit")).to_have_text("7", timeout=SLOW)
        await visitor.has_passed(address)


@pytest.mark.parametrize(
    ("sound", "says"), [(faces.silence, "没有听到声音"), (faces.noise, "周围太吵")], ids=["covered", "loud room"]
)
async def test_what_is_wrong_with_the_sound_is_told_while_digits_are_read(
    a_town: Town, tmp_path: Path, sound: Callable[[Path], Path], says: str
) -> None:
    """B12."""
    film, heard = faces.speaking_film(tmp_path / "speaks.mjpeg"), sound(tmp_path / "heard.wav")
    async with launch(camera=film, microphone=heard) as phones:
        visitor = await Visitor.arrives(phones, a_town)
        await visitor.starts("读数字验证")
        await expect(visitor.page.locator("#face-say")).to_contain_text(says, timeout=SLOW)
        await expect(visitor.page.locator("#face-digit")).not_to_be_empty()
        await expect(visitor.page.locator("#face-say")).to_contain_text(says)


async def test_whoever_has_no_camera_is_led_to_photographs(a_town: Town) -> None:
    async with launch() as phones:
        visitor = await Visitor.arrives(phones, a_town)
        await visitor.starts("开始人脸识别")
        await expect(visitor.page.get_by_text("没有打开摄像头。")).to_be_visible()
        await expect(visitor.page.get_by_role("button", name="打开摄像头")).to_be_visible()
        await visitor.press("拍照验证")
        await expect(visitor.page.get_by_label("第 1 张，共 4 张")).to_be_visible()


async def test_photographs_are_compared_without_a_script(a_town: Town) -> None:
    bureau = Bureau(a_town)
    a_town.house.booth.draw = asking("mouth", "left")
    portrait = faces.jpeg(faces.straight())
    pictures = (portrait, faces.jpeg(faces.moved("mouth")), faces.jpeg(faces.moved("left")), portrait)
    stranger = [
        faces.jpeg(frame)
        for frame in (
            faces.straight(faces.HOPPER),
            faces.moved("mouth", faces.HOPPER),
            faces.moved("left", faces.HOPPER),
            faces.straight(faces.HOPPER),
        )
    ]
    async with launch() as phones:
        visitor = await Visitor.arrives(phones, a_town, script=False)
        await visitor.starts("拍照验证")
        await visitor.gives(faces.jpeg(faces.spoilt()["too_dark"]))
        await expect(visitor.page.get_by_text(refusals.TooDark.code, exact=True)).to_be_visible()
        await visitor.gives(*pictures)
        await visitor.has_failed(refusals.PhotoMissing)

        await bureau.has(visitor.subject.cert_no, portrait)
        for mode, kind in (("unclear", refusals.PhotoUnclear), ("busy", refusals.Pending)):
            await bureau.turns(mode)
            # Another try is folded away where it does not help, and does here: the bureau has the photo now.
            await visitor.page.get_by_text("再试一次人脸识别").click()
            await visitor.press("拍照验证")
            await visitor.gives(*pictures)
            if mode == "busy":  # It is asked three times, each with a new picture.
                await visitor.gives(portrait, portrait)
            await visitor.has_failed(kind)

        await bureau.turns("agree")
        await visitor.press("拍照验证")
        await visitor.gives(*stranger)
        await visitor.has_failed(refusals.Different)

        address = await visitor.starts("拍照验证")
        await visitor.gives(*pictures)
        await visitor.has_passed(address)


async def test_a_forgotten_login_password_is_set_anew_by_the_face(a_town: Town, film: Path) -> None:
    """A6."""
    new = "wangji2026"
    async with launch(camera=film) as phones:
        owner = await Citizen.arrives(phones, a_town, "luzhou_retired")
        await Bureau(a_town).has(owner.person.cert_no, faces.jpeg(faces.straight()))
        a_town.house.booth.draw = asking(*faces.ACTS)
        await owner.is_ready()
        other = await Citizen.arrives(phones, a_town, "luzhou_retired", device=SMALL_PHONE)

        async def signs_in(password: str) -> None:
            await other.page.get_by_label("手机号", exact=True).fill(other.person.phone)
            await other.page.get_by_label("登录密码", exact=True).fill(password)
            await other.press("登录")

        await other.page.goto("/login?next=/me")
        await other.page.get_by_role("link", name="忘记密码").click()
        await other.page.get_by_role("link", name="人脸识别找回").click()
        await other.says_who("", other.person)
        await other.press("下一步：人脸识别")
        await shows_the_face(other.page)
        await other.page.get_by_label("设置登录密码", exact=True).fill(new)
        await other.press("设为新密码")
        await expect(other.page.get_by_role("heading", name="登录密码已重新设置")).to_be_visible()
        await other.page.get_by_role("link", name="去登录").click()
        await signs_in(LOGIN_PASSWORD)
        await expect(other.page.get_by_role("alert")).to_be_visible()
        await signs_in(new)
        await expect(other.page).to_have_url(f"{a_town.address}/me")

        # The phone on which the password was not forgotten has to sign in again too.
        await owner.page.goto("/me")
        await expect(owner.page.get_by_label("登录密码", exact=True)).to_be_visible()
