"""The phone's own screen lock before the code (B6): by WebAuthn, which a browser answers only for whoever can open it.

A lock belongs to one activation, the person and the browser. It is open for five minutes at a time, and every code that
is shown prolongs that; where the phone is of no help, the transaction password opens it. Decision 0009 says why so.
"""

import secrets
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    Aaguid,
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    UserVerificationRequirement,
)
from msgspec import Meta, Struct

from yibao.core.database import Row, Tx
from yibao.credential import refusals, store

STAYS_OPEN = timedelta(minutes=5)
ANSWERED_WITHIN = timedelta(minutes=2)
ALGORITHMS = (-7, -257)  # ES256, which phones have, and RS256, which some computers have instead.
Encoded = Annotated[str, Meta(max_length=20_000)]  # Of bytes, in base64url.
_REQUIRED = UserVerificationRequirement.REQUIRED
_DEFAULT_PORTS = {"https": 443, "http": 80}


class Asked(Struct, frozen=True):
    """What a phone is to sign, and with which key; none yet where it is to make one."""

    challenge: bytes
    rp_id: str
    credential_id: bytes


class Made(Struct, frozen=True, forbid_unknown_fields=True):
    """A new key of a phone, as the browser hands it over."""

    client_data: Encoded
    attestation: Encoded


class Signed(Struct, frozen=True, forbid_unknown_fields=True):
    """What a phone signed, as the browser hands it over."""

    credential_id: Encoded
    client_data: Encoded
    authenticator_data: Encoded
    signature: Encoded


def origin_of(address: str) -> str:
    """Return the origin of an address where browsers let a page ask for the screen lock, empty where they do not.

    They do over https and on the machine itself, under a name: an IP address can own no key.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not (parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")) or not host or _is_ip(host):
        return ""
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def ask(tx: Tx, *, person_id: str, browser: bytes, origin: str, at: datetime) -> Asked:
    """Return what this browser is to sign within two minutes, to set its lock or to open it. Refusals: NotActivated."""
    if await store.live_device(tx, person_id, browser) is None:
        raise refusals.NotActivated
    lock = await store.screen_lock(tx, person_id, browser)
    challenge = secrets.token_bytes(32)
    await store.put_lock_challenge(tx, person_id=person_id, browser=browser, challenge=challenge, at=at)
    return Asked(challenge, _rp_id(lock["origin"] if lock else origin), lock["credential_id"] if lock else b"")


async def set_lock(tx: Tx, *, person_id: str, browser: bytes, origin: str, made: Made, at: datetime) -> None:
    """Put the activation in this browser behind the screen lock, open for now; a lock that is there stays.

    Refusals, first that applies: NotActivated, LockUnproved.
    """
    if await store.live_device(tx, person_id, browser) is None:
        raise refusals.NotActivated
    challenge = await _challenge(tx, person_id=person_id, browser=browser, at=at)
    key, count = _made(made, origin=origin, challenge=challenge)
    await store.add_screen_lock(
        tx,
        person_id=person_id,
        browser=browser,
        origin=origin,
        credential_id=key.credential_id,
        public_key=cbor.encode(dict(key.public_key)),
        sign_count=count,
        at=at,
        until=at + STAYS_OPEN,
    )


async def open_by_phone(tx: Tx, *, person_id: str, browser: bytes, signed: Signed, at: datetime) -> None:
    """Open the lock for whoever opened the phone's; without a lock nothing changes. Refusals: LockUnproved."""
    lock = await store.screen_lock(tx, person_id, browser)
    if lock is None:
        return
    challenge = await _challenge(tx, person_id=person_id, browser=browser, at=at)
    count = _signed(signed, lock=lock, challenge=challenge)
    before = lock["sign_count"]
    if count <= before and (count or before):  # Two hold the key; a phone that does not count always says 0.
        raise refusals.LockUnproved
    await store.open_screen_lock(tx, person_id=person_id, browser=browser, until=at + STAYS_OPEN, sign_count=count)


async def drop(tx: Tx, *, person_id: str, browser: bytes) -> None:
    """Ask for the screen lock no longer, as whoever has just typed the transaction password wants it."""
    await store.drop_screen_lock(tx, person_id, browser)


async def open_by_password(tx: Tx, *, person_id: str, browser: bytes, at: datetime) -> None:
    """Open the lock for whoever has just typed the transaction password."""
    await store.open_screen_lock(tx, person_id=person_id, browser=browser, until=at + STAYS_OPEN)


async def is_locked(tx: Tx, *, person_id: str, browser: bytes, at: datetime) -> bool:
    lock = await store.screen_lock(tx, person_id, browser)
    return lock is not None and bool(lock["unlocked_until"] <= at)


async def require_open(tx: Tx, *, person_id: str, browser: bytes, at: datetime) -> bytes | None:
    """Let pass where there is no lock, or an open one, which stays open, and return its key's id.

    Refusals: ScreenLocked.
    """
    lock = await store.prolong_screen_lock(tx, person_id=person_id, browser=browser, at=at, until=at + STAYS_OPEN)
    if lock is None:
        return None
    if not lock["open"]:
        raise refusals.ScreenLocked
    credential_id: bytes = lock["credential_id"]
    return credential_id


async def _challenge(tx: Tx, *, person_id: str, browser: bytes, at: datetime) -> bytes:
    """Refusals: LockUnproved."""
    challenge = await store.take_lock_challenge(tx, person_id=person_id, browser=browser, since=at - ANSWERED_WITHIN)
    if challenge is None:
        raise refusals.LockUnproved
    return challenge


def _rp_id(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _server(origin: str) -> Fido2Server:
    rp = PublicKeyCredentialRpEntity(name="医保", id=_rp_id(origin))
    return Fido2Server(rp, verify_origin=lambda given: given == origin)


def _made(made: Made, *, origin: str, challenge: bytes) -> tuple[AttestedCredentialData, int]:
    """Return a new key and how often it has signed. Refusals: LockUnproved."""
    server, user = _server(origin), PublicKeyCredentialUserEntity(id=challenge)
    response = {"clientDataJSON": made.client_data, "attestationObject": made.attestation}
    try:
        _, state = server.register_begin(user, challenge=challenge, user_verification=_REQUIRED)
        given = server.register_complete(state, {"rawId": "", "response": response})
    except Exception as broken:  # What a stranger sends as CBOR breaks in as many ways as there are.
        raise refusals.LockUnproved from broken
    key = given.credential_data
    if key is None or key.public_key.ALGORITHM not in ALGORITHMS:
        raise refusals.LockUnproved
    return key, given.counter


def _signed(signed: Signed, *, lock: Row, challenge: bytes) -> int:
    """Return how often the key has signed, once its signature is right. Refusals: LockUnproved."""
    server = _server(lock["origin"])
    key = AttestedCredentialData.create(
        Aaguid.NONE, lock["credential_id"], CoseKey.parse(cast(dict[int, Any], cbor.decode(lock["public_key"])))
    )
    response = {
        "clientDataJSON": signed.client_data,
        "authenticatorData": signed.authenticator_data,
        "signature": signed.signature,
    }
    try:
        _, state = server.authenticate_begin(challenge=challenge, user_verification=_REQUIRED)
        server.authenticate_complete(state, [key], {"rawId": signed.credential_id, "response": response})
        return AuthenticatorData(websafe_decode(signed.authenticator_data)).counter
    except Exception as broken:  # As above.
        raise refusals.LockUnproved from broken
