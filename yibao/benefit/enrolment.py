"""What it costs to be insured, what reaches the personal account, and from when on funds pay for somebody who joined.

Pure functions of one person and the policies, as `assess` is of a case: no figure of a rule stands here.
"""

from calendar import monthrange
from datetime import MAXYEAR, date

from yibao.benefit.policy import Policies, policies
from yibao.benefit.refusals import WageUnknown
from yibao.benefit.terms import PART_LABELS, Fixed, Share, Terms, fitting
from yibao.benefit.types import AGE, Due, Insured, held_words
from yibao.benefit.values import Cited, Facts


def premium(insured: Insured, *, using: Policies | None = None) -> Due:
    """Return what a person pays to be insured, and the employer besides (the shipped policies hold if none are given).

    Raises, first that applies: NoPolicy, NoRule, WageUnknown
    """
    facts, terms = _terms(insured, "premium", using)
    return _due(fitting(terms.premium, facts), terms, insured, facts)


def credit(insured: Insured, *, using: Policies | None = None) -> Due:
    """Return what a person receives on the personal account.

    Raises, first that applies: NoPolicy, NoRule, WageUnknown
    """
    facts, terms = _terms(insured, "credit", using)
    return _due(fitting(terms.credit, facts), terms, insured, facts)


def waiting_until(insured: Insured, *, using: Policies | None = None) -> Cited[date | None]:
    """Return the first day on which funds pay for a person who joined on `insured.on`; None where nobody waits.

    Raises, first that applies: NoPolicy, NoRule
    """
    facts, terms = _terms(insured, "waiting", using)
    wait = fitting(terms.waiting, facts)
    if insured.gap_months is not None and wait.waived_within_months:
        waived = wait.waived_within_months.at(facts)
        if insured.gap_months <= waived.value.count:
            return Cited(None, waived.basis)
    months = wait.months.at(facts)
    count, basis = months.value.count, months.basis
    if insured.missed_years and wait.months_per_missed_year:
        more = wait.months_per_missed_year.at(facts)
        count, basis = count + insured.missed_years * more.value.count, (*basis, *more.basis)
    if not count:
        return Cited(None, basis)
    first = _later(insured.on.replace(day=1), 1) if wait.from_next_month else insured.on
    return Cited(_later(first, count), basis)


def _terms(insured: Insured, part: str, using: Policies | None) -> tuple[Facts, Terms]:
    policy = (using or policies()).of(insured.place)
    words = {"person_kind": insured.person_kind, "reason": insured.reason, AGE: str(insured.age)}
    words |= held_words(insured.qualifications)
    facts = Facts(policy.label, insured.insurance, PART_LABELS[part], insured.on, words)
    return facts, policy.terms.get(insured.insurance, Terms())


def _due(due: Share | Fixed, terms: Terms, insured: Insured, facts: Facts) -> Due:
    if isinstance(due, Fixed):
        amount = due.amount.at(facts)
        return Due(due.head.label, due.every, None, amount.value, None, amount.basis)
    rate = due.rate.at(facts)
    employer = due.employer_rate.at(facts) if due.employer_rate else None
    if insured.wage_fen is None:
        raise WageUnknown(label=facts.label, what=due.head.label)
    base = terms.base.of(insured.wage_fen, facts) if terms.base else Cited(insured.wage_fen, ())
    return Due(
        due.head.label,
        due.every,
        base.value,
        due.rounding(base.value * rate.value),
        due.rounding(base.value * employer.value) if employer else None,
        (*base.basis, *rate.basis, *(employer.basis if employer else ())),
    )


def _later(day: date, months: int) -> date:
    """Return the same day of a later month, or the last of a month that is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if year > MAXYEAR:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
