"""Whole fen and decimal rates; no float comes near money.

An amount is an `int` of fen and its name ends in `_fen`. A rate is a `Decimal` built from text. Every rounding has a
name, because which one applies is policy data (`docs/settlement-arithmetic.md`).
"""

import re
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

PLAIN = r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?"
"""A number as people write it: no sign, exponent, space or separator, which `Decimal` would all take."""

_YUAN = re.compile(r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?")


def fen_of(yuan: str) -> int:
    """Return the fen in a decimal text of yuan such as `"420.00"`; ValueError for anything else."""
    if not _YUAN.fullmatch(yuan):
        raise ValueError("not an amount in yuan")
    return int(Decimal(yuan) * 100)


def number_of(text: str) -> Decimal:
    """Return the number in a plain decimal text such as `"2"` or `"12.50"`; ValueError for anything else."""
    if not re.fullmatch(PLAIN, text):
        raise ValueError("not a plain number")
    return Decimal(text)


def yuan_text(fen: int) -> str:
    """Return `fen` as yuan with two decimals, the way slips and the national interface print it: `420.00`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def percent_text(rate: Decimal) -> str:
    """Return a rate in percent without trailing zeros: `70%`, `12.5%`."""
    return f"{(rate * 100).normalize():f}%"


def half_up(fen: Decimal) -> int:
    """Round a fractional number of fen to whole fen, halves away from zero (四舍五入)."""
    return int(fen.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def down(fen: Decimal) -> int:
    """Round a fractional number of fen towards zero (去尾)."""
    return int(fen.quantize(Decimal(1), rounding=ROUND_DOWN))


ROUNDINGS: dict[str, Callable[[Decimal], int]] = {"half_up": half_up, "down": down}
