"""The code as pictures: a QR code for cameras and a barcode for laser scanners, as addresses that an image takes.

Both are black on white whatever the page's colours are, because many scanners read nothing else. The SVG is ours,
because the library's has no viewBox and is cut where it should be stretched.
"""

from itertools import groupby
from typing import Any, cast
from urllib.parse import quote

import zxingcpp


def qr(code: str) -> str:
    """Return the code as a QR code with a quiet zone of 4.

    28 digits take the same 25 by 25 modules at level Q and at level H, which survives 30 % of it being scratched.
    """
    modules = _modules(zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode, ec_level="H"))
    return _address(modules, 'shape-rendering="crispEdges"')  # No hairlines between the rows.


def bar(code: str) -> str:
    """Return the code as Code 128, which writes digits in pairs (set C), quiet zone 10; it can be stretched upwards."""
    modules = _modules(zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128))
    return _address(modules[:1], 'preserveAspectRatio="none"')


def digits(code: str) -> str:
    """Return the code in fours, for whoever has to type it."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def _modules(barcode: zxingcpp.Barcode) -> list[list[int]]:
    """Return the rows of modules, 0 where one is dark."""
    image: Any = barcode.to_image(scale=1, add_quiet_zones=True)  # A buffer, which the library's types do not say.
    return cast(list[list[int]], memoryview(image).tolist())


def _address(modules: list[list[int]], how: str) -> str:
    path = []
    for y, row in enumerate(modules):
        x = 0
        for module, run in groupby(row):
            width = len(list(run))
            if module == 0:
                path.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    size = f"{len(modules[0])} {len(modules)}"
    return "data:image/svg+xml," + quote(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" {how}>'
        f'<path fill="#fff" d="M0 0h{size.replace(" ", "v")}H0z"/><path d="{"".join(path)}"/></svg>',
        safe=" =:/",
    )
