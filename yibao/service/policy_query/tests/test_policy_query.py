"""政策查询: what holds for people like the one who asks, and an example, without signing in (D5)."""

from contextlib import suppress
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import WorldClock
from yibao import benefit
from yibao.app import House
from yibao.benefit.steps import KINDS
from yibao.benefit.steps.ratio import Points
from yibao.benefit.tests import conftest as places
from yibao.benefit.tests.conftest import SAMPLE, SEGMENTED
from yibao.benefit.types import PERSON_NAMES, PersonKind
from yibao.service.policy_query import Answer, Question, answer, offer, question_of, treated_place
from yibao.service.policy_query.refusals import MalformedQuestion
from yibao.service.policy_query.rules import INSURANCE_OF, LEVELS, MEANINGS, PEOPLE, VISITS, WHERE
from yibao.site.tests import scene
from yibao.site.tests.scene import Phone

house, stranger, phone = scene.house, scene.stranger, scene.phone
town = places.town

DAY = date(2026, 5, 12)
LUZHOU = {"place": "510500", "person": "retired", "visit": "pharmacy"}


def asked(**typed: str) -> Answer:
    using = benefit.policies()
    return answer(question_of(typed, using=using, today=DAY), using=using)


def said(found: Answer) -> dict[str, list[tuple[str, str]]]:
    return {label: [(value.meaning, value.text) for value in values] for label, values in found.steps}


def test_only_what_holds_for_this_kind_of_person_is_said() -> None:
    assert said(asked(**LUZHOU)) == {
        "门诊统筹起付线": [("一年", "150.00 元")],
        "药店购药报销比例": [("比例", "70%")],
        "门诊统筹年度最高支付限额": [("一年", "2000.00 元")],
        "个人账户": [("可以支付个人负担的", "政策范围内、先行自付、超限价、全自费")],
    }


def test_points_and_lowered_deductibles_are_said_in_words() -> None:
    found = said(asked(place="510100", person="retired", visit="inpatient", level="secondary", age="72"))
    assert found["住院起付线"] == [
        ("每次住院", "400.00 元"),
        ("同一年再次住院，每次降低", "100.00 元"),
        ("降低后不少于", "160.00 元"),
    ]
    assert found["住院报销比例"] == [("比例", "90%"), ("年龄另加", "6 个百分点")]


def test_a_value_holds_from_its_day_on() -> None:
    with pytest.raises(benefit.NoRule):
        asked(**LUZHOU, on="2022-12-31")
    assert asked(**LUZHOU, on="2023-01-01").case.on == date(2023, 1, 1)


def test_every_value_said_is_one_that_the_policy_states_for_the_day() -> None:
    """For all kinds of people, visits and institutions, of every place: chosen from the same rules as bills are."""
    answered = 0
    for place, policy in benefit.policies().places.items():
        stated = {(each.step, each.basis.rule) for each in policy.stated(DAY)}
        for person in INSURANCE_OF:
            for visit in VISITS:
                for level in LEVELS:
                    try:
                        found = asked(place=place, person=person, visit=visit, level=level, age="66")
                    except benefit.NoRule:
                        continue
                    answered += 1
                    rules = {(label, value.basis.rule) for label, values in found.steps for value in values}
                    assert rules <= stated
                    used = {(step.label, basis.rule) for step in found.example.trace for basis in step.basis}
                    assert {each for each in used if not each[1].startswith("figures.")} <= rules
    assert answered > 20


def test_the_form_asks_for_every_kind_of_person_by_its_name() -> None:
    asked_for = [kind for kinds in PEOPLE.values() for kind in kinds]
    assert sorted(asked_for) == sorted(PERSON_NAMES) == sorted(get_args(PersonKind))


def test_every_kind_of_value_has_its_words() -> None:
    dated = {field.name for kind in KINDS.values() for field in fields(kind) if "Dated" in str(field.type)}  # type: ignore[arg-type]
    points = {f"points.{field.name}" for field in fields(Points) if "Dated" in str(field.type)}
    assert dated | points == set(MEANINGS)


def test_the_age_is_asked_for_only_where_it_matters() -> None:
    asked(place="510100", visit="outpatient")
    with pytest.raises(MalformedQuestion) as refused:
        asked(place="510100", visit="inpatient", level="tertiary")
    assert "填写年龄" in refused.value.detail_text


def test_a_rule_for_some_ages_only_asks_for_the_age_too(tmp_path: Path) -> None:
    (tmp_path / "991000_segmented").mkdir()
    (tmp_path / "991000_segmented" / "policy.yaml").write_text(SEGMENTED, "utf-8")
    using = benefit.Policies.load(tmp_path)
    typed = {"person": "retired", "visit": "inpatient", "level": "tertiary"}
    with pytest.raises(MalformedQuestion):
        answer(question_of(typed, using=using, today=DAY), using=using)
    with pytest.raises(benefit.NoRule):
        answer(question_of({**typed, "age": "50"}, using=using, today=DAY), using=using)
    found = said(answer(question_of({**typed, "age": "66"}, using=using, today=DAY), using=using))
    assert found["起付线"][0] == ("每次住院，从第一次起依次为", "800.00 元、500.00 元")
    assert found["基本"] == [("分段比例", "0.00 元起 90%、5000.00 元起 95%")]


def test_a_county_is_answered_with_the_rules_of_its_city() -> None:
    assert asked(**{**LUZHOU, "place": "510521"}).label == "四川省泸州市"


TOWN = {"place": "512000", "person": "employed", "in_scope": "1000.00", "outside": "0"}


@pytest.fixture
def in_town(house: House, town: benefit.Policies) -> None:
    """Let the rules of the made-up town hold instead of those that are shipped."""
    house.desk.policies = town


def in_the(town: benefit.Policies, **typed: str) -> Answer:
    return answer(question_of({**TOWN, **typed}, using=town, today=DAY), using=town)


@pytest.mark.parametrize(
    ("typed", "fund_fen", "said_of_it"),
    [
        ({"visit": "outpatient", "level": "village"}, 720_00, ()),
        ({"visit": "outpatient", "level": "special"}, 450_00, ()),
        ({"visit": "chronic", "disease": "M07801"}, 900_00, (("病种", "慢性肾功能衰竭透析治疗"),)),
        ({"visit": "chronic", "disease": "M05300"}, 600_00, (("病种", "慢性阻塞性肺疾病"),)),
        ({"visit": "chronic"}, 600_00, (("病种", "其他病种"),)),
        ({"visit": "inpatient", "where": "province"}, 400_00, (("就医地", "省内异地，已备案"),)),
        (
            {"visit": "inpatient", "where": "country", "filing": "emergency"},
            350_00,
            (("就医地", "跨省，急诊抢救"),),
        ),
        ({"visit": "inpatient", "filing": "unfiled"}, 450_00, ()),
        ({"visit": "inpatient", "aid": "subsistence"}, 835_00, (("特殊情况", "低保对象"),)),
        ({"visit": "outpatient", "current": "400.00"}, 250_00, ()),
        ({"visit": "outpatient", "entitled_from": "2026-06-01"}, 0, (("享受待遇", "自 2026-06-01 起"),)),
        ({"visit": "outpatient", "entitled_from": "2026-05-12"}, 450_00, (("享受待遇", "自 2026-05-12 起"),)),
    ],
)
def test_what_is_particular_about_a_case_counts_and_is_said(
    town: benefit.Policies, typed: dict[str, str], fund_fen: int, said_of_it: tuple[tuple[str, str], ...]
) -> None:
    """D5: each asked about 1000.00 in scope; worked out by hand from the rules of the town."""
    found = in_the(town, **typed)
    assert found.example.fund_fen == fund_fen
    assert found.circumstances == said_of_it
    used = {basis.rule for step in found.example.trace for basis in step.basis}
    assert used <= {value.basis.rule for _, values in found.steps for value in values}


def test_before_the_waiting_period_is_over_no_rule_about_a_fund_is_said(town: benefit.Policies) -> None:
    labels = [label for label, _ in in_the(town, visit="outpatient", entitled_from="2026-06-01").steps]
    assert "等待期" in labels
    assert "门诊比例" not in labels


def test_what_no_rule_of_the_place_mentions_is_named(town: benefit.Policies) -> None:
    found = in_the(town, visit="outpatient", aid="subsistence", signed="family_doctor", supplement="civil_servant")
    assert found.unheard == ("享受公务员医疗补助", "签约家庭医生")


def test_the_form_offers_what_the_rules_of_the_place_tell_apart(town: benefit.Policies) -> None:
    offered = offer(question_of(TOWN, using=town, today=DAY), using=town)
    assert list(offered.levels) == ["village", "community", "primary", "secondary", "tertiary", "provincial", "none"]
    assert offered.diseases == {
        "M03900": "高血压",
        "M07801": "慢性肾功能衰竭透析治疗",
        "M99999": "病种 M99999",
        "other": "其他病种",
    }
    assert list(offered.where) == ["home", "province", "country"]
    assert offered.two_accounts
    sample = benefit.Policies([benefit.load_policy(SAMPLE)])
    plain = offer(question_of(LUZHOU, using=sample, today=DAY), using=sample)
    assert set(plain.levels).isdisjoint({"village", "provincial", "special"})
    assert list(plain.diseases) == ["other"]
    assert not plain.two_accounts


def test_what_was_chosen_stays_among_the_choices() -> None:
    using = benefit.policies()
    asked_for = question_of({**LUZHOU, "level": "special", "disease": "M01600"}, using=using, today=DAY)
    offered = offer(asked_for, using=using)
    assert "special" in offered.levels
    assert "M01600" in offered.diseases


def test_an_example_of_every_place_of_treatment_lies_where_it_should(tmp_path: Path) -> None:
    for place, near, inside in (("510500", "", True), ("110000", "", False), ("510000", 'near: ["510100"]', True)):
        folder = tmp_path / f"{place}_x"
        folder.mkdir()
        text = SEGMENTED.replace('place: "991000"', f'place: "{place}"\n{near}')
        (folder / "policy.yaml").write_text(text, "utf-8")
        policy = benefit.load_policy(folder)
        found = {where: treated_place(policy, where) for where in WHERE}
        assert (found["province"] is not None) == inside
        assert all(policy.treated_in(code) == where for where, code in found.items() if code)


def test_a_municipality_has_no_other_city_in_its_province(tmp_path: Path) -> None:
    (tmp_path / "310000_x").mkdir()
    (tmp_path / "310000_x" / "policy.yaml").write_text(SEGMENTED.replace("991000", "310000"), "utf-8")
    using = benefit.Policies.load(tmp_path)
    typed = {"person": "retired", "visit": "inpatient", "age": "66", "where": "province"}
    with pytest.raises(MalformedQuestion) as refused:
        answer(question_of(typed, using=using, today=DAY), using=using)
    assert "没有省内异地" in refused.value.detail_text
    assert "province" not in offer(question_of(typed, using=using, today=DAY), using=using).where


@pytest.mark.usefixtures("in_town")
async def test_the_rare_questions_are_folded_away_until_they_are_asked(stranger: Phone) -> None:
    opened = (await stranger.get("/policy")).text
    assert '<details class="card">' in opened
    for words in ("救助身份", "签约家庭医生", "省属三级医院", "病种 M99999", "跨省", "个人账户当年余额"):
        assert words in opened
    assert "三级特等" not in opened
    typed = {**TOWN, "visit": "chronic", "disease": "M03900", "signed": "family_doctor"}
    answered = (await stranger.get(f"/policy?{urlencode(typed)}")).text
    for words in (
        '<details class="card" open>',
        "<dd>高血压</dd>",
        "这里的规定没有提到签约家庭医生",
        "慢特病比例",
        "70%",
    ):
        assert words in answered
    assert 'name="signed" value="family_doctor" checked' in answered
    too_early = {**TOWN, "where": "country", "visit": "outpatient", "on": "2020-01-01"}
    refused = await stranger.get(f"/policy?{urlencode(too_early)}")
    assert refused.status_code == 409
    assert '<details class="card" open>' in refused.text


ODD = st.one_of(
    st.text("019.-+eE年０²x \x00\ud800", max_size=12),
    st.sampled_from(["510500", "110000", "retired", "adult", "inpatient", "2026-02-30", "0001-01-01", "9999-12-31"]),
    st.sampled_from(["-1", "1e9", "0.005", "999999999999.99", "NaN", "²", "１００", "none", "151"]),
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(typed=st.dictionaries(st.sampled_from(Question.__struct_fields__), ODD))
def test_whatever_is_asked_is_answered_or_refused(typed: dict[str, str]) -> None:
    with suppress(MalformedQuestion, benefit.NoPolicy, benefit.NoRule):
        example = asked(**typed).example
        assert example.total_fen == example.fund_fen + example.account_fen + example.cash_fen


async def test_anybody_may_ask_and_nothing_is_answered_before(stranger: Phone, clock: WorldClock) -> None:
    clock.at = datetime(2026, 5, 12, 16, 0, tzinfo=UTC)  # Midnight in Beijing.
    answered = await stranger.get("/policy")
    assert answered.status_code == 200
    assert 'value="2026-05-13"' in answered.text
    assert "四川省成都市" in answered.text
    assert "谁付多少" not in answered.text


async def test_the_answer_shows_rules_evidence_and_an_example(stranger: Phone) -> None:
    answered = await stranger.get(f"/policy?{urlencode(LUZHOU)}")
    assert answered.status_code == 200
    for words in (
        "四川省泸州市 职工门诊统筹",
        "退休人员",
        "150.00 元",
        "川医保办发〔2023〕6号",
        'href="http://luzhou.bendibao.com/live/2023915/5808.shtm"',
        "网页转述，尚未与文件原文核对",
        '<span class="mark mark--warn">假定值</span> 自 2023-01-01 起。限额由各市规定',
        "基金支付 175.00 元，个人账户 0.00 元，现金 245.00 元",
        "250.00 元按 70% 报销，基金支付 175.00 元",
        "按今年第一次就医试算",
    ):
        assert words in answered.text
    assert "200.00 元" not in answered.text  # What holds for people at work.
    assert "机构等级</dt>" not in answered.text


async def test_what_no_fund_pays_for_is_answered_with_the_reason(stranger: Phone) -> None:
    """D5: a child insured in 泸州 at a large hospital there; the same as the till says."""
    typed = {"place": "510500", "person": "child", "visit": "outpatient", "level": "tertiary"}
    answered = await stranger.get(f"/policy?{urlencode(typed)}")
    assert answered.status_code == 200
    for words in (
        "四川省泸州市 居民普通门诊（基金不支付）",
        "基金不支付，因为 <strong>居民的普通门诊只在本市的社区医院、乡镇卫生院等基层医疗机构报销",
        '<span class="mark mark--warn">假定值</span> 自 2023-01-01 起。没有查到泸州的规定',
        "基金支付 0.00 元，个人账户 0.00 元，现金 420.00 元",
    ):
        assert words in answered.text


async def test_the_amounts_of_the_example_are_the_ones_typed(stranger: Phone) -> None:
    typed = {**LUZHOU, "in_scope": "1150.00", "outside": "0", "account": "100.50"}
    shown = (await stranger.get(f"/policy?{urlencode(typed)}")).text
    assert "基金支付 700.00 元，个人账户 100.50 元，现金 349.50 元" in shown
    assert 'value="1150.00"' in shown


async def test_whoever_is_signed_in_sees_the_same(phone: Phone) -> None:
    assert "谁付多少" in (await phone.get(f"/policy?{urlencode(LUZHOU)}")).text


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ({"place": "110000"}, 409, "benefit.no_policy"),
        ({"visit": "inpatient", "level": "none"}, 409, "benefit.no_rule"),
        ({"on": "1999-01-01"}, 409, "benefit.no_rule"),
        ({"place": "泸州"}, 400, "请从列表中选择参保地"),
        ({"person": "insured"}, 400, "请从列表中选择人员类别"),
        ({"person": "adult", "place": "310000"}, 409, "benefit.no_rule"),
        ({"visit": "birth"}, 400, "请从列表中选择就医类别"),
        ({"visit": "chronic", "disease": "hypertension"}, 400, "请从列表中选择病种"),
        ({"person": "adult", "visit": "outpatient", "where": "country", "filing": "emergency"}, 409, "benefit.no_rule"),
        ({"where": "abroad"}, 400, "请从列表中选择就医地"),
        ({"where": "country", "filing": "local"}, 400, "请从列表中选择备案情况"),
        ({"aid": "poor"}, 400, "请从列表中选择特殊情况"),
        ({"signed": "on"}, 400, "请从列表中选择特殊情况"),
        ({"entitled_from": "soon"}, 400, "存在的一天"),
        ({"current": "1e3"}, 400, "当年个人账户余额请填写"),
        ({"level": "9"}, 400, "请从列表中选择机构等级"),
        ({"age": "-1"}, 400, "年龄请填写周岁"),
        ({"on": "2026-02-30"}, 400, "存在的一天"),
        ({"in_scope": "100000000.01"}, 400, "政策范围内金额请填写"),
        ({"outside": "一百"}, 400, "政策范围外金额请填写"),
        ({"account": "-0.01"}, 400, "个人账户余额请填写"),
    ],
)
async def test_what_has_no_answer_is_refused_on_the_page(
    stranger: Phone, typed: dict[str, str], status: int, words: str
) -> None:
    answered = await stranger.get(f"/policy?{urlencode({**LUZHOU, **typed})}")
    assert answered.status_code == status
    assert words in answered.text
    assert 'action="/policy"' in answered.text
    assert "谁付多少" not in answered.text


@pytest.mark.parametrize(
    "query",
    [
        "place",
        "place=&place=510500&place=1",
        "on=%00",
        "place=%ff%fe",
        "place=%ED%A0%80",
        "age=%F0%9F%98%80",
        "age[]=1&visit[x]=y",
        "in_scope=" + "9" * 5000,
        "in_scope=1e400&account=Infinity",
        "outside=%3Cscript%3E",
        "&&==&%",
        "unknown=1",
    ],
)
async def test_no_query_string_breaks_the_page(stranger: Phone, query: str) -> None:
    answered = await stranger.get(f"/policy?{query}")
    assert answered.status_code < 500
    assert "<script>" not in answered.text
