"""Activating in a channel by the face: who is bound, who is recognised, and who is refused (B1, B2, B17)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from conftest import NewPerson, insured
from yibao import credential, face, identity, registry
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.credential import arrivals, by_face, queries, refusals, relatives
from yibao.credential.rules import browser_digest
from yibao.credential.types import Claim
from yibao.face.tests.cast import passed

from .channel import BACK, Partner, admitted
from .conftest import House

PLACE = "510500"


@dataclass
class Visitor:
    """Somebody whom a channel has brought, on a phone."""

    house: House
    partner: Partner
    account_id: str
    device: str

    @property
    def browser(self) -> bytes:
        return browser_digest(self.device, self.partner.code)

    async def begins(self, *, place: str = PLACE, agreed: bool = True) -> None:
        async with transaction(self.house.pool) as tx:
            await by_face.begin(
                tx,
                self.house.vault,
                account_id=self.account_id,
                channel=self.partner.code,
                browser=self.browser,
                place=place,
                agreed=agreed,
                back="/bills",
                at=self.house.at,
            )

    async def asks(self, typed: face.Subject | None = None) -> str:
        async with transaction(self.house.pool) as tx:
            return await by_face.ask_face(
                tx,
                self.house.vault,
                account_id=self.account_id,
                channel=self.partner.code,
                browser=self.browser,
                device=self.device,
                typed=typed,
                at=self.house.at,
            )

    async def proves(self, subject: face.Subject) -> str:
        """Pass the check of this face, and go on in the account that is the person's."""
        async with transaction(self.house.pool) as tx:
            check_id = await passed(
                tx, self.house.vault, purpose="activate", subject=subject, device=self.device, at=self.house.at
            )
        async with transaction(self.house.pool) as tx:
            self.account_id = await by_face.prove(
                tx,
                self.house.vault,
                account_id=self.account_id,
                channel=self.partner.code,
                browser=self.browser,
                device=self.device,
                check_id=check_id,
                at=self.house.at,
            )
        return self.account_id

    async def finishes(self, *, place: str = PLACE, vouched: bool = False) -> str:
        async with transaction(self.house.pool) as tx:
            return await by_face.finish(
                tx,
                self.house.vault,
                account_id=self.account_id,
                channel=self.partner.code,
                browser=self.browser,
                place=place,
                vouched=vouched,
                at=self.house.at,
            )

    async def activates(self, person: registry.Person) -> str:
        await self.begins()
        await self.proves(subject_of(person))
        return await self.finishes()

    async def shows(self, person: registry.Person) -> str:
        async with transaction(self.house.pool) as tx:
            shown = await credential.show_code(
                tx, self.house.codes, person_id=person.person_id, browser=self.browser, at=self.house.at
            )
        return shown.code


def subject_of(person: registry.Person) -> face.Subject:
    return face.Subject(person.name, person.cert_type, person.cert_no)


@pytest.fixture
async def regions(house: House) -> None:
    async with transaction(house.pool) as tx:
        await registry.load_regions(tx)


@pytest.fixture
async def wechat(house: House, regions: None) -> Partner:
    return await admitted(house.pool, at=house.at, name="微信")


async def brought(
    house: House, partner: Partner, person: registry.Person | None, *, user: str = "", own_bank_card: bool = False
) -> Visitor:
    """Return who comes from a channel, which knows their real name if `person` is given."""
    claim = Claim(
        user=user or secrets.token_hex(8),
        phone="19900000000",
        name=person.name if person else "",
        cert_type=person.cert_type if person else "",
        cert_no=person.cert_no if person else "",
        own_bank_card=own_bank_card,
        back=BACK,
    )
    async with transaction(house.pool) as tx:
        channel = await credential.require_permitted(tx, partner.code, "show_code")
        assert channel is not None
        ticket = await arrivals.admit(tx, house.vault, channel=channel, claim=claim, menu="code", at=house.at)
    device = f"browser:{secrets.token_hex(8)}"
    async with transaction(house.pool) as tx:
        entered = await arrivals.enter(tx, house.vault, ticket=ticket, device=device, at=house.at)
    session = await identity.session(house.pool, entered.token, house.at)
    assert session is not None
    assert (session.channel, session.device) == (partner.code, device)
    return Visitor(house, partner, session.account_id, device)


async def test_a_newcomer_is_bound_by_the_face_with_no_card_number(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """B1: somebody who has never had a card, too."""
    person = await new_person(card=None)
    visitor = await brought(house, wechat, person)
    assert (await identity.account(house.pool, house.vault, visitor.account_id)).real_name_at is None
    assert await visitor.activates(person) == "/bills"
    account = await identity.account(house.pool, house.vault, visitor.account_id)
    assert (account.name, account.person_id, account.phone) == (person.name, person.person_id, "")
    redeemed = await house.scan(await visitor.shows(person))
    assert redeemed.person_id == person.person_id
    [device] = await credential.devices(house.pool, person.person_id)
    assert device.channel == wechat.code


async def test_a_claim_is_no_proof(house: House, wechat: Partner, new_person: NewPerson) -> None:
    """What the channel says is shown and nothing more, until the face has passed."""
    person = await new_person()
    visitor = await brought(house, wechat, person)
    await visitor.begins()
    check_id = await visitor.asks()
    async with transaction(house.pool) as tx:
        with pytest.raises(Refusal) as caught:
            await by_face.prove(
                tx,
                house.vault,
                account_id=visitor.account_id,
                channel=wechat.code,
                browser=visitor.browser,
                device=visitor.device,
                check_id=check_id,
                at=house.at,
            )
    assert caught.value.code == "face.face_not_passed"
    assert (await identity.account(house.pool, house.vault, visitor.account_id)).real_name_at is None
    with pytest.raises(refusals.ActivationNotBegun):
        await visitor.finishes()
    stored = await house.pool.fetch("SELECT claim FROM credential.claim WHERE account_id = $1", visitor.account_id)
    assert person.cert_no.encode() not in b"".join(row["claim"] for row in stored)


async def test_one_person_has_one_code_in_every_channel(house: House, wechat: Partner, new_person: NewPerson) -> None:
    """B2: recognised by the certificate; nothing is twice, and the first activation stays."""
    person = await new_person()
    alipay = await admitted(house.pool, at=house.at, name="支付宝")
    first = await brought(house, wechat, person)
    await first.activates(person)
    second = await brought(house, alipay, person, user="2088-x")
    fresh = second.account_id
    assert fresh != first.account_id
    await second.activates(person)
    assert second.account_id == first.account_id
    assert {device.channel for device in await credential.devices(house.pool, person.person_id)} == {
        wechat.code,
        alipay.code,
    }
    for visitor in (first, second):
        await house.scan(await visitor.shows(person))
    again = await brought(house, alipay, person, user="2088-x")
    assert again.account_id == first.account_id
    assert (await identity.account(house.pool, house.vault, fresh)).real_name_at is None
    assert not await house.pool.fetch("SELECT FROM identity.session WHERE account_id = $1", fresh)
    contacts = await credential.contacts_of(house.pool, house.vault, first.account_id)
    assert ("2088-x") in {user for _, user in contacts}


async def test_whoever_registered_with_us_is_led_to_that_account(house: House, wechat: Partner) -> None:
    """B2: an account of our own pages, bound by card, and one that is not bound yet."""
    bound, named = await house.active(), await house.registered()
    for holder in (bound, named):
        visitor = await brought(house, wechat, holder.person)
        await visitor.activates(holder.person)
        assert visitor.account_id == holder.account_id
    await house.scan(await house.show(bound))


async def test_a_channel_s_user_is_one_user_however_often_they_come(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    person, other = await new_person(), await admitted(house.pool, at=house.at)
    first = await brought(house, wechat, person, user="same")
    assert (await brought(house, wechat, person, user="same")).account_id == first.account_id
    assert (await brought(house, wechat, person, user="SAME")).account_id != first.account_id
    assert (await brought(house, other, person, user="same")).account_id != first.account_id


async def test_only_the_channel_s_own_person_can_be_activated(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """B17: neither another certificate, nor another face, nor the channel's change of mind."""
    person, other = await new_person(), await new_person()
    visitor = await brought(house, wechat, person, user="mind")
    await visitor.begins()
    with pytest.raises(refusals.NotYourself):
        await visitor.asks(typed=subject_of(other))
    with pytest.raises(refusals.NotYourself):
        await visitor.proves(subject_of(other))
    await visitor.proves(subject_of(person))


async def test_a_channel_s_user_who_is_somebody_else_now_has_an_account_of_their_own(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """B2: the sessions in the earlier owner's account end, and messages for that owner go there no longer."""
    person, other = await new_person(), await new_person()
    first = await brought(house, wechat, person, user="passed on")
    await first.activates(person)
    changed = await brought(house, wechat, other, user="passed on")
    assert changed.account_id != first.account_id
    assert await identity.sessions_of(house.pool, first.account_id, house.at) == []
    assert await credential.contacts_of(house.pool, house.vault, first.account_id) == []
    await changed.activates(other)
    assert (await house.scan(await changed.shows(other))).person_id == other.person_id
    assert (await brought(house, wechat, other, user="passed on")).account_id == changed.account_id


async def test_a_channel_s_user_is_led_to_an_earlier_account_only_at_the_end_and_by_its_owner(
    house: House, wechat: Partner
) -> None:
    """B2: a link that somebody else sent leads nobody into the account of whoever opened it and showed their face."""
    holder = await house.active()
    guest = await brought(house, wechat, None, user="sender")
    await guest.begins()
    assert await guest.proves(subject_of(holder.person)) == holder.account_id
    with pytest.raises(refusals.NotVouched):
        await guest.finishes()
    assert (await brought(house, wechat, None, user="sender")).account_id != holder.account_id
    assert await guest.finishes(vouched=True) == "/bills"
    assert (await brought(house, wechat, None, user="sender")).account_id == holder.account_id
    assert "credential.channel_linked" in [
        row["topic"]
        for row in await house.pool.fetch("SELECT topic FROM core.outbox WHERE person_id = $1", holder.person_id)
    ]


async def test_without_a_real_name_in_the_channel_it_is_typed_and_proved_by_the_face(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """A11."""
    person = await new_person(cert_type="08", name="SPECIMEN ANNA")
    visitor = await brought(house, wechat, None)
    await visitor.begins()
    with pytest.raises(refusals.NameUntold):
        await visitor.asks()
    await visitor.asks(typed=subject_of(person))
    await visitor.proves(subject_of(person))
    assert await visitor.finishes() == "/bills"


async def test_a_bank_takes_only_who_has_a_card_of_their_own_there(
    house: House, regions: None, new_person: NewPerson
) -> None:
    """B17."""
    bank = await admitted(house.pool, at=house.at, name="示例银行", kind="bank", own_bank_card=True)
    person = await new_person()
    with pytest.raises(refusals.OwnBankCardFirst):
        await (await brought(house, bank, person)).begins()
    await (await brought(house, bank, person, own_bank_card=True)).activates(person)


@pytest.mark.parametrize(
    ("card", "insurances", "refusal"),
    [
        ("lost", None, refusals.CardLost),
        ("frozen", None, refusals.CardFrozen),
        ("inactive", None, refusals.CardInactive),
        ("normal", (), refusals.NotInsured),
        ("normal", (insured(state="3"),), refusals.NotInsured),
        ("normal", (insured("610100", state="4"),), refusals.NotTransferred),
        (None, (insured(synced=False),), refusals.NotSynced),
    ],
)
async def test_each_failure_has_its_cause(
    house: House,
    wechat: Partner,
    new_person: NewPerson,
    card: registry.CardState | None,
    insurances: Sequence[registry.Insurance] | None,
    refusal: type[Exception],
) -> None:
    """A8: and the proof is not used up, nothing is stored."""
    person = await new_person(card=card, insurances=insurances)
    visitor = await brought(house, wechat, person)
    await visitor.begins()
    with pytest.raises(refusal):
        await visitor.proves(subject_of(person))
    assert (await identity.account(house.pool, house.vault, visitor.account_id)).real_name_at is None


async def test_details_that_differ_and_people_nobody_knows_are_told_apart(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """A8: 个人信息不正确."""
    person = await new_person()
    for subject, refusal in (
        (face.Subject("别名", person.cert_type, person.cert_no), refusals.DetailsDiffer),
        (face.Subject(person.name, "01", "990101199001010000"), refusals.NotRegistered),
    ):
        visitor = await brought(house, wechat, None)
        await visitor.begins()
        with pytest.raises(refusal):
            await visitor.proves(subject)


async def test_a_new_card_lets_the_code_be_activated_again(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """B7: lost, then made anew."""
    person = await new_person(card="lost")
    visitor = await brought(house, wechat, person)
    await visitor.begins()
    with pytest.raises(refusals.CardLost):
        await visitor.proves(subject_of(person))
    await house.pool.execute(
        "INSERT INTO registry.card SELECT person_id, $2, card_no, 'normal', $3 FROM registry.card WHERE person_id = $1",
        person.person_id,
        secrets.token_bytes(32),
        date(2026, 5, 1),
    )
    await visitor.activates(person)
    await visitor.shows(person)


async def test_the_steps_are_taken_in_their_order_and_in_time(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    person = await new_person()
    visitor = await brought(house, wechat, person)
    with pytest.raises(refusals.ActivationNotBegun):
        await visitor.asks()
    for place in ("", "999999", "5105001"):
        with pytest.raises(refusals.PlaceUnknown):
            await visitor.begins(place=place)
    with pytest.raises(refusals.TermsNotAgreed):
        await visitor.begins(agreed=False)
    await visitor.begins()
    await visitor.proves(subject_of(person))
    with pytest.raises(refusals.PlaceNotYours):
        await visitor.finishes(place="110000")
    house.at += by_face.CONFIRM_WITHIN
    with pytest.raises(refusals.ActivationNotBegun):
        await visitor.finishes()


async def test_a_proof_serves_one_activation(house: House, wechat: Partner, new_person: NewPerson) -> None:
    """After unbinding, or on another phone, the face is asked for again."""
    person = await new_person()
    visitor = await brought(house, wechat, person, user="twice")
    await visitor.activates(person)
    with pytest.raises(refusals.ActivationNotBegun):
        await visitor.finishes()
    elsewhere = await brought(house, wechat, person, user="twice")
    with pytest.raises(refusals.ActivationNotBegun):
        await elsewhere.finishes()


async def test_a_ticket_leads_in_once_within_two_minutes(house: House, wechat: Partner) -> None:
    channel = await credential.require_permitted(house.pool, wechat.code, "show_code")
    assert channel is not None
    claim = Claim("u", "", "", "", "", False, BACK)
    tickets = []
    for _ in range(2):
        async with transaction(house.pool) as tx:
            tickets.append(
                await arrivals.admit(tx, house.vault, channel=channel, claim=claim, menu="code", at=house.at)
            )

    async def enter(ticket: str) -> arrivals.Entered:
        async with transaction(house.pool) as tx:
            return await arrivals.enter(tx, house.vault, ticket=ticket, device="browser:x", at=house.at)

    assert (await enter(tickets[0])).path == "/code"
    for wrong in (tickets[0], "", "x" * 32):
        with pytest.raises(refusals.TicketUsed):
            await enter(wrong)
    house.at += timedelta(minutes=2)
    with pytest.raises(refusals.TicketUsed):
        await enter(tickets[1])


async def lends(house: House, visitor: Visitor, person_id: str) -> str:
    """Return a code of a child, lent to the visitor's account on their phone."""
    lent = relatives.browser_of(visitor.device, channel=visitor.partner.code, account_id=visitor.account_id)
    async with transaction(house.pool) as tx:
        await relatives.entrust(tx, person_id=person_id, at=house.at)
        await relatives.lend(
            tx,
            person_id=person_id,
            account_id=visitor.account_id,
            browser=lent,
            channel=visitor.partner.code,
            since=house.at - timedelta(days=1),
            at=house.at,
        )
        shown = await credential.show_code(tx, house.codes, person_id=person_id, browser=lent, at=house.at)
    return shown.code


@pytest.mark.parametrize("by", ["device", "channel"])
async def test_a_lost_phone_shows_no_relative_s_code_either(
    house: House, wechat: Partner, new_person: NewPerson, by: str
) -> None:
    """B6, B7: and on the other phone the child's code goes on."""
    mother, child = await new_person(), await new_person()
    lost = await brought(house, wechat, mother)
    await lost.activates(mother)
    other = await brought(house, await admitted(house.pool, at=house.at), mother)
    await other.activates(mother)
    assert len(await identity.sessions_of(house.pool, lost.account_id, house.at)) == 1
    code, kept = await lends(house, lost, child.person_id), await lends(house, other, child.person_id)
    [device] = [each for each in await credential.devices(house.pool, mother.person_id) if each.channel == wechat.code]
    async with transaction(house.pool) as tx:
        if by == "device":
            await credential.unbind_device(
                tx, person_id=mother.person_id, activation_id=device.activation_id, by="person", at=house.at
            )
        else:
            assert (
                await credential.unbind_channel(
                    tx, person_id=mother.person_id, channel=wechat.code, by="channel", at=house.at
                )
                == 1
            )
    with pytest.raises(refusals.DeviceUnbound):
        await house.scan(code)
    assert (await house.scan(kept)).person_id == child.person_id
    house.at += timedelta(seconds=30)
    assert (await house.scan(await lends(house, other, child.person_id))).person_id == child.person_id
    assert await identity.sessions_of(house.pool, lost.account_id, house.at) == []


async def test_a_phone_that_shows_only_a_child_s_code_is_listed_and_unbound(
    house: House, wechat: Partner, new_person: NewPerson
) -> None:
    """B6: one by one, and by the hotline, which also signs out where no code is active."""
    child = await new_person()
    mother = await house.bound()
    phones = []
    for _ in range(2):
        device = f"browser:{secrets.token_hex(8)}"
        async with transaction(house.pool) as tx:
            await identity.start_session(
                tx, account_id=mother.account_id, device=device, channel=wechat.code, at=house.at
            )
        phones.append(Visitor(house, wechat, mother.account_id, device))
    codes = [await lends(house, phone, child.person_id) for phone in phones]
    first, second = await queries.phones_with_lent_codes(house.pool, mother.person_id, mother.account_id)
    async with transaction(house.pool) as tx:
        await credential.unbind_device(
            tx, person_id=mother.person_id, activation_id=first.activation_id, by="person", at=house.at
        )
    assert await queries.phones_with_lent_codes(house.pool, mother.person_id, mother.account_id) == [second]
    assert len(await identity.sessions_of(house.pool, mother.account_id, house.at)) == 1
    async with transaction(house.pool) as tx:
        assert (
            await credential.unbind_channel(
                tx, person_id=mother.person_id, channel=wechat.code, by="channel", at=house.at
            )
            == 1
        )
    assert await identity.sessions_of(house.pool, mother.account_id, house.at) == []
    for code in codes:
        with pytest.raises(refusals.DeviceUnbound):
            await house.scan(code)
