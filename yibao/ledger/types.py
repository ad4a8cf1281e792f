"""What is paid in, what a statement shows, and what the proof finds. Amounts are fen."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from yibao.core.money import yuan_text


class Credit(Struct, frozen=True):
    """A contribution to the personal account of an insured place."""

    person_id: str
    place: str
    amount_fen: int
    cause: str  # The number of whatever pays it in; it is booked once for each person, place and cause.
    at: datetime


class Movement(Struct, frozen=True):
    """One line of a statement of account."""

    cause: str
    other: str  # The account on the other side: `contributions:<place>`, `institution:<code>`, ….
    amount_fen: int  # What came in; negative for what went out.
    balance_fen: int  # After this movement.
    happened_at: datetime


class Finding(Struct, frozen=True):
    """A personal account that does not agree with its transfers."""

    kind: Literal["balance_differs", "account_missing"]
    person_id: str
    account: str
    balance_fen: int
    booked_fen: int

    @property
    def text(self) -> str:
        """Say what is wrong without saying whose account it is."""
        if self.kind == "account_missing":
            return f"有收支合计 {yuan_text(self.booked_fen)} 元，但没有个人账户"
        return f"个人账户余额 {yuan_text(self.balance_fen)} 元，与收支合计 {yuan_text(self.booked_fen)} 元不符"
