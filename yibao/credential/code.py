"""The 28 digits of the code: ticket (13) ‖ tag (9) ‖ province (6); pure.

The ticket hides a device and one of its ticket numbers under the place's key, so that two codes of one phone look
unrelated. The tag proves, under the device's own key, that the device showed the ticket in this half minute.
"""

from collections.abc import Iterable
from datetime import datetime
from hmac import compare_digest

from msgspec import Struct

from yibao.core.ff1 import Ff1
from yibao.core.gm import hmac_sm3
from yibao.core.vault import Keys
from yibao.credential.refusals import CodeMalformed

STEP_SECONDS = 30
# A code is accepted until the half minute after its own ends. Shown this long from wherever in its half minute, it is
# good for five seconds more at least; and phones do not all ask for the next one on the stroke of the half minute.
SHOWN_SECONDS = 25
_TAG_SPACE = 10**9
_DAY_STEPS = 24 * 3600 // STEP_SECONDS


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

    def __init__(self, keys: Keys) -> None:
        self._tickets = Ff1(keys.tickets)
        self._master = keys.devices

    def make(self, *, device_number: str, ticket: int, province: str, at: datetime) -> str:
        """Return the code that this device shows at `at` for its ticket number `ticket`."""
        digits = self._tickets.encrypt(f"{device_number}{ticket:04d}", province.encode())
        return digits + _tag(self._device_key(device_number), digits, province, _step(at)) + province

    def open(self, code: str) -> Ticket:
        """Return the ticket inside a code without believing it; refuses CodeMalformed."""
        if len(code) != 28 or not code.isascii() or not code.isdigit() or not code.endswith("0000"):
            raise CodeMalformed
        digits, tag, province = code[:13], code[13:22], code[22:]
        plain = self._tickets.decrypt(digits, province.encode())
        return Ticket(plain[:9], int(plain[9:]), digits, tag, province)

    def fits(self, ticket: Ticket, at: datetime) -> bool:
        """Say whether the tag was made by the ticket's device in this half minute, or one beside it."""
        now = _step(at)
        return self._fits_one_of(ticket, (now, now - 1, now + 1))

    def was_right(self, ticket: Ticket, at: datetime) -> bool:
        """Say whether the tag was right within the last day: an old code, not a forged one. Only words depend on it."""
        now = _step(at)
        return self._fits_one_of(ticket, range(now - 2, now - _DAY_STEPS, -1))

    def _device_key(self, device_number: str) -> bytes:
        return hmac_sm3(self._master, device_number.encode())

    def _fits_one_of(self, ticket: Ticket, steps: Iterable[int]) -> bool:
        key = self._device_key(ticket.device_number)
        return any(compare_digest(_tag(key, ticket.digits, ticket.province, step), ticket.tag) for step in steps)


def _tag(device_key: bytes, digits: str, province: str, step: int) -> str:
    mac = hmac_sm3(device_key, f"{digits}{province}{step}".encode())
    return f"{int.from_bytes(mac, 'big') % _TAG_SPACE:09d}"


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS
