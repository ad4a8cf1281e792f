"""登录设备: where the account is signed in, and ending that."""

from collections.abc import Awaitable, Callable, Mapping

from litestar import get, post
from litestar.params import SkipValidation
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.identity import queries
from yibao.identity.actions import sessions
from yibao.identity.pages.shell import Form, redirect, show
from yibao.web.principal import SESSION_COOKIE, SignedIn

# What people call the channels, by code: known on the floor above, which hands the question down.
ChannelNames = Callable[[], Awaitable[Mapping[str, str]]]


@get("/me/devices")
async def devices(request: SignedIn, pool: Pool, clock: Clock, channel_names: SkipValidation[ChannelNames]) -> Template:
    return show(
        "devices",
        sessions=await queries.sessions_of(pool, request.auth.subject, clock()),
        here=queries.session_id(request.cookies.get(SESSION_COOKIE, "")),
        channels=await channel_names(),
        done="done" in request.query_params,
    )


@post("/me/devices")
async def end_sessions(request: SignedIn, data: Form, pool: Pool, clock: Clock) -> Redirect:
    """End the session that the form names, or all others. One that has ended already changes nothing."""
    account_id = request.auth.subject
    async with transaction(pool) as tx:
        if "others" in data:
            token = request.cookies.get(SESSION_COOKIE, "")
            await sessions.end_other_sessions(tx, account_id=account_id, token=token, at=clock())
        else:
            await sessions.end_session_of(tx, account_id=account_id, session_id=data.get("session", ""))
    return redirect("/me/devices?done=1")


handlers = [devices, end_sessions]
