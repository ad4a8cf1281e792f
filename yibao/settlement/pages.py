"""Phone pages: bills that wait for their person's word, and every settlement with what it cost and why."""

import asyncio
from collections.abc import Mapping
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
from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import media
from yibao.identity.refusals import PayPasswordMalformed
from yibao.service import family
from yibao.settlement import actions, explain, queries
from yibao.settlement.actions import Desk
from yibao.settlement.api import by_password
from yibao.settlement.queries import Payer
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


def other_place(names: Mapping[str, str], *, of: str, chosen: str) -> str:
    """Return the name of the place that the person chose, where the funds of another pay; empty otherwise."""
    return names[chosen] if chosen not in ("", of) else ""


async def payer_of(request: SignedIn, pool: Pool) -> Payer:
    """Return for whom this account may say yes to a bill: its own person, and whoever's code its phones show."""
    account_id = request.auth.subject
    return Payer(account_id, person_of(request), tuple(await family.shown_by(pool, account_id)))


@get("/bills")
async def bills(payer: Payer, pool: Pool, clock: Clock) -> Template:
    waiting = await queries.bills_waiting(pool, payer, at=clock())
    names = await registry.institution_names(pool, (bill.institution for bill in waiting))
    return Template("settlement/phone/bills.html", context={"bills": waiting, "names": names, "own": payer.person_id})


async def _bill_page(
    pool: Pool, *, payer: Payer, bill_id: str, at: datetime, refusal: Refusal | None = None
) -> Template | Redirect:
    """Show a bill as it stands now; one's own that is settled leads to its record. Refusals: BillUnknown."""
    bill = await _bill(pool, payer, bill_id)
    own = bill.person_id == payer.person_id
    if bill.state == "settled" and own:
        return Redirect(f"/records/{bill.settlement_id}", status_code=303)
    names = await registry.region_names(pool, filter(None, (bill.quote.place, bill.quote.chosen_place)))
    return Template(
        "settlement/phone/bill.html",
        context={
            "bill": bill,
            "place_name": names.get(bill.quote.place),
            "chosen_name": other_place(names, of=bill.quote.place, chosen=bill.quote.chosen_place),
            "own": own,
            "expired": bill.state == "sent" and bill.expires_at <= at,
            "name": (await registry.institution_names(pool, [bill.institution]))[bill.institution],
            "refusal": refusal,
            **WORDS,
        },
        status_code=refusal.status if refusal else 200,
    )


@get("/bills/{bill_id:str}")
async def bill(payer: Payer, bill_id: BillId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    at = clock()
    async with transaction(pool) as tx:
        link = (await family.shown_by(tx, payer.account_id)).get((await _bill(tx, payer, bill_id)).person_id)
        if link is not None:
            await family.note_relatives_look(tx, vault, link, purpose="查看待缴费账单", at=at)
    return await _bill_page(pool, payer=payer, bill_id=bill_id, at=at)


async def _bill(tx: Tx | Pool, payer: Payer, bill_id: str) -> queries.Bill:
    """Refusals: BillUnknown."""
    found = await queries.bill_of(tx, payer, bill_id)
    if found is None:
        raise BillUnknown
    return found


@post("/bills/{bill_id:str}/confirm")
async def confirm(
    payer: Payer,
    request: SignedIn,
    bill_id: BillId,
    data: Form,
    pool: Pool,
    desk: Desk,
    hasher: identity.Hasher,
    clock: Clock,
) -> Template | Redirect:
    at = clock()
    password = data.get("pay_password", "")
    check = by_password(pool, hasher, password, device=device_of(request), at=at)

    async def prove(_: str) -> None:
        """Whoever says yes on the phone does so with the password of the account that is signed in there."""
        await check(payer.account_id)

    try:
        shown = await _bill(pool, payer, bill_id)
        if not password:
            raise PayPasswordMalformed  # Nothing was guessed, so nothing is counted.
        settled = await actions.confirm_bill(desk, person_id=shown.person_id, bill_id=bill_id, prove=prove, at=at)
    except Refusal as refusal:
        return await _bill_page(pool, payer=payer, bill_id=bill_id, at=at, refusal=refusal)
    if shown.person_id != payer.person_id:
        return Redirect(f"/bills/{bill_id}", status_code=303)
    return Redirect(f"/records/{settled.settlement_id}?settled=now", status_code=303)


@post("/bills/{bill_id:str}/decline")
async def decline(payer: Payer, bill_id: BillId, pool: Pool, clock: Clock) -> Template | Redirect:
    at = clock()
    try:
        async with transaction(pool) as tx:
            shown = await _bill(tx, payer, bill_id)
            await actions.close_bill(tx, person_id=shown.person_id, bill_id=bill_id, state="declined", at=at)
    except Refusal as refusal:
        return await _bill_page(pool, payer=payer, bill_id=bill_id, at=at, refusal=refusal)
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
            "names": await registry.institution_names(pool, (record.institution for record in found)),
            "most": RECORDS_MAX if len(found) == RECORDS_MAX else None,
        },
    )


@get("/records/{settlement_id:str}")
async def record(person_id: str, settlement_id: SettlementNumber, pool: Pool, settled: FromQuery[str] = "") -> Template:
    document = await queries.document(pool, person_id=person_id, settlement_id=settlement_id)
    places = await registry.region_names(pool, filter(None, (document.place, document.chosen_place)))
    return Template(
        "settlement/phone/record.html",
        context={
            "document": document,
            "just_settled": settled == "now",
            "name": (await registry.institution_names(pool, [document.institution]))[document.institution],
            "place_name": places[document.place],
            "chosen_name": other_place(places, of=document.place, chosen=document.chosen_place),
            "medium": media.NAMES.get(document.medium, "医保码"),
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
        institution_name=(await registry.institution_names(pool, [document.institution]))[document.institution],
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
        dependencies={"person_id": Provide(person_of, sync_to_thread=False), "payer": Provide(payer_of)},
    )
]
