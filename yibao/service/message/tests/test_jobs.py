"""What people are told, and that they are told it once (D13)."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
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
from yibao.service.message.in_channels import NoChannelMessages
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
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def send(self, *, message_id: str, phone: str, text: str, at: datetime) -> None:
        self.sent.append((message_id, phone, text))
        if self.meanwhile is not None:
            await self.meanwhile()
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
    return jobs.handlers(pool, vault=vault, sms=gateway, channels=NoChannelMessages(), clock=lambda: at)


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
            "identity.login_password_reset",
            {},
            "登录密码已重新设置",
            "所有设备上的登录都已退出。如非本人操作，请立即到「登录 › 忘记密码」用人脸识别找回，或拨打 12393。",
            "/me/devices",
        ),
        (
            "identity.pay_password_reset",
            {},
            "交易密码已重新设置",
            "今后支付请使用新密码。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/me",
        ),
        (
            "identity.named_at_counter",
            {"place": "510500", "act": "real_name_proved"},
            "窗口已办理实名",
            "泸州市医保经办窗口核对本人和证件后，用您的证件为账户办理了实名认证。不是您本人到场的，请立即拨打 12393。",
            "/me/real-name",
        ),
        (
            "identity.named_at_counter",
            {"place": "510500", "act": "certificate_changed"},
            "窗口已办理实名",
            "泸州市医保经办窗口核对本人和证件后，更换了账户里的证件。不是您本人到场的，请立即拨打 12393。",
            "/me/real-name",
        ),
        (
            "identity.phone_changed",
            {},
            "手机号已更换",
            "今后用新手机号登录和接收验证码。"
            "如非本人操作，请立即到「登录 › 手机号已停用」用人脸识别换回，或拨打 12393。",
            "/me/phone",
        ),
        (
            "identity.phone_changed",
            {"by": "counter"},
            "手机号已更换",
            "医保经办窗口核验身份后，更换了账户的手机号。今后用新手机号登录和接收验证码。"
            "如非本人操作，请立即到「登录 › 手机号已停用」用人脸识别换回，或拨打 12393。",
            "/me/phone",
        ),
        (
            "identity.device_met",
            {},
            "新设备登录",
            "有人用您的密码或短信验证码，在一部新设备上登录了账户或解除了锁定。"
            "如非本人操作，请立即到「登录 › 忘记密码」用人脸识别找回，或拨打 12393。",
            "/me/devices",
        ),
        (
            "identity.guesses_braked",
            {"password": "pay"},
            "有人多次输错交易密码",
            "一小时内有人在新设备上多次输错您的交易密码，新设备暂时要先用短信验证码，您用过的设备不受影响。"
            "是您自己输错的，不必理会；不是的，请勿把验证码告诉任何人，有疑问请拨打 12393。",
            "/me/devices",
        ),
        (
            "identity.phone_unbound",
            {},
            "手机号已解绑",
            "医保经办窗口核验身份后，解除了账户的手机号，登录都已退出。"
            "如非本人操作，请立即到「登录 › 手机号已停用」用人脸识别换回，或拨打 12393。",
            "/me/phone",
        ),
        (
            "identity.sessions_ended",
            {},
            "登录都已退出",
            "医保经办窗口核验身份后，退出了账户在所有设备上的登录。"
            "如非本人操作，请立即到「登录 › 忘记密码」用人脸识别找回，或拨打 12393。",
            "/me/devices",
        ),
        (
            "credential.bound",
            {"place": "510500"},
            "医保关系已绑定",
            "参保地：泸州市。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/me",
        ),
        (
            "credential.activated",
            {"place": "510500", "channel": "微信"},
            "医保码已激活",
            "一部手机上从微信激活了您的医保码，参保地：泸州市。如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/code",
        ),
        (
            "credential.channel_linked",
            {"channel": "微信"},
            "渠道账号已关联",
            "一个微信账号关联到了您的医保账户，从它进来就能看到您的账户，可以在「渠道与设备」取消关联。"
            "如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/me/channels",
        ),
        (
            "credential.device_unbound",
            {"channel": "微信", "by": "agency"},
            "医保码已解绑",
            "医保经办机构解绑了微信的医保码，那里的码即时失效，其他渠道不受影响。"
            "如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
            "/me/channels",
        ),
        (
            "credential.unbound",
            {},
            "医保关系已解除绑定",
            "所有手机上的医保码即时失效，结算记录仍为您保留。如非本人操作，请立即重新设置登录密码，或拨打 12393。",
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
        (
            "authorisation.asked",
            {"institution": PHARMACY, "request_id": "0" * 32},
            "授权申请",
            "泸州示例大药房请求您的授权，请在三分钟内答复；不是您本人在办理的，请拒绝。",
            "/authorise/" + "0" * 32,
        ),
        (
            "authorisation.granted",
            {"institution": PHARMACY, "what": "参保情况", "days": 30},
            "已授权",
            "您允许泸州示例大药房使用：参保情况，30 天内有效。如非本人操作，请立即撤回，或拨打 12393。",
            "/me/authorisations",
        ),
        (
            "authorisation.granted",
            {"institution": PHARMACY, "what": "登录", "days": 0},
            "已授权",
            "您允许泸州示例大药房使用：登录，仅此一次。如非本人操作，请立即撤回，或拨打 12393。",
            "/me/authorisations",
        ),
        (
            "authorisation.used",
            {"institution": PHARMACY, "what": "参保情况"},
            "授权已使用",
            "泸州示例大药房按您的授权使用了：参保情况。",
            "/me/authorisations",
        ),
        (
            "authorisation.withdrawn",
            {"institution": PHARMACY, "what": "参保情况"},
            "授权已撤回",
            "您撤回了给泸州示例大药房的授权（参保情况），即时生效。",
            "/me/authorisations",
        ),
        (
            "unit.activated",
            {"unit": "示例公司"},
            "单位码已激活",
            "一部手机上激活了示例公司的单位码。如非本单位的人操作，请立即解绑单位码，或拨打 12393。",
            "/unit-code",
        ),
        (
            "unit.signed_in",
            {"unit": "示例公司"},
            "单位码登录",
            "有人用示例公司的单位码登录了单位网页。如非本单位的人操作，请立即解绑单位码，或拨打 12393。",
            "/unit-code",
        ),
        (
            "unit.unbound",
            {"unit": "示例公司"},
            "单位码已解绑",
            "示例公司的单位码在部分或全部手机上解绑，立即失效，可以重新激活。",
            "/unit-code",
        ),
        (
            "unit.legal_changed",
            {"unit": "示例单位"},
            "单位法定代表人已变更",
            "示例单位的法定代表人在医保经办窗口变更，今后由新的法定代表人增减经办人。"
            "不是本单位办理的，请立即拨打 12393。",
            "/unit-code",
        ),
        (
            "credential.identified",
            {"institution": PHARMACY, "medium": "03"},
            "有人凭您的证件就诊",
            "泸州示例大药房的收费员凭您的社会保障卡核对了身份，15 分钟内可以为您结算。如非您本人到场，请拨打 12393。",
            "/me/looks",
        ),
        (
            "credential.identified",
            {"institution": PHARMACY, "medium": "face"},
            "有人用您的身份刷脸就诊",
            "泸州示例大药房的收款台为您刷脸核对了身份，15 分钟内可以为您结算。如非您本人到场，请拨打 12393。",
            "/me/looks",
        ),
        (
            "unit.operator_appointed",
            {"unit": "示例公司"},
            "您成为单位经办人",
            "示例公司的法定代表人指定您为经办人，您可以在手机上激活单位码。不为该单位办事的，请让其取消。",
            "/unit-code",
        ),
        (
            "unit.operator_removed",
            {"unit": "示例公司"},
            "不再是单位经办人",
            "示例公司的法定代表人取消了您的经办人身份，您不能再出示单位码、登录单位网页。您本人的医保码不受影响。",
            "/unit-code",
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


async def _with_account(pool: Pool, vault: Vault, new_person: NewPerson, at: datetime) -> tuple[str, str]:
    """Return a person and the phone of the account that is bound to them."""
    person = await new_person()
    return person.person_id, await _account_of(person, pool, vault, at)


async def _account_of(person: registry.Registrant, pool: Pool, vault: Vault, at: datetime) -> str:
    """Bind an account to a person, and return its phone."""
    phone = f"199{secrets.randbelow(10**8):08d}"
    async with transaction(pool) as tx:
        account_id = await identity.open_account(tx, vault, phone=phone, login_hash="-", at=at)
    await _name(person, pool, vault, account_id, at)
    async with transaction(pool) as tx:
        await identity.attach_person(tx, account_id=account_id, person_id=person.person_id)
    return phone


async def _name(person: registry.Registrant, pool: Pool, vault: Vault, account_id: str, at: datetime) -> None:
    async with transaction(pool) as tx:
        await identity.prove_real_name(
            tx,
            vault,
            account_id=account_id,
            name=person.name,
            cert_type=person.cert_type,
            cert_no=person.cert_no,
            at=at,
        )


async def test_what_touches_the_code_goes_to_the_phone_too_and_the_message_says_so(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    """D13."""
    person_id, phone = await _with_account(pool, vault, new_person, at)
    happened = event("credential.activated", {"place": "510500", "channel": "微信"}, person_id=person_id, at=at)
    await heard["credential.activated"](happened)
    await heard["credential.activated"](happened)  # The gateway knows the second by its id.
    assert len({sent[0] for sent in gateway.sent}) == 1
    assert gateway.sent[0][1:] == (
        phone,
        "【医保公共服务】医保码已激活。一部手机上从微信激活了您的医保码，参保地：泸州市。"
        "如非本人操作，请立即到「我的」解除绑定，或拨打 12393。",
    )
    await heard["settlement.bill_declined"](
        event("settlement.bill_declined", BILL, person_id=person_id, number=2, at=at)
    )
    assert len(gateway.sent) == 2
    told = {one.title: one.ways for one in await message.read(pool, person_id=person_id, at=at)}
    assert told == {"医保码已激活": ("sms",), "已拒绝付款": ()}


OLD_PHONE = "19900000009"


def _reach(vault: Vault, account_id: str, *, phone: str = PHONE, former: str = "") -> dict[str, str]:
    """Return what an event says of an account and its phones."""

    def sealed(number: str) -> bytes | None:
        return vault.seal(number, table="identity.account", column="phone", person=account_id) if number else None

    return identity_rules.reach(account_id, phone=sealed(phone), former_phone=sealed(former))


@pytest.mark.parametrize(
    ("topic", "phone", "former", "ways"),
    [
        ("identity.phone_changed", PHONE, OLD_PHONE, ("sms", "sms_former")),
        ("identity.phone_unbound", "", OLD_PHONE, ("sms_former",)),
        ("identity.login_password_reset", PHONE, "", ("sms",)),
        ("identity.pay_password_set", PHONE, "", ("sms",)),
        ("identity.pay_password_reset", PHONE, "", ("sms",)),
        ("identity.pay_password_changed", PHONE, "", ("sms",)),
        ("identity.device_met", PHONE, "", ("sms",)),
        ("identity.guesses_braked", PHONE, "", ("sms",)),
        ("credential.unbound", PHONE, "", ("sms",)),
        ("identity.sessions_ended", PHONE, "", ()),
    ],
)
@pytest.mark.parametrize("bound", [True, False])
async def test_what_touches_the_account_goes_to_the_phones_that_it_had(
    heard: Mapping[str, Handler],
    gateway: Gateway,
    pool: Pool,
    vault: Vault,
    new_person: NewPerson,
    at: datetime,
    bound: bool,
    topic: str,
    phone: str,
    former: str,
    ways: tuple[str, ...],
) -> None:
    """D13: to none that somebody has put in its place since, and also after the insurance is unbound."""
    person = await new_person()
    if bound:
        await _account_of(person, pool, vault, at)
    payload = {**_reach(vault, "some account", phone=phone, former=former), "password": "login"}
    for _ in range(2):
        await heard[topic](event(topic, payload, person_id=person.person_id, at=at))
    numbers = {"sms": phone, "sms_former": former}
    assert {sent[1] for sent in gateway.sent} == {numbers[way] for way in ways}
    assert len({sent[0] for sent in gateway.sent}) == len(ways)
    [told] = await message.read(pool, person_id=person.person_id, at=at)
    assert told.ways == ways


async def test_an_account_without_insurance_is_told_by_sms_and_in_the_list_of_whoever_it_is_proved_to_be(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    """D13: a list that the account finds again; nobody's while no name is proved."""
    person, topic = await new_person(), "identity.login_password_reset"
    phone = f"199{secrets.randbelow(10**8):08d}"
    async with transaction(pool) as tx:
        account_id = await identity.open_account(tx, vault, phone=phone, login_hash="-", at=at)
    happened = event(topic, _reach(vault, account_id, phone=phone), person_id=account_id, at=at)
    await heard[topic](happened)
    assert [sent[1] for sent in gateway.sent] == [phone]
    assert await pool.fetchval("SELECT count(*) FROM message.message WHERE person_id = $1", account_id) == 0
    await _name(person, pool, vault, account_id, at)
    await heard[topic](happened)
    assert [one.ways for one in await message.kept(pool, person.person_id)] == [("sms",)]


async def test_a_second_account_says_nothing_in_the_list_of_the_one_with_the_insurance(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    person, topic = await new_person(), "identity.login_password_reset"
    await _account_of(person, pool, vault, at)
    phone = f"199{secrets.randbelow(10**8):08d}"
    async with transaction(pool) as tx:
        second = await identity.open_account(tx, vault, phone=phone, login_hash="-", at=at)
    await _name(person, pool, vault, second, at)
    await heard[topic](event(topic, _reach(vault, second, phone=phone), person_id=second, at=at))
    assert [sent[1] for sent in gateway.sent] == [phone]
    assert await message.kept(pool, person.person_id) == []


async def test_a_closed_account_has_its_last_words_on_the_phone_that_it_had(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    """D13, F7: and nothing of them is kept."""
    person = await new_person()
    phone = await _account_of(person, pool, vault, at)
    account = await identity.account_of_person(pool, vault, person.person_id)
    assert account is not None
    async with transaction(pool) as tx:
        await message.forget(tx, person_id=person.person_id, at=at)
        await identity.detach_person(tx, account_id=account.account_id)
        await identity.close_account(tx, account_id=account.account_id, at=at)
    row = await pool.fetchrow(
        "SELECT person_id, outbox_id, topic, payload, created_at, attempts FROM core.outbox WHERE person_id = $1",
        account.account_id,
    )
    assert row is not None
    await heard["identity.account_closed"](Event(*row))
    [(_, number, text)] = gateway.sent
    assert number == phone
    assert "账户已注销" in text
    assert await pool.fetchval("SELECT count(*) FROM message.message WHERE person_id = $1", account.account_id) == 0
    assert await message.kept(pool, person.person_id) == []


async def test_an_sms_that_is_refused_is_not_shown_as_sent_and_silence_is_asked_again(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    person_id, _ = await _with_account(pool, vault, new_person, at)
    happened = event("credential.free_limit_set", {"limit_fen": 0}, person_id=person_id, at=at)
    gateway.answer = SmsUnknown
    with pytest.raises(SmsUnknown):
        await heard["credential.free_limit_set"](happened)
    gateway.answer = lambda: SmsRefused(answer=403)
    with capture_logs() as logs:
        await heard["credential.free_limit_set"](happened)
    assert [line["event"] for line in logs] == ["message.sms_refused"]
    assert [one.ways for one in await message.read(pool, person_id=person_id, at=at)] == [()]


async def test_a_person_can_take_their_messages_with_them(
    heard: Mapping[str, Handler], pool: Pool, new_person: NewPerson, at: datetime
) -> None:
    """F7."""
    person_id = (await new_person()).person_id
    await heard["credential.unbound"](event("credential.unbound", {}, person_id=person_id, at=at))
    async with transaction(pool) as tx:
        await message.forget(tx, person_id=person_id, at=at)
    assert await message.read(pool, person_id=person_id, at=at) == []


async def test_whoever_closed_their_account_is_told_nothing_until_they_have_another(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    """F7: neither of what was on its way at that moment, nor of what others did afterwards."""
    person = await new_person()

    async def happens(number: int, when: datetime) -> list[datetime]:
        """Let a limit be set, and return when everything happened that the person is told of."""
        told = event(
            "credential.free_limit_set", {"limit_fen": number}, person_id=person.person_id, number=number, at=when
        )
        await heard["credential.free_limit_set"](told)
        found = await message.kept(pool, person.person_id)
        return [one.created_at for one in found]

    minute = timedelta(minutes=1)
    assert await happens(1, at) == [at]
    async with transaction(pool) as tx:
        await message.forget(tx, person_id=person.person_id, at=at + minute)
    assert await happens(2, at) == []
    assert await happens(3, at + 2 * minute) == []
    await _account_of(person, pool, vault, at)
    assert await happens(4, at + minute) == []
    assert gateway.sent == []
    assert await happens(5, at + 3 * minute) == [at + 3 * minute]
    assert len(gateway.sent) == 1


async def test_whoever_closed_an_account_is_told_that_a_counter_has_named_them_for_another(
    heard: Mapping[str, Handler], pool: Pool, new_person: NewPerson, at: datetime
) -> None:
    """A2: nothing is bound to that account yet, and it may be an impostor's."""
    person_id, later = (await new_person()).person_id, at + timedelta(days=1)
    async with transaction(pool) as tx:
        await message.forget(tx, person_id=person_id, at=at)
    topic, payload = "identity.named_at_counter", {"place": "510500", "act": "real_name_proved"}
    await heard[topic](event(topic, payload, person_id=person_id, at=later))
    assert [one.title for one in await message.kept(pool, person_id)] == ["窗口已办理实名"]


_WAITING = """
    SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                   WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted)
"""


async def test_a_message_that_is_being_written_while_the_account_is_closed_is_forgotten_too(
    heard: Mapping[str, Handler], pool: Pool, new_person: NewPerson, at: datetime
) -> None:
    person_id = (await new_person()).person_id
    unbound = event("credential.unbound", {}, person_id=person_id, at=at)
    async with transaction(pool) as tx:
        await message.forget(tx, person_id=person_id, at=at)
        writing = asyncio.ensure_future(heard["credential.unbound"](unbound))
        while not await pool.fetchval(_WAITING):
            assert not writing.done()
    await writing
    assert await message.kept(pool, person_id) == []


async def test_how_a_message_went_out_is_not_noted_once_it_is_forgotten(
    heard: Mapping[str, Handler], gateway: Gateway, pool: Pool, vault: Vault, new_person: NewPerson, at: datetime
) -> None:
    person_id, _ = await _with_account(pool, vault, new_person, at)

    async def closed_meanwhile() -> None:
        async with transaction(pool) as tx:
            await message.forget(tx, person_id=person_id, at=at)

    gateway.meanwhile = closed_meanwhile
    await heard["credential.free_limit_set"](
        event("credential.free_limit_set", {"limit_fen": 0}, person_id=person_id, at=at)
    )
    assert len(gateway.sent) == 1
    assert await pool.fetchval("SELECT count(*) FROM message.delivery WHERE person_id = $1", person_id) == 0
