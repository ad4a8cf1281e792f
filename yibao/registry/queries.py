"""What the other rooms ask of the registry. Those that open or look up personal data take the vault."""

import unicodedata
from collections.abc import Iterable

from yibao.core.database import Pool, Row, Tx
from yibao.core.masks import masked_certificate, masked_name
from yibao.core.vault import Vault
from yibao.registry import store
from yibao.registry.refusals import PersonUnknown
from yibao.registry.types import (
    Card,
    CardFound,
    CardState,
    Employee,
    Institution,
    Insurance,
    Look,
    Person,
    Qualification,
    Region,
)


async def person(tx: Tx | Pool, vault: Vault, person_id: str) -> Person:
    """Return a person with their name and certificate readable.

    Refusals: PersonUnknown, core.SealBroken.
    """
    row = await store.person(tx, person_id)
    if row is None:
        raise PersonUnknown
    name = name_of(vault, person_id, row["name"])
    cert_no = vault.open(row["cert_no"], table="registry.person", column="cert_no", person=person_id)
    return Person(person_id, name, row["cert_type"], cert_no, row["gender"], row["birth_on"])


def name_of(vault: Vault, person_id: str, sealed: bytes) -> str:
    """Return the name in what the SQL function `registry.face_of` gave for this person. Refusals: core.SealBroken."""
    return vault.open(sealed, table="registry.person", column="name", person=person_id)


async def find_by_certificate(tx: Tx | Pool, vault: Vault, cert_type: str, cert_no: str) -> str | None:
    """Return whose certificate it is, however its number is typed."""
    return await store.person_at(tx, "cert", certificate_index(vault, cert_type, cert_no))


async def find_by_card(tx: Tx | Pool, vault: Vault, card_no: str) -> CardFound | None:
    """Return whose social-security card it is, and whether it is in order."""
    return await store.card_at(tx, card_index(vault, card_no))


async def card_states(tx: Tx | Pool, person_id: str) -> list[CardState]:
    """Return the states of a person's social-security cards, the newest first; empty where none has been issued."""
    return await store.card_states(tx, person_id)


async def cards(tx: Tx | Pool, vault: Vault, person_id: str) -> list[Card]:
    """Return a person's social-security cards, the newest first; of a number only its ends are shown."""

    def masked(sealed: bytes) -> str:
        return masked_certificate(vault.open(sealed, table="registry.card", column="card_no", person=person_id))

    return [
        Card(card_no=masked(row["card_no"]), state=row["state"], issued_on=row["issued_on"])
        for row in await store.cards(tx, person_id)
    ]


def certificate_index(vault: Vault, cert_type: str, cert_no: str) -> bytes:
    return vault.index(f"cert:{cert_type}", cert_no)


def card_index(vault: Vault, card_no: str) -> bytes:
    return vault.index("card", card_no)


async def relations(tx: Tx | Pool, person_id: str) -> list[Insurance]:
    """Return a person's insurance relations in every place and state, the newest first."""
    return await store.insurances(tx, person_id)


async def institution_names(tx: Tx | Pool, codes: Iterable[str]) -> dict[str, str]:
    """Return the names of institutions in one read; one that the registry does not know goes by its code."""
    wanted = set(codes)
    return {code: code for code in wanted} | await store.institution_names(tx, wanted)


async def employed(tx: Tx | Pool, place: str, employer: str) -> int:
    """Return how many insurance relations of a place name this employer; elsewhere another may have its name."""
    return await store.employed(tx, place, employer)


async def employees(
    tx: Tx | Pool, vault: Vault, place: str, employer: str, *, limit: int, offset: int = 0
) -> list[Employee]:
    """Return whom an employer insures in a place, some at a time. The caller records the look.

    Refusals: core.SealBroken.
    """
    return [
        Employee(
            row["person_id"],
            masked_name(name_of(vault, row["person_id"], row["name"])),
            row["place"],
            row["state"],
            row["since_on"],
            row["paid_to"],
        )
        for row in await store.employees(tx, place, employer, limit=limit, offset=offset)
    ]


async def institution(tx: Tx | Pool, code: str) -> Institution | None:
    """Return an institution, also one whose contract has ended."""
    return await store.institution(tx, code)


async def institutions(
    tx: Tx | Pool, place: str = "", kind: str = "", text: str = "", *, limit: int = 50
) -> list[Institution]:
    """Return institutions under contract whose name or address contains `text`; an empty argument leaves all.

    Those whose name contains it come before those whose address does.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    return await store.institutions(tx, place=place, kind=kind, text=plain, limit=limit)


async def region_name(tx: Tx | Pool, code: str) -> str | None:
    return await store.region_name(tx, code)


async def region_names(tx: Tx | Pool, codes: Iterable[str]) -> dict[str, str]:
    """Return the names of regions, all in one statement; one that the registry does not know goes by its code."""
    asked = sorted(set(codes))
    return {code: code for code in asked} | await store.region_names(tx, asked)


async def cities(tx: Tx | Pool) -> list[tuple[Region, list[Region]]]:
    """Return the provinces of the national list, each with its cities and its own pool (省本级) among them.

    A municipality has none: its own pool (市本级) is the municipality itself, and two names for one place mislead.
    """
    found: dict[str, tuple[Region, list[Region]]] = {}
    for region in await store.regions_down_to(tx, 2):
        if region.level == 1:
            found[region.code] = (region, [])
        elif region.parent in found:
            found[region.parent][1].append(region)
    return [(province, [] if _is_one_city(province, inside) else inside) for province, inside in found.values()]


def _is_one_city(province: Region, inside: Iterable[Region]) -> bool:
    return all(region.code == f"{province.code[:2]}9900" for region in inside)


async def qualifications(tx: Tx | Pool, person_id: str) -> list[Qualification]:
    """Return what a person is, was and will be qualified for, in every place."""
    return await store.qualifications(tx, person_id)


async def looks(tx: Tx | Pool, vault: Vault, person_id: str, *, limit: int = 200) -> list[Look]:
    """Return who looked at a person's data, the latest first. Refusals: core.SealBroken."""

    def purpose(row: Row) -> str:
        if row["sealed_purpose"] is None:  # From before purposes were sealed.
            return str(row["purpose"])
        return vault.open(row["sealed_purpose"], table="registry.look", column="sealed_purpose", person=person_id)

    rows = await store.looks(tx, person_id, limit=limit)
    return [Look(row["looker_name"], purpose(row), row["looked_at"]) for row in rows]
