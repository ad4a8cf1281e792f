"""The challenge, frame by frame (B12, A2)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import pytest

from yibao.face import challenge, refusals
from yibao.face.challenge import Action, Draw, Mode, Reason, Sound, State
from yibao.face.judge import Outcome
from yibao.face.tests.looks import BLINK, LEFT, MOUTH, NOBODY, OTHER, RIGHT, SHOWN, STRAIGHT, face_of, seen
from yibao.face.types import Cause, Look

AT = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
EVERY = timedelta(milliseconds=125)


class Run:
    """A challenge that is being gone through, on a clock that moves with its frames."""

    def __init__(self, *rounds: tuple[Action, ...], mode: Mode = "camera", digits: str = "12345678") -> None:
        self.at = AT
        self.state = challenge.begun(mode, draw=Draw(rounds or (("blink", "mouth"),), digits), nonce="n", at=AT)

    def see(self, *looks: Look, times: int = 1) -> State:
        for look in looks * times:
            self.at += EVERY
            self.state = challenge.advance(self.state, look, at=self.at)
            # What is kept between frames goes through the database.
            self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=State)
        return self.state

    def settle(self) -> State:
        return self.see(STRAIGHT, times=challenge.SETTLED)

    def wait(self, seconds: float) -> State:
        self.at += timedelta(seconds=seconds)
        self.state = challenge.expired(self.state, at=self.at)
        return self.state


def doing(action: Action) -> Iterable[Look]:
    shown = SHOWN[action]
    return (STRAIGHT, shown, shown, *([STRAIGHT] if action == "blink" else []))  # A blink ends with open eyes.


@pytest.mark.parametrize(
    "actions", [("blink", "mouth"), ("mouth", "right"), ("left", "blink"), ("right", "mouth")], ids="-".join
)
def test_whoever_does_what_is_asked_is_compared_with_a_straight_frame(actions: tuple[Action, ...]) -> None:
    run = Run(actions)
    assert run.settle().phase == "act"
    for action in actions:
        assert run.state.asked == action
        run.see(*doing(action))
    assert run.state.phase == "look"
    assert run.see(STRAIGHT).phase == "compare"


def test_a_movement_that_began_before_it_was_asked_for_does_not_count() -> None:
    run = Run(("mouth", "blink"))
    run.settle()
    run.see(MOUTH, times=6)
    assert run.state.done == 0
    run.see(STRAIGHT, MOUTH, MOUTH)
    assert run.state.done == 1


@pytest.mark.parametrize("mode", get_args(Mode))
def test_an_open_mouth_is_not_how_a_face_is_at_rest(mode: Mode) -> None:
    """Or nobody could open it farther, and would be told that they did not open it at all."""
    run = Run(("mouth", "left"), mode=mode)
    run.see(MOUTH, times=challenge.SETTLED)
    assert (run.state.phase, run.state.seen) == ("settle", ())
    assert challenge.persisting(run.state) == "mouth_open"
    run.settle()
    assert run.state.phase == ("read" if mode == "digits" else "act")
    assert run.state.rest is not None
    assert run.state.rest.mouth == STRAIGHT.mouth


def test_a_smile_is_a_face_at_rest_and_a_word_among_its_frames_does_not_count() -> None:
    smile, word = seen(mouth=0.21), seen(mouth=0.24)
    run = Run(("mouth", "blink"))
    run.see(smile, times=challenge.SETTLED)
    assert run.state.rest is not None
    assert run.state.rest.mouth == smile.mouth
    spoken = Run(("mouth", "blink"))
    spoken.see(word, STRAIGHT, STRAIGHT, word)
    assert spoken.state.rest is not None
    assert spoken.state.rest.mouth == STRAIGHT.mouth
    spoken.see(STRAIGHT, word, word)
    assert spoken.state.done == 1


def test_closed_eyes_are_a_blink_only_when_they_open_again() -> None:
    run = Run(("blink", "mouth"))
    run.settle()
    run.see(STRAIGHT, BLINK, BLINK, BLINK)
    assert run.state.done == 0
    run.see(STRAIGHT)
    assert run.state.done == 1


def test_narrow_eyes_blink_by_their_own_measure() -> None:
    """Open eyes of one person are narrower than half-closed ones of another."""
    narrow = seen(eyes=0.14, causes=("eyes_closed",))
    run = Run(("blink", "mouth"))
    run.see(narrow, times=challenge.SETTLED)
    assert run.state.phase == "act"
    run.see(narrow, narrow, times=4)
    assert run.state.done == 0
    run.see(seen(eyes=0.08), narrow)
    assert run.state.done == 1


def test_looking_down_is_no_blink() -> None:
    run = Run(("blink", "mouth"))
    run.settle()
    run.see(STRAIGHT, seen(eyes=0.1, pitch=17.0), STRAIGHT)
    assert run.state.done == 0


def test_one_frame_of_a_movement_is_a_flicker() -> None:
    run = Run(("mouth", "blink"))
    run.settle()
    run.see(STRAIGHT, MOUTH, STRAIGHT, MOUTH, STRAIGHT)
    assert run.state.done == 0


def test_turning_to_the_wrong_side_is_forgiven_once_and_then_begun_anew_with_other_movements() -> None:
    run = Run(("left", "blink"), ("mouth", "right"))
    run.settle()
    run.see(STRAIGHT, RIGHT, RIGHT, RIGHT, STRAIGHT)
    assert (run.state.phase, run.state.astray, run.state.round) == ("act", 1, 0)
    run.see(STRAIGHT, RIGHT, RIGHT)
    assert (run.state.phase, run.state.round, run.state.reason) == ("settle", 1, "astray")
    assert run.state.rest is None
    run.settle()
    assert run.state.asked == "mouth"


def test_begun_anew_too_often_it_is_over() -> None:
    run = Run(("left", "blink"))
    run.settle()
    run.see(*(STRAIGHT, RIGHT, RIGHT) * 2)
    assert (run.state.phase, run.state.reason) == ("over", "astray")


def test_another_face_begins_anew_and_its_frames_count_for_nothing() -> None:
    other = seen(embedding=OTHER)
    run = Run(("mouth", "blink"), ("blink", "left"))
    run.settle()
    run.see(STRAIGHT, seen(embedding=OTHER, mouth=0.4), STRAIGHT, seen(embedding=OTHER, mouth=0.4), STRAIGHT)
    assert (run.state.done, run.state.round) == (0, 0)
    run.see(other, other, other)
    assert (run.state.phase, run.state.round, run.state.reason) == ("settle", 1, "another_face")


def test_another_face_is_not_compared() -> None:
    run = Run(("mouth", "blink"))
    run.settle()
    run.see(*doing("mouth"), *doing("blink"))
    assert run.state.phase == "look"
    assert run.see(seen(embedding=OTHER)).phase == "look"
    assert run.see(STRAIGHT).phase == "compare"


def test_a_turned_head_need_not_be_as_like_as_a_straight_one() -> None:
    side = seen(yaw=25.0, embedding=face_of(60), causes=("not_straight",))  # A cosine of 0.5.
    run = Run(("left", "blink"))
    run.settle()
    run.see(STRAIGHT, side, side)
    assert run.state.done == 1
    straight = Run(("mouth", "blink"))
    straight.settle()
    straight.see(STRAIGHT, *[seen(mouth=0.4, embedding=face_of(60))] * 2)
    assert straight.state.done == 0


def test_the_frame_that_is_compared_is_good_straight_and_has_open_eyes() -> None:
    run = Run(("mouth", "blink"))
    run.settle()
    run.see(*doing("mouth"), *doing("blink"))
    for bad in (BLINK, MOUTH, LEFT, NOBODY, seen(causes=("too_dark",)), seen(yaw=14.0), seen(causes=("covered",))):
        assert run.see(bad).phase == "look", bad
    assert run.see(STRAIGHT).phase == "compare"


@pytest.mark.parametrize("cause", get_args(Cause))
def test_a_cause_that_persists_is_told_and_ends_it(cause: Cause) -> None:
    """B12: and a flicker is not told."""
    look = NOBODY if cause == "no_face" else seen(causes=(cause,))
    run = Run(("mouth", "blink"))
    if cause == "eyes_closed":  # It needs this person's own level.
        run.settle()
        run.see(*doing("mouth"), *doing("blink"))
        look = BLINK
    if cause == "mouth_open":  # How far is measured.
        look = MOUTH
    run.see(STRAIGHT) if run.state.phase == "settle" else None
    run.see(look)
    run.see(look, times=challenge.RECENT)
    assert challenge.persisting(run.state) == cause
    run.wait(30)
    assert (run.state.phase, run.state.reason) == ("over", cause)


def test_a_flicker_is_not_told() -> None:
    run = Run(("mouth", "blink"))
    run.see(STRAIGHT, NOBODY, STRAIGHT)
    assert challenge.persisting(run.state) is None


def test_of_several_causes_the_first_in_the_order_is_told() -> None:
    run = Run(("mouth", "blink"))
    run.see(seen(causes=("too_far",)), seen(causes=("too_dark", "blurred")), times=3)
    assert challenge.persisting(run.state) == "too_dark"


@pytest.mark.parametrize(
    ("action", "reason"),
    [("blink", "blink_missed"), ("mouth", "mouth_missed"), ("left", "turn_missed"), ("right", "turn_missed")],
)
def test_a_movement_has_ten_seconds(action: Action, reason: Reason) -> None:
    run = Run((action, "blink"))
    run.settle()
    run.see(STRAIGHT)
    assert run.wait(9.7).phase == "act"
    assert run.wait(0.4).phase == "over"
    assert run.state.reason == reason


def test_what_was_measured_is_forgotten_when_it_is_over() -> None:
    run = Run(("mouth", "blink"))
    run.settle()
    assert run.state.embedding
    state = run.wait(11)
    assert (state.embedding, state.rest, state.seen) == ((), None, ())


def test_a_frame_after_the_end_changes_nothing() -> None:
    run = Run(("mouth", "blink"))
    over = run.wait(60)
    assert over.phase == "over"
    assert run.see(STRAIGHT, times=9) == over


def test_a_comparison_without_an_answer_waits_for_another_frame() -> None:
    run = Run(("mouth", "blink"))
    run.settle()
    run.see(*doing("mouth"), *doing("blink"), STRAIGHT)
    state = challenge.unanswered(run.state, at=run.at)
    assert (state.phase, state.compared) == ("look", 1)
    # Whoever compared may have died over it.
    assert challenge.expired(run.state, at=run.at + challenge.COMPARING).phase == "look"


def test_photographs_show_each_movement_once_and_never_a_blink() -> None:
    run = Run(("mouth", "left"), mode="photos")
    run.see(STRAIGHT, MOUTH, LEFT, STRAIGHT)
    assert run.state.phase == "compare"
    for _ in range(50):
        assert all("blink" not in actions for actions in challenge.drawn("photos").rounds)


def test_a_photograph_of_something_else_is_asked_for_again() -> None:
    run = Run(("mouth", "left"), mode="photos")
    run.see(STRAIGHT, RIGHT, STRAIGHT)
    assert (run.state.phase, run.state.done) == ("act", 0)
    run.see(seen(causes=("too_dark",)))
    assert challenge.persisting(run.state) == "too_dark"
    run.see(MOUTH)
    assert run.state.done == 1
    assert run.wait(179 - 1).phase == "act"
    assert run.wait(3).phase == "over"


def test_four_digits_are_read_and_a_failed_one_is_replaced() -> None:
    run = Run(mode="digits", digits="70315926")
    run.settle()
    assert (run.state.phase, run.state.digit) == ("read", "7")

    def read(sound: Sound | None) -> State:
        run.at += timedelta(seconds=2)
        run.state = challenge.read(run.state, [STRAIGHT, MOUTH], sound, at=run.at)
        return run.state

    assert read("too_quiet").digit == "0"
    assert run.state.reason == "too_quiet"
    for _ in range(3):
        read(None)
    assert (run.state.phase, run.state.done, run.state.digit) == ("read", 3, "5")
    assert read(None).phase == "look"
    assert run.see(STRAIGHT).phase == "compare"


def test_digits_that_fail_too_often_end_it_with_the_last_cause() -> None:
    run = Run(mode="digits")
    run.settle()
    for _ in range(challenge.DIGITS + challenge.DIGITS_SPARE):
        run.state = challenge.read(run.state, [STRAIGHT], "no_sound", at=run.at)
    assert (run.state.phase, run.state.reason) == ("over", "no_sound")


def test_digits_are_read_by_the_same_face_in_their_window() -> None:
    run = Run(("blink",), ("blink",), mode="digits")
    run.settle()
    late = challenge.read(run.state, [STRAIGHT], None, at=run.at + challenge.WINDOW)
    assert (late.done, late.reason) == (0, "digit_window_missed")
    faceless = challenge.read(run.state, [NOBODY], None, at=run.at)
    assert (faceless.done, faceless.reason) == (0, "mouth_not_moving")
    other = challenge.read(run.state, [STRAIGHT, seen(embedding=OTHER)], None, at=run.at)
    assert (other.phase, other.reason) == ("settle", "another_face")


def test_a_draw_has_two_different_movements_a_round_and_every_order_comes() -> None:
    rounds = {actions for _ in range(200) for actions in challenge.drawn("camera").rounds}
    assert all(len(set(actions)) == challenge.ACTIONS for actions in rounds)
    assert not any({"left", "right"} <= set(actions) for actions in rounds)
    assert len(rounds) == 10  # Of three kinds two in either order, a turn to either side.
    draw = challenge.drawn("digits")
    assert len(draw.digits) == challenge.DIGITS + challenge.DIGITS_SPARE
    assert draw.digits.isdecimal()


def test_every_way_to_fail_has_its_own_words() -> None:
    """B12: a message and a remedy of its own for each."""
    reasons = {*get_args(Cause), *get_args(Sound), *get_args(challenge.Missed)}
    outcomes = {word for part in get_args(Outcome) for word in (get_args(part) or (part,))} - {"same"}
    assert set(refusals.OUTCOMES) == reasons | outcomes
    kinds = refusals.OUTCOMES.values()
    assert len({kind.title for kind in kinds}) == len(refusals.OUTCOMES)
    assert len({kind.remedy for kind in kinds}) == len(refusals.OUTCOMES)
    published = ("系统未包含该身份信息", "未能通过人脸检测", "当前环境光太亮", "人脸与身份信息不匹配")
    for words in published:
        assert any(kind.title.startswith(words) for kind in kinds), words
    assert "更换实名信息" in refusals.Different.remedy
