"""The link itself, however it was agreed to or proved."""

import secrets
from datetime import datetime, timedelta

from yibao.core import outbox
from yibao.core.database import Tx
from yibao.credential import relatives
from yibao.service.family import rules, store
from yibao.service.family.actions.ending import end, tell_both
from yibao.service.family.actions.naming import require_room, terms_of_member
from yibao.service.family.types import Link, Method, Pair


async def join(
    tx: Tx, pair: Pair, *, method: Method, until_at: datetime | None = None, added_by: str | None = None, at: datetime
) -> Link:
    """Make the link that was asked for, and tell both.

    Refusals, first that applies: AlreadyMember, FamilyFull, credential.not_insured, credential.not_synced.
    """
    terms = await terms_of_member(tx, pair.person_id)
    await require_room(
        tx,
        terms,
        account_id=pair.account_id,
        person_id=pair.person_id,
        child=method == "guardian",
        at=at,
    )
    for earlier in await store.links_of_member(tx, pair.person_id):
        if earlier.account_id == pair.account_id:
            await end(tx, earlier, by="time", at=at)  # It is over, only nobody has noticed yet.
    link = Link(
        person_id=pair.person_id,
        link_id=secrets.token_hex(16),
        account_id=pair.account_id,
        relative=pair.relative,
        relation=pair.relation,
        method=method,
        since_at=at,
        until_at=until_at,
        shown_at=None,
        ended_at=None,
        ended_by=None,
        added_by=added_by,
    )
    await relatives.entrust(tx, person_id=link.person_id, at=at)
    for other in await store.links_of_member(tx, pair.person_id):
        if other.guards(at):
            await outbox.publish(tx, person_id=other.relative, topic="family.guardian_joined", payload={}, at=at)
    await store.add_link(tx, link)
    await tell_both(tx, link, "family.joined", "family.added", at=at)
    if until_at is not None:
        steps = [("now", until_at + rules.GRACE)]
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
