"""The draft of a till: one basket, one id, and nobody acts on what has changed (C1)."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from yibao import settlement
from yibao.core.database import Pool, Tx, transaction
from yibao.settlement import Desk, draft
from yibao.settlement.draft import LINES_MAX, Draft, DraftLine
from yibao.settlement.refusals import DraftChanged, DraftLocked, MalformedOrder
from yibao.settlement.tests.scene import PHARMACY, Scan, agreed, proved

TILL: dict[str, Any] = {"institution": PHARMACY, "till": "P-01"}


def line(code: str, quantity: str = "1", unit_price: str | None = None) -> DraftLine:
    return DraftLine(code, f"药品{code}", "盒", Decimal(quantity), Decimal(unit_price) if unit_price else None)


def unsent(lines: tuple[DraftLine, ...]) -> Draft:
    return Draft(PHARMACY, "P-01", token="t", lines=lines, use_account=True, request_id="r", bill_sent=False)


async def begun(tx: Tx, *lines: DraftLine, token: str = "token", at: datetime) -> Draft:
    await draft.begin(tx, **TILL, token=token, same_person=another, at=at)
    if lines:
        await draft.change(tx, await there(tx), lines=lines, at=at)
    return await there(tx)


def another(_: Draft) -> bool:
    return False


def the_same(_: Draft) -> bool:
    return True


async def there(tx: Tx) -> Draft:
    found = await draft.draft_of(tx, **TILL)
    assert found is not None
    return found


def test_the_same_item_again_adds_up_and_keeps_its_price() -> None:
    lines = draft.added((line("A", "2", "9.90"), line("B")), line("A", "0.5"))
    assert lines == (line("A", "2.5", "9.90"), line("B"))


def test_a_line_is_changed_and_removed_by_its_item() -> None:
    lines = (line("A"), line("B"))
    assert draft.changed(lines, "B", quantity=Decimal(3), unit_price=Decimal("1.5")) == (
        line("A"),
        line("B", "3", "1.5"),
    )
    assert draft.changed(lines, "Z", quantity=Decimal(3), unit_price=None) == lines
    assert draft.removed(lines, "A") == (line("B"),)
    assert draft.removed(lines, "Z") == lines


@pytest.mark.parametrize("quantity", ["0", "-1", "100001", "0.00001", "NaN", "sNaN", "Infinity", "1e999999"])
def test_a_quantity_that_no_bill_holds_is_refused(quantity: str) -> None:
    with pytest.raises(MalformedOrder):
        draft.added((line("A"),), line("A", quantity))
    with pytest.raises(MalformedOrder):
        draft.changed((line("A"),), "A", quantity=Decimal(quantity), unit_price=None)


def test_a_sum_of_quantities_that_no_bill_holds_is_refused() -> None:
    with pytest.raises(MalformedOrder):
        draft.added((line("A", "60000"),), line("A", "60000"))


@pytest.mark.parametrize("price", ["0.0000001", "-1", "NaN", "10000001"])
def test_a_price_that_no_bill_holds_is_refused(price: str) -> None:
    with pytest.raises(MalformedOrder):
        draft.changed((line("A"),), "A", quantity=Decimal(1), unit_price=Decimal(price))


def test_a_basket_has_a_line_and_two_hundred_at_most() -> None:
    full = tuple(line(f"A{number}") for number in range(LINES_MAX))
    assert len(unsent(full).basket.lines) == 200
    assert draft.added(full, line("A7"))[7].quantity == 2
    with pytest.raises(MalformedOrder):
        draft.added(full, line("one more"))
    with pytest.raises(MalformedOrder):
        _ = unsent(()).basket


async def test_a_draft_is_read_as_it_was_written(tx: Tx, at: datetime) -> None:
    assert await draft.draft_of(tx, **TILL) is None
    written = await begun(tx, line("A", "0.3333", "12.345678"), line("B"), at=at)
    assert written.lines == (line("A", "0.3333", "12.345678"), line("B"))
    assert (written.token, written.use_account, written.bill_sent, written.settled) == ("token", True, False, None)
    assert await draft.draft_of(tx, institution=PHARMACY, till="P-02") is None


async def test_every_change_gives_another_id(tx: Tx, at: datetime) -> None:
    ids = [(await begun(tx, at=at)).request_id]
    for lines, use_account in (((line("A"),), True), ((line("A"),), False), ((line("A"),), True), ((), True)):
        await draft.change(tx, await there(tx), lines=lines, use_account=use_account, at=at)
        ids.append((await there(tx)).request_id)
    await begun(tx, at=at)
    ids.append((await there(tx)).request_id)
    await draft.mark_sent(tx, await there(tx), at=at)
    assert (await there(tx)).request_id == ids[-1], "sending is not changing: the bill has the basket's id"
    await draft.reopen(tx, await there(tx), at=at)
    ids.append((await there(tx)).request_id)
    assert len(set(ids)) == len(ids)


async def test_who_saw_an_older_draft_changes_nothing(tx: Tx, at: datetime) -> None:
    stale = await begun(tx, line("A"), at=at)
    await draft.change(tx, stale, lines=(line("B"),), use_account=False, at=at)
    now = await there(tx)
    attempts: tuple[Callable[[], Awaitable[None]], ...] = (
        lambda: draft.change(tx, stale, lines=(), use_account=True, at=at),
        lambda: draft.mark_sent(tx, stale, at=at),
        lambda: draft.reopen(tx, stale, at=at),
        lambda: draft.clear(tx, stale),
    )
    for attempt in attempts:
        with pytest.raises(DraftChanged):
            await attempt()
    assert await there(tx) == now


async def test_what_waits_on_a_phone_stays_as_it_is(tx: Tx, at: datetime) -> None:
    before = await begun(tx, line("A"), at=at)
    await draft.mark_sent(tx, before, at=at)
    await draft.mark_sent(tx, before, at=at)
    sent = await there(tx)
    assert sent.waiting
    for attempt in (
        draft.change(tx, sent, lines=(), use_account=True, at=at),
        draft.clear(tx, sent),
        draft.begin(tx, **TILL, token="other", same_person=another, at=at),
        draft.begin(tx, **TILL, token="other", same_person=the_same, at=at),
    ):
        with pytest.raises(DraftLocked):
            await attempt
    for unaware in (
        draft.change(tx, before, lines=(), use_account=True, at=at),
        draft.clear(tx, before),
    ):
        with pytest.raises(DraftChanged):
            await unaware
    assert await there(tx) == sent


async def test_a_scan_finds_what_another_window_has_done_meanwhile(pool: Pool, at: datetime) -> None:
    """The code is spent by then, so nothing but a bill on a phone may stand in its way."""
    till: dict[str, Any] = {"institution": PHARMACY, "till": secrets.token_hex(4)}

    async def begin(scanning: asyncio.Future[int], token: str, same_person: Callable[[Draft], bool]) -> Draft:
        async with transaction(pool) as tx:
            scanning.set_result(await tx.fetchval("SELECT pg_backend_pid()"))
            await draft.begin(tx, **till, token=token, same_person=same_person, at=at)
            found = await draft.draft_of(tx, **till)
        assert found is not None
        return found

    async def while_open(window: Callable[[Tx], Awaitable[None]], **scan: Any) -> Draft:
        """Begin while another window has changed the draft and not committed yet."""
        async with transaction(pool) as tx:
            await window(tx)
            scanning: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            waits = asyncio.create_task(begin(scanning, **scan))
            while not await pool.fetchval("SELECT pg_blocking_pids($1) <> '{}'", await scanning):
                assert not waits.done()
        return await waits

    def ringing_up(code: str) -> Callable[[Tx], Awaitable[None]]:
        async def window(tx: Tx) -> None:
            now = await draft.draft_of(tx, **till)
            assert now is not None
            await draft.change(tx, now, lines=(line(code),), use_account=False, at=at)

        return window

    async def beginning(tx: Tx) -> None:
        await draft.begin(tx, **till, token="first", same_person=another, at=at)

    both = await while_open(beginning, token="second", same_person=another)
    assert both.token == "second", "of two at once the later one stands there"
    kept = await while_open(ringing_up("A"), token="third", same_person=the_same)
    assert (kept.token, kept.lines, kept.use_account) == ("third", (line("A"),), False)
    anew = await while_open(ringing_up("B"), token="fourth", same_person=another)
    assert (anew.token, anew.lines, anew.use_account) == ("fourth", (), True)


async def test_a_cleared_draft_does_not_come_back(tx: Tx, at: datetime) -> None:
    gone = await begun(tx, line("A"), at=at)
    await draft.clear(tx, gone)
    with pytest.raises(DraftChanged):
        await draft.change(tx, gone, lines=(line("B"),), use_account=True, at=at)
    assert await draft.draft_of(tx, **TILL) is None


async def test_a_draft_knows_that_it_was_settled_whoever_confirmed_it(
    pool: Pool, desk: Desk, scan: Scan, at: datetime
) -> None:
    """The till crashed between the money and the screen: nothing was written to the draft."""
    visitor = await scan(balance_fen=100_00)
    till: dict[str, Any] = {"institution": PHARMACY, "till": secrets.token_hex(4)}
    async with transaction(pool) as tx:
        await draft.begin(tx, **till, token=visitor.token, same_person=another, at=at)
        begun = await draft.draft_of(tx, **till)
        assert begun is not None
        await draft.change(tx, begun, lines=(line("A200"),), at=at)
    before = await draft.draft_of(pool, **till)
    assert before is not None
    quote = await settlement.quote(desk, basket=before.basket, institution=PHARMACY, at=at)
    settled = await settlement.confirm(
        desk,
        order=agreed(before.basket, quote),
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=before.request_id,
        prove=proved,
        at=at,
    )
    after = await draft.draft_of(pool, **till)
    assert after is not None
    assert after.settled == settled
    assert after.reversed_by is None
    with pytest.raises(DraftLocked):
        async with transaction(pool) as tx:
            await draft.change(tx, after, lines=(), use_account=True, at=at)

    reversal = await settlement.reverse(
        desk,
        settlement_id=settled.settlement_id,
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=f"reverse-{settled.settlement_id}",
        at=at,
    )
    cancelled = await draft.draft_of(pool, **till)
    assert cancelled is not None
    assert cancelled.reversed_by == reversal.settlement_id
    async with transaction(pool) as tx:
        await draft.clear(tx, cancelled)
