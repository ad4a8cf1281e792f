"""Somebody from abroad who works in Shanghai, with a passport in place of an identity card (A10, A2)."""

from pathlib import Path

from playwright.async_api import expect

from tests.journeys import faces
from tests.journeys.browser import launch
from tests.journeys.cast import DRUG, PIN, Bureau, Cashier, Citizen, asking
from tests.journeys.town import Town

SHANGHAI = "P31000000001-01"


async def test_a_passport_serves_from_registering_to_paying(a_town: Town, film: Path) -> None:
    async with launch(camera=film) as phones:
        worker = await Citizen.arrives(phones, a_town, "passport")
        await Bureau(a_town).has(worker.person.cert_no, faces.jpeg(faces.straight()))
        a_town.house.booth.draw = asking(*faces.ACTS)
        await worker.registers()
        await worker.proves_the_real_name_by_face()
        await expect(worker.page.get_by_text("已通过实名认证")).to_be_visible()
        await worker.binds()
        await worker.activates()
        await expect(worker.page.get_by_role("link", name="参保地")).to_contain_text("上海市")

        cashier = await Cashier.arrives(phones, a_town, login=SHANGHAI)
        await cashier.types(await worker.code())
        await cashier.adds(DRUG, "1")
        await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill(PIN)
        await cashier.press("输入密码结算")
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        [pharmacy] = [one.name for one in a_town.world.institutions if SHANGHAI.startswith(one.code)]
        await worker.hears(f"在{pharmacy}消费")
