"""Proving by a bank, or by the face, who the owner of an account is."""

import secrets
from datetime import datetime

from yibao.core.database import Pool, Tx, transaction
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.actions.accounts import held_account
from yibao.identity.queries import opened
from yibao.identity.types import Elements
from yibao.identity.unionpay import Agreed, RealNameByBank, Verdict


async def verify_real_name(
    pool: Pool, vault: Vault, *, bank: RealNameByBank, account_id: str, elements: Elements, at: datetime
) -> None:
    """Prove the account's real name by four elements that its owner's bank compares; the bank is asked in between two
    transactions.

    Refusals, first that applies: NumberMistyped, AccountUnknown, RealNameOfAnother, RealNameTooOften, NameDiffers,
    CertificateDiffers, CardDiffers, BankPhoneDiffers, ElementsDiffer, BankCardUnsupported, BankUnknown;
    BankNotConnected from `NoBank`.
    """
    given = rules.tidy(elements)
    rules.require_number(given.cert_type, given.cert_no)
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
    account = opened(vault, await held_account(tx, account_id))
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
    """Store who an account's owner is proved to be, by a bank, by the face, or by a clerk; again renews the proof.

    Refusals, first that applies: AccountUnknown, RealNameOfAnother.
    """
    cert_no = rules.cert_no(cert_no)
    rules.require_same_person(opened(vault, await held_account(tx, account_id)), cert_type=cert_type, cert_no=cert_no)
    await keep_real_name(tx, vault, account_id=account_id, name=name, cert_type=cert_type, cert_no=cert_no, at=at)


async def keep_real_name(
    tx: Tx, vault: Vault, *, account_id: str, name: str, cert_type: str, cert_no: str, at: datetime
) -> None:
    """Store a real name, whatever stood there; whoever calls it has made sure that it is the same person's."""
    await store.set_real_name(
        tx,
        account_id,
        name=vault.seal(name.strip(), table="identity.account", column="name", person=account_id),
        cert_type=cert_type,
        cert_no=vault.seal(cert_no, table="identity.account", column="cert_no", person=account_id),
        cert_index=rules.cert_index(vault, cert_type=cert_type, cert_no=cert_no),
        at=at,
    )
