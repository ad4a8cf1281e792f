"""Who holds a credential, whose account is behind it, and by which insured place it goes."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def holder(tx: Tx | Pool, person_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM credential.holder WHERE person_id = $1", person_id)


async def hold_holder(tx: Tx, person_id: str) -> None:
    """Let nobody else give this person's phones numbers, or end them, until this transaction ends."""
    await tx.execute("SELECT FROM credential.holder WHERE person_id = $1 FOR UPDATE", person_id)


async def bind(tx: Tx, *, person_id: str, account_id: str, psn_no: str, place: str, at: datetime) -> bool:
    """Store who holds the credential; False if another account holds it."""
    bound = await tx.fetchval(
        """
        INSERT INTO credential.holder AS h (person_id, account_id, psn_no, place, bound_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (person_id) DO UPDATE
            SET account_id = $2, psn_no = $3, place = $4, bound_at = $5, agreed_at = NULL, unbound_at = NULL,
                free_limit_fen = 0
            -- A credential that only relatives show is taken over by its owner.
            WHERE h.unbound_at IS NOT NULL OR h.account_id IN ($2, '')
        RETURNING person_id
        """,
        person_id,
        account_id,
        psn_no,
        place,
        at,
    )
    return bound is not None


async def entrust(tx: Tx, *, person_id: str, psn_no: str, place: str, at: datetime) -> None:
    """Give somebody a credential that belongs to no account; one that is bound stays as it is."""
    await tx.execute(
        """
        INSERT INTO credential.holder AS h (person_id, account_id, psn_no, place, bound_at, agreed_at)
        VALUES ($1, '', $2, $3, $4, $4)
        ON CONFLICT (person_id) DO UPDATE
            SET account_id = '', psn_no = $2, place = $3, bound_at = $4, agreed_at = $4, unbound_at = NULL,
                free_limit_fen = 0
            WHERE h.unbound_at IS NOT NULL
        """,
        person_id,
        psn_no,
        place,
        at,
    )


async def agree(tx: Tx, *, person_id: str, psn_no: str, place: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE credential.holder SET psn_no = $2, place = $3, agreed_at = $4 WHERE person_id = $1",
        person_id,
        psn_no,
        place,
        at,
    )


async def choose_place(tx: Tx, *, person_id: str, psn_no: str, place: str) -> None:
    await tx.execute(
        "UPDATE credential.holder SET psn_no = $2, place = $3 WHERE person_id = $1", person_id, psn_no, place
    )


async def set_free_limit(tx: Tx, person_id: str, limit_fen: int) -> None:
    await tx.execute("UPDATE credential.holder SET free_limit_fen = $2 WHERE person_id = $1", person_id, limit_fen)


async def unbind_holder(tx: Tx, person_id: str, at: datetime) -> None:
    await tx.execute("UPDATE credential.holder SET unbound_at = $2 WHERE person_id = $1", person_id, at)


async def forget_account(tx: Tx, account_id: str) -> None:
    """Delete what channels said of an account's owner, and how far activating had come."""
    await tx.execute("DELETE FROM credential.claim WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM credential.activation WHERE account_id = $1", account_id)
