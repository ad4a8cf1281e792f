"""A phone with a screen lock, as a browser on it answers pages: a key that signs once the lock was opened."""

import hashlib
import json
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.utils import websafe_encode

ES256 = -7
PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


class LockablePhone:
    """Says what it is told to where that departs from the truth: where it is, and whether the lock was opened."""

    def __init__(self, origin: str, *, counts: bool = False) -> None:
        self.origin = origin
        self.credential_id = secrets.token_bytes(32)
        self.signed = 0
        self._counts = counts
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, question: dict[str, Any], **departing: Any) -> dict[str, str]:
        """Make the key, as `navigator.credentials.create` does."""
        point = self._key.public_key().public_numbers()
        public = cbor.encode({1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        key = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + public
        data = self._data(question, HAS_KEY, **departing) + key
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", question, **departing)
        return {"client_data": websafe_encode(client), "attestation": websafe_encode(attestation)}

    def sign(self, question: dict[str, Any], **departing: Any) -> dict[str, str]:
        """Sign, as `navigator.credentials.get` does."""
        self.signed += 1
        data, client = self._data(question, 0, **departing), self._client("webauthn.get", question, **departing)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return {
            "credential_id": websafe_encode(departing.get("credential_id", self.credential_id)),
            "client_data": websafe_encode(client),
            "authenticator_data": websafe_encode(data),
            "signature": websafe_encode(signature),
        }

    def _data(self, question: dict[str, Any], flags: int, **departing: Any) -> bytes:
        rp_id = departing.get("rp_id", question["rp_id"])
        flags |= PRESENT | (VERIFIED if departing.get("verified", True) else 0)
        count = departing.get("count", self.signed if self._counts else 0)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, count)

    def _client(self, usual: str, question: dict[str, Any], **departing: Any) -> bytes:
        told = {
            "type": departing.get("kind", usual),
            "challenge": departing.get("challenge", question["challenge"]),
            "origin": departing.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(told).encode()
