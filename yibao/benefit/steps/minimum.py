"""A fund pays at least a share of the whole cost (保底报销): what the steps before fall short of it is made up.

The share is of the bill less the deductibles, whether or not they were reached; a bill with nothing in scope is not one
that the insurance helps with, and gets nothing. It stands after the steps whose payments it makes up for, and before
the ceiling of the year.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bill import PARTS, Bill, Bound, Head, Step, read_fund
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import ROUNDINGS, percent_text, yuan_text


@dataclass(frozen=True, slots=True)
class Minimum(Step):
    head: Head
    fund: str
    rate: Dated[Decimal]
    rounding: Callable[[Decimal], int]

    required: ClassVar[tuple[str, ...]] = ("fund", "rate", "rounding")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        rate = read_dated(fields["rate"], refs, lambda node: node.decimal(0, 1))
        return cls(head, read_fund(fields["fund"]), rate, ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))])

    def bind(self, facts: Facts) -> Bound:
        cited = self.rate.at(facts)
        rate, basis, fund, rounding, trace = cited.value, cited.basis, self.fund, self.rounding, self.head.trace
        rate_text = percent_text(rate)

        def run(bill: Bill) -> None:
            cost_fen, paid_fen = max(0, bill.total_fen - bill.deductible_due_fen), bill.fund_fen
            least_fen = rounding(cost_fen * rate) if bill.in_scope_fen else 0
            open_fen = bill.total_fen - paid_fen - bill.current_account_fen
            added_fen = min(open_fen, max(0, least_fen - paid_fen))
            bill.pay_parts(fund, parts=PARTS, base_fen=added_fen, fund_fen=added_fen)
            bill.trace.append(
                trace(
                    {"cost_fen": cost_fen, "rate": rate_text, "least_fen": least_fen, "paid_fen": paid_fen},
                    {"fund": fund, "fund_fen": added_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @property
    def paying_fund(self) -> str:
        return self.fund

    @staticmethod
    def sentence(step: TraceStep) -> str:
        cost, least, paid = (yuan_text(int(step.inputs[name])) for name in ("cost_fen", "least_fen", "paid_fen"))
        said = f"总费用减去起付线后 {cost} 元，保底报销 {step.inputs['rate']} 是 {least} 元，已报销 {paid} 元"
        if not step.results["fund_fen"]:
            return f"{said}，不低于保底，不再补"
        return f"{said}，补足 {yuan_text(int(step.results['fund_fen']))} 元"
