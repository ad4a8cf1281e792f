"""The unit's pages on the phone, at the desk and at the counter (B3), as a browser without script uses them."""

import re
import secrets
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from conftest import NewPerson, WorldClock, insured
from yibao import registry
from yibao.core.database import transaction
from yibao.credential.tests.browser import Browser
from yibao.service import unit
from yibao.service.unit.refusals import NotOperator, UnitTaken
from yibao.web.principal import CONSOLE_COOKIE, SESSION_COOKIE, UNIT_COOKIE

from .conftest import PAY_PASSWORD, Office, Opens, Operator, new_credit_code

Phone = Callable[[Operator], Awaitable[Browser]]


def digits(browser: Browser) -> str:
    _, _, rest = browser.text.partition('id="code-digits">')
    return rest.partition("<")[0].replace(" ", "")


async def code_on(browser: Browser, unit_id: str) -> str:
    await browser.get(f"/unit-code/{unit_id}")
    if "激活单位码" in browser.text:
        await browser.fill(f"/unit-code/{unit_id}/activate", agreed="1")
    browser.must_be_usable()
    return digits(browser)


async def test_from_the_phone_to_the_desk(office: Office, phone: Phone, opens: Opens, new_person: NewPerson) -> None:
    legal = await office.operator()
    name = f"示例{secrets.token_hex(4)}有限公司"
    unit_id = await office.registered(legal, name=name)
    employee = await new_person(name="医小川", insurances=(msgspec.structs.replace(insured(), employer=name),))
    operator = await phone(legal)
    await operator.get("/unit-code")
    assert operator.path == f"/unit-code/{unit_id}"  # The only one.
    operator.must_be_usable()
    code = await code_on(operator, unit_id)

    desk = await opens()
    await desk.get("/unit")
    assert desk.path.startswith("/unit/login")
    desk.must_be_usable()
    await desk.fill("/unit/login", code=f"{code[:4]} {code[4:]}")
    assert (desk.status, desk.path) == (200, "/unit")
    desk.must_be_usable()
    assert name in desk.text
    assert "1 条" in desk.text
    await desk.follow("/unit/employees")
    desk.must_be_usable()
    assert "医*川" in desk.text
    assert "医小川" not in desk.text
    assert "正常参保" in desk.text
    assert "泸州市" in desk.text
    await desk.get("/unit/employees")
    [look] = await registry.looks(office.pool, office.vault, employee.person_id)
    assert (look.looker_name, look.purpose) == (name, "查看本单位职工参保情况")
    await desk.get("/unit/login")
    assert desk.path == "/unit"
    await desk.fill("/unit/logout")
    await desk.get("/unit/employees")
    assert desk.path.startswith("/unit/login")


async def signed_in(opens: Opens, operator: Browser, unit_id: str) -> Browser:
    """Return a desk at which the unit's code of an operator's phone was typed."""
    code, desk = await code_on(operator, unit_id), await opens()
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code=code)
    assert desk.path == "/unit"
    return desk


async def test_unbinding_ends_what_the_codes_have_opened(office: Office, phone: Phone, opens: Opens) -> None:
    """B6: whoever found the phone has perhaps signed in already."""
    unit_id, legal = await office.active()
    second = await office.operator()
    await office.appoint(unit_id, legal, second.named)
    of_legal, of_second = await phone(legal), await phone(second)
    desks = [await signed_in(opens, each, unit_id) for each in (of_legal, of_second)]
    await of_legal.get(f"/unit-code/{unit_id}")
    await of_legal.fill(f"/unit-code/{unit_id}/unbind")
    seen = [(await desk.get("/unit"), desk.path)[1] for desk in desks]
    assert [path.startswith("/unit/login") for path in seen] == [True, False]
    async with transaction(office.pool) as tx:
        await unit.unbind_all(tx, office.vault, unit_id=unit_id, clerk="A510500-01", reason="手机丢失", at=office.at)
    await desks[1].get("/unit")
    assert desks[1].path.startswith("/unit/login")
    await of_legal.get("/unit-code")
    assert of_legal.status == 200  # The operator's own sessions are another matter.


async def test_a_namesake_elsewhere_does_not_read_the_employees_and_there_is_none_here(
    office: Office, phone: Phone, opens: Opens, new_person: NewPerson
) -> None:
    name = f"同名{secrets.token_hex(4)}有限公司"
    one, other = await office.operator(), await office.operator()
    await office.registered(one, name=name)
    with pytest.raises(UnitTaken):
        await office.registered(other, name=name)
    elsewhere = await office.registered(other, name=name, place="510100")
    await new_person(name="医小川", insurances=(msgspec.structs.replace(insured(), employer=name),))
    desk = await signed_in(opens, await phone(other), elsewhere)
    assert "0 条" in desk.text
    await desk.get("/unit/employees")
    assert (desk.status, "医*川" in desk.text) == (200, False)


async def test_the_live_page_is_given_the_next_code_and_led_on_when_it_is_over(
    office: Office, phone: Phone, opens: Opens
) -> None:
    unit_id, legal = await office.active()
    operator = await phone(legal)
    first = await code_on(operator, unit_id)
    answer = await operator.client.get(f"/unit-code/{unit_id}/next")
    assert answer.json()["digits"].replace(" ", "") != first
    await operator.get(f"/unit-code/{unit_id}")
    await operator.fill(f"/unit-code/{unit_id}/unbind")
    assert "激活单位码" in operator.text
    assert (await operator.client.get(f"/unit-code/{unit_id}/next")).status_code == 409
    assert (await (await opens()).client.get(f"/unit-code/{unit_id}/next")).status_code == 401


async def test_a_desk_says_why_a_code_is_not_taken(office: Office, phone: Phone, opens: Opens) -> None:
    unit_id, legal = await office.active()
    code = await code_on(await phone(legal), unit_id)
    desk = await opens()
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code="12")
    assert desk.status == 422
    assert "这不是单位码" in desk.text
    await desk.fill("/unit/login", code="1234567890123456789012510000")
    assert desk.status == 404
    await desk.fill("/unit/login", code=code)
    assert desk.status == 200
    other = await opens()
    await other.get("/unit/login")
    await other.fill("/unit/login", code=code)
    assert "单位码已使用过" in other.text


async def test_the_transaction_password_appoints_and_a_removed_operator_is_out_at_once(
    office: Office, phone: Phone, opens: Opens
) -> None:
    unit_id, legal = await office.active()
    second = await office.operator()
    chief = await phone(legal)
    await chief.get(f"/unit-code/{unit_id}/operators")
    chief.must_be_usable()
    given = {"name": second.person.name, "cert_type": "01", "cert_no": second.person.cert_no}
    await chief.fill(f"/unit-code/{unit_id}/operators", **given, pay_password="246801")
    assert "交易密码" in chief.text.partition('role="alert"')[2]
    assert await unit.units_of(office.pool, office.vault, second.account_id) == []
    await chief.fill(f"/unit-code/{unit_id}/operators", **given, pay_password=PAY_PASSWORD)
    assert chief.status == 200
    assert "已添加" in chief.text
    assert registry.masked_name(second.person.name) in chief.text
    tail = f"证件尾号 {second.person.cert_no[-4:]}"
    assert chief.text.count(tail) == 2  # In the row and in the name of what takes them off.

    mobile, desk = await phone(second), await opens()
    code = await code_on(mobile, unit_id)
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code=code)
    assert desk.path == "/unit"
    await mobile.get(f"/unit-code/{unit_id}/operators")
    assert "取消" not in mobile.text.partition("<main")[2]
    assert "证件尾号" not in mobile.text  # For whoever has typed the number.

    operator_id = await office.operator_id(unit_id, second)
    remove = f"/unit-code/{unit_id}/operators/{operator_id}/remove"
    await chief.get(f"/unit-code/{unit_id}/operators")
    await chief.follow(remove)
    chief.must_be_usable()
    assert "吗？" in chief.text
    assert tail[-4:] in chief.text
    assert len(await unit.operators(office.pool, office.vault, unit_id)) == 2  # Asked first.
    await chief.fill(remove)
    assert "已取消" in chief.text
    await chief.get(remove)
    assert "unit.operator_unknown" in chief.text
    await desk.get("/unit")
    assert desk.path.startswith("/unit/login")
    await mobile.get(f"/unit-code/{unit_id}")
    assert mobile.status == 403


async def test_whoever_acts_for_nobody_or_for_several_is_told_so(office: Office, phone: Phone) -> None:
    legal = await office.operator(bound=False)
    browser = await phone(legal)
    await browser.get("/unit-code")
    assert "还没有单位指定您办事" in browser.text
    browser.must_be_usable()
    for _ in range(2):
        await office.registered(legal)
    await browser.get("/unit-code")
    assert browser.text.count("法定代表人</span>") == 2
    browser.must_be_usable()


async def test_an_institution_is_led_to_its_till_and_has_no_list(office: Office, phone: Phone, opens: Opens) -> None:
    legal = await office.operator()
    unit_id = await office.registered(legal, institution=f"P{secrets.randbelow(10**11):011d}")
    desk = await opens()
    code = await code_on(await phone(legal), unit_id)
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code=code)
    assert 'href="/till"' in desk.text
    await desk.get("/unit/employees")
    assert desk.status == 404


async def test_a_session_opens_only_its_own_area(office: Office, phone: Phone, opens: Opens) -> None:
    unit_id, legal = await office.active()
    desk = await opens()
    code = await code_on(await phone(legal), unit_id)
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code=code)
    for path in ("/me", "/till", "/console/units", f"/unit-code/{unit_id}"):
        await desk.get(path)
        assert "/login" in desk.path, path


async def test_a_token_in_the_cookie_of_another_area_is_nobodys(
    office: Office, phone: Phone, clerk: Browser, opens: Opens
) -> None:
    unit_id, legal = await office.active()
    desk = await opens()
    operator = await phone(legal)
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code=await code_on(operator, unit_id))
    holders = {UNIT_COOKIE: desk, SESSION_COOKIE: operator, CONSOLE_COOKIE: clerk}
    for cookie, own, paths in (
        (SESSION_COOKIE, UNIT_COOKIE, ("/", "/me", "/unlock", "/bills")),
        (SESSION_COOKIE, CONSOLE_COOKIE, ("/", "/me")),
        (UNIT_COOKIE, SESSION_COOKIE, ("/unit/employees",)),
        (CONSOLE_COOKIE, UNIT_COOKIE, ("/console/units",)),
    ):
        stranger, visitor = await opens(), await opens()
        stranger.client.cookies.set(cookie, holders[own].client.cookies[own])
        for path in paths:
            await stranger.get(path)
            await visitor.get(path)
            assert (stranger.path, stranger.status) == (visitor.path, visitor.status), path
            assert _plain(stranger.text) == _plain(visitor.text), path


def _plain(text: str) -> str:
    return re.sub(r'name="_csrf_token" value="[^"]*"', "", text)


async def test_a_clerk_registers_a_unit_and_unbinds_its_code(
    office: Office, clerk: Browser, phone: Phone, clock: WorldClock
) -> None:
    legal = await office.operator()
    await clerk.get("/console/units")
    clerk.must_be_usable()
    name = f"示例{secrets.token_hex(4)}商行"
    given = {
        "credit_code": new_credit_code(),
        "name": name,
        "kind": "employer",
        "legal_name": legal.person.name,
        "cert_type": "01",
        "cert_no": legal.person.cert_no,
    }
    for wrong, code in (
        ({"credit_code": "91350100M000100Y44"}, "unit.credit_code_invalid"),
        ({"cert_no": "12345"}, "identity.number_mistyped"),
        ({"legal_name": "某人"}, "credential.details_differ"),
    ):
        await clerk.fill("/console/units", **{**given, **wrong})
        assert code in clerk.text
    await clerk.fill("/console/units", **{**given, "kind": "institution", "institution": "P99999999999"})
    assert clerk.status == 422
    await clerk.fill("/console/units", **given)
    clerk.must_be_usable()
    assert "请再核对一遍" in clerk.text
    assert given["credit_code"] in clerk.text
    await clerk.fill("/console/units", step="confirm")
    assert "unit.originals_not_checked" in clerk.text
    await clerk.fill("/console/units", step="confirm", checked="1")
    clerk.must_be_usable()
    assert "已登记" in clerk.text
    unit_id = clerk.path.rpartition("/")[2].removesuffix("?done=registered")
    await code_on(await phone(legal), unit_id)
    await clerk.get(f"/console/units?text={name}")
    await clerk.follow(f"/console/units/{unit_id}")
    assert "1 部" in clerk.text
    await clerk.fill(f"/console/units/{unit_id}/unbind", reason=" ")
    assert clerk.status == 422
    await clerk.fill(f"/console/units/{unit_id}/unbind", reason="手机丢失，已核对身份证和介绍信")
    assert "已解绑" in clerk.text
    assert "0 部" in clerk.text


@pytest.mark.parametrize("path", ["/unit-code/0", "/unit-code/0/operators", "/console/units/0"])
async def test_a_unit_that_is_not_there_is_refused_plainly(
    office: Office, phone: Phone, clerk: Browser, path: str
) -> None:
    browser = clerk if path.startswith("/console") else await phone(await office.operator())
    await browser.get(path)
    assert browser.status in (403, 404)


async def test_an_ended_unit_is_refused(office: Office, phone: Phone) -> None:
    unit_id, legal = await office.active()
    async with transaction(office.pool) as tx:
        await tx.execute("UPDATE unit.unit SET active = false WHERE unit_id = $1", unit_id)
    browser = await phone(legal)
    await browser.get(f"/unit-code/{unit_id}")
    assert browser.status == 403


async def test_a_clerk_names_another_legal_representative(
    office: Office, clerk: Browser, phone: Phone, opens: Opens, clock: WorldClock
) -> None:
    """B3: what LegalStays and OnlyLegal send people to the counter for; only at that of the unit's place."""
    unit_id, former = await office.active()
    heir, helper = await office.operator(), await office.operator()
    await office.appoint(unit_id, former, heir.named)
    await office.appoint(unit_id, former, helper.named)
    for one in (heir, helper):
        await office.activate(unit_id, one)
    desk = await opens()
    await desk.get("/unit/login")
    await desk.fill("/unit/login", code=await code_on(await phone(former), unit_id))
    await clerk.get(f"/console/units/{unit_id}")
    path = f"/console/units/{unit_id}/legal"
    given = {"legal_name": heir.person.name, "cert_type": "01", "cert_no": heir.person.cert_no, "reason": "变更登记"}
    last = heir.person.cert_no[-1]
    for wrong, code in (
        ({"reason": " "}, "unit.reason_missing"),
        ({"legal_name": ""}, "identity.who_incomplete"),
        ({"cert_no": " "}, "identity.who_incomplete"),
        ({"cert_type": "99"}, "identity.who_incomplete"),
        ({"cert_no": "12345"}, "identity.number_mistyped"),
        ({"cert_no": heir.person.cert_no[:-1] + ("1" if last != "1" else "2")}, "identity.number_mistyped"),
        ({"legal_name": "某人"}, "credential.details_differ"),
        ({"legal_name": former.person.name, "cert_no": former.person.cert_no}, "unit.legal_already"),
    ):
        await clerk.fill(path, **{**given, **wrong})
        assert code in clerk.text
    clerk.must_be_usable()
    assert (await office.told(former.person.person_id)).count("unit.legal_changed") == 0
    # Asked once more, and with the tick: nothing has changed until then.
    await clerk.fill(path, **given)
    clerk.must_be_usable()
    for shown in (heir.person.name, "居民身份证", heir.person.cert_no, registry.masked_name(former.person.name)):
        assert shown in clerk.text
    await clerk.fill(path, step="confirm")
    assert "unit.originals_not_checked" in clerk.text
    assert (await unit.seat(office.pool, office.vault, unit_id=unit_id, account_id=former.account_id)).operator.legal
    await clerk.fill(path, step="confirm", checked="1")
    assert "法定代表人已变更" in clerk.text
    seat = await unit.seat(office.pool, office.vault, unit_id=unit_id, account_id=heir.account_id)
    assert seat.operator.legal
    with pytest.raises(NotOperator):
        await unit.seat(office.pool, office.vault, unit_id=unit_id, account_id=former.account_id)
    assert not (
        await unit.seat(office.pool, office.vault, unit_id=unit_id, account_id=helper.account_id)
    ).operator.legal
    await desk.get("/unit/employees")
    assert "/unit/login" in desk.path
    for one in (former, heir, helper):
        assert (await office.told(one.person.person_id)).count("unit.legal_changed") == 1


async def test_a_clerk_of_another_place_names_nobody(office: Office, clerk: Browser) -> None:
    legal, heir = await office.operator(), await office.operator()
    unit_id = await office.registered(legal, place="510100")
    await clerk.get(f"/console/units/{unit_id}")
    await clerk.fill(
        f"/console/units/{unit_id}/legal",
        legal_name=heir.person.name,
        cert_type="01",
        cert_no=heir.person.cert_no,
        reason="变更登记",
    )
    assert "unit.unit_of_another_place" in clerk.text
    assert (await unit.seat(office.pool, office.vault, unit_id=unit_id, account_id=legal.account_id)).operator.legal
