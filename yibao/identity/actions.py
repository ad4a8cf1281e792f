"""Registering, signing in, proving who one is.

Whatever tests a secret takes the pool instead of a transaction (`__init__` says why). In those the reader finds three
steps: the try is counted and committed, the secret compared, the effect written in a transaction of its own.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

import asyncpg
from msgspec import Struct

from yibao.core import gm, outbox
from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.hasher import Hasher
from yibao.identity.queries import opened
from yibao.identity.types import CodeRequest, Elements, Guess, Purpose, Staff
from yibao.identity.unionpay import Agreed, RealNameByBank, Verdict

# SMS codes.


async def request_code(tx: Tx, vault: Vault, *, phone: str, purpose: Purpose, at: datetime) -> None:
    """Make a code for a phone and ask for it to be sent; the caller sees no difference if there is no account.

    Refusals, first that applies: PhoneMalformed, CodeTooSoon, CodeTooOften.
    """
    phone = rules.phone(phone)
    index = vault.index("phone", phone)
    account = await store.account_of_phone(tx, index)
    announced = rules.announced(purpose, registered=account is not None)
    code = f"{secrets.randbelow(10**6):06d}"
    digest = rules.code_digest(vault, phone=phone, purpose=purpose, code=code)
    last_sent_at = await store.renew_code(
        tx,
        phone_index=index,
        purpose=purpose,
        # What is not sent must not be found by guessing either: no code has random bytes for its digest.
        code_digest=digest if announced else secrets.token_bytes(len(digest)),
        at=at,
        last_before=at - rules.CODE_WAIT,
        day_start=rules.day_start(at),
        a_day=rules.CODES_A_DAY,
    )
    if last_sent_at is not None:
        raise rules.not_yet(last_sent_at, at=at)
    if announced:
        await outbox.publish(
            tx,
            person_id=account["account_id"] if account else index.hex(),
            topic="identity.code_requested",
            payload=rules.sealed_code_request(vault, CodeRequest(phone, code, announced)),
            at=at,
        )


class _Proof(Struct, frozen=True):
    """A code that was right, not yet spent."""

    phone_index: bytes
    purpose: Purpose
    code_digest: bytes


async def _prove_phone(pool: Pool, vault: Vault, *, phone: str, purpose: Purpose, code: str, at: datetime) -> _Proof:
    """Count a try of a code and return it if it is right. Refusals, first that applies: CodeExpired, CodeWrong."""
    proof = _Proof(
        vault.index("phone", phone), purpose, rules.code_digest(vault, phone=phone, purpose=purpose, code=code)
    )
    tried = await store.count_code_try(
        pool,
        phone_index=proof.phone_index,
        purpose=purpose,
        sent_after=at - rules.CODE_LASTS,
        tries_max=rules.CODE_TRIES,
    )
    if tried is None:
        raise refusals.CodeExpired
    if not hmac.compare_digest(tried["code_digest"], proof.code_digest):
        left = rules.CODE_TRIES - tried["tries"]
        raise refusals.CodeWrong(left=left) if left else refusals.CodeExpired
    return proof


async def _spend(tx: Tx, proof: _Proof, *, at: datetime) -> None:
    """Use a code up together with what it permits; of two who come with it at once, one is refused CodeExpired."""
    spent = await store.spend_code(
        tx, phone_index=proof.phone_index, purpose=proof.purpose, code_digest=proof.code_digest, at=at
    )
    if not spent:
        raise refusals.CodeExpired


async def _spend_for_account(tx: Tx, proof: _Proof, *, at: datetime) -> Row:
    await _spend(tx, proof, at=at)
    account = await store.account_of_phone(tx, proof.phone_index)
    if account is None:  # The phone has been given up since the code was sent.
        raise refusals.CodeExpired
    return account


# Accounts.


async def register(
    pool: Pool, vault: Vault, *, hasher: Hasher, phone: str, code: str, login_password: str, device: str, at: datetime
) -> str:
    """Open an account for a phone proved by a code, and return its id.

    Refusals, first that applies: PhoneMalformed, LoginPasswordLength, LoginPasswordTooPlain, LoginPasswordHoldsPhone,
    CodeExpired, CodeWrong, AlreadyRegistered.
    """
    phone = rules.phone(phone)
    rules.require_login_password(login_password, phone=phone)
    proof = await _prove_phone(pool, vault, phone=phone, purpose="register", code=code, at=at)
    login_hash = await hasher.hash(login_password)
    async with transaction(pool) as tx:
        await _spend(tx, proof, at=at)
        account_id = await open_account(tx, vault, phone=phone, login_hash=login_hash, at=at)
        await _know_device(tx, Guess(account_id, "login", device), at=at)
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


async def _held_account(tx: Tx, account_id: str) -> Row:
    row = await store.hold_account(tx, account_id)
    if row is None:
        raise refusals.AccountUnknown
    return row


async def attach_person(tx: Tx, *, account_id: str, person_id: str) -> None:
    """Bind an account to the person whose insurance its owner has proved to be theirs; again changes nothing.

    Refusals, first that applies: AccountUnknown, RealNameMissing, AttachedElsewhere.
    """
    row = await _held_account(tx, account_id)
    if row["real_name_at"] is None:
        raise refusals.RealNameMissing
    if row["person_id"] not in (None, person_id):
        raise refusals.AttachedElsewhere
    try:
        await store.attach_person(tx, account_id, person_id)
    except asyncpg.UniqueViolationError:
        raise refusals.AttachedElsewhere from None  # The cause quotes the person.


async def detach_person(tx: Tx, *, account_id: str) -> None:
    """Undo the binding; the transaction password goes with it, and the next binding sets a new one.

    Refusals: AccountUnknown.
    """
    await _held_account(tx, account_id)
    await store.detach_person(tx, account_id)
    await store.forget_devices(tx, account_id, "pay")


# Passwords.


async def _count(pool: Pool, guess: Guess, *, at: datetime) -> int:
    """Count a try of a password before it is compared, and return how many are left after it.

    Counted afterwards, a thousand guesses sent at once would all be compared before the first of them counted.
    Refusals, first that applies: LoginLocked, PayLocked, StaffLocked; LoginNeedsCode, PayNeedsCode,
    StaffNeedsKnownDevice.
    """
    async with transaction(pool) as tx:
        past = await store.hold_failures(tx, guess)
        failures = rules.count(guess.password, past, at=at)
        if past.known_at is None:
            await store.keep_brake(
                tx, guess, rules.brake(guess.password, await store.hold_brake(tx, guess, at=at), at=at)
            )
        await store.keep_failures(tx, guess, failures)
    return rules.TRIES - failures.failures


async def _know_device(tx: Tx, guess: Guess, *, at: datetime) -> None:
    """Forget the failures on this device and know it from now on, unless it has no mark to be known by."""
    await store.know_device(tx, guess, known_at=at if guess.device else None)


async def _check(
    pool: Pool,
    guess: Guess,
    *,
    hasher: Hasher,
    password: str,
    hashed: str | None,
    misplaced: type[Refusal] | None = None,
    at: datetime,
) -> None:
    """Let a right password pass and know its device from now on; refuse any other in the same time and words.

    `misplaced` is the refusal of a password that can only be the other one, which is not even compared.
    """
    left = await _count(pool, guess, at=at)
    if misplaced is not None or not await hasher.verify(hashed, password):
        raise rules.wrong(guess.password, left=left, misplaced=misplaced)
    renewed = await hasher.hash(password) if hashed is not None and hasher.outdated(hashed) else None
    async with transaction(pool) as tx:
        if renewed is not None:
            await store.exchange_hash(tx, guess, old=hashed, new=renewed)
        if (await store.hold_failures(tx, guess)).known_at is None:
            await store.ease_brake(tx, guess)
        await _know_device(tx, guess, at=at)


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
    await _check(
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
    proof = await _prove_phone(pool, vault, phone=rules.phone(phone), purpose="login", code=code, at=at)
    async with transaction(pool) as tx:
        account_id: str = (await _spend_for_account(tx, proof, at=at))["account_id"]
        await _know_device(tx, Guess(account_id, "login", device), at=at)
    return account_id


async def unlock(pool: Pool, vault: Vault, *, phone: str, code: str, device: str, at: datetime) -> None:
    """Lift the locks of both passwords on this device, which is known from now on.

    Refusals, first that applies: PhoneMalformed, CodeExpired, CodeWrong.
    """
    proof = await _prove_phone(pool, vault, phone=rules.phone(phone), purpose="unlock", code=code, at=at)
    async with transaction(pool) as tx:
        account = await _spend_for_account(tx, proof, at=at)
        await _know_device(tx, Guess(account["account_id"], "login", device), at=at)
        await _know_device(tx, Guess(account["account_id"], "pay", device), at=at)


async def reset_login_password(
    pool: Pool, vault: Vault, *, hasher: Hasher, phone: str, code: str, password: str, device: str, at: datetime
) -> None:
    """Replace a forgotten login password, end all sessions, and know no device but this one.

    Refusals, first that applies: PhoneMalformed, LoginPasswordLength, LoginPasswordTooPlain, LoginPasswordHoldsPhone,
    CodeExpired, CodeWrong.
    """
    phone = rules.phone(phone)
    rules.require_login_password(password, phone=phone)
    proof = await _prove_phone(pool, vault, phone=phone, purpose="reset_login", code=code, at=at)
    login_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        account_id = (await _spend_for_account(tx, proof, at=at))["account_id"]
        await store.set_login_hash(tx, account_id, login_hash)
        await store.forget_devices(tx, account_id, "login")
        await _know_device(tx, Guess(account_id, "login", device), at=at)
        await store.end_sessions_of(tx, account_id)


async def set_pay_password(tx: Tx, vault: Vault, *, hasher: Hasher, account_id: str, password: str) -> None:
    """Set the transaction password of an account that has none, as binding the insurance asks for.

    Refusals, first that applies: AccountUnknown, PayPasswordAlreadySet, PayPasswordMalformed, PayPasswordTooSimple,
    PayPasswordPersonal.
    """
    row = await _held_account(tx, account_id)
    if row["pay_hash"] is not None:
        raise refusals.PayPasswordAlreadySet
    account = opened(vault, row)
    rules.require_pay_password(password, phone=account.phone, cert_no=account.cert_no)
    await store.set_pay_hash(tx, account_id, await hasher.hash(password))


async def check_pay_password(
    pool: Pool, *, hasher: Hasher, account_id: str, password: str, device: str, at: datetime
) -> None:
    """Let the right transaction password pass. `device` is where it was typed: a phone, or an institution's till.

    Refusals, first that applies: AccountUnknown, PayPasswordNotSet, PayLocked, PayNeedsCode, LoginPasswordAtPay,
    WrongPayPassword; the last try ends in PayLocked.
    """
    account = await store.account(pool, account_id)
    if account is None:
        raise refusals.AccountUnknown
    if account["pay_hash"] is None:
        raise refusals.PayPasswordNotSet
    await _check(
        pool,
        Guess(account_id, "pay", device),
        hasher=hasher,
        password=password,
        hashed=account["pay_hash"],
        misplaced=refusals.LoginPasswordAtPay if rules.is_login_password(password) else None,
        at=at,
    )


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
        await store.set_pay_hash(tx, account_id, pay_hash)


async def reset_pay_password(
    pool: Pool,
    vault: Vault,
    *,
    hasher: Hasher,
    phone: str,
    code: str,
    cert_no: str,
    password: str,
    device: str,
    at: datetime,
) -> None:
    """Replace a forgotten transaction password by phone and certificate; each guess at the latter is a try of the code.

    Refusals, first that applies: PhoneMalformed, PayPasswordMalformed, PayPasswordTooSimple, CodeExpired, CodeWrong,
    RealNameMissing, CertificateNotOfAccount, PayPasswordPersonal, PayPasswordNotSet.
    """
    phone = rules.phone(phone)
    rules.require_pay_password(password, phone=phone, cert_no=None)
    proof = await _prove_phone(pool, vault, phone=phone, purpose="reset_pay", code=code, at=at)
    pay_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        row = await _spend_for_account(tx, proof, at=at)
        account = opened(vault, row)
        if account.cert_no is None:
            raise refusals.RealNameMissing
        if account.cert_no != rules.cert_no(cert_no):
            raise refusals.CertificateNotOfAccount
        rules.require_pay_password(password, phone=phone, cert_no=account.cert_no)
        if not account.has_pay_password:
            raise refusals.PayPasswordNotSet
        await store.set_pay_hash(tx, account.account_id, pay_hash)
        await store.forget_devices(tx, account.account_id, "pay")
        await _know_device(tx, Guess(account.account_id, "pay", device), at=at)


# Sessions, staff and the keys of institutions.


async def start_session(tx: Tx, *, account_id: str, device: str, at: datetime) -> str:
    """Sign an account in and return the token for its cookie; it lasts until 30 days without use."""
    return await _start(tx, account_id=account_id, staff_login=None, device=device, at=at)


async def start_staff_session(tx: Tx, *, login: str, device: str, at: datetime) -> str:
    """Sign a member of staff in for twelve hours and return the token for the cookie."""
    return await _start(tx, account_id=None, staff_login=login, device=device, at=at)


async def _start(tx: Tx, *, account_id: str | None, staff_login: str | None, device: str, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    await store.add_session(
        tx,
        # A bare digest will do: nobody finds 32 random bytes from it.
        token_digest=gm.sm3(token.encode()),
        account_id=account_id,
        staff_login=staff_login,
        device=device,
        at=at,
        expires_at=at + (rules.SESSION_LASTS if account_id is not None else rules.STAFF_SESSION_LASTS),
    )
    return token


async def end_session(tx: Tx, *, token: str) -> None:
    """Sign out; again changes nothing."""
    await store.end_session(tx, gm.sm3(token.encode()))


async def add_staff(tx: Tx, members: Sequence[Staff]) -> None:
    """Store members of staff, each in the place of whoever had the login before."""
    await store.put_staff(tx, members)


async def sign_in_staff(pool: Pool, *, hasher: Hasher, login: str, password: str, device: str, at: datetime) -> str:
    """Check the password of a member of staff and return the login; the answer is alike for one that does not exist.

    Refusals, first that applies: StaffLocked, StaffNeedsKnownDevice, WrongStaffPassword; the last try ends in
    StaffLocked.
    """
    login = rules.staff_login(login)
    member = await store.staff(pool, login)
    await _check(
        pool,
        Guess(login, "staff", device),
        hasher=hasher,
        password=password,
        hashed=member["password_hash"] if member else None,
        at=at,
    )
    return login


async def issue_api_key(tx: Tx, *, institution: str, at: datetime) -> str:
    """Return a new key for an institution's system; it is shown this once, and older ones stay valid."""
    key = "yb_" + secrets.token_urlsafe(32)
    await store.add_api_key(tx, key_digest=gm.sm3(key.encode()), institution=institution, at=at)
    return key


async def revoke_api_keys(tx: Tx, *, institution: str, at: datetime) -> None:
    """Refuse all keys of an institution from now on."""
    await store.revoke_api_keys(tx, institution=institution, at=at)


# Real names.


async def verify_real_name(
    pool: Pool, vault: Vault, *, bank: RealNameByBank, account_id: str, elements: Elements, at: datetime
) -> None:
    """Prove the account's real name by four elements that its owner's bank compares; the bank is asked in between two
    transactions.

    Refusals, first that applies: AccountUnknown, RealNameOfAnother, RealNameTooOften, NameDiffers, CertificateDiffers,
    CardDiffers, BankPhoneDiffers, ElementsDiffer, BankCardUnsupported, BankUnknown; BankNotConnected from `NoBank`.
    """
    given = rules.tidy(elements)
    async with transaction(pool) as tx:
        order_id = await _begin_real_name(tx, vault, account_id=account_id, elements=given, at=at)
    verdict = await bank.verify(
        order_id=order_id,
        name=given.name,
        cert_type=given.cert_type,
        cert_no=given.cert_no,
        bank_card=given.bank_card,
        phone=given.phone,
        at=at,
    )
    async with transaction(pool) as tx:
        await _finish_real_name(
            tx, vault, account_id=account_id, order_id=order_id, elements=given, verdict=verdict, at=at
        )
    rules.require_agreed(verdict)


async def _begin_real_name(tx: Tx, vault: Vault, *, account_id: str, elements: Elements, at: datetime) -> str:
    """Return the order number to ask the bank under: that of the same question while it is unanswered, or a new one.

    It is made here and never leaves the server. Were it the caller's, the number of an order that has been agreed to
    could be put on a question about somebody else.
    """
    account = opened(vault, await _held_account(tx, account_id))
    rules.require_same_person(account, cert_type=elements.cert_type, cert_no=elements.cert_no)
    digest = rules.elements_digest(vault, elements)
    pending = await store.pending_order(tx, account_id, elements_digest=digest, since=at - rules.ASKED_AGAIN_FOR)
    if pending is not None:
        return pending
    if await store.attempts_since(tx, account_id, rules.day_start(at)) >= rules.REAL_NAME_ATTEMPTS_A_DAY:
        raise refusals.RealNameTooOften
    order_id = secrets.token_hex(16)
    await store.add_attempt(tx, account_id=account_id, order_id=order_id, elements_digest=digest, at=at)
    return order_id


async def _finish_real_name(
    tx: Tx, vault: Vault, *, account_id: str, order_id: str, elements: Elements, verdict: Verdict, at: datetime
) -> None:
    word = rules.word_of(verdict)
    if word is not None:
        await store.decide_attempt(tx, account_id=account_id, order_id=order_id, verdict=word)
    if isinstance(verdict, Agreed):
        await prove_real_name(
            tx,
            vault,
            account_id=account_id,
            name=elements.name,
            cert_type=elements.cert_type,
            cert_no=elements.cert_no,
            at=at,
        )


async def prove_real_name(
    tx: Tx, vault: Vault, *, account_id: str, name: str, cert_type: str, cert_no: str, at: datetime
) -> None:
    """Store who an account's owner is proved to be, by a bank or by the face; again renews the proof.

    Refusals, first that applies: AccountUnknown, RealNameOfAnother.
    """
    cert_no = rules.cert_no(cert_no)
    rules.require_same_person(opened(vault, await _held_account(tx, account_id)), cert_type=cert_type, cert_no=cert_no)
    await store.set_real_name(
        tx,
        account_id,
        name=vault.seal(name.strip(), table="identity.account", column="name", person=account_id),
        cert_type=cert_type,
        cert_no=vault.seal(cert_no, table="identity.account", column="cert_no", person=account_id),
        at=at,
    )
