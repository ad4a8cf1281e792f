"""The SMS gateway: takes signed messages and shows them in an inbox instead of sending them.

The protocol, which `yibao.service.message.sms` speaks from the other side:

    POST /sms/send
    Authorization: YB-HMAC-SM3 <appid>:<hex HMAC-SM3 over "POST\\n/sms/send\\n<time>\\n<body>">
    {"id": "…", "phone": "…", "text": "…", "time": <whole seconds since 1970, UTC>}

`time` is the instant of this attempt and may be 300 seconds off. The same id with the same phone and text is the same
message however often it comes. Answers: 200 taken; 400 malformed; 401 wrong signature or time; 403 refused by the
gateway; 409 the id belongs to another message; 503 busy; 504 no answer to be had.
"""

import hmac
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.exceptions import ClientException
from litestar.params import FromQuery, RawBody
from litestar.response import Template

from yibao.core.clock import BEIJING, Clock, local_text
from yibao.core.gm import hmac_sm3
from yibao.sandbox.switches import Counterpart, Mode, Switches, accepted

SKEW_MAX = timedelta(seconds=300)
MESSAGES_MAX = 1000  # The inbox is memory; the oldest messages fall out, and their ids with them.
PAGE_MESSAGES_MAX = 100
PAGE_PHONES_MAX = 20

COUNTERPART = Counterpart(
    name="sms",
    title="短信网关",
    modes={
        Mode.AGREE: "收下短信，立即可见",
        Mode.REFUSE: "拒绝发送（403），短信不会出现",
        Mode.BUSY: "网关繁忙（503），短信不会出现",
        Mode.DELAY: "短信立即可见，应答推迟",
        Mode.LOSE: "短信立即可见，应答丢失（推迟后 504）",
        Mode.REPEAT: "同一条短信送达两次",
    },
)

_PHONE = re.compile(r"\+?[0-9]{1,20}")
_AUTHORIZATION = re.compile(r"YB-HMAC-SM3 ([0-9A-Za-z_-]{1,64}):([0-9a-f]{64})")
_CODE = re.compile(r"验证码\D{0,10}([0-9]{4,8})(?![0-9])|(?<![0-9])([0-9]{4,8})\D{0,10}验证码")


class SmsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z._:-]{1,64}\Z")]
    phone: Annotated[str, msgspec.Meta(pattern=r"\A\+?[0-9]{5,20}\Z")]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    time: Annotated[int, msgspec.Meta(ge=0, le=99_999_999_999)]


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    phone: str
    text: str
    received_at: datetime

    @property
    def code(self) -> str:
        """The verification code in the text, empty where there is none."""
        found = _CODE.search(self.text)
        return (found[1] or found[2]) if found else ""

    @property
    def received_text(self) -> str:
        return local_text(self.received_at)


class Inbox:
    """The messages that phones would have received, the oldest first."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._by_id: dict[str, Message] = {}

    def find(self, message_id: str) -> Message | None:
        """Return the message that came under this id, None when none did or it has fallen out."""
        return self._by_id.get(message_id)

    def put(self, message: Message, *, copies: int) -> None:
        """Show the message as often as `copies` says."""
        self._by_id[message.id] = message
        for _ in range(copies):
            self._messages.append(message)
        while len(self._messages) > MESSAGES_MAX:
            self._by_id.pop(self._messages.popleft().id, None)

    def phones(self) -> list[str]:
        """Return the phones that have messages, the one with the newest first."""
        return list(dict.fromkeys(each.phone for each in reversed(self._messages)))

    def newest_first(self, phone: str | None) -> list[Message]:
        """Return the messages, those of one phone only where one is named."""
        return [each for each in reversed(self._messages) if phone is None or each.phone == phone]


class _Outcome(msgspec.Struct, frozen=True):
    code: str
    message: str


def _answer(status: int, code: str, message: str) -> Response[_Outcome]:
    return Response(_Outcome(code, message), status_code=status)


def sms_routes(*, inbox: Inbox, switches: Switches, app_id: str, secret: bytes, clock: Clock) -> Router:
    """Return the gateway and its inbox, under `/sms`."""

    def signature_fits(authorization: str | None, path: str, time: int, body: bytes) -> bool:
        given = _AUTHORIZATION.fullmatch(authorization or "")
        if given is None or given[1] != app_id:
            return False
        expected = hmac_sm3(secret, b"POST\n%b\n%d\n%b" % (path.encode(), time, body))
        return hmac.compare_digest(expected.hex(), given[2])

    @post("/send", status_code=200)
    async def send(body: RawBody, request: Request[Any, Any, Any]) -> Response[_Outcome]:
        try:
            wanted = accepted(body, SmsRequest)
        except ClientException:
            return _answer(400, "malformed", "报文格式不正确")
        if not signature_fits(request.headers.get("authorization"), request.scope["path"], wanted.time, body):
            return _answer(401, "signature_wrong", "签名不正确")
        at = clock()
        if abs(at.timestamp() - wanted.time) > SKEW_MAX.total_seconds():
            return _answer(401, "time_wrong", "时间与网关相差超过 300 秒")
        setting = switches.setting(COUNTERPART.name)
        if setting.mode is Mode.BUSY:
            return _answer(503, "busy", "网关繁忙，请稍后用同一编号重试")
        if setting.mode is Mode.REFUSE:
            return _answer(403, "refused", "网关拒绝发送这条短信")
        earlier = inbox.find(wanted.id)
        if earlier is None:
            copies = 2 if setting.mode is Mode.REPEAT else 1
            inbox.put(Message(wanted.id, wanted.phone, wanted.text, at), copies=copies)
        elif (earlier.phone, earlier.text) != (wanted.phone, wanted.text):
            return _answer(409, "id_taken", "这个编号属于另一条短信")
        if not await switches.hold(COUNTERPART.name, setting):
            return _answer(504, "lost", "没有应答")
        return _answer(200, "taken", "已收下")

    def chosen(phone: str | None) -> str | None:
        if not phone:
            return None
        if not _PHONE.fullmatch(phone):
            raise ClientException("手机号只含数字。")
        return phone

    @get("/")
    async def page(phone: FromQuery[str | None] = None) -> Template:
        only = chosen(phone)
        # The filter is a row of links: the page renews itself too often for anyone to type a number into it.
        return Template(
            "sms.html",
            context={
                "messages": inbox.newest_first(only)[:PAGE_MESSAGES_MAX],
                "phone": only,
                "phones": [each for each in inbox.phones() if each != only][:PAGE_PHONES_MAX],
            },
        )

    @get("/messages")
    async def messages(phone: FromQuery[str | None] = None) -> dict[str, list[dict[str, str]]]:
        return {
            "messages": [
                {
                    "id": each.id,
                    "phone": each.phone,
                    "text": each.text,
                    "code": each.code,
                    "received_at": each.received_at.astimezone(BEIJING).isoformat(timespec="seconds"),
                }
                for each in inbox.newest_first(chosen(phone))
            ]
        }

    return Router("/sms", route_handlers=[send, page, messages])
