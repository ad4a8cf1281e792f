"""A town for each test that asks for one, over a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys import faces
from tests.journeys.town import Town, settle, town
from yibao.core.vault import Keys


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
