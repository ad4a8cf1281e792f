"""How a channel's server signs its calls. Pure.

    Authorization: YB-SM2 <channel>:<key id>:<time>:<nonce>:<signature>

`time` is whole seconds since 1970, `nonce` 32 hexadecimal digits that are never used twice, `key id` the first 16
hexadecimal digits of the SM3 digest of the public key (x‖y, 64 bytes), `signature` the 128 hexadecimal digits of r‖s
by SM2 over these lines, joined by line feeds: the method, the path, the time, the nonce, and the SM3 digest of the body
in hexadecimal digits.
"""

import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from yibao.core import gm

FRESH_FOR = timedelta(minutes=5)

_HEADER = re.compile(r"YB-SM2 ([a-z][a-z0-9_]{1,31}):([0-9a-f]{16}):([0-9]{1,11}):([0-9a-f]{32}):([0-9a-f]{128})")


class Signed(Struct, frozen=True):
    """What the header of a call says, not yet believed."""

    channel: str
    key_id: str
    time: int
    nonce: str
    signature: bytes

    def is_fresh(self, at: datetime) -> bool:
        return abs(at - datetime.fromtimestamp(self.time, UTC)) <= FRESH_FOR

    def fits(self, public: bytes, *, method: str, path: str, body: bytes) -> bool:
        """Say whether the key signed exactly this call."""
        text = text_of(method=method, path=path, time=self.time, nonce=self.nonce, body=body)
        return gm.Verifier(public).verify(text, self.signature)


def parsed(header: str) -> Signed | None:
    """Return what a header says; None for anything that is not exactly one."""
    found = _HEADER.fullmatch(header)
    if found is None:
        return None
    channel, key_id, time, nonce, signature = found.groups()
    return Signed(channel, key_id, int(time), nonce, bytes.fromhex(signature))


def text_of(*, method: str, path: str, time: int, nonce: str, body: bytes) -> bytes:
    return "\n".join((method, path, str(time), nonce, gm.sm3(body).hex())).encode()


def key_id_of(public: bytes) -> str:
    return gm.sm3(public).hex()[:16]
