"""The ceiling on costs (按费用封顶): only so much in-scope money of the year enters the fund that follows.

What lies beyond is set aside, where a `supplement` that counts `beyond` may pay for it. A ceiling on what the fund pays
is the step `ceiling`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step, TallyName, read_tally
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import yuan_text


@dataclass(frozen=True, slots=True)
class CostCeiling(Step):
    head: Head
    amount: Dated[int]
    tally: TallyName

    required: ClassVar[tuple[str, ...]] = ("amount", "tally")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(head, read_dated(fields["amount"], refs, refs.amount), read_tally(fields["tally"]))

    def bind(self, facts: Facts) -> Bound:
        amount = self.amount.at(facts)
        year_fen, basis, tally, trace = amount.value, amount.basis, self.tally.of(facts), self.head.trace

        def run(bill: Bill) -> None:
            before_fen, base_fen = bill.tally(tally), bill.base_fen
            within_fen = min(base_fen, max(0, year_fen - before_fen))
            bill.base_fen = within_fen
            bill.beyond_aside_fen += base_fen - within_fen
            bill.tallies[tally] = before_fen + within_fen
            bill.trace.append(
                trace(
                    {"year_fen": year_fen, "before_fen": before_fen, "base_fen": base_fen},
                    {"within_fen": within_fen, "over_fen": base_fen - within_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        year, before, base = (yuan_text(int(step.inputs[name])) for name in ("year_fen", "before_fen", "base_fen"))
        limits = f"本年最多 {year} 元费用进入报销，此前已有 {before} 元"
        if not step.results["over_fen"]:
            return f"{limits}，本次 {base} 元未超过"
        within, over = (yuan_text(int(step.results[name])) for name in ("within_fen", "over_fen"))
        return f"{limits}，本次 {base} 元中 {within} 元进入报销，{over} 元超过封顶线"
