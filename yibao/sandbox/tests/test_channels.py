"""The channels' pages, the calls that their servers sign, and their inboxes (B1, B2, B7)."""

import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar, Request, Response, post
from litestar.params import RawBody

from yibao.core.gm import Signer, Verifier, hmac_sm3, sm3
from yibao.sandbox import app, unionpay, world
from yibao.sandbox.channels import CHANNELS, ENTRIES, UNBINDINGS, ChannelDesk, ensure_keys, user_of

AT = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
TIME = str(int(AT.timestamp()))
SECRET = b"secret"
HOME = "https://sandbox.example.cn"
WORLD = world.build(people=30, on=date(2026, 5, 12))
PERSON = WORLD.cast("luzhou_retired")


class Platform:
    """What a platform would check, and what it was asked."""

    def __init__(self, keys: dict[str, Signer]) -> None:
        self._keys = keys
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: tuple[int, dict[str, Any]] = (201, {"path": "/enter/ticket"})

    def app(self) -> Litestar:
        async def take(body: RawBody, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
            scheme, _, rest = request.headers["authorization"].partition(" ")
            channel, key_id, time, nonce, signature = rest.split(":")
            public = self._keys[channel].public
            assert (scheme, key_id, time) == ("YB-SM2", sm3(public).hex()[:16], TIME)
            text = "\n".join(("POST", request.url.path, time, nonce, sm3(body).hex()))
            assert Verifier(public).verify(text.encode(), bytes.fromhex(signature))
            self.asked.append((channel, msgspec.json.decode(body)))
            return Response(self.answer[1], status_code=self.answer[0])

        return Litestar([post([ENTRIES, UNBINDINGS])(take)])


@cache
def keys_in(folder: Path) -> dict[str, Signer]:
    return ensure_keys(folder / "channels")


@cache
def unionpay_keys_in(folder: Path) -> unionpay.UnionPayKeys:
    return unionpay.ensure_keys(folder / "unionpay")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture
async def platform(folder: Path) -> Platform:
    return Platform(keys_in(folder))


@asynccontextmanager
async def _visiting(folder: Path, platform: str) -> AsyncIterator[httpx.AsyncClient]:
    sandbox: Any = app.create_app(
        people=WORLD.people,
        start_page=app.StartPage(institutions=(), demo_password=""),
        sms_secret=SECRET,
        unionpay_keys=unionpay_keys_in(folder),
        channels=ChannelDesk(keys=keys_in(folder), platform=platform, home=HOME),
        clock=lambda: AT,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url="http://sandbox") as client:
        yield client


@pytest.fixture
async def client(folder: Path, platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with app.serving(platform.app()) as address, _visiting(folder, address) as visiting:
        yield visiting


def test_each_channel_keeps_a_key_of_its_own(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path / "channels")
    assert set(keys) == {channel.code for channel in CHANNELS}
    assert len({signer.public for signer in keys.values()}) == len(CHANNELS) == 12
    again = ensure_keys(tmp_path / "channels")
    assert {code: key.public for code, key in again.items()} == {code: key.public for code, key in keys.items()}
    for path in (tmp_path / "channels").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_published_ways_are_there() -> None:
    """B1, B7: under the names that the announcements gave them."""
    ways = {(channel.name, " › ".join(each.way)): each.menu for channel in CHANNELS for each in channel.entrances}
    assert ways["微信", "我 › 支付 › 腾讯健康 › 我的"] == "unbind"
    assert ways["微信", "我的医保电子凭证 › 去激活"] == "activate"
    assert any(name == "微信" and way.endswith("我的医保") for name, way in ways)
    assert ways["支付宝", "市民中心 › 医保 › 医保电子凭证 › 同意协议并激活"] == "activate"
    assert ways["支付宝", "卡包 › 医保电子凭证"] == "code"
    assert ways["南通医保", "公众号菜单 › 医保凭证"] == "code"
    assert ways["南通医保", "公众号菜单 › 医保电子凭证激活"] == "activate"
    assert sum(name == "随申办" and menu in ("code", "activate", "unbind") for (name, _), menu in ways.items()) == 4


@pytest.mark.parametrize("function", ["family", "unbind"])
def test_every_channel_leads_to_what_it_may_do(function: str) -> None:
    """B7, B9: in every channel; the names where no announcement gives one are made up after the others."""
    for channel in CHANNELS:
        menus = {entrance.menu for entrance in channel.entrances}
        assert (function in menus) == (function in channel.functions), channel.name


async def test_every_channel_s_page_can_be_opened(client: httpx.AsyncClient) -> None:
    assert (await client.get("/channels")).text.count("/channels/") >= len(CHANNELS)
    for channel in CHANNELS:
        for query in ({}, {"who": PERSON.phone}):
            page = await client.get(f"/channels/{channel.code}", params=query)
            assert page.status_code == 200
            assert channel.name in page.text
            assert channel.hotline in page.text or not query
    assert (await client.get("/channels/nobody")).status_code == 404


async def test_a_tap_asks_the_platform_and_leads_to_it(client: httpx.AsyncClient, platform: Platform) -> None:
    """With what the channel knows: somebody without a real name there is told as such."""
    page = (await client.get("/channels/wechat", params={"who": PERSON.phone})).text
    links = re.findall(r'href="(/channels/wechat/go/[^"]+)"', page)
    assert len(links) == 7
    answer = await client.get(links[0].replace("&amp;", "&"))
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/enter/ticket")
    [(channel, body)] = platform.asked
    assert (channel, body["user"], body["phone"]) == ("wechat", user_of("wechat", PERSON), PERSON.phone)
    assert (body["menu"], body["own_bank_card"]) == ("code", True)
    assert body["real_name"] == {"name": PERSON.name, "cert_type": "01", "cert_no": PERSON.cert_no}
    assert body["back"].startswith(f"{HOME}/channels/wechat?who=")
    await client.get("/channels/cmb/go/1", params={"who": PERSON.phone, "named": "0", "card": "0"})
    channel, body = platform.asked[-1]
    assert (channel, body["menu"], body["own_bank_card"], "real_name" in body) == ("cmb", "activate", False, False)
    assert body["user"] != user_of("wechat", PERSON)


async def test_what_the_platform_refuses_is_shown(client: httpx.AsyncClient, platform: Platform) -> None:
    told = {"code": "credential.channel_suspended", "title": "渠道已暂停", "detail": "d", "remedy": "r", "hint": "h"}
    platform.answer = (403, told)
    answer = await client.get("/channels/wechat/go/0", params={"who": PERSON.phone})
    assert (answer.status_code, "渠道已暂停" in answer.text) == (502, True)


async def test_a_platform_that_is_away_is_told(folder: Path) -> None:
    async with _visiting(folder, "http://127.0.0.1:9") as client:
        answer = await client.get("/channels/wechat/go/0", params={"who": PERSON.phone})
        assert (answer.status_code, "没有应答" in answer.text) == (502, True)


@pytest.mark.parametrize(
    "path", ["/channels/wechat/go/0", "/channels/wechat/go/99?who=", "/channels/wechat/go/0?who=13800000000"]
)
async def test_nobody_is_led_anywhere_without_signing_in(
    client: httpx.AsyncClient, platform: Platform, path: str
) -> None:
    assert (await client.get(path)).status_code == 400
    assert platform.asked == []


async def test_the_hotline_unbinds_for_a_caller(client: httpx.AsyncClient, platform: Platform) -> None:
    """B6."""
    platform.answer = (200, {"unbound": 1})
    answer = await client.post("/channels/alipay/hotline", params={"who": PERSON.phone})
    assert "1 部手机" in answer.text
    assert platform.asked == [("alipay", {"user": user_of("alipay", PERSON), "reason": "来电称手机丢失，已核对身份"})]


def _signed(body: bytes, *, code: str = "wechat", time: str = TIME, secret: bytes = SECRET) -> dict[str, str]:
    mac = hmac_sm3(secret, f"POST\n/channels/{code}/messages\n{time}\n".encode() + body).hex()
    return {"Authorization": f"YB-HMAC-SM3 yibao:{mac}", "X-YB-Time": time}


def _note(**changed: str) -> bytes:
    told = {"user": user_of("wechat", PERSON), "title": "结算成功", "body": "共 1.00 元", "href": "/records/1"}
    return msgspec.json.encode({**told, **changed})


async def test_a_message_reaches_its_user_once(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await client.post("/channels/wechat/messages", content=_note(), headers=_signed(_note()))
        assert answer.status_code == 200
    [message] = (await client.get("/channels/wechat/messages")).json()["messages"]
    assert (message["phone"], message["title"]) == (PERSON.phone, "结算成功")
    assert "结算成功" in (await client.get("/channels/wechat", params={"who": PERSON.phone})).text
    other = WORLD.cast("luzhou_employed").phone
    assert "结算成功" not in (await client.get("/channels/wechat", params={"who": other})).text


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (_note(), {}, 401),
        (_note(), _signed(_note(), secret=b"other"), 401),
        (_note(title="别的"), _signed(_note()), 401),
        (_note(), _signed(_note(), code="alipay"), 401),
        (_note(), _signed(_note(), time=str(int(TIME) - 301)), 401),
        (_note(), {**_signed(_note()), "X-YB-Time": "²"}, 401),
        (b"{}", _signed(b"{}"), 400),
        (_note(href="//evil.cn"), _signed(_note(href="//evil.cn")), 400),
        (_note(href="https://evil.cn"), _signed(_note(href="https://evil.cn")), 400),
        (_note(user="nobody"), _signed(_note(user="nobody")), 404),
    ],
)
async def test_a_message_that_is_not_in_order_is_refused(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await client.post("/channels/wechat/messages", content=body, headers=sent)
    assert answer.status_code == status
    assert (await client.get("/channels/wechat/messages")).json() == {"messages": []}
