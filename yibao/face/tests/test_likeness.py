"""When two faces are of one person (A2, B12)."""

import math

import pytest

from yibao.face import likeness


def at(cosine: float) -> tuple[float, float]:
    """Return an embedding that is as like (1, 0) as told."""
    return 3 * cosine, 3 * math.sqrt(1 - cosine**2)


@pytest.mark.parametrize(
    ("cosine", "chip_photo", "verdict"),
    [
        (0.51, False, "same"),
        (0.49, False, "unsure"),
        (0.37, False, "unsure"),
        (0.36, False, "different"),
        (0.43, True, "same"),
        (0.41, True, "unsure"),
        (0.36, True, "different"),
        (-0.2, True, "different"),
    ],
)
def test_a_verdict_goes_by_how_like_two_faces_are(cosine: float, chip_photo: bool, verdict: str) -> None:
    assert likeness.verdict((1.0, 0.0), at(cosine), chip_photo=chip_photo) == verdict


def test_the_length_of_an_embedding_says_nothing() -> None:
    assert likeness.cosine((1.0, 2.0, 3.0), (2.0, 4.0, 6.0)) == pytest.approx(1)
    assert likeness.cosine((1.0, 0.0), (0.0, 5.0)) == pytest.approx(0)


@pytest.mark.parametrize("other", [(), (0.0, 0.0), (1.0, 0.0, 0.0)])
def test_what_has_no_face_is_like_nothing(other: tuple[float, ...]) -> None:
    assert likeness.cosine((1.0, 0.0), other) == 0
    assert likeness.verdict((1.0, 0.0), other, chip_photo=True) == "different"
