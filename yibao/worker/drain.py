"""Draining the outbox."""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import structlog

from yibao.core import outbox
from yibao.core.database import Pool
from yibao.core.outbox import Event, Handler

IDLE_SECONDS = 0.2
HELD_MAX = 100  # Events leased and not yet done; one look at the outbox brings many.
HELD_SECONDS_MAX = 25.0  # An event is let go before its lease ends, so that nobody else has begun it meanwhile.

_log = structlog.get_logger(__name__)


class Worker:
    """Hands events to the handlers of their topic; any number of workers may share an outbox.

    `at_once` bounds how many events are in their handlers together, and with them the connections in use.
    """

    def __init__(self, pool: Pool, handlers: Mapping[str, Sequence[Handler]], *, at_once: int = 8) -> None:
        self._pool = pool
        self._handlers = handlers
        self._slots = asyncio.Semaphore(at_once)
        self._held: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}  # The newest event held of each person.
        self._unheard: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Drain the outbox until `stop` is set, and return when what had been begun by then is finished."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                if len(self._held) > HELD_MAX // 2:
                    await asyncio.wait(self._held, return_when=asyncio.FIRST_COMPLETED)
                elif not await self._begin_or_warn():
                    await asyncio.wait({stopping}, timeout=IDLE_SECONDS)
        finally:
            stopping.cancel()
            await asyncio.gather(*self._held)

    async def drain_once(self) -> int:
        """Handle what is due at this moment and return how many events that were, failed ones included."""
        begun = await self._begin()
        if begun:
            await asyncio.gather(*begun)
        return len(begun)

    async def _begin_or_warn(self) -> bool:
        """Begin what is due and tell whether anything was; a database that is away is a pause, not an end."""
        try:
            return bool(await self._begin())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("worker.outbox_unreachable", kind=type(error).__qualname__)
            return False

    async def _begin(self) -> list[asyncio.Task[None]]:
        until = asyncio.get_running_loop().time() + HELD_SECONDS_MAX  # Counted from before the lease begins.
        events = await outbox.lease(self._pool, limit=HELD_MAX - len(self._held))
        return [self._hold(event, until) for event in events]

    def _hold(self, event: Event, until: float) -> asyncio.Task[None]:
        task = asyncio.create_task(self._handle(event, after=self._last.get(event.person_id), until=until))
        self._last[event.person_id] = task
        self._held.add(task)

        def let_go(done: asyncio.Task[None]) -> None:
            self._held.discard(done)
            if self._last.get(event.person_id) is done:
                del self._last[event.person_id]

        task.add_done_callback(let_go)
        return task

    async def _handle(self, event: Event, *, after: asyncio.Task[None] | None, until: float) -> None:
        """Hand one event to its handlers when its person's earlier one is through, and forget it or give it back."""
        if after is not None:
            await asyncio.wait({after})
        async with self._slots:
            if asyncio.get_running_loop().time() >= until:
                return  # It waited too long here; its lease ends by itself, and somebody takes it then.
            try:
                async with asyncio.timeout_at(until):
                    for handler in self._of(event.topic):
                        await handler(event)
                    await outbox.done(self._pool, event)
            except Exception as error:
                await self._give_back(event, error)

    def _of(self, topic: str) -> Sequence[Handler]:
        if topic not in self._handlers and topic not in self._unheard:
            self._unheard.add(topic)
            _log.warning("worker.topic_unheard", topic=topic)
        return self._handlers.get(topic, ())

    async def _give_back(self, event: Event, error: Exception) -> None:
        """Postpone an event that failed. The log says where it failed, never what it carried or whose it is."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        _log.warning(
            "worker.postponed",
            topic=event.topic,
            number=event.id,
            attempts=event.attempts,
            kind=type(error).__qualname__,
            at=f"{Path(frame.filename).name}:{frame.lineno}",
        )
        try:
            await outbox.postpone(self._pool, event)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            _log.warning("worker.lease_left_to_end", topic=event.topic, number=event.id)
