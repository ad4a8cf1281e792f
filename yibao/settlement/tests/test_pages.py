"""Bills and records on the phone, on the published Luzhou purchase: 420.00, the fund pays 175.00 (C1, D3, F2)."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from conftest import NewPerson, WorldClock
from yibao import settlement
from yibao.app import House
from yibao.core.database import Pool, transaction
from yibao.core.money import yuan_text
from yibao.settlement import Basket, Order, Settled, explain, queries
from yibao.settlement.tests.scene import PHARMACY, basket, proved, purchase
from yibao.site.tests import scene
from yibao.site.tests.scene import PAY_PASSWORD, Phone

house, stranger, phone = scene.house, scene.stranger, scene.phone

pytestmark = pytest.mark.usefixtures("shops")


async def bill_for(phone: Phone, house: House, *, of: Basket | None = None) -> str:
    """Have the pharmacy send a bill to the phone, and return its address."""
    bill_id = secrets.token_hex(8)
    token = await phone.scanned(institution=PHARMACY)
    async with transaction(house.pool) as tx:
        await settlement.send_bill(
            house.desk,
            tx,
            basket=of or purchase(token),
            bill_id=bill_id,
            institution=PHARMACY,
            till="1",
            at=house.clock(),
        )
    return f"/bills/{bill_id}"


async def settled_by(phone: Phone, house: House) -> Settled:
    of = purchase(await phone.scanned(institution=PHARMACY))
    quote = await settlement.quote(house.desk, basket=of, institution=PHARMACY, at=house.clock())
    return await settlement.confirm(
        house.desk,
        order=Order(of, quote.split),
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=secrets.token_hex(8),
        prove=proved,
        at=house.clock(),
    )


async def reversed_by(house: House, settled: Settled) -> Settled:
    return await settlement.reverse(
        house.desk,
        settlement_id=settled.settlement_id,
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=secrets.token_hex(8),
        at=house.clock(),
    )


async def test_a_bill_shows_who_asks_for_what_and_who_pays(phone: Phone, house: House) -> None:
    assert "没有待缴费的账单" in (await phone.get("/bills")).text
    path = await bill_for(phone, house)

    waiting = (await phone.get("/bills")).text
    assert f'href="{path}"' in waiting
    assert "420.00" in waiting
    assert "2026-05-12 10:15" in waiting

    shown = (await phone.get(path)).text
    for words in (
        "示例药店",
        "420.00 元",
        "基金支付 175.00 元，个人账户 212.30 元，现金 32.70 元",
        "示例药品A200",
        "甲类 · 200.00 × 2 盒",
        "示例药品C20",
        "费用明细（2 项）",
        "确认支付",
        "拒绝",
    ):
        assert words in shown


async def test_a_guess_that_no_fund_pays_is_not_told_as_law_before_it_is_paid(phone: Phone, house: House) -> None:
    await house.pool.execute(
        "UPDATE registry.insurance SET insutype = '390', psn_type = '1501' WHERE person_id = $1", phone.person_id
    )
    shown = (await phone.get(await bill_for(phone, house))).text
    assert "医保基金不支付：居民的普通门诊只在本市的社区医院、乡镇卫生院等基层医疗机构报销" in shown
    assert "这一条没有查到公布的规定，按假定计算；有疑问先不要确认，问收费员或拨打 12393。" in shown


async def test_a_bill_is_settled_with_the_transaction_password_once(phone: Phone, house: House) -> None:
    path = await bill_for(phone, house)
    await phone.get(path)
    paid = await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD)
    assert paid.status_code == 303
    record = paid.headers["location"]
    assert record.startswith("/records/")
    assert "结算成功" in (await phone.get(record)).text

    again = await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD)
    assert again.headers["location"] == record
    seen_again = await phone.get(path)
    assert seen_again.status_code == 303
    assert seen_again.headers["location"] == record.partition("?")[0]
    assert len(await queries.records(house.pool, phone.person_id)) == 1


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ("000000", 403, "交易密码不正确"),
        ("", 422, "交易密码应为 6 位数字"),
    ],
)
async def test_a_wrong_password_settles_nothing_and_the_bill_waits(
    phone: Phone, house: House, typed: str, status: int, words: str
) -> None:
    path = await bill_for(phone, house)
    await phone.get(path)
    refused = await phone.post(f"{path}/confirm", pay_password=typed)
    assert refused.status_code == status
    assert words in refused.text
    assert "没有扣款" in refused.text
    assert "确认支付" in refused.text
    assert typed == "" or typed not in refused.text
    assert await queries.records(house.pool, phone.person_id) == []
    assert (await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD)).status_code == 303


async def test_a_locked_password_shows_the_way_to_unlock_it_and_back(phone: Phone, house: House) -> None:
    path = await bill_for(phone, house)
    await phone.get(path)
    for _ in range(5):
        refused = await phone.post(f"{path}/confirm", pay_password="000000")
    assert refused.status_code == 429
    assert f'href="/unlock?next={quote(path, safe="")}"' in refused.text


async def test_a_declined_bill_costs_nothing_and_cannot_be_paid_any_more(phone: Phone, house: House) -> None:
    path = await bill_for(phone, house)
    await phone.get(path)
    declined = await phone.post(f"{path}/decline")
    assert declined.headers["location"] == path
    shown = (await phone.get(path)).text
    assert "您已拒绝付款" in shown
    assert "确认支付" not in shown
    assert "没有待缴费的账单" in (await phone.get("/bills")).text

    assert (await phone.post(f"{path}/decline")).status_code == 303  # Again changes nothing.
    late = await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD)
    assert late.status_code == 409
    assert "这张账单已经关闭" in late.text
    assert await queries.records(house.pool, phone.person_id) == []


async def test_a_settled_bill_that_is_declined_leads_to_its_record(phone: Phone, house: House) -> None:
    path = await bill_for(phone, house)
    await phone.get(path)
    record = (await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD)).headers["location"].partition("?")[0]
    late = await phone.post(f"{path}/decline")
    assert late.headers["location"] == record


async def test_a_withdrawn_or_expired_bill_says_so_and_offers_no_payment(
    phone: Phone, house: House, clock: WorldClock
) -> None:
    withdrawn = await bill_for(phone, house)
    async with transaction(house.pool) as tx:
        await settlement.close_bill(
            tx, person_id=phone.person_id, bill_id=withdrawn.rpartition("/")[2], state="withdrawn", at=clock.at
        )
    assert "账单已由收费员撤回" in (await phone.get(withdrawn)).text

    expired = await bill_for(phone, house)
    clock.at += timedelta(minutes=15)
    shown = (await phone.get(expired)).text
    assert "账单已过期" in shown
    assert "确认支付" not in shown
    assert "没有待缴费的账单" in (await phone.get("/bills")).text
    assert (await phone.post(f"{expired}/confirm", pay_password=PAY_PASSWORD)).status_code == 409


async def test_a_bill_whose_amounts_have_changed_is_not_booked(phone: Phone, house: House) -> None:
    """The account paid for something else since the bill was sent: the split that was shown is not the one now."""
    path = await bill_for(phone, house)
    await settled_by(phone, house)
    await phone.get(path)
    refused = await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD)
    assert refused.status_code == 409
    assert "应付金额有变化" in refused.text
    assert len(await queries.records(house.pool, phone.person_id)) == 1


async def test_a_form_without_its_token_does_nothing(phone: Phone, house: House) -> None:
    path = await bill_for(phone, house)
    refused = await phone.post(f"{path}/decline")  # No page was looked at, so there is no token to send.
    assert refused.status_code == 403
    assert "页面已失效" in refused.text
    assert "确认支付" in (await phone.get(path)).text


async def test_what_is_somebody_elses_is_not_found(
    phone: Phone, stranger: Phone, house: House, new_person: NewPerson
) -> None:
    path = await bill_for(phone, house)
    settled = await settled_by(phone, house)
    await phone.sign_in(await new_person())
    await phone.get("/bills")
    for answer in (
        await phone.get(path),
        await phone.post(f"{path}/confirm", pay_password=PAY_PASSWORD),
        await phone.post(f"{path}/decline"),
        await phone.get(f"/records/{settled.settlement_id}"),
        await phone.get(f"/records/{settled.settlement_id}/slip.pdf"),
        await phone.get(f"/records/{'9' * 30}"),
    ):
        assert answer.status_code == 404
        assert "示例药店" not in answer.text


@pytest.mark.parametrize("path", ["/bills/%00", "/bills/%F0%9F%92%8A", "/records/nonsense", "/records/1%00/slip.pdf"])
async def test_what_cannot_be_a_number_is_no_page(phone: Phone, path: str) -> None:
    answer = await phone.get(path)
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text


@pytest.mark.parametrize("path", ["/bills", "/records", "/records/510500000000000000000000000001"])
async def test_whoever_is_not_signed_in_or_not_bound_is_led_there_and_back(
    stranger: Phone, new_person: NewPerson, path: str
) -> None:
    assert (await stranger.get(path)).headers["location"] == f"/login?next={path}"
    await stranger.sign_in(await new_person(), bound=False)
    assert (await stranger.get(path)).headers["location"] == f"/me/bind?next={path.replace('/', '%2F')}"


async def test_records_stand_by_month_and_a_cancelled_one_is_marked(
    phone: Phone, house: House, clock: WorldClock
) -> None:
    assert "还没有医保结算" in (await phone.get("/records")).text
    clock.at = datetime(2026, 4, 30, 15, 59, tzinfo=UTC)  # One minute before May in Beijing.
    april = await settled_by(phone, house)
    clock.at = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
    may = await settled_by(phone, house)
    assert "已撤销" not in (await phone.get("/records")).text
    await reversed_by(house, may)

    shown = (await phone.get("/records")).text
    places = [
        shown.index(words)
        for words in ("2026 年 5 月", may.settlement_id, "已撤销", "2026 年 4 月", april.settlement_id)
    ]
    assert places == sorted(places)
    assert shown.count("已撤销") == 1
    assert "基金 175.00" in shown


async def test_a_record_explains_every_line_and_every_step(phone: Phone, house: House) -> None:
    """F2: every settlement explained line by line with the rule and its source."""
    settled = await settled_by(phone, house)
    shown = (await phone.get(f"/records/{settled.settlement_id}")).text
    for words in (
        "420.00 元",
        "基金支付 175.00 元，个人账户 212.30 元，现金 32.70 元",
        "职工门诊统筹基金",
        "政策范围内",
        "先行自付",
        "超限价",
        "全自费",
        "为什么付这么多？",
        "扣除本年剩余起付线 150.00 元",
        "250.00 元按 70% 报销，基金支付 175.00 元",
        "川医保办发〔2023〕6号",
        "自 2023-09-15 起；网页转述，尚未与文件原文核对",
        "假定值",
        settled.settlement_id,
        "2026-05-12 10:00",
        "定点药店购药",
        "泸州市",
        "职工基本医疗保险",
        f'href="/records/{settled.settlement_id}/slip.pdf"',
    ):
        assert words in shown
    assert "style=" not in shown  # The security policy would drop it.
    assert "结算成功" not in shown  # Only right after paying.


async def test_a_record_begins_with_one_sentence_and_a_bar(phone: Phone, house: House) -> None:
    """F2, SC-LZ-01: who paid what in a breath, then 175.00, 212.30 and 32.70 of 420.00 to scale."""
    settled = await settled_by(phone, house)
    shown = (await phone.get(f"/records/{settled.settlement_id}")).text
    said = (
        "一共 420.00 元：医保基金付 175.00 元，您的个人账户付 212.30 元，您付现金 32.70 元。"
        "其中 20.00 元不在医保目录内，150.00 元算在今年的起付线里。"
    )
    assert said in shown
    drawn = re.findall(r'<rect class="shares__(\w+)" x="(\d+)" y="0" width="(\d+)"', shown)
    assert drawn == [("fund", "0", "416"), ("account", "416", "506"), ("cash", "922", "78")]
    assert "<title>个人现金 32.70 元</title>" in shown
    assert shown.index(said) < shown.index("<rect") < shown.index("为什么付这么多？") < shown.index("逐项费用")


async def test_the_steps_are_a_table_with_the_rule_and_every_assumed_value_marked(phone: Phone, house: House) -> None:
    """F2, SC-LZ-01: number, what, how, the amount moved and the basis of each step."""
    settled = await settled_by(phone, house)
    shown = (await phone.get(f"/records/{settled.settlement_id}")).text
    document = await queries.document(house.pool, person_id=phone.person_id, settlement_id=settled.settlement_id)
    steps = explain.steps(document)
    head, *rows = re.findall(r'<tr role="row">(.*?)</tr>', shown.split("逐项费用")[0], re.S)
    assert re.findall(r'scope="col"[^>]*>(\w+)<', head) == ["步", "什么", "怎么算", "金额", "依据"]
    assert len(rows) == len(steps) > 0
    for number, (row, step) in enumerate(zip(rows, steps, strict=True), start=1):
        assert f'class="stack__no">{number}<' in row
        assert f'scope="row">{step.label}' in row
        assert f"{step.sentence}。" in row
        assert step.moved is not None
        assert yuan_text(step.moved[1]) in row
        assert row.count('class="mark mark--warn">假定值<') == sum(each.grade == "assumed" for each in step.basis)
    assert sum("假定值</span>" in row for row in rows) == 1
    assert "S001" in rows[2]
    assert 'href="https://m.jiusongjiankang.com/health/news/4699623"' in rows[2]
    assert "自 2023-01-01 起；网页转述，尚未与文件原文核对" in rows[2]


async def test_each_item_shows_its_parts(phone: Phone, house: House) -> None:
    """F2: every line with what of it is in scope and what is not, in a table."""
    settled = await settled_by(phone, house)
    shown = (await phone.get(f"/records/{settled.settlement_id}")).text.split("逐项费用")[1]
    head, *rows = re.findall(r'<tr role="row">(.*?)</tr>', shown, re.S)
    names = ["金额", "政策范围内", "先行自付", "超限价", "全自费"]
    assert re.findall(r'scope="col"[^>]*>(\w+)<', head) == ["项目", *names]
    found = [re.findall(r'data-label="(\w+)"><span class="amount">([\d.]+)<', row) for row in rows]
    assert found == [
        list(zip(names, ("400.00", "400.00", "0.00", "0.00", "0.00"), strict=True)),
        list(zip(names, ("20.00", "0.00", "0.00", "0.00", "20.00"), strict=True)),
    ]


async def test_a_cancelled_record_and_its_cancelling_lead_to_each_other(phone: Phone, house: House) -> None:
    settled = await settled_by(phone, house)
    back = await reversed_by(house, settled)
    original = (await phone.get(f"/records/{settled.settlement_id}")).text
    assert "这笔结算已撤销" in original
    assert f'href="/records/{back.settlement_id}"' in original
    cancelling = (await phone.get(f"/records/{back.settlement_id}")).text
    assert "这是一笔撤销" in cancelling
    assert "-420.00 元" in cancelling
    assert f'href="/records/{settled.settlement_id}"' in cancelling
    assert (
        "420.00 元的结算已经撤销：175.00 元退回医保基金，212.30 元退回您的个人账户，退给您现金 32.70 元。" in cancelling
    )
    assert "<rect" not in cancelling
    assert "为什么付这么多？" not in cancelling


async def test_the_slip_is_a_pdf_named_after_its_number(phone: Phone, house: House) -> None:
    """C14."""
    settled = await settled_by(phone, house)
    slip = await phone.get(f"/records/{settled.settlement_id}/slip.pdf")
    assert slip.status_code == 200
    assert slip.headers["content-type"] == "application/pdf"
    assert slip.headers["content-disposition"] == f'inline; filename="{settled.settlement_id}.pdf"'
    assert slip.content.startswith(b"%PDF-")


async def test_a_long_bill_folds_its_lines_so_that_the_button_stays_in_reach(phone: Phone, house: House) -> None:
    token = await phone.scanned(institution=PHARMACY)
    short = await bill_for(phone, house)
    long = await bill_for(phone, house, of=basket(token, *([("A1", "1")] * 6)))
    assert "<details open>" in (await phone.get(short)).text
    assert "<details>" in (await phone.get(long)).text


async def test_only_the_latest_records_are_listed_and_the_page_says_so(
    phone: Phone, house: House, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yibao.settlement.pages.RECORDS_MAX", 1)
    await settled_by(phone, house)
    await settled_by(phone, house)
    assert "这里列出最近 1 笔" in (await phone.get("/records")).text
