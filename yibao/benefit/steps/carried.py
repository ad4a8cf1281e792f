"""What an earlier cancelling left open is settled with this bill (退费差额).

A bill that is cancelled although later ones used the same counters leaves those later ones with other amounts than they
would have had. What a fund owes for it stands in the counter `carried.<fund>`, what the person owes in `owed.<fund>`;
this step takes as much of both as the bill allows, and the rest waits for the next. It stands after the funds and
before the account; a policy in which every group has it lets bills be cancelled out of order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from yibao.benefit.bill import PARTS, Bill, Bound, Head, Step
from yibao.benefit.document import Node
from yibao.benefit.types import CARRIED, OWED, TraceStep
from yibao.benefit.values import Facts, References
from yibao.core.money import yuan_text


@dataclass(frozen=True, slots=True)
class Carried(Step):
    head: Head

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(head)

    def bind(self, facts: Facts) -> Bound:
        return Bound(self._run)

    def _run(self, bill: Bill) -> None:
        for name, fen in sorted(bill.case.tallies.items()):
            if fen and name.startswith((CARRIED, OWED)):
                fund = name.partition(".")[2]
                paid_fen = bill.funds.get(fund, 0)
                if name.startswith(CARRIED):
                    moved_fen = min(fen, bill.total_fen - bill.fund_fen - bill.current_account_fen)
                    bill.pay_parts(fund, parts=PARTS, base_fen=0, fund_fen=moved_fen)
                else:
                    moved_fen = min(fen, paid_fen)
                    bill.funds[fund] = paid_fen - moved_fen
                    bill.copay_left_fen += moved_fen
                bill.tallies[name] = fen - moved_fen
                bill.trace.append(
                    self.head.trace(
                        {"owner": "fund" if name.startswith(CARRIED) else "person", "open_fen": fen},
                        {"fund": fund, "moved_fen": moved_fen, "left_fen": fen - moved_fen},
                    )
                )

    @staticmethod
    def sentence(step: TraceStep) -> str:
        fen, moved, left = (
            yuan_text(int(amount))
            for amount in (step.inputs["open_fen"], step.results["moved_fen"], step.results["left_fen"])
        )
        rest = f"，还有 {left} 元留到下一次" if step.results["left_fen"] else ""
        if step.inputs["owner"] == "fund":
            return f"以前退费以后，基金还应补给您 {fen} 元，本次补 {moved} 元{rest}"
        return f"以前退费以后，基金多付了 {fen} 元，本次少付 {moved} 元{rest}"
