"""单位码 on an operator's phone: showing it, activating and unbinding it, and who else may act for the unit."""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Template

from yibao import credential, identity, registry
from yibao.core import gm
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential.live import CodeView
from yibao.service.unit import actions, queries, refusals
from yibao.service.unit.types import Named, Seat
from yibao.web.principal import SignedIn, anyone, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=303)


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"unit/{template}.html", context={"refusal": refusal, **context}, status_code=status)


def _browser(request: SignedIn) -> bytes:
    return gm.sm3(device_of(request).encode())


@get("/unit-code")
async def choose(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await identity.account(pool, vault, request.auth.subject)
    if account.real_name_at is None:
        return _to("/me/real-name?next=/unit-code")
    seats = await queries.units_of(pool, vault, request.auth.subject)
    if len(seats) == 1:
        return _to(f"/unit-code/{seats[0].unit.unit_id}")
    return _page("choose", seats=seats)


async def _code(
    request: SignedIn, pool: Pool, vault: Vault, unit_codes: credential.Codes, *, unit_id: str, clock: Clock
) -> CodeView:
    at = clock()
    async with transaction(pool) as tx:
        shown = await actions.show_code(
            tx,
            vault,
            unit_codes,
            unit_id=unit_id,
            account_id=request.auth.subject,
            browser=_browser(request),
            at=at,
        )
    return CodeView.of(shown, at)


@get("/unit-code/{unit_id:str}")
async def show(
    request: SignedIn, unit_id: FromPath[str], pool: Pool, vault: Vault, unit_codes: credential.Codes, clock: Clock
) -> Template:
    seat = await queries.seat(pool, vault, unit_id=unit_id, account_id=request.auth.subject)
    try:
        code = await _code(request, pool, vault, unit_codes, unit_id=unit_id, clock=clock)
    except refusals.NotActivated:
        return _page("activate", seat=seat)
    return await _shown(pool, seat, code)


async def _shown(pool: Pool, seat: Seat, code: CodeView) -> Template:
    phones = await queries.phones(pool, seat.unit.unit_id, operator_id=seat.operator.operator_id)
    return _page("code", seat=seat, code=code, phones=phones)


@get("/unit-code/{unit_id:str}/next", guards=[anyone])
async def next_code(
    request: SignedIn, unit_id: FromPath[str], pool: Pool, vault: Vault, unit_codes: credential.Codes, clock: Clock
) -> Response[CodeView | None]:
    """Answer the live page's script. It loads the whole page again when this is not 200, and is led on from there."""
    if request.auth is None or request.auth.kind != "insured":
        return Response(None, status_code=401)
    try:
        return Response(await _code(request, pool, vault, unit_codes, unit_id=unit_id, clock=clock))
    except (refusals.NotActivated, refusals.NotOperator) as refusal:
        return Response(None, status_code=refusal.status)


@post("/unit-code/{unit_id:str}/activate", status_code=200)
async def activate(
    request: SignedIn, unit_id: FromPath[str], data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    seat = await queries.seat(pool, vault, unit_id=unit_id, account_id=request.auth.subject)
    try:
        async with transaction(pool) as tx:
            await actions.activate(
                tx,
                vault,
                unit_id=unit_id,
                account_id=request.auth.subject,
                agreed=data.get("agreed") == "1",
                browser=_browser(request),
                at=clock(),
            )
    except refusals.AgreementNotTicked as refusal:
        return _page("activate", refusal, seat=seat)
    return _to(f"/unit-code/{unit_id}")


@post("/unit-code/{unit_id:str}/unbind")
async def unbind(request: SignedIn, unit_id: FromPath[str], pool: Pool, vault: Vault, clock: Clock) -> Redirect:
    """Unbind without a password: it only takes away, and whoever has lost a phone is in a hurry."""
    async with transaction(pool) as tx:
        await actions.unbind(tx, vault, unit_id=unit_id, account_id=request.auth.subject, at=clock())
    return _to(f"/unit-code/{unit_id}")


# 经办人.


async def _operators(
    request: SignedIn,
    pool: Pool,
    vault: Vault,
    unit_id: str,
    *,
    refusal: Refusal | None = None,
    given: dict[str, str] | None = None,
    done: str = "",
) -> Template:
    seat = await queries.seat(pool, vault, unit_id=unit_id, account_id=request.auth.subject)
    account = await identity.account(pool, vault, request.auth.subject)
    listed = await queries.operators(pool, vault, unit_id)
    return _page(
        "operators",
        refusal,
        seat=seat,
        operators=[(one, registry.masked_name(one.name)) for one in listed],
        cert_types=identity.CERT_TYPES,
        given=given or {},
        done=done,
        asks_password=account.has_pay_password,
    )


@get("/unit-code/{unit_id:str}/operators")
async def list_operators(
    request: SignedIn, unit_id: FromPath[str], pool: Pool, vault: Vault, done: FromQuery[str] = ""
) -> Template:
    return await _operators(request, pool, vault, unit_id, done=done)


@post("/unit-code/{unit_id:str}/operators", status_code=200)
async def appoint(
    request: SignedIn,
    unit_id: FromPath[str],
    data: Form,
    pool: Pool,
    vault: Vault,
    hasher: identity.Hasher,
    clock: Clock,
) -> Template | Redirect:
    named = Named(data.get("name", "")[:64], data.get("cert_type", ""), data.get("cert_no", "")[:64])
    at = clock()
    try:
        if named.cert_type not in identity.CERT_TYPES:
            raise refusals.OperatorIncomplete
        await identity.check_pay_password_if_set(
            pool,
            hasher=hasher,
            account_id=request.auth.subject,
            password=data.get("pay_password", ""),
            device=device_of(request),
            at=at,
        )
        async with transaction(pool) as tx:
            await actions.appoint(tx, vault, unit_id=unit_id, account_id=request.auth.subject, named=named, at=at)
    except refusals.NotOperator:
        raise
    except Refusal as refusal:
        return await _operators(request, pool, vault, unit_id, refusal=refusal, given=data)
    return _to(f"/unit-code/{unit_id}/operators?done=appointed")


@get("/unit-code/{unit_id:str}/operators/{operator_id:str}/remove")
async def ask_remove(
    request: SignedIn, unit_id: FromPath[str], operator_id: FromPath[str], pool: Pool, vault: Vault
) -> Template:
    seat = await queries.seat(pool, vault, unit_id=unit_id, account_id=request.auth.subject)
    try:
        async with transaction(pool) as tx:
            operator = await queries.removable(tx, vault, seat, operator_id)
    except Refusal as refusal:
        return await _operators(request, pool, vault, unit_id, refusal=refusal)
    return _page("remove", seat=seat, operator=operator, name=registry.masked_name(operator.name))


@post("/unit-code/{unit_id:str}/operators/{operator_id:str}/remove", status_code=200)
async def remove(
    request: SignedIn, unit_id: FromPath[str], operator_id: FromPath[str], pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.remove(
                tx, vault, unit_id=unit_id, account_id=request.auth.subject, operator_id=operator_id, at=clock()
            )
    except refusals.NotOperator:
        raise
    except Refusal as refusal:
        return await _operators(request, pool, vault, unit_id, refusal=refusal)
    return _to(f"/unit-code/{unit_id}/operators?done=removed")


routes = [
    Router("/", route_handlers=[next_code]),
    Router(
        "/",
        route_handlers=[choose, show, activate, unbind, list_operators, appoint, ask_remove, remove],
        guards=[insured],
    ),
]
