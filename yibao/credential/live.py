"""What a live code's page is given, whoever's code it is: the next one for its script, and tickets to be offline."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from yibao import identity
from yibao.core import gm
from yibao.credential import draw
from yibao.credential.offline import AT_ONCE
from yibao.credential.types import Pack, ShownCode
from yibao.web.principal import SESSION_COOKIE, SignedIn


class CodeView(Struct, frozen=True):
    """A code as the live page shows it; `now` sets the clock by which the phone draws codes itself, in milliseconds."""

    qr: str
    bar: str
    digits: str
    seconds: int
    now: int

    @classmethod
    def of(cls, shown: ShownCode, at: datetime) -> "CodeView":
        return cls(draw.qr(shown.code), draw.bar(shown.code), draw.digits(shown.code), shown.seconds, _milliseconds(at))


class PackView(Struct, frozen=True):
    """Tickets for a phone, with the device's key as hexadecimal digits; instants in milliseconds."""

    key: str
    province: str
    tickets: list[str]
    until: int
    now: int

    @classmethod
    def of(cls, pack: Pack, at: datetime) -> "PackView":
        return cls(pack.device_key.hex(), pack.province, pack.tickets, _milliseconds(pack.until), _milliseconds(at))


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """How many tickets the page's script lacks; with none it only says that the phone is alive."""

    tickets: Annotated[int, Meta(ge=0, le=AT_ONCE)]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def session_of(request: SignedIn) -> bytes:
    """Return the digest of the sign-in that asks, with which what it is given ends."""
    return bytes.fromhex(identity.session_id(request.cookies.get(SESSION_COOKIE, "")))


def mark_of(request: SignedIn, person_id: str) -> str:
    """Return by what the script knows to whom tickets that it kept belong: the sign-in, a dash, the person's code."""
    session = session_of(request)
    marks = gm.sm3(b"sign-in" + session), gm.sm3(b"code" + session + person_id.encode())
    return "-".join(mark.hex()[:16] for mark in marks)
