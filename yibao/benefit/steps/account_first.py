"""This year's account pays before the funds do, where a place keeps two account years (上海：当年账户).

It pays what is in scope, whether or not the person asks for it, because the rules leave no choice; the deductible and
the funds begin where it is used up. Older money (历年账户) waits for the step `account`.
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
class AccountFirst(Step):
    head: Head
    pays: Dated[frozenset[str]]

    without_fund: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("pays",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(head, read_dated(fields["pays"], refs, _read_parts))

    def bind(self, facts: Facts) -> Bound:
        pays = self.pays.at(facts)
        basis, trace, applies = pays.basis, self.head.trace, bool(pays.value)

        def run(bill: Bill) -> None:
            base_fen, balance_fen = bill.base_fen, bill.case.current_account_fen
            account_fen = min(base_fen, balance_fen) if applies else 0
            bill.current_account_fen = account_fen
            bill.base_fen = base_fen - account_fen
            bill.copay_left_fen -= account_fen
            bill.trace.append(
                trace(
                    {"base_fen": base_fen, "balance_fen": balance_fen},
                    {"account_fen": account_fen, "base_fen": base_fen - account_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        balance, account, rest = (
            yuan_text(int(fen))
            for fen in (step.inputs["balance_fen"], step.results["account_fen"], step.results["base_fen"])
        )
        return f"当年账户余额 {balance} 元，先支付政策范围内的 {account} 元，还有 {rest} 元"


def _read_parts(node: Node) -> frozenset[str]:
    return frozenset({node.choice(("in_scope", "none"))} - {"none"})
