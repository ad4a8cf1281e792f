"""What a clerk's check of the certificate leads to: the real name, and binding the insurance without a card (A2, A3).

Whoever has neither a face that is recognised nor a card goes to the counter with the certificate and their phone. The
clerk has seen them and the original, which is as good as the face; so the account may bind without the card's number.
It does only where the clerk's own place insures the person: no agency hands out the insurance of another.
"""

from datetime import datetime

from yibao import face, identity, registry
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.credential import arrivals, by_face, refusals, rules


async def registered_as(tx: Tx | Pool, vault: Vault, who: face.Subject) -> str | None:
    """Return whom the registry knows by the certificate that lies on the counter, None if nobody.

    A slip of the clerk's keys shows here, where the bank or the police show it otherwise. Refusals: DetailsDiffer.
    """
    person_id = await registry.find_by_certificate(tx, vault, who.cert_type, who.cert_no)
    if person_id and not rules.same_name((await registry.person(tx, vault, person_id)).name, who.name):
        raise refusals.DetailsDiffer
    return person_id


async def stands_for_card(tx: Tx | Pool, vault: Vault, *, account_id: str, at: datetime) -> bool:
    """Say whether a counter in a place where the owner is insured has lately proved them, so that no card is asked."""
    owner = await arrivals.proved_owner(tx, vault, account_id)
    counters = await identity.places_that_named(tx, account_id, at)
    if owner is None or not counters:
        return False
    person_id = await registry.find_by_certificate(tx, vault, owner.cert_type, owner.cert_no)
    insured = await registry.relations(tx, person_id) if person_id else []
    return any(rules.first_relation(insured, place) for place in counters)


async def bind_by_counter(tx: Tx, vault: Vault, *, account_id: str, at: datetime) -> str:
    """Bind the account to its owner's insurance where `stands_for_card`, and return the person's id.

    Refusals, first that applies: RealNameFirst, those of `by_face.insurance_of`, BoundElsewhere.
    """
    owner = await arrivals.proved_owner(tx, vault, account_id)
    if owner is None:
        raise refusals.RealNameFirst
    person_id, first = await by_face.insurance_of(tx, vault, owner)
    await by_face.hold(tx, person_id, first, account_id=account_id, at=at)
    return person_id
