"""The proof that the books are right, for whoever wants to see it at any time."""

from yibao.core.database import Pool, Tx
from yibao.ledger import store
from yibao.ledger.types import Finding


async def check(tx: Tx | Pool) -> list[Finding]:
    """Return every personal account that is not the sum of its transfers; nothing when the books are right.

    That the two sides of a transfer are equal needs no proof: it has one amount.
    """
    return [
        Finding(
            kind="balance_differs" if row["balance_fen"] is not None else "account_missing",
            person_id=row["person_id"],
            account=row["account"],
            balance_fen=row["balance_fen"] or 0,
            booked_fen=row["booked_fen"],
        )
        for row in await store.disagreements(tx)
    ]
