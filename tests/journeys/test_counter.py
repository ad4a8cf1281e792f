"""Somebody without a social-security card, whose face no camera recognises, goes home from the counter with a code."""

from playwright.async_api import Page, expect

from tests.journeys.browser import SMALL_PHONE, TILL, Browser, launch
from tests.journeys.cast import PIN, Citizen
from tests.journeys.town import Town
from yibao.sandbox import world

CLERK = "A341100-01"  # In Chuzhou, where the person without a card is insured.


async def clerk_arrives(browser: Browser, town: Town) -> Page:
    context = await browser.context(TILL, base_url=town.address)
    page = await context.new_page()
    await page.goto("/console")
    await page.get_by_label("工号", exact=True).fill(CLERK)
    await page.get_by_label("密码", exact=True).fill(world.DEMO_PASSWORD)
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.get_by_role("link", name="窗口实名认证").click()
    return page


async def must_fit(page: Page) -> None:
    """Assert that a page of the console holds on the narrowest screen too."""
    await page.set_viewport_size({"width": SMALL_PHONE.width, "height": SMALL_PHONE.height})
    assert await page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE.width


async def test_a_name_proved_at_the_counter_becomes_a_working_code(a_town: Town) -> None:
    """A2, A3, B1: the clerk checks, the person reads out a code, and finishes on their own phone."""
    async with launch() as browser:
        person = await Citizen.arrives(browser, a_town, "no_card", device=SMALL_PHONE)
        await person.registers()
        await person.page.get_by_role("main").get_by_text("医保经办窗口").wait_for()

        clerk = await clerk_arrives(browser, a_town)
        await must_fit(clerk)
        await clerk.get_by_label("证件类型", exact=True).select_option(person.person.cert_type)
        await clerk.get_by_label("证件号码", exact=True).fill(person.person.cert_no)
        await clerk.get_by_label("姓名", exact=True).fill(person.person.name)
        await clerk.get_by_label("本人的手机号", exact=True).fill(person.person.phone)
        await clerk.get_by_label("办理原因", exact=True).fill("没有社会保障卡，公安没有照片")
        await clerk.get_by_label("已核对本人和证件原件").check()
        await clerk.get_by_role("button", name="向本人手机发送验证码", exact=True).click()
        await clerk.get_by_label("本人报出的验证码", exact=True).fill(
            await a_town.sms_code(person.person.phone, after=1)
        )
        await must_fit(clerk)
        await clerk.get_by_role("button", name="办理实名认证", exact=True).click()
        await expect(clerk.get_by_role("status")).to_contain_text("已办理")
        await must_fit(clerk)

        await person.page.goto("/me/bind?next=/code")
        await expect(person.page.get_by_role("main")).to_contain_text("不用社会保障卡")
        await person.page.get_by_label("设置交易密码", exact=True).fill(PIN)
        await person.page.get_by_label("再次输入交易密码", exact=True).fill(PIN)
        await person.press("绑定")
        await person.activates()
        await person.hears("窗口已办理实名")
        await person.page.goto("/me/looks")
        await expect(person.page.get_by_role("main")).to_contain_text("窗口实名认证：没有社会保障卡")
