"""The card and the certificate beside the code: who is known by the document in the cashier's hand (B5).

They need neither a phone nor an activation, and go on as they were after one. A code proves that its phone was there;
a document proves nothing of the kind, so the cashier says that it belongs to the person in front, the visit keeps which
till said so, and the person is told at once and sees it among the looks at their data.
"""

import unicodedata
from datetime import datetime, timedelta
from hmac import compare_digest

from msgspec import Struct

from yibao import registry
from yibao.core import outbox
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.credential import queries, refusals, rules, store
from yibao.credential.actions import VISIT_LASTS
from yibao.credential.tokens import Tokens
from yibao.credential.types import Redeemed

CERTIFICATE, CARD = "02", "03"  # mdtrt_cert_type
NAMES = {CERTIFICATE: "身份证件", CARD: "社会保障卡"}
TILL_BAD_MAX = 5  # a minute
INSTITUTION_BAD_MAX = 60  # an hour
TEXT_MAX = 64


class Document(Struct, frozen=True):
    """What the cashier reads from a social-security card, or from a certificate with the name on it."""

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
    _require_sound(document)
    if not checked:
        raise refusals.PersonNotChecked
    till_bad, institution_bad = await store.bad_documents(tx, institution=institution, till=till, at=at)
    if till_bad >= TILL_BAD_MAX or institution_bad >= INSTITUTION_BAD_MAX:
        raise refusals.DocumentsSlowed
    person = await _owner(tx, vault, document)
    held = await queries.holder(tx, person.person_id)
    relation = rules.first_relation(await registry.relations(tx, person.person_id))
    if relation is None:
        raise refusals.NotInsured
    place = held.place if held else relation.place
    visit = Redeemed(
        token=tokens.issue(place=place, person_id=person.person_id),
        person_id=person.person_id,
        place=place,
        expires_at=at + VISIT_LASTS,
        name=person.name,
        gender=person.gender,
    )
    await store.open_visit(tx, visit, medium=document.medium, institution=institution, checked_by=till, at=at)
    await outbox.publish(
        tx,
        person_id=person.person_id,
        topic="credential.identified",
        payload={"institution": institution, "medium": document.medium},
        at=at,
    )
    return visit


def _require_sound(document: Document) -> None:
    """Refusals: DocumentMalformed."""
    written = [document.number, *([document.cert_type, document.name] if document.medium == CERTIFICATE else [])]
    if document.medium not in NAMES or not all(_is_written(text) for text in written):
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
