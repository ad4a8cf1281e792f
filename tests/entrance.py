"""The application for tests of pages and interfaces, built once for a worker: that takes longer than most of them."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, cast

from litestar import Litestar

from yibao.app import House, create_app
from yibao.core.vault import Keys

# As httpx describes the protocol; Litestar describes the same one in other types.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_entered: ContextVar[House] = ContextVar("entered")


class _Entered:
    """Stands for whichever house the present request was sent to."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_entered.get(), name)


@cache
def _application(home: Path, secure: bool, keys: Keys) -> Litestar:
    """Build the application while a house with these is entered; what else a house holds is asked for each request."""
    return create_app(cast(House, _Entered()))


def entrance(house: House) -> Application:
    """Return the application in front of this house; it is shared by all houses with the same home and keys."""

    async def enter(scope: Message, receive: Receive, send: Send) -> None:
        before = _entered.set(house)
        try:
            application: Any = _application(house.settings.home, house.settings.secure, house.keys)
            await application(scope, receive, send)
        finally:
            _entered.reset(before)

    return enter
