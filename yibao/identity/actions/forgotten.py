"""Passwords that were forgotten: set anew by the phone, by the face, or by the bank.

Whoever proves who they are may be told about their own account; before that, no answer says whether there is one.
"""

from datetime import datetime

from yibao import face
from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.actions.accounts import account_of_subject, held_account
from yibao.identity.actions.guesses import know_device
from yibao.identity.actions.real_names import verify_real_name
from yibao.identity.actions.sms_codes import prove_phone, spend_for_account
from yibao.identity.actions.telling import tell
from yibao.identity.hasher import Hasher
from yibao.identity.queries import opened
from yibao.identity.types import Account, Elements, Guess
from yibao.identity.unionpay import RealNameByBank

# The login password.


async def reset_login_password(
    pool: Pool, vault: Vault, *, hasher: Hasher, phone: str, code: str, password: str, device: str, at: datetime
) -> None:
    """Replace a forgotten login password, end all sessions, and know no device but this one.

    Refusals, first that applies: PhoneMalformed, LoginPasswordLength, LoginPasswordTooPlain, LoginPasswordHoldsPhone,
    CodeExpired, CodeWrong.
    """
    phone = rules.phone(phone)
    rules.require_login_password(password, phone=phone)
    proof = await prove_phone(pool, vault, phone=phone, purpose="reset_login", code=code, device=device, at=at)
    login_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        await _replace_login(tx, await spend_for_account(tx, proof, at=at), login_hash, device=device, at=at)


async def reset_login_password_by_face(
    pool: Pool, vault: Vault, *, hasher: Hasher, check_id: str, password: str, device: str, at: datetime
) -> Account:
    """Replace a forgotten login password by the face, and return the account that its owner signs in to.

    Refusals, first that applies: LoginPasswordLength, LoginPasswordTooPlain, face.FaceMissing, face.FaceNotPassed,
    face.FaceExpired, AccountOfNameMissing, OldPhoneMissing, LoginPasswordHoldsPhone.
    """
    rules.require_login_password(password, phone=None)
    login_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        who = await face.spend(tx, vault, check_id=check_id, purpose="reset_login", device=device, at=at)
        row = await account_of_subject(tx, vault, who, with_phone=True)
        account = opened(vault, row)
        rules.require_login_password(password, phone=account.phone)
        await _replace_login(tx, row, login_hash, device=device, at=at)
    return account


async def _replace_login(tx: Tx, row: Row, login_hash: str, *, device: str, at: datetime) -> None:
    account_id: str = row["account_id"]
    await store.set_login_hash(tx, account_id, login_hash)
    await store.forget_devices(tx, account_id, "login")
    await know_device(tx, Guess(account_id, "login", device), at=at)
    await store.end_sessions_of(tx, account_id)
    await tell(tx, row, "identity.login_password_reset", at=at)


# The transaction password. Whoever is bound without one sets their first in the same ways.


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
    proof = await prove_phone(pool, vault, phone=phone, purpose="reset_pay", code=code, device=device, at=at)
    pay_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        row = await spend_for_account(tx, proof, at=at)
        account = opened(vault, row)
        if account.cert_no is None:
            raise refusals.RealNameMissing
        if account.cert_no != rules.cert_no(cert_no):
            raise refusals.CertificateNotOfAccount
        rules.require_pay_password(password, phone=phone, cert_no=account.cert_no)
        await _replace_pay(tx, row, pay_hash, device=device, at=at)


async def reset_pay_password_by_face(
    pool: Pool,
    vault: Vault,
    *,
    hasher: Hasher,
    account_id: str,
    check_id: str,
    password: str,
    device: str,
    at: datetime,
) -> None:
    """Replace a forgotten transaction password by the face of the account's owner.

    Refusals, first that applies: AccountUnknown, RealNameMissing, PayPasswordNotSet, PayPasswordMalformed,
    PayPasswordTooSimple, PayPasswordPersonal, face.FaceMissing, face.FaceNotPassed, face.FaceExpired,
    CertificateNotOfAccount.
    """
    await _require_new_pay_password(pool, vault, account_id=account_id, password=password)
    pay_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        who = await face.spend(tx, vault, check_id=check_id, purpose="reset_pay", device=device, at=at)
        row = await held_account(tx, account_id)
        rules.require_own_certificate(opened(vault, row), who)
        await _replace_pay(tx, row, pay_hash, device=device, at=at)


async def reset_pay_password_by_bank(
    pool: Pool,
    vault: Vault,
    *,
    hasher: Hasher,
    bank: RealNameByBank,
    account_id: str,
    bank_card: str,
    bank_phone: str,
    password: str,
    device: str,
    at: datetime,
) -> None:
    """Replace a forgotten transaction password by four elements: the account's own name and certificate, and a card.

    Asked again with the same card while the bank is silent, it is the same question, as in `verify_real_name`.

    Refusals, first that applies: AccountUnknown, RealNameMissing, PayPasswordNotSet, PayPasswordMalformed,
    PayPasswordTooSimple, PayPasswordPersonal, those of `verify_real_name`.
    """
    account = await _require_new_pay_password(pool, vault, account_id=account_id, password=password)
    elements = Elements(
        name=account.name or "",
        cert_type=account.cert_type or "",
        cert_no=account.cert_no or "",
        bank_card=bank_card,
        phone=bank_phone,
    )
    await verify_real_name(pool, vault, bank=bank, account_id=account_id, elements=elements, at=at)
    pay_hash = await hasher.hash(password)
    async with transaction(pool) as tx:
        await _replace_pay(tx, await held_account(tx, account_id), pay_hash, device=device, at=at)


async def _require_new_pay_password(pool: Pool, vault: Vault, *, account_id: str, password: str) -> Account:
    """Return the account, whose owner is known by name, if it may have this transaction password."""
    row = await store.account(pool, account_id)
    if row is None:
        raise refusals.AccountUnknown
    account = opened(vault, row)
    if account.cert_no is None:
        raise refusals.RealNameMissing
    _require_payer(row)
    rules.require_pay_password(password, phone=account.phone, cert_no=account.cert_no)
    return account


def _require_payer(row: Row) -> None:
    """Refuse an account that is not bound and has no transaction password: binding sets it. PayPasswordNotSet."""
    if row["pay_hash"] is None and row["person_id"] is None:
        raise refusals.PayPasswordNotSet


async def _replace_pay(tx: Tx, row: Row, pay_hash: str, *, device: str, at: datetime) -> None:
    _require_payer(row)
    account_id: str = row["account_id"]
    await store.set_pay_hash(tx, account_id, pay_hash)
    await store.forget_devices(tx, account_id, "pay")
    await know_device(tx, Guess(account_id, "pay", device), at=at)
    first = row["pay_hash"] is None
    await tell(tx, row, "identity.pay_password_set" if first else "identity.pay_password_reset", at=at)
