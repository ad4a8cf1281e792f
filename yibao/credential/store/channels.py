"""Channels, their keys, their calls, and who changed what about them."""

from datetime import datetime

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.credential.types import (
    Change,
    Channel,
    ChannelKey,
    ChannelState,
    Clerk,
)


async def channel(tx: Tx | Pool, code: str) -> Channel | None:
    row = await tx.fetchrow("SELECT * FROM credential.channel WHERE code = $1", code)
    return _channel(row) if row else None


async def hold_channel(tx: Tx, code: str) -> Channel | None:
    """Return the channel and let nobody else change it until this transaction ends."""
    row = await tx.fetchrow("SELECT * FROM credential.channel WHERE code = $1 FOR UPDATE", code)
    return _channel(row) if row else None


async def channels(tx: Tx | Pool) -> list[Channel]:
    rows = await tx.fetch("SELECT * FROM credential.channel ORDER BY applied_at, code")
    return [_channel(row) for row in rows]


def _channel(row: Row) -> Channel:
    return msgspec.convert({name: row[name] for name in Channel.__struct_fields__}, Channel)


async def put_channel(tx: Tx, channel: Channel, at: datetime) -> None:
    """Store the facts of a channel; one that is new has applied, one that is known keeps its state."""
    await tx.execute(
        """
        INSERT INTO credential.channel
            (code, name, kind, functions, hotline, contact, returns, own_bank_card, way, address, state, applied_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'applied', $11)
        ON CONFLICT (code) DO UPDATE
        SET name = $2, kind = $3, functions = $4, hotline = $5, contact = $6, returns = $7, own_bank_card = $8,
            way = $9, address = $10
        """,
        channel.code,
        channel.name,
        channel.kind,
        channel.functions,
        channel.hotline,
        channel.contact,
        channel.returns,
        channel.own_bank_card,
        channel.way,
        channel.address,
        at,
    )


async def move_channel(tx: Tx, code: str, state: ChannelState) -> None:
    await tx.execute("UPDATE credential.channel SET state = $2 WHERE code = $1", code, state)


async def note_channel_change(tx: Tx, code: str, *, done: str, clerk: Clerk, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO credential.channel_audit (channel, done, login, clerk, done_at) VALUES ($1, $2, $3, $4, $5)",
        code,
        done,
        clerk.login,
        clerk.name,
        at,
    )


async def channel_changes(tx: Tx | Pool, code: str) -> list[Change]:
    rows = await tx.fetch(
        "SELECT done, clerk, done_at FROM credential.channel_audit WHERE channel = $1 ORDER BY audit_id DESC LIMIT 200",
        code,
    )
    return [Change(**row) for row in rows]


async def channel_keys(tx: Tx | Pool, code: str) -> list[ChannelKey]:
    rows = await tx.fetch(
        "SELECT key_id, public, valid_from, valid_until, revoked_at FROM credential.channel_key"
        " WHERE channel = $1 ORDER BY valid_from DESC, key_id",
        code,
    )
    return [ChannelKey(**row) for row in rows]


async def add_channel_key(tx: Tx, code: str, key: ChannelKey) -> bool:
    """Store a public key; False if the channel has it, or had it."""
    added = await tx.fetchval(
        "INSERT INTO credential.channel_key (channel, key_id, public, valid_from, valid_until)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key_id",
        code,
        key.key_id,
        key.public,
        key.valid_from,
        key.valid_until,
    )
    return added is not None


async def revoke_channel_key(tx: Tx, code: str, key_id: str, at: datetime) -> bool:
    """Revoke a key; False if there is none, or it was revoked before."""
    revoked = await tx.fetchval(
        "UPDATE credential.channel_key SET revoked_at = $3"
        " WHERE channel = $1 AND key_id = $2 AND revoked_at IS NULL RETURNING key_id",
        code,
        key_id,
        at,
    )
    return revoked is not None


async def take_nonce(tx: Tx, code: str, nonce: str, *, at: datetime, until: datetime) -> bool:
    """Take a nonce, and forget those whose calls are stale anyway; False if it was taken before."""
    await tx.execute("DELETE FROM credential.channel_nonce WHERE channel = $1 AND expires_at <= $2", code, at)
    taken = await tx.fetchval(
        "INSERT INTO credential.channel_nonce VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING nonce",
        code,
        nonce,
        until,
    )
    return taken is not None


async def peer_is_slowed(tx: Tx, code: str, peer: str, *, at: datetime, most: int, known_after: datetime) -> bool:
    slowed: bool | None = await tx.fetchval(
        """
        SELECT failures >= $4 AND since > $3::timestamptz - interval '1 minute' AND coalesce(right_at <= $5, true)
        FROM credential.channel_peer WHERE channel = $1 AND peer = $2
        """,
        code,
        peer,
        at,
        most,
        known_after,
    )
    return bool(slowed)


async def note_wrong_call(tx: Tx, code: str, peer: str, at: datetime) -> None:
    """Count a wrong signature in the minute that began with the first, and forget places not heard of for a day."""
    await tx.execute(
        "DELETE FROM credential.channel_peer WHERE channel = $1 AND since <= $2::timestamptz - interval '1 day'"
        " AND coalesce(right_at <= $2::timestamptz - interval '1 day', true)",
        code,
        at,
    )
    await tx.execute(
        """
        INSERT INTO credential.channel_peer AS p (channel, peer, failures, since) VALUES ($1, $2, 1, $3)
        ON CONFLICT (channel, peer) DO UPDATE
        SET failures = CASE WHEN p.since > $3::timestamptz - interval '1 minute' THEN p.failures + 1 ELSE 1 END,
            since = CASE WHEN p.since > $3::timestamptz - interval '1 minute' THEN p.since ELSE $3 END
        """,
        code,
        peer,
        at,
    )


async def note_right_call(tx: Tx, code: str, peer: str, at: datetime) -> None:
    """Note that a right signature came from a place; once an hour is enough."""
    await tx.execute(
        """
        INSERT INTO credential.channel_peer AS p (channel, peer, failures, since, right_at) VALUES ($1, $2, 0, $3, $3)
        ON CONFLICT (channel, peer) DO UPDATE SET right_at = $3
        WHERE coalesce(p.right_at <= $3::timestamptz - interval '1 hour', true)
        """,
        code,
        peer,
        at,
    )
