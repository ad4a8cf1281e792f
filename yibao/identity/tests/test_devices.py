"""登录设备: where an account is signed in, and ending that from elsewhere (A9)."""

from typing import Any

import pytest

from yibao import identity
from yibao.core.database import transaction
from yibao.credential.tests.browser import bank, browser, whole_house
from yibao.identity import refusals, rules
from yibao.identity.tests.cast import PASSWORD
from yibao.identity.tests.owner import Owner, owner

__all__ = ["bank", "browser", "owner", "whole_house"]


async def test_every_session_is_listed_and_one_is_this_device(owner: Owner) -> None:
    await owner.session("browser:other", channel="never_accredited")
    await owner.browser.get("/me")
    text = await owner.browser.follow("/me/devices")
    owner.browser.must_be_usable()
    assert text.count("本机") == 1
    assert "其他渠道" in text
    assert text.count(">退出</button>") == 1


async def test_a_session_ends_from_elsewhere_and_its_device_is_strange_again(owner: Owner) -> None:
    house = owner.house
    given: dict[str, Any] = {"hasher": house.hasher, "phone": owner.phone, "at": owner.at}
    await identity.sign_in(house.pool, house.vault, password=PASSWORD, device="browser:lost", **given)
    lost = await owner.session("browser:lost")
    await owner.browser.get("/me/devices")
    await owner.browser.fill("/me/devices", session=identity.session_id(lost))
    assert "已退出" in owner.browser.text
    assert await identity.session(house.pool, lost, owner.at) is None
    assert len(await identity.sessions_of(house.pool, owner.account_id, owner.at)) == 1
    for number in range(20):
        with pytest.raises(refusals.WrongPassword):
            await identity.sign_in(house.pool, house.vault, password="not this 1", device=f"stranger {number}", **given)
    with pytest.raises(refusals.LoginNeedsCode):
        await identity.sign_in(house.pool, house.vault, password=PASSWORD, device="browser:lost", **given)


async def test_all_others_end_at_once_and_this_one_stays(owner: Owner) -> None:
    tokens = [await owner.session(f"browser:{number}") for number in range(3)]
    await owner.browser.get("/me/devices")
    await owner.browser.fill("/me/devices", others="1")
    assert owner.browser.path == "/me/devices?done=1"
    assert [await identity.session(owner.house.pool, token, owner.at) for token in tokens] == [None] * 3
    assert "退出其他所有设备" not in owner.browser.text


async def test_nobody_ends_the_session_of_another_account(owner: Owner) -> None:
    house = owner.house
    async with transaction(house.pool) as tx:
        other = await identity.open_account(tx, house.vault, phone=f"101{owner.phone[3:]}", login_hash="-", at=owner.at)
        token = await identity.start_session(tx, account_id=other, device="browser:theirs", at=owner.at)
    await owner.session("browser:own")
    await owner.browser.get("/me/devices")
    for session in (identity.session_id(token), "", "zz", "\0", "00"):
        await owner.browser.fill("/me/devices", session=session)
        assert owner.browser.status == 200
    assert await identity.session(house.pool, token, owner.at) is not None
    assert len(await identity.sessions_of(house.pool, owner.account_id, owner.at)) == 2


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Safari/604.1", "iPhone · 浏览器"),
        ("Mozilla/5.0 (Linux; Android 14; V2309A) Chrome/122 MicroMessenger/8.0.49", "安卓手机 · 微信"),
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) AliApp AlipayClient/10.6", "鸿蒙手机 · 支付宝"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/122", "Windows 电脑 · 浏览器"),
        ("", "其他设备 · 浏览器"),
    ],
)
def test_a_device_is_called_what_its_owner_calls_it(agent: str, name: str) -> None:
    assert rules.device_name(agent) == name
