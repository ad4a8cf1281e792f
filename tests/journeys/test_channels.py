"""From a channel's menu to a live code, before a real camera: WeChat, Alipay, and a phone that is lost (B1, B2, B6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect

from tests.journeys import faces
from tests.journeys.browser import PHONE, SMALL_PHONE, Browser, Device, launch
from tests.journeys.cast import (
    CASHIER,
    PIN,
    SLOW,
    Bureau,
    Cashier,
    asking,
    goes_before_the_camera,
    shows_the_face,
)
from tests.journeys.town import Town
from yibao.face import refusals
from yibao.sandbox import world

MINUTES = 2  # What the announcements promise.


class User:
    """Somebody who is signed in to a channel on a phone of their own."""

    def __init__(self, town: Town, person: world.Person, page: Page) -> None:
        self.town = town
        self.person = person
        self.page = page

    async def opens(self, channel: str, way: str, *, named: bool = True) -> None:
        """Choose a menu entry on the channel's page, by the whole way to it."""
        query = f"who={self.person.phone}&named={int(named)}&card=1"
        await self.page.goto(f"{self.town.sandbox}/channels/{channel}?{query}")
        await self.page.get_by_role("link").filter(has_text=way).first.click()

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def begins(self, *, place: str) -> None:
        await expect(self.page.get_by_text("1 选择参保地")).to_be_visible()
        await self.page.get_by_label("选择参保地").select_option(place)
        await self.page.get_by_role("checkbox", name="我已阅读并同意").check()
        await self.press("同意协议并激活")
        await expect(self.page.get_by_text("2 人脸识别")).to_be_visible()

    async def says_who(self, person: world.Person) -> None:
        await self.page.get_by_label("姓名", exact=True).fill(person.name)
        await self.page.get_by_label("证件号码", exact=True).fill(person.cert_no)
        await self.press("下一步：人脸识别")

    async def confirms(self, *, new: bool = True) -> None:
        await expect(self.page.get_by_text("3 确认信息")).to_be_visible()
        if new:
            await self.page.get_by_label("设置交易密码", exact=True).fill(PIN)
            await self.page.get_by_label("再次输入交易密码", exact=True).fill(PIN)
        else:
            await expect(self.page.get_by_text("您已设过交易密码，各渠道通用")).to_be_visible()
        await self.press("确认并激活")
        await expect(self.page.get_by_text("医保码已激活")).to_be_visible()

    async def activates(self, *, place: str, new: bool = True) -> None:
        """Take all four steps; whoever is known from another channel has a transaction password already."""
        await self.begins(place=place)
        name = self.person.name
        await expect(self.page.get_by_role("main")).to_contain_text(f"{name[0]}*{name[-1]}")
        await self.press("下一步：人脸识别")
        await shows_the_face(self.page)
        await self.confirms(new=new)

    async def code(self) -> str:
        await self.page.goto(f"{self.town.address}/code")
        return "".join((await self.page.locator("#code-digits").inner_text()).split())


@asynccontextmanager
async def phone(browser: Browser, town: Town, role: str, device: Device = PHONE) -> AsyncIterator[User]:
    """Give somebody a phone with a camera, and the police bureau their photo."""
    person = town.world.cast(role)
    town.house.booth.draw = asking(*faces.ACTS)
    await Bureau(town).has(person.cert_no, faces.jpeg(faces.straight()))
    context = await browser.context(device)
    try:
        yield User(town, person, await context.new_page())
    finally:
        await context.close()


async def test_four_steps_in_wechat_and_a_phone_lost_in_alipay(a_town: Town, film: Path) -> None:
    async with (
        launch(camera=film) as browser,
        phone(browser, a_town, "luzhou_retired") as wechat,
        phone(browser, a_town, "luzhou_retired", SMALL_PHONE) as alipay,
    ):
        began = a_town.clock()
        await wechat.opens("wechat", "我的医保电子凭证 › 去激活")
        await wechat.activates(place="泸州市")
        assert (a_town.clock() - began).total_seconds() < MINUTES * 60
        await wechat.page.get_by_role("link", name="查看医保码").first.click()
        await expect(wechat.page.locator("#code")).to_contain_text("微信")
        await expect(wechat.page.get_by_role("link", name="返回微信")).to_be_visible()

        # Known by real name and face on another phone, in another channel: one person, one code.
        await alipay.opens("alipay", "市民中心 › 医保 › 医保电子凭证 › 同意协议并激活")
        await alipay.activates(place="四川省（省直或不清楚）", new=False)
        width = await alipay.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SMALL_PHONE.width
        assert await a_town.house.pool.fetchval("SELECT count(*) FROM credential.holder") == 1
        cashier = await Cashier.arrives(browser, a_town, login=CASHIER)
        for each in (wechat, alipay):
            await cashier.types(await each.code())
            await expect(cashier.page.get_by_label("参保人", exact=True)).to_contain_text("医*川")
            await cashier.press("取消本次，换下一位")

        # That phone is lost, with a code on its screen: unbound from the first one, it is refused from that moment.
        lost = await alipay.code()
        await wechat.page.goto(f"{a_town.address}/me/channels")
        await wechat.page.get_by_role("link", name="支付宝 2026").click()
        await wechat.page.get_by_label("交易密码", exact=True).fill(PIN)
        await wechat.press("解绑")
        await expect(wechat.page.get_by_text("已解绑")).to_be_visible()
        await cashier.types(lost)
        await expect(cashier.page.get_by_text("这部手机上的医保码已解绑").first).to_be_visible()
        await cashier.types(await wechat.code())
        await expect(cashier.page.get_by_label("名称、拼音首字母或医保编码", exact=True)).to_be_visible()


async def test_whoever_has_no_real_name_in_the_channel_is_led_through_and_back(a_town: Town, film: Path) -> None:
    """A11, B17: the bill that was wanted comes after the code, and nobody's code but one's own can be had here."""
    async with launch(camera=film) as browser, phone(browser, a_town, "no_card") as user:
        await user.opens("nantong", "医保服务 › 待缴费", named=False)
        await user.begins(place="滁州市")

        # Somebody else's certificate, and the face is not theirs.
        other = a_town.world.cast("luzhou_retired")
        await Bureau(a_town).has(other.cert_no, faces.jpeg(faces.straight(faces.HOPPER)))
        await user.says_who(other)
        await goes_before_the_camera(user.page)
        await expect(user.page.get_by_text(refusals.Different.code, exact=True)).to_be_visible(timeout=SLOW)
        await user.page.get_by_role("link", name="用其他方式办理").click()
        await expect(user.page.get_by_role("link", name="添加亲情账户")).to_be_visible()

        await user.says_who(user.person)
        await shows_the_face(user.page)
        await user.confirms()
        await user.page.get_by_role("link", name="回到刚才的页面").click()
        await expect(user.page).to_have_url(f"{a_town.address}/bills")

        # Whoever comes to activate for a relative is told where that is done.
        await user.opens("nantong", "公众号菜单 › 医保电子凭证激活")
        await user.page.get_by_role("checkbox", name="我已阅读并同意").check()
        await user.press("同意协议并激活")
        await user.page.get_by_label("家人（父母、子女等）").check()
        await user.press("下一步：人脸识别")
        await expect(user.page.get_by_role("alert")).to_contain_text("这里只能激活您本人的医保码")
        await user.page.get_by_role("link", name="添加亲情账户").click()
        await user.page.get_by_role("link", name="添加我的家庭成员").click()
        await expect(user.page.get_by_text("请选择绑定方式")).to_be_visible()
