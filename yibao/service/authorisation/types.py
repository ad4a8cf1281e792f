"""A request of an institution, the grant that answers it, and what the institution then reads."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

State = Literal["pending", "allowed", "refused", "expired", "withdrawn"]


class Request(Struct, frozen=True):
    """What an institution asks for. `person_id` is set where it scanned the person, and once somebody answered."""

    request_id: str
    institution: str
    scopes: tuple[str, ...]
    purpose: str
    days: int  # 0 asks for once.
    number: str  # Two digits shown on both screens, so that nobody allows what another screen asks.
    asked_at: datetime
    expires_at: datetime
    state: State
    person_id: str | None
    auth_no: str | None


class Grant(Struct, frozen=True):
    """What a person allowed an institution. `until` is when it ends, or when the number of a grant for once does."""

    grant_id: str
    institution: str
    scopes: tuple[str, ...]
    purpose: str
    days: int
    granted_at: datetime
    until: datetime
    used_at: datetime | None
    uses: int
    withdrawn_at: datetime | None

    def is_live(self, at: datetime) -> bool:
        """Say whether the institution can still use it."""
        return self.withdrawn_at is None and at < self.until and not (self.days == 0 and self.uses)


class Allowed(Struct, frozen=True):
    """What an institution may know: a token for reading again, the person's lasting mark there, and the data."""

    token: str
    subject: str
    scopes: tuple[str, ...]
    until: datetime
    data: dict[str, Any]

    def __repr__(self) -> str:
        return "Allowed(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []
