"""Events become the institution's side of the books: a settlement itself writes nothing that all of its tills share."""

from collections.abc import Mapping

import msgspec

from yibao.core.clock import day_of
from yibao.core.database import Pool
from yibao.core.outbox import Event, Handler
from yibao.settlement.types import Settled


def handlers(pool: Pool) -> Mapping[str, Handler]:
    """Return who hears what; each may be handed the same event again."""

    async def enter_in_daybook(event: Event) -> None:
        settled = msgspec.convert(event.payload, Settled)
        await pool.execute(
            """
            INSERT INTO settlement.daybook (institution, settled_on, settlement_id, settled_at, reverses,
                                            total_fen, fund_fen, account_fen, cash_fen)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
            """,
            settled.institution,
            day_of(settled.settled_at),
            settled.settlement_id,
            settled.settled_at,
            settled.reverses,
            settled.total_fen,
            settled.fund_fen,
            settled.account_fen,
            settled.cash_fen,
        )

    return {"settlement.settled": enter_in_daybook, "settlement.reversed": enter_in_daybook}
