"""The books cannot be made wrong by the application, and a proof finds it when somebody else does."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from random import Random

import asyncpg
import pytest

from yibao import ledger
from yibao.core.database import READER, Pool, Tx, connect, transaction

AT = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
PERSONAL = "personal:510500"
TILL = "institution:P51050000001"
CONTRIBUTIONS = "contributions:510500"
_people = itertools.count(960_000_000_000)
_causes = itertools.count()


@pytest.fixture
async def owner(pool: Pool) -> str:
    """Somebody with 1000 fen in the account."""
    person_id = str(next(_people))
    async with transaction(pool) as tx:
        await ledger.open_account(tx, person_id=person_id, place="510500")
        await ledger.credit(tx, person_id=person_id, place="510500", amount_fen=1_000, cause="期初", at=AT)
    return person_id


def transfer(owner: str, source: str, target: str, amount_fen: int) -> dict[str, object]:
    return {
        "person_id": owner,
        "cause": f"{next(_causes)}",
        "from_account": source,
        "to_account": target,
        "amount_fen": amount_fen,
        "happened_at": AT,
    }


async def post(tx: Tx | Pool, transfers: Sequence[dict[str, object]]) -> None:
    await tx.execute("SELECT ledger.post($1)", transfers)


# The rights of the application


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.account SET balance_fen = balance_fen + 1",
        "UPDATE ledger.transfer SET amount_fen = 1",
        "INSERT INTO ledger.account (person_id, account, balance_fen) VALUES ('999999999999', 'personal:510500', 1)",
        "INSERT INTO ledger.transfer (person_id, cause, from_account, to_account, amount_fen, happened_at)"
        " VALUES ('999999999999', '', 'cash', 'personal:510500', 1, now())",
        "DELETE FROM ledger.account",
        "DELETE FROM ledger.transfer",
        "TRUNCATE ledger.account",
        "TRUNCATE ledger.transfer",
        "SELECT FROM ledger.account FOR UPDATE",
        "ALTER TABLE ledger.account DISABLE TRIGGER ALL",
        "ALTER TABLE ledger.transfer DISABLE TRIGGER ALL",
        "ALTER TABLE ledger.account DROP CONSTRAINT account_balance_fen_check",
        "ALTER FUNCTION ledger.post SECURITY INVOKER",
        "CREATE OR REPLACE FUNCTION ledger.post(_transfers jsonb) RETURNS void LANGUAGE sql AS ''",
        "CREATE TABLE ledger.shadow ()",
        "DROP TABLE ledger.transfer",
        "DROP INDEX ledger.transfer_contribution",
    ],
)
async def test_the_application_cannot_touch_the_books_but_by_posting(tx: Tx, owner: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tx.execute(statement)


async def test_the_application_cannot_grant_itself_more(tx: Tx, owner: str) -> None:
    await tx.execute("GRANT ALL ON ledger.account, ledger.transfer TO yibao_app")  # To PostgreSQL merely a warning.
    granted = await tx.fetch(
        "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants"
        " WHERE table_schema = 'ledger' AND grantee = 'yibao_app'"
    )
    assert [row["privilege_type"] for row in granted] == ["SELECT"]


async def test_a_reader_cannot_post(superuser_dsn: str, owner: str) -> None:
    connection = await connect(superuser_dsn, role=READER)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT ledger.post('[]')")
    finally:
        await connection.close()


async def test_functions_with_the_rights_of_the_owner_look_for_names_in_their_own_schema_first(tx: Tx) -> None:
    """Or a caller's search path would decide which table such a function writes to."""
    rows = await tx.fetch(
        "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'ledger'::regnamespace"
    )
    assert {row["proname"] for row in rows} == {"hold_accounts", "open_accounts", "post"}
    assert all(row["proconfig"] == ["search_path=ledger, pg_temp"] for row in rows)


# What a post may do


@pytest.mark.parametrize(
    ("source", "target", "amount_fen"),
    [(PERSONAL, TILL, 0), (PERSONAL, TILL, -1), (PERSONAL, PERSONAL, 1), (PERSONAL, TILL, 1_001)],
)
async def test_a_post_with_one_bad_transfer_books_nothing(
    tx: Tx, owner: str, source: str, target: str, amount_fen: int
) -> None:
    good = transfer(owner, PERSONAL, TILL, 1)
    with pytest.raises(asyncpg.CheckViolationError):
        async with tx.transaction():
            await post(tx, [good, transfer(owner, source, target, amount_fen)])
    assert await ledger.balance(tx, owner, "510500") == 1_000
    assert len(await ledger.statement(tx, owner, "510500", year=2026)) == 1


async def test_one_overdraft_takes_the_other_people_of_its_batch_with_it(pool: Pool, tx: Tx, owner: str) -> None:
    other = str(next(_people))
    await ledger.open_account(tx, person_id=other, place="510500")
    with pytest.raises(asyncpg.CheckViolationError):
        async with tx.transaction():
            await post(tx, [transfer(owner, PERSONAL, TILL, 10), transfer(other, PERSONAL, TILL, 10)])
    assert await ledger.balance(tx, owner, "510500") == 1_000


async def test_an_account_may_be_emptied_and_filled_in_one_post(tx: Tx, owner: str) -> None:
    back_and_forth = [transfer(owner, PERSONAL, TILL, 1_600), transfer(owner, TILL, PERSONAL, 600)]
    await post(tx, back_and_forth)
    assert await ledger.balance(tx, owner, "510500") == 0


async def test_a_post_to_an_account_nobody_opened_is_refused(tx: Tx, owner: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="account missing") as error:
        await post(tx, [transfer(owner, CONTRIBUTIONS, "personal:341100", 1)])
    assert error.value.sqlstate == "YB001"


async def test_posts_at_the_same_moment_never_overspend(pool: Pool, owner: str) -> None:
    async def spend() -> bool:
        try:
            await post(pool, [transfer(owner, PERSONAL, TILL, 300)])
        except asyncpg.CheckViolationError:
            return False
        return True

    paid = await asyncio.gather(*(spend() for _ in range(30)))
    assert sum(paid) == 3
    assert await ledger.balance(pool, owner, "510500") == 100
    assert await ledger.check(pool) == []


async def test_spending_and_paying_in_at_the_same_moment_lose_nothing(pool: Pool, owner: str) -> None:
    moves = [(PERSONAL, TILL), (CONTRIBUTIONS, PERSONAL)] * 20
    await asyncio.gather(*(post(pool, [transfer(owner, source, target, 20)]) for source, target in moves))
    assert await ledger.balance(pool, owner, "510500") == 1_000
    assert await ledger.check(pool) == []


async def test_an_account_that_is_held_is_passed_over(pool: Pool, owner: str) -> None:
    """Settling takes whom it can have at once and leaves the others to the next batch."""
    other = str(next(_people))
    async with transaction(pool) as one, transaction(pool) as two:
        await ledger.open_account(one, person_id=other, place="510500")
        held = await one.fetch("SELECT person_id FROM ledger.hold_accounts($1)", [owner, other])
        assert [row["person_id"] for row in held] == sorted([owner, other])
        assert await two.fetch("SELECT person_id FROM ledger.hold_accounts($1)", [owner]) == []


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_is_tried_the_books_stay_right(pool: Pool, owner: str, seed: int) -> None:
    """Batches of random transfers, many of them overdrafts: each is booked whole or not at all."""
    rng = Random(seed)
    people = [owner, *(str(next(_people)) for _ in range(2))]
    expected = dict.fromkeys(people, 0) | {owner: 1_000}
    async with transaction(pool) as tx:
        await ledger.open_accounts(tx, [(one, "510500") for one in people])
    for _ in range(40):
        after = dict(expected)
        batch = []
        for _ in range(rng.randint(1, 5)):
            one, amount_fen = rng.choice(people), rng.randint(1, 600)
            source, target = rng.choice([(PERSONAL, TILL), (TILL, PERSONAL), (CONTRIBUTIONS, PERSONAL), ("cash", TILL)])
            batch.append(transfer(one, source, target, amount_fen))
            after[one] += amount_fen * ((target == PERSONAL) - (source == PERSONAL))
        if min(after.values()) < 0:
            with pytest.raises(asyncpg.CheckViolationError):
                await post(pool, batch)
        else:
            await post(pool, batch)
            expected = after
    assert {one: await ledger.balance(pool, one, "510500") for one in people} == expected
    assert await ledger.check(pool) == []


# The proof


@pytest.fixture
async def hand(owner_pool: Pool) -> AsyncIterator[Tx]:
    """The owner of the tables, who alone could do wrong, and whose deeds are taken back."""
    async with owner_pool.acquire() as connection:
        deed = connection.transaction()
        await deed.start()
        yield connection
        await deed.rollback()


async def test_the_proof_finds_a_balance_that_was_changed_by_hand(hand: Tx, owner: str) -> None:
    await hand.execute("UPDATE ledger.account SET balance_fen = 1001 WHERE person_id = $1", owner)
    [found] = await ledger.check(hand)
    assert (found.kind, found.person_id, found.account) == ("balance_differs", owner, PERSONAL)
    assert found.text == "个人账户余额 10.01 元，与收支合计 10.00 元不符"


async def test_the_proof_finds_a_transfer_that_was_taken_away(hand: Tx, owner: str) -> None:
    await hand.execute("DELETE FROM ledger.transfer WHERE person_id = $1", owner)
    [found] = await ledger.check(hand)
    assert (found.kind, found.balance_fen, found.booked_fen) == ("balance_differs", 1_000, 0)


async def test_the_proof_finds_transfers_without_an_account(hand: Tx, owner: str) -> None:
    await hand.execute("DELETE FROM ledger.account WHERE person_id = $1", owner)
    [found] = await ledger.check(hand)
    assert (found.kind, found.booked_fen) == ("account_missing", 1_000)
    assert owner not in found.text
