"""What changes the registry: regions from the national list, people and institutions from whoever knows them."""

import csv
import importlib.resources
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice

from yibao.core.clock import day_of
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.registry import store
from yibao.registry.queries import card_index, certificate_index
from yibao.registry.store import SealedCard, SealedPerson
from yibao.registry.types import Card, Institution, Insurance, Qualification, Region, Registrant

_CHUNK = 5_000  # So many are sealed at a time; a million people never lie in memory together.


async def load_regions(tx: Tx) -> int:
    """Bring the regions up to the national list in `data/regions.csv` and return how many rows that changed."""
    text = (importlib.resources.files("yibao.registry") / "data" / "regions.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    regions = [Region(row["code"], row["parent"], int(row["level"]), row["name"]) for row in rows]
    return await store.put_regions(tx, regions)


async def add_institutions(tx: Tx, institutions: Sequence[Institution]) -> None:
    """Add institutions; one whose code is known takes on the new facts."""
    await store.put_institutions(tx, institutions)


async def register_person(
    tx: Tx,
    vault: Vault,
    *,
    person_id: str,
    name: str,
    cert_type: str,
    cert_no: str,
    gender: str,
    birth_on: date,
    cards: Sequence[Card] = (),
    insurances: Sequence[Insurance] = (),
    qualifications: Sequence[Qualification] = (),
) -> None:
    """Take in one person, sealed.

    Refusals: PersonTaken, CertificateTaken, CardTaken, RelationTaken.
    """
    one = Registrant(
        person_id, name, cert_type, cert_no, gender, birth_on, tuple(cards), tuple(insurances), tuple(qualifications)
    )
    await register_people(tx, vault, [one])


async def register_people(tx: Tx, vault: Vault, people: Iterable[Registrant]) -> int:
    """Take in any number of people, sealed, and return how many; all of them or, when one is refused, none.

    Refusals: PersonTaken, CertificateTaken, CardTaken, RelationTaken.
    """
    coming = iter(people)
    count = 0
    async with tx.transaction():  # A savepoint of the caller's transaction, which survives a refusal.
        while chunk := [_sealed(vault, one) for one in islice(coming, _CHUNK)]:
            await store.add_people(tx, chunk)
            count += len(chunk)
    return count


async def qualify(tx: Tx, person_id: str, qualifications: Sequence[Qualification]) -> None:
    """Note what a person is qualified for; one that is known takes on its new end."""
    await store.put_qualifications(tx, {person_id: qualifications})


def _sealed(vault: Vault, one: Registrant) -> SealedPerson:
    def seal(text: str, table: str, column: str) -> bytes:
        return vault.seal(text, table=f"registry.{table}", column=column, person=one.person_id)

    return SealedPerson(
        person_id=one.person_id,
        name=seal(one.name, "person", "name"),
        cert_type=one.cert_type,
        cert_no=seal(one.cert_no, "person", "cert_no"),
        gender=one.gender,
        birth_on=one.birth_on,
        cert_index=certificate_index(vault, one.cert_type, one.cert_no),
        cards=tuple(
            SealedCard(
                person_id=one.person_id,
                card_index=card_index(vault, card.card_no),
                card_no=seal(card.card_no, "card", "card_no"),
                state=card.state,
                issued_on=card.issued_on,
            )
            for card in one.cards
        ),
        insurances=one.insurances,
        qualifications=one.qualifications,
    )


async def note_look(
    tx: Tx, vault: Vault, *, person_id: str, looker: str, looker_name: str, purpose: str, at: datetime
) -> None:
    """Record that somebody looks at a person's data; that person reads `looker_name` and `purpose`."""
    await store.add_look(
        tx,
        person_id=person_id,
        look_id=secrets.token_hex(16),
        looker=looker,
        looker_name=looker_name,
        purpose=_sealed_purpose(vault, person_id, purpose),
        at=at,
    )


async def note_looks(
    tx: Tx, vault: Vault, *, person_ids: Sequence[str], looker: str, looker_name: str, purpose: str, at: datetime
) -> None:
    """Record that somebody looks at a list of people; each of them reads it once a day, however often it is opened."""
    await store.add_looks(
        tx,
        purposes={person_id: _sealed_purpose(vault, person_id, purpose) for person_id in person_ids},
        look_id=f"{looker}:{day_of(at)}",
        looker=looker,
        looker_name=looker_name,
        at=at,
    )


def _sealed_purpose(vault: Vault, person_id: str, purpose: str) -> bytes:
    """Whoever gives a reason may name people in it."""
    return vault.seal(purpose, table="registry.look", column="sealed_purpose", person=person_id)
