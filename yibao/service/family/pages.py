"""我的家庭成员: adding somebody, their code on this phone, what waits, and ending it.

Whoever has not bound their own insurance yet is led through that first, and back.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao import credential, paper
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import draw
from yibao.service.family import actions, queries, refusals, rules
from yibao.service.family.terms import terms_of
from yibao.service.family.types import Asker, Link, Who
from yibao.web.principal import SignedIn, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Upload = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
RandomId = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{32}$")]
UPLOAD_MAX = actions.PICTURES_MAX * paper.BYTES_MAX + 64 * 1024


class CodeView(Struct, frozen=True):
    """A member's code as the live page shows it."""

    qr: str
    bar: str
    digits: str
    seconds: int


def _to(path: str, **query: object) -> Redirect:
    return Redirect(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"family/{template}.html", context={"refusal": refusal, **context}, status_code=status)


async def bound_first(request: SignedIn) -> Redirect | None:
    if request.auth.person_id is not None:
        return None
    return _to("/me/bind", next=request.url.path if request.method == "GET" else "/family")


def asker_of(request: SignedIn) -> Asker:
    assert request.auth.person_id is not None  # `bound_first` came first.
    return Asker(request.auth.subject, request.auth.person_id)


@get("/family")
async def show(asker: Asker, pool: Pool, vault: Vault, clock: Clock, done: FromQuery[str] = "") -> Template:
    return await _family(asker, pool, vault, clock, done=done)


async def _family(
    asker: Asker, pool: Pool, vault: Vault, clock: Clock, *, refusal: Refusal | None = None, done: str = ""
) -> Template:
    found = await queries.family(pool, vault, account_id=asker.account_id, person_id=asker.person_id, at=clock())
    return _page("family", refusal, family=found, done=done, methods=rules.METHODS)


@get("/family/add")
async def choose() -> Template:
    return _page("add", terms=terms_of(""))


# An adult: by agreement, or by their own face.


def _adult(method: str, refusal: Refusal | None = None, given: dict[str, str] | None = None) -> Template:
    return _page(
        "adult",
        refusal,
        method=method,
        given=given or {},
        relations={name: rules.RELATIONS[name] for name in terms_of("").relations},
        cert_types=rules.CERT_TYPES,
    )


@get("/family/add/agreement")
async def ask_agreement() -> Template:
    return _adult("agreement")


@get("/family/add/face")
async def ask_face() -> Template:
    return _adult("face")


def _who(data: dict[str, Any]) -> Who:
    return Who(*(_text(data, name) for name in ("name", "cert_type", "cert_no")))


def _text(data: dict[str, Any], name: str) -> str:
    """Return a field of a form without what no keyboard gives; a file under its name is no text."""
    value = data.get(name, "")
    return "".join(c for c in value if c.isprintable()).strip()[:64] if isinstance(value, str) else ""


async def _note_try(pool: Pool, asker: Asker, clock: Clock) -> None:
    async with transaction(pool) as tx:
        await actions.note_try(tx, account_id=asker.account_id, at=clock())


@post("/family/add/agreement", status_code=200)
async def agreement(asker: Asker, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        await _note_try(pool, asker, clock)
        async with transaction(pool) as tx:
            await actions.ask(
                tx,
                vault,
                asker=asker,
                who=_who(data),
                relation=data.get("relation", ""),
                method="agreement",
                promised=data.get("promised") == "1",
                at=clock(),
            )
    except Refusal as refusal:
        return _adult("agreement", refusal, data)
    return _to("/family", done="asked")


@post("/family/add/face", status_code=200)
async def by_face(
    request: SignedIn, asker: Asker, data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        await _note_try(pool, asker, clock)
        async with transaction(pool) as tx:
            asked = await actions.ask(
                tx,
                vault,
                asker=asker,
                who=_who(data),
                relation=data.get("relation", ""),
                method="face",
                promised=data.get("promised") == "1",
                at=clock(),
            )
            check_id = await actions.begin_face(
                tx,
                vault,
                asked,
                device=device_of(request),
                back=f"/family/requests/{asked.request_id}",
                at=clock(),
            )
    except Refusal as refusal:
        return _adult("face", refusal, data)
    return _to(f"/face/{check_id}")


@get("/family/requests/{request_id:str}")
async def after_face(asker: Asker, request_id: RandomId, pool: Pool, face: FromQuery[str] = "") -> Template:
    """The elder, who has just shown their face, decides for how long their code may stay here."""
    async with transaction(pool) as tx:
        asked = await actions.request_of_account(tx, account_id=asker.account_id, request_id=request_id)
    return _page("after_face", request_id=asked.request_id, check_id=face, minutes=terms_of("").brief_minutes)


@post("/family/requests/{request_id:str}/finish", status_code=200)
async def finish(
    request: SignedIn, asker: Asker, request_id: RandomId, data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            link = await actions.finish_by_face(
                tx,
                vault,
                account_id=asker.account_id,
                request_id=request_id,
                check_id=data.get("face", ""),
                device=device_of(request),
                brief=data.get("keep") != "1",
                at=clock(),
            )
    except Refusal as refusal:
        return await _family(asker, pool, vault, clock, refusal=refusal)
    return _to(f"/family/{link.link_id}/code")


@post("/family/requests/{request_id:str}/allow", status_code=200)
async def allow(asker: Asker, request_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    return await _answer(asker, request_id, pool, vault, clock, allowed=True)


@post("/family/requests/{request_id:str}/decline", status_code=200)
async def decline(asker: Asker, request_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    return await _answer(asker, request_id, pool, vault, clock, allowed=False)


async def _answer(
    asker: Asker, request_id: str, pool: Pool, vault: Vault, clock: Clock, *, allowed: bool
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.answer(tx, person_id=asker.person_id, request_id=request_id, allowed=allowed, at=clock())
    except Refusal as refusal:
        return await _family(asker, pool, vault, clock, refusal=refusal)
    return _to("/family", done="allowed" if allowed else "declined")


@post("/family/requests/{request_id:str}/withdraw", status_code=200)
async def withdraw(asker: Asker, request_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.withdraw_request(tx, account_id=asker.account_id, request_id=request_id, at=clock())
    except Refusal as refusal:
        return await _family(asker, pool, vault, clock, refusal=refusal)
    return _to("/family", done="withdrawn")


# A child.


def _child(refusal: Refusal | None = None, given: dict[str, str] | None = None) -> Template:
    return _page(
        "child",
        refusal,
        given=given or {},
        cert_types=rules.CERT_TYPES,
        most=actions.PICTURES_MAX,
        terms=terms_of(""),
    )


@get("/family/add/child")
async def ask_child() -> Template:
    return _child()


async def _pictures(data: dict[str, Any]) -> list[bytes]:
    """Return the pictures of a form, made small and plain; a field that was left empty is none.

    Refusals, first that applies: PapersMissing, paper.picture_too_large, paper.not_a_picture.
    """
    sent = data.get("pictures", [])
    files = [one for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, UploadFile)]
    raw = [content for one in files if (content := await one.read())]
    if not 1 <= len(raw) <= actions.PICTURES_MAX:
        raise refusals.PapersMissing(most=actions.PICTURES_MAX)
    return [await paper.tidied(content) for content in raw]


@post("/family/add/child", status_code=200, request_max_body_size=UPLOAD_MAX)
async def child(asker: Asker, data: Upload, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        await _note_try(pool, asker, clock)  # First: a picture that is refused has cost its decoding too.
        pictures = await _pictures(data)
        async with transaction(pool) as tx:
            application = await actions.apply(
                tx,
                vault,
                asker=asker,
                who=_who(data),
                promised=_text(data, "promised") == "1",
                pictures=pictures,
                at=clock(),
            )
    except Refusal as refusal:
        return _child(refusal, {name: _text(data, name) for name in ("name", "cert_type", "cert_no", "promised")})
    return _to(f"/family/applications/{application.application_id}")


@get("/family/applications/{application_id:str}")
async def application(asker: Asker, application_id: RandomId, pool: Pool, vault: Vault) -> Template:
    return await _application(asker, application_id, pool, vault)


async def _application(
    asker: Asker, application_id: str, pool: Pool, vault: Vault, refusal: Refusal | None = None
) -> Template:
    """Show where an application stands. Refusals: ApplicationUnknown."""
    async with transaction(pool) as tx:
        found = await actions.application_of_account(tx, account_id=asker.account_id, application_id=application_id)
        applied = await queries.applied(tx, vault, found)
    return _page("application", refusal, applied=applied, papers=rules.PAPERS, most=actions.PICTURES_MAX)


@post("/family/applications/{application_id:str}/papers", status_code=200, request_max_body_size=UPLOAD_MAX)
async def send_papers(
    asker: Asker, application_id: RandomId, data: Upload, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        await _note_try(pool, asker, clock)
        pictures = await _pictures(data)
        async with transaction(pool) as tx:
            await actions.send_papers(
                tx,
                vault,
                account_id=asker.account_id,
                application_id=application_id,
                pictures=pictures,
                at=clock(),
            )
    except refusals.ApplicationUnknown:
        raise
    except Refusal as refusal:
        return await _application(asker, application_id, pool, vault, refusal)
    return _to(f"/family/applications/{application_id}")


@post("/family/applications/{application_id:str}/review", status_code=200)
async def ask_review(
    asker: Asker, application_id: RandomId, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.ask_review(tx, account_id=asker.account_id, application_id=application_id, at=clock())
    except refusals.ApplicationUnknown:
        raise
    except Refusal as refusal:
        return await _application(asker, application_id, pool, vault, refusal)
    return _to(f"/family/applications/{application_id}")


@post("/family/applications/{application_id:str}/withdraw", status_code=200)
async def withdraw_application(
    asker: Asker, application_id: RandomId, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.withdraw_application(
                tx, account_id=asker.account_id, application_id=application_id, at=clock()
            )
    except refusals.ApplicationUnknown:
        raise
    except Refusal as refusal:
        return await _application(asker, application_id, pool, vault, refusal)
    return _to("/family", done="withdrawn")


# A member's code.


async def _code(
    request: SignedIn, member_id: str, pool: Pool, vault: Vault, codes: credential.Codes, clock: Clock
) -> tuple[Link, CodeView]:
    async with transaction(pool) as tx:
        await credential.require_permitted(tx, request.auth.channel, "show_code")
        link, shown = await actions.show(
            tx,
            vault,
            codes,
            account_id=request.auth.subject,
            link_id=member_id,
            device=device_of(request),
            channel=request.auth.channel,
            at=clock(),
        )
    return link, CodeView(draw.qr(shown.code), draw.bar(shown.code), draw.digits(shown.code), shown.seconds)


@get("/family/{member_id:str}/code")
async def show_code(
    request: SignedIn,
    asker: Asker,
    member_id: RandomId,
    pool: Pool,
    vault: Vault,
    codes: credential.Codes,
    clock: Clock,
) -> Template:
    try:
        link, code = await _code(request, member_id, pool, vault, codes, clock)
    except Refusal as refusal:
        return await _family(asker, pool, vault, clock, refusal=refusal)
    member = await queries.member(pool, vault, link)
    return _page("code", code=code, member=member, relation=rules.RELATIONS[link.relation])


@get("/family/{member_id:str}/code/next")
async def next_code(
    request: SignedIn, member_id: RandomId, pool: Pool, vault: Vault, codes: credential.Codes, clock: Clock
) -> Response[CodeView | None]:
    """Answer the live page's script. It loads the whole page again when this is not 200, and is told there."""
    try:
        return Response((await _code(request, member_id, pool, vault, codes, clock))[1])
    except Refusal as refusal:
        return Response(None, status_code=refusal.status)


@post("/family/{member_id:str}/remove", status_code=200)
async def remove(asker: Asker, member_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.remove(
                tx, account_id=asker.account_id, person_id=asker.person_id, link_id=member_id, at=clock()
            )
    except Refusal as refusal:
        return await _family(asker, pool, vault, clock, refusal=refusal)
    return _to("/family", done="removed")


_pages: Sequence[Any] = [
    show,
    choose,
    ask_agreement,
    ask_face,
    agreement,
    by_face,
    after_face,
    finish,
    allow,
    decline,
    withdraw,
    ask_child,
    child,
    application,
    send_papers,
    ask_review,
    withdraw_application,
    show_code,
    next_code,
    remove,
]
routes = [
    Router(
        "/",
        route_handlers=_pages,
        guards=[insured],
        before_request=bound_first,
        dependencies={"asker": Provide(asker_of, sync_to_thread=False)},
    )
]
