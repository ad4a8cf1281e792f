"""Steps for inpatients: deductibles by admission, rates by age, segments, and published figures (C1)."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from yibao.benefit import (
    Assessment,
    Case,
    Line,
    NoRule,
    Policies,
    PolicyError,
    assess,
    load_policy,
    sentence,
    why_unpaid,
)

Make = Callable[..., Case]
MakeLine = Callable[..., Line]

INPATIENT = {"insured_place": "991000", "visit_kind": "inpatient", "institution_kind": "hospital"}


def stays(admission_no: int) -> dict[str, int]:
    """Return the counters of a year in which this admission is the next."""
    return {"inpatient.admissions": admission_no - 1}


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
        make_line(1, "A", "10000.00"), institution_level=level, tallies=stays(admission_no), age=60, **INPATIENT
    )
    assert assess(case, using=segmented).deductible_fen == deductible_fen


def test_an_amount_that_is_listed_does_not_rest_on_how_later_ones_are_lowered(
    segmented: Policies, make_case: Make, make_line: MakeLine
) -> None:
    listed, lowered = (
        assess(
            make_case(
                make_line(1, "A", "10000.00"), institution_level="tertiary", tallies=stays(number), age=60, **INPATIENT
            ),
            using=segmented,
        ).trace
        for number in (2, 3)
    )
    assert [len(step.basis) for trace in (listed, lowered) for step in trace if step.code == "S001"] == [1, 3]


def test_an_admission_is_told(segmented: Policies, make_case: Make, make_line: MakeLine) -> None:
    at = {"institution_level": "tertiary", "age": 60, **INPATIENT}
    whole = assess(make_case(make_line(1, "A", "10000.00"), tallies=stays(2), **at), using=segmented)
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
    assert [(step.code, sentence(step)) for step in found.trace if step.label.startswith("基本")] == [
        ("C001", "0.00 元至 5000.00 元的一段：4200.00 元按 80% 报销，基金支付 3360.00 元"),
        ("C002", "5000.00 元至 10000.00 元的一段：5000.00 元按 85% 报销，基金支付 4250.00 元"),
        ("C003", "10000.00 元以上的一段：5000.00 元按 90% 报销，基金支付 4500.00 元"),
    ]


def test_segments_go_on_where_the_earlier_bills_of_the_year_ended(
    segmented: Policies, make_case: Make, make_line: MakeLine
) -> None:
    at = {"person_kind": "employed", "age": 40, "institution_level": "secondary", **INPATIENT}
    whole = assess(make_case(make_line(1, "A", "15000.00"), tallies=stays(4), **at), using=segmented)
    first = assess(make_case(make_line(1, "A", "6000.00"), tallies=stays(4), **at), using=segmented)
    second = assess(make_case(make_line(1, "A", "9000.00"), tallies=first.tallies, **at), using=segmented)
    basic = [found.funds[0].amount_fen for found in (first, second, whole)]
    assert basic == [485_000, 790_000, 1_275_000]  # 5000*80%+1000*85%; 4000*85%+5000*90%; the sum of both
    assert second.tallies == {"inpatient.burden": 1_500_000, "inpatient.admissions": 5}
    assert whole.tallies == {"inpatient.burden": 1_500_000, "inpatient.admissions": 4}


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


def cited(value: object, *by: str) -> dict[str, object]:
    """Return a dated value as the policy file has it."""
    told_by = {"by": list(by)} if by else {}
    return {"2020-01-01": {**told_by, "value": value, "source": "page", "grade": "C", "verified": False}}


def step(kind: str, **fields: object) -> str:
    """Return a step as a line of the policy file; JSON is YAML too."""
    rounding = {} if kind not in ROUNDED else {"rounding": "half_up"}
    return f"        - {json.dumps({'step': kind, 'label': kind, **rounding, **fields}, ensure_ascii=False)}\n"


ROUNDED = ("ratio", "supplement", "minimum", "cost_deductible", "first_pay", "segments")
BASIC = step("ratio", fund="310100", rate=cited("0.50"))


def one_place(
    folder: Path,
    steps: str,
    *,
    scope: Mapping[str, object] = {},
    figures: Mapping[str, object] = {},
    near: Sequence[str] = (),
) -> Policies:
    """Return the rules of a place that consist of the scope and these steps."""
    (folder / "992000_one").mkdir(parents=True)
    first = {"step": "scope", "label": "范围", "over_limit_rounding": "half_up", "first_own_rounding": "half_up"}
    (folder / "992000_one" / "policy.yaml").write_text(
        'place: "992000"\nlabel: 单步检验\n'
        + (f"near: {json.dumps(list(near))}\n" if near else "")
        + (f"figures: {json.dumps(figures, ensure_ascii=False)}\n" if figures else "")
        + "sources: {page: {title: 网页, grade: C}}\ninsurance:\n  employee:\n"
        "    inpatient:\n      label: 住院\n      when: {visit_kind: [inpatient]}\n      steps:\n"
        f"        - {json.dumps({**first, **scope}, ensure_ascii=False)}\n" + steps,
        encoding="utf-8",
    )
    return Policies([load_policy(folder / "992000_one")])


@pytest.mark.parametrize(
    ("bands", "yuan", "fund_fen"),
    [
        # CAT-02, published: 20000*30% + 10000*40% = 10000.
        ({"0": "0.30", "20000": "0.40"}, "30000.00", 1_000_000),
        # D-CD-08, 成都居民大病: 5000*60% + 15000*85% + 10000*90% = 24750.
        ({"0": "0.60", "5000": "0.85", "20000": "0.90", "50000": "0.96"}, "30000.00", 2_475_000),
        ({"0": "0.60", "5000": "0.85"}, "5000.00", 300_000),
        ({"0": "0.60", "5000": "0.85"}, "5000.01", 300_001),
        ({"0": "0.60", "5000": "0.85"}, "4999.99", 299_999),
    ],
)
def test_segments_on_the_excess_begin_above_the_deductible(
    tmp_path: Path, make_case: Make, make_line: MakeLine, bands: dict[str, str], yuan: str, fund_fen: int
) -> None:
    using = one_place(
        tmp_path,
        step("admission_deductible", tally="inpatient.admissions", amounts=cited(["700.00"]))
        + step("segments", fund="390200", on="excess", bands=cited(bands)),
    )
    bill = (make_line(1, "A", "700.00"), make_line(2, "A", yuan))
    assert assess(stay(make_case, *bill), using=using).fund_fen == fund_fen


@pytest.mark.parametrize(("filing", "pool_fen"), [("filed", 1_000_000), ("unfiled", 900_000)])
def test_whoever_goes_away_unfiled_bears_a_share_first(
    tmp_path: Path, make_case: Make, make_line: MakeLine, filing: str, pool_fen: int
) -> None:
    """Published for 南通 in 2019 (JS-NT-01, JS-NT-02): of 10000, 9000 or 10000 enter the pool."""
    points = cited({"local": "0.00", "filed": "0.00", "unfiled": "-0.10"}, "filing")
    using = one_place(
        tmp_path,
        step("first_pay", when={"filing": ["unfiled"]}, rate=cited("0.10"))
        + step("ratio", fund="310100", rate=cited("1.00"), points=[{"label": "异地", "rate": points}]),
    )
    found = assess(stay(make_case, make_line(1, "A", "10000.00"), treated_place="310000", filing=filing), using=using)
    ratio = next(step for step in found.trace if step.step == "ratio")
    assert ratio.inputs["base_fen"] == pool_fen
    if filing == "unfiled":
        assert told(found, "first_pay") == "10000.00 元先由个人负担 10%，即 1000.00 元，9000.00 元进入报销"
        assert found.fund_fen == 810_000  # Some places take off points instead, or, as here, as well.


ADMITTED = {"tally": "inpatient.admissions"}


@pytest.mark.parametrize(
    ("kind", "fields", "problem", "expected"),
    [
        (
            "admission_deductible",
            {**ADMITTED, "amounts": cited(["2.00"]), "floor": cited("1.00")},
            "没有逐次降低的数额",
            "less_each",
        ),
        ("admission_deductible", {**ADMITTED, "amounts": cited(["2.00", "3.00"])}, "高于前一次", "不升高"),
        ("admission_deductible", {**ADMITTED, "amounts": cited("2.00")}, "不是列表", "至少一项的列表"),
        ("admission_deductible", {"tally": "inpatient.paid", "amounts": cited(["2.00"])}, "写法不对", ".admissions"),
        ("segments", {"fund": "310100", "on": "income", "bands": cited({"0": "1.00"})}, "“income”", "burden、excess"),
        ("segments", {"fund": "310100", "on": "excess", "bands": cited({"1": "1.00"})}, "不是从 0 开始", '"5000"'),
        (
            "segments",
            {"fund": "310100", "on": "excess", "bands": cited({"0": "1.00", "9": "0.9", "8": "0.8"})},
            "由低到高",
            '"5000"',
        ),
        ("ratio", {"fund": "310100", "rate": cited({"old": "1.00"}, "age")}, "“old”的写法不对", "周岁"),
        ("ratio", {"fund": "310100", "rate": cited({"高血压": "1.00"}, "disease")}, "的写法不对", "M03900"),
        ("ratio", {"fund": "310100", "rate": cited({"0": "1.00"}, "income")}, "“income”不在可选的值之中", "age"),
        ("ratio", {"fund": "310100", "rate": {"2020-01-01": "never"}}, "“never”不在可选的值之中", "ended"),
        (
            "supplement",
            {"fund": "610100", "counts": ["deductible"], "bands": cited({"0": "1.00"})},
            "不能这样合计",
            "copay",
        ),
        (
            "supplement",
            {"fund": "610100", "counts": ["copay", "beyond"], "bands": cited({"0": "1.00"})},
            "不能这样合计",
            "beyond",
        ),
        (
            "deductible",
            {"tally": "inpatient.met", "amount": cited({"share": "0.05", "of": "wage"})},
            "“wage”不在可选的值之中",
            "之一",
        ),
        ("waiting", {"months": cited("half")}, "“half”的写法不对", "月数"),
        ("account_first", {"pays": cited("everything")}, "“everything”不在可选的值之中", "in_scope"),
        ("ceiling", {"fund": "310100", "tally": "inpatient.paid.M1", "amount": cited("1.00")}, "写法不对", "{disease}"),
    ],
)
def test_a_mistake_in_a_step_is_named(
    tmp_path: Path, kind: str, fields: dict[str, object], problem: str, expected: str
) -> None:
    with pytest.raises(PolicyError) as error:
        one_place(tmp_path, step(kind, **fields))
    assert problem in error.value.problem
    assert expected in error.value.expected
    assert error.value.line == 11


def stay(make_case: Make, *lines: Line, **changes: object) -> Case:
    return make_case(*lines, **{"visit_kind": "inpatient", "insured_place": "992000", **changes})


def test_a_supplement_counts_the_year_and_begins_above_its_threshold(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    """大病: of 10000 the pool pays half; the other 5000 count, and the first 3000 of the year are borne."""
    catastrophic = step(
        "supplement",
        code="PL01",
        fund="390200",
        counts=["copay"],
        deductible=cited("3000.00"),
        bands=cited({"0": "0.60", "1000": "0.80"}),
        tally="catastrophic.burden",
    )
    using = one_place(tmp_path, BASIC + catastrophic)
    first = assess(stay(make_case, make_line(1, "A", "10000.00")), using=using)
    assert [share.amount_fen for share in first.funds] == [500_000, 60_000 + 80_000]
    assert first.tallies == {"catastrophic.burden": 500_000}
    assert [(step.code, sentence(step)) for step in first.trace[-3:]] == [
        (
            "PS01",
            "本次计入 5000.00 元（政策范围内个人负担），超过起付标准 3000.00 元的部分中，本次有 2000.00 元进入报销",
        ),
        ("PL01", "0.00 元至 1000.00 元的一段：1000.00 元按 60% 报销，基金支付 600.00 元"),
        ("PL02", "1000.00 元以上的一段：1000.00 元按 80% 报销，基金支付 800.00 元"),
    ]
    second = assess(stay(make_case, make_line(1, "A", "2000.00"), tallies=first.tallies), using=using)
    assert [share.amount_fen for share in second.funds] == [100_000, 80_000]
    below = assess(stay(make_case, make_line(1, "A", "6000.00")), using=using)
    assert told(below, "supplement") == (
        "本次计入 3000.00 元（政策范围内个人负担），没有超过起付标准 3000.00 元，本次不支付"
    )


@pytest.mark.parametrize(
    ("counts", "counted_fen"),
    [("copay", 400_000), ("copay deductible", 500_000), ("copay deductible first_own", 510_000)],
)
def test_what_a_supplement_counts_is_the_choice_of_the_place(
    tmp_path: Path, make_case: Make, make_line: MakeLine, counts: str, counted_fen: int
) -> None:
    deductible = step("deductible", tally="inpatient.met", amount=cited("1000.00"))
    aid = step("supplement", fund="610100", counts=counts.split(), bands=cited({"0": "1.00"}))
    using = one_place(tmp_path, deductible + BASIC + aid)
    bill = (make_line(1, "A", "8000.00"), make_line(2, "B", "1100.00", own_pay_rate=Decimal("0.090909")))
    found = assess(stay(make_case, *bill), using=using)
    assert (found.first_own_fen, found.in_scope_fen) == (10_000, 900_000)
    assert found.funds[-1].amount_fen == counted_fen
    assert found.cash_fen == 510_000 - counted_fen


def test_money_beyond_either_kind_of_ceiling_goes_to_the_supplement(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    beyond = step("supplement", code="L001", fund="330100", counts=["beyond"], bands=cited({"0": "0.90"}))
    on_cost = step("cost_ceiling", tally="inpatient.cost", amount=cited("8000.00")) + BASIC + beyond
    found = assess(stay(make_case, make_line(1, "A", "10000.00")), using=one_place(tmp_path / "cost", on_cost))
    assert [share.amount_fen for share in found.funds] == [400_000, 180_000]
    assert told(found, "cost_ceiling") == (
        "本年最多 8000.00 元费用进入报销，此前已有 0.00 元，本次 10000.00 元中 8000.00 元进入报销，2000.00 元超过封顶线"
    )
    on_paid = BASIC + step("ceiling", fund="310100", tally="inpatient.fund_paid", amount=cited("4000.00")) + beyond
    found = assess(stay(make_case, make_line(1, "A", "10000.00")), using=one_place(tmp_path / "paid", on_paid))
    # 5000 were due and 4000 are paid: the costs behind the missing 1000 are 2000.
    assert [share.amount_fen for share in found.funds] == [400_000, 180_000]


def test_a_share_of_the_cost_is_paid_at_least(tmp_path: Path, make_case: Make, make_line: MakeLine) -> None:
    using = one_place(tmp_path, BASIC + step("minimum", fund="310100", rate=cited("0.45")))
    mostly_out = assess(stay(make_case, make_line(1, "A", "100.00"), make_line(2, "C", "900.00")), using=using)
    assert mostly_out.fund_fen == 45_000
    assert told(mostly_out, "minimum").endswith("保底报销 45% 是 450.00 元，已报销 50.00 元，补足 400.00 元")
    within = assess(stay(make_case, make_line(1, "A", "100.00")), using=using)
    assert within.fund_fen == 5_000
    assert told(within, "minimum").endswith("不低于保底，不再补")


@pytest.mark.parametrize(
    ("yuan", "deductible_fen"),
    [("9999.95", 199_999), ("10000.00", 200_000), ("10000.05", 200_001), ("50000.00", 1_000_000),
     ("50000.05", 1_000_000), ("100.00", 10_000)],
)  # fmt: skip
def test_a_deductible_may_be_a_share_of_the_cost(
    tmp_path: Path, make_case: Make, make_line: MakeLine, yuan: str, deductible_fen: int
) -> None:
    share = step("cost_deductible", rate=cited("0.20"), least=cited("1999.99"), most=cited("10000.00"))
    using = one_place(tmp_path, share + BASIC)
    assert assess(stay(make_case, make_line(1, "A", yuan)), using=using).deductible_fen == deductible_fen


def test_the_account_of_this_year_pays_before_the_deductible(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    using = one_place(
        tmp_path,
        step("account_first", pays=cited("in_scope"))
        + step("deductible", tally="outpatient.met", amount=cited("500.00"))
        + BASIC
        + step("account", pays=cited(["in_scope", "first_own"])),
    )
    case = stay(
        make_case, make_line(1, "A", "1000.00"), current_account_fen=30_000, account_fen=10_000, use_account=True
    )
    found = assess(case, using=using)
    assert (found.deductible_fen, found.fund_fen) == (50_000, 10_000)
    assert (found.account_fen, found.current_account_fen, found.cash_fen) == (40_000, 30_000, 50_000)
    assert told(found, "account_first") == "当年账户余额 300.00 元，先支付政策范围内的 300.00 元，还有 700.00 元"


def test_no_fund_pays_before_the_waiting_period_is_over(tmp_path: Path, make_case: Make, make_line: MakeLine) -> None:
    using = one_place(tmp_path, step("waiting", months=cited("6")) + BASIC + step("account", pays=cited(["in_scope"])))
    at = {"on": date(2026, 5, 1), "account_fen": 1_000, "use_account": True}
    early = assess(stay(make_case, make_line(), entitled_from=date(2026, 5, 2), **at), using=using)
    assert (early.fund_fen, early.account_fen, early.cash_fen) == (0, 1_000, 9_000)
    assert told(early, "waiting") == "还在等待期内（6 个月，2026-05-02 起享受待遇），政策范围内的 100.00 元基金不支付"
    over = assess(stay(make_case, make_line(), entitled_from=date(2026, 5, 1), **at), using=using)
    assert over.fund_fen == 5_000
    assert not any(step.step == "waiting" for step in over.trace)


def test_where_no_fund_pays_the_bill_is_the_persons_own_and_the_reason_is_said(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    """Also for somebody who still waits: there is nothing to wait for."""
    using = one_place(
        tmp_path, step("unpaid", reason=cited("只在基层报销")) + step("account", pays=cited(["in_scope"]))
    )
    at = {"on": date(2026, 5, 1), "account_fen": 1_000, "use_account": True}
    for until in (None, date(2026, 5, 2)):
        found = assess(stay(make_case, make_line(), entitled_from=until, **at), using=using)
        assert (found.fund_fen, found.account_fen, found.cash_fen) == (0, 1_000, 9_000)
        assert found.funds == ()
        assert told(found, "unpaid") == "政策范围内的 100.00 元基金不支付：只在基层报销"
        assert why_unpaid(found.trace) == ("只在基层报销", False)
    paid = assess(stay(make_case, make_line(), **at), using=one_place(tmp_path / "b", BASIC))
    assert why_unpaid(paid.trace) == ("", False)


def test_a_group_for_which_no_fund_pays_has_no_fund(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as error:
        one_place(tmp_path, step("unpaid", reason=cited("只在基层报销")) + BASIC)
    assert "基金不支付的一组里有基金支付的一步" in error.value.problem
    assert error.value.line == 12


def test_whoever_waits_where_no_waiting_period_is_known_has_no_rule(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    using = one_place(tmp_path, BASIC)
    with pytest.raises(NoRule, match="no_rule"):
        assess(stay(make_case, make_line(), on=date(2026, 5, 1), entitled_from=date(2026, 5, 2)), using=using)


def test_the_insured_place_limits_beds_and_materials_and_fills_in_class_b(
    tmp_path: Path, make_case: Make, make_line: MakeLine
) -> None:
    """D-BED-01: five days in a bed of 60 with a limit of 32 leave 140 to the person."""
    using = one_place(
        tmp_path,
        BASIC,
        scope={
            "bed_limit": cited("32.00"),
            "class_b_rate": cited("0.04"),
            "material_first_own": cited({"0": "0.00", "5000": "0.30", "20000": "0.50"}),
        },
    )
    shares = assess(
        stay(
            make_case,
            make_line(1, "A", "60.00", quantity=Decimal(5), amount_fen=30_000, kind="bed"),
            make_line(2, "B", "100.00"),
            make_line(3, "B", "100.00", own_pay_rate=Decimal("0.10")),
            make_line(4, "B", "5000.00", kind="material"),
            make_line(5, "B", "5000.01", kind="material"),
            make_line(6, "A", "20000.02", kind="material"),
        ),
        using=using,
    ).lines
    assert [(share.over_limit_fen, share.first_own_fen) for share in shares] == [
        (14_000, 0), (0, 400), (0, 1_000), (0, 0), (0, 150_000), (0, 1_000_001),
    ]  # fmt: skip


def test_class_b_without_a_rate_anywhere_has_no_rule(tmp_path: Path, make_case: Make, make_line: MakeLine) -> None:
    with pytest.raises(NoRule, match="no_rule"):
        assess(stay(make_case, make_line(1, "B", "100.00")), using=one_place(tmp_path, BASIC))


@pytest.mark.parametrize(("rate", "share", "first_own_fen"), [("0.10", "0.00", 0), ("0.10", "0.50", 500)])
def test_a_place_may_ask_for_less_than_the_own_pay_rate_of_the_catalogue(
    tmp_path: Path, make_case: Make, make_line: MakeLine, rate: str, share: str, first_own_fen: int
) -> None:
    using = one_place(tmp_path, BASIC, scope={"first_own_share": cited(share)})
    found = assess(stay(make_case, make_line(1, "B", "100.00", own_pay_rate=Decimal(rate))), using=using)
    assert found.first_own_fen == first_own_fen


@pytest.mark.parametrize(
    ("on", "deductible_fen", "since"), [("2025-12-31", 40_420, 2020), ("2026-01-01", 45_000, 2026)]
)
def test_an_amount_may_be_a_share_of_a_figure_of_the_year(
    tmp_path: Path, make_case: Make, make_line: MakeLine, on: str, deductible_fen: int, since: int
) -> None:
    """SC-CD-01 had a deductible of 5% of a wage of 8084."""
    wage = {"label": "上年平均工资", "amount": cited("8084.00") | {"2026-01-01": cited("9000.00")["2020-01-01"]}}
    using = one_place(
        tmp_path,
        step("deductible", tally="inpatient.met", amount=cited({"share": "0.05", "of": "wage"})) + BASIC,
        figures={"wage": wage},
    )
    found = assess(stay(make_case, make_line(1, "A", "1000.00"), on=date.fromisoformat(on)), using=using)
    assert found.deductible_fen == deductible_fen
    [basis] = [step.basis for step in found.trace if step.step == "deductible"]
    assert [each.rule for each in basis] == [
        "insurance.employee.inpatient.steps[1].amount.2020-01-01.value",
        f"figures.wage.amount.{since}-01-01.value",
    ]


def test_a_value_may_end(tmp_path: Path, make_case: Make, make_line: MakeLine) -> None:
    rate = cited("0.50") | {"2025-01-01": "ended"}
    using = one_place(tmp_path, step("ratio", fund="310100", rate=rate))
    assert assess(stay(make_case, make_line(), on=date(2024, 12, 31)), using=using).fund_fen == 5_000
    with pytest.raises(NoRule, match="no_rule"):
        assess(stay(make_case, make_line(), on=date(2025, 1, 1)), using=using)


@pytest.mark.parametrize(
    ("level", "age", "fund_fen"),
    [("tertiary", 65, 6_000), ("special", 65, 4_000), ("special", 59, 5_000), ("provincial", 65, 6_000),
     ("village", 65, 9_000)],
)  # fmt: skip
def test_a_level_that_is_not_named_is_covered_by_the_broader_one(
    tmp_path: Path, make_case: Make, make_line: MakeLine, level: str, age: int, fund_fen: int
) -> None:
    table = {"tertiary": {"0": "0.50", "60": "0.60"}, "special": {"60": "0.40"}, "community": {"0": "0.90"}}
    using = one_place(tmp_path, step("ratio", fund="310100", rate=cited(table, "institution_level", "age")))
    found = assess(stay(make_case, make_line(), institution_level=level, age=age), using=using)
    assert found.fund_fen == fund_fen


@pytest.mark.parametrize(
    ("treated_place", "fund_fen"),
    [("992001", 5_000), ("992099", 5_000), ("993000", 5_000), ("997700", 4_000), ("460100", 3_000)],
)
def test_a_rule_may_depend_on_how_far_away_the_treatment_was(
    tmp_path: Path, make_case: Make, make_line: MakeLine, treated_place: str, fund_fen: int
) -> None:
    table = {"home": "0.50", "province": "0.40", "country": "0.30"}
    using = one_place(tmp_path, step("ratio", fund="310100", rate=cited(table, "treated_in")), near=["993000"])
    case = stay(make_case, make_line(), treated_place=treated_place, filing="filed")
    assert assess(case, using=using).fund_fen == fund_fen


def test_each_disease_has_its_own_limit(tmp_path: Path, make_case: Make, make_line: MakeLine) -> None:
    limit = cited({"M03900": "30.00", "other": "20.00"}, "disease")
    using = one_place(
        tmp_path, BASIC + step("ceiling", fund="310100", tally="chronic.fund_paid.{disease}", amount=limit)
    )
    first = assess(stay(make_case, make_line(), disease="M03900"), using=using)
    other = assess(stay(make_case, make_line(), disease="M01600", tallies=first.tallies), using=using)
    again = assess(stay(make_case, make_line(), disease="M03900", tallies=first.tallies), using=using)
    assert [each.fund_fen for each in (first, other, again)] == [3_000, 2_000, 0]
    assert other.tallies == {"chronic.fund_paid.M01600": 2_000}
    with pytest.raises(NoRule, match="no_rule"):
        assess(stay(make_case, make_line()), using=using)


def test_a_qualification_chooses_a_value_and_a_step(tmp_path: Path, make_case: Make, make_line: MakeLine) -> None:
    table = {"none": "0.50", "extreme_poverty": "0.90", "subsistence": "0.70"}
    using = one_place(
        tmp_path,
        step("ratio", fund="310100", rate=cited(table, "aid"))
        + step("ratio", fund="320100", when={"supplement": ["civil_servant"]}, rate=cited("0.80")),
    )
    paid = {
        held: assess(stay(make_case, make_line(), qualifications=frozenset(held)), using=using).fund_fen
        for held in ((), ("subsistence",), ("civil_servant",), ("civil_servant", "extreme_poverty"))
    }
    assert list(paid.values()) == [5_000, 7_000, 9_000, 9_800]
    with pytest.raises(NoRule, match="no_rule"):
        assess(stay(make_case, make_line(), qualifications=frozenset({"margin"})), using=using)
