"""Until the waiting period (等待期) of a person is over, no fund pays; the person's account may.

The day on which it ends comes with the case (`enrolment.waiting_until` works it out); how long it lasts is stated here.
Steps that concern a fund are left out of the plan for such a person; one whose policy has no waiting period is refused.
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
class Waiting(Step):
    head: Head
    months: Dated[str]

    without_fund: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("months",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(head, read_dated(fields["months"], refs, lambda node: node.matching("[1-9][0-9]?", "月数，例如 6")))

    def bind(self, facts: Facts) -> Bound:
        months = self.months.at(facts)
        basis, trace, text = months.basis, self.head.trace, months.value

        def run(bill: Bill) -> None:
            until = bill.case.entitled_from
            if until is not None and until > bill.case.on:
                bill.trace.append(
                    trace({"base_fen": bill.base_fen, "months": text, "until": until.isoformat()}, {}, basis)
                )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        return (
            f"还在等待期内（{step.inputs['months']} 个月，{step.inputs['until']} 起享受待遇），"
            f"政策范围内的 {yuan_text(int(step.inputs['base_fen']))} 元基金不支付"
        )
