"""National cryptography: SM2 signatures, SM3 digests and SM4 encryption, over libraries that prove the standards.

SM3 and SM4 come from `cryptography`, SM2 from libgmssl. A signature is raw r‖s of 64 bytes with the customary id of
GB/T 35276, everywhere inside and on the wire; DER stays in this file. What arrives from outside is answered, never
raised: a signature of any other shape is simply not a signature. Checked against GB/T 32905, 32907, 32918, GM/T 0042
and RFC 8998 in `tests/test_gm.py`.
"""

from collections.abc import Callable

import gmssl_pyx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7

SIGNER_ID = b"1234567812345678"
NONCE_LENGTH = 12
TAG_LENGTH = 16
_BLOCK = 16
_SIGNATURE_LENGTH = 64

# The curve of GB/T 32918.5: y² = x³ - 3x + b over the field of P, with a base point G of order N.
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)


class NotSealed(ValueError):
    """The bytes were not encrypted with this key, or not with these associated data."""


def sm3(message: bytes) -> bytes:
    """Return the SM3 digest of `message`, 32 bytes (GB/T 32905)."""
    digest = Hash(SM3())
    digest.update(message)
    return digest.finalize()


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """Return the HMAC-SM3 of `message`, 32 bytes; compare it with `hmac.compare_digest` only."""
    mac = HMAC(key, SM3())
    mac.update(message)
    return mac.finalize()


def hmac_sm3_under(key: bytes) -> Callable[[bytes], bytes]:
    """Return `hmac_sm3` under one key, for many messages: taking the key in costs twice as much as a short message."""
    keyed = HMAC(key, SM3())

    def mac(message: bytes) -> bytes:
        copy = keyed.copy()
        copy.update(message)
        return copy.finalize()

    return mac


def sm4_block(key: bytes) -> Callable[[bytes], bytes]:
    """Return the bare SM4 permutation of 16-byte blocks under a 16-byte `key` (GB/T 32907).

    It is a brick for constructions that bring their own mode. One context is kept because making it costs ten times
    as much as using it; ECB holds no state between whole blocks, so threads may share it.
    """
    return Cipher(algorithms.SM4(key), modes.ECB()).encryptor().update


def sm4_gcm_seal(key: bytes, plain: bytes, *, nonce: bytes, associated: bytes) -> bytes:
    """Encrypt `plain` and return ciphertext ‖ 16-byte tag; a 12-byte `nonce` must never meet the same key twice."""
    if len(nonce) != NONCE_LENGTH:
        raise ValueError("an SM4-GCM nonce has 12 bytes")
    sealing = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    sealing.authenticate_additional_data(associated)
    return sealing.update(plain) + sealing.finalize() + sealing.tag


def sm4_gcm_open(key: bytes, sealed: bytes, *, nonce: bytes, associated: bytes) -> bytes:
    """Return what `sm4_gcm_seal` was given; NotSealed for anything that differs by a single bit."""
    if len(nonce) != NONCE_LENGTH or len(sealed) < TAG_LENGTH:
        raise NotSealed("too short")
    opening = Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-TAG_LENGTH:])).decryptor()
    opening.authenticate_additional_data(associated)
    plain = opening.update(sealed[:-TAG_LENGTH])
    try:
        return plain + opening.finalize()
    except InvalidTag:
        raise NotSealed("the tag does not fit") from None


def sm4_ecb_encrypt(key: bytes, plain: bytes) -> bytes:
    """Encrypt `plain` with PKCS#7 padding, block by block.

    Equal blocks stay visibly equal, so this is only for the national envelope, which prescribes it and signs around
    it; our own data are sealed with `sm4_gcm_seal`.
    """
    padding = PKCS7(_BLOCK * 8).padder()
    return sm4_block(key)(padding.update(plain) + padding.finalize())


def sm4_ecb_decrypt(key: bytes, sealed: bytes) -> bytes:
    """Return what `sm4_ecb_encrypt` was given; NotSealed for part of a block or a wrong padding.

    A sender must not learn which of the two it was: check the signature first and answer every failure alike.
    """
    if not sealed or len(sealed) % _BLOCK:
        raise NotSealed("not whole blocks")
    plain = Cipher(algorithms.SM4(key), modes.ECB()).decryptor().update(sealed)
    padding = PKCS7(_BLOCK * 8).unpadder()
    try:
        return padding.update(plain) + padding.finalize()
    except ValueError:
        raise NotSealed("wrong padding") from None


class Signer:
    """Signs with one SM2 private key; a few hundred a second, so it stays off the path of every request."""

    def __init__(self, private: bytes) -> None:
        """Take 32 bytes, or 33 with the leading zero that Java's integers carry; ValueError for any other key."""
        if len(private) == 33 and private[0] == 0:
            private = private[1:]
        if len(private) != 32 or not 1 <= int.from_bytes(private) < _N - 1:
            raise ValueError("not an SM2 private key")
        self._private = private
        # Institutions are handed a private key alone, and a pair that does not match would sign what nobody can check.
        self.public = _public_of(private)

    @classmethod
    def generate(cls) -> "Signer":
        """Return a signer with a new random key."""
        _, private = gmssl_pyx.sm2_key_generate()
        return cls(private)

    @property
    def private(self) -> bytes:
        return self._private

    def sign(self, message: bytes) -> bytes:
        """Return the SM3withSM2 signature of `message`: r‖s, 64 bytes, different every time."""
        r, s = decode_dss_signature(gmssl_pyx.sm2_sign(self._private, self.public, message, SIGNER_ID))
        return r.to_bytes(32) + s.to_bytes(32)


class Verifier:
    """Checks signatures of one SM2 public key."""

    def __init__(self, public: bytes) -> None:
        """Take 64 bytes x‖y, or 65 with the leading 04; ValueError for anything else or a point off the curve."""
        if len(public) not in (64, 65):
            raise ValueError("not an SM2 public key")
        try:
            self.public: bytes = gmssl_pyx.normalize_sm2_public_key(public)
        except gmssl_pyx.GmsslInnerError:
            raise ValueError("not an SM2 public key") from None

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` (r‖s, 64 bytes) was made over `message` with the private key; never raises."""
        if len(signature) != _SIGNATURE_LENGTH:
            return False
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        if not (1 <= r < _N and 1 <= s < _N):
            return False
        fits: bool = gmssl_pyx.sm2_verify(self.public, message, encode_dss_signature(r, s), SIGNER_ID)
        return fits


def _public_of(private: bytes) -> bytes:
    """Return the 64-byte public point of a private key, by double-and-add.

    The library offers no such call. Plain integers leak their timing, which is why this runs once when a key is
    loaded and no part of signing does.
    """
    point = _G
    for bit in f"{int.from_bytes(private):b}"[1:]:
        point = _tangent(point)
        if bit == "1":
            point = _chord(point, _G)
    return point[0].to_bytes(32) + point[1].to_bytes(32)


def _chord(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Add two points with different x; for keys below N-1, double-and-add meets no others."""
    return _third(one, other[0], (other[1] - one[1]) * pow(other[0] - one[0], -1, _P))


def _tangent(point: tuple[int, int]) -> tuple[int, int]:
    return _third(point, point[0], (3 * point[0] ** 2 - 3) * pow(2 * point[1], -1, _P))


def _third(point: tuple[int, int], other_x: int, slope: int) -> tuple[int, int]:
    """Return the mirrored third point in which the line of this slope meets the curve."""
    x = (slope * slope - point[0] - other_x) % _P
    return x, (slope * (point[0] - x) - point[1]) % _P
