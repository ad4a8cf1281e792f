"""Accounts, sessions, staff, and the counters that stand between a password and whoever guesses at it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from yibao.core.masks import masked_name, masked_phone

Purpose = Literal[
    "register",
    "login",
    "reset_login",
    "reset_pay",
    "unlock",
    "change_phone_old",
    "change_phone_new",
    "counter_phone",
    "counter_name",
]
Announced = Literal[Purpose, "already_registered"]
Act = Literal["phone_changed", "phone_unbound", "sessions_ended", "real_name_proved", "certificate_changed"]
Password = Literal["login", "pay", "staff"]


class _Personal(Struct, frozen=True):
    """Personal data, which show nothing of themselves in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class Account(_Personal, frozen=True):
    """An account as its owner sees it; name and certificate once the real name is proved, person once bound."""

    account_id: str
    phone: str  # Empty while an account that a channel brought has none.
    name: str | None
    cert_type: str | None
    cert_no: str | None
    person_id: str | None
    has_pay_password: bool
    real_name_at: datetime | None

    @property
    def name_masked(self) -> str:
        return masked_name(self.name or "")

    @property
    def phone_masked(self) -> str:
        return masked_phone(self.phone)


class CodeRequest(_Personal, frozen=True):
    """What the message room sends: `already_registered` tells the phone's owner that somebody tried to register it."""

    phone: str
    code: str
    purpose: Announced


class Reach(_Personal, frozen=True):
    """An account whose owner is told something, and where; a number is empty where there is none."""

    account_id: str
    phone: str
    former_phone: str = ""  # which it has just given up


class Elements(_Personal, frozen=True):
    """What a bank compares; `phone` is the one reserved with the bank, `cert_type` the national psn_cert_type."""

    name: str
    cert_type: str
    cert_no: str
    bank_card: str
    phone: str


class Session(Struct, frozen=True):
    """Who is signed in: an account, with its person once the insurance is bound, or a member of staff.

    `unit` is set where the account acts for an employer or institution with its unit code.
    """

    device: str
    account_id: str = ""
    person_id: str | None = None
    staff_login: str | None = None
    institution: str = ""
    role: str = ""
    display_name: str = ""
    channel: str = "web"
    unit: str = ""


class SessionSeen(Struct, frozen=True):
    """One place where an account is signed in, for its owner to look at."""

    session_id: str  # A digest of the token: it names the session and opens nothing.
    device: str
    device_name: str
    started_at: datetime
    expires_at: datetime
    channel: str = "web"
    for_unit: bool = False


class Staff(Struct, frozen=True):
    """A member of an institution's staff; the hash comes from `Hasher.hash`, once for many who share a password."""

    login: str
    institution: str
    display_name: str
    role: Literal["cashier", "clerk"]
    password_hash: str
    active: bool = True


class BankAttempt(Struct, frozen=True):
    """When a bank was asked about an account's owner, and what it said; nothing while it is silent."""

    started_at: datetime
    verdict: Literal["agreed", "differs", "unsupported"] | None


class CounterAct(Struct, frozen=True):
    """What a clerk did to an account, and why."""

    account_id: str
    act: Act
    at: datetime
    clerk: str
    place: str
    reason: str


class Case(Struct, frozen=True):
    """The accounts that a clerk may act on after checking their owner's certificate, and what was done to them."""

    case_id: str
    reason: str
    opened_at: datetime
    accounts: list[Account]
    acts: list[CounterAct]


class Guess(Struct, frozen=True):
    """Whose password is tried, and where."""

    subject: str
    password: Password
    device: str


class Failures(Struct, frozen=True):
    """Failures of a subject on one device."""

    failures: int
    locked_until: datetime | None
    known_at: datetime | None


class Brake(Struct, frozen=True):
    """Failures of a subject on all unknown devices together, in the hour that began with the first of them."""

    failures: int
    since: datetime
