"""The counter's pages for accounts: a clerk checks a certificate, states why, and proves the real name of whoever has
brought their phone (A2), or changes or unbinds the phone (A9).

The accounts are identity's, and the note that somebody looked is the registry's, so the pages lie above both.
"""

from datetime import datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from yibao import face, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import by_counter
from yibao.web.principal import SignedIn, clerk, device_of

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

PATH = "/console/phones"
NAMES_PATH = "/console/names"
ACTS = {
    "phone_changed": "更换手机号",
    "phone_unbound": "解绑手机号",
    "sessions_ended": "退出所有登录",
    "real_name_proved": "实名认证",
    "certificate_changed": "更换证件",
}


def _search(refusal: Refusal | None = None, given: dict[str, str] | None = None) -> Template:
    return Template(
        "credential/counter.html",
        context={"refusal": refusal, "given": given or {}, "cert_types": identity.CERT_TYPES},
        status_code=refusal.status if refusal else 200,
    )


@get(PATH)
async def ask_certificate(request: SignedIn) -> Template:
    return _search()


@post(PATH, status_code=200)
async def open_case(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Open a case and note the look, which the person reads with its reason."""
    at, who = clock(), request.auth
    try:
        async with transaction(pool) as tx:
            case_id = await identity.open_case(
                tx,
                vault,
                clerk=who.subject,
                place=who.institution,
                cert_type=data.get("cert_type", ""),
                cert_no=data.get("cert_no", ""),
                checked=data.get("checked") == "1",
                reason=data.get("reason", ""),
                at=at,
            )
            opened = await identity.case(tx, vault, case_id=case_id, clerk=who.subject, at=at)
            people = {account.person_id for account in opened.accounts}
            await _note_looks(tx, vault, request, people, purpose=f"窗口办理账户：{opened.reason}", at=at)
    except Refusal as refusal:
        return _search(refusal, data)
    return Redirect(f"{PATH}/{case_id}", status_code=303)


async def _note_looks(
    tx: Tx, vault: Vault, request: SignedIn, people: set[str | None], *, purpose: str, at: datetime
) -> None:
    """Note the look of each person who is known."""
    place = request.auth.institution
    for person_id in sorted(person_id for person_id in people if person_id):
        await registry.note_look(
            tx,
            vault,
            person_id=person_id,
            looker=request.auth.subject,
            looker_name=f"{await registry.region_name(tx, place) or place}医保经办窗口",
            purpose=purpose,
            at=at,
        )


@get(f"{PATH}/{{case_id:str}}")
async def show_case(request: SignedIn, case_id: FromPath[str], pool: Pool, vault: Vault, clock: Clock) -> Template:
    return await _case(request, case_id, pool, vault, clock=clock, done="done" in request.query_params)


async def _case(
    request: SignedIn,
    case_id: str,
    pool: Pool,
    vault: Vault,
    *,
    clock: Clock,
    refusal: Refusal | None = None,
    sent_to: str = "",
    account_id: str = "",
    done: bool = False,
) -> Template:
    """Show the case, or in place of one that has ended the search again."""
    try:
        case = await identity.case(pool, vault, case_id=case_id, clerk=request.auth.subject, at=clock())
    except Refusal as ended:
        return _search(ended)
    sessions = {
        account.account_id: len(await identity.sessions_of(pool, account.account_id, clock()))
        for account in case.accounts
    }
    return Template(
        "credential/counter_case.html",
        context={
            "refusal": refusal,
            "case": case,
            "sessions": sessions,
            "cardless": {
                account.account_id
                for account in case.accounts
                if await by_counter.stands_for_card(pool, vault, account_id=account.account_id, at=clock())
            },
            "names": {account.account_id: registry.masked_name(account.name or "") for account in case.accounts},
            "acts": ACTS,
            "places": await registry.region_names(pool, (one.place for one in case.acts)),
            "sent_to": sent_to,
            "chosen": account_id,
            "done": done,
        },
        status_code=refusal.status if refusal else 200,
    )


@post(f"{PATH}/{{case_id:str}}", status_code=200)
async def act(
    request: SignedIn, case_id: FromPath[str], data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    """Send a code to the new phone, change to it, unbind the old one, or end the sessions, as the form says."""
    at, who, device = clock(), request.auth.subject, device_of(request)
    account_id, phone, step = data.get("account", ""), data.get("phone", ""), data.get("step", "")
    sent_to = phone if step == "change" else ""
    try:
        if step == "change":
            await identity.change_phone_at_counter(
                pool,
                vault,
                case_id=case_id,
                clerk=who,
                account_id=account_id,
                phone=phone,
                code=data.get("code", "").strip(),
                device=device,
                at=at,
            )
            return Redirect(f"{PATH}/{case_id}?done=1", status_code=303)
        async with transaction(pool) as tx:
            if step == "unbind":
                await identity.unbind_phone_at_counter(tx, case_id=case_id, clerk=who, account_id=account_id, at=at)
            elif step == "end":
                await identity.end_sessions_at_counter(tx, case_id=case_id, clerk=who, account_id=account_id, at=at)
            else:
                await identity.request_code_at_counter(
                    tx,
                    vault,
                    case_id=case_id,
                    clerk=who,
                    phone=phone,
                    purpose="counter_phone",
                    device=device,
                    at=at,
                )
                sent_to = phone
        if not sent_to:
            return Redirect(f"{PATH}/{case_id}?done=1", status_code=303)
        return await _case(request, case_id, pool, vault, clock=clock, sent_to=sent_to, account_id=account_id)
    except Refusal as refusal:
        # Too soon after a code: that one has come, and its field must stay.
        if refusal.code == "identity.code_too_soon":
            sent_to = phone
        return await _case(
            request, case_id, pool, vault, clock=clock, refusal=refusal, sent_to=sent_to, account_id=account_id
        )


# 窗口实名认证.


def _naming(given: dict[str, str], refusal: Refusal | None = None, *, case_id: str = "") -> Template:
    """Show the form, or with a case the field for the code that its phone was sent."""
    return Template(
        "credential/counter_name.html",
        context={"refusal": refusal, "given": given, "case_id": case_id, "cert_types": identity.CERT_TYPES},
        status_code=refusal.status if refusal else 200,
    )


@get(NAMES_PATH)
async def ask_name() -> Template:
    return _naming({})


@post(NAMES_PATH, status_code=200)
async def name(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Open the case and send the code, or take it and give the account of its phone the name that was checked."""
    at, case_id, finishing = clock(), data.get("case", ""), data.get("step") == "finish"
    try:
        who, former = _certificates(data)
        if finishing:
            await identity.prove_real_name_at_counter(
                pool,
                vault,
                case_id=case_id,
                clerk=request.auth.subject,
                phone=data.get("phone", ""),
                code=data.get("code", "").strip(),
                who=who,
                former=former,
                person_id=await by_counter.registered_as(pool, vault, who),
                device=device_of(request),
                at=at,
            )
            return Redirect(f"{PATH}/{case_id}?done=1", status_code=303)
        async with transaction(pool) as tx:
            case_id = await _open_name_case(tx, vault, request, data, who, former, at=at)
    except Refusal as refusal:
        return _naming(data, refusal, case_id=case_id if finishing else "")
    try:
        async with transaction(pool) as tx:
            await identity.request_code_at_counter(
                tx,
                vault,
                case_id=case_id,
                clerk=request.auth.subject,
                phone=data.get("phone", ""),
                purpose="counter_name",
                device=device_of(request),
                at=at,
            )
    except Refusal as refusal:
        # Too soon after a code: that one has come, and its field must stay.
        too_soon = refusal.code == "identity.code_too_soon"
        return _naming({**data, "case": case_id}, refusal, case_id=case_id if too_soon else "")
    return _naming(data, case_id=case_id)


def _certificates(data: dict[str, str]) -> tuple[face.Subject, face.Subject | None]:
    """Return whose certificate lies on the counter, and the one before it if renewed.

    Refusals: those of `identity.subject`.
    """
    name, former_no = data.get("name", ""), data.get("former_no", "").strip()
    who = identity.subject(name, data.get("cert_type", ""), data.get("cert_no", ""))
    return who, identity.subject(name, data.get("former_type", ""), former_no) if former_no else None


async def _open_name_case(
    tx: Tx,
    vault: Vault,
    request: SignedIn,
    data: dict[str, str],
    who: face.Subject,
    former: face.Subject | None,
    *,
    at: datetime,
) -> str:
    """Return the id of the case. The person whom the registry knows by either certificate reads of it, once."""
    case_id = await identity.open_name_case(
        tx,
        vault,
        clerk=request.auth.subject,
        place=request.auth.institution,
        who=who,
        checked=data.get("checked") == "1",
        reason=data.get("reason", ""),
        case_id=data.get("case", ""),
        at=at,
    )
    people = {await by_counter.registered_as(tx, vault, who)}
    if former is not None:
        people.add(await registry.find_by_certificate(tx, vault, former.cert_type, former.cert_no))
    if case_id != data.get("case"):
        await _note_looks(
            tx, vault, request, people, purpose=f"窗口实名认证：{' '.join(data['reason'].split())}", at=at
        )
    return case_id


handlers = [ask_certificate, open_case, show_case, act, ask_name, name]
routes = [Router("/", route_handlers=handlers, guards=[clerk])]
