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
from msgspec import Struct

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
from yibao.settlement.refusals import BillUnknown, SettlementUnknown
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
    return Payer(account_id, person_of(request), await family.shown_by(pool, account_id))


class Whose(Struct, frozen=True):
    """Whose settlements a page shows, and under which address; `member` is a child whose guardian looks at them."""

    person_id: str
    address: str = "/records"
    member: family.Member | None = None


def own_of(person_id: str) -> Whose:
    return Whose(person_id)


async def child_of(
    request: SignedIn, settlement_id: SettlementNumber, pool: Pool, vault: Vault, desk: Desk, clock: Clock
) -> Whose:
    """Return the child whose settlement this is, for a guardian who shows its code; the look is recorded.

    Refusals: SettlementUnknown.
    """
    person_id, at = desk.person_of_number(settlement_id), clock()
    async with transaction(pool) as tx:
        link = (await family.shown_by(tx, request.auth.subject)).get(person_id)
        if link is None or not link.guards(at):
            raise SettlementUnknown
        await family.note_relatives_look(tx, vault, link, purpose="查看结算明细", at=at)
        return Whose(person_id, "/family/records", await family.member(tx, vault, link))


def record_of(payer: Payer, person_id: str, settlement_id: str, *, at: datetime) -> str | None:
    """Return where a payer reads a settlement: one's own, or a child's. A grown relative's is theirs alone."""
    if person_id == payer.person_id:
        return f"/records/{settlement_id}"
    return f"/family/records/{settlement_id}" if payer.relatives[person_id].guards(at) else None


@get("/bills")
async def bills(payer: Payer, pool: Pool, vault: Vault, clock: Clock) -> Template:
    waiting = await queries.bills_waiting(pool, payer, at=clock())
    relatives = {bill.person_id for bill in waiting} & payer.relatives.keys()
    return Template(
        "settlement/phone/bills.html",
        context={
            "bills": waiting,
            "names": await registry.institution_names(pool, (bill.institution for bill in waiting)),
            "members": {one: await family.member(pool, vault, payer.relatives[one]) for one in relatives},
        },
    )


async def _bill_page(
    pool: Pool, vault: Vault, *, payer: Payer, bill_id: str, at: datetime, refusal: Refusal | None = None
) -> Template | Redirect:
    """Show a bill as it stands now; a settled one leads to its record, if this payer may read it.

    Refusals: BillUnknown.
    """
    bill = await _bill(pool, payer, bill_id)
    record = record_of(payer, bill.person_id, bill.settlement_id, at=at) if bill.settlement_id else None
    if record is not None:
        return Redirect(record, status_code=303)
    link = payer.relatives.get(bill.person_id)
    names = await registry.region_names(pool, filter(None, (bill.quote.place, bill.quote.chosen_place)))
    return Template(
        "settlement/phone/bill.html",
        context={
            "bill": bill,
            "place_name": names.get(bill.quote.place),
            "chosen_name": other_place(names, of=bill.quote.place, chosen=bill.quote.chosen_place),
            "member": await family.member(pool, vault, link) if link else None,
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
        link = payer.relatives.get((await _bill(tx, payer, bill_id)).person_id)
        if link is not None:
            await family.note_relatives_look(tx, vault, link, purpose="查看待缴费账单", at=at)
    return await _bill_page(pool, vault, payer=payer, bill_id=bill_id, at=at)


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
    vault: Vault,
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
        return await _bill_page(pool, vault, payer=payer, bill_id=bill_id, at=at, refusal=refusal)
    record = record_of(payer, shown.person_id, settled.settlement_id, at=at)
    return Redirect(f"{record}?settled=now" if record else f"/bills/{bill_id}", status_code=303)


@post("/bills/{bill_id:str}/decline")
async def decline(payer: Payer, bill_id: BillId, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    at = clock()
    try:
        async with transaction(pool) as tx:
            shown = await _bill(tx, payer, bill_id)
            await actions.close_bill(tx, person_id=shown.person_id, bill_id=bill_id, state="declined", at=at)
    except Refusal as refusal:
        return await _bill_page(pool, vault, payer=payer, bill_id=bill_id, at=at, refusal=refusal)
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
async def record(whose: Whose, settlement_id: SettlementNumber, pool: Pool, settled: FromQuery[str] = "") -> Template:
    document = await queries.document(pool, person_id=whose.person_id, settlement_id=settlement_id)
    places = await registry.region_names(pool, filter(None, (document.place, document.chosen_place)))
    return Template(
        "settlement/phone/record.html",
        context={
            "document": document,
            "whose": whose,
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
async def slip(whose: Whose, settlement_id: SettlementNumber, pool: Pool, vault: Vault) -> Response[bytes]:
    document = await queries.document(pool, person_id=whose.person_id, settlement_id=settlement_id)
    person = await registry.person(pool, vault, whose.person_id)
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
        dependencies={
            "person_id": Provide(person_of, sync_to_thread=False),
            "payer": Provide(payer_of),
            "whose": Provide(own_of, sync_to_thread=False),
        },
    ),
    Router(
        "/family",
        route_handlers=[record, slip],
        guards=[insured],
        before_request=bound_first,
        dependencies={"whose": Provide(child_of)},
    ),
]
