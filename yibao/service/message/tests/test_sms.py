"""Our side of the SMS gateway, against the sandbox's gateway over a real socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar import Litestar, Response, post
from structlog.testing import capture_logs

from yibao.core.partner import Partner
from yibao.sandbox.app import StartPage, create_app, serving
from yibao.sandbox.unionpay import UnionPayKeys, ensure_keys
from yibao.service.message.sms import HttpSms, NullSms, SmsGateway, SmsRefused, SmsUnknown

SECRET = b"sms secret of the tests"
AT = datetime(2026, 5, 1, 1, 30, tzinfo=UTC)
PHONE = "19900000001"
TEXT = "【医保】验证码 482913，五分钟内有效。"


@dataclass
class Gateway:
    """The sandbox as a person sees it, beside the adapter that speaks to it."""

    url: str
    client: httpx.AsyncClient

    def adapter(self, *, secret: bytes = SECRET, timeout_seconds: float = 20) -> HttpSms:
        return HttpSms(Partner(client=self.client, url=self.url, secret=secret, timeout_seconds=timeout_seconds))

    async def turn(self, mode: str, seconds: int = 0) -> None:
        answer = await self.client.put(f"{self.url}/switches/sms", json={"mode": mode, "delay_seconds": seconds})
        assert answer.status_code == 200

    async def texts(self) -> list[str]:
        answer = await self.client.get(f"{self.url}/sms/messages", params={"phone": PHONE})
        return [each["text"] for each in answer.json()["messages"]]


@pytest.fixture(scope="module")
def unionpay_keys(tmp_path_factory: pytest.TempPathFactory) -> UnionPayKeys:
    return ensure_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def gateway(unionpay_keys: UnionPayKeys) -> AsyncIterator[Gateway]:
    app = create_app(
        people=(), start_page=StartPage((), ""), sms_secret=SECRET, unionpay_keys=unionpay_keys, clock=lambda: AT
    )
    async with serving(app) as url, httpx.AsyncClient() as client:
        yield Gateway(url, client)


async def send(sms: SmsGateway, *, message_id: str = "m-1", at: datetime = AT) -> None:
    await sms.send(message_id=message_id, phone=PHONE, text=TEXT, at=at)


async def test_a_message_reaches_the_phone(gateway: Gateway) -> None:
    """A1, D13."""
    await send(gateway.adapter())
    assert await gateway.texts() == [TEXT]


async def test_sending_again_with_the_same_id_is_one_message(gateway: Gateway) -> None:
    sms = gateway.adapter()
    await send(sms)
    await send(sms, at=AT + timedelta(seconds=60))
    assert await gateway.texts() == [TEXT]


async def test_a_refusal_of_the_gateway_is_final(gateway: Gateway) -> None:
    await gateway.turn("refuse")
    with pytest.raises(SmsRefused) as refused:
        await send(gateway.adapter())
    assert "403" in refused.value.detail_text
    assert await gateway.texts() == []


async def test_a_busy_gateway_leaves_it_open(gateway: Gateway) -> None:
    await gateway.turn("busy")
    with pytest.raises(SmsUnknown):
        await send(gateway.adapter())
    await gateway.turn("agree")
    await send(gateway.adapter())
    assert await gateway.texts() == [TEXT]


async def test_a_lost_answer_leaves_it_open_and_the_retry_does_not_send_twice(gateway: Gateway) -> None:
    await gateway.turn("lose")
    with pytest.raises(SmsUnknown):
        await send(gateway.adapter())
    await gateway.turn("agree")
    await send(gateway.adapter())
    assert await gateway.texts() == [TEXT]


@pytest.mark.parametrize("mode", ["delay", "lose"])
async def test_an_answer_that_does_not_come_in_time_leaves_it_open(gateway: Gateway, mode: str) -> None:
    await gateway.turn(mode, seconds=30)
    with pytest.raises(SmsUnknown):
        await send(gateway.adapter(timeout_seconds=0.2))
    await gateway.turn("agree")
    await send(gateway.adapter())
    assert await gateway.texts() == [TEXT]


async def test_a_delayed_answer_within_the_time_is_an_answer(gateway: Gateway) -> None:
    await gateway.turn("delay", seconds=0)
    await send(gateway.adapter())
    assert await gateway.texts() == [TEXT]


async def test_a_gateway_that_delivers_twice_is_none_of_our_doing(gateway: Gateway) -> None:
    await gateway.turn("repeat")
    await send(gateway.adapter())
    assert await gateway.texts() == [TEXT, TEXT]


async def test_another_secret_or_a_clock_far_off_is_refused(gateway: Gateway) -> None:
    with pytest.raises(SmsRefused):
        await send(gateway.adapter(secret=b"forged"))
    with pytest.raises(SmsRefused):
        await send(gateway.adapter(), at=AT + timedelta(seconds=301))
    assert await gateway.texts() == []


@pytest.mark.parametrize("status", [204, 302, 500, 502])
async def test_what_is_neither_yes_nor_no_leaves_it_open(status: int) -> None:
    @post("/prefix/sms/send")
    async def answer() -> Response[None]:
        return Response(None, status_code=status, headers={"Location": "/elsewhere"})

    async with serving(Litestar([answer], openapi_config=None)) as url, httpx.AsyncClient() as client:
        with pytest.raises(SmsUnknown):
            await send(HttpSms(Partner(client=client, url=f"{url}/prefix/", secret=SECRET)))


async def test_a_gateway_that_is_not_there_leaves_it_open(gateway: Gateway) -> None:
    with pytest.raises(SmsUnknown):
        await send(HttpSms(Partner(client=gateway.client, url="http://127.0.0.1:1", secret=SECRET)))


async def test_the_null_gateway_warns_and_logs_neither_phone_nor_text() -> None:
    with capture_logs() as logs:
        await send(NullSms())
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("sms.null_gateway", "warning"),
        ("sms.not_sent", "warning"),
    ]
    assert PHONE not in str(logs)
    assert "482913" not in str(logs)
