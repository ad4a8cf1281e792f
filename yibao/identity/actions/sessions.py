"""Sessions of accounts and of staff, and the keys of institutions' systems."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from yibao.core import gm
from yibao.core.database import Pool, Tx
from yibao.identity import rules, store
from yibao.identity.actions.guesses import check
from yibao.identity.hasher import Hasher
from yibao.identity.types import Guess, Staff


async def start_session(
    tx: Tx, *, account_id: str, device: str, channel: str = "web", agent: str = "", at: datetime
) -> str:
    """Sign an account in and return the token for its cookie; it lasts until 30 days without use.

    `channel` is the channel that brought the account's owner; web is our own sign-in. `agent` is what the browser says
    of itself (`User-Agent`).
    """
    return await _start(
        tx,
        account_id=account_id,
        device=device,
        device_name=rules.device_name(agent),
        channel=channel,
        at=at,
        lasts=rules.SESSION_LASTS,
    )


async def start_unit_session(tx: Tx, *, unit: str, account_id: str, device: str, at: datetime) -> str:
    """Sign an account in that acts for a unit, for twelve hours, and return the token for the cookie."""
    return await _start(tx, account_id=account_id, unit=unit, device=device, at=at, lasts=rules.STAFF_SESSION_LASTS)


async def end_unit_sessions(tx: Tx, *, unit: str, account_id: str | None = None) -> None:
    """Sign out whoever acts for a unit, or one account that does; their other sessions stay. Again changes nothing."""
    await store.end_unit_sessions(tx, unit=unit, account_id=account_id)


async def start_staff_session(tx: Tx, *, login: str, device: str, at: datetime) -> str:
    """Sign a member of staff in for twelve hours and return the token for the cookie."""
    return await _start(tx, staff_login=login, device=device, at=at, lasts=rules.STAFF_SESSION_LASTS)


async def _start(
    tx: Tx,
    *,
    device: str,
    at: datetime,
    lasts: timedelta,
    account_id: str | None = None,
    staff_login: str | None = None,
    unit: str | None = None,
    channel: str = "web",
    device_name: str = "",
) -> str:
    token = secrets.token_urlsafe(32)
    await store.add_session(
        tx,
        token_digest=rules.token_digest(token),
        account_id=account_id,
        staff_login=staff_login,
        device=device,
        device_name=device_name,
        channel=channel,
        unit=unit,
        at=at,
        expires_at=at + lasts,
    )
    return token


async def end_session(tx: Tx, *, token: str) -> None:
    """Sign out; again changes nothing."""
    await store.end_session(tx, rules.token_digest(token))


async def end_session_of(tx: Tx, *, account_id: str, session_id: str) -> None:
    """End a session of an account from elsewhere, and know its device no longer; again changes nothing."""
    try:
        digest = bytes.fromhex(session_id)
    except ValueError:
        return
    device = await store.end_session_of(tx, account_id, digest)
    if device is not None:
        await store.forget_device(tx, account_id, device)


async def end_other_sessions(tx: Tx, *, account_id: str, token: str, at: datetime) -> None:
    """End all sessions of an account but the one with this token, and know their devices no longer."""
    own = rules.token_digest(token)
    for row in await store.sessions_of(tx, account_id, at=at):
        if row["session_id"] != own.hex():
            await end_session_of(tx, account_id=account_id, session_id=row["session_id"])


async def add_staff(tx: Tx, members: Sequence[Staff]) -> None:
    """Store members of staff, each in the place of whoever had the login before."""
    await store.put_staff(tx, members)


async def sign_in_staff(pool: Pool, *, hasher: Hasher, login: str, password: str, device: str, at: datetime) -> str:
    """Check the password of a member of staff and return the login; the answer is alike for one that does not exist.

    Refusals, first that applies: StaffLocked, StaffNeedsKnownDevice, WrongStaffPassword; the last try ends in
    StaffLocked.
    """
    login = rules.staff_login(login)
    member = await store.staff(pool, login)
    await check(
        pool,
        Guess(login, "staff", device),
        hasher=hasher,
        password=password,
        hashed=member["password_hash"] if member else None,
        at=at,
    )
    return login


async def issue_api_key(tx: Tx, *, institution: str, at: datetime) -> str:
    """Return a new key for an institution's system; it is shown this once, and older ones stay valid."""
    key = "yb_" + secrets.token_urlsafe(32)
    await store.add_api_key(tx, key_digest=gm.sm3(key.encode()), institution=institution, at=at)
    return key


async def revoke_api_keys(tx: Tx, *, institution: str, at: datetime) -> None:
    """Refuse all keys of an institution from now on."""
    await store.revoke_api_keys(tx, institution=institution, at=at)
