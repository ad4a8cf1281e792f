"""SQL of the family room."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.service.family.types import Application, ApplicationState, EndedBy, Link, Request, RequestState


async def hold(tx: Tx, whose: str) -> None:
    """Wait until nobody else adds to the links of this account or this person: what is counted must not change."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('family:' || $1, 0))", whose)


async def note_attempt(tx: Tx, account_id: str, on: date) -> int:
    """Count that an account named somebody, and return how often it did so on this day."""
    tries: int = await tx.fetchval(
        """
        INSERT INTO family.attempt AS a (account_id, tried_on, tries) VALUES ($1, $2, 1)
        ON CONFLICT (account_id, tried_on) DO UPDATE SET tries = a.tries + 1 RETURNING tries
        """,
        account_id,
        on,
    )
    return tries


async def _locate(tx: Tx, *, id: str, kind: str, account_id: str, person_id: str) -> None:
    await tx.execute("INSERT INTO family.locator VALUES ($1, $2, $3, $4)", id, kind, account_id, person_id)


async def located(tx: Tx | Pool, id: str, kind: str, *, account_id: str | None = None) -> str | None:
    """Return whom an id leads to; with an account, only what is that account's."""
    found: str | None = await tx.fetchval(
        "SELECT person_id FROM family.locator WHERE id = $1 AND kind = $2 AND account_id = coalesce($3, account_id)",
        id,
        kind,
        account_id,
    )
    return found


# Links.


def _link(row: Row) -> Link:
    return msgspec.convert(dict(row), Link)


async def add_link(tx: Tx, link: Link) -> None:
    await tx.execute(
        "INSERT INTO family.link"
        " (person_id, link_id, account_id, relative, relation, method, since_at, until_at, added_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        link.person_id,
        link.link_id,
        link.account_id,
        link.relative,
        link.relation,
        link.method,
        link.since_at,
        link.until_at,
        link.added_by,
    )
    await _locate(tx, id=link.link_id, kind="link", account_id=link.account_id, person_id=link.person_id)


async def link(tx: Tx, person_id: str, link_id: str) -> Link | None:
    """Return a link, held so that it does not end while something is done with it."""
    row = await tx.fetchrow(
        "SELECT * FROM family.link WHERE person_id = $1 AND link_id = $2 FOR UPDATE", person_id, link_id
    )
    return _link(row) if row else None


async def links_ever(tx: Tx | Pool, *, account_id: str, person_id: str) -> list[Link]:
    """Return every link of an account as the one who shows, and of a person as the one who is shown."""
    rows = await tx.fetch(
        """
        SELECT k.* FROM family.locator l JOIN family.link k ON k.person_id = l.person_id AND k.link_id = l.id
        WHERE l.account_id = $1 AND l.kind = 'link'
        UNION SELECT k.* FROM family.link k WHERE k.person_id = $2
        ORDER BY since_at, link_id
        """,
        account_id,
        person_id,
    )
    return [_link(row) for row in rows]


async def links_of_account(tx: Tx | Pool, account_id: str) -> list[Link]:
    """Return whose codes an account may show, whatever day it is; the ended ones are left out."""
    rows = await tx.fetch(
        """
        SELECT k.* FROM family.locator l JOIN family.link k ON k.person_id = l.person_id AND k.link_id = l.id
        WHERE l.account_id = $1 AND l.kind = 'link' AND k.ended_at IS NULL ORDER BY k.since_at, k.link_id
        """,
        account_id,
    )
    return [_link(row) for row in rows]


async def links_of_member(tx: Tx | Pool, person_id: str) -> list[Link]:
    """Return who may show a member's code; the ended ones are left out."""
    rows = await tx.fetch(
        "SELECT * FROM family.link WHERE person_id = $1 AND ended_at IS NULL ORDER BY since_at, link_id", person_id
    )
    return [_link(row) for row in rows]


async def last_link(tx: Tx | Pool, *, person_id: str, account_id: str) -> Link | None:
    """Return the newest link of a member to an account, whether it has ended or not."""
    row = await tx.fetchrow(
        "SELECT * FROM family.link WHERE person_id = $1 AND account_id = $2 ORDER BY since_at DESC LIMIT 1",
        person_id,
        account_id,
    )
    return _link(row) if row else None


async def links_around(
    tx: Tx | Pool, *, account_id: str, person_id: str, ended_after: datetime
) -> list[tuple[Link, bytes, bytes]]:
    """Return the links of an account, of a person, and of the children whom the account guards.

    Each with the sealed names of the member and the relative. Of the ended ones only those of the account, and only
    those that ended of late.
    """
    rows = await tx.fetch(
        """
        WITH own AS (
            SELECT k.* FROM family.locator l JOIN family.link k ON k.person_id = l.person_id AND k.link_id = l.id
            WHERE l.account_id = $1 AND l.kind = 'link' AND (k.ended_at IS NULL OR k.ended_at > $3)
        ), around AS (
            SELECT * FROM own
            UNION SELECT * FROM family.link WHERE person_id = $2 AND ended_at IS NULL
            UNION SELECT k.* FROM own o JOIN family.link k ON k.person_id = o.person_id
            WHERE o.method = 'guardian' AND o.ended_at IS NULL AND k.ended_at IS NULL
        )
        SELECT k.*, m.name AS member_name, r.name AS relative_name
        FROM around k CROSS JOIN registry.face_of(k.person_id) m CROSS JOIN registry.face_of(k.relative) r
        ORDER BY k.since_at, k.link_id
        """,
        account_id,
        person_id,
        ended_after,
    )
    return [(_link(row), row["member_name"], row["relative_name"]) for row in rows]


async def end_link(tx: Tx, link: Link, *, by: EndedBy, at: datetime) -> None:
    await tx.execute(
        "UPDATE family.link SET ended_at = $3, ended_by = $4"
        " WHERE person_id = $1 AND link_id = $2 AND ended_at IS NULL",
        link.person_id,
        link.link_id,
        at,
        by,
    )


async def mark_shown(tx: Tx, link: Link, *, at: datetime) -> None:
    await tx.execute(
        "UPDATE family.link SET shown_at = $3 WHERE person_id = $1 AND link_id = $2", link.person_id, link.link_id, at
    )


# Requests.


def _request(row: Row) -> Request:
    return msgspec.convert(dict(row), Request)


async def add_request(tx: Tx, request: Request) -> None:
    await tx.execute(
        "INSERT INTO family.request"
        " (person_id, request_id, account_id, relative, relation, method, asked_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        request.person_id,
        request.request_id,
        request.account_id,
        request.relative,
        request.relation,
        request.method,
        request.asked_at,
        request.expires_at,
    )
    await _locate(tx, id=request.request_id, kind="request", account_id=request.account_id, person_id=request.person_id)


async def request(tx: Tx, person_id: str, request_id: str) -> Request | None:
    """Return a request, held so that it is answered once."""
    row = await tx.fetchrow(
        "SELECT * FROM family.request WHERE person_id = $1 AND request_id = $2 FOR UPDATE", person_id, request_id
    )
    return _request(row) if row else None


async def close_request(tx: Tx, request: Request, state: RequestState, *, at: datetime) -> None:
    await tx.execute(
        "UPDATE family.request SET state = $3, decided_at = $4 WHERE person_id = $1 AND request_id = $2",
        request.person_id,
        request.request_id,
        state,
        at,
    )


async def close_open_requests(tx: Tx, *, person_id: str, account_id: str, state: RequestState, at: datetime) -> None:
    """Close what this account still asks of this person."""
    await tx.execute(
        "UPDATE family.request SET state = $3, decided_at = $4"
        " WHERE person_id = $1 AND account_id = $2 AND state = 'asked'",
        person_id,
        account_id,
        state,
        at,
    )


async def open_requests_of_member(tx: Tx | Pool, person_id: str, *, at: datetime) -> list[Request]:
    """Return what a person is asked to agree to on their own phone."""
    rows = await tx.fetch(
        "SELECT * FROM family.request WHERE person_id = $1 AND state = 'asked' AND method = 'agreement'"
        " AND expires_at > $2 ORDER BY asked_at",
        person_id,
        at,
    )
    return [_request(row) for row in rows]


async def open_requests_around(
    tx: Tx | Pool, *, account_id: str, person_id: str, at: datetime
) -> list[tuple[Request, bytes, bytes]]:
    """Return what a person is asked to agree to, and what an account asks of others.

    Each with the sealed names of the member and the relative.
    """
    rows = await tx.fetch(
        """
        WITH around AS (
            SELECT * FROM family.request WHERE person_id = $2
            UNION SELECT r.* FROM family.locator l
            JOIN family.request r ON r.person_id = l.person_id AND r.request_id = l.id
            WHERE l.account_id = $1 AND l.kind = 'request'
        )
        SELECT r.*, m.name AS member_name, a.name AS relative_name
        FROM around r CROSS JOIN registry.face_of(r.person_id) m CROSS JOIN registry.face_of(r.relative) a
        WHERE r.state = 'asked' AND r.method = 'agreement' AND r.expires_at > $3 ORDER BY r.asked_at
        """,
        account_id,
        person_id,
        at,
    )
    return [(_request(row), row["member_name"], row["relative_name"]) for row in rows]


# Applications and their papers.


def _application(row: Row) -> Application:
    return msgspec.convert(dict(row), Application)


async def add_application(tx: Tx, application: Application) -> None:
    await tx.execute(
        "INSERT INTO family.application (person_id, application_id, account_id, relative, place, state, applied_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        application.person_id,
        application.application_id,
        application.account_id,
        application.relative,
        application.place,
        application.state,
        application.applied_at,
    )
    await _locate(
        tx,
        id=application.application_id,
        kind="application",
        account_id=application.account_id,
        person_id=application.person_id,
    )


async def application(tx: Tx, person_id: str, application_id: str) -> Application | None:
    """Return an application, held so that it moves once at a time."""
    row = await tx.fetchrow(
        "SELECT * FROM family.application WHERE person_id = $1 AND application_id = $2 FOR UPDATE",
        person_id,
        application_id,
    )
    return _application(row) if row else None


async def open_application(tx: Tx, *, person_id: str, account_id: str) -> Application | None:
    """Return what this account has applied for and is not decided, held so that it moves once at a time."""
    row = await tx.fetchrow(
        "SELECT * FROM family.application WHERE person_id = $1 AND account_id = $2"
        " AND state IN ('reading', 'differs', 'review') FOR UPDATE",
        person_id,
        account_id,
    )
    return _application(row) if row else None


async def applications_of_account(tx: Tx | Pool, account_id: str) -> list[Application]:
    """Return what an account applied for and what became of it, the latest first; what was withdrawn is left out."""
    return [application for application, _ in await named_applications(tx, account_id, most=None)]


async def named_applications(tx: Tx | Pool, account_id: str, *, most: int | None) -> list[tuple[Application, bytes]]:
    """Return the same, each with the sealed name of the child."""
    rows = await tx.fetch(
        """
        SELECT a.*, m.name AS member_name FROM family.locator l
        JOIN family.application a ON a.person_id = l.person_id AND a.application_id = l.id
        CROSS JOIN registry.face_of(a.person_id) m
        WHERE l.account_id = $1 AND l.kind = 'application' AND a.state <> 'withdrawn'
        ORDER BY a.applied_at DESC LIMIT $2
        """,
        account_id,
        most,
    )
    return [(_application(row), row["member_name"]) for row in rows]


async def applications_ever(tx: Tx | Pool, account_id: str) -> list[Application]:
    """Return what an account ever applied for, also what was withdrawn, the earliest first."""
    rows = await tx.fetch(
        """
        SELECT a.* FROM family.locator l
        JOIN family.application a ON a.person_id = l.person_id AND a.application_id = l.id
        WHERE l.account_id = $1 AND l.kind = 'application' ORDER BY a.applied_at, a.application_id
        """,
        account_id,
    )
    return [_application(row) for row in rows]


async def requests_ever(tx: Tx | Pool, *, account_id: str, person_id: str) -> list[Request]:
    """Return what an account ever asked of others, and what a person was asked, the earliest first."""
    rows = await tx.fetch(
        """
        SELECT r.* FROM family.locator l JOIN family.request r ON r.person_id = l.person_id AND r.request_id = l.id
        WHERE l.account_id = $1 AND l.kind = 'request'
        UNION SELECT r.* FROM family.request r WHERE r.person_id = $2
        ORDER BY asked_at, request_id
        """,
        account_id,
        person_id,
    )
    return [_request(row) for row in rows]


async def reviews(tx: Tx | Pool, place: str) -> list[Application]:
    """Return what waits for the staff of a place, the most urgent first."""
    rows = await tx.fetch(
        "SELECT * FROM family.application WHERE place = $1 AND state = 'review' ORDER BY due_on, applied_at LIMIT 200",
        place,
    )
    return [_application(row) for row in rows]


async def unchecked(tx: Tx | Pool, place: str) -> list[Application]:
    """Return what papers alone decided and nobody has looked at, the oldest first."""
    rows = await tx.fetch(
        "SELECT * FROM family.application WHERE place = $1 AND state = 'accepted' AND decided_by IS NULL"
        " ORDER BY decided_at LIMIT 200",
        place,
    )
    return [_application(row) for row in rows]


async def todo(tx: Tx | Pool, place: str, on: date) -> Row:
    """Count what waits for the staff of a place, what of that is overdue, and what is to be looked at afterwards."""
    row = await tx.fetchrow(
        """
        SELECT count(*) FILTER (WHERE state = 'review') AS waiting,
               count(*) FILTER (WHERE state = 'review' AND due_on < $2) AS late,
               count(*) FILTER (WHERE state = 'accepted') AS unchecked
        FROM family.application
        WHERE place = $1 AND (state = 'review' OR state = 'accepted' AND decided_by IS NULL)
        """,
        place,
        on,
    )
    assert row is not None
    return row


async def move_application(
    tx: Tx,
    application: Application,
    state: ApplicationState,
    *,
    papers: Sequence[str] | None = None,
    findings: Sequence[str] | None = None,
    round: int | None = None,
    due_on: date | None = None,
    decided_at: datetime | None = None,
    decided_by: str | None = None,
    reason: bytes | None = None,
) -> None:
    await tx.execute(
        """
        UPDATE family.application
        SET state = $3, papers = coalesce($4, papers), findings = coalesce($5, findings), round = coalesce($6, round),
            due_on = coalesce($7, due_on), decided_at = $8, decided_by = $9, reason = $10
        WHERE person_id = $1 AND application_id = $2
        """,
        application.person_id,
        application.application_id,
        state,
        papers,
        findings,
        round,
        due_on,
        decided_at,
        decided_by,
        reason,
    )


async def put_proofs(tx: Tx, application: Application, sealed: Sequence[bytes]) -> None:
    """Store the pictures instead of those that were sent before."""
    await drop_proofs(tx, application)
    await tx.executemany(
        "INSERT INTO family.proof VALUES ($1, $2, $3, $4)",
        [(application.person_id, application.application_id, n, one) for n, one in enumerate(sealed, 1)],
    )


async def drop_proofs(tx: Tx, application: Application) -> None:
    await tx.execute(
        "DELETE FROM family.proof WHERE person_id = $1 AND application_id = $2",
        application.person_id,
        application.application_id,
    )


async def proofs(tx: Tx | Pool, person_id: str, application_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT number, picture FROM family.proof WHERE person_id = $1 AND application_id = $2 ORDER BY number",
        person_id,
        application_id,
    )
