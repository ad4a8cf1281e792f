"""What channels' servers ask: a ticket for one of their users, and unbinding for their hotline.

Calls are signed (`signing`). The body is read only after its signature was found right, so nobody learns from the
answers what a body may hold.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request, Response, Router, post
from litestar.params import RawBody
from msgspec import Meta, Struct

from yibao import identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.vault import Vault
from yibao.credential import actions, arrivals, channels, refusals
from yibao.credential.types import Claim
from yibao.web.principal import anyone
from yibao.web.refusals import Malformed

_User = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,128}\Z")]
_Menu = Literal["activate", "code", "unbind", "family", "bills", "records", "insurance", "services"]


class RealName(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose account it is there; `cert_type` is the national psn_cert_type."""

    name: Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,60}\Z")]
    cert_type: Annotated[str, Meta(pattern=r"\A[0-9]{2}\Z")]
    cert_no: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{4,40}\Z")]

    def __repr__(self) -> str:
        return "RealName(…)"


class EntryRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Who comes, which page they want, and where they come from."""

    user: _User
    menu: _Menu
    back: Annotated[str, Meta(max_length=500)]
    phone: Annotated[str, Meta(pattern=r"\A([0-9]{5,20})?\Z")] = ""
    real_name: RealName | None = None
    own_bank_card: bool = False


class Ticket(Struct, frozen=True):
    """Where the user's browser should go on our site; it leads in once, within two minutes."""

    ticket: str
    path: str
    expires_in: int


class UnbindingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose code should end in this channel, and what the hotline was told."""

    user: _User
    reason: Annotated[str, Meta(min_length=2, max_length=100)]


class Unbound(Struct, frozen=True):
    """On how many phones the code was active in this channel, and is no more."""

    unbound: int


_Body = TypeVar("_Body")


async def _call(request: Request[Any, Any, Any], body: bytes, pool: Pool, clock: Clock) -> channels.Call:
    return await channels.authenticated(
        pool,
        header=request.headers.get("authorization", ""),
        method=request.method,
        path=request.scope["path"],
        body=body,
        peer=request.client.host if request.client else "",
        at=clock(),
    )


def _read(body: bytes, kind: type[_Body]) -> _Body:
    """Refusals: web.Malformed."""
    decoded: Callable[..., _Body] = msgspec.json.decode
    try:
        return decoded(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Malformed(what="报文格式不符合接口说明。") from None


@post("/entries", summary="渠道用户进入：换取一次性入口", status_code=201)
async def admit(
    request: Request[Any, Any, Any], body: RawBody, pool: Pool, vault: Vault, clock: Clock
) -> Response[Ticket]:
    call = await _call(request, body, pool, clock)
    wanted = _read(body, EntryRequest)
    named = wanted.real_name or RealName("", "", "")
    claim = Claim(
        user=wanted.user,
        phone=wanted.phone,
        name=identity.plain_name(named.name),
        cert_type=named.cert_type,
        cert_no=named.cert_no.upper(),
        own_bank_card=wanted.own_bank_card,
        back=wanted.back,
    )
    at = clock()
    async with transaction(pool) as tx:
        await channels.spend_nonce(tx, call, at=at)
        ticket = await arrivals.admit(tx, vault, channel=call.channel, claim=claim, menu=wanted.menu, at=at)
    return Response(Ticket(ticket, f"/enter/{ticket}", int(arrivals.TICKET_LASTS.total_seconds())), status_code=201)


@post("/unbindings", summary="渠道客服解绑：让一个用户在本渠道的医保码失效", status_code=200)
async def unbind(
    request: Request[Any, Any, Any], body: RawBody, pool: Pool, vault: Vault, clock: Clock
) -> Response[Unbound]:
    call = await _call(request, body, pool, clock)
    wanted = _read(body, UnbindingRequest)
    async with transaction(pool) as tx:
        at = clock()
        await channels.spend_nonce(tx, call, at=at)
        channels.require_function(call.channel, "unbind")
        person_id = await _person_of(tx, vault, channel=call.channel.code, user=wanted.user)
        reason, ended = channels.reason_of(wanted.reason), 0
        if person_id is not None:
            ended = await actions.unbind_channel(
                tx,
                person_id=person_id,
                channel=call.channel.code,
                by="channel",
                at=at,
            )
            await registry.note_look(
                tx,
                vault,
                person_id=person_id,
                looker=call.channel.code,
                looker_name=f"{call.channel.name}客服",
                purpose=f"医保码解绑：{reason}",
                at=at,
            )
    return Response(Unbound(ended), status_code=200)


async def _person_of(tx: Tx, vault: Vault, *, channel: str, user: str) -> str | None:
    """Refusals: ChannelUserUnknown."""
    account_id = await identity.find_channel_account(tx, vault, channel=channel, user=user)
    if account_id is None:
        raise refusals.ChannelUserUnknown
    return (await identity.account(tx, vault, account_id)).person_id


routes = [Router("/api/channel", route_handlers=[admit, unbind], guards=[anyone], tags=["channel"])]
