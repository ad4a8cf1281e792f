"""渠道准入 and 医保码解绑 at the console (B6, E10)."""

import re
from datetime import datetime

import pytest

from conftest import NewPerson
from yibao import credential, identity, registry
from yibao.core.database import transaction
from yibao.core.gm import Signer
from yibao.credential import queries, refusals, relatives
from yibao.web.principal import CONSOLE_COOKIE

from .browser import Browser, bank, browser, whole_house
from .channel import BACK, admitted
from .conftest import House, house

__all__ = ["bank", "browser", "house", "whole_house"]


@pytest.fixture
async def clerk(browser: Browser) -> Browser:
    """A browser in which a clerk is signed in."""
    whole = browser.house
    async with transaction(whole.pool) as tx:
        await registry.load_regions(tx)
        await identity.add_staff(tx, [identity.Staff("A510500-09", "510500", "泸州市医保经办窗口", "clerk", "-")])
        token = await identity.start_staff_session(tx, login="A510500-09", device="console", at=whole.clock())
    browser.client.cookies.set(CONSOLE_COOKIE, token)
    return browser


def application(code: str) -> dict[str, str]:
    return {
        "code": code,
        "name": "示例应用",
        "kind": "city",
        "may_show_code": "1",
        "may_unbind": "1",
        "hotline": "95001",
        "contact": "示例联系人",
        "returns": f"{BACK}\nhttps://channel.example.cn/other",
    }


async def test_a_channel_applies_is_let_in_suspended_and_let_in_again(clerk: Browser) -> None:
    """E10: every change is kept with who made it and why."""
    await clerk.get("/console/channels")
    clerk.must_be_usable()
    await clerk.fill("/console/channels", **application("city_one"))
    assert clerk.path == "/console/channels/city_one"
    assert "待准入" in clerk.text
    clerk.must_be_usable()
    here = clerk.path
    assert refusals.ReasonMissing.code in await clerk.fill(here, do="active", reason=" ")
    await clerk.fill(here, do="active", reason="材料齐全")
    await clerk.fill(here, do="suspended", reason="接到投诉")
    assert "已暂停" in clerk.text
    await clerk.fill(here, do="active", reason="整改完成")
    public = Signer.generate().public.hex()
    await clerk.fill(here, do="add_key", public=public)
    assert refusals.KeyTaken.code in await clerk.fill(here, do="add_key", public=public)
    [key] = await queries.channel_keys(clerk.house.pool, "city_one")
    await clerk.fill(here, do="revoke_key", key_id=key.key_id)
    assert "已吊销" in clerk.text
    way, address = "我 › 服务", "https://channel.example.cn/yibao?from=poster"
    await clerk.fill(here, do="facts", hotline="95002", may_activate="1", way=way, address=address)
    changes = await queries.channel_changes(clerk.house.pool, "city_one")
    assert [change.done for change in reversed(changes)] == [
        "申请",
        "准入：材料齐全",
        "暂停：接到投诉",
        "恢复：整改完成",
        f"登记公钥 {key.key_id}",
        f"吊销公钥 {key.key_id}",
        "更改：功能、客服热线、进入的菜单、入口网址",
    ]
    assert {change.clerk for change in changes} == {"泸州市医保经办窗口"}
    channel = await queries.channel(clerk.house.pool, "city_one")
    assert channel is not None
    assert (channel.hotline, channel.functions) == ("95002", ("activate", "show_code", "unbind"))
    assert (channel.way, channel.address) == (way, address)
    assert channel.state == "active"


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "X"},
        {"code": "web"},
        {"name": " "},
        {"kind": "other"},
        {"hotline": ""},
        {"contact": "x" * 101},
        {"returns": "http://channel.example.cn/"},
        {"returns": "https://channel.example.cn/?a=1"},
        {"returns": ""},
        {"way": "我" * 101},
        {"address": "http://channel.example.cn/"},
        {"address": "https://channel.example.cn/#here"},
        {"address": f"https://channel.example.cn/{'x' * 180}"},
        {"address": "channel.example.cn"},
    ],
)
async def test_an_application_that_is_not_whole_is_refused(clerk: Browser, changed: dict[str, str]) -> None:
    await clerk.get("/console/channels")
    text = await clerk.fill("/console/channels", **{**application("city_two"), **changed})
    assert (clerk.status, refusals.ChannelMalformed.code in text) == (422, True)
    clerk.must_be_usable()


async def test_what_makes_no_sense_is_refused(clerk: Browser, at: datetime) -> None:
    partner = await admitted(clerk.house.pool, at=at)
    here = f"/console/channels/{partner.code}"
    await clerk.get("/console/channels/nobody")
    assert (clerk.status, refusals.ChannelUnknown.code in clerk.text) == (404, True)
    await clerk.get("/console/channels")
    assert refusals.ChannelMalformed.code in await clerk.fill("/console/channels", **application(partner.code))
    await clerk.get(here)
    for public in ("", "zz", "00" * 64, partner.signer.public.hex()[:-2]):
        assert refusals.KeyMalformed.code in await clerk.fill(here, do="add_key", public=public)
    public = Signer.generate().public.hex()
    for dates in ({"from_on": "2026-13-01"}, {"from_on": "2026-05-01", "until_on": "2026-05-01"}):
        assert refusals.KeyMalformed.code in await clerk.fill(here, do="add_key", public=public, **dates)
    for do in ("nonsense", "applied", "active"):
        assert refusals.ChannelMoveIllegal.code in await clerk.fill(here, do=do, reason="没有理由")


async def test_nobody_but_clerks_sees_the_console(browser: Browser) -> None:
    for path in ("/console/channels", "/console/credentials"):
        await browser.get(path)
        assert browser.path.startswith("/console/login")


async def looked(clerk: Browser, person_id: str) -> list[str]:
    return [look.purpose for look in await registry.looks(clerk.house.pool, clerk.house.vault, person_id)]


async def test_the_agency_ends_one_activation_or_all_and_says_why(clerk: Browser, house: House) -> None:
    """B6: found by certificate or card; the person can see who looked."""
    holder = await house.active()
    await house.activate(holder, browser=b"second phone")
    codes = [await house.show(holder), await house.show(holder, browser=b"second phone")]
    asked = {"by": "01", "number": holder.person.cert_no, "reason": "来电称手机丢失"}
    await clerk.get("/console/credentials")
    clerk.must_be_usable()
    assert refusals.ReasonMissing.code in await clerk.fill("/console/credentials", **{**asked, "reason": ""})
    text = await clerk.fill("/console/credentials", **asked)
    assert registry.masked_name(holder.person.name) in text
    assert holder.person.name not in text
    clerk.must_be_usable()
    assert await looked(clerk, holder.person_id) == ["医保码激活情况查询：来电称手机丢失"]
    # Nobody loses a code by one slip of the mouse, and what ends one of several says which.
    assert set(re.findall(r'name="do" value="(\w+)"', text)) == {"one", "all", "binding"}
    assert 'name="do"' not in re.sub(r"(?s)<details>.*?</details>", "", text)
    assert len(re.findall(r"<summary>解绑：[^<]+ 激活</summary>", text)) == 2
    assert len(re.findall(r'aria-label="确认解绑：[^"]+ 激活"', text)) == 2
    of_one = next(form for form in clerk.page.forms if "activation" in form.names)
    await clerk.fill("/console/credentials", do="one", activation=of_one.values["activation"])
    assert "已办：解绑" in clerk.text
    assert " 解绑</p>" in clerk.text
    ended = [await _is_refused(house, code) for code in codes]
    assert sorted(ended) == [False, True]
    await clerk.get("/console/credentials")
    await clerk.fill("/console/credentials", by="card", number=holder.card_no, reason="本人到窗口")
    await clerk.fill("/console/credentials", do="all")
    assert all([await _is_refused(house, code) for code in codes])
    assert "医保码全部解绑：本人到窗口" in await looked(clerk, holder.person_id)
    await house.activate(holder)
    await clerk.fill("/console/credentials", do="binding")
    assert await queries.holder(house.pool, holder.person_id) is None
    assert (await identity.account(house.pool, house.vault, holder.account_id)).person_id is None


async def test_a_lost_phone_that_shows_only_relatives_codes_is_listed_and_unbound(
    clerk: Browser, house: House, new_person: NewPerson
) -> None:
    """B6: as the person sees it under 渠道与设备."""
    mother, child = await house.bound(), await new_person()
    lent = relatives.browser_of("browser:lost", channel="web", account_id=mother.account_id)
    async with transaction(house.pool) as tx:
        await relatives.entrust(tx, person_id=child.person_id, at=house.at)
        await relatives.lend(
            tx,
            person_id=child.person_id,
            account_id=mother.account_id,
            browser=lent,
            channel="web",
            since=house.at,
            at=house.at,
        )
        code = (await credential.show_code(tx, house.codes, person_id=child.person_id, browser=lent, at=house.at)).code
    await clerk.get("/console/credentials")
    text = await clerk.fill("/console/credentials", by="01", number=mother.person.cert_no, reason="手机丢失")
    assert "只出示家人的医保码" in text
    of_one = next(form for form in clerk.page.forms if "activation" in form.names)
    await clerk.fill("/console/credentials", do="one", activation=of_one.values["activation"])
    assert "只出示家人的医保码" not in clerk.text
    assert await _is_refused(house, code)


async def _is_refused(house: House, code: str) -> bool:
    try:
        await house.scan(code)
    except refusals.DeviceUnbound:
        return True
    except refusals.CodeSpent:
        return False
    return False


async def test_nobody_found_is_no_look(clerk: Browser, new_person: NewPerson) -> None:
    person = await new_person()
    await clerk.get("/console/credentials")
    for by, number in (("01", "990101199001010000"), ("card", "Z0"), ("zz", person.cert_no), ("08", person.cert_no)):
        form = {"by": by, "number": number, "reason": "本人到窗口"}
        assert refusals.NobodyFound.code in await clerk.fill("/console/credentials", **form)
    assert await looked(clerk, person.person_id) == []
