"""Telling an account's owner what was done to it, and on the phone that it had then: whoever took the account over has
perhaps changed the phone since, and an account that is unbound or closed is not found by its person any more."""

from datetime import datetime

from yibao.core import outbox
from yibao.core.database import Row, Tx
from yibao.identity import refusals, rules, store


async def tell(tx: Tx, row: Row, topic: str, *, at: datetime, **facts: str) -> None:
    """Let the owner of an account know what was done to it; under the account's own number while it has no person."""
    await _publish(tx, row, topic, {**rules.reach(row["account_id"], phone=row["phone"]), **facts}, at=at)


async def tell_account(tx: Tx, *, account_id: str, topic: str, at: datetime) -> None:
    """Let the owner of an account know of something that another room did. Refusals: AccountUnknown."""
    row = await store.account(tx, account_id)
    if row is None:
        raise refusals.AccountUnknown
    await tell(tx, row, topic, at=at)


async def tell_of_phone(tx: Tx, row: Row, topic: str, *, phone: bytes | None, at: datetime, **facts: str) -> None:
    """Let the owner of an account know that another phone, or none, is in the place of the one in `row`; on both."""
    reach = rules.reach(row["account_id"], phone=phone, former_phone=row["phone"])
    await _publish(tx, row, topic, {**reach, **facts}, at=at)


async def _publish(tx: Tx, row: Row, topic: str, payload: dict[str, str], *, at: datetime) -> None:
    await outbox.publish(tx, person_id=row["person_id"] or row["account_id"], topic=topic, payload=payload, at=at)
