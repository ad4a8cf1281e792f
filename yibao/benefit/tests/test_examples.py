"""The figures that public pages print, and those that follow from the rules by hand, come out to the fen (E6)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yibao.benefit import PUBLISHED, SHIPPED, PolicyError, load_policy, run_examples
from yibao.benefit.examples import Outcome, load_examples

PLACES = [place for folder in (SHIPPED, PUBLISHED) for place in sorted(folder.iterdir())]

# The complete worked examples that were found in public pages. What credits an account (ACC-01, ACC-02) is not a bill.
COMPLETE = (
    "SC-LZ-01", "SC-LZ-02", "SC-CD-01", "SC-CD-02", "SH-01", "SN-XA-01", "SN-XA-02", "SN-XA-03", "JS-NT-01", "JS-NT-02",
    "JS-YZ-01", "JS-YZ-02", "JS-JYN-01", "CQ-YB-01", "GD-JM-01", "LN-DD-01", "LN-DL-01", "LN-DL-02", "ZJ-QZ-01",
    "BJ-01", "CAT-02", "GEN-SEG-01", "GEN-RND-01", "NEG-01",
)  # fmt: skip


REPORTS = {place: run_examples(place) for place in PLACES}
OUTCOMES = {f"{place.name}:{each.example.id}": each for place in PLACES for each in REPORTS[place].outcomes}


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
def test_the_example_comes_out_to_the_fen(outcome: Outcome) -> None:
    assert outcome.differences == ()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_step_of_a_policy_is_reached_by_an_example(place: Path) -> None:
    assert REPORTS[place].unreached == ()
    assert REPORTS[place].holds


@pytest.mark.parametrize("published", COMPLETE)
def test_every_complete_published_example_is_worked_out(published: str) -> None:
    assert published in {each.example.id for each in OUTCOMES.values()}


def test_the_published_examples_of_luzhou_are_marked_as_published() -> None:
    published = {each.id for each in load_examples(load_policy(SHIPPED / "510500_luzhou")) if each.published}
    assert published == {"SC-LZ-01", "SC-LZ-02"}


def test_a_changed_value_is_caught_by_the_examples(luzhou: Path, edit: Callable[[str, str, str], int]) -> None:
    edit("policy.yaml", 'retired: "0.70"', 'retired: "0.71"')
    report = run_examples(luzhou)
    assert not report.holds
    first = report.outcomes[0]
    assert [(each.name, each.expected, each.actual) for each in first.differences[:2]] == [
        ("pool_ratio", "0.7", "0.71"),
        ("funds.310102", "175.00", "177.50"),
    ]


def test_an_unexpected_refusal_is_a_difference(luzhou: Path, edit: Callable[[str, str, str], int]) -> None:
    edit("policy.yaml", "when: {visit_kind: [pharmacy, outpatient], filing: [local]}", "when: {filing: [filed]}")
    first = run_examples(luzhou).outcomes[0]
    assert ("refusal", "", "benefit.no_rule") in [(each.name, each.expected, each.actual) for each in first.differences]


def test_a_step_that_no_example_reaches_is_named(luzhou: Path) -> None:
    text = (luzhou / "examples.yaml").read_text(encoding="utf-8")
    (luzhou / "examples.yaml").write_text(text[: text.index("  - id: LZ-DEDUCTIBLE-SHARED")], encoding="utf-8")
    assert run_examples(luzhou).unreached == ("insurance.employee.outpatient.steps[3]",)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("id: SC-LZ-02", "id: SC-LZ-01", "id“SC-LZ-01”已经用过"),
        ('tallies: {outpatient.deductible_met: "100.00"}', "tally: {}", "有不认识的键“tally”"),
        ("  filing: local\n  on:", "  on:", "缺少“filing”"),
        ("  filing: local\n", "  filing: nearby\n", "“nearby”不在可选的值之中"),
        ('class: A, quantity: "1", unit_price: "149.99"', 'class: 甲, quantity: "1", unit_price: "149.99"', "“甲”"),
        ('unit_price: "149.99"', 'unit_price: "149.9999999"', "“149.9999999”不是允许的数"),
        ('expect: {deductible: "149.99"', 'expect: {deduct: "149.99"', "有不认识的键“deduct”"),
        ('expect: {deductible: "149.99"', 'expect: {deductible: "149.995"', "“149.995”不是金额"),
        ("    working: 149.99<150\n", "", "缺少“working”"),
        ('place: "510500"\n\ncommon:', 'place: "510100"\n\ncommon:', "“510100”不在可选的值之中"),
    ],
)
def test_a_mistake_in_the_examples_is_named(
    luzhou: Path, edit: Callable[[str, str, str], int], old: str, new: str, says: str
) -> None:
    edit("examples.yaml", old, new)
    with pytest.raises(PolicyError, match=says) as error:
        run_examples(luzhou)
    assert error.value.file == luzhou / "examples.yaml"
