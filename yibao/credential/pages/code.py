"""The code on the phone: the page that shows it, the next one for the page's script, and tickets to be offline."""

from litestar import Response, get, post
from litestar.params import JSONBody
from litestar.response import Redirect, Template

from yibao import ledger, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import actions, arrivals, offline, queries, refusals, screen_lock
from yibao.credential.code import Codes
from yibao.credential.live import CodeView, PackView, Wanted, mark_of, session_of
from yibao.credential.pages.lock import known_as, origin_of
from yibao.credential.pages.shell import browser_of, by_channel, redirect, show, to_activation
from yibao.web.principal import SignedIn, anyone


async def _code(request: SignedIn, pool: Pool, codes: Codes, *, person_id: str, clock: Clock) -> tuple[CodeView, str]:
    """Return a code, and by what the phone knows the key of the screen lock before it; empty without one."""
    at = clock()
    async with transaction(pool) as tx:
        shown = await actions.show_code(tx, codes, person_id=person_id, browser=browser_of(request), at=at)
    return CodeView.of(shown, at), known_as(shown.lock)


@get("/code")
async def show_code(
    request: SignedIn, pool: Pool, vault: Vault, codes: Codes, clock: Clock, public_url: str
) -> Template | Redirect:
    person_id = request.auth.person_id
    holder = await queries.holder(pool, person_id) if person_id else None
    if by_channel(request) and holder is None:
        return to_activation(request, "/code")
    if person_id is None or holder is None:
        return show("unbound")
    try:
        code, lock = await _code(request, pool, codes, person_id=person_id, clock=clock)
    except refusals.ScreenLocked:
        return redirect("/code/unlock", next="/code")
    except refusals.NotActivated:
        return to_activation(request, "/code") if by_channel(request) else redirect("/code/activate")
    channel = request.auth.channel
    claim = await arrivals.claim_of(pool, vault, account_id=request.auth.subject, channel=channel)
    person = await registry.person(pool, vault, person_id)
    return show(
        "code",
        code=code,
        lock=lock,
        lockable_at="" if lock else origin_of(request, public_url),
        mark=mark_of(request, person_id),
        name=registry.masked_name(person.name),
        place=await registry.region_name(pool, holder.place) or holder.place,
        channel=await queries.channel_name(pool, channel),
        back=claim.back if claim else "",
        balance_fen=await ledger.balance(pool, person_id, holder.place),
    )


@get("/code/next", guards=[anyone])
async def next_code(request: SignedIn, pool: Pool, codes: Codes, clock: Clock) -> Response[CodeView | None]:
    """Answer the live page's script. It loads the whole page again when this is not 200, and is led on from there."""
    if request.auth is None or request.auth.person_id is None:
        return Response(None, status_code=401)
    try:
        code, _ = await _code(request, pool, codes, person_id=request.auth.person_id, clock=clock)
        return Response(code)
    except Refusal as refusal:
        return Response(None, status_code=refusal.status)


@post("/code/tickets", status_code=200, summary="领取离线码")
async def take_tickets(request: SignedIn, data: JSONBody[Wanted], pool: Pool, codes: Codes, clock: Clock) -> PackView:
    if request.auth.person_id is None:
        raise refusals.NotActivated
    at = clock()
    async with transaction(pool) as tx:
        await screen_lock.require_open(tx, person_id=request.auth.person_id, browser=browser_of(request), at=at)
        pack = await offline.hand_out(
            tx,
            codes,
            person_id=request.auth.person_id,
            browser=browser_of(request),
            session=session_of(request),
            count=data.tickets,
            at=at,
        )
    return PackView.of(pack, at)
