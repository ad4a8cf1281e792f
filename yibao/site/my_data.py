"""谁看过我的信息, 导出 and 注销: a person's own data, seen, taken away and deleted (F7, E8)."""

import asyncio
from datetime import datetime
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from yibao import credential, identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service import authorisation, family, message, unit
from yibao.settlement import queries
from yibao.settlement.pages import payer_of
from yibao.site import export
from yibao.web.principal import SESSION_COOKIE, SignedIn, anyone, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class CloseNotConfirmed(Refusal):
    code = "site.close_not_confirmed"
    status = 422
    title = "请先确认注销的后果"
    detail = "没有勾选确认，账户没有注销。"
    remedy = "请阅读说明，勾选确认后再提交；不想注销的请返回。"


class BillsWaiting(Refusal):
    code = "site.bills_waiting"
    title = "还有待缴费的账单"
    detail = "有 {count} 张账单等您确认，账户没有注销。"
    remedy = "请先到「待缴费」确认或拒绝，再来注销。"


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"site/{template}.html", context={"refusal": refusal, **context}, status_code=status)


@get("/me/looks", guards=[insured])
async def looks(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    person_id = await credential.proved_person(pool, vault, request.auth.subject)
    if person_id is None:
        return Redirect("/me/bind?next=/me/looks", status_code=303)
    return _page("looks", looks=await export.looks(pool, vault, person_id))


async def _data_page(request: SignedIn, pool: Pool, vault: Vault, refusal: Refusal | None = None) -> Template:
    account = await identity.account(pool, vault, request.auth.subject)
    return _page("my_data", refusal, needs_password=account.has_pay_password, left_out=export.LEFT_OUT)


@get("/me/data", guards=[insured])
async def my_data(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    return await _data_page(request, pool, vault)


@post("/me/data/export", status_code=200, guards=[insured])
async def take_away(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Response[bytes] | Template:
    """Hand out everything in one file. It is told to the person, whose session somebody else may be using."""
    at = clock()
    try:
        await _prove(request, data, pool, hasher=hasher, at=at)
    except Refusal as refusal:
        return await _data_page(request, pool, vault, refusal)
    found = await export.sections(pool, vault, account_id=request.auth.subject, at=at)
    async with transaction(pool) as tx:
        await identity.tell_account(tx, account_id=request.auth.subject, topic="site.data_taken", at=at)
    if data.get("form") == "pdf":
        return _file(await asyncio.to_thread(export.as_pdf, found, at=at), "application/pdf", "yibao.pdf")
    return _file(export.as_json(found, at=at), "application/json", "yibao.json")


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})


async def _prove(request: SignedIn, data: dict[str, str], pool: Pool, *, hasher: identity.Hasher, at: datetime) -> None:
    await identity.check_pay_password_if_set(
        pool,
        hasher=hasher,
        account_id=request.auth.subject,
        password=data.get("pay_password", ""),
        device=device_of(request),
        at=at,
    )


async def _close_page(request: SignedIn, pool: Pool, vault: Vault, refusal: Refusal | None = None) -> Template:
    account = await identity.account(pool, vault, request.auth.subject)
    return _page("close", refusal, needs_password=account.has_pay_password, bound=account.person_id is not None)


@get("/me/close", guards=[insured])
async def ask_close(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    return await _close_page(request, pool, vault)


@post("/me/close", status_code=200, guards=[insured])
async def close(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Unbind, delete what the law does not keep, and end all sessions: all of it or nothing."""
    at, person_id, account_id = clock(), request.auth.person_id, request.auth.subject
    try:
        if data.get("agreed") != "1":
            raise CloseNotConfirmed
        if person_id is not None and (
            waiting := await queries.bills_waiting(pool, await payer_of(request, pool), at=at)
        ):
            raise BillsWaiting(count=len(waiting))
        await _prove(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            if person_id is not None:
                await credential.unbind(tx, person_id=person_id, account_id=account_id, at=at)
            # Whoever unbound first and closes then expects the same to be deleted.
            if (about := person_id or await credential.proved_person(tx, vault, account_id)) is not None:
                await authorisation.withdraw_all(tx, person_id=about, at=at)
                await message.forget(tx, person_id=about, at=at)
            await family.end_all(tx, account_id=account_id, person_id=person_id, at=at)
            for seat in await unit.units_of(tx, vault, account_id):
                await unit.unbind(tx, vault, unit_id=seat.unit.unit_id, account_id=account_id, at=at)
            await credential.forget_account(tx, account_id=account_id)
            await identity.close_account(tx, account_id=account_id, at=at)
    except Refusal as refusal:
        return await _close_page(request, pool, vault, refusal)
    to = Redirect("/closed", status_code=303)
    to.delete_cookie(SESSION_COOKIE)
    return to


@get("/closed", guards=[anyone])
async def closed(request: SignedIn) -> Template:
    return _page("closed")


routes = [Router("/", route_handlers=[looks, my_data, take_away, ask_close, close, closed])]
