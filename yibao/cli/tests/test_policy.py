"""`yibao policy`: rules are read, checked, tried and compared from a terminal (E6)."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import yibao
from yibao.benefit import PUBLISHED, SHIPPED
from yibao.benefit.tests.conftest import SAMPLE
from yibao.cli import policy
from yibao.cli.main import app
from yibao.settlement.replay import Change, Impact, Sum

GUIDE = (Path(yibao.__file__).parent.parent / "docs" / "howto" / "add-a-region.md").read_text("utf-8")
CASE = """
insured_place: "510104"
treated_place: "510104"
insurance: employee
person_kind: retired
age: 62
visit_kind: inpatient
institution_kind: hospital
institution_level: tertiary
filing: local
on: 2026-05-01
account: "1000.00"
use_account: true
tallies: {inpatient.admissions: "1"}
lines:
  - {class: A, quantity: "1", unit_price: "20000.00"}
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["policy", *words])


@pytest.fixture
def luzhou(tmp_path: Path) -> Path:
    """A copy of the sample of the engine's tests, to be changed."""
    return Path(shutil.copytree(SAMPLE, tmp_path / SAMPLE.name))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    (tmp_path / "case.yaml").write_text(CASE, encoding="utf-8")
    return tmp_path / "case.yaml"


def change(file: Path, old: str, new: str) -> int:
    """Replace a text that stands once, and return its line."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_places_are_listed_with_what_they_cover_and_how_sure_that_is() -> None:
    found = run("list")
    assert found.exit_code == 0
    said = {line[:6]: line for line in found.stdout.splitlines()}
    assert list(said) == sorted(folder.name[:6] for folder in SHIPPED.iterdir())
    assert said["510500"].startswith("510500 四川省泸州市：职工门诊统筹、")
    assert re.search(r"；[0-9]+ 个数值，已核实 0 个，假定 [0-9]+ 个$", said["510500"])


def test_the_values_of_a_day_are_shown_with_their_sources(luzhou: Path) -> None:
    before, after = run("show", str(luzhou), "--on", "2023-09-14"), run("show", str(luzhou), "--on", "2023-09-15")
    assert (before.exit_code, after.exit_code) == (0, 0)
    assert "药店购药报销比例" not in before.stdout
    assert "510500 四川省泸州市，2023-09-15 适用\n\n职工医保 职工门诊统筹\n  门诊统筹起付线\n" in after.stdout
    assert run("show", "510502", "--on", "2023-09-15").stdout.startswith("510500 四川省泸州市，2023-09-15 适用\n")
    assert (
        "    rate.2023-09-15.value.retired：70%（2023-09-15 起；川医保办发〔2023〕6号（网页转述，未见原文） "
        "http://luzhou.bendibao.com/live/2023915/5808.shtm；等级 C；未与原文核对；"
    ) in after.stdout
    assert "value.employed：1500.00 元（假定的数值；限额由各市规定" in after.stdout


def test_today_is_shown_unless_a_day_is_asked_for() -> None:
    assert "points[0].rate.2023-01-01.value.100：100%" in run("show", "510100").stdout


def test_a_day_before_every_rule_and_a_place_without_rules_are_said() -> None:
    early, nowhere = run("show", "510500", "--on", "2001-01-01"), run("show", "460100")
    assert (early.exit_code, nowhere.exit_code) == (1, 1)
    assert "没有适用的数值" in early.output
    assert "460100" in nowhere.output


def test_the_shipped_rules_and_the_published_examples_pass_the_check() -> None:
    found = run("check")
    assert found.exit_code == 0, found.output
    said = [(line[:6], line.rpartition("：")[2]) for line in found.stdout.splitlines()]
    assert said == [(folder.name[:6], "通过") for each in (SHIPPED, PUBLISHED) for folder in sorted(each.iterdir())]


def test_a_value_that_the_examples_do_not_bear_out_fails_the_check(luzhou: Path) -> None:
    change(luzhou / "policy.yaml", 'retired: "0.70"', 'retired: "0.71"')
    found = run("check", str(luzhou))
    assert found.exit_code == 1
    assert "  SC-LZ-01 funds.310102：应为 175.00，算得 177.50" in found.stdout
    assert "1 个参保地没有通过" in found.output


def test_a_step_without_an_example_fails_the_check(luzhou: Path) -> None:
    text = (luzhou / "examples.yaml").read_text(encoding="utf-8")
    (luzhou / "examples.yaml").write_text(text[: text.index("  - id: LZ-DEDUCTIBLE-SHARED")], encoding="utf-8")
    found = run("check", str(luzhou.parent))
    assert found.exit_code == 1
    assert "insurance.employee.outpatient.steps[3]：没有一个算例走到这一步" in found.stdout


def test_a_wrong_file_is_refused_with_its_line_and_what_is_expected(luzhou: Path) -> None:
    line = change(luzhou / "policy.yaml", 'retired: "0.70"', 'retired: "70"')
    found = run("check", str(luzhou))
    assert found.exit_code == 1
    assert f"{luzhou / 'policy.yaml'} 第 {line} 行：" in found.output
    assert "“70”不是允许的数；应为：0 到 1 之间" in found.output


def test_two_folders_for_one_place_and_a_folder_without_rules_fail_the_check(luzhou: Path, tmp_path: Path) -> None:
    shutil.copytree(luzhou, tmp_path / "510500_again")
    twice = run("check", str(tmp_path))
    (tmp_path / "empty").mkdir()
    nothing = run("check", str(tmp_path / "empty"))
    assert (twice.exit_code, nothing.exit_code) == (1, 1)
    assert "每个参保地只有一个文件夹" in twice.output
    assert "没有规则文件" in nothing.output


def test_a_case_is_assessed(case: Path) -> None:
    found = run("assess", str(case))
    assert found.exit_code == 0, found.output
    # 800 - 100 = 700; (20000 - 700) * (85% + 4%) = 17177
    said = found.stdout.splitlines()
    assert said[0].startswith("510100 四川省成都市 职工住院 ")
    for line in ("总费用：20000.00", "起付线：700.00", "基金 310100：17177.00", "个人账户：1000.00", "现金：1823.00"):
        assert line in said
    assert "累计 inpatient.admissions：2" in said
    assert "累计 inpatient.fund_paid：17177.00" in said


def test_a_case_is_explained_with_sources_and_notes(case: Path) -> None:
    found = run("explain", str(case))
    assert found.exit_code == 0, found.output
    assert "住院报销比例 [C001]：19300.00 元按 89%（85%，年龄 +4 个百分点）报销，基金支付 17177.00 元" in found.stdout
    assert ".less_each.2023-01-01.value：" in found.stdout
    assert "等级 K；未与原文核对；存疑。一年多次住院" in found.stdout
    change(case, "visit_kind: inpatient", "visit_kind: chronic\ndisease: M03900")
    assert ".value：假定的数值；" in run("explain", str(case)).stdout


@pytest.mark.parametrize("command", ["assess", "explain"])
def test_a_wrong_case_and_a_case_without_a_rule_are_said(case: Path, command: str) -> None:
    change(case, 'inpatient.admissions: "1"', 'inpatient.admissions: "1.00"')
    wrong = run(command, str(case))
    assert wrong.exit_code == 1
    assert f"{case} 第 14 行：tallies.inpatient.admissions “1.00”的写法不对；应为：次数" in wrong.output
    change(case, 'inpatient.admissions: "1.00"', 'inpatient.admissions: "1"')
    change(case, "on: 2026-05-01", "on: 1999-05-01")
    without = run(command, str(case))
    assert without.exit_code == 1
    assert "没有适用的待遇规则" in without.output
    assert "文件不存在" in run(command, str(case.parent)).output


def test_two_versions_of_the_rules_are_compared(luzhou: Path) -> None:
    assert run("diff", str(SAMPLE), str(luzhou)).stdout == "数值、来源和等级都相同。\n"
    change(luzhou / "policy.yaml", 'retired: "0.70"', 'retired: "0.75"')
    change(luzhou / "policy.yaml", "            2023-09-15:", "            2023-10-01:")
    found = run("diff", str(SAMPLE), str(luzhou))
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 4  # Two values end, two begin.
    assert (
        "职工医保 职工门诊统筹 药店购药报销比例 rate.2023-10-01.value.retired：没有 → 75%（2023-10-01 起；"
        in found.stdout
    )


def test_two_steps_with_one_label_are_both_compared(luzhou: Path, tmp_path: Path) -> None:
    rules = luzhou / "policy.yaml"
    change(rules, "label: 药店购药报销比例", "label: 门诊报销比例")
    change(rules, "            2023-09-15:", "            2023-01-01:")
    by_level = """by: [institution_level]
              value: {tertiary: "0.50", secondary: "0.60", primary: "0.60", community: "0.60", none: "0.60"}"""
    change(rules, by_level, 'by: [person_kind]\n              value: {employed: "0.50", retired: "0.50"}')
    later = Path(shutil.copytree(luzhou, tmp_path / "later" / "510500_luzhou"))
    change(later / "policy.yaml", 'retired: "0.70"', 'retired: "0.75"')
    [line] = run("diff", str(luzhou), str(later)).stdout.splitlines()
    assert "门诊报销比例 rate.2023-01-01.value.retired：70%" in line
    assert " → 75%" in line


def test_the_page_for_newcomers_names_every_command() -> None:
    names = [each.name for each in policy.app.registered_commands]
    assert len(names) > 5
    assert [name for name in names if f"| `yibao policy {name}" not in GUIDE] == []


def test_the_page_for_newcomers_shows_what_a_preview_says() -> None:
    impact = Impact(
        by_kind={
            "employed": Sum(bills=5860, changed=3429, before_fen=112_820_611, after_fen=112_136_835),
            "retired": Sum(bills=4140, changed=2454, before_fen=98_757_694, after_fen=98_204_203),
        },
        worst=[Change(7445, "510100000000000214000000000002", 81_674, 89_119)],
        no_rule=Counter(),
    )
    shown = "\n".join(policy._impact(impact))
    assert f"```text\n{shown}\n" in GUIDE
