"""Codes for a phone without a network (F1): tickets handed out beforehand, and the key with which to sign them.

The tickets are of a device number of their own, beside the one whose codes the server draws. What a phone holds is
worth no more than its sign-in, with which it ends; decision 0008 says why it may be held there at all.
"""

from datetime import datetime, timedelta

from yibao.core.database import Row, Tx
from yibao.credential import refusals, store
from yibao.credential.actions import add_device, take_or_add
from yibao.credential.code import Codes, province_of
from yibao.credential.types import Pack

LASTS = timedelta(days=7)  # So long a phone works without having been heard of.
AT_ONCE = 100  # Tickets; each costs the server a tenth of a millisecond, and lights the screen for 25 seconds.
_A_DAY = timedelta(days=1)


async def hand_out(
    tx: Tx,
    codes: Codes,
    *,
    person_id: str,
    browser: bytes,
    session: bytes,
    count: int,
    until: datetime | None = None,
    at: datetime,
) -> Pack:
    """Give the activation in this browser `count` fresh tickets, at most 100, and keep those that it has alive.

    `session` is the digest of the sign-in that asks. `until` is when the code may no longer be shown, where that is
    sooner than a week from now. An answer that got lost is asked for again: tickets that nobody shows do no harm.

    Refusals, first that applies: NotActivated, TicketsUsedUp.
    """
    count, until = min(count, AT_ONCE), min(until or at + LASTS, at + LASTS)
    taken = await _take(tx, person_id=person_id, browser=browser, session=session, count=count, until=until, at=at)
    device_number, first, province = taken["device_number"], taken["first"], province_of(taken["place"])
    return Pack(
        device_key=codes.device_key(device_number),
        tickets=[
            codes.ticket(device_number=device_number, ticket=number, province=province)
            for number in range(first, first + count)
        ],
        province=province,
        until=until,
    )


async def _take(
    tx: Tx, *, person_id: str, browser: bytes, session: bytes, count: int, until: datetime, at: datetime
) -> Row:
    """Take tickets of this sign-in's number, or of a new one; a used-up one stays, its last code may be on screen."""

    async def take() -> Row | None:
        return await store.take_tickets(
            tx, person_id=person_id, browser=browser, session=session, count=count, until=until
        )

    async def add(activation: Row) -> None:
        began = await store.offline_began(tx, person_id=person_id, browser=browser, session=session)
        if began is not None and began > at - _A_DAY:
            raise refusals.TicketsUsedUp
        await store.end_other_offline(tx, person_id=person_id, browser=browser, session=session, at=at)
        await add_device(
            tx,
            person_id=person_id,
            account_id=activation["account_id"],
            channel=activation["channel"],
            browser=browser,
            session=session,
            offline_until=until,
            at=at,
        )

    return await take_or_add(tx, person_id=person_id, browser=browser, take=take, add=add)
