"""The SMS gateway, its inbox, the start page and the switches, over a real socket."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import httpx
import pytest

from yibao.sandbox.app import Link, StartPage, create_app, serving
from yibao.sandbox.sms import MESSAGES_MAX, Inbox, Message
from yibao.sandbox.unionpay import UnionPayKeys, ensure_keys
from yibao.sandbox.world import DEMO_PASSWORD, World, build

SECRET = b"sms secret of the tests"
PHONE = "19900000001"
TEXT = "【医保】验证码 482913，五分钟内有效。"


@dataclass
class WorldClock:
    at: datetime = datetime(2026, 5, 1, 1, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def unionpay_keys(tmp_path_factory: pytest.TempPathFactory) -> UnionPayKeys:
    return ensure_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def world() -> World:
    return build(people=30, on=date(2026, 5, 1))


@pytest.fixture
def clock() -> WorldClock:
    return WorldClock()


@pytest.fixture
async def sandbox(unionpay_keys: UnionPayKeys, world: World, clock: WorldClock) -> AsyncIterator[httpx.AsyncClient]:
    people = (replace(world.people[0], special="<b>特点</b>"), *world.people[1:])
    app = create_app(
        people=people,
        start_page=StartPage(world.institutions, DEMO_PASSWORD, (Link("手机端", "http://127.0.0.1:1/"),)),
        sms_secret=SECRET,
        unionpay_keys=unionpay_keys,
        clock=clock,
    )
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


def body_of(message_id: str = "m-1", *, phone: str = PHONE, text: str = TEXT, at: datetime) -> bytes:
    message = {"id": message_id, "phone": phone, "text": text, "time": int(at.timestamp())}
    return json.dumps(message, ensure_ascii=False).encode()


def authorization(body: bytes, *, at: datetime, secret: bytes = SECRET, app_id: str = "yibao") -> dict[str, str]:
    signed = b"\n".join((b"POST", b"/sms/send", str(int(at.timestamp())).encode(), body))
    return {"Authorization": f"YB-HMAC-SM3 {app_id}:{hmac.new(secret, signed, 'sm3').hexdigest()}"}


async def send(sandbox: httpx.AsyncClient, at: datetime, message_id: str = "m-1", text: str = TEXT) -> int:
    body = body_of(message_id, text=text, at=at)
    answer = await sandbox.post("/sms/send", content=body, headers=authorization(body, at=at), timeout=None)
    return answer.status_code


async def inbox_of(sandbox: httpx.AsyncClient, phone: str = "") -> list[dict[str, str]]:
    answer = await sandbox.get("/sms/messages", params={"phone": phone} if phone else {})
    messages: list[dict[str, str]] = answer.json()["messages"]
    return messages


async def turn(sandbox: httpx.AsyncClient, mode: str, seconds: int = 0, counterpart: str = "sms") -> None:
    answer = await sandbox.put(f"/switches/{counterpart}", json={"mode": mode, "delay_seconds": seconds})
    assert answer.status_code == 200


async def test_a_signed_message_is_in_the_inbox_with_its_code_large(
    sandbox: httpx.AsyncClient, clock: WorldClock
) -> None:
    assert await send(sandbox, clock.at) == 200
    [message] = await inbox_of(sandbox)
    assert message == {
        "id": "m-1",
        "phone": PHONE,
        "text": TEXT,
        "code": "482913",
        "received_at": "2026-05-01T09:30:00+08:00",
    }
    page = await sandbox.get("/sms")
    assert '<p class="code">482913</p>' in page.text
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert "2026-05-01 09:30:00" in page.text


async def test_the_same_id_is_the_same_message_however_often_it_comes(
    sandbox: httpx.AsyncClient, clock: WorldClock
) -> None:
    assert await send(sandbox, clock.at) == 200
    clock.at += timedelta(hours=2)
    assert await send(sandbox, clock.at) == 200
    assert len(await inbox_of(sandbox)) == 1
    assert await send(sandbox, clock.at, text="另一条") == 409
    assert len(await inbox_of(sandbox)) == 1


async def test_a_forged_signature_is_refused_and_nothing_arrives(sandbox: httpx.AsyncClient, clock: WorldClock) -> None:
    body = body_of(at=clock.at)
    for headers in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "YB-HMAC-SM3 yibao:" + "0" * 64},
        authorization(body, at=clock.at, secret=b"another"),
        authorization(body, at=clock.at, app_id="another"),
        authorization(body + b" ", at=clock.at),
        authorization(body, at=clock.at + timedelta(seconds=1)),
    ):
        answer = await sandbox.post("/sms/send", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_wrong")
    assert await inbox_of(sandbox) == []


async def test_a_time_more_than_300_seconds_off_is_refused(sandbox: httpx.AsyncClient, clock: WorldClock) -> None:
    for seconds, status in ((-301, 401), (-300, 200), (300, 200), (301, 401)):
        assert await send(sandbox, clock.at + timedelta(seconds=seconds), f"m{seconds}") == status


MALFORMED = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{",
    b"[" * 5000,
    b'{"id": "m", "phone": "19900000001", "text": "x"}',
    b'{"id": "m", "phone": "19900000001", "text": "x", "time": 1e99}',
    b'{"id": "m", "phone": "19900000001", "text": "x", "time": -1}',
    b'{"id": "m", "phone": "19900000001", "text": "x", "time": true}',
    b'{"id": "m", "phone": "19900000001", "text": "", "time": 1}',
    b'{"id": "m", "phone": "19900000001", "text": "\\ud800", "time": 1}',
    b'{"id": "m\\n", "phone": "19900000001", "text": "x", "time": 1}',
    b'{"id": "m", "phone": "19900000001\\n", "text": "x", "time": 1}',
    b'{"id": "m", "phone": "1990000000a", "text": "x", "time": 1}',
    b'{"id": "m", "phone": "19900000001", "text": "x", "time": 1, "more": 1}',
]


async def test_a_malformed_message_is_refused(sandbox: httpx.AsyncClient) -> None:
    for body in MALFORMED:
        answer = await sandbox.post("/sms/send", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), body


async def test_the_inbox_shows_the_newest_first_and_one_phone_where_one_is_named(
    sandbox: httpx.AsyncClient, clock: WorldClock
) -> None:
    for number, phone in enumerate((PHONE, "19900000002", PHONE)):
        body = body_of(f"m-{number}", phone=phone, text=f"第 {number} 条", at=clock.at)
        await sandbox.post("/sms/send", content=body, headers=authorization(body, at=clock.at))
    assert [each["id"] for each in await inbox_of(sandbox)] == ["m-2", "m-1", "m-0"]
    assert [each["id"] for each in await inbox_of(sandbox, PHONE)] == ["m-2", "m-0"]
    page = (await sandbox.get("/sms", params={"phone": "19900000002"})).text
    assert "第 1 条" in page
    assert "第 2 条" not in page
    for wrong in ("1990000000a", "199' OR 1", "\x00", "9" * 21):
        assert (await sandbox.get("/sms", params={"phone": wrong})).status_code == 400
        assert (await sandbox.get("/sms/messages", params={"phone": wrong})).status_code == 400


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("验证码：1234", "1234"),
        ("您的验证码是12345678，请勿告诉他人", "12345678"),
        ("731942（登录验证码）", "731942"),
        ("2026年5月1日已在泸州结算 420.00 元", ""),
        ("验证码 123456789", ""),
    ],
)
def test_a_code_is_found_only_where_the_text_calls_it_one(text: str, code: str) -> None:
    assert Message("m", PHONE, text, datetime(2026, 5, 1, tzinfo=UTC)).code == code


def test_the_inbox_is_bounded_and_forgets_the_oldest() -> None:
    inbox = Inbox()
    for number in range(MESSAGES_MAX + 1):
        inbox.put(Message(f"m-{number}", PHONE, "x", datetime(2026, 5, 1, tzinfo=UTC)), copies=1)
    assert len(inbox.newest_first(None)) == MESSAGES_MAX
    assert inbox.find("m-0") is None
    assert inbox.find("m-1") is not None


async def test_text_is_shown_as_text(sandbox: httpx.AsyncClient, clock: WorldClock) -> None:
    await send(sandbox, clock.at, text="<script>alert(1)</script>")
    page = await sandbox.get("/sms")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(("mode", "status"), [("refuse", 403), ("busy", 503)])
async def test_told_to_refuse_or_be_busy_the_gateway_takes_nothing(
    sandbox: httpx.AsyncClient, clock: WorldClock, mode: str, status: int
) -> None:
    await turn(sandbox, mode)
    assert await send(sandbox, clock.at) == status
    assert await inbox_of(sandbox) == []
    await turn(sandbox, "agree")
    assert await send(sandbox, clock.at) == 200


async def test_told_to_lose_the_gateway_takes_the_message_and_the_retry_finds_it(
    sandbox: httpx.AsyncClient, clock: WorldClock
) -> None:
    await turn(sandbox, "lose")
    assert await send(sandbox, clock.at) == 504
    await turn(sandbox, "agree")
    assert await send(sandbox, clock.at) == 200
    assert len(await inbox_of(sandbox)) == 1


@pytest.mark.parametrize(("mode", "status"), [("delay", 200), ("lose", 504)])
async def test_an_answer_that_is_held_back_goes_when_the_switch_is_turned(
    sandbox: httpx.AsyncClient, clock: WorldClock, mode: str, status: int
) -> None:
    await turn(sandbox, mode, seconds=30)
    sending = asyncio.create_task(send(sandbox, clock.at))
    while (await sandbox.get("/switches/sms")).json()["held"] == 0:
        assert not sending.done()
    assert len(await inbox_of(sandbox)) == 1
    assert "正在推迟 1 个应答" in (await sandbox.get("/switches")).text
    await turn(sandbox, "agree")
    assert await sending == status


async def test_told_to_repeat_the_gateway_delivers_twice(sandbox: httpx.AsyncClient, clock: WorldClock) -> None:
    await turn(sandbox, "repeat")
    assert await send(sandbox, clock.at) == 200
    assert [each["id"] for each in await inbox_of(sandbox)] == ["m-1", "m-1"]


async def test_switches_are_turned_by_buttons_and_read_as_json(sandbox: httpx.AsyncClient) -> None:
    answer = await sandbox.post("/switches/sms", data={"mode": "lose", "delay_seconds": "7"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/switches")
    assert (await sandbox.get("/switches/sms")).json() == {"mode": "lose", "delay_seconds": 7, "held": 0}
    page = (await sandbox.get("/switches")).text
    assert "丢失应答</strong>，7 秒" in page
    assert "银联实名认证" in page


async def test_a_switch_is_not_turned_from_another_site_or_to_what_it_does_not_know(sandbox: httpx.AsyncClient) -> None:
    lose = {"mode": "lose", "delay_seconds": "1"}
    foreign = await sandbox.post("/switches/sms", data=lose, headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    own = await sandbox.post("/switches/sms", data=lose, headers={"Origin": str(sandbox.base_url).rstrip("/")})
    assert own.status_code == 303
    for wrong in ({}, {"mode": "x"}, {"mode": "delay", "delay_seconds": 31}, {"mode": "delay", "delay_seconds": -1}):
        assert (await sandbox.put("/switches/sms", json=wrong)).status_code == 400
        assert (await sandbox.post("/switches/sms", data=wrong)).status_code == 400
    assert (await sandbox.put("/switches/unionpay", json={"mode": "repeat"})).status_code == 400
    for request in ("PUT", "POST", "GET"):
        answer = await sandbox.request(request, "/switches/nobody", content=b'{"mode": "agree"}')
        assert answer.status_code in (400, 404)
    assert (await sandbox.get("/switches/sms")).json()["mode"] == "lose"


async def test_the_start_page_names_people_staff_and_doors(sandbox: httpx.AsyncClient, world: World) -> None:
    page = (await sandbox.get("/")).text
    assert "&lt;b&gt;特点&lt;/b&gt;" in page
    assert "泸州退休职工，个人账户余额为零。" in page
    assert world.institutions[0].staff[0].login in page
    assert DEMO_PASSWORD in page
    for link in ("/sms?phone=19900000001", "/switches", "http://127.0.0.1:1/"):
        assert f'href="{link}"' in page
    style = await sandbox.get("/sandbox.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_whatever_is_sent_the_sandbox_answers_4xx_and_stays_up(sandbox: httpx.AsyncClient) -> None:
    random = Random(20260501)
    bodies = [random.randbytes(random.randrange(1, 80)) for _ in range(40)]
    bodies += [b"mode=%ff", b"mode=agree&mode=agree&delay_seconds=", b"=&=", b"%", b"\x00", b"x" * 70_000]
    doors = (
        ("POST", "/sms/send"),
        ("PUT", "/switches/sms"),
        ("POST", "/switches/sms"),
        ("POST", "/gateway/api/backTransReq.do"),
    )
    kinds = (
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "text/plain; charset=x",
    )
    for method, path in doors:
        for body in bodies:
            headers = {b"Content-Type": random.choice(kinds).encode(), b"Authorization": "é".encode()}
            answer = await sandbox.request(method, path, content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (method, path, body)
    for path in ("/nothing", "/sms/nothing", "/switches/%2e%2e", "/switches/%ff", "/sandbox.css/..%2fapp.py"):
        assert (await sandbox.get(path)).status_code == 404
    assert (await sandbox.get("/sms")).status_code == 200
