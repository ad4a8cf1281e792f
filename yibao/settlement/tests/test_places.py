"""Several insured places (B8): which relation pays where, what is said when none does, and that nobody is surprised."""

import secrets
from datetime import date, datetime

import pytest

from conftest import NewPerson, insured
from yibao import benefit, registry, settlement
from yibao.app import House
from yibao.core.database import Pool, transaction
from yibao.credential import store as credential_store
from yibao.settlement import Desk, Order, refusals, rules
from yibao.settlement.tests.scene import (
    CHENGDU_PHARMACY,
    PHARMACY,
    CountingPool,
    Scan,
    Visitor,
    basket,
    proved,
    purchase,
)
from yibao.settlement.tests.test_pages import bill_for, settled_by
from yibao.settlement.types import Relation
from yibao.site.tests import scene
from yibao.site.tests.scene import Phone

LUZHOU, CHENGDU, PROVINCE = "510500", "510100", "519900"


@pytest.fixture
async def regions(pool: Pool) -> None:
    async with transaction(pool) as tx:
        await registry.load_regions(tx)


pytestmark = pytest.mark.usefixtures("shops", "regions")


async def choose(pool: Pool, visitor: Visitor, place: str) -> None:
    async with transaction(pool) as tx:
        await credential_store.choose_place(tx, person_id=visitor.person_id, psn_no="", place=place)


async def quoted(desk: Desk, visitor: Visitor, *, institution: str, at: datetime) -> settlement.Quote:
    return await settlement.quote(desk, basket=purchase(visitor.token), institution=institution, at=at)


async def test_each_of_two_places_pays_at_home_whichever_was_chosen(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    """B8, B16: one code, activated once, serves in both."""
    one = await scan(insurances=(insured(CHENGDU), insured(LUZHOU)))
    for chosen in (CHENGDU, LUZHOU):
        await choose(pool, one, chosen)
        here = await quoted(desk, await scan(person=one), institution=PHARMACY, at=at)
        assert (here.place, here.chosen_place, here.split.fund_fen) == (LUZHOU, chosen, 175_00)
        there = await quoted(
            desk, await scan(person=one, institution=CHENGDU_PHARMACY), institution=CHENGDU_PHARMACY, at=at
        )
        assert (there.place, there.chosen_place) == (CHENGDU, chosen)


async def test_the_pool_of_the_province_pays_in_the_capital_if_it_was_chosen(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    """B8: 省直 is at home in its capital; where both pay, the person's choice decides, else the institution's place."""
    one = await scan(insurances=(insured(PROVINCE), insured(CHENGDU), insured(LUZHOU)), institution=CHENGDU_PHARMACY)
    for chosen, pays in ((PROVINCE, PROVINCE), (CHENGDU, CHENGDU), (LUZHOU, CHENGDU)):
        await choose(pool, one, chosen)
        assert (await quoted(desk, one, institution=CHENGDU_PHARMACY, at=at)).place == pays
    await scan(person=one)
    await choose(pool, one, PROVINCE)
    assert (await quoted(desk, one, institution=PHARMACY, at=at)).place == LUZHOU

    only = await scan(insurances=(insured(PROVINCE), insured(LUZHOU)), institution=CHENGDU_PHARMACY)
    await choose(pool, only, LUZHOU)
    assert (await quoted(desk, only, institution=CHENGDU_PHARMACY, at=at)).place == PROVINCE, "nobody has to switch"


def relation(place: str, *, state: str = "1", synced: bool = True) -> Relation:
    of = insured(place, state=state, synced=synced)
    fields = {name: getattr(of, name) for name in ("psn_no", "place", "insutype", "psn_type", "state", "synced")}
    return Relation(**fields, entitled_from=None, birth_on=date(1958, 3, 15), qualifications=())


def test_a_relation_in_force_comes_before_the_chosen_one() -> None:
    policies = benefit.policies()
    held = [relation(PROVINCE, state="2"), relation(CHENGDU)]
    assert rules.relation_at(held, treated=CHENGDU, chosen=PROVINCE, policies=policies).place == CHENGDU
    held = [relation(PROVINCE, synced=False), relation(CHENGDU)]
    assert rules.relation_at(held, treated=CHENGDU, chosen=PROVINCE, policies=policies).place == CHENGDU
    with pytest.raises(refusals.InsuranceSuspended):
        rules.relation_at(
            [relation(LUZHOU, state="2"), relation(CHENGDU)], treated=LUZHOU, chosen="", policies=policies
        )
    with pytest.raises(refusals.NotSynced):
        rules.relation_at([relation(LUZHOU, synced=False)], treated=LUZHOU, chosen="", policies=policies)
    with pytest.raises(refusals.NotInsuredHere) as refused:
        rules.relation_at(
            [relation(LUZHOU, state="4"), relation(CHENGDU)], treated=LUZHOU, chosen="", policies=policies
        )
    assert refused.value.facts == {"here": LUZHOU, "held": (CHENGDU,)}, "what has ended is not offered"


async def test_where_no_place_pays_the_refusal_names_them_and_what_to_do(desk: Desk, scan: Scan, at: datetime) -> None:
    """B8, C13: the hint for a wrong place, on both screens."""
    one = await scan(insurances=(insured(CHENGDU), insured("310000")))
    of = purchase(one.token)
    order = Order(of, settlement.Split(420_00, 0, 0, 420_00))
    with pytest.raises(refusals.NotInsuredHere) as at_quote:
        await settlement.quote(desk, basket=of, institution=PHARMACY, at=at)
    with pytest.raises(refusals.NotInsuredHere) as at_confirm:
        await settlement.confirm(
            desk, order=order, institution=PHARMACY, caller=PHARMACY, request_id="x", prove=proved, at=at
        )
    with pytest.raises(refusals.NotInsuredHere) as at_sending:
        async with transaction(desk.pool) as tx:
            await settlement.send_bill(desk, tx, basket=of, bill_id="y", institution=PHARMACY, till="1", at=at)
    for refused in (at_quote, at_confirm, at_sending):
        assert refused.value.detail_text == (
            "本机构按泸州市的医保结算；参保人的参保地：上海市、成都市。异地就医暂不能直接结算。"
        )
        assert "没有可切换的参保地" in refused.value.hint_text
        assert "联系泸州市医保局" in refused.value.remedy_text

    nowhere = await scan(insurances=(insured(state="4"),))
    with pytest.raises(refusals.NotInsuredHere) as refused:
        await settlement.quote(desk, basket=purchase(nowhere.token), institution=PHARMACY, at=at)
    assert "参保地：没有查到" in refused.value.detail_text


async def test_a_place_that_changed_after_it_was_shown_is_not_booked(
    desk: Desk, pool: Pool, scan: Scan, at: datetime
) -> None:
    """Not even where the amounts are the same: another fund and another account would pay."""
    one = await scan(insurances=(insured(PROVINCE), insured(CHENGDU)), institution=CHENGDU_PHARMACY)
    of = basket(one.token, ("C20", "1"))  # Paid by the person alone, so that no amount differs.
    shown = await settlement.quote(desk, basket=of, institution=CHENGDU_PHARMACY, at=at)
    assert shown.place == PROVINCE
    await choose(pool, one, CHENGDU)

    async def settle(request_id: str, place: str) -> settlement.Settled:
        return await settlement.confirm(
            desk,
            order=Order(of, shown.split, place=place),
            institution=CHENGDU_PHARMACY,
            caller=CHENGDU_PHARMACY,
            request_id=request_id,
            prove=proved,
            at=at,
        )

    with pytest.raises(refusals.QuoteChanged):
        await settle(secrets.token_hex(8), PROVINCE)
    assert (await settle(secrets.token_hex(8), CHENGDU)).settlement_id.startswith(CHENGDU)


async def test_choosing_costs_no_further_round_trip(desk: Desk, pool: Pool, scan: Scan, at: datetime) -> None:
    one = await scan(insurances=(insured(CHENGDU), insured(LUZHOU)), free_limit_fen=500_00)
    counting = CountingPool(pool)
    counted = Desk(counting, numbers=desk.numbers, tokens=desk.tokens)
    shown = await quoted(desk, one, institution=PHARMACY, at=at)
    await settlement.confirm(
        counted,
        order=Order(purchase(one.token), shown.split, place=shown.place),
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=secrets.token_hex(8),
        prove=None,
        at=at,
    )
    assert len(counting.statements) == 2


house, stranger = scene.house, scene.stranger


@pytest.fixture
async def phone(stranger: Phone, new_person: NewPerson) -> Phone:
    """The phone of somebody insured in Chengdu, which was chosen, and in Luzhou."""
    await stranger.sign_in(await new_person(insurances=(insured(CHENGDU), insured(LUZHOU))))
    return stranger


async def test_the_phone_says_which_place_pays_and_why_not_the_chosen_one(phone: Phone, house: House) -> None:
    because = "您选择的是成都市，这里按泸州市结算，因为成都市的医保暂不能在这家机构直接结算。"
    bill = (await phone.get(await bill_for(phone, house))).text
    assert because in bill
    settled = await settled_by(phone, house)
    record = (await phone.get(f"/records/{settled.settlement_id}")).text
    assert because in record
    assert "<dd>泸州市</dd>" in record
    assert "<dd>医保码</dd>" in record


async def test_where_the_chosen_place_pays_nothing_is_explained(
    stranger: Phone, house: House, new_person: NewPerson
) -> None:
    await stranger.sign_in(await new_person(insurances=(insured(LUZHOU), insured(CHENGDU))))
    bill = (await stranger.get(await bill_for(stranger, house))).text
    assert "<dd>泸州市</dd>" in bill
    assert "您选择的是" not in bill
