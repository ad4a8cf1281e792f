"""What other pages ask about messages."""

from yibao.core.database import Pool, Tx
from yibao.service.message import store
from yibao.service.message.types import Message


async def kept(tx: Tx | Pool, person_id: str) -> list[Message]:
    """Return all messages of this person, newest first, without marking them read."""
    return [Message(**{**row, "ways": tuple(row["ways"])}) for row in await store.kept(tx, person_id)]


async def unread(tx: Tx | Pool, person_id: str) -> int:
    """Return how many messages are new to this person."""
    return await store.unread(tx, person_id)
