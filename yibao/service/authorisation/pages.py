"""Answering a request on the phone, and 我的授权: who may read what until when, and withdrawing it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from litestar import Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from yibao import credential, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.service.authorisation import actions, queries, refusals, rules
from yibao.service.authorisation.types import Request
from yibao.web.principal import SignedIn, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"authorisation/{template}.html", context={"refusal": refusal, **context}, status_code=status)


async def _names(pool: Pool, codes: Iterable[str]) -> dict[str, str]:
    names = {}
    for code in dict.fromkeys(codes):
        found = await registry.institution(pool, code)
        names[code] = found.name if found else code
    return names


def _bind_first(request_id: str) -> Redirect:
    return Redirect(f"/me/bind?{urlencode({'next': f'/authorise/{request_id}'})}", status_code=303)


async def _request_for(pool: Pool, request_id: str, person_id: str, *, at: datetime) -> Request:
    """Return a request that this person may see. Refusals: RequestUnknown."""
    found = await queries.request(pool, request_id, at=at)
    if found.person_id not in (None, person_id):
        raise refusals.RequestUnknown
    return found


async def _shown(pool: Pool, found: Request, refusal: Refusal | None = None) -> Template:
    names = await _names(pool, [found.institution])
    return _page(
        "request",
        refusal,
        asked=found,
        party=names[found.institution],
        scopes=[rules.SCOPES[scope] for scope in found.scopes],
        needs_password=rules.needs_password(found.scopes),
    )


@get("/authorise/{request_id:str}")
async def show(request: SignedIn, request_id: FromPath[str], pool: Pool, clock: Clock) -> Template | Redirect:
    person_id = request.auth.person_id
    if person_id is None:
        return _bind_first(request_id)
    return await _shown(pool, await _request_for(pool, request_id, person_id, at=clock()))


@post("/authorise/{request_id:str}", status_code=200)
async def answer(
    request: SignedIn,
    request_id: FromPath[str],
    data: Form,
    pool: Pool,
    gate: credential.Gate,
    hasher: identity.Hasher,
    clock: Clock,
) -> Template | Redirect:
    """Allow or refuse; the password stands before whatever is personal, so that a phone left lying gives nothing."""
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return _bind_first(request_id)
    found = await _request_for(pool, request_id, person_id, at=at)
    try:
        if data.get("answer") == "allow":
            if rules.needs_password(found.scopes) and found.state == "pending":
                await identity.check_pay_password(
                    pool,
                    hasher=hasher,
                    account_id=request.auth.subject,
                    password=data.get("pay_password", ""),
                    device=device_of(request),
                    at=at,
                )
            async with transaction(pool) as tx:
                await actions.allow(
                    tx,
                    gate.tokens,
                    request_id=request_id,
                    person_id=person_id,
                    for_days=data.get("lasts") == "days",
                    at=at,
                )
        else:
            async with transaction(pool) as tx:
                await actions.refuse(tx, request_id=request_id, person_id=person_id, at=at)
    except Refusal as refusal:
        # Whoever was second to open somebody's link is not shown what the first one answered.
        return await _shown(pool, await _request_for(pool, request_id, person_id, at=at), refusal)
    return Redirect(f"/authorise/{request_id}", status_code=303)


@get("/me/authorisations")
async def held(request: SignedIn, pool: Pool, clock: Clock) -> Template | Redirect:
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return Redirect("/me/bind?next=/me/authorisations", status_code=303)
    waiting = await queries.requests_for(pool, person_id, at=at)
    grants = await queries.grants(pool, person_id)
    return _page(
        "held",
        waiting=waiting,
        live=[grant for grant in grants if grant.is_live(at)],
        ended=[grant for grant in grants if not grant.is_live(at)],
        names=await _names(pool, [*(one.institution for one in waiting), *(one.institution for one in grants)]),
        words=actions.words,
    )


@post("/me/authorisations/{grant_id:str}/withdraw")
async def withdraw(request: SignedIn, grant_id: FromPath[str], pool: Pool, clock: Clock) -> Redirect:
    person_id = request.auth.person_id
    if person_id is None:
        return Redirect("/me/bind?next=/me/authorisations", status_code=303)
    async with transaction(pool) as tx:
        await actions.withdraw(tx, person_id=person_id, grant_id=grant_id, at=clock())
    return Redirect("/me/authorisations", status_code=303)


routes = [Router("/", route_handlers=[show, answer, held, withdraw], guards=[insured])]
