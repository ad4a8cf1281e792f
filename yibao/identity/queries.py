"""Accounts and sessions, as their owners and the other rooms see them."""

from datetime import datetime

from yibao.core import gm
from yibao.core.database import Pool, Row, Tx
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.types import Account, BankAttempt, CounterAct, Session, SessionSeen


async def account(tx: Tx | Pool, vault: Vault, account_id: str) -> Account:
    """Return an account. Refusals: AccountUnknown."""
    row = await store.account(tx, account_id)
    if row is None:
        raise refusals.AccountUnknown
    return opened(vault, row)


async def account_of_person(tx: Tx | Pool, vault: Vault, person_id: str) -> Account | None:
    """Return the account that is bound to a person, for telling them something."""
    row = await store.account_of_person(tx, person_id)
    return None if row is None else opened(vault, row)


async def bank_attempts(tx: Tx | Pool, account_id: str) -> list[BankAttempt]:
    """Return when banks were asked about an account's owner, the earliest first."""
    return [BankAttempt(**row) for row in await store.attempts_of(tx, account_id)]


async def counter_acts(tx: Tx | Pool, vault: Vault, who: Account) -> list[CounterAct]:
    """Return what clerks did at counters to the accounts of an account's owner, the latest first."""
    if who.cert_type is None or who.cert_no is None:
        return []
    index = rules.cert_index(vault, cert_type=who.cert_type, cert_no=who.cert_no)
    return [counter_act(vault, row) for row in await store.acts_of_certificate(tx, index)]


def counter_act(vault: Vault, row: Row) -> CounterAct:
    return CounterAct(
        account_id=row["account_id"],
        act=row["act"],
        at=row["at"],
        clerk=row["clerk"],
        place=row["place"],
        reason=reason_of(vault, row),
    )


def reason_of(vault: Vault, row: Row) -> str:
    """Return why a case was opened; those that were opened before reasons were sealed have it as it was."""
    if row["sealed_reason"] is None:
        return str(row["reason"])
    return vault.open(
        row["sealed_reason"], table="identity.counter_case", column="sealed_reason", person=row["case_id"]
    )


async def places_that_named(tx: Tx | Pool, account_id: str, at: datetime) -> set[str]:
    """Return the places whose counters have lately checked the certificate by which an account has its real name."""
    return await store.places_that_named(tx, account_id, since=at - rules.NAMED_LASTS)


def opened(vault: Vault, row: Row) -> Account:
    """Return a stored account with its personal data opened."""
    account_id: str = row["account_id"]

    def text(column: str) -> str | None:
        sealed: bytes | None = row[column]
        return (
            None if sealed is None else vault.open(sealed, table="identity.account", column=column, person=account_id)
        )

    return Account(
        account_id=account_id,
        phone=text("phone") or "",
        name=text("name"),
        cert_type=row["cert_type"],
        cert_no=text("cert_no"),
        person_id=row["person_id"],
        has_pay_password=row["pay_hash"] is not None,
        real_name_at=row["real_name_at"],
    )


async def session(pool: Pool, token: str, at: datetime) -> Session | None:
    """Return who holds a token, in one statement; an account's session in use ends later by up to a day."""
    row = await store.session(
        pool,
        rules.token_digest(token),
        at=at,
        extended_until=at + rules.SESSION_LASTS,
        due_before=at + rules.SESSION_LASTS - rules.SESSION_STEP,
    )
    return None if row is None else Session(**{name: value for name, value in row.items() if value is not None})


def session_id(token: str) -> str:
    """Return the id under which `sessions_of` lists the session of a token."""
    return rules.token_digest(token).hex()


async def sessions_of(tx: Tx | Pool, account_id: str, at: datetime) -> list[SessionSeen]:
    """Return where an account is signed in, the latest first."""
    return [SessionSeen(**row) for row in await store.sessions_of(tx, account_id, at=at)]


async def institution_of_key(pool: Pool, key: str) -> str | None:
    """Return the institution to which a key was issued and not revoked, in one statement."""
    return await store.institution_of_key(pool, gm.sm3(key.encode()))
