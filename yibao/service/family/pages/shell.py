"""What the pages of the room share: forms, who asks, and binding one's own insurance first."""

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar.enums import RequestEncodingType
from litestar.params import Body, PathParameter
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.service.family import actions
from yibao.service.family.types import Asker, Who
from yibao.web.principal import SignedIn

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Upload = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
RandomId = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{32}$")]


def to(path: str, **query: object) -> Redirect:
    return Redirect(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"family/{template}.html", context={"refusal": refusal, **context}, status_code=status)


async def bound_first(request: SignedIn) -> Redirect | None:
    if request.auth.person_id is not None:
        return None
    return to("/me/bind", next=request.url.path if request.method == "GET" else "/family")


def asker_of(request: SignedIn) -> Asker:
    assert request.auth.person_id is not None  # `bound_first` came first.
    return Asker(request.auth.subject, request.auth.person_id)


def who(data: dict[str, Any], prefix: str = "") -> Who:
    return Who(*(text(data, prefix + name) for name in ("name", "cert_type", "cert_no")))


def text(data: dict[str, Any], name: str) -> str:
    """Return a field of a form without what no keyboard gives; a file under its name is no text."""
    value = data.get(name, "")
    return "".join(c for c in value if c.isprintable()).strip()[:64] if isinstance(value, str) else ""


async def note_try(pool: Pool, asker: Asker, clock: Clock) -> None:
    async with transaction(pool) as tx:
        await actions.note_try(tx, account_id=asker.account_id, at=clock())
