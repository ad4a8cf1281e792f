"""A child's code (B10): papers, what differs, the agency, the till, and the day of coming of age."""

import asyncio
import io
import re
from datetime import date, datetime, timedelta
from random import Random

import msgspec
import pytest
from PIL import Image

from conftest import insured
from yibao import paper, registry
from yibao.app import BODY_SIZE_MAX
from yibao.core.database import transaction
from yibao.core.outbox import Event
from yibao.core.refusal import Refusal
from yibao.paper import NotAPicture, RapidReader, paper_of
from yibao.paper.tests.cast import birth_page, member_page
from yibao.sandbox import papers
from yibao.service.family import actions, jobs, queries, refusals, rules, store
from yibao.service.family.tests.scene import PIN, Browser, Relative, Town, who
from yibao.settlement.tests.cast import Cashier, staff
from yibao.settlement.tests.cast import browser as till_browser
from yibao.settlement.tests.scene import HOSPITAL, CountingPool

BORN = date(2026, 4, 20)


def photograph() -> bytes:
    """Return a picture that passes for one; what stands on it is prepared at the reader."""
    out = io.BytesIO()
    Image.new("RGB", (600, 400), "white").save(out, "JPEG")
    return out.getvalue()


def page_of(person: registry.Registrant, relation: str, **wrong: str) -> list[object]:
    return member_page(  # type: ignore[return-value]
        wrong.get("name", person.name),
        wrong.get("cert_no", person.cert_no),
        person.birth_on,
        gender=person.gender,
        relation=relation,
    )


def household(town: Town, mother: Relative, child: registry.Registrant, **wrong: str) -> list[bytes]:
    """Prepare a household of which the mother is the head, and return what is uploaded."""
    town.reader.pages += [page_of(child, "长子", **wrong), page_of(mother.person, "户主")]  # type: ignore[list-item]
    return [photograph(), photograph()]


async def apply(town: Town, mother: Relative, child: registry.Registrant, files: list[bytes]) -> str:
    """Apply as the pages do, let the worker read, and return the page of the application."""
    await mother.phone.get("/family/add/child")
    await mother.phone.send(
        "/family/add/child",
        files=files,
        name=child.name,
        cert_type=child.cert_type,
        cert_no=child.cert_no,
        promised="1",
    )
    await town.work()
    return await mother.phone.get(mother.phone.path)


async def link_of(town: Town, mother: Relative) -> str:
    page = await mother.phone.get("/family")
    found = re.findall(r"/family/([0-9a-f]{32})/code", page)
    return str(found[0])


async def accepted(town: Town, mother: Relative, child: registry.Registrant) -> str:
    await apply(town, mother, child, household(town, mother, child))
    return await link_of(town, mother)


async def test_papers_that_agree_give_the_code_at_once(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    page = await apply(town, mother, child, household(town, mother, child))
    assert "已通过" in page
    assert (await town.messages(mother.person_id))[-2:] == ["已添加家庭成员", "儿童码申请已通过"]
    link = await link_of(town, mother)
    page = await mother.phone.get(f"/family/{link}/code")
    assert "儿童医保电子码" in page
    assert re.search(r'id="code-digits">[0-9 ]+<', page)


async def proofs_of(town: Town, child: registry.Registrant) -> int:
    count: int = await town.house.pool.fetchval(
        "SELECT count(*) FROM family.proof WHERE person_id = $1", child.person_id
    )
    return count


async def unchecked(town: Town, child: registry.Registrant) -> tuple[Browser, str]:
    """Return the agency's desk, which has opened what the papers alone decided for a child."""
    application_id = await town.house.pool.fetchval(
        "SELECT application_id FROM family.application WHERE person_id = $1 AND state = 'accepted'", child.person_id
    )
    desk = await town.clerk()
    assert application_id in await desk.get("/console/family")
    await desk.get(f"/console/family/{application_id}")
    return desk, f"/console/family/{application_id}"


async def test_the_agency_looks_after_what_papers_alone_decided(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    link = await accepted(town, mother, child)
    assert await proofs_of(town, child) == 2
    desk, address = await unchecked(town, child)
    assert "申请人手机上的医保码立即失效" in desk.page
    await desk.send(f"{address}/accept")
    assert "已通过" in desk.page
    assert address not in desk.page
    assert not await proofs_of(town, child)
    await mother.phone.get(f"/family/{link}/code")
    assert mother.phone.status == 200
    with pytest.raises(refusals.ApplicationClosed):  # What somebody has looked at stands.
        async with transaction(town.house.pool) as tx:
            await actions.decide(
                tx,
                town.house.vault,
                place="510500",
                application_id=address.rpartition("/")[2],
                staff="A510500-99",
                accepted=False,
                reason="再看一次",
                at=town.house.clock(),
            )


async def test_what_does_not_stand_the_look_afterwards_ends_at_once(town: Town) -> None:
    stranger, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    link = await accepted(town, stranger, child)
    desk, address = await unchecked(town, child)
    await desk.send(f"{address}/refuse", reason="证件不是原件")
    assert "已退回，不予通过" in desk.page
    await stranger.phone.get(f"/family/{link}/code")
    assert (stranger.phone.status, "family.link_ended" in stranger.phone.page) == (410, True)
    assert (await town.messages(stranger.person_id))[-2:] == ["家庭成员已移除", "儿童码申请未通过"]
    assert "经办机构复核证件没有通过，可到窗口问明" in await stranger.phone.get("/family")
    assert not await proofs_of(town, child)


async def test_pages_that_a_stranger_drew_go_to_the_agency_once_there_is_a_guardian(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await accepted(town, mother, child)
    stranger = await town.adult(gender="1")
    page = await apply(town, stranger, child, household(town, stranger, child))
    assert "已由其他监护人出示" in page
    assert not await store.links_of_account(town.house.pool, stranger.account_id)


async def test_papers_are_not_enough_for_somebody_insured_elsewhere(town: Town) -> None:
    stranger, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await town.house.pool.execute(
        "UPDATE registry.insurance SET place = '510100' WHERE person_id = $1", stranger.person_id
    )
    page = await apply(town, stranger, child, household(town, stranger, child))
    assert "没有在同一个地方参保" in page
    assert not await store.links_of_account(town.house.pool, stranger.account_id)


async def test_the_childs_code_has_the_name_of_the_place(town: Town) -> None:
    """B10: in Shanghai it is called 亲属随申码."""
    shanghai = insured("310000")
    mother = await town.adult(insurances=[shanghai])
    child = await town.alone(birth_on=BORN, child=True, insurances=[insured("310000", insutype="390", psn_type="1401")])
    assert "为孩子申请亲属随申码" in await mother.phone.get("/family/add")
    assert "即可出示亲属随申码" in await mother.phone.get("/family/add/child")
    link = await accepted(town, mother, child)
    assert "<title>亲属随申码" in await mother.phone.get(f"/family/{link}/code")
    elsewhere = await town.adult()
    assert "为孩子申请儿童医保电子码" in await elsewhere.phone.get("/family/add")


async def test_two_who_come_at_once_do_not_both_become_guardians(town: Town) -> None:
    child = await town.alone(birth_on=BORN, child=True)
    both = [await town.adult(), await town.adult(gender="1")]
    for one in both:
        await one.phone.get("/family/add/child")
        await one.phone.send(
            "/family/add/child",
            files=[photograph()],
            name=child.name,
            cert_type=child.cert_type,
            cert_no=child.cert_no,
            promised="1",
        )
    pool, vault, at = town.house.pool, town.house.vault, town.house.clock()

    async def judge(one: Relative) -> None:
        [application] = await store.applications_of_account(pool, one.account_id)
        papers = [paper_of(page) for page in (page_of(child, "长子"), page_of(one.person, "户主"))]  # type: ignore[arg-type]
        async with transaction(pool) as tx:
            await actions.judge(
                tx,
                vault,
                person_id=child.person_id,
                application_id=application.application_id,
                round=1,
                papers=papers,
                at=at,
            )

    await asyncio.gather(*(judge(one) for one in both))
    assert len(await store.links_of_member(pool, child.person_id)) == 1


async def test_a_certificate_of_birth_is_enough_for_a_newborn(town: Town) -> None:
    mother = await town.adult()
    child = await town.alone(birth_on=BORN, child=True)
    town.reader.pages.append(
        birth_page(
            child.name,
            child.birth_on,
            gender=child.gender,
            mother=(mother.person.name, mother.person.cert_no),
            father=("禾有阳", "990101199405040070"),
            number="Z990000123",
        )
    )
    assert "已通过" in await apply(town, mother, child, [photograph()])


async def test_the_engine_reads_what_the_sandbox_draws(town: Town) -> None:
    """The whole way with the built-in engine, on the papers that developers download."""
    mother, child = await town.adult(name="保大安"), await town.alone(birth_on=BORN, name="保思兰", child=True)

    def named(one: registry.Registrant) -> papers.Named:
        return papers.Named(one.name, one.gender, one.birth_on, one.cert_no)

    town.reader.read = RapidReader().read  # type: ignore[method-assign]
    drawn = [
        papers.register_member(named(child), relation="长子"),
        papers.register_member(named(mother.person), relation="户主"),
    ]
    assert "已通过" in await apply(town, mother, child, drawn)


async def test_what_differs_is_said_plainly_and_other_papers_may_be_sent(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    page = await apply(town, mother, child, household(town, mother, child, name="保大山"))
    assert "证件上孩子的姓名与登记不一致" in page
    assert (await town.messages(mother.person_id))[-1] == "证件需要补正"
    action = f"{mother.phone.path}/papers"
    await mother.phone.send(action, files=household(town, mother, child))
    await town.work()
    assert "已通过" in await mother.phone.get(mother.phone.path)


async def test_a_picture_of_nothing_is_unreadable(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    town.reader.pages.append([])
    assert "没有认出户口簿或出生医学证明" in await apply(town, mother, child, [photograph()])


async def reviewed(town: Town) -> tuple[Relative, registry.Registrant, Browser, str]:
    """Return an application that waits for the agency: the applicant is the child's grandmother."""
    elder, child = await town.adult(birth_on=date(1960, 1, 2)), await town.alone(birth_on=BORN, child=True)
    town.reader.pages += [page_of(child, "孙子"), page_of(elder.person, "户主")]  # type: ignore[list-item]
    assert "看不出您是孩子的父母" in await apply(town, elder, child, [photograph(), photograph()])
    address = elder.phone.path
    await elder.phone.send(f"{address}/review")
    assert "2026-05-19" in elder.phone.page  # Five working days after Tuesday, 12 May.
    return elder, child, await town.clerk(), address.rpartition("/")[2]


async def test_the_agency_accepts_and_its_look_is_recorded(town: Town) -> None:
    elder, child, desk, application_id = await reviewed(town)
    assert application_id in await desk.get("/console/family")
    page = await desk.get(f"/console/family/{application_id}")
    assert child.name in page
    assert elder.person.name in page
    picture = await desk.client.get(f"/console/family/{application_id}/papers/1")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    for looked_at in (child.person_id, elder.person_id):
        [look] = await registry.looks(town.house.pool, town.house.vault, looked_at)
        assert look.purpose == "核对儿童医保电子码的监护证明"
    await desk.send(f"/console/family/{application_id}/accept")
    assert desk.path == "/console/family?done=accepted"
    await elder.phone.get(f"/family/{await link_of(town, elder)}/code")
    assert elder.phone.status == 200


async def test_the_agency_refuses_with_a_reason(town: Town) -> None:
    elder, _, desk, application_id = await reviewed(town)
    await desk.get(f"/console/family/{application_id}")
    await desk.send(f"/console/family/{application_id}/refuse")
    assert (desk.status, "family.reason_missing" in desk.page) == (422, True)
    await desk.send(f"/console/family/{application_id}/refuse", reason="请补交监护权公证书")
    assert "请补交监护权公证书" in await elder.phone.get(f"/family/applications/{application_id}")
    assert (await town.messages(elder.person_id))[-1] == "儿童码申请未通过"
    sealed = await town.house.pool.fetchval(
        "SELECT reason FROM family.application WHERE application_id = $1", application_id
    )
    assert "公证书".encode() not in sealed


async def test_the_start_page_of_a_clerk_says_how_much_waits_and_what_is_overdue(town: Town) -> None:
    """B10: of their own place, in one statement."""
    place = "610100"  # Where no other test's applications are.
    _, _, _, application_id = await reviewed(town)
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await accepted(town, mother, child)
    pool = CountingPool(town.house.pool)
    await town.house.pool.execute(
        "UPDATE family.application SET place = $1 WHERE person_id = ANY ($2)", place, town.people
    )
    todo = await queries.todo(pool, place=place, on=date(2026, 5, 19))
    assert ((todo.waiting, todo.late, todo.unchecked), len(pool.statements)) == ((1, 0, 1), 1)
    desk = await town.clerk(place)
    page = await desk.get("/console")
    assert "待核对 1 件" in page
    assert "待复核 1 件" in page
    assert "已逾期" not in page
    town.house.clock.advance(days=8)  # type: ignore[attr-defined]
    desk = await town.clerk(place)
    assert "已逾期 1 件" in await desk.get("/console")
    await desk.get(f"/console/family/{application_id}")
    await desk.send(f"/console/family/{application_id}/refuse", reason="请补交监护权公证书")
    page = await desk.get("/console")
    assert "待核对" not in page
    assert "待复核 1 件" in page


async def test_another_places_agency_does_not_see_it(town: Town) -> None:
    _, _, _, application_id = await reviewed(town)
    other = await town.clerk("510100")
    assert application_id not in await other.get("/console/family")
    for path in ("", "/papers/1"):
        await other.get(f"/console/family/{application_id}{path}")
        assert other.status == 404


async def admit(window: Cashier, code: str) -> None:
    """Scan the child's code and enter what a stay in the hospital cost."""
    await window.get()
    await window.send("/till/scan", code=code)
    await window.add("A200")
    await window.send("/till/visit", visit="inpatient:")


def digits(page: str) -> str:
    """Return the code that a page shows."""
    return "".join(re.findall(r'id="code-digits">([0-9 ]+)<', page)[0].split())


async def test_a_mother_settles_with_her_newborns_code_at_a_hospital(town: Town) -> None:
    mother, child = await town.adult(balance_fen=500_00), await town.alone(birth_on=BORN, child=True)
    link = await accepted(town, mother, child)
    page = await mother.phone.get(f"/family/{link}/code")
    code = digits(page)
    async with till_browser(town.app) as client:
        window = await staff(town.house, client, f"{HOSPITAL}-f{child.person_id[-6:]}", HOSPITAL)
        await admit(window, code)
        await window.send("/till/send")
        assert (await town.messages(mother.person_id))[-1] == "家庭成员待缴费"
        page = await mother.phone.get("/bills")
        [bill] = re.findall(r'href="(/bills/[0-9a-f]+)"', page)
        whose = f"{registry.masked_name(child.name)}（子女）的账单"
        assert whose in page
        assert whose in await mother.phone.get(bill)
        assert "等待出示的家人确认" in await window.get()
        await mother.phone.send(f"{bill}/confirm#pay", pay_password="111222")
        assert mother.phone.status == 403
        await mother.phone.send(f"{bill}/confirm#pay", pay_password=PIN)
        assert re.fullmatch(r"/family/records/[0-9]{30}\?settled=now", mother.phone.path)
        assert "结算成功" in mother.phone.page
        await window.get()
        assert "/till/settlements/" in window.page  # The cashier sees it paid.
    settled = await town.house.pool.fetch(
        "SELECT total_fen FROM settlement.settlement WHERE person_id = $1", child.person_id
    )
    assert [row["total_fen"] for row in settled] == [200_00]
    assert (await town.messages(mother.person_id))[-1] == "孩子的医保结算"
    looks = [look.purpose for look in await registry.looks(town.house.pool, town.house.vault, child.person_id)]
    assert set(looks) == {"在手机上出示医保码", "查看待缴费账单", "查看结算明细"}


async def test_the_till_takes_the_guardians_password_for_the_child(town: Town) -> None:
    """B9: before anything is rung up the cashier reads that a relative shows the code, and whose password it is."""
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    page = await mother.phone.get(f"/family/{await accepted(town, mother, child)}/code")
    code = digits(page)
    async with till_browser(town.app) as client:
        window = await staff(town.house, client, f"{HOSPITAL}-t{child.person_id[-6:]}", HOSPITAL)
        await window.get()
        await window.send("/till/scan", code=code)
        assert "由家人出示；交易密码由出示的家人输入" in window.page
        await window.add("A200")
        await window.send("/till/visit", visit="inpatient:")
        await window.get("/till?q=")
        assert "请出示的家人在本机输入其交易密码" in window.page
        assert "请参保人在本机输入交易密码" not in window.page
        await window.send("/till/confirm", password="111222")
        assert window.status == 403
        await window.send("/till/confirm", password=PIN)
        assert window.status == 200
    assert await town.house.pool.fetchval(
        "SELECT count(*) FROM settlement.settlement WHERE person_id = $1", child.person_id
    )


async def test_a_guardian_reads_what_was_settled_with_the_childs_code_as_long_as_they_show_it(town: Town) -> None:
    """B10, F2: from the message to every step and the slip; not the other parent's own, nor once the link is over."""
    mother, father = await town.adult(), await town.adult(gender="1")
    child = await town.alone(birth_on=BORN, child=True)
    code = digits(await mother.phone.get(f"/family/{await accepted(town, mother, child)}/code"))
    await second_guardian(town, father, child)
    async with till_browser(town.app) as client:
        window = await staff(town.house, client, f"{HOSPITAL}-g{child.person_id[-6:]}", HOSPITAL)
        await admit(window, code)
        await window.get("/till?q=")
        await window.send("/till/confirm", password=PIN)
    await town.work()
    record = await town.house.pool.fetchval(
        "SELECT href FROM message.message WHERE person_id = $1 AND title = '孩子的医保结算'", father.person_id
    )
    page = await father.phone.get(record)
    for words in (
        f"这是{registry.masked_name(child.name)}（子女）的结算",
        "为什么付这么多？",
        f'href="{record}/slip.pdf"',
    ):
        assert words in page
    slip = await father.phone.client.get(f"{record}/slip.pdf")
    assert slip.content.startswith(b"%PDF")
    looks = await registry.looks(town.house.pool, town.house.vault, child.person_id)
    assert sum(look.purpose == "查看结算明细" for look in looks) == 2

    own = record.rpartition("/")[2]
    assert "settlement.settlement_unknown" in await father.phone.get(f"/records/{own}")
    stranger = await town.adult()
    await stranger.phone.get(record)
    assert stranger.phone.status == 404
    link = await link_of(town, father)
    await mother.phone.get(f"/family/{link}/remove")
    await mother.phone.send(f"/family/{link}/remove")
    await father.phone.get(record)
    assert (father.phone.status, "settlement.settlement_unknown" in father.phone.page) == (404, True)
    assert await mother.phone.get(record)
    assert mother.phone.status == 200


async def test_nobody_else_sees_the_childs_bill(town: Town) -> None:
    mother, stranger = await town.adult(), await town.adult()
    child = await town.alone(birth_on=BORN, child=True)
    page = await mother.phone.get(f"/family/{await accepted(town, mother, child)}/code")
    code = digits(page)
    async with till_browser(town.app) as client:
        window = await staff(town.house, client, f"{HOSPITAL}-n{child.person_id[-6:]}", HOSPITAL)
        await admit(window, code)
        await window.send("/till/send")
    [bill] = re.findall(r'href="(/bills/[0-9a-f]+)"', await mother.phone.get("/bills"))
    await stranger.phone.get(bill)
    assert stranger.phone.status == 404
    assert bill not in await stranger.phone.get("/bills")


async def test_both_parents_may_show_the_code_and_see_only_their_own_bills(town: Town) -> None:
    mother, father = await town.adult(), await town.adult(gender="1")
    child = await town.alone(birth_on=BORN, child=True)
    await accepted(town, mother, child)
    await second_guardian(town, father, child)
    for parent in (mother, father):
        await parent.phone.get(f"/family/{await link_of(town, parent)}/code")
        assert parent.phone.status == 200
    other = await link_of(town, father)
    await mother.phone.get(f"/family/{other}/code")
    assert mother.phone.status == 404


async def second_guardian(town: Town, father: Relative, child: registry.Registrant) -> None:
    """Let the agency accept another guardian of a child that has one."""
    town.reader.pages += [page_of(child, "长子"), page_of(father.person, "夫")]  # type: ignore[list-item]
    await apply(town, father, child, [photograph(), photograph()])
    desk, address = await town.clerk(), f"/console/family/{father.phone.path.rpartition('/')[2]}"
    assert "现在可以出示这个孩子的医保码" in await desk.get(address)
    await desk.send(f"{address}/accept")


async def test_a_guardian_is_told_of_another_sees_them_and_can_end_it(town: Town) -> None:
    mother, father = await town.adult(), await town.adult(gender="1")
    child = await town.alone(birth_on=BORN, child=True)
    await accepted(town, mother, child)
    await second_guardian(town, father, child)
    assert (await town.messages(mother.person_id))[-1] == "又有人可以出示孩子的医保码"
    other = await link_of(town, father)
    assert registry.masked_name(father.person.name) in await mother.phone.get("/family")
    stranger = await town.adult()
    with pytest.raises(refusals.MemberMissing):
        async with transaction(town.house.pool) as tx:
            await actions.remove(
                tx,
                account_id=stranger.account_id,
                person_id=stranger.person_id,
                link_id=other,
                at=town.house.clock(),
            )
    assert "须由医保经办机构人工核对" in await mother.phone.get(f"/family/{other}/remove")
    await mother.phone.send(f"/family/{other}/remove")
    await father.phone.get(f"/family/{other}/code")
    assert father.phone.status == 410
    assert (await town.messages(father.person_id))[-1] == "家庭成员已移除"
    [application] = re.findall(r"/family/applications/[0-9a-f]{32}", await father.phone.get("/family"))
    assert "不能出示孩子的医保码：孩子的另一位监护人移除了。" in await father.phone.get(application)
    assert "可以在「管理亲情账户」出示" not in father.phone.page
    await mother.phone.get(f"/family/{await link_of(town, mother)}/code")
    assert mother.phone.status == 200


async def test_whoever_looks_after_papers_reads_that_the_code_is_shown_no_longer(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    link = await accepted(town, mother, child)
    desk, address = await unchecked(town, child)
    assert "不予通过的，申请人手机上的医保码立即失效" in desk.page
    await mother.phone.get(f"/family/{link}/remove")
    await mother.phone.send(f"/family/{link}/remove")
    assert "申请人现在已不能出示这个孩子的医保码" in await desk.get(address)
    assert "立即失效" not in desk.page


async def test_from_the_eighteenth_birthday_the_code_is_the_young_persons_own(town: Town, at: datetime) -> None:
    mother = await town.adult(birth_on=date(1980, 1, 1))
    child = await town.alone(birth_on=date(2008, 6, 1), child=True)
    link = await accepted(town, mother, child)
    # Twenty days before, both have been told; the notice was due at once.
    assert "儿童码即将移交本人" in await town.messages(mother.person_id)
    assert "儿童码即将移交本人" in await town.messages(child.person_id)
    await mother.phone.get(f"/family/{link}/code")
    assert "2026年6月1日（成年）起由孩子本人出示" in mother.phone.text()
    clock = town.house.clock
    clock.advance(days=19, hours=14)  # type: ignore[attr-defined]
    await mother.phone.get(f"/family/{link}/code")
    assert (mother.phone.status, "孩子已成年" in mother.phone.page) == (410, True)
    assert (await mother.phone.client.get(f"/family/{link}/code/next")).status_code == 410
    heard = jobs.handlers(town.house.pool, vault=town.house.vault, reader=town.reader, clock=clock)
    await heard["family.link_due"](
        Event(child.person_id, 0, "family.link_due", {"link_id": link, "step": "now"}, at, 1)
    )
    assert (await town.messages(child.person_id))[-1] == "儿童码已移交本人"
    assert await town.house.pool.fetchval(
        "SELECT unbound_at IS NOT NULL FROM credential.device WHERE person_id = $1", child.person_id
    )


async def test_a_young_person_with_a_phone_sees_until_when_the_mother_shows_the_code(town: Town) -> None:
    """B10."""
    mother, son = await town.adult(birth_on=date(1980, 1, 1)), await town.adult(gender="1", birth_on=date(2008, 6, 1))
    await accepted(town, mother, son.person)
    await son.phone.get("/family")
    assert "2026年6月1日（成年）起由您本人出示" in son.phone.text()


async def refused(town: Town, mother: Relative, child: registry.Registrant, **other: str) -> type[Refusal]:
    with pytest.raises(Refusal) as caught:
        async with transaction(town.house.pool) as tx:
            await actions.apply(
                tx,
                town.house.vault,
                asker=mother.asker,
                who=msgspec.structs.replace(who(child), **other),
                promised=True,
                pictures=[photograph()],
                at=town.house.clock(),
            )
    return type(caught.value)


async def test_applications_are_refused_in_order(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    assert await refused(town, mother, child, name="某某某") is refusals.MemberUnknown
    assert await refused(town, mother, child, cert_no="990101202604010000") is refusals.MemberUnknown
    assert await refused(town, mother, mother.person) is refusals.MemberIsYourself
    grown = await town.alone(birth_on=date(2000, 1, 1))
    assert await refused(town, mother, grown) is refusals.NotAChild
    await accepted(town, mother, child)
    assert await refused(town, mother, child) is refusals.AlreadyMember


async def test_a_family_is_full_at_five(town: Town) -> None:
    mother = await town.adult()
    for _ in range(5):
        await accepted(town, mother, await town.alone(birth_on=BORN, child=True))
    sixth = await town.alone(birth_on=BORN, child=True)
    assert await refused(town, mother, sixth) is refusals.FamilyFull


@pytest.mark.parametrize("children", [1, 5])
async def test_a_large_family_takes_no_more_statements_than_a_small_one(town: Town, children: int) -> None:
    mother, husband = await town.adult(), await town.adult(gender="1")
    for _ in range(children):
        child = await town.alone(birth_on=BORN, child=True)
        await accepted(town, mother, child)
        await second_guardian(town, husband, child)
    counting = CountingPool(town.house.pool)
    found = await queries.family(
        counting, town.house.vault, account_id=mother.account_id, person_id=mother.person_id, at=town.house.clock()
    )
    assert [len(member.others) for member in found.members] == [1] * children
    assert len(found.applications) == children
    assert len(counting.statements) == 3


async def test_what_stands_in_the_way_after_the_papers_agreed_is_said(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await town.house.pool.execute("UPDATE registry.insurance SET synced = false WHERE person_id = $1", child.person_id)
    assert "参保信息尚未生效" in await apply(town, mother, child, household(town, mother, child))


async def test_a_camera_takes_larger_pictures_than_any_other_form_sends(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    out = io.BytesIO()
    Image.frombytes("RGB", (1500, 1200), Random(7).randbytes(1500 * 1200 * 3)).save(out, "PNG")
    assert len(out.getvalue()) > BODY_SIZE_MAX
    town.reader.pages += [[], []]
    assert "没有认出" in await apply(town, mother, child, [out.getvalue(), photograph()])
    answer = await mother.phone.client.post("/family", data={"x": "y" * (BODY_SIZE_MAX + 1)})
    assert answer.status_code in (403, 405, 413)  # Every other address still takes no more than before.


async def test_the_form_says_what_is_wrong_with_a_file(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await mother.phone.get("/family/add/child")
    await mother.phone.send("/family/add/child", files=[b"%PDF-1.7"], name=child.name, promised="1")
    assert (mother.phone.status, "paper.not_a_picture" in mother.phone.page) == (422, True)
    assert child.name in mother.phone.page  # What was typed is still there.
    await mother.phone.send("/family/add/child", files=[photograph()] * 4, name=child.name, promised="1")
    assert (mother.phone.status, "family.papers_missing" in mother.phone.page) == (422, True)


async def test_papers_are_sent_ten_times_a_day_and_counted_before_they_are_opened(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await apply(town, mother, child, household(town, mother, child, name="保大山"))
    address, opened = mother.phone.path, 0

    async def refused(picture: bytes) -> bytes:
        nonlocal opened
        opened += 1
        raise NotAPicture

    monkeypatch.setattr(paper, "tidied", refused)
    for _ in range(12):
        await mother.phone.get(address)
        await mother.phone.send(f"{address}/papers", files=[photograph()])
    assert (mother.phone.status, opened) == (429, 9)


async def test_a_second_reading_of_the_same_event_changes_nothing(town: Town, at: datetime) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await accepted(town, mother, child)
    [application] = await store.applications_of_account(town.house.pool, mother.account_id)
    heard = jobs.handlers(town.house.pool, vault=town.house.vault, reader=town.reader, clock=town.house.clock)
    payload = {"application_id": application.application_id, "round": 1}
    await heard["family.papers_sent"](Event(child.person_id, 0, "family.papers_sent", payload, at, 2))
    assert len(await store.links_of_account(town.house.pool, mother.account_id)) == 1


async def test_closing_an_account_deletes_every_picture(town: Town) -> None:
    mother = await town.adult()
    children = [await town.alone(birth_on=BORN, child=True) for _ in range(21)]
    for child in children:
        async with transaction(town.house.pool) as tx:
            await actions.apply(
                tx,
                town.house.vault,
                asker=mother.asker,
                who=who(child),
                promised=True,
                pictures=[photograph()],
                at=town.house.clock(),
            )
    async with transaction(town.house.pool) as tx:
        await actions.end_all(tx, account_id=mother.account_id, person_id=mother.person_id, at=town.house.clock())
    assert [await proofs_of(town, child) for child in children] == [0] * 21


@pytest.mark.parametrize("differs", [True, False])
async def test_pictures_do_not_stay_for_ever(town: Town, at: datetime, differs: bool) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    wrong = {"name": "保大山"} if differs else {}
    await apply(town, mother, child, household(town, mother, child, **wrong))
    [application] = await store.applications_of_account(town.house.pool, mother.account_id)
    clock = town.house.clock
    due = jobs.handlers(town.house.pool, vault=town.house.vault, reader=town.reader, clock=clock)["family.papers_due"]
    payload = {"application_id": application.application_id, "round": 1}
    event = Event(child.person_id, 0, "family.papers_due", payload, at, 1)
    clock.advance(days=29)  # type: ignore[attr-defined]
    await due(event)
    assert await proofs_of(town, child) == 2
    clock.advance(days=1)  # type: ignore[attr-defined]
    await due(event)
    assert await proofs_of(town, child) == 0
    state = await town.house.pool.fetchval("SELECT state FROM family.application WHERE person_id = $1", child.person_id)
    assert state == ("withdrawn" if differs else "accepted")
    assert ("儿童码申请已失效" in await town.messages(mother.person_id)) is differs


async def test_withdrawing_deletes_the_pictures(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await apply(town, mother, child, household(town, mother, child, name="保大山"))
    pool = town.house.pool
    stored = await pool.fetch("SELECT picture FROM family.proof WHERE person_id = $1", child.person_id)
    assert len(stored) == 2
    assert all(b"JFIF" not in row["picture"] for row in stored)
    await mother.phone.send(f"{mother.phone.path}/withdraw")
    assert not await pool.fetch("SELECT FROM family.proof WHERE person_id = $1", child.person_id)


@pytest.mark.parametrize(
    ("born", "age", "day"),
    [(date(2008, 6, 1), 18, date(2026, 6, 1)), (date(2008, 2, 29), 18, date(2026, 3, 1))],
)
def test_the_birthday_of_coming_of_age(born: date, age: int, day: date) -> None:
    assert rules.birthday(born, age) == day
    assert rules.handover_at(born, age) - timedelta(seconds=1) < rules.handover_at(born, age)
