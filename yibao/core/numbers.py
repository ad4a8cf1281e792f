"""Numbers handed out: settlements, visits, receipts. Each leads back to its person by computation.

A number is region (6) ‖ FF1-SM4(person 12 ‖ counter 12) with the region as tweak: 30 digits, as the national
interface carries them. To everyone without the key it shows the region and nothing else: neither who, nor how many, nor
in which order. There is no check digit: every 30 digits lead to some person, who then has no such number.
"""

import re

from yibao.core.ff1 import Ff1

REGION_DIGITS = 6
PERSON_DIGITS = 12
COUNTER_MAX = 10**12 - 1

_REGION = re.compile(r"[0-9]{6}")
_PERSON = re.compile(r"[0-9]{12}")
_NUMBER = re.compile(r"[0-9]{30}")


class Numbers:
    """Issues numbers under one key and reads them back."""

    def __init__(self, ff1_key: bytes) -> None:
        self._ff1 = Ff1(ff1_key)

    def issue(self, *, region: str, person_id: str, counter: int) -> str:
        """Return the number of a person's document in a region: different for every three of them, without look-up.

        `counter` runs once per person through all kinds of documents, or two of them would bear the same number.
        ValueError for a malformed region, person or counter.
        """
        if not _REGION.fullmatch(region):
            raise ValueError("a region has 6 digits")
        if not _PERSON.fullmatch(person_id):
            raise ValueError("a person has 12 digits")
        if not 0 <= counter <= COUNTER_MAX:
            raise ValueError("a counter has at most 12 digits")
        return region + self._ff1.encrypt(f"{person_id}{counter:012d}", region.encode())

    def person_of(self, number: str) -> str:
        """Return the 12 digits of the person to whom `number` was issued; ValueError for anything but 30 digits."""
        return self._plain(number)[:PERSON_DIGITS]

    def counter_of(self, number: str) -> int:
        """Return the counter with which `number` was issued; ValueError for anything but 30 digits."""
        return int(self._plain(number)[PERSON_DIGITS:])

    def _plain(self, number: str) -> str:
        if not _NUMBER.fullmatch(number):
            raise ValueError("a number has 30 digits")
        return self._ff1.decrypt(number[REGION_DIGITS:], number[:REGION_DIGITS].encode())
