"""Numbered SQL of each room, applied once, in order, by the owner (`docs/decisions/0003-migrations.md`).

A room keeps its migrations in `schema/0001_….sql`. Rooms are migrated in the order given, lower floors first. A file
that has been applied never changes again: its digest is kept, and a difference is refused.
"""

import hashlib
import importlib.resources
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from yibao.core.database import APP, OWNER, READER, Tx

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 6_510_500  # Any number: it only has to be the same for everybody who migrates this database.


class MigrationRefused(Exception):
    """The database and the migrations of this version do not fit together."""


@dataclass(frozen=True)
class Migration:
    room: str
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def find(rooms: Iterable[str]) -> list[Migration]:
    """Return the migrations of the packages `rooms`, in order; MigrationRefused for a gap in the numbers."""
    found: list[Migration] = []
    for room in rooms:
        folder = importlib.resources.files(room) / "schema"
        if not folder.is_dir():
            continue
        files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
        for number, file in enumerate(files, start=1):
            match = _NAME.fullmatch(file.name)
            if match is None or int(match[1]) != number:
                raise MigrationRefused(f"{room}/schema/{file.name}: 应为 {number:04d}_名称.sql")
            found.append(Migration(room, file.name, file.read_text("utf-8")))
    return found


async def ensure_roles(connection: Tx) -> None:
    """Create the three roles where they are missing, and let the current user act as each.

    Roles belong to the whole server, so a second database on it finds them there.
    """
    await connection.execute(f"""
        DO $$
        DECLARE wanted text;
        BEGIN
            FOREACH wanted IN ARRAY ARRAY['{OWNER}', '{APP}', '{READER}'] LOOP
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                    BEGIN
                        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
                    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- Another migration was faster.
                    END;
                END IF;
                -- From PostgreSQL 16 on, whoever makes a role is its member but may not act as it unless granted.
                IF NOT pg_has_role(current_user, wanted, CASE
                    WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
                    EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
                END IF;
            END LOOP;
            EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO {OWNER}', current_database());
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO {APP}, {READER}', current_database());
        END $$""")  # noqa: S608 - the names are the three constants.


async def apply(connection: Tx, rooms: Iterable[str], *, progress: Callable[[Migration], None] = lambda _: None) -> int:
    """Bring the database to this version and return how many migrations were applied.

    Raises MigrationRefused if an applied file has changed, or if the database is newer than this version.
    """
    migrations = find(rooms)
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await ensure_roles(connection)
        await connection.execute(f"SET ROLE {OWNER}")
        await connection.execute(
            "CREATE SCHEMA IF NOT EXISTS migration; CREATE TABLE IF NOT EXISTS migration.applied ("
            " room text, name text, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),"
            " PRIMARY KEY (room, name))"
        )
        rows = await connection.fetch("SELECT room, name, digest FROM migration.applied")
        applied = {(row["room"], row["name"]): row["digest"] for row in rows}
        unknown = applied.keys() - {(m.room, m.name) for m in migrations}
        if unknown:
            room, name = min(unknown)
            raise MigrationRefused(f"数据库比本程序新：已有 {room}/{name}。请升级程序。")
        count = 0
        for migration in migrations:
            digest = applied.get((migration.room, migration.name))
            if digest == migration.digest:
                continue
            if digest is not None:
                raise MigrationRefused(f"{migration.room}/{migration.name} 已执行过，不能再改；请新增一个文件。")
            progress(migration)
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO migration.applied (room, name, digest) VALUES ($1, $2, $3)",
                    migration.room,
                    migration.name,
                    migration.digest,
                )
            count += 1
        return count
    finally:
        await connection.execute("RESET ROLE")
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
