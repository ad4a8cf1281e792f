"""The photo that the police bureau has on record of somebody.

The protocol: a JSON question, signed with HMAC-SM3 over method, path, time, nonce and body, each on its line; an answer
signed with the same secret over the nonce of its question and its own body, so that nobody between us can show another
person's photo, and no earlier answer fits a later question. Silence, a busy bureau and an answer that is not genuine
leave the question open: they are never a no.
"""

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from typing import ClassVar, Literal, Protocol

import msgspec
import structlog
from msgspec import Struct

from yibao.core.gm import hmac_sm3
from yibao.core.partner import NoAnswer, Partner
from yibao.face.refusals import PoliceNotConnected
from yibao.face.types import Subject

_log = structlog.get_logger(__name__)

SIGNATURE_HEADER = "x-yibao-signature"

No = Literal["identity_unknown", "name_differs", "photo_missing", "pending"]


class Police(Protocol):
    """The population register's photo service."""

    def require_connected(self) -> None:
        """Refusals: PoliceNotConnected."""

    async def photo(self, subject: Subject, *, at: datetime) -> bytes | No:
        """Return the photo on record, or why there is none to be had; never raises for what the other side does."""


class _Answer(Struct, frozen=True):
    result: Literal["photo", "identity_unknown", "name_differs", "photo_missing"]
    nonce: str
    photo: str = ""

    def __repr__(self) -> str:
        return f"_Answer({self.result})"


class HttpPolice:
    """The photo service over HTTP."""

    PATH: ClassVar = "/police/photo"

    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    def require_connected(self) -> None:
        return

    async def photo(self, subject: Subject, *, at: datetime) -> bytes | No:
        nonce = secrets.token_hex(16)
        body = msgspec.json.encode(
            {"name": subject.name, "cert_type": subject.cert_type, "cert_no": subject.cert_no, "nonce": nonce}
        )
        try:
            answer = await self._partner.post(
                self.PATH, body, marks={"X-YB-Time": str(int(at.timestamp())), "X-YB-Nonce": nonce}
            )
        except NoAnswer:
            _log.warning("police.no_answer")
            return "pending"
        if answer.status_code != 200:
            _log.warning("police.no_answer", status=answer.status_code)
            return "pending"
        expected = hmac_sm3(self._partner.secret, nonce.encode() + b"\n" + answer.content).hex()
        if not hmac.compare_digest(expected, answer.headers.get(SIGNATURE_HEADER, "")):
            _log.error("police.answer_not_genuine")
            return "pending"
        try:
            told = msgspec.json.decode(answer.content, type=_Answer)
            photo = base64.b64decode(told.photo, validate=True)
        except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError):
            _log.error("police.answer_malformed")
            return "pending"
        return photo if told.result == "photo" else told.result


class NoPolice:
    """Police that has no photo of anybody and says so. For development only."""

    def __init__(self) -> None:
        _log.warning("police.not_connected", note="no face can be compared; for development only")

    def require_connected(self) -> None:
        raise PoliceNotConnected

    async def photo(self, subject: Subject, *, at: datetime) -> bytes | No:
        raise PoliceNotConnected
