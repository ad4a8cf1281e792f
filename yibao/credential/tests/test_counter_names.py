"""The real name at the counter, and what it leads to: binding without a card, and a working code (A2, A3)."""

from contextlib import suppress
from typing import Any

import pytest

from conftest import NewPerson, WorldClock, insured
from yibao import identity, registry
from yibao.core.database import transaction
from yibao.identity import refusals
from yibao.identity.tests.conftest import Sms, hasher, phone, sms
from yibao.identity.tests.owner import Owner, owner
from yibao.web.principal import CONSOLE_COOKIE, SESSION_COOKIE

from .browser import bank, browser, whole_house
from .test_counter import sign_in_clerk
from .test_pages import Citizen

__all__ = ["Sms", "bank", "browser", "hasher", "owner", "phone", "sms", "whole_house"]

PATH = "/console/names"
REASON = "公安没有照片，不能人脸识别"
PIN = "738291"


class Counter:
    """A clerk in Luzhou before whom somebody stands with a certificate and a phone that has an account."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.browser = owner.browser

    async def asks(self, person: registry.Registrant | None = None, **fields: str) -> str:
        """Fill in the form and have the code sent."""
        await self.browser.get(PATH)
        self.browser.must_be_usable()
        given = {
            "cert_type": person.cert_type if person else "01",
            "cert_no": person.cert_no if person else self.owner.cert_no,
            "name": person.name if person else self.owner.who.name,
            "phone": self.owner.phone,
            "reason": REASON,
            "checked": "1",
            "step": "code",
            **fields,
        }
        return await self.browser.fill(PATH, **given)

    async def finishes(self, code: str | None = None) -> str:
        return await self.browser.fill(PATH, step="finish", code=code or await self.owner.code())

    async def names(self, person: registry.Registrant | None = None, **fields: str) -> str:
        await self.asks(person, **fields)
        return await self.finishes()

    async def back_to_the_phone(self) -> None:
        self.browser.client.cookies.delete(CONSOLE_COOKIE)
        await self.owner.sign_in()


@pytest.fixture
async def counter(owner: Owner) -> Counter:
    async with transaction(owner.house.pool) as tx:
        await registry.load_regions(tx)
    owner.browser.client.cookies.delete(SESSION_COOKIE)
    await sign_in_clerk(owner.browser)
    return Counter(owner)


async def told(counter: Counter, person_id: str) -> list[str]:
    rows = await counter.owner.house.pool.fetch(
        "SELECT topic FROM core.outbox WHERE person_id = $1 ORDER BY outbox_id", person_id
    )
    return [row["topic"] for row in rows]


async def acts(counter: Counter) -> list[str]:
    rows = await counter.owner.house.pool.fetch(
        "SELECT act FROM identity.counter_act WHERE account_id = $1", counter.owner.account_id
    )
    return [row["act"] for row in rows]


async def test_from_the_counter_home_with_a_working_code_and_no_card(counter: Counter, new_person: NewPerson) -> None:
    """A2, A3, B1: no face, no bank, no card; the person sets the password on their own phone and has the code."""
    person = await new_person(card=None)
    await counter.asks(person)
    counter.browser.must_be_usable()
    assert person.cert_no in counter.browser.text
    await counter.finishes("x")
    assert "identity.code_wrong" in counter.browser.text
    await counter.finishes()
    assert counter.browser.path.startswith("/console/phones/")
    counter.browser.must_be_usable()
    assert "实名认证</td>" in counter.browser.text
    assert "不用社会保障卡，7 天内有效" in counter.browser.text
    for secret in (person.name, person.cert_no, counter.owner.phone):
        assert secret not in counter.browser.text
    account = await counter.owner.account()
    assert (account.name, account.cert_type, account.cert_no) == (person.name, person.cert_type, person.cert_no)
    assert account.person_id is None
    [look] = await registry.looks(counter.owner.house.pool, counter.owner.house.vault, person.person_id)
    assert (look.looker_name, look.purpose) == ("泸州市医保经办窗口", f"窗口实名认证：{REASON}")
    assert await told(counter, person.person_id) == ["identity.named_at_counter"]

    await counter.back_to_the_phone()
    citizen = Citizen(counter.browser, person, counter.owner.account_id)
    await counter.browser.get("/me/real-name")
    await counter.browser.follow("/me/bind")
    counter.browser.must_be_usable()
    assert "不用社会保障卡" in counter.browser.text
    assert "card_no" not in counter.browser.page.forms[-1].names
    await counter.browser.fill("/me/bind", pay_password=PIN, pay_password_again="1")
    assert "identity.passwords_differ" in counter.browser.text
    await counter.browser.fill("/me/bind", pay_password=PIN, pay_password_again=PIN)
    await citizen.activate()
    await counter.browser.get("/code")
    assert await citizen.scanned(citizen.code()) == person.person_id


async def test_whoever_has_a_card_binds_by_it_after_a_counter_elsewhere(
    counter: Counter, new_person: NewPerson
) -> None:
    """No agency hands out the insurance of another: its name is proved anywhere, its card only at home replaced."""
    person = await new_person(insurances=(insured("510100"),))
    await counter.names(person)
    assert "填写社会保障卡卡号" in counter.browser.text
    await counter.back_to_the_phone()
    citizen = Citizen(counter.browser, person, counter.owner.account_id)
    await counter.browser.get("/me/bind")
    token = counter.browser.page.forms[-1].values
    answer = await counter.browser.client.post(
        "/me/bind", data={**token, "card_no": "", "pay_password": PIN, "pay_password_again": PIN}
    )
    assert "credential.card_unknown" in answer.text
    await citizen.bind()
    assert counter.browser.path.startswith("/code/activate")


async def test_the_counter_stands_in_for_the_card_seven_days(
    counter: Counter, new_person: NewPerson, clock: WorldClock
) -> None:
    await counter.names(await new_person(card=None))
    await counter.back_to_the_phone()
    clock.advance(days=7)
    await counter.owner.sign_in()
    await counter.browser.get("/me/bind")
    assert "card_no" in counter.browser.page.forms[-1].names
    answer = await counter.browser.fill("/me/bind", card_no="", pay_password=PIN, pay_password_again=PIN)
    assert "credential.no_card_to_bind" in answer


@pytest.mark.parametrize(
    ("card", "insurances", "code"),
    [
        ("lost", (insured(),), "credential.card_lost"),
        (None, (insured(synced=False),), "credential.not_synced"),
    ],
)
async def test_without_a_card_the_insurance_must_be_as_in_order_as_by_the_face(
    counter: Counter,
    new_person: NewPerson,
    card: registry.CardState | None,
    insurances: tuple[registry.Insurance, ...],
    code: str,
) -> None:
    await counter.names(await new_person(card=card, insurances=insurances))
    await counter.back_to_the_phone()
    await counter.browser.get("/me/bind")
    assert code in await counter.browser.fill("/me/bind", pay_password=PIN, pay_password_again=PIN)


async def test_an_insurance_that_another_account_holds_is_let_go_at_the_counter_first(
    counter: Counter, new_person: NewPerson
) -> None:
    """BoundElsewhere sends people to the counter, and there it is undone."""
    person = await new_person()
    house = counter.owner.house
    async with transaction(house.pool) as tx:
        other = await identity.open_account(
            tx, house.vault, phone=f"103{counter.owner.phone[3:]}", login_hash="-", at=counter.owner.at
        )
    lost = Citizen(counter.browser, person, other)
    async with transaction(house.pool) as tx:
        token = await identity.start_session(tx, account_id=other, device=counter.owner.device, at=counter.owner.at)
    counter.browser.client.cookies.set(SESSION_COOKIE, token)
    await lost.prove()
    await lost.bind()
    await counter.names(person)
    await counter.owner.sign_in()
    await counter.browser.get("/me/bind")
    given = {"pay_password": PIN, "pay_password_again": PIN}
    assert "credential.bound_elsewhere" in await counter.browser.fill("/me/bind", **given)
    assert "/phone" in counter.browser.page.links, "the way for whoever no longer has the old number"
    await counter.browser.get("/console/credentials")
    asked = {"by": person.cert_type, "number": person.cert_no, "reason": "原手机丢失，本人到窗口"}
    await counter.browser.fill("/console/credentials", **asked)
    await counter.browser.fill("/console/credentials", do="binding")
    await counter.browser.get("/me/bind")
    await counter.browser.fill("/me/bind", **given)
    assert counter.browser.path.startswith("/code/activate")


@pytest.mark.parametrize("cert_type", identity.CERT_TYPES)
async def test_every_kind_of_certificate_proves_a_name(counter: Counter, cert_type: str) -> None:
    """A10: also of somebody whom no place has registered; then nobody else is told and nobody's data looked at."""
    cert_no = counter.owner.cert_no if cert_type == "01" else f"zz99 {counter.owner.phone}"
    await counter.names(cert_type=cert_type, cert_no=cert_no, name="TESTMANN HANS PETER")
    account = await counter.owner.account()
    assert (account.name, account.cert_type) == ("TESTMANN HANS PETER", cert_type)
    assert account.cert_no == cert_no.upper().replace(" ", "")
    assert await acts(counter) == ["real_name_proved"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"checked": ""}, "identity.certificate_not_checked"),
        ({"reason": " "}, "identity.reason_missing"),
        ({"name": " "}, "identity.who_incomplete"),
        ({"cert_no": ""}, "identity.who_incomplete"),
        ({"cert_type": "99"}, "identity.who_incomplete"),
        ({"former_no": "\u200e1", "former_type": "01"}, "identity.who_incomplete"),
        ({"phone": "12"}, "identity.phone_malformed"),
    ],
)
async def test_a_form_that_is_not_filled_in_sends_no_code(counter: Counter, fields: dict[str, str], code: str) -> None:
    assert code in await counter.asks(None, **fields)
    assert 400 <= counter.browser.status < 500
    assert await counter.owner.sms.sent(counter.owner.phone) == []
    assert "code" not in counter.browser.page.forms[-1].names


async def test_a_name_that_is_registered_differently_is_asked_for_again(
    counter: Counter, new_person: NewPerson
) -> None:
    """A slip of the keys must not become somebody's name."""
    person = await new_person()
    assert "credential.details_differ" in await counter.asks(person, name=f"{person.name}某")
    assert await registry.looks(counter.owner.house.pool, counter.owner.house.vault, person.person_id) == []


async def test_a_phone_without_an_account_is_told_to_register(counter: Counter) -> None:
    stranger = f"104{counter.owner.phone[3:]}"
    await counter.asks(phone=stranger)
    assert "identity.account_of_phone_missing" in await counter.finishes(await counter.owner.code(stranger))


async def test_an_account_keeps_its_first_owner(counter: Counter, new_person: NewPerson) -> None:
    await counter.owner.prove_name()
    assert "identity.real_name_of_another" in await counter.names(await new_person())
    assert (await counter.owner.account()).cert_no == counter.owner.cert_no
    assert await acts(counter) == []


async def test_a_renewed_certificate_takes_the_place_of_the_former(
    counter: Counter, new_person: NewPerson, clock: WorldClock
) -> None:
    """What CertificateNotOfAccount promises. The person of the bound insurance is told."""
    await counter.owner.prove_name()
    async with transaction(counter.owner.house.pool) as tx:
        person_id = f"6{counter.owner.phone}"
        await identity.attach_person(tx, account_id=counter.owner.account_id, person_id=person_id)
    renewed = {"cert_type": "08", "cert_no": "ZZ9912345", "former_type": "01", "former_no": counter.owner.cert_no}
    assert "identity.certificate_not_of_account" in await counter.names(
        None, **{**renewed, "former_no": "11010519491231002X"}
    )
    clock.advance(minutes=2)
    assert "identity.real_name_of_another" in await counter.names(None, **renewed, name="测试丙")
    clock.advance(minutes=2)
    another = await new_person(name=counter.owner.who.name)
    refused = await counter.names(another, former_type="01", former_no=counter.owner.cert_no)
    assert "identity.real_name_of_another" in refused
    assert await acts(counter) == []
    clock.advance(minutes=2)
    await counter.names(None, **renewed)
    assert "更换证件</td>" in counter.browser.text
    account = await counter.owner.account()
    assert (account.cert_type, account.cert_no, account.person_id) == ("08", "ZZ9912345", person_id)
    assert await told(counter, person_id) == ["identity.named_at_counter"]


async def test_a_code_too_soon_leaves_the_field_for_the_one_that_came(counter: Counter, new_person: NewPerson) -> None:
    person = await new_person()
    await counter.asks(person)
    await counter.browser.fill(PATH, step="code")
    assert "identity.code_too_soon" in counter.browser.text
    await counter.finishes()
    assert "已办理" in counter.browser.text
    assert len(await registry.looks(counter.owner.house.pool, counter.owner.house.vault, person.person_id)) == 1


async def test_strangers_cannot_use_up_the_counter_s_codes(counter: Counter) -> None:
    """Their codes have other purposes."""
    ask, phone, at = counter.owner.sms.ask, counter.owner.phone, counter.owner.at
    with suppress(refusals.CodeNeedsKnownDevice):
        for number in range(25):
            await ask(phone, "change_phone_new", at, device=f"strange {number}")
    with pytest.raises(refusals.CodeNeedsKnownDevice):
        await ask(phone, "change_phone_new", at, device="one more")
    await counter.names()
    assert await acts(counter) == ["real_name_proved"]


async def test_a_case_is_its_clerk_s_own_and_for_its_certificate(counter: Counter, clock: WorldClock) -> None:
    """Neither a clerk of another place, nor another certificate, nor half an hour later."""
    await counter.asks()
    form = next(form for form in counter.browser.page.forms if "code" in form.names)
    sent: dict[str, Any] = {**form.values, "step": "finish", "code": await counter.owner.code()}
    await sign_in_clerk(counter.browser, "A110100-77")
    assert "identity.case_unknown" in (await counter.browser.client.post(PATH, data=sent)).text
    for changed in ({"case": ""}, {"case": "0" * 32}, {"cert_type": "nonsense"}, {"phone": ""}, {"case": "\0"}):
        answer = await counter.browser.client.post(PATH, data={**sent, **changed})
        assert 400 <= answer.status_code < 500
    await sign_in_clerk(counter.browser)
    answer = await counter.browser.client.post(PATH, data={**sent, "cert_no": "110105194912310038"})
    assert "identity.case_unknown" in answer.text
    assert (await counter.owner.account()).name is None
    clock.advance(minutes=29)
    await sign_in_clerk(counter.browser)
    await counter.browser.client.post(PATH, data={**sent, "step": "code"})
    clock.advance(minutes=1)
    late = await counter.browser.client.post(PATH, data={**sent, "code": await counter.owner.code()})
    assert "identity.case_unknown" in late.text
    assert (await counter.owner.account()).name is None


async def test_only_clerks_come_to_it(owner: Owner) -> None:
    await owner.browser.get(PATH)
    assert owner.browser.path == f"/console/login?next={PATH}"


async def test_a_counter_in_a_place_that_was_left_stands_for_no_card(counter: Counter, new_person: NewPerson) -> None:
    """Luzhou's clerk, and somebody who moved to Shanghai: no agency hands out the insurance of another."""
    person = await new_person(card="normal", insurances=(insured("510500", state="4"), insured("310000")))
    await counter.names(person)
    assert "不用社会保障卡" not in counter.browser.text
    await counter.back_to_the_phone()
    await counter.browser.get("/me/bind")
    assert "card_no" in counter.browser.page.forms[-1].names
