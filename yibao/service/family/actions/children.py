"""A guardian's application for a child: the papers, where it stands, and taking it back."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from yibao.core import outbox
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.service.family import refusals, rules, store
from yibao.service.family.actions.judging import begin_review, tell_applicant
from yibao.service.family.actions.naming import named, require_room
from yibao.service.family.states import require_move
from yibao.service.family.terms import terms_of
from yibao.service.family.types import Application, Asker, Who

PICTURES_MAX = 3


async def apply(
    tx: Tx, vault: Vault, *, asker: Asker, who: Who, promised: bool, pictures: Sequence[bytes], at: datetime
) -> Application:
    """Apply for a child's code with pictures that `paper.tidy` made; the worker reads them.

    Applying again while an application is open sends these pictures to that one.

    Refusals, first that applies: PromiseMissing, MemberUnknown, MemberIsYourself, NotAChild, PapersMissing,
    AlreadyMember, FamilyFull, those of `send_papers`.
    """
    if not promised:
        raise refusals.PromiseMissing
    person, place = await named(tx, vault, asker, who)
    terms = terms_of(place)
    if at >= rules.handover_at(person.birth_on, terms.handover_age):
        raise refusals.NotAChild(age=terms.handover_age)
    if not 1 <= len(pictures) <= PICTURES_MAX:
        raise refusals.PapersMissing(most=PICTURES_MAX)
    await require_room(tx, terms, account_id=asker.account_id, person_id=person.person_id, child=True, at=at)
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
        due_at=_papers_until(application, at) + rules.GRACE,
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
        await tell_applicant(tx, application, "family.application_expired", at=at)
    if application.state in ("differs", "accepted"):
        await store.drop_proofs(tx, application)


async def application_of_account(tx: Tx, *, account_id: str, application_id: str) -> Application:
    """Return an application of this account, held. Refusals: ApplicationUnknown."""
    person_id = await store.located(tx, application_id, "application", account_id=account_id)
    application = await store.application(tx, person_id, application_id) if person_id else None
    if application is None:
        raise refusals.ApplicationUnknown
    return application


async def ask_review(tx: Tx, *, account_id: str, application_id: str, at: datetime) -> None:
    """Let the agency of the child's place look at papers that differ, within the deadline; again changes nothing.

    Refusals, first that applies: ApplicationUnknown, ApplicationClosed.
    """
    application = await application_of_account(tx, account_id=account_id, application_id=application_id)
    if application.state == "review":
        return
    await begin_review(tx, application, at=at)


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
