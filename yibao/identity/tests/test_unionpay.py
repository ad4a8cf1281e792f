"""Our side of real-name authentication by the bank, against the sandbox's UnionPay over a real socket.

A middleman stands between the two where an answer has to be forged on its way.
"""

import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from litestar import Litestar, MediaType, Response, post
from litestar.params import RawBody
from structlog.testing import capture_logs

from yibao.identity.unionpay import (
    Agreed,
    Differs,
    Element,
    UnionPayCredentials,
    UnionPayRealName,
    Unknown,
    Unsupported,
    Verdict,
)
from yibao.sandbox.app import StartPage, create_app, serving
from yibao.sandbox.unionpay import UnionPayKeys, ensure_keys
from yibao.sandbox.world import Person, World, build

AT = datetime(2026, 5, 1, 1, 30, tzinfo=UTC)
DOOR = "/gateway/api/backTransReq.do"


@pytest.fixture(scope="module")
def unionpay_keys(tmp_path_factory: pytest.TempPathFactory) -> UnionPayKeys:
    return ensure_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def credentials(unionpay_keys: UnionPayKeys) -> UnionPayCredentials:
    return UnionPayCredentials.from_folder(unionpay_keys.merchant_folder)


@pytest.fixture(scope="module")
def world() -> World:
    return build(people=30, on=date(2026, 5, 1))


@dataclass
class Bank:
    url: str
    client: httpx.AsyncClient
    credentials: UnionPayCredentials

    def adapter(self, *, url: str = "", timeout_seconds: float = 20) -> UnionPayRealName:
        return UnionPayRealName(
            client=self.client, url=url or self.url, credentials=self.credentials, timeout_seconds=timeout_seconds
        )

    async def turn(self, mode: str, seconds: int = 0) -> None:
        switch = {"mode": mode, "delay_seconds": seconds}
        answer = await self.client.put(f"{self.url}/switches/unionpay", json=switch)
        assert answer.status_code == 200


@asynccontextmanager
async def bank_of(unionpay_keys: UnionPayKeys, credentials: UnionPayCredentials, world: World) -> AsyncIterator[Bank]:
    app = create_app(
        people=world.people, start_page=StartPage((), ""), sms_secret=b"not used here", unionpay_keys=unionpay_keys
    )
    async with serving(app) as url, httpx.AsyncClient() as client:
        yield Bank(url, client, credentials)


@pytest.fixture
async def bank(unionpay_keys: UnionPayKeys, credentials: UnionPayCredentials, world: World) -> AsyncIterator[Bank]:
    async with bank_of(unionpay_keys, credentials, world) as each:
        yield each


async def ask(
    real_name: UnionPayRealName, person: Person, *, order_id: str = "order00000001", at: datetime = AT, **changes: Any
) -> Verdict:
    elements = {
        "name": person.name,
        "cert_type": person.cert_type,
        "cert_no": person.cert_no,
        "bank_card": person.bank_card,
        "phone": person.bank_phone,
    }
    return await real_name.verify(order_id=order_id, at=at, **(elements | changes))


def unchanged(text: str) -> str:
    return text


@dataclass
class Middleman:
    """Stands between the two, changes each answer, and keeps what passed: requests and answers as they came."""

    url: str = ""
    change: Callable[[str], str] = unchanged
    seen: list[str] = field(default_factory=list)


@pytest.fixture
async def middleman(bank: Bank) -> AsyncIterator[Middleman]:
    between = Middleman()

    @post(DOOR, media_type=MediaType.TEXT)
    async def pass_on(body: RawBody) -> Response[str]:
        answer = await bank.client.post(bank.url + DOOR, content=body)
        between.seen.extend((body.decode(), answer.text))
        return Response(between.change(answer.text), status_code=answer.status_code, media_type=MediaType.TEXT)

    async with serving(Litestar([pass_on], openapi_config=None)) as url:
        between.url = url
        yield between


def resigned(unionpay_keys: UnionPayKeys, text: str, **changes: str) -> str:
    """Return an answer as UnionPay would have signed it, had it said something else."""
    fields = {name: value for name, _, value in (part.partition("=") for part in text.split("&"))} | changes
    plain = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
    signature = unionpay_keys.signing_key.sign(sha256(plain.encode()).hexdigest().encode(), PKCS1v15(), SHA256())
    return f"{plain}&signature={base64.b64encode(signature).decode()}"


async def test_everybody_whose_four_elements_agree_is_agreed(bank: Bank, world: World) -> None:
    """A2, A10: foreigners and residents of Hong Kong and Taiwan too."""
    for person in world.people:
        verdict = await ask(bank.adapter(), person, order_id=f"order{person.person_id}")
        assert verdict == Agreed(), person.special


async def test_the_element_that_differs_is_named(bank: Bank, world: World) -> None:
    person, other = world.people[0], world.people[1]
    cases: tuple[tuple[dict[str, Any], Element], ...] = (
        ({"name": other.name}, "name"),
        ({"cert_no": other.cert_no}, "cert"),
        ({"cert_type": "08"}, "cert"),
        ({"bank_card": "6229990000000000000"}, "card"),
        ({"phone": other.bank_phone}, "phone"),
    )
    for number, (changes, element) in enumerate(cases):
        assert await ask(bank.adapter(), person, order_id=f"order{number:08}", **changes) == Differs(element)


async def test_an_element_no_bank_can_hold_differs_without_being_sent(
    bank: Bank, middleman: Middleman, world: World
) -> None:
    """A name with separators would rewrite the certificate beside it."""
    person, other = world.people[0], world.people[1]
    injected = f"{other.name}&certifId={person.cert_no}&customerNm={person.name}"
    cases: tuple[tuple[dict[str, Any], Element], ...] = (
        ({"name": injected}, "name"),
        ({"name": ""}, "name"),
        ({"name": "名\ud800"}, "name"),
        ({"cert_no": "1&2=3"}, "cert"),
        ({"bank_card": "6" * 300}, "card"),
        ({"bank_card": "卡"}, "card"),
        ({"phone": "1990000000&cvn2=1"}, "phone"),
    )
    for changes, element in cases:
        assert await ask(bank.adapter(url=middleman.url), person, **changes) == Differs(element)
    assert middleman.seen == []


async def test_an_order_number_that_unionpay_cannot_take_is_our_own_error(bank: Bank, world: World) -> None:
    for wrong in ("short", "with-hyphens-inside", "x" * 41, "订单号订单号订单号"):
        with pytest.raises(ValueError, match="order number"):
            await ask(bank.adapter(), world.people[0], order_id=wrong)


async def test_neither_card_nor_phone_travels_in_the_open(bank: Bank, middleman: Middleman, world: World) -> None:
    """B15."""
    person = world.cast("other_bank_phone")
    assert await ask(bank.adapter(url=middleman.url), person) == Agreed()
    for passed in middleman.seen:
        assert person.bank_card not in passed
        assert person.bank_phone not in passed


async def test_a_bank_that_declines_the_card_is_unsupported(bank: Bank, world: World) -> None:
    await bank.turn("refuse")
    assert await ask(bank.adapter(), world.people[0]) == Unsupported()


async def test_a_busy_bank_is_unknown_and_the_same_order_succeeds_later(bank: Bank, world: World) -> None:
    await bank.turn("busy")
    assert await ask(bank.adapter(), world.people[0]) == Unknown()
    await bank.turn("agree")
    assert await ask(bank.adapter(), world.people[0]) == Agreed()


async def test_a_lost_answer_is_unknown_and_the_same_order_is_answered_later(bank: Bank, world: World) -> None:
    await bank.turn("lose")
    assert await ask(bank.adapter(), world.people[0]) == Unknown()
    await bank.turn("agree")
    assert await ask(bank.adapter(), world.people[0]) == Agreed()


@pytest.mark.parametrize("mode", ["delay", "lose"])
async def test_an_answer_that_does_not_come_in_time_is_unknown(bank: Bank, world: World, mode: str) -> None:
    await bank.turn(mode, seconds=30)
    assert await ask(bank.adapter(timeout_seconds=0.2), world.people[0]) == Unknown()
    await bank.turn("agree")
    assert await ask(bank.adapter(), world.people[0]) == Agreed()


async def test_a_delayed_answer_within_the_time_is_an_answer(bank: Bank, world: World) -> None:
    await bank.turn("delay", seconds=0)
    assert await ask(bank.adapter(), world.people[0]) == Agreed()


async def test_the_same_order_for_other_elements_is_unknown(bank: Bank, world: World) -> None:
    assert await ask(bank.adapter(), world.people[0]) == Agreed()
    assert await ask(bank.adapter(), world.people[1]) == Unknown()


async def test_an_answer_altered_on_its_way_is_unknown(bank: Bank, middleman: Middleman, world: World) -> None:
    for change in (
        lambda text: text.replace("respCode=66", "respCode=00"),
        lambda text: text.replace("姓名不符", "手机号不符"),
        lambda text: text + "&respCode=00",
        lambda text: text + "&extra=1",
        lambda text: re.sub("signature=[^&]*", "signature=AAAA", text),
        lambda text: re.sub("signature=[^&]*", "signature=*", text),
        lambda text: re.sub("&signature=[^&]*", "", text),
        lambda text: re.sub("&signPubKeyCert=[^&]*", "", text),
        lambda text: re.sub("signPubKeyCert=[^&]*", "signPubKeyCert=x", text),
        lambda text: "",
        lambda text: "respCode=00",
        lambda text: "{" * 10_000,
        lambda text: "<html>系统维护</html>",
    ):
        middleman.change = change
        assert await ask(bank.adapter(url=middleman.url), world.people[0], name="别人") == Unknown()


async def test_a_genuine_answer_to_another_order_is_unknown(bank: Bank, middleman: Middleman, world: World) -> None:
    kept: list[str] = []

    def replay(text: str) -> str:
        kept.append(text)
        return kept[0]

    middleman.change = replay
    real_name = bank.adapter(url=middleman.url)
    assert await ask(real_name, world.people[0], order_id="order00000001") == Agreed()
    assert await ask(real_name, world.people[0], order_id="order00000002", name="别人") == Unknown()


async def test_every_code_of_the_bank_has_its_verdict(
    bank: Bank, middleman: Middleman, unionpay_keys: UnionPayKeys, world: World
) -> None:
    """Many banks say with 66 only that identity or phone differ; what neither agrees nor declines stays open."""
    base = "持卡人身份信息或手机号输入不正确，验证失败"
    for code, message, verdict in (
        ("00", "成功[0000000]", Agreed()),
        ("61", "输入的卡号无效，请确认后输入", Differs("card")),
        ("66", base, Differs(None)),
        ("66", f"{base}[6100066]", Differs(None)),
        ("66", f"{base}[姓名或证件不符]", Differs(None)),
        ("66", f"{base}[证件号码不一致]", Differs("cert")),
        *((declined, "", Unsupported()) for declined in ("30", "60", "62", "63", "68", "72", "73", "76", "77", "78")),
        *((unclear, "", Unknown()) for unclear in ("01", "03", "05", "06", "12", "34", "37", "99", "A6", "", "000")),
    ):
        middleman.change = partial(resigned, unionpay_keys, respCode=code, respMsg=message)
        assert await ask(bank.adapter(url=middleman.url), world.people[0]) == verdict, (code, message)


async def test_an_answer_signed_by_anybody_else_is_unknown(
    unionpay_keys: UnionPayKeys,
    credentials: UnionPayCredentials,
    world: World,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    stranger = ensure_keys(tmp_path_factory.mktemp("stranger"))
    impostors = {
        "a stranger with a chain of their own": replace(
            unionpay_keys, signing_key=stranger.signing_key, signing_certificate=stranger.signing_certificate
        ),
        "a stranger who shows UnionPay's certificate": replace(unionpay_keys, signing_key=stranger.signing_key),
        "a merchant certified by the same authority": replace(
            unionpay_keys, signing_key=credentials.merchant_key, signing_certificate=unionpay_keys.merchant_certificate
        ),
    }
    for who, impostor in impostors.items():
        async with bank_of(impostor, credentials, world) as bank:
            assert await ask(bank.adapter(), world.people[0]) == Unknown(), who


async def test_a_certificate_out_of_date_is_unknown(bank: Bank, world: World) -> None:
    assert await ask(bank.adapter(), world.people[0], at=datetime(2100, 1, 2, tzinfo=UTC)) == Unknown()


async def test_a_request_that_we_did_not_sign_gets_no_verdict(
    unionpay_keys: UnionPayKeys, credentials: UnionPayCredentials, world: World
) -> None:
    forged = replace(credentials, merchant_key=generate_private_key(public_exponent=65537, key_size=2048))
    async with bank_of(unionpay_keys, forged, world) as bank:
        assert await ask(bank.adapter(), world.people[0]) == Unknown()


@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [
        (500, {}, b"broken"),
        (302, {"Location": "/elsewhere"}, b""),
        (200, {"Content-Encoding": "gzip"}, b"not compressed"),
        (200, {}, b"\xff\xfe\xff"),
    ],
)
async def test_an_answer_of_another_kind_is_unknown(
    credentials: UnionPayCredentials, world: World, status: int, headers: dict[str, str], content: bytes
) -> None:
    @post(DOOR)
    async def answer() -> Response[Any]:
        return Response(content, status_code=status, headers=headers, media_type="application/octet-stream")

    async with serving(Litestar([answer], openapi_config=None)) as url, httpx.AsyncClient() as client:
        assert await ask(Bank(url, client, credentials).adapter(), world.people[0]) == Unknown()


async def test_a_counterpart_that_is_not_there_is_unknown(bank: Bank, world: World) -> None:
    assert await ask(bank.adapter(url="http://127.0.0.1:1"), world.people[0]) == Unknown()


async def test_the_log_names_reasons_and_never_people(bank: Bank, middleman: Middleman, world: World) -> None:
    person = world.people[0]
    with capture_logs() as logs:
        await bank.turn("busy")
        await ask(bank.adapter(), person)
        await bank.turn("lose")
        await ask(bank.adapter(), person)
        await bank.turn("agree")
        middleman.change = lambda text: ""
        await ask(bank.adapter(url=middleman.url), person)
    assert [each["event"] for each in logs] == [
        "unionpay.undecided",
        "unionpay.no_answer",
        "unionpay.answer_not_genuine",
    ]
    for personal in (person.name, person.cert_no, person.bank_card, person.bank_phone):
        assert personal not in str(logs)
