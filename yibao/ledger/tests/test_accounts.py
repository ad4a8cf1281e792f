"""What is paid into a personal account, and what its owner reads of it (D2)."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from conftest import NewPerson, insured
from yibao import ledger
from yibao.core.clock import BEIJING
from yibao.core.database import Pool, Tx, transaction
from yibao.ledger import Credit, Movement, actions

PLACE = "510500"
AT = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
_people = itertools.count(970_000_000_000)


@pytest.fixture
def owner() -> str:
    """Nobody in particular: the ledger asks for a number, and the registry is none of its business."""
    return str(next(_people))


def credit(owner: str, amount_fen: int, cause: str, *, place: str = PLACE, at: datetime = AT) -> Credit:
    return Credit(owner, place, amount_fen, cause, at)


async def spend(tx: Tx, owner: str, amount_fen: int, cause: str, *, at: datetime = AT) -> None:
    """Book what a settlement books when the account pays."""
    await tx.execute(
        "SELECT ledger.post($1)",
        [
            {
                "person_id": owner,
                "cause": cause,
                "from_account": f"personal:{PLACE}",
                "to_account": "institution:P51050000001",
                "amount_fen": amount_fen,
                "happened_at": at,
            }
        ],
    )


async def test_an_account_begins_empty_and_is_opened_once(tx: Tx, owner: str) -> None:
    assert await ledger.balance(tx, owner, PLACE) is None
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    assert await ledger.balance(tx, owner, PLACE) == 0
    await ledger.credit_many(tx, [credit(owner, 500, "2026-05")])
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    assert await ledger.balance(tx, owner, PLACE) == 500


async def test_each_insured_place_has_its_own_account(pool: Pool, new_person: NewPerson) -> None:
    one = await new_person(insurances=[insured("341100"), insured("610100", state="4")], balance_fen=12_300)
    assert await ledger.balance(pool, one.person_id, "341100") == 12_300
    assert await ledger.balance(pool, one.person_id, "610100") == 0
    assert await ledger.balance(pool, one.person_id, PLACE) is None


async def test_residents_have_no_account(pool: Pool, new_person: NewPerson) -> None:
    one = await new_person(insurances=[insured(insutype="390", psn_type="15")])
    assert await ledger.balance(pool, one.person_id, PLACE) is None


async def test_a_contribution_is_booked_once_however_often_it_is_sent(tx: Tx, owner: str) -> None:
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    for news in (True, False, False):
        booked = await ledger.credit(tx, person_id=owner, place=PLACE, amount_fen=500, cause="2026-05", at=AT)
        assert booked is news
    assert await ledger.balance(tx, owner, PLACE) == 500


async def test_the_same_cause_may_pay_into_another_place_and_to_another_person(tx: Tx, owner: str) -> None:
    other = str(next(_people))
    await ledger.open_accounts(tx, [(owner, PLACE), (owner, "341100"), (other, PLACE)])
    same = [credit(owner, 1, "a"), credit(owner, 2, "a", place="341100"), credit(other, 3, "a")]
    assert await ledger.credit_many(tx, same) == 3


async def test_the_same_cause_with_another_amount_is_refused(tx: Tx, owner: str) -> None:
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    await ledger.credit_many(tx, [credit(owner, 500, "2026-05")])
    for later in ([credit(owner, 501, "2026-05")], [credit(owner, 1, "2026-06"), credit(owner, 2, "2026-06")]):
        with pytest.raises(ledger.CauseReused):
            await ledger.credit_many(tx, later)
    assert await ledger.balance(tx, owner, PLACE) == 500


async def test_a_contribution_without_an_account_is_refused(tx: Tx, owner: str) -> None:
    with pytest.raises(ledger.AccountUnknown) as refused:
        await ledger.credit_many(tx, [credit(owner, 500, "2026-05")])
    assert refused.value.__suppress_context__
    assert await ledger.statement(tx, owner, PLACE, year=2026) == []


@pytest.mark.parametrize("amount_fen", [0, -1])
async def test_a_contribution_is_positive(tx: Tx, owner: str, amount_fen: int) -> None:
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    with pytest.raises(ValueError, match="positive"):
        await ledger.credit_many(tx, [credit(owner, amount_fen, "2026-05")])


async def test_a_run_that_was_cut_off_is_simply_run_again(tx: Tx, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_CHUNK", 2)
    run = [credit(owner, 100 + month, f"2026-{month:02d}") for month in range(1, 8)]
    await ledger.open_accounts(tx, [(owner, PLACE)] * 3)
    assert await ledger.credit_many(tx, run[:3]) == 3
    assert await ledger.credit_many(tx, [*run, run[6]]) == 4
    assert await ledger.balance(tx, owner, PLACE) == sum(one.amount_fen for one in run)


async def test_a_run_with_a_refusal_books_nothing(tx: Tx, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_CHUNK", 1)
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    with pytest.raises(ledger.AccountUnknown):
        await ledger.credit_many(tx, [credit(owner, 1, "a"), credit(owner, 2, "b", place="341100")])
    assert await ledger.balance(tx, owner, PLACE) == 0


async def test_a_contribution_that_arrives_many_times_at_once_is_booked_once(pool: Pool, owner: str) -> None:
    async def pay() -> int:
        async with transaction(pool) as tx:
            return await ledger.credit_many(tx, [credit(owner, 700, "2026-05"), credit(owner, 30, "2026-06")])

    async with transaction(pool) as tx:
        await ledger.open_account(tx, person_id=owner, place=PLACE)
    assert sorted(await asyncio.gather(*(pay() for _ in range(10)))) == [0] * 9 + [2]
    assert await ledger.balance(pool, owner, PLACE) == 730


async def test_a_statement_is_newest_first_with_the_balance_after_each_movement(tx: Tx, owner: str) -> None:
    days = [AT + timedelta(days=day) for day in range(3)]
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    await ledger.credit_many(tx, [credit(owner, 10_000, "2026-05", at=days[0])])
    await spend(tx, owner, 2_600, "结算一", at=days[1])
    await spend(tx, owner, 400, "结算二", at=days[2])
    assert await ledger.statement(tx, owner, PLACE, year=2026) == [
        Movement("结算二", "institution:P51050000001", -400, 7_000, days[2]),
        Movement("结算一", "institution:P51050000001", -2_600, 7_400, days[1]),
        Movement("2026-05", "contributions:510500", 10_000, 10_000, days[0]),
    ]


async def test_a_year_begins_at_midnight_in_beijing_and_carries_the_balance_over(tx: Tx, owner: str) -> None:
    new_year = datetime(2026, 1, 1, tzinfo=BEIJING)
    await ledger.open_account(tx, person_id=owner, place=PLACE)
    await ledger.credit_many(tx, [credit(owner, 100, "旧年", at=new_year - timedelta(microseconds=1))])
    await ledger.credit_many(tx, [credit(owner, 50, "新年", at=new_year)])
    years = {year: await ledger.statement(tx, owner, PLACE, year=year) for year in (2024, 2025, 2026, 2027)}
    assert {year: [(m.cause, m.balance_fen) for m in found] for year, found in years.items()} == {
        2024: [],
        2025: [("旧年", 100)],
        2026: [("新年", 150)],
        2027: [],
    }


async def test_a_statement_shows_one_place_alone(tx: Tx, owner: str) -> None:
    await ledger.open_accounts(tx, [(owner, PLACE), (owner, "341100")])
    await ledger.credit_many(tx, [credit(owner, 100, "a"), credit(owner, 1, "a", place="341100")])
    assert [m.balance_fen for m in await ledger.statement(tx, owner, PLACE, year=2026)] == [100]
