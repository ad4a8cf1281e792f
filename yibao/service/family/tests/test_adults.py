"""Adults in a family account: agreement on their own phone (B9), an elder's face on this one (B11), and ending it."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from fido2.utils import websafe_encode

from yibao import credential, face, identity, registry
from yibao.core.database import transaction
from yibao.core.outbox import Event
from yibao.core.refusal import Refusal
from yibao.credential import relatives, screen_lock
from yibao.credential.rules import browser_digest
from yibao.credential.tests.lockable import LockablePhone
from yibao.face.refusals import FaceMissing
from yibao.face.tests.cast import passed
from yibao.service.family import actions, jobs, refusals, store
from yibao.service.family.tests.scene import PIN, Relative, Town, who
from yibao.settlement.tests.cast import browser as till_browser
from yibao.settlement.tests.cast import staff
from yibao.settlement.tests.scene import PHARMACY


async def asked(town: Town, asker: Relative, member: registry.Registrant, *, relation: str = "spouse") -> None:
    await asker.phone.get("/family/add")
    await asker.phone.get("/family/add/agreement")
    await asker.phone.send(
        "/family/add/agreement",
        relation=relation,
        name=member.name,
        cert_type=member.cert_type,
        cert_no=member.cert_no,
        promised="1",
    )


async def linked(town: Town, wife: Relative, husband: Relative) -> str:
    """Let the husband allow what the wife asked for, and return the id of the link."""
    await asked(town, wife, husband.person)
    await husband.phone.get("/family")
    [allow] = re.findall(r'action="(/family/requests/[0-9a-f]{32}/allow)"', husband.phone.page)
    await husband.phone.send(allow)
    [link] = await store.links_of_account(town.house.pool, wife.account_id)
    return link.link_id


async def couple(town: Town) -> tuple[Relative, Relative]:
    return await town.adult(), await town.adult(gender="1", balance_fen=300_00)


def digits(page: str) -> str:
    return "".join(re.findall(r'id="code-digits">([0-9 ]+)<', page)[0].split())


async def test_a_member_sees_who_asks_and_allows(town: Town) -> None:
    wife, husband = await couple(town)
    await asked(town, wife, husband.person)
    assert "申请已发出" in wife.phone.page
    assert "亲情账户申请" in await town.messages(husband.person_id)
    page = await husband.phone.get("/family")
    assert wife.person.name in page
    assert "配偶" in page
    [allow] = re.findall(r'action="(/family/requests/[0-9a-f]{32}/allow)"', page)
    await husband.phone.send(allow)
    assert "已同意" in husband.phone.page
    [link] = re.findall(r"/family/([0-9a-f]{32})/code", await wife.phone.get("/family"))
    page = await wife.phone.get(f"/family/{link}/code")
    assert registry.masked_name(husband.person.name) in page
    assert husband.person.name not in page
    assert "家人出示了您的医保码" in await town.messages(husband.person_id)
    assert [look.purpose for look in await registry.looks(town.house.pool, town.house.vault, husband.person_id)] == [
        "在手机上出示医保码"
    ]


async def test_each_is_told_what_the_other_is_to_them(town: Town) -> None:
    mother, daughter = await town.adult(birth_on=date(1960, 3, 4)), await town.adult()
    await asked(town, daughter, mother.person, relation="parent")
    await town.work()
    await mother.phone.get("/family")
    [allow] = re.findall(r'action="(/family/requests/[0-9a-f]{32}/allow)"', mother.phone.page)
    await mother.phone.send(allow)
    await town.work()
    told = await mother.phone.get("/messages")
    assert "有人以您子女的身份申请" in told
    assert "您的子女从现在起可以在手机上出示您的医保码" in told
    assert "（关系：父母）" in await daughter.phone.get("/messages")


async def test_a_grown_child_is_asked_about_a_parent_and_no_guardian(town: Town) -> None:
    mother, son = await town.adult(birth_on=date(1960, 3, 4)), await town.adult(gender="1")
    await asked(town, mother, son.person, relation="child")
    await town.work()
    page = await son.phone.get("/family")
    assert "对方说是您的父母。" in page
    [allow] = re.findall(r'action="(/family/requests/[0-9a-f]{32}/allow)"', page)
    await son.phone.send(allow)
    await town.work()
    [link] = await store.links_of_account(town.house.pool, mother.account_id)
    await mother.phone.get(f"/family/{link.link_id}/code")
    await town.work()
    told = await son.phone.get("/messages") + await son.phone.get("/family") + await son.phone.get("/me/looks")
    for words in ("有人以您父母的身份申请", "您的父母从现在起可以", "您的父母在手机上打开了", "（您的父母）"):
        assert words in told
    assert "监护人" not in told


async def test_a_member_refuses(town: Town) -> None:
    wife, husband = await couple(town)
    await asked(town, wife, husband.person)
    await husband.phone.get("/family")
    [decline] = re.findall(r'action="(/family/requests/[0-9a-f]{32}/decline)"', husband.phone.page)
    await husband.phone.send(decline)
    assert not await store.links_of_account(town.house.pool, wife.account_id)
    assert "家人没有同意" in await town.messages(wife.person_id)
    with pytest.raises(refusals.RequestClosed):
        async with transaction(town.house.pool) as tx:
            await actions.answer(
                tx,
                person_id=husband.person_id,
                request_id=decline.split("/")[3],
                allowed=True,
                at=town.house.clock(),
            )


async def test_nobody_but_the_member_answers(town: Town) -> None:
    wife, husband = await couple(town)
    await asked(town, wife, husband.person)
    [request] = await store.open_requests_of_member(town.house.pool, husband.person_id, at=town.house.clock())
    for meddler in (wife, await town.adult()):
        with pytest.raises(refusals.RequestUnknown):
            async with transaction(town.house.pool) as tx:
                await actions.answer(
                    tx,
                    person_id=meddler.person_id,
                    request_id=request.request_id,
                    allowed=True,
                    at=town.house.clock(),
                )


async def test_a_name_is_one_however_its_dot_is_typed(town: Town) -> None:
    wife, husband = await town.adult(), await town.adult(gender="1", name="医丽娜·保小安")
    await asked(town, wife, msgspec.structs.replace(husband.person, name="医丽娜•保小安"))
    assert "申请已发出" in wife.phone.page


async def test_a_request_runs_out_and_can_be_withdrawn(town: Town) -> None:
    wife, husband = await couple(town)
    await asked(town, wife, husband.person)
    await wife.phone.get("/family")
    [withdraw] = re.findall(r'action="(/family/requests/[0-9a-f]{32}/withdraw)"', wife.phone.page)
    await wife.phone.send(withdraw)
    assert "/allow" not in await husband.phone.get("/family")
    await asked(town, wife, husband.person)
    assert "/allow" in await husband.phone.get("/family")
    town.house.clock.advance(days=7)  # type: ignore[attr-defined]
    assert "/allow" not in await husband.phone.get("/family")


async def test_asking_twice_asks_once(town: Town) -> None:
    wife, husband = await couple(town)
    await asked(town, wife, husband.person)
    await asked(town, wife, husband.person)
    assert len(await store.open_requests_of_member(town.house.pool, husband.person_id, at=town.house.clock())) == 1


async def told(town: Town, relative: Relative) -> str:
    """Return the last message that somebody got."""
    body: str = await town.house.pool.fetchval(
        "SELECT body FROM message.message WHERE person_id = $1 ORDER BY event_id DESC LIMIT 1", relative.person_id
    )
    return body


@pytest.mark.parametrize("by", ["member", "relative"])
async def test_either_side_ends_it_at_once(town: Town, by: str) -> None:
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    code = digits(await wife.phone.get(f"/family/{link}/code"))
    side = husband if by == "member" else wife
    page = await side.phone.get("/family")
    assert f'href="/family/{link}/remove"' in page
    assert "还没有付的账单" in await side.phone.get(f"/family/{link}/remove")
    assert len(await store.links_of_account(town.house.pool, wife.account_id)) == 1  # Nothing happens on one tap.
    await side.phone.send(f"/family/{link}/remove")
    assert "已移除" in side.phone.page
    async with till_browser(town.app) as client:
        till = await staff(town.house, client, f"{PHARMACY}-r{husband.person_id[-6:]}", PHARMACY)
        await till.get()
        await till.send("/till/scan", code=code)
        assert "credential.device_unbound" in till.page
    await wife.phone.get(f"/family/{link}/code")
    assert (wife.phone.status, "family.link_ended" in wife.phone.page) == (410, True)
    for one in (wife, husband):
        assert (await town.messages(one.person_id))[-1] == "家庭成员已移除"
    said = {one.person_id: await told(town, one) for one in (wife, husband)}
    assert said[wife.person_id].startswith("配偶的亲情账户已移除，手机上不能再出示其医保码")
    assert said[husband.person_id].startswith("您的配偶不能再在手机上出示您的医保码")
    assert all("您自己" in body for body in said.values())
    await ended(town, wife, {"member": "对方移除了", "relative": "您移除了"}[by])
    await side.phone.get("/family")
    await side.phone.client.post(f"/family/{link}/remove", data={"_csrf_token": side.phone.client.cookies["yb_csrf"]})
    assert (await town.messages(wife.person_id)).count("家庭成员已移除") == 1


async def offline(town: Town, relative: Relative, link: str) -> dict[str, Any]:
    """Fetch a ticket for a member's code as the page's script does, and add the code that the phone draws from it."""
    given = await relative.phone.client.post(
        f"/family/{link}/code/tickets",
        json={"tickets": 1},
        headers={"x-csrftoken": relative.phone.client.cookies["yb_csrf"]},
    )
    if given.status_code != 200:
        return {"status": given.status_code}
    pack: dict[str, Any] = given.json()
    ticket = town.house.codes.open(pack["tickets"][0] + "0" * 9 + pack["province"])
    code = town.house.codes.make(
        device_number=ticket.device_number, ticket=ticket.number, province=ticket.province, at=town.house.clock()
    )
    return {**pack, "code": code}


async def test_a_members_code_is_shown_without_a_network_as_long_as_the_link_lives(town: Town) -> None:
    """F1, B9: the till takes it, and no longer when either side has ended it."""
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    page = await wife.phone.get(f"/family/{link}/code")
    assert f'data-tickets="/family/{link}/code/tickets"' in page
    first, second = await offline(town, wife, link), await offline(town, wife, link)

    async def scanned(code: str) -> str:
        async with till_browser(town.app) as client:
            till = await staff(town.house, client, f"{PHARMACY}-{code[:6]}", PHARMACY)
            await till.get()
            await till.send("/till/scan", code=code)
            return till.page

    assert "查找项目" in await scanned(first["code"])
    await husband.phone.get("/family")
    await husband.phone.get(f"/family/{link}/remove")
    await husband.phone.send(f"/family/{link}/remove")
    assert "credential.device_unbound" in await scanned(second["code"])
    assert await offline(town, wife, link) == {"status": 410}


async def test_a_members_code_stands_behind_the_relatives_own_screen_lock(town: Town) -> None:
    """B6, B9: one lock for all codes on a phone; with the owner's own it is opened, and it stays open as long."""
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    clock, phone = town.house.clock, LockablePhone("https://yb.example.cn")
    await wife.phone.get("/code/activate")
    await wife.phone.send("/code/activate", place=wife.person.insurances[0].place, agreed="1")
    own: dict[str, Any] = {"person_id": wife.person_id, "browser": browser_digest(wife.device, "web")}
    async with transaction(town.house.pool) as tx:
        asked = await screen_lock.ask(tx, **own, origin=phone.origin, at=clock())
        made = phone.make({"challenge": websafe_encode(asked.challenge), "rp_id": asked.rp_id})
        await screen_lock.set_lock(tx, **own, origin=phone.origin, made=screen_lock.Made(**made), at=clock())

    for _ in range(3):
        clock.advance(minutes=4)  # type: ignore[attr-defined]
        page = await wife.phone.get(f"/family/{link}/code")
        assert f'data-lock="{websafe_encode(phone.credential_id)}"' in page
    clock.advance(minutes=5)  # type: ignore[attr-defined]
    assert (await wife.phone.client.get(f"/family/{link}/code/next")).status_code == 423
    assert await offline(town, wife, link) == {"status": 423}
    page = await wife.phone.get(f"/family/{link}/code")
    assert "code-digits" not in page
    await wife.phone.send("/code/unlock", pay_password=PIN)
    assert wife.phone.path == f"/family/{link}/code"
    assert len(digits(wife.phone.page)) == 28
    assert (await offline(town, wife, link))["code"]


async def test_a_member_is_told_of_tickets_as_of_a_code(town: Town) -> None:
    """B9: also where a script fetched them without opening the page."""
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    await wife.phone.get("/family")
    for _ in range(2):
        assert (await offline(town, wife, link))["code"]
    looks = await registry.looks(town.house.pool, town.house.vault, husband.person_id)
    assert [look.purpose for look in looks].count("在手机上出示医保码") == 1


async def test_the_page_of_a_code_asks_before_it_removes(town: Town) -> None:
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    page = await wife.phone.get(f"/family/{link}/code")
    assert f'<form method="get" action="/family/{link}/remove">' in page
    await wife.phone.get(f"/family/{link}/remove")
    assert "不移除，返回" in wife.phone.page
    await wife.phone.send(f"/family/{link}/remove")
    assert "已移除" in wife.phone.page
    await wife.phone.get(f"/family/{link}/remove")
    assert wife.phone.path == "/family"  # Nothing is left to be asked.


async def test_a_stranger_ends_nothing(town: Town) -> None:
    wife, husband = await couple(town)
    link, stranger = await linked(town, wife, husband), await town.adult()
    await stranger.phone.get(f"/family/{link}/remove")
    assert (stranger.phone.status, "family.member_missing" in stranger.phone.page) == (404, True)
    with pytest.raises(refusals.MemberMissing):
        async with transaction(town.house.pool) as tx:
            await actions.remove(
                tx,
                account_id=stranger.account_id,
                person_id=stranger.person_id,
                link_id=link,
                at=town.house.clock(),
            )


async def test_who_unbinds_their_credential_takes_it_back_from_everybody(town: Town) -> None:
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    await wife.phone.get(f"/family/{link}/code")
    async with transaction(town.house.pool) as tx:
        await credential.unbind(tx, person_id=husband.person_id, account_id=husband.account_id, at=town.house.clock())
    await wife.phone.get(f"/family/{link}/code")
    assert wife.phone.status == 410
    await town.work()
    assert not await store.links_of_account(town.house.pool, wife.account_id)


async def test_an_activation_that_was_unbound_by_itself_does_not_come_back(town: Town) -> None:
    """The member may end it in the list of phones too, and another phone of the relative's is no way round."""
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    await wife.phone.get(f"/family/{link}/code")
    at = town.house.clock() + timedelta(minutes=1)
    async with transaction(town.house.pool) as tx:
        await relatives.withdraw(tx, person_id=husband.person_id, account_id=wife.account_id, at=at)
    for device in (wife.device, "browser:another"):
        with pytest.raises(refusals.LinkEnded):
            async with transaction(town.house.pool) as tx:
                await actions.show(
                    tx,
                    town.house.vault,
                    town.house.codes,
                    account_id=wife.account_id,
                    link_id=link,
                    device=device,
                    channel="web",
                    at=at,
                )


async def ended(town: Town, side: Relative, *said: str) -> None:
    """Assert that the page of 我的家庭成员 offers no code and says what happened."""
    page = await side.phone.get("/family")
    assert "出示医保码" not in page
    assert all(words in page for words in ("已结束", *said))


async def test_what_is_unbound_at_the_counter_is_offered_no_more_and_can_be_added_again(town: Town) -> None:
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    await wife.phone.get(f"/family/{link}/code")
    town.house.clock.advance(minutes=1)  # type: ignore[attr-defined]
    desk = await town.clerk()
    await desk.get("/console/credentials")
    await desk.send(
        "/console/credentials", by="01", number=husband.person.cert_no, reason="手机丢失，已核对身份", do="all"
    )
    assert "已办：全部解绑" in desk.page
    await town.work()
    await ended(town, wife, "已解绑")
    for one in (wife, husband):
        assert "家庭成员已移除" in await town.messages(one.person_id)
    town.house.clock.advance(minutes=1)  # type: ignore[attr-defined]
    await asked(town, wife, husband.person)
    [request] = await store.open_requests_of_member(town.house.pool, husband.person_id, at=town.house.clock())
    async with transaction(town.house.pool) as tx:  # His phone is signed out.
        await actions.answer(
            tx, person_id=husband.person_id, request_id=request.request_id, allowed=True, at=town.house.clock()
        )
    [again] = await store.links_of_account(town.house.pool, wife.account_id)
    assert digits(await wife.phone.get(f"/family/{again.link_id}/code"))
    assert "已结束" not in await wife.phone.get("/family")


async def test_who_unbinds_their_own_phone_takes_nothing_back(town: Town) -> None:
    """The relative's lost phone ends the code there alone; on their next phone it is shown as before."""
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    await wife.phone.get(f"/family/{link}/code")
    async with transaction(town.house.pool) as tx:
        await credential.unbind_channel(
            tx, person_id=wife.person_id, channel="", by="A510500-01", at=town.house.clock()
        )
    await town.work()
    assert [one.link_id for one in await store.links_of_account(town.house.pool, wife.account_id)] == [link]


async def test_what_was_added_after_an_unbinding_stays(town: Town, at: datetime) -> None:
    """The worker may come late: by then the credential is bound again, and the family member added again."""
    wife, husband = await couple(town)
    link, clock = await linked(town, wife, husband), town.house.clock
    heard = jobs.handlers(town.house.pool, vault=town.house.vault, reader=town.reader, clock=clock)
    for topic in ("credential.unbound", "credential.device_unbound"):
        await heard[topic](Event(husband.person_id, 0, topic, {}, at - timedelta(minutes=1), 1))
    assert [one.link_id for one in await store.links_of_account(town.house.pool, wife.account_id)] == [link]


async def test_who_closes_their_account_is_offered_no_more(town: Town) -> None:
    wife, husband = await couple(town)
    await linked(town, wife, husband)
    await husband.phone.get("/me/close")
    await husband.phone.send("/me/close", agreed="1", pay_password=PIN)
    assert husband.phone.path == "/closed"
    await ended(town, wife, "对方移除了，或注销了账户")


async def test_a_wife_pays_what_she_showed_the_code_for_and_sees_no_other_bill(town: Town) -> None:
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    async with transaction(town.house.pool) as tx:
        own = relatives.browser_of("browser:his", channel="web", account_id="his own")
        await credential.activate(
            tx,
            person_id=husband.person_id,
            account_id=husband.account_id,
            place="510500",
            agreed=True,
            channel="web",
            browser=own,
            at=town.house.clock(),
        )
    async with till_browser(town.app) as client:
        till = await staff(town.house, client, f"{PHARMACY}-w{husband.person_id[-6:]}", PHARMACY)
        await till.get()
        await till.send("/till/scan", code=digits(await wife.phone.get(f"/family/{link}/code")))
        await till.add("A001")
        await till.send("/till/send")
        [bill] = re.findall(r'href="(/bills/[0-9a-f]+)"', await wife.phone.get("/bills"))
        whose = f"{registry.masked_name(husband.person.name)}（配偶）的账单"
        assert whose in wife.phone.page
        assert whose in await wife.phone.get(bill)
        assert "每一步的依据" not in wife.phone.page  # His settlements are for him to read.
        await wife.phone.send(f"{bill}/confirm#pay", pay_password=PIN)
        assert "已支付" in wife.phone.page
        assert whose in wife.phone.page
        paid = await town.house.pool.fetchval(
            "SELECT settlement_id FROM settlement.settlement WHERE person_id = $1", husband.person_id
        )
        for record in (f"/family/records/{paid}", f"/records/{paid}", f"/family/records/{paid}/slip.pdf"):
            await wife.phone.get(record)
            assert wife.phone.status == 404
        # Now he shows the code himself: that is none of her business.
        await till.get()
        await till.send("/till/clear")
        async with transaction(town.house.pool) as tx:
            shown = await credential.show_code(
                tx, town.house.codes, person_id=husband.person_id, browser=own, at=town.house.clock()
            )
        await till.send("/till/scan", code=shown.code)
        await till.add("A1")
        await till.send("/till/send")
    [his] = re.findall(r'href="(/bills/[0-9a-f]+)"', await husband.phone.get("/bills"))
    assert his not in await wife.phone.get("/bills")
    await wife.phone.get(his)
    assert wife.phone.status == 404
    assert "家庭成员待缴费" in await town.messages(wife.person_id)
    assert (await town.messages(wife.person_id)).count("家庭成员待缴费") == 1


async def test_after_a_removal_a_bill_that_was_sent_says_so(town: Town) -> None:
    wife, husband = await couple(town)
    link = await linked(town, wife, husband)
    async with till_browser(town.app) as client:
        till = await staff(town.house, client, f"{PHARMACY}-v{husband.person_id[-6:]}", PHARMACY)
        await till.get()
        await till.send("/till/scan", code=digits(await wife.phone.get(f"/family/{link}/code")))
        await till.add("A001")
        await till.send("/till/send")
    [bill] = re.findall(r'href="(/bills/[0-9a-f]+)"', await wife.phone.get("/bills"))
    await wife.phone.get(bill)
    shown = wife.phone.page
    await husband.phone.get(f"/family/{link}/remove")
    await husband.phone.send(f"/family/{link}/remove")
    wife.phone.page = shown
    await wife.phone.send(f"{bill}/confirm#pay", pay_password=PIN)
    assert wife.phone.status == 404
    assert "或家人已移除您的亲情账户" in wife.phone.page
    assert "请收费员撤回账单，改用本人的医保码、社会保障卡或身份证件" in wife.phone.page


# An elder's face on this phone.


async def elder_asked(town: Town) -> tuple[Relative, registry.Registrant, str]:
    grandson = await town.adult(gender="1", birth_on=date(2000, 5, 5))
    grandmother = await town.alone(birth_on=date(1941, 2, 3), gender="2")
    await grandson.phone.get("/family/add/face")
    await grandson.phone.send(
        "/family/add/face",
        relation="parent",
        name=grandmother.name,
        cert_type="01",
        cert_no=grandmother.cert_no,
        promised="1",
    )
    assert grandson.phone.path.startswith("/face/")
    back = await town.house.pool.fetchval(
        "SELECT back FROM face.check WHERE check_id = $1", grandson.phone.path.removeprefix("/face/")
    )
    return grandson, grandmother, back.rpartition("/")[2]


async def proof(town: Town, phone_of: Relative, elder: registry.Registrant) -> str:
    async with transaction(town.house.pool) as tx:
        return await passed(
            tx,
            town.house.vault,
            purpose="elder",
            subject=face.Subject(elder.name, elder.cert_type, elder.cert_no),
            device=phone_of.device,
            at=town.house.clock(),
        )


@pytest.mark.parametrize("keep", ["1", "0"])
async def test_a_grandson_helps_his_grandmother(town: Town, keep: str) -> None:
    grandson, grandmother, request_id = await elder_asked(town)
    check_id = await proof(town, grandson, grandmother)
    page = await grandson.phone.get(f"/family/requests/{request_id}?face={check_id}")
    assert "只在 30 分钟内" in page
    await grandson.phone.send(f"/family/requests/{request_id}/finish", keep=keep)
    assert re.fullmatch(r"/family/[0-9a-f]{32}/code", grandson.phone.path)
    assert digits(grandson.phone.page)
    link = grandson.phone.path.split("/")[2]
    # The phone is the grandson's as before, and nobody's account holds the grandmother's credential.
    holder = await credential.holder(town.house.pool, grandmother.person_id)
    assert holder is not None
    assert holder.account_id == ""
    # What the phone may draw by itself ends when the page would.
    pack = await offline(town, grandson, link)
    lasts = timedelta(minutes=30) if keep == "0" else timedelta(days=7)
    assert timedelta(milliseconds=pack["until"] - pack["now"]) == lasts
    town.house.clock.advance(minutes=31)  # type: ignore[attr-defined]
    await grandson.phone.get(f"/family/{link}/code")
    assert grandson.phone.status == (200 if keep == "1" else 410)
    assert ("family.single_use_over" in grandson.phone.page) is (keep == "0")
    assert ("只同意在本机出示 30 分钟" in grandson.phone.page) is (keep == "0")


async def test_whoever_leaves_the_face_check_chooses_another_way(town: Town) -> None:
    """B11: every link out of the check leads here, and the elder is asked for nothing before a face has passed."""
    grandson, _, request_id = await elder_asked(town)
    page = await grandson.phone.get(grandson.phone.path)
    [way_out] = re.findall(r'<a href="([^"]+)">(?:不同意，)?用其他方式办理', page)
    assert way_out.partition("?")[0] == f"/family/requests/{request_id}"
    assert "请选择绑定方式" in await grandson.phone.get(way_out)
    assert grandson.phone.path == "/family/add"


async def test_without_the_elders_own_proof_there_is_no_code(town: Town) -> None:
    grandson, grandmother, request_id = await elder_asked(town)
    stranger = await town.alone(birth_on=date(1950, 1, 1))

    async def finish(check_id: str, *, device: str = grandson.device) -> None:
        async with transaction(town.house.pool) as tx:
            await actions.finish_by_face(
                tx,
                town.house.vault,
                account_id=grandson.account_id,
                request_id=request_id,
                check_id=check_id,
                device=device,
                brief=True,
                at=town.house.clock(),
            )

    with pytest.raises(FaceMissing):
        await finish("")
    with pytest.raises(refusals.NotTheElder):
        await finish(await proof(town, grandson, stranger))
    check_id = await proof(town, grandson, grandmother)
    with pytest.raises(FaceMissing):
        await finish(check_id, device="browser:another")
    await finish(check_id)
    with pytest.raises(refusals.RequestClosed):
        await finish(check_id)


async def test_an_elder_takes_the_credential_over_with_an_own_account(town: Town) -> None:
    grandson, grandmother, request_id = await elder_asked(town)
    check_id = await proof(town, grandson, grandmother)
    await grandson.phone.get(f"/family/requests/{request_id}?face={check_id}")
    await grandson.phone.send(f"/family/requests/{request_id}/finish", keep="1")
    async with transaction(town.house.pool) as tx:
        account_id = await identity.open_account(
            tx, town.house.vault, phone=f"1{grandmother.person_id[-10:]}", login_hash="x", at=town.house.clock()
        )
        await identity.prove_real_name(
            tx,
            town.house.vault,
            account_id=account_id,
            name=grandmother.name,
            cert_type=grandmother.cert_type,
            cert_no=grandmother.cert_no,
            at=town.house.clock(),
        )
        await credential.bind(
            tx, town.house.vault, account_id=account_id, card_no=grandmother.cards[0].card_no, at=town.house.clock()
        )
    holder = await credential.holder(town.house.pool, grandmother.person_id)
    assert holder is not None
    assert holder.account_id == account_id


# What is refused.


async def refused(town: Town, asker: Relative, member: registry.Registrant, **other: object) -> type[Refusal]:
    with pytest.raises(Refusal) as caught:
        async with transaction(town.house.pool) as tx:
            await actions.ask(
                tx,
                town.house.vault,
                **{  # type: ignore[arg-type]
                    "asker": asker.asker,
                    "who": who(member),
                    "relation": "spouse",
                    "method": "agreement",
                    "promised": True,
                    "at": town.house.clock(),
                    **other,
                },
            )
    return type(caught.value)


async def test_asking_is_refused_in_order(town: Town) -> None:
    wife, husband = await couple(town)
    child = await town.alone(birth_on=date(2015, 1, 1), child=True)
    assert await refused(town, wife, husband.person, promised=False) is refusals.PromiseMissing
    assert await refused(town, wife, wife.person) is refusals.MemberIsYourself
    assert await refused(town, wife, husband.person, relation="friend") is refusals.RelationNotOffered
    assert await refused(town, wife, child) is refusals.ChildNeedsProof
    await linked(town, wife, husband)
    assert await refused(town, wife, husband.person) is refusals.AlreadyMember


async def test_names_and_numbers_are_not_found_out_by_trying(town: Town, at: datetime) -> None:
    wife, husband = await couple(town)
    wrong = msgspec.structs.replace(husband.person, name="某某某")
    for _ in range(10):
        await asked(town, wife, wrong)
        assert (wife.phone.status, "family.member_unknown" in wife.phone.page) == (404, True)
    await asked(town, wife, husband.person)
    assert (wife.phone.status, "family.tried_too_often" in wife.phone.page) == (429, True)
    town.house.clock.advance(days=1)  # type: ignore[attr-defined]
    await asked(town, wife, husband.person)
    assert wife.phone.status == 200


async def test_whoever_has_not_bound_their_insurance_is_led_there(town: Town) -> None:
    someone = await town.adult()
    async with transaction(town.house.pool) as tx:
        await credential.unbind(tx, person_id=someone.person_id, account_id=someone.account_id, at=town.house.clock())
    answer = await someone.phone.client.get("/family/add/child")
    assert answer.headers["location"] == "/me/bind?next=%2Ffamily%2Fadd%2Fchild"
