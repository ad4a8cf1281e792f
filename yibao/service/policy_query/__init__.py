"""政策查询: what the rules of a place say for people like the one who asks, without signing in.

Invariants: every figure on the page comes from `benefit`, with where it was published and how good that is; the example
is worked out by the engine that settles bills; nothing is stored of what was asked.
"""

from yibao.service.policy_query.pages import choices
from yibao.service.policy_query.refusals import MalformedQuestion
from yibao.service.policy_query.rules import (
    AMOUNT_MAX_FEN,
    INSURANCE_OF,
    Answer,
    Offer,
    Question,
    answer,
    case_of,
    offer,
    question_of,
    require_no_age,
    special,
    treated_place,
)

__all__ = [
    "AMOUNT_MAX_FEN",
    "INSURANCE_OF",
    "Answer",
    "MalformedQuestion",
    "Offer",
    "Question",
    "answer",
    "case_of",
    "choices",
    "offer",
    "question_of",
    "require_no_age",
    "special",
    "treated_place",
]
