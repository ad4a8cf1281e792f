"""The counter: a clerk who has checked somebody's certificate proves their name, or helps them back (A2, A9).

A case comes first, with the reason; what is done in it lies beside it for good and is told to the person.
"""

import secrets
from datetime import datetime
from typing import Literal

from yibao.core import outbox
from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.vault import Vault
from yibao.face import Subject
from yibao.identity import refusals, rules, store
from yibao.identity.actions.accounts import held_account
from yibao.identity.actions.phones import leave_devices, move_phone
from yibao.identity.actions.real_names import keep_real_name, prove_real_name
from yibao.identity.actions.sms_codes import prove_phone, request_code, spend_code
from yibao.identity.actions.telling import tell, tell_of_phone
from yibao.identity.queries import counter_act, opened, reason_of
from yibao.identity.types import Act, Case


async def open_case(
    tx: Tx,
    vault: Vault,
    *,
    clerk: str,
    place: str,
    cert_type: str,
    cert_no: str,
    checked: bool,
    reason: str,
    at: datetime,
) -> str:
    """Record that a clerk has checked a certificate and why, and return the id of the case; it lasts half an hour.

    Refusals, first that applies: CertificateNotChecked, ReasonMissing, AccountOfCertificateMissing.
    """
    reason = _checked(checked, reason)
    index = rules.cert_index(vault, cert_type=cert_type, cert_no=rules.cert_no(cert_no))
    if not await store.accounts_of_certificate(tx, index):
        raise refusals.AccountOfCertificateMissing
    return await _add_case(tx, vault, clerk=clerk, place=place, index=index, reason=reason, at=at)


async def open_name_case(
    tx: Tx,
    vault: Vault,
    *,
    clerk: str,
    place: str,
    who: Subject,
    checked: bool,
    reason: str,
    case_id: str = "",
    at: datetime,
) -> str:
    """Record that a clerk has checked the certificate of somebody who is to have their real name, and why.

    Returns the id of the case: that of `case_id` where the clerk has already opened it for the same. Refusals, first
    that applies: CertificateNotChecked, ReasonMissing.
    """
    reason = _checked(checked, reason)
    index = rules.cert_index(vault, cert_type=who.cert_type, cert_no=who.cert_no)
    known = await store.case(tx, case_id, clerk=clerk, opened_after=at - rules.CASE_LASTS) if case_id else None
    if known is not None and known["cert_index"] == index and reason_of(vault, known) == reason:
        return case_id
    return await _add_case(tx, vault, clerk=clerk, place=place, index=index, reason=reason, at=at)


def _checked(checked: bool, reason: str) -> str:
    """Return the reason as it is kept. Refusals, first that applies: CertificateNotChecked, ReasonMissing."""
    if not checked:
        raise refusals.CertificateNotChecked
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= rules.REASON_LENGTH_MAX or not reason.isprintable():
        raise refusals.ReasonMissing
    return reason


async def _add_case(tx: Tx, vault: Vault, *, clerk: str, place: str, index: bytes, reason: str, at: datetime) -> str:
    case_id = secrets.token_hex(16)
    sealed = vault.seal(reason, table="identity.counter_case", column="sealed_reason", person=case_id)
    await store.add_case(tx, case_id=case_id, cert_index=index, clerk=clerk, place=place, reason=sealed, at=at)
    return case_id


async def case(tx: Tx | Pool, vault: Vault, *, case_id: str, clerk: str, at: datetime) -> Case:
    """Return a clerk's own case while it lasts. Refusals: CaseUnknown."""
    row = await _case(tx, case_id, clerk=clerk, at=at)
    accounts = await store.accounts_of_certificate(tx, row["cert_index"])
    return Case(
        case_id=case_id,
        reason=reason_of(vault, row),
        opened_at=row["opened_at"],
        accounts=[opened(vault, account) for account in accounts],
        acts=[counter_act(vault, act) for act in await store.acts_of_certificate(tx, row["cert_index"])],
    )


async def request_code_at_counter(
    tx: Tx,
    vault: Vault,
    *,
    case_id: str,
    clerk: str,
    phone: str,
    purpose: Literal["counter_phone", "counter_name"],
    device: str,
    at: datetime,
) -> None:
    """Send a code to a phone of whoever stands at the counter, to be read out to the clerk.

    The phone is the new one, or that of the account which is to have its real name.

    Refusals, first that applies: CaseUnknown, those of `request_code`.
    """
    await _case(tx, case_id, clerk=clerk, at=at)
    await request_code(tx, vault, phone=phone, purpose=purpose, device=device, at=at)


async def change_phone_at_counter(
    pool: Pool,
    vault: Vault,
    *,
    case_id: str,
    clerk: str,
    account_id: str,
    phone: str,
    code: str,
    device: str,
    at: datetime,
) -> None:
    """Give an account the phone whose code its owner reads out, and end all its sessions.

    Refusals, first that applies: PhoneMalformed, CodeExpired, CodeWrong, CaseUnknown, AlreadyRegistered.
    """
    phone = rules.phone(phone)
    proof = await prove_phone(pool, vault, phone=phone, purpose="counter_phone", code=code, device=device, at=at)
    async with transaction(pool) as tx:
        await spend_code(tx, proof, at=at)
        row = await _account_of_case(tx, case_id, clerk=clerk, account_id=account_id, at=at)
        await move_phone(tx, vault, row, phone=phone, at=at, by="counter")
        await leave_devices(tx, account_id)
        await _note(tx, row, case_id=case_id, act="phone_changed", at=at)


async def unbind_phone_at_counter(tx: Tx, *, case_id: str, clerk: str, account_id: str, at: datetime) -> None:
    """Take the phone from an account, whose owner has it no longer, and end all its sessions; again changes nothing.

    Refusals: CaseUnknown.
    """
    row = await _account_of_case(tx, case_id, clerk=clerk, account_id=account_id, at=at)
    if row["phone_index"] is None:
        return
    await store.set_phone(tx, account_id, phone_index=None, phone=None)
    await leave_devices(tx, account_id)
    await _note(tx, row, case_id=case_id, act="phone_unbound", at=at)
    await tell_of_phone(tx, row, "identity.phone_unbound", phone=None, at=at)


async def end_sessions_at_counter(tx: Tx, *, case_id: str, clerk: str, account_id: str, at: datetime) -> None:
    """End all sessions of an account. Refusals: CaseUnknown."""
    row = await _account_of_case(tx, case_id, clerk=clerk, account_id=account_id, at=at)
    await leave_devices(tx, account_id)
    await _note(tx, row, case_id=case_id, act="sessions_ended", at=at)
    await tell(tx, row, "identity.sessions_ended", at=at)


async def prove_real_name_at_counter(
    pool: Pool,
    vault: Vault,
    *,
    case_id: str,
    clerk: str,
    phone: str,
    code: str,
    who: Subject,
    former: Subject | None = None,
    person_id: str | None,
    device: str,
    at: datetime,
) -> None:
    """Give the account of the phone, whose code its owner reads out, the real name that the clerk has checked.

    `former` is the certificate that `who` has renewed: the account then takes the new one instead. `person_id` is whom
    the registry knows by the certificate; they are told.

    Refusals, first that applies: PhoneMalformed, CodeExpired, CodeWrong, CaseUnknown, AccountOfPhoneMissing,
    RealNameOfAnother, CertificateNotOfAccount.
    """
    phone = rules.phone(phone)
    proof = await prove_phone(pool, vault, phone=phone, purpose="counter_name", code=code, device=device, at=at)
    async with transaction(pool) as tx:
        await spend_code(tx, proof, at=at)
        found = await _case(tx, case_id, clerk=clerk, at=at)
        if found["cert_index"] != rules.cert_index(vault, cert_type=who.cert_type, cert_no=who.cert_no):
            raise refusals.CaseUnknown
        account = await store.account_of_phone(tx, proof.phone_index)
        if account is None:
            raise refusals.AccountOfPhoneMissing
        row = await held_account(tx, account["account_id"])
        if row["person_id"] is not None and person_id not in (None, row["person_id"]):
            raise refusals.RealNameOfAnother
        act = await _name(tx, vault, row, who, former, at=at)
        await _note(tx, row, case_id=case_id, act=act, at=at)
        told = row["person_id"] or person_id
        if told is not None:
            payload = {"place": found["place"], "act": act}
            await outbox.publish(tx, person_id=told, topic="identity.named_at_counter", payload=payload, at=at)


async def _name(tx: Tx, vault: Vault, row: Row, who: Subject, former: Subject | None, *, at: datetime) -> Act:
    """Give a held account its real name, or the certificate that has been renewed, and return which."""
    account_id: str = row["account_id"]
    account = opened(vault, row)
    if former is None or (account.cert_type, account.cert_no) == (who.cert_type, who.cert_no):
        await prove_real_name(
            tx, vault, account_id=account_id, name=who.name, cert_type=who.cert_type, cert_no=who.cert_no, at=at
        )
        return "real_name_proved"
    rules.require_own_certificate(account, former)
    if not rules.is_named(account, who.name):
        raise refusals.RealNameOfAnother
    await keep_real_name(
        tx, vault, account_id=account_id, name=who.name, cert_type=who.cert_type, cert_no=who.cert_no, at=at
    )
    return "certificate_changed"


async def _case(tx: Tx | Pool, case_id: str, *, clerk: str, at: datetime) -> Row:
    row = await store.case(tx, case_id, clerk=clerk, opened_after=at - rules.CASE_LASTS)
    if row is None:
        raise refusals.CaseUnknown
    return row


async def _account_of_case(tx: Tx, case_id: str, *, clerk: str, account_id: str, at: datetime) -> Row:
    """Return an account of the case, held. One of somebody else's, which no page offers, is refused like no case."""
    found = await _case(tx, case_id, clerk=clerk, at=at)
    accounts = await store.accounts_of_certificate(tx, found["cert_index"])
    if account_id not in {account["account_id"] for account in accounts}:
        raise refusals.CaseUnknown
    return await held_account(tx, account_id)


async def _note(tx: Tx, row: Row, *, case_id: str, act: Act, at: datetime) -> None:
    await store.add_act(tx, account_id=row["account_id"], act_id=secrets.token_hex(16), case_id=case_id, act=act, at=at)
