"""A clerk adds a member for whoever stands at the counter together with them (B11): the same rules as online."""

from datetime import date
from typing import Any

import msgspec
import pytest

from conftest import insured
from yibao import registry
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.service.family import actions, refusals, store
from yibao.service.family.tests.scene import Browser, Relative, Town, who
from yibao.service.family.tests.test_adults import asked, digits
from yibao.service.family.tests.test_children import BORN, apply, household, proofs_of
from yibao.service.family.types import Link

ADD = "/console/family/add"


async def sent(desk: Browser, relative: registry.Registrant, member: registry.Registrant, **other: str) -> str:
    """Fill in the form at the counter, and return the page that follows."""
    await desk.get(ADD)
    names = {
        f"{side}_{part}": getattr(one, part)
        for side, one in (("relative", relative), ("member", member))
        for part in ("name", "cert_type", "cert_no")
    }
    typed: Any = {**names, "relation": "parent", "checked": "1", **other}
    return await desk.send(ADD, **typed)


async def link_of(town: Town, relative: Relative) -> Link:
    [link] = await store.links_of_account(town.house.pool, relative.account_id)
    return link


async def test_a_clerk_adds_a_grandmother_who_has_no_phone(town: Town) -> None:
    grandson = await town.adult(gender="1", birth_on=date(2000, 5, 5))
    grandmother, desk = await town.alone(birth_on=date(1941, 2, 3), gender="2"), await town.clerk()
    assert ADD in await desk.get("/console")
    page = await sent(desk, grandson.person, grandmother)
    assert "已添加" in page
    assert f"{grandmother.name}是{grandson.person.name}的父母。" in page
    link = await link_of(town, grandson)
    assert (link.method, link.relation, link.until_at) == ("counter", "parent", None)
    assert link.added_by is not None
    assert link.added_by.startswith("A510500-")
    assert "经办窗口核对" in await grandson.phone.get("/family")
    assert digits(await grandson.phone.get(f"/family/{link.link_id}/code"))
    assert (await town.messages(grandson.person_id))[-1] == "已添加家庭成员"
    assert await town.messages(grandmother.person_id) == ["家人可以出示您的医保码", "家人出示了您的医保码"]
    for one in (grandson.person_id, grandmother.person_id):
        looks = {
            look.purpose: look.looker_name for look in await registry.looks(town.house.pool, town.house.vault, one)
        }
        assert looks["窗口添加家庭成员"] == "泸州市医保经办机构 演示经办员"


END = "/console/family/end"


async def test_a_clerk_ends_it_for_a_grandmother_whose_code_was_never_shown(town: Town) -> None:
    grandson = await town.adult(gender="1", birth_on=date(2000, 5, 5))
    grandmother, desk = await town.alone(birth_on=date(1941, 2, 3), gender="2"), await town.clerk()
    await sent(desk, grandson.person, grandmother)
    link = await link_of(town, grandson)
    her: Any = {part: getattr(grandmother, part) for part in ("name", "cert_type", "cert_no")}
    assert END in await desk.get("/console")
    await desk.get(END)
    assert "family.not_checked_at_counter" in await desk.send(END, **her, checked="")
    assert registry.masked_name(grandson.person.name) in await desk.send(END, **her, checked="1")
    assert "没有别人可以出示" in await desk.send(END, **her, checked="1", link=link.link_id)
    assert not await store.links_of_account(town.house.pool, grandson.account_id)
    page = await grandson.phone.get("/family")
    assert "对方本人到经办窗口移除了" in page
    assert "出示医保码" not in page
    for one in (grandson.person_id, grandmother.person_id):
        assert (await town.messages(one))[-1] == "家庭成员已移除"
    looks = [look.purpose for look in await registry.looks(town.house.pool, town.house.vault, grandmother.person_id)]
    assert {"窗口查看谁可以出示医保码", "窗口移除家庭成员"} <= set(looks)


async def test_a_clerk_ends_nothing_of_somebody_else_nor_elsewhere(town: Town) -> None:
    grandson = await town.adult(gender="1", birth_on=date(2000, 5, 5))
    grandmother, other = await town.alone(birth_on=date(1941, 2, 3)), await town.alone(birth_on=date(1950, 1, 1))
    desk = await town.clerk()
    await sent(desk, grandson.person, grandmother)
    link = await link_of(town, grandson)
    for clerk, member, status in ((desk, other, 404), (await town.clerk("510100"), grandmother, 403)):
        whose: Any = {part: getattr(member, part) for part in ("name", "cert_type", "cert_no")}
        await clerk.get(END)
        await clerk.send(END, **whose, checked="1", link=link.link_id)
        assert clerk.status == status
    assert await link_of(town, grandson) == link
    await desk.get(END)
    her: Any = {part: getattr(grandmother, part) for part in ("name", "cert_type", "cert_no")}
    await desk.send(END, **her, checked="1", link="\x00'; --")
    assert (desk.status, "family.member_missing" in desk.page) == (404, True)


async def test_a_child_is_added_as_its_guardians_until_it_comes_of_age(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await apply(town, mother, child, household(town, mother, child, name="保大山"))
    assert await proofs_of(town, child) == 2
    assert "已添加" in await sent(await town.clerk(), mother.person, child, relation="child")
    link = await link_of(town, mother)
    assert (link.method, link.relation) == ("guardian", "child")
    assert str(link.until_at) == "2044-04-19 16:00:00+00:00"
    # What waited online has found its end with it: nobody can refuse the application afterwards and undo this.
    assert await proofs_of(town, child) == 0
    assert not await store.applications_of_account(town.house.pool, mother.account_id)


async def test_a_look_at_older_papers_does_not_undo_what_a_clerk_added(town: Town) -> None:
    mother, child = await town.adult(), await town.alone(birth_on=BORN, child=True)
    await apply(town, mother, child, household(town, mother, child))
    [application] = await store.applications_of_account(town.house.pool, mother.account_id)
    at = town.house.clock()
    async with transaction(town.house.pool) as tx:
        await actions.remove(
            tx,
            account_id=mother.account_id,
            person_id=mother.person_id,
            link_id=(await link_of(town, mother)).link_id,
            at=at,
        )
    await sent(await town.clerk(), mother.person, child, relation="child")
    async with transaction(town.house.pool) as tx:
        await actions.decide(
            tx,
            town.house.vault,
            place="510500",
            application_id=application.application_id,
            staff="A510500-99",
            accepted=False,
            reason="照片不清楚",
            at=at,
        )
    assert (await link_of(town, mother)).added_by is not None


async def test_what_was_asked_online_needs_no_answer_any_more(town: Town) -> None:
    wife, husband = await town.adult(), await town.adult(gender="1")
    await asked(town, wife, husband.person)
    assert "/allow" in await husband.phone.get("/family")
    await sent(await town.clerk(), wife.person, husband.person, relation="spouse")
    page = await husband.phone.get("/family")
    assert "/allow" not in page
    assert "谁可以出示我的医保码" in page
    assert registry.masked_name(wife.person.name) in page


async def test_who_has_used_up_the_tries_of_the_day_is_helped_here(town: Town) -> None:
    wife, husband = await town.adult(), await town.adult(gender="1")
    for _ in range(10):
        await asked(town, wife, msgspec.structs.replace(husband.person, name="某某某"))
    await asked(town, wife, husband.person)
    assert "请到医保经办窗口办理" in wife.phone.page
    assert "已添加" in await sent(await town.clerk(), wife.person, husband.person, relation="spouse")


async def refused(town: Town, grandson: Relative, elder: registry.Registrant, /, **other: object) -> type[Refusal]:
    with pytest.raises(Refusal) as caught:
        async with transaction(town.house.pool) as tx:
            await actions.add_at_counter(
                tx,
                town.house.vault,
                **{  # type: ignore[arg-type]
                    "clerk": "A510500-01",
                    "place": "510500",
                    "relative": who(grandson.person),
                    "member": who(elder),
                    "relation": "parent",
                    "checked": True,
                    "at": town.house.clock(),
                    **other,
                },
            )
    return type(caught.value)


async def test_the_counter_refuses_in_order(town: Town) -> None:
    grandson, grandmother = await town.adult(gender="1"), await town.alone(birth_on=date(1941, 2, 3))
    unknown = msgspec.structs.replace(who(grandmother), name="某某某")
    assert await refused(town, grandson, grandmother, checked=False, relative=unknown) is refusals.NotCheckedAtCounter
    assert await refused(town, grandson, grandmother, relative=unknown, member=unknown) is refusals.RelativeNotReady
    # Somebody who is insured but has no account has no phone to show anything on.
    assert await refused(town, grandson, grandson.person, relative=who(grandmother)) is refusals.RelativeNotReady
    assert await refused(town, grandson, grandmother, member=unknown) is refusals.MemberUnknown
    assert await refused(town, grandson, grandson.person, place="510100") is refusals.MemberIsYourself
    assert await refused(town, grandson, grandmother, place="510100", relation="friend") is refusals.MemberElsewhere
    assert await refused(town, grandson, grandmother, relation="friend") is refusals.RelationNotOffered
    desk = await town.clerk()
    assert '<option value="">请选择</option>' in await desk.get(ADD)  # Nobody is a spouse unless a clerk says so.
    await sent(desk, grandson.person, grandmother, relation="")
    assert (desk.status, "family.relation_not_offered" in desk.page) == (422, True)
    await sent(desk, grandson.person, grandmother)
    await sent(desk, grandson.person, grandmother)
    assert (desk.status, "family.already_member" in desk.page) == (409, True)
    assert "已添加</p>" not in desk.page
    # First what the clerk does, then what the person is told.
    _, _, after = desk.page.partition("请家人在手机「我的家庭成员」里打开")
    assert f"告诉本人：{refusals.AlreadyMember.remedy}" in after
    for _ in range(4):
        await sent(desk, grandson.person, await town.alone(birth_on=date(1950, 1, 1)))
        assert desk.status == 200
    await sent(desk, grandson.person, await town.alone(birth_on=date(1950, 1, 1)))
    assert (desk.status, "family.family_full" in desk.page) == (409, True)


async def test_the_form_keeps_what_was_typed_and_needs_the_tick(town: Town) -> None:
    grandson, grandmother = await town.adult(gender="1"), await town.alone(birth_on=date(1941, 2, 3))
    desk = await town.clerk("510100")
    await sent(desk, grandson.person, grandmother, checked="")
    assert (desk.status, "family.not_checked_at_counter" in desk.page) == (422, True)
    assert grandmother.cert_no in desk.page
    await sent(desk, grandson.person, grandmother)
    assert (desk.status, "family.member_elsewhere" in desk.page) == (403, True)
    await sent(
        desk, grandson.person, grandmother, member_cert_no="\x00'; --", relation="\x00", member_cert_type="x" * 500
    )
    assert desk.status == 404
    assert not await store.links_of_account(town.house.pool, grandson.account_id)


@pytest.mark.parametrize("state", ["0", "3", "4"])
async def test_a_clerk_of_a_place_that_the_member_has_left_adds_nobody(town: Town, state: str) -> None:
    grandson = await town.adult(gender="1", birth_on=date(2000, 5, 5))
    left = (insured("510500", state=state), insured("310000"))
    member = await town.new_person(birth_on=date(1941, 2, 3), gender="2", name=None, insurances=left)
    town.people.append(member.person_id)
    assert "family.member_elsewhere" in await sent(await town.clerk(), grandson.person, member)
