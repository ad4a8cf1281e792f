"""Whom a form names, and whether the account has room for them."""

from datetime import datetime

from yibao import credential, registry
from yibao.core.clock import day_of
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.service.family import refusals, store
from yibao.service.family.terms import Terms, terms_of
from yibao.service.family.types import Asker, Relation, Who

TRIES_MAX = 10  # a day


async def note_try(tx: Tx, *, account_id: str, at: datetime) -> None:
    """Count that an account names somebody or sends papers, in a transaction of its own, before anything is done.

    A later refusal must not undo the count.

    Refusals: TriedTooOften.
    """
    if await store.note_attempt(tx, account_id, day_of(at)) > TRIES_MAX:
        raise refusals.TriedTooOften(most=TRIES_MAX)


async def found(tx: Tx, vault: Vault, who: Who) -> registry.Person | None:
    """Return who has this name and this certificate."""
    person_id = await registry.find_by_certificate(tx, vault, who.cert_type, who.cert_no)
    person = await registry.person(tx, vault, person_id) if person_id else None
    return person if person is not None and credential.same_name(person.name, who.name) else None


async def named(tx: Tx, vault: Vault, asker: Asker, who: Who) -> tuple[registry.Person, str]:
    """Return whom a form names and where they are insured.

    Refusals, first that applies: MemberUnknown, MemberIsYourself.
    """
    person = await found(tx, vault, who)
    if person is None:
        raise refusals.MemberUnknown
    if person.person_id == asker.person_id:
        raise refusals.MemberIsYourself
    places = [relation.place for relation in await registry.relations(tx, person.person_id)]
    return person, places[0] if places else ""


async def terms_of_member(tx: Tx | Pool, person_id: str) -> Terms:
    """Return the terms of where somebody is insured."""
    return terms_of(next((relation.place for relation in await registry.relations(tx, person_id)), ""))


def offered(terms: Terms, relation: str) -> Relation:
    """Return the relation as the place offers it. Refusals: RelationNotOffered."""
    chosen = next((one for one in terms.relations if one == relation), None)
    if chosen is None:
        raise refusals.RelationNotOffered
    return chosen


async def require_room(tx: Tx, terms: Terms, *, account_id: str, person_id: str, child: bool, at: datetime) -> None:
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
