"""Family accounts (亲情账户): whose code a relative's phone may show, a child's, an elder's or a spouse's.

An adult agrees on their own phone, or proves themselves with their own face on the relative's; for a child, a guardian
proves with papers that it is theirs; or both come to the counter, and a clerk checks their papers. Invariants: nobody's
code is shown without their word, their face, their guardian's proof or a clerk's name under it; either side, or a
guardian of the child, ends it at any time, at once; whoever's code is shown or used is told; a guardian shows a child's
code until the child is of age and not a day longer; pictures of papers are kept, sealed, only until somebody of the
agency has looked, or for some weeks if nobody does. What papers prove and what they do not: `docs/explain/family.md`.

What is shown is lent by the credential (`credential.relatives`): the activation is the member's, the transaction
password that pays is the relative's.
"""

from yibao.service.family.actions import end_all, note_relatives_look
from yibao.service.family.queries import Member, Todo, applications, links, member, requests, shown_by, todo
from yibao.service.family.rules import METHODS, PAPERS, RELATIONS
from yibao.service.family.types import Link

__all__ = [
    "METHODS",
    "PAPERS",
    "RELATIONS",
    "Link",
    "Member",
    "Todo",
    "applications",
    "end_all",
    "links",
    "member",
    "note_relatives_look",
    "requests",
    "shown_by",
    "todo",
]
