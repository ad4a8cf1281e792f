"""`yibao bench`: settlements and scans a second through HTTP, beside what the database alone can do in the same run.

The limit is pgbench (of the same server's programs) calling the one-settlement form of the same write, prepared, over
the unix socket, the better of 16 and 32 clients. Both sides write the same rows with the same durability: rows are
counted a table. Every settlement is the first of a fresh person, so that nothing is found in a cache by luck.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from yibao import credential, identity, registry, settlement
from yibao.app import open_house
from yibao.cli import instance
from yibao.cli.processes import child, free_port
from yibao.cli.world import SEED, as_kind
from yibao.core.clock import day_of, now
from yibao.core.database import Pool, open_pool, transaction
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.credential.actions import VISIT_LASTS
from yibao.credential.types import Spend
from yibao.sandbox import world
from yibao.service import directory
from yibao.settlement import Basket, BasketLine, Order, entries, rules
from yibao.settlement.types import Facts, FactsRequest

SECONDS = 5
CLIENTS = (1, 16, 64)
LIMIT_CLIENTS = (16, 32)
INSTITUTION = "P51050000001"
PLACE = "510500"
HTTP_PEOPLE = 60_000
FIRST_PERSON = 200_000_000_000
LIMIT_FIRST = 500_000_000_000  # People of pgbench; those of the HTTP runs come before.
DEVICE_OFFSET = 100_000_000
WRITTEN = (
    "settlement.settlement",
    "settlement.line",
    "settlement.fund",
    "settlement.tally",
    "settlement.person",
    "ledger.transfer",
    "core.caller_id",
    "core.answer",
    "core.outbox",
)
SCANNED = ("credential.spent", "credential.visit")
FILLED = (
    "registry.person",
    "registry.insurance",
    "registry.institution",
    "directory.item",
    "ledger.account",
    "credential.holder",
    "credential.device",
    "credential.device_locator",
    "credential.visit",
)


@dataclass(frozen=True)
class Rate:
    clients: int
    per_second: float
    p50_ms: float
    p99_ms: float
    done: int


def run(console: Console, *, seconds: int = SECONDS) -> None:
    """Measure on a database of its own, in a folder that is deleted, and print what came out."""
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        home = Path(folder)
        for shared in ("assets", "models"):  # Fetched once for this checkout, not for every measuring.
            if (there := Path(__file__).parents[2] / ".yibao" / shared).exists():
                (home / shared).symlink_to(there)
        settings = Settings(home=home)
        with instance.opened(settings, server_settings={"max_wal_size": "4GB", "shared_buffers": "1GB"}) as found:
            asyncio.run(_measure(found, console, seconds=seconds))


async def _measure(found: instance.Instance, console: Console, *, seconds: int) -> None:
    settings = found.settings
    keys = instance.keys_of(settings)
    await instance.migrated(settings)
    with console.status("准备人员与目录……"):
        pool = await open_pool(found.superuser_url, role="none", size=2)
        key = await _prepare(pool, keys, settings)
    port = free_port("127.0.0.1", 0)
    environment = {
        "YIBAO_HOME": str(settings.home),
        "YIBAO_DATABASE_URL": settings.database_url,
        "YIBAO_PORT": str(port),
    }
    with child("serve", environment=environment):
        await _until_up(port)
        loads = _Loads(port, key, settings.home, keys, seconds)
        console.print("[bold]结算[/bold]（HTTP，含待遇计算、记账、幂等与发件箱）")
        before = await _counts(pool, WRITTEN)
        rates = []
        for clients in CLIENTS:
            with console.status(f"{clients} 个并发……"):
                rates.append(await loads.run("settle", clients))
        http_rows = _per_item(before, await _counts(pool, WRITTEN), sum(rate.done for rate in rates))
        limit, limit_rows = await _settle_limit(found, pool, console, seconds=seconds)
        _show(console, rates, limit, http_rows, limit_rows)

        console.print("[bold]扫码[/bold]（HTTP，验码、核销并换取就诊凭据）")
        before = await _counts(pool, SCANNED)
        rates = []
        for clients in CLIENTS:
            with console.status(f"{clients} 个并发……"):
                rates.append(await loads.run("scan", clients))
        http_rows = _per_item(before, await _counts(pool, SCANNED), sum(rate.done for rate in rates))
        limit, limit_rows = await _scan_limit(found, pool, seconds=seconds)
        _show(console, rates, limit, http_rows, limit_rows)
    await pool.close()
    console.print("每笔结算、每次扫码各往返数据库 2 次，语句 2 条（一读一写；成批时由整批共用）。")


def _show(
    console: Console, rates: Sequence[Rate], limit: float, http_rows: dict[str, float], limit_rows: dict[str, float]
) -> None:
    table = Table("并发", "每秒", "p50 毫秒", "p99 毫秒", "与 pgbench 之比", box=None)
    for rate in rates:
        table.add_row(
            str(rate.clients),
            f"{rate.per_second:,.0f}",
            f"{rate.p50_ms:.1f}",
            f"{rate.p99_ms:.1f}",
            f"{rate.per_second / limit:.2f}",
        )
    console.print(table)
    console.print(f"  上限 pgbench（16、32 并发取优）：{limit:,.0f} 每秒")
    if http_rows != limit_rows:
        raise AssertionError(f"两边写入的行数不同：HTTP {http_rows}，pgbench {limit_rows}")
    console.print("  每笔写入行数（两边相同）：" + "，".join(f"{name} {rows:g}" for name, rows in http_rows.items()))


async def _counts(pool: Pool, tables: Sequence[str]) -> dict[str, int]:
    return {table: await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


def _per_item(before: dict[str, int], after: dict[str, int], done: int) -> dict[str, float]:
    return {table: (after[table] - before[table]) / done for table in after}


async def _until_up(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise AssertionError("the server did not come up")


async def _prepare(pool: Pool, keys: Keys, settings: Settings) -> str:
    """Write people with an activated phone and a visit each, the HTTP ones first, and return the pharmacy's API key."""
    at = now()
    on = day_of(at)
    built = world.build(seed=SEED, people=0, on=on)
    async with transaction(pool) as tx:
        shops = [i for i in built.institutions if i.code == INSTITUTION]
        await registry.add_institutions(tx, as_kind(registry.Institution, shops))
        await directory.load_items(tx, as_kind(directory.Item, built.items))
        key = await identity.issue_api_key(tx, institution=INSTITUTION, at=at)
    tokens = credential.Tokens(keys)
    people = [str(FIRST_PERSON + n) for n in range(HTTP_PEOPLE)]
    visits = [(person, tokens.issue(place=PLACE, person_id=person)) for person in people]
    everybody = [*people, *(str(LIMIT_FIRST + n) for n in range(HTTP_PEOPLE))]
    vault = Vault(keys)
    async with transaction(pool) as tx:
        await tx.copy_records_to_table(
            "person",
            schema_name="registry",
            records=[
                (
                    person,
                    vault.seal("甲", table="registry.person", column="name", person=person),
                    "01",
                    vault.seal("乙", table="registry.person", column="cert_no", person=person),
                    "1",
                    on.replace(year=on.year - 66),
                )
                for person in everybody
            ],
        )
        await tx.copy_records_to_table(
            "insurance",
            schema_name="registry",
            records=[(p, f"{PLACE}{p:0>20}", PLACE, "310", "12", "1", on, on, "", True, None) for p in everybody],
        )
        await tx.copy_records_to_table(
            "account", schema_name="ledger", records=[(p, f"personal:{PLACE}", 100_000, 1) for p in everybody]
        )
        await tx.copy_records_to_table(
            "holder",
            schema_name="credential",
            columns=["person_id", "account_id", "psn_no", "place", "free_limit_fen", "bound_at"],
            records=[(p, p, p, PLACE, 50_000, at) for p in everybody],
        )
        devices = [(p, f"{DEVICE_OFFSET + n:09d}") for n, p in enumerate(everybody)]
        await tx.copy_records_to_table(
            "device",
            schema_name="credential",
            columns=["person_id", "device_number", "account_id", "channel", "browser", "next_ticket", "activated_at"],
            records=[(p, d, p, "web", d.encode(), 10_000, at) for p, d in devices],
        )
        await tx.copy_records_to_table("device_locator", schema_name="credential", records=[(d, p) for p, d in devices])
        await tx.copy_records_to_table(
            "visit",
            schema_name="credential",
            columns=["person_id", "token", "institution", "device_number", "created_at", "expires_at"],
            records=[
                (person, token, INSTITUTION, device, at, at + timedelta(hours=2))
                for (person, token), (_, device) in zip(visits, devices, strict=False)
            ],
        )
    # Only what is filled: for a table analysed while empty PostgreSQL plans as if it stayed so, keeps that plan,
    # and then reads the whole of it for every request of the run.
    await pool.execute(f"VACUUM ANALYZE {', '.join(FILLED)}")
    (settings.home / "tokens").write_text("\n".join(token for _, token in visits))
    return key


def _purchase(token: str) -> Basket:
    """Return the published purchase of SC-LZ-01: 420.00, of which 400.00 are in scope."""
    items = world.build(people=0, on=day_of(now())).items
    drug = next(i.code for i in items if i.price == 200)
    outside = next(i.code for i in items if i.price == 20 and i.charge_class == "C")
    return Basket(token, (BasketLine(drug, Decimal(2)), BasketLine(outside, Decimal(1))), use_account=True)


class _Loads:
    """Starts the load generator, a process of its own, and reads what it measured."""

    def __init__(self, port: int, key: str, home: Path, keys: Keys, seconds: int) -> None:
        self._seconds = seconds
        self._taken = 0
        self._environment = {**os.environ, "YIBAO_KEYS": msgspec.json.encode(keys).decode()}
        lines = [{"code": line.code, "quantity": str(line.quantity)} for line in _purchase("").lines]
        self._fixed = {"port": port, "key": key, "tokens": str(home / "tokens"), "lines": lines}

    async def run(self, kind: str, clients: int) -> Rate:
        order = {**self._fixed, "kind": kind, "clients": clients, "seconds": self._seconds, "skip": self._taken}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "yibao.cli.bench_load",
            json.dumps(order),
            stdout=subprocess.PIPE,
            env=self._environment,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise AssertionError("the load generator failed")
        answer = json.loads(output)
        times = sorted(answer["milliseconds"])
        if kind == "settle":
            self._taken += len(times)
        return Rate(
            clients,
            len(times) / answer["elapsed"],
            statistics.median(times),
            times[int(len(times) * 0.99)],
            len(times),
        )


async def _settle_limit(
    found: instance.Instance, pool: Pool, console: Console, *, seconds: int
) -> tuple[float, dict[str, float]]:
    """Return pgbench's best rate with the write of one settlement, and the rows that each one wrote."""
    template = await _template(found)
    await pool.execute(
        "CREATE SCHEMA bench; CREATE SEQUENCE bench.n;"
        " GRANT USAGE ON SCHEMA bench TO yibao_app; GRANT USAGE ON SEQUENCE bench.n TO yibao_app"
    )
    # In a function, because pgbench takes a colon before a number for a variable of its own.
    await pool.execute(
        "CREATE FUNCTION bench.batch(n bigint) RETURNS jsonb LANGUAGE sql AS $f$ SELECT replace($json$"
        f"{template}$json$, '@@@', ({LIMIT_FIRST} - 1 + n)::text)::jsonb $f$"
    )
    script = "SELECT outcome FROM settlement.post(bench.batch(nextval('bench.n')));\n"
    with console.status("pgbench……"):
        return await _pgbench(found, pool, script, WRITTEN, seconds=seconds)


async def _template(found: instance.Instance) -> str:
    """Return the very batch that the platform would write for a person, with `@@@` for the person."""
    keys = instance.keys_of(found.settings)
    async with open_house(found.settings, keys, pool_size=2) as house:
        token = (found.settings.home / "tokens").read_text().splitlines()[-1]
        person_id = house.tokens.person_of(token)
        basket = _purchase(token)
        codes = tuple(sorted(line.code for line in basket.lines))
        at = now()
        [facts] = await settlement.store.facts(
            house.pool,
            [FactsRequest(person_id, INSTITUTION, "settle", "x", token, INSTITUTION, codes, day_of(at).year)],
        )
        assert isinstance(facts, Facts)
        assessed = rules.assess(facts, basket, policies=house.desk.policies, on=day_of(at))
        entry = entries.entry_of(
            assessed,
            Order(basket, assessed.split),
            person_id=person_id,
            settlement_id=f"{PLACE}000000000000{person_id}",
            institution=INSTITUTION,
            caller=INSTITUTION,
            request_id=f"pgbench-{person_id}",
            at=at,
        )
        return msgspec.json.encode(settlement.store.batch_of([entry])).decode().replace(person_id, "@@@")


async def _scan_limit(found: instance.Instance, pool: Pool, *, seconds: int) -> tuple[float, dict[str, float]]:
    """Return pgbench's best rate with the write of one scan, each of a ticket never spent, and the rows of each."""
    await pool.execute("ALTER SEQUENCE bench.n RESTART")
    await pool.execute(
        "CREATE FUNCTION bench.scan(n bigint) RETURNS jsonb LANGUAGE sql AS $f$ SELECT format($json$"
        f"{_scan_template()}$json$, {LIMIT_FIRST} + n % {HTTP_PEOPLE},"
        f" lpad(({DEVICE_OFFSET + HTTP_PEOPLE} + n % {HTTP_PEOPLE})::text, 9, '0'), n / {HTTP_PEOPLE},"
        f" '{PLACE}ec' || lpad(n::text, 32, '0'))::jsonb $f$"
    )
    script = "SELECT spent FROM nextval('bench.n') AS n, credential.spend(bench.scan(n));\n"
    return await _pgbench(found, pool, script, SCANNED, seconds=seconds)


def _scan_template() -> str:
    """Return the very batch that the platform would write for one scan, to be filled in by SQL's `format`."""
    at = now()
    person, device, ticket, token = (f"%{n}$s" for n in (1, 2, 3, 4))
    spend = Spend(person, device, 0, INSTITUTION, token, at, at + VISIT_LASTS)
    [row] = credential.store.numbered([spend])
    return msgspec.json.encode([{**row, "ticket": msgspec.Raw(ticket.encode())}]).decode()


async def _pgbench(
    found: instance.Instance, pool: Pool, script: str, tables: Sequence[str], *, seconds: int
) -> tuple[float, dict[str, float]]:
    assert found.server_programs is not None
    path = found.settings.home / "limit.sql"
    path.write_text(script, "utf-8")
    before = await _counts(pool, tables)
    best, done = 0.0, 0
    for clients in LIMIT_CLIENTS:
        process = await asyncio.create_subprocess_exec(
            str(found.server_programs / "pgbench"),
            *("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", str(path)),
            found.superuser_url,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PGOPTIONS": "-c role=yibao_app"},
        )
        output, _ = await process.communicate()
        text = output.decode()
        rate = re.search(r"tps = ([0-9.]+)", text)
        count = re.search(r"transactions actually processed: (\d+)", text)
        failed = re.search(r"number of failed transactions: (\d+)", text)
        if process.returncode != 0 or not rate or not count or not failed or int(failed[1]):
            raise AssertionError(f"pgbench failed:\n{text[-2000:]}")
        best = max(best, float(rate[1]))
        done += int(count[1])
    return best, _per_item(before, await _counts(pool, tables), done)
