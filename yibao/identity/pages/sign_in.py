"""Signing in and out by the login password, and 关怀模式."""

from litestar import get, post
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity.actions import passwords, sessions
from yibao.identity.hasher import Hasher
from yibao.identity.pages.shell import Form, next_of, redirect, show, sign_in_here
from yibao.web.pages import CARE_COOKIE, safe_next
from yibao.web.principal import SESSION_COOKIE, SignedIn, device_of, lasting_cookie


@get("/login")
async def login(request: SignedIn) -> Template | Redirect:
    back = next_of(request)
    if request.auth is not None:
        return redirect(back)
    return show("login", phone="", next=back, notice="reset" if "reset" in request.query_params else "")


@post("/login", status_code=200)
async def sign_in(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock, secure: bool
) -> Template | Redirect:
    at = clock()
    phone, back = data.get("phone", ""), safe_next(data.get("next", "/"))
    try:
        account_id = await passwords.sign_in(
            pool,
            vault,
            hasher=hasher,
            phone=phone,
            password=data.get("login_password", ""),
            device=device_of(request),
            at=at,
        )
    except Refusal as refusal:
        return show("login", refusal, phone=phone, next=back, notice="")
    return await sign_in_here(request, pool, account_id=account_id, secure=secure, at=at, to=redirect(back))


@post("/logout")
async def sign_out(request: SignedIn, pool: Pool) -> Redirect:
    to = redirect("/")
    if token := request.cookies.get(SESSION_COOKIE):
        async with transaction(pool) as tx:
            await sessions.end_session(tx, token=token)
        to.delete_cookie(SESSION_COOKIE)
    return to


@post("/care")
async def care(request: SignedIn, data: Form, secure: bool) -> Redirect:
    to = redirect(safe_next(data.get("next", "/")))
    turned = "0" if request.cookies.get(CARE_COOKIE) == "1" else "1"
    to.set_cookie(lasting_cookie(CARE_COOKIE, turned, secure=secure))
    return to


handlers = [login, sign_in, sign_out, care]
