"""A fund pays by segments (分段报销): each part of the money at the rate of the segment in which it lies.

The bounds of the segments are counted `on: burden`, from the first yuan in scope, deductible included; or `on: excess`,
from the first yuan above the deductible. With a `tally`, what earlier bills of the year went through is counted before
this one. The fund's amount is rounded once for the bill, whatever the number of segments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step, read_fund, read_tally
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, Source, read_dated
from yibao.core.money import ROUNDINGS, half_up, yuan_text

Bands = tuple[tuple[int, Decimal], ...]  # The amount from which a rate holds, in fen, and the rate; lowest first.


@dataclass(frozen=True, slots=True)
class Segments(Step):
    head: Head
    fund: str
    with_deductible: bool
    bands: Dated[Bands]
    rounding: Callable[[Decimal], int]
    tally: str | None

    required: ClassVar[tuple[str, ...]] = ("fund", "on", "bands", "rounding")
    optional: ClassVar[tuple[str, ...]] = ("tally",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], sources: Mapping[str, Source]) -> Self:
        return cls(
            head,
            fund=read_fund(fields["fund"]),
            with_deductible=fields["on"].choice(("burden", "excess")) == "burden",
            bands=read_dated(fields["bands"], sources, _read_bands),
            rounding=ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))],
            tally=read_tally(fields["tally"]) if "tally" in fields else None,
        )

    def bind(self, facts: Facts) -> Bound:
        cited = self.bands.at(facts)
        lows, rates = zip(*cited.value, strict=True)
        bands = tuple(zip(lows, (*lows[1:], None), rates, strict=True))  # The last segment has no end.
        basis, fund, rounding, trace = (cited.basis,), self.fund, self.rounding, self.head.trace
        with_deductible, tally = self.with_deductible, self.tally

        def run(bill: Bill) -> None:
            base_fen = bill.base_fen
            start_fen = (bill.tally(tally) if tally else 0) + (bill.deductible_fen if with_deductible else 0)
            end_fen = start_fen + base_fen
            parts, exact = [], Decimal(0)
            for low_fen, high_fen, rate in bands:
                part_fen = (end_fen if high_fen is None else min(end_fen, high_fen)) - max(start_fen, low_fen)
                if part_fen > 0:
                    exact += part_fen * rate
                    parts.append(f"{yuan_text(part_fen)} 元 × {(rate * 100).normalize():f}%")
            fund_fen = rounding(exact)
            bill.funds[fund] = bill.funds.get(fund, 0) + fund_fen
            bill.base_fen = base_fen - fund_fen
            if bill.pool_ratio is None:
                # The national interface has one rate for the bill, to four decimals; of several, that is their mean.
                bill.pool_ratio = Decimal(half_up(exact * 10_000 / base_fen)) / 10_000 if base_fen else bands[0][2]
            if tally:
                bill.tallies[tally] = end_fen
            bill.trace.append(
                trace(
                    {"base_fen": base_fen, "start_fen": start_fen, "parts": " + ".join(parts)},
                    {"fund": fund, "fund_fen": fund_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @property
    def paying_fund(self) -> str:
        return self.fund

    @staticmethod
    def sentence(step: TraceStep) -> str:
        base, start = (yuan_text(int(step.inputs[name])) for name in ("base_fen", "start_fen"))
        if not step.inputs["parts"]:
            return "没有进入分段报销的金额，基金支付 0.00 元"
        fund = yuan_text(int(step.results["fund_fen"]))
        return f"{base} 元从 {start} 元起分段报销：{step.inputs['parts']}，基金支付 {fund} 元"


def _read_bands(node: Node) -> Bands:
    bands = tuple((key.amount_fen(), rate.decimal(0, 1)) for key, rate in node.entries())
    if bands[0][0] != 0 or any(one >= other for (one, _), (other, _) in pairwise(bands)):
        raise node.error("各段的起点不是从 0 开始、由低到高", '例如 {"0": "0.60", "5000": "0.85"}')
    return bands
