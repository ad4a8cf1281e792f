"""What somebody learns who photographs a thousand codes of a hundred phones: nothing about which belong together (B4).

The onlooker rates every pair of codes by how likely one phone showed both, takes as many of the best pairs as there
really are, and is compared with somebody who draws them blindly.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from math import sqrt
from random import Random

import pytest

from yibao.core.vault import Keys
from yibao.credential import Codes

AT = datetime(2026, 5, 12, 2, 0, 7, tzinfo=UTC)
PHONES, EACH = 100, 10
# One-sided normal, 10⁻⁵ for each of the ways of rating: a sound construction fails for fewer than one seed in 10,000.
Z_MAX = 4.27

Rate = Callable[[str, str], float]


def equal_digits(one: str, other: str) -> float:
    return sum(a == b for a, b in zip(one[:22], other[:22], strict=True))


def same_beginning(one: str, other: str) -> float:
    return next((n for n in range(22) if one[n] != other[n]), 22)


def near_tickets(one: str, other: str) -> float:
    return -abs(int(one[:13]) - int(other[:13]))


def near_tags(one: str, other: str) -> float:
    return -abs(int(one[13:22]) - int(other[13:22]))


def same_remainder(one: str, other: str) -> float:
    gap = abs(int(one[:13]) - int(other[:13]))
    return sum(gap % prime == 0 for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 9_973, 10_007))


def same_digits(one: str, other: str) -> float:
    return -sum(abs(one[:22].count(digit) - other[:22].count(digit)) for digit in "0123456789")


WAYS: tuple[Rate, ...] = (equal_digits, same_beginning, near_tickets, near_tags, same_remainder, same_digits)


def photographs(make: Callable[[str, int, datetime], str]) -> list[tuple[int, str]]:
    """Return the codes in the order in which they were shown, each with its phone, as the test alone knows it."""
    random = Random(100)
    devices = [f"{random.randrange(10**9):09d}" for _ in range(PHONES)]
    tickets = [random.randrange(5_000) for _ in range(PHONES)]
    seen = [
        (phone, make(devices[phone], tickets[phone] + n, AT + timedelta(seconds=random.randrange(36_000))))
        for phone in range(PHONES)
        for n in range(EACH)
    ]
    random.shuffle(seen)
    return seen


def z_of(rate: Rate, seen: list[tuple[int, str]]) -> float:
    """Return by how many standard deviations the onlooker's best pairs beat pairs drawn blindly."""
    pairs = [(rate(one, other), a == b) for (a, one), (b, other) in combinations(seen, 2)]
    true = sum(same for _, same in pairs)
    Random(7).shuffle(pairs)  # Among equals chance decides, and not the order of the photographs.
    pairs.sort(key=lambda pair: -pair[0])
    hits = sum(same for _, same in pairs[:true])
    share = true / len(pairs)
    expected = true * share
    return (hits - expected) / sqrt(expected * (1 - share))


@pytest.fixture(scope="module")
def seen() -> list[tuple[int, str]]:
    random = Random(1)
    codes = Codes(Keys(*(random.randbytes(length) for length in (16, 32, 16, 16, 32, 32))))
    return photographs(
        lambda device, ticket, at: codes.make(device_number=device, ticket=ticket, province="510000", at=at)
    )


@pytest.mark.parametrize("rate", WAYS, ids=lambda rate: rate.__name__)
def test_an_onlooker_groups_codes_no_better_than_chance(rate: Rate, seen: list[tuple[int, str]]) -> None:
    assert z_of(rate, seen) < Z_MAX


@pytest.mark.parametrize("rate", [equal_digits, same_beginning, near_tickets], ids=lambda rate: rate.__name__)
def test_the_onlooker_would_notice_readable_tickets(rate: Rate) -> None:
    clear = photographs(lambda device, ticket, at: f"{device}{ticket:04d}{int(at.timestamp()) % 10**9:09d}510000")
    assert z_of(rate, clear) > 10 * Z_MAX
