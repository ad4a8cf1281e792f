"""The challenge: what the person before the camera is asked to do, and what the frames so far have shown.

Pure: a state, a look at one frame and the clock give the next state. A few straight frames with the mouth shut tell how
this person's eyes and mouth are at rest; then two movements are asked for, drawn beforehand; then one more straight
frame is the one that is compared. Everything is judged against the person's own frames, never by a line that is the
same for all eyes, and a frame counts only if it shows the same face as the first one. With photographs instead of a
camera the rules are the same, one picture a step.

What this stops is a printed picture and a person who is somebody else. A replayed or generated film that does what is
asked passes; `docs/explain/face.md` says so.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from yibao.face import likeness
from yibao.face.types import Cause, Look

Action = Literal["blink", "mouth", "left", "right"]
Mode = Literal["camera", "digits", "photos"]
Phase = Literal["settle", "act", "read", "look", "compare", "over"]
Sound = Literal["no_sound", "too_quiet", "too_noisy", "mouth_not_moving", "digit_window_missed", "digit_differs"]
# Why a challenge ended without a comparison, besides what is wrong with the picture or the sound.
Missed = Literal["blink_missed", "mouth_missed", "turn_missed", "astray", "another_face"]
Reason = Cause | Sound | Missed

ROUNDS = 3  # How often one challenge may be begun anew, each time with other movements.
ACTIONS = 2
DIGITS = 4
DIGITS_SPARE = 4
WHOLE = {"camera": timedelta(seconds=100), "digits": timedelta(seconds=100), "photos": timedelta(minutes=3)}
STEP = timedelta(seconds=10)
SETTLING = timedelta(seconds=30)  # Finding light, place and distance takes longer than a movement.
WINDOW = timedelta(seconds=8)  # From the digit to what was recorded of it, a slow network included.
COMPARING = timedelta(seconds=30)  # Whoever compares is done by then, or has died over it.
COMPARED_MAX = 3  # How often the police bureau is asked for its photo before the person is told to come back later.

SETTLED = 4  # frames
HELD = 2  # frames that must show a movement
STRANGERS_MAX = 3  # frames in a row
ASTRAY_MAX = 2  # other movements than the one asked for
RECENT = 6  # frames by which a cause is told from a flicker

EYES_CLOSED, EYES_OPEN = 0.75, 0.85  # of this person's level
MOUTH_OPEN = 0.15  # above this person's level
MOUTH_GAPING = 0.25  # A broad smile that shows the teeth was measured at 0.21; from here on little is left to open.
TURNED = 12.0  # degrees
NODDED = 12.0
TURNED_FACE_MIN = 0.363  # The line for one face where it is turned; straight frames must be as like as SAME_FRAME_MIN.

# What a movement brings with it is no fault of the frame that shows it.
_EXCUSED: dict[Action, frozenset[Cause]] = {
    "blink": frozenset(("eyes_closed", "blurred", "tinted_glasses")),
    "mouth": frozenset(("eyes_closed", "blurred", "covered", "not_straight")),
    "left": frozenset(("not_straight", "eyes_closed", "blurred", "covered", "tinted_glasses", "backlit")),
    "right": frozenset(("not_straight", "eyes_closed", "blurred", "covered", "tinted_glasses", "backlit")),
}
_CAUSES: tuple[Cause, ...] = get_args(Cause)
_MISSED: dict[Action, Missed] = {
    "blink": "blink_missed",
    "mouth": "mouth_missed",
    "left": "turn_missed",
    "right": "turn_missed",
}


class Level(Struct, frozen=True):
    """How a face is: measured on one frame, or this person's at rest."""

    eyes: float
    mouth: float
    yaw: float
    pitch: float


class Draw(Struct, frozen=True):
    """What a challenge will ask for: the movements of each round, and digits to read."""

    rounds: tuple[tuple[Action, ...], ...]
    digits: str


Drawing = Callable[[Mode], Draw]


class State(Struct, frozen=True):
    """A running challenge: numbers, and one embedding. It is kept sealed, and forgotten when the challenge ends."""

    nonce: str
    mode: Mode
    draw: Draw
    began_at: datetime
    since: datetime  # when this step began
    phase: Phase = "settle"
    round: int = 0
    done: int = 0  # movements shown in this round, or digits read
    turn: int = 0  # which digit is shown
    seen: tuple[Level, ...] = ()  # while settling
    rest: Level | None = None
    embedding: tuple[float, ...] = ()
    ready: bool = False  # The person has been at rest since this movement was asked for.
    held: int = 0
    closed: bool = False
    straying: int = 0
    astray: int = 0
    strangers: int = 0
    recent: tuple[str, ...] = ()  # the cause of each of the last frames, empty for a good one
    compared: int = 0
    reason: Reason | None = None  # why it is over, or was begun anew

    @property
    def asked(self) -> Action:
        return self.draw.rounds[self.round][self.done]

    @property
    def digit(self) -> str:
        return self.draw.digits[self.turn]

    @property
    def stills(self) -> bool:
        return self.mode == "photos"


def drawn(mode: Mode) -> Draw:
    """Draw what a challenge will ask for. A still cannot show a blink, so photographs are asked for other movements."""
    random = secrets.SystemRandom()

    def movements() -> tuple[Action, ...]:
        turn: Action = random.choice(("left", "right"))
        kinds: tuple[Action, ...] = ("mouth", "left", "right") if mode == "photos" else ("blink", "mouth", turn)
        return tuple(random.sample(kinds, ACTIONS))

    digits = "".join(random.choice("0123456789") for _ in range(DIGITS + DIGITS_SPARE))
    return Draw(tuple(movements() for _ in range(ROUNDS)), digits)


def begun(mode: Mode, *, draw: Draw, nonce: str, at: datetime) -> State:
    """Return a challenge at its beginning; every frame of it must carry `nonce`."""
    return State(nonce=nonce, mode=mode, draw=draw, began_at=at, since=at)


def advance(state: State, look: Look, *, at: datetime) -> State:
    """Return the challenge after one more frame."""
    state = expired(state, at=at)
    if state.phase in ("compare", "over", "read"):
        return state
    pressing = _pressing(state, look)
    state = replace(state, recent=(*state.recent, pressing or "")[-RECENT:])
    if pressing is not None:
        return state
    if _is_stranger(state, look):
        if state.stills or state.strangers + 1 >= STRANGERS_MAX:
            return _anew(state, "another_face", at=at)
        return replace(state, strangers=state.strangers + 1)
    state = replace(state, strangers=0)
    match state.phase:
        case "settle":
            return _settle(state, look, at=at)
        case "act":
            return _act(state, look, at=at)
    return replace(state, phase="compare", since=at)


def read(state: State, looks: Sequence[Look], sound: Sound | None, *, at: datetime) -> State:
    """Return the challenge after one digit: `sound` is what was wrong with it, `looks` were made while it was read."""
    state = expired(state, at=at)
    if state.phase != "read":
        return state
    faces = [look for look in looks if look.embedding]
    if not faces:
        sound = sound or "mouth_not_moving"
    elif any(_is_stranger(state, look) for look in faces):
        return _anew(state, "another_face", at=at)
    if at >= state.since + WINDOW:
        sound = "digit_window_missed"
    state = replace(state, done=state.done + (sound is None), turn=state.turn + 1, since=at, reason=sound)
    if state.done == DIGITS:
        return replace(state, phase="look", reason=None, recent=())
    return _over(state, sound) if sound is not None and state.turn == len(state.draw.digits) else state


def unanswered(state: State, *, at: datetime) -> State:
    """Return the challenge after a comparison to which nobody answered: another frame will ask again."""
    return replace(state, phase="look", since=at, compared=state.compared + 1, recent=())


def ends_at(state: State) -> datetime:
    """Return when this step is over; a photograph may take as long as the whole challenge."""
    whole = state.began_at + WHOLE[state.mode]
    if state.stills:
        return whole
    lasts = {"settle": SETTLING, "act": STEP, "read": 2 * WINDOW, "look": STEP, "compare": COMPARING}
    return min(whole, state.since + lasts[state.phase])


def expired(state: State, *, at: datetime) -> State:
    """Return the challenge as the clock alone leaves it."""
    if state.phase == "compare":
        return unanswered(state, at=at) if at >= state.since + COMPARING else state
    if state.phase == "over" or at < ends_at(state):
        return state
    return _over(state, persisting(state) or _missed(state))


def persisting(state: State) -> Cause | None:
    """Return what is wrong with the picture, if it is wrong for longer than a flicker: most of the last frames.

    Of several causes the first in the order of `Cause` is told.
    """
    recent = state.recent[-1:] if state.stills else state.recent
    bad = [cause for cause in recent if cause]
    if 2 * len(bad) <= len(recent):
        return None
    return next(cause for cause in _CAUSES if cause in bad)


def _pressing(state: State, look: Look) -> Cause | None:
    """Return the first cause for which this frame cannot count at this step."""
    excused: frozenset[Cause] = _EXCUSED[state.asked] if state.phase == "act" else frozenset()
    for cause in _CAUSES:
        if cause == "eyes_closed":
            # One frame cannot tell narrow eyes from closed ones; this person's own level can.
            if state.phase == "look" and state.rest is not None and look.eyes < EYES_CLOSED * state.rest.eyes:
                return cause
        elif cause == "mouth_open":
            if _gapes(state, look):
                return cause
        elif cause in look.causes and cause not in excused:
            return cause
    if not look.embedding:
        return "no_face"
    if state.phase == "look" and state.rest is not None and abs(look.yaw - state.rest.yaw) > TURNED:
        return "not_straight"
    return None


def _gapes(state: State, look: Look) -> bool:
    """Tell whether a mouth is open where the face should be at rest: by a line for all only until there is a level."""
    if state.phase == "settle":
        return look.mouth >= MOUTH_GAPING
    return state.phase == "look" and state.rest is not None and look.mouth >= state.rest.mouth + MOUTH_OPEN


def _is_stranger(state: State, look: Look) -> bool:
    if not state.embedding:
        return False
    level = state.rest or state.seen[0]
    turned = abs(look.yaw - level.yaw) > TURNED
    return likeness.cosine(state.embedding, look.embedding) < (TURNED_FACE_MIN if turned else likeness.SAME_FRAME_MIN)


def _settle(state: State, look: Look, *, at: datetime) -> State:
    seen = (*state.seen, Level(look.eyes, look.mouth, look.yaw, look.pitch))
    embedding = state.embedding or tuple(round(number, 5) for number in look.embedding)
    state = replace(state, seen=seen, embedding=embedding)
    if len(seen) < (1 if state.stills else SETTLED):
        return state
    rest = Level(
        # A blink or a word among so few frames would pull the median away.
        eyes=sorted(each.eyes for each in seen)[len(seen) * 6 // 10],
        mouth=sorted(each.mouth for each in seen)[len(seen) * 3 // 10],
        yaw=median(each.yaw for each in seen),
        pitch=median(each.pitch for each in seen),
    )
    following: Phase = "read" if state.mode == "digits" else "act"
    return replace(state, phase=following, since=at, seen=(), rest=rest, ready=state.stills, recent=(), reason=None)


def _act(state: State, look: Look, *, at: datetime) -> State:
    rest, asked = state.rest, state.asked
    assert rest is not None
    doing = _movements(rest, look)
    if asked in doing or (asked == "blink" and state.closed):
        state = replace(state, straying=0)
        if not state.ready:
            return state  # It began before it was asked for; the person comes back to rest first.
        if asked == "blink":
            if asked not in doing and look.eyes >= EYES_OPEN * rest.eyes:
                return _acted(state, at=at)
            return replace(state, closed=True)
        state = replace(state, held=state.held + 1)
        return _acted(state, at=at) if state.held >= (1 if state.stills else HELD) else state
    others = doing - {asked, "blink"}  # Everybody blinks.
    if state.stills:
        return state
    if not others:
        at_rest = "blink" not in doing
        return replace(state, ready=state.ready or at_rest, held=0, straying=0)
    state = replace(state, straying=state.straying + 1, held=0)
    if state.straying != HELD:
        return state
    if state.astray + 1 < ASTRAY_MAX:
        return replace(state, astray=state.astray + 1)
    return _anew(state, "astray", at=at)


def _movements(rest: Level, look: Look) -> set[Action]:
    """Return what this frame shows besides a face at rest."""
    found: set[Action] = set()
    turn, nod = look.yaw - rest.yaw, look.pitch - rest.pitch
    if look.eyes <= EYES_CLOSED * rest.eyes and abs(turn) <= TURNED and abs(nod) <= NODDED:
        found.add("blink")  # Whoever looks down or away lowers the lids too.
    if look.mouth >= rest.mouth + MOUTH_OPEN:
        found.add("mouth")
    if turn >= TURNED:
        found.add("left")
    if turn <= -TURNED:
        found.add("right")
    return found


def _acted(state: State, *, at: datetime) -> State:
    state = replace(
        state, done=state.done + 1, since=at, ready=state.stills, held=0, closed=False, straying=0, recent=(),
        reason=None,
    )  # fmt: skip
    return replace(state, phase="look") if state.done == len(state.draw.rounds[state.round]) else state


def _anew(state: State, reason: Reason, *, at: datetime) -> State:
    """Begin again with the next movements that were drawn, or end where none are left."""
    if state.round + 1 == len(state.draw.rounds):
        return _over(state, reason)
    fresh = begun(state.mode, draw=state.draw, nonce=state.nonce, at=at)
    return replace(fresh, began_at=state.began_at, round=state.round + 1, turn=state.turn, reason=reason)


def _over(state: State, reason: Reason) -> State:
    return replace(state, phase="over", reason=reason, embedding=(), rest=None, seen=())


def _missed(state: State) -> Reason:
    if state.phase == "act":
        return "astray" if state.astray else _MISSED[state.asked]
    if state.phase == "read":
        return state.reason or "digit_window_missed"
    return "not_straight" if state.phase == "look" else "no_face"
