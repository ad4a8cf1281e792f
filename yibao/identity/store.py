"""SQL of the identity room."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.identity.types import Brake, Failures, Guess, Password, Purpose, Staff

# Accounts.


async def add_account(
    tx: Tx, *, account_id: str, phone_index: bytes, phone: bytes, login_hash: str, at: datetime
) -> bool:
    """Store an account; False if the phone has one."""
    added = await tx.fetchval(
        """
        INSERT INTO identity.account (account_id, phone_index, phone, login_hash, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (phone_index) DO NOTHING RETURNING account_id
        """,
        account_id,
        phone_index,
        phone,
        login_hash,
        at,
    )
    return added is not None


async def account(tx: Tx | Pool, account_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM identity.account WHERE account_id = $1", account_id)


async def hold_account(tx: Tx, account_id: str) -> Row | None:
    """Return the account and let nobody else hold it until this transaction ends."""
    return await tx.fetchrow("SELECT * FROM identity.account WHERE account_id = $1 FOR UPDATE", account_id)


async def account_of_phone(tx: Tx | Pool, phone_index: bytes) -> Row | None:
    return await tx.fetchrow("SELECT * FROM identity.account WHERE phone_index = $1", phone_index)


async def account_of_person(tx: Tx | Pool, person_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM identity.account WHERE person_id = $1", person_id)


async def set_login_hash(tx: Tx | Pool, account_id: str, login_hash: str) -> None:
    await tx.execute("UPDATE identity.account SET login_hash = $2 WHERE account_id = $1", account_id, login_hash)


async def set_pay_hash(tx: Tx | Pool, account_id: str, pay_hash: str) -> None:
    await tx.execute("UPDATE identity.account SET pay_hash = $2 WHERE account_id = $1", account_id, pay_hash)


async def exchange_hash(tx: Tx, guess: Guess, *, old: str | None, new: str) -> None:
    """Put a hash of the same password in the place of `old`, unless the password has been changed meanwhile."""
    statement = {
        "login": "UPDATE identity.account SET login_hash = $3 WHERE account_id = $1 AND login_hash = $2",
        "pay": "UPDATE identity.account SET pay_hash = $3 WHERE account_id = $1 AND pay_hash = $2",
        "staff": "UPDATE identity.staff SET password_hash = $3 WHERE login = $1 AND password_hash = $2",
    }[guess.password]
    await tx.execute(statement, guess.subject, old, new)


async def set_real_name(tx: Tx, account_id: str, *, name: bytes, cert_type: str, cert_no: bytes, at: datetime) -> None:
    await tx.execute(
        "UPDATE identity.account SET name = $2, cert_type = $3, cert_no = $4, real_name_at = $5 WHERE account_id = $1",
        account_id,
        name,
        cert_type,
        cert_no,
        at,
    )


async def attach_person(tx: Tx, account_id: str, person_id: str) -> None:
    """Bind the account to a person; asyncpg.UniqueViolationError if the person has another account."""
    await tx.execute("UPDATE identity.account SET person_id = $2 WHERE account_id = $1", account_id, person_id)


async def detach_person(tx: Tx, account_id: str) -> None:
    await tx.execute("UPDATE identity.account SET person_id = NULL, pay_hash = NULL WHERE account_id = $1", account_id)


# SMS codes.


async def renew_code(
    tx: Tx,
    *,
    phone_index: bytes,
    purpose: Purpose,
    code_digest: bytes,
    at: datetime,
    last_before: datetime,
    day_start: datetime,
    a_day: int,
) -> datetime | None:
    """Replace the code of a phone and purpose; if it is too soon or too often, return when the last one was made."""
    renewed = await tx.fetchval(
        """
        INSERT INTO identity.sms_code AS c (phone_index, purpose, code_digest, sent_at, sent_today)
        VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (phone_index, purpose) DO UPDATE
        SET code_digest = excluded.code_digest, sent_at = excluded.sent_at, tries = 0, used_at = NULL,
            sent_today = CASE WHEN c.sent_at < $6 THEN 1 ELSE c.sent_today + 1 END
        WHERE c.sent_at <= $5 AND (c.sent_at < $6 OR c.sent_today < $7)
        RETURNING true
        """,
        phone_index,
        purpose,
        code_digest,
        at,
        last_before,
        day_start,
        a_day,
    )
    if renewed:
        return None
    last: datetime = await tx.fetchval(
        "SELECT sent_at FROM identity.sms_code WHERE phone_index = $1 AND purpose = $2", phone_index, purpose
    )
    return last


async def count_code_try(
    pool: Pool, *, phone_index: bytes, purpose: Purpose, sent_after: datetime, tries_max: int
) -> Row | None:
    """Count a try of a code that can still be used, and return its digest and the tries; None if there is none."""
    return await pool.fetchrow(
        """
        UPDATE identity.sms_code SET tries = tries + 1
        WHERE phone_index = $1 AND purpose = $2 AND sent_at > $3 AND tries < $4 AND used_at IS NULL
        RETURNING code_digest, tries
        """,
        phone_index,
        purpose,
        sent_after,
        tries_max,
    )


async def spend_code(tx: Tx, *, phone_index: bytes, purpose: Purpose, code_digest: bytes, at: datetime) -> bool:
    """Use a code up; False if it has been used or replaced meanwhile."""
    spent = await tx.fetchval(
        """
        UPDATE identity.sms_code SET used_at = $4
        WHERE phone_index = $1 AND purpose = $2 AND code_digest = $3 AND used_at IS NULL RETURNING true
        """,
        phone_index,
        purpose,
        code_digest,
        at,
    )
    return bool(spent)


# Failures.


async def hold_failures(tx: Tx, guess: Guess) -> Failures:
    """Return the failures on this device, held until the transaction ends, so that tries at once are counted singly."""
    row = await tx.fetchrow(
        """
        INSERT INTO identity.failure (subject, password, device) VALUES ($1, $2, $3)
        ON CONFLICT (subject, password, device) DO UPDATE SET device = excluded.device
        RETURNING failures, locked_until, known_at
        """,
        *_key(guess),
    )
    return msgspec.convert(dict(row or {}), Failures)


async def keep_failures(tx: Tx, guess: Guess, failures: Failures) -> None:
    await tx.execute(
        """
        UPDATE identity.failure SET failures = $4, locked_until = $5
        WHERE subject = $1 AND password = $2 AND device = $3
        """,
        *_key(guess),
        failures.failures,
        failures.locked_until,
    )


async def hold_brake(tx: Tx, guess: Guess, *, at: datetime) -> Brake:
    """Return the failures on all unknown devices, held like those of one."""
    row = await tx.fetchrow(
        """
        INSERT INTO identity.brake (subject, password, failures, since) VALUES ($1, $2, 0, $3)
        ON CONFLICT (subject, password) DO UPDATE SET subject = excluded.subject
        RETURNING failures, since
        """,
        guess.subject,
        guess.password,
        at,
    )
    return msgspec.convert(dict(row or {}), Brake)


async def keep_brake(tx: Tx, guess: Guess, brake: Brake) -> None:
    await tx.execute(
        "UPDATE identity.brake SET failures = $3, since = $4 WHERE subject = $1 AND password = $2",
        guess.subject,
        guess.password,
        brake.failures,
        brake.since,
    )


async def ease_brake(tx: Tx, guess: Guess) -> None:
    """Take one failure back: the try that was counted has turned out to be right."""
    await tx.execute(
        "UPDATE identity.brake SET failures = greatest(failures - 1, 0) WHERE subject = $1 AND password = $2",
        guess.subject,
        guess.password,
    )


async def know_device(tx: Tx, guess: Guess, *, known_at: datetime | None) -> None:
    """Forget the failures on a device, which is known from `known_at` on, or earlier if it was."""
    await tx.execute(
        """
        INSERT INTO identity.failure (subject, password, device, known_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject, password, device) DO UPDATE
        SET failures = 0, locked_until = NULL, known_at = coalesce(identity.failure.known_at, excluded.known_at)
        """,
        *_key(guess),
        known_at,
    )


async def forget_devices(tx: Tx, account_id: str, password: Password) -> None:
    """Forget the failures of a password and where it has been right."""
    await tx.execute("DELETE FROM identity.failure WHERE subject = $1 AND password = $2", account_id, password)
    await tx.execute("DELETE FROM identity.brake WHERE subject = $1 AND password = $2", account_id, password)


def _key(guess: Guess) -> tuple[str, str, str]:
    return guess.subject, guess.password, guess.device


# Sessions.


async def add_session(
    tx: Tx,
    *,
    token_digest: bytes,
    account_id: str | None,
    staff_login: str | None,
    device: str,
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
        INSERT INTO identity.session (token_digest, account_id, staff_login, device, started_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        token_digest,
        account_id,
        staff_login,
        device,
        at,
        expires_at,
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
        SELECT s.device, s.account_id, a.person_id, s.staff_login, f.institution, f.role, f.display_name
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
        SELECT device, started_at, expires_at FROM identity.session
        WHERE account_id = $1 AND expires_at > $2 ORDER BY started_at DESC
        """,
        account_id,
        at,
    )


async def end_session(tx: Tx, token_digest: bytes) -> None:
    await tx.execute("DELETE FROM identity.session WHERE token_digest = $1", token_digest)


async def end_sessions_of(tx: Tx, account_id: str) -> None:
    await tx.execute("DELETE FROM identity.session WHERE account_id = $1", account_id)


# Staff and the keys of institutions.


async def put_staff(tx: Tx, members: Sequence[Staff]) -> None:
    await tx.execute(
        """
        INSERT INTO identity.staff SELECT * FROM jsonb_populate_recordset(NULL::identity.staff, $1)
        ON CONFLICT (login) DO UPDATE
        SET institution = excluded.institution, display_name = excluded.display_name, role = excluded.role,
            password_hash = excluded.password_hash, active = excluded.active
        """,
        members,
    )


async def staff(pool: Pool, login: str) -> Row | None:
    return await pool.fetchrow("SELECT login, password_hash FROM identity.staff WHERE login = $1 AND active", login)


async def add_api_key(tx: Tx, *, key_digest: bytes, institution: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO identity.api_key (key_digest, institution, created_at) VALUES ($1, $2, $3)",
        key_digest,
        institution,
        at,
    )


async def revoke_api_keys(tx: Tx, *, institution: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE identity.api_key SET revoked_at = $2 WHERE institution = $1 AND revoked_at IS NULL", institution, at
    )


async def institution_of_key(pool: Pool, key_digest: bytes) -> str | None:
    institution: str | None = await pool.fetchval(
        "SELECT institution FROM identity.api_key WHERE key_digest = $1 AND revoked_at IS NULL", key_digest
    )
    return institution


# Real names.


async def pending_order(tx: Tx, account_id: str, *, elements_digest: bytes, since: datetime) -> str | None:
    """Return the order number under which these elements were asked and not answered."""
    order_id: str | None = await tx.fetchval(
        """
        SELECT order_id FROM identity.real_name_attempt
        WHERE account_id = $1 AND elements_digest = $2 AND started_at > $3 AND verdict IS NULL
        ORDER BY started_at DESC LIMIT 1
        """,
        account_id,
        elements_digest,
        since,
    )
    return order_id


async def attempts_since(tx: Tx, account_id: str, since: datetime) -> int:
    attempts: int = await tx.fetchval(
        "SELECT count(*) FROM identity.real_name_attempt WHERE account_id = $1 AND started_at >= $2", account_id, since
    )
    return attempts


async def add_attempt(tx: Tx, *, account_id: str, order_id: str, elements_digest: bytes, at: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO identity.real_name_attempt (account_id, order_id, elements_digest, started_at)
        VALUES ($1, $2, $3, $4)
        """,
        account_id,
        order_id,
        elements_digest,
        at,
    )


async def decide_attempt(tx: Tx, *, account_id: str, order_id: str, verdict: str) -> None:
    await tx.execute(
        "UPDATE identity.real_name_attempt SET verdict = $3 WHERE account_id = $1 AND order_id = $2",
        account_id,
        order_id,
        verdict,
    )
