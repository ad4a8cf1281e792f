"""The ceiling of the year (封顶线): one fund pays no more than an amount, counted over the whole year.

It follows the step in which the fund pays, and gives what is cut back to the base, where a later fund may take it up;
the costs behind what is cut are beyond the ceiling (`supplement`). Groups that name the same tally share one ceiling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step, TallyName, read_fund, read_tally
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import half_up, yuan_text


@dataclass(frozen=True, slots=True)
class Ceiling(Step):
    head: Head
    fund: str
    amount: Dated[int]
    tally: TallyName

    required: ClassVar[tuple[str, ...]] = ("fund", "amount", "tally")

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        amount = read_dated(fields["amount"], refs, refs.amount)
        return cls(head, read_fund(fields["fund"]), amount, read_tally(fields["tally"]))

    def bind(self, facts: Facts) -> Bound:
        amount = self.amount.at(facts)
        year_fen, basis, fund, trace = amount.value, amount.basis, self.fund, self.head.trace
        tally = self.tally.of(facts)

        def run(bill: Bill) -> None:
            wanted_fen, paid_fen = bill.funds.get(fund, 0), bill.tally(tally)
            left_fen = max(0, year_fen - paid_fen)
            fund_fen = min(wanted_fen, left_fen)
            bill.funds[fund] = fund_fen
            if wanted_fen > fund_fen:
                beyond_fen = half_up(Decimal(bill.fund_bases[fund] * (wanted_fen - fund_fen)) / wanted_fen)
                bill.fund_bases[fund] -= beyond_fen
                bill.base_fen += wanted_fen - fund_fen
                bill.copay_left_fen += wanted_fen - fund_fen
                bill.beyond_base_fen = min(bill.base_fen, bill.beyond_base_fen + beyond_fen)
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
        return f"{limits}，本次可支付 {fund} 元，超过限额的 {over} 元它不再支付"
