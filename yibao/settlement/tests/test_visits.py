"""Every kind of visit is settled by its rules: stays are counted, chronic diseases need a qualification (C11, D7)."""

import secrets
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from conftest import insured
from yibao import benefit, registry
from yibao.core.database import Pool, transaction
from yibao.core.numbers import Numbers
from yibao.core.vault import Keys
from yibao.credential import Tokens
from yibao.settlement import Desk, Order, Split, queries, refusals, tallies
from yibao.settlement.replay import Impact, replay
from yibao.settlement.rules import digest
from yibao.settlement.tests.scene import CHENGDU_HOSPITAL, PHARMACY, Scan, basket
from yibao.settlement.tests.test_settle import assert_sound, cancel, counters, settle

RULES = """
place: "510100"
label: 检验
sources: {page: {title: 网页, grade: C}}
insurance:
  employee:
    visits:
      label: 门诊
      when: {visit_kind: [outpatient]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - {step: waiting, label: 等待期, months: {2020-01-01: {value: "6", source: page, grade: C, verified: false}}}
        - step: ratio
          label: 比例
          fund: "310102"
          rounding: half_up
          rate:
            2020-01-01: {by: [aid], value: {none: "0.50", subsistence: "0.80"}, source: page, grade: C, verified: false}
    chronic:
      label: 慢特病
      when: {visit_kind: [chronic]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: ratio
          label: 比例
          fund: "310100"
          rounding: half_up
          rate: {2020-01-01: {value: "0.70", source: page, grade: C, verified: false}}
        - step: ceiling
          label: 病种限额
          fund: "310100"
          tally: chronic.fund_paid.{disease}
          amount: {2020-01-01: {value: "200.00", source: page, grade: C, verified: false}}
    inpatient:
      label: 住院
      when: {visit_kind: [inpatient]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: admission_deductible
          label: 起付线
          tally: inpatient.admissions
          amounts: {2020-01-01: {value: ["100.00", "50.00"], source: page, grade: C, verified: false}}
        - step: ratio
          label: 比例
          fund: "310100"
          rounding: half_up
          rate: {2020-01-01: {value: "0.90", source: page, grade: C, verified: false}}
"""
DIGEST_BEFORE_VISITS = "df002ecb93c211a82849caa39a2b32a8e26756807101b52e18bddd29150caba7"
CHRONIC = registry.Qualification("510100", "chronic", "M03900", from_on=date(2026, 1, 1), until_on=date(2027, 1, 1))


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., benefit.Policies]:
    """Make the rules of Chengdu for these tests, with one value changed if wanted."""

    def rules(old: str = "", new: str = "") -> benefit.Policies:
        file = tmp_path / f"{secrets.token_hex(4)}.yaml"
        assert not old or RULES.count(old) == 1
        file.write_text(RULES.replace(old, new) if old else RULES, encoding="utf-8")
        return benefit.Policies([benefit.load_policy(file)])

    return rules


@pytest.fixture
def desk(pool: Pool, keys: Keys, tokens: Tokens, shops: None, rules: Callable[..., benefit.Policies]) -> Desk:
    return Desk(pool, numbers=Numbers(keys.numbers), tokens=tokens, policies=rules())


async def test_stays_are_counted_and_a_cancelling_gives_the_stay_back(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    stay = basket(visitor.token, ("A200", "1"), use_account=False, visit_kind="inpatient")
    first = await settle(desk, stay, at=at, institution=CHENGDU_HOSPITAL)
    second = await settle(desk, stay, at=at, institution=CHENGDU_HOSPITAL)
    assert (first.fund_fen, second.fund_fen) == (9_000, 13_500)  # (200-100)*90%; (200-50)*90%
    assert await counters(pool, visitor) == {"inpatient.admissions": 2}
    await cancel(desk, second, at=at)
    assert await counters(pool, visitor) == {"inpatient.admissions": 1}
    again = await settle(desk, stay, at=at, institution=CHENGDU_HOSPITAL)
    assert again.fund_fen == 13_500
    document = await queries.document(pool, person_id=visitor.person_id, settlement_id=again.settlement_id)
    assert document.visit_kind == "inpatient"
    await assert_sound(pool)


async def test_a_chronic_visit_needs_its_qualification_on_the_day(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    visit = basket(visitor.token, ("A200", "1"), use_account=False, visit_kind="chronic", disease="M03900")
    with pytest.raises(refusals.DiseaseNotRegistered):
        await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)
    async with transaction(pool) as tx:
        await registry.qualify(tx, visitor.person_id, [CHRONIC])
    first = await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)
    second = await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)
    assert (first.fund_fen, second.fund_fen) == (14_000, 6_000)  # 200*70%; the limit of the disease is 200.
    assert await counters(pool, visitor) == {"chronic.fund_paid.M03900": 20_000}
    other = basket(visitor.token, ("A200", "1"), visit_kind="chronic", disease="M01600")
    with pytest.raises(refusals.DiseaseNotRegistered):
        await settle(desk, other, at=at, institution=CHENGDU_HOSPITAL)
    ended = registry.Qualification("510100", "chronic", "M03900", CHRONIC.from_on, until_on=at.date())
    async with transaction(pool) as tx:
        await registry.qualify(tx, visitor.person_id, [ended])
    with pytest.raises(refusals.DiseaseNotRegistered):
        await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)


@pytest.mark.parametrize(("visit_kind", "disease"), [("chronic", ""), ("inpatient", "M03900")])
async def test_a_disease_is_named_for_chronic_visits_and_for_no_other(
    desk: Desk, scan: Scan, at: datetime, visit_kind: str, disease: str
) -> None:
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    visit = basket(visitor.token, ("A200", "1"), visit_kind=visit_kind, disease=disease)
    with pytest.raises(refusals.MalformedOrder):
        await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)


async def test_an_institution_settles_only_what_it_offers(desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    with pytest.raises(refusals.VisitNotOffered):
        await settle(desk, basket(visitor.token, ("A200", "1"), visit_kind="inpatient"), at=at, institution=PHARMACY)


async def test_aid_and_a_waiting_period_reach_the_rules(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    visit = basket(visitor.token, ("A200", "1"), use_account=False)
    assert (await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)).fund_fen == 10_000
    aid = registry.Qualification("510100", "aid", "subsistence", from_on=at.date())
    elsewhere = registry.Qualification("510500", "aid", "extreme_poverty", from_on=at.date())
    async with transaction(pool) as tx:
        await registry.qualify(tx, visitor.person_id, [aid, elsewhere])
    assert (await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)).fund_fen == 16_000
    await pool.execute(
        "UPDATE registry.insurance SET entitled_from = $2 WHERE person_id = $1",
        visitor.person_id,
        at.date() + timedelta(days=1),
    )
    assert (await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL)).fund_fen == 0


async def test_counters_are_rebuilt_from_the_settlements(
    desk: Desk, pool: Pool, owner_pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    stay = basket(visitor.token, ("A200", "1"), use_account=False, visit_kind="inpatient")
    await settle(desk, stay, at=at, institution=CHENGDU_HOSPITAL)
    await cancel(desk, await settle(desk, stay, at=at, institution=CHENGDU_HOSPITAL), at=at)
    kept = await counters(pool, visitor)
    async with owner_pool.acquire() as connection:
        transaction_ = connection.transaction()
        await transaction_.start()
        try:
            of_others = await tallies.differing(connection)  # Other tests have broken theirs.
            rebuilt = await tallies.rebuild(connection)
            assert await counters(connection, visitor) == kept  # type: ignore[arg-type]
            alone = await tallies.differing(connection)  # Counters without a settlement stay.
            assert of_others == rebuilt + alone
            for broken in (
                "UPDATE settlement.tally SET counters = '{\"inpatient.admissions\": 7}' WHERE person_id = $1",
                "DELETE FROM settlement.tally WHERE person_id = $1",
            ):
                await connection.execute(broken, visitor.person_id)
                assert await tallies.differing(connection) == alone + 1
                assert await tallies.rebuild(connection) == 1
                assert await tallies.differing(connection) == alone
                assert await counters(connection, visitor) == kept  # type: ignore[arg-type]
        finally:
            await transaction_.rollback()


async def replayed(pool: Pool, using: benefit.Policies, person_id: str) -> Impact:
    async with transaction(pool) as tx:
        return await replay(tx, using, of_places=["510100"], low=person_id, high=f"{person_id}0")


async def test_stored_bills_come_out_the_same_by_the_same_rules_and_otherwise_by_changed_ones(
    desk: Desk, pool: Pool, scan: Scan, at: datetime, rules: Callable[..., benefit.Policies]
) -> None:
    """E6: a change is tried on what was settled; the counters run on by the changed rules."""
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    stay = basket(visitor.token, ("A200", "2"), ("B100", "1"), ("L38", "1"), use_account=False, visit_kind="inpatient")
    settled = [await settle(desk, stay, at=at, institution=CHENGDU_HOSPITAL) for _ in range(3)]
    await cancel(desk, settled.pop(), at=at)
    before_fen = sum(each.fund_fen for each in settled)

    same = await replayed(pool, rules(), visitor.person_id)
    [sums] = same.by_kind.values()
    assert (sums.bills, sums.changed, sums.before_fen, sums.after_fen) == (2, 0, before_fen, before_fen)
    assert same.worst == []

    # (400 + 95 + 32) in scope; the first stay bears 200 instead of 100, the second 50 as before.
    changed = await replayed(pool, rules('["100.00", "50.00"]', '["200.00", "50.00"]'), visitor.person_id)
    [(kind, sums)] = changed.by_kind.items()
    assert (kind, sums.bills, sums.changed, sums.after_fen) == ("retired", 2, 1, before_fen - 9_000)
    assert [(each.settlement_id, each.more_fen) for each in changed.worst] == [(settled[0].settlement_id, 9_000)]

    without = await replayed(pool, rules("visit_kind: [inpatient]", "visit_kind: [pharmacy]"), visitor.person_id)
    assert without.by_kind == {}
    assert sum(without.no_rule.values()) == 2


CARRYING = """
place: "510100"
label: 检验
sources: {page: {title: 网页, grade: C}}
insurance:
  employee:
    visits:
      label: 门诊
      when: {visit_kind: [outpatient]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: deductible
          label: 起付线
          tally: outpatient.deductible_met
          amount: {2020-01-01: {value: "150.00", source: page, grade: C, verified: false}}
        - step: ratio
          label: 比例
          fund: "310102"
          rounding: half_up
          rate: {2020-01-01: {value: "0.50", source: page, grade: C, verified: false}}
        - step: ceiling
          label: 限额
          fund: "310102"
          tally: outpatient.fund_paid
          amount: {2020-01-01: {value: "300.00", source: page, grade: C, verified: false}}
        - {step: carried, label: 退费差额}
        - step: account
          label: 个人账户
          pays: {2020-01-01: {value: [in_scope], source: page, grade: C, verified: false}}
"""


@pytest.fixture
def carrying(desk: Desk, tmp_path: Path) -> Desk:
    """A desk in a place where bills may be cancelled out of order."""
    (tmp_path / "carrying.yaml").write_text(CARRYING, encoding="utf-8")
    desk.policies = benefit.Policies([benefit.load_policy(tmp_path / "carrying.yaml")])
    return desk


async def open_counters(pool: Pool, person_id: str) -> dict[str, int]:
    found = await pool.fetchval("SELECT counters FROM settlement.tally WHERE person_id = $1 AND year = 0", person_id)
    return {name: fen for name, fen in (found or {}).items() if fen}


async def of_year(pool: Pool, person_id: str) -> dict[str, int]:
    found = await pool.fetchval("SELECT counters FROM settlement.tally WHERE person_id = $1 AND year > 0", person_id)
    return dict(found)


async def test_what_a_cancelling_out_of_order_leaves_open_is_settled_with_the_next_bill(
    carrying: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    """C10: the first of two bills bore the deductible; without it the second bears it, which the next bill settles."""
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    visit = basket(visitor.token, ("A200", "1"), use_account=False)
    first = await settle(carrying, visit, at=at, institution=CHENGDU_HOSPITAL)
    second = await settle(carrying, visit, at=at, institution=CHENGDU_HOSPITAL)
    assert (first.fund_fen, second.fund_fen) == (2_500, 10_000)  # (200-150)*50%; 200*50%
    await cancel(carrying, first, at=at)
    assert await of_year(pool, visitor.person_id) == {
        "outpatient.deductible_met": 15_000,
        "outpatient.fund_paid": 2_500,
    }
    assert await open_counters(pool, visitor.person_id) == {"owed.310102": 7_500}
    await assert_sound(pool)

    small = await settle(carrying, basket(visitor.token, ("A1", "100")), at=at, institution=CHENGDU_HOSPITAL)
    assert (small.fund_fen, small.cash_fen) == (0, 10_000)  # 50.00 due, all of it kept.
    assert await open_counters(pool, visitor.person_id) == {"owed.310102": 2_500}
    document = await queries.document(pool, person_id=visitor.person_id, settlement_id=small.settlement_id)
    carried = next(step for step in document.trace if step["step"] == "carried")
    assert (carried["inputs"]["open_fen"], carried["results"]["left_fen"]) == (7_500, 2_500)

    # Without any of them, nothing is left open and nothing has been paid.
    for each in (second, small):
        await cancel(carrying, each, at=at)
    assert await open_counters(pool, visitor.person_id) == {}
    assert set((await of_year(pool, visitor.person_id)).values()) == {0}
    await assert_sound(pool)


async def test_what_a_fund_owes_after_a_cancelling_is_paid_with_the_next_bill(
    carrying: Desk, pool: Pool, owner_pool: Pool, scan: Scan, at: datetime
) -> None:
    """The first bill had used up the ceiling of the second."""
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    large = basket(visitor.token, ("A200", "4"), use_account=False)
    first = await settle(carrying, large, at=at, institution=CHENGDU_HOSPITAL)
    second = await settle(carrying, large, at=at, institution=CHENGDU_HOSPITAL)
    assert (first.fund_fen, second.fund_fen) == (30_000, 0)
    await cancel(carrying, first, at=at)
    assert await open_counters(pool, visitor.person_id) == {"carried.310102": 30_000}
    third = await settle(carrying, large, at=at, institution=CHENGDU_HOSPITAL)
    assert (third.fund_fen, third.cash_fen) == (
        30_000,
        50_000,
    )  # Nothing of its own: the ceiling is used by the second.
    assert await open_counters(pool, visitor.person_id) == {}
    await assert_sound(pool)
    async with owner_pool.acquire() as connection:
        assert await connection.fetchval(
            "SELECT bool_and(counters <> '{}') FROM settlement.tally WHERE person_id = $1", visitor.person_id
        )
    of_others = await tallies.differing(pool)  # type: ignore[arg-type]
    third_gone = await cancel(carrying, third, at=at)
    assert third_gone.fund_fen == -30_000
    assert await open_counters(pool, visitor.person_id) == {"carried.310102": 30_000}
    assert await tallies.differing(pool) == of_others  # type: ignore[arg-type]


async def test_a_bill_stored_without_its_case_keeps_the_order(
    carrying: Desk, pool: Pool, owner_pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    visit = basket(visitor.token, ("A200", "1"), use_account=False)
    first = await settle(carrying, visit, at=at, institution=CHENGDU_HOSPITAL)
    second = await settle(carrying, visit, at=at, institution=CHENGDU_HOSPITAL)
    await owner_pool.execute("UPDATE settlement.settlement SET facts = '{}' WHERE person_id = $1", visitor.person_id)
    with pytest.raises(refusals.LaterSettlementExists):
        await cancel(carrying, first, at=at)
    await cancel(carrying, second, at=at)
    await cancel(carrying, first, at=at)
    assert set((await of_year(pool, visitor.person_id)).values()) == {0}


async def test_stored_bills_come_out_the_same_although_something_between_them_was_cancelled(
    desk: Desk, pool: Pool, scan: Scan, at: datetime, rules: Callable[..., benefit.Policies]
) -> None:
    """The third bill found the limit used up by the second, which was cancelled since: it moved no counter itself."""
    visitor = await scan(institution=CHENGDU_HOSPITAL, insurances=[insured("510100")])
    async with transaction(pool) as tx:
        await registry.qualify(tx, visitor.person_id, [CHRONIC])
    visit = basket(visitor.token, ("A200", "1"), use_account=False, visit_kind="chronic", disease="M03900")
    paid = [await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL) for _ in range(3)]
    await cancel(desk, paid.pop(1), at=at)
    paid.append(await settle(desk, visit, at=at, institution=CHENGDU_HOSPITAL))
    assert [each.fund_fen for each in paid] == [14_000, 0, 6_000]
    same = await replayed(pool, rules(), visitor.person_id)
    [sums] = same.by_kind.values()
    assert (sums.bills, sums.changed, sums.after_fen) == (3, 0, 20_000)
    assert same.worst == []


async def test_nobody_settled_is_nothing_to_try(pool: Pool) -> None:
    async with transaction(pool) as tx:
        empty = await replay(tx, benefit.policies(), of_places=["510100"], low="~", high=None)
    assert empty.by_kind == {}


def test_a_retry_across_an_upgrade_is_the_same_order() -> None:
    """What an order of an earlier version could not say leaves no trace in its digest."""
    earlier = basket("token", ("A200", "1"))
    expected = Split(total_fen=20_000, fund_fen=0, account_fen=0, cash_fen=20_000)
    assert digest(Order(earlier, expected)) == DIGEST_BEFORE_VISITS
    stay = basket("token", ("A200", "1"), visit_kind="inpatient")
    assert digest(Order(stay, expected)) != DIGEST_BEFORE_VISITS
