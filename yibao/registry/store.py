"""SQL of the registry room."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import asyncpg
from msgspec.structs import asdict, astuple

from yibao.core.database import Pool, Row, Tx
from yibao.core.refusal import Refusal
from yibao.registry.refusals import CardTaken, CertificateTaken, PersonTaken, RelationTaken
from yibao.registry.types import CardFound, CardState, Institution, Insurance, Qualification, Region


class SealedCard(NamedTuple):
    person_id: str
    card_index: bytes
    card_no: bytes
    state: CardState
    issued_on: date


class SealedPerson(NamedTuple):
    """A person as stored: nothing that names them can be read."""

    person_id: str
    name: bytes
    cert_type: str
    cert_no: bytes
    gender: str
    birth_on: date
    cert_index: bytes
    cards: tuple[SealedCard, ...]
    insurances: tuple[Insurance, ...]
    qualifications: tuple[Qualification, ...]


_PERSON = SealedPerson._fields[:6]
_LOCATOR = ("kind", "index", "person_id")
_INSURANCE = ("person_id", *Insurance.__struct_fields__)


async def put_regions(tx: Tx, regions: Sequence[Region]) -> int:
    """Add or correct regions and return how many rows that changed."""
    return _affected(
        await tx.execute(
            """
            INSERT INTO registry.region AS r SELECT * FROM jsonb_populate_recordset(NULL::registry.region, $1)
            ON CONFLICT (code) DO UPDATE SET parent = EXCLUDED.parent, level = EXCLUDED.level, name = EXCLUDED.name
            WHERE (r.parent, r.level, r.name) <> (EXCLUDED.parent, EXCLUDED.level, EXCLUDED.name)
            """,
            regions,
        )
    )


async def put_institutions(tx: Tx, institutions: Sequence[Institution]) -> None:
    await tx.execute(
        """
        INSERT INTO registry.institution SELECT * FROM jsonb_populate_recordset(NULL::registry.institution, $1)
        ON CONFLICT (code) DO UPDATE SET
            name = EXCLUDED.name, place = EXCLUDED.place, kind = EXCLUDED.kind, level = EXCLUDED.level,
            address = EXCLUDED.address, phone = EXCLUDED.phone, services = EXCLUDED.services, active = EXCLUDED.active
        """,
        institutions,
    )


async def add_people(tx: Tx, people: Sequence[SealedPerson]) -> None:
    """Add people with their cards, insurance relations and locators, each table by one COPY.

    Refusals: PersonTaken, CertificateTaken, CardTaken, RelationTaken.
    """
    cards = [card for one in people for card in one.cards]
    await _copy(tx, "person", _PERSON, [one[:6] for one in people], taken=PersonTaken)
    certificates = [("cert", one.cert_index, one.person_id) for one in people]
    await _copy(tx, "person_locator", _LOCATOR, certificates, taken=CertificateTaken)
    found_by = [("card", card.card_index, card.person_id) for card in cards]
    await _copy(tx, "person_locator", _LOCATOR, found_by, taken=CardTaken)
    await _copy(tx, "card", SealedCard._fields, cards, taken=CardTaken)
    relations = [(one.person_id, *astuple(insurance)) for one in people for insurance in one.insurances]
    await _copy(tx, "insurance", _INSURANCE, relations, taken=RelationTaken)
    if held := {one.person_id: one.qualifications for one in people if one.qualifications}:
        await put_qualifications(tx, held)


async def put_qualifications(tx: Tx, held: Mapping[str, Sequence[Qualification]]) -> None:
    """Write what people are qualified for; one that is known takes on its new end."""
    await tx.execute(
        """
        INSERT INTO registry.qualification
        SELECT * FROM jsonb_populate_recordset(NULL::registry.qualification, $1)
        ON CONFLICT (person_id, place, kind, code, from_on) DO UPDATE SET until_on = EXCLUDED.until_on
        """,
        [{"person_id": person_id, **asdict(each)} for person_id, many in held.items() for each in many],
    )


async def qualifications(tx: Tx | Pool, person_id: str) -> list[Qualification]:
    rows = await tx.fetch(
        "SELECT place, kind, code, from_on, until_on FROM registry.qualification WHERE person_id = $1"
        " ORDER BY place, kind, code, from_on",
        person_id,
    )
    return [Qualification(**row) for row in rows]


async def _copy(
    tx: Tx, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], *, taken: type[Refusal]
) -> None:
    """Append rows. PostgreSQL's own messages quote the row, which is a person's, so none of them is passed on."""
    try:
        await tx.copy_records_to_table(table, schema_name="registry", columns=columns, records=rows)
    except asyncpg.UniqueViolationError:
        raise taken from None
    except asyncpg.IntegrityConstraintViolationError as error:
        raise ValueError(f"registry.{table} does not take such a row: {error.constraint_name}") from None


async def person(tx: Tx | Pool, person_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM registry.person WHERE person_id = $1", person_id)


async def person_at(tx: Tx | Pool, kind: str, index: bytes) -> str | None:
    found: str | None = await tx.fetchval(
        "SELECT person_id FROM registry.person_locator WHERE kind = $1 AND index = $2", kind, index
    )
    return found


async def card_states(tx: Tx | Pool, person_id: str) -> list[CardState]:
    rows = await tx.fetch(
        "SELECT state FROM registry.card WHERE person_id = $1 ORDER BY issued_on DESC, card_index", person_id
    )
    return [row["state"] for row in rows]


async def cards(tx: Tx | Pool, person_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT card_no, state, issued_on FROM registry.card WHERE person_id = $1 ORDER BY issued_on DESC, card_index",
        person_id,
    )


async def card_at(tx: Tx | Pool, index: bytes) -> CardFound | None:
    row = await tx.fetchrow(
        """
        SELECT c.person_id, c.state
        FROM registry.person_locator l JOIN registry.card c ON c.person_id = l.person_id AND c.card_index = l.index
        WHERE l.kind = 'card' AND l.index = $1
        """,
        index,
    )
    return CardFound(**row) if row else None


async def insurances(tx: Tx | Pool, person_id: str) -> list[Insurance]:
    rows = await tx.fetch(
        """
        SELECT psn_no, place, insutype, psn_type, state, since_on, paid_to, employer, synced, entitled_from
        FROM registry.insurance WHERE person_id = $1 ORDER BY since_on DESC, psn_no
        """,
        person_id,
    )
    return [Insurance(**row) for row in rows]


async def employed(tx: Tx | Pool, place: str, employer: str) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*) FROM registry.insurance WHERE employer = $2 AND place = $1", place, employer
    )
    return count


async def employees(tx: Tx | Pool, place: str, employer: str, *, limit: int, offset: int) -> list[Row]:
    return await tx.fetch(
        """
        SELECT i.person_id, p.name, i.place, i.state, i.since_on, i.paid_to
        FROM registry.insurance i JOIN registry.person p ON p.person_id = i.person_id
        WHERE i.employer = $2 AND i.place = $1 ORDER BY i.person_id, i.psn_no LIMIT $3 OFFSET $4
        """,
        place,
        employer,
        limit,
        offset,
    )


async def institution(tx: Tx | Pool, code: str) -> Institution | None:
    row = await tx.fetchrow("SELECT * FROM registry.institution WHERE code = $1", code)
    return _institution(row) if row else None


async def institution_names(tx: Tx | Pool, codes: Collection[str]) -> dict[str, str]:
    rows = await tx.fetch("SELECT code, name FROM registry.institution WHERE code = ANY ($1)", list(codes))
    return {row["code"]: row["name"] for row in rows}


async def institutions(tx: Tx | Pool, *, place: str, kind: str, text: str, limit: int) -> list[Institution]:
    rows = await tx.fetch(
        """
        SELECT * FROM registry.institution
        WHERE active AND $1 IN ('', place) AND $2 IN ('', kind)
          AND strpos(upper(name || ' ' || address), upper($3)) > 0
        ORDER BY strpos(upper(name), upper($3)) = 0, code LIMIT $4
        """,
        place,
        kind,
        text,
        limit,
    )
    return [_institution(row) for row in rows]


def _institution(row: Row) -> Institution:
    return Institution(**{**row, "services": tuple(row["services"])})


async def regions_down_to(tx: Tx | Pool, level: int) -> list[Region]:
    """Return the regions of the upper levels, provinces before cities."""
    rows = await tx.fetch(
        "SELECT code, parent, level, name FROM registry.region WHERE level <= $1 ORDER BY level, code", level
    )
    return [Region(**row) for row in rows]


async def region_name(tx: Tx | Pool, code: str) -> str | None:
    name: str | None = await tx.fetchval("SELECT name FROM registry.region WHERE code = $1", code)
    return name


async def region_names(tx: Tx | Pool, codes: Sequence[str]) -> dict[str, str]:
    rows = await tx.fetch("SELECT code, name FROM registry.region WHERE code = ANY ($1)", codes)
    return {row["code"]: row["name"] for row in rows}


def _affected(status: str) -> int:
    """Return the number in PostgreSQL's answer to an INSERT: `INSERT 0 4294`."""
    return int(status.rsplit(" ", 1)[1])


async def add_look(
    tx: Tx, *, person_id: str, look_id: str, looker: str, looker_name: str, purpose: bytes, at: datetime
) -> None:
    await tx.execute(
        """
        INSERT INTO registry.look (person_id, look_id, looker, looker_name, sealed_purpose, looked_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        person_id,
        look_id,
        looker,
        looker_name,
        purpose,
        at,
    )


async def looks(tx: Tx | Pool, person_id: str, *, limit: int) -> list[Row]:
    return await tx.fetch(
        "SELECT looker_name, purpose, sealed_purpose, looked_at FROM registry.look WHERE person_id = $1"
        " ORDER BY looked_at DESC, look_id LIMIT $2",
        person_id,
        limit,
    )


async def add_looks(
    tx: Tx, *, purposes: Mapping[str, bytes], look_id: str, looker: str, looker_name: str, at: datetime
) -> None:
    """Record a look at everybody whom `purposes` name; one that is there already stays."""
    await tx.execute(
        """
        INSERT INTO registry.look (person_id, look_id, looker, looker_name, sealed_purpose, looked_at)
        SELECT person_id, $3, $4, $5, purpose, $6::timestamptz
        FROM unnest($1::text[], $2::bytea[]) seen (person_id, purpose)
        ON CONFLICT DO NOTHING
        """,
        list(purposes),
        list(purposes.values()),
        look_id,
        looker,
        looker_name,
        at,
    )
