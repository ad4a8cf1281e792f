"""SQL of the ledger room. Only `ledger.post` changes a balance; the role of the application cannot do it otherwise."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from yibao.core.database import Pool, Row, Tx
from yibao.ledger.refusals import AccountUnknown

_ACCOUNT_MISSING = "YB001"  # Raised by `ledger.post`.


async def open_accounts(tx: Tx, people: Sequence[str], accounts: Sequence[str]) -> None:
    await tx.execute("SELECT ledger.open_accounts($1, $2)", people, accounts)


async def post(tx: Tx, transfers: Sequence[dict[str, object]]) -> None:
    """Book transfers, all or none. Refusals: AccountUnknown."""
    try:
        await tx.execute("SELECT ledger.post($1)", transfers)
    except asyncpg.PostgresError as error:
        if error.sqlstate == _ACCOUNT_MISSING:
            raise AccountUnknown from None
        raise


async def contributions(tx: Tx, transfers: Sequence[dict[str, object]]) -> list[Row]:
    """Return those of these contributions that are booked already."""
    return await tx.fetch(
        """
        SELECT t.person_id, t.to_account, t.cause, t.amount_fen
        FROM jsonb_to_recordset($1) AS w (person_id text, cause text, to_account text)
        JOIN ledger.transfer t USING (person_id, cause, to_account)
        WHERE t.from_account LIKE 'contributions:%'
        """,
        transfers,
    )


async def balance(tx: Tx | Pool, person_id: str, account: str) -> int | None:
    fen: int | None = await tx.fetchval(
        "SELECT balance_fen FROM ledger.account WHERE person_id = $1 AND account = $2", person_id, account
    )
    return fen


async def movements(tx: Tx | Pool, person_id: str, account: str, *, since: datetime, until: datetime) -> list[Row]:
    """Return the account's movements in [since, until), the newest first, each with the balance it left behind."""
    return await tx.fetch(
        """
        SELECT cause, other, amount_fen, balance_fen, happened_at
        FROM (
            SELECT transfer_id, cause, other, amount_fen, happened_at,
                   (sum(amount_fen) OVER (ORDER BY transfer_id))::bigint AS balance_fen
            FROM (
                SELECT transfer_id, cause, from_account AS other, amount_fen, happened_at
                FROM ledger.transfer WHERE person_id = $1 AND to_account = $2
                UNION ALL
                SELECT transfer_id, cause, to_account, -amount_fen, happened_at
                FROM ledger.transfer WHERE person_id = $1 AND from_account = $2
            ) side
        ) life
        WHERE happened_at >= $3 AND happened_at < $4
        ORDER BY transfer_id DESC
        """,
        person_id,
        account,
        since,
        until,
    )


async def disagreements(tx: Tx | Pool) -> list[Row]:
    """Return every personal account whose kept balance is not the sum of its transfers, from one snapshot."""
    return await tx.fetch(
        """
        WITH booked AS (
            SELECT person_id, account, sum(amount_fen)::bigint AS booked_fen
            FROM (
                SELECT person_id, to_account AS account, amount_fen FROM ledger.transfer
                UNION ALL
                SELECT person_id, from_account, -amount_fen FROM ledger.transfer
            ) side
            WHERE account LIKE 'personal:%'
            GROUP BY person_id, account
        )
        SELECT person_id, account, balance_fen, coalesce(booked_fen, 0) AS booked_fen
        FROM ledger.account FULL JOIN booked USING (person_id, account)
        WHERE balance_fen IS DISTINCT FROM coalesce(booked_fen, 0)
        ORDER BY person_id, account
        """
    )
