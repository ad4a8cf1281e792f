"""What is covered and how much: a pure engine, with the rules of each place as data.

`assess(case)` divides a bill between the funds, the person's account and cash, and says of every step which value it
used, where that value was published and how good the evidence is. `premium`, `credit` and `waiting_until` say what it
costs to be insured, what reaches the personal account, and from when on funds pay for somebody who joined. Nothing here
reads a clock or a database: whoever asks gathers the facts into a `Case` or an `Insured`. No figure of a rule stands in
Python.

Invariants, whatever the policy:
- each line = 全自费 + 超限价 + 先行自付 + 政策范围内, and the lines sum to the bill;
- total = funds + person + hospital; person = account + mutual aid + cash; no part is negative;
- a bill that differs only in having more in scope is never paid less by the funds.

A place is a folder in `policies/`; a kind of step that nobody had is a file in `steps/`. `published/` holds, place by
place, as much of other rules as the examples in public pages state: it proves the engine and serves nobody.
`load_policy` and `run_examples` are for the people who write them.
"""

from yibao.benefit.assess import assess
from yibao.benefit.document import PolicyError
from yibao.benefit.enrolment import credit, premium, waiting_until
from yibao.benefit.examples import Outcome, Report, load_case, run_examples
from yibao.benefit.policy import PUBLISHED, SHIPPED, Policies, Policy, Stated, load_policy, policies
from yibao.benefit.refusals import NoPolicy, NoRule, WageUnknown
from yibao.benefit.trace import GRADE_NAMES, sentence, why_unpaid
from yibao.benefit.types import (
    QUALIFICATIONS,
    Assessment,
    Basis,
    Case,
    ChargeClass,
    Due,
    FundShare,
    Insured,
    ItemKind,
    Line,
    LineShare,
    TraceStep,
)
from yibao.benefit.values import Cited

__all__ = [
    "GRADE_NAMES",
    "PUBLISHED",
    "QUALIFICATIONS",
    "SHIPPED",
    "Assessment",
    "Basis",
    "Case",
    "ChargeClass",
    "Cited",
    "Due",
    "FundShare",
    "Insured",
    "ItemKind",
    "Line",
    "LineShare",
    "NoPolicy",
    "NoRule",
    "Outcome",
    "Policies",
    "Policy",
    "PolicyError",
    "Report",
    "Stated",
    "TraceStep",
    "WageUnknown",
    "assess",
    "credit",
    "load_case",
    "load_policy",
    "policies",
    "premium",
    "run_examples",
    "sentence",
    "waiting_until",
    "why_unpaid",
]
