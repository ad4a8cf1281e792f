"""The pictures of a code, read back by the decoder that the tills use."""

import re
from random import Random
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from yibao.credential import draw

RANDOM = Random(28)
CODES = [f"{RANDOM.randrange(10**22):022d}{province}0000" for province in (11, 31, 32, 34, 51, 61)] + ["0" * 28]
_RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-\3z")


def painted(address: str, *, scale: int, height: int = 0) -> Image.Image:
    """Paint an SVG of ours as a browser does: white ground, then dark runs of modules."""
    head, _, svg = address.partition(",")
    assert head == "data:image/svg+xml"
    drawing = ElementTree.fromstring(unquote(svg))
    _, _, columns, rows = map(int, drawing.attrib["viewBox"].split())
    ground, dark = drawing
    assert ground.attrib == {"fill": "#fff", "d": f"M0 0h{columns}v{rows}H0z"}
    image = Image.new("L", (columns * scale, (height or rows) * scale), 255)
    canvas = ImageDraw.Draw(image)
    runs = _RUN.findall(dark.attrib["d"])
    assert "".join("M{} {}h{}v1h-{}z".format(*run, run[2]) for run in runs) == dark.attrib["d"]
    for x, y, width in (map(int, run) for run in runs):
        top, bottom = (0, height) if height else (y, y + 1)
        canvas.rectangle((x * scale, top * scale, (x + width) * scale - 1, bottom * scale - 1), fill=0)
    return image


def quiet(image: Image.Image, modules: int) -> bool:
    """Tell whether so many columns at both sides are white."""
    pixels = image.load()
    assert pixels is not None
    sides = [*range(modules), *range(image.width - modules, image.width)]
    return all(pixels[x, y] == 255 for x in sides for y in range(image.height))


@pytest.mark.parametrize("code", CODES)
def test_the_qr_code_reads_back_at_level_q_or_better_with_its_quiet_zone(code: str) -> None:
    """B4."""
    [read] = zxingcpp.read_barcodes(painted(draw.qr(code), scale=5))
    assert (read.text, read.format) == (code, zxingcpp.BarcodeFormat.QRCode)
    assert read.ec_level in ("Q", "H")
    bare = painted(draw.qr(code), scale=1)
    assert bare.size == (33, 33)
    assert quiet(bare, 4)
    assert quiet(bare.transpose(Image.Transpose.ROTATE_90), 4)


@pytest.mark.parametrize("code", CODES)
def test_the_barcode_reads_back_and_is_as_short_as_pairs_of_digits_make_it(code: str) -> None:
    """B4. Start, 14 pairs and the check are 11 modules each, the stop is 13: set C, or it would be twice as long."""
    [read] = zxingcpp.read_barcodes(painted(draw.bar(code), scale=2, height=60))
    assert (read.text, read.format) == (code, zxingcpp.BarcodeFormat.Code128)
    bare = painted(draw.bar(code), scale=1)
    assert bare.width == 10 + 16 * 11 + 13 + 10
    assert quiet(bare, 10)


def test_digits_stand_in_fours() -> None:
    assert draw.digits("0123456789012345678901510000") == "0123 4567 8901 2345 6789 0151 0000"
