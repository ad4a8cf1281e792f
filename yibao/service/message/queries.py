"""What other pages ask about messages."""

from yibao.core.database import Pool, Tx
from yibao.service.message import store


async def unread(tx: Tx | Pool, person_id: str) -> int:
    """Return how many messages are new to this person."""
    return await store.unread(tx, person_id)
