"""The way a text message leaves the house.

A gateway that is silent may have sent the message, so silence is not failure: the caller asks again later with the same
id, and the gateway knows a message by its id. Only a refusal ends it.
"""

from datetime import datetime
from typing import ClassVar, Protocol

import msgspec
import structlog

from yibao.core.partner import NoAnswer, Partner
from yibao.core.refusal import Refusal

_log = structlog.get_logger(__name__)


class SmsUnknown(Refusal):
    """The gateway was silent, busy or broken: ask again later with the same id."""

    code = "message.sms_unknown"
    status = 503
    title = "短信通道暂时没有回应"
    detail = "短信可能已经发出，也可能没有。"
    hint = "用同一编号稍后重发，不会重复送达。"
    remedy = "请等候一分钟；仍未收到短信时再次获取。"


class SmsRefused(Refusal):
    """The gateway said no: the same message will not be taken however often it is sent."""

    code = "message.sms_refused"
    status = 502
    title = "短信未能发出"
    detail = "短信通道拒绝发送（答复 {answer}）。"
    hint = "401 时核对短信通道的密钥与本机时间；其他答复请向短信通道查询。"
    remedy = "请核对手机号；号码无误时请换一种验证方式，或拨打当地医保服务热线。"


class SmsGateway(Protocol):
    """Takes messages for phones."""

    async def send(self, *, message_id: str, phone: str, text: str, at: datetime) -> None:
        """Hand one message to the gateway; the same `message_id` again is the same message. `at` is this attempt's.

        Raises:
            SmsRefused, SmsUnknown
        """


class HttpSms:
    """The gateway over HTTP."""

    PATH: ClassVar = "/sms/send"

    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    async def send(self, *, message_id: str, phone: str, text: str, at: datetime) -> None:
        time = int(at.timestamp())
        body = msgspec.json.encode({"id": message_id, "phone": phone, "text": text, "time": time})
        try:
            answer = await self._partner.post(self.PATH, body, marks={"X-YB-Time": str(time)})
        except NoAnswer:
            raise SmsUnknown from None
        if 400 <= answer.status_code < 500:
            raise SmsRefused(answer=answer.status_code)
        if answer.status_code != 200:
            raise SmsUnknown


class NullSms:
    """Sends nothing and says so in the log. For development only."""

    def __init__(self) -> None:
        _log.warning("sms.null_gateway", note="no message leaves this machine; for development only")

    async def send(self, *, message_id: str, phone: str, text: str, at: datetime) -> None:
        _log.warning("sms.not_sent", message_id=message_id)
