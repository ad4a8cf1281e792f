"""渠道与设备: where the code is active and which channels lead here, and ending each of these from any of them."""

from datetime import datetime
from urllib.parse import urlencode

from litestar import get, post
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao import face, identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import actions, arrivals, channels, queries, refusals, rules
from yibao.credential.pages.shell import Form, browser_of, check_password, redirect, show
from yibao.credential.types import Device
from yibao.web.principal import SignedIn, device_of

LIST = "/me/channels"
OWN_HOTLINE = "12393"


class Active(Struct, frozen=True):
    """One activation as its owner sees it."""

    activation_id: str
    channel: str
    since: datetime
    here: bool
    lent: bool  # On a relative's phone.
    of_family: bool  # On this person's phone, but only what relatives lent to them.
    hotline: str
    suspended: bool


async def _active(request: SignedIn, pool: Pool, person_id: str) -> list[Active]:
    known = {channel.code: channel for channel in await queries.channels(pool)}
    own = await queries.channel_name(pool, channels.WEB)
    here, account_id = browser_of(request), request.auth.subject
    found = []

    def add(one: Device | queries.Lent, *, here: bool, lent: bool = False, of_family: bool = False) -> None:
        party = known.get(one.channel)
        found.append(
            Active(
                activation_id=one.activation_id,
                channel=party.name if party else own,
                since=one.activated_at,
                here=here,
                lent=lent,
                of_family=of_family,
                hotline=party.hotline if party else OWN_HOTLINE,
                suspended=party is not None and party.state == "suspended",
            )
        )

    for device in await queries.devices(pool, person_id):
        if device.unbound_at is None:
            add(device, here=device.browser == here, lent=device.account_id != account_id)
    for phone in await queries.phones_with_lent_codes(pool, person_id, account_id):
        add(phone, here=phone.browser == rules.lent_browser(here, account_id), of_family=True)
    return found


class Linked(Struct, frozen=True):
    """A channel whose users are led to this account."""

    code: str
    name: str
    users: int


async def _linked(request: SignedIn, pool: Pool) -> list[Linked]:
    names = await queries.channel_names(pool)
    found = await identity.linked_channels(pool, request.auth.subject)
    return [Linked(code, names.get(code, code), users) for code, users in found]


@get(LIST)
async def listed(request: SignedIn, pool: Pool) -> Template | Redirect:
    person_id = request.auth.person_id
    if person_id is None:
        return redirect("/me/bind", next=LIST)
    return show(
        "devices",
        active=await _active(request, pool, person_id),
        linked=await _linked(request, pool),
        done=request.query_params.get("done", ""),
    )


async def _asked(
    request: SignedIn, pool: Pool, *, person_id: str, activation_id: str, refusal: Refusal | None = None
) -> Template | Redirect:
    chosen = next((one for one in await _active(request, pool, person_id) if one.activation_id == activation_id), None)
    if chosen is None:
        return redirect(LIST)
    return show("unbind_one", refusal, one=chosen)


@get("/me/channels/unbind")
async def ask_unbind_one(request: SignedIn, pool: Pool) -> Template | Redirect:
    person_id = request.auth.person_id
    if person_id is None:
        return redirect("/me/bind", next=LIST)
    return await _asked(request, pool, person_id=person_id, activation_id=request.query_params.get("activation", ""))


@post("/me/channels/unbind", status_code=200)
async def unbind_one(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """End one activation by the transaction password, or begin the check of the face once the explanation is agreed."""
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return redirect("/me/bind", next=LIST)
    activation_id = data.get("activation", "")
    try:
        if data.get("by") == "face":
            return await _to_face(request, pool, vault, activation_id=activation_id, agreed=data.get("agreed"), at=at)
        await check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await actions.unbind_device(
                tx, person_id=person_id, activation_id=activation_id, by="person", keep=browser_of(request), at=at
            )
    except refusals.ActivationUnknown:
        return redirect(LIST)
    except Refusal as refusal:
        return await _asked(request, pool, person_id=person_id, activation_id=activation_id, refusal=refusal)
    return redirect(LIST, done=1)


async def _to_face(
    request: SignedIn, pool: Pool, vault: Vault, *, activation_id: str, agreed: str | None, at: datetime
) -> Redirect:
    """Refusals: UnbindingNotAgreed."""
    if agreed != "1":
        raise refusals.UnbindingNotAgreed
    account = await identity.account(pool, vault, request.auth.subject)
    subject = face.Subject(account.name or "", account.cert_type or "", account.cert_no or "")
    back = f"/me/channels/unbound?{urlencode({'activation': activation_id})}"
    async with transaction(pool) as tx:
        check_id = await face.begin(
            tx, vault, purpose="unbind", subject=subject, device=device_of(request), back=back, at=at
        )
    return redirect(f"/face/{check_id}")


@get("/me/channels/unbound")
async def unbind_by_face(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Take the proof of the face, whose page leads back here, and end the activation for which it was asked."""
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return redirect("/me/bind", next=LIST)
    activation_id, check_id = (request.query_params.get(name, "") for name in ("activation", "face"))
    if not check_id:
        return redirect("/me/channels/unbind", activation=activation_id)
    try:
        async with transaction(pool) as tx:
            account = await identity.account(tx, vault, request.auth.subject)
            subject = await face.spend(tx, vault, check_id=check_id, purpose="unbind", device=device_of(request), at=at)
            if (subject.cert_type, subject.cert_no) != (account.cert_type, account.cert_no):
                raise refusals.NotYourself
            await actions.unbind_device(
                tx, person_id=person_id, activation_id=activation_id, by="person", keep=browser_of(request), at=at
            )
    except refusals.ActivationUnknown:
        return redirect(LIST)
    except Refusal as refusal:
        return await _asked(request, pool, person_id=person_id, activation_id=activation_id, refusal=refusal)
    return redirect(LIST, done=1)


# A channel that leads here.


async def _asked_to_unlink(
    request: SignedIn, pool: Pool, *, code: str, refusal: Refusal | None = None
) -> Template | Redirect:
    chosen = next((one for one in await _linked(request, pool) if one.code == code), None)
    return redirect(LIST) if chosen is None else show("unlink", refusal, one=chosen)


@get("/me/channels/unlink")
async def ask_unlink(request: SignedIn, pool: Pool) -> Template | Redirect:
    return await _asked_to_unlink(request, pool, code=request.query_params.get("channel", ""))


@post("/me/channels/unlink", status_code=200)
async def unlink(
    request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Lead a channel's users here no longer, and end the codes that are active there; again changes nothing."""
    person_id, code, at = request.auth.person_id, data.get("channel", ""), clock()
    if person_id is None:
        return redirect("/me/bind", next=LIST)
    try:
        await check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            if code in [channel for channel, _ in await identity.linked_channels(tx, request.auth.subject)]:
                await actions.unbind_channel(tx, person_id=person_id, channel=code, by="person", at=at)
                await arrivals.leave(tx, account_id=request.auth.subject, channel=code)
    except Refusal as refusal:
        return await _asked_to_unlink(request, pool, code=code, refusal=refusal)
    return redirect(LIST, done="unlinked")
