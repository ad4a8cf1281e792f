"""The card, the certificate and the face beside the code: who is known without a phone (B5).

They need neither a phone nor an activation, and go on as they were after one. A code proves that its phone was there;
a document proves nothing of the kind, so the cashier says that it belongs to the person in front, the visit keeps which
till said so, and the person is told at once and sees it among the looks at their data. Of whoever shows the face no
document need be seen: the check takes the place of the cashier's word, and everything else stays the same.
"""

import unicodedata
from datetime import datetime, timedelta
from hmac import compare_digest

from msgspec import Struct

from yibao import face, registry
from yibao.core import outbox
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.credential import queries, refusals, rules, store
from yibao.credential.actions import VISIT_LASTS
from yibao.credential.tokens import Tokens
from yibao.credential.types import Redeemed

CERTIFICATE, CARD = "02", "03"  # mdtrt_cert_type
FACE = "face"  # No dictionary of the national interface has it; there it is a certificate.
NAMES = {CERTIFICATE: "身份证件", CARD: "社会保障卡", FACE: "刷脸"}
TILL_BAD_MAX = 5  # a minute
INSTITUTION_BAD_MAX = 60  # an hour
TEXT_MAX = 64


class Document(Struct, frozen=True):
    """What the cashier reads from a social-security card, or from a certificate with the name on it.

    For a face it is what stands on the certificate as well, but the person may say it.
    """

    medium: str
    number: str
    cert_type: str = ""
    name: str = ""

    def __repr__(self) -> str:
        return "Document(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []


async def identify(
    tx: Tx,
    vault: Vault,
    tokens: Tokens,
    *,
    document: Document,
    checked: bool,
    institution: str,
    till: str,
    at: datetime,
) -> Redeemed:
    """Return the token that lets this institution serve the owner of a document for 15 minutes.

    A number that nobody has and a name that does not fit it are answered alike, so that a till cannot try which
    numbers exist or whose they are.

    Refusals, first that applies: DocumentMalformed, PersonNotChecked, DocumentsSlowed, DocumentUnknown, CardLost,
    CardFrozen, CardInactive, NotInsured, core.SealBroken. The face notes every DocumentUnknown with
    `note_bad_document`, in a transaction of its own.
    """
    _require_sound(document, (CERTIFICATE, CARD))
    if not checked:
        raise refusals.PersonNotChecked
    await _require_pace(tx, institution=institution, till=till, at=at)
    person = await _owner(tx, vault, document)
    return await _opened(tx, tokens, person, medium=document.medium, institution=institution, till=till, at=at)


async def ask_face(
    tx: Tx, vault: Vault, *, document: Document, institution: str, till: str, device: str, back: str, at: datetime
) -> str:
    """Begin the check of a face for this till, in place of one it waited for, and return the id of the check.

    Nobody is put before the camera for a number that leads to nobody, and such numbers are answered and counted as
    those of documents are. `device` is the till's browser, `back` the till's path that wants the proof.

    Refusals, first that applies: DocumentMalformed, DocumentsSlowed, DocumentUnknown, NotInsured, core.SealBroken. The
    face notes every DocumentUnknown with `note_bad_document`, in a transaction of its own.
    """
    _require_sound(document, (FACE,))
    await _require_pace(tx, institution=institution, till=till, at=at)
    person = await _owner(tx, vault, document)
    await _relation(tx, person)
    subject = face.Subject(person.name, person.cert_type, person.cert_no)
    check_id = await face.begin(tx, vault, purpose="till", subject=subject, device=device, back=back, at=at)
    await store.await_face(tx, institution=institution, till=till, check_id=check_id, at=at)
    return check_id


async def asked_face(
    tx: Tx | Pool, vault: Vault, *, institution: str, till: str, device: str, at: datetime
) -> Document | None:
    """Return what was typed for the check for which this till waits in this browser, while it may still be passed."""
    check_id = await store.awaited_face(tx, institution=institution, till=till)
    typed = await face.typed_for(tx, vault, check_id=check_id, purpose="till", device=device, at=at)
    return Document(FACE, typed["cert_no"], typed["cert_type"], typed["name"]) if typed else None


async def identify_by_face(
    tx: Tx, vault: Vault, tokens: Tokens, *, check_id: str, institution: str, till: str, device: str, at: datetime
) -> Redeemed:
    """Use up the proof for which this till waits, and return the token to serve the person for 15 minutes.

    Refusals, first that applies: face.FaceMissing, face.FaceNotPassed, face.FaceExpired, DocumentUnknown, NotInsured,
    core.SealBroken.
    """
    awaited = await store.awaited_face(tx, institution=institution, till=till)
    proved = await face.spend(
        tx, vault, check_id=check_id if check_id == awaited else "", purpose="till", device=device, at=at
    )
    await store.forget_face(tx, institution=institution, till=till)
    person = await _owner(tx, vault, Document(FACE, proved.cert_no, proved.cert_type, proved.name))
    return await _opened(tx, tokens, person, medium=FACE, institution=institution, till=till, at=at)


async def _require_pace(tx: Tx, *, institution: str, till: str, at: datetime) -> None:
    """Refusals: DocumentsSlowed."""
    till_bad, institution_bad = await store.bad_documents(tx, institution=institution, till=till, at=at)
    if till_bad >= TILL_BAD_MAX or institution_bad >= INSTITUTION_BAD_MAX:
        raise refusals.DocumentsSlowed


async def _relation(tx: Tx, person: registry.Person) -> registry.Insurance:
    """Return the insurance relation that is shown first. Refusals: NotInsured."""
    relation = rules.first_relation(await registry.relations(tx, person.person_id))
    if relation is None:
        raise refusals.NotInsured
    return relation


async def _opened(
    tx: Tx, tokens: Tokens, person: registry.Person, *, medium: str, institution: str, till: str, at: datetime
) -> Redeemed:
    """Open a visit of this person and tell them. Refusals: NotInsured."""
    held = await queries.holder(tx, person.person_id)
    relation = await _relation(tx, person)
    place = held.place if held else relation.place
    visit = Redeemed(
        token=tokens.issue(place=place, person_id=person.person_id),
        person_id=person.person_id,
        place=place,
        expires_at=at + VISIT_LASTS,
        name=person.name,
        gender=person.gender,
    )
    await store.open_visit(tx, visit, medium=medium, institution=institution, checked_by=till, at=at)
    await outbox.publish(
        tx,
        person_id=person.person_id,
        topic="credential.identified",
        payload={"institution": institution, "medium": medium},
        at=at,
    )
    return visit


def _require_sound(document: Document, media: tuple[str, ...]) -> None:
    """Refusals: DocumentMalformed."""
    written = [document.number, *([document.cert_type, document.name] if document.medium != CARD else [])]
    if document.medium not in media or not all(_is_written(text) for text in written):
        raise refusals.DocumentMalformed


def _is_written(text: str) -> bool:
    return text.isprintable() and 0 < len(text.strip()) <= TEXT_MAX


async def _owner(tx: Tx, vault: Vault, document: Document) -> registry.Person:
    """Return whose document it is. Refusals: DocumentUnknown, CardLost, CardFrozen, CardInactive, core.SealBroken."""
    if document.medium == CARD:
        card = await registry.find_by_card(tx, vault, document.number)
        if card is None:
            raise refusals.DocumentUnknown
        refusals.require_usable(card.state)
        return await registry.person(tx, vault, card.person_id)
    person_id = await registry.find_by_certificate(tx, vault, document.cert_type, document.number)
    if person_id is None:
        raise refusals.DocumentUnknown
    person = await registry.person(tx, vault, person_id)
    if not compare_digest(_plain(person.name), _plain(document.name)):
        raise refusals.DocumentUnknown
    return person


def _plain(name: str) -> bytes:
    """Return a name without what two spellings of it differ in: width, case, spaces and dots."""
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKC", name).casefold())).encode()


async def note_bad_document(tx: Tx, *, institution: str, till: str, at: datetime) -> None:
    """Count a document that led to nobody against the till, and forget those that no limit looks at any more."""
    await store.note_bad_document(
        tx, institution=institution, till=till, at=at, forgotten_before=at - timedelta(hours=1)
    )
