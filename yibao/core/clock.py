"""Instants and business days.

Rules and actions take the time as an argument; only the faces read this clock. A business day is a day in
Asia/Shanghai, which has kept UTC+8 without daylight saving since 1991, so a fixed offset is exact and needs no zone
files.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

Clock = Callable[[], datetime]

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """Return this instant, aware, in UTC."""
    return datetime.now(UTC)


def day_of(at: datetime) -> date:
    """Return the business day on which the instant `at` falls."""
    return at.astimezone(BEIJING).date()


def local_text(at: datetime) -> str:
    """Return the instant as people and the national interface read it: `2026-05-01 09:30:00`, Beijing time."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
