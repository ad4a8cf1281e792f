"""The way a message reaches somebody inside a channel, such as a service notice in WeChat (D13).

One gateway stands before all channels, as one stands before all phones; what it says of a channel's user is the
channel's word. Silence is asked again: a channel shows the same message to the same user once.
"""

from datetime import datetime
from typing import ClassVar, Protocol

import msgspec
import structlog

from yibao.core.partner import NoAnswer, Partner
from yibao.core.refusal import Refusal

_log = structlog.get_logger(__name__)


class ChannelUnknown(Refusal):
    """The channel was silent, busy or broken: ask again later."""

    code = "message.channel_unknown"
    status = 503
    title = "渠道暂时没有回应"
    detail = "消息可能已经送达，也可能没有。"
    hint = "稍后重发，渠道对同一用户只显示一次。"
    remedy = "请在本平台的「消息」中查看。"


class ChannelMessages(Protocol):
    """Takes messages for the users of channels."""

    async def send(self, *, channel: str, user: str, title: str, body: str, href: str, at: datetime) -> bool:
        """Hand one message over; False if the channel refuses it. Refusals: ChannelUnknown."""


class HttpChannelMessages:
    """The gateway over HTTP."""

    PATH: ClassVar = "/channels/{channel}/messages"

    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    async def send(self, *, channel: str, user: str, title: str, body: str, href: str, at: datetime) -> bool:
        content = msgspec.json.encode({"user": user, "title": title, "body": body, "href": href})
        try:
            answer = await self._partner.post(
                self.PATH.format(channel=channel), content, marks={"X-YB-Time": str(int(at.timestamp()))}
            )
        except NoAnswer:
            raise ChannelUnknown from None
        if 400 <= answer.status_code < 500:
            _log.warning("message.channel_refused", channel=channel, status=answer.status_code)
            return False
        if answer.status_code != 200:
            raise ChannelUnknown
        return True


class NoChannelMessages:
    """No gateway: channels show nothing of their own, and the message says so by not naming them."""

    async def send(self, *, channel: str, user: str, title: str, body: str, href: str, at: datetime) -> bool:
        return False
