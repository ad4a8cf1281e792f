"""Adding an adult: the forms, the elder before the camera, and the answer on the member's own phone."""

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.family import actions, rules
from yibao.service.family.pages.overview import overview
from yibao.service.family.pages.shell import Form, RandomId, note_try, page, to, who
from yibao.service.family.types import Asker
from yibao.web.principal import SignedIn, device_of


async def _adult(
    method: str, asker: Asker, pool: Pool, refusal: Refusal | None = None, given: dict[str, str] | None = None
) -> Template:
    terms = await actions.terms_of_member(pool, asker.person_id)
    return page(
        "adult",
        refusal,
        method=method,
        given=given or {},
        relations={name: rules.RELATIONS[name] for name in terms.relations},
        cert_types=identity.CERT_TYPES,
    )


@get("/family/add/agreement")
async def ask_agreement(asker: Asker, pool: Pool) -> Template:
    return await _adult("agreement", asker, pool)


@get("/family/add/face")
async def ask_face(asker: Asker, pool: Pool) -> Template:
    return await _adult("face", asker, pool)


@post("/family/add/agreement", status_code=200)
async def agreement(asker: Asker, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        await note_try(pool, asker, clock)
        async with transaction(pool) as tx:
            await actions.ask(
                tx,
                vault,
                asker=asker,
                who=who(data),
                relation=data.get("relation", ""),
                method="agreement",
                promised=data.get("promised") == "1",
                at=clock(),
            )
    except Refusal as refusal:
        return await _adult("agreement", asker, pool, refusal, data)
    return to("/family", done="asked")


@post("/family/add/face", status_code=200)
async def by_face(
    request: SignedIn, asker: Asker, data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        await note_try(pool, asker, clock)
        async with transaction(pool) as tx:
            asked = await actions.ask(
                tx,
                vault,
                asker=asker,
                who=who(data),
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
        return await _adult("face", asker, pool, refusal, data)
    return to(f"/face/{check_id}")


@get("/family/requests/{request_id:str}")
async def after_face(asker: Asker, request_id: RandomId, pool: Pool, face: FromQuery[str] = "") -> Template | Redirect:
    """The elder, who has just shown their face, decides for how long their code may stay here.

    Whoever comes without a check has left it, and chooses another way.
    """
    if not face:
        return to("/family/add")
    async with transaction(pool) as tx:
        asked = await actions.request_of_account(tx, account_id=asker.account_id, request_id=request_id)
        terms = await actions.terms_of_member(tx, asked.person_id)
    return page("after_face", request_id=asked.request_id, check_id=face, minutes=terms.brief_minutes)


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
        return await overview(asker, pool, vault, clock, refusal=refusal)
    return to(f"/family/{link.link_id}/code")


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
        return await overview(asker, pool, vault, clock, refusal=refusal)
    return to("/family", done="allowed" if allowed else "declined")


@post("/family/requests/{request_id:str}/withdraw", status_code=200)
async def withdraw(asker: Asker, request_id: RandomId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.withdraw_request(tx, account_id=asker.account_id, request_id=request_id, at=clock())
    except Refusal as refusal:
        return await overview(asker, pool, vault, clock, refusal=refusal)
    return to("/family", done="withdrawn")


handlers = [ask_agreement, ask_face, agreement, by_face, after_face, finish, allow, decline, withdraw]
