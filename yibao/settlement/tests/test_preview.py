"""费用预估: what a visit would cost here and there, side by side, for anybody and for whoever is signed in (F3)."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date
from html import unescape
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import NewPerson, insured
from tests.entrance import entrance
from yibao import benefit
from yibao.app import House
from yibao.benefit.tests import conftest as places
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.service import directory, policy_query
from yibao.settlement import preview
from yibao.settlement.preview import Comparison, compare, typed_in
from yibao.settlement.tests.scene import CountingPool, item
from yibao.settlement.tests.test_pages import settled_by
from yibao.site.tests import scene
from yibao.site.tests.scene import Phone

house, stranger, phone = scene.house, scene.stranger, scene.phone
town = places.town

DAY = date(2026, 5, 12)
LUZHOU = {"place": "510500", "person": "retired", "in_scope": "400.00", "outside": "20.00"}
TOWN = {"place": "512000", "person": "employed", "in_scope": "1000"}


def compared(using: benefit.Policies, query: dict[str, str]) -> Comparison:
    typed = typed_in(query)
    question = preview.question_of(typed, using=using, today=DAY)
    return compare(
        preview.case_of(question, typed, None, {}, using=using),
        levels=policy_query.offer(question, using=using).levels,
        ages_matter=not question.age,
        using=using,
    )


def paid(found: Comparison) -> dict[str, int]:
    return {cell.key: cell.assessment.person_fen for cell in found.cells}


def test_the_published_purchase_stands_beside_the_hospitals() -> None:
    """SC-LZ-01: 420.00 at a pharmacy, of which the fund pays 175.00."""
    found = compared(benefit.policies(), LUZHOU)
    cells = {cell.key: cell.assessment for cell in found.cells}
    assert (cells["pharmacy.local"].person_fen, cells["pharmacy.local"].fund_fen) == (245_00, 175_00)
    assert {assessment.total_fen for assessment in cells.values()} == {420_00}
    assert found.rows[0].name == "药店"


def test_every_kind_of_place_at_home_and_away_is_worked_out_by_its_own_rule(town: benefit.Policies) -> None:
    """1000.00 in scope, 100.00 deductible; the rates of the town, ten and twenty points less away."""
    assert paid(compared(town, TOWN)) == {
        "pharmacy.local": 505_00,
        "pharmacy.filed": 1000_00,
        "pharmacy.unfiled": 1000_00,
        "village.local": 280_00,
        "village.filed": 370_00,
        "village.unfiled": 460_00,
        "community.local": 370_00,
        "community.filed": 460_00,
        "community.unfiled": 550_00,
        "secondary.local": 460_00,
        "secondary.filed": 550_00,
        "secondary.unfiled": 640_00,
        "tertiary.local": 550_00,
        "tertiary.filed": 640_00,
        "tertiary.unfiled": 730_00,
        "provincial.local": 595_00,
        "provincial.filed": 685_00,
        "provincial.unfiled": 775_00,
    }


@pytest.mark.parametrize(("where", "away_fen"), [("province", 600_00), ("country", 650_00), ("", 600_00)])
def test_away_is_where_it_was_said_to_be(town: benefit.Policies, where: str, away_fen: int) -> None:
    found = paid(compared(town, {**TOWN, "visit": "inpatient", "where": where}))
    assert "pharmacy.local" not in found
    assert (found["tertiary.local"], found["tertiary.emergency"]) == (550_00, away_fen)


def test_a_municipality_is_compared_with_other_provinces(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("policies") / "310000_x"
    folder.mkdir()
    (folder / "policy.yaml").write_text(places.TOWN.replace("512000", "310000"), "utf-8")
    using = benefit.Policies.load(folder.parent)
    found = paid(compared(using, {**TOWN, "place": "310000", "visit": "inpatient", "where": "province"}))
    assert found["tertiary.filed"] == 650_00


def test_what_has_no_rule_anywhere_is_named_once_and_what_has_one_somewhere_stays_a_gap(town: benefit.Policies) -> None:
    found = compared(town, TOWN)
    assert found.columns == ("本地", "异地已备案", "异地未备案")
    assert found.without_rule == ("异地急诊",)
    assert [row.name for row in found.rows][-1] == "省属三级医院"  # No rule for 一级 and 未定级: no row.
    assert "一级医院" not in [row.name for row in found.rows]
    with pytest.raises(benefit.NoRule):
        compared(town, {**TOWN, "person": "adult"})


def test_the_cheapest_is_named_unless_all_are_alike(town: benefit.Policies) -> None:
    assert [cell.name for cell in compared(town, TOWN).cheapest] == ["村卫生室、社区卫生服务站，本地"]
    assert compared(town, {**TOWN, "in_scope": "100"}).cheapest == []


def test_a_cell_that_uses_an_assumed_value_says_so(town: benefit.Policies) -> None:
    found = compared(town, TOWN)
    assert [cell.key for cell in found.cells if cell.assumed] == ["pharmacy.local"]
    assert found.assumed == [("药店比例", "药店的比例没有查到。")]


def test_the_age_is_asked_for_where_some_cell_depends_on_it() -> None:
    asked = {"place": "510100", "person": "employed", "visit": "inpatient", "in_scope": "1000"}
    with pytest.raises(Refusal) as refused:
        compared(benefit.policies(), asked)
    assert "填写年龄" in refused.value.detail_text
    assert compared(benefit.policies(), {**asked, "age": "50"}).cells


async def test_anybody_is_asked_first_and_answered_side_by_side(stranger: Phone) -> None:
    opened = await stranger.get("/preview")
    assert opened.status_code == 200
    assert "自己付得最少" not in opened.text
    assert 'href="/login?next=/preview"' in opened.text
    answered = await stranger.get(f"/preview?{urlencode(LUZHOU)}")
    assert answered.status_code == 200
    for words in (
        "自己付得最少：245.00 元",
        "<p>本地：药店",
        "基金付 175.00",
        "按今年第一次就医算",
        "：没有查到公布的规定，按假定计算。限额由各市规定",
        '<th role="columnheader" scope="col" class="number">本地</th>',
        '<th role="rowheader" scope="row">三级医院</th>',
    ):
        assert words in answered.text
    assert 'id="why"' not in answered.text


async def test_every_cell_leads_to_its_steps(stranger: Phone) -> None:
    answered = (await stranger.get(f"/preview?{urlencode(LUZHOU)}")).text
    links = [unescape(link) for link in re.findall(r'href="(/preview\?[^"#]*show=[^"#]*)#why"', answered)]
    assert len(links) > 3
    for link in links:
        assert 'id="why"' in (await stranger.get(link)).text
    first = (await stranger.get(links[0])).text
    assert "药店，本地：怎么算的" in first
    assert "一共 420.00 元：医保基金付 175.00 元，您付现金 245.00 元" in first
    assert "250.00 元按 70% 报销，基金支付 175.00 元" in first
    assert "川医保办发〔2023〕6号" in first


async def test_where_no_fund_pays_is_said_beside_where_one_does(stranger: Phone) -> None:
    """F3: a child insured in 泸州 is paid for at the community station only, and told why."""
    asked = {"place": "510500", "person": "child", "in_scope": "100", "visit": "outpatient", "show": "tertiary.local"}
    answered = (await stranger.get(f"/preview?{urlencode(asked)}")).text
    assert "自己付得最少：40.00 元" in answered
    for words in ("<small>基金付 60.00</small>", "<small>基金不支付</small>"):
        assert words in answered
    why = "居民的普通门诊只在本市的社区医院、乡镇卫生院等基层医疗机构报销，其他医院和药店的费用由个人负担"
    assert f"基金不支付的：{why}。" in answered
    assert f"您付现金 100.00 元。医保基金不支付：{why}。这一条没有查到公布的规定，按假定计算" in answered
    assert "异地急诊：没有这样的规则" in answered


@pytest.fixture
def in_town(house: House, town: benefit.Policies) -> None:
    """Let the rules of the made-up town hold instead of those that are shipped."""
    house.desk.policies = town


@pytest.mark.usefixtures("in_town")
async def test_gaps_are_said_in_words(stranger: Phone, house: House) -> None:
    asked = {**TOWN, "visit": "chronic", "disease": "M03900"}
    answered = (await stranger.get(f"/preview?{urlencode(asked)}")).text
    assert "异地已备案、异地未备案、异地急诊：没有这样的规则" in answered
    assert "去哪里都一样：自己付 300.00 元" in answered


async def statements_for(path: str, phone: Phone, house: House) -> list[str]:
    """Return what a page asks the database, on the phone of the person who is signed in."""
    counting = CountingPool(house.pool)
    transport = httpx.ASGITransport(entrance(replace(house, pool=counting)))
    async with httpx.AsyncClient(transport=transport, base_url="http://yibao.test", cookies=phone.cookies) as client:
        assert (await client.get(path)).status_code == 200
    return counting.statements


async def test_whoever_is_signed_in_is_reckoned_with_their_own_numbers(phone: Phone, house: House, shops: None) -> None:
    """A retired person of 68 in Luzhou, whose deductible of 150.00 was met by the purchase before."""
    await settled_by(phone, house)
    opened = (await phone.get("/preview")).text
    for words in (
        "<dt>参保地</dt><dd>四川省泸州市</dd>",
        "<dd>退休人员</dd>",
        "<dd>68 岁</dd>",
        "<dt>个人账户余额</dt><dd>0.00 元</dd>",
        "<dt>今年已计入门诊统筹起付线</dt><dd>150.00 元</dd>",
        "<dt>今年已计入门诊统筹年度最高支付限额</dt><dd>175.00 元</dd>",
    ):
        assert words in opened
    assert 'name="age"' not in opened
    answered = (await phone.get("/preview?in_scope=400&outside=20")).text
    assert "自己付得最少：140.00 元" in answered
    assert "您今年已经看过的病，都算进去了" in answered


async def test_whoever_has_no_personal_account_is_not_told_a_balance(stranger: Phone, new_person: NewPerson) -> None:
    await stranger.sign_in(await new_person(insurances=[insured(insutype="390", psn_type="1501")]))
    answered = (await stranger.get("/preview?in_scope=400&go=1")).text
    assert "按您自己的情况算" in answered
    assert "自己付得最少" in answered
    assert "<dt>个人账户余额</dt>" not in answered


async def test_no_address_carries_anything_of_whoever_is_signed_in(phone: Phone, house: House) -> None:
    assert phone.person is not None
    answered = (await phone.get("/preview?in_scope=400&go=1&age=30&place=510100&account=77")).text
    links = re.findall(r'href="([^"]*)"', answered)
    assert any("show=" in link for link in links)
    for link in links:
        for secret in (phone.person_id, quote(phone.person.name), "age=", "place=", "person=", "account="):
            assert secret not in link
    assert "68 岁" in answered  # What was typed for somebody else does not count for them.


async def test_the_page_asks_the_database_three_times_however_many_cells(
    phone: Phone, house: House, shops: None
) -> None:
    """The session, the place that was chosen, and everything else in one statement, items included."""
    asked = "/preview?in_scope=400"
    assert len(await statements_for("/preview", phone, house)) == 3
    assert len(await statements_for(asked, phone, house)) == 3
    assert len(await statements_for("/preview?item-A200=2&item-C20=1&item-B100=1", phone, house)) == 3
    assert len(await statements_for("/preview?who=other&in_scope=400&place=510500&person=retired", phone, house)) == 1


async def test_somebody_signed_in_may_ask_for_another(phone: Phone) -> None:
    opened = (await phone.get("/preview?who=other")).text
    assert 'name="age"' in opened
    assert 'name="who" value="other"' in opened
    assert "按您自己的情况算" not in opened
    answered = (await phone.get(f"/preview?{urlencode({**LUZHOU, 'who': 'other', 'person': 'employed'})}")).text
    assert "who=other" in answered
    assert "自己付得最少：300.00 元" in answered  # (400-200)*60%=120, and 420-120.


async def test_whoever_is_not_bound_is_asked_like_anybody(stranger: Phone, new_person: NewPerson) -> None:
    await stranger.sign_in(await new_person(), bound=False)
    opened = (await stranger.get("/preview")).text
    assert 'href="/me/bind?next=/preview"' in opened
    assert 'name="age"' in opened


@pytest.mark.parametrize(
    ("relation", "code"),
    [
        ({"state": "2"}, "settlement.insurance_suspended"),
        ({"psn_type": "13"}, "settlement.kind_unsupported"),
        ({"place": "999900"}, "benefit.no_policy"),
    ],
)
async def test_whoever_cannot_be_reckoned_is_told_why_and_may_ask_for_another(
    stranger: Phone, new_person: NewPerson, relation: dict[str, str], code: str
) -> None:
    await stranger.sign_in(await new_person(insurances=[insured(**relation)]))  # type: ignore[arg-type]
    answered = await stranger.get("/preview?in_scope=400")
    assert answered.status_code in (403, 409)
    assert code in answered.text
    assert 'href="/preview?who=other"' in answered.text


async def test_items_are_found_chosen_and_reckoned_at_the_price_of_the_directory(stranger: Phone, shops: None) -> None:
    found = (await stranger.get("/preview?find=1&q=A200")).text
    assert 'name="item-A200" value=""' in found
    answered = (await stranger.get(f"/preview?{urlencode({**LUZHOU, 'item-A200': '2', 'item-C20': '1'})}")).text
    assert "自己付得最少：245.00 元" in answered
    assert "一共 420.00 元" in answered
    assert 'name="item-A200" value="2"' in answered
    assert "item-A200=2" in answered
    assert "按目录的最高售价算" in answered
    assert "没有找到“xyz”" in (await stranger.get("/preview?find=1&q=xyz")).text
    both = (await stranger.get("/preview?find=1&q=A200&item-A200=1")).text
    assert both.count('name="item-A200"') == 1


async def test_no_more_than_twenty_items(stranger: Phone, house: House, shops: None) -> None:
    async with transaction(house.pool) as tx:
        await directory.load_items(tx, [item(f"N{n}", "A", "10.00") for n in range(21)])
    most = {f"item-N{n}": "1" for n in range(20)}
    assert "一共 200.00 元" in (await stranger.get(f"/preview?{urlencode({**LUZHOU, **most})}")).text
    refused = await stranger.get(f"/preview?{urlencode({**LUZHOU, **most, 'item-N20': '1'})}")
    assert refused.status_code == 400
    assert "最多选 20 个项目" in refused.text


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ({"in_scope": "", "outside": "", "go": "1"}, 400, "请填写大概要花多少钱"),
        ({"in_scope": "0", "outside": ""}, 400, "请填写大概要花多少钱"),
        ({"in_scope": "100000000", "outside": "0.01"}, 400, "合计不超过一亿元"),
        ({"in_scope": "100000000.01"}, 400, "政策范围内金额请填写"),
        ({"outside": "一百"}, 400, "政策范围外金额请填写"),
        ({"visit": "pharmacy"}, 400, "请从列表中选择就医类别"),
        ({"place": "110000"}, 409, "benefit.no_policy"),
        ({"person": "student", "on": "1999-01-01", "place": "619900"}, 409, "benefit.no_rule"),
        ({"age": "old"}, 400, "年龄请填写周岁"),
        ({"disease": "x", "visit": "chronic"}, 400, "请从列表中选择病种"),
        ({"item-NONE": "1"}, 422, "settlement.item_unknown"),
        ({"item-A200": "0"}, 400, "数量须大于 0"),
        ({"item-A200": "NaN"}, 400, "数量须大于 0"),
        ({"item-A200": "1.00001"}, 400, "数量须大于 0"),
        ({"item-A200": "1e3"}, 400, "数量须大于 0"),
        ({"item-" + "9" * 51: "1"}, 400, "项目请从目录中查找"),
        ({"item-A200": "100000", "item-M": "100000", "item-B100": "100000", "item-C20": "100000"}, 200, "一共"),
        ({"find": "1", "q": "药" * 51}, 400, "要找的名称不超过 50 个字"),
    ],
)
async def test_what_cannot_be_reckoned_is_refused_on_the_page(
    stranger: Phone, shops: None, typed: dict[str, str], status: int, words: str
) -> None:
    answered = await stranger.get(f"/preview?{urlencode({**LUZHOU, **typed})}")
    assert answered.status_code == status
    assert words in answered.text
    assert 'action="/preview"' in answered.text


ODD = st.one_of(
    st.text("019.-+eE年０²x \x00", max_size=12),
    st.sampled_from(["510500", "510100", "110000", "retired", "adult", "inpatient", "chronic", "other", "1"]),
    st.sampled_from(["-1", "1e9", "0.005", "999999999999.99", "NaN", "Infinity", "²", "１００", "none", "A200"]),
)
NAMES = [*preview.OF_A_PERSON, *preview.OF_A_VISIT, "item-A200", "item-", "item-\x00", "who", "show", "go"]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(query=st.dictionaries(st.sampled_from(NAMES), ODD))
def test_whatever_is_typed_is_reckoned_or_refused(query: dict[str, str]) -> None:
    with suppress(Refusal):
        found = compared(benefit.policies(), query)
        assert found.cells
        for assessment in (cell.assessment for cell in found.cells):
            assert assessment.total_fen == assessment.person_fen + assessment.fund_fen


@pytest.mark.parametrize(
    "query",
    [
        "in_scope",
        "in_scope=%00&place=%ff%fe",
        "item-%00=1",
        "item-%ED%A0%80=1",
        "find=1&q=%00",
        "find=1&q=%ED%A0%80",
        "who=other&who=me&in_scope=1&in_scope=2",
        "in_scope=400&place=510500&person=retired&show=%3Cscript%3E",
        "in_scope=" + "9" * 5000,
        "&&==&%",
    ],
)
async def test_no_query_string_breaks_the_page(stranger: Phone, shops: None, query: str) -> None:
    answered = await stranger.get(f"/preview?{query}")
    assert answered.status_code < 500
    assert "<script>" not in answered.text
