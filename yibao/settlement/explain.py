"""A settlement in plain words: one sentence of who paid what and why, and the steps that led there; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from yibao import benefit
from yibao.core.money import yuan_text
from yibao.settlement.queries import Document
from yibao.settlement.types import Amounts

# The figure that says what a step moved, by the name it has among the step's results. The first that is there counts:
# a ceiling names the fund's whole amount beside what it cut off, and a fund's step the money it worked on.
_MOVED = (
    ("over_fen", "超过限额"),
    ("deductible_fen", "起付线"),
    ("fund_fen", "基金付"),
    ("account_fen", "个人账户付"),
    ("borne_fen", "个人负担"),
    ("part_fen", "个人负担"),
    ("in_scope_fen", "政策范围内"),
)

# What a step took from what the fund could have paid, which the settlement's amounts do not name.
_TAKEN = {
    "first_pay": ("borne_fen", "按规定先由自己负担"),
    "ceiling": ("over_fen", "超过了报销限额"),
    "cost_ceiling": ("over_fen", "超过了报销限额"),
}

_ASSUMED = "这一条没有查到公布的规定，按假定计算；有疑问请拨打 12393。"


class Step(Struct, frozen=True):
    """One step as a row: what, what it did, the amount it moved and in whose name, and what that rests on."""

    label: str
    code: str  # National polItemCode; empty where there is none.
    sentence: str
    moved: tuple[str, int] | None
    basis: tuple[benefit.Basis, ...]


def steps(document: Document) -> list[Step]:
    """Return the steps of the computation in their order, each source of a step once."""
    return steps_of(_trace(document))


def steps_of(trace: Iterable[benefit.TraceStep]) -> list[Step]:
    """Return the steps of a computation that nobody has settled."""
    return [Step(step.label, step.code, benefit.sentence(step), _moved(step), _sources(step)) for step in trace]


def _trace(document: Document) -> list[benefit.TraceStep]:
    return msgspec.convert(document.trace, list[benefit.TraceStep])


def _moved(step: benefit.TraceStep) -> tuple[str, int] | None:
    return next(((word, int(step.results[name])) for name, word in _MOVED if name in step.results), None)


def _sources(step: benefit.TraceStep) -> tuple[benefit.Basis, ...]:
    """Return what a step rests on, one of each: its values often come from one passage."""
    return tuple(dict.fromkeys(msgspec.structs.replace(basis, rule="") for basis in step.basis))


def summary(document: Document) -> str:
    """Say who paid what and what the fund did not pay for, or of a cancelling what goes back where.

    No amount is computed here, and nothing is said of a part that is zero; only that no cash is owed is good news.
    """
    a = document.amounts
    if document.reverses is not None:
        return _cancelled(a.negated())
    return _paid(a, _trace(document))


def summary_of(assessment: benefit.Assessment) -> str:
    """Say the same of what nobody has settled."""
    return _paid(Amounts.of(assessment), assessment.trace)


def _paid(a: Amounts, trace: Sequence[benefit.TraceStep]) -> str:
    if not a.total_fen:
        return "这次没有要付的钱。"
    payers = _said(
        (a.fund_fen, "医保基金付 {} 元"),
        (a.account_fen, "您的个人账户付 {} 元"),
        (a.mutual_aid_fen, "家人共济的账户付 {} 元"),
        (a.hospital_fen, "医院承担 {} 元"),
        (a.cash_fen, "您付现金 {} 元"),
    ) + ([] if a.cash_fen else ["您不用再付现金"])
    reasons = _reasons(a, trace)
    because = f"其中 {'，'.join(reasons)}。" if reasons else ""
    why, assumed = benefit.why_unpaid(trace)
    unpaid = f"医保基金不支付：{why}。{_ASSUMED if assumed else ''}" if why else ""
    return f"一共 {yuan_text(a.total_fen)} 元：{'，'.join(payers)}。{unpaid}{because}"


def _reasons(a: Amounts, trace: Sequence[benefit.TraceStep]) -> list[str]:
    stay = any(step.step == "admission_deductible" for step in trace)
    waits = any(step.step == "waiting" for step in trace)
    return (["您还在等待期内，基金不支付"] if waits else []) + _said(
        (a.full_own_fen, "{} 元不在医保目录内"),
        (a.over_limit_fen, "{} 元高出医保限价"),
        (a.first_own_fen, "{} 元按目录规定先由自己负担"),
        (a.deductible_fen, "{} 元算在这次住院的起付线里" if stay else "{} 元算在今年的起付线里"),
        *((fen, f"{{}} 元{words}") for words, fen in _taken(trace).items()),
    )


def _taken(trace: Sequence[benefit.TraceStep]) -> Counter[str]:
    """Return what steps took, by the words for it; not what a ceiling cut and a later fund could pay after all."""
    taken: Counter[str] = Counter()
    for at, step in enumerate(trace):
        if step.step in _TAKEN:
            name, words = _TAKEN[step.step]
            paid_later = any(later.results.get("fund_fen") and later.step != "ceiling" for later in trace[at + 1 :])
            if step.step == "first_pay" or not paid_later:
                taken[words] += int(step.results[name])
    return taken


def _cancelled(a: Amounts) -> str:
    back = _said(
        (a.fund_fen, "{} 元退回医保基金"),
        (a.account_fen, "{} 元退回您的个人账户"),
        (a.mutual_aid_fen, "{} 元退回家人共济的账户"),
        (a.hospital_fen, "医院承担的 {} 元一并撤销"),
        (a.cash_fen, "退给您现金 {} 元"),
    )
    if not back:
        return "这次没有要退的钱。"
    return f"{yuan_text(a.total_fen)} 元的结算已经撤销：{'，'.join(back)}。"


def _said(*parts: tuple[int, str]) -> list[str]:
    return [words.format(yuan_text(fen)) for fen, words in parts if fen]
