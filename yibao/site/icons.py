"""The icon as pictures, for home screens that take no SVG; drawn, so that the repository holds no picture of it."""

import io
from functools import cache

from PIL import Image, ImageDraw

GREEN, WHITE = "#0b6b4f", "#ffffff"
_FINER = 4  # Drawn so many times larger and brought down, which smooths the edges.

# Path, width in pixels, kind. `maskable` is cut to any shape by Android, so its cross keeps to the safe middle;
# `opaque` is for iOS, which rounds corners itself and shows what is transparent as black.
ICONS = (
    ("/icons/icon-192.png", 192, "round"),
    ("/icons/icon-512.png", 512, "round"),
    ("/icons/maskable-192.png", 192, "maskable"),
    ("/icons/maskable-512.png", 512, "maskable"),
    ("/icons/apple-touch-icon.png", 180, "opaque"),
    ("/apple-touch-icon.png", 180, "opaque"),  # Where old iPhones look without being told.
)


@cache
def png(width: int, kind: str) -> bytes:
    """Return the icon as a PNG of this width."""
    size = width * _FINER
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    if kind == "round":
        draw.rounded_rectangle((0, 0, size - 1, size - 1), radius=size * 22 // 100, fill=GREEN)
    else:
        draw.rectangle((0, 0, size, size), fill=GREEN)
    reach, half = (22, 8) if kind == "maskable" else (28, 8)  # Hundredths of the width, from the middle.
    for across, down in ((reach, half), (half, reach)):
        box = ((50 - across) * size // 100, (50 - down) * size // 100)
        draw.rectangle((*box, size - box[0] - 1, size - box[1] - 1), fill=WHITE)
    small = image.resize((width, width), Image.Resampling.LANCZOS)
    picture = io.BytesIO()
    (small if kind == "round" else small.convert("RGB")).save(picture, "PNG", optimize=True)
    return picture.getvalue()
