"""An operator's phone shows the unit's code and a desk is signed in; no kind of code passes for the other (B3)."""

from playwright.async_api import expect

from tests.journeys.browser import TILL, launch
from tests.journeys.cast import Cashier, Citizen
from tests.journeys.town import Town


async def test_a_unit_signs_in_and_each_code_is_refused_in_the_others_place(a_town: Town) -> None:
    async with launch() as browser:
        operator = await Citizen.arrives(browser, a_town, "luzhou_employed")
        await operator.is_ready()
        await operator.page.goto("/unit-code")
        await operator.page.get_by_role("checkbox").check()
        await operator.press("激活单位码")
        digits = operator.page.locator("#code-digits")
        await expect(digits).to_be_visible()
        shown = await digits.inner_text()
        first = "".join(shown.split())

        desk = await (await browser.context(TILL, base_url=a_town.address)).new_page()
        await desk.goto("/unit")
        await desk.get_by_label("单位码", exact=True).fill(shown)
        await desk.keyboard.press("Enter")
        await expect(desk.get_by_role("heading", name="泸州示例实业有限公司")).to_be_visible()
        await desk.get_by_role("link", name="查看名单").click()
        await expect(desk.get_by_text("保*安")).to_be_visible()

        await operator.page.locator("#code-refresh").click()
        await expect(digits).not_to_have_text(shown)
        second = "".join((await digits.inner_text()).split())
        cashier = await Cashier.arrives(browser, a_town)
        await cashier.types(second)
        await expect(cashier.page.get_by_role("alert")).to_contain_text("这是单位码")

        other = await (await browser.context(TILL, base_url=a_town.address)).new_page()
        await other.goto("/unit/login")
        await other.get_by_label("单位码", exact=True).fill(await operator.code())
        await other.keyboard.press("Enter")
        await expect(other.get_by_role("alert")).to_contain_text("这是个人医保码")
        await other.get_by_label("单位码", exact=True).fill(first)
        await other.keyboard.press("Enter")
        await expect(other.get_by_role("alert")).to_contain_text("单位码已使用过")
        await operator.hears("单位码登录")
