"""The door through which a channel's user comes in."""

from litestar import get
from litestar.params import FromPath
from litestar.response import Redirect, Template

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.vault import Vault
from yibao.credential import arrivals, refusals
from yibao.credential.pages.shell import redirect, show
from yibao.web.principal import SESSION_COOKIE, SignedIn, anyone, device_of, lasting_cookie

TICKET_LENGTH = 32


@get("/enter/{ticket:str}", guards=[anyone])
async def enter(
    request: SignedIn, pool: Pool, vault: Vault, clock: Clock, secure: bool, ticket: FromPath[str]
) -> Template | Redirect:
    """Sign the ticket's user in, in place of whoever was signed in here, and lead to the page that was wanted.

    A browser without our mark is given one first and comes again, because an activation holds to the mark. So a
    program that only looks ahead at a link does not use the ticket up either.
    """
    device = device_of(request)
    if not device:
        if "again" in request.query_params:
            raise refusals.CookiesOff
        return show("enter", again=f"/enter/{ticket}?again=1" if len(ticket) == TICKET_LENGTH else "/")
    async with transaction(pool) as tx:
        entered = await arrivals.enter(tx, vault, ticket=ticket, device=device, at=clock())
        if earlier := request.cookies.get(SESSION_COOKIE):
            await identity.end_session(tx, token=earlier)
    to = redirect(entered.path)
    to.set_cookie(lasting_cookie(SESSION_COOKIE, entered.token, secure=secure))
    return to
