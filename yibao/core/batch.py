"""Requests that arrive while the last batch is in flight form the next one; there is no timer.

An idle house answers one request at once and alone. Under load, a batch of up to 32 shares one round trip and one
commit, which is where the throughput comes from (`docs/explain/settlement.md`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class Batch(Generic[In, Out]):
    """Hands items in batches to `run`, which returns one result an item, in order.

    With `key`, items of the same key never share a batch. If `run` fails for a batch, its items are tried one by one,
    so that one bad item fails alone.
    """

    def __init__(
        self,
        run: Callable[[Sequence[In]], Awaitable[Sequence[Out]]],
        *,
        key: Callable[[In], str] | None = None,
        size: int = 32,
    ) -> None:
        self._run = run
        self._key = key
        self._size = size
        self._waiting: deque[tuple[In, asyncio.Future[Out]]] = deque()
        self._flight: asyncio.Task[None] | None = None

    async def __call__(self, item: In) -> Out:
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly())
        return await future

    def _take(self) -> list[tuple[In, "asyncio.Future[Out]"]]:
        taken: list[tuple[In, asyncio.Future[Out]]] = []
        left: list[tuple[In, asyncio.Future[Out]]] = []
        keys: set[str] = set()
        while self._waiting and len(taken) < self._size:
            entry = self._waiting.popleft()
            key = self._key(entry[0]) if self._key else None
            if key is not None and key in keys:
                left.append(entry)
                continue
            if key is not None:
                keys.add(key)
            taken.append(entry)
        self._waiting.extendleft(reversed(left))
        return taken

    async def _fly(self) -> None:
        try:
            while self._waiting:
                taken = self._take()
                try:
                    results = await self._run([item for item, _ in taken])
                    if len(results) != len(taken):
                        raise RuntimeError("a batch returns one result an item")
                except Exception as error:
                    await self._one_by_one(taken, error)
                except BaseException:
                    self._abandon(taken)
                    raise
                else:
                    for (_, future), result in zip(taken, results, strict=True):
                        if not future.done():
                            future.set_result(result)
        finally:
            self._flight = None

    def _abandon(self, taken: "list[tuple[In, asyncio.Future[Out]]]") -> None:
        """Let nobody wait for a flight that was ended from outside, as when the loop shuts down."""
        for _, future in (*taken, *self._waiting):
            future.cancel()
        self._waiting.clear()

    async def _one_by_one(self, taken: "list[tuple[In, asyncio.Future[Out]]]", error: Exception) -> None:
        for item, future in taken:
            try:
                if len(taken) == 1:
                    raise error
                [result] = await self._run([item])
            except Exception as failure:
                if not future.done():
                    future.set_exception(failure)
            else:
                if not future.done():
                    future.set_result(result)
