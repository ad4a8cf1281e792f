"""Who acts in the journeys: a person with a phone, a cashier at a till, the police bureau. Each waits on a page."""

import os
import re
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.async_api import BrowserContext, Page, expect

from tests.journeys.browser import PHONE, TILL, Browser, Device
from tests.journeys.town import Town
from yibao.face.challenge import Action, Draw, Drawing, Mode
from yibao.sandbox import world

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LOGIN_PASSWORD = "guizhen2026"
PIN = "258036"
CASHIER = "P51050000001-01"
DRUG = "苯磺酸氨氯地平片"
OUTSIDE = "地喹氯铵含片"
SLOW = 60_000  # Two cores look at the film, draw it and answer; a slower machine must not fail for that.
CHECK = re.compile(r"/face/[0-9a-f]{32}$")


async def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Save what the page shows into docs/pictures; only `make pictures` asks for it, so that tests leave no trace."""
    if os.environ.get("YIBAO_PICTURES") == "1":
        PICTURES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def asking(*movements: Action) -> Drawing:
    """Return a draw that asks for these movements in every round."""

    def draw(mode: Mode) -> Draw:
        return Draw((movements,) * 3, "71938264")

    return draw


async def goes_before_the_camera(page: Page) -> None:
    """Agree to the check to which the page was led, and begin it; the film does the rest."""
    await page.wait_for_url(CHECK)
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="同意，继续", exact=True).click()
    await page.get_by_role("button", name="开始人脸识别", exact=True).click()


async def shows_the_face(page: Page) -> None:
    """Pass the check, and be led back to the page that wanted it."""
    await goes_before_the_camera(page)
    await page.wait_for_url(lambda url: CHECK.search(url) is None, timeout=SLOW)


class Citizen:
    """One of the town's people with a phone of their own."""

    def __init__(self, town: Town, person: world.Person, context: BrowserContext, page: Page) -> None:
        self.town = town
        self.person = person
        self.context = context
        self.page = page

    @classmethod
    async def arrives(
        cls, browser: Browser, town: Town, who: str | world.Person, *, device: Device = PHONE, script: bool = True
    ) -> Self:
        """Give a phone to somebody, named by their role or found among the town's people."""
        context = await browser.context(device, base_url=town.address, script=script)
        person = town.world.cast(who) if isinstance(who, str) else who
        return cls(town, person, context, await context.new_page())

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def hears(self, text: str) -> None:
        """Look at the messages until the worker has brought one that says `text`."""
        for _ in range(40):
            await self.page.goto("/messages")
            if text in await self.page.get_by_role("main").inner_text():
                return
            await self.page.wait_for_timeout(100)
        raise AssertionError(f"no message says {text}")

    async def registers(self) -> None:
        await self.page.goto("/register")
        await self.page.get_by_label("手机号", exact=True).fill(self.person.phone)
        await self.press("获取验证码")
        await self.page.get_by_label("短信验证码", exact=True).fill(await self.town.sms_code(self.person.phone))
        await self.page.get_by_label("设置登录密码", exact=True).fill(LOGIN_PASSWORD)
        await self.press("注册")
        await expect(self.page).to_have_url(f"{self.town.address}/me/real-name?next=%2F")

    async def signs_in(self) -> None:
        await self.page.goto("/login")
        await self.page.get_by_label("手机号", exact=True).fill(self.person.phone)
        await self.page.get_by_label("登录密码", exact=True).fill(LOGIN_PASSWORD)
        await self.press("登录")
        await expect(self.page.get_by_role("link", name="医保码").first).to_be_visible()

    async def proves_the_real_name(self, *, name: str | None = None) -> None:
        assert self.person.bank_card
        await self.page.goto("/me/real-name/bank?next=/code")
        await self.says_who("", self.person)
        await self.page.get_by_label("姓名", exact=True).fill(name or self.person.name)
        await self.page.get_by_label("银行卡号", exact=True).fill(self.person.bank_card)
        await self.page.get_by_label("银行预留手机号", exact=True).fill(self.person.bank_phone)
        await self.page.get_by_role("checkbox").check()
        await self.press("提交认证")

    async def proves_the_real_name_by_face(self) -> None:
        await self.page.goto("/me/real-name?next=/code")
        await self.page.get_by_role("link", name="电子社保卡人脸识别").click()
        await self.says_who("", self.person)
        await self.press("下一步：人脸识别")
        await shows_the_face(self.page)

    async def says_who(self, whose: str, person: world.Person) -> None:
        """Fill in the name and the certificate of somebody; the form says whose they are."""
        await self.page.get_by_label(f"{whose}姓名", exact=True).fill(person.name)
        await self.page.get_by_label(f"{whose}证件类型", exact=True).select_option(person.cert_type)
        await self.page.get_by_label(f"{whose}证件号码", exact=True).fill(person.cert_no)

    async def binds(self) -> None:
        assert self.person.card
        await self.page.goto("/me/bind?next=/code")
        await self.page.get_by_label("社会保障卡卡号", exact=True).fill(self.person.card.card_no)
        await self.page.get_by_label("设置交易密码", exact=True).fill(PIN)
        await self.page.get_by_label("再次输入交易密码", exact=True).fill(PIN)
        await self.press("绑定")

    async def activates(self) -> None:
        await self.page.goto("/code/activate?next=/code")
        await self.page.get_by_role("radio").first.check()
        await self.page.get_by_role("checkbox", name="我已阅读并同意").check()
        await self.press("激活")
        await expect(self.page.locator("#code-digits")).to_be_visible()

    async def is_ready(self) -> None:
        """Go from nothing to a live code."""
        await self.registers()
        await self.proves_the_real_name()
        await expect(self.page.get_by_text("已通过实名认证")).to_be_visible()
        await self.binds()
        await self.activates()

    async def code(self) -> str:
        """Return the digits on a fresh code page."""
        await self.page.goto("/code")
        shown = await self.page.locator("#code-digits").inner_text()
        return "".join(shown.split())

    async def confirms(self, *, pin: str = PIN) -> None:
        await self.page.goto("/bills")
        await self.page.locator(".list a").first.click()
        await self.page.get_by_label("交易密码", exact=True).fill(pin)
        await self.press("确认支付")


class Cashier:
    """The cashier of a pharmacy in Luzhou."""

    def __init__(self, town: Town, context: BrowserContext, page: Page) -> None:
        self.town = town
        self.context = context
        self.page = page

    @classmethod
    async def arrives(cls, browser: Browser, town: Town, *, login: str = CASHIER) -> "Cashier":
        context = await browser.context(TILL, base_url=town.address)
        cashier = cls(town, context, await context.new_page())
        await cashier.page.goto("/till")
        await cashier.page.get_by_label("工号", exact=True).fill(login)
        await cashier.page.get_by_label("密码", exact=True).fill(world.DEMO_PASSWORD)
        await cashier.press("登录")
        await expect(cashier.page.get_by_label("医保码", exact=True)).to_be_visible()
        return cashier

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def scans(self, code: str) -> None:
        """Read a code with a scanner gun: keys that fall within a blink, wherever the cursor is, and Enter."""
        await self.page.goto("/till")
        await self.page.locator("body").evaluate("() => document.activeElement && document.activeElement.blur()")
        await self.page.keyboard.type(code)
        await self.page.keyboard.press("Enter")

    async def types(self, code: str) -> None:
        await self.page.goto("/till")
        await self.page.get_by_label("医保码", exact=True).fill(code)
        await self.page.keyboard.press("Enter")

    async def adds(self, text: str, quantity: str) -> None:
        """Find an item by name, pinyin initials or code and put it into the basket."""
        await self.page.get_by_label("名称、拼音首字母或医保编码", exact=True).fill(text)
        await self.press("查找")
        row = self.page.get_by_role("textbox", name="的数量").first
        await row.fill(quantity)
        await self.press_first("加入")

    async def press_first(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def rings_up(self) -> None:
        """Enter the published purchase: 420.00, of which 400.00 are in scope."""
        await self.adds(DRUG, "2")
        await self.adds(OUTSIDE, "1")

    async def next_please(self) -> None:
        await self.press("下一位")
        await expect(self.page.get_by_label("医保码", exact=True)).to_be_visible()


class Bureau:
    """The sandbox's police bureau, as a developer uses it."""

    def __init__(self, town: Town) -> None:
        self._address = town.sandbox

    async def has(self, cert_no: str, photo: bytes) -> None:
        await self._put(f"/police/photos/{cert_no}", content=photo)

    async def turns(self, mode: str) -> None:
        await self._put("/switches/police", json={"mode": mode})

    async def _put(self, path: str, **sent: Any) -> None:
        async with httpx.AsyncClient(base_url=self._address, trust_env=False) as client:
            (await client.put(path, **sent)).raise_for_status()
