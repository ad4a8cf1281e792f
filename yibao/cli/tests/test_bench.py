"""`yibao bench`: the part that needs no database runs on any machine, the other finds the tables as it fills them."""

import sys
from pathlib import Path

import pytest
from rich.console import Console

from yibao.benefit import assess
from yibao.cli import bench, bench_assess
from yibao.core.database import OWNER, open_pool
from yibao.core.settings import Settings
from yibao.core.vault import Keys


async def test_what_is_settled_and_scanned_can_be_written(
    fresh_database: str, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "HTTP_PEOPLE", 2)
    async with await open_pool(fresh_database, role=OWNER) as pool:
        assert await bench._prepare(pool, keys, Settings(home=tmp_path))
        assert (
            await pool.fetchval("SELECT count(*) FROM credential.visit WHERE institution = $1", bench.INSTITUTION) == 2
        )
    assert len((tmp_path / "tokens").read_text().split()) == 2


def test_ours_is_measured_where_nothing_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("zen", "openfisca_core"):
        monkeypatch.setitem(sys.modules, package, None)  # As if it were not there.
    for module in bench_assess.OTHERS.values():
        monkeypatch.delitem(sys.modules, module, raising=False)
    console = Console(record=True, width=200)
    bench_assess.run(console, seconds=0.01)
    text = console.export_text()
    rows = [line.split() for line in text.splitlines() if line.startswith(" yibao，")]
    assert [row[0] for row in rows] == [each.name for each in bench_assess.ours()]
    for _, p50, p99, _ in rows:
        assert 0 < float(p50.replace(",", "")) <= float(p99.replace(",", ""))
    assert "没有装好 zen-engine、openfisca-core" in text


def test_the_case_goes_through_every_part_and_the_ceiling_cuts_one() -> None:
    found = assess(bench_assess.CASE)
    assert len(found.lines) == 5
    assert min(found.full_own_fen, found.over_limit_fen, found.first_own_fen, found.deductible_fen) > 0
    assert found.fund_fen == 36_117  # (691.95 - 90.00) * 60 %
    assert assess(bench_assess.CHECKED[2]).fund_fen == 10_000


def test_the_values_for_others_are_those_of_the_policy() -> None:
    figures = bench_assess.figures()
    assert set(figures["deductible"]) == set(figures["points"]) == set(figures["ceiling"]) == {"employed", "retired"}
    assert set(figures["rate"]) == {"community", "primary", "secondary", "tertiary", "none"}
    assert figures["rate"]["tertiary"] + figures["points"]["retired"] == assess(bench_assess.CASE).pool_ratio * 100
