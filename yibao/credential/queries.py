"""Who holds a credential, and where it is active."""

from yibao import registry
from yibao.core.database import Pool, Tx
from yibao.credential import store
from yibao.credential.types import Device, Holder


async def holder(tx: Tx | Pool, person_id: str) -> Holder | None:
    """Return the person's credential, None if it is not bound."""
    row = await store.holder(tx, person_id)
    return None if row is None or row["unbound_at"] is not None else Holder(**row)


async def devices(tx: Tx | Pool, person_id: str) -> list[Device]:
    """Return the person's activations, newest first."""
    return [Device(**row) for row in await store.devices(tx, person_id)]


async def region_choices(tx: Tx, person_id: str) -> list[tuple[str, str]]:
    """Return the insured places that the person can choose, as code and name."""
    places = {r.place for r in await registry.relations(tx, person_id) if r.state not in ("0", "3", "4")}
    return [(place, await registry.region_name(tx, place) or place) for place in sorted(places)]
