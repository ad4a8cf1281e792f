from datetime import datetime

from msgspec import Struct


class Holder(Struct, frozen=True):
    """A person who has bound the insurance; activated once the terms are agreed to."""

    person_id: str
    account_id: str
    psn_no: str
    place: str
    free_limit_fen: int
    bound_at: datetime
    agreed_at: datetime | None
    unbound_at: datetime | None


class Device(Struct, frozen=True):
    """One activation on one phone."""

    device_number: str
    channel: str
    activated_at: datetime
    unbound_at: datetime | None


class ShownCode(Struct, frozen=True):
    """A fresh code, and for how many seconds the page should show it before it asks for the next."""

    code: str
    seconds: int


class Scan(Struct, frozen=True):
    """A ticket as a till read it, not yet believed."""

    device_number: str
    ticket: int
    institution: str
    till: str
    at: datetime


class Phone(Struct, frozen=True):
    """The device behind a scanned ticket, and its holder; the name is sealed, in hexadecimal digits."""

    person_id: str
    place: str
    next_ticket: int
    unbound: bool
    spent: bool
    wrong_tags: int
    name: str
    gender: str


class ScanFacts(Struct, frozen=True):
    """All that was read for one scan, at one moment: the phone, if any, and how the institution's scans have gone."""

    phone: Phone | None
    till_bad: int
    institution_bad: int


class Spend(Struct, frozen=True):
    """What accepting a scan writes: the spent ticket, and the visit that it opens."""

    person_id: str
    device_number: str
    ticket: int
    institution: str
    token: str
    at: datetime
    expires_at: datetime


class Redeemed(Struct, frozen=True):
    """What a scan leads to: leave to serve this person, where they are insured, and their name for the till to mask."""

    token: str
    person_id: str
    place: str
    expires_at: datetime
    name: str
    gender: str  # gend

    def __repr__(self) -> str:
        return "Redeemed(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []
