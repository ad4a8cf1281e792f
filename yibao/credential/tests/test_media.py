"""Card, certificate and face beside the code (B5): whom they identify, what is answered alike, who is told."""

from datetime import timedelta

import pytest

from conftest import insured
from yibao import credential, face, registry
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.credential import Document, Redeemed, media, queries, refusals
from yibao.credential.api import ask_for_face, identify_person
from yibao.face import refusals as face_refusals
from yibao.face import store as face_store

from .conftest import PHARMACY, TILL, Holder, House


def card_of(holder: Holder) -> Document:
    return Document(media.CARD, holder.card_no)


def certificate_of(holder: Holder, *, name: str | None = None) -> Document:
    person = holder.person
    return Document(media.CERTIFICATE, person.cert_no, person.cert_type, person.name if name is None else name)


async def identify(
    house: House,
    document: Document,
    *,
    checked: bool = True,
    institution: str = PHARMACY,
    till: str = TILL,
    after: timedelta = timedelta(0),
) -> Redeemed:
    """Identify as the faces do: what leads to nobody is counted."""
    return await identify_person(
        house.gate, document=document, checked=checked, institution=institution, till=till, at=house.at + after
    )


@pytest.mark.parametrize("document_of", [card_of, certificate_of], ids=["card", "certificate"])
async def test_a_document_identifies_somebody_without_account_or_phone(house: House, document_of: object) -> None:
    holder = await house.registered()
    document = document_of(holder)  # type: ignore[operator]
    visit = await identify(house, document)
    assert visit.person_id == house.tokens.person_of(visit.token) == holder.person_id
    assert visit.place == holder.place == visit.token[:6]
    assert visit.expires_at == house.at + timedelta(minutes=15)
    assert holder.person.name not in repr(visit) + repr(document)
    assert holder.card_no not in repr(document)

    row = await house.pool.fetchrow("SELECT * FROM credential.visit WHERE person_id = $1", holder.person_id)
    assert row is not None
    assert (row["medium"], row["device_number"], row["checked_by"]) == (document.medium, None, TILL)
    seen = await house.pool.fetchrow("SELECT * FROM credential.visit_of($1, $2)", holder.person_id, visit.token)
    assert seen is not None
    assert (seen["place"], seen["account_id"], seen["free_limit_fen"], seen["device_unbound"]) == ("", "", 0, False)
    assert not seen["lent"]


async def test_the_card_works_unchanged_after_activation_and_after_unbinding(house: House) -> None:
    holder = await house.active()
    async with transaction(house.pool) as tx:
        await credential.set_free_limit(tx, person_id=holder.person_id, limit_fen=500_00, at=house.at)
    visit = await identify(house, card_of(holder))
    seen = await house.pool.fetchrow("SELECT * FROM credential.visit_of($1, $2)", holder.person_id, visit.token)
    assert seen is not None
    assert (seen["place"], seen["account_id"]) == (holder.place, holder.account_id)
    assert seen["free_limit_fen"] == 0, "a card that was found pays nothing without the password"
    assert (await house.scan(await house.show(holder))).person_id == holder.person_id, "and the code beside it"

    await house.unbind(holder)
    visit = await identify(house, card_of(holder))
    seen = await house.pool.fetchrow("SELECT * FROM credential.visit_of($1, $2)", holder.person_id, visit.token)
    assert seen is not None
    assert (seen["account_id"], seen["device_unbound"]) == ("", False)


async def test_names_are_compared_as_they_are_written_by_different_hands(house: House) -> None:
    person = await house._new_person(name="医丽娜·保小安")
    for name in ("医丽娜•保小安", "医丽娜 保小安", "医丽娜．保小安"):
        document = Document(media.CERTIFICATE, f" {person.cert_no.lower()} ", person.cert_type, name)
        assert (await identify(house, document)).person_id == person.person_id


async def test_what_leads_to_nobody_is_answered_alike(house: House, institution: str) -> None:
    """No till learns which numbers exist, or whose they are."""
    holder, other = await house.registered(), await house.registered()
    answers = []
    for document in (
        Document(media.CARD, "X00000000"),
        Document(media.CERTIFICATE, "990101199001010000", "01", holder.person.name),
        certificate_of(holder, name=other.person.name),
        certificate_of(holder, name="·"),
        Document(media.CERTIFICATE, holder.person.cert_no, "08", holder.person.name),
    ):
        with pytest.raises(refusals.DocumentUnknown) as refused:
            await identify(house, document, institution=institution, till=document.number)
        answers.append((refused.value.detail_text, refused.value.remedy_text, refused.value.facts))
    assert len({str(answer) for answer in answers}) == 1
    assert (
        await house.pool.fetchval("SELECT count(*) FROM credential.visit WHERE person_id = $1", holder.person_id) == 0
    )


@pytest.mark.parametrize(
    ("state", "refusal"),
    [("lost", refusals.CardLost), ("frozen", refusals.CardFrozen), ("inactive", refusals.CardInactive)],
)
async def test_a_card_that_is_not_in_order_is_refused_and_the_certificate_goes_on(
    house: House, state: registry.CardState, refusal: type[Refusal]
) -> None:
    holder = await house.registered(card=state)
    with pytest.raises(refusal):
        await identify(house, card_of(holder))
    assert (await identify(house, certificate_of(holder))).person_id == holder.person_id


async def test_nobody_is_identified_without_the_cashiers_word(house: House) -> None:
    holder = await house.registered()
    with pytest.raises(refusals.PersonNotChecked):
        await identify(house, card_of(holder), checked=False)
    for document in (
        Document("01", holder.card_no),
        Document(media.CARD, ""),
        Document(media.CARD, "9" * 65),
        Document(media.CARD, "9\x00"),
        Document(media.CERTIFICATE, holder.person.cert_no, "01", " "),
    ):
        with pytest.raises(refusals.DocumentMalformed):
            await identify(house, document)


async def test_who_is_registered_but_not_insured_is_told_so(house: House) -> None:
    holder = await house.registered(insurances=(insured(state="4"),))
    with pytest.raises(refusals.NotInsured):
        await identify(house, card_of(holder))


async def test_a_till_that_fishes_is_slowed_and_the_codes_go_on(house: House, institution: str) -> None:
    holder = await house.active()
    for _ in range(media.TILL_BAD_MAX):
        with pytest.raises(refusals.DocumentUnknown):
            await identify(house, Document(media.CARD, "X1"), institution=institution)
    with pytest.raises(refusals.DocumentsSlowed):
        await identify(house, card_of(holder), institution=institution)
    assert (await identify(house, card_of(holder), institution=institution, till="2")).person_id == holder.person_id
    assert (await house.scan(await house.show(holder), institution=institution)).person_id == holder.person_id
    later = timedelta(seconds=61)
    assert (await identify(house, card_of(holder), institution=institution, after=later)).person_id == holder.person_id


async def test_an_institution_that_fishes_from_many_tills_is_slowed_for_an_hour(house: House, institution: str) -> None:
    holder = await house.registered()
    for till in range(media.INSTITUTION_BAD_MAX):
        with pytest.raises(refusals.DocumentUnknown):
            await identify(house, Document(media.CARD, "X1"), institution=institution, till=f"t{till}")
    with pytest.raises(refusals.DocumentsSlowed):
        await identify(house, card_of(holder), institution=institution, till="new")
    hour = timedelta(hours=1, seconds=1)
    assert (await identify(house, card_of(holder), institution=institution, after=hour)).person_id == holder.person_id
    async with transaction(house.pool) as tx:
        await media.note_bad_document(tx, institution=institution, till="t", at=house.at + hour)
    kept = await house.pool.fetchval("SELECT count(*) FROM credential.bad_document WHERE institution = $1", institution)
    assert kept == 1, "what no limit looks at is forgotten"


async def test_the_person_is_told_at_once_and_sees_who_looked(house: House) -> None:
    holder = await house.registered()
    await identify(house, card_of(holder))
    [visit] = await queries.visits_of(house.pool, holder.person_id)
    assert (visit.institution, visit.medium, visit.created_at) == (PHARMACY, media.CARD, house.at)
    told = await house.pool.fetchval(
        "SELECT payload FROM core.outbox WHERE person_id = $1 AND topic = 'credential.identified'", holder.person_id
    )
    assert told == {"institution": PHARMACY, "medium": "03"}


async def test_the_place_is_one_in_force_where_nobody_has_chosen_one(house: House) -> None:
    holder = await house.registered(
        insurances=(insured("510100", state="2"), insured("610100", synced=False), insured("510500"))
    )
    assert (await identify(house, card_of(holder))).place == "510500"


# The face.

BROWSER = "browser:till"
HOUR = timedelta(hours=1)


def said_by(holder: Holder, *, name: str | None = None) -> Document:
    person = holder.person
    return Document(media.FACE, person.cert_no, person.cert_type, person.name if name is None else name)


async def asks(house: House, document: Document, *, institution: str = PHARMACY, till: str = TILL) -> str:
    return await ask_for_face(
        house.gate, document=document, institution=institution, till=till, device=BROWSER, back="/till", at=house.at
    )


async def passes(house: House, check_id: str) -> None:
    async with transaction(house.pool) as tx:
        await face_store.mark_passed(tx, check_id, at=house.at)


async def shows_face(
    house: House,
    check_id: str,
    *,
    institution: str = PHARMACY,
    till: str = TILL,
    device: str = BROWSER,
    after: timedelta = timedelta(0),
) -> Redeemed:
    async with transaction(house.pool) as tx:
        return await credential.identify_by_face(
            tx,
            house.vault,
            house.tokens,
            check_id=check_id,
            institution=institution,
            till=till,
            device=device,
            at=house.at + after,
        )


async def test_a_face_identifies_somebody_without_phone_or_document(house: House) -> None:
    holder = await house.registered()
    check_id = await asks(house, said_by(holder))
    await passes(house, check_id)
    visit = await shows_face(house, check_id)
    assert visit.person_id == house.tokens.person_of(visit.token) == holder.person_id
    row = await house.pool.fetchrow("SELECT * FROM credential.visit WHERE person_id = $1", holder.person_id)
    assert row is not None
    assert (row["medium"], row["device_number"], row["checked_by"]) == (media.FACE, None, TILL)
    told = await house.pool.fetchval(
        "SELECT payload FROM core.outbox WHERE person_id = $1 AND topic = 'credential.identified'", holder.person_id
    )
    assert told == {"institution": PHARMACY, "medium": "face"}
    with pytest.raises(face_refusals.FaceMissing):
        await shows_face(house, check_id)


async def test_a_face_serves_the_till_that_asked_for_it_once_and_not_for_long(house: House, institution: str) -> None:
    holder = await house.registered()
    check_id = await asks(house, said_by(holder))
    with pytest.raises(face_refusals.FaceNotPassed):
        await shows_face(house, check_id)
    await passes(house, check_id)
    with pytest.raises(face_refusals.FaceMissing):
        await shows_face(house, check_id, till="2")
    with pytest.raises(face_refusals.FaceMissing):
        await shows_face(house, check_id, institution=institution)
    with pytest.raises(face_refusals.FaceMissing):
        await shows_face(house, check_id, device="browser:other")
    with pytest.raises(face_refusals.FaceExpired):
        await shows_face(house, check_id, after=face.PROOF_LASTS)
    later = await asks(house, said_by(holder))
    with pytest.raises(face_refusals.FaceMissing):
        await shows_face(house, check_id)  # The till waits for another one now.
    await passes(house, later)
    assert (await shows_face(house, later)).person_id == holder.person_id


async def test_no_face_is_asked_for_what_leads_to_nobody_and_such_is_counted(house: House, institution: str) -> None:
    holder, other = await house.registered(), await house.registered()
    unknown = Document(media.FACE, "990101199001010000", "01", holder.person.name)
    answers = []
    for document in (unknown, said_by(holder, name=other.person.name)):
        with pytest.raises(refusals.DocumentUnknown) as refused:
            await asks(house, document, institution=institution)
        answers.append((refused.value.detail_text, refused.value.facts))
    assert answers[0] == answers[1]
    for _ in range(media.TILL_BAD_MAX - 2):
        with pytest.raises(refusals.DocumentUnknown):
            await asks(house, unknown, institution=institution)
    with pytest.raises(refusals.DocumentsSlowed):
        await asks(house, said_by(holder), institution=institution)
    with pytest.raises(refusals.DocumentsSlowed):
        await identify(house, card_of(holder), institution=institution)
    waits = await house.pool.fetchval(
        "SELECT count(*) FROM credential.awaited_face WHERE institution = $1", institution
    )
    assert waits == 0


async def test_a_face_is_no_document_and_a_document_no_face(house: House) -> None:
    """Nobody skips the camera by ticking that something was checked."""
    holder = await house.registered()
    with pytest.raises(refusals.DocumentMalformed):
        await identify(house, said_by(holder))
    for document in (certificate_of(holder), card_of(holder), Document(media.FACE, holder.person.cert_no, "01", " ")):
        with pytest.raises(refusals.DocumentMalformed):
            await asks(house, document)


async def test_what_was_typed_is_kept_for_the_till_that_typed_it_while_the_check_lasts(house: House) -> None:
    holder = await house.registered()
    await asks(house, said_by(holder), till="typed")

    async def kept(*, till: str = "typed", device: str = BROWSER, after: timedelta = timedelta(0)) -> Document | None:
        return await credential.asked_face(
            house.pool, house.vault, institution=PHARMACY, till=till, device=device, at=house.at + after
        )

    assert await kept() == said_by(holder)
    assert await kept(till="2") is None
    assert await kept(device="browser:other") is None
    assert await kept(after=HOUR) is None


async def test_a_face_says_no_more_of_who_is_not_insured(house: House) -> None:
    holder = await house.registered(insurances=(insured(state="4"),))
    with pytest.raises(refusals.NotInsured):
        await asks(house, said_by(holder))
