"""Somebody with neither phone nor card at a hospital's window is known by the face (B5, C3)."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.journeys import faces
from tests.journeys.browser import launch
from tests.journeys.cast import DRUG, SLOW, Bureau, Cashier, asking, goes_before_the_camera
from tests.journeys.test_first_settlement import assert_sound
from tests.journeys.test_hospital_visit import HOSPITAL_WINDOW
from tests.journeys.town import Town
from yibao import registry
from yibao.face import refusals
from yibao.sandbox import world


async def says_who(page: Page, person: world.Person) -> None:
    """Let the cashier type what the person says, and press for the camera."""
    await page.goto("/till")
    await page.get_by_role("link", name="没有带手机").click()
    form = page.locator('form[action="/till/identify/face"]')
    await form.get_by_label("证件类型", exact=True).select_option(person.cert_type)
    await form.get_by_label("证件号码", exact=True).fill(person.cert_no)
    await form.get_by_label("姓名", exact=True).fill(person.name)
    await form.get_by_role("button", name="下一步：请参保人看镜头", exact=True).click()


async def test_a_face_identifies_at_the_window_and_another_does_not(a_town: Town, film: Path) -> None:
    a_town.house.booth.draw = asking(*faces.ACTS)
    bureau = Bureau(a_town)
    patient, other = a_town.world.cast("luzhou_chronic"), a_town.world.cast("luzhou_retired")
    await bureau.has(patient.cert_no, faces.jpeg(faces.straight()))
    await bureau.has(other.cert_no, faces.jpeg(faces.straight(faces.HOPPER)))
    async with launch(camera=film) as tills:
        cashier = await Cashier.arrives(tills, a_town, login=HOSPITAL_WINDOW)
        page = cashier.page

        # Whoever stands there says that they are somebody else.
        await says_who(page, other)
        await goes_before_the_camera(page)
        await expect(page.get_by_text(refusals.Different.code, exact=True)).to_be_visible(timeout=SLOW)
        await expect(page.get_by_text("由收款台发起")).to_be_visible()
        await expect(page.get_by_role("navigation")).to_have_count(0)
        await page.get_by_role("link", name="用其他方式办理").click()
        form = page.locator('form[action="/till/identify/face"]')
        await expect(form.get_by_label("姓名", exact=True)).to_have_value(other.name)

        await says_who(page, patient)
        await expect(page.get_by_text("由收款台发起")).to_be_visible()
        await goes_before_the_camera(page)
        await expect(page.get_by_text("刷脸就诊，与公安留存的证件照片比对一致。")).to_be_visible(timeout=SLOW)
        await expect(page).to_have_url(f"{a_town.address}/till")
        await expect(page.get_by_text(registry.masked_name(patient.name))).to_be_visible()
        await cashier.adds(DRUG, "2")
        await cashier.press("直接结算")
        await expect(page.get_by_text("结算成功").first).to_be_visible()

    [number] = await a_town.house.pool.fetch(
        "SELECT settlement_id, facts->>'medium' AS medium FROM settlement.settlement"
    )
    assert number["medium"] == "face"
    await assert_sound(a_town)
