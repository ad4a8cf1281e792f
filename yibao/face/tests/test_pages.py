"""The check in a browser: consent, frames, photographs, digits, and every way it can end (B12, A2)."""

import array
import asyncio
import math
import re
import secrets
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import httpx
import pytest

from conftest import WorldClock
from tests.entrance import entrance
from yibao.app import House
from yibao.core import gm
from yibao.core.database import transaction
from yibao.credential.tests.browser import Bank, Browser, bank, whole_house
from yibao.face import OUTCOME_NAMES, Booth, Eyes, Subject, attempts_of, begin, booth, refusals, spend, store
from yibao.face.challenge import Draw, Mode
from yibao.face.judge import Outcome
from yibao.face.tests.looks import Scripted, acted
from yibao.face.types import Look, Purpose

__all__ = ["Bank", "bank", "whole_house"]

NUMBERS = iter(range(10**6))


class Judge:
    """A judge that says what it is told to, and remembers what it was shown."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = ["same"]
        self.shown: list[tuple[bytes, Subject]] = []
        self.asked = asyncio.Event()
        self.gate: asyncio.Event | None = None

    def require_connected(self) -> None:
        return

    async def judge(self, portrait: bytes, look: Look, subject: Subject, *, at: datetime) -> Outcome:
        self.shown.append((portrait, subject))
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def drawn(mode: Mode) -> Draw:
    actions: Any = ("mouth", "left") if mode == "photos" else ("blink", "mouth")
    return Draw((actions, ("mouth", "right")), "71938264")


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def staged(whole_house: House, judge: Judge) -> House:
    """The house with scripted eyes: a picture is the name of what is on it."""
    eyes = Eyes(Scripted())
    return replace(whole_house, booth=Booth(whole_house.pool, whole_house.vault, eyes=eyes, judge=judge, draw=drawn))


class Someone(Browser):
    """A person whose face is to be checked, in a browser."""

    check_id: str
    subject: Subject

    async def wants_a_check(
        self, subject: Subject | None = None, *, purpose: Purpose = "real_name", back: str = "/policy?place=510500"
    ) -> str:
        """Begin a check, as the page that wants the proof would, and open it."""
        await self.get("/")
        self.subject = subject or Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}")
        async with transaction(self.house.pool) as tx:
            self.check_id = await begin(
                tx,
                self.house.vault,
                purpose=purpose,
                subject=self.subject,
                device=self.device,
                back=back,
                at=self.house.clock(),
            )
        return await self.get(self.address)

    @property
    def device(self) -> str:
        return f"browser:{self.client.cookies['yb_device']}"

    @property
    def address(self) -> str:
        return f"/face/{self.check_id}"

    async def starts(self, mode: Mode, **given: Any) -> str:
        await self.wants_a_check(**given)
        await self.fill(f"{self.address}/consent", agreed="1")
        return await self.fill(f"{self.address}/start", mode=mode)

    def data(self, name: str) -> str:
        found = re.search(rf'data-{name}="([^"]*)"', self.text)
        assert found is not None
        return found[1]

    async def posts(
        self, path: str, *, serial: int | None = None, nonce: str | None = None, **sent: Any
    ) -> httpx.Response:
        """Send what the script would send."""
        number = int(self.data("serial")) if serial is None else serial
        return await self.client.post(
            f"{self.address}/{path}",
            params={"nonce": nonce or self.data("nonce"), "serial": number, **sent.pop("params", {})},
            headers={"x-csrftoken": self.client.cookies["yb_csrf"]},
            **sent,
        )

    async def sees(self, *pictures: bytes) -> dict[str, Any]:
        """Send frames one after the other, each with the number that the last answer gave."""
        serial: int | None = getattr(self, "serial", None)
        told: dict[str, Any] = {}
        for picture in pictures:
            self.house.clock.advance(seconds=0.125)  # type: ignore[attr-defined]
            told = (await self.posts("frame", serial=serial, content=picture)).json()
            serial = self.serial = told["serial"]
        return told

    async def shows_everything(self) -> dict[str, Any]:
        return await self.sees(*[b"straight"] * 4, *acted("blink"), *acted("mouth"), b"straight")

    async def gives(self, picture: bytes) -> str:
        """Upload a photograph without a script."""
        form = next(form for form in self.page.forms if form.action == f"{self.address}/photo")
        values = {name: value for name, value in form.values.items() if name != "photo"}
        answer = await self.client.post(
            form.action, data=values, files={"photo": ("photo.jpg", picture)}, follow_redirects=True
        )
        return self._show(answer)

    async def spends(self) -> Subject:
        async with transaction(self.house.pool) as tx:
            return await spend(
                tx,
                self.house.vault,
                check_id=self.check_id,
                purpose="real_name",
                device=self.device,
                at=self.house.clock(),
            )


@pytest.fixture
async def someone(staged: House) -> AsyncIterator[Someone]:
    transport = httpx.ASGITransport(entrance(staged))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Someone(client, staged)


async def test_consent_is_asked_on_its_own_and_nothing_happens_without_it(someone: Someone) -> None:
    text = await someone.wants_a_check()
    someone.must_be_usable()
    for words in ("单独同意", "公安机关", "都不保存", "可以拒绝", "不同意，用其他方式办理"):
        assert words in text
    await someone.fill(f"{someone.address}/consent")
    assert someone.status == 422
    answer = await someone.client.post(
        f"{someone.address}/start", data={"mode": "camera", "_csrf_token": someone.client.cookies["yb_csrf"]}
    )
    assert (answer.status_code, refusals.ConsentMissing.code in answer.text) == (422, True)
    await someone.get(someone.address)
    text = await someone.fill(f"{someone.address}/consent", agreed="1")
    someone.must_be_usable()
    assert "读数字验证" in text


async def test_a_check_passes_by_the_camera_and_gives_its_proof(someone: Someone, judge: Judge) -> None:
    await someone.starts("camera")
    someone.must_be_usable()
    told = await someone.sees(b"straight", b"straight")
    assert (told["step"], told["ended"]) == ("settle", False)
    told = await someone.sees(b"straight", b"straight")
    assert (told["step"], told["say"], told["left_seconds"]) == ("act", "请慢慢眨一下眼睛", 10)
    told = await someone.sees(*acted("blink"))
    assert (told["say"], told["done"]) == ("请张开嘴，停一下", 1)
    told = await someone.sees(*acted("mouth"))
    assert told["step"] == "look"
    told = await someone.sees(b"straight")
    assert told["ended"]
    assert judge.shown == [(b"straight", someone.subject)]
    answer = await someone.client.get(someone.address)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/policy?place=510500&face={someone.check_id}"
    assert await someone.spends() == someone.subject
    kept = await someone.house.pool.fetchrow("SELECT * FROM face.check WHERE check_id = $1", someone.check_id)
    assert kept is not None
    assert kept["state"] is None


async def test_what_is_measured_is_sealed_while_it_runs(someone: Someone) -> None:
    await someone.starts("camera")
    await someone.sees(b"straight")
    kept = await someone.house.pool.fetchval("SELECT state FROM face.check WHERE check_id = $1", someone.check_id)
    assert kept
    assert b"embedding" not in kept
    assert someone.data("nonce").encode() not in kept


async def test_a_frame_that_comes_twice_or_from_elsewhere_does_nothing(someone: Someone) -> None:
    await someone.starts("camera")
    first = int(someone.data("serial"))
    await someone.sees(b"straight", b"straight", b"straight")
    again = await someone.posts("frame", serial=first, content=b"straight")
    assert (again.json()["step"], again.json()["serial"]) == ("settle", first + 3)
    ahead = await someone.posts("frame", serial=first + 9, content=b"straight")
    assert ahead.json()["serial"] == first + 3
    other = await someone.posts("frame", serial=first + 3, nonce="0" * 32, content=b"straight")
    assert (other.status_code, other.json()["ended"]) == (409, True)


async def test_two_frames_at_once_count_as_one(someone: Someone) -> None:
    await someone.starts("camera")
    serial = int(someone.data("serial"))
    both = await asyncio.gather(
        someone.posts("frame", serial=serial, content=b"straight"),
        someone.posts("frame", serial=serial, content=b"straight"),
    )
    assert [answer.json()["serial"] for answer in both] == [serial + 1] * 2


async def test_while_one_frame_is_compared_no_other_is(someone: Someone, judge: Judge) -> None:
    await someone.starts("camera")
    await someone.sees(*[b"straight"] * 4, *acted("blink"), *acted("mouth"))
    judge.gate = asyncio.Event()
    comparing = asyncio.create_task(someone.posts("frame", serial=someone.serial, content=b"straight"))
    await judge.asked.wait()
    for serial in (someone.serial, someone.serial + 1):
        told = (await someone.posts("frame", serial=serial, content=b"straight")).json()
        assert (told["step"], told["ended"]) == ("compare", False)
    # No connection waits in a transaction while somebody outside is asked.
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'"
    assert await someone.house.pool.fetchval(waiting) == 0
    judge.gate.set()
    await comparing
    assert len(judge.shown) == 1
    assert (await someone.client.get(someone.address)).status_code == 303


@pytest.mark.parametrize(
    ("outcome", "first"),
    [
        ("unsure", "再试一次：按提示做动作"),
        ("different", "再试一次：按提示做动作"),
        ("identity_unknown", "核对姓名和证件，或用其他方式办理"),
        ("name_differs", "核对姓名和证件，或用其他方式办理"),
        ("photo_missing", "用其他方式办理"),
        ("photo_unclear", "用其他方式办理"),
    ],
)
async def test_a_comparison_that_says_no_is_told_with_its_remedy_and_what_may_help_comes_first(
    someone: Someone, judge: Judge, outcome: Outcome, first: str
) -> None:
    """A2: another movement cures neither a name nor a photo on record."""
    judge.outcomes = [outcome]
    await someone.starts("camera")
    assert (await someone.shows_everything())["ended"]
    text = await someone.get(someone.address)
    someone.must_be_usable()
    kind = refusals.OUTCOMES[outcome]
    assert kind.title in text
    assert kind.remedy in text
    assert re.findall(r'weui-btn_primary"[^>]*>([^<]+)<', text) == [first]
    assert "再试一次" in text
    assert f'href="/policy?place=510500&amp;again={someone.check_id}"' in text
    with pytest.raises(refusals.FaceNotPassed):
        await someone.spends()


async def test_silence_of_the_bureau_is_asked_again_and_never_a_no(someone: Someone, judge: Judge) -> None:
    judge.outcomes = ["pending", "same"]
    await someone.starts("camera")
    told = await someone.shows_everything()
    assert (told["step"], told["cause"], told["ended"]) == ("look", "pending", False)
    assert (await someone.sees(b"straight"))["ended"]
    await someone.spends()


async def test_lasting_silence_ends_it_without_a_result(someone: Someone, judge: Judge) -> None:
    judge.outcomes = ["pending"]
    await someone.starts("camera")
    await someone.shows_everything()
    assert (await someone.sees(b"straight", b"straight"))["ended"]
    text = await someone.get(someone.address)
    assert "这不是未通过" in text
    assert len(judge.shown) == 3


async def test_a_cause_is_told_while_the_person_tries_and_when_it_ends(someone: Someone) -> None:
    await someone.starts("camera")
    told = await someone.sees(*[b"dark"] * 3)
    assert (told["cause"], told["say"]) == ("too_dark", "当前环境光太暗。请到明亮的地方，让光照在脸上。")
    someone.house.clock.advance(seconds=31)  # type: ignore[attr-defined]
    assert (await someone.sees(b"dark"))["ended"]
    assert "当前环境光太暗" in await someone.get(someone.address)


async def test_what_is_no_picture_is_said_and_the_next_frame_goes_on(someone: Someone) -> None:
    await someone.starts("camera")
    answer = await someone.posts("frame", content=b"not a picture")
    assert (answer.status_code, answer.json()["ended"]) == (422, False)
    assert (await someone.sees(b"straight"))["step"] == "settle"


async def test_photographs_pass_without_a_script(someone: Someone) -> None:
    text = await someone.starts("photos")
    someone.must_be_usable()
    assert "第 1 张，共 4 张：请正对镜头拍一张" in text
    text = await someone.gives(b"dark")
    assert (someone.status, "当前环境光太暗" in text) == (422, True)
    text = await someone.gives(b"not a picture")
    assert (someone.status, refusals.PictureUnreadable.code in text) == (422, True)
    assert "第 2 张，共 4 张：请张大嘴" in await someone.gives(b"straight")
    assert "第 2 张" in await someone.gives(b"straight")
    assert "第 3 张，共 4 张：请把头转向您的左边" in await someone.gives(b"mouth")
    assert "第 4 张，共 4 张" in await someone.gives(b"left")
    await someone.gives(b"straight")
    assert someone.path == f"/policy?place=510500&face={someone.check_id}"
    await someone.spends()


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 30, "٣", "-1", ""], ids=lambda number: number[:3])
async def test_a_number_that_is_none_is_refused(someone: Someone, number: str) -> None:
    await someone.starts("photos")
    given = {"nonce": "n", "serial": number, "_csrf_token": someone.client.cookies["yb_csrf"]}
    photo = await someone.client.post(f"{someone.address}/photo", data=given, files={"photo": ("photo.jpg", b"x")})
    assert photo.status_code == 400
    for path in ("frame", "window"):
        answer = await someone.client.post(
            f"{someone.address}/{path}",
            params={"nonce": "n", "serial": number, "rate": 16000, "lead": 0.4, "sizes": number},
            headers={"x-csrftoken": someone.client.cookies["yb_csrf"]},
            content=b"x",
        )
        assert 400 <= answer.status_code < 500


async def test_a_photograph_may_be_as_large_as_a_camera_makes_it(staged: House, someone: Someone) -> None:
    large = b"straight" + b"\0" * 11_000_000
    staged.booth._eyes._engine.looks[large] = Scripted().looks[b"straight"]  # type: ignore[attr-defined]
    await someone.starts("photos")
    assert "第 2 张" in await someone.gives(large)
    await someone.gives(large + b"\0" * 2_000_000)
    assert someone.status == 413


def spoken(seconds: float = 1.6, *, strength: float = 0.3) -> bytes:
    """Return a voiced sound: a buzz of many harmonics whose pitch moves, as a vowel's does."""
    rate = 16_000
    samples = array.array("h")
    for i in range(int(rate * seconds)):
        t = i / rate
        loud = strength * (0.5 - 0.5 * math.cos(2 * math.pi * (t - 0.7) / 0.5)) if 0.7 <= t <= 1.2 else 0.0
        pitch = 140 + 15 * math.sin(9 * t)
        wave = sum(math.sin(2 * math.pi * pitch * k * t) / k for k in range(1, 16)) / 2.5
        samples.append(int(32767 * max(-1, min(1, loud * wave))))
    return samples.tobytes()


VOICE = spoken()


async def reads(someone: Someone, sound: bytes, frames: Sequence[bytes] = (b"straight", b"mouth")) -> dict[str, Any]:
    someone.house.clock.advance(seconds=2)  # type: ignore[attr-defined]
    answer = await someone.posts(
        "window",
        serial=someone.serial,
        params={"rate": 16000, "lead": 0.4, "sizes": ",".join(str(len(part)) for part in (sound, *frames))},
        content=b"".join((sound, *frames)),
    )
    told: dict[str, Any] = answer.json()
    someone.serial = told["serial"]
    return told


async def test_a_check_passes_by_reading_digits(someone: Someone) -> None:
    text = await someone.starts("digits")
    someone.must_be_usable()
    assert "本系统没有核对" in text  # What is not checked is said.
    told = await someone.sees(*[b"straight"] * 4)
    assert (told["step"], told["digit"]) == ("read", "7")
    told = await reads(someone, b"\0\0" * 25_600)
    assert (told["cause"], told["digit"]) == ("no_sound", "1")
    told = await reads(someone, VOICE, (b"straight", b"straight"))
    assert (told["cause"], told["digit"]) == ("mouth_not_moving", "9")
    for _ in range(4):
        told = await reads(someone, VOICE)
    assert told["step"] == "look"
    assert (await someone.sees(b"straight"))["ended"]
    await someone.spends()


@pytest.mark.parametrize(
    "changed", [{"rate": 1}, {"lead": 7}, {"lead": "nan"}, {"sizes": "3,9"}, {"sizes": "-1,4"}, {"sizes": "x"}], ids=str
)
async def test_a_window_that_is_no_sound_is_refused(someone: Someone, changed: dict[str, Any]) -> None:
    await someone.starts("digits")
    await someone.sees(*[b"straight"] * 4)
    params = {"rate": 16000, "lead": 0.4, "sizes": "4", **changed}
    answer = await someone.posts("window", serial=someone.serial, params=params, content=b"\0\0\0\0")
    assert answer.status_code == 400
    assert (await reads(someone, VOICE))["done"] == 1  # Nothing was lost by it.


async def test_a_check_belongs_to_its_device(someone: Someone) -> None:
    await someone.starts("camera")
    nonce, serial = someone.data("nonce"), int(someone.data("serial"))
    someone.client.cookies.delete("yb_device")
    text = await someone.get(someone.address)
    assert (someone.status, refusals.FaceMissing.code in text) == (403, True)
    answer = await someone.posts("frame", nonce=nonce, serial=serial, content=b"straight")
    assert answer.status_code == 403


async def test_a_check_that_is_given_up_leads_back_without_a_proof(someone: Someone) -> None:
    await someone.starts("camera")
    await someone.sees(b"straight")
    await someone.fill(f"{someone.address}/stop")
    assert someone.path == "/policy?place=510500"
    kept = await someone.house.pool.fetchval("SELECT state FROM face.check WHERE check_id = $1", someone.check_id)
    assert kept is None


async def test_what_was_measured_in_a_check_that_was_left_is_forgotten(someone: Someone) -> None:
    await someone.starts("camera")
    await someone.sees(b"straight")
    left = someone.check_id
    someone.house.clock.advance(seconds=31 * 60)  # type: ignore[attr-defined]
    assert refusals.CheckEnded.code in await someone.get(someone.address)
    someone.client.cookies.clear()
    await someone.starts("camera")
    assert await someone.house.pool.fetchval("SELECT state FROM face.check WHERE check_id = $1", left) is None
    someone.house.clock.advance(seconds=24 * 3600)  # type: ignore[attr-defined]
    await someone.starts("camera")
    assert await someone.house.pool.fetchval("SELECT count(*) FROM face.check WHERE check_id = $1", left) == 0


async def test_tries_are_forgotten_after_a_day_and_a_known_device_with_its_mark(
    someone: Someone, judge: Judge, clock: WorldClock
) -> None:
    async def kept() -> list[str | None]:
        rows = await someone.house.pool.fetch("SELECT outcome FROM face.attempt WHERE device = $1", browser)
        return sorted(row["outcome"] or "open" for row in rows)

    judge.outcomes = ["different", "same"]
    for _ in range(2):
        await someone.starts("camera")
        vars(someone).pop("serial", None)
        await someone.shows_everything()
    browser = gm.sm3(someone.device.encode())
    assert await kept() == ["different", "passed"]
    for days, left in ((1, ["passed"]), (398, ["passed"]), (1, [])):
        clock.advance(days=days, minutes=1)
        await begun(someone.house, Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}"))
        assert await kept() == left


async def test_a_device_has_ten_tries_an_hour(someone: Someone) -> None:
    await someone.starts("camera")
    for _ in range(booth.DEVICE_TRIES_MAX - 1):
        await someone.fill(f"{someone.address}/start", mode="photos")
        await someone.fill(f"{someone.address}/stop")
        await someone.get(someone.address)
    text = await someone.fill(f"{someone.address}/start", mode="camera")
    assert (someone.status, refusals.TooManyTries.code in text) == (429, True)
    someone.must_be_usable()
    someone.house.clock.advance(seconds=3600)  # type: ignore[attr-defined]
    await someone.starts("camera")
    assert someone.status == 200


async def test_challenges_that_begin_at_once_on_a_device_are_counted_one_after_the_other(staged: House) -> None:
    """Each is of another check and of another certificate, so that nothing but the device holds them back."""
    device, at = f"browser:{secrets.token_hex(8)}", staged.clock()
    checks = [
        await agreed(staged, Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}"), device=device)
        for _ in range(15)
    ]
    ended = await asyncio.gather(
        *(staged.booth.start(check_id, mode="camera", device=device, at=at) for check_id in checks),
        return_exceptions=True,
    )
    assert sum(each is None for each in ended) == booth.DEVICE_TRIES_MAX
    assert sum(isinstance(each, refusals.TooManyTries) for each in ended) == 5


async def test_strangers_are_stopped_and_do_not_lock_the_owner_out(someone: Someone, judge: Judge) -> None:
    await someone.starts("camera")
    await someone.shows_everything()
    await someone.spends()
    own, subject = dict(someone.client.cookies), someone.subject
    judge.outcomes = ["different"]
    for _ in range(booth.STRANGERS_MAX):
        someone.client.cookies.clear()
        del someone.serial
        await someone.starts("camera", subject=subject)
        await someone.shows_everything()
    someone.client.cookies.clear()
    text = await someone.starts("camera", subject=subject)
    assert (someone.status, refusals.TooManyStrangers.code in text) == (429, True)
    await someone.starts("camera")  # Somebody else's certificate on that device is not concerned.
    assert someone.status == 200
    someone.client.cookies.clear()
    for name, value in own.items():
        someone.client.cookies.set(name, value)
    await someone.starts("camera", subject=subject)
    assert someone.status == 200


async def agreed(house: House, subject: Subject, *, device: str, purpose: Purpose = "reset_login") -> str:
    """Begin a check to which the person has agreed, and return it."""
    at = house.clock()
    async with transaction(house.pool) as tx:
        check_id = await begin(tx, house.vault, purpose=purpose, subject=subject, device=device, back="/", at=at)
    await house.booth.consent(check_id, device=device, at=at)
    return check_id


async def begun(house: House, subject: Subject, *, mode: Mode = "camera") -> tuple[str, str]:
    """Begin a challenge on a device that nobody has seen, and return the check and the device."""
    device = f"browser:{secrets.token_hex(8)}"
    check_id = await agreed(house, subject, device=device)
    await house.booth.start(check_id, mode=mode, device=device, at=house.clock())
    return check_id, device


async def test_challenges_side_by_side_are_not_more_answers_than_one_after_the_other(
    staged: House, clock: WorldClock
) -> None:
    subject = Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}")
    ended = await asyncio.gather(*(begun(staged, subject) for _ in range(15)), return_exceptions=True)
    open_ones = [each for each in ended if isinstance(each, tuple)]
    assert len(open_ones) == booth.STRANGERS_MAX
    assert sum(isinstance(each, refusals.TooManyStrangers) for each in ended) == 5
    check_id, device = open_ones[0]
    await staged.booth.stop(check_id, device=device, at=clock())
    await begun(staged, subject)  # What ended without a comparison gives its place back,
    with pytest.raises(refusals.TooManyStrangers):
        await begun(staged, subject)
    clock.advance(minutes=30)
    await begun(staged, subject)  # and what can no longer come to one.


@pytest.mark.parametrize("outcome", [each for part in get_args(Outcome) for each in get_args(part)])
async def test_every_answer_about_a_certificate_counts_on_strange_devices(
    staged: House, clock: WorldClock, outcome: str
) -> None:
    subject = Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}")
    for _ in range(booth.STRANGERS_MAX):
        check_id, device = await begun(staged, subject)
        state = (await staged.booth.check(check_id, device=device, at=clock())).state
        assert state is not None
        async with transaction(staged.pool) as tx:
            told = "passed" if outcome == "same" else outcome
            await store.end_attempt(tx, check_id=check_id, nonce=state.nonce, outcome=told, at=clock())
    clock.advance(hours=23)
    if outcome in ("same", "pending"):
        await begun(staged, subject)
    else:
        with pytest.raises(refusals.TooManyStrangers):
            await begun(staged, subject)


async def test_where_no_bureau_is_connected_it_is_said_before_the_camera_opens(
    whole_house: House, clock: WorldClock
) -> None:
    transport = httpx.ASGITransport(entrance(whole_house))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        someone = Someone(client, whole_house)
        text = await someone.starts("camera")
    assert (someone.status, refusals.PoliceNotConnected.code in text) == (503, True)


async def test_too_many_frames_at_once_are_turned_away(someone: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yibao.face.eyes.WAITING_MAX", 0)
    await someone.starts("camera")
    answer = await someone.posts("frame", content=b"straight")
    assert (answer.status_code, answer.json()["cause"], answer.json()["ended"]) == (503, "too_busy", False)


class Slow(Scripted):
    """An engine that looks at nothing before it may, and remembers at what."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []
        self.may = threading.Event()

    def look(self, picture: bytes) -> Look:
        self.seen.append(picture)
        assert self.may.wait(30)
        return super().look(picture)


@pytest.fixture
def slow(staged: House, monkeypatch: pytest.MonkeyPatch) -> Slow:
    engine = Slow()
    monkeypatch.setattr(staged.booth, "_eyes", Eyes(engine))
    return engine


async def until_seen(slow: Slow, count: int) -> None:
    async with asyncio.timeout(10):
        while len(slow.seen) < count:  # noqa: ASYNC110 - it is a thread that is waited for.
            await asyncio.sleep(0.01)


async def test_many_photographs_for_one_number_are_looked_at_once(staged: House, slow: Slow) -> None:
    check_id, device = await begun(staged, Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}"), mode="photos")
    check = await staged.booth.check(check_id, device=device, at=staged.clock())
    assert check.state is not None
    given: dict[str, Any] = {"nonce": check.state.nonce, "serial": check.serial, "device": device, "patient": True}
    flood = [
        asyncio.create_task(staged.booth.frame(check_id, picture=b"straight", at=staged.clock(), **given))
        for _ in range(60)
    ]
    await until_seen(slow, 1)
    slow.may.set()
    assert {after.serial for after in await asyncio.gather(*flood)} == {check.serial + 1}
    assert slow.seen == [b"straight"]


async def test_photographs_do_not_keep_the_cameras_waiting(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yibao.face.eyes.PATIENT_MAX", 12)
    eyes = Eyes(slow)
    photos = [asyncio.create_task(eyes.look_patiently(b"left")) for _ in range(12)]
    await until_seen(slow, 1)
    with pytest.raises(refusals.TooBusy):
        await eyes.look_patiently(b"left")
    frame = asyncio.create_task(eyes.look(b"straight"))
    await until_seen(slow, 2)
    assert slow.seen == [b"left", b"straight"]
    slow.may.set()
    await asyncio.gather(frame, *photos)


async def test_a_photograph_for_which_there_is_no_place_is_asked_for_again(
    someone: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await someone.starts("photos")
    with monkeypatch.context() as full:
        full.setattr("yibao.face.eyes.PATIENT_MAX", 0)
        text = await someone.gives(b"straight")
        assert (someone.status, refusals.TooBusy.code in text) == (503, True)
        someone.must_be_usable()
    assert "第 2 张" in await someone.gives(b"straight")


async def test_a_check_lasts_half_an_hour(someone: Someone, clock: WorldClock) -> None:
    await someone.wants_a_check()
    clock.advance(minutes=29)
    await someone.get(someone.address)
    assert someone.status == 200
    clock.at += timedelta(minutes=1)
    assert refusals.CheckEnded.code in await someone.get(someone.address)


# On a till, which is turned round to whoever stands before it.


async def test_on_a_till_it_is_said_who_asks_and_nothing_leads_to_the_pages_of_a_phone(
    someone: Someone, judge: Judge
) -> None:
    """B5."""
    judge.outcomes = ["different"]

    def must_stay(text: str) -> None:
        assert "由收款台发起" in text
        assert "医*川" in text
        assert someone.subject.name not in text
        assert someone.subject.cert_no not in text
        links = re.findall(r'href="([^"#]*)"', text.partition("<body")[2])
        assert {link.partition("?")[0] for link in links} <= {"/till/identify/face", ""}

    must_stay(await someone.wants_a_check(purpose="till", back="/till/identify/face"))
    assert "定点机构刷脸" in someone.text
    must_stay(await someone.fill(f"{someone.address}/consent", agreed="1"))
    must_stay(await someone.fill(f"{someone.address}/start", mode="photos"))
    for picture in (b"straight", [*acted("mouth")][-1], [*acted("left")][-1], b"straight"):
        await someone.gives(picture)
    must_stay(someone.text)
    assert refusals.Different.code in someone.text
    must_stay(await someone.fill(f"{someone.address}/start", mode="camera"))


async def test_a_check_whose_time_is_over_leads_back_to_its_till(someone: Someone, clock: WorldClock) -> None:
    await someone.wants_a_check(purpose="till", back="/till/identify/face")
    clock.advance(minutes=30)
    answer = await someone.client.get(someone.address, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/till/identify/face?face={someone.check_id}")


async def at_till(house: House, subject: Subject, *, device: str, outcome: str) -> None:
    """Begin a challenge on a till, and end it."""
    check_id = await agreed(house, subject, device=device, purpose="till")
    await house.booth.start(check_id, mode="camera", device=device, at=house.clock())
    state = (await house.booth.check(check_id, device=device, at=house.clock())).state
    assert state is not None
    async with transaction(house.pool) as tx:
        await store.end_attempt(tx, check_id=check_id, nonce=state.nonce, outcome=outcome, at=house.clock())


async def test_a_till_locks_no_phone_and_phones_lock_no_till(staged: House) -> None:
    """Ten answers a day of tills, ten of strange phones: a stranger's till is no way to keep somebody's phone out."""
    subject = Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}")
    till = f"browser:{secrets.token_hex(8)}"
    for _ in range(booth.STRANGERS_MAX):
        await at_till(staged, subject, device=till, outcome="different")
    with pytest.raises(refusals.TooManyAtTills):
        await at_till(staged, subject, device=f"browser:{secrets.token_hex(8)}", outcome="different")
    await begun(staged, subject)

    other = Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}")
    for _ in range(booth.STRANGERS_MAX):
        await begun(staged, other)
    with pytest.raises(refusals.TooManyStrangers):
        await begun(staged, other)
    await at_till(staged, other, device=till, outcome="left")


async def test_a_till_is_known_to_nobody_however_often_it_saw_them(someone: Someone, judge: Judge) -> None:
    """Everybody stands before it, so a pass there opens it to nobody, and is forgotten with the day."""
    await someone.wants_a_check(purpose="till", back="/policy?place=510500")
    await someone.fill(f"{someone.address}/consent", agreed="1")
    await someone.fill(f"{someone.address}/start", mode="camera")
    await someone.shows_everything()
    noted = await someone.house.pool.fetchval("SELECT outcome FROM face.attempt WHERE check_id = $1", someone.check_id)
    assert noted == "passed_at_till"
    [kept] = await attempts_of(someone.house.pool, someone.house.vault, cert_no=someone.subject.cert_no)
    assert OUTCOME_NAMES[kept.outcome or ""] == "在收款台通过", "the person takes it away with everything else"
    for _ in range(booth.STRANGERS_MAX):
        await at_till(someone.house, someone.subject, device=someone.device, outcome="different")
    with pytest.raises(refusals.TooManyAtTills):
        await at_till(someone.house, someone.subject, device=someone.device, outcome="different")


async def test_a_till_sees_sixty_faces_an_hour(staged: House) -> None:
    till = f"browser:{secrets.token_hex(8)}"

    def somebody() -> Subject:
        return Subject("医小川", "01", f"99010119580315{next(NUMBERS):04}")

    for _ in range(booth.TILL_TRIES_MAX):
        await at_till(staged, somebody(), device=till, outcome="passed_at_till")
    with pytest.raises(refusals.TooManyTries) as refused:
        await at_till(staged, somebody(), device=till, outcome="passed_at_till")
    assert "60" in refused.value.detail_text
