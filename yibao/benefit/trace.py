"""Saying in Chinese why an amount came out as it did. Sentences are made on demand: most traces are never read."""

from collections.abc import Iterable

from yibao.benefit.steps import KINDS
from yibao.benefit.types import TraceStep

GRADE_NAMES = {  # How good the evidence for a value is, in words for whoever pays by it.
    "A": "官方原文",
    "B": "医院、政府媒体或多家一致的转述",
    "C": "网页转述",
    "D": "自动整理的网页",
    "K": "一般知识",
    "assumed": "假定值",
}


def sentence(step: TraceStep) -> str:
    """Say what the step did, with a visible mark where it rests on a value that nobody published."""
    text = KINDS[step.step].sentence(step)
    if step.grade == "assumed":
        return f"{text}。注意：所用数值未见公布，是假定值，以参保地医保局的答复为准"
    return text


def why_unpaid(trace: Iterable[TraceStep]) -> tuple[str, bool]:
    """Return why no fund pays for a visit of this kind, and whether nobody published that and it is only assumed.

    Both are empty where funds may pay.
    """
    return next(
        ((str(step.inputs["reason"]), step.grade == "assumed") for step in trace if step.step == "unpaid"), ("", False)
    )
