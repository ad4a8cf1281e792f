"""Who asks, and the guards that every route names one of.

The kit does not know where principals come from: `app.py` puts identity's resolver into `state.resolve`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, State
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from yibao.web.refusals import NotPermitted, SignInFirst

DEVICE_COOKIE = "yb_device"
SESSION_COOKIE = "yb_session"
TILL_COOKIE = "yb_till"
CONSOLE_COOKIE = "yb_console"
UNIT_COOKIE = "yb_unit"

_LASTS_SECONDS = 400 * 24 * 3600  # The longest that browsers keep one; the server ends sessions earlier.

Kind = Literal["insured", "staff", "system", "unit"]

# Whose session a page asks for; each cookie is sent to its own pages only. What is not listed is the phone.
AREAS = {"/till": TILL_COOKIE, "/console": CONSOLE_COOKIE, "/unit": UNIT_COOKIE}
_KINDS: dict[str, Kind] = {"/till": "staff", "/console": "staff", "/unit": "unit"}


def lasting_cookie(name: str, value: str, *, secure: bool) -> Cookie:
    """Return a cookie that stays in the browser after it is closed, and that no script reads."""
    return Cookie(key=name, value=value, max_age=_LASTS_SECONDS, httponly=True, samesite="lax", secure=secure)


def area_of(path: str) -> str:
    """Return the part of the house that a page belongs to, with a sign-in of its own; empty for the phone."""
    return next((area for area in AREAS if path == area or path.startswith(area + "/")), "")


def cookie_for(path: str) -> str:
    """Return the name of the cookie that holds the session for a page."""
    return AREAS.get(area_of(path), SESSION_COOKIE)


def kind_at(path: str) -> Kind:
    """Return who can be signed in at a page; whoever else's token stands in its cookie is nobody there."""
    return _KINDS.get(area_of(path), "insured")


class Principal(Struct, frozen=True):
    """An insured person's account, a member of staff, an institution's system, or an account that acts for a unit."""

    kind: Kind
    subject: str  # account id, staff login, institution code, or account id again
    person_id: str | None = None
    institution: str = ""  # of a clerk: the place of the agency
    display_name: str = ""
    role: str = ""
    channel: str = "web"  # that brought the insured person
    unit: str = ""


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
clerk = _requires(lambda principal: principal.kind == "staff" and principal.role == "clerk")
unit = _requires(lambda principal: principal.kind == "unit")
institution = _requires(lambda principal: principal.kind == "system")
GUARDS = (anyone, insured, cashier, clerk, unit, institution)


def now_for(request: SignedIn) -> datetime:
    """Return the instant of a request on the busiest routes.

    They take one dependency at most: the framework resolves several side by side in tasks of their own, which costs
    more than settling a bill. All other routes have the clock injected.
    """
    at: datetime = request.app.state.house.clock()
    return at


def device_of(connection: Connection) -> str:
    """Return the mark of this browser, which lock-outs and activations hold to; empty without cookies.

    The prefix keeps a cookie, which anybody can set, from passing for a till or an institution's system.
    """
    mark = connection.cookies.get(DEVICE_COOKIE, "")[:64]
    return f"browser:{mark}" if mark else ""
