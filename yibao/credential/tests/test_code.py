"""The 28 digits: made and opened under the same keys, refused when anything about them is touched."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sqrt
from random import Random

import pytest

from yibao.core.vault import Keys
from yibao.credential import Codes
from yibao.credential.code import SHOWN_SECONDS, STEP_SECONDS, province_of
from yibao.credential.refusals import CodeMalformed

AT = datetime(2026, 5, 12, 2, 0, 7, tzinfo=UTC)
STEP = timedelta(seconds=STEP_SECONDS)
DAY = timedelta(days=1)
PROVINCE = "510000"


def keys_of(random: Random) -> Keys:
    """Return keys that are the same in every run, so that a statistic is either always within its bounds or never."""
    return Keys(*(random.randbytes(length) for length in (16, 32, 16, 16, 32, 32)))


CODES = Codes(keys_of(Random(1)))


def made(*, device: str = "123456789", ticket: int = 7, province: str = PROVINCE, at: datetime = AT) -> str:
    return CODES.make(device_number=device, ticket=ticket, province=province, at=at)


def accepted(code: str, at: datetime = AT) -> bool:
    return CODES.fits(CODES.open(code), at)


def test_a_code_is_28_digits_ending_with_the_province_and_opens_to_its_ticket() -> None:
    """B4."""
    code = made()
    ticket = CODES.open(code)
    assert len(code) == 28
    assert code.isdigit()
    assert code.endswith(PROVINCE)
    assert (ticket.device_number, ticket.number, ticket.province) == ("123456789", 7, PROVINCE)
    assert accepted(code)


def test_every_ticket_of_a_device_gives_another_code_that_leads_back() -> None:
    codes = [made(ticket=number) for number in range(0, 10_000, 7)]
    assert len({code[:13] for code in codes}) == len(codes)
    assert [CODES.open(code).number for code in codes] == list(range(0, 10_000, 7))


def test_a_code_is_good_in_its_half_minute_and_the_ones_beside_it() -> None:
    """A phone's clock is not asked; the margin is for the way from the screen to the till."""
    code = made()
    assert [accepted(code, AT + steps * STEP) for steps in (-2, -1, 0, 1, 2)] == [False, True, True, True, False]


def test_a_code_of_the_last_day_is_known_as_old_and_an_older_one_is_not() -> None:
    ticket = CODES.open(made())
    assert CODES.was_right(ticket, AT + 2 * STEP)
    assert CODES.was_right(ticket, AT + DAY - STEP)
    assert not CODES.was_right(ticket, AT + DAY + 2 * STEP)


@pytest.mark.parametrize(
    "code",
    ["", made()[:-1], made() + "0", made()[:27] + "x", "１" * 28, made()[:-6] + "510500", " " + made()[1:], "²" * 28],
)
def test_what_is_no_code_is_refused_before_anything_is_looked_up(code: str) -> None:
    with pytest.raises(CodeMalformed):
        CODES.open(code)


def test_the_province_is_that_of_the_insured_place() -> None:
    assert province_of("510500") == "510000"


def test_a_code_outlives_its_time_on_the_screen_by_five_seconds_whenever_it_was_made() -> None:
    start = AT.replace(second=0)
    for second in range(STEP_SECONDS):
        at = start + timedelta(seconds=second, microseconds=999_999)
        assert accepted(made(at=at), at + timedelta(seconds=SHOWN_SECONDS + 5))


def test_no_digit_of_a_code_can_be_changed() -> None:
    code = made()
    for place, digit in enumerate(code[:24]):
        for other in set("0123456789") - {digit}:
            assert not accepted(code[:place] + other + code[place + 1 :])


def test_parts_of_two_genuine_codes_make_no_third() -> None:
    first, second = made(), made(ticket=8)
    assert not accepted(first[:13] + second[13:])
    assert not accepted(second[:13] + first[13:])
    assert not accepted(first[:22] + "320000")
    assert not accepted(made(device="123456788")[:13] + first[13:])


def test_codes_of_another_place_s_keys_are_not_accepted() -> None:
    others = Codes(keys_of(Random(2)))
    for ticket in range(500):
        code = others.make(device_number="123456789", ticket=ticket, province=PROVINCE, at=AT)
        assert not accepted(code)


def test_forged_and_altered_codes_are_never_accepted() -> None:
    """A wrong code passes with 3 in 10⁹, so these 6,000 would pass for once in 50,000 choices of the seed."""
    random = Random(20260512)
    for _ in range(3_000):
        assert not accepted(f"{random.randrange(10**22):022d}{PROVINCE}")
    for ticket in range(3_000):
        code = made(device=f"{random.randrange(10**9):09d}", ticket=ticket)
        place = random.randrange(22)
        other = str((int(code[place]) + random.randrange(1, 10)) % 10)
        assert not accepted(code[:place] + other + code[place + 1 :])


# Whoever photographs codes at a till wants to know which of them are one phone's. Every statistic below is compared
# with a bound that a random source passes over with 1 in 100,000; there are 70 of them, so that for a sound
# construction fewer than 1 seed in 1,000 raises a false alarm. The seed is fixed.

Z_MAX = 4.42  # Two-sided normal, 10⁻⁵.
CHI2_MAX = 39.4  # Nine degrees of freedom, 10⁻⁵.


def chi2(digits: Iterable[str]) -> float:
    """Return how far the digits are from being equally frequent."""
    counts = Counter(digits)
    expected = counts.total() / 10
    return sum((counts[digit] - expected) ** 2 / expected for digit in "0123456789")


def z_of_matches(pairs: Sequence[tuple[str, str]]) -> float:
    """Return how far the number of equal digits in equal places is from a tenth, in standard deviations."""
    places = len(pairs) * 22
    equal = sum(a == b for one, other in pairs for a, b in zip(one[:22], other[:22], strict=True))
    return (equal - places * 0.1) / sqrt(places * 0.09)


@pytest.fixture(scope="module")
def shown() -> list[list[str]]:
    """40 phones that show 200 codes each, one every half minute."""
    random = Random(28)
    numbers = [f"{random.randrange(10**9):09d}" for _ in range(38)] + ["000000000", "000000001"]
    return [[made(device=number, ticket=n, at=AT + n * STEP) for n in range(200)] for number in numbers]


def test_codes_of_one_phone_agree_no_more_than_codes_of_two(shown: list[list[str]]) -> None:
    following = [pair for codes in shown for pair in pairwise(codes)]
    apart = [(codes[n], codes[n + 100]) for codes in shown for n in range(100)]
    strangers = [pair for one, other in pairwise(shown) for pair in zip(one, other, strict=True)]
    for pairs in (following, apart, strangers):
        assert abs(z_of_matches(pairs)) < Z_MAX


def test_every_place_of_a_code_looks_like_a_thrown_die(shown: list[list[str]]) -> None:
    for place in range(22):
        assert chi2(code[place] for codes in shown for code in codes) < CHI2_MAX


def test_every_phone_shows_every_digit_alike(shown: list[list[str]]) -> None:
    for codes in shown:
        assert chi2("".join(code[:22] for code in codes)) < CHI2_MAX


def test_the_step_from_one_code_of_a_phone_to_the_next_says_nothing(shown: list[list[str]]) -> None:
    steps = [(int(later[:13]) - int(earlier[:13])) % 10**13 for codes in shown for earlier, later in pairwise(codes)]
    assert chi2(f"{step:013d}"[0] for step in steps) < CHI2_MAX
    assert chi2(f"{step:013d}"[-1] for step in steps) < CHI2_MAX
    assert len(set(steps)) == len(steps)


def test_codes_of_a_phone_come_in_no_order(shown: list[list[str]]) -> None:
    """The number of times a code is greater than the one before; in random order half, with variance (n + 1) / 12."""
    rises = sum(later > earlier for codes in shown for earlier, later in pairwise(codes))
    expected = len(shown) * 199 / 2
    assert abs(rises - expected) / sqrt(len(shown) * 201 / 12) < Z_MAX


def test_the_order_in_which_phones_were_activated_does_not_show() -> None:
    """Neighbouring device numbers on the same ticket are as unlike as any two."""
    codes = [made(device=f"{number:09d}", ticket=0) for number in range(2_000)]
    assert abs(z_of_matches(list(pairwise(codes)))) < Z_MAX


def test_the_statistics_would_notice_a_readable_ticket() -> None:
    """The same tests on device number and ticket in the clear, to know that they see something."""
    clear = [f"{number:09d}{ticket:04d}" + "0" * 9 for number in (123456789, 987654321) for ticket in range(200)]
    assert abs(z_of_matches(list(pairwise(clear)))) > Z_MAX
    assert chi2(code[0] for code in clear) > CHI2_MAX


def test_a_unit_and_a_person_never_pass_for_each_other() -> None:
    """B3: the same device number and ticket, under either kind."""
    units = Codes(keys_of(Random(1)), of="unit")
    of_unit = units.make(device_number="123456789", ticket=7, province=PROVINCE, at=AT)
    assert of_unit[:22] != made()[:22]
    assert units.fits(units.open(of_unit), AT)
    assert not accepted(of_unit)
    assert not units.fits(units.open(made()), AT)


def test_a_code_of_the_other_kind_is_known_for_what_it_is_for_ten_minutes() -> None:
    units = Codes(keys_of(Random(1)), of="unit")
    of_unit = units.make(device_number="123456789", ticket=7, province=PROVINCE, at=AT)
    assert CODES.is_other_kind(of_unit, AT)
    assert units.is_other_kind(made(), AT)
    assert not CODES.is_other_kind(made(), AT)
    assert CODES.is_other_kind(of_unit, AT + timedelta(minutes=9))
    assert not CODES.is_other_kind(of_unit, AT + timedelta(minutes=11))
    forged = of_unit[:13] + f"{(int(of_unit[13:22]) + 1) % 10**9:09d}" + of_unit[22:]
    assert not CODES.is_other_kind(forged, AT)
