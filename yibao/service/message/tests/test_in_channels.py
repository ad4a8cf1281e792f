"""A message inside the channels that a person uses, against the sandbox's channels as they are shipped (D13)."""

from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest

from yibao.core.clock import day_of
from yibao.core.partner import Partner
from yibao.sandbox import channels, world
from yibao.sandbox.app import serving
from yibao.service.message.in_channels import ChannelUnknown, HttpChannelMessages, NoChannelMessages

SECRET = b"s" * 32
TOLD = {"title": "医保码已激活", "body": "一部手机上激活了您的医保码。", "href": "/code"}


@pytest.fixture
def person(at: datetime) -> world.Person:
    return world.build(people=3, on=day_of(at)).people[0]


@pytest.fixture
async def gateway(person: world.Person, at: datetime) -> AsyncIterator[str]:
    from litestar import Litestar

    routes = channels.channel_routes(
        desk=channels.ChannelDesk(keys={}), people=[person], app_id="yibao", secret=SECRET, clock=lambda: at
    )
    async with serving(Litestar([routes], openapi_config=None)) as address:
        yield address


async def test_a_message_is_shown_once_in_the_channel_to_its_user_alone(
    gateway: str, person: world.Person, at: datetime
) -> None:
    user = channels.user_of("wechat", person)
    async with httpx.AsyncClient(trust_env=False) as client:
        sender = HttpChannelMessages(Partner(client=client, url=gateway, secret=SECRET))
        assert await sender.send(channel="wechat", user=user, at=at, **TOLD)
        assert await sender.send(channel="wechat", user=user, at=at, **TOLD)
        assert not await sender.send(channel="wechat", user="nobody", at=at, **TOLD)
        shown = (await client.get(f"{gateway}/channels/wechat/messages")).json()["messages"]
    assert [(one["title"], one["phone"]) for one in shown] == [(TOLD["title"], person.phone)]


async def test_silence_is_asked_again_and_a_wrong_secret_is_refused(
    gateway: str, person: world.Person, at: datetime
) -> None:
    user = channels.user_of("wechat", person)
    async with httpx.AsyncClient(trust_env=False) as client:
        nowhere = HttpChannelMessages(Partner(client=client, url="http://127.0.0.1:1", secret=SECRET))
        with pytest.raises(ChannelUnknown):
            await nowhere.send(channel="wechat", user=user, at=at, **TOLD)
        stranger = HttpChannelMessages(Partner(client=client, url=gateway, secret=b"other"))
        assert not await stranger.send(channel="wechat", user=user, at=at, **TOLD)


async def test_without_a_gateway_nothing_is_said_to_have_been_sent(at: datetime) -> None:
    assert not await NoChannelMessages().send(channel="wechat", user="u", at=at, **TOLD)
