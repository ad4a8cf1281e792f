"""The person's own account (个人账户) pays, if the person wants it, the personal parts that the policy names.

It stands after the funds, so that it pays only what is left to the person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from yibao.benefit.bill import Bill, Bound, Head, Step
from yibao.benefit.document import Node
from yibao.benefit.types import TraceStep
from yibao.benefit.values import Dated, Facts, References, read_dated
from yibao.core.money import yuan_text

_PARTS = ("in_scope", "first_own", "over_limit", "full_own")


@dataclass(frozen=True, slots=True)
class Account(Step):
    head: Head
    pays: Dated[frozenset[str]]

    without_fund: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("pays",)

    @classmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        return cls(head, read_dated(fields["pays"], refs, _read_parts))

    def bind(self, facts: Facts) -> Bound:
        pays = self.pays.at(facts)
        basis, trace = pays.basis, self.head.trace
        in_scope, first_own, over_limit, full_own = (part in pays.value for part in _PARTS)

        def run(bill: Bill) -> None:
            case = bill.case
            person_fen = bill.total_fen - bill.fund_fen - bill.current_account_fen
            payable_fen = (
                in_scope * (bill.copay_left_fen + bill.deductible_left_fen)
                + first_own * bill.first_own_left_fen
                + over_limit * bill.over_limit_left_fen
                + full_own * bill.full_own_left_fen
            )
            account_fen = min(payable_fen, case.account_fen) if case.use_account else 0
            bill.account_fen = account_fen
            bill.trace.append(
                trace(
                    {
                        "person_fen": person_fen,
                        "payable_fen": payable_fen,
                        "balance_fen": case.account_fen,
                        "used": "yes" if case.use_account else "no",
                    },
                    {"account_fen": account_fen, "cash_fen": person_fen - account_fen},
                    basis,
                )
            )

        return Bound(run, basis)

    @staticmethod
    def sentence(step: TraceStep) -> str:
        person, payable, balance = (
            yuan_text(int(step.inputs[name])) for name in ("person_fen", "payable_fen", "balance_fen")
        )
        account, cash = (yuan_text(int(step.results[name])) for name in ("account_fen", "cash_fen"))
        if step.inputs["used"] == "no":
            return f"个人负担 {person} 元，本次不使用个人账户，现金支付 {cash} 元"
        limits = "" if payable == person else f"，其中个人账户可以支付 {payable} 元"
        return f"个人负担 {person} 元{limits}；个人账户余额 {balance} 元，支付 {account} 元，现金支付 {cash} 元"


def _read_parts(node: Node) -> frozenset[str]:
    return frozenset(item.choice(_PARTS) for item in node.items())
