"""Browsers without custom properties find the same colours (F6)."""

import pytest

from yibao.web.palette import SHEET, worked_out

PALETTE = ":root { --ink: #111; --line: #ddd; }"


def test_colours_are_worked_out_and_nothing_else_is_repeated() -> None:
    css = (
        PALETTE + "/* a { color: var(--none); } */ body { margin: 0; color: var(--ink); border: 1px solid var(--line) }"
    )
    assert worked_out(css) == "body { color: #111; border: 1px solid #ddd; }\n"


def test_what_only_newer_browsers_are_asked_is_left_out() -> None:
    dark = "@media (prefers-color-scheme: dark) { :root { --ink: #eee; } a { color: var(--ink); } }"
    assert worked_out(PALETTE + dark + " b { color: var(--ink); }") == "b { color: #111; }\n"


def test_a_colour_that_nobody_gave_is_noticed() -> None:
    with pytest.raises(KeyError):
        worked_out("b { color: var(--ink); }")


def test_the_stylesheet_of_the_house_can_be_worked_out() -> None:
    old = worked_out(SHEET.read_text("utf-8"))
    assert "var(" not in old
    assert "body { background: #f2f4f3; color: #1a1a1a; }" in old
    assert ".weui-btn_primary { background: #0b6b4f !important; }" in old
