"""Activating in a channel: 选择参保地 and the terms, 人脸识别, 确认信息, 激活成功; without a card number."""

import re
from datetime import datetime

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import face, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import arrivals, by_face, channels, queries, refusals, rules
from yibao.credential.pages.shell import (
    Form,
    browser_of,
    by_channel,
    check_password,
    next_of,
    redirect,
    show,
)
from yibao.web.pages import safe_next
from yibao.web.principal import SESSION_COOKIE, SignedIn, device_of, lasting_cookie

# ① 选择参保地.

# What comes after the code, for whoever came for something else: else activating looks like the wrong way.
AFTERWARDS = {
    "/me/channels": "先确认是您本人，办完会回到渠道与设备，就能解绑其他手机上的医保码。",
    "/me/unbind": "先确认是您本人，办完会回到解除绑定。",
    "/family": "先激活您本人的医保码，办完会回到亲情账户，继续添加家人。",
    "/bills": "先激活您本人的医保码，办完会回到待缴费的账单。",
}


def _afterwards(back: str) -> str:
    return next((says for path, says in AFTERWARDS.items() if re.match(rf"{path}(?![^/?])", back)), "")


async def _first(
    request: SignedIn, pool: Pool, *, place: str, agreed: bool, back: str, refusal: Refusal | None = None
) -> Template:
    """Offer the person's own places where they are known, else the provinces and cities of the national list."""
    async with transaction(pool) as tx:
        person_id = request.auth.person_id
        return show(
            "by_face/place",
            refusal,
            channel=await queries.channel_name(tx, request.auth.channel),
            places=await queries.place_choices(tx, person_id) if person_id else [],
            cities=[] if person_id else await registry.cities(tx),
            place=place,
            agreed=agreed,
            next=back,
            afterwards=_afterwards(back),
        )


@get("/activate")
async def choose(request: SignedIn, pool: Pool) -> Template | Redirect:
    back = next_of(request)
    if not by_channel(request):
        return redirect("/code/activate", next=back)
    return await _first(request, pool, place="", agreed=False, back=back)


@post("/activate", status_code=200)
async def begin(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    back = safe_next(data.get("next", "/code"))
    place, agreed = data.get("place", ""), data.get("agreed") == "1"
    if not by_channel(request):
        return redirect("/code/activate", next=back)
    try:
        async with transaction(pool) as tx:
            await by_face.begin(
                tx,
                vault,
                account_id=request.auth.subject,
                channel=request.auth.channel,
                browser=browser_of(request),
                place=place,
                agreed=agreed,
                back=back,
                at=clock(),
            )
    except Refusal as refusal:
        return await _first(request, pool, place=place, agreed=agreed, back=back, refusal=refusal)
    return redirect("/activate/who")


# ② 人脸识别.


async def _second(
    request: SignedIn,
    pool: Pool,
    vault: Vault,
    *,
    given: dict[str, str],
    otherwise: bool = False,
    refusal: Refusal | None = None,
) -> Template:
    """Show the second step; with the ways without the face first, where that is what somebody wants (`otherwise`)."""
    account_id, channel = request.auth.subject, request.auth.channel
    owner: face.Subject | None = None
    try:
        owner = await by_face.owner_of(pool, vault, account_id=account_id, channel=channel)
    except refusals.NotYourself as mismatch:
        refusal = refusal or mismatch
    return show(
        "by_face/who",
        refusal,
        channel=await queries.channel_name(pool, channel),
        name=registry.masked_name(owner.name) if owner else "",
        cert_no=registry.masked_certificate(owner.cert_no) if owner else "",
        cert_type=identity.CERT_TYPES.get(owner.cert_type, "其他证件") if owner else "",
        cert_types=identity.CERT_TYPES,
        given=given,
        otherwise=otherwise,
        proved=await arrivals.proved_owner(pool, vault, account_id) is not None,
    )


@get("/activate/who")
async def who(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    if not by_channel(request):
        return redirect("/code/activate")
    again, device = request.query_params.get("again", ""), device_of(request)
    given = await face.typed_for(pool, vault, check_id=again, purpose="activate", device=device, at=clock())
    return await _second(request, pool, vault, given=given, otherwise="again" in request.query_params)


@post("/activate/who", status_code=200)
async def ask_face(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    typed = None
    try:
        if data.get("whom") == "family":
            raise refusals.NotYourself
        if "cert_no" in data:
            typed = identity.subject(data.get("name", ""), data.get("cert_type", ""), data["cert_no"])
        async with transaction(pool) as tx:
            check_id = await by_face.ask_face(
                tx,
                vault,
                account_id=request.auth.subject,
                channel=request.auth.channel,
                browser=browser_of(request),
                device=device_of(request),
                typed=typed,
                at=clock(),
            )
    except refusals.ActivationNotBegun:
        return redirect("/activate")
    except Refusal as refusal:
        return await _second(request, pool, vault, given=data, refusal=refusal)
    return redirect(f"/face/{check_id}")


@get(by_face.FACE_PATH)
async def prove(request: SignedIn, pool: Pool, vault: Vault, clock: Clock, secure: bool) -> Template | Redirect:
    """Take the proof. Whoever has an account already goes on in it, so the browser may be given another session."""
    account_id, channel, at = request.auth.subject, request.auth.channel, clock()
    browser, device = browser_of(request), device_of(request)
    check_id = request.query_params.get("face", "")
    if not check_id:
        again = request.query_params.get("again", "")
        return redirect("/activate/who", again=again) if again else redirect("/activate/who")
    to = redirect("/activate/confirm")
    try:
        async with transaction(pool) as tx:
            holder = await by_face.prove(
                tx,
                vault,
                account_id=account_id,
                channel=channel,
                browser=browser,
                device=device,
                check_id=check_id,
                at=at,
            )
            if holder != account_id:
                token = await identity.start_session(tx, account_id=holder, device=device, channel=channel, at=at)
                to.set_cookie(lasting_cookie(SESSION_COOKIE, token, secure=secure))
    except refusals.ActivationNotBegun:
        return redirect("/activate")
    except Refusal as refusal:
        if await _is_proved(request, pool, clock):
            return to  # The page of the face was left by the back button, or loaded twice.
        return await _second(request, pool, vault, given={}, refusal=refusal)
    return to


async def _is_proved(request: SignedIn, pool: Pool, clock: Clock) -> bool:
    try:
        await by_face.proved(
            pool,
            account_id=request.auth.subject,
            channel=request.auth.channel,
            browser=browser_of(request),
            at=clock(),
        )
    except refusals.ActivationNotBegun:
        return False
    return True


# ③ 确认信息.


async def _third(
    request: SignedIn, pool: Pool, vault: Vault, clock: Clock, *, place: str, refusal: Refusal | None = None
) -> Template | Redirect:
    channel = request.auth.channel
    if not by_channel(request):
        return redirect("/activate")
    try:
        begun = await by_face.proved(
            pool, account_id=request.auth.subject, channel=channel, browser=browser_of(request), at=clock()
        )
    except refusals.ActivationNotBegun:
        return redirect("/activate")
    account = await identity.account(pool, vault, request.auth.subject)
    person_id = await registry.find_by_certificate(pool, vault, account.cert_type or "", account.cert_no or "")
    if person_id is None:
        return redirect("/activate")
    person = await registry.person(pool, vault, person_id)
    came_as = begun.came_as or request.auth.subject
    claim = await arrivals.claim_of(pool, vault, account_id=came_as, channel=channel)
    phone = account.phone or (claim.phone if claim else "")
    async with transaction(pool) as tx:
        places = await queries.place_choices(tx, person_id)
    found = rules.nearest([choice.code for choice in places], begun.place)
    ended = [each.place for each in await registry.relations(pool, person_id) if each.state in rules.ENDED]
    return show(
        "by_face/confirm",
        refusal,
        name=registry.masked_name(person.name),
        cert_type=identity.CERT_TYPES.get(person.cert_type, "其他证件"),
        cert_no=registry.masked_certificate(person.cert_no),
        phone=registry.masked_phone(phone) if phone else "",
        places=places,
        place=place or found or (places[0].code if places else ""),
        missed="" if found else await registry.region_name(pool, begun.place) or "",
        ended=bool(rules.nearest(ended, begun.place)),
        channel=await queries.channel_name(pool, channel),
        must_vouch=await by_face.must_vouch(pool, vault, account_id=request.auth.subject, begun=begun),
        needs_password=not account.has_pay_password,
    )


@get("/activate/confirm")
async def review(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    return await _third(request, pool, vault, clock, place="")


@post("/activate/confirm", status_code=200)
async def confirm(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Bind, activate, and set the transaction password where there is none: all or nothing."""
    account_id, place, at = request.auth.subject, data.get("place", ""), clock()
    try:
        account = await identity.account(pool, vault, account_id)
        vouched = await _vouches(request, data, account, pool, vault, hasher, at)
        password = None if account.has_pay_password else identity.typed_twice(data, "pay_password")
        async with transaction(pool) as tx:
            back = await by_face.finish(
                tx,
                vault,
                account_id=account_id,
                channel=request.auth.channel,
                browser=browser_of(request),
                place=place,
                vouched=vouched,
                at=at,
            )
            if password is not None:
                await identity.set_pay_password(
                    tx, vault, hasher=hasher, account_id=account_id, password=password, at=at
                )
    except refusals.ActivationNotBegun:
        return redirect("/activate")
    except Refusal as refusal:
        return await _third(request, pool, vault, clock, place=place, refusal=refusal)
    return redirect("/activate/done", next=back)


async def _vouches(
    request: SignedIn,
    data: dict[str, str],
    account: identity.Account,
    pool: Pool,
    vault: Vault,
    hasher: identity.Hasher,
    at: datetime,
) -> bool:
    """Check the password of an earlier account where it is asked for.

    Refusals, first that applies: ActivationNotBegun, NotVouched, those of `identity.check_pay_password`.
    """
    begun = await by_face.proved(
        pool, account_id=account.account_id, channel=request.auth.channel, browser=browser_of(request), at=at
    )
    if not await by_face.must_vouch(pool, vault, account_id=account.account_id, begun=begun):
        return False
    if not account.has_pay_password:
        raise refusals.NotVouched
    await check_password(request, data, pool, hasher=hasher, at=at)
    return True


# ④ 激活成功.


@get("/activate/done")
async def done(request: SignedIn, pool: Pool) -> Template:
    channel = request.auth.channel
    return show(
        "by_face/done",
        channel=await queries.channel_name(pool, channel),
        own=channel == channels.WEB,
        next=next_of(request),
    )
