"""The real engine on papers of people who do not exist, and pictures that are none (B10)."""

import asyncio
import io
import time
from collections.abc import Callable
from datetime import date

import numpy
import pytest
from PIL import Image, ImageFilter

from yibao import paper
from yibao.paper import Named, NotAPicture, PictureTooLarge, RapidReader
from yibao.paper import picture as pictures
from yibao.sandbox import papers
from yibao.sandbox.world.numbers import check_character

MOTHER = papers.Named("保大安", "2", date(1993, 12, 26), "99010119931226004" + check_character("99010119931226004"))
FATHER = papers.Named("禾有阳", "1", date(1994, 5, 4), "99010119940504007" + check_character("99010119940504007"))
CHILD = papers.Named("保思兰", "1", date(2026, 4, 1), "99010120260401003" + check_character("99010120260401003"))

Spoil = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="module")
def reader() -> RapidReader:
    return RapidReader()


def by_phone(image: Image.Image) -> Image.Image:
    """As a hand takes it: from one side, a little blurred, with noise and less light."""
    wide, high = image.size
    # What the corners of the new picture show of the old one.
    seen = image.transform(
        (wide, high),
        Image.Transform.QUAD,
        (-60, -30, 20, high + 40, wide + 50, high + 10, wide + 15, -70),
        Image.Resampling.BICUBIC,
        fillcolor=(90, 80, 70),
    ).filter(ImageFilter.GaussianBlur(1.0))
    noise = numpy.random.default_rng(7).normal(0, 8, (high, wide, 3))
    dark = numpy.clip(numpy.asarray(seen) * 0.85 + noise, 0, 255).astype(numpy.uint8)
    return Image.fromarray(dark)


def turned(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def upside_down(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_180)


def sent(png: bytes, spoil: Spoil) -> bytes:
    out = io.BytesIO()
    spoil(Image.open(io.BytesIO(png)).convert("RGB")).save(out, "JPEG", quality=75)
    return paper.tidy(out.getvalue())


@pytest.mark.parametrize("spoil", [by_phone, turned])
async def test_a_page_of_a_register_is_read(reader: RapidReader, spoil: Spoil) -> None:
    png = papers.register_member(CHILD, relation="长子")
    read = paper.paper_of(await reader.read(sent(png, spoil)))
    assert read is not None
    assert read.people == (Named("member", CHILD.name, "1", CHILD.birth_on, CHILD.cert_no, "长子"),)


async def test_a_certificate_of_birth_is_read_upside_down(reader: RapidReader) -> None:
    png = papers.birth_certificate(CHILD, mother=MOTHER, father=FATHER, number="Z990000123")
    read = paper.paper_of(await reader.read(sent(png, upside_down)))
    assert read is not None
    assert (read.kind, read.number) == ("birth", "Z990000123")
    assert [(one.role, one.name, one.cert_no) for one in read.people] == [
        ("child", CHILD.name, ""),
        ("mother", MOTHER.name, MOTHER.cert_no),
        ("father", FATHER.name, FATHER.cert_no),
    ]


async def test_an_empty_sheet_has_no_lines(reader: RapidReader) -> None:
    assert await reader.read(sent(png_of(400, 300), lambda image: image)) == []


def png_of(wide: int, high: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (wide, high), "white").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", png_of(400, 300)[:200], png_of(100, 100)])
def test_what_cannot_be_a_photograph_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        paper.tidy(content)


def test_a_picture_that_is_too_large_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PictureTooLarge):
        paper.tidy(b"\0" * (paper.BYTES_MAX + 1))
    monkeypatch.setattr(pictures, "WHOLE_PIXELS_MAX", 400 * 300 - 1)
    with pytest.raises(PictureTooLarge):
        paper.tidy(png_of(400, 300))
    photograph = Image.open(io.BytesIO(png_of(400, 300)))
    out = io.BytesIO()
    photograph.save(out, "JPEG")
    paper.tidy(out.getvalue())
    monkeypatch.setattr(pictures, "PIXELS_MAX", 400 * 300 - 1)
    with pytest.raises(PictureTooLarge):
        paper.tidy(out.getvalue())


async def test_one_picture_is_open_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    there, most = 0, 0

    def slow(picture: bytes) -> bytes:
        nonlocal there, most
        there += 1
        most = max(most, there)
        time.sleep(0.01)
        there -= 1
        return picture

    monkeypatch.setattr(pictures, "tidy", slow)
    assert await asyncio.gather(*(paper.tidied(b"%d" % number) for number in range(5))) == [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
    ]
    assert most == 1


def test_a_tidy_picture_is_upright_small_and_says_nothing_of_its_camera() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn by a quarter.
    exif[0x010F] = "示例相机"
    out = io.BytesIO()
    Image.new("RGB", (4000, 3000), "white").save(out, "JPEG", exif=exif)
    tidy = Image.open(io.BytesIO(paper.tidy(out.getvalue())))
    assert (tidy.format, max(tidy.size)) == ("JPEG", 1800)
    assert tidy.height > tidy.width
    assert not tidy.getexif()
