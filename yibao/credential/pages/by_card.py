"""The second step of activating in a channel without the face: the social-security card of whoever is named already."""

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import by_card, refusals, store
from yibao.credential.pages.shell import Form, browser_of, by_channel, check_password, next_of, redirect, show
from yibao.web.principal import SignedIn

PATH = "/activate/card"


def _page(account: identity.Account, refusal: Refusal | None = None, *, card_no: str = "") -> Template:
    return show(
        "by_face/card",
        refusal,
        name=registry.masked_name(account.name or ""),
        cert_type=identity.CERT_TYPES.get(account.cert_type or "", "其他证件"),
        cert_no=registry.masked_certificate(account.cert_no or ""),
        card_no=card_no,
        asks_password=_asks_password(account),
    )


def _asks_password(account: identity.Account) -> bool:
    return account.has_pay_password or account.person_id is not None


@get(PATH)
async def ask_number(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    """Ask for the card, once the place is chosen and the name is proved; else lead there first."""
    if not by_channel(request):
        return redirect("/code/activate")
    if await store.activation(pool, request.auth.subject, browser_of(request)) is None:
        return redirect("/activate", next=next_of(request))
    account = await identity.account(pool, vault, request.auth.subject)
    return _page(account) if account.real_name_at else redirect("/activate/who")


@post(PATH, status_code=200)
async def take_number(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: identity.Hasher, clock: Clock
) -> Template | Redirect:
    """Prove the owner by the card, and by the transaction password where there is one."""
    account_id, card_no, at = request.auth.subject, data.get("card_no", ""), clock()
    if not by_channel(request):
        return redirect("/code/activate")
    account = await identity.account(pool, vault, account_id)
    try:
        if _asks_password(account):
            await check_password(request, data, pool, hasher=hasher, at=at)
        async with transaction(pool) as tx:
            await by_card.prove(
                tx,
                vault,
                account_id=account_id,
                channel=request.auth.channel,
                browser=browser_of(request),
                card_no=card_no,
                at=at,
            )
    except refusals.ActivationNotBegun:
        return redirect("/activate")
    except refusals.RealNameFirst:
        return redirect("/activate/who")
    except Refusal as refusal:
        return _page(account, refusal, card_no=card_no)
    return redirect("/activate/confirm")
