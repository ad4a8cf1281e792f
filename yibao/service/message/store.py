"""SQL of the message room."""

from datetime import datetime
from typing import Literal

from yibao.core.database import Pool, Row, Tx
from yibao.service.message.types import Told


async def add(tx: Tx | Pool, *, person_id: str, event_id: int, told: Told, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO message.message (person_id, event_id, title, body, href, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        person_id,
        event_id,
        told.title,
        told.body,
        told.href,
        at,
    )


async def add_delivery(
    tx: Tx | Pool, *, person_id: str, event_id: int, way: str, state: Literal["sent", "refused"], at: datetime
) -> None:
    """Note a way in which a message went out, unless it has been forgotten meanwhile."""
    await tx.execute(
        """
        INSERT INTO message.delivery (person_id, event_id, way, state, at)
        SELECT person_id, event_id, $3, $4, $5::timestamptz FROM message.message
        WHERE person_id = $1 AND event_id = $2 FOR KEY SHARE
        ON CONFLICT DO NOTHING
        """,
        person_id,
        event_id,
        way,
        state,
        at,
    )


async def hold(tx: Tx, person_id: str) -> None:
    """Let a person's messages be written and forgotten one after the other, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('message:' || $1, 0))", person_id)


async def forget(tx: Tx, person_id: str, *, at: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO message.forgotten (person_id, forgotten_at) VALUES ($1, $2)
        ON CONFLICT (person_id) DO UPDATE SET forgotten_at = excluded.forgotten_at
        """,
        person_id,
        at,
    )
    await tx.execute("DELETE FROM message.message WHERE person_id = $1", person_id)
    await tx.execute("DELETE FROM message.delivery WHERE person_id = $1", person_id)


async def forgotten_at(tx: Tx, person_id: str) -> datetime | None:
    """Return when a person's messages were forgotten last; None if they never were."""
    forgotten: datetime | None = await tx.fetchval(
        "SELECT forgotten_at FROM message.forgotten WHERE person_id = $1", person_id
    )
    return forgotten


async def read(tx: Tx | Pool, *, person_id: str, at: datetime, limit: int) -> list[Row]:
    """Mark all messages read and return the newest as they were before; both from one snapshot.

    So a message that arrives meanwhile is neither shown nor marked.
    """
    return await tx.fetch(
        """
        WITH seen AS (
            UPDATE message.message SET read_at = $2 WHERE person_id = $1 AND read_at IS NULL
        )
        SELECT title, body, href, created_at, read_at, ways FROM message.told
        WHERE person_id = $1 ORDER BY created_at DESC, event_id DESC LIMIT $3
        """,
        person_id,
        at,
        limit,
    )


async def kept(tx: Tx | Pool, person_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT title, body, href, created_at, read_at, ways FROM message.told"
        " WHERE person_id = $1 ORDER BY created_at DESC, event_id DESC",
        person_id,
    )


async def unread(tx: Tx | Pool, person_id: str) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*) FROM message.message WHERE person_id = $1 AND read_at IS NULL", person_id
    )
    return count
