from datetime import datetime
from typing import Literal

from msgspec import Struct

from yibao.face import Subject

Function = Literal["activate", "show_code", "unbind", "family", "pay", "query"]  # What a channel may do.
ChannelKind = Literal["wechat", "alipay", "national", "province", "city", "bank"]
ChannelState = Literal["applied", "active", "suspended"]


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
    activation_id: str  # Random; it can stand in a form or an address.
    account_id: str  # A relative's, where the code is lent to them.
    browser: bytes


class Visited(Struct, frozen=True):
    """An institution that identified the person, and when."""

    institution: str
    created_at: datetime
    medium: str  # mdtrt_cert_type: 01 by a code, 02 by a certificate, 03 by the card; or `face`


class ShownCode(Struct, frozen=True):
    """A fresh code, and for how many seconds the page should show it before it asks for the next."""

    code: str
    seconds: int
    lock: bytes | None = None  # By which the phone knows the key of the screen lock that the code stands behind.


class Pack(Struct, frozen=True):
    """What a phone needs to draw its own codes: the device's key, tickets that nobody has seen, and until when."""

    device_key: bytes
    tickets: list[str]
    province: str
    until: datetime

    def __repr__(self) -> str:
        return "Pack(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: whoever reads a log must not be able to draw somebody's code."""
        return []


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
    suspended: "Suspended | None"
    spent: bool
    offline_over: bool
    wrong_tags: int
    name: str
    gender: str


class Suspended(Struct, frozen=True):
    """A channel whose codes are refused for now, and whom to ask."""

    channel: str
    hotline: str


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


class Channel(Struct, frozen=True):
    """An app or a page of others through which people come here."""

    code: str
    name: str
    kind: ChannelKind
    functions: tuple[Function, ...]
    hotline: str
    contact: str
    returns: tuple[str, ...]  # The addresses to which people may be led back.
    own_bank_card: bool  # Activation takes only who has bound a bank card of their own there.
    way: str = ""  # Which menus lead here, as the channel publishes it: `我 › 服务 › 医疗健康`.
    address: str = ""  # Of its own page, for links and posters; empty where one opens its app.
    state: ChannelState = "applied"


class ChannelKey(Struct, frozen=True):
    """An SM2 public key with which a channel's calls are checked."""

    key_id: str
    public: bytes
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.valid_from <= at < self.valid_until and self.revoked_at is None


class Change(Struct, frozen=True):
    """What a clerk changed about a channel."""

    done: str
    clerk: str
    done_at: datetime


class Clerk(Struct, frozen=True):
    """Who decides something for the agency."""

    login: str
    name: str


class Claim(Struct, frozen=True):
    """What a channel says of its user; the name and certificate are empty where it does not know them."""

    user: str
    phone: str
    name: str
    cert_type: str
    cert_no: str
    own_bank_card: bool
    back: str  # Where the user came from.

    def __repr__(self) -> str:
        return "Claim(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []

    @property
    def subject(self) -> Subject | None:
        """Return whose account it is there, None if the channel does not know."""
        return Subject(self.name, self.cert_type, self.cert_no) if self.cert_no else None


class Activation(Struct, frozen=True):
    """How far an account has come with activating in one browser."""

    channel: str
    place: str
    back: str
    agreed_at: datetime
    proved_at: datetime | None
    came_as: str = ""  # The account that the channel had opened, where the owner has an earlier one.
