"""The browser of the journeys is fit for them: it draws Chinese, its camera sees films, its screens are real ones."""

import base64
import io
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageChops
from playwright.async_api import BrowserContext, Page

from tests import assets
from tests.journeys import browser, camera

ADDRESS = "http://localhost/"  # Chromium gives a camera to this host without https; nothing listens, `_page` answers.
MISSING = "\ue000"  # Private use: no font draws it, so the page shows the empty box of a missing glyph.
OTHER_MISSING = "\ue001"
RARE = "\u4dae"  # 䶮 stands in real names and outside the fonts of many systems.

GLYPHS = """
<style>i { position: absolute; top: 0; width: 48px; height: 60px; font: normal 40px/60px sans-serif }</style>
"""

# Resolves with the first picture that the camera delivers, as a PNG.
LOOK = """
async () => {
  const video = document.createElement("video");
  video.srcObject = await navigator.mediaDevices.getUserMedia({video: true});
  const delivered = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  await video.play();
  await delivered;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}
"""
SHAPE = "[innerWidth, innerHeight, devicePixelRatio, navigator.maxTouchPoints > 0, navigator.language]"


async def _page(context: BrowserContext, body: str) -> Page:
    head = '<!doctype html><html lang="zh-CN"><meta name="viewport" content="width=device-width, initial-scale=1">'
    await context.route("**/*", lambda route: route.fulfill(body=head + body, content_type="text/html; charset=utf-8"))
    page = await context.new_page()
    await page.goto(ADDRESS)
    return page


def _differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


async def test_chinese_characters_are_drawn_with_their_own_glyphs() -> None:
    characters = f"医保{RARE}{MISSING}{OTHER_MISSING} "
    cells = "".join(f'<i style="left: {60 * place}px">{character}</i>' for place, character in enumerate(characters))
    async with browser.launch() as chromium:
        page = await _page(await chromium.context(browser.PHONE), GLYPHS + cells)
        picture = Image.open(io.BytesIO(await page.screenshot())).convert("L")
    scale = browser.PHONE.scale
    places = range(0, 60 * scale * len(characters), 60 * scale)
    yi, bao, rare, box, other_box, nothing = (picture.crop((x, 0, x + 48 * scale, 60 * scale)) for x in places)
    assert _differ(box, nothing)
    assert not _differ(box, other_box)  # So the comparison would notice a font without Chinese.
    assert _differ(yi, box)
    assert _differ(bao, box)
    assert _differ(rare, box)
    assert _differ(yi, bao)


async def test_the_fake_camera_shows_a_qr_code_that_can_be_read(tmp_path: Path) -> None:
    text = "1234567890123456789012330100"
    film = camera.qr_film(tmp_path / "phone.mjpeg", text)
    async with browser.launch(camera=film) as chromium:
        page = await _page(await chromium.context(browser.TILL), "")
        seen = Image.open(io.BytesIO(base64.b64decode(await page.evaluate(LOOK))))
    assert seen.size == camera.SIZE
    assert [code.text for code in zxingcpp.read_barcodes(seen)] == [text]


async def test_devices_have_their_size_their_touch_and_the_language_of_the_country() -> None:
    async with browser.launch() as chromium:
        shapes = {
            device: await (await _page(await chromium.context(device), "")).evaluate(SHAPE)
            for device in (browser.PHONE, browser.SMALL_PHONE, browser.TILL)
        }
    assert shapes == {
        browser.PHONE: [375, 812, 2, True, "zh-CN"],
        browser.SMALL_PHONE: [320, 568, 2, True, "zh-CN"],
        browser.TILL: [1280, 800, 1, False, "zh-CN"],
    }


async def test_a_device_without_script_reads_the_page_and_runs_nothing() -> None:
    async with browser.launch() as chromium:
        context = await chromium.context(browser.PHONE, script=False, dark=True)
        page = await _page(context, "<p>医保</p><script>document.querySelector('p').textContent = 'script'</script>")
        assert await page.inner_text("p") == "医保"


def test_the_browser_of_the_machine_is_taken_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("YIBAO_CHROMIUM", raising=False)
    assert assets._of_the_machine() is None
    for name, answer in (("chromium", "exit 1"), ("chromium-browser", "echo Chromium 150 snap"), ("google-chrome", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{answer}\n")
        (tmp_path / name).chmod(0o755)
    assert assets._of_the_machine() == tmp_path / "google-chrome"

    monkeypatch.setenv("YIBAO_CHROMIUM", str(tmp_path / "nowhere"))
    with pytest.raises(assets.BrowserUnavailable, match="YIBAO_CHROMIUM"):
        assets._of_the_machine()
