"""The synthetic world is one world per seed, harmless to real people, and holds everybody that later tests call for."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import islice

import pytest

from yibao.benefit.types import DISEASE_NAMES, QUALIFICATIONS
from yibao.core.money import fen_of
from yibao.sandbox.world import (
    CITIES,
    PEOPLE_MAX,
    PLACES,
    ROLES,
    Institution,
    Item,
    Person,
    Qualification,
    build,
    iter_people,
)
from yibao.sandbox.world.catalogue import initials
from yibao.sandbox.world.numbers import certificate_no, check_character, luhn_digit

ON = date(2026, 5, 1)
SEED = 20260101
WORLD = build(on=ON)


def item(name: str) -> Item:
    (found,) = (item for item in WORLD.items if item.name == name)
    return found


# One world per seed


def test_the_same_seed_gives_the_same_world() -> None:
    assert build(on=ON) == WORLD


def test_another_seed_gives_other_people_with_the_same_roles_and_logins() -> None:
    other = build(seed=7, on=ON)
    assert not {p.person_id for p in other.people} & {p.person_id for p in WORLD.people}
    assert [p.special for p in other.people] == [p.special for p in WORLD.people]
    assert [p.phone for p in other.people] == [p.phone for p in WORLD.people]
    assert other.institutions == WORLD.institutions


def test_a_larger_world_begins_with_the_same_people() -> None:
    assert build(people=500, on=ON).people[:200] == WORLD.people


def test_a_million_people_are_made_one_at_a_time() -> None:
    people = iter_people(SEED, 1_000_000, ON)
    assert tuple(islice(people, 200)) == WORLD.people


@pytest.mark.parametrize("count", [-1, PEOPLE_MAX + 1])
def test_a_world_that_would_repeat_numbers_is_refused_before_anybody_is_made(count: int) -> None:
    with pytest.raises(ValueError, match="a world holds"):
        iter_people(SEED, count, ON)


def test_within_a_year_only_newborns_depend_on_the_day() -> None:
    later = build(on=date(2026, 12, 31))
    moved = [
        before for before, after in zip(WORLD.people, later.people, strict=True) if before.cert_no != after.cert_no
    ]
    assert moved
    assert all(i.psn_type == "1401" for p in moved for i in p.insurances)


# Harmless to real people


def test_numbers_are_distinct_in_a_larger_world() -> None:
    people = build(people=5_000, on=ON).people
    columns: dict[str, Callable[[Person], list[str]]] = {
        "person_id": lambda p: [p.person_id],
        "cert_no": lambda p: [p.cert_no],
        "phone": lambda p: sorted({p.phone, p.bank_phone}),
        "card_no": lambda p: [p.card.card_no] if p.card else [],
        "bank_card": lambda p: [p.bank_card],
        "psn_no": lambda p: [i.psn_no for i in p.insurances],
    }
    for column, values in columns.items():
        counted = Counter(value for p in people for value in values(p))
        assert counted.total() == len(counted), column


@pytest.mark.parametrize("cert_type", ["01", "04", "07", "08", "17"])
def test_certificates_of_every_type_are_distinct_for_many_of_one_birthday(cert_type: str) -> None:
    numbers = {
        certificate_no(n, cert_type=cert_type, birth_on=date(1990, 1, 1), gender="1", seed=SEED) for n in range(3_000)
    }
    assert len(numbers) == 3_000


def test_numbers_have_the_published_forms() -> None:
    for p in WORLD.people:
        assert len(p.person_id) == 12
        assert p.person_id.isdigit()
        assert int(p.person_id) > 0
        assert len(p.phone) == len(p.bank_phone) == 11
        assert p.phone.startswith("199000")
        assert len(p.bank_card) == 19
        assert p.bank_card.startswith("622999")
        assert luhn_digit(p.bank_card[:-1]) == p.bank_card[-1]
        assert p.gender in {"1", "2"}
        if p.card:
            assert p.card.card_no[0].isalpha()
            assert p.card.card_no[1:].isdigit()
            assert len(p.card.card_no) == 9
        for i in p.insurances:
            assert len(i.psn_no) == 26
            assert i.psn_no.isdigit()
            assert i.psn_no.startswith(i.place)


def test_a_certificate_number_has_a_right_check_digit_and_an_area_that_does_not_exist() -> None:
    for p in WORLD.people:
        if p.cert_type not in {"01", "07", "17"}:
            continue
        assert p.cert_no.startswith("99")
        assert check_character(p.cert_no[:17]) == p.cert_no[17]
        assert p.cert_no[6:14] == f"{p.birth_on:%Y%m%d}"
        assert int(p.cert_no[16]) % 2 == (p.gender == "1")


def test_check_digits_agree_with_known_values() -> None:
    assert check_character("11010519491231002") == "X"  # The example printed in GB 11643.
    assert luhn_digit("7992739871") == "3"  # The example printed in most texts on Luhn's formula.


def test_dates_are_in_the_order_of_a_life() -> None:
    for p in build(people=2_000, on=ON).people:
        assert p.birth_on <= ON
        if p.card:
            assert p.birth_on < p.card.issued_on < ON
        for i in p.insurances:
            assert p.birth_on <= i.since_on <= ON
            assert i.since_on <= i.paid_to
            assert (i.paid_to >= ON) == (i.state == "1")


@pytest.mark.parametrize("on", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 3, 31), date(2026, 12, 31)])
def test_the_world_can_be_made_on_any_day(on: date) -> None:
    suspended = build(people=30, on=on).cast("suspended").insurances[0]
    assert suspended.since_on < suspended.paid_to < on


# Everybody that later tests call for


def test_two_hundred_people_live_in_six_cities_and_one_is_insured_by_the_province() -> None:
    assert len(WORLD.people) == 200
    assert set(CITIES) == {"510100", "510500", "310000", "610100", "341100", "320682"}
    assert set(PLACES) - set(CITIES) == {"519900"}
    here = Counter(i.place for p in WORLD.people for i in p.insurances)
    assert set(here) == set(PLACES)
    assert min(here[city] for city in CITIES) >= 15
    assert here["519900"] == 1


def test_every_place_has_each_kind_of_insured_person() -> None:
    kinds = {(i.place, i.insutype, i.psn_type) for p in WORLD.people for i in p.insurances if i.place in CITIES}
    employees = {("310", "11"), ("310", "12")}
    residents = {("390", psn_type) for psn_type in ("15", "16", "1401", "1402", "1403", "1404")}
    assert kinds == {(place, *kind) for place in CITIES for kind in employees | residents}


def test_only_employees_have_a_personal_account() -> None:
    for p in WORLD.people:
        for i in p.insurances:
            assert i.account_fen >= 0
            assert i.insutype == "310" or i.account_fen == 0


def test_the_first_four_are_the_people_of_luzhou() -> None:
    """The cast of the pharmacy journey (C1)."""
    first = [p.insurances[0] for p in WORLD.people[:4]]
    assert {(i.place, i.state, i.synced) for i in first} == {("510500", "1", True)}
    assert [(i.psn_type, i.account_fen) for i in first] == [
        ("12", 100_000),
        ("11", 200_000),
        ("12", 0),
        ("12", fen_of("245.00")),
    ]
    assert [p.phone for p in WORLD.people[:4]] == ["19900000001", "19900000002", "19900000003", "19900000004"]


SPECIALS: dict[str, Callable[[Person], bool]] = {
    "two_places": lambda p: len({i.place for i in p.insurances if i.state == "1"}) == 2,
    "moved": lambda p: [i.state for i in p.insurances] == ["1", "4"],
    "card_lost": lambda p: p.card is not None and p.card.state == "lost",
    "card_frozen": lambda p: p.card is not None and p.card.state == "frozen",
    "card_inactive": lambda p: p.card is not None and p.card.state == "inactive",
    "no_card": lambda p: p.card is None and bool(p.insurances),
    "not_synced": lambda p: not p.insurances[0].synced,
    "suspended": lambda p: p.insurances[0].state == "2",
    "ended": lambda p: p.insurances[0].state == "4",
    "uninsured": lambda p: p.insurances == (),
    "newly_insured": lambda p: (p.insurances[0].since_on, p.insurances[0].entitled_from) == (ON, date(2026, 11, 1)),
    "passport": lambda p: p.cert_type == "08" and p.name.isascii() and p.name_pinyin == p.name,
    "permanent_resident": lambda p: p.cert_type == "07" and len(p.cert_no) == 18,
    "hong_kong": lambda p: p.cert_type == "04" and p.cert_no.startswith("H99") and len(p.cert_no) == 9,
    "residence_permit": lambda p: p.cert_type == "17" and len(p.cert_no) == 18,
    "rare_character": lambda p: "䶮" in p.name and p.name_pinyin == "YI XIAOYAN",
    "rarer_character": lambda p: any(ord(character) > 0xFFFF for character in p.name),
    "dotted_name": lambda p: "·" in p.name and p.name_pinyin == "YILINA BAOXIAOAN",
    "ends_in_x": lambda p: p.cert_type == "01" and p.cert_no.endswith("X"),
    "other_bank_phone": lambda p: p.bank_phone != p.phone,
    "centenarian": lambda p: p.birth_on < ON.replace(year=ON.year - 100),
    "employed_empty": lambda p: (p.insurances[0].psn_type, p.insurances[0].account_fen) == ("11", 0),
    "luzhou_chronic": lambda p: holds(p, "510500", "12", "chronic", "M03900"),
    "chengdu_subsistence": lambda p: holds(p, "510100", "16", "aid", "subsistence"),
    "shanghai_retired_early": lambda p: holds(p, "310000", "12", "cohort", "retired_by_2000"),
    "xian_civil_servant": lambda p: holds(p, "610100", "11", "supplement", "civil_servant"),
    "provincial": lambda p: [(i.place, i.psn_type) for i in p.insurances] == [("519900", "11"), ("510100", "15")],
}


def holds(person: Person, place: str, psn_type: str, kind: str, code: str) -> bool:
    [insurance] = person.insurances
    held = Qualification(place, kind, code, insurance.since_on)
    return (insurance.place, insurance.psn_type) == (place, psn_type) and person.qualifications == (held,)


@pytest.mark.parametrize("role", SPECIALS)
def test_the_cast_plays_its_roles_in_every_world(role: str) -> None:
    for world in (WORLD, build(seed=7, people=max(ROLES.values()) + 1, on=ON)):
        p = world.cast(role)
        assert SPECIALS[role](p)
        assert p.special.endswith("。")


def test_what_people_hold_is_a_fact_that_benefits_depend_on_or_a_disease_with_a_name() -> None:
    for p in WORLD.people:
        for held in p.qualifications:
            known = DISEASE_NAMES if held.kind == "chronic" else QUALIFICATIONS[held.kind]
            assert held.code in known
            assert p.special


def test_who_waits_is_entitled_later_than_insured_and_on_the_first_of_a_month() -> None:
    for on in (ON, date(2026, 12, 31), date(2024, 2, 29)):
        insurance = build(people=30, on=on).cast("newly_insured").insurances[0]
        assert insurance.entitled_from is not None
        assert on < insurance.entitled_from
        assert insurance.entitled_from.day == 1
    assert [p for p in WORLD.people for i in p.insurances if i.entitled_from] == [WORLD.cast("newly_insured")]


def test_every_role_of_the_cast_is_looked_at() -> None:
    assert list(ROLES) == [
        "luzhou_retired",
        "luzhou_employed",
        "luzhou_retired_empty",
        "luzhou_retired_exact",
        *SPECIALS,
    ]


def test_whoever_is_not_special_is_in_order() -> None:
    ordinary = [p for p in WORLD.people if not p.special]
    assert len(ordinary) > 100
    for p in ordinary:
        assert p.cert_type == "01"
        assert p.card is not None
        assert p.card.state == "normal"
        assert p.bank_phone == p.phone
        assert [(i.state, i.synced) for i in p.insurances] == [("1", True)]


# Institutions


def test_institutions_offer_a_pharmacy_and_each_level_in_every_city_and_two_are_the_provinces() -> None:
    assert len(WORLD.institutions) == 32
    offered = Counter((i.place, i.kind, i.level) for i in WORLD.institutions)
    assert offered["519900", "pharmacy", "none"] == offered["519900", "hospital", "tertiary"] == 1
    for place in CITIES:
        assert offered[place, "pharmacy", "none"]
        for level in ("community", "secondary", "tertiary"):
            assert offered[place, "hospital", level]
    assert offered["510500", "pharmacy", "none"] >= 3


def test_codes_names_and_logins_of_institutions_are_distinct_and_well_formed() -> None:
    def distinct(values: list[str]) -> bool:
        return len(set(values)) == len(values)

    assert distinct([i.code for i in WORLD.institutions])
    assert distinct([i.name for i in WORLD.institutions])
    assert distinct([i.phone for i in WORLD.institutions])
    assert distinct([s.login for i in WORLD.institutions for s in i.staff])
    for i in WORLD.institutions:
        assert i.code == f"{'P' if i.kind == 'pharmacy' else 'H'}{i.place}{i.code[7:]}"
        assert len(i.code) == 12
        assert i.code[7:].isdigit()
        assert len(i.name) <= 20  # The envelope of the national interface carries no more everywhere.
        assert i.address.startswith(PLACES[i.place].city)
        assert i.staff[0].login == f"{i.code}-01"
        assert {s.role for s in i.staff} == {"cashier"}


def test_a_pharmacy_sells_and_a_hospital_treats() -> None:
    def services(institution: Institution) -> set[str]:
        return set(institution.services) - {"away"}

    for i in WORLD.institutions:
        if i.kind == "pharmacy":
            assert services(i) == {"pharmacy"}
        else:
            assert {"outpatient"} <= services(i) <= {"outpatient", "inpatient"}
    assert any("away" not in i.services for i in WORLD.institutions)


# Catalogue


def test_no_institution_announces_what_is_not_built() -> None:
    """B13: what a notice invites people to, they may try; the credit flag is the directory's own."""
    usages = [institution.usage for institution in WORLD.institutions]
    assert {medium for usage in usages for medium in usage.media} == {"code", "card", "id_card", "face"}
    assert {device for usage in usages for device in usage.hardware} <= {"scanner", "camera"}
    assert all(("face" in usage.media) == ("camera" in usage.hardware) for usage in usages)
    assert {usage.credit for usage in usages} == {True, False}
    said = "".join(usage.notice + usage.bring for usage in usages)
    for word in ("信用", "刷脸支付", "刷脸付款", "挂号", "预约", "自助机"):
        assert word not in said


def test_the_catalogue_has_sixty_items_of_every_kind_and_class() -> None:
    assert len(WORLD.items) == len({i.code for i in WORLD.items}) == len({i.name for i in WORLD.items}) == 60
    assert {(i.kind, i.list_type) for i in WORLD.items} == {
        ("drug", "101"),
        ("drug", "102"),
        ("service", "201"),
        ("bed", "201"),
        ("material", "301"),
    }
    rates = {cls: {i.own_pay_rate for i in WORLD.items if i.charge_class == cls} for cls in "ABC"}
    assert rates == {
        "A": {Decimal(0)},
        "B": {Decimal("0.05"), Decimal("0.10"), Decimal("0.20")},
        "C": {Decimal(1)},
    }


def test_codes_have_the_national_form() -> None:
    for i in WORLD.items:
        assert i.code.isalnum()
        match i.kind, i.code[0]:
            case "drug", "X":
                assert len(i.code) == 23
            case "drug", "Z":
                assert len(i.code) == 20
            case "drug", "T":
                assert len(i.code) == 10
            case "service" | "bed", "0":
                assert len(i.code) == 15
            case "material", "C":
                assert len(i.code) == 20
            case other:
                pytest.fail(f"unexpected code {other}")


def test_prices_are_positive_and_have_at_most_six_decimals() -> None:
    for i in WORLD.items:
        assert i.price > 0
        assert i.price == i.price.quantize(Decimal("0.000001"))
        assert i.price_limit is None or i.price_limit > 0
        assert i.unit
        assert bool(i.maker) == (i.kind in ("drug", "material"))


def test_a_purchase_of_420_yuan_with_400_in_scope_can_be_made() -> None:
    """C1: two boxes in class 甲 and one outside the catalogue."""
    inside, outside = item("苯磺酸氨氯地平片"), item("地喹氯铵含片")
    assert (inside.charge_class, outside.charge_class) == ("A", "C")
    assert 2 * inside.price == Decimal("400.00")
    assert 2 * inside.price + outside.price == Decimal("420.00")


def test_the_catalogue_holds_what_is_hard_to_price() -> None:
    assert any(i.price_limit is not None and i.price > i.price_limit for i in WORLD.items)
    assert any(i.kind == "material" and 5_000 < i.price <= 20_000 for i in WORLD.items)
    assert any(-int(i.price.as_tuple().exponent) == 6 for i in WORLD.items)


def test_initials_follow_the_reading_of_the_name_and_not_of_the_character() -> None:
    """D4: 参 alone is read cān, 重 alone zhòng, 阿 alone ā."""
    assert item("参苓白术散").initials == "SLBZS"
    assert item("重组人胰岛素注射液").initials == "CZRYDSZSY"
    assert item("阿胶").initials == "EJ"
    assert initials("X线计算机体层(CT)平扫") == "XXJSJTCCTPS"
