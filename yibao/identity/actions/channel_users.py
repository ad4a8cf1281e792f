"""Who a channel's user is here: an account of their own at first, and the one they had before once that is proved."""

import secrets
from datetime import datetime

from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.identity import rules, store


async def channel_account(tx: Tx, vault: Vault, *, channel: str, user: str, at: datetime) -> str:
    """Return the account of a channel's user. The first time it opens one, without phone, passwords and real name."""
    account_id = secrets.token_hex(16)
    index = _index(vault, channel, user)
    known = await store.put_channel_user(tx, channel=channel, user_index=index, account_id=account_id, at=at)
    if known == account_id:
        await store.add_bare_account(tx, account_id, at)
    return known


async def find_channel_account(tx: Tx | Pool, vault: Vault, *, channel: str, user: str) -> str | None:
    """Return the account of a channel's user, None if they never came."""
    return await store.account_of_channel_user(tx, channel, _index(vault, channel, user))


async def account_of_certificate(tx: Tx | Pool, vault: Vault, *, cert_type: str, cert_no: str) -> str | None:
    """Return the account whose owner is proved to hold a certificate, the one with the insurance before others."""
    index = rules.cert_index(vault, cert_type=cert_type, cert_no=rules.cert_no(cert_no))
    rows = await store.accounts_of_certificate(tx, index)
    return rows[0]["account_id"] if rows else None


async def move_channel_users(tx: Tx, *, channel: str, account_id: str, to: str) -> None:
    """Lead a channel's users of one account to another from now on, and end the sessions they have in the first.

    Whoever calls it has proved that both accounts have one owner.
    """
    await store.move_channel_users(tx, channel=channel, account_id=account_id, to=to)
    await store.end_channel_sessions(tx, channel=channel, account_id=account_id)


async def linked_channels(tx: Tx | Pool, account_id: str) -> list[tuple[str, int]]:
    """Return the channels that lead to an account, and how many of their users each brings there."""
    return [(row["channel"], row["users"]) for row in await store.channels_of(tx, account_id)]


async def unlink_channel(tx: Tx, *, account_id: str, channel: str) -> None:
    """Lead a channel's users to this account no longer, and end their sessions in it; again changes nothing.

    Whoever comes as one of them the next time is given an account of their own.
    """
    await store.forget_channel_users(tx, channel=channel, account_id=account_id)
    await store.end_channel_sessions(tx, channel=channel, account_id=account_id)


async def end_sessions_on(tx: Tx, *, account_id: str, device: str, channel: str) -> None:
    """Sign an account out of one device and channel; again changes nothing."""
    await store.end_sessions_on(tx, account_id=account_id, device=device, channel=channel)


def _index(vault: Vault, channel: str, user: str) -> bytes:
    # Not by the kind "channel user" alone: two channels may give the same name to two people. In hexadecimal digits,
    # because an index takes no notice of case, and the names that channels give do.
    return vault.index(f"channel:{channel}", user.encode().hex())
