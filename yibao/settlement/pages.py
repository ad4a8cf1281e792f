"""Phone pages: bills that wait for their person's word, and every settlement with what it cost and why."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template

from yibao import benefit, identity, registry
from yibao.core.clock import BEIJING, Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity.refusals import PayPasswordMalformed
from yibao.settlement import actions, explain, queries
from yibao.settlement.actions import Desk
from yibao.settlement.api import by_password
from yibao.settlement.refusals import BillUnknown
from yibao.settlement.rules import plain
from yibao.settlement.slip import CLASS_NAMES, INSURANCE_NAMES, fund_name, short, slip_pdf, visit_name
from yibao.web.principal import SignedIn, device_of, insured

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
BillId = Annotated[str, PathParameter(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]
SettlementNumber = Annotated[str, PathParameter(pattern=r"^[0-9]{30}$")]

RECORDS_MAX = 100


def price(unit_price: Decimal | str) -> str:
    return plain(Decimal(unit_price))


WORDS = {"price": price, "short": short, "class_names": CLASS_NAMES}


async def bound_first(request: SignedIn) -> Redirect | None:
    """Lead whoever has not bound their insurance yet through binding it, and back."""
    if request.auth.person_id is not None:
        return None
    back = request.url.path if request.method == "GET" else "/bills"
    return Redirect(f"/me/bind?{urlencode({'next': back})}", status_code=303)


def person_of(request: SignedIn) -> str:
    assert request.auth.person_id is not None  # `bound_first` came first.
    return request.auth.person_id


async def institution_names(pool: Pool, codes: Iterable[str]) -> dict[str, str]:
    """Return the names of institutions; one that the registry does not know goes by its code."""
    names = {}
    for code in sorted(set(codes)):
        found = await registry.institution(pool, code)
        names[code] = found.name if found else code
    return names


@get("/bills")
async def bills(person_id: str, pool: Pool, clock: Clock) -> Template:
    waiting = await queries.bills_waiting(pool, person_id, at=clock())
    names = await institution_names(pool, (bill.institution for bill in waiting))
    return Template("settlement/phone/bills.html", context={"bills": waiting, "names": names})


async def _bill_page(
    pool: Pool, *, person_id: str, bill_id: str, at: datetime, refusal: Refusal | None = None
) -> Template | Redirect:
    """Show a bill as it stands now; a settled one leads to its record. Refusals: BillUnknown."""
    bill = await queries.bill(pool, person_id=person_id, bill_id=bill_id)
    if bill is None:
        raise BillUnknown
    if bill.state == "settled":
        return Redirect(f"/records/{bill.settlement_id}", status_code=303)
    return Template(
        "settlement/phone/bill.html",
        context={
            "bill": bill,
            "expired": bill.state == "sent" and bill.expires_at <= at,
            "name": (await institution_names(pool, [bill.institution]))[bill.institution],
            "refusal": refusal,
            **WORDS,
        },
        status_code=refusal.status if refusal else 200,
    )


@get("/bills/{bill_id:str}")
async def bill(person_id: str, bill_id: BillId, pool: Pool, clock: Clock) -> Template | Redirect:
    return await _bill_page(pool, person_id=person_id, bill_id=bill_id, at=clock())


@post("/bills/{bill_id:str}/confirm")
async def confirm(
    request: SignedIn,
    person_id: str,
    bill_id: BillId,
    data: Form,
    pool: Pool,
    desk: Desk,
    hasher: identity.Hasher,
    clock: Clock,
) -> Template | Redirect:
    at = clock()
    password = data.get("pay_password", "")
    try:
        if not password:
            raise PayPasswordMalformed  # Nothing was guessed, so nothing is counted.
        settled = await actions.confirm_bill(
            desk,
            person_id=person_id,
            bill_id=bill_id,
            prove=by_password(pool, hasher, password, device=device_of(request), at=at),
            at=at,
        )
    except Refusal as refusal:
        return await _bill_page(pool, person_id=person_id, bill_id=bill_id, at=at, refusal=refusal)
    return Redirect(f"/records/{settled.settlement_id}?settled=now", status_code=303)


@post("/bills/{bill_id:str}/decline")
async def decline(person_id: str, bill_id: BillId, pool: Pool, clock: Clock) -> Template | Redirect:
    at = clock()
    try:
        async with transaction(pool) as tx:
            await actions.close_bill(tx, person_id=person_id, bill_id=bill_id, state="declined", at=at)
    except Refusal as refusal:
        return await _bill_page(pool, person_id=person_id, bill_id=bill_id, at=at, refusal=refusal)
    return Redirect(f"/bills/{bill_id}", status_code=303)


@get("/records")
async def records(person_id: str, pool: Pool) -> Template:
    found = await queries.records(pool, person_id, limit=RECORDS_MAX)
    months = [
        (month, list(group))
        for month, group in groupby(found, key=lambda record: f"{record.settled_at.astimezone(BEIJING):%Y 年 %-m 月}")
    ]
    return Template(
        "settlement/phone/records.html",
        context={
            "months": months,
            "names": await institution_names(pool, (record.institution for record in found)),
            "most": RECORDS_MAX if len(found) == RECORDS_MAX else None,
        },
    )


@get("/records/{settlement_id:str}")
async def record(person_id: str, settlement_id: SettlementNumber, pool: Pool, settled: FromQuery[str] = "") -> Template:
    document = await queries.document(pool, person_id=person_id, settlement_id=settlement_id)
    return Template(
        "settlement/phone/record.html",
        context={
            "document": document,
            "just_settled": settled == "now",
            "name": (await institution_names(pool, [document.institution]))[document.institution],
            "place_name": await registry.region_name(pool, document.place) or document.place,
            "insurance_name": INSURANCE_NAMES.get(document.insutype, document.insutype),
            "visit_name": visit_name(document.visit_kind, document.disease),
            "fund_name": fund_name,
            "summary": explain.summary(document),
            "steps": explain.steps(document),
            "grades": benefit.GRADE_NAMES,
            **WORDS,
        },
    )


@get("/records/{settlement_id:str}/slip.pdf")
async def slip(person_id: str, settlement_id: SettlementNumber, pool: Pool, vault: Vault) -> Response[bytes]:
    document = await queries.document(pool, person_id=person_id, settlement_id=settlement_id)
    person = await registry.person(pool, vault, person_id)
    pdf = await asyncio.to_thread(
        slip_pdf,
        document,
        institution_name=(await institution_names(pool, [document.institution]))[document.institution],
        person_name=person.name,
        place_name=await registry.region_name(pool, document.place) or document.place,
    )
    return Response(
        pdf,
        media_type="application/pdf",
        headers={"content-disposition": f'inline; filename="{document.settlement_id}.pdf"'},
    )


routes = [
    Router(
        "/",
        route_handlers=[bills, bill, confirm, decline, records, record, slip],
        guards=[insured],
        before_request=bound_first,
        dependencies={"person_id": Provide(person_of, sync_to_thread=False)},
    )
]
