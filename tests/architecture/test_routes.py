"""Every route names its guard; nothing of a person stands in an address."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar

from yibao.app import create_app, open_house
from yibao.core.settings import Settings
from yibao.core.vault import Keys
from yibao.web.principal import GUARDS


@pytest.fixture
async def app(superuser_dsn: str, tmp_path: Path) -> AsyncIterator[Litestar]:
    (tmp_path / "assets").mkdir()
    async with open_house(Settings(home=tmp_path, database_url=superuser_dsn), KEYS) as house:
        await house.pool.execute("SELECT 1")
        yield create_app(house)


KEYS = Keys.generate()


async def test_every_route_names_exactly_one_guard(app: Litestar) -> None:
    counted = 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if handler is None or route.path.startswith("/docs/api"):
                continue
            if getattr(handler, "http_methods", None) == {"OPTIONS"}:
                continue  # The framework's own answer: which methods there are.
            named = [guard for guard in handler.resolve_guards() if guard in GUARDS]
            assert len(named) == 1, (route.path, handler)
            counted += 1
    assert counted > 40


# Numbers that lead to their person only under our key, random ids, and what is of no person.
ADDRESSED = {
    "application_id",
    "bill_id",
    "case_id",
    "channel",
    "check_id",
    "file_path",
    "grant_id",
    "institution",
    "member_id",
    "number",
    "operator_id",
    "path",
    "request_id",
    "settlement_id",
    "ticket",
    "topic",
    "unit_id",
}


async def test_addresses_carry_only_numbers_that_hide_their_person(app: Litestar) -> None:
    for route in app.routes:
        for name in re.findall(r"{(\w+):", route.path):
            assert name in ADDRESSED, route.path
