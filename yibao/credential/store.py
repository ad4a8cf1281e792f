"""SQL of the credential room."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.credential.types import Scan, ScanFacts, Spend


async def holder(tx: Tx | Pool, person_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM credential.holder WHERE person_id = $1", person_id)


async def bind(tx: Tx, *, person_id: str, account_id: str, psn_no: str, place: str, at: datetime) -> bool:
    """Store who holds the credential; False if another account holds it."""
    bound = await tx.fetchval(
        """
        INSERT INTO credential.holder AS h (person_id, account_id, psn_no, place, bound_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (person_id) DO UPDATE
            SET account_id = $2, psn_no = $3, place = $4, bound_at = $5, agreed_at = NULL, unbound_at = NULL,
                free_limit_fen = 0
            WHERE h.unbound_at IS NOT NULL OR h.account_id = $2
        RETURNING person_id
        """,
        person_id,
        account_id,
        psn_no,
        place,
        at,
    )
    return bound is not None


async def agree(tx: Tx, *, person_id: str, psn_no: str, place: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.holder SET psn_no = $2, place = $3, agreed_at = $4 WHERE person_id = $1",
        person_id,
        psn_no,
        place,
        at,
    )


async def set_free_limit(tx: Tx, person_id: str, limit_fen: int) -> None:
    await tx.execute("UPDATE credential.holder SET free_limit_fen = $2 WHERE person_id = $1", person_id, limit_fen)


async def take_device_number(tx: Tx, device_number: str, person_id: str) -> bool:
    """Reserve a device number for a person; False if it is taken."""
    taken = await tx.fetchval(
        "INSERT INTO credential.device_locator VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING device_number",
        device_number,
        person_id,
    )
    return taken is not None


async def add_device(
    tx: Tx, *, person_id: str, device_number: str, account_id: str, channel: str, browser: bytes, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO credential.device (person_id, device_number, account_id, channel, browser, activated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        person_id,
        device_number,
        account_id,
        channel,
        browser,
        at,
    )


async def unbind_devices(tx: Tx, person_id: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.device SET unbound_at = $2 WHERE person_id = $1 AND unbound_at IS NULL", person_id, at
    )


async def unbind_holder(tx: Tx, person_id: str, at: datetime) -> None:
    await tx.execute("UPDATE credential.holder SET unbound_at = $2 WHERE person_id = $1", person_id, at)


async def devices(tx: Tx | Pool, person_id: str) -> list[Row]:
    """Return the activations but for the used-up numbers, whose devices go on under another."""
    return await tx.fetch(
        "SELECT device_number, channel, activated_at, unbound_at FROM credential.device"
        " WHERE person_id = $1 AND next_ticket < 10000 ORDER BY activated_at DESC, device_number",
        person_id,
    )


async def next_ticket(tx: Tx | Pool, person_id: str, browser: bytes) -> Row | None:
    """Take the next ticket of the activation in this browser, and return it with the chosen place."""
    return await tx.fetchrow(
        """
        UPDATE credential.device d SET next_ticket = d.next_ticket + 1
        FROM credential.holder h
        WHERE d.person_id = $1 AND d.browser = $2 AND d.unbound_at IS NULL AND d.next_ticket < 10000
          AND h.person_id = d.person_id AND h.unbound_at IS NULL
        RETURNING d.device_number, d.next_ticket - 1 AS ticket, h.place
        """,
        person_id,
        browser,
    )


async def live_device(tx: Tx, person_id: str, browser: bytes) -> Row | None:
    """Return the activation in this browser, held so that two requests do not both give it a further number."""
    return await tx.fetchrow(
        "SELECT device_number, account_id, channel FROM credential.device"
        " WHERE person_id = $1 AND browser = $2 AND unbound_at IS NULL"
        " ORDER BY activated_at, device_number LIMIT 1 FOR UPDATE",
        person_id,
        browser,
    )


async def scanned(pool: Pool, scans: Sequence[Scan]) -> list[ScanFacts]:
    """Read everything that 1..n scans need, in one round trip."""
    rows = await pool.fetch("SELECT facts FROM credential.scanned($1) ORDER BY n", numbered(scans))
    return [msgspec.convert(row["facts"], ScanFacts) for row in rows]


async def spend(pool: Pool, spends: Sequence[Spend]) -> list[bool]:
    """Spend 1..n tickets and open their visits in one statement; False for each that was spent meanwhile."""
    rows = await pool.fetch("SELECT spent FROM credential.spend($1) ORDER BY n", numbered(spends))
    return [row["spent"] for row in rows]


def numbered(items: Sequence[Scan] | Sequence[Spend]) -> list[dict[str, object]]:
    """Return scans or spends as the SQL functions take them, each with the number by which its answer is known."""
    return [{"n": n, **msgspec.structs.asdict(item)} for n, item in enumerate(items)]


async def note_wrong_tag(tx: Tx, *, device_number: str, ticket: int) -> None:
    await tx.execute(
        """
        INSERT INTO credential.wrong_tag AS w (person_id, device_number, ticket, tries)
        SELECT d.person_id, d.device_number, $2, 1
        FROM credential.device_locator l JOIN credential.device d USING (person_id, device_number)
        WHERE l.device_number = $1 AND $2 < d.next_ticket
        ON CONFLICT (person_id, device_number, ticket) DO UPDATE SET tries = w.tries + 1
        """,
        device_number,
        ticket,
    )


async def note_bad_scan(tx: Tx, *, institution: str, till: str, at: datetime) -> None:
    """Note a bad scan, and forget those that no limit looks at any more."""
    await tx.execute(
        "DELETE FROM credential.bad_scan WHERE institution = $1 AND scanned_at <= $2::timestamptz - interval '1 hour'",
        institution,
        at,
    )
    await tx.execute("INSERT INTO credential.bad_scan VALUES ($1, $2, $3)", institution, till, at)
