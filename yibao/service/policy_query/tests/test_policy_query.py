"""政策查询: what holds for people like the one who asks, and an example, without signing in (D5)."""

from contextlib import suppress
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import WorldClock
from yibao import benefit
from yibao.benefit.steps import KINDS
from yibao.benefit.steps.ratio import Points
from yibao.benefit.tests.conftest import SEGMENTED
from yibao.service.policy_query import Answer, Question, answer, question_of
from yibao.service.policy_query.refusals import MalformedQuestion
from yibao.service.policy_query.rules import INSURANCE_OF, LEVELS, MEANINGS, VISITS
from yibao.site.tests import scene
from yibao.site.tests.scene import Phone

house, stranger, phone = scene.house, scene.stranger, scene.phone

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
        asked(**LUZHOU, on="2023-09-14")
    assert asked(**LUZHOU, on="2023-09-15").case.on == date(2023, 9, 15)


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
                    assert used <= rules
    assert answered > 20


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
        '<span class="mark mark--warn">假定值</span> 限额由各市规定',
        "基金支付 175.00 元，个人账户 0.00 元，现金 245.00 元",
        "250.00 元按 70% 报销，基金支付 175.00 元",
        "按今年第一次就医试算",
    ):
        assert words in answered.text
    assert "200.00 元" not in answered.text  # What holds for people at work.
    assert "机构等级</dt>" not in answered.text


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
        ({"visit": "inpatient"}, 409, "benefit.no_rule"),
        ({"on": "1999-01-01"}, 409, "benefit.no_rule"),
        ({"place": "泸州"}, 400, "请从列表中选择参保地"),
        ({"person": "insured"}, 400, "请从列表中选择人员类别"),
        ({"visit": "chronic"}, 400, "请从列表中选择就医类别"),
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
