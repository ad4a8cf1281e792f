"""电子社保卡人脸识别: the real name by the face, where the social-security card is issued and in order.

The account is identity's and the card is the registry's, so the page that asks both lies above both.
"""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from yibao import face, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import refusals
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

PATH = "/me/real-name/face"


async def require_card(tx: Tx, vault: Vault, *, cert_type: str, cert_no: str) -> None:
    """Let whoever holds a social-security card pass that is issued and whose insurance function is active.

    Refusals, first that applies: CardNotIssued, CardLost, CardFrozen, CardInactive; those of the newest card.
    """
    person_id = await registry.find_by_certificate(tx, vault, cert_type, cert_no)
    states = await registry.card_states(tx, person_id) if person_id else []
    if not states:
        raise refusals.CardNotIssued
    if "normal" in states:
        return
    raise {"lost": refusals.CardLost, "frozen": refusals.CardFrozen, "inactive": refusals.CardInactive}[states[0]]


def _page(back: str, refusal: Refusal | None = None, given: dict[str, str] | None = None) -> Template:
    return Template(
        "credential/real_name_face.html",
        context={"refusal": refusal, "given": given or {}, "cert_types": identity.CERT_TYPES, "next": back},
        status_code=refusal.status if refusal else 200,
    )


def _done(back: str) -> Redirect:
    return Redirect(f"/me/real-name?{urlencode({'next': back})}", status_code=303)


@get(PATH)
async def ask_who(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Ask whose face will come, and take the proof when the browser returns with it; loading it again changes nothing.

    A proof is not spent while the card is in the way, so that it serves once the card is in order.
    """
    back = safe_next(request.query_params.get("next", "/"))
    account_id, at = request.auth.subject, clock()
    if (await identity.account(pool, vault, account_id)).real_name_at is not None:
        return _done(back)
    check_id = request.query_params.get("face", "")
    if not check_id:
        again, device = request.query_params.get("again", ""), device_of(request)
        given = await face.typed_for(pool, vault, check_id=again, purpose="real_name", device=device, at=at)
        return _page(back, given=given)
    try:
        async with transaction(pool) as tx:
            who = await face.spend(tx, vault, check_id=check_id, purpose="real_name", device=device_of(request), at=at)
            await require_card(tx, vault, cert_type=who.cert_type, cert_no=who.cert_no)
            await identity.prove_real_name(
                tx, vault, account_id=account_id, name=who.name, cert_type=who.cert_type, cert_no=who.cert_no, at=at
            )
    except Refusal as refusal:
        return _page(back, refusal)
    return _done(back)


@post(PATH, status_code=200)
async def begin(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    back = safe_next(data.get("next", "/"))
    try:
        who = identity.subject(data.get("name", ""), data.get("cert_type", ""), data.get("cert_no", ""))
    except Refusal as refusal:
        return _page(back, refusal, data)
    async with transaction(pool) as tx:
        check_id = await face.begin(
            tx,
            vault,
            purpose="real_name",
            subject=who,
            device=device_of(request),
            back=f"{PATH}?{urlencode({'next': back})}",
            at=clock(),
        )
    return Redirect(f"/face/{check_id}", status_code=303)


routes = [Router("/", route_handlers=[ask_who, begin], guards=[insured])]
