"""SMS codes: asked for, tried, and spent together with what they permit."""

import hmac
import secrets
from datetime import datetime, timedelta

from msgspec import Struct

from yibao.core import outbox
from yibao.core.database import Pool, Row, Tx
from yibao.core.vault import Vault
from yibao.identity import refusals, rules, store
from yibao.identity.types import CodeRequest, Purpose


async def request_code(tx: Tx, vault: Vault, *, phone: str, purpose: Purpose, device: str, at: datetime) -> None:
    """Make a code for a phone and ask for it to be sent; the caller sees no difference if there is no account.

    The code serves the device that asked for it. So whoever asks for codes for somebody else's phone has codes of their
    own to try, and leaves the owner's alone.

    Refusals, first that applies: PhoneMalformed, CodeTooSoon, CodeTooOften, CodeNeedsKnownDevice.
    """
    phone = rules.phone(phone)
    index, day_start = vault.index("phone", phone), rules.day_start(at)
    account = await store.account_of_phone(tx, index)
    await store.drop_codes(tx, phone_index=index, sent_before=at - timedelta(days=1))
    announced = rules.announced(purpose, registered=account is not None)
    code = f"{secrets.randbelow(10**6):06d}"
    digest = rules.code_digest(vault, phone=phone, purpose=purpose, code=code)
    last_sent_at = await store.renew_code(
        tx,
        phone_index=index,
        purpose=purpose,
        device=device,
        # What is not sent must not be found by guessing either: no code has random bytes for its digest.
        code_digest=digest if announced else secrets.token_bytes(len(digest)),
        at=at,
        last_before=at - rules.CODE_WAIT,
        day_start=day_start,
        a_day=rules.CODES_A_DAY,
    )
    if last_sent_at is not None:
        raise rules.not_yet(last_sent_at, at=at)
    subject = account["account_id"] if account else index.hex()
    if not await store.device_known(tx, subject, device) and not await store.brake_codes(
        tx, phone_index=index, purpose=purpose, at=at, day_start=day_start, a_day=rules.STRANGE_CODES_A_DAY
    ):
        raise refusals.CodeNeedsKnownDevice
    if announced:
        await outbox.publish(
            tx,
            person_id=subject,
            topic="identity.code_requested",
            payload=rules.sealed_code_request(vault, CodeRequest(phone, code, announced)),
            at=at,
        )


class Proof(Struct, frozen=True):
    """A code that was right, not yet spent."""

    phone_index: bytes
    purpose: Purpose
    device: str
    code_digest: bytes


async def prove_phone(
    pool: Pool, vault: Vault, *, phone: str, purpose: Purpose, code: str, device: str, at: datetime
) -> Proof:
    """Count a try of a device's code and return it if it is right.

    Refusals, first that applies: CodeExpired, CodeWrong.
    """
    proof = Proof(
        vault.index("phone", phone), purpose, device, rules.code_digest(vault, phone=phone, purpose=purpose, code=code)
    )
    tried = await store.count_code_try(
        pool,
        phone_index=proof.phone_index,
        purpose=purpose,
        device=device,
        sent_after=at - rules.CODE_LASTS,
        tries_max=rules.CODE_TRIES,
    )
    if tried is None:
        raise refusals.CodeExpired
    if not hmac.compare_digest(tried["code_digest"], proof.code_digest):
        left = rules.CODE_TRIES - tried["tries"]
        raise refusals.CodeWrong(left=left) if left else refusals.CodeExpired
    return proof


async def spend_code(tx: Tx, proof: Proof, *, at: datetime) -> None:
    """Use a code up together with what it permits; of two who come with it at once, one is refused CodeExpired."""
    spent = await store.spend_code(
        tx,
        phone_index=proof.phone_index,
        purpose=proof.purpose,
        device=proof.device,
        code_digest=proof.code_digest,
        at=at,
    )
    if not spent:
        raise refusals.CodeExpired


async def spend_for_account(tx: Tx, proof: Proof, *, at: datetime) -> Row:
    await spend_code(tx, proof, at=at)
    account = await store.account_of_phone(tx, proof.phone_index)
    if account is None:  # The phone has been given up since the code was sent.
        raise refusals.CodeExpired
    return account
