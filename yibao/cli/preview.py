"""`yibao policy preview`: what changed rules would have done to the settlements stored."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import asyncpg
import uvloop

from yibao import benefit
from yibao.core.database import open_pool, transaction
from yibao.settlement import replay
from yibao.settlement.replay import Impact


class Impossible(Exception):
    """What was asked cannot be tried; the message says why."""


_PART = 5_000  # So many people at a time: their bills lie in memory together, and progress is shown after each.


def run(database_url: str, place: str, change: Path, *, progress: Callable[[int, int], None]) -> Impact:
    """Assess the stored settlements of a place by the rules in a file, on all processors, and return what came out.

    Raises: PolicyError; NoPolicy for a place without rules; Impossible where the file has the rules of another place,
    or the database or a process was lost on the way.
    """
    of_place = benefit.policies().of(place).place
    changed = benefit.load_policy(change)
    if changed.place != of_place:
        raise Impossible(f"{change} 是 {changed.place} 的规则，不是 {of_place} 的。")
    cuts, places = asyncio.run(_cuts(database_url, of_place))
    impact = Impact.none()
    # Processes are spawned, not forked: this one has threads of its own. What they read lies in memory until its part
    # is done and holds no cycles, so that looking for them would only take time.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), initializer=_prepare) as pool:
        parts = [pool.submit(_part, database_url, str(change), places, low, high) for low, high in cuts]
        try:
            for done, part in enumerate(as_completed(parts), start=1):
                impact.merge(part.result())
                progress(done, len(parts))
        except (BrokenProcessPool, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError):
            raise Impossible("数据库断开了，或者计算的进程被结束了，没有算完；请检查以后重试。") from None
        finally:
            pool.shutdown(cancel_futures=True)
    return impact


def _prepare() -> None:
    """Leave an interrupt to the process that was interrupted, and the memory to the end of each part."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()


async def _cuts(database_url: str, of_place: str) -> tuple[list[tuple[str, str | None]], list[str]]:
    pool = await open_pool(database_url, size=1)
    try:
        people = await pool.fetchval("SELECT count(*) FROM settlement.person")
        cuts = await replay.cuts(pool, max(1, people // _PART))
        known = benefit.policies()
        return cuts, [each for each in await replay.places(pool) if known.of(each).place == of_place]
    finally:
        await pool.close()


def _part(database_url: str, change: str, places: list[str], low: str, high: str | None) -> Impact:
    using = _changed(change)
    return uvloop.run(_replay(database_url, using, places, low, high))


_read: dict[str, benefit.Policies] = {}


def _changed(change: str) -> benefit.Policies:
    """Return the changed rules, read once in each process."""
    if change not in _read:
        _read[change] = benefit.Policies([benefit.load_policy(Path(change))])
    return _read[change]


async def _replay(database_url: str, using: benefit.Policies, places: list[str], low: str, high: str | None) -> Impact:
    pool = await open_pool(database_url, size=1)
    try:
        async with transaction(pool) as tx:
            return await replay.replay(tx, using, of_places=places, low=low, high=high)
    finally:
        await pool.close()
