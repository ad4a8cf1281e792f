"""A real browser for the journeys: Chromium with Chinese type, a fake camera and the shapes of real devices.

`launch` runs it, `Browser.context` opens somebody's device in it, and from there on it is Playwright's own API.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser as Driven
from playwright.async_api import BrowserContext, async_playwright

from tests import assets
from yibao.web.assets import NODE

ARGUMENTS = (
    "--no-sandbox",  # Containers and root have no user namespace to build the sandbox from.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # A page may load nothing from afar.
)


@dataclass(frozen=True)
class Device:
    """A screen in CSS pixels, the pixels of glass behind each of them, and whether fingers touch it."""

    width: int
    height: int
    scale: int = 1
    touch: bool = False


PHONE = Device(375, 812, scale=2, touch=True)
SMALL_PHONE = Device(320, 568, scale=2, touch=True)  # The narrowest screen on which every page must still hold.
TILL = Device(1280, 800)


class Browser:
    """A running Chromium. Each context is one person's device, with cookies of its own."""

    def __init__(self, driven: Driven, *, permissions: list[str]) -> None:
        self._driven = driven
        self._permissions = permissions

    async def context(
        self, device: Device, *, base_url: str | None = None, dark: bool = False, script: bool = True
    ) -> BrowserContext:
        """Open a device in China; `base_url` completes paths, `script=False` is a browser without JavaScript."""
        return await self._driven.new_context(
            viewport={"width": device.width, "height": device.height},
            device_scale_factor=device.scale,
            has_touch=device.touch,
            is_mobile=device.touch,
            base_url=base_url,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            permissions=self._permissions,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )


@asynccontextmanager
async def launch(*, camera: Path | None = None, microphone: Path | None = None) -> AsyncIterator[Browser]:
    """Run a Chromium while the block lasts, its camera showing the film `camera` (`tests/journeys/camera.py`) if given.

    `microphone` is a .wav file that is heard over and over.

    Raises: tests.assets.BrowserUnavailable, yibao.web.assets.AssetsUnavailable
    """
    chromium = await asyncio.to_thread(assets.chromium)
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(NODE)  # The driver takes it from nowhere else; it may come without Node.
    async with async_playwright() as playwright:
        driven = await playwright.chromium.launch(
            executable_path=chromium.program, args=_arguments(camera, microphone), env={**chromium.environment}
        )
        try:
            given = {"camera": camera, "microphone": microphone}
            yield Browser(driven, permissions=[name for name, file in given.items() if file is not None])
        finally:
            await driven.close()


def _arguments(camera: Path | None, microphone: Path | None) -> list[str]:
    if camera is None:
        return list(ARGUMENTS)
    heard = [f"--use-file-for-fake-audio-capture={microphone.resolve()}"] if microphone is not None else []
    return [
        *ARGUMENTS,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera.resolve()}",
        *heard,
    ]
