"""The bar that shows who pays: to scale, nothing lost, nothing too small to see (F2); and a refusal's sentences."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.web.pages import BAR_LEAST, BAR_WIDTH, bar, templates
from yibao.web.refusals import NotFound

NAMES = ("fund", "account", "mutual", "cash", "hospital")
FEN = st.one_of(st.just(0), st.integers(1, 100), st.integers(1, 10**13))


class _Shown(NotFound):
    """Without a code of its own, so that no catalogue lists it."""

    hint = "{hint}"
    remedy = "{remedy}"


def test_parts_are_to_scale() -> None:
    assert bar({"fund": 250_00, "account": 500_00, "cash": 250_00}) == [
        ("fund", 0, 250),
        ("account", 250, 500),
        ("cash", 750, 250),
    ]


def test_zero_is_left_out_and_one_part_is_the_whole() -> None:
    assert bar({"fund": 0, "account": 0, "cash": 1}) == [("cash", 0, BAR_WIDTH)]
    assert bar({"fund": 0, "account": 0, "cash": 0}) == []


def test_a_cancelling_has_no_bar() -> None:
    assert bar({"fund": -175_00, "account": -245_00, "cash": 0}) == []


def test_one_fen_beside_a_million_yuan_is_still_seen() -> None:
    assert bar({"fund": 1, "account": 100_000_000, "cash": 1}) == [
        ("fund", 0, BAR_LEAST),
        ("account", BAR_LEAST, BAR_WIDTH - 2 * BAR_LEAST),
        ("cash", BAR_WIDTH - BAR_LEAST, BAR_LEAST),
    ]


def test_what_falls_below_the_least_by_making_room_is_kept_visible_too() -> None:
    """31 of 1000 is enough by itself, but not in what four tiny parts leave."""
    drawn = bar({"fund": 1, "account": 1, "mutual": 1, "cash": 31_000, "hospital": 969_000})
    assert [width for _, _, width in drawn] == [BAR_LEAST] * 4 + [BAR_WIDTH - 4 * BAR_LEAST]


@given(st.tuples(FEN, FEN, FEN, FEN, FEN))
def test_parts_follow_one_another_without_a_gap_and_fill_the_bar(fens: tuple[int, ...]) -> None:
    parts = dict(zip(NAMES, fens, strict=True))
    drawn = bar(parts)
    assert [name for name, _, _ in drawn] == [name for name, fen in parts.items() if fen]
    assert all(width >= BAR_LEAST for _, _, width in drawn)
    end = 0
    for _, start, width in drawn:
        assert start == end
        end += width
    assert end == (BAR_WIDTH if drawn else 0)
    # More money is never narrower, but for the unit that rounding an edge may move.
    by_fen = sorted((parts[name], width) for name, _, width in drawn)
    assert all(one[1] <= other[1] + 1 for one, other in pairwise(by_fen))


@pytest.mark.parametrize(
    ("hint", "remedy", "staff", "told"),
    [
        ("请刷新。", "请再出示一次。", {}, ["请再出示一次。"]),
        ("请刷新。", "请再出示一次。", {"staff": True}, ["请刷新。", "告诉本人：请再出示一次。"]),
        ("请刷新。", "请再出示一次。", {"staff": True, "tell": ""}, ["请刷新。", "请再出示一次。"]),
        ("", "请再出示一次。", {"staff": True}, ["告诉本人：请再出示一次。"]),
        # What staff and person do alike is said once.
        ("请刷新。", "请刷新，再试一次。", {"staff": True}, ["请刷新，再试一次。"]),
    ],
)
def test_staff_read_what_they_do_before_what_to_tell_the_person(
    hint: str, remedy: str, staff: dict[str, object], told: list[str]
) -> None:
    macro = templates(["yibao.web"]).engine.get_template("web/parts.html").module.refused  # type: ignore[attr-defined]
    page = str(macro(_Shown(hint=hint, remedy=remedy), **staff))
    assert re.findall(r'<p class="notice__(?:hint|remedy)">(.*?)</p>', page) == told
