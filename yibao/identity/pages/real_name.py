"""实名认证: choosing the way, and the way by the bank. The way by the face asks for the card too, above this room."""

from litestar import get, post
from litestar.params import SkipValidation
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import queries, refusals
from yibao.identity.actions import real_names
from yibao.identity.pages.shell import Form, next_of, redirect, show
from yibao.identity.rules import CERT_TYPES
from yibao.identity.types import Elements
from yibao.identity.unionpay import RealNameByBank
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn


@get("/me/real-name")
async def real_name(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    account = await queries.account(pool, vault, request.auth.subject)
    return show("real_name", account=account, name=account.name_masked, next=next_of(request))


@get("/me/real-name/bank")
async def ask_elements(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    back = next_of(request)
    if (await queries.account(pool, vault, request.auth.subject)).real_name_at is not None:
        return redirect("/me/real-name", back=back)
    return show("real_name_bank", given={}, cert_types=CERT_TYPES, next=back)


@post("/me/real-name", status_code=200)
async def prove_real_name(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, bank: SkipValidation[RealNameByBank], clock: Clock
) -> Template | Redirect:
    """Ask the bank. Sent again with the same elements while there is no answer, it asks under the same order number."""
    back = safe_next(data.get("next", "/"))
    elements = Elements(
        name=data.get("name", ""),
        cert_type=data.get("cert_type", ""),
        cert_no=data.get("cert_no", ""),
        bank_card=data.get("bank_card", ""),
        phone=data.get("bank_phone", ""),
    )
    try:
        if data.get("agreed") != "1":
            raise refusals.ConsentMissing
        await real_names.verify_real_name(
            pool, vault, bank=bank, account_id=request.auth.subject, elements=elements, at=clock()
        )
    except Refusal as refusal:
        return show("real_name_bank", refusal, given=data, cert_types=CERT_TYPES, next=back)
    return redirect("/me/real-name", back=back)


handlers = [real_name, ask_elements, prove_real_name]
