"""`yibao ledger check`: the books balance, and every settlement's parts equal its bill."""

from dataclasses import dataclass

from yibao import ledger
from yibao.core.database import open_pool
from yibao.core.settings import Settings
from yibao.settlement import check as settlement_check


@dataclass(frozen=True)
class Report:
    lines: list[str]
    findings: list[str]


async def run(settings: Settings) -> Report:
    """Check everything in one snapshot and return what was looked at and what is wrong. No finding names a person."""
    pool = await open_pool(settings.database_url, size=1)
    try:
        async with pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
            findings = [finding.text for finding in await ledger.check(tx)]
            findings += await settlement_check.check(tx)
            accounts = await tx.fetchval("SELECT count(*) FROM ledger.account")
            transfers = await tx.fetchval("SELECT count(*) FROM ledger.transfer")
            settlements = await tx.fetchval("SELECT count(*) FROM settlement.settlement")
    finally:
        await pool.close()
    return Report([f"账户 {accounts}，流水 {transfers}，结算 {settlements}", *findings], findings)
