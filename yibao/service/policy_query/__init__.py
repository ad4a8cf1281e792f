"""政策查询: what the rules of a place say for people like the one who asks, without signing in.

Invariants: every figure on the page comes from `benefit`, with where it was published and how good that is; the example
is worked out by the engine that settles bills; nothing is stored of what was asked.
"""

from yibao.service.policy_query.rules import Answer, Question, answer, question_of

__all__ = ["Answer", "Question", "answer", "question_of"]
