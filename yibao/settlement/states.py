"""The legal moves of a bill on the phone."""

from yibao.settlement.refusals import BillClosed

MOVES = {  # from, to, what the world is told
    ("sent", "settled"): "settlement.settled",  # by the write of the settlement itself
    ("sent", "declined"): "settlement.bill_declined",
    ("sent", "withdrawn"): "settlement.bill_withdrawn",
}


def require_move(state: str, target: str) -> str:
    """Return the topic of a legal move; refuses BillClosed for any other."""
    topic = MOVES.get((state, target))
    if topic is None:
        raise BillClosed
    return topic
