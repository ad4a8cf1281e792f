"""Whom the till serves and what is bought: the scan, the camera, the document, the face, the lines of the basket."""

import asyncio
import io
import re
from decimal import Decimal
from typing import Any

import zxingcpp
from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect, Template
from msgspec import Struct, structs
from PIL import Image

from yibao import credential, identity
from yibao.core.database import transaction
from yibao.core.money import number_of
from yibao.core.refusal import Refusal
from yibao.credential import Gate, media
from yibao.credential.api import ask_for_face, identify_person, scan_code
from yibao.service import directory
from yibao.settlement import draft, queries, refusals
from yibao.settlement.draft import Draft, DraftLine
from yibao.settlement.till.shell import Form, Page, Till, template, typed
from yibao.web.principal import SignedIn
from yibao.web.refusals import Malformed

PIXELS_MAX = 16_000_000

_CODE = re.compile(r"[0-9]{28}")
_BARCODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128])
_NARROW = str.maketrans("０１２３４５６７８９．", "0123456789.")


def _number(text: str) -> Decimal:
    """Return a number from a form, also in the wide digits of a Chinese keyboard. Refusals: MalformedOrder."""
    try:
        return number_of(typed(text).translate(_NARROW))
    except ValueError:
        raise refusals.MalformedOrder(what="数量和单价须是数字，例如 2 或 12.50。") from None


@get("")
async def show(till: Till, q: FromQuery[str | None] = None) -> Template:
    return await till.page(q=None if q is None else typed(q)[:50])


@post("/scan")
async def scan(till: Till, data: Form, gate: Gate) -> Page:
    return await till.after(_scan(till, gate, code="".join(typed(data.get("code", "")).split())))


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
    return await _identify_page(till, {})


async def _identify_page(till: Till, given: dict[str, str], refusal: Refusal | None = None) -> Template:
    return template(
        "identify",
        refusal,
        given={name: given.get(name, "") for name in ("medium", "number", "cert_type", "name")},
        cert_types=identity.CERT_TYPES,
        faces="face" in await directory.media(till.pool, till.institution),
    )


@post("/identify")
async def identify(till: Till, data: Form, gate: Gate) -> Page:
    """Put the person on the till whose card or certificate the cashier has checked (B5): nobody must have a phone."""
    given = {name: typed(text) for name, text in data.items()}
    document = _document(given, medium=given.get("medium", ""))
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
        return await _identify_page(till, given, refusal)
    return Redirect("/till", status_code=303)


def _document(given: dict[str, str], *, medium: str) -> credential.Document:
    return credential.Document(
        medium=medium, number=given.get("number", ""), cert_type=given.get("cert_type", ""), name=given.get("name", "")
    )


FACE = "/till/identify/face"


@post("/identify/face")
async def to_face(till: Till, data: Form, gate: Gate) -> Page:
    """Put whoever shows no document before the camera of this till (B5), once the name and number lead to somebody."""
    given = {name: typed(text) for name, text in data.items()} | {"medium": media.FACE}
    if "face" not in await directory.media(till.pool, till.institution):
        raise Malformed(what="本机构没有登记刷脸，请先在「机构公告」里勾选。")
    try:
        await _require_free(till)
        check_id = await ask_for_face(
            gate,
            document=_document(given, medium=media.FACE),
            institution=till.institution,
            till=till.login,
            device=till.device,
            back=FACE,
            at=till.at,
        )
    except Refusal as refusal:
        return await _identify_page(till, given, refusal)
    return Redirect(f"/face/{check_id}", status_code=303)


@get("/identify/face")
async def after_face(till: Till, gate: Gate, face: FromQuery[str] = "") -> Page:
    """Put the person on the till whose face was shown; without a proof, show again what was typed for it."""
    asked = await credential.asked_face(
        till.pool, till.vault, institution=till.institution, till=till.login, device=till.device, at=till.at
    )
    given = {"medium": media.FACE} | (structs.asdict(asked) if asked else {})
    if not face:
        return await _identify_page(till, given)
    try:
        await _require_free(till)
        async with transaction(till.pool) as tx:
            redeemed = await credential.identify_by_face(
                tx,
                till.vault,
                gate.tokens,
                check_id=face,
                institution=till.institution,
                till=till.login,
                device=till.device,
                at=till.at,
            )
        await _begin(till, redeemed)
    except Refusal as refusal:
        return await _identify_page(till, given, refusal)
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
    item = await directory.item(till.pool, typed(data.get("code", "")))
    if item is None:
        raise refusals.ItemUnknown(line_no=len(there.lines) + 1)
    line = DraftLine(item.code, item.name, item.unit, quantity=_number(data.get("quantity", "")))
    await _change(till, there, lines=draft.added(there.lines, line))


@post("/lines/change")
async def change_line(till: Till, data: Form) -> Page:
    return await till.after(_change_line(till, data))


async def _change_line(till: Till, data: dict[str, str]) -> None:
    there = await till.draft_shown(data)
    price = typed(data.get("unit_price", ""))
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


handlers = [
    show,
    scan,
    ask_document,
    identify,
    to_face,
    after_face,
    frame,
    add_line,
    change_line,
    remove_line,
    use_account,
    visit,
]
