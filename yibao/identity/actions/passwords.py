"""Signing in, and the two passwords: set, checked and changed."""

from contextlib import suppress
from datetime import datetime

from yibao.core.database import Pool, Tx, transaction
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.actions.accounts import held_account
from yibao.identity.actions.guesses import check, know_device, meet_device
from yibao.identity.actions.sms_codes import prove_phone, spend_for_account
from yibao.identity.actions.telling import tell
from yibao.identity.hasher import Hasher
from yibao.identity.queries import opened
from yibao.identity.types import Guess


async def sign_in(
    pool: Pool, vault: Vault, *, hasher: Hasher, phone: str, password: str, device: str, at: datetime
) -> str:
    """Check a login password and return the account's id; the answer is alike for a phone without an account.

    Refusals, first that applies: PhoneMalformed, LoginLocked, LoginNeedsCode, PayPasswordAtLogin, WrongPassword; the
    last try ends in LoginLocked.
    """
    index = vault.index("phone", rules.phone(phone))
    account = await store.account_of_phone(pool, index)
    guess = Guess(account["account_id"] if account else index.hex(), "login", device)
    await check(
        pool,
        guess,
        hasher=hasher,
        password=password,
        hashed=account["login_hash"] if account else None,
        misplaced=refusals.PayPasswordAtLogin if rules.is_pay_password(password) else None,
        at=at,
    )
    return guess.subject  # An account for certain: without one, no password passes.


async def sign_in_by_code(pool: Pool, vault: Vault, *, phone: str, code: str, device: str, at: datetime) -> str:
    """Check an SMS code for signing in and return the account's id; this device is known from now on.

    Refusals, first that applies: PhoneMalformed, CodeExpired, CodeWrong.
    """
    proof = await prove_phone(pool, vault, phone=rules.phone(phone), purpose="login", code=code, device=device, at=at)
    async with transaction(pool) as tx:
        account_id: str = (await spend_for_account(tx, proof, at=at))["account_id"]
        await meet_device(tx, Guess(account_id, "login", device), at=at)
    return account_id


async def unlock(pool: Pool, vault: Vault, *, phone: str, code: str, device: str, at: datetime) -> None:
    """Lift the locks of both passwords on this device, which is known from now on.

    Refusals, first that applies: PhoneMalformed, CodeExpired, CodeWrong.
    """
    proof = await prove_phone(pool, vault, phone=rules.phone(phone), purpose="unlock", code=code, device=device, at=at)
    async with transaction(pool) as tx:
        account = await spend_for_account(tx, proof, at=at)
        await meet_device(tx, Guess(account["account_id"], "login", device), at=at)
        await know_device(tx, Guess(account["account_id"], "pay", device), at=at)


async def set_pay_password(
    tx: Tx, vault: Vault, *, hasher: Hasher, account_id: str, password: str, at: datetime
) -> None:
    """Set the transaction password of an account that has none, as binding the insurance asks for.

    Refusals, first that applies: AccountUnknown, PayPasswordAlreadySet, PayPasswordMalformed, PayPasswordTooSimple,
    PayPasswordPersonal.
    """
    row = await held_account(tx, account_id)
    if row["pay_hash"] is not None:
        raise refusals.PayPasswordAlreadySet
    account = opened(vault, row)
    rules.require_pay_password(password, phone=account.phone, cert_no=account.cert_no)
    await store.set_pay_hash(tx, account_id, await hasher.hash(password))
    await tell(tx, row, "identity.pay_password_set", at=at)


async def check_pay_password(
    pool: Pool, *, hasher: Hasher, account_id: str, password: str, device: str, at: datetime
) -> None:
    """Let the right transaction password pass. `device` is where it was typed: a phone, or an institution's till.

    Refusals, first that applies: AccountUnknown, PayPasswordNotSet, PayLocked, PayNeedsCode, LoginPasswordAtPay,
    WrongPayPassword; the last try ends in PayLocked. Whoever has no phone is never sent to wait for an SMS:
    PayLockedWithoutPhone.
    """
    account = await store.account(pool, account_id)
    if account is None:
        raise refusals.AccountUnknown
    if account["pay_hash"] is None:
        raise refusals.PayPasswordNotSet
    try:
        await check(
            pool,
            Guess(account_id, "pay", device),
            hasher=hasher,
            password=password,
            hashed=account["pay_hash"],
            misplaced=refusals.LoginPasswordAtPay if rules.is_login_password(password) else None,
            at=at,
        )
    except (refusals.PayLocked, refusals.PayNeedsCode) as locked:
        if account["phone_index"] is None:
            raise refusals.PayLockedWithoutPhone(**locked.facts) from None
        raise


async def check_pay_password_if_set(
    pool: Pool, *, hasher: Hasher, account_id: str, password: str, device: str, at: datetime
) -> None:
    """Let whoever has no transaction password pass, and others with theirs, or a phone left lying would act for them.

    Refusals: those of `check_pay_password` but PayPasswordNotSet.
    """
    with suppress(refusals.PayPasswordNotSet):
        await check_pay_password(pool, hasher=hasher, account_id=account_id, password=password, device=device, at=at)


async def change_pay_password(
    pool: Pool, vault: Vault, *, hasher: Hasher, account_id: str, old: str, new: str, device: str, at: datetime
) -> None:
    """Replace the transaction password by whoever knows it.

    Refusals, first that applies: AccountUnknown, PayPasswordMalformed, PayPasswordTooSimple, PayPasswordPersonal, those
    of `check_pay_password`, PayPasswordUnchanged.
    """
    row = await store.account(pool, account_id)
    if row is None:
        raise refusals.AccountUnknown
    account = opened(vault, row)
    rules.require_pay_password(new, phone=account.phone, cert_no=account.cert_no)
    await check_pay_password(pool, hasher=hasher, account_id=account_id, password=old, device=device, at=at)
    if rules.typed(new) == rules.typed(old):
        raise refusals.PayPasswordUnchanged
    pay_hash = await hasher.hash(new)
    async with transaction(pool) as tx:
        held = await held_account(tx, account_id)
        await store.set_pay_hash(tx, account_id, pay_hash)
        await tell(tx, held, "identity.pay_password_changed", at=at)
