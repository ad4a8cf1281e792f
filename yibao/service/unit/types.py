"""Units, those who act for them, and what a unit's code leads to."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["employer", "institution"]


class Unit(Struct, frozen=True):
    """An employer or an institution; none of it is personal."""

    unit_id: str
    credit_code: str  # 统一社会信用代码
    name: str
    kind: Kind
    institution: str | None  # The institution's code, of an institution.
    place: str
    active: bool


class _Personal(Struct, frozen=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []


class Named(_Personal, frozen=True):
    """Somebody named by real name, who need not have an account yet."""

    name: str
    cert_type: str  # psn_cert_type
    cert_no: str


class Entry(_Personal, frozen=True):
    """A unit as it is to be registered, with its legal representative; `institution` only of an institution."""

    credit_code: str
    name: str
    kind: Kind
    place: str
    institution: str
    legal: Named


class Operator(_Personal, frozen=True):
    """Somebody who may act for a unit; the account is known from the first activation on."""

    operator_id: str
    name: str
    cert_tail: str  # The last four characters of the certificate's number, empty of those named long ago.
    told: str  # Whom the registry knew when they were named, empty for nobody.
    legal: bool  # The legal representative, who names the others.
    account_id: str | None
    appointed_at: datetime


class Seat(_Personal, frozen=True):
    """A unit, and the operator as whom somebody acts for it."""

    unit: Unit
    operator: Operator


class Listed(_Personal, frozen=True):
    """That a unit names or named somebody among those who act for it."""

    unit: str
    credit_code: str
    legal: bool
    appointed_at: datetime
    removed_at: datetime | None


class Activated(_Personal, frozen=True):
    """A unit's code on somebody's phone."""

    unit: str
    activated_at: datetime
    unbound_at: datetime | None


class SignedIn(_Personal, frozen=True):
    """When somebody signed in to a unit's pages with its code."""

    unit: str
    signed_in_at: datetime


class SignIn(_Personal, frozen=True):
    name: str
    at: datetime


class Redeemed(Struct, frozen=True):
    """What a code leads to: the unit, and the account whose phone showed it."""

    unit_id: str
    account_id: str
