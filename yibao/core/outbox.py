"""What a room wants others to hear of, stored with the change itself and delivered at least once.

A publisher writes a row in its own transaction. The worker leases rows whose time has come, hands each to the
subscribers of its topic, and deletes it; a handler that raises gets the row again later, so handlers are idempotent by
`Event.id`.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from yibao.core.database import Pool, Tx

LEASE = timedelta(seconds=30)
_WAIT_MAX = timedelta(minutes=10)


class Event(msgspec.Struct, frozen=True):
    person_id: str
    id: int
    topic: str
    payload: dict[str, Any]
    created_at: datetime
    attempts: int


Handler = Callable[[Event], Awaitable[None]]


async def publish(
    tx: Tx,
    *,
    person_id: str,
    topic: str,
    payload: Mapping[str, object],
    at: datetime,
    due_at: datetime | None = None,
) -> None:
    """Store an event with the caller's transaction. `person_id` may name an account that has no person yet.

    With `due_at`, nobody hears of it before that moment, which may be years away.
    """
    await tx.execute(
        "INSERT INTO core.outbox (person_id, topic, payload, created_at, due_at)"
        " VALUES ($1, $2, $3, $4, coalesce($5, now()))",
        person_id,
        topic,
        payload,
        at,
        due_at,
    )


async def lease(pool: Pool, *, limit: int) -> list[Event]:
    """Return events that are due, hidden from other workers until their lease ends."""
    rows = await pool.fetch(
        """
        UPDATE core.outbox o SET due_at = now() + $2, attempts = o.attempts + 1
        FROM (
            SELECT person_id, outbox_id FROM core.outbox WHERE due_at <= now()
            ORDER BY due_at, outbox_id LIMIT $1 FOR UPDATE SKIP LOCKED
        ) due
        WHERE o.person_id = due.person_id AND o.outbox_id = due.outbox_id
        RETURNING o.person_id, o.outbox_id, o.topic, o.payload, o.created_at, o.attempts
        """,
        limit,
        LEASE,
    )
    events = [Event(*row) for row in rows]
    return sorted(events, key=lambda event: event.id)


async def done(pool: Pool, event: Event) -> None:
    """Forget an event that every subscriber has handled."""
    await pool.execute("DELETE FROM core.outbox WHERE person_id = $1 AND outbox_id = $2", event.person_id, event.id)


async def postpone(pool: Pool, event: Event) -> None:
    """Give an event back after a failure; each further failure doubles the wait, up to ten minutes."""
    wait = min(timedelta(seconds=2 ** min(event.attempts, 12)), _WAIT_MAX)
    await pool.execute(
        "UPDATE core.outbox SET due_at = now() + $3 WHERE person_id = $1 AND outbox_id = $2",
        event.person_id,
        event.id,
        wait,
    )
