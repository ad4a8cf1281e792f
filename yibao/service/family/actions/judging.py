"""Whether papers prove a child: what the machine decides, and what the agency of the child's place."""

from collections.abc import Sequence
from datetime import date, datetime

from yibao import registry
from yibao.core import outbox
from yibao.core.clock import day_of, working_day_after
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.paper import Paper
from yibao.service.family import refusals, rules, store
from yibao.service.family.actions.ending import end_and_tell
from yibao.service.family.actions.joining import join
from yibao.service.family.states import require_move
from yibao.service.family.terms import terms_of
from yibao.service.family.types import Application

INSURED = "1"  # psn_insu_stas


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
        await tell_applicant(tx, application, topic, at=at)
        return
    doubts = await _doubts(tx, application, at=at)
    if doubts:
        await begin_review(tx, application, papers=kinds, findings=doubts, at=at)
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
    await tell_applicant(tx, application, topic, at=at)


async def _registered(tx: Tx, vault: Vault, person_id: str) -> rules.Registered:
    person = await registry.person(tx, vault, person_id)
    return rules.Registered(person.name, person.cert_type, person.cert_no, person.gender, person.birth_on)


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
    await join(
        tx,
        application.pair,
        method="guardian",
        until_at=rules.handover_at(birth_on, terms.handover_age),
        at=at,
    )
    await tell_applicant(tx, application, topic, at=at)


async def begin_review(
    tx: Tx,
    application: Application,
    *,
    papers: Sequence[str] | None = None,
    findings: Sequence[str] | None = None,
    at: datetime,
) -> None:
    topic = require_move(application.state, "review")
    due_on = working_day_after(day_of(at), terms_of(application.place).review_working_days)
    await store.move_application(tx, application, "review", papers=papers, findings=findings, due_on=due_on)
    await tell_applicant(tx, application, topic, at=at)


async def decide(
    tx: Tx, vault: Vault, *, place: str, application_id: str, staff: str, accepted: bool, reason: str, at: datetime
) -> None:
    """Decide what the machine could not, or look after what it did; the same decision again changes nothing.

    Not to let stand what papers alone decided ends the guardian's link at once.

    Refusals, first that applies: ApplicationUnknown, ApplicationClosed, ReasonMissing, those of `join`.
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
        if link.account_id == application.account_id and link.method == "guardian" and link.added_by is None:
            await end_and_tell(tx, link, by="agency", at=at)
    await tell_applicant(tx, application, topic, at=at)


async def application_for_staff(tx: Tx, *, place: str, application_id: str) -> Application:
    """Return an application at the place of this agency, held. Refusals: ApplicationUnknown."""
    person_id = await store.located(tx, application_id, "application")
    application = await store.application(tx, person_id, application_id) if person_id else None
    if application is None or application.place != place:
        raise refusals.ApplicationUnknown
    return application


async def tell_applicant(tx: Tx, application: Application, topic: str, *, at: datetime) -> None:
    if topic:
        payload = {"application_id": application.application_id}
        await outbox.publish(tx, person_id=application.relative, topic=topic, payload=payload, at=at)
