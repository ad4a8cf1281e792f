"""Who decides whether a portrait shows the person that it should: the port for a certified service, and ours."""

from datetime import datetime
from typing import Literal, Protocol

from yibao.face import likeness
from yibao.face.eyes import Eyes
from yibao.face.police import No, Police
from yibao.face.refusals import PictureUnreadable
from yibao.face.types import Look, Subject

Outcome = Literal["same", "unsure", "different", "photo_unclear"] | No

_CHIP_WIDTH_MAX = 60  # pixels; the photo in an identity card's chip has a face of about 46


class Judge(Protocol):
    """The authority on whose face it is; a certified service takes the place of ours behind it."""

    def require_connected(self) -> None:
        """Refusals: PoliceNotConnected."""

    async def judge(self, portrait: bytes, look: Look, subject: Subject, *, at: datetime) -> Outcome:
        """Say whether the portrait shows the subject; `look` is what was measured on it.

        "pending" leaves it open: nobody answered. Never raises for what the other side does or fails to do.
        """


class ByPolicePhoto:
    """Judge by the likeness to the photo that the police bureau has on record."""

    def __init__(self, police: Police, eyes: Eyes) -> None:
        self._police = police
        self._eyes = eyes

    def require_connected(self) -> None:
        self._police.require_connected()

    async def judge(self, portrait: bytes, look: Look, subject: Subject, *, at: datetime) -> Outcome:
        photo = await self._police.photo(subject, at=at)
        if isinstance(photo, str):
            return photo
        try:
            known = await self._eyes.reference(photo)
        except PictureUnreadable:
            return "photo_unclear"
        if known.causes or not known.embedding:
            return "photo_unclear"
        return likeness.verdict(look.embedding, known.embedding, chip_photo=known.width < _CHIP_WIDTH_MAX)
