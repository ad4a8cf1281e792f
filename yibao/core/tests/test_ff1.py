"""FF1 proven by the NIST samples, by a word-for-word reading of the standard, and by its properties (B15)."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao.core import gm
from yibao.core.ff1 import DIGITS_MAX, DIGITS_MIN, Feistel, Ff1

SAMPLES = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))["ff1_aes"]
KEY = bytes(range(16))
FF1 = Ff1(KEY)

texts = st.text("0123456789", min_size=DIGITS_MIN, max_size=DIGITS_MAX)
tweaks = st.binary(max_size=50)
bounded = settings(max_examples=150, deadline=None, derandomize=True)


def by_the_book(digits: str, tweak: bytes) -> str:
    """FF1.Encrypt of SP 800-38G, step by step in its own letters, for radix 10 and SM4."""
    block = gm.sm4_block(KEY)
    n, t = len(digits), len(tweak)
    u = n // 2
    v = n - u
    a, b_ = digits[:u], digits[u:]
    b = -(-(10**v - 1).bit_length() // 8)
    d = 4 * -(-b // 4) + 4
    p = bytes([1, 2, 1]) + (10).to_bytes(3) + bytes([10, u % 256]) + n.to_bytes(4) + t.to_bytes(4)
    for i in range(10):
        q = tweak + bytes((-t - b - 1) % 16) + bytes([i]) + int(b_).to_bytes(b)
        r = bytes(16)
        for start in range(0, len(p + q), 16):
            r = block(bytes(x ^ y for x, y in zip(r, (p + q)[start : start + 16], strict=True)))
        s = r
        for j in range(1, -(-d // 16)):
            s += block(bytes(x ^ y for x, y in zip(r, j.to_bytes(16), strict=True)))
        y = int.from_bytes(s[:d])
        m = u if i % 2 == 0 else v
        a, b_ = b_, str((int(a) + y) % 10**m).zfill(m)
    return a + b_


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["source"][-1])
def test_the_construction_gives_the_nist_samples(sample: dict[str, str]) -> None:
    aes = Cipher(algorithms.AES(bytes.fromhex(sample["key"])), modes.ECB()).encryptor()
    feistel, tweak = Feistel(aes.update), bytes.fromhex(sample["tweak"])
    assert feistel.encrypt(sample["plain"], tweak) == sample["cipher"]
    assert feistel.decrypt(sample["cipher"], tweak) == sample["plain"]


@bounded
@given(digits=texts, tweak=tweaks)
def test_every_length_and_tweak_is_encrypted_by_the_book(digits: str, tweak: bytes) -> None:
    assert FF1.encrypt(digits, tweak) == by_the_book(digits, tweak)


@bounded
@given(digits=texts, tweak=tweaks)
def test_decrypting_restores_and_the_length_is_kept(digits: str, tweak: bytes) -> None:
    hidden = FF1.encrypt(digits, tweak)
    assert len(hidden) == len(digits)
    assert hidden.isdigit()
    assert FF1.decrypt(hidden, tweak) == digits
    assert FF1.encrypt(FF1.decrypt(digits, tweak), tweak) == digits


def test_no_two_of_six_digits_become_the_same() -> None:
    texts_of_six = [f"{number:06d}" for number in range(0, 1_000_000, 167)]
    hidden = [FF1.encrypt(text, b"510000") for text in texts_of_six]
    assert len(set(hidden)) == len(texts_of_six)
    assert [FF1.decrypt(text, b"510000") for text in hidden] == texts_of_six


def test_another_key_or_tweak_gives_another_text() -> None:
    text = "0" * 24
    hidden = {Ff1(key).encrypt(text, tweak) for key in (KEY, bytes(16)) for tweak in (b"", b"\0", b"510000", b"320682")}
    assert len(hidden) == 8


@pytest.mark.parametrize(
    "digits",
    ["", "12345", "1" * 57, "12345a", "-12345", "+12345", " 123456", "123456\n", "1_2345", "１２３４５６", "١٢٣٤٥٦"],
)
def test_what_is_not_6_to_56_digits_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="FF1 takes"):
        FF1.encrypt(digits, b"")
    with pytest.raises(ValueError, match="FF1 takes"):
        FF1.decrypt(digits, b"")
