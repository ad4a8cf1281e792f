"""PostgreSQL through asyncpg: a pool whose connections act as one role, and transactions opened at the faces.

Rooms take a `Tx` and never commit. The JSON codec is msgspec's, so what a store returns as `jsonb` arrives as plain
Python values.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import msgspec

if TYPE_CHECKING:
    Tx = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    Row = asyncpg.Record
else:
    Tx = asyncpg.Connection
    Pool = asyncpg.Pool
    Row = asyncpg.Record

OWNER = "yibao_owner"
APP = "yibao_app"
READER = "yibao_reader"


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _prepare(connection: Tx) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode)


async def connect(url: str, *, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection that acts as `role`."""
    connection = await asyncpg.connect(url, server_settings={"role": role, "timezone": "UTC"})
    await _prepare(connection)
    return connection


async def _keep(_: Tx) -> None:
    """Leave a returned connection as it is: nobody here sets anything on a session, and resetting is a round trip."""


async def open_pool(url: str, *, role: str = APP, size: int = 10) -> Pool:
    """Open a pool whose connections act as `role`; the login user must be a member of it."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=_prepare,
        reset=_keep,
        server_settings={"role": role, "timezone": "UTC", "jit": "off"},
    )


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Tx]:
    """Open the one transaction of a request or job; it commits when the block ends and rolls back when it raises."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection
