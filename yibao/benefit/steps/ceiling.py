"""The ceiling of the year (封顶线): one fund pays no more than an amount, counted over the whole year.

It follows the step in which the fund pays, and gives what is cut back to the base, where a later fund may take it up.
Groups that name the same tally share one ceiling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step, read_fund, read_tally
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, Source, read_dated
from yibao.core.money import yuan_text


@dataclass(frozen=True, slots=True)
class Ceiling(Step):
    head: Head
    fund: str
    amount: Dated[int]
    tally: str

    required: ClassVar[tuple[str, ...]] = ("fund", "amount", "tally")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], sources: Mapping[str, Source]) -> Self:
        amount = read_dated(fields["amount"], sources, Node.amount_fen)
        return cls(head, read_fund(fields["fund"]), amount, read_tally(fields["tally"]))

    def bind(self, facts: Facts) -> Bound:
        amount = self.amount.at(facts)
        year_fen, basis, fund, tally, trace = amount.value, (amount.basis,), self.fund, self.tally, self.head.trace

        def run(bill: Bill) -> None:
            # A ceiling for a fund that no earlier step pays is a mistake in the policy: KeyError, never a lost ceiling.
            wanted_fen, paid_fen = bill.funds[fund], bill.tally(tally)
            left_fen = max(0, year_fen - paid_fen)
            fund_fen = min(wanted_fen, left_fen)
            bill.funds[fund] = fund_fen
            bill.base_fen += wanted_fen - fund_fen
            bill.tallies[tally] = paid_fen + fund_fen
            bill.trace.append(
                trace(
                    {"year_fen": year_fen, "paid_fen": paid_fen, "left_fen": left_fen, "wanted_fen": wanted_fen},
                    {"fund": fund, "fund_fen": fund_fen, "over_fen": wanted_fen - fund_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        year, paid, wanted = (yuan_text(int(step.inputs[name])) for name in ("year_fen", "paid_fen", "wanted_fen"))
        limits = f"基金本年最高支付 {year} 元，此前已支付 {paid} 元"
        if not step.results["over_fen"]:
            return f"{limits}，本次 {wanted} 元未超过限额"
        fund, over = (yuan_text(int(step.results[name])) for name in ("fund_fen", "over_fen"))
        return f"{limits}，本次可支付 {fund} 元，超过限额的 {over} 元由个人负担"
