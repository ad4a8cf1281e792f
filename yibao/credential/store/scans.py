"""What institutions scan or read from documents: reading and spending codes, visits, and what led to nobody."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.credential.types import (
    Redeemed,
    Scan,
    ScanFacts,
    Spend,
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


async def open_visit(tx: Tx, visit: Redeemed, *, medium: str, institution: str, checked_by: str, at: datetime) -> None:
    """Open a visit for which no code is spent."""
    await tx.execute(
        "INSERT INTO credential.visit (person_id, token, institution, created_at, expires_at, medium, checked_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        visit.person_id,
        visit.token,
        institution,
        at,
        visit.expires_at,
        medium,
        checked_by,
    )


async def visits_of(tx: Tx | Pool, person_id: str, *, limit: int) -> list[Row]:
    return await tx.fetch(
        "SELECT institution, created_at, medium FROM credential.visit WHERE person_id = $1"
        " ORDER BY created_at DESC LIMIT $2",
        person_id,
        limit,
    )


async def bad_documents(tx: Tx, *, institution: str, till: str, at: datetime) -> tuple[int, int]:
    """Count the documents that led to nobody: at this till within a minute, at this institution within an hour."""
    row = await tx.fetchrow(
        """
        SELECT count(*) FILTER (WHERE till = $2 AND tried_at > $3::timestamptz - interval '1 minute') AS at_till,
               count(*) AS at_institution
        FROM credential.bad_document WHERE institution = $1 AND tried_at > $3::timestamptz - interval '1 hour'
        """,
        institution,
        till,
        at,
    )
    assert row is not None
    return row["at_till"], row["at_institution"]


async def note_bad_document(tx: Tx, *, institution: str, till: str, at: datetime, forgotten_before: datetime) -> None:
    await tx.execute(
        "DELETE FROM credential.bad_document WHERE institution = $1 AND tried_at <= $2", institution, forgotten_before
    )
    await tx.execute("INSERT INTO credential.bad_document VALUES ($1, $2, $3)", institution, till, at)


async def await_face(tx: Tx, *, institution: str, till: str, check_id: str, at: datetime) -> None:
    """Let a till wait for this check of a face, in place of the one that it waited for."""
    await tx.execute(
        "INSERT INTO credential.awaited_face VALUES ($1, $2, $3, $4) ON CONFLICT (institution, till)"
        " DO UPDATE SET check_id = excluded.check_id, asked_at = excluded.asked_at",
        institution,
        till,
        check_id,
        at,
    )


async def awaited_face(tx: Tx | Pool, *, institution: str, till: str) -> str:
    """Return the check for which a till waits; empty if there is none."""
    check_id: str | None = await tx.fetchval(
        "SELECT check_id FROM credential.awaited_face WHERE institution = $1 AND till = $2", institution, till
    )
    return check_id or ""


async def forget_face(tx: Tx, *, institution: str, till: str) -> None:
    await tx.execute("DELETE FROM credential.awaited_face WHERE institution = $1 AND till = $2", institution, till)
