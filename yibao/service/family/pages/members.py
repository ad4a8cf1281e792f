"""A member: their code on this phone, and removing them."""

from datetime import datetime

from litestar import Response, get, post
from litestar.params import JSONBody
from litestar.response import Redirect, Template

from yibao import credential
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import screen_lock
from yibao.credential.live import CodeView, PackView, Wanted, mark_of, session_of
from yibao.credential.pages.lock import known_as
from yibao.credential.pages.shell import browser_of
from yibao.credential.refusals import ScreenLocked
from yibao.service.family import actions, queries, rules
from yibao.service.family.pages.overview import overview
from yibao.service.family.pages.shell import RandomId, page, to
from yibao.service.family.types import Asker, Link
from yibao.web.principal import SignedIn, device_of


async def _code(
    request: SignedIn, member_id: str, pool: Pool, vault: Vault, codes: credential.Codes, clock: Clock
) -> tuple[Link, CodeView, str]:
    """Return the link, a code, and the key of the screen lock before it, which is that of the relative's own code."""
    at = clock()
    async with transaction(pool) as tx:
        lock = await _require_open(tx, request, at)
        link, shown = await actions.show(
            tx,
            vault,
            codes,
            account_id=request.auth.subject,
            link_id=member_id,
            device=device_of(request),
            channel=request.auth.channel,
            at=at,
        )
    return link, CodeView.of(shown, at), known_as(lock)


async def _require_open(tx: Tx, request: SignedIn, at: datetime) -> bytes | None:
    """Refusals, first that applies: credential.channel_not_permitted, credential.screen_locked."""
    await credential.require_permitted(tx, request.auth.channel, "show_code")
    person_id = request.auth.person_id
    if person_id is None:
        return None
    return await screen_lock.require_open(tx, person_id=person_id, browser=browser_of(request), at=at)


@get("/family/{member_id:str}/code")
async def show_code(
    request: SignedIn,
    asker: Asker,
    member_id: RandomId,
    pool: Pool,
    vault: Vault,
    codes: credential.Codes,
    clock: Clock,
) -> Template | Redirect:
    try:
        link, code, lock = await _code(request, member_id, pool, vault, codes, clock)
    except ScreenLocked:
        return to("/code/unlock", next=request.url.path)
    except Refusal as refusal:
        return await overview(asker, pool, vault, clock, refusal=refusal)
    member = await queries.member(pool, vault, link)
    title = "亲情账户医保码"
    if link.method == "guardian":
        title = (await actions.terms_of_member(pool, link.person_id)).child_code_name
    return page(
        "code",
        title=title,
        code=code,
        mark=mark_of(request, link.person_id),
        lock=lock,
        member=member,
        until=rules.says_until(link) if link.until_at else "",
        relation=rules.RELATIONS[link.relation],
    )


@get("/family/{member_id:str}/code/next")
async def next_code(
    request: SignedIn, member_id: RandomId, pool: Pool, vault: Vault, codes: credential.Codes, clock: Clock
) -> Response[CodeView | None]:
    """Answer the live page's script. It loads the whole page again when this is not 200, and is told there."""
    try:
        return Response((await _code(request, member_id, pool, vault, codes, clock))[1])
    except Refusal as refusal:
        return Response(None, status_code=refusal.status)


@post("/family/{member_id:str}/code/tickets", status_code=200)
async def take_tickets(
    request: SignedIn,
    member_id: RandomId,
    data: JSONBody[Wanted],
    pool: Pool,
    vault: Vault,
    codes: credential.Codes,
    clock: Clock,
) -> Response[PackView | None]:
    """Answer the live page's script, which goes on without tickets when this is not 200."""
    at = clock()
    try:
        async with transaction(pool) as tx:
            await _require_open(tx, request, at)
            pack = await actions.take_tickets(
                tx,
                vault,
                codes,
                account_id=request.auth.subject,
                link_id=member_id,
                device=device_of(request),
                channel=request.auth.channel,
                session=session_of(request),
                count=data.tickets,
                at=at,
            )
    except Refusal as refusal:
        return Response(None, status_code=refusal.status)
    return Response(PackView.of(pack, at))


@get("/family/{member_id:str}/remove")
async def ask_remove(asker: Asker, member_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Ask whether the link shall end, and say what happens then, to whichever side asks."""
    try:
        async with transaction(pool) as tx:
            link, side = await actions.removable(
                tx, account_id=asker.account_id, person_id=asker.person_id, link_id=member_id, at=clock()
            )
            if not link.lives(clock()):
                return to("/family")
            member, relative = await queries.member(tx, vault, link), await queries.relative(tx, vault, link)
    except Refusal as refusal:
        return await overview(asker, pool, vault, clock, refusal=refusal)
    return page("remove", side=side, member=member, relative=relative)


@post("/family/{member_id:str}/remove", status_code=200)
async def remove(asker: Asker, member_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.remove(
                tx, account_id=asker.account_id, person_id=asker.person_id, link_id=member_id, at=clock()
            )
    except Refusal as refusal:
        return await overview(asker, pool, vault, clock, refusal=refusal)
    return to("/family", done="removed")


handlers = [show_code, next_code, take_tickets, ask_remove, remove]
