"""An institution asks, the person answers on the phone, and only what was allowed is read (B14)."""

import asyncio
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import WorldClock
from yibao import credential, registry
from yibao.app import House
from yibao.core.database import transaction
from yibao.core.vault import Keys
from yibao.service.authorisation import pages, queries, rules
from yibao.service.authorisation.refusals import AuthNoUnknown

from .conftest import PAY_PASSWORD, Holder, NewHolder, NewParty, Party


async def allow(holder: Holder, request_id: str, *, lasts: str = "", password: str = PAY_PASSWORD) -> str:
    await holder.browser.get(f"/authorise/{request_id}")
    fields = {"answer": "allow"} | ({"lasts": lasts} if lasts else {})
    if "pay_password" in holder.browser.text:
        fields["pay_password"] = password
    return await holder.browser.fill(f"/authorise/{request_id}", **fields)


async def allowed(party: Party, holder: Holder, *scopes: str, days: int = 0) -> dict[str, Any]:
    """Go the whole way and return what the institution reads first."""
    request_id = await party.asked(*scopes, days=days)
    await allow(holder, request_id, lasts="days" if days else "")
    auth_no = (await party.status(request_id))["auth_no"]
    answer = await party.check(auth_no)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def code_of(answer: Any) -> str:
    code: str = answer.json()["code"]
    return code


async def test_the_phone_says_who_wants_what_and_why_and_the_party_reads_that(
    new_party: NewParty, new_holder: NewHolder
) -> None:
    party, holder = await new_party(), await new_holder()
    answer = await party.ask("identity", "insured_status")
    asked = answer.json()
    request_id = asked["authorisation_id"]
    assert asked["link"] == f"http://testserver/authorise/{request_id}"
    assert asked["qr"].startswith("data:image/svg+xml,")
    assert (await party.status(request_id))["state"] == "pending"
    text = await holder.browser.get(f"/authorise/{request_id}")
    holder.browser.must_be_usable()
    for told in (party.name, "办理住院登记", "仅此一次", asked["number"], "隐去中间部分", "缴费至哪一天"):
        assert told in text
    assert "已允许" in await allow(holder, request_id)
    status = await party.status(request_id)
    assert status["state"] == "allowed"
    assert re.fullmatch(r"ano[0-9a-f]{31}510500", status["auth_no"])
    got = (await party.check(status["auth_no"])).json()
    person = holder.person
    assert got["data"]["identity"] == {
        "name": person.name,
        "cert_type": "01",
        "cert_no": registry.masked_certificate(person.cert_no),
        "gender": person.gender,
    }
    [relation] = got["data"]["insured_status"]
    assert (relation["place"], relation["state"], relation["paid_to"]) == ("510500", "1", "2026-12-31")
    assert "employer" not in relation
    [look] = await registry.looks(holder.browser.house.pool, holder.browser.house.vault, holder.person_id)
    assert look.looker_name == party.name
    assert look.purpose == "经您授权读取身份（部分隐去）、参保情况：办理住院登记"
    assert await holder.told() == ["authorisation.granted", "authorisation.used"]


async def test_signing_in_takes_a_tap_and_gives_a_lasting_mark_but_no_name(
    new_party: NewParty, new_holder: NewHolder
) -> None:
    party, other, holder = await new_party(), await new_party(), await new_holder()
    first = await allowed(party, holder, "sign_in")
    assert (first["data"], first["scopes"]) == ({}, ["sign_in"])
    assert (await allowed(party, holder, "sign_in"))["subject"] == first["subject"]
    assert (await allowed(other, holder, "sign_in"))["subject"] != first["subject"]
    assert re.fullmatch("[0-9a-f]{32}", first["subject"])
    assert re.fullmatch(r"510500ec[0-9a-f]{32}", first["token"])


async def test_what_is_personal_needs_the_transaction_password(new_party: NewParty, new_holder: NewHolder) -> None:
    party, holder = await new_party(), await new_holder()
    request_id = await party.asked("insured_status")
    text = await allow(holder, request_id, password="246801")
    assert 'role="alert"' in text
    assert (await party.status(request_id))["state"] == "pending"
    assert await holder.told() == []
    await allow(holder, request_id)
    assert (await party.status(request_id))["state"] == "allowed"


async def test_the_whole_certificate_is_a_scope_of_its_own(new_party: NewParty, new_holder: NewHolder) -> None:
    party, holder = await new_party(), await new_holder()
    got = await allowed(party, holder, "identity_full")
    assert got["data"]["identity"]["cert_no"] == holder.person.cert_no
    assert got["data"]["identity"]["birth_on"] == "1958-03-15"


async def test_a_refusal_gives_nothing_and_cannot_be_taken_back(new_party: NewParty, new_holder: NewHolder) -> None:
    party, holder = await new_party(), await new_holder()
    request_id = await party.asked("identity")
    await holder.browser.get(f"/authorise/{request_id}")
    await holder.browser.client.post(
        f"/authorise/{request_id}",
        data={**holder.browser.page.forms[-1].values, "answer": "refuse"},
        follow_redirects=True,
    )
    status = await party.status(request_id)
    assert (status["state"], status["auth_no"]) == ("refused", None)
    csrf = holder.browser.page.forms[-1].values["_csrf_token"]
    again = await holder.browser.client.post(
        f"/authorise/{request_id}", data={"_csrf_token": csrf, "answer": "allow", "pay_password": PAY_PASSWORD}
    )
    assert again.status_code == 409
    assert "已经答复" in again.text
    assert (await party.status(request_id))["state"] == "refused"


async def test_the_last_moment_of_a_request_does_not_pass_the_password(
    new_party: NewParty, new_holder: NewHolder, house: House
) -> None:
    """A clock that goes on between two readings must not show the request as over here and as open there."""
    party, holder = await new_party(), await new_holder()
    request_id = await party.asked("identity_full")
    over = (await queries.request(house.pool, request_id, at=house.clock())).expires_at
    ticks = iter([over - timedelta(microseconds=1)])
    request = SimpleNamespace(
        auth=SimpleNamespace(subject=holder.account_id, person_id=holder.person_id), cookies={}, headers={}
    )
    await pages.answer.fn(
        request,
        request_id,
        {"answer": "allow", "lasts": "days", "pay_password": ""},
        house.pool,
        house.gate,
        house.hasher,
        lambda: next(ticks, over),
    )
    assert (await party.status(request_id))["state"] == "pending"


async def test_a_request_waits_three_minutes(new_party: NewParty, new_holder: NewHolder, clock: WorldClock) -> None:
    party, holder = await new_party(), await new_holder()
    request_id = await party.asked("sign_in")
    await holder.browser.get(f"/authorise/{request_id}")
    clock.advance(minutes=3)
    assert (await party.status(request_id))["state"] == "expired"
    await holder.browser.fill(f"/authorise/{request_id}", answer="allow")
    assert holder.browser.status == 410
    assert "申请已过期" in holder.browser.text
    assert not any("answer" in form.names for form in holder.browser.page.forms)


async def test_a_number_is_used_once_by_the_party_that_asked_within_a_quarter_of_an_hour(
    new_party: NewParty, new_holder: NewHolder, clock: WorldClock
) -> None:
    party, other, holder = await new_party(), await new_party(), await new_holder()
    request_id = await party.asked("identity")
    await allow(holder, request_id)
    auth_no = (await party.status(request_id))["auth_no"]
    assert code_of(await other.check(auth_no)) == "authorisation.auth_no_unknown"
    assert (await other.status(request_id))["code"] == "authorisation.request_unknown"
    answers = await asyncio.gather(*(party.check(auth_no) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    token = next(answer.json()["token"] for answer in answers if answer.status_code == 200)
    assert code_of(await party.read(token)) == "authorisation.grant_ended"  # It was for once.
    late = await party.asked("identity")
    await allow(holder, late)
    clock.advance(minutes=15)
    auth_no = (await party.status(late))["auth_no"]
    assert code_of(await party.check(auth_no)) == "authorisation.auth_no_expired"


async def test_a_grant_for_a_time_is_read_again_until_it_is_withdrawn(
    new_party: NewParty, new_holder: NewHolder, clock: WorldClock
) -> None:
    party, other, holder = await new_party(), await new_party(), await new_holder()
    token = (await allowed(party, holder, "insured_status", days=30))["token"]
    clock.advance(hours=1)
    assert (await party.read(token)).status_code == 200
    clock.advance(days=1)
    assert (await party.read(token)).json()["data"]["insured_status"]
    assert code_of(await other.read(token)) == "authorisation.grant_unknown"
    assert len(await registry.looks(holder.browser.house.pool, holder.browser.house.vault, holder.person_id)) == 3
    assert await holder.told() == ["authorisation.granted", "authorisation.used", "authorisation.used"]  # Once a day.
    text = await holder.browser.get("/me/authorisations")
    holder.browser.must_be_usable()
    assert party.name in text
    assert "共 3 次" in text
    action = next(form.action for form in holder.browser.page.forms if form.action.endswith("/withdraw"))
    text = await holder.browser.fill(action)
    assert "没有有效的授权" in text
    answer = await party.read(token)
    assert (answer.status_code, code_of(answer)) == (403, "authorisation.grant_withdrawn")
    assert (await holder.told())[-1] == "authorisation.withdrawn"


async def test_a_grant_for_a_time_ends_by_itself_and_may_be_given_for_once_only(
    new_party: NewParty, new_holder: NewHolder, clock: WorldClock
) -> None:
    party, holder = await new_party(), await new_holder()
    token = (await allowed(party, holder, "sign_in", days=2))["token"]
    once = await party.asked("sign_in", days=2)
    await allow(holder, once, lasts="once")
    got = (await party.check((await party.status(once))["auth_no"])).json()
    assert code_of(await party.read(got["token"])) == "authorisation.grant_ended"
    clock.advance(days=1, hours=23)
    assert (await party.read(token)).status_code == 200
    clock.advance(hours=1)
    assert code_of(await party.read(token)) == "authorisation.grant_ended"


async def test_a_number_that_was_not_yet_used_can_be_withdrawn(new_party: NewParty, new_holder: NewHolder) -> None:
    party, holder = await new_party(), await new_holder()
    request_id = await party.asked("identity")
    await allow(holder, request_id)
    auth_no = (await party.status(request_id))["auth_no"]
    await holder.browser.get("/me/authorisations")
    action = next(form.action for form in holder.browser.page.forms if form.action.endswith("/withdraw"))
    await holder.browser.fill(action)
    assert (await party.status(request_id))["state"] == "withdrawn"
    assert code_of(await party.check(auth_no)) == "authorisation.grant_withdrawn"


async def test_asked_with_a_scan_it_waits_on_that_phone_and_on_no_other(
    new_party: NewParty, new_holder: NewHolder, clock: WorldClock
) -> None:
    party, other = await new_party(), await new_party()
    holder, stranger = await new_holder(), await new_holder()
    token = await holder.scanned(party.code)
    assert code_of(await other.ask("identity", token=token)) == "authorisation.visit_unknown"
    assert code_of(await party.ask("identity", token="510500ec" + "0" * 32)) == "authorisation.visit_unknown"
    assert code_of(await party.ask("identity", token="nonsense")) == "authorisation.visit_unknown"
    request_id = await party.asked("identity", token=token)
    assert await holder.told() == ["authorisation.asked"]
    await holder.browser.get("/me/authorisations")
    holder.browser.must_be_usable()
    await holder.browser.follow(f"/authorise/{request_id}")
    await stranger.browser.get(f"/authorise/{request_id}")
    assert stranger.browser.status == 404
    await allow(holder, request_id)
    assert (await party.status(request_id))["state"] == "allowed"
    clock.advance(minutes=15)
    assert code_of(await party.ask("identity", token=token)) == "authorisation.visit_unknown"


async def test_of_two_people_with_the_link_one_answers(new_party: NewParty, new_holder: NewHolder) -> None:
    party, first, second = await new_party(), await new_holder(), await new_holder()
    request_id = await party.asked("sign_in")
    for holder in (first, second):
        await holder.browser.get(f"/authorise/{request_id}")
    texts = await asyncio.gather(
        *(holder.browser.fill(f"/authorise/{request_id}", answer="allow") for holder in (first, second))
    )
    assert sum("已允许" in text for text in texts) == 1
    granted = [len(await holder.told()) for holder in (first, second)]
    assert sorted(granted) == [0, 1]


async def test_the_same_number_is_the_same_request(new_party: NewParty) -> None:
    party, other = await new_party(), await new_party()
    answers = await asyncio.gather(*(party.ask("identity", number="visit-1") for _ in range(4)))
    assert len({answer.json()["authorisation_id"] for answer in answers}) == 1
    assert code_of(await party.ask("sign_in", number="visit-1")) == "authorisation.request_number_taken"
    assert (await other.ask("sign_in", number="visit-1")).status_code == 201


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": ["salary"]}, "authorisation.scope_unknown"),
        ({"scopes": []}, "web.malformed_request"),
        ({"purpose": "  "}, "authorisation.purpose_invalid"),
        ({"purpose": "\u202e\u200b\u200b"}, "authorisation.purpose_invalid"),
        ({"purpose": "长" * 61}, "authorisation.purpose_invalid"),
        ({"days": 366}, "authorisation.too_long"),
        ({"days": -1}, "web.malformed_request"),
        ({"request_id": "a b"}, "web.malformed_request"),
        ({"return_to": "https://example.test/"}, "web.malformed_request"),
    ],
)
async def test_what_cannot_be_asked_is_refused(new_party: NewParty, changes: dict[str, Any], code: str) -> None:
    party = await new_party()
    body = {"request_id": "1", "scopes": ["sign_in"], "purpose": "登录", "days": 0, **changes}
    answer = await party.client.post("/api/authorisations", json=body)
    assert code_of(answer) == code
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("given", ["", "ano", "ano" + "0" * 37, "x" * 64, "510500ec" + "0" * 32])
async def test_numbers_nobody_was_given_find_nothing(new_party: NewParty, given: str) -> None:
    party = await new_party()
    for answer in (await party.check(given), await party.read(given)):
        assert answer.status_code in (400, 404)


async def test_whoever_has_not_bound_is_led_there_and_back(new_party: NewParty, new_holder: NewHolder) -> None:
    party, holder = await new_party(), await new_holder()
    request_id = await party.asked("sign_in")
    house = holder.browser.house
    async with transaction(house.pool) as tx:
        await credential.unbind(tx, person_id=holder.person_id, account_id=holder.account_id, at=house.clock())
    answer = await holder.browser.client.get(f"/authorise/{request_id}")
    assert answer.headers["location"] == f"/me/bind?next=%2Fauthorise%2F{request_id}"
    holder.browser.client.cookies.clear()
    answer = await holder.browser.client.get(f"/authorise/{request_id}")
    assert answer.headers["location"] == f"/login?next=/authorise/{request_id}"


def test_an_authorisation_number_leads_to_the_person_of_its_token(keys: Keys) -> None:
    tokens = credential.Tokens(keys)
    token = tokens.issue(place="510500", person_id="123456789012")
    auth_no = rules.auth_no_of(token)
    assert len(auth_no) == 40
    assert tokens.person_of(rules.token_like(auth_no)) == "123456789012"
    with pytest.raises(AuthNoUnknown):
        rules.token_like(auth_no[:-1])


def test_the_times_are_those_that_people_are_told() -> None:
    assert timedelta(minutes=3) == rules.ANSWER_WITHIN
    assert timedelta(minutes=15) == rules.AUTH_NO_LASTS
