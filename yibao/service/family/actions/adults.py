"""Adding an adult: by agreement on their own phone, or by their face on the relative's."""

import secrets
from datetime import datetime, timedelta

from yibao import face, registry
from yibao.core import outbox
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.service.family import refusals, rules, store
from yibao.service.family.actions.joining import join
from yibao.service.family.actions.naming import named, offered, require_room, terms_of_member
from yibao.service.family.terms import terms_of
from yibao.service.family.types import Asker, Link, Request, Who


async def ask(
    tx: Tx, vault: Vault, *, asker: Asker, who: Who, relation: str, method: str, promised: bool, at: datetime
) -> Request:
    """Ask an adult to let this account show their code, by agreement on their phone or by their face on this one.

    Asking again while the first request is open returns that one.

    Refusals, first that applies: PromiseMissing, MemberUnknown, MemberIsYourself, RelationNotOffered,
    ChildNeedsProof, AlreadyMember, FamilyFull.
    """
    if not promised:
        raise refusals.PromiseMissing
    person, place = await named(tx, vault, asker, who)
    terms = terms_of(place)
    chosen = offered(terms, relation)
    if at < rules.handover_at(person.birth_on, terms.handover_age):
        raise refusals.ChildNeedsProof(age=terms.handover_age)
    await require_room(tx, terms, account_id=asker.account_id, person_id=person.person_id, child=False, at=at)
    for earlier in await store.open_requests_of_member(tx, person.person_id, at=at):
        if method == "agreement" and earlier.account_id == asker.account_id and earlier.relation == chosen:
            return earlier
    await store.close_open_requests(
        tx, person_id=person.person_id, account_id=asker.account_id, state="withdrawn", at=at
    )
    request = Request(
        person_id=person.person_id,
        request_id=secrets.token_hex(16),
        account_id=asker.account_id,
        relative=asker.person_id,
        relation=chosen,
        method="face" if method == "face" else "agreement",
        state="asked",
        asked_at=at,
        expires_at=at + (timedelta(minutes=30) if method == "face" else timedelta(days=terms.request_days)),
        decided_at=None,
    )
    await store.add_request(tx, request)
    if request.method == "agreement":
        words = rules.relation_words(request)
        await outbox.publish(tx, person_id=person.person_id, topic="family.asked", payload=words, at=at)
    return request


async def answer(tx: Tx, *, person_id: str, request_id: str, allowed: bool, at: datetime) -> None:
    """Allow or decline on the member's own phone; the same answer again changes nothing.

    Refusals, first that applies: RequestUnknown, RequestClosed, AlreadyMember, FamilyFull, credential.not_insured,
    credential.not_synced.
    """
    request = await store.request(tx, person_id, request_id)
    if request is None or request.method != "agreement":
        raise refusals.RequestUnknown
    if request.state == ("allowed" if allowed else "declined"):
        return
    if request.state != "asked" or at >= request.expires_at:
        raise refusals.RequestClosed
    await store.close_request(tx, request, "allowed" if allowed else "declined", at=at)
    if not allowed:
        await outbox.publish(tx, person_id=request.relative, topic="family.declined", payload={}, at=at)
        return
    await join(tx, request.pair, method="agreement", at=at)


async def withdraw_request(tx: Tx, *, account_id: str, request_id: str, at: datetime) -> None:
    """Take a request back; one that is answered already stays answered. Refusals: RequestUnknown."""
    request = await request_of_account(tx, account_id=account_id, request_id=request_id)
    if request.state == "asked":
        await store.close_request(tx, request, "withdrawn", at=at)


async def request_of_account(tx: Tx, *, account_id: str, request_id: str) -> Request:
    """Return a request that this account made. Refusals: RequestUnknown."""
    person_id = await store.located(tx, request_id, "request", account_id=account_id)
    request = await store.request(tx, person_id, request_id) if person_id else None
    if request is None:
        raise refusals.RequestUnknown
    return request


async def begin_face(tx: Tx, vault: Vault, request: Request, *, device: str, back: str, at: datetime) -> str:
    """Begin the check of the elder's own face on this phone and return its id."""
    person = await registry.person(tx, vault, request.person_id)
    return await face.begin(
        tx,
        vault,
        purpose="elder",
        subject=face.Subject(person.name, person.cert_type, person.cert_no),
        device=device,
        back=back,
        at=at,
    )


async def finish_by_face(
    tx: Tx,
    vault: Vault,
    *,
    account_id: str,
    request_id: str,
    check_id: str,
    device: str,
    brief: bool,
    at: datetime,
) -> Link:
    """Spend the elder's proof: from now on their code can be shown on this account's phones, or for a short while.

    Refusals, first that applies: RequestUnknown, RequestClosed, face.face_missing, face.face_not_passed,
    face.face_expired, NotTheElder, AlreadyMember, FamilyFull, credential.not_insured, credential.not_synced.
    """
    request = await request_of_account(tx, account_id=account_id, request_id=request_id)
    if request.state != "asked" or request.method != "face" or at >= request.expires_at:
        raise refusals.RequestClosed
    subject = await face.spend(tx, vault, check_id=check_id, purpose="elder", device=device, at=at)
    if await registry.find_by_certificate(tx, vault, subject.cert_type, subject.cert_no) != request.person_id:
        raise refusals.NotTheElder
    await store.close_request(tx, request, "allowed", at=at)
    minutes = (await terms_of_member(tx, request.person_id)).brief_minutes
    until_at = at + timedelta(minutes=minutes) if brief else None
    return await join(tx, request.pair, method="face", until_at=until_at, at=at)
