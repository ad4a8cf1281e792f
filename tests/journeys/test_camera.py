"""The computer's camera reads the code on the phone (C1, B4)."""

from pathlib import Path

from playwright.async_api import expect

from tests.journeys.browser import launch
from tests.journeys.camera import qr_film
from tests.journeys.cast import Cashier, Citizen
from tests.journeys.town import Town


async def test_the_tills_camera_reads_the_phone(a_town: Town, tmp_path: Path) -> None:
    async with launch() as phones:
        patient = await Citizen.arrives(phones, a_town, "luzhou_retired")
        await patient.is_ready()
        film = qr_film(tmp_path / "phone.mjpeg", await patient.code())
        async with launch(camera=film) as tills:
            cashier = await Cashier.arrives(tills, a_town)
            await cashier.press("用摄像头扫")
            await expect(cashier.page.get_by_text("查找项目")).to_be_visible(timeout=20_000)
            name = patient.person.name
            await expect(cashier.page.get_by_text(f"{name[0]}*{name[-1]}")).to_be_visible()
