"""Which database a command works on: one named by settings, a running demo's, or the embedded one started for it."""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from yibao import rooms
from yibao.core import database, migrate
from yibao.core.postgres import EmbeddedPostgres, Server
from yibao.core.settings import Settings
from yibao.core.vault import Keys, key_source

DATABASE = "yibao"


@dataclass(frozen=True)
class Instance:
    """A database that answers, and the programs of its server where it is ours."""

    settings: Settings
    server_programs: Path | None = None
    superuser_url: str = ""


def keys_of(settings: Settings) -> Keys:
    """Return the keys of this installation, making them at the first start."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return key_source(settings.home / "keys.json", os.environ).keys()


@contextlib.contextmanager
def opened(settings: Settings, *, server_settings: dict[str, str] | None = None) -> Iterator[Instance]:
    """Yield the database to work on; an embedded server that was started for this is stopped at the end.

    Raises PostgresUnavailable if the embedded server cannot be had.
    """
    if settings.database_url:
        yield Instance(settings)
        return
    running = _running_demo(settings.home)
    if running is not None:
        database_url, owner_database_url = running
        yield Instance(replace(settings, database_url=database_url, owner_database_url=owner_database_url))
        return
    with EmbeddedPostgres(settings.home / "postgres", settings=server_settings or {}) as server:
        asyncio.run(_ensure_database(server))
        url = server.dsn(DATABASE)
        yield Instance(
            replace(settings, database_url=url, owner_database_url=url),
            server_programs=server.bin_dir,
            superuser_url=url,
        )


async def _ensure_database(server: Server) -> None:
    connection = await database.connect(server.dsn("postgres"), role=server.user)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def migrated(settings: Settings, *, progress: Callable[[migrate.Migration], None] = lambda _: None) -> int:
    """Bring the database to this version and return how many migrations were applied."""
    url = settings.owner_database_url or settings.database_url
    connection = await database.connect(url, role="none")
    try:
        return await migrate.apply(connection, rooms.MIGRATED, progress=progress)
    finally:
        await connection.close()


def announce(settings: Settings, addresses: dict[str, str]) -> None:
    """Leave word where the running demo is, for other commands of the same user."""
    path = settings.home / "demo.json"
    content = {
        "pid": os.getpid(),
        "database_url": settings.database_url,
        "owner_database_url": settings.owner_database_url,
        **addresses,
    }
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)


def withdraw(settings: Settings) -> None:
    (settings.home / "demo.json").unlink(missing_ok=True)


def demo_is_running(settings: Settings) -> bool:
    return _running_demo(settings.home) is not None


def _running_demo(home: Path) -> tuple[str, str] | None:
    try:
        content = json.loads((home / "demo.json").read_text("utf-8"))
        os.kill(content["pid"], 0)
        return str(content["database_url"]), str(content["owner_database_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
