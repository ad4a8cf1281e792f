"""What this institution has settled: the day, one settlement, its slip, and taking it back."""

import asyncio

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from yibao import registry, settlement
from yibao.core.clock import day_of
from yibao.core.refusal import Refusal
from yibao.settlement import explain, queries, refusals, slip
from yibao.settlement.till.shell import KNOWN_BY, Page, Till, template, typed


@get("/daybook")
async def daybook(till: Till) -> Template:
    return await _daybook(till)


async def _daybook(till: Till, *, number: str = "", refusal: Refusal | None = None) -> Template:
    on = day_of(till.at)
    lines = await queries.daybook(till.pool, institution=till.institution, on=on)
    return template(
        "daybook",
        refusal,
        on=on,
        lines=lines,
        cancelled={line.reverses for line in lines},
        totals={
            name: sum(getattr(line, name) for line in lines)
            for name in ("total_fen", "fund_fen", "account_fen", "cash_fen")
        },
        number=number,
    )


@get("/settlements")
async def find(till: Till, number: FromQuery[str] = "") -> Page:
    """Lead from a number that was typed to its settlement."""
    number = "".join(typed(number).split())
    try:
        found = await till.document(number)
    except refusals.SettlementUnknown as refusal:
        return await _daybook(till, number=number[:40], refusal=refusal)
    return Redirect(f"/till/settlements/{found.settlement_id}", status_code=303)


@get("/settlements/{settlement_id:str}")
async def show_settlement(till: Till, settlement_id: FromPath[str]) -> Template:
    return await _document(till, "document", settlement_id)


@get("/settlements/{settlement_id:str}/reversal")
async def ask_reversal(till: Till, settlement_id: FromPath[str]) -> Template:
    return await _document(till, "reversal", settlement_id)


@post("/settlements/{settlement_id:str}/reversal")
async def reverse(till: Till, settlement_id: FromPath[str]) -> Page:
    try:
        reversal = await settlement.reverse(
            till.desk,
            settlement_id=settlement_id,
            institution=till.institution,
            caller=till.institution,
            request_id=f"reverse-{settlement_id}",
            at=till.at,
        )
    except refusals.SettlementUnknown:
        raise
    except Refusal as refusal:
        return await _document(till, "reversal", settlement_id, refusal=refusal)
    return Redirect(f"/till/settlements/{reversal.settlement_id}", status_code=303)


async def _document(till: Till, name: str, settlement_id: str, *, refusal: Refusal | None = None) -> Template:
    document = await till.document(settlement_id)
    return template(
        name,
        refusal,
        document=document,
        summary=explain.summary(document),
        person=await till.person(
            till.desk.person_of_number(document.settlement_id), document.place, document.chosen_place
        ),
        known_by=KNOWN_BY.get(document.medium, ""),
        insurance=slip.INSURANCE_NAMES.get(document.insutype, document.insutype),
        visit=slip.visit_name(document.visit_kind, document.disease),
        fund_name=slip.fund_name,
    )


@get("/settlements/{settlement_id:str}/slip.pdf")
async def show_slip(till: Till, settlement_id: FromPath[str]) -> Response[bytes]:
    document = await till.document(settlement_id)
    institution = await registry.institution(till.pool, document.institution)
    person = await registry.person(till.pool, till.vault, till.desk.person_of_number(document.settlement_id))
    place = await registry.region_name(till.pool, document.place)
    made = await asyncio.to_thread(
        slip.slip_pdf,
        document,
        institution_name=institution.name if institution else document.institution,
        person_name=person.name,
        place_name=place or document.place,
    )
    return Response(
        made,
        media_type="application/pdf",
        headers={"content-disposition": f'inline; filename="{document.settlement_id}.pdf"'},
    )


handlers = [daybook, find, show_settlement, ask_reversal, reverse, show_slip]
