"""Activating the code in this browser for one of the person's insured places."""

from litestar import get, post
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.credential import actions, channels, queries
from yibao.credential.pages.shell import Form, browser_of, by_channel, next_of, redirect, show, to_activation
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn


async def _activation(
    pool: Pool, person_id: str, *, place: str, agreed: bool, back: str, refusal: Refusal | None = None
) -> Template:
    async with transaction(pool) as tx:
        places = await queries.place_choices(tx, person_id)
    return show("activate", refusal, places=places, place=place, agreed=agreed, next=back)


@get("/code/activate")
async def choose_place(request: SignedIn, pool: Pool) -> Template | Redirect:
    back = next_of(request)
    holder = await queries.holder(pool, request.auth.person_id) if request.auth.person_id else None
    if holder is None or by_channel(request):
        return to_activation(request, back)
    return await _activation(pool, holder.person_id, place=holder.place, agreed=False, back=back)


@post("/code/activate", status_code=200)
async def activate(request: SignedIn, data: Form, pool: Pool, clock: Clock) -> Template | Redirect:
    back = safe_next(data.get("next", "/code"))
    place, agreed = data.get("place", ""), data.get("agreed") == "1"
    person_id = request.auth.person_id
    if person_id is None or by_channel(request):
        return to_activation(request, back)
    try:
        async with transaction(pool) as tx:
            await actions.activate(
                tx,
                person_id=person_id,
                account_id=request.auth.subject,
                place=place,
                agreed=agreed,
                channel=channels.WEB,
                browser=browser_of(request),
                at=clock(),
            )
    except Refusal as refusal:
        return await _activation(pool, person_id, place=place, agreed=agreed, back=back, refusal=refusal)
    return redirect(back)
