"""Working days: not at weekends, not on public holidays, but on the weekend days that are worked in their stead."""

from datetime import date

import pytest

from yibao.core.clock import working_day_after


@pytest.mark.parametrize(
    ("on", "days", "then"),
    [
        (date(2026, 5, 12), 0, date(2026, 5, 12)),
        (date(2026, 5, 15), 1, date(2026, 5, 18)),
        (date(2026, 5, 12), 5, date(2026, 5, 19)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # National Day
        (date(2026, 10, 9), 1, date(2026, 10, 10)),  # a Saturday that is worked
        (date(2035, 6, 1), 1, date(2035, 6, 4)),  # not published yet
    ],
)
def test_working_days_are_those_of_the_state_council(on: date, days: int, then: date) -> None:
    assert working_day_after(on, days) == then
