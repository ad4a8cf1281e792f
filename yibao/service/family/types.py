"""Links, requests and applications, as the pages read them."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

# What the member is to the one whose phone shows the code.
Relation = Literal["spouse", "parent", "child", "other"]
Method = Literal["agreement", "face", "guardian", "counter"]
RequestState = Literal["asked", "allowed", "declined", "withdrawn"]
ApplicationState = Literal["reading", "differs", "review", "accepted", "refused", "withdrawn"]
EndedBy = Literal["member", "relative", "guardian", "counter", "agency", "time", "credential"]


class Pair(Struct, frozen=True):
    """Whose code is to be shown on the phones of which account."""

    person_id: str
    account_id: str
    relative: str
    relation: Relation


class Link(Struct, frozen=True):
    """Leave to show a member's code on the phones of an account."""

    person_id: str
    link_id: str
    account_id: str
    relative: str
    relation: Relation
    method: Method
    since_at: datetime
    until_at: datetime | None
    shown_at: datetime | None
    ended_at: datetime | None
    ended_by: EndedBy | None
    added_by: str | None  # Staff, where it was added at the counter.

    def lives(self, at: datetime) -> bool:
        return self.ended_at is None and (self.until_at is None or at < self.until_at)

    def guards(self, at: datetime) -> bool:
        """Tell whether a guardian shows a child's code by it."""
        return self.method == "guardian" and self.lives(at)


class Request(Struct, frozen=True):
    """An adult who was asked, and has or has not answered."""

    person_id: str
    request_id: str
    account_id: str
    relative: str
    relation: Relation
    method: Literal["agreement", "face"]
    state: RequestState
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None

    @property
    def pair(self) -> Pair:
        return Pair(self.person_id, self.account_id, self.relative, self.relation)


class Application(Struct, frozen=True):
    """A guardian's application for a child."""

    person_id: str
    application_id: str
    account_id: str
    relative: str
    place: str
    state: ApplicationState
    round: int
    papers: tuple[str, ...]
    findings: tuple[str, ...]
    applied_at: datetime
    due_on: date | None
    decided_at: datetime | None
    decided_by: str | None  # Staff; empty while nobody has looked at what the papers alone decided.
    reason: bytes | None

    @property
    def pair(self) -> Pair:
        return Pair(self.person_id, self.account_id, self.relative, "child")


class Who(Struct, frozen=True):
    """Somebody as a form names them."""

    name: str
    cert_type: str
    cert_no: str

    def __repr__(self) -> str:
        return "Who(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []


class Asker(Struct, frozen=True):
    """The account that wants to show somebody's code, and the person behind it."""

    account_id: str
    person_id: str
