"""The legal moves of an application, each with what the guardian is told."""

from yibao.service.family.refusals import ApplicationClosed
from yibao.service.family.types import ApplicationState

MOVES: dict[tuple[ApplicationState, ApplicationState], str] = {
    ("reading", "accepted"): "family.application_accepted",  # Everything on the papers agreed.
    ("reading", "differs"): "family.papers_differ",
    ("reading", "review"): "family.review_began",  # Everything agreed, but papers alone are not enough here.
    ("differs", "reading"): "",  # Other papers were sent.
    ("differs", "review"): "family.review_began",  # The guardian wants a person to look.
    ("review", "accepted"): "family.application_accepted",
    ("review", "refused"): "family.application_refused",
    ("accepted", "refused"): "family.application_refused",  # At the after-check of what papers alone decided.
    ("reading", "withdrawn"): "",
    ("differs", "withdrawn"): "",
    ("review", "withdrawn"): "",
}
CLOSED = ("accepted", "refused", "withdrawn")


def require_move(before: ApplicationState, after: ApplicationState) -> str:
    """Return the topic under which the move is told; empty for none. Refusals: ApplicationClosed."""
    if (before, after) not in MOVES:
        raise ApplicationClosed
    return MOVES[before, after]
