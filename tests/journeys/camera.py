"""Films for the browser's fake camera.

Chromium reads `.mjpeg`, which is nothing but JPEG pictures in a row, shows them at 30 a second and begins again at the
end. So a film needs no video encoder.
"""

import io
from collections.abc import Iterable
from pathlib import Path

import segno
from PIL import Image

SIZE = (640, 480)


def film(path: Path, frames: Iterable[Image.Image]) -> Path:
    """Write `frames`, all of one size, as a film at `path`, whose name must end in `.mjpeg`, and return it."""
    if path.suffix != ".mjpeg":
        raise ValueError("Chromium tells the format by the suffix .mjpeg")
    with path.open("wb") as file:
        for frame in frames:
            frame.convert("RGB").save(file, "JPEG", quality=85)
    return path


def qr_frame(text: str) -> Image.Image:
    """Return what a camera sees of a phone showing `text` as a QR code, with the level and quiet zone of our pages."""
    drawn = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    height = SIZE[1] * 3 // 4
    code.save(drawn, kind="png", border=4, scale=height // code.symbol_size(border=4)[1])
    picture = Image.open(drawn)
    frame = Image.new("RGB", SIZE, "#555555")
    frame.paste(picture, ((SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2))
    return frame


def qr_film(path: Path, text: str) -> Path:
    """Write a film at `path` that holds `text` before the camera as a QR code, and return it."""
    return film(path, [qr_frame(text)])
