"""The built-in eyes on two portraits in the public domain, spoilt, moved and disguised on purpose (A2, B12)."""

import io
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from yibao.face import challenge, likeness, vision
from yibao.face.refusals import PictureUnreadable
from yibao.face.tests.warp import Sitter, jpeg, sitter
from yibao.face.types import Cause
from yibao.face.vision import OpenCvEngine

Array = Any
Name = Literal["astronaut", "grace_hopper"]

both = pytest.mark.parametrize("name", ["astronaut", "grace_hopper"])

_MASK = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 347, 6)
_MASK_EDGE = (118, 197)


def lit(image: Array, gain: float) -> Array:
    return np.clip(image * gain, 0, 255).astype(np.uint8)


def painted(it: Sitter, points: tuple[int, ...], colour: tuple[int, int, int]) -> Array:
    """Return the portrait with the hull of these points in one colour."""
    image = it.image.copy()
    cv2.fillConvexPoly(image, cv2.convexHull(np.rint(it.mesh.flat(*points)).astype(np.int32)), colour)
    return image


def glass(image: Array, it: Sitter, eye: tuple[int, int], *, strength: float) -> Array:
    """Return the picture with a dark lens before one eye."""
    corners = it.mesh.flat(*eye)
    width = float(np.linalg.norm(corners[1] - corners[0]))
    x, y = (round(float(v)) for v in corners.mean(0))
    lens = image.copy()
    cv2.ellipse(
        lens, (x, y + round(width * 0.1)), (round(width * 0.95), round(width * 0.8)), 0, 0, 360, (20, 20, 25), -1
    )
    return cv2.addWeighted(lens, strength, image, 1 - strength, 0)


def lamp(it: Sitter) -> Array:
    """Return the portrait with a lamp mirrored on its skin."""
    light = np.zeros(it.image.shape[:2], np.float32)
    cv2.fillConvexPoly(light, cv2.convexHull(np.rint(it.mesh.flat(*vision.OVAL)).astype(np.int32)), 1.0)
    light = cv2.GaussianBlur(light, (61, 61), 0)[..., None]
    return lit(it.image + light * np.roll(light, 40, 1) * 150, 1)


def window(it: Sitter) -> Array:
    """Return the portrait before a bright window."""
    x, y = (round(float(v)) for v in it.mesh.points[:, :2].mean(0))
    body = np.zeros(it.image.shape[:2], np.float32)
    cv2.ellipse(body, (x, y - 20), (150, 190), 0, 0, 360, 1.0, -1)
    cv2.rectangle(body, (x - 200, y + 120), (x + 200, 480), 1.0, -1)
    body = cv2.GaussianBlur(body, (31, 31), 0)[..., None]
    return lit(it.image * 0.4 * body + (1 - body) * 235, 1)


def rolled(it: Sitter, degrees: float) -> Array:
    x, y = (float(v) for v in it.mesh.points[:, :2].mean(0))
    turn = cv2.getRotationMatrix2D((x, y), degrees, 1)
    return cv2.warpAffine(it.image, turn, (480, 480), borderMode=cv2.BORDER_REPLICATE)


def other(it: Sitter) -> Sitter:
    return sitter("grace_hopper" if it is sitter("astronaut") else "astronaut")


def middle(it: Sitter) -> tuple[int, int]:
    x, y = it.mesh.points[:, :2].mean(0)
    return round(float(x)), round(float(y))


def far(it: Sitter) -> Array:
    return cv2.copyMakeBorder(cv2.resize(it.image, (220, 220)), 130, 130, 130, 130, cv2.BORDER_REPLICATE)


# How a portrait is spoilt, and the cause that is told first.
SPOILT: dict[str, tuple[Callable[[Sitter], Array], Cause]] = {
    "dim": (lambda it: lit(it.image, 0.18), "too_dark"),
    "night": (lambda it: lit(it.image, 0.04), "too_dark"),
    "overexposed": (lambda it: lit(it.image, 1.9), "too_bright"),
    "lamp": (lamp, "too_bright"),
    "white": (lambda it: np.full_like(it.image, 245), "too_bright"),
    "window": (window, "backlit"),
    "two": (lambda it: np.hstack([it.image, other(it).image]), "several_faces"),
    "left cut off": (lambda it: it.image[:, middle(it)[0] - 40 :], "not_whole"),
    "forehead cut off": (lambda it: it.image[middle(it)[1] - 30 :], "not_whole"),
    "chin cut off": (lambda it: it.image[: middle(it)[1] + 60], "not_whole"),
    "far": (far, "too_far"),
    "rolled": (lambda it: rolled(it, 30), "not_straight"),
    "rolled back": (lambda it: rolled(it, -30), "not_straight"),
    "turned left": (lambda it: it.frame(turn=1), "not_straight"),
    "turned right": (lambda it: it.frame(turn=-1), "not_straight"),
    "chin up": (lambda it: it.frame(nod=1), "not_straight"),
    "chin down": (lambda it: it.frame(nod=-1), "not_straight"),
    "blue mask": (lambda it: painted(it, _MASK + _MASK_EDGE, (200, 150, 90)), "covered"),
    "white mask": (lambda it: painted(it, _MASK + _MASK_EDGE, (235, 235, 235)), "covered"),
    "right eye hidden": (lambda it: glass(it.image, it, vision.RIGHT_EYE, strength=1), "covered"),
    "left eye hidden": (lambda it: glass(it.image, it, vision.LEFT_EYE, strength=1), "covered"),
    "dark glasses": (lambda it: glasses(it, 0.9), "tinted_glasses"),
    "lighter glasses": (lambda it: glasses(it, 0.75), "tinted_glasses"),
    "eyes closed": (lambda it: it.frame(blink=1), "eyes_closed"),
    "out of focus": (lambda it: cv2.GaussianBlur(it.image, (0, 0), 4), "blurred"),
    "noise": (lambda it: np.random.default_rng(1).integers(0, 255, it.image.shape, np.uint8), "no_face"),
    "grey": (lambda it: np.full_like(it.image, 128), "no_face"),
}


def glasses(it: Sitter, strength: float) -> Array:
    once = glass(it.image, it, vision.RIGHT_EYE, strength=strength)
    return glass(once, it, vision.LEFT_EYE, strength=strength)


@both
@pytest.mark.parametrize("way", SPOILT)
def test_a_spoilt_picture_gives_its_cause(engine: OpenCvEngine, name: Name, way: str) -> None:
    spoil, cause = SPOILT[way]
    look = engine.look(jpeg(np.ascontiguousarray(spoil(sitter(name)))))
    assert look.causes[:1] == (cause,)
    assert bool(look.embedding) is (look.width > 0)


@both
@pytest.mark.parametrize(
    "fine",
    [
        lambda it: it.image,
        lambda it: lit(it.image, 0.6),
        lambda it: lit(it.image * [0.6, 0.9, 1.1], 1),  # by a lamp
        lambda it: lit(it.image * [1.1, 0.9, 0.7], 1),  # in the shade
        lambda it: cv2.resize(it.image, (320, 320)),
        lambda it: cv2.resize(it.image, (1600, 1600)),
        lambda it: it.frame(turn=0.3, nod=0.3),
        lambda it: it.frame(nod=-0.3),
        lambda it: rolled(it, 10),
    ],
)
def test_an_ordinary_picture_is_good(engine: OpenCvEngine, name: Name, fine: Callable[[Sitter], Array]) -> None:
    look = engine.look(jpeg(fine(sitter(name)), 40))
    assert look.causes == ()
    assert len(look.embedding) == 128


@both
def test_a_blink_shows_in_the_eyes_alone(engine: OpenCvEngine, name: Name) -> None:
    looks = [engine.look(jpeg(sitter(name).frame(blink=t))) for t in (0, 0.5, 1)]
    assert looks[0].eyes > looks[1].eyes > looks[2].eyes
    assert looks[2].eyes < 0.5 * looks[0].eyes
    assert abs(looks[2].mouth - looks[0].mouth) < 0.05
    assert abs(looks[2].yaw - looks[0].yaw) < 5


@both
def test_an_open_mouth_shows_in_the_mouth_alone(engine: OpenCvEngine, name: Name) -> None:
    looks = [engine.look(jpeg(sitter(name).frame(mouth=t))) for t in (0, 0.5, 1)]
    assert looks[0].mouth < looks[1].mouth < looks[2].mouth
    assert looks[2].mouth > looks[0].mouth + 0.2
    assert looks[0].mouth < challenge.MOUTH_GAPING < looks[2].mouth  # One of the two smiles.
    assert looks[2].causes == ()
    assert abs(looks[2].eyes - looks[0].eyes) < 0.05
    assert abs(looks[2].yaw - looks[0].yaw) < 5


@both
def test_a_turn_shows_in_the_yaw_and_to_the_persons_own_left_is_positive(engine: OpenCvEngine, name: Name) -> None:
    yaws = [engine.look(jpeg(sitter(name).frame(turn=t))).yaw for t in (-1, -0.5, 0, 0.5, 1)]
    assert yaws == sorted(yaws)
    assert yaws[0] < -17
    assert yaws[-1] > 17
    assert abs(yaws[2]) < 4


@both
def test_a_mirrored_face_turns_the_other_way(engine: OpenCvEngine, name: Name) -> None:
    turned = sitter(name).frame(turn=1)
    assert engine.look(jpeg(cv2.flip(turned, 1))).yaw == pytest.approx(-engine.look(jpeg(turned)).yaw, abs=4)


@both
def test_a_lifted_chin_shows_in_the_pitch_and_up_is_positive(engine: OpenCvEngine, name: Name) -> None:
    down, straight, up = (engine.look(jpeg(sitter(name).frame(nod=t))).pitch for t in (-1, 0, 1))
    assert down < -20
    assert abs(straight) < 5
    assert up > 20


@both
def test_a_leaning_head_shows_in_the_roll(engine: OpenCvEngine, name: Name) -> None:
    straight = engine.look(jpeg(sitter(name).image)).roll
    for degrees in (-20, 20):  # To the person's own left is clockwise in the picture.
        leaning = engine.look(jpeg(rolled(sitter(name), -degrees))).roll
        assert leaning - straight == pytest.approx(degrees, abs=4)


@both
@pytest.mark.parametrize(
    "moved", [{"turn": 0.3}, {"turn": 1}, {"turn": -1}, {"mouth": 1}, {"blink": 1}, {"nod": 0.5, "mouth": 0.5}]
)
def test_frames_of_one_session_are_of_one_face(engine: OpenCvEngine, name: Name, moved: dict[str, float]) -> None:
    still = engine.look(jpeg(sitter(name).image)).embedding
    frame = engine.look(jpeg(sitter(name).frame(**moved))).embedding
    assert likeness.cosine(still, frame) > likeness.SAME_FRAME_MIN
    assert likeness.verdict(still, frame, chip_photo=False) == "same"


def small(it: Sitter, width: int) -> Array:
    """Return the portrait as a photo on record of this width, in the proportions of the one in a card's chip."""
    return cv2.resize(it.image[:, 45:435], (width, round(width * 126 / 102)), interpolation=cv2.INTER_AREA)


@both
@pytest.mark.parametrize(("width", "quality"), [(358, 90), (102, 80), (102, 40), (70, 60)])
def test_a_photo_on_record_is_told_same_or_different(
    engine: OpenCvEngine, name: Name, width: int, quality: int
) -> None:
    it = sitter(name)
    reference = engine.reference(jpeg(small(it, width), quality))
    assert reference.causes == ()
    assert reference.width == pytest.approx(width * 0.53, rel=0.1)
    chip_photo = width <= 102
    live = engine.look(jpeg(it.frame(turn=0.2, mouth=0.2))).embedding
    assert likeness.verdict(reference.embedding, live, chip_photo=chip_photo) == "same"
    stranger = engine.look(jpeg(other(it).image)).embedding
    assert likeness.verdict(reference.embedding, stranger, chip_photo=chip_photo) == "different"


@pytest.mark.parametrize(
    ("spoil", "causes"),
    [
        (lambda it: cv2.resize(it.image, (50, 50), interpolation=cv2.INTER_AREA), ("too_far",)),
        (lambda it: lit(it.image, 0.18), ("too_dark",)),
        (lambda it: lit(it.image, 1.9), ("too_bright",)),
        (lambda it: cv2.GaussianBlur(it.image, (0, 0), 5), ("blurred",)),
        (lambda it: cv2.GaussianBlur(small(it, 102), (0, 0), 1.5), ("blurred",)),
        (lambda it: np.full_like(it.image, 128), ("no_face",)),
        (lambda it: it.frame(blink=1), ()),  # Only what spoils a comparison counts.
    ],
)
def test_an_unclear_photo_on_record_says_why(
    engine: OpenCvEngine, spoil: Callable[[Sitter], Array], causes: tuple[Cause, ...]
) -> None:
    assert engine.reference(jpeg(spoil(sitter("astronaut")))).causes == causes


def test_a_stranger_is_a_stranger(engine: OpenCvEngine) -> None:
    one, two = (engine.look(jpeg(sitter(name).image)).embedding for name in ("astronaut", "grace_hopper"))
    assert likeness.verdict(one, two, chip_photo=False) == "different"


@pytest.mark.parametrize("picture", [b"", b"not a picture", b"\xff\xd8\xff", b"GIF89a" + bytes(50), b"<svg/>"])
def test_what_is_no_picture_is_refused(engine: OpenCvEngine, picture: bytes) -> None:
    for looked in (engine.look, engine.reference):
        with pytest.raises(PictureUnreadable):
            looked(picture)


def test_half_a_picture_is_refused(engine: OpenCvEngine) -> None:
    whole = jpeg(sitter("astronaut").image)
    with pytest.raises(PictureUnreadable):
        engine.look(whole[: len(whole) // 2])


def claimed(width: int, height: int) -> bytes:
    """Return a small PNG that claims to be large; only its first line is there."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def claimed_jpeg(width: int, height: int) -> bytes:
    """Return a JPEG that says it has so many pixels."""
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "JPEG")
    before, start, after = content.getvalue().partition(b"\xff\xc0\x00\x11\x08")
    return before + start + struct.pack(">HH", height, width) + after[4:]


@pytest.mark.parametrize(
    "picture",
    [
        claimed(4_000, 3_001),
        claimed(60_000, 60_000),
        claimed(2_000_000_000, 2),
        claimed_jpeg(8_000, 5_001),
        claimed_jpeg(65_000, 65_000),
    ],
    ids=len,
)
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch, picture: bytes
) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr(ImageOps, "exif_transpose", lambda image: pytest.fail("decoded"))
    with pytest.raises(PictureUnreadable):
        vision.decoded(picture)


@pytest.mark.parametrize("picture", [claimed(4_000, 3_000), claimed_jpeg(8_000, 5_000)], ids=["png", "jpeg"])
def test_a_picture_that_is_just_small_enough_is_decoded(monkeypatch: pytest.MonkeyPatch, picture: bytes) -> None:
    decoded: list[tuple[int, int]] = []
    monkeypatch.setattr(ImageOps, "exif_transpose", lambda image: decoded.append(image.size))
    with pytest.raises(PictureUnreadable):  # Of what it claims to have it has next to nothing.
        vision.decoded(picture)
    assert len(decoded) == 1


@pytest.mark.parametrize("size", [(1, 1), (31, 400), (960, 2), (30_000, 40)])
def test_a_picture_too_small_for_a_face_is_refused(engine: OpenCvEngine, size: tuple[int, int]) -> None:
    content = io.BytesIO()
    Image.new("RGB", size).save(content, "PNG")
    for looked in (engine.look, engine.reference):
        with pytest.raises(PictureUnreadable):
            looked(content.getvalue())


@pytest.mark.parametrize("size", [(32, 32), (32, 960), (960, 32)])
def test_a_picture_of_any_proportion_can_be_looked_at(engine: OpenCvEngine, size: tuple[int, int]) -> None:
    content = io.BytesIO()
    Image.new("RGB", size, (128, 128, 128)).save(content, "PNG")
    for looked in (engine.look, engine.reference):
        assert looked(content.getvalue()).causes == ("no_face",)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("PNG", "P"), ("WEBP", "RGB"), ("JPEG", "L")]
)
def test_other_formats_and_colours_are_read(engine: OpenCvEngine, kind: str, mode: str) -> None:
    picture = Image.fromarray(sitter("astronaut").image[:, :, ::-1]).convert(mode)
    content = io.BytesIO()
    picture.save(content, kind)
    assert engine.look(content.getvalue()).causes == ()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photo_that_a_phone_laid_on_its_side_is_set_upright(engine: OpenCvEngine, orientation: int) -> None:
    upright = Image.fromarray(sitter("astronaut").image[:, :, ::-1])
    laid = upright.rotate({1: 0, 3: 180, 6: 90, 8: -90}[orientation], expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = io.BytesIO()
    laid.save(content, "JPEG", exif=exif)
    look = engine.look(content.getvalue())
    assert look.causes == ()
    assert abs(look.roll) < 6


def test_a_large_photo_is_measured_as_a_small_one(engine: OpenCvEngine) -> None:
    large = engine.look(jpeg(cv2.resize(sitter("astronaut").image, (4000, 4000))))
    small = engine.look(jpeg(cv2.resize(sitter("astronaut").image, (960, 960))))
    assert large.width == pytest.approx(small.width, rel=0.02)
    assert likeness.cosine(large.embedding, small.embedding) > 0.95


def test_threads_look_at_once_and_see_the_same(engine: OpenCvEngine) -> None:
    pictures = [jpeg(sitter("astronaut").image), jpeg(sitter("grace_hopper").image)] * 4
    alone = [engine.look(picture) for picture in pictures[:2]] * 4
    seen: dict[int, object] = {}
    threads = [
        threading.Thread(target=lambda n=n: seen.__setitem__(n, engine.look(pictures[n]))) for n in range(len(pictures))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seen[n] for n in range(len(pictures))] == alone


def test_a_look_tells_nothing_of_a_face_when_it_is_printed(engine: OpenCvEngine) -> None:
    assert repr(engine.look(jpeg(sitter("astronaut").image))) == "Look(causes=())"
