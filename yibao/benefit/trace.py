"""Saying in Chinese why an amount came out as it did. Sentences are made on demand: most traces are never read."""

from yibao.benefit.steps import KINDS
from yibao.benefit.types import TraceStep


def sentence(step: TraceStep) -> str:
    """Say what the step did, with a visible mark where it rests on a value that nobody published."""
    text = KINDS[step.step].sentence(step)
    if step.grade == "assumed":
        return f"{text}。注意：所用数值未见公布，是假定值，以参保地医保局的答复为准"
    return text
