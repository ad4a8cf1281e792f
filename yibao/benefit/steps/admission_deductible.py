"""The deductible of an admission (住院起付线): each stay bears its own, often less the more often one is admitted.

`amounts` are those of the first, second, third … admission of the year; the last listed holds for all that follow,
unless `less_each` lowers it by as much again each time, down to `floor`. The stays of the year are counted in `tally`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step, read_count
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import yuan_text


@dataclass(frozen=True, slots=True)
class AdmissionDeductible(Step):
    head: Head
    amounts: Dated[tuple[int, ...]]
    less_each: Dated[int] | None
    floor: Dated[int] | None
    tally: str

    required: ClassVar[tuple[str, ...]] = ("amounts", "tally")
    optional: ClassVar[tuple[str, ...]] = ("less_each", "floor")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        if "floor" in fields and "less_each" not in fields:
            raise fields["floor"].error("没有逐次降低的数额", "与 less_each 一起写")
        less_each, floor = (
            read_dated(fields[name], refs, refs.amount) if name in fields else None for name in cls.optional
        )
        amounts = read_dated(fields["amounts"], refs, lambda node: _read_amounts(node, refs))
        return cls(head, amounts, less_each, floor, read_count(fields["tally"]))

    def bind(self, facts: Facts) -> Bound:
        amounts = self.amounts.at(facts)
        lowering = [each.at(facts) for each in (self.less_each, self.floor) if each is not None]
        listed, listed_basis, tally = amounts.value, amounts.basis, self.tally
        less_fen = lowering[0].value if lowering else 0
        floor_fen = lowering[1].value if len(lowering) > 1 else 0
        all_basis, trace = (*amounts.basis, *(basis for each in lowering for basis in each.basis)), self.head.trace

        def run(bill: Bill) -> None:
            admission_no, base_fen = bill.tally(tally) + 1, bill.base_fen
            beyond = max(0, admission_no - len(listed))
            first_fen = listed[min(admission_no, len(listed)) - 1]
            # A floor that lies above the amount itself, as at the smallest institutions, must not raise it.
            amount_fen = min(first_fen, max(floor_fen, first_fen - less_fen * beyond))
            taken_fen = bill.deduct(amount_fen)
            bill.tallies[tally] = admission_no
            bill.trace.append(
                trace(
                    {"base_fen": base_fen, "admission_no": admission_no, "amount_fen": amount_fen},
                    {"deductible_fen": taken_fen, "base_fen": base_fen - taken_fen},
                    all_basis if beyond else listed_basis,
                )
            )

        return Bound(run, all_basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        base, amount = (yuan_text(int(step.inputs[name])) for name in ("base_fen", "amount_fen"))
        which = f"本年第 {step.inputs['admission_no']} 次住院，起付线 {amount} 元"
        if not step.results["base_fen"]:
            return f"{which}，政策范围内 {base} 元未超过起付线，由个人负担"
        return f"{which}，政策范围内 {base} 元，扣除后 {yuan_text(int(step.results['base_fen']))} 元进入报销"


def _read_amounts(node: Node, refs: References) -> tuple[int, ...]:
    amounts = tuple(refs.amount(item) for item in node.items())
    fixed = [amount for amount in amounts if isinstance(amount, int)]
    if fixed != sorted(fixed, reverse=True):
        raise node.error("后一次住院的起付线高于前一次", "按第一次、第二次……的次序，不升高")
    return amounts
