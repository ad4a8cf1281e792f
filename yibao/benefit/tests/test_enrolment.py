"""Premiums, credits to personal accounts and waiting periods follow from the data of a place (E6)."""

import shutil
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from typer.testing import CliRunner

from yibao import benefit
from yibao.benefit import Insured, NoPolicy, NoRule, Policies, PolicyError, WageUnknown, credit, premium, waiting_until
from yibao.benefit.terms import PART_LABELS, Terms
from yibao.cli.main import app

PUBLISHED = Path(benefit.__file__).parent / "published"

POLICY = """
place: "990100"
label: 参保检验
sources: {law: {title: 仅供检验, grade: K}}
figures:
  wage:
    label: 上年平均工资
    amount:
      2025-01-01: {value: "8636.67", source: law, grade: K, verified: false}
      2026-01-01: {value: "9000.00", source: law, grade: K, verified: false}
enrolment:
  resident:
    premium:
      - label: 居民缴费
        every: year
        amount:
          2025-01-01: {by: [aid, age], value: {none: {0: "355.00", 19: "995.00", 60: "825.00"},
                       subsistence: {0: "0.00"}}, source: law, grade: K, verified: false}
          2027-01-01: ended
  employee:
    base:
      label: 月缴费基数
      floor:
        2025-01-01: {value: {share: "0.60", of: wage}, source: law, grade: K, verified: false}
      cap:
        2025-01-01: {value: "25910.00", source: law, grade: K, verified: false}
    premium:
      - label: 在职职工缴费
        when: {person_kind: [employed], employment: [none]}
        every: month
        rounding: down
        rate:
          2025-01-01: {value: "0.02", source: law, grade: K, verified: false}
        employer_rate:
          2025-01-01: {value: "0.075", source: law, grade: K, verified: false}
      - label: 灵活就业人员缴费
        when: {person_kind: [employed], employment: [flexible]}
        every: month
        rounding: half_up
        rate:
          2025-01-01: {value: "0.095", source: law, grade: K, verified: false}
    credit:
      - label: 退休人员划入
        when: {person_kind: [retired]}
        every: month
        amount:
          2025-01-01: {value: {share: "0.02", of: wage}, source: law, grade: K, verified: false}
    waiting:
      - label: 灵活就业人员等待期
        when: {employment: [flexible]}
        from: day
        months:
          2025-01-01: {by: [reason], value: {in_time: "0", first: "6", broken: "6"}, source: law, grade: K,
                       verified: false}
        months_per_missed_year:
          2025-01-01: {value: "1", source: law, grade: K, verified: false}
        waived_within_months:
          2025-01-01: {value: "3", source: law, grade: K, verified: false}
      - label: 单位职工等待期
        when: {employment: [none]}
        from: next_month
        months:
          2025-01-01: {value: "1", source: law, grade: K, verified: false}
"""

PERSON = Insured(place="990100", insurance="employee", person_kind="employed", age=40, on=date(2026, 5, 1))
FLEXIBLE = replace(PERSON, qualifications=frozenset({"flexible"}))
RESIDENT = replace(PERSON, insurance="resident", person_kind="adult")


def written(folder: Path, policy: str) -> Path:
    place = folder / "990100_joined"
    place.mkdir()
    (place / "policy.yaml").write_text(policy, encoding="utf-8")
    return place


@pytest.fixture(scope="session")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """The place 990100."""
    return Policies([benefit.load_policy(written(tmp_path_factory.mktemp("policies"), POLICY))])


@pytest.mark.parametrize(("place", "example"), [("990010", "ACC-01"), ("990011", "ACC-02")])
def test_the_published_credits_come_out(place: str, example: str) -> None:
    report = benefit.run_examples(PUBLISHED / f"{place}_credit")
    assert [(each.example.id, each.example.published, each.differences) for each in report.outcomes] == [
        (example, True, ())
    ]
    assert report.holds


def test_a_wage_below_the_floor_is_lifted_and_every_value_is_cited() -> None:
    using = Policies.load(PUBLISHED)
    found = credit(replace(PERSON, place="990010", wage_fen=4000_00), using=using)
    assert (found.base_fen, found.amount_fen, found.every) == (5182_00, 103_64, "month")
    assert [basis.rule.split(".")[2:4] for basis in found.basis] == [["base", "floor"], ["credit[0]", "rate"]]
    assert credit(replace(PERSON, place="990011", wage_fen=5000_00), using=using).amount_fen == 100_00


@pytest.mark.parametrize(
    ("wage_fen", "base_fen"),
    [(0, 5400_00), (5399_99, 5400_00), (5400_01, 5400_01), (25910_00, 25910_00), (25910_01, 25910_00)],
)
def test_the_wage_counts_within_its_bounds(joined: Policies, wage_fen: int, base_fen: int) -> None:
    assert premium(replace(PERSON, wage_fen=wage_fen), using=joined).base_fen == base_fen


def test_a_bound_follows_the_figure_of_its_day(joined: Policies) -> None:
    before = premium(replace(PERSON, wage_fen=0, on=date(2025, 12, 31)), using=joined)
    assert before.base_fen == 5182_00  # 8636.67 * 60% = 5182.002
    assert [basis.rule.partition(".")[0] for basis in before.basis] == ["enrolment", "figures", *["enrolment"] * 3]


def test_both_shares_are_rounded_as_the_item_says(joined: Policies) -> None:
    # 6000.33 * 2% = 120.0066, * 7.5% = 450.02475, * 9.5% = 570.03135
    wage_fen = 6000_33
    found = premium(replace(PERSON, wage_fen=wage_fen), using=joined)
    assert (found.label, found.amount_fen, found.employer_fen) == ("在职职工缴费", 120_00, 450_02)
    found = premium(replace(FLEXIBLE, wage_fen=wage_fen), using=joined)
    assert (found.label, found.amount_fen, found.employer_fen) == ("灵活就业人员缴费", 570_03, None)
    assert premium(replace(FLEXIBLE, wage_fen=6000_37), using=joined).amount_fen == 570_04  # 570.03515


@given(st.integers(0, 10**15))
def test_more_wage_is_never_a_smaller_premium(joined: Policies, wage_fen: int) -> None:
    less, more = (premium(replace(PERSON, wage_fen=each), using=joined) for each in (wage_fen, wage_fen + 100))
    assert 0 <= less.amount_fen <= more.amount_fen
    assert less.employer_fen is not None
    assert more.employer_fen is not None
    assert 0 <= less.employer_fen <= more.employer_fen


@pytest.mark.parametrize(("age", "fen"), [(0, 355_00), (18, 355_00), (19, 995_00), (59, 995_00), (60, 825_00)])
def test_a_resident_pays_a_fixed_amount_a_year_by_age(joined: Policies, age: int, fen: int) -> None:
    found = premium(replace(RESIDENT, age=age), using=joined)
    assert (found.amount_fen, found.every, found.base_fen, found.employer_fen) == (fen, "year", None, None)


def test_what_a_person_holds_decides_too(joined: Policies) -> None:
    assert premium(replace(RESIDENT, qualifications=frozenset({"subsistence"})), using=joined).amount_fen == 0


def test_a_credit_may_be_a_share_of_a_figure(joined: Policies) -> None:
    retired = replace(PERSON, person_kind="retired", age=61)
    assert credit(retired, using=joined).amount_fen == 180_00
    assert credit(replace(retired, on=date(2025, 6, 1)), using=joined).amount_fen == 172_73  # 172.7334


@pytest.mark.parametrize(
    ("joined_on", "reason", "gap_months", "missed_years", "until"),
    [
        (date(2026, 5, 1), "in_time", None, 0, None),
        (date(2026, 5, 1), "first", None, 0, date(2026, 11, 1)),
        (date(2026, 8, 31), "first", None, 0, date(2027, 2, 28)),  # February has no 31st.
        (date(2027, 8, 31), "first", None, 0, date(2028, 2, 29)),
        (date(2026, 6, 30), "first", None, 0, date(2026, 12, 30)),
        (date(2026, 5, 1), "broken", 3, 0, None),
        (date(2026, 5, 1), "broken", 4, 0, date(2026, 11, 1)),
        (date(2026, 5, 1), "broken", None, 0, date(2026, 11, 1)),
        (date(2026, 5, 1), "broken", 30, 2, date(2027, 1, 1)),
        (date(9999, 12, 31), "first", None, 0, date.max),
    ],
)
def test_funds_pay_when_the_wait_is_over(
    joined: Policies, joined_on: date, reason: str, gap_months: int | None, missed_years: int, until: date | None
) -> None:
    who = replace(FLEXIBLE, on=joined_on, reason=reason, gap_months=gap_months, missed_years=missed_years)
    found = waiting_until(who, using=joined)
    assert found.value == until
    assert found.basis


def test_a_wait_may_be_counted_from_the_month_after_joining(joined: Policies) -> None:
    assert waiting_until(replace(PERSON, on=date(2026, 1, 31)), using=joined).value == date(2026, 3, 1)
    assert waiting_until(replace(PERSON, on=date(2026, 12, 1)), using=joined).value == date(2027, 2, 1)


@pytest.mark.parametrize(
    ("ask", "who", "lacking"),
    [
        (premium, replace(PERSON, person_kind="retired"), "enrolment.employee（个人缴费）"),
        (credit, replace(PERSON, wage_fen=1), "enrolment.employee（个人账户划入）"),
        (credit, RESIDENT, "enrolment.resident（个人账户划入）"),
        (waiting_until, replace(FLEXIBLE, reason="late"), "waiting[0].months.2025-01-01.value.late"),
        (premium, replace(RESIDENT, on=date(2024, 12, 31)), "premium[0].amount（2024-12-31 当日的值）"),
        (premium, replace(RESIDENT, on=date(2027, 1, 1)), "premium[0].amount.2027-01-01.value"),
    ],
)
def test_what_no_rule_says_is_refused(joined: Policies, ask: Callable[..., object], who: Insured, lacking: str) -> None:
    with pytest.raises(NoRule) as refused:
        ask(who, using=joined)
    assert lacking in refused.value.hint_text
    assert "参保检验" in refused.value.detail_text
    assert any(label in refused.value.detail_text for label in PART_LABELS.values())


def test_a_place_without_rules_and_a_wage_that_is_not_known_are_refused(joined: Policies) -> None:
    with pytest.raises(NoPolicy):
        premium(replace(PERSON, place="460100"), using=joined)
    with pytest.raises(WageUnknown) as refused:
        premium(PERSON, using=joined)
    assert "参保检验的“在职职工缴费”" in refused.value.detail_text
    assert premium(replace(PERSON, place="990104", wage_fen=1), using=joined)  # A county follows its city.


@pytest.mark.parametrize(
    "changes",
    [
        {"wage_fen": -1},
        {"age": -1},
        {"reason": "first", "gap_months": 0},
        {"reason": "late", "missed_years": 1},
        {"reason": "broken", "missed_years": 101},
        {"reason": "broken", "gap_months": -1},
        {"qualifications": frozenset({"rich"})},
        {"qualifications": frozenset({"subsistence", "margin"})},
    ],
)
def test_a_person_that_cannot_be_is_not_accepted(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at least 0|misses more|joins again|qualification"):
        replace(PERSON, **changes)


def test_every_value_is_stated_in_words_and_the_figures_first(joined: Policies) -> None:
    stated = list(joined.of("990100").stated(date(2026, 5, 1)))
    said = {(each.insurance, each.group, each.step, each.text) for each in stated}
    assert {
        ("", "公布的数字", "上年平均工资", "9000.00 元"),
        ("employee", "缴费基数", "月缴费基数", "上年平均工资的 60%"),
        ("employee", "个人缴费", "在职职工缴费", "7.5%"),
        ("employee", "待遇等待期", "单位职工等待期", "1 个月"),
        ("resident", "个人缴费", "居民缴费", "995.00 元"),
    } <= said
    assert stated[0].insurance == ""
    assert stated[0].name == "amount.2026-01-01.value"
    assert {each.part for each in stated} == {""}


def test_the_parts_of_the_terms_are_those_that_have_a_label() -> None:
    assert [each.name for each in fields(Terms)] == list(PART_LABELS)


@pytest.mark.parametrize(
    ("old", "new", "problem", "expected"),
    [
        ("  resident:\n", "  student:\n", "“student”不在可选的值之中", "employee、resident"),
        ("    credit:\n", "    credits:\n", "有不认识的键“credits”", "base、premium、credit、waiting 之一"),
        ("by: [aid, age]", "by: [filing, age]", "“filing”不在可选的值之中", "person_kind、"),
        ("by: [aid, age]", "by: [aid, disease]", "“disease”不在可选的值之中", "reason、age"),
        ("first: \"6\"", "second: \"6\"", "“second”不在可选的值之中", "in_time、first、late、broken、exempt"),
        ("first: \"6\"", "first: \"half\"", "“half”的写法不对", "月数"),
        ("from: day", "from: tomorrow", "“tomorrow”不在可选的值之中", "day、next_month"),
        ("rounding: down", "rounding: up", "“up”不在可选的值之中", "half_up、down"),
        ("        rounding: down\n", "", "缺少“rounding”", "写明 rounding"),
        ("every: year", "every: week", "“week”不在可选的值之中", "month、year"),
        ("        amount:\n          2025-01-01: {value: {share", "        rate:\n          2025-01-01: {value: {share",
         "缺少“rounding”", "写明 rounding"),
        ("employment: [none]}\n        every", "employment: [flexible]}\n        every", "与“在职职工缴费”适用",
         "只适用一项"),
        ("    when: {employment: [none]}\n        from", "    from", "与“灵活就业人员等待期”适用", "只适用一项"),
        ("when: {employment: [flexible]}\n", "when: {visit_kind: [outpatient]}\n", "“visit_kind”不在可", "person_kind"),
        ("of: wage}, source", "of: income}, source", "“income”不在可选的值之中", "wage"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_terms_is_named(tmp_path: Path, old: str, new: str, problem: str, expected: str) -> None:
    assert old in POLICY
    with pytest.raises(PolicyError) as error:
        benefit.load_policy(written(tmp_path, POLICY.replace(old, new, 1)))
    assert problem in error.value.problem
    assert expected in error.value.expected


def test_bounds_without_a_bound_and_a_credit_from_an_employer_are_refused(tmp_path: Path) -> None:
    text = (PUBLISHED / "990010_credit" / "policy.yaml").read_text("utf-8").replace("990010", "990100")
    at = text.index("      floor:")
    without = text[:at] + text[text.index("    credit:") :]
    with pytest.raises(PolicyError, match="没有上限，也没有下限"):
        benefit.load_policy(written(tmp_path, without))
    (tmp_path / "more").mkdir()
    with pytest.raises(PolicyError, match="有不认识的键“employer_rate”"):
        benefit.load_policy(
            written(tmp_path / "more", text.replace("        rate:", "        employer_rate: {}\n        rate:"))
        )


def test_a_figure_depends_only_on_what_every_question_knows(tmp_path: Path) -> None:
    by_level = POLICY.replace('{value: "9000.00"', '{by: [institution_level], value: {tertiary: "9000.00"}')
    with pytest.raises(PolicyError, match="“institution_level”不在可选的值之中"):
        benefit.load_policy(written(tmp_path, by_level))


def test_a_file_with_neither_benefits_nor_terms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="写明 insurance 或 enrolment"):
        benefit.load_policy(written(tmp_path, POLICY.partition("enrolment:")[0]))


@pytest.fixture
def credited(tmp_path: Path) -> Path:
    """A copy of the folder of ACC-01, to be changed."""
    return Path(shutil.copytree(PUBLISHED / "990010_credit", tmp_path / "990010_credit"))


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("wage:", "salary:", "有不认识的键“salary”"),
        ('wage: "4000.00"', "missed_years: 2", "中断的时间写得不对"),
        ("expect: {credit:", "expect: {fund:", "“fund”不在可选的值之中"),
        ('credit: "103.64"', "credit: benefit.no_such_thing", "“benefit.no_such_thing”不在可选"),
        ('credit: "103.64"', "entitled_from: tomorrow", "“tomorrow”的写法不对"),
        ("ask:", "case:", "有不认识的键“case”"),
        ("enrolment:", "dues:", "有不认识的键“dues”"),
    ],
)
def test_a_mistake_in_the_examples_is_named(credited: Path, old: str, new: str, says: str) -> None:
    change(credited / "examples.yaml", old, new)
    with pytest.raises(PolicyError, match=says):
        benefit.run_examples(credited)


def test_an_example_without_its_list_is_refused(credited: Path) -> None:
    (credited / "examples.yaml").write_text('place: "990010"\n', encoding="utf-8")
    with pytest.raises(PolicyError, match="写明 examples 或 enrolment"):
        benefit.run_examples(credited)


def test_a_value_that_the_examples_do_not_bear_out_and_an_item_without_an_example_fail_the_check(
    credited: Path,
) -> None:
    change(credited / "policy.yaml", "5182.00", "5183.00")
    change(
        credited / "policy.yaml",
        "    credit:\n",
        "    credit:\n"
        "      - label: 退休人员\n        when: {person_kind: [retired]}\n        every: month\n        amount:\n"
        '          2024-01-01: {value: "100.00", grade: assumed, verified: false, note: 仅供检验。}\n',
    )
    found = CliRunner().invoke(app, ["policy", "check", str(credited)])
    assert found.exit_code == 1
    assert "  ACC-01 credit：应为 103.64，算得 103.66" in found.stdout
    assert "  enrolment.employee.credit[0]：没有一个算例走到这一步" in found.stdout
    assert "3 个数值，已核实 0 个，假定 1 个：没有通过" in found.stdout


def test_the_values_are_shown_and_compared(joined: Policies, tmp_path: Path) -> None:
    folder = str(joined.of("990100").folder)
    shown = CliRunner().invoke(app, ["policy", "show", folder, "--on", "2026-05-01"]).stdout
    assert "\n公布的数字\n  上年平均工资\n    amount.2026-01-01.value：9000.00 元（2026-01-01 起；" in shown
    assert "\n职工医保 待遇等待期\n  灵活就业人员等待期\n    months.2025-01-01.value.in_time：0 个月" in shown
    other = written(tmp_path, POLICY.replace('"9000.00"', '"9100.00"').replace('first: "6"', 'first: "3"'))
    said = CliRunner().invoke(app, ["policy", "diff", folder, str(other)]).stdout.splitlines()
    assert [line.partition("：")[0] for line in said] == [
        "公布的数字 上年平均工资 amount.2026-01-01.value",
        "职工医保 待遇等待期 灵活就业人员等待期 months.2025-01-01.value.first",
    ]
