"""Which account a channel's user has."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def put_channel_user(tx: Tx, *, channel: str, user_index: bytes, account_id: str, at: datetime) -> str:
    """Return the account of a channel's user, who is given this one if they have none."""
    known: str = await tx.fetchval(
        """
        INSERT INTO identity.channel_user AS u (channel, user_index, account_id, since_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (channel, user_index) DO UPDATE SET account_id = u.account_id RETURNING account_id
        """,
        channel,
        user_index,
        account_id,
        at,
    )
    return known


async def account_of_channel_user(tx: Tx | Pool, channel: str, user_index: bytes) -> str | None:
    account_id: str | None = await tx.fetchval(
        "SELECT account_id FROM identity.channel_user WHERE channel = $1 AND user_index = $2", channel, user_index
    )
    return account_id


async def move_channel_users(tx: Tx, *, channel: str, account_id: str, to: str) -> None:
    await tx.execute(
        "UPDATE identity.channel_user SET account_id = $3 WHERE channel = $1 AND account_id = $2",
        channel,
        account_id,
        to,
    )


async def channels_of(tx: Tx | Pool, account_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT channel, count(*) AS users FROM identity.channel_user WHERE account_id = $1"
        " GROUP BY channel ORDER BY channel",
        account_id,
    )


async def forget_channel_users(tx: Tx, *, channel: str, account_id: str) -> None:
    await tx.execute("DELETE FROM identity.channel_user WHERE channel = $1 AND account_id = $2", channel, account_id)
