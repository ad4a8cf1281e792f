"""What a till shows of what was settled: the day, one settlement, its slip, taking it back (C10, C14)."""

from tests.entrance import entrance
from yibao import ledger
from yibao.settlement.tests.cast import PIN, Cashier, NewInsured, browser, daybook, logins, staff
from yibao.settlement.tests.scene import CHENGDU_PHARMACY


async def test_cancelling_is_asked_for_and_returns_the_cash(cashier: Cashier, new_insured: NewInsured) -> None:
    """C10: whole, once; the till that settled sees it too."""
    one = await new_insured(balance_fen=100_00)
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    path = f"/till/settlements/{record.settlement_id}"
    asked = await cashier.get(f"{path}/reversal")
    assert "确认撤销" in asked
    [unchanged] = await one.settlements()
    assert unchanged.reversed_by is None

    page = await cashier.send(f"{path}/reversal")
    [record] = await one.settlements()
    assert record.reversed_by is not None
    assert record.reversed_by in page
    assert "应退现金" in page
    assert "-420.00" in page
    assert await cashier.send(f"{path}/reversal", page=asked) == page, "again gives the first answer"
    for shown in (await cashier.get(), await cashier.get(path), await cashier.get(f"{path}/reversal")):
        assert "撤销" in shown
        assert "结算成功" not in shown
        assert f'action="{path}/reversal"' not in shown
    assert await ledger.balance(cashier.house.pool, one.person_id, "510500") == 100_00


async def test_a_settlement_with_a_later_one_is_not_cancelled_first(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    for _ in range(2):
        await cashier.purchase(one)
        await cashier.send("/till/confirm", password=PIN)
    later, first = await one.settlements()
    await cashier.get(f"/till/settlements/{first.settlement_id}/reversal")
    page = await cashier.send(f"/till/settlements/{first.settlement_id}/reversal")
    assert cashier.status == 409
    assert "settlement.later_settlement_exists" in page
    assert later.settlement_id in page


async def test_todays_settlements_are_listed_and_found(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    await daybook(cashier.house, one)
    page = await cashier.get("/till/daybook")
    assert f'href="/till/settlements/{record.settlement_id}"' in page
    assert "合计" in page
    page = await cashier.get(f"/till/settlements?number=  {record.settlement_id} ")
    assert cashier.status == 200
    for text in ("示例药品A200", "职工门诊统筹基金", "175.00", record.settlement_id):
        assert text in page


async def test_an_unknown_number_is_refused_beside_the_field(cashier: Cashier) -> None:
    for number in ("", "1", "5" * 30, "x\x00y", "../login"):
        answer = await cashier.client.get("/till/settlements", params={"number": number})
        assert answer.status_code == 404
        assert "settlement.settlement_unknown" in answer.text
        assert 'id="number"' in answer.text


async def test_another_institutions_settlement_is_not_shown(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    async with browser(entrance(cashier.house)) as client:
        login = f"{CHENGDU_PHARMACY}-{next(logins):04d}"
        other = await staff(cashier.house, client, login, CHENGDU_PHARMACY)
        for path in ("", "/slip.pdf", "/reversal"):
            await other.get(f"/till/settlements/{record.settlement_id}{path}")
            assert other.status == 404
        await other.get("/till/daybook")
        form = {"_csrf_token": other.form("/till/logout")["_csrf_token"]}
        answer = await other.post(f"/till/settlements/{record.settlement_id}/reversal", **form)
        assert answer.status_code == 404


async def test_the_slip_is_a_pdf(cashier: Cashier, new_insured: NewInsured) -> None:
    """C14: view, download, print."""
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    answer = await cashier.client.get(f"/till/settlements/{record.settlement_id}/slip.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")
