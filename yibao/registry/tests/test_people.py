"""People are taken in sealed, found by what they carry, and never named by an error (B15)."""

import secrets
from collections.abc import Callable
from datetime import date, datetime, timedelta

import msgspec
import pytest
from rich.pretty import pretty_repr

from conftest import NewPerson, insured
from yibao import registry
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import SealBroken, Vault
from yibao.registry import Card, CardFound, CardState, Person, Registrant, actions


def person(number: int, **changes: object) -> Registrant:
    """Return somebody of whom nothing is like the other numbers'."""
    one = Registrant(
        person_id=f"{980_000_000_000 + number}",
        name="医小川",
        cert_type="01",
        cert_no=f"99888819580315{number:03d}X",
        gender="1",
        birth_on=date(1958, 3, 15),
        cards=(Card(f"Z9{number:07d}", "normal", date(2020, 1, 1)),),
        insurances=(insured(),),
    )
    return msgspec.structs.replace(one, **changes)


async def test_a_person_is_read_as_taken_in(tx: Tx, vault: Vault) -> None:
    relation = insured("310000", psn_type="11", state="2", synced=False)
    await registry.register_person(
        tx,
        vault,
        person_id="980000000001",
        name="保小𠅤",
        cert_type="04",
        cert_no="H99000001",
        gender="2",
        birth_on=date(1990, 2, 28),
        cards=[Card("Z90000001", "frozen", date(2020, 1, 1))],
        insurances=[relation],
    )
    assert await registry.person(tx, vault, "980000000001") == Person(
        "980000000001", "保小𠅤", "04", "H99000001", "2", date(1990, 2, 28)
    )
    assert await registry.relations(tx, "980000000001") == [relation]


async def test_whoever_reads_the_database_alone_learns_no_name_and_no_number(tx: Tx, vault: Vault) -> None:
    one = person(2)
    await registry.register_people(tx, vault, [one])
    rows = [
        row
        for table in ("person", "person_locator", "card")
        for row in await tx.fetch(f"SELECT * FROM registry.{table} WHERE person_id = $1", one.person_id)  # noqa: S608
    ]
    assert len(rows) == 4
    at_rest = b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row.values()
    )
    for secret in (one.name, one.cert_no, one.cards[0].card_no):
        assert secret.encode() not in at_rest


async def test_a_seal_moved_to_another_person_is_broken(tx: Tx, vault: Vault) -> None:
    await registry.register_people(tx, vault, [person(3), person(4, name="保大安")])
    await tx.execute(
        "UPDATE registry.person p SET name = q.name FROM registry.person q WHERE p.person_id = $1 AND q.person_id = $2",
        person(3).person_id,
        person(4).person_id,
    )
    with pytest.raises(SealBroken):
        await registry.person(tx, vault, person(3).person_id)


@pytest.mark.parametrize(
    "typed",
    ["99888819580315005X", "99888819580315005x", " 998888 19580315 005X", "９９８８８８１９５８０３１５００５Ｘ"],
)
async def test_a_certificate_is_found_however_it_is_typed(tx: Tx, vault: Vault, typed: str) -> None:
    await registry.register_people(tx, vault, [person(5)])
    assert await registry.find_by_certificate(tx, vault, "01", typed) == person(5).person_id


async def test_a_number_of_another_kind_of_certificate_finds_nobody(tx: Tx, vault: Vault) -> None:
    await registry.register_people(tx, vault, [person(5), person(6, cert_type="17", cert_no=person(5).cert_no)])
    assert await registry.find_by_certificate(tx, vault, "17", person(5).cert_no) == person(6).person_id
    assert await registry.find_by_certificate(tx, vault, "08", person(5).cert_no) is None


@pytest.mark.parametrize("state", ["normal", "lost", "frozen", "inactive"])
async def test_a_card_is_found_with_its_state(
    pool: Pool, vault: Vault, new_person: NewPerson, state: CardState
) -> None:
    """A card that is lost or frozen must be told from one that does not exist (A8)."""
    one = await new_person(card=state)
    assert await registry.find_by_card(pool, vault, one.cards[0].card_no) == CardFound(one.person_id, state)


async def test_nobody_is_found_by_a_card_that_nobody_has(pool: Pool, vault: Vault, new_person: NewPerson) -> None:
    one = await new_person(card=None)
    assert await registry.find_by_card(pool, vault, one.cert_no) is None


async def test_relations_come_newest_first(pool: Pool, new_person: NewPerson) -> None:
    old, new = insured("610100", state="4", since_on=date(2001, 7, 1)), insured("341100", since_on=date(2024, 7, 1))
    one = await new_person(insurances=[old, new])
    assert await registry.relations(pool, one.person_id) == [new, old]


async def test_a_person_without_insurance_has_no_relations(pool: Pool, new_person: NewPerson) -> None:
    one = await new_person(insurances=[])
    assert await registry.relations(pool, one.person_id) == []


async def test_an_unknown_person_is_refused(tx: Tx, vault: Vault) -> None:
    with pytest.raises(registry.PersonUnknown):
        await registry.person(tx, vault, "980000000000")


RIVALS: dict[type[Refusal], Callable[[], Registrant]] = {
    registry.PersonTaken: lambda: person(8, person_id=person(7).person_id),
    registry.CertificateTaken: lambda: person(8, cert_no=person(7).cert_no.lower()),
    registry.CardTaken: lambda: person(8, cards=person(7).cards),
    registry.RelationTaken: lambda: person(8, insurances=(insured(),) * 2),
}


@pytest.mark.parametrize("refusal", RIVALS)
async def test_what_is_taken_is_refused_and_nothing_of_the_rest_stays(
    tx: Tx, vault: Vault, refusal: type[Refusal]
) -> None:
    await registry.register_people(tx, vault, [person(7)])
    with pytest.raises(refusal) as refused:
        await registry.register_people(tx, vault, [person(9), RIVALS[refusal]()])
    assert refused.value.__suppress_context__  # The database's own words quote a key.
    for number in (8, 9):  # The transaction goes on, and has seen neither of the two.
        with pytest.raises(registry.PersonUnknown):
            await registry.person(tx, vault, person(number).person_id)
        assert await registry.find_by_certificate(tx, vault, "01", person(number).cert_no) is None


async def test_one_card_twice_is_refused(tx: Tx, vault: Vault) -> None:
    with pytest.raises(registry.CardTaken):
        await registry.register_people(tx, vault, [person(10, cards=person(10).cards * 2)])


async def test_an_error_names_no_person(tx: Tx, vault: Vault) -> None:
    with pytest.raises(ValueError, match="person_person_id_check") as error:
        await registry.register_people(tx, vault, [person(11, person_id="98000000001X")])
    assert "98000000001X" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_traceback_with_local_variables_shows_no_person() -> None:
    one = person(12)
    shown = pretty_repr(one) + repr(one) + repr(one.cards) + pretty_repr(one.cards)
    for secret in (one.person_id, one.name, one.cert_no, one.cards[0].card_no):
        assert secret not in shown


async def test_people_come_in_chunks_and_all_arrive(tx: Tx, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_CHUNK", 4)
    assert await registry.register_people(tx, vault, (person(number) for number in range(100, 111))) == 11
    assert await registry.find_by_certificate(tx, vault, "01", person(110).cert_no) == person(110).person_id


async def test_a_refusal_in_a_later_chunk_takes_the_earlier_ones_back(
    tx: Tx, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_CHUNK", 2)
    with pytest.raises(registry.PersonTaken):
        await registry.register_people(tx, vault, [person(120), person(121), person(122), person(122)])
    assert await registry.find_by_certificate(tx, vault, "01", person(120).cert_no) is None


async def test_an_employer_sees_whom_it_insures_and_each_of_them_that_it_looked_once_a_day(
    pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    """B3."""
    employer = f"示例{secrets.token_hex(4)}有限公司"
    ours = [
        await new_person(name=name, insurances=(msgspec.structs.replace(insured(), employer=employer),))
        for name in ("医小川", "保安")
    ]
    await new_person()
    await new_person(insurances=(msgspec.structs.replace(insured("510100"), employer=employer),))  # Its namesake's.
    assert await registry.employed(pool, "510500", employer) == 2
    seen = await registry.employees(pool, vault, "510500", employer, limit=10)
    assert {one.name_masked for one in seen} == {"医*川", "保*"}
    assert {one.person_id for one in seen} == {one.person_id for one in ours}
    assert len(await registry.employees(pool, vault, "510500", employer, limit=1, offset=1)) == 1
    for later in (timedelta(), timedelta(hours=1), timedelta(days=1)):
        async with transaction(pool) as tx:
            await registry.note_looks(
                tx,
                vault,
                person_ids=[one.person_id for one in seen],
                looker="unit:1",
                looker_name=employer,
                purpose="查看职工参保情况",
                at=at + later,
            )
    assert [look.looked_at for look in await registry.looks(pool, vault, ours[0].person_id)] == [
        at + timedelta(days=1),
        at,
    ]


async def test_why_somebody_looked_is_sealed_and_older_looks_stay_readable(tx: Tx, vault: Vault, at: datetime) -> None:
    """F7: a reason that a clerk types may name people."""
    person_id, purpose = "990000000301", "窗口办理账户：家人医小川代办"
    await registry.note_look(
        tx, vault, person_id=person_id, looker="A1", looker_name="泸州市医保经办窗口", purpose=purpose, at=at
    )
    stored = await tx.fetchrow("SELECT l::text, sealed_purpose FROM registry.look l WHERE person_id = $1", person_id)
    assert stored is not None
    assert "医小川" not in stored[0]
    assert "医小川".encode() not in stored["sealed_purpose"]
    await tx.execute(
        "INSERT INTO registry.look (person_id, look_id, looker, looker_name, purpose, looked_at)"
        " VALUES ($1, 'before', 'A1', '泸州市医保经办窗口', '窗口办理账户', $2)",
        person_id,
        at - timedelta(days=1),
    )
    looks = await registry.looks(tx, vault, person_id)
    assert [look.purpose for look in looks] == [purpose, "窗口办理账户"]
