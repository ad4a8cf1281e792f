"""A fund pays a share of what is left (按比例报销): a rate, and percentage points added to it or taken off.

The rate never leaves 0 to 1, whatever the points. The fund's amount is rounded once for the bill; what the person
bears is the rest, so that the two halves are never rounded apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step, read_fund
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import ROUNDINGS, percent_text, yuan_text


@dataclass(frozen=True, slots=True)
class Points:
    """Percentage points on top of the rate, for a reason that has a name (退休人员)."""

    label: str
    rate: Dated[Decimal]


@dataclass(frozen=True, slots=True)
class Ratio(Step):
    head: Head
    fund: str
    rate: Dated[Decimal]
    points: tuple[Points, ...]
    rounding: Callable[[Decimal], int]

    required: ClassVar[tuple[str, ...]] = ("fund", "rate", "rounding")
    optional: ClassVar[tuple[str, ...]] = ("points",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(
            head,
            fund=read_fund(fields["fund"]),
            rate=read_dated(fields["rate"], refs, lambda node: node.decimal(0, 1)),
            points=tuple(_read_points(item, refs) for item in fields["points"].items()) if "points" in fields else (),
            rounding=ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))],
        )

    def bind(self, facts: Facts) -> Bound:
        base_rate = self.rate.at(facts)
        points = [(each.label, each.rate.at(facts)) for each in self.points]
        rate = base_rate.value + sum(cited.value for _, cited in points)
        rate = min(max(rate, Decimal(0)), Decimal(1))
        basis = (*base_rate.basis, *(basis for _, cited in points for basis in cited.basis))
        made_of = "，".join(
            [percent_text(base_rate.value)]
            + [f"{label} {(cited.value * 100).normalize():+f} 个百分点" for label, cited in points if cited.value]
        )
        rate_text, fund, rounding, trace = percent_text(rate), self.fund, self.rounding, self.head.trace

        def run(bill: Bill) -> None:
            base_fen = bill.base_fen
            fund_fen = rounding(base_fen * rate)
            bill.pay_base(fund, base_fen=base_fen, fund_fen=fund_fen)
            if bill.pool_ratio is None:
                bill.pool_ratio = rate
            bill.trace.append(
                trace(
                    {"base_fen": base_fen, "rate": rate_text, "made_of": made_of},
                    {"fund": fund, "fund_fen": fund_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @property
    def paying_fund(self) -> str:
        return self.fund

    @staticmethod
    def sentence(step: TraceStep) -> str:
        base, fund = yuan_text(int(step.inputs["base_fen"])), yuan_text(int(step.results["fund_fen"]))
        rate, made_of = step.inputs["rate"], step.inputs["made_of"]
        detail = " " if made_of == rate else f"（{made_of}）"
        return f"{base} 元按 {rate}{detail}报销，基金支付 {fund} 元"


def _read_points(node: Node, refs: References) -> Points:
    fields = node.fields(required=("label", "rate"))
    return Points(fields["label"].text(), read_dated(fields["rate"], refs, lambda leaf: leaf.decimal(-1, 1)))
