"""What somebody learns who photographs a thousand codes of a hundred phones: nothing about which belong together (B4).

The onlooker rates every pair of codes by how likely one phone showed both, takes as many of the best pairs as there
really are, and is compared with somebody who draws them blindly.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import sqrt
from random import Random
from typing import Any

import numpy as np
import pytest

from yibao.core.vault import Keys
from yibao.credential import Codes

AT = datetime(2026, 5, 12, 2, 0, 7, tzinfo=UTC)
PHONES, EACH = 100, 10
# One-sided normal, 10⁻⁵ for each of the ways of rating: a sound construction fails for fewer than one seed in 10,000.
Z_MAX = 4.27

# The digits of codes, one row for each; a way of rating takes both codes of every pair and returns a number for each.
Array = Any
Rate = Callable[[Array, Array], Array]


def number(digits: Array) -> Array:
    return digits @ 10 ** np.arange(digits.shape[1], dtype=np.int64)[::-1]


def equal_digits(one: Array, other: Array) -> Array:
    return np.sum(one[:, :22] == other[:, :22], axis=1)


def same_beginning(one: Array, other: Array) -> Array:
    return np.sum(np.cumprod(one[:, :22] == other[:, :22], axis=1), axis=1)


def near_tickets(one: Array, other: Array) -> Array:
    return -np.abs(number(one[:, :13]) - number(other[:, :13]))


def near_tags(one: Array, other: Array) -> Array:
    return -np.abs(number(one[:, 13:22]) - number(other[:, 13:22]))


def same_remainder(one: Array, other: Array) -> Array:
    gap = near_tickets(one, other)
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 9_973, 10_007)
    return sum((gap % prime == 0 for prime in primes), np.zeros_like(gap))


def same_digits(one: Array, other: Array) -> Array:
    counted = [np.sum(one[:, :22] == each, axis=1) - np.sum(other[:, :22] == each, axis=1) for each in range(10)]
    return -np.sum(np.abs(counted), axis=0)


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
    phones = np.array([phone for phone, _ in seen])
    codes = np.array([[int(digit) for digit in code] for _, code in seen], dtype=np.int64)
    one, other = np.triu_indices(len(seen), k=1)
    same = phones[one] == phones[other]
    # Among equals chance decides, and not the order of the photographs.
    order = np.random.default_rng(7).permutation(len(same))
    best = order[np.argsort(-rate(codes[one], codes[other])[order], kind="stable")]
    true = int(np.sum(same))
    hits = int(np.sum(same[best[:true]]))
    share = true / len(same)
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
