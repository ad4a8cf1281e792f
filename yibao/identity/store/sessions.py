"""Sessions of accounts, of staff and for units."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def add_session(
    tx: Tx,
    *,
    token_digest: bytes,
    account_id: str | None,
    staff_login: str | None,
    device: str,
    device_name: str,
    channel: str,
    unit: str | None,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Store a session and drop the expired ones of whoever signs in."""
    await tx.execute(
        "DELETE FROM identity.session WHERE expires_at <= $3 AND (account_id = $1 OR staff_login = $2)",
        account_id,
        staff_login,
        at,
    )
    await tx.execute(
        """
        INSERT INTO identity.session
            (token_digest, account_id, staff_login, device, started_at, expires_at, channel, unit, device_name)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        token_digest,
        account_id,
        staff_login,
        device,
        at,
        expires_at,
        channel,
        unit,
        device_name,
    )


async def session(
    pool: Pool, token_digest: bytes, *, at: datetime, extended_until: datetime, due_before: datetime
) -> Row | None:
    """Return who is signed in; an account's session whose end comes before `due_before` gets a later one."""
    return await pool.fetchrow(
        """
        WITH extended AS (
            UPDATE identity.session SET expires_at = $3
            WHERE token_digest = $1 AND account_id IS NOT NULL AND expires_at > $2 AND expires_at < $4
        )
        SELECT s.device, s.channel, s.unit, s.account_id, a.person_id, s.staff_login,
               f.institution, f.role, f.display_name
        FROM identity.session s
        LEFT JOIN identity.account a ON a.account_id = s.account_id
        LEFT JOIN identity.staff f ON f.login = s.staff_login
        WHERE s.token_digest = $1 AND s.expires_at > $2 AND (s.staff_login IS NULL OR f.active)
        """,
        token_digest,
        at,
        extended_until,
        due_before,
    )


async def sessions_of(tx: Tx | Pool, account_id: str, *, at: datetime) -> list[Row]:
    return await tx.fetch(
        """
        SELECT encode(token_digest, 'hex') AS session_id, device, channel, unit IS NOT NULL AS for_unit, device_name,
               started_at, expires_at
        FROM identity.session WHERE account_id = $1 AND expires_at > $2 ORDER BY started_at DESC
        """,
        account_id,
        at,
    )


async def end_session(tx: Tx, token_digest: bytes) -> None:
    await tx.execute("DELETE FROM identity.session WHERE token_digest = $1", token_digest)


async def end_session_of(tx: Tx, account_id: str, token_digest: bytes) -> str | None:
    """End one session of an account and return its device; None if there is none."""
    device: str | None = await tx.fetchval(
        "DELETE FROM identity.session WHERE account_id = $1 AND token_digest = $2 RETURNING device",
        account_id,
        token_digest,
    )
    return device


async def end_sessions_of(tx: Tx, account_id: str, *, but: bytes = b"") -> None:
    """End the sessions of an account, except the one with the digest `but`."""
    await tx.execute("DELETE FROM identity.session WHERE account_id = $1 AND token_digest <> $2", account_id, but)


async def end_sessions_on(tx: Tx, *, account_id: str, device: str, channel: str) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE account_id = $1 AND device = $2 AND channel = $3",
        account_id,
        device,
        channel,
    )


async def end_channel_sessions(tx: Tx, *, channel: str, account_id: str) -> None:
    await tx.execute("DELETE FROM identity.session WHERE account_id = $2 AND channel = $1", channel, account_id)


async def end_unit_sessions(tx: Tx, *, unit: str, account_id: str | None) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE unit = $1 AND ($2::text IS NULL OR account_id = $2)", unit, account_id
    )
