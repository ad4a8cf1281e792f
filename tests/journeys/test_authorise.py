"""A hospital's own page signs people in and asks for what it needs; the phone allows it and takes it back (B14)."""

from playwright.async_api import Page, expect

from tests.journeys.browser import TILL, Browser, launch
from tests.journeys.cast import PIN, Citizen
from tests.journeys.town import Town


async def asks(browser: Browser, town: Town, button: str) -> Page:
    """Open the hospital's page on a computer and press a button there."""
    page = await (await browser.context(TILL, base_url=town.sandbox)).new_page()
    await page.goto("/hospital")
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_alt_text("授权申请的二维码")).to_be_visible()
    return page


async def opens(patient: Citizen, hospital: Page) -> None:
    """Follow the link that the QR code holds, and compare the numbers."""
    link = await hospital.locator("#authorise").get_attribute("href")
    assert link is not None
    number = await hospital.locator("strong").first.inner_text()
    await patient.page.goto(link)
    await expect(patient.page.get_by_role("main")).to_contain_text(f"应是 {number}")


async def test_allowed_once_the_page_greets(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        hospital = await asks(browser, a_town, "用医保码登记住院")
        await opens(patient, hospital)
        await expect(patient.page.get_by_role("main")).to_contain_text("办理住院登记")
        await patient.page.get_by_label("交易密码", exact=True).fill(PIN)
        await patient.press("允许")
        await expect(patient.page.get_by_text("已允许")).to_be_visible()
        await expect(hospital.get_by_text(f"{patient.person.name}，您好！")).to_be_visible(timeout=15_000)
        await expect(hospital.get_by_text("职工医保，正常参保")).to_be_visible()
        await hospital.get_by_role("button", name="再次读取").click()
        await expect(hospital.get_by_role("alert")).to_contain_text("授权已到期或已使用")
        await patient.hears("授权已使用")


async def test_allowed_for_a_time_and_withdrawn(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        hospital = await asks(browser, a_town, "用医保码慢病随访")
        await opens(patient, hospital)
        await patient.page.get_by_label("30 天，可以随时在「我的授权」撤回").check()
        await patient.page.get_by_label("交易密码", exact=True).fill(PIN)
        await patient.press("允许")
        await expect(hospital.get_by_text("您好！")).to_be_visible(timeout=15_000)
        await hospital.get_by_role("button", name="再次读取").click()
        await expect(hospital.get_by_text("2 次", exact=True)).to_be_visible()
        await patient.page.goto("/me/authorisations")
        await expect(patient.page.get_by_text("随访期间核对参保情况")).to_be_visible()
        await patient.page.get_by_role("button", name="撤回").click()
        await expect(patient.page.get_by_text("没有有效的授权")).to_be_visible()
        await hospital.get_by_role("button", name="再次读取").click()
        await expect(hospital.get_by_role("alert")).to_contain_text("本人已撤回授权")


async def test_refused_the_page_learns_nothing(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired", script=False)
        await patient.is_ready()
        hospital = await asks(browser, a_town, "用医保码登录网上服务")
        await opens(patient, hospital)
        await patient.press("拒绝")
        await expect(patient.page.get_by_text("已拒绝")).to_be_visible()
        await expect(hospital.get_by_text("医院没有得到任何信息")).to_be_visible(timeout=15_000)
