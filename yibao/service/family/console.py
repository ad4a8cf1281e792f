"""Console: children's applications that papers alone do not prove, and those that they did, to be looked at after.

They are for the agency of the child's place. Opening one is a look at people's data; it is recorded, and the child's
guardians can read it. So is adding a member at the counter, for both who stand there, and ending it.
"""

from collections.abc import Iterable

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from yibao import identity, registry
from yibao.core.clock import Clock, day_of
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.family import actions, queries, refusals, rules, store
from yibao.service.family.pages.shell import Form, RandomId, text, to, who
from yibao.service.family.terms import terms_of
from yibao.service.family.types import Application
from yibao.web.principal import SignedIn, clerk


@get("/console/family")
async def queue(request: SignedIn, pool: Pool, clock: Clock, done: FromQuery[str] = "") -> Template:
    place = request.auth.institution
    return Template(
        "family/console_queue.html",
        context={
            "waiting": await store.reviews(pool, place),
            "unchecked": await store.unchecked(pool, place),
            "today": day_of(clock()),
            "papers": rules.PAPERS,
            "done": done,
        },
    )


async def _note_look(
    tx: Tx, vault: Vault, request: SignedIn, people: Iterable[str], purpose: str, clock: Clock
) -> None:
    place = await registry.region_name(tx, request.auth.institution) or request.auth.institution
    for person_id in people:
        await registry.note_look(
            tx,
            vault,
            person_id=person_id,
            looker=request.auth.subject,
            looker_name=f"{place}医保经办机构 {request.auth.display_name}",
            purpose=purpose,
            at=clock(),
        )


@get("/console/family/{application_id:str}")
async def show(request: SignedIn, application_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template:
    async with transaction(pool) as tx:
        found = await actions.application_for_staff(tx, place=request.auth.institution, application_id=application_id)
        await _note_look(tx, vault, request, (found.person_id, found.relative), "核对儿童医保电子码的监护证明", clock)
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
            "ended": await queries.ended_since(pool, application, at=clock()),
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
    return to("/console/family", done="accepted" if accepted else "refused")


# At the counter.


def _form(
    place: str,
    refusal: Refusal | None = None,
    given: dict[str, str] | None = None,
    *,
    added: dict[str, str] | None = None,
) -> Template:
    """Show the form of a place; `added` are the names of who was added just now, which no address may carry."""
    terms = terms_of(place)
    return Template(
        "family/console_add.html",
        context={
            "refusal": refusal,
            "given": given or {},
            "added": added,
            "terms": terms,
            "relations": {name: rules.RELATIONS[name] for name in terms.relations},
            "cert_types": identity.CERT_TYPES,
            "member_cert_types": rules.CHILD_CERT_TYPES,
        },
        status_code=refusal.status if refusal else 200,
    )


@get("/console/family/add")
async def ask_add(request: SignedIn) -> Template:
    return _form(request.auth.institution)


@post("/console/family/add", status_code=200)
async def add(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template:
    relative, member = who(data, "relative_"), who(data, "member_")
    try:
        async with transaction(pool) as tx:
            link = await actions.add_at_counter(
                tx,
                vault,
                clerk=request.auth.subject,
                place=request.auth.institution,
                relative=relative,
                member=member,
                relation=data.get("relation", ""),
                checked=data.get("checked") == "1",
                at=clock(),
            )
            await _note_look(tx, vault, request, (link.person_id, link.relative), "窗口添加家庭成员", clock)
    except Refusal as refusal:
        return _form(request.auth.institution, refusal, data)
    added = {"member": member.name, "relative": relative.name, "relation": rules.RELATIONS[link.relation]}
    return _form(request.auth.institution, added=added)


@get("/console/family/end")
async def ask_end() -> Template:
    return _ending()


def _ending(
    refusal: Refusal | None = None,
    given: dict[str, str] | None = None,
    *,
    relatives: tuple[queries.Relative, ...] | None = None,
    done: bool = False,
) -> Template:
    return Template(
        "family/console_end.html",
        context={
            "refusal": refusal,
            "given": given or {},
            "relatives": relatives,
            "done": done,
            "methods": rules.METHODS,
            "cert_types": rules.CHILD_CERT_TYPES,
        },
        status_code=refusal.status if refusal else 200,
    )


@post("/console/family/end", status_code=200)
async def end(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template:
    """Show who can show a member's code, and end one of these links where the form names it."""
    at, link_id = clock(), text(data, "link")
    try:
        async with transaction(pool) as tx:
            member = await actions.member_at_counter(
                tx, vault, place=request.auth.institution, member=who(data), checked=data.get("checked") == "1"
            )
            if link_id:
                await actions.remove_at_counter(tx, member=member, link_id=link_id, at=at)
            purpose = "窗口移除家庭成员" if link_id else "窗口查看谁可以出示医保码"
            await _note_look(tx, vault, request, (member.person_id,), purpose, clock)
            relatives = await queries.relatives_of(tx, vault, member.person_id, but="", at=at)
    except Refusal as refusal:
        return _ending(refusal, data)
    return _ending(None, data, relatives=relatives, done=bool(link_id))


routes = [
    Router("/", route_handlers=[queue, show, picture, accept, refuse, ask_add, add, ask_end, end], guards=[clerk])
]
