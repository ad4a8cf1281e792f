"""渠道准入 and 医保码解绑 for clerks: who may bring people here, and ending somebody's codes when they call.

Whoever looks at a person says why, and the person can see it. What stands in an address is the code of a channel,
which is a public thing; whom a clerk looks for travels in the form.
"""

from datetime import datetime, time, timedelta

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from yibao import identity, registry
from yibao.core.clock import BEIJING, Clock, day_of
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import actions, channels, queries, refusals
from yibao.credential.pages.shell import Form, redirect, show
from yibao.credential.types import Channel, Clerk
from yibao.web.principal import SignedIn, clerk

KEY_LASTS = timedelta(days=365)


def _clerk(request: SignedIn) -> Clerk:
    return Clerk(request.auth.subject, request.auth.display_name)


# 渠道准入.


async def _list(pool: Pool, given: dict[str, str], refusal: Refusal | None = None) -> Template:
    return show(
        "console/channels",
        refusal,
        channels=await queries.channels(pool),
        given=given,
        functions=channels.FUNCTIONS,
        kinds=channels.KINDS,
        states=channels.STATES,
    )


@get("/console/channels")
async def listed(pool: Pool) -> Template:
    return await _list(pool, {})


def _channel_of(code: str, data: dict[str, str]) -> Channel:
    """Return the channel as the form describes it. Refusals: ChannelMalformed."""
    facts = {
        "code": code,
        "name": data.get("name", "").strip(),
        "kind": data.get("kind", ""),
        "functions": tuple(name for name in channels.FUNCTIONS if data.get(f"may_{name}") == "1"),
        "hotline": data.get("hotline", "").strip(),
        "contact": data.get("contact", "").strip(),
        "returns": tuple(data.get("returns", "").split()),
        "own_bank_card": data.get("own_bank_card") == "1",
        "way": data.get("way", "").strip(),
        "address": data.get("address", "").strip(),
    }
    try:
        return msgspec.convert(facts, Channel)
    except msgspec.ValidationError:
        raise refusals.ChannelMalformed(what="请从列表中选择类别和功能。") from None


@post("/console/channels", status_code=200)
async def apply(request: SignedIn, data: Form, pool: Pool, clock: Clock) -> Template | Redirect:
    code = data.get("code", "").strip()
    try:
        channel = _channel_of(code, data)
        async with transaction(pool) as tx:
            if await queries.channel(tx, code) is not None:
                raise refusals.ChannelMalformed(what="这个渠道编码已经有了，请从列表进入修改。")
            await channels.register(tx, channel, clerk=_clerk(request), at=clock())
    except Refusal as refusal:
        return await _list(pool, data, refusal)
    return redirect(f"/console/channels/{code}")


async def _one(pool: Pool, code: str, clock: Clock, refusal: Refusal | None = None) -> Template:
    """Refusals: ChannelUnknown."""
    channel = await queries.channel(pool, code)
    if channel is None:
        raise refusals.ChannelUnknown
    at = clock()
    today = day_of(at)
    return show(
        "console/channel",
        refusal,
        channel=channel,
        keys=[(key, key.holds(at)) for key in await queries.channel_keys(pool, code)],
        changes=await queries.channel_changes(pool, code),
        functions=channels.FUNCTIONS,
        kinds=channels.KINDS,
        states=channels.STATES,
        from_on=today,
        until_on=today + KEY_LASTS,
    )


@get("/console/channels/{channel:str}")
async def one(pool: Pool, clock: Clock, channel: FromPath[str]) -> Template:
    return await _one(pool, channel, clock)


@post("/console/channels/{channel:str}", status_code=200)
async def change(
    request: SignedIn, data: Form, pool: Pool, clock: Clock, channel: FromPath[str]
) -> Template | Redirect:
    """Do what the button says: change the facts, let the channel in or stop it, add a key or revoke one."""
    try:
        async with transaction(pool) as tx:
            await _change(tx, channel, data, clerk=_clerk(request), at=clock())
    except Refusal as refusal:
        return await _one(pool, channel, clock, refusal)
    return redirect(f"/console/channels/{channel}")


async def _change(tx: Tx, code: str, data: dict[str, str], *, clerk: Clerk, at: datetime) -> None:
    match data.get("do", ""):
        case "facts":
            if await queries.channel(tx, code) is None:
                raise refusals.ChannelUnknown
            await channels.register(tx, _channel_of(code, data), clerk=clerk, at=at)
        case "add_key":
            await channels.add_key(
                tx,
                code=code,
                public=data.get("public", ""),
                valid_from=_midnight(data.get("from_on", "")),
                valid_until=_midnight(data.get("until_on", "")),
                clerk=clerk,
                at=at,
            )
        case "revoke_key":
            await channels.revoke_key(tx, code=code, key_id=data.get("key_id", ""), clerk=clerk, at=at)
        case "active" | "suspended" as to:
            await channels.move(tx, code=code, to=to, reason=data.get("reason", ""), clerk=clerk, at=at)
        case _:
            raise refusals.ChannelMoveIllegal


def _midnight(day: str) -> datetime:
    """Return the beginning of a day. Refusals: KeyMalformed."""
    try:
        return datetime.combine(datetime.strptime(day, "%Y-%m-%d").date(), time(), BEIJING)  # noqa: DTZ007
    except ValueError:
        raise refusals.KeyMalformed from None


# 医保码解绑.


@get("/console/credentials")
async def ask() -> Template:
    return show("console/credentials", found=None, given={}, cert_types=identity.CERT_TYPES, done="")


@post("/console/credentials", status_code=200)
async def look(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template:
    """Show where somebody's code is active, and end one activation, all of them, or the binding where `do` says so."""
    found: dict[str, object] | None = None
    refusal: Refusal | None = None
    done = ""
    try:
        async with transaction(pool) as tx:
            reason = channels.reason_of(data.get("reason", ""))
            person_id = await _find(tx, vault, data)
            done = await _end(tx, person_id, data, login=request.auth.subject, at=clock())
            await registry.note_look(
                tx,
                vault,
                person_id=person_id,
                looker=request.auth.subject,
                looker_name=request.auth.display_name,
                purpose=f"医保码{done or '激活情况查询'}：{reason}",
                at=clock(),
            )
            found = await _found(tx, vault, person_id)
    except Refusal as refused:
        refusal = refused
    return show("console/credentials", refusal, found=found, given=data, cert_types=identity.CERT_TYPES, done=done)


async def _find(tx: Tx, vault: Vault, data: dict[str, str]) -> str:
    """Refusals: NobodyFound."""
    number = data.get("number", "").strip()[:40]
    if data.get("by") == "card":
        card = await registry.find_by_card(tx, vault, number)
        person_id = card.person_id if card else None
    else:
        person_id = await registry.find_by_certificate(tx, vault, data.get("by", ""), number)
    if person_id is None:
        raise refusals.NobodyFound
    return person_id


async def _end(tx: Tx, person_id: str, data: dict[str, str], *, login: str, at: datetime) -> str:
    """Do what the button says and return it in words. Refusals, first that applies: ActivationUnknown, NotBound."""
    match data.get("do", ""):
        case "one":
            channel = await actions.unbind_device(
                tx, person_id=person_id, activation_id=data.get("activation", ""), by=login, at=at
            )
            return f"解绑（{await queries.channel_name(tx, channel)}）"
        case "all":
            await actions.unbind_channel(tx, person_id=person_id, channel="", by=login, at=at)
            return "全部解绑"
        case "binding":
            held = await queries.holder(tx, person_id)
            if held is None or not held.account_id:
                raise refusals.NotBound
            await actions.unbind_channel(tx, person_id=person_id, channel="", by=login, at=at)
            await actions.unbind(tx, person_id=person_id, account_id=held.account_id, at=at)
            return "解除账户绑定"
    return ""


async def _found(tx: Tx, vault: Vault, person_id: str) -> dict[str, object]:
    person = await registry.person(tx, vault, person_id)
    held = await queries.holder(tx, person_id)
    account_id = held.account_id if held else None
    names = await queries.channel_names(tx)
    phones = await queries.phones_with_lent_codes(tx, person_id, account_id) if account_id else []
    return {
        "name": registry.masked_name(person.name),
        "cert_no": registry.masked_certificate(person.cert_no),
        "bound": bool(account_id),
        "place": await registry.region_name(tx, held.place) if held else "",
        "phones": [(phone, names.get(phone.channel, phone.channel)) for phone in phones],
        "devices": [
            (
                device,
                names.get(device.channel, device.channel),
                device.unbound_at is None and device.account_id != account_id,  # On a relative's phone.
            )
            for device in await queries.devices(tx, person_id)
        ],
    }


routes = [Router("/", route_handlers=[listed, apply, one, change, ask, look], guards=[clerk])]
