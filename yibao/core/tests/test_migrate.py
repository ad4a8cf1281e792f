"""Migrations: once, in order, unchanged, and never onto a database from the future."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from yibao.core import migrate
from yibao.core.database import connect

ROOM = "migrated_room"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A package with a schema folder, as a room has one."""
    folder = tmp_path / ROOM / "schema"
    folder.mkdir(parents=True)
    (tmp_path / ROOM / "__init__.py").write_text("")
    (folder / "0001_first.sql").write_text("CREATE SCHEMA IF NOT EXISTS m; CREATE TABLE m.one (a int);")
    sys.path.insert(0, str(tmp_path))
    yield folder
    sys.path.remove(str(tmp_path))
    sys.modules.pop(ROOM, None)


@pytest.fixture
async def empty_database(superuser_dsn: str) -> AsyncIterator[str]:
    name = f"{superuser_dsn.split('@/')[1].split('?')[0]}_empty"
    admin = await asyncpg.connect(superuser_dsn)
    await admin.execute(f"DROP DATABASE IF EXISTS {name}")
    await admin.execute(f"CREATE DATABASE {name}")
    yield superuser_dsn.replace(superuser_dsn.split("@/")[1].split("?")[0], name)
    await admin.execute(f"DROP DATABASE {name}")
    await admin.close()


async def apply(url: str, *, rooms: tuple[str, ...] = (ROOM,)) -> int:
    connection = await connect(url, role="none")
    try:
        return await migrate.apply(connection, rooms)
    finally:
        await connection.close()


async def test_each_file_is_applied_once(room: Path, empty_database: str) -> None:
    assert await apply(empty_database) == 1
    assert await apply(empty_database) == 0
    (room / "0002_second.sql").write_text("ALTER TABLE m.one ADD b int;")
    assert await apply(empty_database) == 1


async def test_two_starts_at_once_apply_everything_once(room: Path, empty_database: str) -> None:
    assert sorted(await asyncio.gather(*(apply(empty_database) for _ in range(4)))) == [0, 0, 0, 1]


async def test_an_applied_file_never_changes(room: Path, empty_database: str) -> None:
    await apply(empty_database)
    (room / "0001_first.sql").write_text("CREATE TABLE m.other (a int);")
    with pytest.raises(migrate.MigrationRefused, match="不能再改"):
        await apply(empty_database)


async def test_a_newer_database_is_refused(room: Path, empty_database: str) -> None:
    (room / "0002_second.sql").write_text("SELECT 1;")
    await apply(empty_database)
    (room / "0002_second.sql").unlink()
    with pytest.raises(migrate.MigrationRefused, match="请升级"):
        await apply(empty_database)


async def test_a_failing_file_leaves_nothing(room: Path, empty_database: str) -> None:
    (room / "0001_first.sql").write_text("CREATE SCHEMA m; CREATE TABLE m.one (a int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await apply(empty_database)
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("SELECT to_regnamespace('m')") is None
    await connection.close()


def test_numbers_have_no_gaps(room: Path) -> None:
    (room / "0003_third.sql").write_text("")
    with pytest.raises(migrate.MigrationRefused, match="0002"):
        migrate.find([ROOM])
