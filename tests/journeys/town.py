"""A whole town for journeys: platform, worker and sandbox as they are shipped, over one database and one clock.

Everything speaks over real sockets. The journeys' clock runs on from a fixed morning, so that no test meets midnight or
the turn of the year by accident; `advance` moves it.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import asyncpg
import httpx
import msgspec

from tests.entrance import entrance
from yibao import identity
from yibao.app import House, handlers, open_house
from yibao.cli import world as seeded
from yibao.core.clock import day_of
from yibao.core.database import transaction
from yibao.core.gm import Signer
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.sandbox import channels, unionpay, world
from yibao.sandbox.app import StartPage, serving
from yibao.sandbox.app import create_app as create_sandbox
from yibao.sandbox.hospital import Hospital
from yibao.worker import Worker

MORNING = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
FETCHED = Path(__file__).parents[2] / ".yibao"
PEOPLE = max(world.ROLES.values()) + 1  # Everybody who plays a role; the families are whole before that.


class TownClock:
    """Runs with the real seconds, from a morning of its own."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def advance(self, by: timedelta) -> None:
        self._start += by


@dataclass(frozen=True)
class Town:
    house: House
    clock: TownClock
    world: world.World
    address: str
    sandbox: str
    hospital: Hospital

    async def sms_code(self, phone: str, *, after: int = 0) -> str:
        """Return the newest code in the sandbox's inbox for this phone, once more than `after` of them are there."""
        async with httpx.AsyncClient(base_url=self.sandbox) as client:
            for _ in range(200):
                answer = await client.get("/sms/messages", params={"phone": phone})
                messages = [message for message in answer.json()["messages"] if message["code"]]
                if len(messages) > after:
                    return str(messages[0]["code"])
                await asyncio.sleep(0.05)
        raise AssertionError("no SMS arrived")


def settle(home: Path) -> None:
    """Make a home for towns, with what the platform fetches."""
    for fetched in ("assets", "models"):
        (home / fetched).symlink_to(FETCHED / fetched)


@cache
def partners(home: Path) -> tuple[unionpay.UnionPayKeys, dict[str, Signer]]:
    """Make the keys of the bank and of the channels, once for a worker."""
    return unionpay.ensure_keys(home / "unionpay"), channels.ensure_keys(home / "channels")


@asynccontextmanager
async def town(database_url: str, home: Path, keys: Keys, *, at: datetime = MORNING) -> AsyncIterator[Town]:
    """Yield a running town over an empty, migrated database; `home` is an installation that `settle` made."""
    clock = TownClock(at)
    built = world.build(seed=seeded.SEED, people=PEOPLE, on=day_of(at))
    unionpay_keys, channel_keys = partners(home)
    desk = channels.ChannelDesk(keys=channel_keys)
    secret = secrets.token_urlsafe(24)
    hospital = Hospital()
    sandbox = create_sandbox(
        people=built.people,
        start_page=StartPage(institutions=built.institutions, demo_password=world.DEMO_PASSWORD),
        sms_secret=secret.encode(),
        unionpay_keys=unionpay_keys,
        hospital=hospital,
        channels=desk,
        police_secret=secret.encode(),
        clock=clock,
    )
    async with serving(sandbox) as sandbox_address:
        settings = Settings(
            home=home,
            database_url=database_url,
            sms_url=sandbox_address,
            sms_secret=secret,
            channels_url=sandbox_address,
            channels_secret=secret,
            police_url=sandbox_address,
            police_secret=secret,
            unionpay_url=sandbox_address,
            unionpay_keys=str(unionpay_keys.merchant_folder),
        )
        hasher = identity.Hasher(Vault(keys), memory_kib=64, passes=1)
        async with open_house(settings, keys, clock=clock, hasher=hasher) as house:
            owner = await asyncpg.create_pool(database_url, min_size=1, max_size=1, init=_codec)
            await seeded.seed(owner, house.vault, hasher=hasher, people=PEOPLE, at=clock())
            await owner.close()
            await seeded.accredit(house.pool, desk.keys, returns=sandbox_address, at=clock())
            stop = asyncio.Event()
            working = asyncio.create_task(Worker(house.pool, handlers(house)).run(stop))
            try:
                async with serving(entrance(house)) as address:
                    hospital.platform = address
                    async with transaction(house.pool) as tx:
                        hospital.key = await identity.issue_api_key(tx, institution=seeded.HOSPITAL, at=clock())
                    desk.platform, desk.home = address, sandbox_address
                    yield Town(house, clock, built, address, sandbox_address, hospital)
            finally:
                stop.set()
                await working


async def _codec(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
