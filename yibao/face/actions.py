"""Beginning a check, and spending its proof."""

import secrets
from datetime import datetime, timedelta

import msgspec

from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.face import refusals, store
from yibao.face.types import Purpose, Subject

CHECK_LASTS = timedelta(minutes=30)  # From its beginning; whoever is slower begins again where the proof is wanted.
PROOF_LASTS = timedelta(minutes=10)


async def begin(
    tx: Tx, vault: Vault, *, purpose: Purpose, subject: Subject, device: str, back: str, at: datetime
) -> str:
    """Begin a check of `subject` on this device and return its id; `back` is the path that wants the proof."""
    check_id = secrets.token_hex(16)
    sealed = vault.seal(msgspec.json.encode(subject).decode(), table="face.check", column="subject", person=check_id)
    await store.add_check(tx, check_id=check_id, purpose=purpose, subject=sealed, device=device, back=back, at=at)
    return check_id


async def spend(tx: Tx, vault: Vault, *, check_id: str, purpose: Purpose, device: str, at: datetime) -> Subject:
    """Use a proof up and return whose face it was.

    Refusals, first that applies: FaceMissing, FaceNotPassed, FaceExpired.
    """
    row = await store.hold_check(tx, check_id)
    if row is None or row["device"] != device or row["purpose"] != purpose:
        raise refusals.FaceMissing
    if row["passed_at"] is None:
        raise refusals.FaceNotPassed
    if row["spent_at"] is not None or at >= row["passed_at"] + PROOF_LASTS:
        raise refusals.FaceExpired
    await store.mark_spent(tx, check_id, at=at)
    return opened_subject(vault, check_id, row["subject"])


async def typed_for(
    tx: Tx | Pool, vault: Vault, *, check_id: str, purpose: Purpose, device: str, at: datetime
) -> dict[str, str]:
    """Return what this device gave to begin a check, by the names of a form's fields, so that it can be corrected.

    Empty where it began no such check, where that has passed, and where its time is over. Only for purposes whose
    subject is typed where the proof is wanted: what a room looked up about somebody is not to be shown by it.
    """
    row = await store.check(tx, check_id) if check_id else None
    if row is None or row["device"] != device or row["purpose"] != purpose:
        return {}
    if row["passed_at"] is not None or at >= row["started_at"] + CHECK_LASTS:
        return {}
    told: dict[str, str] = msgspec.structs.asdict(opened_subject(vault, check_id, row["subject"]))
    return told


def opened_subject(vault: Vault, check_id: str, sealed: bytes) -> Subject:
    """Return whom a check is about. Refusals: core.SealBroken."""
    text = vault.open(sealed, table="face.check", column="subject", person=check_id)
    return msgspec.json.decode(text, type=Subject)
