"""Loads the synthetic world of the sandbox into a database, through the rooms' own actions."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from yibao import identity, ledger, registry
from yibao.core.clock import day_of
from yibao.core.database import Pool, transaction
from yibao.core.vault import Vault
from yibao.sandbox import world
from yibao.service import directory

SEED = 20260101
CHUNK = 2_000

Kind = TypeVar("Kind")


async def is_seeded(pool: Pool) -> bool:
    return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM registry.region)"))


async def seed(
    pool: Pool,
    vault: Vault,
    *,
    hasher: identity.Hasher,
    people: int,
    at: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write regions, institutions, staff, catalogue and people; nothing if the world is there already.

    Everything is one transaction, so an interrupted start leaves an empty database and not half a world.
    """
    on = day_of(at)
    async with transaction(pool) as tx:
        if await tx.fetchval("SELECT EXISTS (SELECT FROM registry.region)"):
            return
        built = world.build(seed=SEED, people=0, on=on)
        await registry.load_regions(tx)
        await registry.add_institutions(tx, as_kind(registry.Institution, built.institutions))
        password_hash = await hasher.hash(world.DEMO_PASSWORD)
        await identity.add_staff(
            tx,
            [
                identity.Staff(
                    login=s.login,
                    institution=i.code,
                    display_name=s.display_name,
                    role="cashier",
                    password_hash=password_hash,
                )
                for i in built.institutions
                for s in i.staff
            ],
        )
        await directory.load_items(tx, as_kind(directory.Item, built.items))
        done = 0
        for chunk in _chunks(world.iter_people(SEED, people, on)):
            await registry.register_people(tx, vault, [_registrant(person) for person in chunk])
            accounts = [(p.person_id, i) for p in chunk for i in p.insurances if i.insutype == "310"]
            await ledger.open_accounts(tx, [(person_id, insurance.place) for person_id, insurance in accounts])
            await ledger.credit_many(
                tx,
                [
                    ledger.Credit(
                        person_id=person_id,
                        place=insurance.place,
                        amount_fen=insurance.account_fen,
                        cause=f"opening:{insurance.psn_no}",
                        at=at - timedelta(days=30),
                    )
                    for person_id, insurance in accounts
                    if insurance.account_fen
                ],
            )
            done += len(chunk)
            progress(done)


def as_kind(kind: type[Kind], things: Iterable[object]) -> list[Kind]:
    """Return the sandbox's plain data as a room's own type, which has the same names."""
    return [msgspec.convert(thing, kind, from_attributes=True) for thing in things]


def _chunks(people: Iterator[world.Person]) -> Iterator[list[world.Person]]:
    while chunk := list(itertools.islice(people, CHUNK)):
        yield chunk


def _registrant(person: world.Person) -> registry.Registrant:
    return registry.Registrant(
        person_id=person.person_id,
        name=person.name,
        cert_type=person.cert_type,
        cert_no=person.cert_no,
        gender=person.gender,
        birth_on=person.birth_on,
        cards=tuple(as_kind(registry.Card, [person.card] if person.card else [])),
        insurances=tuple(as_kind(registry.Insurance, person.insurances)),
        qualifications=tuple(as_kind(registry.Qualification, person.qualifications)),
    )
