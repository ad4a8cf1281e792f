"""Who asks, and the guards that every route names one of.

The kit does not know where principals come from: `app.py` puts identity's resolver into `state.resolve`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from yibao.web.refusals import NotPermitted, SignInFirst

DEVICE_COOKIE = "yb_device"
SESSION_COOKIE = "yb_session"
TILL_COOKIE = "yb_till"


class Principal(Struct, frozen=True):
    """An insured person's account, a member of staff, or an institution's system."""

    kind: Literal["insured", "staff", "system"]
    subject: str  # account id, staff login, or institution code
    person_id: str | None = None
    institution: str = ""
    display_name: str = ""
    role: str = ""


Connection = ASGIConnection[Any, Any, Any, Any]
Resolve = Callable[[Connection], Awaitable[Principal | None]]
SignedIn = Request[Any, Principal, State]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


async def anyone(connection: Connection, _: BaseRouteHandler) -> None:
    """Let everybody in. The principal is resolved all the same, for what the page shows."""
    connection.scope["auth"] = await connection.app.state.resolve(connection)


def _requires(allowed: Callable[[Principal], bool]) -> Guard:
    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        principal: Principal | None = await connection.app.state.resolve(connection)
        if principal is None:
            raise SignInFirst
        if not allowed(principal):
            raise NotPermitted
        connection.scope["auth"] = principal

    return guard


insured = _requires(lambda principal: principal.kind == "insured")
cashier = _requires(lambda principal: principal.kind == "staff" and principal.role == "cashier")
institution = _requires(lambda principal: principal.kind == "system")
GUARDS = (anyone, insured, cashier, institution)


def now_for(request: SignedIn) -> datetime:
    """Return the instant of a request on the busiest routes.

    They take one dependency at most: the framework resolves several side by side in tasks of their own, which costs
    more than settling a bill. All other routes have the clock injected.
    """
    at: datetime = request.app.state.clock()
    return at


def device_of(connection: Connection) -> str:
    """Return the mark of this browser, which lock-outs and activations hold to; empty without cookies.

    The prefix keeps a cookie, which anybody can set, from passing for a till or an institution's system.
    """
    mark = connection.cookies.get(DEVICE_COOKIE, "")[:64]
    return f"browser:{mark}" if mark else ""
