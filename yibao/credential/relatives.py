"""A person's code on a relative's phone: lent to the relative's account, and taken back.

The activation belongs to the person whose code it shows, and its account is the relative's: so a till that settles
with it asks for the relative's transaction password. A child, or an elder who never had a phone, has no account at
all; their credential is then held by nobody's account until they bind it themselves. Who may lend what to whom is
decided by the family service; here it is only done.
"""

from datetime import datetime

from yibao import registry
from yibao.core.database import Tx
from yibao.credential import refusals, rules, store
from yibao.credential.actions import add_device, require_relation

__all__ = ["browser_of", "entrust", "lend", "taken_back", "withdraw"]


def browser_of(device: str, *, channel: str, account_id: str) -> bytes:
    """Return by what a lent activation knows its browser."""
    return rules.lent_browser(rules.browser_digest(device, channel), account_id)


async def entrust(tx: Tx, *, person_id: str, at: datetime) -> None:
    """See to it that a person has a credential that can be lent; one that they bound themselves stays theirs.

    Refusals, first that applies: NotInsured, NotTransferred, NotSynced.
    """
    first = require_relation(await registry.relations(tx, person_id))
    await store.entrust(tx, person_id=person_id, psn_no=first.psn_no, place=first.place, at=at)


async def lend(
    tx: Tx, *, person_id: str, account_id: str, browser: bytes, channel: str, since: datetime, at: datetime
) -> None:
    """Let a relative's account show this person's code in this browser; doing it again changes nothing.

    Once one of these activations was unbound after `since`, when the person agreed, there is no further one: whoever
    ended it took the code back, on whichever of the relative's phones it was. Only where it ended because the relative
    unbound a phone, their other phones go on.

    Refusals, first that applies: NotBound, DeviceUnbound.
    """
    held = await store.holder(tx, person_id)
    if held is None or held["unbound_at"] is not None:
        raise refusals.NotBound
    lent = await store.lent(tx, person_id=person_id, account_id=account_id, browser=browser, since=since)
    if lent is not None and lent["taken_back"]:
        raise refusals.DeviceUnbound
    if lent is None or not lent["active"]:
        await add_device(tx, person_id=person_id, account_id=account_id, channel=channel, browser=browser, at=at)


async def taken_back(tx: Tx, *, person_id: str, account_id: str, since: datetime) -> bool:
    """Tell whether one of these activations was unbound after `since`, so that `lend` refuses any further one."""
    lent = await store.lent(tx, person_id=person_id, account_id=account_id, browser=b"", since=since)
    return lent is not None and bool(lent["taken_back"])


async def withdraw(tx: Tx, *, person_id: str, account_id: str, at: datetime) -> None:
    """Refuse from now on every code of this person that the relative's account shows, on all its phones."""
    await store.hold_holder(tx, person_id)
    await store.unbind_lent(tx, person_id=person_id, account_id=account_id, at=at)
