"""Faces for tests, as the engine would measure them."""

import math
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from yibao.face.challenge import Action
from yibao.face.refusals import PictureUnreadable
from yibao.face.types import Look


def face_of(angle: float) -> tuple[float, ...]:
    """Return an embedding; the cosine of two is that of the angle between them, in degrees."""
    return (math.cos(math.radians(angle)), math.sin(math.radians(angle)), *([0.0] * 126))


SELF, OTHER = face_of(0), face_of(90)
STRAIGHT = Look(causes=(), width=200, yaw=1.0, pitch=2.0, eyes=0.30, mouth=0.02, sharpness=30, embedding=SELF)
NOBODY = Look(causes=("no_face",))


def seen(**changes: Any) -> Look:
    return replace(STRAIGHT, **changes)


BLINK = seen(eyes=0.12, causes=("eyes_closed",))
MOUTH = seen(mouth=0.35)
LEFT = seen(yaw=20.0, causes=("not_straight",))
RIGHT = seen(yaw=-20.0, causes=("not_straight",))
SHOWN: dict[Action, Look] = {"blink": BLINK, "mouth": MOUTH, "left": LEFT, "right": RIGHT}


class Scripted:
    """Engine that sees what a picture names: the bytes are a key into `looks`."""

    def __init__(self, looks: dict[bytes, Look] | None = None) -> None:
        self.looks = {
            b"straight": STRAIGHT,
            b"nobody": NOBODY,
            b"other": seen(embedding=OTHER),
            b"dark": seen(causes=("too_dark",)),
            **{name.encode(): look for name, look in SHOWN.items()},
            **(looks or {}),
        }

    def look(self, picture: bytes) -> Look:
        try:
            return self.looks[picture]
        except KeyError:
            raise PictureUnreadable from None

    def reference(self, picture: bytes) -> Look:
        return self.look(picture)


def acted(action: Action) -> Iterable[bytes]:
    """Return the frames of somebody who does what was asked."""
    shown = action.encode()
    return (b"straight", shown, shown, *([b"straight"] if action == "blink" else []))
