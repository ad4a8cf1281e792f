"""The engine's place in the house: beside the event loop, and never more at once than the machine bears."""

import asyncio

from yibao.face.refusals import TooBusy
from yibao.face.types import Look
from yibao.face.vision import Engine

AT_ONCE = 2
WAITING_MAX = 8
PATIENT_MAX = 20


class Eyes:
    """Looks at pictures in threads. A live frame is turned away when too many wait: the next one comes anyway.

    What can wait longer has a queue of its own, from which one picture at a time comes in among the live frames: many
    large photographs cannot keep the cameras waiting.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._room = asyncio.Semaphore(AT_ONCE)
        self._patient_room = asyncio.Semaphore(1)
        self._waiting = 0
        self._patient = 0

    async def look(self, picture: bytes) -> Look:
        """Return what a live frame shows. Refusals, first that applies: TooBusy, PictureUnreadable."""
        if self._waiting >= WAITING_MAX:
            raise TooBusy
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(self._engine.look, picture)
        finally:
            self._waiting -= 1

    async def look_patiently(self, picture: bytes) -> Look:
        """Return what a picture shows that does not come again by itself.

        Refusals, first that applies: TooBusy, PictureUnreadable.
        """
        if self._patient >= PATIENT_MAX:
            raise TooBusy
        self._patient += 1
        try:
            async with self._patient_room, self._room:
                return await asyncio.to_thread(self._engine.look, picture)
        finally:
            self._patient -= 1

    async def reference(self, picture: bytes) -> Look:
        """Return what a photo on record shows. Refusals: PictureUnreadable."""
        async with self._room:
            return await asyncio.to_thread(self._engine.reference, picture)
