"""SMS codes: made, tried and spent."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx
from yibao.identity.types import Purpose


async def renew_code(
    tx: Tx,
    *,
    phone_index: bytes,
    purpose: Purpose,
    device: str,
    code_digest: bytes,
    at: datetime,
    last_before: datetime,
    day_start: datetime,
    a_day: int,
) -> datetime | None:
    """Replace a device's code for a phone and purpose; if too soon or too often, return when the last one was made."""
    renewed = await tx.fetchval(
        """
        INSERT INTO identity.sms_code AS c (phone_index, purpose, device, code_digest, sent_at, sent_today)
        VALUES ($1, $2, $3, $4, $5, 1)
        ON CONFLICT (phone_index, purpose, device) DO UPDATE
        SET code_digest = excluded.code_digest, sent_at = excluded.sent_at, tries = 0, used_at = NULL,
            sent_today = CASE WHEN c.sent_at < $7 THEN 1 ELSE c.sent_today + 1 END
        WHERE c.sent_at <= $6 AND (c.sent_at < $7 OR c.sent_today < $8)
        RETURNING true
        """,
        phone_index,
        purpose,
        device,
        code_digest,
        at,
        last_before,
        day_start,
        a_day,
    )
    if renewed:
        return None
    last: datetime = await tx.fetchval(
        "SELECT sent_at FROM identity.sms_code WHERE phone_index = $1 AND purpose = $2 AND device = $3",
        phone_index,
        purpose,
        device,
    )
    return last


async def brake_codes(
    tx: Tx, *, phone_index: bytes, purpose: Purpose, at: datetime, day_start: datetime, a_day: int
) -> bool:
    """Count a code for an unknown device; False if unknown devices together have had `a_day` of them today."""
    counted = await tx.fetchval(
        """
        INSERT INTO identity.sms_brake AS b (phone_index, purpose, sent, since) VALUES ($1, $2, 1, $3)
        ON CONFLICT (phone_index, purpose) DO UPDATE
        SET sent = CASE WHEN b.since < $4 THEN 1 ELSE b.sent + 1 END,
            since = CASE WHEN b.since < $4 THEN excluded.since ELSE b.since END
        WHERE b.since < $4 OR b.sent < $5
        RETURNING true
        """,
        phone_index,
        purpose,
        at,
        day_start,
        a_day,
    )
    return bool(counted)


async def drop_codes(tx: Tx, *, phone_index: bytes, sent_before: datetime) -> None:
    await tx.execute("DELETE FROM identity.sms_code WHERE phone_index = $1 AND sent_at < $2", phone_index, sent_before)


async def count_code_try(
    pool: Pool, *, phone_index: bytes, purpose: Purpose, device: str, sent_after: datetime, tries_max: int
) -> Row | None:
    """Count a try of a code that can still be used, and return its digest and the tries; None if there is none."""
    return await pool.fetchrow(
        """
        UPDATE identity.sms_code SET tries = tries + 1
        WHERE phone_index = $1 AND purpose = $2 AND device = $3 AND sent_at > $4 AND tries < $5 AND used_at IS NULL
        RETURNING code_digest, tries
        """,
        phone_index,
        purpose,
        device,
        sent_after,
        tries_max,
    )


async def spend_code(
    tx: Tx, *, phone_index: bytes, purpose: Purpose, device: str, code_digest: bytes, at: datetime
) -> bool:
    """Use a code up; False if it has been used or replaced meanwhile."""
    spent = await tx.fetchval(
        """
        UPDATE identity.sms_code SET used_at = $5
        WHERE phone_index = $1 AND purpose = $2 AND device = $3 AND code_digest = $4 AND used_at IS NULL RETURNING true
        """,
        phone_index,
        purpose,
        device,
        code_digest,
        at,
    )
    return bool(spent)
