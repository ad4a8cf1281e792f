"""The home page, the list of services, 参保情况, 个人账户 and 消息, in the whole application."""

import re
import secrets
from datetime import UTC, date, datetime

import pytest

from conftest import NewPerson, WorldClock, insured
from yibao import credential, ledger, settlement
from yibao.app import House, handlers
from yibao.core.database import Pool, transaction
from yibao.settlement import Order
from yibao.settlement.tests import scene as shop
from yibao.settlement.tests.scene import PHARMACY, proved, purchase
from yibao.site.tests.scene import Phone
from yibao.worker import Worker

shops = shop.shops

_LINK = re.compile(r'href="(/[^"]*)"')


async def deliver(house: House) -> None:
    """Let the worker bring what has happened."""
    worker = Worker(house.pool, handlers(house))
    while await worker.drain_once():
        pass


async def settle(phone: Phone, house: House) -> settlement.Settled:
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


async def require_links_lead_somewhere(phone: Phone, *pages: str) -> None:
    links: set[str] = set()
    for page in pages:
        shown = await phone.get(page)
        assert shown.status_code == 200
        links.update(
            link
            for link in _LINK.findall(shown.text)
            if not link.startswith(("/assets/", "/static/", "/styles/", "/icons/"))
        )
    assert len(links) > 4
    for link in links:
        assert (await phone.get(link)).status_code in (200, 303), link


async def test_every_link_leads_to_a_page_that_exists_for_a_stranger(stranger: Phone) -> None:
    await require_links_lead_somewhere(stranger, "/", "/services")


async def test_every_link_leads_to_a_page_that_exists_before_binding(stranger: Phone, new_person: NewPerson) -> None:
    await stranger.sign_in(await new_person(), bound=False)
    await require_links_lead_somewhere(stranger, "/", "/services")


async def test_every_link_leads_to_a_page_that_exists_for_the_insured(phone: Phone) -> None:
    await require_links_lead_somewhere(phone, "/", "/services", "/insurance", "/account", "/messages")


async def test_a_stranger_sees_how_to_begin_and_what_works_before(stranger: Phone) -> None:
    shown = (await stranger.get("/")).text
    assert 'href="/login"' in shown
    assert 'href="/register"' in shown
    assert "不注册也可以" in shown
    assert 'href="/policy"' in shown


async def test_whoever_is_not_bound_is_led_to_binding(stranger: Phone, new_person: NewPerson) -> None:
    await stranger.sign_in(await new_person(), bound=False)
    shown = (await stranger.get("/")).text
    assert 'href="/me/bind"' in shown
    assert 'href="/login"' not in shown


async def test_the_home_page_shows_the_place_the_code_and_what_waits(phone: Phone, house: House, shops: None) -> None:
    shown = (await phone.get("/")).text
    assert "参保地：泸州市" in shown
    assert 'href="/code">立即使用' in shown
    assert 'href="/policy"' in shown
    assert "没有新消息" in shown

    token = await phone.scanned(institution=PHARMACY)
    async with transaction(house.pool) as tx:
        await settlement.send_bill(
            house.desk,
            tx,
            basket=purchase(token),
            bill_id=secrets.token_hex(8),
            institution=PHARMACY,
            till="1",
            at=house.clock(),
        )
    await deliver(house)
    shown = (await phone.get("/")).text
    assert "1 笔" in shown
    assert "4 条新消息" in shown  # Bound, the password, activated, the bill.


async def test_messages_are_new_until_the_list_was_opened(phone: Phone, house: House, shops: None) -> None:
    """D13."""
    settled = await settle(phone, house)
    await deliver(house)
    opened = (await phone.get("/messages")).text
    assert "在示例药店消费 420.00 元：医保基金 175.00 元，个人账户 212.30 元，现金 32.70 元。" in opened
    assert f'href="/records/{settled.settlement_id}"' in opened
    assert opened.count('class="mark"') == 4
    assert 'class="mark"' not in (await phone.get("/messages")).text
    assert "没有新消息" in (await phone.get("/")).text


async def test_messages_need_a_bound_account(stranger: Phone, new_person: NewPerson) -> None:
    assert (await stranger.get("/messages")).headers["location"] == "/login?next=/messages"
    await stranger.sign_in(await new_person(), bound=False)
    for path in ("/messages", "/insurance", "/account"):
        assert (await stranger.get(path)).headers["location"] == f"/me/bind?next={path}"


async def test_messages_stay_readable_for_whoever_has_unbound(phone: Phone, house: House) -> None:
    """D13: the unbinding itself is read there, with where else it was told; nobody is led to binding again."""
    async with transaction(house.pool) as tx:
        await credential.unbind(tx, person_id=phone.person_id, account_id=phone.account_id, at=house.clock())
    await deliver(house)
    opened = (await phone.get("/messages")).text
    assert "医保关系已解除绑定" in opened
    assert "同时发送：短信" in opened


async def test_nothing_has_happened_yet_is_said(phone: Phone) -> None:
    assert "还没有消息" in (await phone.get("/messages")).text


async def test_the_insurance_page_says_where_in_what_state_and_until_when(
    stranger: Phone, new_person: NewPerson
) -> None:
    """D1."""
    person = await new_person(
        insurances=[
            insured(since_on=date(2024, 1, 1)),
            insured("510100", insutype="390", psn_type="1403", state="2", since_on=date(2020, 9, 1)),
            insured("610100", synced=False, paid_to=date(2026, 4, 30), since_on=date(2015, 1, 1)),
        ]
    )
    await stranger.sign_in(person)
    shown = (await stranger.get("/insurance")).text
    for words in (
        "泸州市",
        "职工基本医疗保险",
        "正常参保",
        "退休",
        "2026-12-31",
        "成都市",
        "城乡居民基本医疗保险",
        "暂停参保",
        "中小学生",
        "统筹基金暂不支付",
        "西安市",
        "2026-04-30（已到期）",
        "同步中",
        "暂时不能用医保码结算",
    ):
        assert words in shown
    assert person.cert_no not in shown
    assert person.name not in shown


async def test_the_account_shows_every_movement_with_the_balance_after_it(
    phone: Phone, house: House, clock: WorldClock, shops: None
) -> None:
    """D2."""
    settled = await settle(phone, house)
    await settlement.reverse(
        house.desk,
        settlement_id=settled.settlement_id,
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=secrets.token_hex(8),
        at=clock.at,
    )
    shown = (await phone.get("/account")).text
    for words in ("泸州市", "212.30 元", "2026 年收支明细", "2025 年", "结算支出", "示例药店", "-212.30", "余额 0.00"):
        assert words in shown
    assert shown.index("结算退回") < shown.index("结算支出") < shown.rindex("划入")
    assert f'href="/records/{settled.settlement_id}"' in shown
    assert "2027 年" not in shown

    earlier = (await phone.get("/account?year=2025")).text
    assert "2025 年没有收支" in earlier
    assert "2024 年" in earlier
    assert "2026 年" in earlier


async def test_the_year_turns_at_midnight_in_beijing(
    stranger: Phone, new_person: NewPerson, pool: Pool, clock: WorldClock
) -> None:
    clock.at = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    await stranger.sign_in(await new_person())
    async with transaction(pool) as tx:
        await ledger.credit(
            tx,
            person_id=stranger.person_id,
            place="510500",
            amount_fen=77,
            cause="新年",
            at=datetime(2026, 12, 31, 16, 0, tzinfo=UTC),
        )
    assert "+0.77" not in (await stranger.get("/account")).text
    clock.at = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    shown = (await stranger.get("/account")).text
    assert "2027 年收支明细" in shown
    assert "+0.77" in shown


@pytest.mark.parametrize("query", ["year=1999", "year=99999", "year=x", "year="])
async def test_a_year_that_cannot_be_is_refused_in_words(phone: Phone, query: str) -> None:
    answer = await phone.get(f"/account?{query}")
    assert answer.status_code in (200, 400)
    assert "系统暂时出了问题" not in answer.text


async def test_each_place_has_its_own_account_and_an_unknown_one_shows_the_newest(
    stranger: Phone, new_person: NewPerson
) -> None:
    person = await new_person(
        insurances=[insured("510500", since_on=date(2024, 1, 1)), insured("510100", since_on=date(2010, 1, 1))],
        balance_fen=50_00,
    )
    await stranger.sign_in(person)
    for path in ("/account", "/account?place=310000", "/account?place=nonsense"):
        shown = (await stranger.get(path)).text
        assert "50.00 元" in shown
        assert 'href="/account?place=510100"' in shown
    other = (await stranger.get("/account?place=510100")).text
    assert "0.00 元" in other
    assert 'href="/account?place=510500"' in other


async def test_residents_are_told_that_they_have_no_personal_account(stranger: Phone, new_person: NewPerson) -> None:
    await stranger.sign_in(await new_person(insurances=[insured(insutype="390", psn_type="15")]))
    assert "没有个人账户" in (await stranger.get("/account")).text


async def test_the_services_stand_under_their_published_names(stranger: Phone) -> None:
    shown = (await stranger.get("/services")).text
    for words in (
        "公共服务",
        "用户认证",
        "解除绑定",
        "医保金服务",
        "医保就医明细费用",
        "查询",
        "参保情况",
        "个人账户余额",
        "政策查询",
    ):
        assert words in shown
