"""Changing the phone number of an account: by the old phone, by the face, or by a clerk who checked the certificate."""

from datetime import datetime

import asyncpg

from yibao import face
from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.actions.accounts import account_of_subject, held_account
from yibao.identity.actions.guesses import know_device
from yibao.identity.actions.sms_codes import prove_phone, request_code, spend_code
from yibao.identity.actions.telling import tell_of_phone
from yibao.identity.queries import opened
from yibao.identity.types import Guess


async def request_change_codes(tx: Tx, vault: Vault, *, account_id: str, phone: str, device: str, at: datetime) -> None:
    """Send a code to an account's phone and one to `phone`, which is to take its place.

    Refusals, first that applies: PhoneMalformed, AccountUnknown, OldPhoneMissing, PhoneUnchanged, those of
    `request_code`.
    """
    old = await _old_phone(tx, vault, account_id=account_id, phone=rules.phone(phone))
    await request_code(tx, vault, phone=old, purpose="change_phone_old", device=device, at=at)
    await request_code(tx, vault, phone=phone, purpose="change_phone_new", device=device, at=at)


async def change_phone(
    pool: Pool, vault: Vault, *, account_id: str, phone: str, old_code: str, new_code: str, device: str, at: datetime
) -> None:
    """Change an account's phone by a code that the old one was sent and one that the new one was.

    Refusals, first that applies: PhoneMalformed, AccountUnknown, OldPhoneMissing, PhoneUnchanged, CodeExpired,
    OldPhoneCodeWrong, CodeWrong, AlreadyRegistered.
    """
    phone = rules.phone(phone)
    async with transaction(pool) as tx:
        old = await _old_phone(tx, vault, account_id=account_id, phone=phone)
    try:
        of_old = await prove_phone(
            pool, vault, phone=old, purpose="change_phone_old", code=old_code, device=device, at=at
        )
    except refusals.CodeWrong as wrong:
        raise refusals.OldPhoneCodeWrong(**wrong.facts) from None
    of_new = await prove_phone(
        pool, vault, phone=phone, purpose="change_phone_new", code=new_code, device=device, at=at
    )
    async with transaction(pool) as tx:
        await spend_code(tx, of_old, at=at)
        await spend_code(tx, of_new, at=at)
        row = await held_account(tx, account_id)
        if row["phone_index"] != of_old.phone_index:  # It has been changed since.
            raise refusals.CodeExpired
        await move_phone(tx, vault, row, phone=phone, at=at)


async def _old_phone(tx: Tx, vault: Vault, *, account_id: str, phone: str) -> str:
    account = opened(vault, await held_account(tx, account_id))
    if not account.phone:
        raise refusals.OldPhoneMissing
    if account.phone == phone:
        raise refusals.PhoneUnchanged
    return account.phone


async def change_phone_by_face(
    pool: Pool,
    vault: Vault,
    *,
    check_id: str,
    phone: str,
    code: str,
    device: str,
    account_id: str = "",
    token: str = "",
    at: datetime,
) -> str:
    """Change the phone of whoever's face passed, by a code that the new one was sent; return whose account it was.

    `account_id` and `token` are those of the session, if there is one. The old phone may be in other hands: all other
    sessions end, and no device is known but this one.

    Refusals, first that applies: PhoneMalformed, CodeExpired, CodeWrong, face.FaceMissing, face.FaceNotPassed,
    face.FaceExpired, AccountOfNameMissing, PhoneUnchanged, AlreadyRegistered.
    """
    phone = rules.phone(phone)
    proof = await prove_phone(pool, vault, phone=phone, purpose="change_phone_new", code=code, device=device, at=at)
    async with transaction(pool) as tx:
        await spend_code(tx, proof, at=at)
        who = await face.spend(tx, vault, check_id=check_id, purpose="change_phone", device=device, at=at)
        row = await account_of_subject(tx, vault, who, signed_in=account_id)
        if row["phone_index"] == proof.phone_index:
            raise refusals.PhoneUnchanged
        await move_phone(tx, vault, row, phone=phone, at=at)
        await leave_devices(tx, row["account_id"], token=token)
        await know_device(tx, Guess(row["account_id"], "login", device), at=at)
    changed: str = row["account_id"]
    return changed


async def move_phone(tx: Tx, vault: Vault, row: Row, *, phone: str, at: datetime, **facts: str) -> None:
    """Give a held account a phone that its owner has proved to be theirs.

    An account that is nothing but this phone, or another of the same owner's, gives it up. Both phones are
    told, with `facts` beside.

    Refusals: AlreadyRegistered.
    """
    account_id: str = row["account_id"]
    index = vault.index("phone", phone)
    other = await store.account_of_phone(tx, index)
    if other is not None and other["account_id"] != account_id:
        if not rules.may_give_up(other, cert_index=row["cert_index"]):
            raise refusals.AlreadyRegistered
        await store.set_phone(tx, other["account_id"], phone_index=None, phone=None)
        await store.end_sessions_of(tx, other["account_id"])
    sealed = vault.seal(phone, table="identity.account", column="phone", person=account_id)
    try:
        await store.set_phone(tx, account_id, phone_index=index, phone=sealed)
    except asyncpg.UniqueViolationError:
        raise refusals.AlreadyRegistered from None  # The cause quotes the phone.
    await tell_of_phone(tx, row, "identity.phone_changed", phone=sealed, at=at, **facts)


async def leave_devices(tx: Tx, account_id: str, *, token: str = "") -> None:
    """End all sessions of an account but that of `token`, and know none of its devices any more."""
    await store.end_sessions_of(tx, account_id, but=rules.token_digest(token) if token else b"")
    await store.forget_devices(tx, account_id, "login")
    await store.forget_devices(tx, account_id, "pay")
