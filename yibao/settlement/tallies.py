"""The year's counters built anew from the settlements, which are the only thing that ever moves them."""

from yibao.core.database import Tx

_DIFFERING = """
    SELECT person_id, place, insutype, year, coalesce(h.counters, '{}') AS counters
    FROM (
        SELECT person_id, place, insutype, year, jsonb_object_agg(name, counter) AS counters
        FROM (
            SELECT s.person_id, s.place, s.insutype, c.name,
                   CASE WHEN c.name ~ '^(carried|owed)[.]' THEN 0 ELSE s.year END AS year,
                   sum(coalesce((s.tally_after->>c.name)::bigint, 0) - coalesce((s.tally_before->>c.name)::bigint, 0))
                       AS counter
            FROM settlement.settlement s, jsonb_object_keys(s.tally_before || s.tally_after) AS c (name)
            GROUP BY s.person_id, s.place, s.insutype, 5, c.name
        ) moved
        GROUP BY person_id, place, insutype, year
    ) h
    FULL JOIN settlement.tally t USING (person_id, place, insutype, year)
    WHERE coalesce(h.counters, '{}') <> coalesce(t.counters, '{}')
"""


async def differing(tx: Tx) -> int:
    """Return how many people's counters of a year are not what their settlements make them."""
    found: int = await tx.fetchval(f"SELECT count(*) FROM ({_DIFFERING}) d")  # noqa: S608 - the query above.
    return found


async def rebuild(tx: Tx) -> int:
    """Write the counters as the settlements make them, and return how many rows that changed.

    Counters of a year without a settlement came from elsewhere and stay as they are. The table of people is taken for
    this, so that nothing is settled between reading the history and writing.
    """
    await tx.execute("LOCK TABLE settlement.person IN SHARE ROW EXCLUSIVE MODE")
    done = await tx.execute(
        f"INSERT INTO settlement.tally (person_id, place, insutype, year, counters) {_DIFFERING}"
        " AND h.counters IS NOT NULL"
        " ON CONFLICT (person_id, place, insutype, year) DO UPDATE SET counters = EXCLUDED.counters"
    )
    return int(done.rpartition(" ")[2])
