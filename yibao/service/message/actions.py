"""Reading one's messages."""

from datetime import datetime

from yibao.core.database import Pool, Tx
from yibao.service.message import store
from yibao.service.message.types import Message

_SHOWN_MAX = 200


async def read(tx: Tx | Pool, *, person_id: str, at: datetime) -> list[Message]:
    """Return the person's messages, newest first, and mark them read; those that were new still say so here."""
    rows = await store.read(tx, person_id=person_id, at=at, limit=_SHOWN_MAX)
    return [Message(**{**row, "ways": tuple(row["ways"])}) for row in rows]


async def forget(tx: Tx, *, person_id: str, at: datetime) -> None:
    """Delete everything that a person was told, as closing an account asks for.

    What happened until now is never told them any more; what happens later is, once they have an account again.
    """
    await store.hold(tx, person_id)
    await store.forget(tx, person_id, at=at)
