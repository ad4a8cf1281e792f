"""Who holds a credential, and where it is active."""

from datetime import datetime

from msgspec import Struct

from yibao import identity, registry
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.credential import rules, store
from yibao.credential.types import Change, Channel, ChannelKey, Device, Holder, Visited

OWN_PAGES, OWN_NAME = "web", "医保公共服务网页"


async def holder(tx: Tx | Pool, person_id: str) -> Holder | None:
    """Return the person's credential, None if it is not bound."""
    row = await store.holder(tx, person_id)
    return None if row is None or row["unbound_at"] is not None else Holder(**row)


async def proved_person(tx: Tx | Pool, vault: Vault, account_id: str) -> str | None:
    """Return whose data an account may see: its person's, or while it is not bound those of whoever it is proved to be.

    None where nothing is proved, and where that person's insurance is bound to another account, which sees them.
    """
    account = await identity.account(tx, vault, account_id)
    if account.person_id is not None or account.cert_type is None or account.cert_no is None:
        return account.person_id
    person_id = await registry.find_by_certificate(tx, vault, account.cert_type, account.cert_no)
    bound = person_id is not None and await identity.account_of_person(tx, vault, person_id) is not None
    return None if bound else person_id


async def devices(tx: Tx | Pool, person_id: str) -> list[Device]:
    """Return the person's activations, newest first."""
    return [Device(**row) for row in await store.devices(tx, person_id)]


async def ways_to_activate(tx: Tx | Pool) -> list[Channel]:
    """Return the channels in which people can activate now, in the order of their applications."""
    return [each for each in await store.channels(tx) if each.state == "active" and "activate" in each.functions]


class Lent(Struct, frozen=True):
    """A phone of an account on which the codes of relatives are active, and the account's own is not."""

    activation_id: str  # Of one of these codes.
    channel: str
    activated_at: datetime
    browser: bytes


async def phones_with_lent_codes(tx: Tx | Pool, person_id: str, account_id: str) -> list[Lent]:
    """Return the phones of an account that show only what relatives lent to it, each once, newest first."""
    rows = await store.live_devices(tx, person_id, account_id)
    own = {rules.lent_browser(row["browser"], account_id) for row in rows if row["person_id"] == person_id}
    lent = [row for row in rows if row["person_id"] != person_id and row["browser"] not in own]
    return [
        Lent(row["activation_id"], row["channel"], row["activated_at"], row["browser"])
        for row in {row["browser"]: row for row in lent}.values()
    ]


async def visits_of(tx: Tx | Pool, person_id: str, *, limit: int = 1000) -> list[Visited]:
    """Return by which institutions the person was identified, the latest first."""
    return [Visited(**row) for row in await store.visits_of(tx, person_id, limit=limit)]


class PlaceChoice(Struct, frozen=True):
    """A place where a person is insured. One that has not passed the relation on yet cannot be chosen."""

    code: str
    name: str
    provincial: bool  # The pool of a province's own employers (省直), beside the city's.
    suspended: bool
    synced: bool


async def place_choices(tx: Tx | Pool, person_id: str) -> list[PlaceChoice]:
    """Return the person's insured places, those of one province beside each other and its own first."""
    by_place: dict[str, list[registry.Insurance]] = {}
    for relation in await registry.relations(tx, person_id):
        if relation.state not in rules.ENDED:
            by_place.setdefault(relation.place, []).append(relation)
    names = await registry.region_names(tx, by_place)
    return [
        PlaceChoice(
            code=place,
            name=names[place],
            provincial=is_provincial(place),
            suspended=all(relation.state != rules.NORMAL for relation in relations),
            synced=any(relation.synced for relation in relations),
        )
        for place, relations in sorted(
            by_place.items(), key=lambda one: (one[0][:2], not is_provincial(one[0]), one[0])
        )
    ]


def is_provincial(place: str) -> bool:
    """Whether a place is the pool of a whole province or municipality: 519900."""
    return place.endswith("9900")


async def channel(tx: Tx | Pool, code: str) -> Channel | None:
    return await store.channel(tx, code)


async def channels(tx: Tx | Pool) -> list[Channel]:
    """Return every channel that ever applied."""
    return await store.channels(tx)


async def channel_name(tx: Tx | Pool, code: str) -> str:
    """Return what people call a channel; our own pages are one of them."""
    found = None if code == OWN_PAGES else await store.channel(tx, code)
    return found.name if found else OWN_NAME


async def channel_names(tx: Tx | Pool) -> dict[str, str]:
    """Return what people call the channels, by code, our own pages among them."""
    return {OWN_PAGES: OWN_NAME} | {channel.code: channel.name for channel in await store.channels(tx)}


async def channel_keys(tx: Tx | Pool, code: str) -> list[ChannelKey]:
    """Return a channel's public keys, the newest first."""
    return await store.channel_keys(tx, code)


async def channel_changes(tx: Tx | Pool, code: str) -> list[Change]:
    """Return who changed what about a channel, the latest first."""
    return await store.channel_changes(tx, code)
