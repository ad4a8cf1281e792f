"""Whom channels lead here: entries, what a channel says of its user, and how far activating has come."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx
from yibao.credential.types import (
    Activation,
)


async def forget_entries(tx: Tx, made_before: datetime) -> None:
    await tx.execute("DELETE FROM credential.entry WHERE made_at < $1", made_before)


async def add_entry(tx: Tx, ticket_digest: bytes, *, channel: str, claim: bytes, path: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO credential.entry (ticket_digest, channel, claim, path, made_at) VALUES ($1, $2, $3, $4, $5)",
        ticket_digest,
        channel,
        claim,
        path,
        at,
    )


async def hold_entry(tx: Tx, ticket_digest: bytes) -> Row | None:
    return await tx.fetchrow("SELECT * FROM credential.entry WHERE ticket_digest = $1 FOR UPDATE", ticket_digest)


async def use_entry(tx: Tx, ticket_digest: bytes, at: datetime) -> None:
    await tx.execute("UPDATE credential.entry SET used_at = $2 WHERE ticket_digest = $1", ticket_digest, at)


async def put_claim(tx: Tx, *, account_id: str, channel: str, claim: bytes, at: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO credential.claim (account_id, channel, claim, claimed_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id, channel) DO UPDATE SET claim = $3, claimed_at = $4
        """,
        account_id,
        channel,
        claim,
        at,
    )


async def claim(tx: Tx | Pool, account_id: str, channel: str) -> bytes | None:
    sealed: bytes | None = await tx.fetchval(
        "SELECT claim FROM credential.claim WHERE account_id = $1 AND channel = $2", account_id, channel
    )
    return sealed


async def claims_of(tx: Tx | Pool, account_id: str) -> list[Row]:
    return await tx.fetch(
        """
        SELECT k.channel, k.claim FROM credential.claim k JOIN credential.channel c ON c.code = k.channel
        WHERE k.account_id = $1 AND c.state = 'active' ORDER BY k.claimed_at DESC
        """,
        account_id,
    )


async def forget_claim(tx: Tx, account_id: str, channel: str) -> None:
    await tx.execute("DELETE FROM credential.claim WHERE account_id = $1 AND channel = $2", account_id, channel)


async def activation(tx: Tx | Pool, account_id: str, browser: bytes) -> Activation | None:
    row = await tx.fetchrow(
        "SELECT channel, place, back, agreed_at, proved_at, came_as FROM credential.activation"
        " WHERE account_id = $1 AND browser = $2",
        account_id,
        browser,
    )
    return Activation(**row) if row else None


async def put_activation(tx: Tx, *, account_id: str, browser: bytes, activation: Activation) -> None:
    await tx.execute(
        """
        INSERT INTO credential.activation (account_id, browser, channel, place, back, agreed_at, proved_at, came_as)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (account_id, browser) DO UPDATE
        SET channel = $3, place = $4, back = $5, agreed_at = $6, proved_at = $7, came_as = $8
        """,
        account_id,
        browser,
        activation.channel,
        activation.place,
        activation.back,
        activation.agreed_at,
        activation.proved_at,
        activation.came_as,
    )


async def forget_activation(tx: Tx, account_id: str, browser: bytes) -> None:
    await tx.execute("DELETE FROM credential.activation WHERE account_id = $1 AND browser = $2", account_id, browser)
