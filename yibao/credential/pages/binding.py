"""Binding the insurance by the social-security card, and unbinding it everywhere."""

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import actions, refusals
from yibao.credential.pages.shell import Form, by_channel, check_password, next_of, redirect, show, to_activation
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn


@get("/me/bind")
async def ask_card(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    back = next_of(request)
    if by_channel(request) and request.auth.person_id is None:
        return to_activation(request, back)
    account = await identity.account(pool, vault, request.auth.subject)
    if account.real_name_at is None:
        return redirect("/me/real-name", next=back)
    return show("bind", bound=account.person_id is not None, card_no="", next=back)


@post("/me/bind", status_code=200)
async def bind(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Bind the insurance and set the transaction password, both or neither."""
    back = safe_next(data.get("next", "/code"))
    account_id = request.auth.subject
    try:
        password = identity.typed_twice(data, "pay_password")
        async with transaction(pool) as tx:
            await actions.bind(tx, vault, account_id=account_id, card_no=data.get("card_no", ""), at=clock())
            await identity.set_pay_password(tx, vault, hasher=hasher, account_id=account_id, password=password)
    except refusals.RealNameFirst:
        return redirect("/me/real-name", next=back)
    except Refusal as refusal:
        bound = request.auth.person_id is not None
        return show("bind", refusal, bound=bound, card_no=data.get("card_no", ""), next=back)
    return redirect("/code/activate", next=back)


@get("/me/unbind")
async def ask_unbind(request: SignedIn) -> Template | Redirect:
    return show("unbind") if request.auth.person_id else redirect("/me/bind")


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
        return redirect("/me/bind")
    try:
        await check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await actions.unbind(tx, person_id=person_id, account_id=request.auth.subject, at=at)
    except Refusal as refusal:
        return show("unbind", refusal)
    return redirect("/me")
