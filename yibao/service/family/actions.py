"""Adding family members three ways, showing their codes, and ending it again."""

import base64
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from yibao import credential, face, identity, registry
from yibao.core import outbox
from yibao.core.clock import day_of
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.credential import relatives
from yibao.credential.refusals import DeviceUnbound, NotBound
from yibao.paper import Paper
from yibao.service.family import refusals, rules, store
from yibao.service.family.states import CLOSED, require_move
from yibao.service.family.terms import Terms, terms_of
from yibao.service.family.types import (
    Application,
    Asker,
    EndedBy,
    Link,
    Method,
    Relation,
    Request,
    Who,
)

TRIES_MAX = 10  # a day
PICTURES_MAX = 3
INSURED = "1"  # psn_insu_stas
TOLD_AGAIN_AFTER = timedelta(hours=1)
# A visit that was opened at the last moment may still be settled: its activation outlives the link by that much.
_GRACE = timedelta(minutes=20)


# Naming somebody.


async def note_try(tx: Tx, *, account_id: str, at: datetime) -> None:
    """Count that an account names somebody or sends papers, in a transaction of its own, before anything is done.

    A later refusal must not undo the count.

    Refusals: TriedTooOften.
    """
    if await store.note_attempt(tx, account_id, day_of(at)) > TRIES_MAX:
        raise refusals.TriedTooOften(most=TRIES_MAX)


async def _found(tx: Tx, vault: Vault, asker: Asker, who: Who, *, promised: bool) -> tuple[registry.Person, str]:
    """Return whom a form names and where they are insured.

    Refusals, first that applies: PromiseMissing, MemberUnknown, MemberIsYourself.
    """
    if not promised:
        raise refusals.PromiseMissing
    person_id = await registry.find_by_certificate(tx, vault, who.cert_type, who.cert_no)
    person = await registry.person(tx, vault, person_id) if person_id else None
    if person is None or not credential.same_name(person.name, who.name):
        raise refusals.MemberUnknown
    if person.person_id == asker.person_id:
        raise refusals.MemberIsYourself
    places = [relation.place for relation in await registry.relations(tx, person.person_id)]
    return person, places[0] if places else ""


async def _require_room(tx: Tx, terms: Terms, *, account_id: str, person_id: str, child: bool, at: datetime) -> None:
    """Refusals, first that applies: AlreadyMember, FamilyFull."""
    await store.hold(tx, account_id)
    there = [link for link in await store.links_of_account(tx, account_id) if link.lives(at)]
    if any(link.person_id == person_id for link in there):
        raise refusals.AlreadyMember
    children = sum(link.method == "guardian" for link in there)
    if len(there) >= terms.members_max:
        raise refusals.FamilyFull(most=terms.members_max)
    if child and children >= terms.children_max:
        raise refusals.FamilyFull(most=terms.children_max)


async def ask(
    tx: Tx, vault: Vault, *, asker: Asker, who: Who, relation: str, method: str, promised: bool, at: datetime
) -> Request:
    """Ask an adult to let this account show their code, by agreement on their phone or by their face on this one.

    Asking again while the first request is open returns that one.

    Refusals, first that applies: PromiseMissing, MemberUnknown, MemberIsYourself, RelationNotOffered,
    ChildNeedsProof, AlreadyMember, FamilyFull.
    """
    person, place = await _found(tx, vault, asker, who, promised=promised)
    terms = terms_of(place)
    chosen: Relation | None = next((one for one in terms.relations if one == relation), None)
    if chosen is None:
        raise refusals.RelationNotOffered
    if at < rules.handover_at(person.birth_on, terms.handover_age):
        raise refusals.ChildNeedsProof(age=terms.handover_age)
    await _require_room(tx, terms, account_id=asker.account_id, person_id=person.person_id, child=False, at=at)
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
        await outbox.publish(tx, person_id=person.person_id, topic="family.asked", payload={"relation": chosen}, at=at)
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
        await outbox.publish(
            tx,
            person_id=request.relative,
            topic="family.declined",
            payload={"relation": request.relation},
            at=at,
        )
        return
    await _join(tx, request, method="agreement", until_at=None, at=at)


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
    minutes = terms_of(await _place_of(tx, request.person_id)).brief_minutes
    until_at = at + timedelta(minutes=minutes) if brief else None
    return await _join(tx, request, method="face", until_at=until_at, at=at)


async def _place_of(tx: Tx, person_id: str) -> str:
    return next((relation.place for relation in await registry.relations(tx, person_id)), "")


async def _join(tx: Tx, of: Request | Application, *, method: Method, until_at: datetime | None, at: datetime) -> Link:
    """Make the link that was asked for, and tell both.

    Refusals, first that applies: AlreadyMember, FamilyFull, credential.not_insured, credential.not_synced.
    """
    terms = terms_of(await _place_of(tx, of.person_id))
    await _require_room(
        tx,
        terms,
        account_id=of.account_id,
        person_id=of.person_id,
        child=method == "guardian",
        at=at,
    )
    for earlier in await store.links_of_member(tx, of.person_id):
        if earlier.account_id == of.account_id:
            await _end(tx, earlier, by="time", at=at)  # It is over, only nobody has noticed yet.
    link = Link(
        person_id=of.person_id,
        link_id=secrets.token_hex(16),
        account_id=of.account_id,
        relative=of.relative,
        relation="child" if isinstance(of, Application) else of.relation,
        method=method,
        since_at=at,
        until_at=until_at,
        shown_at=None,
        ended_at=None,
        ended_by=None,
    )
    await relatives.entrust(tx, person_id=link.person_id, at=at)
    for other in await store.links_of_member(tx, of.person_id):
        if other.method == "guardian" and other.lives(at):
            await outbox.publish(tx, person_id=other.relative, topic="family.guardian_joined", payload={}, at=at)
    await store.add_link(tx, link)
    await _tell_both(tx, link, "family.joined", "family.added", at=at)
    if until_at is not None:
        steps = [("now", until_at + _GRACE)]
        if method == "guardian":
            steps.append(("near", max(at, until_at - timedelta(days=terms.handover_notice_days))))
        for step, due_at in steps:
            await outbox.publish(
                tx,
                person_id=link.person_id,
                topic="family.link_due",
                payload={"link_id": link.link_id, "step": step},
                at=at,
                due_at=due_at,
            )
    return link


async def _tell_both(tx: Tx, link: Link, to_member: str, to_relative: str, *, at: datetime) -> None:
    payload = {"relation": link.relation}
    await outbox.publish(tx, person_id=link.person_id, topic=to_member, payload=payload, at=at)
    await outbox.publish(tx, person_id=link.relative, topic=to_relative, payload=payload, at=at)


# Showing, and ending.


async def show(
    tx: Tx,
    vault: Vault,
    codes: credential.Codes,
    *,
    account_id: str,
    link_id: str,
    device: str,
    channel: str,
    at: datetime,
) -> tuple[Link, credential.ShownCode]:
    """Return a fresh code of a member, for this browser of the relative's account; the member is told.

    Refusals, first that applies: MemberMissing, HandedOver, SingleUseOver, LinkEnded, credential.not_activated.
    """
    link = await _link_of_account(tx, account_id=account_id, link_id=link_id)
    if link.ended_at is not None:
        raise refusals.LinkEnded
    if not link.lives(at):
        if link.method == "guardian":
            raise refusals.HandedOver(age=terms_of(await _place_of(tx, link.person_id)).handover_age)
        raise refusals.SingleUseOver(minutes=terms_of(await _place_of(tx, link.person_id)).brief_minutes)
    browser = relatives.browser_of(device, channel=channel, account_id=account_id)
    try:
        await relatives.lend(
            tx,
            person_id=link.person_id,
            account_id=account_id,
            browser=browser,
            channel=channel,
            since=link.since_at,
            at=at,
        )
    except (NotBound, DeviceUnbound):
        raise refusals.LinkEnded from None
    shown = await credential.show_code(tx, codes, person_id=link.person_id, browser=browser, at=at)
    if link.shown_at is None or at >= link.shown_at + TOLD_AGAIN_AFTER:
        await store.mark_shown(tx, link, at=at)
        await note_relatives_look(tx, vault, link, purpose="在手机上出示医保码", at=at)
        await outbox.publish(
            tx, person_id=link.person_id, topic="family.code_shown", payload={"relation": link.relation}, at=at
        )
    return link, shown


async def note_relatives_look(tx: Tx, vault: Vault, link: Link, *, purpose: str, at: datetime) -> None:
    """Record for the member that a relative looked at what is theirs."""
    account = await identity.account(tx, vault, link.account_id)
    await registry.note_look(
        tx,
        person_id=link.person_id,
        looker=link.account_id,
        looker_name=f"{rules.BACKWARDS[link.relation]} {registry.masked_name(account.name or '')}".strip(),
        purpose=purpose,
        at=at,
    )


async def _link_of_account(tx: Tx, *, account_id: str, link_id: str) -> Link:
    """Refusals: MemberMissing."""
    person_id = await store.located(tx, link_id, "link", account_id=account_id)
    link = await store.link(tx, person_id, link_id) if person_id else None
    if link is None:
        raise refusals.MemberMissing
    return link


async def remove(tx: Tx, *, account_id: str, person_id: str | None, link_id: str, at: datetime) -> None:
    """End a link, by either side or a guardian of the child, at once: every code of it is refused from now on.

    Again changes nothing. Refusals: MemberMissing.
    """
    member = await store.located(tx, link_id, "link")
    link = await store.link(tx, member, link_id) if member else None
    by = await _side(tx, link, account_id=account_id, person_id=person_id, at=at) if link else None
    if link is None or by is None:
        raise refusals.MemberMissing
    if link.ended_at is None:
        await _end(tx, link, by=by, at=at)
        await _tell_both(tx, link, "family.removed", "family.removed", at=at)


async def _side(tx: Tx, link: Link, *, account_id: str, person_id: str | None, at: datetime) -> EndedBy | None:
    """Return on which side of a link somebody stands; None for a stranger."""
    if link.person_id == person_id:
        return "member"
    if link.account_id == account_id:
        return "relative"
    theirs = [one for one in await store.links_of_member(tx, link.person_id) if one.account_id == account_id]
    return "guardian" if any(one.method == "guardian" and one.lives(at) for one in theirs) else None


async def _end(tx: Tx, link: Link, *, by: EndedBy, at: datetime) -> None:
    await store.end_link(tx, link, by=by, at=at)
    await relatives.withdraw(tx, person_id=link.person_id, account_id=link.account_id, at=at)


async def end_all(tx: Tx, *, account_id: str = "", person_id: str = "", by: EndedBy, at: datetime) -> None:
    """End every link of an account that is closed, or of a person whose credential is unbound, and tell both sides."""
    links = await store.links_of_account(tx, account_id) if account_id else []
    links += await store.links_of_member(tx, person_id) if person_id else []
    for link in links:
        await _end(tx, link, by=by, at=at)
        await _tell_both(tx, link, "family.removed", "family.removed", at=at)
    for application in await store.applications_of_account(tx, account_id, most=None) if account_id else []:
        await store.drop_proofs(tx, application)
        if application.state not in CLOSED:
            await store.move_application(tx, application, "withdrawn", decided_at=at)


async def come_due(tx: Tx, *, person_id: str, link_id: str, step: str, at: datetime) -> None:
    """Tell both that a child's code will soon be its own, or end a link whose time is over; nothing if it ended."""
    link = await store.link(tx, person_id, link_id)
    if link is None or link.ended_at is not None or link.until_at is None:
        return
    if step == "near":
        days = (day_of(link.until_at) - day_of(at)).days
        for told in (link.person_id, link.relative):
            await outbox.publish(
                tx, person_id=told, topic="family.handover_near", payload={"days": max(days, 0)}, at=at
            )
    elif not link.lives(at):
        await _end(tx, link, by="time", at=at)
        if link.method == "guardian":
            await _tell_both(tx, link, "family.handed_over", "family.handed_over", at=at)


# Children.


async def apply(
    tx: Tx, vault: Vault, *, asker: Asker, who: Who, promised: bool, pictures: Sequence[bytes], at: datetime
) -> Application:
    """Apply for a child's code with pictures that `paper.tidy` made; the worker reads them.

    Applying again while an application is open sends these pictures to that one.

    Refusals, first that applies: PromiseMissing, MemberUnknown, MemberIsYourself, NotAChild, PapersMissing,
    AlreadyMember, FamilyFull, those of `send_papers`.
    """
    person, place = await _found(tx, vault, asker, who, promised=promised)
    terms = terms_of(place)
    if at >= rules.handover_at(person.birth_on, terms.handover_age):
        raise refusals.NotAChild(age=terms.handover_age)
    if not 1 <= len(pictures) <= PICTURES_MAX:
        raise refusals.PapersMissing(most=PICTURES_MAX)
    await _require_room(tx, terms, account_id=asker.account_id, person_id=person.person_id, child=True, at=at)
    there = await store.open_application(tx, person_id=person.person_id, account_id=asker.account_id)
    if there is not None:
        return await send_papers(
            tx,
            vault,
            account_id=asker.account_id,
            application_id=there.application_id,
            pictures=pictures,
            at=at,
        )
    application = Application(
        person_id=person.person_id,
        application_id=secrets.token_hex(16),
        account_id=asker.account_id,
        relative=asker.person_id,
        place=place,
        state="reading",
        round=1,
        papers=(),
        findings=(),
        applied_at=at,
        due_on=None,
        decided_at=None,
        decided_by=None,
        reason=None,
    )
    await store.add_application(tx, application)
    await _take_pictures(tx, vault, application, pictures, round=1, at=at)
    return application


async def send_papers(
    tx: Tx, vault: Vault, *, account_id: str, application_id: str, pictures: Sequence[bytes], at: datetime
) -> Application:
    """Send other pictures for an application whose first ones differed.

    Refusals, first that applies: ApplicationUnknown, PapersMissing, ApplicationClosed.
    """
    application = await application_of_account(tx, account_id=account_id, application_id=application_id)
    if not 1 <= len(pictures) <= PICTURES_MAX:
        raise refusals.PapersMissing(most=PICTURES_MAX)
    require_move(application.state, "reading")
    round = application.round + 1
    await store.move_application(tx, application, "reading", round=round, papers=(), findings=())
    await _take_pictures(tx, vault, application, pictures, round=round, at=at)
    return application


async def _take_pictures(
    tx: Tx, vault: Vault, application: Application, pictures: Sequence[bytes], *, round: int, at: datetime
) -> None:
    sealed = [
        vault.seal(
            base64.b64encode(picture).decode(), table="family.proof", column="picture", person=application.person_id
        )
        for picture in pictures
    ]
    await store.put_proofs(tx, application, sealed)
    await outbox.publish(
        tx,
        person_id=application.person_id,
        topic="family.papers_sent",
        payload={"application_id": application.application_id, "round": round},
        at=at,
    )
    await outbox.publish(
        tx,
        person_id=application.person_id,
        topic="family.papers_due",
        payload={"application_id": application.application_id, "round": round},
        at=at,
        due_at=_papers_until(application, at) + _GRACE,
    )


def _papers_until(application: Application, sent_at: datetime) -> datetime:
    return sent_at + timedelta(days=terms_of(application.place).papers_days)


async def papers_due(
    tx: Tx, *, person_id: str, application_id: str, round: int, sent_at: datetime, at: datetime
) -> None:
    """Delete pictures that have been here long enough, and close an application that nobody put right meanwhile.

    What waits for the agency keeps them until it is decided. Nothing happens if other papers were sent since.
    """
    application = await store.application(tx, person_id, application_id)
    if application is None or application.round != round or at < _papers_until(application, sent_at):
        return
    if application.state == "differs":
        await store.move_application(tx, application, "withdrawn", decided_at=at)
        await _tell_applicant(tx, application, "family.application_expired", at=at)
    if application.state in ("differs", "accepted"):
        await store.drop_proofs(tx, application)


async def application_of_account(tx: Tx, *, account_id: str, application_id: str) -> Application:
    """Return an application of this account, held. Refusals: ApplicationUnknown."""
    person_id = await store.located(tx, application_id, "application", account_id=account_id)
    application = await store.application(tx, person_id, application_id) if person_id else None
    if application is None:
        raise refusals.ApplicationUnknown
    return application


async def judge(
    tx: Tx,
    vault: Vault,
    *,
    person_id: str,
    application_id: str,
    round: int,
    papers: Sequence[Paper | None],
    at: datetime,
) -> None:
    """Compare what was read with what is registered: where all agrees, the child's code is there at once.

    Whoever knows a family can draw its papers. So they are enough only for the first to show the child's code, and
    only where the child is insured; everybody else waits for the agency, which also looks at the former afterwards.
    Nothing happens if the application has moved on meanwhile. Refusals: FamilyFull, those of the credential.
    """
    application = await store.application(tx, person_id, application_id)
    if application is None or application.state != "reading" or application.round != round:
        return
    child, guardian = await _registered(tx, vault, person_id), await _registered(tx, vault, application.relative)
    found = rules.findings(papers, child=child, guardian=guardian)
    kinds = sorted({one.kind for one in papers if one is not None})
    if found:
        topic = require_move("reading", "differs")
        await store.move_application(tx, application, "differs", papers=kinds, findings=found)
        await _tell_applicant(tx, application, topic, at=at)
        return
    doubts = await _doubts(tx, application, at=at)
    if doubts:
        await _begin_review(tx, application, papers=kinds, findings=doubts, at=at)
        return
    await _accept(tx, application, birth_on=child.birth_on, papers=kinds, by=None, at=at)


async def _doubts(tx: Tx, application: Application, *, at: datetime) -> list[str]:
    """Return why papers that agree are not enough; until the end of the transaction no other guardian is added."""
    await store.hold(tx, application.person_id)
    found = []
    links = await store.links_of_member(tx, application.person_id)
    if any(link.account_id != application.account_id and link.lives(at) for link in links):
        found.append("guarded")
    child, guardian = [
        {one.place for one in await registry.relations(tx, person_id) if one.state == INSURED}
        for person_id in (application.person_id, application.relative)
    ]
    if not child & guardian:
        found.append("elsewhere")
    return found


async def hold_back(tx: Tx, *, person_id: str, application_id: str, round: int, at: datetime) -> None:
    """Say of papers that agreed that the child cannot be added yet, because something else stands in the way."""
    application = await store.application(tx, person_id, application_id)
    if application is None or application.state != "reading" or application.round != round:
        return
    topic = require_move("reading", "differs")
    await store.move_application(tx, application, "differs", findings=("blocked",))
    await _tell_applicant(tx, application, topic, at=at)


async def _registered(tx: Tx, vault: Vault, person_id: str) -> rules.Registered:
    person = await registry.person(tx, vault, person_id)
    return rules.Registered(person.name, person.cert_type, person.cert_no, person.gender, person.birth_on)


async def _tell_applicant(tx: Tx, application: Application, topic: str, *, at: datetime) -> None:
    if topic:
        payload = {"application_id": application.application_id}
        await outbox.publish(tx, person_id=application.relative, topic=topic, payload=payload, at=at)


async def _accept(
    tx: Tx,
    application: Application,
    *,
    birth_on: date,
    papers: Sequence[str] | None,
    by: str | None,
    at: datetime,
) -> None:
    topic = require_move(application.state, "accepted")
    await store.move_application(
        tx, application, "accepted", papers=papers, findings=() if by is None else None, decided_at=at, decided_by=by
    )
    if by is not None:  # Else they are there for whoever looks afterwards.
        await store.drop_proofs(tx, application)
    terms = terms_of(application.place)
    await _join(
        tx,
        application,
        method="guardian",
        until_at=rules.handover_at(birth_on, terms.handover_age),
        at=at,
    )
    await _tell_applicant(tx, application, topic, at=at)


async def ask_review(tx: Tx, *, account_id: str, application_id: str, at: datetime) -> None:
    """Let the agency of the child's place look at papers that differ, within the deadline; again changes nothing.

    Refusals, first that applies: ApplicationUnknown, ApplicationClosed.
    """
    application = await application_of_account(tx, account_id=account_id, application_id=application_id)
    if application.state == "review":
        return
    await _begin_review(tx, application, at=at)


async def _begin_review(
    tx: Tx,
    application: Application,
    *,
    papers: Sequence[str] | None = None,
    findings: Sequence[str] | None = None,
    at: datetime,
) -> None:
    topic = require_move(application.state, "review")
    due_on = rules.working_day_after(day_of(at), terms_of(application.place).review_working_days)
    await store.move_application(tx, application, "review", papers=papers, findings=findings, due_on=due_on)
    await _tell_applicant(tx, application, topic, at=at)


async def withdraw_application(tx: Tx, *, account_id: str, application_id: str, at: datetime) -> None:
    """Withdraw an application that is not decided; its pictures are gone. Again changes nothing.

    Refusals, first that applies: ApplicationUnknown, ApplicationClosed.
    """
    application = await application_of_account(tx, account_id=account_id, application_id=application_id)
    if application.state == "withdrawn":
        return
    require_move(application.state, "withdrawn")
    await store.move_application(tx, application, "withdrawn", decided_at=at)
    await store.drop_proofs(tx, application)


async def decide(
    tx: Tx, vault: Vault, *, place: str, application_id: str, staff: str, accepted: bool, reason: str, at: datetime
) -> None:
    """Decide what the machine could not, or look after what it did; the same decision again changes nothing.

    Not to let stand what papers alone decided ends the guardian's link at once.

    Refusals, first that applies: ApplicationUnknown, ApplicationClosed, ReasonMissing, those of `_join`.
    """
    application = await application_for_staff(tx, place=place, application_id=application_id)
    if application.decided_by is not None:
        if application.state == ("accepted" if accepted else "refused"):
            return
        raise refusals.ApplicationClosed
    if accepted and application.state == "accepted":
        await store.move_application(tx, application, "accepted", decided_at=at, decided_by=staff)
        await store.drop_proofs(tx, application)
        return
    if accepted:
        child = await registry.person(tx, vault, application.person_id)
        await _accept(tx, application, birth_on=child.birth_on, papers=None, by=staff, at=at)
        return
    reason = reason.strip()[:500]
    if not reason:
        raise refusals.ReasonMissing
    topic = require_move(application.state, "refused")
    await store.move_application(
        tx,
        application,
        "refused",
        decided_at=at,
        decided_by=staff,
        reason=vault.seal(reason, table="family.application", column="reason", person=application.person_id),
    )
    await store.drop_proofs(tx, application)
    for link in await store.links_of_member(tx, application.person_id):
        if link.account_id == application.account_id and link.method == "guardian":
            await _end(tx, link, by="agency", at=at)
            await _tell_both(tx, link, "family.removed", "family.removed", at=at)
    await _tell_applicant(tx, application, topic, at=at)


async def application_for_staff(tx: Tx, *, place: str, application_id: str) -> Application:
    """Return an application at the place of this agency, held. Refusals: ApplicationUnknown."""
    person_id = await store.located(tx, application_id, "application")
    application = await store.application(tx, person_id, application_id) if person_id else None
    if application is None or application.place != place:
        raise refusals.ApplicationUnknown
    return application
