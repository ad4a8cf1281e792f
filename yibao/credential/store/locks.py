"""Which activations stand behind the phone's screen lock, and what a phone is asked to sign."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def screen_lock(tx: Tx | Pool, person_id: str, browser: bytes) -> Row | None:
    return await tx.fetchrow(
        "SELECT origin, credential_id, public_key, sign_count, unlocked_until FROM credential.screen_lock"
        " WHERE person_id = $1 AND browser = $2",
        person_id,
        browser,
    )


async def add_screen_lock(
    tx: Tx,
    *,
    person_id: str,
    browser: bytes,
    origin: str,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    at: datetime,
    until: datetime,
) -> None:
    """Put a lock before an activation; one that is there stays."""
    await tx.execute(
        "INSERT INTO credential.screen_lock VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        person_id,
        browser,
        origin,
        credential_id,
        public_key,
        sign_count,
        at,
        until,
    )


async def open_screen_lock(
    tx: Tx, *, person_id: str, browser: bytes, until: datetime, sign_count: int | None = None
) -> None:
    await tx.execute(
        "UPDATE credential.screen_lock SET unlocked_until = $3, sign_count = coalesce($4, sign_count)"
        " WHERE person_id = $1 AND browser = $2",
        person_id,
        browser,
        until,
        sign_count,
    )


async def prolong_screen_lock(tx: Tx, *, person_id: str, browser: bytes, at: datetime, until: datetime) -> Row | None:
    """Leave an open lock open until then, and return which it is and whether it was open; None if there is none."""
    return await tx.fetchrow(
        """
        WITH prolonged AS (
            UPDATE credential.screen_lock SET unlocked_until = $4
            WHERE person_id = $1 AND browser = $2 AND unlocked_until > $3
        )
        SELECT credential_id, unlocked_until > $3 AS open FROM credential.screen_lock
        WHERE person_id = $1 AND browser = $2
        """,
        person_id,
        browser,
        at,
        until,
    )


async def drop_screen_lock(tx: Tx, person_id: str, browser: bytes) -> None:
    await tx.execute("DELETE FROM credential.screen_lock WHERE person_id = $1 AND browser = $2", person_id, browser)


async def put_lock_challenge(tx: Tx, *, person_id: str, browser: bytes, challenge: bytes, at: datetime) -> None:
    """Keep what this browser is to sign, in the place of what it was asked before."""
    await tx.execute(
        "INSERT INTO credential.lock_challenge VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (person_id, browser) DO UPDATE SET challenge = $3, asked_at = $4",
        person_id,
        browser,
        challenge,
        at,
    )


async def take_lock_challenge(tx: Tx, *, person_id: str, browser: bytes, since: datetime) -> bytes | None:
    """Return what this browser was asked to sign since then, for the only time."""
    challenge: bytes | None = await tx.fetchval(
        "DELETE FROM credential.lock_challenge WHERE person_id = $1 AND browser = $2 AND asked_at > $3"
        " RETURNING challenge",
        person_id,
        browser,
        since,
    )
    return challenge
