"""What papers prove, and what a place allows (B10)."""

from datetime import date

import pytest
from msgspec.structs import replace

from yibao.paper import Named, Paper
from yibao.service.family import rules
from yibao.service.family.rules import Registered
from yibao.service.family.states import CLOSED, MOVES
from yibao.service.family.terms import terms_of

CHILD = Registered("保小安", "01", "990101202604010030", "1", date(2026, 4, 1))
MOTHER = Registered("保大安", "01", "990101199312260040", "2", date(1993, 12, 26))


def named(one: Registered, role: str = "member", relation: str = "", *unsure: str) -> Named:
    return Named(role, one.name, one.gender, one.birth_on, one.cert_no, relation, frozenset(unsure))  # type: ignore[arg-type]


def page(one: Named) -> Paper:
    return Paper("register_member", (one,))


def register(child: Named, guardian: Named) -> list[Paper | None]:
    return [page(child), page(guardian)]


def birth(*people: Named, number: str = "Z990000123", unsure: frozenset[str] = frozenset()) -> list[Paper | None]:
    return [Paper("birth", people, number, unsure)]


OF_CHILD, OF_MOTHER = named(CHILD, "member", "长子"), named(MOTHER, "member", "妻")
BORN, BY = replace(OF_CHILD, role="child", cert_no="", relation=""), replace(OF_MOTHER, role="mother", relation="")


@pytest.mark.parametrize(
    ("papers", "found"),
    [
        (register(OF_CHILD, OF_MOTHER), ()),
        (register(OF_CHILD, replace(OF_MOTHER, relation="户主")), ()),
        ([*register(OF_CHILD, OF_MOTHER), Paper("register_head", (Named("head", "禾有阳"),))], ()),
        (birth(BORN, BY), ()),
        ([], ("unreadable",)),
        ([None, None], ("unreadable",)),
        ([Paper("id_card", (named(MOTHER, "holder"),))], ("unreadable",)),
        (register(OF_MOTHER, OF_MOTHER), ("child_missing",)),
        ([page(OF_CHILD)], ("guardian_missing",)),
        (register(replace(OF_CHILD, name="保小山"), OF_MOTHER), ("child_name",)),
        (register(replace(OF_CHILD, cert_no="990101202604010049"), OF_MOTHER), ("child_number",)),
        (register(replace(OF_CHILD, birth_on=date(2026, 4, 2)), OF_MOTHER), ("child_birth",)),
        (register(replace(OF_CHILD, gender="2"), OF_MOTHER), ("child_birth",)),
        (register(OF_CHILD, replace(OF_MOTHER, name="保大山")), ("guardian_name",)),
        (register(OF_CHILD, replace(OF_MOTHER, cert_no="990101199312260059")), ("guardian_number",)),
        (register(replace(OF_CHILD, relation="孙子"), OF_MOTHER), ("kinship",)),
        (register(OF_CHILD, replace(OF_MOTHER, relation="儿媳")), ("kinship",)),
        (
            [
                *register(OF_CHILD, replace(OF_MOTHER, relation="户主")),
                Paper("register_head", (Named("head", "某某某"),)),
            ],
            ("kinship",),
        ),
        (register(replace(OF_CHILD, unsure=frozenset({"name"})), OF_MOTHER), ("unsure",)),
        (register(replace(OF_CHILD, cert_no=""), OF_MOTHER), ("unsure",)),
        (register(OF_CHILD, replace(OF_MOTHER, unsure=frozenset({"relation"}))), ("unsure",)),
        (birth(BORN, replace(BY, name="别的人", cert_no="990101199312260059")), ("guardian_missing",)),
        (birth(BY), ("child_missing",)),
    ],
)
def test_what_keeps_papers_from_proving(papers: list[Paper | None], found: tuple[str, ...]) -> None:
    assert rules.findings(papers, child=CHILD, guardian=MOTHER) == found


def test_a_newborn_known_by_the_certificate_of_birth_is_compared_by_its_number() -> None:
    newborn = replace(CHILD, cert_type=rules.BIRTH_CERTIFICATE, cert_no="Z990000123")
    assert rules.findings(birth(BORN, BY), child=newborn, guardian=MOTHER) == ()
    other = birth(BORN, BY, number="Z990000124", unsure=frozenset({"number"}))
    assert rules.findings(other, child=newborn, guardian=MOTHER) == ("child_number", "unsure")


def test_every_place_has_terms_and_every_value_says_on_what_it_rests() -> None:
    for place in ("510500", "310000", "", "999999"):
        terms = terms_of(place)
        values = set(terms.__struct_fields__) - {"basis", "child_code_name"}
        assert values <= set(terms.basis)
        assert terms.members_max >= 1
        assert set(terms.relations) <= set(rules.RELATIONS)
    assert terms_of("310000").child_code_name == "亲属随申码"
    assert terms_of("310115").child_code_name == "亲属随申码"  # By its province.
    assert terms_of("510500").child_code_name == "儿童医保电子码"


def test_a_decided_application_moves_only_by_the_look_afterwards() -> None:
    assert [move for move in MOVES if move[0] in CLOSED] == [("accepted", "refused")]
