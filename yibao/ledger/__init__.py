"""Double entry, and the only place where a balance changes.

A row is a transfer from one account to another, so an entry that does not balance cannot be written. A personal
account (个人账户) belongs to a person and an insured place and is never overdrawn; its kept balance is the sum of its
transfers, which `check` proves. Rows are appended and never changed, and the application's role has no right to do
anything else.
"""

from yibao.ledger.actions import credit, credit_many, open_account, open_accounts
from yibao.ledger.check import check
from yibao.ledger.queries import balance, statement
from yibao.ledger.refusals import AccountUnknown, CauseReused
from yibao.ledger.types import Credit, Finding, Movement

__all__ = [
    "AccountUnknown",
    "CauseReused",
    "Credit",
    "Finding",
    "Movement",
    "balance",
    "check",
    "credit",
    "credit_many",
    "open_account",
    "open_accounts",
    "statement",
]
