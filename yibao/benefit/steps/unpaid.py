"""No fund pays for a visit of this kind (不予支付): a rule of the place, which is not the same as no rule.

All of the bill is the person's own, and the reason is said. It stands in a group of its own, without a fund beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import yuan_text


@dataclass(frozen=True, slots=True)
class Unpaid(Step):
    head: Head
    reason: Dated[str]

    without_fund: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("reason",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(head, read_dated(fields["reason"], refs, Node.text))

    def bind(self, facts: Facts) -> Bound:
        reason = self.reason.at(facts)
        basis, trace, text = reason.basis, self.head.trace, reason.value

        def run(bill: Bill) -> None:
            bill.trace.append(trace({"base_fen": bill.base_fen, "reason": text}, {}, basis))

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        return f"政策范围内的 {yuan_text(int(step.inputs['base_fen']))} 元基金不支付：{step.inputs['reason']}"
