"""The sandbox as one program: a start page, the counterparts, their switches."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, get
from litestar.datastructures import ResponseHeader
from litestar.exceptions import HTTPException
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig
from litestar.types import ASGIApp, Scope

from yibao.core.clock import Clock, now
from yibao.core.money import yuan_text
from yibao.sandbox import papers, police, sms, unionpay
from yibao.sandbox.channels import ChannelDesk, channel_routes
from yibao.sandbox.hospital import Hospital, hospital_routes
from yibao.sandbox.police import Photos, police_routes
from yibao.sandbox.sms import Inbox, sms_routes
from yibao.sandbox.switches import Switches, switch_routes
from yibao.sandbox.unionpay import BankCustomer, UnionPayKeys, unionpay_routes
from yibao.sandbox.world import PLACES, Institution, Person, Unit

_log = structlog.get_logger(__name__)

_TEMPLATES = Path(__file__).parent / "templates"
_BODY_SIZE_MAX = 64 * 1024

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under that browsers send forms with "Origin: null", which the switches would refuse.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

# National codes → the words on the start page.
_WORDS = {
    "310": "职工医保",
    "390": "居民医保",
    "0": "未参保",
    "1": "正常参保",
    "2": "暂停参保",
    "3": "无效参保",
    "4": "终止参保",
    "normal": "正常",
    "lost": "已挂失",
    "frozen": "已冻结",
    "inactive": "医保功能未启用",
    "pharmacy": "药店",
    "hospital": "医院",
    "none": "未定级",
    "community": "基层",
    "secondary": "二级",
    "tertiary": "三级",
}

# National psn_cert_type → UnionPay's certifTp; what it does not list is 99.
_CERTIF_TP = {"01": "01", "02": "02", "03": "06", "04": "04", "05": "04", "06": "05", "08": "03", "16": "03"}


@dataclass(frozen=True, slots=True)
class Link:
    """A door of the platform: what it is called and where it stands."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class StartPage:
    """What the start page shows besides the people."""

    institutions: Sequence[Institution]
    demo_password: str
    links: Sequence[Link] = ()
    units: Sequence[Unit] = ()


def create_app(
    *,
    people: Iterable[Person],
    start_page: StartPage,
    sms_secret: bytes,
    unionpay_keys: UnionPayKeys,
    channels: ChannelDesk | None = None,
    police_secret: bytes = b"",
    police_photos: Photos | None = None,
    sms_app_id: str = "yibao",
    hospital: Hospital | None = None,
    clock: Clock = now,
) -> Litestar:
    """Return the sandbox for these people. The start page lists those of them with something to tell.

    Without `police_secret` nobody can ask the police bureau.
    """
    known = tuple(people)
    customers = _bank_customers(known)
    papers_there = papers.pages(known)
    switches = Switches((police.COUNTERPART, sms.COUNTERPART, unionpay.COUNTERPART))
    told = [person for person in known if person.special]

    @get("/")
    async def start() -> Template:
        return Template(
            "start.html",
            context={"people": told, "people_count": len(known), "start_page": start_page, "papers": papers_there},
        )

    style = (_TEMPLATES / "sandbox.css").read_text(encoding="utf-8")

    @get("/sandbox.css", media_type="text/css")
    async def stylesheet() -> str:
        return style

    return Litestar(
        [
            start,
            stylesheet,
            papers.paper_routes(papers_there),
            switch_routes(switches),
            hospital_routes(hospital or Hospital()),
            sms_routes(inbox=Inbox(), switches=switches, app_id=sms_app_id, secret=sms_secret, clock=clock),
            police_routes(
                people=known,
                photos=police_photos or Photos(),
                switches=switches,
                app_id=sms_app_id,
                secret=police_secret or secrets.token_bytes(32),
                clock=clock,
            ),
            unionpay_routes(keys=unionpay_keys, customer_of=customers.get, switches=switches),
            channel_routes(
                desk=channels or ChannelDesk(keys={}), people=known, app_id=sms_app_id, secret=sms_secret, clock=clock
            ),
        ],
        after_exception=[_log_failure],
        logging_config=None,  # Litestar's would make every library of the process log its requests, phones included.
        openapi_config=None,
        request_max_body_size=_BODY_SIZE_MAX,
        response_headers=[ResponseHeader(name=name, value=value) for name, value in _HEADERS.items()],
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(_environment())),
    )


@asynccontextmanager
async def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the app in this event loop while the block runs and yield its address; port 0 takes a free one.

    The socket listens before the server runs, so a request made at once waits in its queue and is not refused.
    """
    with socket.create_server((host, port)) as listener:
        # asyncio sets this only on sockets that were made with a protocol number; without it each answer waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def _log_failure(error: Exception, scope: Scope) -> None:
    if not isinstance(error, HTTPException):
        _log.error("sandbox.failed", exc_info=error)


def _bank_customers(people: Iterable[Person]) -> dict[str, BankCustomer]:
    return {
        person.bank_card: BankCustomer(
            name=person.name,
            cert_type=_CERTIF_TP.get(person.cert_type, "99"),
            cert_no=person.cert_no,
            phone=person.bank_phone,
        )
        for person in people
        if person.bank_card
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["word"] = lambda code: _WORDS.get(code, code)
    environment.filters["place"] = lambda code: PLACES[code].name if code in PLACES else code
    environment.filters["yuan"] = yuan_text
    return environment
