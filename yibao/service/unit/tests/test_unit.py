"""One unit, one code: who may show it, that it works once, and that nothing else passes for it (B3)."""

import asyncio
import secrets
from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest

from yibao import credential
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.credential.actions import redeem as redeem_person
from yibao.credential.refusals import UnitCodeShown
from yibao.sandbox import world
from yibao.service import unit
from yibao.service.unit import queries, refusals, rules
from yibao.service.unit.types import Redeemed

from .conftest import Office, new_credit_code

STEP = timedelta(seconds=30)


async def enter(office: Office, code: str, *, device: str = "browser:desk", at: datetime | None = None) -> Redeemed:
    """Type a code as the page does: it is counted first, and forgiven unless it finds nothing."""
    at = at or office.at
    async with transaction(office.pool) as tx:
        await unit.note_try(tx, office.codes, code=code, device=device, at=at)
    try:
        async with transaction(office.pool) as tx:
            return await unit.redeem(tx, office.vault, office.codes, code=code, device=device, at=at)
    except Refusal as refusal:
        if not isinstance(refusal, refusals.BadCode):
            async with transaction(office.pool) as tx:
                await unit.forgive_try(tx, office.codes, code=code, device=device, at=at)
        raise


def new_device() -> str:
    return f"browser:{secrets.token_hex(8)}"


def altered(code: str, by: int = 1) -> str:
    """Return the same ticket under another tag."""
    return code[:13] + f"{(int(code[13:22]) + by) % 10**9:09d}" + code[22:]


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("91350100M000100Y43", True),  # Worked out in GB 32100 itself.
        (" 9135 0100 m000100y43 ", True),
        ("91350100M000100Y44", False),
        ("91350100M000100Y4", False),
        ("91350100M000100YI3", False),
        ("", False),
        ("９１３５０１００Ｍ０００１００Ｙ４３", False),
    ],
)
def test_a_credit_code_has_its_check_character(code: str, right: bool) -> None:
    if right:
        assert rules.credit_code(code) == "91350100M000100Y43"
        return
    with pytest.raises(refusals.CreditCodeInvalid):
        rules.credit_code(code)


@pytest.mark.parametrize(
    ("cert_type", "cert_no", "right"),
    [
        ("01", "11010519491231002X", True),
        ("01", "110105194912310021", False),
        ("01", "12345", False),
        ("08", "12345", True),
    ],
)
def test_only_a_citizen_s_number_has_a_rule(cert_type: str, cert_no: str, right: bool) -> None:
    named = unit.Named("某人", cert_type, cert_no)
    if right:
        rules.require_number(named)
        return
    with pytest.raises(refusals.NumberInvalid):
        rules.require_number(named)


async def test_a_name_that_was_written_wrong_is_put_right_at_the_counter(office: Office) -> None:
    """Nobody can act under it, and the number on the certificate stays the same."""
    right = unit.Named("某明", "08", f"E{secrets.randbelow(10**8):08d}")
    wrong = unit.Named("某朋", right.cert_type, right.cert_no)
    async with transaction(office.pool) as tx:
        unit_id = await unit.register(
            tx,
            office.vault,
            unit.Entry(new_credit_code(), f"示例{secrets.token_hex(4)}", "employer", "510500", "", wrong),
            by="A510500-01",
            at=office.at,
        )

    async def replace() -> None:
        async with transaction(office.pool) as tx:
            await unit.replace_legal(
                tx,
                office.vault,
                unit_id=unit_id,
                legal=right,
                place="510500",
                clerk="A510500-01",
                checked=True,
                reason="姓名录入有误",
                at=office.at,
            )

    await replace()
    [operator] = await unit.operators(office.pool, office.vault, unit_id)
    assert (operator.name, operator.legal) == (right.name, True)
    with pytest.raises(refusals.LegalAlready):
        await replace()


def test_one_wrong_character_never_passes() -> None:
    code = new_credit_code()
    for place in range(18):
        for other in "0123456789ABCDEFGHJKLMNPQRTUWXY".replace(code[place], ""):
            with pytest.raises(refusals.CreditCodeInvalid):
                rules.credit_code(code[:place] + other + code[place + 1 :])


def test_the_units_of_the_world_are_well_formed(at: datetime) -> None:
    built = world.units(seed=1, on=at.date())
    assert [each.kind for each in built] == ["employer", "employer", "institution", "institution"]
    assert len({rules.credit_code(each.credit_code) for each in built}) == 4


async def test_a_unit_has_one_code_and_is_registered_once(office: Office) -> None:
    legal = await office.operator()
    code = new_credit_code()

    async def register(
        *, credit_code: str = code, name: str = f"示例{secrets.token_hex(4)}", institution: str = ""
    ) -> str:
        async with transaction(office.pool) as tx:
            return await unit.register(
                tx,
                office.vault,
                unit.Entry(credit_code, name, "employer", "510500", institution, legal.named),
                by="A510500-01",
                at=office.at,
            )

    with pytest.raises(refusals.CreditCodeInvalid):
        await register(credit_code=altered_check(code))
    with pytest.raises(refusals.UnitIncomplete):
        await register(name="  ")
    with pytest.raises(refusals.UnitIncomplete):
        await register(institution="P51050099001")
    await register()
    with pytest.raises(refusals.UnitTaken):
        await register(name="另一个名字")


def altered_check(code: str) -> str:
    return code[:17] + ("0" if code[17] != "0" else "1")


async def test_an_operator_signs_in_with_the_code_and_everybody_of_the_unit_is_told(office: Office) -> None:
    unit_id, legal = await office.active()
    second = await office.operator()
    await office.appoint(unit_id, legal, second.named)
    await office.activate(unit_id, second)
    code = await office.show(unit_id, second)
    assert len(code) == 28
    assert code.endswith("510000")
    redeemed = await enter(office, code)
    assert (redeemed.unit_id, redeemed.account_id) == (unit_id, second.account_id)
    [seen] = await unit.sign_ins(office.pool, office.vault, unit_id)
    assert (seen.name, seen.at) == (second.person.name, office.at)
    assert await office.told(second.person.person_id) == [
        "unit.operator_appointed",
        "unit.activated",
        "unit.signed_in",
    ]
    assert await office.told(legal.person.person_id) == ["unit.activated", "unit.activated", "unit.signed_in"]


async def test_only_whom_the_unit_names_by_name_and_number_acts_for_it(office: Office) -> None:
    unit_id, legal = await office.active()
    stranger = await office.operator()
    for action in (office.activate, office.show, office.unbind):
        with pytest.raises(refusals.NotOperator):
            await action(unit_id, stranger)
    misnamed = unit.Named("别的名字", stranger.named.cert_type, stranger.named.cert_no)
    await office.appoint(unit_id, legal, misnamed)
    with pytest.raises(refusals.NotOperator):
        await office.activate(unit_id, stranger)
    with pytest.raises(refusals.OperatorAppointed):
        await office.appoint(unit_id, legal, stranger.named)


async def test_a_name_is_one_however_its_dot_and_its_letters_are_typed(office: Office) -> None:
    operator = await office.operator(name="医丽娜·保小安")
    typed = unit.Named(" 医丽娜•保 小安", operator.named.cert_type, operator.named.cert_no)
    unit_id, legal = await office.active()
    await office.appoint(unit_id, legal, typed)
    await office.activate(unit_id, operator)


async def test_only_the_legal_representative_names_and_removes(office: Office) -> None:
    unit_id, legal = await office.active()
    second, third = await office.operator(), await office.operator()
    with pytest.raises(refusals.OperatorIncomplete):
        await office.appoint(unit_id, legal, unit.Named(" ", "01", "1"))
    wrong = second.named.cert_no[:-1] + ("1" if second.named.cert_no[-1] != "1" else "2")
    with pytest.raises(refusals.NumberInvalid):
        await office.appoint(unit_id, legal, unit.Named(second.named.name, "01", wrong))
    await office.appoint(unit_id, legal, second.named)
    with pytest.raises(refusals.OnlyLegal):
        await office.appoint(unit_id, second, third.named)
    legal_id = await office.operator_id(unit_id, legal)
    with pytest.raises(refusals.OnlyLegal):
        await office.remove(unit_id, second, legal_id)
    with pytest.raises(refusals.LegalStays):
        await office.remove(unit_id, legal, legal_id)
    second_id = await office.operator_id(unit_id, second)
    await office.remove(unit_id, legal, second_id)
    assert await office.told(second.person.person_id) == ["unit.operator_appointed", "unit.operator_removed"]
    with pytest.raises(refusals.OperatorUnknown):
        await office.remove(unit_id, legal, second_id)
    await office.appoint(unit_id, legal, second.named)  # Somebody who was removed may be named again.


async def test_whoever_is_removed_is_refused_from_that_moment(office: Office) -> None:
    unit_id, legal = await office.active()
    second = await office.operator()
    await office.appoint(unit_id, legal, second.named)
    await office.activate(unit_id, second)
    shown = await office.show(unit_id, second)
    await office.remove(unit_id, legal, await office.operator_id(unit_id, second))
    with pytest.raises(refusals.DeviceUnbound):
        await enter(office, shown)
    with pytest.raises(refusals.NotOperator):
        await office.show(unit_id, second)


async def test_the_agreement_comes_first_and_activating_again_changes_nothing(office: Office) -> None:
    legal = await office.operator()
    unit_id = await office.registered(legal)
    with pytest.raises(refusals.AgreementNotTicked):
        await office.activate(unit_id, legal, agreed=False)
    with pytest.raises(refusals.NotActivated):
        await office.show(unit_id, legal)
    for _ in range(2):
        await office.activate(unit_id, legal)
    assert await queries.phones(office.pool, unit_id) == 1
    assert await office.told(legal.person.person_id) == ["unit.activated"]


async def test_an_unbound_phone_is_refused_and_can_activate_again(office: Office) -> None:
    """B6 for units."""
    unit_id, legal = await office.active()
    shown = await office.show(unit_id, legal)
    await office.unbind(unit_id, legal)
    with pytest.raises(refusals.DeviceUnbound):
        await enter(office, shown)
    with pytest.raises(refusals.NotActivated):
        await office.show(unit_id, legal)
    await office.activate(unit_id, legal)
    await enter(office, await office.show(unit_id, legal))


async def test_the_counter_unbinds_all_phones_and_says_why(office: Office) -> None:
    unit_id, legal = await office.active()
    shown = await office.show(unit_id, legal)

    async def unbind(unit_id: str, reason: str) -> int:
        async with transaction(office.pool) as tx:
            return await unit.unbind_all(
                tx, office.vault, unit_id=unit_id, clerk="A510500-01", reason=reason, at=office.at
            )

    with pytest.raises(refusals.ReasonMissing):
        await unbind(unit_id, "  ")
    with pytest.raises(refusals.UnitUnknown):
        await unbind("0" * 16, "手机丢失")
    assert await unbind(unit_id, "手机丢失") == 1
    with pytest.raises(refusals.DeviceUnbound):
        await enter(office, shown)
    case = await office.pool.fetchrow("SELECT clerk, reason FROM unit.counter_case WHERE unit_id = $1", unit_id)
    assert case is not None
    assert case["clerk"] == "A510500-01"
    assert "手机".encode() not in case["reason"]


async def test_a_code_works_once_also_when_it_is_typed_twice_at_once(office: Office) -> None:
    unit_id, legal = await office.active()
    code = await office.show(unit_id, legal)
    results = await asyncio.gather(
        *(enter(office, code, device=new_device()) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, Redeemed) for result in results) == 1
    assert sum(isinstance(result, refusals.CodeSpent) for result in results) == 4


async def test_a_code_is_good_for_its_half_minute_and_the_one_after(office: Office) -> None:
    unit_id, legal = await office.active()
    await enter(office, await office.show(unit_id, legal), at=office.at + STEP)
    with pytest.raises(refusals.CodeExpired):
        await enter(office, await office.show(unit_id, legal), at=office.at + 2 * STEP)


async def test_forged_codes_open_nothing(office: Office) -> None:
    """Random digits, and genuine tickets under random tags."""
    unit_id, legal = await office.active()
    random = Random(510500)
    shown = await office.show(unit_id, legal)
    forged = [f"{random.randrange(10**22):022d}510000" for _ in range(200)]
    forged += [altered(shown, random.randrange(1, 10**9)) for _ in range(50)]
    for code in forged:
        with pytest.raises(refusals.CodeUnknown):
            async with transaction(office.pool) as tx:
                await unit.redeem(tx, office.vault, office.codes, code=code, device=new_device(), at=office.at)
    for nonsense in ("", "1", "a" * 28, "９" * 28, "1" * 28, shown[:27]):
        with pytest.raises(refusals.CodeMalformed):
            await enter(office, nonsense, device=new_device())
    assert await unit.sign_ins(office.pool, office.vault, unit_id) == []


async def test_a_ticket_dies_after_five_wrong_tags_and_locks_nobody(office: Office) -> None:
    unit_id, legal = await office.active()
    code = await office.show(unit_id, legal)
    for number in range(5):
        with pytest.raises(refusals.CodeUnknown):
            await enter(office, altered(code, number + 1), device=new_device())
    with pytest.raises(refusals.CodeExpired):
        await enter(office, code)
    await enter(office, await office.show(unit_id, legal))


async def test_whoever_guesses_is_slowed_and_nobody_else(office: Office) -> None:
    unit_id, legal = await office.active()
    device = new_device()
    for _ in range(10):
        with pytest.raises(refusals.CodeUnknown):
            await enter(office, "1234567890123456789012510000", device=device)
    with pytest.raises(refusals.TooManyTries):
        await enter(office, await office.show(unit_id, legal), device=device)
    await enter(office, await office.show(unit_id, legal), device=new_device())
    office.at += timedelta(minutes=1)
    await enter(office, await office.show(unit_id, legal), device=device)


async def test_no_more_are_compared_than_counted_also_when_all_come_at_once(office: Office) -> None:
    unit_id, legal = await office.active()
    code, device = await office.show(unit_id, legal), new_device()
    guesses = [enter(office, altered(code, number), device=device) for number in range(1, 31)]
    found = Counter(type(one) for one in await asyncio.gather(*guesses, return_exceptions=True))
    assert found == {refusals.CodeUnknown: 10, refusals.TooManyTries: 20}
    with pytest.raises(refusals.CodeExpired):  # The ticket is dead after the fifth.
        await enter(office, code)


async def test_each_kind_of_code_is_refused_in_the_others_place_in_its_own_words(office: Office) -> None:
    unit_id, legal = await office.active()
    house = office.house
    code = await office.show(unit_id, legal)
    with pytest.raises(UnitCodeShown):
        await redeem_person(house.gate, code=code, institution="P51050099001", till="1", at=office.at)
    await enter(office, code)  # The till has not spent it.
    async with transaction(office.pool) as tx:
        await credential.activate(
            tx,
            person_id=legal.person.person_id,
            account_id=legal.account_id,
            place="510500",
            agreed=True,
            channel="web",
            browser=legal.browser,
            at=office.at,
        )
        own = await credential.show_code(
            tx, house.codes, person_id=legal.person.person_id, browser=legal.browser, at=office.at
        )
    device = new_device()
    for _ in range(12):  # A mistake is no guess.
        with pytest.raises(refusals.PersonCodeShown):
            await enter(office, own.code, device=device)
    await redeem_person(house.gate, code=own.code, institution="P51050099001", till="1", at=office.at)


async def test_a_phone_goes_on_under_a_further_number_when_its_tickets_are_used_up(office: Office) -> None:
    unit_id, legal = await office.active()
    await office.pool.execute("UPDATE unit.device SET next_ticket = 9999 WHERE unit_id = $1", unit_id)
    last, first = await office.show(unit_id, legal), await office.show(unit_id, legal)
    assert len({office.codes.open(code).device_number for code in (last, first)}) == 2
    for code in (last, first):
        await enter(office, code)
    assert await queries.phones(office.pool, unit_id) == 1


async def test_what_names_somebody_is_sealed(office: Office) -> None:
    """B15."""
    unit_id, legal = await office.active()
    row = await office.pool.fetchrow("SELECT * FROM unit.operator WHERE unit_id = $1", unit_id)
    assert row is not None
    text = str(dict(row))
    assert legal.person.cert_no not in text
    assert legal.person.name not in text
    assert legal.person.name.encode() not in row["name"]


async def test_every_refusal_of_the_room_says_what_to_do() -> None:
    ours = [refusal for code, refusal in Refusal.catalogue.items() if code.startswith("unit.")]
    assert len(ours) > 15
    assert all(refusal.remedy.endswith("。") for refusal in ours)
