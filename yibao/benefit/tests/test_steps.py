"""Steps for inpatients: deductibles by admission, rates by age, segments, and published figures (C1)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yibao.benefit import Assessment, Case, Line, NoRule, Policies, PolicyError, assess, load_policy, sentence

Make = Callable[..., Case]
MakeLine = Callable[..., Line]

INPATIENT = {"insured_place": "991000", "visit_kind": "inpatient", "institution_kind": "hospital"}


def told(found: Assessment, kind: str) -> str:
    return sentence(next(step for step in found.trace if step.step == kind))


@pytest.mark.parametrize(
    ("level", "admission_no", "deductible_fen"),
    [
        ("secondary", 1, 65_000),
        ("secondary", 2, 55_000),
        ("secondary", 3, 35_000),
        ("secondary", 4, 0),
        ("secondary", 5, 0),  # The floor of 260 does not raise an amount that is below it.
        ("tertiary", 1, 80_000),
        ("tertiary", 2, 50_000),
        ("tertiary", 3, 35_000),  # 500 - 150
        ("tertiary", 4, 26_000),  # 500 - 300 is below the floor.
        ("tertiary", 9, 26_000),
    ],
)
def test_the_deductible_falls_with_each_admission_as_far_as_its_floor(
    segmented: Policies, make_case: Make, make_line: MakeLine, level: str, admission_no: int, deductible_fen: int
) -> None:
    case = make_case(
        make_line(1, "A", "10000.00"), institution_level=level, admission_no=admission_no, age=60, **INPATIENT
    )
    assert assess(case, using=segmented).deductible_fen == deductible_fen


def test_an_amount_that_is_listed_does_not_rest_on_how_later_ones_are_lowered(
    segmented: Policies, make_case: Make, make_line: MakeLine
) -> None:
    listed, lowered = (
        assess(
            make_case(
                make_line(1, "A", "10000.00"), institution_level="tertiary", admission_no=number, age=60, **INPATIENT
            ),
            using=segmented,
        ).trace
        for number in (2, 3)
    )
    assert [len(step.basis) for trace in (listed, lowered) for step in trace if step.code == "S001"] == [1, 3]


def test_an_admission_is_told(segmented: Policies, make_case: Make, make_line: MakeLine) -> None:
    at = {"institution_level": "tertiary", "age": 60, **INPATIENT}
    whole = assess(make_case(make_line(1, "A", "10000.00"), admission_no=2, **at), using=segmented)
    small = assess(make_case(make_line(1, "A", "500.00"), **at), using=segmented)
    assert told(whole, "admission_deductible") == (
        "本年第 2 次住院，起付线 500.00 元，政策范围内 10000.00 元，扣除后 9500.00 元进入报销"
    )
    assert told(small, "admission_deductible") == (
        "本年第 1 次住院，起付线 800.00 元，政策范围内 500.00 元未超过起付线，由个人负担"
    )
    assert told(small, "segments") == "没有进入分段报销的金额，基金支付 0.00 元"


def test_segments_on_the_burden_count_the_deductible(segmented: Policies, make_case: Make, make_line: MakeLine) -> None:
    """A published example (GEN-SEG-01): 4200*80% + 5000*85% + 5000*90% = 12110."""
    case = make_case(
        make_line(1, "A", "15000.00"), person_kind="employed", age=40, institution_level="tertiary", **INPATIENT
    )
    found = assess(case, using=segmented)
    assert {share.fund: share.amount_fen for share in found.funds} == {"310100": 1_211_000, "310300": 62_700}
    assert f"{found.pool_ratio}" == "0.8528"  # 12110 of 14200: the mean of the segments, to four decimals.
    assert told(found, "segments") == (
        "14200.00 元从 800.00 元起分段报销："
        "4200.00 元 × 80% + 5000.00 元 × 85% + 5000.00 元 × 90%，基金支付 12110.00 元"
    )


def test_segments_go_on_where_the_earlier_bills_of_the_year_ended(
    segmented: Policies, make_case: Make, make_line: MakeLine
) -> None:
    at = {"person_kind": "employed", "age": 40, "institution_level": "secondary", "admission_no": 4, **INPATIENT}
    whole = assess(make_case(make_line(1, "A", "15000.00"), **at), using=segmented)
    first = assess(make_case(make_line(1, "A", "6000.00"), **at), using=segmented)
    second = assess(make_case(make_line(1, "A", "9000.00"), tallies=first.tallies, **at), using=segmented)
    basic = [found.funds[0].amount_fen for found in (first, second, whole)]
    assert basic == [485_000, 790_000, 1_275_000]  # 5000*80%+1000*85%; 4000*85%+5000*90%; the sum of both
    assert second.tallies == whole.tallies == {"inpatient.burden": 1_500_000}


@pytest.mark.parametrize(
    ("age", "person_kind", "rate"),
    [(59, "employed", "0.8"), (60, "employed", "1"), (60, "retired", "0.9"), (69, "retired", "0.9"),
     (70, "retired", "1"), (70, "employed", "1"), (110, "retired", "1")],
)  # fmt: skip
def test_a_value_by_age_is_that_of_the_highest_age_reached_which_knows_the_person(
    segmented: Policies, make_case: Make, make_line: MakeLine, age: int, person_kind: str, rate: str
) -> None:
    at = {"age": age, "person_kind": person_kind, "institution_level": "secondary", **INPATIENT}
    found = assess(make_case(make_line(1, "A", "1650.00"), **at), using=segmented)
    assert f"{found.pool_ratio.normalize():f}" == rate


def test_a_person_below_every_age_of_a_value_has_no_rule(
    segmented: Policies, make_case: Make, make_line: MakeLine
) -> None:
    with pytest.raises(NoRule) as refused:
        assess(make_case(make_line(), age=59, institution_level="secondary", **INPATIENT), using=segmented)
    assert "bands.2024-01-01.value.0.retired" in refused.value.hint_text


def one_place(folder: Path, steps: str) -> Policies:
    """Return the rules of a place that consist of the scope and these steps."""
    (folder / "992000_one").mkdir()
    (folder / "992000_one" / "policy.yaml").write_text(
        'place: "992000"\nlabel: 单步检验\nsources: {page: {title: 网页, grade: C}}\ninsurance:\n  employee:\n'
        "    inpatient:\n      label: 住院\n      when: {visit_kind: [inpatient]}\n      steps:\n"
        "        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}\n" + steps,
        encoding="utf-8",
    )
    return Policies([load_policy(folder / "992000_one")])


CITED = "source: page, grade: C, verified: false"


@pytest.mark.parametrize(
    ("bands", "yuan", "fund_fen"),
    [
        # CAT-02, published: 20000*30% + 10000*40% = 10000.
        ('{"0": "0.30", "20000": "0.40"}', "30000.00", 1_000_000),
        # D-CD-08, 成都居民大病: 5000*60% + 15000*85% + 10000*90% = 24750.
        ('{"0": "0.60", "5000": "0.85", "20000": "0.90", "50000": "0.96"}', "30000.00", 2_475_000),
        ('{"0": "0.60", "5000": "0.85"}', "5000.00", 300_000),
        ('{"0": "0.60", "5000": "0.85"}', "5000.01", 300_001),
        ('{"0": "0.60", "5000": "0.85"}', "4999.99", 299_999),
    ],
)
def test_segments_on_the_excess_begin_above_the_deductible(
    tmp_path: Path, make_case: Make, make_line: MakeLine, bands: str, yuan: str, fund_fen: int
) -> None:
    using = one_place(
        tmp_path,
        "        - {step: admission_deductible, label: 起付线,"
        f' amounts: {{2020-01-01: {{value: ["700.00"], {CITED}}}}}}}\n'
        '        - {step: segments, label: 大病, fund: "390200", on: excess, rounding: half_up,'
        f" bands: {{2020-01-01: {{value: {bands}, {CITED}}}}}}}\n",
    )
    bill = (make_line(1, "A", "700.00"), make_line(2, "A", yuan))
    assert assess(make_case(*bill, visit_kind="inpatient", insured_place="992000"), using=using).fund_fen == fund_fen


@pytest.mark.parametrize(("filing", "pool_fen"), [("filed", 1_000_000), ("unfiled", 900_000)])
def test_whoever_goes_away_unfiled_bears_a_share_first(
    tmp_path: Path, make_case: Make, make_line: MakeLine, filing: str, pool_fen: int
) -> None:
    """Published for 南通 in 2019 (JS-NT-01, JS-NT-02): of 10000, 9000 or 10000 enter the pool."""
    using = one_place(
        tmp_path,
        "        - {step: first_pay, label: 先行负担, when: {filing: [unfiled]}, rounding: half_up,"
        f' rate: {{2019-12-01: {{value: "0.10", {CITED}}}}}}}\n'
        '        - {step: ratio, label: 比例, fund: "310100", rounding: half_up,'
        f' rate: {{2019-12-01: {{value: "1.00", {CITED}}}}},'
        f" points: [{{label: 异地, rate: {{2019-12-01:"
        f' {{by: [filing], value: {{local: "0.00", filed: "0.00", unfiled: "-0.10"}}, {CITED}}}}}}}]}}\n',
    )
    case = make_case(
        make_line(1, "A", "10000.00"), visit_kind="inpatient", insured_place="992000", treated_place="310000",
        filing=filing,
    )  # fmt: skip
    found = assess(case, using=using)
    ratio = next(step for step in found.trace if step.step == "ratio")
    assert ratio.inputs["base_fen"] == pool_fen
    if filing == "unfiled":
        assert told(found, "first_pay") == "10000.00 元先由个人负担 10%，即 1000.00 元，9000.00 元进入报销"
        assert found.fund_fen == 810_000  # Some places take off points instead, or, as here, as well.


def test_the_published_figures_of_chengdu_before_2009_come_out(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    """SC-CD-01 and SC-CD-02: deductibles of 5% and 12% of a wage of 8084, 75% and 0.2 points for each year of age.

    They are not shipped, because neither the first nor the last day of these rules is known. The page prints
    `8084×5%` in the line of the second example too; its own 59029.92 only follows from 12%.
    """
    ages = ", ".join(f'{age}: "0.{2 * age:03d}"' for age in range(101))
    using = one_place(
        tmp_path,
        "        - {step: admission_deductible, label: 起付线, amounts: {2000-01-01: {by: [institution_level],"
        f' value: {{primary: ["404.20"], tertiary: ["970.08"]}}, {CITED}, note: 8084 的 5% 和 12%}}}}}}\n'
        '        - {step: ratio, label: 比例, fund: "310100", rounding: half_up,'
        f' rate: {{2000-01-01: {{value: "0.75", {CITED}}}}},'
        f" points: [{{label: 年龄, rate: {{2000-01-01: {{by: [age], value: {{{ages}}}, {CITED}}}}}}}]}}\n"
        '        - {step: ceiling, label: 限额, fund: "310100", tally: inpatient.fund_paid,'
        f' amount: {{2000-01-01: {{value: "46336.00", {CITED}}}}}}}\n',
    )
    at = {"insured_place": "992000", "visit_kind": "inpatient", "person_kind": "employed"}
    first = make_case(make_line(1, "A", "30000.00"), institution_level="primary", age=40, **at)
    second = make_case(make_line(1, "A", "60000.00"), institution_level="tertiary", age=50, **at)
    found = assess(first, using=using)
    assert (found.fund_fen, found.person_fen) == (2_456_451, 543_549)
    assert found.trace[-1].inputs["wanted_fen"] == 2_456_451
    found = assess(second, using=using)
    assert (found.trace[-1].inputs["wanted_fen"], found.fund_fen, found.person_fen) == (5_017_543, 4_633_600, 1_366_400)


@pytest.mark.parametrize(
    ("step", "problem", "expected"),
    [
        (f'admission_deductible, floor: {{2020-01-01: {{value: "1.00", {CITED}}}}}, amounts: {{2020-01-01: {{value: '
         f'["2.00"], {CITED}}}}}', "没有逐次降低的数额", "less_each"),
        (f'admission_deductible, amounts: {{2020-01-01: {{value: ["2.00", "3.00"], {CITED}}}}}',
         "高于前一次", "不升高"),
        (f'admission_deductible, amounts: {{2020-01-01: {{value: "2.00", {CITED}}}}}', "不是列表", "至少一项的列表"),
        (f'segments, fund: "310100", on: income, rounding: down, bands: {{2020-01-01: {{value: {{"0": "1.00"}}, '
         f"{CITED}}}}}", "“income”不在可选的值之中", "burden、excess"),
        (f'segments, fund: "310100", on: excess, rounding: down, bands: {{2020-01-01: {{value: {{"1": "1.00"}}, '
         f"{CITED}}}}}", "不是从 0 开始", '"5000"'),
        (f'segments, fund: "310100", on: excess, rounding: down, bands: {{2020-01-01: {{value: {{"0": "1.00", '
         f'"9": "0.9", "8": "0.8"}}, {CITED}}}}}', "由低到高", '"5000"'),
        (f'ratio, fund: "310100", rounding: down, rate: {{2020-01-01: {{by: [age], value: {{old: "1.00"}}, '
         f"{CITED}}}}}", "“old”的写法不对", "周岁"),
        (f'ratio, fund: "310100", rounding: down, rate: {{2020-01-01: {{by: [income], value: {{0: "1.00"}}, '
         f"{CITED}}}}}", "“income”不在可选的值之中", "age"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_step_for_inpatients_is_named(tmp_path: Path, step: str, problem: str, expected: str) -> None:
    with pytest.raises(PolicyError) as error:
        one_place(tmp_path, f"        - {{label: 检验, step: {step}}}\n")
    assert problem in error.value.problem
    assert expected in error.value.expected
    assert error.value.line == 11
