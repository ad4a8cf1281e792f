"""Binding the insurance by the social-security card, or after a counter without it, and unbinding it everywhere."""

from datetime import datetime

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import actions, by_counter, refusals, store
from yibao.credential.pages.shell import (
    Form,
    browser_of,
    by_channel,
    check_password,
    next_of,
    redirect,
    show,
    to_activation,
)
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn


@get("/me/bind")
async def ask_card(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Ask for the card. In a channel it is asked for on the way to the code, for it binds nobody else's there."""
    back = next_of(request)
    account = await identity.account(pool, vault, request.auth.subject)
    if by_channel(request) and account.person_id is None:
        begun = await store.activation(pool, request.auth.subject, browser_of(request))
        is_next = account.real_name_at is not None and begun is not None and begun.proved_at is None
        return redirect("/activate/card") if is_next else to_activation(request, back)
    if account.real_name_at is None:
        return redirect("/me/real-name", next=back)
    return await _page(request, pool, vault, clock(), bound=account.person_id is not None, card_no="", back=back)


async def _page(
    request: SignedIn,
    pool: Pool,
    vault: Vault,
    at: datetime,
    *,
    bound: bool,
    card_no: str,
    back: str,
    refusal: Refusal | None = None,
) -> Template:
    cardless = await by_counter.stands_for_card(pool, vault, account_id=request.auth.subject, at=at)
    return show("bind", refusal, bound=bound, card_no=card_no, cardless=cardless, next=back)


@post("/me/bind", status_code=200)
async def bind(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Bind the insurance and set the transaction password, both or neither."""
    back = safe_next(data.get("next", "/code"))
    account_id, at = request.auth.subject, clock()
    if by_channel(request):
        return redirect("/me/bind", next=back)
    try:
        password = identity.typed_twice(data, "pay_password")
        async with transaction(pool) as tx:
            await _bind(tx, vault, data, account_id=account_id, at=at)
            await identity.set_pay_password(tx, vault, hasher=hasher, account_id=account_id, password=password, at=at)
    except refusals.RealNameFirst:
        return redirect("/me/real-name", next=back)
    except Refusal as refusal:
        bound, card_no = request.auth.person_id is not None, data.get("card_no", "")
        return await _page(request, pool, vault, at, bound=bound, card_no=card_no, back=back, refusal=refusal)
    return redirect("/code/activate", next=back)


async def _bind(tx: Tx, vault: Vault, data: dict[str, str], *, account_id: str, at: datetime) -> None:
    """Bind by the card, or without its number where a counter has proved the owner instead."""
    card_no = data.get("card_no", "")
    if not card_no and await by_counter.stands_for_card(tx, vault, account_id=account_id, at=at):
        await by_counter.bind_by_counter(tx, vault, account_id=account_id, at=at)
    else:
        await actions.bind(tx, vault, account_id=account_id, card_no=card_no, at=at)


@get("/me/unbind")
async def ask_unbind(request: SignedIn) -> Template:
    """Ask for the password; whoever has nothing bound, or no longer, is told so."""
    return show("unbind", bound=request.auth.person_id is not None, done="done" in request.query_params)


@get("/services/unbind")
async def unbind_service() -> Redirect:
    """解除绑定 is published among the public services too (公共服务 › 解除绑定)."""
    return redirect("/me/unbind")


@post("/me/unbind", status_code=200)
async def unbind(
    request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return redirect("/me/unbind")
    try:
        await check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await actions.unbind(tx, person_id=person_id, account_id=request.auth.subject, at=at)
    except Refusal as refusal:
        return show("unbind", refusal, bound=True)
    return redirect("/me/unbind", done=1)
