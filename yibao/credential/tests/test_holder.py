"""Binding, activating, showing, limiting and unbinding."""

import asyncio

import pytest

from conftest import insured
from yibao import credential, identity, registry
from yibao.core.database import transaction
from yibao.credential import refusals

from .conftest import Holder, House


async def topics(house: House, person_id: str) -> list[str]:
    rows = await house.pool.fetch("SELECT topic FROM core.outbox WHERE person_id = $1 ORDER BY outbox_id", person_id)
    return [row["topic"] for row in rows]


async def holder_of(house: House, holder: Holder) -> credential.Holder:
    found = await credential.holder(house.pool, holder.person_id)
    assert found is not None
    return found


async def test_binding_holds_the_insurance_and_the_account_together(house: House) -> None:
    """A3."""
    holder = await house.registered()
    assert await credential.holder(house.pool, holder.person_id) is None
    assert await house.bind(holder) == holder.person_id
    held = await holder_of(house, holder)
    assert (held.account_id, held.place, held.psn_no) == (
        holder.account_id,
        holder.place,
        holder.person.insurances[0].psn_no,
    )
    assert (held.agreed_at, held.free_limit_fen) == (None, 0)
    assert (await identity.account(house.pool, house.vault, holder.account_id)).person_id == holder.person_id
    assert await topics(house, holder.person_id) == ["credential.bound"]


async def test_binding_needs_a_real_name(house: House) -> None:
    holder = await house.registered()
    async with transaction(house.pool) as tx:
        holder.account_id = await house.nameless_account(tx)
    with pytest.raises(refusals.RealNameFirst):
        await house.bind(holder)


async def test_binding_needs_the_owner_s_own_card(house: House) -> None:
    """B17: a card that nobody has, and one that another person has, get the same answer."""
    holder, other = await house.registered(), await house.registered()
    for card_no in ("Z00000000", "", "卡", other.card_no):
        with pytest.raises(refusals.CardUnknown):
            await house.bind(holder, card_no=card_no)


@pytest.mark.parametrize(
    ("card", "refusal"),
    [("lost", refusals.CardLost), ("frozen", refusals.CardFrozen), ("inactive", refusals.CardInactive)],
)
async def test_a_card_out_of_order_says_why(house: House, card: registry.CardState, refusal: type[Exception]) -> None:
    """A8."""
    with pytest.raises(refusal):
        await house.bind(await house.registered(card=card))


@pytest.mark.parametrize(
    ("insurances", "refusal"),
    [
        ((), refusals.NotInsured),
        ((insured(state="3"),), refusals.NotInsured),
        ((insured(state="3"), insured(state="4")), refusals.NotTransferred),
        ((insured(synced=False),), refusals.NotSynced),
    ],
)
async def test_without_a_relation_in_force_there_is_nothing_to_bind(
    house: House, insurances: tuple[registry.Insurance, ...], refusal: type[Exception]
) -> None:
    """A8."""
    with pytest.raises(refusal):
        await house.bind(await house.registered(insurances=insurances))


async def test_the_first_place_is_where_the_insurance_is_in_force(house: House) -> None:
    holder = await house.bound(insurances=(insured("510100", state="2"), insured("510500")))
    assert (await holder_of(house, holder)).place == "510500"


async def test_one_person_is_bound_to_one_account(house: House) -> None:
    """B2: 一人一码."""
    holder = await house.bound()
    second = Holder(holder.person, await house.account(holder.person), b"second")
    with pytest.raises(refusals.BoundElsewhere):
        await house.bind(second)
    await house.unbind(holder)
    await house.bind(second)
    assert (await holder_of(house, second)).account_id == second.account_id


async def test_of_two_accounts_that_bind_at_once_one_is_refused(house: House) -> None:
    for _ in range(10):
        first = await house.registered()
        second = Holder(first.person, await house.account(first.person), b"second")
        answers = await asyncio.gather(house.bind(first), house.bind(second), return_exceptions=True)
        assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [refusals.BoundElsewhere]


async def test_activation_needs_the_terms_the_binding_and_an_own_place(house: House) -> None:
    """B1: in this order."""
    holder = await house.registered()
    with pytest.raises(refusals.TermsNotAgreed):
        await house.activate(holder, place="110000", agreed=False)
    with pytest.raises(refusals.NotBound):
        await house.activate(holder, place="110000")
    await house.bind(holder)
    with pytest.raises(refusals.PlaceNotYours):
        await house.activate(holder, place="110000")


async def test_an_ended_relation_can_neither_be_chosen_nor_activated(house: House) -> None:
    holder = await house.bound(insurances=(insured(), insured("510100", state="4")))
    async with transaction(house.pool) as tx:
        assert [choice.code for choice in await credential.place_choices(tx, holder.person_id)] == ["510500"]
    with pytest.raises(refusals.PlaceNotYours):
        await house.activate(holder, place="510100")


async def test_activating_again_in_the_same_browser_keeps_the_device(house: House) -> None:
    holder = await house.active()
    await house.activate(holder)
    assert len(await credential.devices(house.pool, holder.person_id)) == 1
    assert await topics(house, holder.person_id) == ["credential.bound", "credential.activated"]
    assert (await holder_of(house, holder)).agreed_at == house.at


async def test_a_double_click_activates_once(house: House) -> None:
    holder = await house.bound()
    await asyncio.gather(*(house.activate(holder) for _ in range(5)))
    assert len(await credential.devices(house.pool, holder.person_id)) == 1


async def test_every_browser_is_activated_for_itself(house: House) -> None:
    """B2."""
    holder = await house.active()
    with pytest.raises(refusals.NotActivated):
        await house.show(holder, browser=b"another")
    await house.activate(holder, browser=b"another")
    await house.show(holder, browser=b"another")
    devices = await credential.devices(house.pool, holder.person_id)
    assert len({device.device_number for device in devices}) == 2


async def test_another_account_cannot_activate_somebody_s_code(house: House) -> None:
    holder, thief = await house.bound(), await house.bound()
    with pytest.raises(refusals.NotBound):
        await house.activate(Holder(holder.person, thief.account_id, thief.browser))


async def test_every_display_takes_a_fresh_ticket_even_at_once(house: House) -> None:
    holder = await house.active()
    codes = await asyncio.gather(*(house.show(holder) for _ in range(20)))
    tickets = [house.codes.open(code) for code in codes]
    assert sorted(ticket.number for ticket in tickets) == list(range(20))
    assert len({ticket.device_number for ticket in tickets}) == 1


async def test_after_ten_thousand_tickets_the_device_goes_on_under_another_number(house: House) -> None:
    """Requests that come together get one number between them, and the last code of the old one still works."""
    holder = await house.active()
    await house.pool.execute("UPDATE credential.device SET next_ticket = 9999 WHERE person_id = $1", holder.person_id)
    last = await house.show(holder)
    codes = await asyncio.gather(*(house.show(holder) for _ in range(8)))
    old, new = house.codes.open(last), [house.codes.open(code) for code in codes]
    assert old.number == 9999
    assert sorted(ticket.number for ticket in new) == list(range(8))
    assert {ticket.device_number for ticket in new} != {old.device_number}
    assert len({ticket.device_number for ticket in new}) == 1
    token = (await house.scan(last)).token
    await house.scan(codes[0])
    visit = await house.pool.fetchrow("SELECT * FROM credential.visit_of($1, $2)", holder.person_id, token)
    assert visit is not None
    assert not visit["device_unbound"]
    [device] = await credential.devices(house.pool, holder.person_id)
    assert device.device_number == new[0].device_number


async def test_unbinding_kills_the_numbers_that_are_used_up_too(house: House) -> None:
    holder = await house.active()
    await house.pool.execute("UPDATE credential.device SET next_ticket = 9999 WHERE person_id = $1", holder.person_id)
    last, next_one = await house.show(holder), await house.show(holder)
    await house.unbind(holder)
    for code in (last, next_one):
        with pytest.raises(refusals.DeviceUnbound):
            await house.scan(code)


async def test_unbinding_kills_a_number_that_is_being_added_at_the_same_moment(house: House) -> None:
    """B6: whichever comes first, and binding again brings nothing back."""
    for _ in range(10):
        holder = await house.active()
        await house.pool.execute(
            "UPDATE credential.device SET next_ticket = 10000 WHERE person_id = $1", holder.person_id
        )
        code, _ = await asyncio.gather(house.show(holder), house.unbind(holder), return_exceptions=True)
        await house.bind(holder)
        if isinstance(code, str):
            with pytest.raises(refusals.DeviceUnbound):
                await house.scan(code)


async def test_the_free_limit_has_bounds(house: House) -> None:
    """C1."""
    holder = await house.active()

    async def limit(limit_fen: int) -> None:
        async with transaction(house.pool) as tx:
            await credential.set_free_limit(tx, person_id=holder.person_id, limit_fen=limit_fen, at=house.at)

    for limit_fen in (-1, 500_01):
        with pytest.raises(refusals.LimitInvalid):
            await limit(limit_fen)
    assert (await holder_of(house, holder)).free_limit_fen == 0
    for limit_fen in (500_00, 0, 1):
        await limit(limit_fen)
        assert (await holder_of(house, holder)).free_limit_fen == limit_fen


async def test_unbinding_ends_everything_and_the_next_binding_starts_anew(house: House) -> None:
    """A4."""
    holder = await house.active()
    async with transaction(house.pool) as tx:
        await credential.set_free_limit(tx, person_id=holder.person_id, limit_fen=100_00, at=house.at)
    await house.unbind(holder)
    assert await credential.holder(house.pool, holder.person_id) is None
    assert (await identity.account(house.pool, house.vault, holder.account_id)).person_id is None
    assert [device.unbound_at for device in await credential.devices(house.pool, holder.person_id)] == [house.at]
    with pytest.raises(refusals.NotActivated):
        await house.show(holder)
    await house.bind(holder)
    held = await holder_of(house, holder)
    assert (held.free_limit_fen, held.agreed_at, held.unbound_at) == (0, None, None)
    with pytest.raises(refusals.NotActivated):
        await house.show(holder)


async def test_only_the_binding_account_unbinds_and_only_once(house: House) -> None:
    holder, stranger = await house.bound(), await house.bound()
    with pytest.raises(refusals.NotBound):
        await house.unbind(Holder(holder.person, stranger.account_id, b""))
    await house.unbind(holder)
    with pytest.raises(refusals.NotBound):
        await house.unbind(holder)


async def test_a_visit_opened_before_the_unbinding_is_marked(house: House) -> None:
    """B6: settlement refuses what it finds marked so."""
    holder = await house.active()
    token = (await house.scan(await house.show(holder))).token
    await house.unbind(holder)
    visit = await house.pool.fetchrow("SELECT * FROM credential.visit_of($1, $2)", holder.person_id, token)
    assert visit is not None
    assert visit["device_unbound"]
