"""The one file that knows every room and wires them: what is opened at start, who answers which route and topic."""

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from asyncpg.exceptions import CharacterNotInRepertoireError, UntranslatableCharacterError
from litestar import Litestar, Router, get
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar.types import Message, Scope
from msgspec import Struct

import yibao.credential.api
import yibao.credential.channel_api
import yibao.credential.console
import yibao.credential.counter
import yibao.credential.pages
import yibao.credential.places
import yibao.credential.real_name
import yibao.face.pages
import yibao.identity.pages
import yibao.service.authorisation.api
import yibao.service.authorisation.pages
import yibao.service.directory.api
import yibao.service.directory.pages
import yibao.service.family.console
import yibao.service.family.jobs
import yibao.service.family.pages
import yibao.service.message.jobs
import yibao.service.message.pages
import yibao.service.policy_query.pages
import yibao.service.unit.console
import yibao.service.unit.office
import yibao.service.unit.pages
import yibao.settlement.api
import yibao.settlement.jobs
import yibao.settlement.pages
import yibao.settlement.preview
import yibao.settlement.till
import yibao.site
import yibao.web.palette
from yibao import credential, face, identity, paper, rooms, settlement
from yibao.core import clock as wall
from yibao.core.clock import Clock
from yibao.core.database import Pool, open_pool
from yibao.core.numbers import Numbers
from yibao.core.outbox import Handler
from yibao.core.partner import Partner
from yibao.core.refusal import Refusal
from yibao.core.settings import Settings
from yibao.core.vault import Keys, KeysDoNotFit, Vault
from yibao.face.vision import OpenCvEngine
from yibao.identity.unionpay import RealNameByBank, UnionPayCredentials, UnionPayRealName
from yibao.service.message.in_channels import ChannelMessages, HttpChannelMessages, NoChannelMessages
from yibao.service.message.sms import HttpSms, NullSms, SmsGateway
from yibao.web import problem
from yibao.web.pages import templates
from yibao.web.principal import DEVICE_COOKIE, Principal, anyone, cookie_for, kind_at, lasting_cookie
from yibao.web.refusals import SignInFirst

BODY_SIZE_MAX = 2 * 1024 * 1024  # A camera frame; everything else is far smaller.
FILES = ("/static/", "/assets/", "/icons/", "/styles/", "/worker.js")  # The same for everybody, so kept by browsers.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class House:
    """Everything that the routes and jobs share, opened once."""

    settings: Settings
    keys: Keys
    pool: Pool
    vault: Vault
    clock: Clock
    codes: credential.Codes
    unit_codes: credential.Codes
    tokens: credential.Tokens
    gate: credential.Gate
    desk: settlement.Desk
    hasher: identity.Hasher
    bank: RealNameByBank
    sms: SmsGateway
    channels: ChannelMessages
    reader: paper.Reader
    booth: face.Booth


@asynccontextmanager
async def open_house(
    settings: Settings,
    keys: Keys,
    *,
    clock: Clock = wall.now,
    hasher: identity.Hasher | None = None,
    pool_size: int = 10,
) -> AsyncIterator[House]:
    """Open the database and the ports to the outside, and close them when the block ends.

    Raises KeysDoNotFit if the database was written with other keys.
    """
    pool = await open_pool(settings.database_url, size=pool_size)
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            vault = Vault(keys)
            await _require_keys_fit(pool, vault)
            yield furnish(
                settings,
                keys,
                pool,
                clock=clock,
                hasher=hasher or identity.Hasher(vault),
                bank=_bank(settings, client),
                sms=_sms(settings, client),
                police=_police(settings, client),
                channels=_channels(settings, client),
            )
    finally:
        await pool.close()


def furnish(
    settings: Settings,
    keys: Keys,
    pool: Pool,
    *,
    clock: Clock,
    hasher: identity.Hasher,
    bank: RealNameByBank,
    sms: SmsGateway,
    reader: paper.Reader | None = None,
    police: face.Police | None = None,
    channels: ChannelMessages | None = None,
) -> House:
    """Return the house over a pool that is open and ports that are given."""
    vault = Vault(keys)
    codes, tokens = credential.Codes(keys), credential.Tokens(keys)
    eyes = face.Eyes(OpenCvEngine(settings.home / "models"))
    judge = face.ByPolicePhoto(police or face.NoPolice(), eyes)
    return House(
        settings=settings,
        keys=keys,
        pool=pool,
        vault=vault,
        clock=clock,
        codes=codes,
        unit_codes=credential.Codes(keys, of="unit"),
        tokens=tokens,
        gate=credential.Gate(pool, codes=codes, tokens=tokens, vault=vault),
        desk=settlement.Desk(pool, numbers=Numbers(keys.numbers), tokens=tokens),
        hasher=hasher,
        bank=bank,
        sms=sms,
        channels=channels or NoChannelMessages(),
        reader=reader or paper.RapidReader(),
        booth=face.Booth(pool, vault, eyes=eyes, judge=judge),
    )


def _bank(settings: Settings, client: httpx.AsyncClient) -> RealNameByBank:
    if not settings.unionpay_url:
        return identity.NoBank()
    credentials = UnionPayCredentials.from_folder(Path(settings.unionpay_keys))
    return UnionPayRealName(client=client, url=settings.unionpay_url, credentials=credentials)


def _sms(settings: Settings, client: httpx.AsyncClient) -> SmsGateway:
    if not settings.sms_url:
        return NullSms()
    return HttpSms(Partner(client=client, url=settings.sms_url, secret=settings.sms_secret.encode()))


def _police(settings: Settings, client: httpx.AsyncClient) -> face.Police:
    if not settings.police_url:
        return face.NoPolice()
    return face.HttpPolice(Partner(client=client, url=settings.police_url, secret=settings.police_secret.encode()))


def _channels(settings: Settings, client: httpx.AsyncClient) -> ChannelMessages:
    if not settings.channels_url:
        return NoChannelMessages()
    secret = settings.channels_secret.encode()
    return HttpChannelMessages(Partner(client=client, url=settings.channels_url, secret=secret))


async def _require_keys_fit(pool: Pool, vault: Vault) -> None:
    mark = vault.index("keys", "check")
    await pool.execute("INSERT INTO core.key_check (mark) VALUES ($1) ON CONFLICT DO NOTHING", mark)
    if await pool.fetchval("SELECT mark FROM core.key_check") != mark:
        raise KeysDoNotFit


class Health(Struct, frozen=True):
    status: str


@get("/health", summary="服务是否可用", tags=["web"])
async def health(pool: Pool) -> Health:
    await pool.fetchval("SELECT 1")
    return Health("ok")


API = [
    Router("/api", route_handlers=[health], guards=[anyone]),
    *yibao.credential.api.routes,
    *yibao.service.authorisation.api.routes,
    *yibao.credential.channel_api.routes,
    *yibao.service.directory.api.routes,
    *yibao.settlement.api.routes,
]
PAGES = [
    *yibao.site.routes,
    *yibao.face.pages.routes,
    *yibao.web.palette.routes,
    *yibao.identity.pages.routes,
    *yibao.credential.counter.routes,
    *yibao.credential.pages.routes,
    *yibao.credential.real_name.routes,
    *yibao.service.directory.pages.routes,
    *yibao.credential.places.routes,
    *yibao.service.authorisation.pages.routes,
    *yibao.credential.console.routes,
    *yibao.service.family.pages.routes,
    *yibao.service.family.console.routes,
    *yibao.service.message.pages.routes,
    *yibao.service.policy_query.pages.routes,
    *yibao.service.unit.console.routes,
    *yibao.service.unit.office.routes,
    *yibao.service.unit.pages.routes,
    *yibao.settlement.pages.routes,
    *yibao.settlement.preview.routes,
    *yibao.settlement.till.routes,
]


class RecentKeys:
    """Remembers for a few seconds whose an API key is, to save a round trip; a revoked key works that long at most."""

    SECONDS = 5.0

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}

    async def institution_of(self, pool: Pool, key: str) -> str | None:
        now = time.monotonic()
        known = self._known.get(key)
        if known is not None and known[1] > now:
            return known[0]
        code = await identity.institution_of_key(pool, key)
        if code is None:
            self._known.pop(key, None)
        else:
            self._known[key] = (code, now + self.SECONDS)
        return code


def resolver(house: House) -> Callable[[ASGIConnection[Any, Any, Any, Any]], Any]:
    """Return who asks, by key for systems and by session for people. A key that is no key is refused at once."""

    keys = RecentKeys()

    async def resolve(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal | None:
        path = connection.scope["path"]
        if path.startswith(FILES):
            return None  # A stylesheet is the same for everybody; a page of three files must not ask four times.
        if path.startswith("/api/"):
            scheme, _, key = connection.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer":
                return None
            code = await keys.institution_of(house.pool, key)
            if code is None:
                raise SignInFirst
            return Principal("system", code, institution=code)
        token = connection.cookies.get(cookie_for(path))
        if not token:
            return None
        session = await identity.session(house.pool, token, house.clock())
        if session is None or not await credential.is_open(house.pool, channel=session.channel, path=path):
            return None
        principal = _holder(session)
        return principal if principal.kind == kind_at(path) else None

    return resolve


def _holder(session: identity.Session) -> Principal:
    if session.staff_login is not None:
        return Principal(
            "staff",
            session.staff_login,
            institution=session.institution,
            display_name=session.display_name,
            role=session.role,
        )
    return Principal(
        "unit" if session.unit else "insured",
        session.account_id,
        person_id=session.person_id,
        channel=session.channel,
        unit=session.unit,
    )


def create_app(house: House, *, document_pages: bool = False) -> Litestar:
    """Return the web application over an open house.

    What the routes share is asked of the house for each request, so that one application can stand in front of several.
    The OpenAPI document is for institutions' systems; `document_pages` puts the pages into it too, for the test that
    throws generated requests at every route.
    """
    here = Path(__file__).parent

    async def dress(message: Message, scope: Scope) -> None:
        """Give every answer the security headers, and every browser a mark of its own."""
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        path = scope["path"]
        for name, value in SECURITY_HEADERS.items():
            if name == "cache-control" and path.startswith(FILES):
                value = "public, max-age=3600"
            headers[name] = value
        if headers.get("content-type", "").startswith("text/html"):
            connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
            if not connection.cookies.get(DEVICE_COOKIE):
                cookie = lasting_cookie(DEVICE_COOKIE, secrets.token_urlsafe(24), secure=house.settings.secure)
                headers.add("set-cookie", cookie.to_header(header=""))

    def given(share: Callable[[], Any]) -> Provide:
        return Provide(share, sync_to_thread=False)

    return Litestar(
        [
            *API,
            Router("/", route_handlers=PAGES, include_in_schema=document_pages),
            create_static_files_router("/static", [here / "web" / "static"], guards=[anyone]),
            create_static_files_router("/assets", [house.settings.home / "assets"], guards=[anyone]),
        ],
        dependencies={
            "pool": given(lambda: house.pool),
            "vault": given(lambda: house.vault),
            "clock": given(lambda: house.clock),
            "codes": given(lambda: house.codes),
            "unit_codes": given(lambda: house.unit_codes),
            "gate": given(lambda: house.gate),
            "desk": given(lambda: house.desk),
            "policies": given(lambda: house.desk.policies),
            "hasher": given(lambda: house.hasher),
            "bank": given(lambda: house.bank),
            "channel_names": given(lambda: partial(credential.channel_names, house.pool)),
            "booth": given(lambda: house.booth),
            "secure": given(lambda: house.settings.secure),
            "public_url": given(lambda: house.settings.public_url),
        },
        state=State({"resolve": resolver(house), "house": house}),
        exception_handlers={
            Refusal: problem.on_refusal,
            HTTPException: problem.on_http_exception,
            RecursionError: problem.on_unreadable,
            UnicodeError: problem.on_unreadable,
            CharacterNotInRepertoireError: problem.on_unreadable,
            UntranslatableCharacterError: problem.on_unreadable,
            Exception: problem.on_error,
        },
        csrf_config=CSRFConfig(
            secret=hashlib.sha256(b"csrf" + house.keys.tokens).hexdigest(),
            cookie_name="yb_csrf",
            cookie_httponly=True,
            cookie_secure=house.settings.secure,
            exclude=["^/api/"],
        ),
        template_config=TemplateConfig(instance=templates(rooms.RENDERED)),
        openapi_config=OpenAPIConfig(
            title="Yibao 医保", version="1", path="/docs/api", render_plugins=[JsonRenderPlugin()]
        ),
        before_send=[dress],
        request_max_body_size=BODY_SIZE_MAX,
        logging_config=None,
    )


def handlers(house: House) -> dict[str, list[Handler]]:
    """Return who hears of which topic; the worker hands each event to all of them."""
    heard: dict[str, list[Handler]] = {}
    for subscriptions in (
        yibao.settlement.jobs.handlers(house.pool),
        yibao.service.family.jobs.handlers(house.pool, vault=house.vault, reader=house.reader, clock=house.clock),
        yibao.service.message.jobs.handlers(
            house.pool, vault=house.vault, sms=house.sms, channels=house.channels, clock=house.clock
        ),
    ):
        for topic, handler in subscriptions.items():
            heard.setdefault(topic, []).append(handler)
    return heard
