"""Card and certificate beside the code (B5): whom they identify, what is answered alike, who is told."""

from datetime import timedelta

import pytest

from conftest import insured
from yibao import credential, registry
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.credential import Document, Redeemed, media, queries, refusals
from yibao.credential.api import identify_person

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
