"""Numbers that are well formed, distinct, and nobody's.

Every number of a person is computed from the person's index alone, so that the millionth person needs no memory of the
others. Certificate numbers of 18 digits carry an area that no authority has ever assigned (99xxxx).
"""

from datetime import date
from functools import lru_cache
from random import Random

# The largest primes below 10^12, 10^8 and 4·10^6; the last one is also how many residents a world can hold.
PRIME_12 = 999_999_999_989
PRIME_8 = 99_999_989
PRIME_AREA = 3_999_971

_CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


def spread(index: int, *, seed: int, use: str, prime: int) -> int:
    """Map 0, 1, 2 … to distinct numbers from 1 to prime − 1 in no visible order.

    Modulo a prime, no two numbers have the same product with a constant nor the same inverse, and neither is zero. The
    inverse is there because products alone would climb in steps that anybody can see.
    """
    return pow((index + 1) * _factor(seed, use, prime), -1, prime)


@lru_cache(maxsize=64)
def _factor(seed: int, use: str, prime: int) -> int:
    return Random(f"{seed}:{use}").randrange(prime // 10, prime)


def check_character(body: str) -> str:
    """Return the check character of 17 digits (GB 11643, ISO 7064 MOD 11-2); X stands for ten."""
    return _CHECK_CHARACTERS[sum(int(digit) * weight for digit, weight in zip(body, _CHECK_WEIGHTS, strict=True)) % 11]


def luhn_digit(body: str) -> str:
    """Return the digit that completes a bank card number (ISO/IEC 7812-1)."""
    total = 0
    for place, character in enumerate(reversed(body)):
        digit = int(character)
        total += digit if place % 2 else digit * 2 - 9 * (digit > 4)
    return str(-total % 10)


def person_id(index: int, *, seed: int) -> str:
    return f"{spread(index, seed=seed, use='person', prime=PRIME_12):012d}"


def psn_no(index: int, position: int, *, place: str, seed: int) -> str:
    """Return the national number of a person's insurance relation, of which a person has fewer than ten."""
    serial = spread(index * 10 + position, seed=seed, use="psn_no", prime=PRIME_12)
    return f"{place}{serial:020d}"


def card_no(index: int, *, seed: int) -> str:
    return f"Z{spread(index, seed=seed, use='card', prime=PRIME_8):08d}"


def bank_card(index: int, *, seed: int) -> str:
    body = f"622999{spread(index, seed=seed, use='bank', prime=PRIME_12):012d}"
    return body + luhn_digit(body)


def phone(index: int) -> str:
    """Return the phone of a person: 19900000001, 19900000002 … It is also what the person signs in with, so it is kept
    easy to type and the same in every world."""
    return f"{19_900_000_001 + index}"


def other_phone(index: int) -> str:
    """Return a second phone of the same person, from a range that `phone` never reaches."""
    return f"{19_910_000_001 + index}"


def certificate_no(index: int, *, cert_type: str, birth_on: date, gender: str, seed: int) -> str:
    """Return a certificate number of the national `psn_cert_type`; ValueError for a type the world does not have.

    Distinct for the first 350,000 of a type with 18 digits that is not a resident's, and for all residents.

    The areas 990000–997999 belong to residents, 998xxx to residence permits of Hong Kong, Macao and Taiwan residents,
    999xxx to permanent residence cards, so the three never meet.
    """
    if cert_type == "01":
        slot = spread(index, seed=seed, use="certificate", prime=PRIME_AREA)
        return _eighteen(990_000 + slot // 500, birth_on, slot % 500, gender)
    if cert_type == "04":
        return f"H99{index:06d}"
    if cert_type == "07":
        # 276 is the number of a country in ISO 3166; whoever comes after the first 500 is given the numbers after it.
        return _eighteen(999_276 + index // 500, birth_on, index % 500, gender)
    if cert_type == "08":
        return f"ZZ99{index:05d}"  # ISO 3166 leaves ZZ to its users, so no state issues such a passport.
    if cert_type == "17":
        return _eighteen(998_300 + index // 500, birth_on, index % 500, gender)
    raise ValueError("a type of certificate that the world does not have")


def _eighteen(area: int, birth_on: date, order: int, gender: str) -> str:
    body = f"{area}{birth_on:%Y%m%d}{order * 2 + (gender == '1'):03d}"  # The last digit is odd for men.
    return body + check_character(body)
