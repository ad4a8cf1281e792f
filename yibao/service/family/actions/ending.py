"""Ending it: by either side, by a guardian, with the account or the credential, or because its time is over."""

from datetime import datetime

from yibao.core import outbox
from yibao.core.clock import day_of
from yibao.core.database import Tx
from yibao.credential import relatives
from yibao.service.family import refusals, rules, store
from yibao.service.family.states import CLOSED
from yibao.service.family.types import EndedBy, Link


async def remove(tx: Tx, *, account_id: str, person_id: str | None, link_id: str, at: datetime) -> None:
    """End a link, by either side or a guardian of the child, at once: every code of it is refused from now on.

    Again changes nothing. Refusals: MemberMissing.
    """
    link, by = await removable(tx, account_id=account_id, person_id=person_id, link_id=link_id, at=at)
    if link.ended_at is None:
        await end_and_tell(tx, link, by=by, at=at)


async def removable(
    tx: Tx, *, account_id: str, person_id: str | None, link_id: str, at: datetime
) -> tuple[Link, EndedBy]:
    """Return a link, held, and as whom somebody may end it. Refusals: MemberMissing."""
    member = await store.located(tx, link_id, "link")
    link = await store.link(tx, member, link_id) if member else None
    by = await _side(tx, link, account_id=account_id, person_id=person_id, at=at) if link else None
    if link is None or by is None:
        raise refusals.MemberMissing
    return link, by


async def _side(tx: Tx, link: Link, *, account_id: str, person_id: str | None, at: datetime) -> EndedBy | None:
    """Return on which side of a link somebody stands; None for a stranger."""
    if link.person_id == person_id:
        return "member"
    if link.account_id == account_id:
        return "relative"
    theirs = [one for one in await store.links_of_member(tx, link.person_id) if one.account_id == account_id]
    return "guardian" if any(one.guards(at) for one in theirs) else None


async def end_all(tx: Tx, *, account_id: str, person_id: str | None, at: datetime) -> None:
    """End every link of an account that is closed and of the person behind it, and tell both sides.

    Its applications are withdrawn, and every picture is deleted.
    """
    for link in await store.links_of_account(tx, account_id):
        await end_and_tell(tx, link, by="relative", at=at)
    for link in await store.links_of_member(tx, person_id) if person_id else []:
        await end_and_tell(tx, link, by="member", at=at)
    for application in await store.applications_of_account(tx, account_id):
        await store.drop_proofs(tx, application)
        if application.state not in CLOSED:
            await store.move_application(tx, application, "withdrawn", decided_at=at)


async def end_unbound(tx: Tx, *, person_id: str, at: datetime) -> None:
    """End every link that a person had when their credential was unbound, and tell both sides."""
    for link in await store.links_of_member(tx, person_id):
        if link.since_at <= at:
            await end_and_tell(tx, link, by="credential", at=at)


async def end_taken_back(tx: Tx, *, person_id: str, at: datetime) -> None:
    """End the links whose activation was unbound by itself, in the list of phones or at the counter; tell both sides.

    Such a code is refused for good. As long as the link stood, it could neither be shown nor be added again.
    """
    for link in await store.links_of_member(tx, person_id):
        if await relatives.taken_back(tx, person_id=person_id, account_id=link.account_id, since=link.since_at):
            await end_and_tell(tx, link, by="credential", at=at)


async def end_and_tell(tx: Tx, link: Link, *, by: EndedBy, at: datetime) -> None:
    await end(tx, link, by=by, at=at)
    await tell_both(tx, link, "family.shown_no_more", "family.removed", at=at)


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
        await end(tx, link, by="time", at=at)
        if link.method == "guardian":
            await tell_both(tx, link, "family.handed_over", "family.handed_over", at=at)


async def end(tx: Tx, link: Link, *, by: EndedBy, at: datetime) -> None:
    await store.end_link(tx, link, by=by, at=at)
    await relatives.withdraw(tx, person_id=link.person_id, account_id=link.account_id, at=at)


async def tell_both(tx: Tx, link: Link, to_member: str, to_relative: str, *, at: datetime) -> None:
    payload = rules.relation_words(link)
    await outbox.publish(tx, person_id=link.person_id, topic=to_member, payload=payload, at=at)
    await outbox.publish(tx, person_id=link.relative, topic=to_relative, payload=payload, at=at)
