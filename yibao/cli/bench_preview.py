"""`yibao bench`: a change of policy tried on a million stored bills, beside assessing as many in memory.

The bills are of outpatients of Chengdu with two to four lines, ten for each person. They are worked out once for a few
people and copied for the rest, which is what makes a million in a minute; what is read back is as wide as real rows.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
from rich.console import Console

from yibao import benefit
from yibao.cli import instance, preview
from yibao.core.database import open_pool, transaction
from yibao.core.money import half_up
from yibao.core.settings import Settings
from yibao.settlement import entries

BILLS = 1_000_000
PLACE = "510100"
PEOPLE, BILLS_EACH = 1_000, 10  # Worked out; everybody else is a copy of one of them.
FIRST_DAY = date(2026, 1, 5)
OLD, NEW = 'value: {tertiary: "0.50", secondary: "0.60"', 'value: {tertiary: "0.55", secondary: "0.62"'


def run(console: Console, *, bills: int = BILLS) -> None:
    """Measure on a database of its own, in a folder that is deleted, and print what came out."""
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        settings = Settings(home=Path(folder))
        with instance.opened(settings, server_settings={"max_wal_size": "8GB", "shared_buffers": "1GB"}) as found:
            asyncio.run(instance.migrated(found.settings))
            with console.status(f"写入 {bills} 张账单……"):
                asyncio.run(_fill(found.superuser_url, bills))
            change = _changed(Path(folder))
            with console.status("重算……"):
                began = time.perf_counter()
                impact = preview.run(found.superuser_url, PLACE, change, progress=lambda done, of: None)
                seconds = time.perf_counter() - began
        counted = sum(of.bills for of in impact.by_kind.values())
        changed = sum(of.changed for of in impact.by_kind.values())
        alone = _alone() * counted / (os.cpu_count() or 1)
        console.print(
            f"[bold]规则变更预演[/bold]：{counted} 张账单 {seconds:.1f} 秒（{counted / seconds:,.0f} 张/秒，"
            f"{os.cpu_count()} 核），{changed} 张不同；只在内存里计算同样多的账单要 {alone:.1f} 秒，"
            f"比值 {seconds / alone:.2f}"
        )


def _changed(folder: Path) -> Path:
    """Write the shipped rules with other rates for outpatients."""
    text = (benefit.policies().places[PLACE].folder / "policy.yaml").read_text("utf-8")
    assert OLD in text
    (folder / "changed.yaml").write_text(text.replace(OLD, NEW), "utf-8")
    return folder / "changed.yaml"


def _cases(random: Random) -> Iterator[benefit.Case]:
    """Yield the bills of one person, each by the counters that those before it left."""
    retired = random.random() < 0.4
    tallies: dict[str, int] = {}
    for number in range(BILLS_EACH):
        lines = tuple(_line(random, line_no) for line_no in range(1, random.randint(2, 4) + 1))
        case = benefit.Case(
            insured_place=PLACE,
            treated_place=PLACE,
            insurance="employee",
            person_kind="retired" if retired else "employed",
            age=65 if retired else 40,
            visit_kind="outpatient",
            institution_kind="hospital",
            institution_level=random.choice(("tertiary", "secondary", "primary")),
            filing="local",
            on=FIRST_DAY + timedelta(days=30 * number),
            lines=lines,
            tallies=tallies,
            qualifications=frozenset(),
            account_fen=50_000,
            use_account=True,
        )
        yield case
        tallies = {**tallies, **benefit.assess(case).tallies}


def _line(random: Random, line_no: int) -> benefit.Line:
    price, quantity = Decimal(random.randint(500, 20_000)) / 100, Decimal(random.randint(1, 3))
    charge_class: benefit.ChargeClass = random.choice(("A", "A", "B", "C"))
    return benefit.Line(
        line_no=line_no,
        code=f"XA01ABD075A0020101{random.randint(10_000, 99_999)}",
        name="示例药品片",
        charge_class=charge_class,
        quantity=quantity,
        unit_price=price,
        amount_fen=half_up(price * quantity * 100),
        price_limit=None,
        own_pay_rate=Decimal("0.1") if charge_class == "B" else Decimal(1 if charge_class == "C" else 0),
    )


async def _fill(url: str, bills: int) -> None:
    settlements, lines = [], []
    for person in range(PEOPLE):
        person_id = f"{300_000_000_000 + person}"
        for serial, case in enumerate(_cases(Random(person)), start=1):
            found = benefit.assess(case)
            settlement_id = f"{PLACE}{person:012d}{serial:012d}"
            settlements.append(
                {
                    "person_id": person_id,
                    "settlement_id": settlement_id,
                    "serial": serial,
                    "institution": "H51010000001",
                    "place": PLACE,
                    "insutype": "310",
                    "visit_kind": case.visit_kind,
                    "settled_at": case.on,
                    "year": case.on.year,
                    **{name: getattr(found, name) for name in found.__struct_fields__ if name in _AMOUNTS},
                    "tally_before": case.tallies,
                    "tally_after": {**case.tallies, **found.tallies},
                    "policy": found.policy,
                    "trace": found.trace,
                    "facts": entries.facts_of(case),
                }
            )
            for line, share in zip(case.lines, found.lines, strict=True):
                lines.append(
                    {
                        "person_id": person_id,
                        "settlement_id": settlement_id,
                        "unit": "盒",
                        **msgspec.structs.asdict(line),
                        **msgspec.structs.asdict(share),
                    }
                )
    pool = await open_pool(url, role="none", size=1)
    try:
        async with transaction(pool) as tx:
            for table, rows in (("settlement", settlements), ("line", lines)):
                await tx.execute(
                    f"CREATE TEMP TABLE first_{table} AS"
                    f" SELECT * FROM jsonb_populate_recordset(NULL::settlement.{table}, $1)",
                    rows,
                )
            copies = max(1, bills // (PEOPLE * BILLS_EACH))
            for table in ("settlement", "line"):
                columns = await tx.fetchval(
                    "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
                    " WHERE attrelid = $1::regclass AND attnum > 0 AND attname <> 'person_id'",
                    f"settlement.{table}",
                )
                await tx.execute(
                    f"INSERT INTO settlement.{table} (person_id, {columns})"
                    f" SELECT (person_id::bigint + copy * {PEOPLE})::text, {columns}"
                    f" FROM first_{table}, generate_series(0, {copies - 1}) AS copy"
                )
            await tx.execute(
                "INSERT INTO settlement.person SELECT person_id, max(serial) FROM settlement.settlement GROUP BY 1"
            )
        # As bills lie in a database after a while: the first to read a new row would have to mark it.
        await pool.execute("VACUUM (FREEZE, ANALYZE) settlement.settlement, settlement.line, settlement.person")
        await pool.execute("CHECKPOINT")
    finally:
        await pool.close()


_AMOUNTS = {name for name in benefit.Assessment.__struct_fields__ if name.endswith("_fen")}


def _alone() -> float:
    """Return the seconds that assessing one of these bills takes in memory."""
    cases = [case for person in range(100) for case in _cases(Random(person))]
    began = time.perf_counter()
    for case in cases:
        benefit.assess(case)
    return (time.perf_counter() - began) / len(cases)
