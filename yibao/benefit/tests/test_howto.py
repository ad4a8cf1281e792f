"""The pages on writing rules tell the truth: every block of YAML in them is loaded, and its examples come out (E6)."""

import re
from pathlib import Path
from textwrap import indent

import pytest

import yibao
from yibao.benefit import SHIPPED, Policies, assess, load_case, load_policy, run_examples
from yibao.benefit.steps import KINDS
from yibao.benefit.types import AGE, DISEASE, ENROLMENT_FACTS, FACTS, GRADES

ROOT = Path(yibao.__file__).parent.parent
GUIDE = (ROOT / "docs" / "howto" / "add-a-region.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference" / "policy-format.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n# (.+?)\n(.*?)^```$", GUIDE + REFERENCE, re.M | re.S)
PLACE = "999900_example"


def blocks(kind: str) -> list[str]:
    return [text for name, text in BLOCKS if name == kind]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder that a reader of the page has made."""
    (tmp_path / PLACE).mkdir()
    for file in ("policy.yaml", "examples.yaml"):
        [text] = blocks(f"{PLACE}/{file}")
        (tmp_path / PLACE / file).write_text(text, encoding="utf-8")
    return tmp_path / PLACE


def test_every_block_of_the_pages_is_of_a_kind_that_is_tried() -> None:
    assert len(BLOCKS) == (GUIDE + REFERENCE).count("```yaml")
    assert {name for name, _ in BLOCKS} == {
        f"{PLACE}/policy.yaml", f"{PLACE}/examples.yaml", "case.yaml", "figures", "一个数值", "第一步", "一步",
        "缴费、划入、等待期", "缴费、划入、等待期的算例",
    }  # fmt: skip


def test_the_decree_of_the_page_comes_out(place: Path) -> None:
    report = run_examples(place)
    assert [(each.example.id, each.differences) for each in report.outcomes] == [
        (f"EXAMPLE-{number}", ()) for number in range(1, 5)
    ]
    assert report.holds


def test_the_output_that_the_page_shows_is_what_is_said(place: Path) -> None:
    values = len(list(load_policy(place).stated()))
    assert f"999900 示例市：4 个算例（其中 1 个见于来源），{values} 个数值，已核实 0 个，假定 0 个：通过" in GUIDE


def test_the_case_of_the_page_is_assessed_by_the_shipped_rules(tmp_path: Path) -> None:
    [text] = blocks("case.yaml")
    (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
    found = assess(load_case(tmp_path / "case.yaml"))
    # 2000 + (250 - 50) * 90% = 2180; (2180 - 700) * 89% = 1317.20
    assert (found.in_scope_fen, found.fund_fen, found.account_fen, found.cash_fen) == (218_000, 131_720, 100_000, 280)


def with_steps(place: Path, steps: str, *, after: str = "        - step: admission_deductible") -> None:
    """Replace the steps of the inpatient group from one on, and add the figures of the page."""
    text = (place / "policy.yaml").read_text(encoding="utf-8")
    head, tail = text.rsplit(after, 1)
    assert "inpatient:" in head
    assert tail
    head = head.replace("insurance:\n", blocks("figures")[0] + "insurance:\n", 1)
    (place / "policy.yaml").write_text(head + indent(steps, " " * 8), encoding="utf-8")


@pytest.mark.parametrize("step", blocks("一步"), ids=lambda step: re.findall(r"step: (\w+)", step)[-1])
def test_every_step_of_the_page_is_taken(place: Path, step: str) -> None:
    with_steps(place, step)
    assert Policies([load_policy(place)]).of("999900").groups["employee"][1].rules[1:]


def test_the_scope_of_the_page_is_taken(place: Path) -> None:
    [scope] = blocks("第一步")
    with_steps(place, scope, after="        - step: scope")
    assert Policies([load_policy(place)]).of("999900").groups["employee"][1].rules[0].step


def test_the_premiums_credits_and_waiting_periods_of_the_page_come_out(place: Path) -> None:
    for file, kind in (("policy.yaml", "缴费、划入、等待期"), ("examples.yaml", "缴费、划入、等待期的算例")):
        [text] = blocks(kind)
        (place / file).write_text((place / file).read_text("utf-8") + text, encoding="utf-8")
    report = run_examples(place)
    assert [each.differences for each in report.outcomes] == [()] * 9
    assert report.holds


@pytest.mark.parametrize("value", blocks("一个数值"), ids=["dated", "assumed"])
def test_every_value_of_the_page_is_taken(place: Path, value: str) -> None:
    ratio = '- step: ratio\n  label: 比例\n  fund: "310100"\n  rounding: down\n  rate:\n'
    with_steps(place, ratio + indent(value, " " * 4))
    assert list(load_policy(place).stated())


def test_the_reference_explains_every_step_fact_word_and_grade() -> None:
    for kind, step in KINDS.items():
        section = REFERENCE.partition(f"### {kind}\n")[2].partition("\n#")[0]
        assert section, kind
        for key in (*step.required, *step.optional):
            assert f"`{key}`" in section, (kind, key)
    for fact, words in {**FACTS, **ENROLMENT_FACTS}.items():
        row = next(line for line in REFERENCE.splitlines() if line.startswith(f"| `{fact}` |"))
        assert all(f"`{word}`" in row for word in words)
    assert f"| `{AGE}` |" in REFERENCE
    assert f"| `{DISEASE}` |" in REFERENCE
    assert all(f"| `{grade}` |" in REFERENCE for grade in GRADES)


def test_the_page_is_named_where_rules_are_written() -> None:
    assert "docs/howto/add-a-region.md" in (SHIPPED / "510100_chengdu" / "policy.yaml").read_text("utf-8")
