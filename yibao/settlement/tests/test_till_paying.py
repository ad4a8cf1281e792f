"""A cashier at a till and an insured person with a phone settle a bill (C1, C11)."""

import asyncio
from datetime import date, timedelta

import pytest

from conftest import WorldClock, insured
from yibao import ledger, settlement
from yibao.core.database import open_pool, transaction
from yibao.core.numbers import Numbers
from yibao.core.vault import Keys
from yibao.settlement import Desk, queries
from yibao.settlement.draft import draft_of
from yibao.settlement.tests.cast import PIN, Cashier, NewInsured, fen
from yibao.settlement.tests.scene import PHARMACY


async def test_the_transaction_password_at_the_till_settles(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1, C3: a wrong password is refused beside the field; the right one settles, with the sign and the cash owed."""
    one = await new_insured()
    shown = await cashier.purchase(one)
    page = await cashier.send("/till/confirm", password="111222")
    assert 400 <= cashier.status < 500
    assert "identity.wrong_pay_password" in page
    assert "没有扣款" in page
    assert "111222" not in page
    assert await one.settlements() == []

    page = await cashier.send("/till/confirm", password=PIN)
    assert cashier.status == 200
    assert 'id="beep"' in page
    assert "145.00" in page
    [record] = await one.settlements()
    assert record.settlement_id in page
    assert (record.total_fen, record.cash_fen) == (420_00, 145_00)

    again = await cashier.send("/till/confirm", page=shown, password=PIN)
    assert record.settlement_id in again, "a second click finds what the first did"
    assert len(await one.settlements()) == 1

    assert 'id="scan-form"' in await cashier.send("/till/clear")
    await cashier.send("/till/confirm", page=shown, password=PIN)
    assert len(await one.settlements()) == 1, "nor does a form from before the next person"


async def test_two_clicks_at_once_settle_once(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    form = {**cashier.form("/till/confirm"), "password": PIN}
    answers = await asyncio.gather(*(cashier.post("/till/confirm", **form) for _ in range(3)))
    assert {answer.headers.get("location") for answer in answers} == {"/till"}
    assert len(await one.settlements()) == 1


async def test_under_the_free_limit_no_password_is_asked(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1: none where the amount is under the limit that the person set."""
    one = await new_insured(free_limit_fen=420_00)
    page = await cashier.purchase(one)
    assert "收不到账单，请用上面的「免密结算」" in page
    assert 'type="password"' not in page
    assert "结算成功" in await cashier.send("/till/confirm")
    assert len(await one.settlements()) == 1


async def test_over_the_free_limit_nothing_settles_without_a_password(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await new_insured(free_limit_fen=419_99)
    assert "免密结算" not in await cashier.purchase(one)
    page = await cashier.send("/till/confirm", password="")
    assert "settlement.password_required" in page
    assert await one.settlements() == []


async def test_the_person_confirms_the_bill_on_the_phone(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1: the phone shows the bill, and the till notices by itself."""
    one = await new_insured()
    shown = await cashier.purchase(one)
    assert "手机没有网络的，收不到账单，请在本机输入交易密码" in shown
    page = await cashier.send("/till/send")
    assert "等待参保人确认" in page
    assert "没有网络的，请撤回账单，改在本机输入交易密码" in page
    assert '<meta http-equiv="refresh" content="2;url=/till">' in page
    bill = await one.bill()
    assert bill.quote.split.cash_fen == 145_00

    assert "等待参保人确认" in await cashier.send("/till/send", page=shown), "a second click sends nothing more"
    assert "settlement.draft_locked" in await cashier.send("/till/confirm", page=shown, password=PIN)
    assert "settlement.draft_locked" in await cashier.send("/till/lines/change", page=shown, item="C20", quantity="2")
    assert "settlement.draft_locked" in await cashier.send("/till/clear", page=shown)

    settled = await one.confirm()
    page = await cashier.get()
    assert 'id="beep"' in page
    assert settled.settlement_id in page
    assert 'http-equiv="refresh"' not in page


async def test_a_declined_bill_is_changed_and_sent_anew(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    first = await one.bill()
    await one.decline()
    page = await cashier.get()
    assert "账单在手机上被拒绝" in page
    assert 'http-equiv="refresh"' not in page
    await cashier.send("/till/withdraw")
    await cashier.send("/till/lines/change", item="C20", quantity="2")
    await cashier.send("/till/send")
    second = await one.bill()
    assert second.bill_id != first.bill_id
    assert second.quote.split.total_fen == 440_00
    await one.confirm()
    assert "结算成功" in await cashier.get()


async def test_a_withdrawn_bill_cannot_be_confirmed_any_more(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    bill = await one.bill()
    page = await cashier.send("/till/withdraw")
    assert 'action="/till/confirm"' in page
    closed = await queries.bill(cashier.house.pool, person_id=one.person_id, bill_id=bill.bill_id)
    assert closed is not None
    assert closed.state == "withdrawn"
    assert "结算成功" in await cashier.send("/till/confirm", password=PIN)
    assert len(await one.settlements()) == 1


async def test_a_bill_confirmed_before_it_is_withdrawn_is_shown_as_settled(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    waiting = await cashier.send("/till/send")
    await one.confirm()
    assert "结算成功" in await cashier.send("/till/withdraw", page=waiting)


async def test_a_bill_nobody_answers_ends(cashier: Cashier, new_insured: NewInsured, clock: WorldClock) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    clock.at += timedelta(minutes=15)
    page = await cashier.get()
    assert "账单超过 15 分钟没有确认" in page
    page = await cashier.send("/till/withdraw")
    assert "settlement.visit_expired" in page


async def test_what_was_shown_is_what_is_settled(cashier: Cashier, new_insured: NewInsured) -> None:
    """The balance changes after the amounts were shown: nothing is booked, the new amounts are shown."""
    one = await new_insured(balance_fen=100_00)
    await cashier.purchase(one)
    async with transaction(cashier.house.pool) as tx:
        await ledger.credit(
            tx,
            person_id=one.person_id,
            place="510500",
            amount_fen=45_00,
            cause="划入",
            at=cashier.house.clock(),
        )
    page = await cashier.send("/till/confirm", password=PIN)
    assert cashier.status == 409
    assert "settlement.quote_changed" in page
    assert await one.settlements() == []
    assert fen(page, "account") == 145_00
    assert "结算成功" in await cashier.send("/till/confirm", password=PIN)


@pytest.mark.parametrize("left_out", ["total", "cash"])
async def test_a_form_without_the_amounts_settles_nothing(
    cashier: Cashier, new_insured: NewInsured, left_out: str
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    form = cashier.form("/till/confirm")
    for typed in ({**form, left_out: "x"}, {name: value for name, value in form.items() if name != left_out}):
        answer = await cashier.post("/till/confirm", **{**typed, "password": PIN})
        assert answer.status_code == 400
    assert await one.settlements() == []


async def test_a_form_shown_for_another_basket_does_nothing(cashier: Cashier, new_insured: NewInsured) -> None:
    """The amounts are equal, the items are not: only the mark of the draft tells."""
    one = await new_insured()
    await cashier.scan(one)
    stale = await cashier.add("A200")
    await cashier.send(
        "/till/lines/remove", page=stale.replace("/till/lines/change", "/till/lines/remove"), item="A200"
    )
    page = await cashier.add("A200")
    assert fen(page, "total") == fen(stale, "total")
    assert "settlement.draft_changed" in await cashier.send("/till/confirm", page=stale, password=PIN)
    assert "settlement.draft_changed" in await cashier.send("/till/send", page=stale)
    assert "settlement.draft_changed" in await cashier.send("/till/clear", page=stale)
    assert await one.settlements() == []


async def test_what_was_paid_is_seen_even_if_another_window_changed_the_basket(
    cashier: Cashier, new_insured: NewInsured, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    form = {**cashier.form("/till/confirm"), "password": PIN}
    change = {**cashier.form("/till/lines/change", item="C20"), "quantity": "3"}
    verify = cashier.house.hasher.verify

    async def verify_slowly(hashed: str | None, password: str) -> bool:
        await cashier.post("/till/lines/change", **change)
        return await verify(hashed, password)

    monkeypatch.setattr(cashier.house.hasher, "verify", verify_slowly)
    answer = await cashier.post("/till/confirm", **form)
    [record] = await one.settlements()
    assert answer.headers["location"] == f"/till/settlements/{record.settlement_id}"


async def test_what_no_fund_pays_for_is_settled_as_the_persons_own(window: Cashier, new_insured: NewInsured) -> None:
    """C1, F2: a baby insured in 泸州 at a large hospital there; the till, the phone and the record say why."""
    baby = await new_insured(
        balance_fen=0, birth_on=date(2026, 1, 5), insurances=[insured(insutype="390", psn_type="1402")]
    )
    page = await window.purchase(baby)
    why = (
        "医保基金不支付：居民的普通门诊只在本市的社区医院、乡镇卫生院等基层医疗机构报销，"
        "其他医院和药店的费用由个人负担。"
    )
    guess = "这一条没有查到公布的规定，按假定计算；"
    assert f"{why}{guess}参保人有疑问的先不要结算" in page
    assert "使用个人账户" not in page
    assert (fen(page, "total"), fen(page, "fund"), fen(page, "cash")) == (420_00, 0, 420_00)
    page = await window.send("/till/send")
    assert why + guess in page
    quote = (await baby.bill()).quote
    assert quote.unpaid in why
    assert quote.unpaid_assumed
    settled = await baby.confirm()
    assert (settled.fund_fen, settled.cash_fen) == (0, 420_00)
    assert why + guess in await window.get(f"/till/settlements/{settled.settlement_id}")
    [record] = await baby.settlements()
    assert record.settlement_id == settled.settlement_id


async def test_sending_a_bill_needs_no_second_connection(
    superuser_dsn: str, keys: Keys, cashier: Cashier, new_insured: NewInsured
) -> None:
    """Whoever holds a connection and waits for another one would, in a crowd, wait for ever."""
    one = await new_insured()
    await cashier.purchase(one)
    there = await draft_of(cashier.house.pool, institution=PHARMACY, till=cashier.login)
    assert there is not None
    async with await open_pool(superuser_dsn, size=1) as single:
        desk = Desk(single, numbers=Numbers(keys.numbers), tokens=cashier.house.tokens)
        async with asyncio.timeout(20), transaction(single) as tx:
            await settlement.send_bill(
                desk,
                tx,
                basket=there.basket,
                bill_id=there.request_id,
                institution=PHARMACY,
                till=cashier.login,
                at=cashier.house.clock(),
            )
    assert (await one.bill()).bill_id == there.request_id
