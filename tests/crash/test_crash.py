"""kill -9 of the server and of the database under load: all of a settlement is there, or nothing of it.

Real processes over a durable database. Whatever was acknowledged is booked, whatever was not is booked once when its
caller asks again with the same id, and the books balance.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from conftest import NewPerson
from yibao import credential, identity, ledger
from yibao.core import migrate
from yibao.core.database import OWNER, Pool, open_pool, transaction
from yibao.core.postgres import EmbeddedPostgres, Server
from yibao.core.vault import Keys, Vault
from yibao.rooms import MIGRATED
from yibao.settlement import check
from yibao.settlement.tests.scene import PHARMACY, Scan, Visitor, add_shops

HOST = "127.0.0.1"
DATABASE = "crash"
PEOPLE = 8
PURCHASE = {"lines": [{"code": "A1", "quantity": "180"}, {"code": "C20", "quantity": "1"}], "use_account": True}


def own_port() -> int:
    """Return a port that no server beside this run takes while ours is dead: outside the range they choose from."""
    return 10_000 + os.getpid() % 20_000


class Platform:
    """A durable database and one `yibao serve`, either of which can be killed and started again."""

    def __init__(self, home: Path, keys: Keys) -> None:
        self.home = home
        self.keys = keys
        self.port = own_port()
        self.postgres = EmbeddedPostgres(home / "postgres", settings={"shared_buffers": "64MB"})
        self.server: Server | None = None
        self.data = home
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        assert self.server is not None
        return self.server.dsn(DATABASE)

    async def prepare(self) -> None:
        self.server = await asyncio.to_thread(self.postgres.start)
        connection = await asyncpg.connect(self.server.dsn("postgres"))
        self.data = Path(await connection.fetchval("SHOW data_directory"))
        await migrate.ensure_roles(connection)
        await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        await connection.close()
        connection = await asyncpg.connect(self.database_url)
        await migrate.apply(connection, MIGRATED)
        await connection.close()

    async def serve(self) -> None:
        self.process = subprocess.Popen(  # noqa: ASYNC220 - it outlives this call, and this loop waits for nothing else.
            [sys.executable, "-c", "from yibao.cli import main; main()", "serve"],
            env={
                **os.environ,
                "YIBAO_HOME": str(self.home),
                "YIBAO_KEYS": msgspec.json.encode(self.keys).decode(),
                "YIBAO_DATABASE_URL": self.database_url,
                "YIBAO_PORT": str(self.port),
            },
        )
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{self.port}") as client:
            for _ in range(300):
                assert self.process.poll() is None, "the server ended by itself"
                with suppress(httpx.TransportError):
                    if (await client.get("/api/health")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        raise AssertionError("the server did not answer")

    def kill_server(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def kill_database(self) -> None:
        pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        self.server = await asyncio.to_thread(self.postgres.start)

    async def close(self) -> None:
        if self.process is not None:
            self.kill_server()
        await asyncio.to_thread(self.postgres.stop)


@pytest.fixture
async def platform(tmp_path: Path, keys: Keys) -> AsyncIterator[Platform]:
    for fetched in ("assets", "models"):
        (tmp_path / fetched).symlink_to(Path(__file__).parents[2] / ".yibao" / fetched)
    made = Platform(tmp_path, keys)
    try:
        await made.prepare()
        yield made
    finally:
        await made.close()


async def people_at_the_till(pool: Pool, keys: Keys) -> tuple[str, list[Visitor]]:
    at = datetime.now(UTC)
    await add_shops(pool)
    scan = Scan(pool, credential.Tokens(keys), NewPerson(pool, Vault(keys), at), at)
    people = [await scan(balance_fen=3_000_00, free_limit_fen=500_00) for _ in range(PEOPLE)]
    async with transaction(pool) as tx:
        key = await identity.issue_api_key(tx, institution=PHARMACY, at=at)
    return key, people


class Buyer:
    """Buys for one person over HTTP, remembers what was acknowledged, and asks again after a crash."""

    def __init__(self, platform: Platform, key: str, visitor: Visitor) -> None:
        self.visitor = visitor
        self.acknowledged: dict[str, str] = {}
        self._url = f"http://{HOST}:{platform.port}"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def buy(self, stop: asyncio.Event, acks: "asyncio.Queue[str]") -> None:
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers, timeout=20) as client:
            number = 0
            while not stop.is_set():
                number += 1
                await self._buy_one(client, f"{self.visitor.person_id}-{number}", stop, acks)

    async def _buy_one(
        self, client: httpx.AsyncClient, key: str, stop: asyncio.Event, acks: "asyncio.Queue[str]"
    ) -> None:
        basket = {"token": self.visitor.token, **PURCHASE}
        split = None
        while True:
            with suppress(httpx.TransportError):
                if split is None:
                    quoted = await client.post("/api/quotes", json={"basket": basket})
                    split = quoted.json()["split"] if quoted.status_code == 200 else None
                if split is not None:
                    # Once sent, an order is asked again unchanged until it is answered.
                    answer = await client.post(
                        "/api/settlements",
                        json={"basket": basket, "expected": split},
                        headers={"Idempotency-Key": key},
                    )
                    if answer.status_code == 201:
                        self.acknowledged[key] = answer.json()["settlement_id"]
                        acks.put_nowait(key)
                        return
                    assert answer.status_code >= 500, answer.text
            if stop.is_set() and split is None:
                return
            await asyncio.sleep(0.05)


async def run_with_crashes(platform: Platform, keys: Keys, kill: str) -> None:
    pool = await open_pool(platform.database_url, size=4)
    api_key, people = await people_at_the_till(pool, keys)
    await pool.close()
    await platform.serve()
    stop = asyncio.Event()
    acks: asyncio.Queue[str] = asyncio.Queue()
    buyers = [Buyer(platform, api_key, visitor) for visitor in people]
    work = [asyncio.create_task(buyer.buy(stop, acks)) for buyer in buyers]
    try:
        for round_number in range(3):
            for _ in range(25 + 7 * round_number):
                await asyncio.wait_for(acks.get(), 60)
            if kill == "server":
                platform.kill_server()
                await platform.serve()
            else:
                await platform.kill_database()
        for _ in range(25):
            await asyncio.wait_for(acks.get(), 60)
    finally:
        stop.set()
        await asyncio.wait(work, timeout=60)
    for task in work:
        task.result()

    acknowledged = {key: number for buyer in buyers for key, number in buyer.acknowledged.items()}
    pool = await open_pool(platform.database_url, size=2)
    try:
        booked = {
            row["id"]: row["number"]
            for row in await pool.fetch("SELECT id, answer->>'settlement_id' AS number FROM core.answer")
        }
        assert booked == acknowledged
        assert await pool.fetchval("SELECT count(*) FROM settlement.settlement") == len(acknowledged)
        assert await pool.fetchval("SELECT count(*) FROM core.outbox") == len(acknowledged)
        async with transaction(pool) as tx:
            assert await check.check(tx) == []
            assert await ledger.check(tx) == []
    finally:
        await pool.close()


@pytest.mark.parametrize("kill", ["server", "database"])
async def test_a_crash_leaves_all_or_nothing(platform: Platform, keys: Keys, kill: str) -> None:
    await run_with_crashes(platform, keys, kill)
