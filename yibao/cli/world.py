"""Loads the synthetic world of the sandbox into a database, through the rooms' own actions."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from yibao import credential, identity, ledger, registry
from yibao.core.clock import day_of
from yibao.core.database import Pool, Tx, open_pool, transaction
from yibao.core.gm import Signer
from yibao.core.vault import Vault
from yibao.sandbox import channels, world
from yibao.service import directory, unit

SEED = 20260101
CHUNK = 2_000
HOSPITAL = "H51050000004"  # Whose own web page the sandbox has.
KEYS_FROM, KEYS_UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)  # For clocks of any day.

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
        await directory.describe(tx, as_kind(directory.Usage, [each.usage for each in built.institutions]))
        password_hash = await hasher.hash(world.DEMO_PASSWORD)
        await identity.add_staff(
            tx,
            [
                identity.Staff(
                    login=member.login,
                    institution=employer,
                    display_name=member.display_name,
                    role=member.role,
                    password_hash=password_hash,
                )
                for employer, member in (
                    *((i.code, member) for i in built.institutions for member in i.staff),
                    *((clerk.login[1:7], clerk) for clerk in built.clerks),
                )
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
        await _register_units(tx, vault, built.units, at=at)


async def issue_key(database_url: str, institution: str, *, at: datetime) -> str:
    """Return a new key for the system of an institution."""
    pool = await open_pool(database_url, size=1)
    try:
        async with transaction(pool) as tx:
            return await identity.issue_api_key(tx, institution=institution, at=at)
    finally:
        await pool.close()


async def _register_units(tx: Tx, vault: Vault, units: Iterable[world.Unit], *, at: datetime) -> None:
    for each in units:
        unit_id = await unit.register(
            tx,
            vault,
            unit.Entry(each.credit_code, each.name, each.kind, each.place, each.institution or "", _named(each.legal)),
            by="seed",
            at=at,
        )
        for person in each.operators:
            await unit.name_operator(tx, vault, unit_id=unit_id, named=_named(person), by="seed", at=at)


def _named(person: world.Person) -> unit.Named:
    return unit.Named(person.name, person.cert_type, person.cert_no)


async def accredit(pool: Pool, keys: Mapping[str, Signer], *, returns: str, at: datetime) -> None:
    """Let the sandbox's channels in, with their public keys; again brings only what is new, such as another address."""
    async with transaction(pool) as tx:
        for channel in channels.CHANNELS:
            await credential.accredit(
                tx,
                msgspec.convert(
                    {
                        "code": channel.code,
                        "name": channel.name,
                        "kind": channel.kind,
                        "functions": channel.functions,
                        "hotline": channel.hotline,
                        "contact": f"{channel.name}（沙盒）",
                        "returns": (f"{returns}/channels/{channel.code}",),
                        "own_bank_card": channel.own_bank_card,
                        "way": " › ".join(channel.entrances[0].way),
                        "address": "" if channel.kind == "bank" else f"{returns}/channels/{channel.code}",
                    },
                    credential.Channel,
                ),
                public=keys[channel.code].public.hex(),
                valid_from=KEYS_FROM,
                valid_until=KEYS_UNTIL,
                clerk=credential.Clerk("sandbox", "沙盒安装"),
                at=at,
            )


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
