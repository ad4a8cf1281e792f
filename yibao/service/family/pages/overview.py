"""我的家庭成员: whose codes this phone shows, who shows one's own, and what waits."""

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from yibao.core.clock import Clock
from yibao.core.database import Pool
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.family import actions, queries, rules
from yibao.service.family.pages.shell import page
from yibao.service.family.types import Asker


@get("/family")
async def show(asker: Asker, pool: Pool, vault: Vault, clock: Clock, done: FromQuery[str] = "") -> Template:
    return await overview(asker, pool, vault, clock, done=done)


async def overview(
    asker: Asker, pool: Pool, vault: Vault, clock: Clock, *, refusal: Refusal | None = None, done: str = ""
) -> Template:
    found = await queries.family(pool, vault, account_id=asker.account_id, person_id=asker.person_id, at=clock())
    return page("family", refusal, family=found, done=done, methods=rules.METHODS, until=rules.says_until)


@get("/family/add")
async def choose(asker: Asker, pool: Pool) -> Template:
    return page("add", terms=await actions.terms_of_member(pool, asker.person_id))


handlers = [show, choose]
