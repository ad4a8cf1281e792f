"""单位网页: signing in with the unit's code at a desk, and what is there: facts, operators, employees, sign-ins.

An institution is led to its till, where its own staff sign in by number and password: the unit's code says for which
institution somebody acts, not that they are its cashier.
"""

from typing import Annotated

from litestar import Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Redirect, Template

from yibao import credential, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.unit import actions, queries, refusals
from yibao.service.unit.types import Seat
from yibao.web.principal import UNIT_COOKIE, SignedIn, anyone, device_of, unit

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

AREA = "/unit"
PAGE_SIZE = 50
PAGE_MAX = 100_000
STATES = {"0": "未参保", "1": "正常参保", "2": "暂停参保", "3": "无效参保", "4": "终止参保"}  # psn_insu_stas


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"unit/{template}.html", context={"refusal": refusal, **context}, status_code=status)


@get("/unit/login")
async def ask(request: SignedIn) -> Template | Redirect:
    if request.auth is not None and request.auth.kind == "unit":
        return Redirect(AREA, status_code=303)
    return _page("login")


@post("/unit/login", status_code=200)
async def sign_in(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, unit_codes: credential.Codes, clock: Clock, secure: bool
) -> Template | Redirect:
    code, device, at = "".join(data.get("code", "").split())[:64], device_of(request), clock()
    try:
        async with transaction(pool) as tx:
            await actions.note_try(tx, unit_codes, code=code, device=device, at=at)
    except refusals.TooManyTries as refusal:
        return _page("login", refusal)
    try:
        async with transaction(pool) as tx:
            redeemed = await actions.redeem(tx, vault, unit_codes, code=code, device=device, at=at)
            token = await identity.start_unit_session(
                tx, unit=redeemed.unit_id, account_id=redeemed.account_id, device=device, at=at
            )
    except refusals.BadCode as refusal:
        return _page("login", refusal)
    except Refusal as refusal:
        async with transaction(pool) as tx:
            await actions.forgive_try(tx, unit_codes, code=code, device=device, at=at)
        return _page("login", refusal)
    to = Redirect(AREA, status_code=303)
    # Without an age it ends with the browser: a desk is often shared.
    to.set_cookie(Cookie(key=UNIT_COOKIE, value=token, path=AREA, httponly=True, samesite="lax", secure=secure))
    return to


@post("/unit/logout")
async def sign_out(request: SignedIn, pool: Pool) -> Redirect:
    to = Redirect(f"{AREA}/login", status_code=303)
    if token := request.cookies.get(UNIT_COOKIE):
        async with transaction(pool) as tx:
            await identity.end_session(tx, token=token)
        to.delete_cookie(UNIT_COOKIE, path=AREA)
    return to


async def _seat(request: SignedIn, pool: Pool, vault: Vault) -> Seat:
    """Return as whom this session acts, asked anew for every page. Refusals: NotOperator."""
    return await queries.seat(pool, vault, unit_id=request.auth.unit, account_id=request.auth.subject)


@get("/unit")
async def start(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    seat = await _seat(request, pool, vault)
    facts = seat.unit
    return _page(
        "start",
        seat=seat,
        place=await registry.region_name(pool, facts.place) or facts.place,
        operators=[
            (one, registry.masked_name(one.name)) for one in await queries.operators(pool, vault, facts.unit_id)
        ],
        phones=await queries.phones(pool, facts.unit_id),
        employed=await registry.employed(pool, facts.place, facts.name) if facts.kind == "employer" else 0,
        sign_ins=[
            (registry.masked_name(one.name), one.at) for one in await queries.sign_ins(pool, vault, facts.unit_id)
        ],
    )


@get("/unit/employees")
async def employees(
    request: SignedIn,
    pool: Pool,
    vault: Vault,
    clock: Clock,
    page: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 1,
) -> Template:
    """List whom the employer insures, masked; each of them can read that it was looked at."""
    seat = await _seat(request, pool, vault)
    if seat.unit.kind != "employer":
        raise refusals.NotEmployer
    async with transaction(pool) as tx:
        listed = await registry.employees(
            tx, vault, seat.unit.place, seat.unit.name, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE
        )
        shown = listed[:PAGE_SIZE]
        await registry.note_looks(
            tx,
            vault,
            person_ids=[one.person_id for one in shown],
            looker=f"unit:{seat.unit.unit_id}",
            looker_name=seat.unit.name,
            purpose="查看本单位职工参保情况",
            at=clock(),
        )
    return _page(
        "employees",
        seat=seat,
        employees=shown,
        states=STATES,
        places={place: await registry.region_name(pool, place) or place for place in {one.place for one in shown}},
        page=page,
        more=len(listed) > PAGE_SIZE,
        employed=await registry.employed(pool, seat.unit.place, seat.unit.name),
    )


routes = [
    Router("/", route_handlers=[ask, sign_in, sign_out], guards=[anyone]),
    Router("/", route_handlers=[start, employees], guards=[unit]),
]
