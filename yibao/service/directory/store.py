"""SQL of the directory room."""

from collections.abc import Sequence

from yibao.core.database import Pool, Tx
from yibao.service.directory.types import Item


async def put_items(tx: Tx, items: Sequence[Item]) -> None:
    await tx.execute(
        """
        INSERT INTO directory.item SELECT * FROM jsonb_populate_recordset(NULL::directory.item, $1)
        ON CONFLICT (code) DO UPDATE SET
            name = EXCLUDED.name, initials = EXCLUDED.initials, kind = EXCLUDED.kind,
            list_type = EXCLUDED.list_type, charge_class = EXCLUDED.charge_class,
            own_pay_rate = EXCLUDED.own_pay_rate, price = EXCLUDED.price, price_limit = EXCLUDED.price_limit,
            unit = EXCLUDED.unit, spec = EXCLUDED.spec, maker = EXCLUDED.maker
        """,
        items,
    )


async def item(tx: Tx | Pool, code: str) -> Item | None:
    row = await tx.fetchrow("SELECT * FROM directory.item WHERE code = $1", code)
    return Item(**row) if row else None


async def search(tx: Tx | Pool, text: str, limit: int) -> list[Item]:
    rows = await tx.fetch(
        """
        SELECT * FROM directory.item
        WHERE starts_with(code, upper($1)) OR starts_with(initials, upper($1)) OR strpos(upper(name), upper($1)) > 0
        ORDER BY code = upper($1) DESC, upper(name) = upper($1) DESC, initials = upper($1) DESC,
                 starts_with(upper(name), upper($1)) DESC, length(name), code
        LIMIT $2
        """,
        text,
        limit,
    )
    return [Item(**row) for row in rows]
