"""Opening personal accounts and paying into them; what is paid out of them is settlement's."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

import asyncpg

from yibao.core.database import Tx
from yibao.ledger import rules, store
from yibao.ledger.refusals import CauseReused
from yibao.ledger.types import Credit

_CHUNK = 5_000


async def open_account(tx: Tx, *, person_id: str, place: str) -> None:
    """Open a person's account in an insured place; one that is open stays as it is."""
    await store.open_accounts(tx, [person_id], [rules.personal(place)])


async def open_accounts(tx: Tx, owners: Iterable[tuple[str, str]]) -> None:
    """Open the accounts of many (person, place); those that are open stay as they are."""
    coming = iter(owners)
    while chunk := list(islice(coming, _CHUNK)):
        await store.open_accounts(tx, [one for one, _ in chunk], [rules.personal(place) for _, place in chunk])


async def credit(tx: Tx, *, person_id: str, place: str, amount_fen: int, cause: str, at: datetime) -> bool:
    """Pay a contribution into a personal account and return whether that was news: each cause is booked once.

    ValueError for an amount that is not positive. Refusals: CauseReused (booked with another amount), AccountUnknown.
    """
    return await credit_many(tx, [Credit(person_id, place, amount_fen, cause, at)]) == 1


async def credit_many(tx: Tx, credits: Iterable[Credit]) -> int:
    """Pay any number of contributions and return how many were news; all of them or, when one is refused, none.

    Each account is locked until the caller's transaction ends, so a run beside open tills is best cut into small ones.
    ValueError and refusals as of `credit`.
    """
    coming = iter(credits)
    count = 0
    async with tx.transaction():
        while chunk := list(islice(coming, _CHUNK)):
            count += await _book(tx, chunk)
    return count


async def _book(tx: Tx, chunk: Sequence[Credit]) -> int:
    wanted: dict[_Key, Credit] = {}
    for one in chunk:
        if one.amount_fen <= 0:
            raise ValueError("a contribution is positive")
        if wanted.setdefault(_key(one), one).amount_fen != one.amount_fen:
            raise CauseReused
    while True:
        news = await _not_booked(tx, wanted)
        try:
            async with tx.transaction():
                await store.post(tx, [_transfer(one) for one in news])
        except asyncpg.UniqueViolationError:
            continue  # Somebody else has just committed one of them, so the next look finds it: this ends.
        return len(news)


async def _not_booked(tx: Tx, wanted: dict["_Key", Credit]) -> list[Credit]:
    """Return the contributions that are not booked yet. Refusals: CauseReused."""
    rows = await store.contributions(tx, [_transfer(one) for one in wanted.values()])
    booked = {(row["person_id"], row["to_account"], row["cause"]): row["amount_fen"] for row in rows}
    if any(wanted[key].amount_fen != amount_fen for key, amount_fen in booked.items()):
        raise CauseReused
    return [one for key, one in wanted.items() if key not in booked]


_Key = tuple[str, str, str]


def _key(one: Credit) -> _Key:
    return one.person_id, rules.personal(one.place), one.cause


def _transfer(one: Credit) -> dict[str, object]:
    return {
        "person_id": one.person_id,
        "cause": one.cause,
        "from_account": rules.contributions(one.place),
        "to_account": rules.personal(one.place),
        "amount_fen": one.amount_fen,
        "happened_at": one.at,
    }
