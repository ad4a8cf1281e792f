"""The institution's day, brought by the outbox (E4)."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from yibao import settlement
from yibao.core import outbox
from yibao.core.database import Pool
from yibao.core.outbox import Event
from yibao.settlement import Desk, Order, Settled, jobs, queries
from yibao.settlement.tests.scene import HOSPITAL, PHARMACY, Scan, proved, purchase


@pytest.fixture(autouse=True)
async def _daybook(owner_pool: Pool) -> AsyncIterator[None]:
    """Keep the days of other tests out of the sums of these, and their events out of the outbox."""
    await owner_pool.execute("DELETE FROM core.outbox")
    await owner_pool.execute("DELETE FROM settlement.daybook")
    yield
    await owner_pool.execute("DELETE FROM core.outbox")


async def settle(desk: Desk, scan: Scan, *, institution: str, at: datetime) -> Settled:
    visitor = await scan(institution=institution, balance_fen=10_00, at=at)
    basket = purchase(visitor.token)
    quote = await settlement.quote(desk, basket=basket, institution=institution, at=at)
    return await settlement.confirm(
        desk,
        order=Order(basket, quote.split),
        institution=institution,
        caller=institution,
        request_id=secrets.token_hex(8),
        prove=proved,
        at=at,
    )


async def cancel(desk: Desk, settled: Settled, *, at: datetime) -> Settled:
    return await settlement.reverse(
        desk,
        settlement_id=settled.settlement_id,
        institution=settled.institution,
        caller=settled.institution,
        request_id=secrets.token_hex(8),
        at=at,
    )


async def deliver(pool: Pool, *, times: int = 1) -> None:
    heard = jobs.handlers(pool)
    events: list[Event] = await outbox.lease(pool, limit=100)
    for _ in range(times):
        for event in events:
            await heard[event.topic](event)
    for event in events:
        await outbox.done(pool, event)


async def test_settlements_and_cancellings_stand_in_the_day_of_their_institution(
    desk: Desk, scan: Scan, pool: Pool, at: datetime
) -> None:
    first = await settle(desk, scan, institution=PHARMACY, at=at)
    later = at.replace(hour=3)
    back = await cancel(desk, first, at=later)
    await settle(desk, scan, institution=HOSPITAL, at=at)
    await deliver(pool)

    lines = await queries.daybook(pool, institution=PHARMACY, on=date(2026, 5, 12))
    assert [(line.settlement_id, line.settled_at, line.reverses) for line in lines] == [
        (back.settlement_id, later, first.settlement_id),
        (first.settlement_id, at, None),
    ]
    for line, answer in zip(lines, (back, first), strict=True):
        assert (line.total_fen, line.fund_fen, line.account_fen, line.cash_fen) == (
            answer.total_fen,
            answer.fund_fen,
            answer.account_fen,
            answer.cash_fen,
        )
    assert sum(line.total_fen for line in lines) == 0
    assert len(await queries.daybook(pool, institution=HOSPITAL, on=date(2026, 5, 12))) == 1


async def test_an_event_that_is_delivered_again_counts_once(desk: Desk, scan: Scan, pool: Pool, at: datetime) -> None:
    await settle(desk, scan, institution=PHARMACY, at=at)
    await deliver(pool, times=2)
    assert len(await queries.daybook(pool, institution=PHARMACY, on=date(2026, 5, 12))) == 1


async def test_the_day_is_the_day_in_beijing(desk: Desk, scan: Scan, pool: Pool) -> None:
    """Half past midnight in Beijing is still the day before in UTC."""
    await settle(desk, scan, institution=PHARMACY, at=datetime(2026, 5, 12, 16, 30, tzinfo=UTC))
    await deliver(pool)
    assert await queries.daybook(pool, institution=PHARMACY, on=date(2026, 5, 12)) == []
    assert len(await queries.daybook(pool, institution=PHARMACY, on=date(2026, 5, 13))) == 1
