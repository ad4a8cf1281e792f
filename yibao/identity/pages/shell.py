"""What the pages of this room share: forms, redirects that lead back, and the session that a sign-in starts."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.identity.actions import sessions
from yibao.web.pages import safe_next
from yibao.web.principal import SESSION_COOKIE, SignedIn, device_of, lasting_cookie

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def redirect(path: str, *, back: str = "") -> Redirect:
    """Lead on to `path`, which will lead back to `back`."""
    return Redirect(f"{path}?{urlencode({'next': back})}" if back else path, status_code=303)


def show(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"identity/{template}.html", context={"refusal": refusal, **context}, status_code=status)


def next_of(request: SignedIn) -> str:
    return safe_next(request.query_params.get("next", "/"))


async def sign_in_here(
    request: SignedIn, pool: Pool, *, account_id: str, secure: bool, at: datetime, to: Redirect
) -> Redirect:
    """Start a session in this browser in place of the one it had, and lead on."""
    async with transaction(pool) as tx:
        if earlier := request.cookies.get(SESSION_COOKIE):
            await sessions.end_session(tx, token=earlier)
        token = await sessions.start_session(
            tx, account_id=account_id, device=device_of(request), agent=request.headers.get("user-agent", ""), at=at
        )
    to.set_cookie(lasting_cookie(SESSION_COOKIE, token, secure=secure))
    return to
