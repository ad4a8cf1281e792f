"""A deductible that is a share of the whole cost, within bounds, as for stays far away (按总费用比例起付)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import ROUNDINGS, percent_text, yuan_text


@dataclass(frozen=True, slots=True)
class CostDeductible(Step):
    head: Head
    rate: Dated[Decimal]
    least: Dated[int]
    most: Dated[int]
    rounding: Callable[[Decimal], int]

    required: ClassVar[tuple[str, ...]] = ("rate", "least", "most", "rounding")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(
            head,
            rate=read_dated(fields["rate"], refs, lambda node: node.decimal(0, 1)),
            least=read_dated(fields["least"], refs, refs.amount),
            most=read_dated(fields["most"], refs, refs.amount),
            rounding=ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))],
        )

    def bind(self, facts: Facts) -> Bound:
        cited, least, most = self.rate.at(facts), self.least.at(facts), self.most.at(facts)
        rate, least_fen, most_fen, rounding = cited.value, least.value, most.value, self.rounding
        basis, trace = (*cited.basis, *least.basis, *most.basis), self.head.trace
        rate_text = percent_text(rate)

        def run(bill: Bill) -> None:
            base_fen = bill.base_fen
            amount_fen = min(max(rounding(bill.total_fen * rate), least_fen), most_fen)
            taken_fen = bill.deduct(amount_fen)
            bill.trace.append(
                trace(
                    {
                        "base_fen": base_fen,
                        "total_fen": bill.total_fen,
                        "rate": rate_text,
                        "least_fen": least_fen,
                        "most_fen": most_fen,
                        "amount_fen": amount_fen,
                    },
                    {"deductible_fen": taken_fen, "base_fen": base_fen - taken_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        total, least, most, amount = (
            yuan_text(int(step.inputs[name])) for name in ("total_fen", "least_fen", "most_fen", "amount_fen")
        )
        rest = yuan_text(int(step.results["base_fen"]))
        return (
            f"起付线是总费用 {total} 元的 {step.inputs['rate']}，不低于 {least} 元、不高于 {most} 元，"
            f"即 {amount} 元；扣除后 {rest} 元进入报销"
        )
