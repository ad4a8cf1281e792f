"""Channels that lead to the platform: WeChat, Alipay, the city's and the state's apps, the apps of banks.

Each is a page like that on a phone, with the menus that its announcement names. Whoever is chosen on it is signed in
there with a phone, with or without a real name and a bank card of their own. A tap on a menu makes the channel's server
ask the platform for a ticket, in a call signed with the channel's own SM2 key (`POST /api/channel/entries`), and leads
the browser to it. The private keys stay here; the platform is given the public ones.

A channel takes messages for its users:

    POST /channels/<channel>/messages
    Authorization: YB-HMAC-SM3 <appid>:<hex HMAC-SM3 over "POST\\n/channels/<channel>/messages\\n<time>\\n<body>">
    X-YB-Time: <whole seconds since 1970, UTC>
    {"user": "…", "title": "…", "body": "…", "href": "/…"}

Answers: 200 taken; 400 malformed; 401 wrong signature or time; 404 no such channel or user. The same message to the
same user is shown once.
"""

import hmac
import os
import secrets
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
import msgspec
from litestar import Request, Response, Router, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, RawBody
from litestar.response import Redirect, Template

from yibao.core.clock import Clock, local_text
from yibao.core.gm import Signer, hmac_sm3, sm3
from yibao.sandbox.sms import SKEW_MAX
from yibao.sandbox.switches import accepted
from yibao.sandbox.world import Person

ENTRIES = "/api/channel/entries"
UNBINDINGS = "/api/channel/unbindings"
MESSAGES_MAX = 500


@dataclass(frozen=True, slots=True)
class Entrance:
    """A way to the platform as the channel's announcement names it, from the first tap to the last."""

    way: tuple[str, ...]
    menu: str  # Which of the platform's pages.


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it applied to the agency, and what its page shows."""

    code: str
    name: str
    kind: str
    hotline: str
    entrances: tuple[Entrance, ...]
    own_bank_card: bool = False
    functions: tuple[str, ...] = ("activate", "show_code", "unbind", "family", "pay", "query")


def _ways(*told: tuple[str, str]) -> tuple[Entrance, ...]:
    return tuple(Entrance(tuple(way.split(" › ")), menu) for way, menu in told)


_ACCOUNT = (
    ("公众号菜单 › 医保凭证", "code"),
    ("公众号菜单 › 医保电子凭证激活", "activate"),
)
_BANK = (
    ("生活 › 医疗健康 › 医保电子凭证", "code"),
    ("生活 › 医疗健康 › 医保电子凭证 › 去激活", "activate"),
    ("我的 › 卡包 › 医保电子凭证 › 解绑", "unbind"),
    ("生活 › 医疗健康 › 医保电子凭证 › 亲情账户", "family"),
)

# The hotlines are invented, as all numbers of this world are; real ones must not be called from a demonstration.
CHANNELS = (
    Channel(
        "wechat",
        "微信",
        "wechat",
        "990-0001",
        _ways(
            ("我 › 服务 › 医疗健康 › 我的医保", "code"),
            ("我的医保电子凭证 › 去激活", "activate"),
            ("我 › 支付 › 腾讯健康 › 我的", "unbind"),
            ("我 › 支付 › 腾讯健康 › 亲情账户", "family"),
            ("我 › 支付 › 腾讯健康 › 待缴费", "bills"),
            *_ACCOUNT,
        ),
    ),
    Channel(
        "alipay",
        "支付宝",
        "alipay",
        "990-0002",
        _ways(
            ("市民中心 › 医保 › 医保电子凭证", "code"),
            ("市民中心 › 医保 › 医保电子凭证 › 同意协议并激活", "activate"),
            ("卡包 › 医保电子凭证", "code"),
            ("卡包 › 医保电子凭证 › 设置 › 解绑", "unbind"),
            ("市民中心 › 医保 › 亲情账户", "family"),
            ("市民中心 › 医保 › 待缴费", "bills"),
        ),
    ),
    Channel(
        "nhsa",
        "国家医保服务平台",
        "national",
        "990-0003",
        _ways(
            ("首页 › 医保电子凭证", "code"),
            ("首页 › 医保电子凭证 › 激活", "activate"),
            ("我的 › 亲情账户", "family"),
            ("我的 › 设置 › 医保电子凭证解绑", "unbind"),
            ("查询 › 消费记录", "records"),
        ),
    ),
    Channel(
        "jiangsu",
        "江苏医保云",
        "province",
        "990-0004",
        _ways(
            ("首页 › 医保电子凭证", "code"),
            ("首页 › 医保电子凭证 › 激活", "activate"),
            ("我的 › 医保电子凭证解绑", "unbind"),
            ("我的 › 亲情账户", "family"),
            ("服务 › 参保查询", "insurance"),
        ),
    ),
    Channel(
        "nantong",
        "南通医保",
        "city",
        "990-0005",
        _ways(
            *_ACCOUNT,
            ("医保服务 › 医保电子凭证解绑", "unbind"),
            ("医保服务 › 亲情账户", "family"),
            ("医保服务 › 待缴费", "bills"),
            ("医保服务 › 消费记录", "records"),
        ),
    ),
    Channel(
        "suishenban",
        "随申办",
        "city",
        "990-0006",
        _ways(
            ("首页 › 医保电子凭证", "code"),
            ("亮证 › 随申码 › 医保码", "code"),
            ("办事 › 医保专栏 › 医保电子凭证激活", "activate"),
            ("我的 › 我的卡包 › 医保电子凭证", "unbind"),
            ("亲属随申码 › 儿童医保电子码", "family"),
        ),
    ),
    Channel(
        "anhui",
        "安徽医保公共服务",
        "province",
        "990-0007",
        _ways(
            ("首页 › 医保码", "code"),
            ("首页 › 医保码 › 激活", "activate"),
            ("我的 › 医保码 › 解绑", "unbind"),
            ("我的 › 添加我的家庭成员", "family"),
            ("公共服务", "services"),
        ),
    ),
    Channel("cmb", "招商银行", "bank", "990-0008", _ways(*_BANK), own_bank_card=True),
    Channel("abc", "农业银行", "bank", "990-0009", _ways(*_BANK), own_bank_card=True),
    Channel("ccb", "建设银行", "bank", "990-0010", _ways(*_BANK), own_bank_card=True),
    Channel("bocom", "交通银行", "bank", "990-0011", _ways(*_BANK), own_bank_card=True),
    Channel("ntrcb", "南通农商银行", "bank", "990-0012", _ways(*_BANK), own_bank_card=True),
)


def ensure_keys(folder: Path) -> dict[str, Signer]:
    """Make each channel's SM2 key at the first call, mode 0600, and return them; later calls return the same."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {channel.code: _ensure_key(folder / f"{channel.code}.key") for channel in CHANNELS}


def _ensure_key(path: Path) -> Signer:
    if not path.exists():
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(Signer.generate().private.hex())
        try:
            os.link(part, path)  # Of two that start together, the first one's key counts.
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return Signer(bytes.fromhex(path.read_text("ascii")))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in to a channel, and what the channel knows of them."""

    person: Person
    named: bool
    has_card: bool

    @property
    def query(self) -> dict[str, str]:
        return {"who": self.person.phone, "named": str(int(self.named)), "card": str(int(self.has_card))}


class ChannelDesk:
    """The channels' servers: they sign calls to the platform. Both addresses are known once both run.

    `home` is where these pages stand, as it was registered: people are led back to no other address.
    """

    def __init__(self, *, keys: Mapping[str, Signer], platform: str = "", home: str = "") -> None:
        self.keys = keys
        self.platform = platform
        self.home = home

    async def call(self, channel: str, path: str, body: Mapping[str, object], *, time: int) -> httpx.Response:
        """Make a signed call."""
        content, nonce = msgspec.json.encode(body), secrets.token_hex(16)
        signer = self.keys[channel]
        text = "\n".join(("POST", path, str(time), nonce, sm3(content).hex())).encode()
        key_id = sm3(signer.public).hex()[:16]
        authorization = f"YB-SM2 {channel}:{key_id}:{time}:{nonce}:{signer.sign(text).hex()}"
        async with httpx.AsyncClient(base_url=self.platform, trust_env=False, timeout=10) as client:
            return await client.post(
                path, content=content, headers={"Authorization": authorization, "Content-Type": "application/json"}
            )


def user_of(channel: str, person: Person) -> str:
    """Return by what name a channel knows somebody: another one in each channel, as in life."""
    return sm3(f"{channel}:{person.person_id}".encode()).hex()[:28]


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    body: Annotated[str, msgspec.Meta(max_length=1000)]
    href: Annotated[str, msgspec.Meta(max_length=500, pattern=r"\A(/[^/\\].*|/)?\Z")] = ""


@dataclass(frozen=True, slots=True)
class _Received:
    note: _Note
    at: str


class _Outcome(msgspec.Struct, frozen=True):
    code: str
    message: str


def _answer(status: int, code: str, message: str) -> Response[_Outcome]:
    return Response(_Outcome(code, message), status_code=status)


def channel_routes(*, desk: ChannelDesk, people: Iterable[Person], app_id: str, secret: bytes, clock: Clock) -> Router:
    """Return the channels' pages and inboxes, under `/channels`."""
    channels = {channel.code: channel for channel in CHANNELS}
    by_phone = {person.phone: person for person in people}
    told: Sequence[Person] = [person for person in by_phone.values() if person.special]
    inboxes: dict[str, deque[_Received]] = {code: deque(maxlen=MESSAGES_MAX) for code in channels}
    users = {(code, user_of(code, person)): person for code in channels for person in by_phone.values()}

    def channel_of(code: str) -> Channel:
        if code not in channels:
            raise NotFoundException("没有这个渠道。")
        return channels[code]

    def visitor_of(request: Request[Any, Any, Any]) -> Visitor | None:
        query = request.query_params
        person = by_phone.get(query.get("who", ""))
        if person is None:
            return None
        return Visitor(person, named=query.get("named", "1") == "1", has_card=query.get("card", "1") == "1")

    @get("/")
    async def everywhere() -> Template:
        return Template("channels.html", context={"channels": CHANNELS})

    @get("/{code:str}")
    async def home(request: Request[Any, Any, Any], code: FromPath[str]) -> Template:
        channel = channel_of(code)
        visitor = visitor_of(request)
        messages = [
            each for each in reversed(inboxes[code]) if visitor and each.note.user == user_of(code, visitor.person)
        ]
        return Template(
            "channel.html",
            context={
                "channel": channel,
                "visitor": visitor,
                "people": told,
                "query": urlencode(visitor.query) if visitor else "",
                "messages": messages,
                "platform": desk.platform,
            },
        )

    @get("/{code:str}/go/{number:int}")
    async def go(request: Request[Any, Any, Any], code: FromPath[str], number: FromPath[int]) -> Redirect | Template:
        channel, visitor = channel_of(code), visitor_of(request)
        if visitor is None or not 0 <= number < len(channel.entrances):
            raise ClientException("请先在渠道页面上选择登录的人。")
        person = visitor.person
        body: dict[str, object] = {
            "user": user_of(code, person),
            "phone": person.phone,
            "own_bank_card": visitor.has_card,
            "menu": channel.entrances[number].menu,
            "back": f"{desk.home}/channels/{code}?{urlencode(visitor.query)}",
        }
        if visitor.named:
            body["real_name"] = {"name": person.name, "cert_type": person.cert_type, "cert_no": person.cert_no}
        try:
            answer = await desk.call(code, ENTRIES, body, time=int(clock().timestamp()))
        except httpx.HTTPError:
            return Template("channel_refused.html", context={"channel": channel, "told": {}}, status_code=502)
        if answer.status_code != 201:
            return Template(
                "channel_refused.html", context={"channel": channel, "told": answer.json()}, status_code=502
            )
        return Redirect(desk.platform + answer.json()["path"], status_code=303)

    @post("/{code:str}/hotline", status_code=200)
    async def hotline(code: FromPath[str], body: RawBody, request: Request[Any, Any, Any]) -> Template:
        """Do what the channel's hotline does for a caller who has lost the phone."""
        channel, visitor = channel_of(code), visitor_of(request)
        if visitor is None:
            raise ClientException("请先在渠道页面上选择登录的人。")
        asked = {"user": user_of(code, visitor.person), "reason": "来电称手机丢失，已核对身份"}
        try:
            answer = await desk.call(code, UNBINDINGS, asked, time=int(clock().timestamp()))
            said = answer.json()
        except httpx.HTTPError:
            said = {}
        return Template(
            "channel_refused.html",
            context={"channel": channel, "told": said},
            status_code=200 if "unbound" in said else 502,
        )

    @post("/{code:str}/messages", status_code=200)
    async def take(code: FromPath[str], body: RawBody, request: Request[Any, Any, Any]) -> Response[_Outcome]:
        if code not in channels:
            return _answer(404, "unknown", "没有这个渠道")
        time = request.headers.get("x-yb-time", "")
        if not (time.isascii() and time.isdigit() and len(time) <= 11):
            return _answer(401, "time_wrong", "没有时间")
        expected = hmac_sm3(secret, b"POST\n%b\n%b\n%b" % (request.scope["path"].encode(), time.encode(), body))
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(f"YB-HMAC-SM3 {app_id}:{expected.hex()}".encode(), given.encode("latin-1")):
            return _answer(401, "signature_wrong", "签名不正确")
        at = clock()
        if abs(at.timestamp() - int(time)) > SKEW_MAX.total_seconds():
            return _answer(401, "time_wrong", "时间与渠道相差超过 300 秒")
        try:
            note = accepted(body, _Note)
        except ClientException:
            return _answer(400, "malformed", "报文格式不正确")
        if (code, note.user) not in users:
            return _answer(404, "unknown", "没有这个用户")
        if all(each.note != note for each in inboxes[code]):
            inboxes[code].append(_Received(note, local_text(at)))
        return _answer(200, "taken", "已收下")

    @get("/{code:str}/messages")
    async def messages(code: FromPath[str]) -> dict[str, list[dict[str, str]]]:
        channel_of(code)
        return {
            "messages": [
                {"phone": users[code, each.note.user].phone, **msgspec.structs.asdict(each.note)}
                for each in reversed(inboxes[code])
            ]
        }

    return Router("/channels", route_handlers=[everywhere, home, go, hotline, take, messages])
