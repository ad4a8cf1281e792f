"""On which phones a credential is active, under which numbers, and what ends it there."""

from datetime import datetime
from uuid import UUID

from yibao.core.database import Pool, Row, Tx


async def take_device_number(tx: Tx, device_number: str, person_id: str) -> bool:
    """Reserve a device number for a person; False if it is taken."""
    taken = await tx.fetchval(
        "INSERT INTO credential.device_locator VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING device_number",
        device_number,
        person_id,
    )
    return taken is not None


async def add_device(
    tx: Tx,
    *,
    person_id: str,
    device_number: str,
    account_id: str,
    channel: str,
    browser: bytes,
    session: bytes | None = None,
    offline_until: datetime | None = None,
    at: datetime,
) -> None:
    await tx.execute(
        "INSERT INTO credential.device"
        " (person_id, device_number, account_id, channel, browser, activated_at, session, offline_until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        person_id,
        device_number,
        account_id,
        channel,
        browser,
        at,
        session,
        offline_until,
    )


async def devices(tx: Tx | Pool, person_id: str) -> list[Row]:
    """Return the activations, each once: but for used-up numbers, which go on under another, and offline ones."""
    return await tx.fetch(
        "SELECT device_number, channel, activated_at, unbound_at, activation_id::text, account_id, browser"
        " FROM credential.device WHERE person_id = $1 AND next_ticket < 10000 AND offline_until IS NULL"
        " ORDER BY activated_at DESC, device_number",
        person_id,
    )


async def live_device(tx: Tx, person_id: str, browser: bytes) -> Row | None:
    """Return the activation in this browser, held so that two requests do not both give it a further number."""
    return await tx.fetchrow(
        "SELECT device_number, account_id, channel FROM credential.device"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL AND offline_until IS NULL"
        " ORDER BY activated_at, device_number LIMIT 1 FOR UPDATE",
        person_id,
        browser,
    )


async def device_of(tx: Tx, person_id: str, account_id: str, activation_id: str) -> Row | None:
    """Return an activation of a person, or one that was lent to their account."""
    try:
        known_as = UUID(activation_id)
    except ValueError:
        return None
    return await tx.fetchrow(
        "SELECT person_id, account_id, channel, browser, unbound_at FROM credential.device"
        " WHERE (person_id = $1 OR account_id = $2) AND activation_id = $3",
        person_id,
        account_id,
        known_as,
    )


async def live_devices(tx: Tx | Pool, person_id: str, account_id: str) -> list[Row]:
    """Return the live activations of a person, and those that were lent to their account, newest first."""
    return await tx.fetch(
        "SELECT person_id, account_id, channel, browser, activation_id::text, activated_at FROM credential.device"
        " WHERE (person_id = $1 OR account_id = $2) AND unbound_at IS NULL ORDER BY activated_at DESC, device_number",
        person_id,
        account_id,
    )


async def lent(tx: Tx, *, person_id: str, account_id: str, browser: bytes, since: datetime) -> Row | None:
    """Return whether somebody's code is active in this browser for another's account, and whether it was taken back."""
    return await tx.fetchrow(
        "SELECT bool_or(browser = $3 AND unbound_at IS NULL) AS active,"
        " bool_or(unbound_at > $4 AND unbound_by IS DISTINCT FROM 'phone') AS taken_back"
        " FROM credential.device WHERE person_id = $1 AND account_id = $2",
        person_id,
        account_id,
        browser,
        since,
    )


async def next_ticket(
    tx: Tx | Pool, person_id: str, browser: bytes, *, at: datetime, open_until: datetime
) -> Row | None:
    """Take the next ticket of the activation in this browser, and return it with the chosen place and the screen lock.

    None also where that lock is shut; an open one stays open until `open_until`.
    """
    return await tx.fetchrow(
        """
        WITH lock AS (
            SELECT credential_id, unlocked_until > $3 AS open FROM credential.screen_lock
            WHERE person_id = $1 AND browser = $2
        ), taken AS (
            UPDATE credential.device d SET next_ticket = d.next_ticket + 1
            FROM credential.holder h
            WHERE d.person_id = $1 AND d.browser = $2 AND d.unbound_at IS NULL AND d.next_ticket < 10000
              AND d.offline_until IS NULL AND h.person_id = d.person_id AND h.unbound_at IS NULL
              AND NOT EXISTS (SELECT FROM lock WHERE NOT open)
            RETURNING d.device_number, d.next_ticket - 1 AS ticket, h.place
        ), prolonged AS (
            UPDATE credential.screen_lock SET unlocked_until = $4
            WHERE person_id = $1 AND browser = $2 AND EXISTS (SELECT FROM taken)
        )
        SELECT taken.*, lock.credential_id AS lock FROM taken LEFT JOIN lock ON true
        """,
        person_id,
        browser,
        at,
        open_until,
    )


async def take_tickets(
    tx: Tx, *, person_id: str, browser: bytes, session: bytes, count: int, until: datetime
) -> Row | None:
    """Hand out tickets of this sign-in's last offline number, good until then; None if it has none left."""
    return await tx.fetchrow(
        """
        UPDATE credential.device d SET next_ticket = d.next_ticket + $4, offline_until = $5
        FROM credential.holder h
        WHERE d.person_id = $1 AND d.browser = $2 AND d.unbound_at IS NULL AND d.session = $3
          AND d.next_ticket + $4 <= 10000 AND h.person_id = d.person_id AND h.unbound_at IS NULL
          AND d.activated_at = (SELECT max(l.activated_at) FROM credential.device l
                                WHERE l.person_id = $1 AND l.browser = $2 AND l.session = $3)
        RETURNING d.device_number, d.next_ticket - $4 AS first, h.place
        """,
        person_id,
        browser,
        session,
        count,
        until,
    )


async def offline_began(tx: Tx, *, person_id: str, browser: bytes, session: bytes) -> datetime | None:
    """Return when this sign-in was last given an offline number."""
    began: datetime | None = await tx.fetchval(
        "SELECT max(activated_at) FROM credential.device WHERE person_id = $1 AND browser = $2 AND session = $3",
        person_id,
        browser,
        session,
    )
    return began


async def end_other_offline(tx: Tx, *, person_id: str, browser: bytes, session: bytes, at: datetime) -> None:
    """End the offline numbers that earlier sign-ins in this browser left behind."""
    await tx.execute(
        "UPDATE credential.device SET unbound_at = $4, unbound_by = 'phone'"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL AND session <> $3",
        person_id,
        browser,
        session,
        at,
    )


async def unbind_devices(tx: Tx, person_id: str, at: datetime) -> None:
    """End all activations, with the screen locks before them."""
    await tx.execute(
        "WITH opened AS (DELETE FROM credential.screen_lock WHERE person_id = $1)"
        " UPDATE credential.device SET unbound_at = $2 WHERE person_id = $1 AND unbound_at IS NULL",
        person_id,
        at,
    )


async def unbind_browser(tx: Tx, person_id: str, browser: bytes, *, by: str, at: datetime) -> bool:
    """End the activation in a browser, with its used-up numbers and its screen lock; False if it had ended before."""
    ended = await tx.fetch(
        "WITH opened AS (DELETE FROM credential.screen_lock WHERE person_id = $1 AND browser = $2)"
        " UPDATE credential.device SET unbound_at = $3, unbound_by = $4"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL RETURNING device_number",
        person_id,
        browser,
        at,
        by,
    )
    return bool(ended)


async def unbind_lent(tx: Tx, *, person_id: str, account_id: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.device SET unbound_at = $3 WHERE person_id = $1 AND account_id = $2 AND unbound_at IS NULL",
        person_id,
        account_id,
        at,
    )
