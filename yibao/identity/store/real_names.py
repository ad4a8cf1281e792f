"""What a bank was asked about somebody's real name."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def pending_order(tx: Tx, account_id: str, *, elements_digest: bytes, since: datetime) -> str | None:
    """Return the order number under which these elements were asked and not answered."""
    order_id: str | None = await tx.fetchval(
        """
        SELECT order_id FROM identity.real_name_attempt
        WHERE account_id = $1 AND elements_digest = $2 AND started_at > $3 AND verdict IS NULL
        ORDER BY started_at DESC LIMIT 1
        """,
        account_id,
        elements_digest,
        since,
    )
    return order_id


async def attempts_since(tx: Tx, account_id: str, since: datetime) -> int:
    attempts: int = await tx.fetchval(
        "SELECT count(*) FROM identity.real_name_attempt WHERE account_id = $1 AND started_at >= $2", account_id, since
    )
    return attempts


async def attempts_of(tx: Tx | Pool, account_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT started_at, verdict FROM identity.real_name_attempt WHERE account_id = $1 ORDER BY started_at",
        account_id,
    )


async def add_attempt(tx: Tx, *, account_id: str, order_id: str, elements_digest: bytes, at: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO identity.real_name_attempt (account_id, order_id, elements_digest, started_at)
        VALUES ($1, $2, $3, $4)
        """,
        account_id,
        order_id,
        elements_digest,
        at,
    )


async def decide_attempt(tx: Tx, *, account_id: str, order_id: str, verdict: str) -> None:
    await tx.execute(
        "UPDATE identity.real_name_attempt SET verdict = $3 WHERE account_id = $1 AND order_id = $2",
        account_id,
        order_id,
        verdict,
    )
