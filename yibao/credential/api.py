"""Scanning for institutions' own systems."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from yibao import registry
from yibao.core.database import transaction
from yibao.credential import actions, media
from yibao.credential.actions import Gate
from yibao.credential.refusals import BadCode, DocumentUnknown
from yibao.credential.types import Redeemed
from yibao.web.principal import SignedIn, institution, now_for


class ScanRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scanner read. `till` tells the institution's tills apart when one of them is slowed."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    till: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = ""


class Scanned(Struct, frozen=True):
    """The visit token (the national ecToken), and whom it is for, masked."""

    token: str
    expires_at: datetime
    place: str
    name: str
    gender: str


async def scan_code(gate: Gate, *, code: str, institution: str, till: str, at: datetime) -> Redeemed:
    """Redeem a code, and count it against the till if it identifies nobody.

    Refusals: those of `redeem`.
    """
    try:
        return await actions.redeem(gate, code=code, institution=institution, till=till, at=at)
    except BadCode:
        async with transaction(gate.pool) as tx:
            await actions.note_bad_scan(tx, gate.codes, code=code, institution=institution, till=till, at=at)
        raise


@post("/scans", summary="扫码：用医保码换取就诊凭据")
async def scan(request: SignedIn, data: JSONBody[ScanRequest], gate: Gate) -> Scanned:
    redeemed = await scan_code(
        gate, code=data.code, institution=request.auth.institution, till=data.till, at=now_for(request)
    )
    return Scanned(
        redeemed.token, redeemed.expires_at, redeemed.place, registry.masked_name(redeemed.name), redeemed.gender
    )


class IdentificationRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What was read from a document, and that the person in front is the one on it.

    `medium` is mdtrt_cert_type: 02 a certificate, with its type (psn_cert_type) and the name; 03 the card.
    """

    medium: Literal["02", "03"]
    number: Annotated[str, Meta(min_length=1, max_length=64)]
    checked: bool
    cert_type: Annotated[str, Meta(max_length=2)] = ""
    name: Annotated[str, Meta(max_length=64)] = ""
    till: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = ""


async def identify_person(
    gate: Gate, *, document: media.Document, checked: bool, institution: str, till: str, at: datetime
) -> Redeemed:
    """Open a visit by a document, and count the document against the till if it leads to nobody.

    Refusals: those of `identify`.
    """
    try:
        async with transaction(gate.pool) as tx:
            return await media.identify(
                tx,
                gate.vault,
                gate.tokens,
                document=document,
                checked=checked,
                institution=institution,
                till=till,
                at=at,
            )
    except DocumentUnknown:
        async with transaction(gate.pool) as tx:
            await media.note_bad_document(tx, institution=institution, till=till, at=at)
        raise


async def ask_for_face(
    gate: Gate, *, document: media.Document, institution: str, till: str, device: str, back: str, at: datetime
) -> str:
    """Begin the check of a face for a till, and count what was typed against it if it leads to nobody.

    Refusals: those of `ask_face`.
    """
    try:
        async with transaction(gate.pool) as tx:
            return await media.ask_face(
                tx, gate.vault, document=document, institution=institution, till=till, device=device, back=back, at=at
            )
    except DocumentUnknown:
        async with transaction(gate.pool) as tx:
            await media.note_bad_document(tx, institution=institution, till=till, at=at)
        raise


@post("/identifications", summary="凭证件就诊：用社会保障卡或身份证件换取就诊凭据")
async def identify(request: SignedIn, data: JSONBody[IdentificationRequest], gate: Gate) -> Scanned:
    institution = request.auth.institution
    redeemed = await identify_person(
        gate,
        document=media.Document(data.medium, data.number, data.cert_type, data.name),
        checked=data.checked,
        institution=institution,
        till=f"system:{institution}:{data.till}",
        at=now_for(request),
    )
    return Scanned(
        redeemed.token, redeemed.expires_at, redeemed.place, registry.masked_name(redeemed.name), redeemed.gender
    )


routes = [Router("/api", route_handlers=[scan, identify], guards=[institution], tags=["credential"])]
