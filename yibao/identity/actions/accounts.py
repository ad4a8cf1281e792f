"""Opening accounts, and binding them to the person behind them."""

import secrets
from datetime import datetime

import asyncpg

from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.vault import Vault
from yibao.face import Subject
from yibao.identity import refusals, rules, store
from yibao.identity.actions.guesses import know_device
from yibao.identity.actions.sms_codes import prove_phone, spend_code
from yibao.identity.hasher import Hasher
from yibao.identity.types import Guess


async def register(
    pool: Pool, vault: Vault, *, hasher: Hasher, phone: str, code: str, login_password: str, device: str, at: datetime
) -> str:
    """Open an account for a phone proved by a code, and return its id.

    Refusals, first that applies: PhoneMalformed, LoginPasswordLength, LoginPasswordTooPlain, LoginPasswordHoldsPhone,
    CodeExpired, CodeWrong, AlreadyRegistered.
    """
    phone = rules.phone(phone)
    rules.require_login_password(login_password, phone=phone)
    proof = await prove_phone(pool, vault, phone=phone, purpose="register", code=code, device=device, at=at)
    login_hash = await hasher.hash(login_password)
    async with transaction(pool) as tx:
        await spend_code(tx, proof, at=at)
        account_id = await open_account(tx, vault, phone=phone, login_hash=login_hash, at=at)
        await know_device(tx, Guess(account_id, "login", device), at=at)
    return account_id


async def open_account(tx: Tx, vault: Vault, *, phone: str, login_hash: str, at: datetime) -> str:
    """Open an account for a phone that is its owner's for certain, and return its id.

    Refusals, first that applies: PhoneMalformed, AlreadyRegistered.
    """
    phone = rules.phone(phone)
    account_id = secrets.token_hex(16)
    added = await store.add_account(
        tx,
        account_id=account_id,
        phone_index=vault.index("phone", phone),
        phone=vault.seal(phone, table="identity.account", column="phone", person=account_id),
        login_hash=login_hash,
        at=at,
    )
    if not added:
        raise refusals.AlreadyRegistered
    return account_id


async def held_account(tx: Tx, account_id: str) -> Row:
    row = await store.hold_account(tx, account_id)
    if row is None:
        raise refusals.AccountUnknown
    return row


async def account_of_subject(
    tx: Tx, vault: Vault, who: Subject, *, signed_in: str = "", with_phone: bool = False
) -> Row:
    """Return the account of somebody who has proved who they are.

    Of several it is the one with the insurance, else the one that they are signed in to, else their first: whoever has
    a new number and registered anew means the account that they no longer get into.

    Refusals, first that applies: AccountOfNameMissing, OldPhoneMissing.
    """
    index = rules.cert_index(vault, cert_type=who.cert_type, cert_no=who.cert_no)
    rows = await store.accounts_of_certificate(tx, index)
    if not rows:
        raise refusals.AccountOfNameMissing
    found = [row for row in rows if row["phone_index"] is not None or not with_phone]
    if not found:
        raise refusals.OldPhoneMissing
    meant = min(found, key=lambda row: (row["person_id"] is None, row["account_id"] != signed_in))
    return await held_account(tx, meant["account_id"])


async def attach_person(tx: Tx, *, account_id: str, person_id: str) -> None:
    """Bind an account to the person whose insurance its owner has proved to be theirs; again changes nothing.

    Refusals, first that applies: AccountUnknown, RealNameMissing, AttachedElsewhere.
    """
    row = await held_account(tx, account_id)
    if row["real_name_at"] is None:
        raise refusals.RealNameMissing
    if row["person_id"] not in (None, person_id):
        raise refusals.AttachedElsewhere
    try:
        await store.attach_person(tx, account_id, person_id)
    except asyncpg.UniqueViolationError:
        raise refusals.AttachedElsewhere from None  # The cause quotes the person.


async def detach_person(tx: Tx, *, account_id: str) -> dict[str, str]:
    """Undo the binding; the transaction password goes with it, and the next binding sets a new one.

    Returns what an event says of where the owner is told now, for `opened_reach`. Refusals: AccountUnknown.
    """
    row = await held_account(tx, account_id)
    await store.detach_person(tx, account_id)
    await store.forget_devices(tx, account_id, "pay")
    return rules.reach(account_id, phone=row["phone"])
