"""The insured place that the code goes by, and the page on which its holder switches it (B8)."""

from litestar import Router, get, post
from litestar.params import URLEncodedBody
from litestar.response import Redirect, Template

from yibao import registry
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.credential import queries, refusals, rules, store
from yibao.credential.types import Holder
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, insured


async def choose_place(tx: Tx, *, person_id: str, account_id: str, place: str) -> None:
    """Remember by which of their insured places a person wants to be served; choosing it again changes nothing.

    Refusals, first that applies: NotBound, PlaceNotYours, NotSynced.
    """
    held = await queries.holder(tx, person_id)
    if held is None or held.account_id != account_id:
        raise refusals.NotBound
    relation = rules.first_relation(await registry.relations(tx, person_id), place) if place else None
    if relation is None:
        raise refusals.PlaceNotYours
    if not relation.synced:
        raise refusals.NotSynced
    await store.choose_place(tx, person_id=person_id, psn_no=relation.psn_no, place=place)


async def _page(pool: Pool, held: Holder, *, back: str, refusal: Refusal | None = None) -> Template:
    choices = await queries.place_choices(pool, held.person_id)
    return Template(
        "credential/places.html",
        context={"choices": choices, "chosen": held.place, "next": back, "refusal": refusal},
        status_code=refusal.status if refusal else 200,
    )


async def _holder(request: SignedIn, pool: Pool) -> Holder | None:
    return await queries.holder(pool, request.auth.person_id) if request.auth.person_id else None


@get("/code/place")
async def show(request: SignedIn, pool: Pool) -> Template | Redirect:
    back = safe_next(request.query_params.get("next", "/code"))
    held = await _holder(request, pool)
    if held is None:
        return Redirect("/me/bind?next=/code/place", status_code=303)
    return await _page(pool, held, back=back)


@post("/code/place", status_code=200)
async def choose(request: SignedIn, data: URLEncodedBody[dict[str, str]], pool: Pool) -> Template | Redirect:
    back = safe_next(data.get("next", "/code"))
    held = await _holder(request, pool)
    if held is None:
        return Redirect("/me/bind?next=/code/place", status_code=303)
    try:
        async with transaction(pool) as tx:
            await choose_place(
                tx, person_id=held.person_id, account_id=request.auth.subject, place=data.get("place", "")
            )
    except Refusal as refusal:
        return await _page(pool, held, back=back, refusal=refusal)
    return Redirect(back, status_code=303)


routes = [Router("/", route_handlers=[show, choose], guards=[insured])]
