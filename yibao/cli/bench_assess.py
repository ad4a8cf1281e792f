"""`yibao bench`, first part: how long one assessment takes, beside two rule engines with a like case in the same run.

zen-engine (decision graphs, in Rust) and openfisca-core (vectorised, on numpy) are given the same values, read from the
policy, and the same arithmetic down to the fund: the split of the lines, the deductible, the rate, the ceiling. They
are spared what only ours does, the account and the trace with sources. Nothing is timed before all agree to the fen.
They come with `make bench`; where they are not installed, ours is measured alone.
"""

import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from time import perf_counter_ns

import msgspec
from rich.console import Console
from rich.table import Table

from yibao.benefit import Case, Line, assess, policies
from yibao.core.money import fen_of

OTHERS = {"zen-engine": "yibao.cli.bench_zen", "openfisca-core": "yibao.cli.bench_openfisca"}
PLACE = "510100"
TURNS = 20
FIGURES = {  # The name of a value here, by the labels of its step and part in the policy.
    ("门诊统筹起付线", ""): "deductible",
    ("门诊报销比例", ""): "rate",
    ("门诊报销比例", "退休人员"): "points",
    ("门诊统筹年度最高支付限额", ""): "ceiling",
}

Figures = dict[str, dict[str, int]]


def _line(line_no: int, charge_class: str, quantity: int, price: str, limit: str | None, own_pay: str) -> Line:
    return msgspec.convert(
        {
            "line_no": line_no,
            "code": f"XL{line_no:07}",
            "name": "药品",
            "charge_class": charge_class,
            "quantity": quantity,
            "unit_price": price,
            "amount_fen": quantity * fen_of(price),
            "price_limit": limit,
            "own_pay_rate": own_pay,
        },
        Line,
    )


CASE = Case(
    insured_place=PLACE,
    treated_place=PLACE,
    insurance="employee",
    person_kind="retired",
    age=66,
    visit_kind="outpatient",
    institution_kind="hospital",
    institution_level="tertiary",
    filing="local",
    on=date(2026, 5, 1),
    lines=(
        _line(1, "A", 2, "58.00", None, "0"),
        _line(2, "B", 3, "86.40", None, "0.10"),
        _line(3, "B", 1, "320.00", "285.50", "0.15"),
        _line(4, "C", 1, "45.00", None, "0"),
        _line(5, "A", 4, "27.35", "25.00", "0"),
    ),
    tallies={"outpatient.deductible_met": 6_000, "outpatient.fund_paid": 100_000},
    qualifications=frozenset(),
    account_fen=50_000,
    use_account=True,
)
CHECKED = (
    CASE,
    msgspec.structs.replace(CASE, person_kind="employed", institution_level="secondary"),
    msgspec.structs.replace(CASE, tallies={"outpatient.fund_paid": 240_000}),  # The ceiling cuts.
)


@dataclass(frozen=True)
class Contender:
    """One way to work out a case: `prepared` does beforehand what is not timed, and returns what is."""

    name: str
    prepared: Callable[[Case], Callable[[], int]]  # What is timed returns the fen of the fund.
    bills: int = 1


def run(console: Console, *, seconds: float) -> None:
    """Check that all contenders agree, time each for some seconds, and print what came out."""
    contenders = ours()
    missing = []
    for package, module in OTHERS.items():
        try:
            contenders += import_module(module).contenders(figures())
        except ImportError:
            missing.append(package)
    _check(contenders)
    console.print("[bold]待遇计算[/bold]（五行的门诊账单，一个进程，不经数据库）")
    console.print(f"  {os.cpu_count()} 核，{platform.machine()}，Python {platform.python_version()}")
    table = Table("引擎", "p50 微秒", "p99 微秒", "与首行之比", box=None)
    measured = _nanoseconds(contenders, console, seconds)
    ours_p50 = statistics.median(measured[0]) / 1000
    for each, times in zip(contenders, measured, strict=True):
        p50, p99 = (took / 1000 / each.bills for took in (statistics.median(times), times[int(len(times) * 0.99)]))
        table.add_row(each.name, f"{p50:,.2f}", f"{p99:,.2f}", f"{p50 / ours_p50:.2f}")
    console.print(table)
    if missing:
        console.print(f"  没有装好 {'、'.join(missing)}，没有测；make bench 会安装。", soft_wrap=True)
    if len(missing) < len(OTHERS):
        console.print(f"  计时之前核对过：{len(CHECKED)} 个案例的基金支付，各家一分不差。", soft_wrap=True)
        console.print(
            "  别家的结果里没有数值的出处、等级和起始日期，也没有算个人账户；yibao 的时间包含这些。", soft_wrap=True
        )


def figures() -> Figures:
    """Return the values that hold for the case, in fen and per cent, by name and word: `deductible`, `retired`."""
    found: Figures = {name: {} for name in FIGURES.values()}
    for each in policies().places[PLACE].stated(CASE.on):
        name = FIGURES.get((each.step, each.part))
        if each.insurance == CASE.insurance and name:
            amount = each.text.removesuffix(" 元")
            word = each.name.rpartition(".")[2]
            found[name][word] = int(amount[:-1]) if amount.endswith("%") else fen_of(amount)
    return found


def _check(contenders: list[Contender]) -> None:
    for case in CHECKED:
        funds = {each.name: each.prepared(case)() for each in contenders}
        if len(set(funds.values())) > 1:
            raise AssertionError(f"各家算出的基金支付不同：{funds}")


def _nanoseconds(contenders: list[Contender], console: Console, seconds: float) -> list[list[int]]:
    """Return the times of each, sorted; in turns, so that what else the machine does falls on all alike."""
    works = [each.prepared(CASE) for each in contenders]
    times: list[list[int]] = [[] for _ in works]
    with console.status("待遇计算……"):
        for turn in range(TURNS + 1):
            for work, kept in zip(works, times, strict=True):
                if turn == 1:  # The turn before was to warm up.
                    kept.clear()
                kept += _turn(work, seconds / TURNS)
    return [sorted(kept) for kept in times]


def _turn(work: Callable[[], int], seconds: float) -> list[int]:
    times: list[int] = []
    until = perf_counter_ns() + seconds * 1e9
    while not times or perf_counter_ns() < until:
        start = perf_counter_ns()
        work()
        times.append(perf_counter_ns() - start)
    return times


def ours() -> list[Contender]:
    """Return ours: the case at hand, and gathered anew from plain fields each time."""

    def gathered(case: Case) -> Callable[[], int]:
        fields = msgspec.structs.asdict(case)
        lines = [msgspec.structs.asdict(line) for line in fields.pop("lines")]
        return lambda: assess(Case(**fields, lines=tuple([Line(**line) for line in lines]))).fund_fen

    return [
        Contender("yibao，带依据", lambda case: lambda: assess(case).fund_fen),
        Contender("yibao，带依据，案例每次新建", gathered),
    ]
