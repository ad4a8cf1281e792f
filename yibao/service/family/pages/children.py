"""Applying for a child's code with pictures of papers, and what became of it."""

from typing import Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Template

from yibao import paper
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.family import actions, queries, refusals, rules
from yibao.service.family.pages.shell import RandomId, Upload, note_try, page, text, to, who
from yibao.service.family.types import Asker

UPLOAD_MAX = actions.PICTURES_MAX * paper.BYTES_MAX + 64 * 1024


async def _child(
    asker: Asker, pool: Pool, refusal: Refusal | None = None, given: dict[str, str] | None = None
) -> Template:
    return page(
        "child",
        refusal,
        given=given or {},
        cert_types=rules.CHILD_CERT_TYPES,
        most=actions.PICTURES_MAX,
        terms=await actions.terms_of_member(pool, asker.person_id),
    )


@get("/family/add/child")
async def ask_child(asker: Asker, pool: Pool) -> Template:
    return await _child(asker, pool)


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
        await note_try(pool, asker, clock)  # First: a picture that is refused has cost its decoding too.
        pictures = await _pictures(data)
        async with transaction(pool) as tx:
            application = await actions.apply(
                tx,
                vault,
                asker=asker,
                who=who(data),
                promised=text(data, "promised") == "1",
                pictures=pictures,
                at=clock(),
            )
    except Refusal as refusal:
        given = {name: text(data, name) for name in ("name", "cert_type", "cert_no", "promised")}
        return await _child(asker, pool, refusal, given)
    return to(f"/family/applications/{application.application_id}")


@get("/family/applications/{application_id:str}")
async def application(asker: Asker, application_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template:
    return await _application(asker, application_id, pool, vault, clock)


async def _application(
    asker: Asker, application_id: str, pool: Pool, vault: Vault, clock: Clock, refusal: Refusal | None = None
) -> Template:
    """Show where an application stands. Refusals: ApplicationUnknown."""
    async with transaction(pool) as tx:
        found = await actions.application_of_account(tx, account_id=asker.account_id, application_id=application_id)
        applied = await queries.applied(tx, vault, found)
        ended = await queries.ended_since(tx, found, at=clock())
    return page("application", refusal, applied=applied, ended=ended, papers=rules.PAPERS, most=actions.PICTURES_MAX)


@post("/family/applications/{application_id:str}/papers", status_code=200, request_max_body_size=UPLOAD_MAX)
async def send_papers(
    asker: Asker, application_id: RandomId, data: Upload, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        await note_try(pool, asker, clock)
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
        return await _application(asker, application_id, pool, vault, clock, refusal)
    return to(f"/family/applications/{application_id}")


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
        return await _application(asker, application_id, pool, vault, clock, refusal)
    return to(f"/family/applications/{application_id}")


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
        return await _application(asker, application_id, pool, vault, clock, refusal)
    return to("/family", done="withdrawn")


handlers = [ask_child, child, application, send_papers, ask_review, withdraw_application]
