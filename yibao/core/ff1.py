"""Format-preserving encryption FF1 (NIST SP 800-38G) of decimal digits, with SM4 as the block cipher.

Numbers that people read out and tills print stay numbers of the same length, yet show nothing of what they stand for
and lead back to it by computation alone. `Feistel` is the construction and takes any 16-byte block cipher, so that the
NIST samples, which use AES, prove it; `Ff1` is the one for use.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from yibao.core import gm

# Below a million possible texts FF1 is not safe (SP 800-38G Rev. 1). Up to 56 digits one block gives a round all the
# bytes it needs, which is more than anything here is long.
DIGITS_MIN = 6
DIGITS_MAX = 56
_ROUNDS = 10


class Feistel:
    """FF1 over digits 0-9 with `block`, a permutation of 16 bytes; threads may share it if they may share `block`."""

    def __init__(self, block: Callable[[bytes], bytes]) -> None:
        self._block = block

    def encrypt(self, digits: str, tweak: bytes) -> str:
        """Return `digits` permuted among all texts of their length, differently under each `tweak`.

        ValueError for anything but 6 to 56 of the digits 0-9.
        """
        shape = _shape_of(digits, tweak)
        base = self._base(shape, tweak)
        left, right = int(digits[: shape.left_digits]), int(digits[shape.left_digits :])
        for turn in range(0, _ROUNDS, 2):
            left = (left + self._round(shape, base, turn, right)) % shape.left_size
            right = (right + self._round(shape, base, turn + 1, left)) % shape.right_size
        return f"{left:0{shape.left_digits}d}{right:0{shape.right_digits}d}"

    def decrypt(self, digits: str, tweak: bytes) -> str:
        """Return what `encrypt` was given; there is no such thing as a wrong text, only a wrong result."""
        shape = _shape_of(digits, tweak)
        base = self._base(shape, tweak)
        left, right = int(digits[: shape.left_digits]), int(digits[shape.left_digits :])
        for turn in range(_ROUNDS - 2, -1, -2):
            right = (right - self._round(shape, base, turn + 1, left)) % shape.right_size
            left = (left - self._round(shape, base, turn, right)) % shape.left_size
        return f"{left:0{shape.left_digits}d}{right:0{shape.right_digits}d}"

    def _base(self, shape: "_Shape", tweak: bytes) -> int:
        """Return the CBC-MAC state before a round's only changing block, with that block's unchanging part mixed in.

        A round differs from the next in its number and in half the text, and both lie in the last block; all before
        it is computed once instead of ten times.
        """
        state = int.from_bytes(self._block(shape.head))
        padded = tweak + bytes(shape.padding)
        whole = len(padded) // 16 * 16
        for start in range(0, whole, 16):
            state = int.from_bytes(self._block((state ^ int.from_bytes(padded[start : start + 16])).to_bytes(16)))
        return state ^ (int.from_bytes(padded[whole:]) << (shape.turn_shift + 8))

    def _round(self, shape: "_Shape", base: int, turn: int, half: int) -> int:
        mac = self._block((base ^ (turn << shape.turn_shift) ^ half).to_bytes(16))
        return int.from_bytes(mac) >> shape.cut


class Ff1(Feistel):
    """FF1-SM4 under one 16-byte key, which serves no other purpose."""

    def __init__(self, key: bytes) -> None:
        super().__init__(gm.sm4_block(key))


class _Shape(NamedTuple):
    """What follows from the lengths alone; in the standard's letters u, v, 10^u, 10^v, P, and b and d in bits."""

    left_digits: int
    right_digits: int
    left_size: int
    right_size: int
    head: bytes
    padding: int  # Zero bytes between the tweak and the round number.
    turn_shift: int
    cut: int


def _shape_of(digits: str, tweak: bytes) -> _Shape:
    if not (digits.isascii() and digits.isdigit() and DIGITS_MIN <= len(digits) <= DIGITS_MAX):
        raise ValueError(f"FF1 takes {DIGITS_MIN} to {DIGITS_MAX} digits")
    return _shape(len(digits), len(tweak))


@lru_cache(maxsize=256)
def _shape(length: int, tweak_length: int) -> _Shape:
    left = length // 2
    right = length - left
    half_bytes = ((10**right - 1).bit_length() + 7) // 8
    return _Shape(
        left_digits=left,
        right_digits=right,
        left_size=10**left,
        right_size=10**right,
        head=bytes([1, 2, 1, 0, 0, 10, _ROUNDS, left]) + length.to_bytes(4) + tweak_length.to_bytes(4),
        padding=-(tweak_length + half_bytes + 1) % 16,
        turn_shift=8 * half_bytes,
        cut=8 * (16 - (4 * ((half_bytes + 3) // 4) + 4)),
    )
