"""Units at an agency's counter: registering one, another legal representative, a code on a lost phone (B3, B6)."""

from typing import Annotated, cast

from litestar import Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Template

from yibao import identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.unit import actions, queries, refusals, store
from yibao.service.unit.types import Entry, Kind, Named, Unit
from yibao.web.principal import SignedIn, clerk

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def _page(template: str, refusal: Refusal | None = None, **context: object) -> Template:
    status = refusal.status if refusal else 200
    return Template(f"unit/{template}.html", context={"refusal": refusal, **context}, status_code=status)


async def _units(
    pool: Pool, *, text: str = "", refusal: Refusal | None = None, given: dict[str, str] | None = None
) -> Template:
    return _page(
        "console",
        refusal,
        text=text,
        units=await queries.find(pool, text),
        given=given or {},
        cert_types=identity.CERT_TYPES,
    )


@get("/console/units")
async def units(pool: Pool, text: FromQuery[str] = "") -> Template:
    return await _units(pool, text=text[:64])


@post("/console/units", status_code=200)
async def register(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Repeat a unit of the clerk's own place, and register it once the clerk has said so.

    An institution must be one under contract.
    """
    try:
        kind = data.get("kind", "")
        institution = data.get("institution", "").strip().upper()
        if kind not in ("employer", "institution"):
            raise refusals.UnitIncomplete
        if kind == "institution" and await registry.institution(pool, institution) is None:
            raise refusals.UnitIncomplete
        entry = Entry(
            credit_code=data.get("credit_code", ""),
            name=data.get("name", "")[:100],
            kind=cast(Kind, kind),
            place=request.auth.institution,
            institution=institution if kind == "institution" else "",
            legal=_legal(data),
        )
        async with transaction(pool) as tx:
            confirmed = data.get("step") == "confirm"
            if not confirmed or data.get("checked") != "1":
                unit = await actions.unit_to_be(tx, vault, entry)
                return await _repeated(
                    tx, unit, entry.legal, data, refusals.OriginalsNotChecked() if confirmed else None
                )
            unit_id = await actions.register(tx, vault, entry, by=request.auth.subject, at=clock())
    except Refusal as refusal:
        return await _units(pool, refusal=refusal, given=data)
    return Redirect(f"/console/units/{unit_id}?done=registered", status_code=303)


async def _repeated(tx: Tx, unit: Unit, legal: Named, given: dict[str, str], refusal: Refusal | None) -> Template:
    return _page(
        "console_register",
        refusal,
        unit=unit,
        legal=legal,
        place=await registry.region_name(tx, unit.place) or unit.place,
        given=given,
        cert_types=identity.CERT_TYPES,
    )


def _legal(data: dict[str, str]) -> Named:
    """Return the legal representative as a form names them. Refusals: those of `identity.subject`."""
    who = identity.subject(data.get("legal_name", ""), data.get("cert_type", ""), data.get("cert_no", ""))
    return Named(who.name, who.cert_type, who.cert_no)


async def _unit(
    pool: Pool | Tx,
    vault: Vault,
    unit_id: str,
    *,
    refusal: Refusal | None = None,
    given: dict[str, str] | None = None,
    legal: Named | None = None,
    done: str = "",
) -> Template:
    """Show a unit, or with a `legal` that was checked the question whether they shall be its representative."""
    found = await store.unit(pool, unit_id)
    if found is None:
        raise refusals.UnitUnknown
    return _page(
        "console_unit",
        refusal,
        unit=found,
        place=await registry.region_name(pool, found.place) or found.place,
        operators=[(one, registry.masked_name(one.name)) for one in await queries.operators(pool, vault, unit_id)],
        phones=await queries.phones(pool, unit_id),
        done=done,
        given=given or {},
        legal=legal,
        cert_types=identity.CERT_TYPES,
    )


@get("/console/units/{unit_id:str}")
async def unit(pool: Pool, vault: Vault, unit_id: FromPath[str], done: FromQuery[str] = "") -> Template:
    return await _unit(pool, vault, unit_id, done=done)


@post("/console/units/{unit_id:str}/unbind", status_code=200)
async def unbind(
    request: SignedIn, unit_id: FromPath[str], data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    try:
        async with transaction(pool) as tx:
            await actions.unbind_all(
                tx,
                vault,
                unit_id=unit_id,
                clerk=request.auth.subject,
                reason=data.get("reason", "")[:500],
                at=clock(),
            )
    except refusals.ReasonMissing as refusal:
        return await _unit(pool, vault, unit_id, refusal=refusal)
    return Redirect(f"/console/units/{unit_id}?done=unbound", status_code=303)


@post("/console/units/{unit_id:str}/legal", status_code=200)
async def replace_legal(
    request: SignedIn, unit_id: FromPath[str], data: Form, pool: Pool, vault: Vault, clock: Clock
) -> Template | Redirect:
    """Repeat who shall be the legal representative, and name them once the clerk has said so."""
    place, reason = request.auth.institution, data.get("reason", "")[:500]
    try:
        legal = _legal(data)
        async with transaction(pool) as tx:
            if data.get("step") != "confirm":
                await actions.legal_to_be(tx, vault, unit_id=unit_id, legal=legal, place=place, reason=reason)
                return await _unit(tx, vault, unit_id, given=data, legal=legal)
            await actions.replace_legal(
                tx,
                vault,
                unit_id=unit_id,
                legal=legal,
                place=place,
                clerk=request.auth.subject,
                checked=data.get("checked") == "1",
                reason=reason,
                at=clock(),
            )
    except refusals.OriginalsNotChecked as refusal:
        return await _unit(pool, vault, unit_id, refusal=refusal, given=data, legal=legal)
    except Refusal as refusal:
        return await _unit(pool, vault, unit_id, refusal=refusal, given=data)
    return Redirect(f"/console/units/{unit_id}?done=legal", status_code=303)


routes = [Router("/", route_handlers=[units, register, unit, unbind, replace_legal], guards=[clerk])]
