"""At the agency's counter: a clerk adds a member for whoever stands there together with them (B11), or ends it."""

from datetime import datetime

from yibao import credential, identity, registry
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.service.family import refusals, rules, store
from yibao.service.family.actions.ending import end_and_tell
from yibao.service.family.actions.joining import join
from yibao.service.family.actions.naming import found, named, offered
from yibao.service.family.states import require_move
from yibao.service.family.terms import terms_of
from yibao.service.family.types import Asker, Link, Pair, Who


async def add_at_counter(
    tx: Tx,
    vault: Vault,
    *,
    clerk: str,
    place: str,
    relative: Who,
    member: Who,
    relation: str,
    checked: bool,
    at: datetime,
) -> Link:
    """Add a member whom a clerk sees beside the relative, and whose certificates and consent the clerk has checked.

    A child is added as its guardian's, whose original papers the clerk has seen, until it comes of age. What the same
    account had asked or applied for online is settled with it. Tries are not counted: who has used up those of the day
    is sent to this counter.

    Refusals, first that applies: NotCheckedAtCounter, RelativeNotReady, MemberUnknown, MemberIsYourself,
    MemberElsewhere, RelationNotOffered, AlreadyMember, FamilyFull, credential.not_insured, credential.not_synced.
    """
    if not checked:
        raise refusals.NotCheckedAtCounter
    asker = await _account(tx, vault, relative)
    person, first_place = await named(tx, vault, asker, member)
    await _require_here(tx, person.person_id, place)
    terms = terms_of(first_place)
    chosen = offered(terms, relation)
    grown_at = rules.handover_at(person.birth_on, terms.handover_age)
    is_child = at < grown_at
    pair = Pair(person.person_id, asker.account_id, asker.person_id, "child" if is_child else chosen)
    link = await join(
        tx,
        pair,
        method="guardian" if is_child else "counter",
        until_at=grown_at if is_child else None,
        added_by=clerk,
        at=at,
    )
    await _settle_what_waits(tx, pair, at=at)
    return link


async def member_at_counter(tx: Tx, vault: Vault, *, place: str, member: Who, checked: bool) -> registry.Person:
    """Return whom a clerk has before them and has checked.

    Refusals, first that applies: NotCheckedAtCounter, MemberUnknown, MemberElsewhere.
    """
    if not checked:
        raise refusals.NotCheckedAtCounter
    person = await found(tx, vault, member)
    if person is None:
        raise refusals.MemberUnknown
    await _require_here(tx, person.person_id, place)
    return person


async def remove_at_counter(tx: Tx, *, member: registry.Person, link_id: str, at: datetime) -> Link:
    """End a link for the member, who has no phone to do it on; again changes nothing. Refusals: MemberMissing."""
    link = await store.link(tx, member.person_id, link_id)
    if link is None:
        raise refusals.MemberMissing
    if link.ended_at is None:
        await end_and_tell(tx, link, by="counter", at=at)
    return link


async def _require_here(tx: Tx, person_id: str, place: str) -> None:
    """Refusals: MemberElsewhere."""
    if credential.first_relation(await registry.relations(tx, person_id), place) is None:
        raise refusals.MemberElsewhere


async def _account(tx: Tx, vault: Vault, relative: Who) -> Asker:
    """Return the account to which the relative's own insurance is bound. Refusals: RelativeNotReady."""
    person = await found(tx, vault, relative)
    account = await identity.account_of_person(tx, vault, person.person_id) if person else None
    if person is None or account is None:
        raise refusals.RelativeNotReady
    return Asker(account.account_id, person.person_id)


async def _settle_what_waits(tx: Tx, pair: Pair, *, at: datetime) -> None:
    await store.close_open_requests(tx, person_id=pair.person_id, account_id=pair.account_id, state="withdrawn", at=at)
    application = await store.open_application(tx, person_id=pair.person_id, account_id=pair.account_id)
    if application is not None:
        require_move(application.state, "withdrawn")
        await store.move_application(tx, application, "withdrawn", decided_at=at)
        await store.drop_proofs(tx, application)
