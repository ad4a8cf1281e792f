"""SQL of the authorisation room."""

from collections.abc import Sequence
from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def visit(tx: Tx, person_id: str, token: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT institution, expires_at, device_unbound FROM credential.visit_of($1, $2)", person_id, token
    )


async def add_request(
    tx: Tx,
    *,
    request_id: str,
    institution: str,
    caller_id: str,
    digest: bytes,
    scopes: Sequence[str],
    purpose: str,
    days: int,
    number: str,
    person_id: str | None,
    at: datetime,
    expires_at: datetime,
) -> bool:
    """Store a request; False if the party has used this number of its own."""
    added = await tx.fetchval(
        """
        INSERT INTO authorisation.request
            (request_id, institution, caller_id, digest, scopes, purpose, days, number, person_id, asked_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (institution, caller_id) DO NOTHING RETURNING request_id
        """,
        request_id,
        institution,
        caller_id,
        digest,
        scopes,
        purpose,
        days,
        number,
        person_id,
        at,
        expires_at,
    )
    return added is not None


async def request_of_caller(tx: Tx, institution: str, caller_id: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT * FROM authorisation.request WHERE institution = $1 AND caller_id = $2", institution, caller_id
    )


async def request(tx: Tx | Pool, request_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM authorisation.request WHERE request_id = $1", request_id)


async def hold_request(tx: Tx, request_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM authorisation.request WHERE request_id = $1 FOR UPDATE", request_id)


async def answer_request(tx: Tx, request_id: str, *, person_id: str, answer: str, auth_no: str | None = None) -> None:
    await tx.execute(
        "UPDATE authorisation.request SET person_id = $2, answer = $3, auth_no = $4 WHERE request_id = $1",
        request_id,
        person_id,
        answer,
        auth_no,
    )


async def withdraw_request(tx: Tx, request_id: str) -> None:
    await tx.execute("UPDATE authorisation.request SET answer = 'withdrawn' WHERE request_id = $1", request_id)


async def open_requests(tx: Tx | Pool, person_id: str, *, at: datetime) -> list[Row]:
    return await tx.fetch(
        "SELECT * FROM authorisation.request WHERE person_id = $1 AND answer IS NULL AND expires_at > $2"
        " ORDER BY asked_at DESC, request_id",
        person_id,
        at,
    )


async def add_grant(
    tx: Tx,
    *,
    person_id: str,
    grant_id: str,
    request_id: str,
    institution: str,
    scopes: Sequence[str],
    purpose: str,
    days: int,
    token: str,
    auth_no: str,
    at: datetime,
    until: datetime,
) -> None:
    await tx.execute(
        """
        INSERT INTO authorisation.grant
            (person_id, grant_id, request_id, institution, scopes, purpose, days, token, auth_no, granted_at, until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        person_id,
        grant_id,
        request_id,
        institution,
        scopes,
        purpose,
        days,
        token,
        auth_no,
        at,
        until,
    )


async def hold_grant(tx: Tx, person_id: str, grant_id: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT * FROM authorisation.grant WHERE person_id = $1 AND grant_id = $2 FOR UPDATE", person_id, grant_id
    )


async def hold_grant_of_auth_no(tx: Tx, person_id: str, auth_no: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT * FROM authorisation.grant WHERE person_id = $1 AND auth_no = $2 FOR UPDATE", person_id, auth_no
    )


async def hold_grant_of_token(tx: Tx, person_id: str, token: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT * FROM authorisation.grant WHERE person_id = $1 AND token = $2 FOR UPDATE", person_id, token
    )


async def use_grant(tx: Tx, person_id: str, grant_id: str, *, at: datetime) -> None:
    await tx.execute(
        "UPDATE authorisation.grant SET used_at = $3, uses = uses + 1, checked_at = coalesce(checked_at, $3)"
        " WHERE person_id = $1 AND grant_id = $2",
        person_id,
        grant_id,
        at,
    )


async def withdraw_grant(tx: Tx, person_id: str, grant_id: str, *, at: datetime) -> None:
    await tx.execute(
        "UPDATE authorisation.grant SET withdrawn_at = $3 WHERE person_id = $1 AND grant_id = $2",
        person_id,
        grant_id,
        at,
    )


async def grants(tx: Tx | Pool, person_id: str, *, limit: int) -> list[Row]:
    return await tx.fetch(
        """
        SELECT grant_id, institution, scopes, purpose, days, granted_at, until, used_at, uses, withdrawn_at
        FROM authorisation.grant WHERE person_id = $1 ORDER BY granted_at DESC, grant_id LIMIT $2
        """,
        person_id,
        limit,
    )
