"""The fixtures of `scene.py` for the tests of this room, and a till with a cashier at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conftest import NewPerson, WorldClock
from tests.entrance import entrance
from yibao import identity, registry
from yibao.app import House, furnish
from yibao.core.database import Pool, transaction
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.service.message.sms import NullSms
from yibao.settlement.tests.cast import Cashier, NewInsured, browser, logins, staff
from yibao.settlement.tests.scene import HOSPITAL, PHARMACY, desk, scan, shops, tokens

__all__ = ["desk", "scan", "shops", "tokens"]


@pytest.fixture
async def house(shops: None, pool: Pool, keys: Keys, vault: Vault, clock: WorldClock, home: Path) -> House:
    if await registry.region_name(pool, "510500") is None:
        async with transaction(pool) as tx:
            await registry.load_regions(tx)
    return furnish(
        Settings(home=home),
        keys,
        pool,
        clock=clock,
        hasher=identity.Hasher(vault, memory_kib=8, passes=1),
        bank=identity.NoBank(),
        sms=NullSms(),
    )


@pytest.fixture
def new_insured(house: House, new_person: NewPerson) -> NewInsured:
    return NewInsured(house, new_person)


@pytest.fixture
async def cashier(house: House) -> AsyncIterator[Cashier]:
    async with browser(entrance(house)) as client:
        yield await staff(house, client, f"{PHARMACY}-{next(logins):04d}", PHARMACY)


@pytest.fixture
async def window(house: House) -> AsyncIterator[Cashier]:
    """The window of a hospital that treats and admits."""
    async with browser(entrance(house)) as client:
        yield await staff(house, client, f"{HOSPITAL}-{next(logins):04d}", HOSPITAL)
