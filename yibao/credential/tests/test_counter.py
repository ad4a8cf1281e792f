"""The counter's page for accounts, used as a clerk's browser uses it (A9)."""

import secrets
from typing import Any

import asyncpg
import pytest

from conftest import WorldClock
from yibao import identity, registry
from yibao.core.database import transaction
from yibao.identity.tests.conftest import Sms, hasher, phone, sms
from yibao.identity.tests.owner import Owner, owner
from yibao.web.principal import CONSOLE_COOKIE, SESSION_COOKIE

from .browser import Browser, bank, browser, whole_house

__all__ = ["Sms", "bank", "browser", "hasher", "owner", "phone", "sms", "whole_house"]

REASON = "手机丢失，本人到窗口申请"


async def sign_in_clerk(browser: Browser, name: str = "A510500-77") -> str:
    house = browser.house
    async with transaction(house.pool) as tx:
        member = identity.Staff(
            login=name, institution="510500", display_name="经办员", role="clerk", password_hash="-"
        )
        await identity.add_staff(tx, [member])
        token = await identity.start_staff_session(tx, login=name, device="browser:console", at=house.clock())
    browser.client.cookies.delete(CONSOLE_COOKIE)
    browser.client.cookies.set(CONSOLE_COOKIE, token)
    return name


@pytest.fixture
async def held(owner: Owner) -> Owner:
    """Somebody whose insurance is bound, signed in on a phone; the browser is now the clerk's."""
    await owner.prove_name()
    async with transaction(owner.house.pool) as tx:
        await registry.load_regions(tx)
        await identity.attach_person(tx, account_id=owner.account_id, person_id=f"6{owner.phone}")
    owner.browser.client.cookies.delete(SESSION_COOKIE)
    await sign_in_clerk(owner.browser)
    return owner


async def open_case(held: Owner, **fields: str) -> None:
    await held.browser.get("/console/phones")
    held.browser.must_be_usable()
    given = {"cert_type": "01", "cert_no": held.cert_no, "reason": REASON, "checked": "1", **fields}
    await held.browser.fill("/console/phones", **given)


async def act(held: Owner, step: str, **fields: str) -> str:
    form = next(form for form in held.browser.page.forms if set(fields) <= form.names and "account" in form.names)
    return await held.browser.fill(form.action, step=step, **fields)


async def looks(held: Owner) -> list[registry.Look]:
    return await registry.looks(held.house.pool, held.house.vault, f"6{held.phone}")


async def told(held: Owner) -> list[tuple[str, str | None, str, str]]:
    """Return what the person is told: the topic, by whom it was done, and the phones that hear of it."""
    rows = await held.house.pool.fetch(
        "SELECT topic, payload FROM core.outbox WHERE person_id = $1 ORDER BY outbox_id", f"6{held.phone}"
    )
    found = []
    for row in rows:
        reach = identity.opened_reach(held.house.vault, row["payload"])
        assert reach is not None
        found.append((row["topic"], row["payload"].get("by"), reach.phone, reach.former_phone))
    return found


async def test_the_counter_changes_a_phone_by_a_code_that_the_person_reads_out(held: Owner) -> None:
    """A9: who, when and why is written down, and the person is told."""
    new_phone = f"101{held.phone[3:]}"
    elsewhere = await held.session("browser:lost")
    await open_case(held)
    held.browser.must_be_usable()
    assert held.phone not in held.browser.text
    assert held.cert_no not in held.browser.text
    assert "<dd>2 台</dd>" in held.browser.text
    # Nobody loses a phone by one slip of the mouse, and the code on it is led to.
    closed = held.browser.text.partition("<details>")[2].partition("</details>")[0]
    for step in ("unbind", "end"):
        assert held.browser.text.count(f'value="{step}"') == closed.count(f'value="{step}"') == 1
    assert 'href="/console/credentials"' in held.browser.text
    [look] = await looks(held)
    assert (look.looker_name, look.purpose) == ("泸州市医保经办窗口", f"窗口办理账户：{REASON}")
    await act(held, "code", phone=new_phone)
    held.browser.must_be_usable()
    await act(held, "change", code="x")
    assert "identity.code_wrong" in held.browser.text
    await act(held, "change", code=await held.code(new_phone))
    assert "已办理" in held.browser.text
    assert "更换手机号</td>" in held.browser.text
    assert "A510500-77（泸州市）" in held.browser.text
    assert REASON in held.browser.text
    assert (await held.account()).phone == new_phone
    assert await identity.session(held.house.pool, elsewhere, held.at) is None
    assert await told(held) == [("identity.phone_changed", "counter", new_phone, held.phone)]


async def test_the_counter_unbinds_a_phone_once_and_its_next_holder_registers(held: Owner) -> None:
    await open_case(held)
    path = held.browser.path
    form = next(form for form in held.browser.page.forms if form.action == path)
    await act(held, "unbind")
    assert "已办理" in held.browser.text
    assert (await held.account()).phone == ""
    assert await identity.sessions_of(held.house.pool, held.account_id, held.at) == []
    again = await held.browser.client.post(path, data={**form.values, "step": "unbind"}, follow_redirects=False)
    assert again.status_code == 303
    assert await told(held) == [("identity.phone_unbound", None, "", held.phone)]
    async with transaction(held.house.pool) as tx:
        await identity.open_account(tx, held.house.vault, phone=held.phone, login_hash="-", at=held.at)


async def test_the_counter_ends_all_sessions(held: Owner) -> None:
    elsewhere = await held.session("browser:lost")
    await open_case(held)
    await act(held, "end")
    assert await identity.session(held.house.pool, elsewhere, held.at) is None
    assert (await held.account()).phone == held.phone
    assert await told(held) == [("identity.sessions_ended", None, held.phone, "")]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"checked": ""}, "identity.certificate_not_checked"),
        ({"reason": " "}, "identity.reason_missing"),
        ({"cert_no": "110105194912310000"}, "identity.account_of_certificate_missing"),
        ({"cert_type": "08"}, "identity.account_of_certificate_missing"),
    ],
)
async def test_without_certificate_and_reason_nothing_is_shown(held: Owner, fields: dict[str, str], code: str) -> None:
    await open_case(held, **fields)
    assert code in held.browser.text
    assert f"{held.phone[:3]}****" not in held.browser.text
    assert await looks(held) == []


async def test_a_case_is_its_clerk_s_own_and_lasts_half_an_hour(held: Owner, clock: WorldClock) -> None:
    await open_case(held)
    path = held.browser.path
    form = next(form for form in held.browser.page.forms if form.action == path)
    await sign_in_clerk(held.browser, "A510500-78")
    await held.browser.get(path)
    assert "identity.case_unknown" in held.browser.text
    answer = await held.browser.client.post(path, data={**form.values, "step": "unbind"})
    assert "identity.case_unknown" in answer.text
    await sign_in_clerk(held.browser)
    clock.advance(minutes=30)
    answer = await held.browser.client.post(path, data={**form.values, "step": "unbind"})
    assert "identity.case_unknown" in answer.text
    assert (await held.account()).phone == held.phone


async def test_a_case_reaches_no_account_but_its_own(held: Owner) -> None:
    async with transaction(held.house.pool) as tx:
        other = await identity.open_account(
            tx, held.house.vault, phone=f"102{held.phone[3:]}", login_hash="-", at=held.at
        )
    await open_case(held)
    path = held.browser.path
    form = next(form for form in held.browser.page.forms if form.action == path)
    for account in (other, "", "\0"):
        for step in ("unbind", "end", "change"):
            body: dict[str, Any] = {**form.values, "account": account, "step": step, "phone": "x", "code": "1"}
            answer = await held.browser.client.post(path, data=body)
            assert 400 <= answer.status_code < 500
    assert (await identity.account(held.house.pool, held.house.vault, other)).phone


async def test_only_clerks_come_to_the_counter(owner: Owner) -> None:
    await owner.browser.get("/console/phones")
    assert owner.browser.path == "/console/login?next=/console/phones"


async def test_a_reason_is_sealed_and_one_from_before_is_still_read(held: Owner) -> None:
    await open_case(held)
    path, old = held.browser.path, secrets.token_hex(16)
    row = await held.house.pool.fetchrow(
        "SELECT * FROM identity.counter_case WHERE case_id = $1", path.rpartition("/")[2]
    )
    assert row is not None
    assert row["reason"] is None
    assert REASON.encode() not in row["sealed_reason"]
    assert REASON in await held.browser.get(path)
    await held.house.pool.execute(
        "INSERT INTO identity.counter_case (case_id, cert_index, clerk, place, reason, opened_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        old,
        row["cert_index"],
        row["clerk"],
        row["place"],
        "以前写的原因",
        row["opened_at"],
    )
    assert "以前写的原因" in await held.browser.get(path.replace(row["case_id"], old))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM identity.counter_case",
        "UPDATE identity.counter_case SET reason = ''",
        "DELETE FROM identity.counter_act",
        "UPDATE identity.counter_act SET case_id = ''",
    ],
)
async def test_what_was_done_at_the_counter_cannot_be_rewritten(held: Owner, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await held.house.pool.execute(statement)
