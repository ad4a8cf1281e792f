"""A fund pays by segments (分段报销): each part of the money at the rate of the segment in which it lies.

The bounds of the segments are counted `on: burden`, from the first yuan in scope, deductible included; or `on: excess`,
from the first yuan above the deductible. With a `tally`, what earlier bills of the year went through is counted before
this one. The fund's amount is rounded once for the bill, whatever the number of segments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bands import Bands, parts_of, pay, read_bands, sentence_of_part, trace_parts
from yibao.benefit.bill import Bill, Bound, Head, Step, TallyName, read_fund, read_tally
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import ROUNDINGS, half_up


@dataclass(frozen=True, slots=True)
class Segments(Step):
    head: Head
    fund: str
    with_deductible: bool
    bands: Dated[Bands]
    rounding: Callable[[Decimal], int]
    tally: TallyName | None

    required: ClassVar[tuple[str, ...]] = ("fund", "on", "bands", "rounding")
    optional: ClassVar[tuple[str, ...]] = ("tally",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(
            head,
            fund=read_fund(fields["fund"]),
            with_deductible=fields["on"].choice(("burden", "excess")) == "burden",
            bands=read_dated(fields["bands"], refs, read_bands),
            rounding=ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))],
            tally=read_tally(fields["tally"]) if "tally" in fields else None,
        )

    def bind(self, facts: Facts) -> Bound:
        cited = self.bands.at(facts)
        bands, basis, fund, rounding = cited.value, cited.basis, self.fund, self.rounding
        head, with_deductible, tally = self.head, self.with_deductible, self.tally.of(facts) if self.tally else None

        def run(bill: Bill) -> None:
            base_fen = bill.base_fen
            start_fen = (bill.tally(tally) if tally else 0) + (bill.deductible_fen if with_deductible else 0)
            parts = parts_of(bands, start_fen, start_fen + base_fen)
            paid = pay(parts, rounding)
            bill.pay_base(fund, base_fen=base_fen, fund_fen=sum(paid))
            if bill.pool_ratio is None:
                bill.pool_ratio = _mean(parts, base_fen) if base_fen else bands[0][1]
            if tally:
                bill.tallies[tally] = start_fen + base_fen
            if not parts:
                bill.trace.append(head.trace({"base_fen": base_fen}, {"fund": fund, "fund_fen": 0}, basis))
            bill.trace.extend(trace_parts(head, fund, bands, parts, paid, basis))

        return Bound(run, basis)

    @property
    def paying_fund(self) -> str:
        return self.fund

    @staticmethod
    def sentence(step: TraceStep) -> str:
        if "rate" not in step.inputs:
            return "没有进入分段报销的金额，基金支付 0.00 元"
        return sentence_of_part(step)


def _mean(parts: list[tuple[int, int, int | None, Decimal]], base_fen: int) -> Decimal:
    """Return the one rate, to four decimals, that the national interface has for a bill of several segments."""
    exact = sum((part_fen * rate for part_fen, _, _, rate in parts), Decimal(0))
    return Decimal(half_up(exact * 10_000 / base_fen)) / 10_000
