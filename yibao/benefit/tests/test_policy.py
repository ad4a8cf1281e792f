"""A policy file that is wrong in any way is refused with its line and what is expected there (E6)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yibao.benefit import Policies, PolicyError, load_policy, policies

Edit = Callable[[str, str, str], int]

SOURCE_OF_PHARMACY = "              source: sichuan_pharmacy_2023_6\n"


@pytest.mark.parametrize(
    ("old", "new", "problem", "expected"),
    [
        (
            "label: 四川省泸州市",
            "labels: 四川省泸州市",
            "有不认识的键“labels”",
            "place、label、sources、insurance、enrolment、near、figures 之一",
        ),
        ("label: 四川省泸州市", "label: 四川省泸州市\nlabel: 泸州", "重复写了“label”", "每个键只写一次"),
        ('place: "510500"', 'place: "5105"', "“5105”的写法不对", "六位区划代码"),
        ('place: "510500"', 'place: "510600"', "与文件夹名“510500_luzhou”不符", "文件夹名以区划代码开头"),
        ("  employee:\n", "  worker:\n", "“worker”不在可选的值之中", "employee、resident 之一"),
        ("filing: [local]}", "filing: [here]}", "“here”不在可选的值之中", "local、filed、unfiled、emergency 之一"),
        ("filing: [local]}", "distance: [near]}", "“distance”不在可选的值之中", "visit_kind、person_kind"),
        (
            "step: ceiling",
            "step: cap",
            "“cap”不在可选的值之中",
            "account、account_first、admission_deductible、carried、ceiling",
        ),
        ("- step: ceiling\n          label", "- label", "缺少“step”", "写明 step"),
        ("code: EC01", "code: EC99", "“EC99”不在可选的值之中", "EC01"),
        ("tally: outpatient.fund_paid ", "tally: 门诊 ", "“门诊”的写法不对", "outpatient.fund_paid"),
        ("over_limit_rounding: half_up", "over_limit_rounding: nearest", "“nearest”不在可选", "half_up、down 之一"),
        ('retired: "0.70"', 'retired: "70"', "“70”不是允许的数", '0 到 1 之间、最多六位小数的数，例如 "0.60"'),
        ('retired: "0.70"', 'retired: "7e-1"', "“7e-1”不是允许的数", "0 到 1 之间"),
        ('retired: "0.70"', 'old: "0.70"', "“old”不在可选的值之中", "employed、retired"),
        ('employed: "200.00"', 'employed: "200.001"', "“200.001”不是金额", "最多两位小数的元"),
        ('employed: "200.00"', 'employed: "-1.00"', "“-1.00”不是金额", "不小于 0"),
        ("            2023-09-15:", "            2023-02-30:", "“2023-02-30”不是一个存在的日期", "例如 2023-01-01"),
        ("            2023-09-15:", "            2023年:", "“2023年”的写法不对", "例如 2023-01-01"),
        (SOURCE_OF_PHARMACY, "              source: hearsay\n", "“hearsay”不在可选的值之中", "sichuan_outpatient"),
        ("href: http://luzhou", "href: luzhou", "的写法不对", "以 http:// 或 https:// 开头的网址"),
        ("published_on: 2023-09-15", "published_on: 去年", "“去年”的写法不对", "日期"),
        ("value: [in_scope, first_own, over_limit, full_own]", "value: [rent]", "“rent”不在可选的值之中", "in_scope"),
        ("value: [in_scope, first_own, over_limit, full_own]", "value: in_scope", "不是列表", "至少一项的列表"),
        ("label: 职工门诊统筹", "label: []", "不是一个值，或者是空的", "一个值"),
        ("when: {visit_kind: [pharmacy]}", "when: {visit_kind: [chronic]}", "visit_kind 超出了所在一组的范围", "when"),
    ],
)
def test_a_mistake_in_a_policy_is_named_with_its_line(
    luzhou: Path, edit: Edit, old: str, new: str, problem: str, expected: str
) -> None:
    line = edit("policy.yaml", old, new)
    with pytest.raises(PolicyError) as error:
        load_policy(luzhou)
    assert problem in error.value.problem
    assert expected in error.value.expected
    assert line <= error.value.line <= line + 1
    assert str(error.value) == (
        f"{luzhou / 'policy.yaml'} 第 {error.value.line} 行：{error.value.problem}；应为：{error.value.expected}"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (SOURCE_OF_PHARMACY, "", "缺少“source”"),
        (
            SOURCE_OF_PHARMACY + "              grade: C",
            SOURCE_OF_PHARMACY + "              grade: A",
            "“A”高于来源的等级",
        ),
        ("grade: assumed\n", "grade: assumed\n              source: sichuan_outpatient\n", "假定的值写了来源"),
        ("grade: assumed\n              verified: false", "grade: assumed\n              verified: true", "写成已核实"),
        (
            "              note: 限额由各市规定，没有查到泸州的数值；在职、退休分别按 1500 元、2000 元假定。\n",
            "",
            "假定的值没有说明",
        ),
        (
            "    title: 国办发〔2021〕14号（凭一般知识，未见原文）\n    grade: K",
            "    title: 假定\n    grade: assumed",
            "“assumed”",
        ),
    ],
)
def test_no_value_stands_without_its_evidence_and_none_with_an_invented_one(
    luzhou: Path, edit: Edit, old: str, new: str, problem: str
) -> None:
    edit("policy.yaml", old, new)
    with pytest.raises(PolicyError, match=problem):
        load_policy(luzhou)


def test_a_group_begins_with_the_scope(luzhou: Path, edit: Edit) -> None:
    scope = "        - step: scope\n          label: 政策范围\n          over_limit_rounding: half_up\n"
    edit("policy.yaml", scope + "          first_own_rounding: half_up\n\n", "")
    with pytest.raises(PolicyError, match="第一步是 step: scope"):
        load_policy(luzhou)


def test_a_ceiling_for_a_fund_that_does_not_pay_before_it_is_refused(luzhou: Path, edit: Edit) -> None:
    line = edit("policy.yaml", 'fund: "310102"\n          tally', 'fund: "310100"\n          tally')
    with pytest.raises(PolicyError, match="前面没有由基金 310100 支付的一步") as error:
        load_policy(luzhou)
    assert error.value.line == line - 3  # Where the step begins.


def test_two_groups_for_the_same_visit_are_refused(luzhou: Path, edit: Edit) -> None:
    again = """    again:
      label: 重复
      when: {visit_kind: [outpatient, inpatient]}
      steps: [{step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}]
"""
    edit("policy.yaml", "  employee:\n", "  employee:\n" + again)
    with pytest.raises(PolicyError, match="与“重复”适用于同样的就医"):
        load_policy(luzhou)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "文件是空的"),
        (b"place: [", "YAML 语法有错"),
        (b"place: \xff", "文件不是 UTF-8 编码"),
        (b"place: \x00", "YAML 语法有错"),
        ("- 列表".encode(), "不是一组“键: 值”"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(luzhou: Path, content: bytes, problem: str) -> None:
    (luzhou / "policy.yaml").write_bytes(content)
    with pytest.raises(PolicyError, match=problem):
        load_policy(luzhou)


def test_a_place_without_its_file_is_refused(luzhou: Path) -> None:
    (luzhou / "policy.yaml").unlink()
    with pytest.raises(PolicyError, match="文件不存在"):
        Policies.load(luzhou.parent)


def test_two_folders_for_one_place_are_refused(luzhou: Path) -> None:
    second = luzhou.parent / "510500_again"
    second.mkdir()
    second.joinpath("policy.yaml").write_bytes(luzhou.joinpath("policy.yaml").read_bytes())
    with pytest.raises(PolicyError, match="510500_again"):
        Policies.load(luzhou.parent)


def test_the_shipped_places_are_read_once() -> None:
    assert policies() is policies()
    assert "510500" in policies().places
