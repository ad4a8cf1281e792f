"""The cashier's till: scan, basket, what is owed, settle, slip, cancel, today's settlements.

Every step is a form that is posted and redirected from. All that stands on the screen is in the draft, so nothing is
lost by a refresh; and every form says which draft it was shown for, so nothing is done to another one.
"""

import asyncio
import io
import re
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

import msgspec
import zxingcpp
from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import Struct
from PIL import Image

from yibao import credential, identity, registry, settlement
from yibao.core.clock import Clock, day_of
from yibao.core.database import Pool, transaction
from yibao.core.money import number_of
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.credential import Gate, media
from yibao.credential.api import identify_person, scan_code
from yibao.service import directory
from yibao.settlement import draft, explain, queries, refusals, rules, slip
from yibao.settlement.actions import Desk
from yibao.settlement.api import by_password
from yibao.settlement.draft import Draft, DraftLine
from yibao.settlement.types import Order, Quote, Relation, Split
from yibao.web.principal import SignedIn, cashier
from yibao.web.refusals import Malformed

GENDERS = {"1": "男", "2": "女"}  # gend
BILL_ENDS = {"declined": "参保人拒绝了这张账单", "withdrawn": "账单已撤回", "sent": "账单超过 15 分钟没有确认，已失效"}
SCAN_AGAIN = (refusals.VisitExpired, refusals.VisitUnknown, refusals.DeviceUnbound)
PIXELS_MAX = 16_000_000
FOUND_MAX = 8

_CODE = re.compile(r"[0-9]{28}")
_BARCODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128])

Form = URLEncodedBody[dict[str, str]]
Page = Template | Redirect


class Shown(Struct, frozen=True):
    """What a till shows of a person."""

    name: str
    gender: str
    age: int
    place: str  # Whose funds pay.
    chosen: str = ""  # The place that the person has chosen, where it is another one.


class Till:
    """One till while it answers one request."""

    def __init__(self, request: SignedIn, pool: Pool, vault: Vault, desk: Desk, clock: Clock) -> None:
        self.pool = pool
        self.vault = vault
        self.desk = desk
        self.at = clock()
        self.institution = request.auth.institution
        self.login = request.auth.subject

    async def draft(self) -> Draft | None:
        return await draft.draft_of(self.pool, institution=self.institution, till=self.login)

    async def draft_shown(self, data: dict[str, str]) -> Draft:
        """Return the draft, if it is the one for which the form was shown. Refusals: DraftChanged."""
        there = await self.draft()
        if there is None:
            raise refusals.DraftChanged
        _require_shown(there, data)
        return there

    async def person(self, person_id: str, place: str, chosen: str = "") -> Shown:
        person = await registry.person(self.pool, self.vault, person_id)
        names = await registry.region_names(self.pool, {place, chosen or place})
        return Shown(
            name=registry.masked_name(person.name),
            gender=GENDERS.get(person.gender, "性别未说明"),
            age=rules.age_on(person.birth_on, day_of(self.at)),
            place=names[place],
            chosen=names[chosen] if chosen not in ("", place) else "",
        )

    async def page(self, *, q: str | None = None, refusal: Refusal | None = None) -> Template:
        """Show what stands on this till, with the refusal of what was tried on top.

        `q` is what was searched for. Nothing in the search box, sent with Enter, leads on to paying: so hands stay on
        the keyboard.
        """
        there = await self.draft()
        if there is None:
            return _template("scan", refusal)
        person_id = self.desk.person_of_token(there.token)
        if there.settled is not None:
            # The number of a settlement begins with the place whose funds paid.
            person = await self.person(person_id, there.settled.settlement_id[:6])
            return _template("settled", refusal, draft=there, person=person)
        # A visit token begins with the insured place, as the national ecToken does.
        at_scan = there.token[:6]
        if there.bill_sent:
            bill = await queries.bill(self.pool, person_id=person_id, bill_id=there.request_id)
            waits = bill is not None and bill.state == "sent" and bill.expires_at > self.at
            ended = BILL_ENDS.get(bill.state if bill else "", "账单没有发出")
            paid_by = (bill.quote.place if bill else "") or at_scan
            person = await self.person(person_id, paid_by, bill.quote.chosen_place if bill else "")
            return _template("waiting", refusal, draft=there, person=person, bill=bill, waits=waits, ended=ended)
        here = await queries.here(self.pool, person_id=person_id, token=there.token, institution=self.institution)
        chosen = here.visit.place if here.visit else ""
        quote, relation = None, None
        why_not: Refusal | None = None
        try:
            relation = self.relation(here)
            if there.lines:
                quote = await settlement.quote(self.desk, basket=there.basket, institution=self.institution, at=self.at)
        except refusals.NotInsuredHere as refused:  # Said before anything is rung up.
            why_not = await queries.with_names(self.pool, refused)
        except Refusal as refused:
            why_not = refused
        return _template(
            "basket",
            refusal,
            quote=quote,
            why_not=why_not,
            scan_again=isinstance(why_not, SCAN_AGAIN),
            q=q or "",
            pay=q == "",
            found=await directory.search(self.pool, q, limit=FOUND_MAX) if q else [],
            visits=self.visits(here, relation),
            draft=there,
            person=await self.person(person_id, relation.place if relation else chosen or at_scan, chosen),
            medium=media.NAMES.get(here.visit.medium, "") if here.visit else "",
            has_personal=_may_have_personal(relation, quote),
        )

    def relation(self, here: queries.Here) -> Relation:
        """Return the insurance relation that pays here. Refusals: InstitutionClosed, those of `rules.relation_at`."""
        if here.institution is None:
            raise refusals.InstitutionClosed
        return rules.relation_at(
            here.coverage,
            treated=here.institution.place,
            chosen=here.visit.place if here.visit else "",
            policies=self.desk.policies,
        )

    def visits(self, here: queries.Here, relation: Relation | None) -> list[tuple[str, str]]:
        """Return the kinds of visit that may be chosen here, with their names; the ordinary one first."""
        ordinary = "pharmacy" if here.institution is not None and here.institution.kind == "pharmacy" else "outpatient"
        return [
            (f"{kind}:{disease}", slip.visit_name(kind or ordinary, disease))
            for kind, disease in rules.choices(here.institution, relation, on=day_of(self.at))
        ]

    async def after(self, step: Awaitable[str | None]) -> Page:
        """Take a step and lead to where it says, the till unless told otherwise; if refused, show why."""
        try:
            there = await step
        except Refusal as refusal:
            return await self.page(refusal=refusal)
        return Redirect(there or "/till", status_code=303)

    async def document(self, settlement_id: str) -> queries.Document:
        """Return a settlement of this institution. Refusals: SettlementUnknown."""
        return await queries.document_of_institution(
            self.pool,
            person_id=self.desk.person_of_number(settlement_id),
            settlement_id=settlement_id,
            institution=self.institution,
        )


def _may_have_personal(relation: Relation | None, quote: Quote | None) -> bool:
    """Whether there may be a personal account to use: residents have none, unless one is left from a job."""
    is_resident = relation is not None and rules.INSURANCE.get(relation.insutype) == "resident"
    return not is_resident or bool(quote and quote.balance_fen)


def _require_shown(there: Draft, data: dict[str, str]) -> None:
    if there.request_id != data.get("shown"):
        raise refusals.DraftChanged


def _template(name: str, refusal: Refusal | None, **context: Any) -> Template:
    return Template(
        template_name=f"settlement/till/{name}.html",
        context={
            "refusal": refusal,
            "short": slip.short,
            "price": lambda number: rules.plain(Decimal(number)),
            "class_names": slip.CLASS_NAMES,
            **context,
        },
        status_code=refusal.status if refusal is not None else 200,
    )


def _typed(text: str) -> str:
    """Return what somebody typed without what no keyboard gives, which the database would not take either."""
    return "".join(character for character in text if character.isprintable()).strip()


_NARROW = str.maketrans("０１２３４５６７８９．", "0123456789.")


def _number(text: str) -> Decimal:
    """Return a number from a form, also in the wide digits of a Chinese keyboard. Refusals: MalformedOrder."""
    try:
        return number_of(_typed(text).translate(_NARROW))
    except ValueError:
        raise refusals.MalformedOrder(what="数量和单价须是数字，例如 2 或 12.50。") from None


@get("")
async def show(till: Till, q: FromQuery[str | None] = None) -> Template:
    return await till.page(q=None if q is None else _typed(q)[:50])


@post("/scan")
async def scan(till: Till, data: Form, gate: Gate) -> Page:
    return await till.after(_scan(till, gate, code="".join(_typed(data.get("code", "")).split())))


async def _scan(till: Till, gate: Gate, *, code: str) -> None:
    await _require_free(till)
    redeemed = await scan_code(gate, code=code, institution=till.institution, till=till.login, at=till.at)
    await _begin(till, redeemed)


async def _require_free(till: Till) -> None:
    """Refuse whoever comes next while a bill waits on a phone; asked before a code is spent. Refusals: DraftLocked."""
    there = await till.draft()
    if there is not None and there.waiting:
        raise refusals.DraftLocked


async def _begin(till: Till, redeemed: credential.Redeemed) -> None:
    async with transaction(till.pool) as tx:
        await draft.begin(
            tx,
            institution=till.institution,
            till=till.login,
            token=redeemed.token,
            same_person=lambda there: till.desk.person_of_token(there.token) == redeemed.person_id,
            at=till.at,
        )


@get("/identify")
async def ask_document(till: Till) -> Template:
    return _identify_page({})


def _identify_page(given: dict[str, str], refusal: Refusal | None = None) -> Template:
    typed = {name: given.get(name, "") for name in ("medium", "number", "cert_type", "name")}
    return _template("identify", refusal, given=typed, cert_types=identity.CERT_TYPES)


@post("/identify")
async def identify(till: Till, data: Form, gate: Gate) -> Page:
    """Put the person on the till whose card or certificate the cashier has checked (B5): nobody must have a phone."""
    given = {name: _typed(text) for name, text in data.items()}
    document = credential.Document(
        medium=given.get("medium", ""),
        number=given.get("number", ""),
        cert_type=given.get("cert_type", ""),
        name=given.get("name", ""),
    )
    try:
        await _require_free(till)
        redeemed = await identify_person(
            gate,
            document=document,
            checked=given.get("checked") == "1",
            institution=till.institution,
            till=till.login,
            at=till.at,
        )
        await _begin(till, redeemed)
    except Refusal as refusal:
        return _identify_page(given, refusal)
    return Redirect("/till", status_code=303)


class Frame(Struct, frozen=True):
    code: str


@post("/frame", status_code=200)
async def frame(request: SignedIn) -> Frame:
    return Frame(await asyncio.to_thread(code_in, await request.body()))


def code_in(picture: bytes) -> str:
    """Return the 28 digits of a code that a JPEG shows; empty if there is none, or it is no picture at all."""
    try:
        image = Image.open(io.BytesIO(picture), formats=["JPEG"])
        if image.width * image.height > PIXELS_MAX:
            return ""
        barcodes = zxingcpp.read_barcodes(image.convert("L"), formats=_BARCODES)
    except Exception:  # A broken picture makes Pillow raise whatever its bytes led to.
        return ""
    return next((barcode.text for barcode in barcodes if _CODE.fullmatch(barcode.text)), "")


@post("/lines/add")
async def add_line(till: Till, data: Form) -> Page:
    return await till.after(_add_line(till, data))


async def _add_line(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    item = await directory.item(till.pool, _typed(data.get("code", "")))
    if item is None:
        raise refusals.ItemUnknown(line_no=len(there.lines) + 1)
    line = DraftLine(item.code, item.name, item.unit, quantity=_number(data.get("quantity", "")))
    await _change(till, there, lines=draft.added(there.lines, line))


@post("/lines/change")
async def change_line(till: Till, data: Form) -> Page:
    return await till.after(_change_line(till, data))


async def _change_line(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    price = _typed(data.get("unit_price", ""))
    lines = draft.changed(
        there.lines,
        data.get("code", ""),
        quantity=_number(data.get("quantity", "")),
        unit_price=_number(price) if price else None,
    )
    await _change(till, there, lines=lines)


@post("/lines/remove")
async def remove_line(till: Till, data: Form) -> Page:
    return await till.after(_remove_line(till, data))


async def _remove_line(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    await _change(till, there, lines=draft.removed(there.lines, data.get("code", "")))


@post("/account")
async def use_account(till: Till, data: Form) -> Page:
    return await till.after(_use_account(till, data))


async def _use_account(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    await _change(till, there, use_account=data.get("use") == "yes")


@post("/visit")
async def visit(till: Till, data: Form) -> Page:
    return await till.after(_visit(till, data))


async def _visit(till: Till, data: dict[str, str]) -> None:
    """Settle for another kind of visit; `chronic:M03900` names the disease that a chronic one is for."""
    there = await till.draft_shown(data)
    wanted = data.get("visit", "")
    here = await queries.here(
        till.pool,
        person_id=till.desk.person_of_token(there.token),
        token=there.token,
        institution=till.institution,
    )
    if wanted not in dict(till.visits(here, till.relation(here))):
        raise Malformed(what="就医类别须从列表中选择。")
    kind, _, disease = wanted.partition(":")
    await _change(till, there, visit_kind=kind, disease=disease)


async def _change(till: Till, there: Draft, **changes: Any) -> None:
    async with transaction(till.pool) as tx:
        await draft.change(tx, there, at=till.at, **changes)


@post("/send")
async def send(till: Till, data: Form) -> Page:
    return await till.after(_send(till, data))


async def _send(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    if there.bill_sent or there.settled is not None:
        return
    async with transaction(till.pool) as tx:
        await settlement.send_bill(
            till.desk,
            tx,
            basket=there.basket,
            bill_id=there.request_id,
            institution=till.institution,
            till=till.login,
            at=till.at,
        )
        await draft.mark_sent(tx, there, at=till.at)


@post("/withdraw")
async def withdraw(till: Till, data: Form) -> Page:
    return await till.after(_withdraw(till, data))


async def _withdraw(till: Till, data: dict[str, str]) -> None:
    """Take the bill back from the phone, unless the person was faster: then the page shows what they decided."""
    there = await till.draft()
    if there is None or not there.waiting:
        return
    _require_shown(there, data)
    person_id = till.desk.person_of_token(there.token)
    try:
        async with transaction(till.pool) as tx:
            bill = await queries.bill(tx, person_id=person_id, bill_id=there.request_id)
            if bill is not None and bill.state not in ("declined", "withdrawn"):
                await settlement.close_bill(
                    tx, person_id=person_id, bill_id=bill.bill_id, state="withdrawn", at=till.at
                )
            await draft.reopen(tx, there, at=till.at)
    except refusals.BillClosed:
        return


@post("/confirm")
async def confirm(till: Till, data: Form, hasher: identity.Hasher) -> Page:
    return await till.after(_confirm(till, data, hasher))


async def _confirm(till: Till, data: dict[str, str], hasher: identity.Hasher) -> str | None:
    """Settle for the amounts that were on the screen, under the draft's id: a second click gets the first answer."""
    there = await till.draft_shown(data)
    if there.settled is not None:
        return None
    draft.require_open(there)
    password = data.get("password", "")
    settled = await settlement.confirm(
        till.desk,
        order=Order(there.basket, _split_shown(data), place=data.get("place", "")),
        institution=till.institution,
        caller=till.institution,
        request_id=there.request_id,
        prove=by_password(till.pool, hasher, password, device=f"till:{till.login}", at=till.at) if password else None,
        at=till.at,
    )
    now = await till.draft()
    if now is None or now.request_id != there.request_id:
        # Somebody worked on in another window meanwhile. What was paid must be seen all the same.
        return f"/till/settlements/{settled.settlement_id}"
    return None


def _split_shown(data: dict[str, str]) -> Split:
    """Return the amounts that the form was shown with. Refusals: Malformed."""
    try:
        return msgspec.convert(
            {name: data.get(name.removesuffix("_fen")) for name in Split.__struct_fields__}, Split, strict=False
        )
    except msgspec.ValidationError:
        raise Malformed(what="缺少所显示的金额。") from None


@post("/clear")
async def clear(till: Till, data: Form) -> Page:
    return await till.after(_clear(till, data))


async def _clear(till: Till, data: dict[str, str]) -> None:
    there = await till.draft()
    if there is None:
        return
    _require_shown(there, data)
    async with transaction(till.pool) as tx:
        await draft.clear(tx, there)


@get("/daybook")
async def daybook(till: Till) -> Template:
    return await _daybook(till)


async def _daybook(till: Till, *, number: str = "", refusal: Refusal | None = None) -> Template:
    on = day_of(till.at)
    lines = await queries.daybook(till.pool, institution=till.institution, on=on)
    return _template(
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
    number = "".join(_typed(number).split())
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
    return _template(
        name,
        refusal,
        document=document,
        summary=explain.summary(document),
        person=await till.person(
            till.desk.person_of_number(document.settlement_id), document.place, document.chosen_place
        ),
        medium=media.NAMES.get(document.medium, ""),
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


routes = [
    Router(
        "/till",
        route_handlers=[
            show,
            scan,
            ask_document,
            identify,
            frame,
            add_line,
            change_line,
            remove_line,
            use_account,
            visit,
            send,
            withdraw,
            confirm,
            clear,
            daybook,
            find,
            show_settlement,
            ask_reversal,
            reverse,
            show_slip,
        ],
        dependencies={"till": Provide(Till, sync_to_thread=False)},
        guards=[cashier],
    )
]
