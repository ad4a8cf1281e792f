"""What every test may ask for: a database of its own, keys, a fixed instant, and people who cannot exist.

One PostgreSQL serves a run. Whoever starts the run starts the server, the xdist controller or the only process; each
worker has a database, cloned from one that was migrated once. `YIBAO_TEST_POSTGRES_BIN` names the programs of another
PostgreSQL to run the same tests on: `/usr/lib/postgresql/15/bin`.

What a test commits stays in its worker's database for the others. `YIBAO_TEST_SHUFFLE=1` runs all of them in another
order, a further one for each number, to find those that mind.
"""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from yibao import ledger, registry
from yibao.core import migrate
from yibao.core.database import OWNER, Pool, Tx, open_pool, transaction
from yibao.core.postgres import PROGRAMS_VARIABLE, EmbeddedPostgres, account_directory
from yibao.core.vault import Keys, Vault
from yibao.rooms import MIGRATED
from yibao.sandbox.world import names, numbers

TEST_HOME = Path(__file__).parent / ".yibao" / "test"
TEST_PROGRAMS_VARIABLE = "YIBAO_TEST_POSTGRES_BIN"
SHUFFLE_VARIABLE = "YIBAO_TEST_SHUFFLE"
HASTY = {  # What a crash would lose is thrown away at the end anyway.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "300",
}
TEMPLATE = "yibao_template"
SEED = 471  # Not the seed of the demonstration's world, so that both can be in one database.

_serial = itertools.count()


class Cluster:
    """The server of one test run, and the migrated database from which the others are cloned."""

    def __init__(self) -> None:
        self._home = TEST_HOME / str(os.getpid())
        _clear_away(self._home)
        self._home.mkdir(parents=True)
        self._postgres = EmbeddedPostgres(self._home, settings=HASTY)
        try:
            with pytest.MonkeyPatch.context() as environment:
                if told := os.environ.get(TEST_PROGRAMS_VARIABLE):
                    environment.setenv(PROGRAMS_VARIABLE, told)
                self._server = self._postgres.start()
            asyncio.run(self._migrate())
        except BaseException:
            self.stop()
            raise

    def database(self, name: str) -> str:
        """Clone a database and return its address as the superuser."""
        asyncio.run(self._create(f"{name} TEMPLATE {TEMPLATE}"))
        return self._server.dsn(name)

    def stop(self) -> None:
        self._postgres.stop()
        _clear_away(self._home)

    async def _create(self, database: str) -> None:
        async with self._connected("postgres") as connection:
            await migrate.ensure_roles(connection)
            # The list of applied migrations is in the schema public, where only a database's owner may create tables.
            await connection.execute(f"CREATE DATABASE {database} OWNER {OWNER}")

    async def _migrate(self) -> None:
        await self._create(TEMPLATE)
        async with self._connected(TEMPLATE) as connection:
            await migrate.apply(connection, MIGRATED)

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[Tx]:
        connection = await asyncpg.connect(self._server.dsn(database))
        try:
            yield connection
        finally:
            await connection.close()


def _clear_away(home: Path) -> None:
    """Remove what a run keeps in `home`, and what runs left there that were killed."""
    for run in {home, *TEST_HOME.glob("[0-9]*")}:
        if run == home or not Path("/proc", run.name).exists():
            for directory in (run, account_directory(run)):
                with suppress(FileNotFoundError):
                    shutil.rmtree((directory / "socket").read_text(), ignore_errors=True)
                shutil.rmtree(directory, ignore_errors=True)


_CLUSTER = pytest.StashKey[Cluster]()


def _cluster(config: pytest.Config) -> Cluster:
    if _CLUSTER not in config.stash:
        config.stash[_CLUSTER] = Cluster()
    return config.stash[_CLUSTER]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of pytest-xdist its database; a worker that replaces a crashed one has another name."""
    node.workerinput["yibao_database"] = _cluster(node.config).database(f"yibao_{node.gateway.id}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if told := os.environ.get(SHUFFLE_VARIABLE):
        Random(told).shuffle(items)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _CLUSTER in config.stash:
        config.stash[_CLUSTER].stop()


@pytest.fixture(scope="session")
def superuser_dsn(pytestconfig: pytest.Config) -> str:
    """The address of this worker's database as the superuser, who is a member of every role."""
    given: dict[str, str] | None = getattr(pytestconfig, "workerinput", None)
    return given["yibao_database"] if given is not None else _cluster(pytestconfig).database("yibao_alone")


@pytest.fixture
async def fresh_database(superuser_dsn: str) -> AsyncIterator[str]:
    """The address of a migrated database for this test alone, for whoever fills tables past the rooms' own rules."""
    base = superuser_dsn.split("@/")[1].split("?")[0]
    name = f"{base}_{next(_serial)}"
    admin = await asyncpg.connect(superuser_dsn.replace(base, "postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {OWNER}")
    try:
        yield superuser_dsn.replace(base, name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture
async def pool(superuser_dsn: str) -> AsyncIterator[Pool]:
    """Connections as the application's role."""
    async with await open_pool(superuser_dsn) as opened:
        yield opened


@pytest.fixture
async def owner_pool(superuser_dsn: str) -> AsyncIterator[Pool]:
    """Connections as the role that owns the tables."""
    async with await open_pool(superuser_dsn, role=OWNER) as opened:
        yield opened


@pytest.fixture
async def tx(pool: Pool) -> AsyncIterator[Tx]:
    """A transaction of the application's role that ends with the test and leaves nothing behind."""
    async with pool.acquire() as connection:
        whole = connection.transaction()
        await whole.start()
        yield connection
        await whole.rollback()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an installation whose page assets are not fetched."""
    made = tmp_path_factory.mktemp("home")
    (made / "assets").mkdir()
    return made


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys.generate()


@pytest.fixture(scope="session")
def vault(keys: Keys) -> Vault:
    return Vault(keys)


@pytest.fixture
def at() -> datetime:
    """Ten o'clock in Beijing on a working day, far from midnight and from the turn of the year."""
    return datetime(2026, 5, 12, 2, 0, tzinfo=UTC)


class WorldClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock(at: datetime) -> WorldClock:
    return WorldClock(at)


def insured(
    place: str = "510500",
    *,
    insutype: str = "310",
    psn_type: str = "12",
    state: str = "1",
    synced: bool = True,
    since_on: date = date(2010, 1, 1),
    paid_to: date = date(2026, 12, 31),
) -> registry.Insurance:
    """Return an insurance relation with a number of its own: a retired employee's, unless told otherwise."""
    return registry.Insurance(
        psn_no=numbers.psn_no(next(_serial), 0, place=place, seed=SEED),
        place=place,
        insutype=insutype,
        psn_type=psn_type,
        state=state,
        since_on=since_on,
        paid_to=paid_to,
        employer="示例单位",
        synced=synced,
    )


class NewPerson:
    """Registers people nobody has met, and commits them."""

    def __init__(self, pool: Pool, vault: Vault, at: datetime) -> None:
        self._pool = pool
        self._vault = vault
        self._at = at

    async def __call__(
        self,
        *,
        name: str | None = None,
        cert_type: str = "01",
        gender: str = "1",
        birth_on: date = date(1958, 3, 15),
        card: registry.CardState | None = "normal",
        insurances: Sequence[registry.Insurance] | None = None,
        balance_fen: int = 0,
    ) -> registry.Registrant:
        """Register a person with one card at most, and with `insured()` unless `insurances` says otherwise.

        Every relation of an employee has a personal account; `balance_fen` is paid into the first.
        """
        index = next(_serial)
        one = registry.Registrant(
            person_id=numbers.person_id(index, seed=SEED),
            name=name or names.invented_name(Random(index)),
            cert_type=cert_type,
            cert_no=numbers.certificate_no(index, cert_type=cert_type, birth_on=birth_on, gender=gender, seed=SEED),
            gender=gender,
            birth_on=birth_on,
            cards=(registry.Card(numbers.card_no(index, seed=SEED), card, date(2020, 1, 1)),) if card else (),
            insurances=(insured(),) if insurances is None else tuple(insurances),
        )
        places = [insurance.place for insurance in one.insurances if insurance.insutype == "310"]
        async with transaction(self._pool) as tx:
            await registry.register_people(tx, self._vault, [one])
            await ledger.open_accounts(tx, [(one.person_id, place) for place in places])
            if balance_fen:
                await ledger.credit(
                    tx, person_id=one.person_id, place=places[0], amount_fen=balance_fen, cause="期初", at=self._at
                )
        return one


@pytest.fixture
def new_person(pool: Pool, vault: Vault, at: datetime) -> NewPerson:
    return NewPerson(pool, vault, at)
