"""The person bears a share before any fund pays (先行负担一定比例), as some places ask of whoever went away unfiled.

It is taken from what is left in scope; the funds that follow work on the rest by their own rules.
"""

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
class FirstPay(Step):
    head: Head
    rate: Dated[Decimal]
    rounding: Callable[[Decimal], int]

    required: ClassVar[tuple[str, ...]] = ("rate", "rounding")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        rate = read_dated(fields["rate"], refs, lambda node: node.decimal(0, 1))
        return cls(head, rate, ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))])

    def bind(self, facts: Facts) -> Bound:
        cited = self.rate.at(facts)
        rate, basis, rounding, trace = cited.value, cited.basis, self.rounding, self.head.trace
        rate_text = percent_text(rate)

        def run(bill: Bill) -> None:
            base_fen = bill.base_fen
            borne_fen = rounding(base_fen * rate)
            bill.base_fen = base_fen - borne_fen
            bill.trace.append(
                trace(
                    {"base_fen": base_fen, "rate": rate_text},
                    {"borne_fen": borne_fen, "base_fen": base_fen - borne_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        base, borne, rest = (
            yuan_text(int(fen))
            for fen in (step.inputs["base_fen"], step.results["borne_fen"], step.results["base_fen"])
        )
        return f"{base} 元先由个人负担 {step.inputs['rate']}，即 {borne} 元，{rest} 元进入报销"
