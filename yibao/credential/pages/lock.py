"""The screen lock before the code (B6): setting it, opening it, and doing without it again."""

import secrets

from fido2.utils import websafe_encode
from litestar import get, post
from litestar.params import JSONBody
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao import identity
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.credential import refusals, screen_lock, store
from yibao.credential.pages.shell import Form, browser_of, check_password, next_of, redirect, show
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn


class Question(Struct, frozen=True):
    """What the page's script asks the phone to sign; `credential` is empty where the phone is to make a key first."""

    challenge: str
    rp_id: str
    user: str  # Random: nothing of the person is kept beside the key.
    credential: str
    algorithms: tuple[int, ...]


def origin_of(request: SignedIn, public_url: str) -> str:
    """Return where the page is that can ask for the screen lock, empty where browsers do not let it."""
    return screen_lock.origin_of(public_url or str(request.base_url))


def known_as(lock: bytes | None) -> str:
    """Return by what the page's script tells the phone which key is meant."""
    return websafe_encode(lock) if lock else ""


def person_of(request: SignedIn) -> str:
    """Refusals: NotActivated."""
    if request.auth.person_id is None:
        raise refusals.NotActivated
    return request.auth.person_id


@post("/code/lock/question", status_code=200)
async def ask_phone(request: SignedIn, pool: Pool, clock: Clock, public_url: str) -> Question:
    origin = origin_of(request, public_url)
    async with transaction(pool) as tx:
        asked = await screen_lock.ask(
            tx, person_id=person_of(request), browser=browser_of(request), origin=origin, at=clock()
        )
    return Question(
        challenge=websafe_encode(asked.challenge),
        rp_id=asked.rp_id,
        user=websafe_encode(secrets.token_bytes(16)),
        credential=known_as(asked.credential_id),
        algorithms=screen_lock.ALGORITHMS,
    )


@post("/code/lock/made", status_code=204)
async def set_lock(
    request: SignedIn, data: JSONBody[screen_lock.Made], pool: Pool, clock: Clock, public_url: str
) -> None:
    person_id, origin = person_of(request), origin_of(request, public_url)
    async with transaction(pool) as tx:
        await screen_lock.set_lock(
            tx, person_id=person_id, browser=browser_of(request), origin=origin, made=data, at=clock()
        )


@post("/code/lock/signed", status_code=204)
async def open_by_phone(request: SignedIn, data: JSONBody[screen_lock.Signed], pool: Pool, clock: Clock) -> None:
    async with transaction(pool) as tx:
        await screen_lock.open_by_phone(
            tx, person_id=person_of(request), browser=browser_of(request), signed=data, at=clock()
        )


@get("/code/unlock")
async def ask_unlock(request: SignedIn, pool: Pool, clock: Clock) -> Template | Redirect:
    person_id, back = request.auth.person_id, next_of(request)
    if person_id is None:
        return redirect("/me/bind", next=back)
    async with transaction(pool) as tx:
        locked = await screen_lock.is_locked(tx, person_id=person_id, browser=browser_of(request), at=clock())
    return show("unlock", next=back, forever=False) if locked else redirect(back)


@post("/code/unlock", status_code=200)
async def unlock(
    request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Open the code with the transaction password, and ask for the screen lock no longer where that is wanted."""
    back, forever, at = safe_next(data.get("next", "/code")), data.get("forever") == "1", clock()
    try:
        person_id = person_of(request)
        await check_password(request, data, pool, hasher=hasher, at=at)
    except Refusal as refusal:
        return show("unlock", refusal, next=back, forever=forever)
    async with transaction(pool) as tx:
        if forever:
            await screen_lock.drop(tx, person_id=person_id, browser=browser_of(request))
        else:
            await screen_lock.open_by_password(tx, person_id=person_id, browser=browser_of(request), at=at)
    return redirect(back)


@get("/code/lock")
async def ask_drop(request: SignedIn, pool: Pool) -> Template | Redirect:
    """Show that the code stands behind the screen lock, and ask for the password to undo that."""
    person_id = request.auth.person_id
    if person_id is None:
        return redirect("/me/bind", next="/code/lock")
    lock = await store.screen_lock(pool, person_id, browser_of(request))
    return redirect("/code") if lock is None else show("lock")


@post("/code/lock", status_code=200)
async def drop(request: SignedIn, data: Form, pool: Pool, hasher: identity.Hasher, clock: Clock) -> Template | Redirect:
    """Ask for the screen lock no longer, with the password, or whoever holds the open page could take it away."""
    at = clock()
    try:
        person_id = person_of(request)
        await check_password(request, data, pool, hasher=hasher, at=at)
    except Refusal as refusal:
        return show("lock", refusal)
    async with transaction(pool) as tx:
        await screen_lock.drop(tx, person_id=person_id, browser=browser_of(request))
    return redirect("/code")
