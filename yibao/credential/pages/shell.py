"""What the pages of this room share: forms, redirects that lead back, and the browser in which a code is active."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from yibao import identity
from yibao.core.database import Pool
from yibao.core.refusal import Refusal
from yibao.credential import channels, rules
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, device_of

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def redirect(path: str, **query: object) -> Redirect:
    return Redirect(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def show(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"credential/{template}.html", context={"refusal": refusal, **context}, status_code=status)


def next_of(request: SignedIn, default: str = "/code") -> str:
    return safe_next(request.query_params.get("next", default))


def browser_of(request: SignedIn) -> bytes:
    """Return by what an activation in this browser and channel is known."""
    return rules.browser_digest(device_of(request), request.auth.channel)


def by_channel(request: SignedIn) -> bool:
    """Say whether a channel has brought whoever is here; they activate by the face, and not by a card."""
    return request.auth.channel != channels.WEB


def to_activation(request: SignedIn, back: str) -> Redirect:
    """Lead whoever has no code yet to the way that is theirs, and back."""
    return redirect("/activate" if by_channel(request) else "/me/bind", next=back)


async def check_password(
    request: SignedIn, data: dict[str, str], pool: Pool, *, hasher: identity.Hasher, at: datetime
) -> None:
    await identity.check_pay_password(
        pool,
        hasher=hasher,
        account_id=request.auth.subject,
        password=data.get("pay_password", ""),
        device=device_of(request),
        at=at,
    )
