"""消息: what the person was told, newest first."""

from litestar import Router, get
from litestar.response import Redirect, Template

from yibao import credential
from yibao.core.clock import Clock
from yibao.core.database import Pool
from yibao.core.vault import Vault
from yibao.service import message
from yibao.service.message import rules
from yibao.web.principal import SignedIn, insured


@get("/messages")
async def messages(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    person_id = await credential.proved_person(pool, vault, request.auth.subject)
    if person_id is None:
        return Redirect("/me/bind?next=/messages", status_code=303)
    found = await message.read(pool, person_id=person_id, at=clock())
    return Template(
        "message/list.html", context={"messages": found, "ways": rules.WAYS | await credential.channel_names(pool)}
    )


routes = [Router("/", route_handlers=[messages], guards=[insured])]
