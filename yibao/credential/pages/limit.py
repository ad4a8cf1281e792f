"""免密限额: up to which amount a bill needs no transaction password."""

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.money import fen_of, yuan_text
from yibao.core.refusal import Refusal
from yibao.credential import actions, queries
from yibao.credential.pages.shell import Form, check_password, redirect, show
from yibao.web.principal import SignedIn


@get("/me/limit")
async def ask_limit(request: SignedIn, pool: Pool) -> Template | Redirect:
    holder = await queries.holder(pool, request.auth.person_id) if request.auth.person_id else None
    if holder is None:
        return redirect("/me/bind", next="/me/limit")
    return _limit(limit=yuan_text(holder.free_limit_fen), done="done" in request.query_params)


def _limit(refusal: Refusal | None = None, *, limit: str, done: bool = False) -> Template:
    return show("limit", refusal, limit=limit, most=yuan_text(actions.FREE_LIMIT_FEN_MAX), done=done)


@post("/me/limit", status_code=200)
async def set_limit(
    request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Set the limit with the transaction password, or whoever holds the phone could raise it and pay without one."""
    person_id, at = request.auth.person_id, clock()
    if person_id is None:
        return redirect("/me/bind", next="/me/limit")
    try:
        limit_fen = _limit_fen(data.get("limit", ""))
        await check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await actions.set_free_limit(tx, person_id=person_id, limit_fen=limit_fen, at=at)
    except Refusal as refusal:
        return _limit(refusal, limit=data.get("limit", ""))
    return redirect("/me/limit", done=1)


def _limit_fen(text: str) -> int:
    """Return the limit typed in yuan. Refusals: LimitInvalid."""
    try:
        limit_fen = fen_of(text.strip())
    except ValueError:
        limit_fen = -1
    actions.require_free_limit(limit_fen)
    return limit_fen
