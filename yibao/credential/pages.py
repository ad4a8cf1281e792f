"""The code on the phone, and what leads to it: binding the insurance, activating in this browser, limits, unbinding.

Whoever comes too early is led the whole way and back: signing in, real name, binding, activating, and `next` again.
"""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao import identity, ledger, registry
from yibao.core import gm
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.money import fen_of, yuan_text
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import actions, draw, queries, refusals
from yibao.credential.code import Codes
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, anyone, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

CHANNEL = "web"


class CodeView(Struct, frozen=True):
    """A code as the live page shows it."""

    qr: str
    bar: str
    digits: str
    seconds: int


def _to(path: str, **query: object) -> Redirect:
    return Redirect(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"credential/{template}.html", context={"refusal": refusal, **context}, status_code=status)


def _next(request: SignedIn, default: str) -> str:
    return safe_next(request.query_params.get("next", default))


def _browser(request: SignedIn) -> bytes:
    """Return by what the activation of this browser is known: a digest, so that the database cannot show its code."""
    return gm.sm3(device_of(request).encode())


# The code.


async def _code(request: SignedIn, pool: Pool, codes: Codes, *, person_id: str, clock: Clock) -> CodeView:
    async with transaction(pool) as tx:
        shown = await actions.show_code(tx, codes, person_id=person_id, browser=_browser(request), at=clock())
    return CodeView(draw.qr(shown.code), draw.bar(shown.code), draw.digits(shown.code), shown.seconds)


@get("/code")
async def show(request: SignedIn, pool: Pool, vault: Vault, codes: Codes, clock: Clock) -> Template | Redirect:
    person_id = request.auth.person_id
    holder = await queries.holder(pool, person_id) if person_id else None
    if person_id is None or holder is None:
        return _page("unbound")
    try:
        code = await _code(request, pool, codes, person_id=person_id, clock=clock)
    except refusals.NotActivated:
        return _to("/code/activate")
    person = await registry.person(pool, vault, person_id)
    return _page(
        "code",
        code=code,
        name=registry.masked_name(person.name),
        place=await registry.region_name(pool, holder.place) or holder.place,
        balance_fen=await ledger.balance(pool, person_id, holder.place),
    )


@get("/code/next", guards=[anyone])
async def next_code(request: SignedIn, pool: Pool, codes: Codes, clock: Clock) -> Response[CodeView | None]:
    """Answer the live page's script. It loads the whole page again when this is not 200, and is led on from there."""
    if request.auth is None or request.auth.person_id is None:
        return Response(None, status_code=401)
    try:
        return Response(await _code(request, pool, codes, person_id=request.auth.person_id, clock=clock))
    except refusals.NotActivated as refusal:
        return Response(None, status_code=refusal.status)


async def _activation(
    pool: Pool, person_id: str, *, place: str, agreed: bool, back: str, refusal: Refusal | None = None
) -> Template:
    async with transaction(pool) as tx:
        places = await queries.region_choices(tx, person_id)
    return _page("activate", refusal, places=places, place=place, agreed=agreed, next=back)


@get("/code/activate")
async def choose_place(request: SignedIn, pool: Pool) -> Template | Redirect:
    back = _next(request, "/code")
    holder = await queries.holder(pool, request.auth.person_id) if request.auth.person_id else None
    if holder is None:
        return _to("/me/bind", next=back)
    return await _activation(pool, holder.person_id, place=holder.place, agreed=False, back=back)


@post("/code/activate", status_code=200)
async def activate(request: SignedIn, data: Form, pool: Pool, clock: Clock) -> Template | Redirect:
    back = safe_next(data.get("next", "/code"))
    place, agreed = data.get("place", ""), data.get("agreed") == "1"
    person_id = request.auth.person_id
    if person_id is None:
        return _to("/me/bind", next=back)
    try:
        async with transaction(pool) as tx:
            await actions.activate(
                tx,
                person_id=person_id,
                account_id=request.auth.subject,
                place=place,
                agreed=agreed,
                channel=CHANNEL,
                browser=_browser(request),
                at=clock(),
            )
    except Refusal as refusal:
        return await _activation(pool, person_id, place=place, agreed=agreed, back=back, refusal=refusal)
    return _to(back)


# Binding and unbinding.


@get("/me/bind")
async def ask_card(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    back = _next(request, "/code")
    account = await identity.account(pool, vault, request.auth.subject)
    if account.real_name_at is None:
        return _to("/me/real-name", next=back)
    return _page("bind", bound=account.person_id is not None, card_no="", next=back)


@post("/me/bind", status_code=200)
async def bind(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Bind the insurance and set the transaction password, both or neither."""
    back = safe_next(data.get("next", "/code"))
    account_id = request.auth.subject
    try:
        password = _twice(data, "pay_password", "pay_password_again")
        async with transaction(pool) as tx:
            await actions.bind(tx, vault, account_id=account_id, card_no=data.get("card_no", ""), at=clock())
            await identity.set_pay_password(tx, vault, hasher=hasher, account_id=account_id, password=password)
    except refusals.RealNameFirst:
        return _to("/me/real-name", next=back)
    except Refusal as refusal:
        bound = request.auth.person_id is not None
        return _page("bind", refusal, bound=bound, card_no=data.get("card_no", ""), next=back)
    return _to("/code/activate", next=back)


def _twice(data: dict[str, str], first: str, second: str) -> str:
    """Return a new password that was typed twice alike. Refusals: PasswordsDiffer."""
    if data.get(first, "") != data.get(second, ""):
        raise refusals.PasswordsDiffer
    return data.get(first, "")


@get("/me/unbind")
async def ask_unbind(request: SignedIn) -> Template | Redirect:
    return _page("unbind") if request.auth.person_id else _to("/me/bind")


@get("/services/unbind")
async def unbind_service() -> Redirect:
    """解除绑定 is published among the public services too (公共服务 › 解除绑定)."""
    return _to("/me/unbind")


@post("/me/unbind", status_code=200)
async def unbind(
    request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return _to("/me/bind")
    try:
        await _check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await actions.unbind(tx, person_id=person_id, account_id=request.auth.subject, at=at)
    except Refusal as refusal:
        return _page("unbind", refusal)
    return _to("/me")


async def _check_password(
    request: SignedIn, data: dict[str, str], pool: Pool, *, hasher: identity.Hasher, at: datetime
) -> None:
    await identity.check_pay_password(
        pool,
        hasher=hasher,
        account_id=request.auth.subject,
        password=data.get("pay_password", ""),
        device=device_of(request),
        at=at,
    )


# 免密限额 and 交易密码.


@get("/me/limit")
async def ask_limit(request: SignedIn, pool: Pool) -> Template | Redirect:
    holder = await queries.holder(pool, request.auth.person_id) if request.auth.person_id else None
    if holder is None:
        return _to("/me/bind", next="/me/limit")
    return _limit(limit=yuan_text(holder.free_limit_fen), done="done" in request.query_params)


def _limit(refusal: Refusal | None = None, *, limit: str, done: bool = False) -> Template:
    return _page("limit", refusal, limit=limit, most=yuan_text(actions.FREE_LIMIT_FEN_MAX), done=done)


@post("/me/limit", status_code=200)
async def set_limit(
    request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Set the limit with the transaction password, or whoever holds the phone could raise it and pay without one."""
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return _to("/me/bind", next="/me/limit")
    try:
        limit_fen = _limit_fen(data.get("limit", ""))
        await _check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await actions.set_free_limit(tx, person_id=person_id, limit_fen=limit_fen, at=at)
    except Refusal as refusal:
        return _limit(refusal, limit=data.get("limit", ""))
    return _to("/me/limit", done=1)


def _limit_fen(text: str) -> int:
    """Return the limit typed in yuan. Refusals: LimitInvalid."""
    try:
        limit_fen = fen_of(text.strip())
    except ValueError:
        limit_fen = -1
    actions.require_free_limit(limit_fen)
    return limit_fen


@get("/me/pay-password")
async def ask_change(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await identity.account(pool, vault, request.auth.subject)
    if not account.has_pay_password:
        return _to("/me/bind", next="/me/pay-password")
    return _page("pay_password", done="done" in request.query_params)


@post("/me/pay-password", status_code=200)
async def change(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    try:
        await identity.change_pay_password(
            pool,
            vault,
            hasher=hasher,
            account_id=request.auth.subject,
            old=data.get("old", ""),
            new=_twice(data, "new", "new_again"),
            device=device_of(request),
            at=clock(),
        )
    except Refusal as refusal:
        return _page("pay_password", refusal, done=False)
    return _to("/me/pay-password", done=1)


@get("/me/pay-password/forgot")
async def ask_reset(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await identity.account(pool, vault, request.auth.subject)
    if not account.has_pay_password:
        return _to("/me/bind", next="/me/pay-password")
    return _page("pay_forgot", phone=account.phone_masked, step="phone", given={})


@post("/me/pay-password/forgot", status_code=200)
async def reset(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Send a code to the account's own phone, or take it with the certificate number and the new password."""
    at = clock()
    account = await identity.account(pool, vault, request.auth.subject)
    given: dict[str, str] = {}
    refusal: Refusal | None = None
    try:
        if data.get("step") == "finish":
            given = data
            await identity.reset_pay_password(
                pool,
                vault,
                hasher=hasher,
                phone=account.phone,
                code=data.get("code", "").strip(),
                cert_no=data.get("cert_no", ""),
                password=_twice(data, "new", "new_again"),
                device=device_of(request),
                at=at,
            )
            return _to("/me/pay-password", done=1)
        async with transaction(pool) as tx:
            await identity.request_code(tx, vault, phone=account.phone, purpose="reset_pay", at=at)
    except Refusal as refused:
        refusal = refused
    return _page("pay_forgot", refusal, phone=account.phone_masked, step="code", given=given)


routes = [
    Router("/", route_handlers=[next_code]),
    Router(
        "/",
        route_handlers=[
            show,
            choose_place,
            activate,
            ask_card,
            bind,
            ask_unbind,
            unbind_service,
            unbind,
            ask_limit,
            set_limit,
            ask_change,
            change,
            ask_reset,
            reset,
        ],
        guards=[insured],
    ),
]
