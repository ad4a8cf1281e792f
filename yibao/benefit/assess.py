"""The one question this room answers."""

from decimal import Decimal

from yibao.benefit.bill import Bill
from yibao.benefit.policy import Policies, policies
from yibao.benefit.types import Assessment, Case, FundShare


def assess(case: Case, *, using: Policies | None = None) -> Assessment:
    """Work out who pays what of a bill, and why: a pure function of the case and the policies (the shipped ones if none
    are given).

    Raises, first that applies: NoPolicy, NoRule
    """
    plan = (using or policies()).plan(case)
    bill = Bill(case)
    for run in plan.runs:
        run(bill)
    fund_fen = bill.fund_fen
    person_fen = bill.total_fen - fund_fen
    account_fen = bill.current_account_fen + bill.account_fen
    cash_fen = person_fen - account_fen
    # Steps are written by many hands over years; a split that cannot be is stopped here, before anybody is charged.
    if min(fund_fen, person_fen, account_fen, cash_fen, *bill.funds.values()) < 0:
        raise ArithmeticError(f"the steps of {plan.policy} lead to a negative part")
    return Assessment(
        lines=bill.lines,
        total_fen=bill.total_fen,
        full_own_fen=bill.full_own_fen,
        over_limit_fen=bill.over_limit_fen,
        first_own_fen=bill.first_own_fen,
        in_scope_fen=bill.in_scope_fen,
        deductible_fen=bill.deductible_fen,
        funds=tuple([FundShare(fund, fen) for fund, fen in bill.funds.items() if fen]),
        fund_fen=fund_fen,
        person_fen=person_fen,
        account_fen=account_fen,
        current_account_fen=bill.current_account_fen,
        mutual_aid_fen=0,
        cash_fen=cash_fen,
        hospital_fen=0,
        pool_ratio=bill.pool_ratio or Decimal(0),
        tallies=bill.tallies,
        trace=tuple(bill.trace),
        policy=plan.policy,
    )
