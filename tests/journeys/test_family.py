"""A child's code on its mother's phone, and a grandmother's on her grandson's for once (B9, B10, B11)."""

from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.journeys import faces
from tests.journeys.browser import launch
from tests.journeys.cast import DRUG, PIN, SLOW, Bureau, Cashier, Citizen, asking, shows_the_face
from tests.journeys.test_first_settlement import assert_sound
from tests.journeys.town import Town
from yibao.sandbox.world import families

CLINIC = "H32068200001-01"


class Relative(Citizen):
    """Somebody who shows the code of one of the family."""

    async def has_bound(self) -> None:
        await self.registers()
        await self.proves_the_real_name()
        await expect(self.page.get_by_text("已通过实名认证")).to_be_visible()
        await self.binds()

    async def chooses(self, way: str) -> None:
        await self.page.goto("/me")
        await self.page.get_by_role("link", name="我的家庭成员").click()
        await self.page.get_by_role("link", name="添加我的家庭成员").click()
        await self.page.get_by_role("link", name=way).click()

    async def uploads(self, *names: str) -> None:
        """Send papers that the sandbox's start page offers, by their names there."""
        field = self.page.get_by_label("证件照片").or_(self.page.get_by_label("重新上传"))
        await field.set_input_files([await self._paper(name) for name in names])

    async def _paper(self, name: str) -> Any:
        shelf = await self.context.new_page()
        await shelf.goto(self.town.sandbox)
        link = await shelf.get_by_role("link", name=name).get_attribute("href")
        answer = await shelf.request.get(f"{self.town.sandbox}{link}")
        await shelf.close()
        return {"name": f"{name}.png", "mimeType": "image/png", "buffer": await answer.body()}

    async def members_code(self) -> str:
        """Open the only member's code from 管理亲情账户 and return its digits."""
        await self.page.goto("/family")
        await self.page.get_by_role("link", name="出示医保码").click()
        return "".join((await self.page.locator("#code-digits").inner_text()).split())


async def test_a_mother_shows_her_babys_code_at_the_hospital(a_town: Town) -> None:
    household = families.HOUSEHOLDS[1]
    parent, baby = a_town.world.people[household.spouse], a_town.world.people[household.children[-1]]
    async with launch() as browser:
        mother = await Relative.arrives(browser, a_town, parent)
        await mother.has_bound()
        await mother.chooses("为孩子申请")
        await mother.says_who("孩子", baby)
        await mother.page.get_by_role("checkbox").check()

        # The page of the baby alone proves nobody's motherhood.
        await mother.uploads(f"户口簿 {baby.name}")
        await mother.press("添加账户")
        main = mother.page.get_by_role("main")
        await expect(main).to_contain_text("没有找到您本人", timeout=SLOW)

        # The certificate of birth names both: it is read, it agrees, and the code is there.
        await mother.uploads(f"出生医学证明 {baby.name}")
        await mother.press("重新上传")
        await expect(main).to_contain_text("已通过", timeout=SLOW)
        await mother.hears("儿童码申请已通过")

        cashier = await Cashier.arrives(browser, a_town, login=CLINIC)
        await cashier.types(await mother.members_code())
        await expect(mother.page.get_by_role("heading", name="儿童医保电子码")).to_be_visible()
        card = cashier.page.get_by_label("参保人", exact=True)
        await expect(card).to_contain_text(f"{baby.name[0]}*{baby.name[-1]}")
        await cashier.adds(DRUG, "10")
        await cashier.press("发送到手机确认")
        await expect(cashier.page.get_by_text("等待出示的家人确认").first).to_be_visible()
        await mother.hears("待缴费")
        await mother.confirms()
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        await mother.hears("孩子的医保结算")
        await assert_sound(a_town)


async def test_a_grandson_shows_his_grandmothers_code_once(a_town: Town, tmp_path: Path) -> None:
    film = faces.turning_film(tmp_path / "grandmother.mjpeg", name=faces.HOPPER)
    a_town.house.booth.draw = asking(*faces.ACTS)
    async with launch(camera=film) as browser:
        grandson = await Relative.arrives(browser, a_town, "ends_in_x")
        grandmother = await Citizen.arrives(browser, a_town, "luzhou_retired_exact")
        await Bureau(a_town).has(grandson.person.cert_no, faces.jpeg(faces.straight()))
        await Bureau(a_town).has(grandmother.person.cert_no, faces.jpeg(faces.straight(faces.HOPPER)))
        await grandson.has_bound()

        # She stands before his phone, and it is she who decides for how long.
        await grandson.chooses("家人在身边，刷脸添加")
        await grandson.page.get_by_label("对方是我的").select_option("其他家庭成员")
        await grandson.says_who("家人", grandmother.person)
        await grandson.page.get_by_role("checkbox").check()
        await grandson.press("下一步：家人刷脸")
        await shows_the_face(grandson.page)
        await grandson.press("只在 30 分钟内")
        await expect(grandson.page.locator("#code-digits")).to_be_visible()

        # At a pharmacy her account pays, and his password lets it.
        cashier = await Cashier.arrives(browser, a_town)
        await cashier.types(await grandson.members_code())
        await cashier.rings_up()
        await cashier.page.get_by_label("请出示的家人在本机输入其交易密码", exact=True).fill(PIN)
        await cashier.press("输入密码结算")
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        await cashier.next_please()

        # Removed on his phone: the code that it still shows is refused from that moment.
        left = await grandson.members_code()
        await grandson.press("移除该成员")
        await expect(grandson.page.get_by_role("heading", name="移除家庭成员")).to_be_visible()
        await grandson.press("移除")
        await expect(grandson.page.get_by_text("已移除，这个亲情账户里的医保码立即失效")).to_be_visible()
        await cashier.types(left)
        await expect(cashier.page.get_by_role("alert")).to_contain_text("已解绑")

        # She was never bound there: on a phone of her own she begins as anybody does, and finds what was done for her.
        await grandmother.is_ready()
        for told in ("家人可以出示您的医保码", "家人出示了您的医保码", "结算成功"):
            await grandmother.hears(told)
        await grandmother.page.goto("/family")
        await expect(grandmother.page.get_by_text("没有别人可以出示您的医保码")).to_be_visible()
        await grandmother.page.goto("/account")
        await expect(grandmother.page.get_by_role("main")).to_contain_text("245.00")
        await assert_sound(a_town)
