"""The published examples of every algorithm, the national envelope's vectors, and what must be turned away (B15)."""

import json
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao.core import gm

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
KEY = bytes(range(16))
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


@pytest.mark.parametrize("vector", VECTORS["sm3"], ids=lambda vector: vector["source"])
def test_sm3_gives_the_published_digests(vector: dict[str, str]) -> None:
    assert gm.sm3(vector["message"].encode()).hex() == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["hmac_sm3"], ids=lambda vector: vector["key"][:8])
def test_hmac_sm3_gives_the_published_codes(vector: dict[str, str]) -> None:
    assert gm.hmac_sm3(bytes.fromhex(vector["key"]), bytes.fromhex(vector["message"])).hex() == vector["mac"]


def test_one_block_of_sm4_is_the_published_one() -> None:
    vector = VECTORS["sm4"]
    assert gm.sm4_block(bytes.fromhex(vector["key"]))(bytes.fromhex(vector["plain"])).hex() == vector["once"]


def test_a_block_encrypted_a_million_times_is_the_published_one() -> None:
    """The whole published chain; it also shows that a kept context carries nothing from block to block."""
    vector = VECTORS["sm4"]
    encrypt, block = gm.sm4_block(bytes.fromhex(vector["key"])), bytes.fromhex(vector["plain"])
    for _ in range(1_000_000):
        block = encrypt(block)
    assert block.hex() == vector["a_million_times"]


def test_sm4_gcm_seals_as_in_rfc_8998() -> None:
    vector = VECTORS["sm4_gcm"]
    key, nonce, associated, plain = (bytes.fromhex(vector[name]) for name in ("key", "nonce", "associated", "plain"))
    sealed = gm.sm4_gcm_seal(key, plain, nonce=nonce, associated=associated)
    assert sealed.hex() == vector["cipher"] + vector["tag"]
    assert gm.sm4_gcm_open(key, sealed, nonce=nonce, associated=associated) == plain


def test_a_single_changed_bit_breaks_a_seal() -> None:
    nonce = bytes(12)
    sealed = gm.sm4_gcm_seal(KEY, b"plain", nonce=nonce, associated=b"here")
    for bit in range(len(sealed) * 8):
        changed = (int.from_bytes(sealed) ^ (1 << bit)).to_bytes(len(sealed))
        with pytest.raises(gm.NotSealed):
            gm.sm4_gcm_open(KEY, changed, nonce=nonce, associated=b"here")


def test_a_seal_opens_only_with_its_key_nonce_and_associated_data() -> None:
    nonce = bytes(12)
    sealed = gm.sm4_gcm_seal(KEY, b"plain", nonce=nonce, associated=b"here")
    for key, other_nonce, associated in (
        (bytes(16), nonce, b"here"),
        (KEY, b"\x01" * 12, b"here"),
        (KEY, nonce, b"there"),
        (KEY, nonce[:11], b"here"),
        (KEY, b"", b"here"),
    ):
        with pytest.raises(gm.NotSealed):
            gm.sm4_gcm_open(key, sealed, nonce=other_nonce, associated=associated)


@pytest.mark.parametrize("length", range(16))
def test_what_is_shorter_than_a_tag_is_not_sealed(length: int) -> None:
    with pytest.raises(gm.NotSealed):
        gm.sm4_gcm_open(KEY, bytes(length), nonce=bytes(12), associated=b"")


def test_a_nonce_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        gm.sm4_gcm_seal(KEY, b"plain", nonce=bytes(16), associated=b"")


def test_the_envelope_key_is_derived_as_clients_derive_it() -> None:
    vector = VECTORS["envelope"]
    derived = gm.sm4_ecb_encrypt(vector["app_id"][:16].encode(), vector["app_secret"].encode())
    assert derived.hex().upper()[:16] == vector["sm4_key"]


def test_the_envelope_data_are_encrypted_as_clients_encrypt_them() -> None:
    vector = VECTORS["envelope"]
    key = vector["sm4_key"].encode()
    assert gm.sm4_ecb_encrypt(key, vector["clean_json"].encode()).hex().upper() == vector["enc_data"]
    assert gm.sm4_ecb_decrypt(key, bytes.fromhex(vector["enc_data"])).decode() == vector["clean_json"]


def test_the_envelope_sign_string_is_signed_and_verified() -> None:
    vector = VECTORS["sm2"][1]
    signer = gm.Signer(bytes.fromhex(vector["private"]))
    message = VECTORS["envelope"]["sign_string"].encode()
    assert gm.Verifier(bytes.fromhex(vector["public"])).verify(message, signer.sign(message))


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 32])
def test_padding_restores_every_length(length: int) -> None:
    plain = b"\x10" * length
    sealed = gm.sm4_ecb_encrypt(KEY, plain)
    assert len(sealed) == (length // 16 + 1) * 16
    assert gm.sm4_ecb_decrypt(KEY, sealed) == plain


@pytest.mark.parametrize("sealed", [b"", bytes(15), bytes(17), bytes(16), gm.sm4_block(KEY)(bytes(15) + b"\x11")])
def test_what_was_not_padded_is_not_sealed(sealed: bytes) -> None:
    with pytest.raises(gm.NotSealed):
        gm.sm4_ecb_decrypt(KEY, sealed)


@pytest.mark.parametrize("vector", VECTORS["sm2"], ids=lambda vector: vector["source"])
def test_sm2_signatures_of_others_are_verified(vector: dict[str, str]) -> None:
    public, signature, message = bytes.fromhex(vector["public"]), bytes.fromhex(vector["signature"]), vector["message"]
    assert gm.Verifier(public).verify(message.encode(), signature)
    assert gm.Verifier(public[1:]).verify(message.encode(), signature)
    assert not gm.Verifier(public).verify(message.encode() + b" ", signature)


@pytest.mark.parametrize("vector", VECTORS["sm2"], ids=lambda vector: vector["source"])
def test_the_public_key_follows_from_the_private_one(vector: dict[str, str]) -> None:
    private = bytes.fromhex(vector["private"])
    assert gm.Signer(private).public.hex() == vector["public"][2:]
    assert gm.Signer(b"\0" + private).public.hex() == vector["public"][2:]


def test_generated_keys_have_the_public_key_that_the_library_gives_them() -> None:
    for _ in range(5):
        public, private = gmssl_pyx.sm2_key_generate()
        assert gm.Signer(private).public == public


@pytest.mark.parametrize("number", [1, 2, 3, 2**255, ORDER // 2, ORDER - 3, ORDER - 2])
def test_the_outermost_private_keys_sign_what_their_public_keys_verify(number: int) -> None:
    signer = gm.Signer(number.to_bytes(32))
    assert gm.Verifier(signer.public).verify(b"message", signer.sign(b"message"))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(message=st.binary(max_size=300))
def test_what_a_signer_signs_its_verifier_verifies(message: bytes) -> None:
    signature = SIGNER.sign(message)
    assert len(signature) == 64
    assert gm.Verifier(SIGNER.public).verify(message, signature)
    assert not gm.Verifier(STRANGER.public).verify(message, signature)


SIGNER, STRANGER = gm.Signer.generate(), gm.Signer.generate()


def test_signing_twice_uses_another_nonce() -> None:
    """A nonce used twice gives the private key away."""
    assert len({SIGNER.sign(b"message")[:32] for _ in range(20)}) == 20


def test_a_signature_of_any_other_shape_is_none() -> None:
    signature = SIGNER.sign(b"message")
    r, s = signature[:32], signature[32:]
    zero, order, most = bytes(32), ORDER.to_bytes(32), b"\xff" * 32
    for wrong in (
        b"",
        signature[:-1],
        signature + b"\0",
        b"\0" + signature,
        signature.hex().encode(),
        encode_dss_signature(int.from_bytes(r), int.from_bytes(s)),
        s + r,
        r + (ORDER - int.from_bytes(s)).to_bytes(32),
        r + (ORDER - int.from_bytes(r)).to_bytes(32),
        zero + s,
        r + zero,
        zero + zero,
        order + s,
        r + order,
        most + s,
        r + most,
    ):
        assert gm.Verifier(SIGNER.public).verify(b"message", wrong) is False


def test_a_single_changed_bit_spoils_a_signature() -> None:
    signature, verifier = SIGNER.sign(b"message"), gm.Verifier(SIGNER.public)
    for bit in range(0, 512, 7):
        assert not verifier.verify(b"message", (int.from_bytes(signature) ^ (1 << bit)).to_bytes(64))


@pytest.mark.parametrize(
    "private",
    [
        b"",
        b"\x01" * 31,
        b"\x01" * 33,
        b"\x01" * 64,
        bytes(32),
        bytes(33),
        (ORDER - 1).to_bytes(32),
        ORDER.to_bytes(32),
        b"\xff" * 32,
    ],
)
def test_a_malformed_private_key_is_refused(private: bytes) -> None:
    with pytest.raises(ValueError, match="not an SM2 private key"):
        gm.Signer(private)


@pytest.mark.parametrize(
    "public",
    [
        b"",
        bytes(64),
        bytes(65),
        b"\x04" + bytes(64),
        b"\xff" * 64,
        SIGNER.public[:-1],
        b"\x03" + SIGNER.public,
        b"\x02" + SIGNER.public[:32],
        SIGNER.public[:32] + SIGNER.public[:32],
        SIGNER.public.hex().encode(),
    ],
    ids=lambda public: f"{len(public)} bytes",
)
def test_a_malformed_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(ValueError, match="not an SM2 public key"):
        gm.Verifier(public)


def test_a_kept_key_gives_the_same_macs_in_any_order() -> None:
    mac = gm.hmac_sm3_under(b"k" * 32)
    messages = [b"", b"a", b"a" * 200, b"a"]
    assert [mac(message) for message in messages] == [gm.hmac_sm3(b"k" * 32, message) for message in messages]
