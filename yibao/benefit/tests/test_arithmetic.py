"""The page on arithmetic shows the figures of worked examples, which the engine is held to (C1, E6)."""

import re
from pathlib import Path

import yaml

import yibao
from yibao.benefit import PUBLISHED, SHIPPED
from yibao.benefit.steps import KINDS

PAGE = (Path(yibao.__file__).parent.parent / "docs" / "settlement-arithmetic.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([A-Z0-9]+-[A-Z0-9-]+)` \|(.+)$", PAGE, re.M)


def test_every_figure_of_a_worked_example_is_one_that_is_expected() -> None:
    """Only what stands in bold is compared: the rest of a row says how it was worked out."""
    expected = {
        each["id"]: {str(value) for value in each["expect"].values()}
        for folder in (SHIPPED, PUBLISHED)
        for file in folder.glob("*/examples.yaml")
        for examples in [yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)]
        for each in (*examples.get("examples", ()), *examples.get("enrolment", ()))
    }
    shown = {name: re.findall(r"\*\*(.+?)\*\*", row) for name, row in ROWS}
    assert len(shown) > 50
    assert [name for name, figures in shown.items() if not figures or not set(figures) <= expected[name]] == []


def test_every_kind_of_step_has_its_place_in_the_order() -> None:
    order = PAGE.partition("| 次序 |")[2].partition("\n\n")[0]
    assert [kind for kind in KINDS if f"`{kind}`" not in order] == []
