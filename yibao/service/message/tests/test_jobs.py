"""What people are told, and that they are told it once (D13)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from conftest import NewPerson
from yibao import identity, registry
from yibao.core.database import Pool, transaction
from yibao.core.outbox import Event, Handler
from yibao.core.vault import Vault
from yibao.identity import rules as identity_rules
from yibao.identity.types import Announced
from yibao.service import message
from yibao.service.message import jobs, rules
from yibao.service.message.sms import SmsRefused, SmsUnknown

PHARMACY = "P51050099002"
PHONE = "19900000001"
SETTLED = {
    "settlement_id": "510500000000000000000000000001",
    "settled_at": "2026-05-12T02:00:00Z",
    "institution": PHARMACY,
    "total_fen": 420_00,
    "fund_fen": 175_00,
    "account_fen": 200_00,
    "cash_fen": 45_00,
    "balance_fen": 12_30,
    "reverses": None,
}
REVERSED = {
    **SETTLED,
    "settlement_id": "510500000000000000000000000002",
    "total_fen": -420_00,
    "fund_fen": -175_00,
    "account_fen": -200_00,
    "cash_fen": -45_00,
    "balance_fen": 212_30,
    "reverses": "510500000000000000000000000001",
}
BILL = {"bill_id": "till-7", "institution": PHARMACY, "total_fen": 420_00}


class Gateway:
    """An SMS gateway that notes what it is handed, and refuses or is silent when told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.answer: Callable[[], Exception] | None = None

    async def send(self, *, message_id: str, phone: str, text: str, at: datetime) -> None:
        self.sent.append((message_id, phone, text))
        if self.answer is not None:
            raise self.answer()


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def heard(pool: Pool, vault: Vault, gateway: Gateway, at: datetime) -> Mapping[str, Handler]:
    async with transaction(pool) as tx:
        await registry.load_regions(tx)
        await registry.add_institutions(
            tx,
            [
                registry.Institution(
                    code=PHARMACY,
                    name="泸州示例大药房",
                    place="510500",
                    kind="pharmacy",
                    level="none",
                    address="示例路 2 号",
                    phone="0830-0000000",
                    services=("pharmacy",),
                )
            ],
        )
    return jobs.handlers(pool, vault=vault, sms=gateway, clock=lambda: at)


def event(topic: str, payload: Mapping[str, Any], *, person_id: str = "1", number: int = 1, at: datetime) -> Event:
    return Event(person_id=person_id, id=number, topic=topic, payload=dict(payload), created_at=at, attempts=1)


@pytest.mark.parametrize(
    ("topic", "payload", "title", "body", "href"),
    [
        (
            "settlement.settled",
            SETTLED,
            "结算成功",
            "在泸州示例大药房消费 420.00 元：医保基金 175.00 元，个人账户 200.00 元，现金 45.00 元。"
            "个人账户余额 12.30 元。",
            "/records/510500000000000000000000000001",
        ),
        (
            "settlement.settled",
            {**SETTLED, "account_fen": 0, "cash_fen": 245_00, "balance_fen": 0},
            "结算成功",
            "在泸州示例大药房消费 420.00 元：医保基金 175.00 元，个人账户 0.00 元，现金 245.00 元。",
            "/records/510500000000000000000000000001",
        ),
        (
            "settlement.reversed",
            REVERSED,
            "结算已撤销",
            "在泸州示例大药房的 420.00 元消费已整笔撤销，退回：医保基金 175.00 元，个人账户 200.00 元，现金 45.00 元。",
            "/records/510500000000000000000000000001",
        ),
        (
            "settlement.bill_sent",
            BILL,
            "待缴费",
            "泸州示例大药房发来账单，合计 420.00 元，请在 15 分钟内确认。",
            "/bills/till-7",
        ),
        ("settlement.bill_declined", BILL, "已拒绝付款", "您拒绝了泸州示例大药房的账单，没有扣款。", ""),
        ("settlement.bill_withdrawn", BILL, "账单已撤回", "泸州示例大药房撤回了账单，没有扣款。", ""),
        (
            "credential.bound",
            {"place": "510500"},
            "医保关系已绑定",
            "参保地：泸州市。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/me",
        ),
        (
            "credential.activated",
            {"place": "510500", "channel": "web"},
            "医保码已激活",
            "一部手机上激活了您的医保码，参保地：泸州市。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/code",
        ),
        (
            "credential.unbound",
            {},
            "医保关系已解除绑定",
            "所有手机上的医保码即时失效，结算记录仍为您保留。",
            "/me",
        ),
        (
            "credential.free_limit_set",
            {"limit_fen": 200_00},
            "免密限额已设置",
            "今后每笔不超过 200.00 元的支付不再输入交易密码。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "",
        ),
        (
            "credential.free_limit_set",
            {"limit_fen": 0},
            "免密限额已取消",
            "今后每笔支付都要输入交易密码。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "",
        ),
    ],
)
async def test_a_change_is_told_in_full_and_once_however_often_it_is_delivered(
    heard: Mapping[str, Handler],
    pool: Pool,
    new_person: NewPerson,
    at: datetime,
    topic: str,
    payload: dict[str, Any],
    title: str,
    body: str,
    href: str,
) -> None:
    """C7: the message names the total and every part of it."""
    person_id = (await new_person()).person_id
    happened = event(topic, payload, person_id=person_id, at=at)
    await heard[topic](happened)
    await heard[topic](happened)
    assert await message.read(pool, person_id=person_id, at=at) == [message.Message(title, body, href, at, None)]


def test_every_topic_that_is_told_is_heard(heard: Mapping[str, Handler]) -> None:
    assert set(heard) == {*rules.TOLD, "identity.code_requested"}


async def test_messages_are_new_until_they_are_read_and_the_newest_comes_first(
    heard: Mapping[str, Handler], pool: Pool, new_person: NewPerson, at: datetime
) -> None:
    person_id, other_id = (await new_person()).person_id, (await new_person()).person_id
    later = at + timedelta(minutes=1)
    for number, happened_at in ((2, at), (1, later)):
        await heard["settlement.bill_sent"](
            event("settlement.bill_sent", BILL, person_id=person_id, number=number, at=happened_at)
        )
    await heard["credential.unbound"](event("credential.unbound", {}, person_id=other_id, at=at))
    assert await message.unread(pool, person_id) == 2

    first_look = await message.read(pool, person_id=person_id, at=later)
    assert [one.created_at for one in first_look] == [later, at]
    assert [one.read_at for one in first_look] == [None, None]
    assert await message.unread(pool, person_id) == 0
    assert [one.read_at for one in await message.read(pool, person_id=person_id, at=later)] == [later, later]
    assert await message.unread(pool, other_id) == 1


async def test_an_institution_that_is_not_known_does_not_keep_the_message_back(
    heard: Mapping[str, Handler], pool: Pool, new_person: NewPerson, at: datetime
) -> None:
    person_id = (await new_person()).person_id
    payload = {**BILL, "institution": "P99999999999"}
    await heard["settlement.bill_withdrawn"](event("settlement.bill_withdrawn", payload, person_id=person_id, at=at))
    [told] = await message.read(pool, person_id=person_id, at=at)
    assert told.body == "定点医药机构撤回了账单，没有扣款。"


def code_requested(vault: Vault, *, at: datetime, purpose: Announced = "login", number: int = 7) -> Event:
    request = identity.CodeRequest(PHONE, "482913", purpose)
    return event("identity.code_requested", identity_rules.sealed_code_request(vault, request), number=number, at=at)


@pytest.mark.parametrize(
    ("purpose", "words"),
    [
        ("register", "用于注册账户"),
        ("login", "用于登录"),
        ("reset_login", "用于重设登录密码"),
        ("reset_pay", "用于重设交易密码"),
        ("unlock", "用于解除密码锁定"),
    ],
)
async def test_a_code_is_sent_with_its_purpose_and_how_long_it_lasts(
    heard: Mapping[str, Handler], vault: Vault, gateway: Gateway, at: datetime, purpose: Announced, words: str
) -> None:
    await heard["identity.code_requested"](code_requested(vault, purpose=purpose, at=at))
    [(_, phone, text)] = gateway.sent
    assert phone == PHONE
    assert text.startswith("【医保公共服务】验证码 482913，")
    assert words in text
    assert "5 分钟内有效" in text


async def test_whoever_has_an_account_is_told_without_a_code(
    heard: Mapping[str, Handler], vault: Vault, gateway: Gateway, at: datetime
) -> None:
    await heard["identity.code_requested"](code_requested(vault, purpose="already_registered", at=at))
    [(_, _, text)] = gateway.sent
    assert "已注册" in text
    assert "482913" not in text


async def test_a_silent_gateway_is_asked_again_under_the_same_id(
    heard: Mapping[str, Handler], vault: Vault, gateway: Gateway, at: datetime
) -> None:
    gateway.answer = SmsUnknown
    for _ in range(2):
        with pytest.raises(SmsUnknown):
            await heard["identity.code_requested"](code_requested(vault, at=at))
    assert gateway.sent[0] == gateway.sent[1]
    await heard["settlement.bill_sent"](event("settlement.bill_sent", BILL, number=8, at=at))  # Others go their way.


async def test_two_codes_have_two_ids_also_when_the_database_counts_from_one_again(
    heard: Mapping[str, Handler], vault: Vault, gateway: Gateway, at: datetime
) -> None:
    before = at - timedelta(seconds=1)
    for requested in (
        code_requested(vault, at=at, number=1),
        code_requested(vault, at=at, number=2),
        code_requested(vault, at=before, number=1),
    ):
        await heard["identity.code_requested"](requested)
    assert len({message_id for message_id, _, _ in gateway.sent}) == 3


async def test_a_refusal_of_the_gateway_ends_it_and_the_log_names_nobody(
    heard: Mapping[str, Handler], vault: Vault, gateway: Gateway, at: datetime
) -> None:
    gateway.answer = lambda: SmsRefused(answer=403)
    with capture_logs() as logs:
        await heard["identity.code_requested"](code_requested(vault, at=at))
    assert logs == [{"event": "message.sms_refused", "log_level": "warning", "number": 7, "answer": 403}]


async def test_a_code_that_has_expired_is_not_sent_any_more(
    heard: Mapping[str, Handler], vault: Vault, gateway: Gateway, at: datetime
) -> None:
    with capture_logs() as logs:
        await heard["identity.code_requested"](code_requested(vault, at=at - identity.CODE_LASTS))
    assert gateway.sent == []
    assert [entry["event"] for entry in logs] == ["message.code_expired_unsent"]
