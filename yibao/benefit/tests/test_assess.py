"""The arithmetic: identities for any bill, dated rules, several funds, refusals (C1, E6, F2)."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from yibao.benefit import Assessment, Case, Line, NoPolicy, NoRule, Policies, Policy, assess, load_policy, policies
from yibao.benefit.bill import Bound
from yibao.benefit.policy import _KEY, Plan, _facts
from yibao.benefit.steps import KINDS
from yibao.benefit.steps.segments import Segments
from yibao.benefit.steps.supplement import Supplement
from yibao.benefit.types import COUNTED, FACTS
from yibao.core.money import half_up

bounded = settings(
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],  # Not every kind of case has a rule.
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    made = []
    for line_no in range(1, draw(st.integers(0, 6)) + 1):
        price = draw(st.decimals(0, 3000, places=draw(st.sampled_from((2, 6)))))
        quantity = draw(st.decimals(0, 20, places=4))
        made.append(
            Line(
                line_no=line_no,
                code="X",
                name="药品",
                charge_class=draw(st.sampled_from(("A", "B", "C"))),
                quantity=quantity,
                unit_price=price,
                amount_fen=half_up(price * quantity * 100),
                price_limit=draw(st.none() | st.decimals(0, 3000, places=2)),
                own_pay_rate=draw(st.decimals(0, 1, places=4)),
            )
        )
    return tuple(made)


OPEN = ("carried.", "owed.")
PEOPLE = {"employee": ("employed", "retired"), "resident": ("adult", "aged", "student", "child")}
QUALIFIED = [frozenset(held) for held in ((), ("subsistence",), ("civil_servant",), ("retired_by_2000", "margin"))]


def tallies_of(policy: Policy) -> tuple[str, ...]:
    """Return the names of the counters that the rules of a place keep; of those by disease, that of hypertension."""
    tallies = [tally for _, _, rule in policy.rules() if (tally := getattr(rule.step, "tally", None))]
    names = {getattr(each, "pattern", each).replace("{disease}", "M03900") for each in tallies}
    funds = {rule.step.paying_fund for _, _, rule in policy.rules() if rule.step.paying_fund} if policy.carries else ()
    return tuple(sorted(names | {prefix + fund for fund in funds for prefix in OPEN}))


@st.composite
def cases(draw: st.DrawFn, rules: Policies) -> Case:
    """Any bill under the rules of any place, shipped or made up, for which these have a rule."""
    policy = rules.places[draw(st.sampled_from(sorted(rules.places)))]
    insurance = draw(st.sampled_from(sorted(policy.groups)))
    when = draw(st.sampled_from(policy.groups[insurance])).when

    def word(fact: str, options: tuple[str, ...] = ()) -> Any:
        return draw(st.sampled_from(when.get(fact) or options or FACTS[fact]))

    made = Case(
        insured_place=policy.place,
        treated_place=draw(st.sampled_from((policy.place, f"{policy.place[:2]}7700", "460100"))),
        insurance=insurance,  # type: ignore[arg-type]
        person_kind=word("person_kind", PEOPLE[insurance]),
        age=draw(st.integers(0, 110)),
        visit_kind=(visit_kind := word("visit_kind")),
        institution_kind=word("institution_kind"),
        institution_level=word("institution_level"),
        filing=word("filing"),
        on=draw(st.sampled_from((date(2024, 12, 31), date(2025, 1, 1), date(2026, 5, 1)))),
        lines=draw(lines()),
        tallies={
            name: draw(st.integers(0, 5 if name.endswith(COUNTED) else 300_000))
            for name in tallies_of(policy)
            if draw(st.booleans())
        },
        qualifications=draw(st.sampled_from(QUALIFIED)),
        account_fen=draw(st.integers(0, 500_000)),
        current_account_fen=draw(st.integers(0, 50_000)),
        use_account=draw(st.booleans()),
        disease="M03900" if visit_kind == "chronic" else "",
    )
    try:
        rules.plan(made)
    except NoRule:
        reject()
    return made


@pytest.fixture(scope="session")
def rules(chain: Policies, segmented: Policies) -> Policies:
    """The shipped places together with the places 990000 and 991000."""
    return Policies([*policies().places.values(), *chain.places.values(), *segmented.places.values()])


def amounts_of(found: msgspec.Struct) -> dict[str, int]:
    return {name: getattr(found, name) for name in found.__struct_fields__ if name.endswith("_fen")}


@bounded
@given(data=st.data())
def test_the_parts_of_any_bill_sum_up_and_none_is_negative(rules: Policies, data: st.DataObject) -> None:
    case = data.draw(cases(rules))
    found = assess(case, using=rules)
    for line, share in zip(case.lines, found.lines, strict=True):
        assert (share.line_no, share.amount_fen) == (line.line_no, line.amount_fen)
        assert share.full_own_fen + share.over_limit_fen + share.first_own_fen + share.in_scope_fen == line.amount_fen
        assert min(amounts_of(share).values()) >= 0
    for name in ("full_own_fen", "over_limit_fen", "first_own_fen", "in_scope_fen"):
        assert sum(getattr(share, name) for share in found.lines) == getattr(found, name)
    assert sum(line.amount_fen for line in case.lines) == found.total_fen
    assert found.full_own_fen + found.over_limit_fen + found.first_own_fen + found.in_scope_fen == found.total_fen
    assert found.fund_fen + found.person_fen + found.hospital_fen == found.total_fen
    assert found.account_fen + found.mutual_aid_fen + found.cash_fen == found.person_fen
    assert sum(share.amount_fen for share in found.funds) == found.fund_fen
    assert min(amounts_of(found).values()) >= 0
    assert all(share.amount_fen > 0 for share in found.funds)
    assert found.deductible_fen <= found.in_scope_fen
    assert found.current_account_fen <= case.current_account_fen
    assert found.account_fen - found.current_account_fen <= (case.account_fen if case.use_account else 0)


@bounded
@given(data=st.data())
def test_the_counters_move_by_what_this_bill_took(rules: Policies, data: st.DataObject) -> None:
    case = data.draw(cases(rules))
    found = assess(case, using=rules)
    moved = {name: found.tallies[name] - case.tallies.get(name, 0) for name in found.tallies}
    assert set(moved) <= set(tallies_of(rules.of(case.insured_place)))
    settled = {name: by for name, by in moved.items() if name.startswith(OPEN)}
    assert all(by <= 0 for by in settled.values())
    owed_fen = -sum(by for name, by in settled.items() if name.startswith("owed."))
    for name, by in moved.items():
        if name in settled:
            continue
        assert by in (0, 1) if name.endswith(COUNTED) else 0 <= by <= found.total_fen
        if name.endswith("deductible_met"):
            assert by <= found.deductible_fen
        if ".fund_paid" in name:  # Of a disease and of the year, so that two may count one payment.
            assert by <= found.fund_fen + owed_fen
    if case.insured_place == "510500" and case.insurance == "employee" and case.visit_kind == "outpatient":
        paid_fen = {share.fund: share.amount_fen for share in found.funds}.get("310102", 0)
        assert moved == {"outpatient.deductible_met": found.deductible_fen, "outpatient.fund_paid": paid_fen}


def paid_fen(case: Case, rules: Policies) -> int:
    """Return what the funds pay, and what they hold back of it because the person owed it to them."""
    found = assess(case, using=rules)
    owed = [name for name in found.tallies if name.startswith("owed.")]
    return found.fund_fen + sum(case.tallies.get(name, 0) - found.tallies[name] for name in owed)


@bounded
@given(data=st.data(), more_fen=st.integers(0, 50_000))
def test_more_in_scope_is_never_paid_less(rules: Policies, data: st.DataObject, more_fen: int) -> None:
    case = data.draw(cases(rules))
    more = Line(
        line_no=99,
        code="X",
        name="药品",
        charge_class="A",
        quantity=Decimal(1),
        unit_price=Decimal(more_fen) / 100,
        amount_fen=more_fen,
        price_limit=None,
        own_pay_rate=Decimal(0),
    )
    larger = msgspec.structs.replace(case, lines=(*case.lines, more))
    covered = msgspec.structs.replace(
        case, lines=tuple(msgspec.structs.replace(line, charge_class="A") for line in case.lines)
    )
    assert paid_fen(larger, rules) >= paid_fen(case, rules)
    assert paid_fen(covered, rules) >= paid_fen(case, rules)


@bounded
@given(data=st.data(), earlier=st.integers(1, 9), years=st.integers(0, 60))
def test_a_later_admission_or_a_higher_age_is_never_paid_less(
    rules: Policies, data: st.DataObject, earlier: int, years: int
) -> None:
    case = data.draw(cases(rules))
    before_fen = paid_fen(case, rules)
    stays = "inpatient.admissions"
    later = msgspec.structs.replace(case, tallies={**case.tallies, stays: case.tallies.get(stays, 0) + earlier})
    assert paid_fen(later, rules) >= before_fen
    if case.insured_place == "510100":
        assert paid_fen(msgspec.structs.replace(case, age=case.age + years), rules) >= before_fen


@bounded
@given(data=st.data())
def test_the_same_case_gives_the_same_answer_and_survives_the_wire(rules: Policies, data: st.DataObject) -> None:
    case = data.draw(cases(rules))
    found = assess(case, using=rules)
    wired = msgspec.json.decode(msgspec.json.encode(case), type=Case)
    assert assess(wired, using=rules) == found
    assert msgspec.json.decode(msgspec.json.encode(found), type=Assessment) == found


PER_STAY = ("admission_deductible", "cost_deductible", "first_pay", "minimum")


def is_of_the_year(rules: Policies, case: Case) -> bool:
    """Whether every rule for this case counts over the year, so that cutting a bill in two must not matter."""
    policy = rules.of(case.insured_place)
    facts = _facts(policy, case.age, _KEY(case))
    steps = [rule.step for rule in policy.group(facts).rules if facts.meet(rule.head.when)]
    supplements = [step for step in steps if isinstance(step, Supplement)]
    if len({step.counts for step in supplements}) > 1:
        # What the second counts depends on which part of each bill the first one paid for.
        return False
    return not any(
        type(step) in [KINDS[kind] for kind in PER_STAY]
        or (isinstance(step, Segments | Supplement) and step.tally is None)
        for step in steps
    )


@bounded
@given(data=st.data(), second=lines())
def test_a_bill_cut_in_two_on_one_day_costs_no_more_than_the_rounding(
    rules: Policies, data: st.DataObject, second: tuple[Line, ...]
) -> None:
    """Each fund rounds once a bill, so each step that pays may lose a fen where one bill becomes two."""
    case = data.draw(cases(rules))
    assume(is_of_the_year(rules, case))
    whole = assess(msgspec.structs.replace(case, lines=(*case.lines, *second)), using=rules)
    before = assess(case, using=rules)
    spent_fen = before.account_fen - before.current_account_fen
    after = assess(
        msgspec.structs.replace(
            case,
            lines=second,
            tallies={**case.tallies, **before.tallies},
            account_fen=case.account_fen - spent_fen,
            current_account_fen=case.current_account_fen - before.current_account_fen,
        ),
        using=rules,
    )
    rounded = sum("fund_fen" in step.results for step in (*before.trace, *after.trace))
    assert before.deductible_fen + after.deductible_fen == whole.deductible_fen
    assert abs(before.person_fen + after.person_fen - whole.person_fen) <= rounded
    both = {**before.tallies, **after.tallies}
    for name, counter in whole.tallies.items():
        assert abs(both[name] - counter) <= rounded


@bounded
@given(first=lines(), second=lines())
def test_a_bill_cut_in_two_meets_the_same_deductible(
    make_case: Callable[..., Case], first: tuple[Line, ...], second: tuple[Line, ...]
) -> None:
    whole = assess(make_case(*first, *second))
    before = assess(make_case(*first))
    after = assess(make_case(*second, tallies=before.tallies))
    assert before.deductible_fen + after.deductible_fen == whole.deductible_fen
    assert abs(before.fund_fen + after.fund_fen - whole.fund_fen) <= 1  # Each bill rounds its fund once.


def test_a_line_over_its_price_limit_is_cut_before_the_first_own_share(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    line = make_line(1, "B", "12.50", price_limit=Decimal("10.00"), own_pay_rate=Decimal("0.10"))
    share = assess(make_case(line)).lines[0]
    assert (share.over_limit_fen, share.first_own_fen, share.in_scope_fen) == (250, 100, 900)


def test_a_price_at_its_limit_is_not_over_it(make_case: Callable[..., Case], make_line: Callable[..., Line]) -> None:
    assert assess(make_case(make_line(1, "A", "10.00", price_limit=Decimal("10.00")))).over_limit_fen == 0


def test_an_item_outside_the_catalogue_is_wholly_own_whatever_its_limit(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    line = make_line(1, "C", "12.50", price_limit=Decimal("10.00"), own_pay_rate=Decimal("0.10"))
    share = assess(make_case(line)).lines[0]
    assert (share.full_own_fen, share.over_limit_fen, share.first_own_fen) == (1250, 0, 0)


def test_a_bill_without_lines_costs_nobody_anything(make_case: Callable[..., Case]) -> None:
    found = assess(make_case(account_fen=100, use_account=True))
    assert set(amounts_of(found).values()) == {0}
    assert found.funds == ()


def test_a_value_holds_until_a_later_one_replaces_it(
    chain: Policies, make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    resident = {"insured_place": "990000", "insurance": "resident", "person_kind": "adult"}
    old = assess(make_case(make_line(), on=date(2024, 12, 31), **resident), using=chain)
    new = assess(make_case(make_line(), on=date(2025, 1, 1), **resident), using=chain)
    assert (old.deductible_fen, new.deductible_fen) == (7, 1000)
    assert old.policy == "990000 算法检验 多基金 2024-01-01"
    assert new.policy == "990000 算法检验 多基金 2025-01-01"


def test_each_fund_works_on_what_the_one_before_left(
    chain: Policies, make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    resident = {"insured_place": "990000", "insurance": "resident", "person_kind": "adult"}
    found = assess(make_case(make_line(1, "A", "110.00"), **resident), using=chain)
    # 110 - 10 = 100; 100 * 0.333333 cut at 5.00; (100 - 5) * (0.95 - 0.50) = 42.75.
    assert [(share.fund, share.amount_fen) for share in found.funds] == [("390100", 500), ("390200", 4275)]
    assert found.pool_ratio == Decimal("0.333333")


@pytest.mark.parametrize(("person_kind", "left_fen"), [("aged", 0), ("child", 9500)])
def test_points_never_carry_a_rate_beyond_nothing_or_everything(
    chain: Policies,
    make_case: Callable[..., Case],
    make_line: Callable[..., Line],
    person_kind: str,
    left_fen: int,
) -> None:
    resident = {"insured_place": "990000", "insurance": "resident", "person_kind": person_kind}
    found = assess(make_case(make_line(1, "A", "110.00"), **resident), using=chain)
    assert found.in_scope_fen - found.deductible_fen - found.fund_fen == left_fen


def test_the_account_pays_only_the_parts_the_policy_names(
    chain: Policies, make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    resident = {"insured_place": "990000", "insurance": "resident", "person_kind": "aged"}
    bill = (make_line(1, "A", "9.00"), make_line(2, "C", "20.00"))
    found = assess(make_case(*bill, account_fen=100_000, use_account=True, **resident), using=chain)
    assert (found.account_fen, found.cash_fen) == (900, 2000)


def test_a_deductible_lowered_below_what_was_met_takes_nothing(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    found = assess(make_case(make_line(), tallies={"outpatient.deductible_met": 20_000}))
    assert found.deductible_fen == 0
    assert found.tallies["outpatient.deductible_met"] == 20_000


@pytest.mark.parametrize("place", ["510500", "510502", "510599"])
def test_a_county_follows_the_rules_of_its_city(
    make_case: Callable[..., Case], make_line: Callable[..., Line], place: str
) -> None:
    assert assess(make_case(make_line(), insured_place=place)).policy.startswith("510500 四川省泸州市 职工门诊统筹 ")


def test_a_place_without_rules_is_refused_with_whom_to_ask(make_case: Callable[..., Case]) -> None:
    with pytest.raises(NoPolicy) as refused:
        assess(make_case(insured_place="460100"))
    assert "460100" in refused.value.detail_text
    assert "尚未载入" in refused.value.detail_text
    assert "12393" in refused.value.remedy_text


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"insurance": "resident"}, "insurance.resident"),
        ({"visit_kind": "inpatient"}, "insurance.employee"),
        ({"filing": "filed"}, "insurance.employee"),
        ({"on": date(2022, 12, 31)}, "insurance.employee.outpatient.steps[1].amount（2022-12-31 当日的值）"),
        ({"person_kind": "child"}, "insurance.employee.outpatient.steps[1].amount.2023-01-01.value.child"),
    ],
)
def test_a_known_place_without_a_rule_for_the_case_is_refused(
    make_case: Callable[..., Case], luzhou: Path, changes: dict[str, object], lacking: str
) -> None:
    with pytest.raises(NoRule) as refused:
        assess(make_case(**changes), using=Policies([load_policy(luzhou)]))
    assert refused.value.facts["lacking"] == lacking
    assert lacking in refused.value.hint_text
    assert "四川省泸州市" in refused.value.detail_text
    assert "12393" in refused.value.remedy_text


def test_steps_that_lead_to_a_negative_part_are_stopped(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    class Overpaying(Policies):
        def plan(self, case: Case) -> Plan:
            right = super().plan(case)
            wrong = Bound(lambda bill: bill.funds.update({"310102": bill.total_fen + 1}))
            return Plan(right.policy, (*right.runs, wrong.run))

    luzhou: Policy = policies().places["510500"]
    with pytest.raises(ArithmeticError, match="negative part"):
        assess(make_case(make_line()), using=Overpaying([luzhou]))


def test_a_line_an_account_or_a_counter_that_cannot_be_is_not_accepted(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        make_line(amount_fen=-1)
    with pytest.raises(ValueError, match="from 0 to 1"):
        make_line(own_pay_rate=Decimal("1.01"))
    with pytest.raises(ValueError, match="at least 0"):
        make_case(account_fen=-1)
    with pytest.raises(ValueError, match="at least 0"):
        make_case(tallies={"outpatient.fund_paid": -1})
    with pytest.raises(ValueError, match="qualification"):
        make_case(qualifications=frozenset({"rich"}))
    with pytest.raises(ValueError, match="qualification"):
        make_case(qualifications=frozenset({"subsistence", "margin"}))


def test_every_file_in_steps_is_a_kind_of_step() -> None:
    assert set(KINDS) == {
        "scope", "waiting", "account_first", "deductible", "admission_deductible", "cost_deductible", "cost_ceiling",
        "first_pay", "ratio", "segments", "minimum", "ceiling", "supplement", "carried", "account",
        "unpaid",
    }  # fmt: skip


def test_a_rate_that_the_catalogue_states_does_not_rest_on_the_one_assumed_for_the_place(
    make_case: Callable[..., Case], make_line: Callable[..., Line]
) -> None:
    """Whoever pays first by the catalogue is not told that the figure was assumed (F2)."""

    def grade_of_first_own(*lines: Line) -> str | None:
        visit = make_case(*lines, insured_place="341100", treated_place="341100")
        return next(step.grade for step in assess(visit).trace if step.code == "102")

    stated = make_line(1, "B", own_pay_rate=Decimal("0.05"))
    unstated = make_line(2, "B")
    assert grade_of_first_own(stated) is None
    assert grade_of_first_own(unstated) == "assumed"
    assert grade_of_first_own(stated, unstated) == "assumed"
