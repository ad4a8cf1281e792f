"""The deductible of the year (起付线): the person bears in-scope money up to an amount, counted over the whole year.

Only in-scope money counts towards it. Groups that name the same tally share one deductible.
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
class Deductible(Step):
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
            met_fen, base_fen = bill.tally(tally), bill.base_fen
            # More than the deductible may have been met where the amount was lowered in the course of the year.
            left_fen = max(0, year_fen - met_fen)
            taken_fen = bill.deduct(left_fen)
            bill.tallies[tally] = met_fen + taken_fen
            bill.trace.append(
                trace(
                    {"base_fen": base_fen, "year_fen": year_fen, "met_fen": met_fen, "left_fen": left_fen},
                    {"deductible_fen": taken_fen, "base_fen": base_fen - taken_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        year, met, left = (yuan_text(int(step.inputs[name])) for name in ("year_fen", "met_fen", "left_fen"))
        base, rest = yuan_text(int(step.inputs["base_fen"])), yuan_text(int(step.results["base_fen"]))
        if not step.inputs["left_fen"]:
            return f"本年起付线 {year} 元，此前已累计 {met} 元，本次不再扣除，{rest} 元进入报销"
        if step.results["base_fen"]:
            return f"政策范围内 {base} 元，扣除本年剩余起付线 {left} 元（全年 {year} 元），{rest} 元进入报销"
        return f"政策范围内 {base} 元，未超过本年剩余起付线 {left} 元（全年 {year} 元），计入起付线累计"
