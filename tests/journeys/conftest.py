"""A town for each test that asks for one, over a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.journeys import faces
from tests.journeys.town import Town, settle, town
from yibao.core.vault import Keys

_serial = 0


@pytest.fixture
async def fresh_database(superuser_dsn: str) -> AsyncIterator[str]:
    """An empty, migrated database, dropped afterwards."""
    global _serial
    _serial += 1
    base = superuser_dsn.split("@/")[1].split("?")[0]
    name = f"{base}_town{_serial}"
    admin = await asyncpg.connect(superuser_dsn.replace(base, "postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE yibao_template OWNER yibao_owner")
    try:
        yield superuser_dsn.replace(base, name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture(scope="session")
def town_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("town")
    settle(made)
    return made


@pytest.fixture
async def a_town(fresh_database: str, town_home: Path, keys: Keys) -> AsyncIterator[Town]:
    async with town(fresh_database, town_home, keys) as running:
        yield running


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of the astronaut, who turns the head again and again."""
    return faces.turning_film(tmp_path_factory.mktemp("films") / "astronaut.mjpeg")
