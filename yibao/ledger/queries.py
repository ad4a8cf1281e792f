"""What a person may read of their own accounts."""

from datetime import datetime

from yibao.core.clock import BEIJING
from yibao.core.database import Pool, Tx
from yibao.ledger import rules, store
from yibao.ledger.types import Movement


async def balance(tx: Tx | Pool, person_id: str, place: str) -> int | None:
    """Return the fen in a personal account; None where the person has no such account, as residents do not."""
    return await store.balance(tx, person_id, rules.personal(place))


async def statement(tx: Tx | Pool, person_id: str, place: str, *, year: int) -> list[Movement]:
    """Return the movements of a calendar year in Beijing time, the last booked first, with the balance after each."""
    rows = await store.movements(
        tx,
        person_id,
        rules.personal(place),
        since=datetime(year, 1, 1, tzinfo=BEIJING),
        until=datetime(year + 1, 1, 1, tzinfo=BEIJING),
    )
    return [Movement(**row) for row in rows]
