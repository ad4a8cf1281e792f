"""What of the bill is within the policy: 全自费, then 超限价, then 先行自付, and the rest is in scope (政策范围内).

Each part is rounded per line by the rounding the policy names; the rest is found by subtraction, so that no fen is
counted twice. Class, price limit and own-pay rate come with the line from the catalogue of the place of treatment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step
from yibao.benefit.document import Node
from yibao.benefit.types import Line, LineShare, TraceStep
from yibao.benefit.values import Facts, Source
from yibao.core.money import ROUNDINGS, yuan_text

Rounding = Callable[[Decimal], int]

_FULL_OWN, _OVER_LIMIT, _FIRST_OWN = "101", "103", "102"  # National polItemCode of the three parts outside.


@dataclass(frozen=True, slots=True)
class Scope(Step):
    head: Head
    over_limit_rounding: Rounding
    first_own_rounding: Rounding

    required: ClassVar[tuple[str, ...]] = ("over_limit_rounding", "first_own_rounding")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], sources: Mapping[str, Source]) -> Self:
        over_limit, first_own = (ROUNDINGS[fields[name].choice(tuple(ROUNDINGS))] for name in cls.required)
        return cls(head, over_limit, first_own)

    def bind(self, facts: Facts) -> Bound:
        return Bound(self._run)

    def _run(self, bill: Bill) -> None:
        shares = tuple([self._share(line) for line in bill.case.lines])
        total = full_own = over_limit = first_own = 0
        full_own_lines = over_limit_lines = first_own_lines = 0
        for share in shares:
            total += share.amount_fen
            if share.full_own_fen:
                full_own += share.full_own_fen
                full_own_lines += 1
            if share.over_limit_fen:
                over_limit += share.over_limit_fen
                over_limit_lines += 1
            if share.first_own_fen:
                first_own += share.first_own_fen
                first_own_lines += 1
        bill.lines = shares
        bill.total_fen = total
        bill.full_own_fen = full_own
        bill.over_limit_fen = over_limit
        bill.first_own_fen = first_own
        bill.in_scope_fen = bill.base_fen = total - full_own - over_limit - first_own
        for code, label, lines, part in (
            (_FULL_OWN, "全自费", full_own_lines, full_own),
            (_OVER_LIMIT, "超限价", over_limit_lines, over_limit),
            (_FIRST_OWN, "先行自付", first_own_lines, first_own),
        ):
            if lines:
                bill.trace.append(
                    TraceStep(
                        self.head.kind, code, label, self.head.rule, {"lines": lines}, {"part_fen": part}, basis=()
                    )
                )
        bill.trace.append(
            self.head.trace(
                {"total_fen": total, "outside_fen": full_own + over_limit + first_own},
                {"in_scope_fen": bill.in_scope_fen},
            )
        )

    def _share(self, line: Line) -> LineShare:
        amount = line.amount_fen
        if line.charge_class == "C":
            return LineShare(line.line_no, amount, amount, 0, 0, 0)
        over_limit = 0
        if line.price_limit is not None and line.unit_price > line.price_limit:
            excess = (line.unit_price - line.price_limit) * line.quantity * 100
            over_limit = min(amount, self.over_limit_rounding(excess))
        left = amount - over_limit
        first_own = self.first_own_rounding(left * line.own_pay_rate) if line.own_pay_rate else 0
        return LineShare(line.line_no, amount, 0, over_limit, first_own, left - first_own)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        inputs, results = step.inputs, step.results
        if step.code not in _PARTS:
            return (
                f"总费用 {yuan_text(int(inputs['total_fen']))} 元，减去政策范围外 "
                f"{yuan_text(int(inputs['outside_fen']))} 元，政策范围内 {yuan_text(int(results['in_scope_fen']))} 元"
            )
        return f"{inputs['lines']} 项{_PARTS[step.code]}，共 {yuan_text(int(results['part_fen']))} 元由个人负担"


_PARTS = {
    _FULL_OWN: "属于丙类或不在医保目录内，全自费",
    _OVER_LIMIT: "单价高于医保支付限价，高出的部分",
    _FIRST_OWN: "按目录规定的比例先行自付",
}
