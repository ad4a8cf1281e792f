"""Instants and business days.

Rules and actions take the time as an argument; only the faces read this clock. A business day is a day in
Asia/Shanghai, which has kept UTC+8 without daylight saving since 1991, so a fixed offset is exact and needs no zone
files.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import chinese_calendar

Clock = Callable[[], datetime]

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """Return this instant, aware, in UTC."""
    return datetime.now(UTC)


def day_of(at: datetime) -> date:
    """Return the business day on which the instant `at` falls."""
    return at.astimezone(BEIJING).date()


def working_day_after(on: date, days: int) -> date:
    """Return the day that many working days later, by the State Council's holidays and the days worked in their stead.

    Next year's are published in November and come with the package's next release; until then Monday to Friday count.
    """
    while days:
        on += timedelta(days=1)
        days -= _is_worked(on)
    return on


def _is_worked(on: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(on))
    except NotImplementedError:  # How the package says that it does not know the year yet.
        return on.weekday() < 5


def local_text(at: datetime) -> str:
    """Return the instant as people and the national interface read it: `2026-05-01 09:30:00`, Beijing time."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
