"""Somebody insured in two places, and a code that serves in both (B8, B16); and somebody without a phone (B5)."""

from playwright.async_api import expect

from tests.journeys.browser import SMALL_PHONE, launch
from tests.journeys.cast import PIN, Cashier, Citizen
from tests.journeys.town import Town

SHANGHAI, RUGAO = "P31000000001-01", "H32068200001-01"  # A pharmacy, and a clinic: residents buy at none in Rugao.
PROVINCE, CHENGDU = "P51990000001-01", "H51010000001-01"  # The province's pharmacy, and a clinic in its capital.
DRUG = "苯磺酸氨氯地平片"


async def settles(cashier: Cashier) -> None:
    await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill(PIN)
    await cashier.press("输入密码结算")
    await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()


async def test_a_code_of_two_places_pays_in_both_and_says_why_in_neither_elsewhere(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "two_places", device=SMALL_PHONE)
        await patient.is_ready()

        # Shanghai is chosen; a tap on the code page leads to the choice, and one more makes it.
        await patient.page.goto("/code")
        await patient.page.get_by_role("link", name="参保地").click()
        await patient.page.get_by_role("button", name="上海市").click()
        await expect(patient.page.locator("#code-digits")).to_be_visible()
        await expect(patient.page.get_by_role("link", name="参保地")).to_contain_text("上海市")

        at_home = await Cashier.arrives(browser, a_town, login=SHANGHAI)
        await at_home.types(await patient.code())
        card = at_home.page.get_by_label("参保人", exact=True)
        await expect(card).to_contain_text("参保地：上海市")
        await expect(card).not_to_contain_text("参保人选择的是")
        await at_home.adds(DRUG, "1")
        await settles(at_home)

        # The same code page at a clinic of the other place: nobody has to switch, and both screens say who pays.
        at_other = await Cashier.arrives(browser, a_town, login=RUGAO)
        await at_other.types(await patient.code())
        card = at_other.page.get_by_label("参保人", exact=True)
        await expect(card).to_contain_text("参保地：如皋市")
        await expect(card).to_contain_text("参保人选择的是上海市；这里按如皋市结算")
        await at_other.adds(DRUG, "1")
        await at_other.press("发送到手机确认")
        await patient.page.goto("/bills")
        await patient.page.locator(".list a").first.click()
        because = "您选择的是上海市，这里按如皋市结算"
        await expect(patient.page.get_by_role("main")).to_contain_text(because)
        await patient.confirms()
        await expect(patient.page.get_by_role("main")).to_contain_text(because)
        assert await patient.page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE.width
        await expect(at_other.page.get_by_text("结算成功").first).to_be_visible()

        # A third place: the code identifies, and what is not offered yet is said before anything is rung up.
        away = await Cashier.arrives(browser, a_town)
        await away.types(await patient.code())
        refused = away.page.get_by_role("alert")
        await expect(refused).to_contain_text("本机构按泸州市的医保结算；参保人的参保地：上海市、如皋市")
        await expect(refused).to_contain_text("没有可切换的参保地")

        # From the home page too, and back to it.
        await patient.page.goto("/")
        await patient.page.get_by_role("link", name="参保地：上海市").click()
        await patient.page.get_by_role("button", name="如皋市").click()
        await expect(patient.page.get_by_role("link", name="参保地：如皋市")).to_be_visible()


async def test_the_pool_of_the_province_is_one_place_and_the_city_another(a_town: Town) -> None:
    """B8: both are shown beside each other, one tap switches, and where both pay the choice decides."""
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "provincial", device=SMALL_PHONE)
        await patient.is_ready()

        async def chooses(place: str) -> None:
            await patient.page.goto("/code")
            await patient.page.get_by_role("link", name="参保地").click()
            await expect(patient.page.get_by_role("button", name="四川省省本级")).to_be_visible()
            await expect(patient.page.get_by_role("button", name="成都市")).to_be_visible()
            await patient.page.get_by_role("button", name=place).click()
            await expect(patient.page.get_by_role("link", name="参保地")).to_contain_text(place)

        await chooses("成都市")
        of_province = await Cashier.arrives(browser, a_town, login=PROVINCE)
        await of_province.types(await patient.code())
        card = of_province.page.get_by_label("参保人", exact=True)
        await expect(card).to_contain_text("参保地：四川省省本级")
        await expect(card).to_contain_text("参保人选择的是成都市")
        await of_province.adds(DRUG, "1")
        await settles(of_province)

        of_city = await Cashier.arrives(browser, a_town, login=CHENGDU)
        for place in ("成都市", "四川省省本级"):
            await chooses(place)
            await of_city.types(await patient.code())
            card = of_city.page.get_by_label("参保人", exact=True)
            await expect(card).to_contain_text(f"参保地：{place}")
            await expect(card).not_to_contain_text("参保人选择的是")
            await of_city.adds(DRUG, "1")
            await settles(of_city)
            await of_city.next_please()


async def test_somebody_without_a_phone_is_served_by_card_and_told_later(a_town: Town) -> None:
    async with launch() as browser:
        cashier = await Cashier.arrives(browser, a_town)
        person = a_town.world.cast("luzhou_retired")
        assert person.card
        await cashier.page.get_by_role("link", name="没有带手机").click()
        await cashier.page.get_by_label("卡号", exact=True).fill(person.card.card_no)
        await cashier.page.get_by_label("已核对本人与证件").first.check()
        await cashier.press("用卡就诊")
        await expect(cashier.page.get_by_label("参保人", exact=True)).to_contain_text("凭社会保障卡就诊")
        await cashier.rings_up()
        await cashier.press("凭证件结算")
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        await cashier.next_please()

        # A card that is reported lost is refused; the certificate goes on, under the name on it alone.
        lost = a_town.world.cast("card_lost")
        assert lost.card
        await cashier.page.get_by_role("link", name="没有带手机").click()
        await cashier.page.get_by_label("卡号", exact=True).fill(lost.card.card_no)
        await cashier.page.get_by_label("已核对本人与证件").first.check()
        await cashier.press("用卡就诊")
        await expect(cashier.page.get_by_role("alert")).to_contain_text("社会保障卡已挂失")

        # Whoever registers afterwards finds what was told meanwhile, and the card works on beside the code.
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        await patient.hears("凭您的社会保障卡核对了身份")
        await cashier.page.goto("/till/identify")
        await cashier.page.get_by_label("卡号", exact=True).fill(person.card.card_no)
        await cashier.page.get_by_label("已核对本人与证件").first.check()
        await cashier.press("用卡就诊")
        await cashier.adds(DRUG, "1")
        await settles(cashier)
