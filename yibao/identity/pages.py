"""Registering, signing in, 我的, 实名认证 and 关怀版 on the phone; and the sign-in of the till.

A page that asks for an SMS code takes both its steps at one address: the phone first, then the code with whatever the
page is for. The phone travels in the form, because an address must not carry it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from litestar import Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, SkipValidation
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import actions, queries, refusals
from yibao.identity.hasher import Hasher
from yibao.identity.types import Elements, Purpose
from yibao.identity.unionpay import RealNameByBank
from yibao.web.pages import CARE_COOKIE, safe_next
from yibao.web.principal import SESSION_COOKIE, TILL_COOKIE, SignedIn, anyone, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

COOKIE_LASTS_SECONDS = 400 * 24 * 3600  # The longest that browsers keep one; the server ends sessions earlier.

# psn_cert_type, the usual ones first; the names are the national ones, shortened.
CERT_TYPES = {
    "01": "居民身份证",
    "04": "香港居民来往内地通行证",
    "05": "澳门居民来往内地通行证",
    "06": "台湾居民来往大陆通行证",
    "17": "港澳台居民居住证",
    "07": "外国人永久居留身份证",
    "08": "外国护照",
}


class ConsentMissing(Refusal):
    code = "identity.consent_missing"
    status = 422
    title = "请先同意核对您的信息"
    detail = "没有勾选同意，信息没有提交给银联。"
    hint = "请引导用户阅读后勾选。"
    remedy = "请阅读说明，勾选同意后再提交。"


def _to(path: str, *, back: str = "") -> Redirect:
    """Lead on to `path`, which will lead back to `back`."""
    return Redirect(f"{path}?{urlencode({'next': back})}" if back else path, status_code=303)


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"identity/{template}.html", context={"refusal": refusal, **context}, status_code=status)


def _next(request: SignedIn) -> str:
    return safe_next(request.query_params.get("next", "/"))


# What an SMS code is asked for.


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
    finish: Callable[[Proved], Awaitable[Redirect]]
    new_password: bool = False


async def _sign_in(
    request: SignedIn, pool: Pool, *, account_id: str, secure: bool, at: datetime, to: Redirect
) -> Redirect:
    """Start a session in this browser in place of the one it had, and lead on."""
    async with transaction(pool) as tx:
        if earlier := request.cookies.get(SESSION_COOKIE):
            await actions.end_session(tx, token=earlier)
        token = await actions.start_session(tx, account_id=account_id, device=device_of(request), at=at)
    to.set_cookie(
        Cookie(
            key=SESSION_COOKIE,
            value=token,
            max_age=COOKIE_LASTS_SECONDS,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
    )
    return to


async def _register(given: Proved) -> Redirect:
    account_id = await actions.register(
        given.pool,
        given.vault,
        hasher=given.hasher,
        phone=given.phone,
        code=given.code,
        login_password=given.password,
        device=given.device,
        at=given.at,
    )
    to = _to("/me/real-name", back=given.back)  # Binding is asked for at the first sign-in (A3), and it needs the name.
    return await _sign_in(given.request, given.pool, account_id=account_id, secure=given.secure, at=given.at, to=to)


async def _sign_in_by_code(given: Proved) -> Redirect:
    account_id = await actions.sign_in_by_code(
        given.pool, given.vault, phone=given.phone, code=given.code, device=given.device, at=given.at
    )
    to = _to(given.back)
    return await _sign_in(given.request, given.pool, account_id=account_id, secure=given.secure, at=given.at, to=to)


async def _reset(given: Proved) -> Redirect:
    await actions.reset_login_password(
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


async def _unlock(given: Proved) -> Redirect:
    await actions.unlock(given.pool, given.vault, phone=given.phone, code=given.code, device=given.device, at=given.at)
    return _to(given.back)


_BY_CODE = (
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
        path="/forgot",
        purpose="reset_login",
        title="忘记密码",
        lead="找回方式：用注册的手机号接收验证码，重新设置登录密码。手机号已停用的，请带身份证件到医保经办窗口办理。",
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


def _routes_of(page: ByCode) -> list[HTTPRouteHandler]:
    async def own_phone(request: SignedIn, pool: Pool, vault: Vault) -> str:
        """Return the phone of whoever is signed in, where it goes without saying whose lock is meant; else nothing."""
        if page.purpose != "unlock" or request.auth is None:
            return ""
        return (await queries.account(pool, vault, request.auth.subject)).phone

    def shown(refusal: Refusal | None = None, *, own: str, step: str, phone: str, code: str, back: str) -> Template:
        masked = f"{own[:3]}****{own[-4:]}" if own else ""
        return _page("by_code", refusal, page=page, own=masked, step=step, phone=phone, code=code, next=back)

    @get(page.path)
    async def ask(request: SignedIn, pool: Pool, vault: Vault) -> Template:
        own = await own_phone(request, pool, vault)
        return shown(own=own, step="phone", phone="", code="", back=_next(request))

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
                await actions.request_code(tx, vault, phone=phone, purpose=page.purpose, at=at)
        except refusals.PhoneMalformed as malformed:
            refusal, step = malformed, "phone"
        except Refusal as other:
            refusal = other
        # Digits typed beside a code that has just been sent, or has expired, are an earlier one's.
        stale = data.get("step") != "finish" or isinstance(refusal, refusals.CodeExpired)
        return shown(refusal, own=own, step=step, phone="" if own else phone, code="" if stale else code, back=back)

    return [ask, answer]


# Signing in and out.


@get("/login")
async def login(request: SignedIn) -> Template | Redirect:
    back = _next(request)
    if request.auth is not None:
        return _to(back)
    return _page("login", phone="", next=back, reset="reset" in request.query_params)


@post("/login", status_code=200)
async def sign_in(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock, secure: bool
) -> Template | Redirect:
    at = clock()
    phone, back = data.get("phone", ""), safe_next(data.get("next", "/"))
    try:
        account_id = await actions.sign_in(
            pool,
            vault,
            hasher=hasher,
            phone=phone,
            password=data.get("login_password", ""),
            device=device_of(request),
            at=at,
        )
    except Refusal as refusal:
        return _page("login", refusal, phone=phone, next=back, reset=False)
    return await _sign_in(request, pool, account_id=account_id, secure=secure, at=at, to=_to(back))


@post("/logout")
async def sign_out(request: SignedIn, pool: Pool) -> Redirect:
    to = _to("/")
    if token := request.cookies.get(SESSION_COOKIE):
        async with transaction(pool) as tx:
            await actions.end_session(tx, token=token)
        to.delete_cookie(SESSION_COOKIE)
    return to


@post("/care")
async def care(request: SignedIn, data: Form, secure: bool) -> Redirect:
    to = _to(safe_next(data.get("next", "/")))
    to.set_cookie(
        Cookie(
            key=CARE_COOKIE,
            value="0" if request.cookies.get(CARE_COOKIE) == "1" else "1",
            max_age=COOKIE_LASTS_SECONDS,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
    )
    return to


# 我的.


@get("/me")
async def me(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    account = await queries.account(pool, vault, request.auth.subject)
    return _page("me", account=account, name=_masked(account.name or ""))


def _masked(name: str) -> str:
    """Return a name that its owner recognises and a bystander does not: 医*川."""
    return name[:1] + "*" * (len(name) - 2) + name[-1:] if len(name) > 2 else name[:-1] + "*" * len(name[-1:])


@get("/me/real-name")
async def real_name(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    account = await queries.account(pool, vault, request.auth.subject)
    return _page(
        "real_name",
        account=account,
        name=_masked(account.name or ""),
        given={},
        cert_types=CERT_TYPES,
        next=_next(request),
    )


@post("/me/real-name", status_code=200)
async def prove_real_name(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, bank: SkipValidation[RealNameByBank], clock: Clock
) -> Template | Redirect:
    """Ask the bank. Sent again with the same elements while there is no answer, it asks under the same order number."""
    back = safe_next(data.get("next", "/"))
    elements = Elements(
        name=data.get("name", ""),
        cert_type=data.get("cert_type", ""),
        cert_no=data.get("cert_no", ""),
        bank_card=data.get("bank_card", ""),
        phone=data.get("bank_phone", ""),
    )
    try:
        if data.get("agreed") != "1":
            raise ConsentMissing
        await actions.verify_real_name(
            pool, vault, bank=bank, account_id=request.auth.subject, elements=elements, at=clock()
        )
    except Refusal as refusal:
        account = await queries.account(pool, vault, request.auth.subject)
        return _page(
            "real_name",
            refusal,
            account=account,
            name=_masked(account.name or ""),
            given=data,
            cert_types=CERT_TYPES,
            next=back,
        )
    return _to("/me/real-name", back=back)


# The till.


def _till_next(path: str) -> str:
    return path if path.startswith("/till") and safe_next(path) == path else "/till"


@get("/till/login")
async def till_login(request: SignedIn) -> Template | Redirect:
    back = _till_next(request.query_params.get("next", ""))
    if request.auth is not None:
        return _to(back)
    return _page("till_login", login="", next=back)


@post("/till/login", status_code=200)
async def sign_in_staff(
    request: SignedIn, data: Form, pool: Pool, hasher: Hasher, clock: Clock, secure: bool
) -> Template | Redirect:
    at = clock()
    device = device_of(request)
    back = _till_next(data.get("next", ""))
    try:
        login = await actions.sign_in_staff(
            pool,
            hasher=hasher,
            login=data.get("login", ""),
            password=data.get("password", ""),
            device=device,
            at=at,
        )
    except Refusal as refusal:
        return _page("till_login", refusal, login=data.get("login", ""), next=back)
    async with transaction(pool) as tx:
        token = await actions.start_staff_session(tx, login=login, device=device, at=at)
    to = _to(back)
    # Without an age it ends with the browser; a till is often left to the next shift.
    to.set_cookie(Cookie(key=TILL_COOKIE, value=token, path="/till", httponly=True, samesite="lax", secure=secure))
    return to


@post("/till/logout")
async def sign_out_staff(request: SignedIn, pool: Pool) -> Redirect:
    to = _to("/till/login")
    if token := request.cookies.get(TILL_COOKIE):
        async with transaction(pool) as tx:
            await actions.end_session(tx, token=token)
        to.delete_cookie(TILL_COOKIE, path="/till")
    return to


routes = [
    Router(
        "/",
        route_handlers=[
            *(handler for page in _BY_CODE for handler in _routes_of(page)),
            login,
            sign_in,
            sign_out,
            care,
            till_login,
            sign_in_staff,
            sign_out_staff,
        ],
        guards=[anyone],
    ),
    Router("/", route_handlers=[me, real_name, prove_real_name], guards=[insured]),
]
