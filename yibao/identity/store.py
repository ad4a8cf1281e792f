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


async def set_real_name(
    tx: Tx, account_id: str, *, name: bytes, cert_type: str, cert_no: bytes, cert_index: bytes, at: datetime
) -> None:
    await tx.execute(
        """
        UPDATE identity.account SET name = $2, cert_type = $3, cert_no = $4, cert_index = $5, real_name_at = $6
        WHERE account_id = $1
        """,
        account_id,
        name,
        cert_type,
        cert_no,
        cert_index,
        at,
    )


async def accounts_of_certificate(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return the accounts whose owner is proved to hold a certificate, the one with the insurance first."""
    return await tx.fetch(
        "SELECT * FROM identity.account WHERE cert_index = $1 ORDER BY person_id IS NULL, created_at", cert_index
    )


async def set_phone(tx: Tx, account_id: str, *, phone_index: bytes | None, phone: bytes | None) -> None:
    """Give an account its phone, or none; asyncpg.UniqueViolationError if another account has it."""
    await tx.execute(
        "UPDATE identity.account SET phone_index = $2, phone = $3 WHERE account_id = $1",
        account_id,
        phone_index,
        phone,
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


async def device_known(tx: Tx, subject: str, device: str) -> bool:
    """Tell whether a password or an SMS code of this subject was ever right on a device."""
    known: bool = await tx.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM identity.failure
            WHERE subject = $1 AND password IN ('login', 'pay') AND device = $2 AND known_at IS NOT NULL)
        """,
        subject,
        device,
    )
    return known


async def forget_device(tx: Tx, account_id: str, device: str) -> None:
    """Know a device no longer; locks on it stay."""
    await tx.execute(
        "UPDATE identity.failure SET known_at = NULL WHERE subject = $1 AND device = $2", account_id, device
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


async def forget_account(tx: Tx, account_id: str, *, phone_index: bytes | None, at: datetime) -> None:
    """Empty an account of everything personal, and delete what was kept beside it."""
    await tx.execute(
        """
        UPDATE identity.account
        SET phone_index = NULL, phone = NULL, login_hash = NULL, pay_hash = NULL, name = NULL, cert_type = NULL,
            cert_no = NULL, cert_index = NULL, real_name_at = NULL, closed_at = $2
        WHERE account_id = $1
        """,
        account_id,
        at,
    )
    await tx.execute("DELETE FROM identity.session WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM identity.channel_user WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM identity.real_name_attempt WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM identity.failure WHERE subject = $1", account_id)
    await tx.execute("DELETE FROM identity.brake WHERE subject = $1", account_id)
    await tx.execute("DELETE FROM identity.sms_code WHERE phone_index = $1", phone_index)


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


# Users of channels.


async def put_channel_user(tx: Tx, *, channel: str, user_index: bytes, account_id: str, at: datetime) -> str:
    """Return the account of a channel's user, who is given this one if they have none."""
    known: str = await tx.fetchval(
        """
        INSERT INTO identity.channel_user AS u (channel, user_index, account_id, since_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (channel, user_index) DO UPDATE SET account_id = u.account_id RETURNING account_id
        """,
        channel,
        user_index,
        account_id,
        at,
    )
    return known


async def add_bare_account(tx: Tx, account_id: str, at: datetime) -> None:
    """Store an account without phone and passwords."""
    await tx.execute("INSERT INTO identity.account (account_id, created_at) VALUES ($1, $2)", account_id, at)


async def account_of_channel_user(tx: Tx | Pool, channel: str, user_index: bytes) -> str | None:
    account_id: str | None = await tx.fetchval(
        "SELECT account_id FROM identity.channel_user WHERE channel = $1 AND user_index = $2", channel, user_index
    )
    return account_id


async def move_channel_users(tx: Tx, *, channel: str, account_id: str, to: str) -> None:
    await tx.execute(
        "UPDATE identity.channel_user SET account_id = $3 WHERE channel = $1 AND account_id = $2",
        channel,
        account_id,
        to,
    )


async def channels_of(tx: Tx | Pool, account_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT channel, count(*) AS users FROM identity.channel_user WHERE account_id = $1"
        " GROUP BY channel ORDER BY channel",
        account_id,
    )


async def forget_channel_users(tx: Tx, *, channel: str, account_id: str) -> None:
    await tx.execute("DELETE FROM identity.channel_user WHERE channel = $1 AND account_id = $2", channel, account_id)


async def end_channel_sessions(tx: Tx, *, channel: str, account_id: str) -> None:
    await tx.execute("DELETE FROM identity.session WHERE account_id = $2 AND channel = $1", channel, account_id)


async def end_unit_sessions(tx: Tx, *, unit: str, account_id: str | None) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE unit = $1 AND ($2::text IS NULL OR account_id = $2)", unit, account_id
    )


async def end_sessions_on(tx: Tx, *, account_id: str, device: str, channel: str) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE account_id = $1 AND device = $2 AND channel = $3",
        account_id,
        device,
        channel,
    )


# The counter.


async def add_case(
    tx: Tx, *, case_id: str, cert_index: bytes, clerk: str, place: str, reason: bytes, at: datetime
) -> None:
    await tx.execute(
        """
        INSERT INTO identity.counter_case (case_id, cert_index, clerk, place, sealed_reason, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        case_id,
        cert_index,
        clerk,
        place,
        reason,
        at,
    )


async def case(tx: Tx | Pool, case_id: str, *, clerk: str, opened_after: datetime) -> Row | None:
    return await tx.fetchrow(
        "SELECT * FROM identity.counter_case WHERE case_id = $1 AND clerk = $2 AND opened_at > $3",
        case_id,
        clerk,
        opened_after,
    )


async def add_act(tx: Tx, *, account_id: str, act_id: str, case_id: str, act: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO identity.counter_act (account_id, act_id, case_id, act, at) VALUES ($1, $2, $3, $4, $5)",
        account_id,
        act_id,
        case_id,
        act,
        at,
    )


async def acts_of_certificate(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return what was done at counters to the accounts of a certificate's holder, the latest first."""
    return await tx.fetch(
        """
        SELECT a.account_id, a.act, a.at, c.clerk, c.place, c.case_id, c.reason, c.sealed_reason
        FROM identity.counter_case c JOIN identity.counter_act a ON a.case_id = c.case_id
        WHERE c.cert_index = $1 ORDER BY a.at DESC, a.act_id
        """,
        cert_index,
    )
