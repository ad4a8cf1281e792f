"""Quoting, confirming and cancelling against a real database, on the published Luzhou figures (C1, C10, C11)."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from conftest import insured
from yibao import benefit, ledger, settlement
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.credential import store as credential_store
from yibao.service import directory
from yibao.settlement import Basket, BasketLine, Desk, Order, Settled, Split, check, refusals
from yibao.settlement.actions import Prove, close_bill, confirm_bill, reverse_request, send_bill
from yibao.settlement.tests.scene import (
    HOSPITAL,
    PHARMACY,
    CountingPool,
    Scan,
    Visitor,
    agreed,
    basket,
    item,
    proved,
    purchase,
)


async def settle(
    desk: Desk,
    of: Basket,
    *,
    at: datetime,
    request_id: str | None = None,
    institution: str = PHARMACY,
    expected: Split | None = None,
    prove: Prove | None = proved,
) -> Settled:
    if expected is None:
        expected = (await settlement.quote(desk, basket=of, institution=institution, at=at)).split
    return await settlement.confirm(
        desk,
        order=Order(of, expected),
        institution=institution,
        caller=institution,
        request_id=request_id or secrets.token_hex(8),
        prove=prove,
        at=at,
    )


async def cancel(desk: Desk, of: Settled, *, at: datetime, request_id: str | None = None) -> Settled:
    return await settlement.reverse(
        desk,
        settlement_id=of.settlement_id,
        institution=of.institution,
        caller=of.institution,
        request_id=request_id or secrets.token_hex(8),
        at=at,
    )


async def counters(pool: Pool, visitor: Visitor) -> dict[str, int]:
    value = await pool.fetchval("SELECT counters FROM settlement.tally WHERE person_id = $1", visitor.person_id)
    return dict(value or {})


async def balance(pool: Pool, visitor: Visitor) -> int:
    fen = await ledger.balance(pool, visitor.person_id, "510500")
    assert fen is not None
    return fen


async def assert_sound(pool: Pool) -> None:
    async with transaction(pool) as tx:
        assert await check.check(tx) == []
        assert await ledger.check(tx) == []


def parts(of: Settled) -> tuple[int, int, int, int]:
    return of.total_fen, of.fund_fen, of.account_fen, of.cash_fen


@pytest.mark.parametrize(
    ("balance_fen", "use_account", "first", "second"),
    [
        (0, False, (42000, 17500, 0, 24500), (42000, 28000, 0, 14000)),
        (0, True, (42000, 17500, 0, 24500), (42000, 28000, 0, 14000)),
        (100000, False, (42000, 17500, 0, 24500), (42000, 28000, 0, 14000)),
        (100000, True, (42000, 17500, 24500, 0), (42000, 28000, 14000, 0)),
        (24500, True, (42000, 17500, 24500, 0), (42000, 28000, 0, 14000)),
        (24499, True, (42000, 17500, 24499, 1), (42000, 28000, 0, 14000)),
        (30000, True, (42000, 17500, 24500, 0), (42000, 28000, 5500, 8500)),
    ],
    ids=["no account", "empty", "unused", "used", "just enough", "a fen short", "ends in the second"],
)
async def test_two_purchases_of_the_published_kind_give_the_published_figures(
    desk: Desk,
    pool: Pool,
    scan: Scan,
    at: datetime,
    balance_fen: int,
    use_account: bool,
    first: tuple[int, int, int, int],
    second: tuple[int, int, int, int],
) -> None:
    """SC-LZ-01, SC-LZ-02 (C1): 175.00 and 245.00; then 280.00 and 140.00."""
    visitor = await scan(balance_fen=balance_fen)
    of = purchase(visitor.token, use_account=use_account)
    one = await settle(desk, of, at=at)
    two = await settle(desk, of, at=at)
    assert (parts(one), parts(two)) == (first, second)
    assert await balance(pool, visitor) == balance_fen - one.account_fen - two.account_fen == two.balance_fen
    assert await counters(pool, visitor) == {"outpatient.deductible_met": 15000, "outpatient.fund_paid": 45500}
    await assert_sound(pool)


@pytest.mark.parametrize(
    ("yuan", "fund_fen"), [("149.99", 0), ("150.00", 0), ("150.01", 1), ("151.00", 70), ("1.00", 0)]
)
async def test_the_deductible_is_met_to_the_fen(desk: Desk, scan: Scan, at: datetime, yuan: str, fund_fen: int) -> None:
    visitor = await scan()
    of = basket(visitor.token, ("A001", str(int(Decimal(yuan) * 100))))
    assert (await settle(desk, of, at=at)).fund_fen == fund_fen


async def test_the_same_id_gives_the_first_answer_again_even_after_the_visit(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(balance_fen=100000)
    of = purchase(visitor.token)
    expected = (await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)).split
    first = await settle(desk, of, at=at, request_id="till-1:0001", expected=expected)
    again = await settle(desk, of, at=at + timedelta(hours=3), request_id="till-1:0001", expected=expected)
    assert again == first
    assert (
        await pool.fetchval("SELECT count(*) FROM settlement.settlement WHERE person_id = $1", visitor.person_id) == 1
    )


async def test_the_same_id_with_another_body_or_another_person_is_refused(desk: Desk, scan: Scan, at: datetime) -> None:
    one, other = await scan(), await scan()
    request_id = secrets.token_hex(8)
    await settle(desk, purchase(one.token), at=at, request_id=request_id)
    with pytest.raises(refusals.IdReused):
        await settle(desk, basket(one.token, ("A1", "1")), at=at, request_id=request_id)
    with pytest.raises(refusals.IdReused):
        await settle(desk, purchase(other.token), at=at, request_id=request_id)


async def test_one_id_at_the_same_moment_for_two_people_settles_one_of_them(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    one, other = await scan(), await scan()
    request_id = secrets.token_hex(8)
    results = await asyncio.gather(
        settle(desk, purchase(one.token), at=at, request_id=request_id),
        settle(desk, purchase(other.token), at=at, request_id=request_id),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["IdReused", "Settled"]
    await assert_sound(pool)


async def test_a_double_click_settles_once(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    visitor = await scan(balance_fen=50000)
    of = purchase(visitor.token)
    expected = (await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)).split
    results = await asyncio.gather(*(settle(desk, of, at=at, request_id="double", expected=expected) for _ in range(8)))
    assert len({result.settlement_id for result in results}) == 1
    assert await balance(pool, visitor) == 50000 - 24500


async def test_a_quote_that_nobody_saw_is_not_booked(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    visitor = await scan(balance_fen=30000)
    of = purchase(visitor.token)
    seen = (await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)).split
    await settle(desk, of, at=at)
    with pytest.raises(refusals.QuoteChanged) as refused:
        await settle(desk, of, at=at, expected=seen)
    assert "280.00" in refused.value.detail_text
    assert await balance(pool, visitor) == 30000 - 24500


async def test_a_total_that_does_not_add_up_is_refused(desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    with pytest.raises(refusals.AmountMismatch):
        await settle(desk, purchase(visitor.token), at=at, expected=Split(41999, 17500, 0, 24499))


@pytest.mark.parametrize(
    ("relation", "refusal"),
    [
        (insured("510100"), refusals.NotInsuredHere),
        (insured(state="2"), refusals.InsuranceSuspended),
        (insured(synced=False), refusals.NotSynced),
    ],
)
async def test_who_is_not_covered_here_is_told_why(
    desk: Desk, scan: Scan, at: datetime, relation: object, refusal: type[Refusal]
) -> None:
    visitor = await scan(insurances=(relation,))  # type: ignore[arg-type]
    with pytest.raises(refusal):
        await settlement.quote(desk, basket=purchase(visitor.token), institution=PHARMACY, at=at)


async def test_a_place_without_rules_says_so(
    desk: Desk, scan: Scan, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "policies", benefit.Policies([]))
    visitor = await scan()
    with pytest.raises(benefit.NoPolicy):
        await settlement.quote(desk, basket=purchase(visitor.token), institution=PHARMACY, at=at)


async def test_of_several_relations_the_one_that_fits_pays(desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan(insurances=(insured("510100"), insured("510500")))
    settled = await settle(desk, purchase(visitor.token), at=at)
    assert settled.fund_fen == 17500


async def test_an_unknown_item_and_a_price_over_the_limit_are_refused_by_line(
    desk: Desk, scan: Scan, at: datetime
) -> None:
    visitor = await scan()
    with pytest.raises(refusals.ItemUnknown) as unknown:
        await settlement.quote(
            desk, basket=basket(visitor.token, ("A1", "1"), ("NONE", "1")), institution=PHARMACY, at=at
        )
    assert unknown.value.facts == {"line_no": 2}
    dear = Basket(visitor.token, (BasketLine("A1", Decimal(1), Decimal("1.01")),))
    with pytest.raises(refusals.PriceOverLimit):
        await settlement.quote(desk, basket=dear, institution=PHARMACY, at=at)


async def test_what_the_insurance_does_not_recognise_is_paid_by_the_person(
    desk: Desk, scan: Scan, at: datetime
) -> None:
    visitor = await scan()
    of = basket(visitor.token, ("L38", "10"), ("B100", "2"), ("M", "3"))
    quote = await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)
    assert quote.over_limit_fen == 6000
    assert quote.first_own_fen == 1000
    assert [line.amount_fen for line in quote.lines] == [38000, 20000, 100]


async def test_visits_serve_one_institution_for_a_quarter_of_an_hour(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan()
    of = purchase(visitor.token)
    with pytest.raises(refusals.VisitUnknown):
        await settlement.quote(desk, basket=of, institution=HOSPITAL, at=at)
    with pytest.raises(refusals.VisitUnknown):
        await settlement.quote(desk, basket=purchase("510500ec" + "0" * 32), institution=PHARMACY, at=at)
    with pytest.raises(refusals.VisitUnknown):
        await settlement.quote(desk, basket=purchase("nonsense"), institution=PHARMACY, at=at)
    with pytest.raises(refusals.VisitExpired):
        await settlement.quote(desk, basket=of, institution=PHARMACY, at=at + timedelta(minutes=15))
    async with transaction(pool) as tx:
        await credential_store.unbind_devices(tx, visitor.person_id, at)
    with pytest.raises(refusals.DeviceUnbound):
        await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)


async def test_a_closed_institution_and_a_service_it_does_not_offer_are_refused(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(institution=HOSPITAL)
    assert (
        await settlement.quote(desk, basket=purchase(visitor.token), institution=HOSPITAL, at=at)
    ).split.total_fen == 42000
    try:
        await pool.execute("UPDATE registry.institution SET services = '{inpatient}' WHERE code = $1", HOSPITAL)
        with pytest.raises(refusals.InstitutionClosed):
            await settlement.quote(desk, basket=purchase(visitor.token), institution=HOSPITAL, at=at)
    finally:
        await pool.execute(
            "UPDATE registry.institution SET services = '{outpatient, inpatient}' WHERE code = $1", HOSPITAL
        )


async def test_bills_under_the_free_limit_need_no_password(desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan(free_limit_fen=2000)

    async def without(of: Basket) -> Settled:
        quote = await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)
        return await settlement.confirm(
            desk,
            order=agreed(of, quote),
            institution=PHARMACY,
            caller=PHARMACY,
            request_id=secrets.token_hex(8),
            prove=None,
            at=at,
        )

    assert (await without(basket(visitor.token, ("C20", "1")))).total_fen == 2000
    with pytest.raises(refusals.PasswordRequired):
        await without(basket(visitor.token, ("C20", "1"), ("A001", "1")))


async def test_a_wrong_password_books_nothing(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    of = purchase(visitor.token)
    quote = await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)

    async def refuse(account_id: str) -> None:
        assert account_id == visitor.account_id
        raise refusals.PasswordRequired(total="", limit="")

    with pytest.raises(refusals.PasswordRequired):
        await settlement.confirm(
            desk,
            order=agreed(of, quote),
            institution=PHARMACY,
            caller=PHARMACY,
            request_id="x",
            prove=refuse,
            at=at,
        )
    assert await counters(pool, visitor) == {}


async def test_cancelling_restores_money_and_counters(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    """C10: the whole settlement back, by the legs it was paid with."""
    visitor = await scan(balance_fen=30000)
    settled = await settle(desk, purchase(visitor.token), at=at)
    undone = await cancel(desk, settled, at=at)
    assert parts(undone) == (-42000, -17500, -24500, 0)
    assert undone.reverses == settled.settlement_id
    assert undone.balance_fen == await balance(pool, visitor) == 30000
    assert await counters(pool, visitor) == {"outpatient.deductible_met": 0, "outpatient.fund_paid": 0}
    assert (await settle(desk, purchase(visitor.token), at=at)).fund_fen == 17500
    await assert_sound(pool)


async def test_cancelling_twice_gives_the_first_answer(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    visitor = await scan(balance_fen=30000)
    settled = await settle(desk, purchase(visitor.token), at=at)
    undone = await asyncio.gather(
        *(cancel(desk, settled, at=at, request_id=f"{settled.settlement_id}-{n % 3}") for n in range(9))
    )
    assert len({answer.settlement_id for answer in undone}) == 1
    assert await balance(pool, visitor) == 30000
    await assert_sound(pool)


async def test_the_later_settlement_goes_first(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    one = await settle(desk, purchase(visitor.token), at=at)
    two = await settle(desk, purchase(visitor.token), at=at)
    with pytest.raises(refusals.LaterSettlementExists) as refused:
        await cancel(desk, one, at=at)
    assert two.settlement_id in refused.value.detail_text
    await cancel(desk, two, at=at)
    await cancel(desk, one, at=at)
    assert await counters(pool, visitor) == {"outpatient.deductible_met": 0, "outpatient.fund_paid": 0}
    await assert_sound(pool)


async def test_a_settlement_that_moved_no_counter_may_be_cancelled_later(desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    aside = await settle(desk, basket(visitor.token, ("C20", "1")), at=at)
    await settle(desk, purchase(visitor.token), at=at)
    assert (await cancel(desk, aside, at=at)).total_fen == -2000


async def test_after_the_turn_of_the_year_the_old_years_counters_go_back(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    new_years_eve = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
    new_year = datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC)
    visitor = await scan(at=new_years_eve)
    old = await settle(desk, purchase(visitor.token), at=new_years_eve)
    new = await settle(desk, purchase(visitor.token), at=new_year)
    assert (old.fund_fen, new.fund_fen) == (17500, 17500)
    await cancel(desk, old, at=new_year)
    rows = await pool.fetch(
        "SELECT year, counters FROM settlement.tally WHERE person_id = $1 ORDER BY year", visitor.person_id
    )
    assert [(row["year"], row["counters"]["outpatient.fund_paid"]) for row in rows] == [(2026, 0), (2027, 17500)]
    await assert_sound(pool)


async def test_nobody_cancels_what_is_not_theirs(desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    settled = await settle(desk, purchase(visitor.token), at=at)
    for settlement_id, institution in (
        (settled.settlement_id, HOSPITAL),
        ("510500" + "0" * 24, PHARMACY),
        ("nonsense", PHARMACY),
    ):
        with pytest.raises(refusals.SettlementUnknown):
            await settlement.reverse(
                desk, settlement_id=settlement_id, institution=institution, caller=institution, request_id="y", at=at
            )


async def test_a_reversal_that_comes_first_keeps_the_late_original_out(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan()

    async def reverse(original_id: str) -> Settled | None:
        return await reverse_request(
            desk,
            token=visitor.token,
            original_id=original_id,
            institution=PHARMACY,
            caller=PHARMACY,
            request_id=f"r-{original_id}",
            at=at,
        )

    assert await reverse("late") is None
    assert await reverse("late") is None
    with pytest.raises(refusals.ReversedBeforeArrival):
        await settle(desk, purchase(visitor.token), at=at, request_id="late")
    settled = await settle(desk, purchase(visitor.token), at=at, request_id="came")
    undone = await reverse("came")
    assert undone is not None
    assert undone.reverses == settled.settlement_id
    assert await reverse("came") == undone
    await assert_sound(pool)


async def test_a_bill_on_the_phone_is_settled_once_by_its_person(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan(balance_fen=100000)
    bill_id = secrets.token_hex(8)
    async with transaction(pool) as tx:
        shown = await send_bill(
            desk, tx, basket=purchase(visitor.token), bill_id=bill_id, institution=PHARMACY, till="1", at=at
        )
    later = at + timedelta(minutes=14)
    settled = await asyncio.gather(
        *(confirm_bill(desk, person_id=visitor.person_id, bill_id=bill_id, prove=proved, at=later) for _ in range(3))
    )
    assert len({answer.settlement_id for answer in settled}) == 1
    assert settled[0].account_fen == shown.split.account_fen == 24500
    with pytest.raises(refusals.BillClosed):
        async with transaction(pool) as tx:
            await close_bill(tx, person_id=visitor.person_id, bill_id=bill_id, state="declined", at=later)


async def test_a_declined_withdrawn_late_or_foreign_bill_is_not_settled(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor, stranger = await scan(), await scan()
    for state in ("declined", "withdrawn", "late"):
        bill_id = secrets.token_hex(8)
        async with transaction(pool) as tx:
            await send_bill(
                desk, tx, basket=purchase(visitor.token), bill_id=bill_id, institution=PHARMACY, till="1", at=at
            )
        if state != "late":
            async with transaction(pool) as tx:
                await close_bill(tx, person_id=visitor.person_id, bill_id=bill_id, state=state, at=at)
        when = at + timedelta(minutes=16) if state == "late" else at
        with pytest.raises(refusals.BillClosed):
            await confirm_bill(desk, person_id=visitor.person_id, bill_id=bill_id, prove=proved, at=when)
        with pytest.raises(refusals.BillUnknown):
            await confirm_bill(desk, person_id=stranger.person_id, bill_id=bill_id, prove=proved, at=at)
    assert await counters(pool, visitor) == {}


@pytest.mark.parametrize(("prove", "round_trips"), [(None, 2), (proved, 3)], ids=["free limit", "password"])
async def test_round_trips_of_a_settlement(
    desk: Desk, pool: Pool, scan: Scan, at: datetime, prove: Prove | None, round_trips: int
) -> None:
    """A read and a write; after a password was checked, which takes long, one more read."""
    visitor = await scan(free_limit_fen=500_00)
    of = purchase(visitor.token)
    expected = (await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)).split
    counting = CountingPool(pool)
    desk.pool = counting
    await settle(desk, of, at=at, expected=expected, prove=prove)
    assert len(counting.statements) == round_trips


async def test_what_happens_while_the_password_is_checked_counts(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan()

    async def unbound_meanwhile(_: str) -> None:
        async with transaction(pool) as tx:
            await credential_store.unbind_devices(tx, visitor.person_id, at)

    with pytest.raises(refusals.DeviceUnbound):
        await settle(desk, purchase(visitor.token), at=at, prove=unbound_meanwhile)


async def test_a_bill_and_a_direct_settlement_under_one_id_agree(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    visitor = await scan()
    of = purchase(visitor.token)
    first, second = secrets.token_hex(8), secrets.token_hex(8)
    async with transaction(pool) as tx:
        await send_bill(desk, tx, basket=of, bill_id=first, institution=PHARMACY, till="1", at=at)
    await settle(desk, of, at=at, request_id=first)
    with pytest.raises(refusals.BillClosed):
        async with transaction(pool) as tx:
            await close_bill(tx, person_id=visitor.person_id, bill_id=first, state="declined", at=at)
    await settle(desk, of, at=at, request_id=second)
    with pytest.raises(refusals.IdReused):
        async with transaction(pool) as tx:
            await send_bill(desk, tx, basket=of, bill_id=second, institution=PHARMACY, till="1", at=at)
    await assert_sound(pool)


async def test_a_relation_of_another_scheme_is_in_nobodys_way(desk: Desk, scan: Scan, at: datetime) -> None:
    maternity, veteran = insured(insutype="510"), insured(psn_type="13")
    visitor = await scan(insurances=(maternity, insured()))
    assert (await settle(desk, purchase(visitor.token), at=at)).fund_fen == 17500
    other = await scan(insurances=(veteran,))
    with pytest.raises(refusals.KindUnsupported):
        await settlement.quote(desk, basket=purchase(other.token), institution=PHARMACY, at=at)


async def test_a_total_that_no_document_holds_is_refused(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    async with transaction(pool) as tx:
        await directory.load_items(tx, [item("DEAR", "A", "9000000000")])
    visitor = await scan()
    with pytest.raises(refusals.MalformedOrder):
        await settlement.quote(desk, basket=basket(visitor.token, ("DEAR", "100000")), institution=PHARMACY, at=at)
