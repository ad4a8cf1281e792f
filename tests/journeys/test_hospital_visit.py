"""At a hospital's window: the kind of visit decides what insurance pays, and the record says why (C11, D7, D3)."""

from playwright.async_api import expect

from tests.journeys.browser import launch
from tests.journeys.cast import DRUG, Cashier, Citizen
from tests.journeys.test_first_settlement import assert_sound
from tests.journeys.town import Town

HOSPITAL_WINDOW = "H51050000004-01"


async def test_a_registered_disease_is_settled_by_its_own_rules(a_town: Town) -> None:
    """Medicine for 8000.00 ends at the yearly limit: 2000.00 of ordinary visits, 5000.00 of hypertension."""
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_chronic")
        await patient.is_ready()
        cashier = await Cashier.arrives(browser, a_town, login=HOSPITAL_WINDOW)
        await cashier.scans(await patient.code())
        await cashier.adds(DRUG, "40")
        costs = cashier.page.get_by_label("费用", exact=True)
        await expect(costs).to_contain_text("基金支付 2000.00 元")

        kinds = cashier.page.get_by_label("就医类别", exact=True)
        await expect(kinds.locator("option")).to_have_text(["普通门诊", "门诊慢特病（高血压）", "住院"])
        await kinds.select_option("门诊慢特病（高血压）")
        await cashier.press("改用")
        await expect(costs).to_contain_text("基金支付 5000.00 元")
        await cashier.press("发送到手机确认")
        await expect(cashier.page.get_by_text("等待参保人确认").first).to_be_visible()

        await patient.confirms()
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        await patient.page.goto("/records")
        await patient.page.locator(".list a").first.click()
        record = patient.page.get_by_role("main")
        for text in (
            "门诊慢特病（高血压）",
            "110.00 元超过了报销限额",  # (8000-700)*70% = 5110
            "门诊慢特病病种年度限额",
        ):
            await expect(record).to_contain_text(text)
        await assert_sound(a_town)
