"""The counter: a clerk who has checked somebody's certificate helps them back to their account (A9).

A case comes first, with the reason; what is done in it lies beside it for good and is told to the person.
"""

import secrets
from datetime import datetime

from yibao.core.database import Pool, Row, Tx, transaction
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.actions.accounts import held_account
from yibao.identity.actions.forgotten import tell
from yibao.identity.actions.phones import leave_devices, move_phone
from yibao.identity.actions.sms_codes import prove_phone, request_code, spend_code
from yibao.identity.queries import opened
from yibao.identity.types import Act, Case, CounterAct


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
    if not checked:
        raise refusals.CertificateNotChecked
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= rules.REASON_LENGTH_MAX or not reason.isprintable():
        raise refusals.ReasonMissing
    index = rules.cert_index(vault, cert_type=cert_type, cert_no=rules.cert_no(cert_no))
    if not await store.accounts_of_certificate(tx, index):
        raise refusals.AccountOfCertificateMissing
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
        reason=_reason(vault, row),
        opened_at=row["opened_at"],
        accounts=[opened(vault, account) for account in accounts],
        acts=[
            CounterAct(
                account_id=act["account_id"],
                act=act["act"],
                at=act["at"],
                clerk=act["clerk"],
                place=act["place"],
                reason=_reason(vault, act),
            )
            for act in await store.acts_of_certificate(tx, row["cert_index"])
        ],
    )


def _reason(vault: Vault, row: Row) -> str:
    """Return why a case was opened; those that were opened before reasons were sealed have it as it was."""
    if row["sealed_reason"] is None:
        return str(row["reason"])
    return vault.open(
        row["sealed_reason"], table="identity.counter_case", column="sealed_reason", person=row["case_id"]
    )


async def request_code_at_counter(
    tx: Tx, vault: Vault, *, case_id: str, clerk: str, phone: str, device: str, at: datetime
) -> None:
    """Send a code to the new phone of whoever stands at the counter, to be read out to the clerk.

    Refusals, first that applies: CaseUnknown, those of `request_code`.
    """
    await _case(tx, case_id, clerk=clerk, at=at)
    await request_code(tx, vault, phone=phone, purpose="change_phone_new", device=device, at=at)


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
    proof = await prove_phone(pool, vault, phone=phone, purpose="change_phone_new", code=code, device=device, at=at)
    async with transaction(pool) as tx:
        await spend_code(tx, proof, at=at)
        row = await _account_of_case(tx, case_id, clerk=clerk, account_id=account_id, at=at)
        await move_phone(tx, vault, row, phone=phone, at=at)
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
    await tell(tx, row, "identity.phone_unbound", at=at)


async def end_sessions_at_counter(tx: Tx, *, case_id: str, clerk: str, account_id: str, at: datetime) -> None:
    """End all sessions of an account. Refusals: CaseUnknown."""
    row = await _account_of_case(tx, case_id, clerk=clerk, account_id=account_id, at=at)
    await leave_devices(tx, account_id)
    await _note(tx, row, case_id=case_id, act="sessions_ended", at=at)
    await tell(tx, row, "identity.sessions_ended", at=at)


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
