"""A picture of a code at a second till (B4): used, too old, or both, it is refused with words on the screen."""

import io
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import expect

from tests.journeys.browser import launch
from tests.journeys.cast import Cashier, Citizen
from tests.journeys.town import Town

SECOND_TILL = "P51050000001-02"
OTHER_PHARMACY = "P51050000002-01"


async def screenshot(patient: Citizen) -> bytes:
    """Show a fresh code and take a picture of the screen, as somebody would to send it on."""
    await patient.code()
    return await patient.page.screenshot()


def read(picture: bytes) -> str:
    """Return what a scanner reads from a picture of the code page; both barcodes on it say the same."""
    found = {barcode.text for barcode in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))}
    [code] = found
    return code


async def rows(town: Town, table: str) -> int:
    count: int = await town.house.pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608
    return count


async def test_a_picture_of_a_code_is_refused_once_the_code_was_used(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        first = await Cashier.arrives(browser, a_town)
        second = await Cashier.arrives(browser, a_town, login=SECOND_TILL)
        elsewhere = await Cashier.arrives(browser, a_town, login=OTHER_PHARMACY)

        picture = await screenshot(patient)
        shown = "".join((await patient.page.locator("#code-digits").inner_text()).split())
        assert read(picture) == shown
        await first.types(shown)
        await expect(first.page.get_by_text("查找项目")).to_be_visible()

        for other in (second, elsewhere):
            await other.types(read(picture))
            refused = other.page.get_by_role("alert")
            await expect(refused).to_contain_text("医保码已使用过")
            await expect(refused).to_contain_text("每个医保码只能用一次")
            await expect(refused).to_contain_text("请刷新医保码再出示一次")
            await expect(other.page.get_by_label("医保码", exact=True)).to_be_visible()
        assert await rows(a_town, "credential.visit") == 1

        # The person shows the next code, and the second till serves them.
        await second.types(await patient.code())
        await expect(second.page.get_by_text("查找项目")).to_be_visible()


@pytest.mark.parametrize("used", [False, True], ids=["never used", "used"])
async def test_a_picture_of_a_code_is_refused_once_it_is_old(a_town: Town, used: bool) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await patient.is_ready()
        picture = await screenshot(patient)
        if used:
            first = await Cashier.arrives(browser, a_town)
            await first.types(read(picture))
            await expect(first.page.get_by_text("查找项目")).to_be_visible()
        a_town.clock.advance(timedelta(minutes=2))
        second = await Cashier.arrives(browser, a_town, login=SECOND_TILL)
        await second.types(read(picture))
        refused = second.page.get_by_role("alert")
        await expect(refused).to_contain_text("医保码已使用过" if used else "医保码已过期")
        if not used:
            await expect(refused).to_contain_text("截屏或照片不能使用")
            assert await rows(a_town, "credential.visit") == 0
