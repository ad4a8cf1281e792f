"""Spending a code: each refusal in its order, once only, and what guessing costs."""

import asyncio
from datetime import datetime, timedelta
from random import Random

import pytest
from msgspec.structs import replace

from conftest import insured
from yibao.core.database import transaction
from yibao.credential import Redeemed, actions, refusals, store
from yibao.credential.code import STEP_SECONDS
from yibao.credential.types import Spend

from .conftest import Holder, House

STEP = timedelta(seconds=STEP_SECONDS)


async def bad_scans(house: House, institution: str) -> int:
    noted: int = await house.pool.fetchval(
        "SELECT count(*) FROM credential.bad_scan WHERE institution = $1", institution
    )
    return noted


def altered(code: str, by: int = 1) -> str:
    """Return the code with another tag."""
    return f"{code[:13]}{(int(code[13:22]) + by) % 10**9:09d}{code[22:]}"


async def test_a_scan_gives_a_token_that_leads_to_the_person_for_a_quarter_of_an_hour(house: House) -> None:
    """B4, C1."""
    holder = await house.active()
    redeemed = await house.scan(await house.show(holder))
    assert house.tokens.person_of(redeemed.token) == redeemed.person_id == holder.person_id
    assert redeemed.place == holder.place == redeemed.token[:6]
    assert redeemed.expires_at == house.at + timedelta(minutes=15)
    assert (redeemed.name, redeemed.gender) == (holder.person.name, holder.person.gender)
    assert holder.person.name not in repr(redeemed)


async def test_the_visit_belongs_to_the_institution_that_scanned(house: House, institution: str) -> None:
    holder = await house.active()
    token = (await house.scan(await house.show(holder), institution=institution)).token

    visit = await house.pool.fetchrow("SELECT * FROM credential.visit_of($1, $2)", holder.person_id, token)
    assert visit is not None
    assert (visit["institution"], visit["account_id"]) == (institution, holder.account_id)


async def test_a_code_works_once_and_at_no_second_till(house: House, institution: str) -> None:
    """B4: refused after use."""
    code = await house.show(await house.active())
    await house.scan(code)
    for where in (institution, "P51050099001"):
        with pytest.raises(refusals.CodeSpent):
            await house.scan(code, institution=where)


async def test_of_two_tills_that_scan_at_the_same_instant_one_gets_the_visit(house: House, institution: str) -> None:
    """Forty rounds of really concurrent transactions, in which neither till sees the other's before it commits."""
    holder = await house.active()
    for _ in range(40):
        code = await house.show(holder)
        answers = await asyncio.gather(
            *(house.scan(code, institution=institution, till=till) for till in "12345"), return_exceptions=True
        )
        refused = [type(answer) for answer in answers if isinstance(answer, BaseException)]
        assert refused == [refusals.CodeSpent] * 4
    spent = await house.pool.fetchval("SELECT count(*) FROM credential.spent WHERE person_id = $1", holder.person_id)
    visits = await house.pool.fetchval("SELECT count(*) FROM credential.visit WHERE person_id = $1", holder.person_id)
    assert spent == visits == 40


async def test_two_houses_that_scan_the_same_codes_spend_each_once(house: House, institution: str) -> None:
    """Two server processes have two gates; here each with batches of its own over one database.

    They get the codes in opposite orders, so that batches which wait for each other would do so for ever.
    """
    holders = [await house.active() for _ in range(12)]
    gates = (house.gate, house.new_gate())
    for _ in range(10):
        codes = [await house.show(holder) for holder in holders]
        answers = await asyncio.gather(
            *(house.scan(code, institution=institution, gate=gates[0]) for code in codes),
            *(house.scan(code, institution=institution, gate=gates[1]) for code in reversed(codes)),
            return_exceptions=True,
        )
        given = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert sorted(one.person_id for one in given) == sorted(holder.person_id for holder in holders)
        refused = [type(answer) for answer in answers if isinstance(answer, BaseException)]
        assert refused == [refusals.CodeSpent] * 12
    spent = await house.pool.fetchval("SELECT count(*) FROM credential.spent WHERE institution = $1", institution)
    visits = await house.pool.fetchval("SELECT count(*) FROM credential.visit WHERE institution = $1", institution)
    assert spent == visits == 120


async def test_a_ticket_that_comes_twice_in_one_batch_is_spent_once(house: House, institution: str) -> None:
    holders = [await house.active() for _ in range(2)]

    async def spend_of(holder: Holder) -> Spend:
        ticket = house.codes.open(await house.show(holder))
        return Spend(
            person_id=holder.person_id,
            device_number=ticket.device_number,
            ticket=ticket.number,
            institution=institution,
            token=house.tokens.issue(place=holder.place, person_id=holder.person_id),
            at=house.at,
            expires_at=house.at + timedelta(minutes=15),
        )

    one, other = [await spend_of(holder) for holder in holders]
    again = replace(one, token=house.tokens.issue(place="510500", person_id=one.person_id))
    assert await store.spend(house.pool, [one, again, other]) == [True, False, True]
    assert await store.spend(house.pool, [again]) == [False]
    visits = await house.pool.fetch("SELECT token FROM credential.visit WHERE institution = $1", institution)
    assert {row["token"] for row in visits} == {one.token, other.token}


async def test_scans_of_one_batch_are_answered_each_for_itself(house: House, institution: str) -> None:
    good, unbound, spent = [await house.active() for _ in range(3)]
    codes = {holder.person_id: await house.show(holder) for holder in (good, unbound, spent)}
    await house.scan(codes[spent.person_id])
    await house.unbind(unbound)
    scans = [house.scan(code, institution=institution) for code in codes.values()]
    forged = house.scan(altered(codes[good.person_id]), institution=institution)
    answers = await asyncio.gather(*scans, forged, return_exceptions=True)
    assert isinstance(answers[0], Redeemed)
    assert answers[0].name == good.person.name
    assert [type(answer) for answer in answers[1:]] == [
        refusals.DeviceUnbound,
        refusals.CodeSpent,
        refusals.CodeUnknown,
    ]


async def test_what_is_no_code_is_refused_as_such(house: House, institution: str) -> None:
    with pytest.raises(refusals.CodeMalformed):
        await house.scan("6217000000000000000", institution=institution)


async def test_a_code_of_no_device_is_unknown(house: House, institution: str) -> None:
    taken = await house.pool.fetchval("SELECT count(*) FROM credential.device_locator")
    assert taken < 10**6  # So few of 10⁹ that the numbers below are free.
    for number in ("000000000", "999999999", "314159265"):
        code = house.codes.make(device_number=number, ticket=0, province="510000", at=house.at)
        with pytest.raises(refusals.CodeUnknown):
            await house.scan(code, institution=institution)


async def test_a_ticket_that_no_phone_has_shown_yet_is_unknown(house: House, institution: str) -> None:
    """Whoever has the keys of the place, yet not its database, has nothing."""
    holder = await house.active()
    ticket = house.codes.open(await house.show(holder))
    ahead = house.codes.make(
        device_number=ticket.device_number, ticket=ticket.number + 1, province="510000", at=house.at
    )
    with pytest.raises(refusals.CodeUnknown):
        await house.scan(ahead, institution=institution)


async def test_a_wrong_tag_is_unknown_not_expired(house: House, institution: str) -> None:
    code = altered(await house.show(await house.active()))
    with pytest.raises(refusals.CodeUnknown):
        await house.scan(code, institution=institution)


@pytest.mark.parametrize("steps", [2, 3, 100, 2_000])
async def test_a_screenshot_is_refused_after_the_minute(house: House, institution: str, steps: int) -> None:
    """B4: refused after expiry."""
    code = await house.show(await house.active())
    with pytest.raises(refusals.CodeExpired):
        await house.scan(code, institution=institution, at=house.at + steps * STEP)


async def test_a_code_from_the_future_is_refused(house: House, institution: str) -> None:
    code = await house.show(await house.active(), at=house.at + 3 * STEP)
    with pytest.raises(refusals.CodeUnknown):
        await house.scan(code, institution=institution)


async def test_codes_of_an_unbound_person_are_refused_from_that_moment(house: House, institution: str) -> None:
    """B6: also one that was on the screen already, and whether or not it was spent or old."""
    holder = await house.active()
    fresh, spent = await house.show(holder), await house.show(holder)
    await house.scan(spent)
    await house.unbind(holder)
    for code, at in ((fresh, house.at), (spent, house.at), (fresh, house.at + 5 * STEP)):
        with pytest.raises(refusals.DeviceUnbound):
            await house.scan(code, institution=institution, at=at)


async def test_binding_again_does_not_revive_the_old_phone(house: House, institution: str) -> None:
    holder = await house.active()
    code = await house.show(holder)
    await house.unbind(holder)
    await house.bind(holder)
    await house.activate(holder, browser=b"another browser")
    with pytest.raises(refusals.DeviceUnbound):
        await house.scan(code, institution=institution)


async def test_a_ticket_dies_after_five_wrong_tags_and_locks_nobody(house: House, institution: str) -> None:
    holder = await house.active()
    code = await house.show(holder)
    for by in range(1, 5):
        with pytest.raises(refusals.CodeUnknown):
            await house.scan(altered(code, by), institution=institution)
    alive = await house.show(holder)
    for by in range(1, 6):
        with pytest.raises(refusals.CodeUnknown):
            await house.scan(altered(alive, by), institution=institution)
    await house.scan(code, institution=institution, till="2")
    with pytest.raises(refusals.CodeExpired):
        await house.scan(alive, institution=institution, till="2")
    await house.scan(await house.show(holder), institution=institution, till="2")


async def test_an_old_code_is_no_wrong_tag(house: House, institution: str) -> None:
    """Else a photograph of a code would be enough to kill it."""
    code = await house.show(await house.active())
    for _ in range(6):
        with pytest.raises(refusals.CodeExpired):
            await house.scan(code, institution=institution, at=house.at + 4 * STEP)
    await house.scan(code, institution=institution)


async def test_a_till_is_slowed_after_ten_bad_codes_in_a_minute(house: House, institution: str) -> None:
    holder = await house.active()
    for _ in range(10):
        with pytest.raises(refusals.CodeMalformed):
            await house.scan("0", institution=institution)
    code = await house.show(holder)
    with pytest.raises(refusals.TillSlowed):
        await house.scan(code, institution=institution)
    await house.scan(code, institution=institution, till="2")
    later = house.at + timedelta(seconds=60)
    await house.scan(await house.show(holder, at=later), institution=institution, at=later)


async def test_an_institution_is_slowed_after_two_hundred_bad_codes_in_an_hour(house: House, institution: str) -> None:
    holder = await house.active()
    async with transaction(house.pool) as tx:
        for n in range(200):
            await actions.note_bad_scan(
                tx, house.codes, code="0", institution=institution, till=str(n), at=house.at - timedelta(minutes=9)
            )
    code = await house.show(holder)
    with pytest.raises(refusals.TillSlowed):
        await house.scan(code, institution=institution, till="200")
    await house.scan(code, institution=institution[::-1])
    later = house.at + timedelta(minutes=51)
    await house.scan(await house.show(holder, at=later), institution=institution, at=later)


async def test_what_a_phone_did_show_slows_no_till(house: House, institution: str) -> None:
    """A gun that reads a code again and again, and people who come late, are no guessers."""
    holder = await house.active()
    spent = await house.show(holder)
    await house.scan(spent, institution=institution)
    for _ in range(12):
        with pytest.raises(refusals.CodeSpent):
            await house.scan(spent, institution=institution)
    assert await bad_scans(house, institution) == 0
    await house.scan(await house.show(holder), institution=institution)


async def test_bad_scans_are_forgotten_when_no_limit_asks_for_them(house: House, institution: str) -> None:
    for hours in (0, 0, 2):
        with pytest.raises(refusals.CodeMalformed):
            await house.scan("0", institution=institution, at=house.at + timedelta(hours=hours))
    assert await bad_scans(house, institution) == 1


async def test_refusals_come_in_their_order(house: House, institution: str) -> None:
    """Of two reasons the first of the list is given: slowed before unknown, malformed before slowed."""
    for _ in range(10):
        with pytest.raises(refusals.CodeMalformed):
            await house.scan("0", institution=institution)
    with pytest.raises(refusals.CodeMalformed):
        await house.scan("0", institution=institution)
    code = altered(await house.show(await house.active()))
    with pytest.raises(refusals.TillSlowed):
        await house.scan(code, institution=institution)


async def test_a_code_spent_and_old_is_said_to_be_spent(house: House, institution: str) -> None:
    """So that a cashier who lost the answer looks for the settlement instead of asking for another code."""
    code = await house.show(await house.active())
    await house.scan(code, institution=institution)
    with pytest.raises(refusals.CodeSpent):
        await house.scan(code, institution=institution, at=house.at + 10 * STEP)


async def test_forged_codes_never_find_a_person(house: House, institution: str) -> None:
    """Random digits, and genuine tickets under random tags, against a room with live phones."""
    random = Random(510500)
    shown = [await house.show(await house.active()) for _ in range(3)]
    forged = [f"{random.randrange(10**22):022d}510000" for _ in range(1_500)]
    forged += [altered(random.choice(shown), random.randrange(1, 10**9)) for _ in range(100)]
    random.shuffle(forged)
    for code in forged:
        with pytest.raises(refusals.CodeUnknown):
            await actions.redeem(house.gate, code=code, institution=institution, till="1", at=house.at)
    assert not await house.pool.fetchval("SELECT count(*) FROM credential.visit WHERE institution = $1", institution)


async def test_replayed_codes_never_find_a_person_again(house: House, institution: str, at: datetime) -> None:
    """Every code of half an hour, scanned once and then again at every later half minute."""
    holder = await house.active()
    seen: list[str] = []
    for step in range(30):
        now = at + step * STEP
        for code in seen[-4:] + seen[:2]:
            with pytest.raises(refusals.CodeSpent):
                await house.scan(code, institution=institution, at=now)
        code = await house.show(holder, at=now)
        await house.scan(code, institution=institution, at=now)
        seen.append(code)
    assert len(set(seen)) == 30


async def test_the_place_is_the_one_chosen_last(house: House, institution: str) -> None:
    """B8."""
    holder = await house.active(insurances=(insured("310000"), insured("320682", insutype="390")))
    assert (await house.scan(await house.show(holder), institution=institution)).place == "310000"
    await house.activate(holder, place="320682")
    code = await house.show(holder)
    assert code.endswith("320000")
    assert (await house.scan(code, institution=institution)).place == "320682"
