"""支持的医院/药店 (B13): where the code can be used; and the till's page on which an institution says so itself."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from yibao import credential
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.service import directory
from yibao.service.directory import rules
from yibao.service.directory.types import Hardware, Medium, Search, Spot
from yibao.web.principal import SignedIn, anyone, cashier

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

PAGE_SIZE = 10
PAGE_MAX = 1_000
LEVELS = {
    "village": "村卫生室",
    "community": "社区卫生服务中心、乡镇卫生院",
    "primary": "一级医院",
    "secondary": "二级医院",
    "tertiary": "三级医院",
    "provincial": "省级医院",
    "special": "专科医院",
}


async def _listing(pool: Pool, typed: Mapping[str, str], spot: Spot | None = None) -> Template:
    """Show one page of what fits. A word that is none of ours leaves all, because an address is typed by anybody."""
    places = await directory.places(pool)
    place = typed.get("place", "")
    place = place if place in places else ""
    districts = await directory.districts(pool, place) if place else []
    service, district = typed.get("service", ""), typed.get("district", "")
    sought = Search(
        place=place,
        service=service if service in rules.SERVICES else "",
        text=rules.plain(typed.get("q", "")),
        code_only=typed.get("code") == "1",
        district=district if district in districts else "",
    )
    number = typed.get("page", "1")
    page = min(max(int(number), 1), PAGE_MAX) if number.isdecimal() and len(number) < 5 else 1
    found, total = await directory.outlets(pool, sought, spot=spot, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    fields = {
        "q": sought.text,
        "place": sought.place,
        "service": sought.service,
        "code": "1" if sought.code_only else "",
        "district": sought.district,
    }
    kept = {name: value for name, value in fields.items() if value or name == "place"}  # No city is a choice too.
    return Template(
        "directory/where.html",
        context={
            "sought": sought,
            "places": places,
            "districts": districts,
            "services": rules.SERVICES,
            "found": found,
            "total": total,
            "page": page,
            "pages": -(-total // PAGE_SIZE),
            "spot": spot,
            "kept": kept,
            "address": lambda number: f"/where?{urlencode({**kept, 'page': number})}",
            "distance": rules.distance,
        },
    )


@get("/where")
async def where(request: SignedIn, pool: Pool) -> Template:
    """Begin with the city of whoever is signed in, until they choose one or all."""
    typed = dict(request.query_params)
    if "place" not in typed and request.auth and request.auth.person_id:
        holder = await credential.holder(pool, request.auth.person_id)
        typed["place"] = holder.place if holder else ""
    return await _listing(pool, typed)


@post("/where", status_code=200)
async def where_near(data: Form, pool: Pool) -> Template:
    """Sort by the distance from where the browser is, which comes in the form, so that no address or log keeps it."""
    return await _listing(pool, data, rules.spot_of(data))


@get("/where/{institution:str}")
async def outlet(institution: FromPath[str], pool: Pool) -> Template:
    return Template(
        "directory/outlet.html",
        context={
            "outlet": await directory.outlet(pool, institution),
            "levels": LEVELS,
            "kinds": rules.KINDS,
            "services": rules.SERVICES,
            "media": rules.MEDIA,
            "hardware": rules.HARDWARE,
        },
    )


async def _notice(pool: Pool, institution: str, refusal: Refusal | None = None, **typed: Any) -> Template:
    return Template(
        "directory/notice.html",
        context={
            "outlet": await directory.outlet(pool, institution),
            "media": rules.MEDIA,
            "hardware": rules.HARDWARE,
            "most": {"bring": rules.BRING_MAX, "notice": rules.NOTICE_MAX, "hours": rules.HOURS_MAX},
            "refusal": refusal,
            "done": False,
            "typed": {},
            **typed,
        },
        status_code=refusal.status if refusal else 200,
    )


@get("/till/notice")
async def notice(request: SignedIn, pool: Pool) -> Template:
    return await _notice(pool, request.auth.institution, done="done" in request.query_params)


@post("/till/notice", status_code=200)
async def tell(request: SignedIn, data: Form, pool: Pool) -> Template | Redirect:
    media: list[Medium] = [name for name in ("code", "card", "id_card", "face") if data.get(f"media_{name}") == "1"]
    hardware: list[Hardware] = [name for name in ("scanner", "kiosk", "camera") if data.get(f"hardware_{name}") == "1"]
    try:
        async with transaction(pool) as tx:
            await directory.tell(
                tx,
                institution=request.auth.institution,
                media=media,
                hardware=hardware,
                credit=data.get("credit") == "1",
                bring=_text(data, "bring"),
                notice=_text(data, "notice"),
                hours=_text(data, "hours"),
            )
    except Refusal as refusal:
        return await _notice(pool, request.auth.institution, refusal, typed=data)
    return Redirect("/till/notice?done=1", status_code=303)


def _text(data: Mapping[str, str], name: str) -> str:
    """Return what was typed, without what no keyboard gives; lines stay lines."""
    return "".join(each for each in data.get(name, "") if each.isprintable() or each == "\n").strip()


routes = [
    Router("/", route_handlers=[where, where_near, outlet], guards=[anyone]),
    Router("/", route_handlers=[notice, tell], guards=[cashier]),
]
