"""SQL of the directory room."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from yibao.core.database import Pool, Row, Tx
from yibao.service.directory.rules import KINDS
from yibao.service.directory.types import Item, Outlet, Search, Spot, Usage


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


# Where the insurance can be used.


async def names(tx: Tx, codes: Sequence[str]) -> dict[str, str]:
    """Return the names of those of the institutions that are under contract."""
    rows = await tx.fetch("SELECT code, name FROM registry.under_contract() WHERE code = ANY ($1)", codes)
    return {row["code"]: row["name"] for row in rows}


async def put_usages(tx: Tx, usages: Sequence[Usage], initials: Mapping[str, str]) -> None:
    await tx.execute(
        """
        INSERT INTO directory.usage SELECT * FROM jsonb_populate_recordset(NULL::directory.usage, $1)
        ON CONFLICT (code) DO UPDATE SET
            initials = EXCLUDED.initials, district = EXCLUDED.district, lat = EXCLUDED.lat, lng = EXCLUDED.lng,
            media = EXCLUDED.media, hardware = EXCLUDED.hardware, credit = EXCLUDED.credit, bring = EXCLUDED.bring,
            notice = EXCLUDED.notice, hours = EXCLUDED.hours
        """,
        [{**asdict(usage), "initials": initials[usage.code]} for usage in usages],
    )


async def usage(tx: Tx | Pool, code: str) -> Usage | None:
    """Return what is known of one institution, held against other writers."""
    row = await tx.fetchrow(
        """
        SELECT code, district, lat, lng, media, hardware, credit, bring, notice, hours
        FROM directory.usage WHERE code = $1 FOR UPDATE
        """,
        code,
    )
    return Usage(**_tuples(row)) if row else None


async def outlet(tx: Tx | Pool, code: str) -> Outlet | None:
    row = await tx.fetchrow("SELECT *, NULL AS metres FROM directory.outlets() WHERE code = $1", code)
    return _outlet(row) if row else None


async def outlets(
    tx: Tx | Pool, sought: Search, text: str, *, spot: Spot | None, limit: int, offset: int
) -> tuple[list[Outlet], int]:
    rows = await tx.fetch(
        """
        WITH spot AS MATERIALIZED (
            SELECT coalesce($6, avg(lat)) AS lat, coalesce($7, avg(lng)) AS lng
            FROM directory.outlets() WHERE place = $1 AND district = $8 AND $8 <> ''
        )
        SELECT o.*, count(*) OVER () AS total,
               -- Flat enough around a city: a degree is 111,320 m, and meridians draw together with the cosine.
               (111320 * sqrt((o.lat - s.lat) ^ 2 + ((o.lng - s.lng) * cos(radians(s.lat))) ^ 2))::int AS metres
        FROM directory.outlets() o CROSS JOIN spot s
        WHERE $1 IN ('', o.place)
          AND ($2 = '' OR $2 = ANY (o.services) OR $2 = 'credit' AND o.credit)
          AND (NOT $3 OR 'code' = ANY (o.media))
          AND NOT EXISTS (
              SELECT FROM unnest(string_to_array(upper($4), ' ')) AS word
              WHERE strpos(upper(concat_ws(' ', o.name, o.address, $10::jsonb ->> o.kind)), word) = 0
                AND strpos(o.initials, word) = 0 AND NOT starts_with(o.code, word))
        ORDER BY metres NULLS LAST, $4 <> '' AND strpos(upper(o.name), upper($4)) > 0 DESC,
                 'code' = ANY (o.media) DESC, o.code
        LIMIT $5 OFFSET $9
        """,
        sought.place,
        sought.service,
        sought.code_only,
        text,
        limit,
        spot.lat if spot else None,
        spot.lng if spot else None,
        sought.district,
        offset,
        KINDS,
    )
    return [_outlet(row) for row in rows], rows[0]["total"] if rows else 0


def _outlet(row: Row) -> Outlet:
    known = _tuples(row)
    return Outlet(**{name: known[name] for name in Outlet.__struct_fields__})


def _tuples(row: Row) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


async def places(tx: Tx | Pool) -> dict[str, str]:
    rows = await tx.fetch("SELECT DISTINCT place, place_name FROM directory.outlets() ORDER BY place")
    return {row["place"]: row["place_name"] for row in rows}


async def districts(tx: Tx | Pool, place: str) -> list[str]:
    rows = await tx.fetch(
        """
        SELECT DISTINCT district FROM directory.outlets()
        WHERE place = $1 AND district <> '' AND lat IS NOT NULL ORDER BY district
        """,
        place,
    )
    return [row["district"] for row in rows]
