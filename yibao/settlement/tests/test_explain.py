"""The sentence and the steps of a settlement, from its document alone (F2)."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest

from yibao import benefit
from yibao.core.money import fen_of
from yibao.settlement import explain
from yibao.settlement.queries import Document
from yibao.settlement.types import Amounts

NUMBER = "510500111122223333444455556666"
NOTHING = Amounts(*(0 for _ in Amounts.__struct_fields__))


def document(amounts: Amounts = NOTHING, *, trace: list[dict[str, Any]] | None = None, **fen: int) -> Document:
    """Return a settlement of these amounts; those that are not named are zero."""
    return Document(
        settlement_id=NUMBER,
        institution="P51050000001",
        place="510500",
        insutype="310",
        visit_kind="pharmacy",
        settled_at=datetime(2026, 5, 12, 2, 0, tzinfo=UTC),
        amounts=msgspec.structs.replace(amounts, **fen),
        lines=(),
        funds=(),
        policy="",
        trace=trace or [],
        reverses=None,
        reversed_by=None,
    )


def line(line_no: int, charge_class: benefit.ChargeClass, amount_fen: int) -> benefit.Line:
    return benefit.Line(
        line_no=line_no,
        code=charge_class,
        name=charge_class,
        charge_class=charge_class,
        quantity=Decimal(1),
        unit_price=Decimal(amount_fen) / 100,
        amount_fen=amount_fen,
        price_limit=None,
        own_pay_rate=Decimal(0),
    )


def assessed(kind: Literal["employed", "retired"] = "retired", *, account_fen: int = 1000_00) -> Document:
    """Return the published purchase at a pharmacy in Luzhou, as the engine divides it (SC-LZ-01 for the retired)."""
    assessment = benefit.assess(
        benefit.Case(
            insured_place="510500",
            treated_place="510500",
            insurance="employee",
            person_kind=kind,
            age=62,
            visit_kind="pharmacy",
            institution_kind="pharmacy",
            institution_level="none",
            filing="local",
            on=date(2026, 5, 12),
            lines=(line(1, "A", 400_00), line(2, "C", 20_00)),
            tallies={},
            qualifications=frozenset(),
            account_fen=account_fen,
            use_account=True,
        )
    )
    return document(Amounts.of(assessment), trace=msgspec.to_builtins(assessment.trace))


def step(kind: str, **results: int) -> dict[str, Any]:
    return {"step": kind, "code": "", "label": kind, "rule": "", "inputs": {}, "results": results, "basis": []}


def test_the_published_purchase_in_one_breath() -> None:
    """SC-LZ-01."""
    assert explain.summary(assessed()) == (
        "一共 420.00 元：医保基金付 175.00 元，您的个人账户付 245.00 元，您不用再付现金。"
        "其中 20.00 元不在医保目录内，150.00 元算在今年的起付线里。"
    )


def test_everybody_who_pays_and_every_reason_is_named_once() -> None:
    said = explain.summary(
        document(
            total_fen=1000_00,
            fund_fen=400_00,
            account_fen=101_00,
            mutual_aid_fen=102_00,
            cash_fen=377_00,
            hospital_fen=20_00,
            full_own_fen=11_00,
            over_limit_fen=12_00,
            first_own_fen=13_00,
            deductible_fen=300_00,
            trace=[
                step("first_pay", borne_fen=14_00, base_fen=0),
                step("admission_deductible", deductible_fen=300_00, base_fen=0),
                step("ceiling", fund_fen=400_00, over_fen=15_00),
            ],
        )
    )
    assert said == (
        "一共 1000.00 元：医保基金付 400.00 元，您的个人账户付 101.00 元，家人共济的账户付 102.00 元，"
        "医院承担 20.00 元，您付现金 377.00 元。"
        "其中 11.00 元不在医保目录内，12.00 元高出医保限价，13.00 元按目录规定先由自己负担，"
        "300.00 元算在这次住院的起付线里，14.00 元按规定先由自己负担，15.00 元超过了报销限额。"
    )


@pytest.mark.parametrize(
    ("fen", "said"),
    [
        ({"total_fen": 8_00, "fund_fen": 8_00}, "一共 8.00 元：医保基金付 8.00 元，您不用再付现金。"),
        ({"total_fen": 8_00, "cash_fen": 8_00}, "一共 8.00 元：您付现金 8.00 元。"),
        ({}, "这次没有要付的钱。"),
    ],
)
def test_a_part_that_is_zero_is_not_spoken_of(fen: dict[str, int], said: str) -> None:
    assert explain.summary(document(msgspec.structs.replace(NOTHING, **fen))) == said


@pytest.mark.parametrize(
    ("grade", "said"),
    [("A", ""), ("assumed", "这一条没有查到公布的规定，按假定计算；有疑问请拨打 12393。")],
)
def test_why_no_fund_pays_is_marked_where_nobody_published_it(grade: str, said: str) -> None:
    where = dict.fromkeys(("rule", "title", "article", "href", "note"), "")
    basis = {**where, "from_on": "2023-01-01", "grade": grade, "verified": False}
    unpaid = {**step("unpaid"), "inputs": {"base_fen": 8_00, "reason": "只在基层报销"}, "basis": [basis]}
    summary = explain.summary(document(total_fen=8_00, cash_fen=8_00, trace=[unpaid]))
    assert summary == f"一共 8.00 元：您付现金 8.00 元。医保基金不支付：只在基层报销。{said}"


def test_a_step_of_a_kind_that_has_no_reason_of_its_own_adds_none() -> None:
    """What a segment leaves to the person is their share, not something taken beforehand."""
    paid = document(
        total_fen=8_00, fund_fen=6_00, cash_fen=2_00, trace=[step("segments", part_fen=8_00, borne_fen=2_00)]
    )
    assert explain.summary(paid) == "一共 8.00 元：医保基金付 6.00 元，您付现金 2.00 元。"


@pytest.mark.parametrize("kind", ["employed", "retired"])
@pytest.mark.parametrize("account_fen", [0, 100_00, 1000_00])
def test_every_amount_that_is_said_stands_in_the_document(
    kind: Literal["employed", "retired"], account_fen: int
) -> None:
    settled = assessed(kind, account_fen=account_fen)
    back = msgspec.structs.replace(settled, amounts=settled.amounts.negated(), reverses=NUMBER)
    amounts = {abs(fen) for fen in msgspec.structs.astuple(settled.amounts)}
    for said in (explain.summary(settled), explain.summary(back)):
        spoken = [fen_of(yuan) for yuan in re.findall(r"-?\d+\.\d\d", said)]
        assert len(spoken) >= 3
        assert 0 not in spoken
        assert set(spoken) <= amounts


def test_a_cancelling_says_what_goes_back_where() -> None:
    settled = assessed(account_fen=100_00)
    back = msgspec.structs.replace(settled, amounts=settled.amounts.negated(), reverses=NUMBER)
    assert explain.summary(back) == (
        "420.00 元的结算已经撤销：175.00 元退回医保基金，100.00 元退回您的个人账户，退给您现金 145.00 元。"
    )
    nothing = msgspec.structs.replace(document(), reverses=NUMBER)
    assert explain.summary(nothing) == "这次没有要退的钱。"


def test_each_step_says_what_it_moved() -> None:
    """SC-LZ-01."""
    assert [(each.code, each.moved) for each in explain.steps(assessed())] == [
        ("101", ("个人负担", 20_00)),
        ("", ("政策范围内", 400_00)),
        ("S001", ("起付线", 150_00)),
        ("C000", ("基金付", 175_00)),
        ("EC01", ("超过限额", 0)),
        ("TA01", ("个人账户付", 245_00)),
    ]


def test_a_step_is_marked_as_assumed_in_its_sentence_and_its_basis() -> None:
    assumed = [each for each in explain.steps(assessed()) if "assumed" in {basis.grade for basis in each.basis}]
    assert [each.code for each in assumed] == ["EC01"]
    assert all("假定值" in each.sentence for each in assumed)


def test_one_passage_is_named_once_and_another_day_of_it_again() -> None:
    settled = assessed()
    ratio = next(each for each in settled.trace if each["code"] == "C000")
    [basis] = ratio["basis"]
    ratio["basis"] = [basis, {**basis, "rule": "elsewhere"}, {**basis, "from_on": "2024-01-01"}]
    [shown] = [each for each in explain.steps(settled) if each.code == "C000"]
    assert [each.from_on.isoformat() for each in shown.basis] == ["2023-09-15", "2024-01-01"]
