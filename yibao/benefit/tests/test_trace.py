"""Every amount is explained by its rule, its source and how far that can be trusted (F2)."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from yibao.benefit import Case, Line, Policies, TraceStep, assess, load_policy, sentence


@pytest.fixture
def four_parts(make_line: Callable[..., Line]) -> tuple[Line, ...]:
    limited = {"quantity": Decimal(2), "amount_fen": 2500, "price_limit": Decimal(10), "own_pay_rate": Decimal("0.1")}
    return make_line(1, "A", "300.00"), make_line(2, "B", "12.50", **limited), make_line(3, "C", "7.00")


def test_a_bill_is_told_step_by_step_in_national_codes(
    make_case: Callable[..., Case], four_parts: tuple[Line, ...]
) -> None:
    trace = assess(make_case(*four_parts, account_fen=10_000, use_account=True)).trace
    assert [(step.code, sentence(step)) for step in trace] == [
        ("101", "1 项属于丙类或不在医保目录内，全自费，共 7.00 元由个人负担"),
        ("103", "1 项单价高于医保支付限价，高出的部分，共 5.00 元由个人负担"),
        ("102", "1 项按目录规定的比例先行自付，共 2.00 元由个人负担"),
        ("", "总费用 332.00 元，减去政策范围外 14.00 元，政策范围内 318.00 元"),
        ("S001", "政策范围内 318.00 元，扣除本年剩余起付线 150.00 元（全年 150.00 元），168.00 元进入报销"),
        ("C000", "168.00 元按 70% 报销，基金支付 117.60 元"),
        (
            "EC01",
            "基金本年最高支付 2000.00 元，此前已支付 0.00 元，本次 117.60 元未超过限额。"
            "注意：所用数值未见公布，是假定值，以参保地医保局的答复为准",
        ),
        ("TA01", "个人负担 214.40 元；个人账户余额 100.00 元，支付 100.00 元，现金支付 114.40 元"),
    ]


def told(trace: tuple[TraceStep, ...], kind: str) -> str:
    return sentence(next(step for step in trace if step.step == kind))


def test_a_deductible_that_is_used_up_or_not_reached_is_said(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    used_up = assess(make_case(make_line(), tallies={"outpatient.deductible_met": 15_000})).trace
    not_reached = assess(make_case(make_line())).trace
    assert told(used_up, "deductible") == "本年起付线 150.00 元，此前已累计 150.00 元，本次不再扣除，100.00 元进入报销"
    assert (
        told(not_reached, "deductible")
        == "政策范围内 100.00 元，未超过本年剩余起付线 150.00 元（全年 150.00 元），计入起付线累计"
    )


def test_what_a_rate_is_made_of_is_said(make_case: Callable[..., Case], make_line: Callable[..., Line]) -> None:
    at_hospital = {"visit_kind": "outpatient", "institution_kind": "hospital", "institution_level": "tertiary"}
    bill = make_line(1, "A", "250.00")
    retired = assess(make_case(bill, **at_hospital)).trace
    employed = assess(make_case(bill, person_kind="employed", **at_hospital)).trace
    assert told(retired, "ratio") == "100.00 元按 60%（50%，退休人员 +10 个百分点）报销，基金支付 60.00 元"
    assert told(employed, "ratio") == "50.00 元按 50% 报销，基金支付 25.00 元"


def test_what_lies_over_the_ceiling_is_said(make_case: Callable[..., Case], make_line: Callable[..., Line]) -> None:
    tallies = {"outpatient.deductible_met": 15_000, "outpatient.fund_paid": 195_000}
    trace = assess(make_case(make_line(), tallies=tallies)).trace
    assert told(trace, "ceiling").startswith(
        "基金本年最高支付 2000.00 元，此前已支付 1950.00 元，本次可支付 50.00 元，超过限额的 20.00 元它不再支付。注意："
    )


def test_an_account_that_is_not_used_is_said(make_case: Callable[..., Case], make_line: Callable[..., Line]) -> None:
    trace = assess(make_case(make_line(), account_fen=5000)).trace
    assert told(trace, "account") == "个人负担 100.00 元，本次不使用个人账户，现金支付 100.00 元"


def test_what_the_account_may_not_pay_is_said(make_case: Callable[..., Case], make_line: Callable[..., Line]) -> None:
    step = assess(make_case(make_line(), account_fen=5000, use_account=True)).trace[-1]
    narrower = msgspec.structs.replace(step, inputs={**step.inputs, "payable_fen": 8000})
    assert "，其中个人账户可以支付 80.00 元；" in sentence(narrower)


def test_each_value_names_its_rule_and_its_source(
    make_case: Callable[..., Case], make_line: Callable[..., Line], luzhou: Path
) -> None:
    using = Policies([load_policy(luzhou)])
    steps = {step.step: step for step in assess(make_case(make_line()), using=using).trace}
    rate = steps["ratio"].basis[0]
    assert rate.rule == "insurance.employee.outpatient.steps[2].rate.2023-09-15.value.retired"
    assert rate.title.startswith("川医保办发〔2023〕6号")
    assert rate.href == "http://luzhou.bendibao.com/live/2023915/5808.shtm"
    assert (steps["ratio"].grade, steps["ratio"].verified) == ("C", False)
    assert steps["ratio"].rule == "insurance.employee.outpatient.steps[2]"
    assumed = steps["ceiling"]
    assert (assumed.grade, assumed.basis[0].title, assumed.basis[0].href) == ("assumed", "", "")
    assert assumed.basis[0].note
    assert steps["scope"].grade is None  # Class, limit and own-pay rate come with the line, from the catalogue.


def test_a_step_that_rests_on_several_values_has_the_weakest_grade(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    step = next(step for step in assess(make_case(make_line())).trace if step.step == "ratio")
    good = msgspec.structs.replace(step.basis[0], grade="A", verified=True)
    both = msgspec.structs.replace(step, basis=(good, step.basis[0]))
    assert (both.grade, both.verified) == ("C", False)


def test_a_stored_trace_can_still_be_told(make_case: Callable[..., Case], four_parts: tuple[Line, ...]) -> None:
    trace = assess(make_case(*four_parts)).trace
    stored = msgspec.json.decode(msgspec.json.encode(trace), type=tuple[TraceStep, ...])
    assert [sentence(step) for step in stored] == [sentence(step) for step in trace]
