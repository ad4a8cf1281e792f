"""Many tills, one person: whatever the order, nothing is overspent and nothing is lost (C1)."""

import asyncio
import random
import secrets
from datetime import datetime

import pytest

from yibao import ledger, settlement
from yibao.core.batch import Batch
from yibao.core.database import Pool, transaction
from yibao.core.numbers import Numbers
from yibao.core.vault import Keys
from yibao.settlement import Desk, Settled, check, refusals
from yibao.settlement.tests.scene import PHARMACY, Scan, Visitor, agreed, basket, proved, purchase


async def assert_sound(pool: Pool) -> None:
    async with transaction(pool) as tx:
        assert await check.check(tx) == []
        assert await ledger.check(tx) == []


async def buy(desk: Desk, visitor: Visitor, lines: int, *, at: datetime) -> Settled:
    """Quote and settle until the quote holds, as a cashier would."""
    of = basket(visitor.token, *(("A1", str(30 + n)) for n in range(lines)))
    while True:
        quote = await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)
        try:
            return await settlement.confirm(
                desk,
                order=agreed(of, quote),
                institution=PHARMACY,
                caller=PHARMACY,
                request_id=secrets.token_hex(8),
                prove=proved,
                at=at,
            )
        except refusals.QuoteChanged:
            continue


async def test_two_houses_settle_the_same_people_at_once(
    pool: Pool, keys: Keys, desk: Desk, scan: Scan, at: datetime
) -> None:
    """Two server processes have two desks; here each with batches of its own over one database."""
    other = Desk(pool, numbers=Numbers(keys.numbers), tokens=desk.tokens)
    people = [await scan(balance_fen=20_000) for _ in range(5)]
    chance = random.Random(1)
    work = [(chance.choice([desk, other]), chance.choice(people), chance.randint(1, 4)) for _ in range(80)]
    settled = await asyncio.gather(*(buy(at_desk, person, lines, at=at) for at_desk, person, lines in work))
    assert len({one.settlement_id for one in settled}) == 80
    for person in people:
        balance = await ledger.balance(pool, person.person_id, "510500")
        spent = sum(one.account_fen for one in settled if desk.person_of_number(one.settlement_id) == person.person_id)
        assert balance == 20_000 - spent
        assert balance >= 0
    await assert_sound(pool)


async def test_a_ceiling_is_never_passed_whatever_the_order(pool: Pool, desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan()
    of = purchase(visitor.token)

    async def settle_often() -> None:
        for _ in range(6):
            quote = await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)
            try:
                await settlement.confirm(
                    desk,
                    order=agreed(of, quote),
                    institution=PHARMACY,
                    caller=PHARMACY,
                    request_id=secrets.token_hex(8),
                    prove=proved,
                    at=at,
                )
            except refusals.QuoteChanged:
                continue

    await asyncio.gather(*(settle_often() for _ in range(4)))
    [tally] = await pool.fetch("SELECT counters FROM settlement.tally WHERE person_id = $1", visitor.person_id)
    paid = await pool.fetchval(
        "SELECT sum(fund_fen)::bigint FROM settlement.settlement WHERE person_id = $1", visitor.person_id
    )
    assert tally["counters"]["outpatient.fund_paid"] == paid <= 200_000
    await assert_sound(pool)


async def test_settling_and_cancelling_at_once_keep_the_books(pool: Pool, desk: Desk, scan: Scan, at: datetime) -> None:
    visitor = await scan(balance_fen=500_000)
    chance = random.Random(2)

    async def one() -> None:
        settled = await buy(desk, visitor, 2, at=at)
        if chance.randrange(10) < 6:
            try:
                await settlement.reverse(
                    desk,
                    settlement_id=settled.settlement_id,
                    institution=PHARMACY,
                    caller=PHARMACY,
                    request_id=f"undo-{settled.settlement_id}",
                    at=at,
                )
            except refusals.LaterSettlementExists:
                return

    await asyncio.gather(*(one() for _ in range(30)))
    await assert_sound(pool)


async def test_a_batch_forms_while_the_last_one_flies() -> None:
    sizes: list[int] = []
    gate, started = asyncio.Event(), asyncio.Event()

    async def run(items: list[int]) -> list[int]:
        sizes.append(len(items))
        started.set()
        await gate.wait()
        return [item * 2 for item in items]

    batch: Batch[int, int] = Batch(run)  # type: ignore[arg-type]
    first = asyncio.create_task(batch(0))
    await started.wait()
    rest = [asyncio.create_task(batch(n)) for n in range(1, 50)]
    await asyncio.sleep(0)
    gate.set()
    assert await first == 0
    assert [await task for task in rest] == [n * 2 for n in range(1, 50)]
    assert sizes == [1, 32, 17]


async def test_a_person_is_only_once_in_a_batch() -> None:
    seen: list[list[str]] = []

    async def run(items: list[str]) -> list[str]:
        seen.append(list(items))
        await asyncio.sleep(0)
        return list(items)

    batch: Batch[str, str] = Batch(run, key=lambda item: item[0])  # type: ignore[arg-type]
    items = ["a1", "a2", "b1", "a3", "c1"]
    assert await asyncio.gather(*(batch(item) for item in items)) == items
    assert all(len({item[0] for item in flight}) == len(flight) for flight in seen)


async def test_one_bad_item_fails_alone() -> None:
    async def run(items: list[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        return items

    batch: Batch[int, int] = Batch(run)  # type: ignore[arg-type]
    results = await asyncio.gather(*(batch(n) for n in range(6)), return_exceptions=True)
    assert [r if isinstance(r, int) else "failed" for r in results] == [0, 1, 2, "failed", 4, 5]
    with pytest.raises(ValueError, match="three"):
        await batch(3)


async def test_nobody_waits_for_a_flight_that_was_ended_from_outside() -> None:
    async def run(items: list[int]) -> list[int]:
        raise asyncio.CancelledError

    batch: Batch[int, int] = Batch(run)  # type: ignore[arg-type]
    results = await asyncio.gather(*(batch(n) for n in range(3)), return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_a_batch_that_loses_a_result_fails_its_callers() -> None:
    async def run(items: list[int]) -> list[int]:
        return items[1:]

    batch: Batch[int, int] = Batch(run)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="one result"):
        await batch(1)
