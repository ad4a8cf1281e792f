"""Console: children's applications that papers alone do not prove, and those that they did, to be looked at after.

They are for the agency of the child's place. Opening one is a look at people's data; it is recorded, and the child's
guardians can read it.
"""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, PathParameter
from litestar.response import Redirect, Template

from yibao import registry
from yibao.core.clock import Clock, day_of
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.family import actions, queries, refusals, rules, store
from yibao.service.family.types import Application
from yibao.web.principal import SignedIn, clerk

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
RandomId = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{32}$")]


@get("/console/family")
async def queue(request: SignedIn, pool: Pool, clock: Clock) -> Template:
    place = request.auth.institution
    return Template(
        "family/console_queue.html",
        context={
            "waiting": await store.reviews(pool, place),
            "unchecked": await store.unchecked(pool, place),
            "today": day_of(clock()),
            "papers": rules.PAPERS,
        },
    )


async def _note_look(tx: Tx, vault: Vault, request: SignedIn, application: Application, clock: Clock) -> None:
    place = await registry.region_name(tx, application.place) or application.place
    for person_id in (application.person_id, application.relative):
        await registry.note_look(
            tx,
            vault,
            person_id=person_id,
            looker=request.auth.subject,
            looker_name=f"{place}医保经办机构 {request.auth.display_name}",
            purpose="核对儿童医保电子码的监护证明",
            at=clock(),
        )


@get("/console/family/{application_id:str}")
async def show(request: SignedIn, application_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template:
    async with transaction(pool) as tx:
        found = await actions.application_for_staff(tx, place=request.auth.institution, application_id=application_id)
        await _note_look(tx, vault, request, found, clock)
    return await _shown(found, pool, vault, clock)


async def _shown(
    application: Application, pool: Pool, vault: Vault, clock: Clock, refusal: Refusal | None = None
) -> Template:
    proofs = await store.proofs(pool, application.person_id, application.application_id)
    return Template(
        "family/console_application.html",
        context={
            "refusal": refusal,
            "applied": await queries.applied(pool, vault, application),
            "child": await registry.person(pool, vault, application.person_id),
            "guardian": await registry.person(pool, vault, application.relative),
            "others": await queries.relatives_of(
                pool, vault, application.person_id, but=application.account_id, at=clock()
            ),
            "numbers": [row["number"] for row in proofs],
            "papers": rules.PAPERS,
            "genders": {"1": "男", "2": "女"},
            "late": application.due_on is not None and application.due_on < day_of(clock()),
        },
        status_code=refusal.status if refusal else 200,
    )


@get("/console/family/{application_id:str}/papers/{number:int}")
async def picture(
    request: SignedIn, application_id: RandomId, number: FromPath[int], pool: Pool, vault: Vault
) -> Response[bytes]:
    async with transaction(pool) as tx:
        found = await actions.application_for_staff(tx, place=request.auth.institution, application_id=application_id)
        pictures = await queries.pictures(tx, vault, found)
    if not 1 <= number <= len(pictures):
        raise refusals.ApplicationUnknown
    return Response(pictures[number - 1], media_type="image/jpeg")


@post("/console/family/{application_id:str}/accept", status_code=200)
async def accept(
    request: SignedIn, application_id: RandomId, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    return await _decide(request, application_id, pool, vault, clock, accepted=True, reason="")


@post("/console/family/{application_id:str}/refuse", status_code=200)
async def refuse(
    request: SignedIn, application_id: RandomId, data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    return await _decide(request, application_id, pool, vault, clock, accepted=False, reason=data.get("reason", ""))


async def _decide(
    request: SignedIn,
    application_id: str,
    pool: Pool,
    vault: Vault,
    clock: Clock,
    *,
    accepted: bool,
    reason: str,
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.decide(
                tx,
                vault,
                place=request.auth.institution,
                application_id=application_id,
                staff=request.auth.subject,
                accepted=accepted,
                reason="".join(c for c in reason if c.isprintable()),
                at=clock(),
            )
    except refusals.ApplicationUnknown:
        raise
    except Refusal as refusal:
        async with transaction(pool) as tx:
            found = await actions.application_for_staff(
                tx, place=request.auth.institution, application_id=application_id
            )
        return await _shown(found, pool, vault, clock, refusal)
    return Redirect("/console/family", status_code=303)


routes = [Router("/", route_handlers=[queue, show, picture, accept, refuse], guards=[clerk])]
