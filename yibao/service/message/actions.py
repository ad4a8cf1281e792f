"""Reading one's messages."""

from datetime import datetime

from yibao.core.database import Pool, Tx
from yibao.service.message import store
from yibao.service.message.types import Message

_SHOWN_MAX = 200


async def read(tx: Tx | Pool, *, person_id: str, at: datetime) -> list[Message]:
    """Return the person's messages, newest first, and mark them read; those that were new still say so here."""
    return [Message(**row) for row in await store.read(tx, person_id=person_id, at=at, limit=_SHOWN_MAX)]
