"""Whole fen in, whole fen out."""

from decimal import Decimal

import pytest

from yibao.core.money import ROUNDINGS, down, fen_of, half_up, number_of, yuan_text


@pytest.mark.parametrize(("yuan", "fen"), [("420.00", 42000), ("0.5", 50), ("-33.79", -3379), ("0", 0), ("7", 700)])
def test_amounts_are_read_exactly(yuan: str, fen: int) -> None:
    assert fen_of(yuan) == fen


@pytest.mark.parametrize("yuan", ["", "1.005", "1e3", " 1", "01", "1.", ".5", "一", "１", "--1", "1,000", "nan"])
def test_anything_else_is_no_amount(yuan: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        fen_of(yuan)


@pytest.mark.parametrize(("text", "number"), [("2", "2"), ("0", "0"), ("12.50", "12.5"), ("0.000001", "0.000001")])
def test_numbers_are_read_exactly(text: str, number: str) -> None:
    assert number_of(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "1e3", "1_0", "+5", "-5", " 5 ", "5\n", "05", ".5", "5.", "１０", "٣", "NaN", "0x1"]
)
def test_what_decimal_would_read_generously_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        number_of(text)


@pytest.mark.parametrize(
    ("fen", "text"), [(42000, "420.00"), (5, "0.05"), (-5, "-0.05"), (0, "0.00"), (-3379, "-33.79")]
)
def test_amounts_are_printed_with_two_decimals(fen: int, text: str) -> None:
    assert yuan_text(fen) == text


def test_named_roundings_differ_where_they_must() -> None:
    assert set(ROUNDINGS) == {"half_up", "down"}
    assert [half_up(Decimal(x)) for x in ("0.5", "1.5", "-0.5", "2.4999")] == [1, 2, -1, 2]
    assert [down(Decimal(x)) for x in ("0.99", "-0.99", "2.5")] == [0, 0, 2]
