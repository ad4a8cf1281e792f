"""Person-first keys, rooms that keep to their own tables, and roles that cannot do more than they must."""

import re
from pathlib import Path

import asyncpg
import pytest

import yibao
from yibao.core.database import Pool

PACKAGE = Path(yibao.__file__).parent
LOCATORS = {  # Found by what arrives from outside: the one exception, named in docs/explain/persons-first.md.
    "authorisation.request",
    "core.caller_id",
    "registry.person_locator",
    "credential.device_locator",
    "family.locator",
}
NOT_OF_A_PERSON = {"identity.account"}  # An account exists before its person is known.


async def test_every_row_of_a_person_begins_with_the_person(owner_pool: Pool) -> None:
    rows = await owner_pool.fetch(
        """
        SELECT c.oid::regclass::text AS name, i.indisprimary AS is_primary,
               (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(i.indkey) WITH ORDINALITY k (num, ord)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num) AS columns
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indisunique AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'public', 'migration')
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'person_id')
        """
    )
    assert len(rows) > 15
    for row in rows:
        if row["name"] in LOCATORS | NOT_OF_A_PERSON:
            continue
        assert "person_id" in row["columns"], row["name"]
        if row["is_primary"]:
            assert row["columns"][0] == "person_id", row["name"]


async def test_no_foreign_key_ties_two_shards(owner_pool: Pool) -> None:
    assert await owner_pool.fetchval("SELECT count(*) FROM pg_constraint WHERE contype = 'f'") == 0


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("schema/*.sql")), ids=lambda path: path.parent.parent.name)
def test_a_rooms_sql_touches_only_its_own_tables(path: Path) -> None:
    """Other rooms are asked through the functions that they export."""
    sql = re.sub(r"--[^\n]*", "", path.read_text("utf-8"))
    schema = path.parent.parent.name
    touched = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?(\w+)\.(\w+)(\s*\()?", sql)
    for other, name, is_call in touched:
        if other in ("jsonb", "pg_temp"):
            continue
        assert other == schema or is_call, f"{other}.{name}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement.settlement SET total_fen = 0",
        "DELETE FROM settlement.settlement",
        "DELETE FROM settlement.line",
        "UPDATE credential.channel_audit SET done = ''",
        "DELETE FROM credential.channel_audit",
        "UPDATE core.answer SET answer = '{}'",
        "DELETE FROM core.caller_id",
        "ALTER TABLE ledger.transfer DISABLE TRIGGER ALL",
        "CREATE TABLE settlement.other (x int)",
    ],
)
async def test_the_application_cannot_rewrite_what_happened(pool: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)
