"""Pages for which an SMS code is needed: registering, signing in by a code, setting a password anew, unlocking.

Each takes both its steps at one address: the phone first, then the code with whatever the page is for. The phone
travels in the form, because an address must not carry it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.masks import masked_phone
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import queries, refusals
from yibao.identity.actions import accounts, forgotten, passwords, sms_codes
from yibao.identity.hasher import Hasher
from yibao.identity.pages.shell import Form, next_of, redirect, show, sign_in_here
from yibao.identity.types import Purpose
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, device_of


@dataclass(frozen=True)
class Proved:
    """A phone, the code that it was sent, and what else was typed."""

    request: SignedIn
    pool: Pool
    vault: Vault
    hasher: Hasher
    secure: bool
    phone: str
    code: str
    password: str
    back: str
    at: datetime

    @property
    def device(self) -> str:
        return device_of(self.request)


@dataclass(frozen=True)
class ByCode:
    """A page for which an SMS code is needed."""

    path: str
    purpose: Purpose
    title: str
    lead: str
    button: str
    finish: Callable[[Proved], Awaitable[Redirect | Template]]
    new_password: bool = False


async def _register(given: Proved) -> Redirect:
    account_id = await accounts.register(
        given.pool,
        given.vault,
        hasher=given.hasher,
        phone=given.phone,
        code=given.code,
        login_password=given.password,
        device=given.device,
        at=given.at,
    )
    to = redirect(
        "/me/real-name", back=given.back
    )  # Binding is asked for at the first sign-in (A3), and it needs the name.
    return await sign_in_here(given.request, given.pool, account_id=account_id, secure=given.secure, at=given.at, to=to)


async def _sign_in_by_code(given: Proved) -> Redirect:
    account_id = await passwords.sign_in_by_code(
        given.pool, given.vault, phone=given.phone, code=given.code, device=given.device, at=given.at
    )
    to = redirect(given.back)
    return await sign_in_here(given.request, given.pool, account_id=account_id, secure=given.secure, at=given.at, to=to)


async def _reset(given: Proved) -> Redirect:
    await forgotten.reset_login_password(
        given.pool,
        given.vault,
        hasher=given.hasher,
        phone=given.phone,
        code=given.code,
        password=given.password,
        device=given.device,
        at=given.at,
    )
    return Redirect(f"/login?{urlencode({'next': given.back, 'reset': 1})}", status_code=303)


async def _unlock(given: Proved) -> Redirect | Template:
    """Lift the locks, and lead back. Whoever was signing in goes on here: the phone need not be typed again."""
    await passwords.unlock(
        given.pool, given.vault, phone=given.phone, code=given.code, device=given.device, at=given.at
    )
    if given.request.auth is not None:
        return redirect(given.back)
    door = urlsplit(given.back)
    wanted = parse_qs(door.query).get("next", ["/"])[0] if door.path == "/login" else given.back
    return show("login", phone=given.phone, next=safe_next(wanted), notice="unlocked")


BY_CODE = (
    ByCode(
        path="/register",
        purpose="register",
        title="注册",
        lead="用本人的手机号注册，收到的验证码请勿告诉任何人。只想看报销政策的，不注册也可以用政策查询。",
        button="注册",
        finish=_register,
        new_password=True,
    ),
    ByCode(
        path="/login/code",
        purpose="login",
        title="短信登录",
        lead="用注册的手机号接收验证码登录，不用输入登录密码。",
        button="登录",
        finish=_sign_in_by_code,
    ),
    ByCode(
        path="/forgot/phone",
        purpose="reset_login",
        title="手机号找回密码",
        lead="用注册的手机号接收验证码，重新设置登录密码。手机号已停用的，请返回改用人脸识别。",
        button="设为新密码",
        finish=_reset,
        new_password=True,
    ),
    ByCode(
        path="/unlock",
        purpose="unlock",
        title="短信解锁",
        lead="短信验证通过后，登录密码和交易密码在这台设备上的锁定立即解除；密码不变。",
        button="解锁",
        finish=_unlock,
    ),
)


def routes_of(page: ByCode) -> list[HTTPRouteHandler]:
    async def own_phone(request: SignedIn, pool: Pool, vault: Vault) -> str:
        """Return the phone of whoever is signed in, where it goes without saying whose is meant; else nothing."""
        if page.purpose not in ("unlock", "reset_login") or request.auth is None:
            return ""
        return (await queries.account(pool, vault, request.auth.subject)).phone

    def shown(refusal: Refusal | None = None, *, own: str, step: str, phone: str, code: str, back: str) -> Template:
        return show("by_code", refusal, page=page, own=masked_phone(own), step=step, phone=phone, code=code, next=back)

    @get(page.path)
    async def ask(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
        own = await own_phone(request, pool, vault)
        if page.purpose == "unlock" and request.auth is not None and not own:
            return redirect("/me/pay-password/forgot")  # No SMS would ever come.
        return shown(own=own, step="phone", phone="", code="", back=next_of(request))

    @post(page.path, status_code=200)
    async def answer(
        request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock, secure: bool
    ) -> Template | Redirect:
        at = clock()
        own = await own_phone(request, pool, vault)
        phone, code = own or data.get("phone", ""), data.get("code", "").strip()
        back = safe_next(data.get("next", "/"))
        refusal: Refusal | None = None
        step = "code"
        try:
            if data.get("step") == "finish":
                password = data.get("login_password", "")
                return await page.finish(Proved(request, pool, vault, hasher, secure, phone, code, password, back, at))
            async with transaction(pool) as tx:
                await sms_codes.request_code(
                    tx, vault, phone=phone, purpose=page.purpose, device=device_of(request), at=at
                )
        except refusals.PhoneMalformed as malformed:
            refusal, step = malformed, "phone"
        except Refusal as other:
            refusal = other
        # Digits typed beside a code that has just been sent, or has expired, are an earlier one's.
        stale = data.get("step") != "finish" or isinstance(refusal, refusals.CodeExpired)
        return shown(refusal, own=own, step=step, phone="" if own else phone, code="" if stale else code, back=back)

    return [ask, answer]
