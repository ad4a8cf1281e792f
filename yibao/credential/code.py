"""The 28 digits of the code: ticket (13) ‖ tag (9) ‖ province (6); pure.

The ticket hides a device and one of its ticket numbers under the place's key, so that two codes of one phone look
unrelated. The tag proves, under the device's own key, that the device showed the ticket in this half minute.

Units have codes of the same construction (单位码). Their device numbers are their own, and the kind of holder is part
of the ticket's tweak and of the device key, so that neither kind can pass for the other.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from hmac import compare_digest
from typing import Literal

from msgspec import Struct

from yibao.core.ff1 import Ff1
from yibao.core.gm import hmac_sm3_under
from yibao.core.vault import Keys
from yibao.credential.refusals import CodeMalformed

Mac = Callable[[bytes], bytes]

STEP_SECONDS = 30
# A code is accepted until the half minute after its own ends. Shown this long from wherever in its half minute, it is
# good for five seconds more at least; and phones do not all ask for the next one on the stroke of the half minute.
SHOWN_SECONDS = 25
_TAG_SPACE = 10**9
_DAY_STEPS = 24 * 3600 // STEP_SECONDS
_MIXED_UP_STEPS = 20  # For ten minutes a code of the other kind is known for what it is.

Holding = Literal["person", "unit"]


class Ticket(Struct, frozen=True):
    device_number: str
    number: int
    digits: str
    tag: str
    province: str


def province_of(place: str) -> str:
    return place[:2] + "0000"


class Codes:
    """Makes and opens codes under the keys of this place."""

    def __init__(self, keys: Keys, *, of: Holding = "person") -> None:
        self._keys = keys
        self._of = of
        self._tickets = Ff1(keys.tickets)
        self._prefix = b"" if of == "person" else b"unit:"
        self._key_of = hmac_sm3_under(keys.devices)

    def make(self, *, device_number: str, ticket: int, province: str, at: datetime) -> str:
        """Return the code that this device shows at `at` for its ticket number `ticket`."""
        digits = self.ticket(device_number=device_number, ticket=ticket, province=province)
        return digits + _tag(self._mac_of(device_number), digits, province, _step(at)) + province

    def ticket(self, *, device_number: str, ticket: int, province: str) -> str:
        """Return the 13 digits of a ticket, to which whoever has the device's key adds the tag of the moment."""
        return self._tickets.encrypt(f"{device_number}{ticket:04d}", self._prefix + province.encode())

    def device_key(self, device_number: str) -> bytes:
        """Return the device's own key, which is not stored: it follows from the number.

        It leaves the server only for numbers under which a phone draws its codes itself.
        """
        return self._key_of(self._prefix + device_number.encode())

    def open(self, code: str) -> Ticket:
        """Return the ticket inside a code without believing it; refuses CodeMalformed."""
        if len(code) != 28 or not code.isascii() or not code.isdigit() or not code.endswith("0000"):
            raise CodeMalformed
        digits, tag, province = code[:13], code[13:22], code[22:]
        plain = self._tickets.decrypt(digits, self._prefix + province.encode())
        return Ticket(plain[:9], int(plain[9:]), digits, tag, province)

    def fits(self, ticket: Ticket, at: datetime) -> bool:
        """Say whether the tag was made by the ticket's device in this half minute, or one beside it."""
        now = _step(at)
        return self._fits_one_of(ticket, (now, now - 1, now + 1))

    def was_right(self, ticket: Ticket, at: datetime) -> bool:
        """Say whether the tag was right within the last day: an old code, not a forged one. Only words depend on it."""
        now = _step(at)
        return self._fits_one_of(ticket, range(now - 2, now - _DAY_STEPS, -1))

    def is_other_kind(self, code: str, at: datetime) -> bool:
        """Say whether this is a genuine code of the other kind of holder, shown lately. Only words depend on it."""
        others = Codes(self._keys, of="unit" if self._of == "person" else "person")
        now = _step(at)
        return others._fits_one_of(others.open(code), range(now + 1, now - _MIXED_UP_STEPS, -1))

    def _mac_of(self, device_number: str) -> Mac:
        return hmac_sm3_under(self.device_key(device_number))

    def _fits_one_of(self, ticket: Ticket, steps: Iterable[int]) -> bool:
        mac = self._mac_of(ticket.device_number)
        return any(compare_digest(_tag(mac, ticket.digits, ticket.province, step), ticket.tag) for step in steps)


def _tag(mac: Mac, digits: str, province: str, step: int) -> str:
    return f"{int.from_bytes(mac(f'{digits}{province}{step}'.encode()), 'big') % _TAG_SPACE:09d}"


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS
