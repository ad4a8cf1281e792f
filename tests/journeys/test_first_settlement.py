"""One whole life: from registering on the phone to a paid pharmacy bill, on the published Luzhou figures.

A1, A2, A3, A4, B1, B4, C1, C10, C14, D2, D3, D13; SC-LZ-01 and SC-LZ-02.
"""

from playwright.async_api import expect

from tests.journeys.browser import SMALL_PHONE, TILL, launch
from tests.journeys.cast import DRUG, OUTSIDE, PIN, Cashier, Citizen, picture
from tests.journeys.town import Town
from yibao import ledger
from yibao.core.database import transaction
from yibao.settlement import check


async def assert_sound(town: Town) -> None:
    async with transaction(town.house.pool) as tx:
        assert await ledger.check(tx) == []
        assert await check.check(tx) == []


async def test_from_activation_to_a_paid_pharmacy_bill(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        await picture(patient.page, "code")
        cashier = await Cashier.arrives(browser, a_town)

        # The first purchase: the gun reads the code, the bill goes to the phone, the person confirms.
        await cashier.scans(await patient.code())
        name = patient.person.name
        await expect(cashier.page.get_by_text(f"{name[0]}*{name[-1]}")).to_be_visible()
        assert name not in await cashier.page.content()
        await cashier.rings_up()
        await expect(cashier.page.locator(".till__basket")).to_contain_text(DRUG)
        costs = cashier.page.get_by_label("费用", exact=True)
        for amount in ("420.00", "175.00", "245.00"):
            await expect(costs).to_contain_text(amount)
        await picture(cashier.page, "till")
        await cashier.press("发送到手机确认")
        await expect(cashier.page.get_by_text("等待参保人确认").first).to_be_visible()

        await patient.page.goto("/")
        await expect(patient.page.get_by_role("main")).to_contain_text("待缴费")
        await patient.confirms()
        await expect(patient.page.get_by_role("main")).to_contain_text("175.00")

        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        await expect(cashier.page.locator("#beep")).to_be_visible()
        slip_link = await cashier.page.get_by_role("link", name="打印结算单").get_attribute("href")
        slip = await cashier.context.request.get(f"{a_town.address}{slip_link}")
        assert slip.ok
        assert (await slip.body()).startswith(b"%PDF")
        await cashier.next_please()

        # The second purchase of the same kind: confirmed with the password on the till's own field.
        await cashier.types(await patient.code())
        await cashier.rings_up()
        for amount in ("280.00", "140.00"):
            await expect(costs).to_contain_text(amount)
        await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill(PIN)
        await cashier.press("输入密码结算")
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()

        # On the phone: messages, records with every line, the account's movements, the slip.
        await patient.hears("医保基金 280.00 元")
        await patient.page.goto("/account")
        for amount in ("1000.00", "755.00", "615.00"):
            await expect(patient.page.get_by_role("main")).to_contain_text(amount)
        await patient.page.goto("/records")
        await patient.page.locator(".list a").last.click()
        record = patient.page.get_by_role("main")
        for text in (DRUG, OUTSIDE, "400.00", "150.00", "175.00", "为什么付这么多"):
            await expect(record).to_contain_text(text)
        await picture(patient.page, "records", whole=True)
        link = await patient.page.get_by_role("link", name="结算单").first.get_attribute("href")
        own_slip = await patient.context.request.get(f"{a_town.address}{link}")
        assert (await own_slip.body()).startswith(b"%PDF")

        # What the same would cost elsewhere, with what was settled so far counted (F3).
        await patient.page.goto("/preview")
        await patient.page.get_by_label("政策范围内（元）", exact=True).fill("400")
        await patient.press("算一算")
        reckoned = patient.page.get_by_role("main")
        for text in ("自己付得最少：120.00 元", "今年已计入门诊统筹起付线", "150.00 元"):
            await expect(reckoned).to_contain_text(text)
        await picture(patient.page, "preview")
        await reckoned.get_by_role("link", name="三级医院，本地").click()
        await expect(reckoned).to_contain_text("三级医院，本地：怎么算的")

        # Care mode: the same page, large.
        await patient.page.goto("/code")
        await patient.page.get_by_role("button", name="关怀版").click()
        await expect(patient.page.locator("body")).to_have_class("care")
        await patient.page.goto("/code")
        await picture(patient.page, "care")

        # Cancelled again: money and counters are back, and the person is told.
        await cashier.page.get_by_role("link", name="撤销结算").click()
        await cashier.press("确认撤销")
        await expect(cashier.page.get_by_text("已撤销").first).to_be_visible()
        await patient.hears("撤销")
        await patient.page.goto("/account")
        await expect(patient.page.get_by_role("main")).to_contain_text("755.00")
        tally = await a_town.house.pool.fetchval(
            "SELECT counters FROM settlement.tally WHERE person_id = $1", patient.person.person_id
        )
        assert tally == {"outpatient.deductible_met": 15000, "outpatient.fund_paid": 17500}
        await assert_sound(a_town)


async def test_the_account_may_stay_unused_and_a_declined_bill_costs_nothing(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired_exact", device=SMALL_PHONE)
        await patient.is_ready()
        cashier = await Cashier.arrives(browser, a_town)
        await cashier.scans(await patient.code())
        await cashier.rings_up()
        costs = cashier.page.get_by_label("费用", exact=True)
        await cashier.press("发送到手机确认")
        await patient.page.goto("/bills")
        await patient.page.locator(".list a").first.click()
        await patient.press("拒绝")
        await expect(cashier.page.get_by_text("账单未付").first).to_be_visible()
        await cashier.press("返回修改")
        await cashier.page.get_by_role("switch", name="使用个人账户").click()
        await expect(costs).to_contain_text("个人账户 0.00")
        await expect(costs).to_contain_text("个人现金 245.00")
        await cashier.page.get_by_role("switch", name="使用个人账户").click()
        await expect(costs).to_contain_text("个人账户 245.00")
        await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill(PIN)
        await cashier.press("输入密码结算")
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()

        # The tables of the record fit the narrowest screen, and are still tables to whoever hears them.
        await patient.page.goto("/records")
        await patient.page.locator(".list a").last.click()
        await expect(patient.page.get_by_role("table")).to_have_count(2)
        await expect(patient.page.get_by_role("rowheader", name="门诊统筹起付线")).to_be_visible()
        assert await patient.page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE.width
        await assert_sound(a_town)


async def test_refusals_at_the_till_say_what_to_do(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        cashier = await Cashier.arrives(browser, a_town)
        used = await patient.code()
        await cashier.scans(used)
        await expect(cashier.page.get_by_text("查找项目")).to_be_visible()

        second = await Cashier.arrives(browser, a_town, login="P51050000001-02")
        await second.scans(used)
        await expect(second.page.get_by_role("alert")).to_contain_text("医保码已使用过")
        await second.types("1234567890123456789012510000")
        await expect(second.page.get_by_role("alert")).to_contain_text("无法识别的医保码")
        await second.types("not a code")
        await expect(second.page.get_by_role("alert")).to_contain_text("这不是医保码")

        await cashier.rings_up()
        await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill("135791")
        await cashier.press("输入密码结算")
        await expect(cashier.page.get_by_role("alert")).to_contain_text("4")

        # Unbound on the phone: the code that was shown is refused from that moment.
        late = await patient.code()
        await patient.page.goto("/me/unbind")
        await patient.page.get_by_label("交易密码", exact=True).fill(PIN)
        await patient.press("解除绑定")
        await patient.page.wait_for_url("**/me/unbind?done=1")  # From that moment, not from the click.
        await second.scans(late)
        await expect(second.page.get_by_role("alert")).to_contain_text("已解绑")


async def test_the_real_name_says_which_element_differs(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_employed")
        await patient.registers()
        await patient.proves_the_real_name(name="医小山")
        await expect(patient.page.get_by_role("alert")).to_contain_text("姓名")
        lost = await Citizen.arrives(browser, a_town, "card_lost")
        await lost.registers()
        await lost.proves_the_real_name()
        await lost.binds()
        await expect(lost.page.get_by_role("alert")).to_contain_text("社会保障卡已挂失")


async def test_the_code_page_works_without_script(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired_empty", script=False)
        await patient.is_ready()
        first, second = await patient.code(), await patient.code()
        assert len(first) == len(second) == 28
        assert first != second
        till = await browser.context(TILL, base_url=a_town.address)
        await till.close()
