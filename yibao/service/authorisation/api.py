"""Asking for authorisation from an institution's own pages and systems.

The person's answer is fetched, not pushed: no address of the institution's is called or led to, so none can be abused.
"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from yibao import credential
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.vault import Vault
from yibao.credential import draw
from yibao.service.authorisation import actions, queries, refusals
from yibao.service.authorisation.types import Request, State
from yibao.web.principal import SignedIn, institution

_Plain = Meta(pattern=r"^[^\x00-\x1f]*$")


class AskRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for. `request_id` is the caller's own number; `token` that of a scan, if the person is there."""

    request_id: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z._:-]+$")]
    scopes: Annotated[list[Annotated[str, Meta(max_length=32), _Plain]], Meta(min_length=1, max_length=16)]
    purpose: Annotated[str, Meta(min_length=1, max_length=200), _Plain]
    days: Annotated[int, Meta(ge=0, le=100_000)] = 0
    token: Annotated[str, Meta(min_length=1, max_length=64), _Plain] | None = None


class Asked(Struct, frozen=True):
    """Where the person answers: `link` as a link, `qr` as a picture of it; `number` is shown on both screens."""

    authorisation_id: str
    link: str
    qr: str
    number: str
    expires_at: datetime
    state: State


class Status(Struct, frozen=True):
    """How a request stands; `auth_no` once it is allowed, to be used once within 15 minutes."""

    state: State
    expires_at: datetime
    auth_no: str | None = None


class CheckRequest(Struct, frozen=True, forbid_unknown_fields=True):
    auth_no: Annotated[str, Meta(min_length=1, max_length=64), _Plain]


class ReadRequest(Struct, frozen=True, forbid_unknown_fields=True):
    token: Annotated[str, Meta(min_length=1, max_length=64), _Plain]


class AllowedData(Struct, frozen=True):
    """What was allowed. `subject` is the same for the same person at this institution, and another elsewhere."""

    token: str
    subject: str
    scopes: tuple[str, ...]
    until: datetime
    data: dict[str, Any]


def _asked(request: SignedIn, of: Request, public_url: str) -> Asked:
    base = public_url or str(request.base_url)
    link = f"{base.rstrip('/')}/authorise/{of.request_id}"
    return Asked(of.request_id, link, draw.qr(link), of.number, of.expires_at, of.state)


@post("/authorisations", summary="申请授权：登录、身份或参保情况")
async def ask(
    request: SignedIn, data: JSONBody[AskRequest], pool: Pool, gate: credential.Gate, clock: Clock, public_url: str
) -> Asked:
    async with transaction(pool) as tx:
        asked = await actions.ask(
            tx,
            gate.tokens,
            institution=request.auth.institution,
            caller_id=data.request_id,
            scopes=data.scopes,
            purpose=data.purpose,
            days=data.days,
            token=data.token,
            at=clock(),
        )
    return _asked(request, asked, public_url)


@get("/authorisations/{request_id:str}", summary="查询授权申请：待答复、已允许、已拒绝、已过期、已撤回")
async def status(request: SignedIn, request_id: FromPath[str], pool: Pool, clock: Clock) -> Status:
    found = await queries.request(pool, request_id, at=clock())
    if found.institution != request.auth.institution:
        raise refusals.RequestUnknown
    return Status(found.state, found.expires_at, found.auth_no)


@post("/authorisations/check", status_code=200, summary="用授权编号换取凭据和授权的信息，一次")
async def check(
    request: SignedIn, data: JSONBody[CheckRequest], pool: Pool, vault: Vault, gate: credential.Gate, clock: Clock
) -> AllowedData:
    async with transaction(pool) as tx:
        allowed = await actions.check(
            tx, vault, gate.tokens, auth_no=data.auth_no, institution=request.auth.institution, at=clock()
        )
    return AllowedData(allowed.token, allowed.subject, allowed.scopes, allowed.until, allowed.data)


@post("/authorisations/read", status_code=200, summary="限期授权：再次读取授权的信息")
async def read(
    request: SignedIn, data: JSONBody[ReadRequest], pool: Pool, vault: Vault, gate: credential.Gate, clock: Clock
) -> AllowedData:
    async with transaction(pool) as tx:
        allowed = await actions.read(
            tx, vault, gate.tokens, token=data.token, institution=request.auth.institution, at=clock()
        )
    return AllowedData(allowed.token, allowed.subject, allowed.scopes, allowed.until, allowed.data)


routes = [
    Router("/api", route_handlers=[ask, status, check, read], guards=[institution], tags=["authorisation"]),
]
