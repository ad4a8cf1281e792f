"""What a person may read of their own accounts."""

from datetime import datetime

from yibao.core.clock import BEIJING
from yibao.core.database import Pool, Tx
from yibao.ledger import rules, store
from yibao.ledger.types import Movement

_EARLIEST, _LATEST = 1990, 9999  # No personal account is older than the insurance.


async def balance(tx: Tx | Pool, person_id: str, place: str) -> int | None:
    """Return the fen in a personal account; None where the person has no such account, as residents do not."""
    return await store.balance(tx, person_id, rules.personal(place))


async def statement(tx: Tx | Pool, person_id: str, place: str, *, year: int | None = None) -> list[Movement]:
    """Return the movements of a calendar year in Beijing time, or all of them, the last booked first.

    Each comes with the balance after it.
    """
    first, last = (_EARLIEST, _LATEST) if year is None else (year, year + 1)
    rows = await store.movements(
        tx,
        person_id,
        rules.personal(place),
        since=datetime(first, 1, 1, tzinfo=BEIJING),
        until=datetime(last, 1, 1, tzinfo=BEIJING),
    )
    return [Movement(**row) for row in rows]
