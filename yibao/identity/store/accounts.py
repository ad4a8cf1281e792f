"""Accounts: opened, found, held, named, bound and emptied."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx
from yibao.identity.types import Guess


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


async def add_bare_account(tx: Tx, account_id: str, at: datetime) -> None:
    """Store an account without phone and passwords."""
    await tx.execute("INSERT INTO identity.account (account_id, created_at) VALUES ($1, $2)", account_id, at)


async def account(tx: Tx | Pool, account_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM identity.account WHERE account_id = $1", account_id)


async def hold_account(tx: Tx, account_id: str) -> Row | None:
    """Return the account and let nobody else hold it until this transaction ends."""
    return await tx.fetchrow("SELECT * FROM identity.account WHERE account_id = $1 FOR UPDATE", account_id)


async def account_of_phone(tx: Tx | Pool, phone_index: bytes) -> Row | None:
    return await tx.fetchrow("SELECT * FROM identity.account WHERE phone_index = $1", phone_index)


async def account_of_person(tx: Tx | Pool, person_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM identity.account WHERE person_id = $1", person_id)


async def accounts_of_certificate(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return the accounts whose owner is proved to hold a certificate, the one with the insurance first."""
    return await tx.fetch(
        "SELECT * FROM identity.account WHERE cert_index = $1 ORDER BY person_id IS NULL, created_at", cert_index
    )


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


async def set_phone(tx: Tx, account_id: str, *, phone_index: bytes | None, phone: bytes | None) -> None:
    """Give an account its phone, or none; asyncpg.UniqueViolationError if another account has it."""
    await tx.execute(
        "UPDATE identity.account SET phone_index = $2, phone = $3 WHERE account_id = $1",
        account_id,
        phone_index,
        phone,
    )


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


async def attach_person(tx: Tx, account_id: str, person_id: str) -> None:
    """Bind the account to a person; asyncpg.UniqueViolationError if the person has another account."""
    await tx.execute("UPDATE identity.account SET person_id = $2 WHERE account_id = $1", account_id, person_id)


async def detach_person(tx: Tx, account_id: str) -> None:
    await tx.execute("UPDATE identity.account SET person_id = NULL, pay_hash = NULL WHERE account_id = $1", account_id)


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
