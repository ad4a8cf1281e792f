"""Each cause has its rule, and they are told in one order (B12)."""

from typing import get_args

import pytest
from msgspec.structs import replace

from yibao.face import quality
from yibao.face.quality import Seen
from yibao.face.types import Cause

GOOD = Seen(
    image_luma=120,
    faces=1,
    face_luma=140,
    around_luma=120,
    width=200,
    presence=25,
    odd_colour=8,
    sockets=0.6,
    eyes=0.3,
    sharpness=60,
)


@pytest.mark.parametrize(
    ("spoilt", "cause"),
    [
        ({"face_luma": 54}, "too_dark"),
        ({"face_luma": 206}, "too_bright"),
        ({"glare": 0.11}, "too_bright"),
        ({"face_luma": 100, "around_luma": 176}, "backlit"),
        ({"faces": 2}, "several_faces"),
        ({"beyond": 0.03}, "not_whole"),
        ({"oval": 0.96}, "not_whole"),
        ({"width": 109}, "too_far"),
        ({"yaw": 16}, "not_straight"),
        ({"yaw": -16}, "not_straight"),
        ({"pitch": 21}, "not_straight"),
        ({"pitch": -17}, "not_straight"),
        ({"roll": -21}, "not_straight"),
        ({"presence": 13}, "covered"),
        ({"odd_colour": 35}, "covered"),
        ({"sockets": 0.41}, "covered"),
        ({"sockets": 0.2, "under_eyes": 0.4, "lids": 0.4}, "tinted_glasses"),
        ({"eyes": 0.11}, "eyes_closed"),
        ({"sharpness": 11}, "blurred"),
    ],
)
def test_one_fault_is_one_cause(spoilt: dict[str, float], cause: Cause) -> None:
    assert quality.of_frame(GOOD) == ()
    assert quality.of_frame(replace(GOOD, **spoilt)) == (cause,)


@pytest.mark.parametrize(
    "fine",
    [
        {"face_luma": 56},
        {"face_luma": 112, "around_luma": 250},  # Against a window, and still light enough to see.
        {"yaw": 14, "pitch": 19, "roll": -19},
        {"pitch": -15},
        {"width": 110, "oval": 0.98, "presence": 15},
        {"under_eyes": 0.4, "lids": 0.9},  # Dark rings are no glasses.
        {"eyes": 0.13},  # There are eyes as narrow as that.
    ],
)
def test_what_lies_within_the_limits_is_good(fine: dict[str, float]) -> None:
    assert quality.of_frame(replace(GOOD, **fine)) == ()


def test_without_a_face_the_light_is_the_cause_if_there_is_none() -> None:
    assert quality.of_frame(Seen(image_luma=120)) == ("no_face",)
    assert quality.of_frame(Seen(image_luma=20)) == ("too_dark",)
    assert quality.of_frame(Seen(image_luma=240)) == ("too_bright",)
    assert quality.of_reference(Seen(image_luma=120)) == ("no_face",)
    assert quality.of_reference(Seen(image_luma=20)) == ("too_dark",)


def test_all_causes_that_apply_are_told_in_their_order() -> None:
    worst = replace(GOOD, face_luma=40, around_luma=200, faces=3, width=50, roll=40, eyes=0.1, sharpness=1)
    causes = quality.of_frame(worst)
    assert causes == ("too_dark", "backlit", "several_faces", "too_far", "not_straight", "eyes_closed", "blurred")
    assert sorted(causes, key=get_args(Cause).index) == list(causes)


@pytest.mark.parametrize("why", [{"face_luma": 30}, {"glare": 0.5}, {"oval": 0.5}, {"yaw": 30}, {"pitch": -30}])
def test_nothing_is_said_to_lie_over_a_face_that_is_seen_badly(why: dict[str, float]) -> None:
    hidden = replace(GOOD, presence=0, odd_colour=90, sockets=0.1, under_eyes=0.1, lids=0.1, **why)
    assert not {"covered", "tinted_glasses"} & set(quality.of_frame(hidden))


@pytest.mark.parametrize(
    ("spoilt", "causes"),
    [
        ({"width": 30}, ()),
        ({"width": 29}, ("too_far",)),
        ({"face_luma": 40}, ("too_dark",)),
        ({"face_luma": 220}, ("too_bright",)),
        ({"sharpness": 5}, ("blurred",)),
        ({"yaw": 30, "presence": 5, "eyes": 0.05, "faces": 2}, ()),
    ],
)
def test_a_photo_on_record_is_clear_enough_or_not(spoilt: dict[str, float], causes: tuple[Cause, ...]) -> None:
    assert quality.of_reference(replace(GOOD, **spoilt)) == causes
