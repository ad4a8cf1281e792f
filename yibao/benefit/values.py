"""Values of law: dated, depending on facts of the case, each with its source and grade.

amount:
  2023-01-01:                                   # holds from this day until a later entry replaces it
    by: [person_kind]                           # the facts on which it depends, outermost first; may be left out.
                                                # With `age`, each key is the age from which its value holds.
    value: {employed: "200.00", retired: "150.00"}
    source: a_source                            # an id under `sources`; left out exactly where the grade is assumed
    grade: C
    verified: false
    note: …                                     # what a reader should know; required where the grade is assumed
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as fields_of
from datetime import date
from typing import Generic, TypeVar

from yibao.benefit.document import Node
from yibao.benefit.refusals import NoRule
from yibao.benefit.types import AGE, FACTS, FILING_NAMES, GRADES, INSURANCE_NAMES, VISIT_NAMES, Basis, Grade

T = TypeVar("T")

_PUBLISHED: tuple[Grade, ...] = ("A", "B", "C", "D", "K")  # A source cannot be assumed; a value can.


@dataclass(frozen=True, slots=True)
class Source:
    """A published passage from which values are taken."""

    title: str
    article: str
    href: str
    published_on: date | None
    grade: Grade


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when rules are chosen: the day and the words of the case, but not its amounts."""

    label: str  # Name of the place.
    insurance: str
    on: date
    words: Mapping[str, str]  # One word for each of FACTS, and the age.

    def meet(self, when: Mapping[str, tuple[str, ...]]) -> bool:
        """Return whether each fact that `when` names has one of the words listed."""
        return all(self.words[fact] in words for fact, words in when.items())

    def no_rule(self, lacking: str) -> NoRule:
        """Return the refusal that says for which insurance, visit and day there is no rule."""
        return NoRule(
            label=self.label,
            insurance=INSURANCE_NAMES[self.insurance],
            visit=VISIT_NAMES[self.words["visit_kind"]],
            filing=FILING_NAMES[self.words["filing"]],
            on=self.on.isoformat(),
            lacking=lacking,
        )


@dataclass(frozen=True, slots=True)
class Cited(Generic[T]):
    """One value with what it rests on."""

    value: T
    basis: Basis


@dataclass(frozen=True, slots=True)
class Period(Generic[T]):
    """The values that hold from one day on, by the words of the facts they depend on."""

    from_on: date
    by: tuple[str, ...]
    table: dict[tuple[str, ...], Cited[T]]

    @property
    def ages(self) -> tuple[int, ...]:
        """The ages from which another value may hold, highest first."""
        if AGE not in self.by:
            return ()
        at = self.by.index(AGE)
        return tuple(sorted({int(key[at]) for key in self.table}, reverse=True))

    def find(self, words: Mapping[str, str]) -> Cited[T] | None:
        """Return the value for these words: that of the highest age which the person has reached."""
        if AGE not in self.by:
            return self.table.get(tuple(words[fact] for fact in self.by))
        for age in self.ages:
            if age <= int(words[AGE]):
                reached = {**words, AGE: str(age)}
                cited = self.table.get(tuple(reached[fact] for fact in self.by))
                if cited is not None:
                    return cited
        return None


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value through time."""

    path: str
    periods: tuple[Period[T], ...]  # Latest first.

    def at(self, facts: Facts) -> Cited[T]:
        """Return the value that holds for these facts; NoRule where the policy has none."""
        period = self.period(facts.on)
        if period is None:
            raise facts.no_rule(f"{self.path}（{facts.on.isoformat()} 当日的值）")
        cited = period.find(facts.words)
        if cited is None:
            key = tuple(facts.words[fact] for fact in period.by)
            raise facts.no_rule(".".join((self.path, period.from_on.isoformat(), "value", *key)))
        return cited

    def period(self, on: date) -> Period[T] | None:
        """Return the values that hold on a day; None before the first."""
        return next((period for period in self.periods if period.from_on <= on), None)


def dated_in(part: object, label: str = "") -> Iterator[tuple[str, Dated[object]]]:
    """Yield every dated value that stands in a step, or in anything that consists of steps, each with the label of the
    part of the step to which it belongs; empty where that is the step itself.
    """
    if isinstance(part, Dated):
        yield label, part
    elif isinstance(part, tuple):
        for each in part:
            yield from dated_in(each, label)
    elif is_dataclass(part):
        label = getattr(part, "label", label)
        for field in fields_of(part):
            yield from dated_in(getattr(part, field.name), label)


def read_sources(node: Node) -> dict[str, Source]:
    """Read the `sources` of a policy by their ids."""
    return {key.text(): _read_source(value) for key, value in node.entries()}


def _read_source(node: Node) -> Source:
    fields = node.fields(required=("title", "grade"), optional=("article", "href", "published_on"))
    return Source(
        title=fields["title"].text(),
        article=fields["article"].text() if "article" in fields else "",
        href=fields["href"].matching(r"https?://\S+", "以 http:// 或 https:// 开头的网址") if "href" in fields else "",
        published_on=fields["published_on"].day() if "published_on" in fields else None,
        grade=fields["grade"].choice(_PUBLISHED),
    )


def read_when(node: Node) -> dict[str, tuple[str, ...]]:
    """Read conditions: for each fact named, the words under which a rule applies."""
    return {
        (fact := key.choice(tuple(FACTS))): tuple(word.choice(FACTS[fact]) for word in words.items())
        for key, words in node.entries()
    }


def read_dated(node: Node, sources: Mapping[str, Source], leaf: Callable[[Node], T]) -> Dated[T]:
    """Read a dated value; `leaf` reads what stands where all facts are chosen."""
    periods = [_read_period(key.day(), value, sources, leaf) for key, value in node.entries()]
    return Dated(node.path, tuple(sorted(periods, key=lambda period: period.from_on, reverse=True)))


def _read_period(from_on: date, node: Node, sources: Mapping[str, Source], leaf: Callable[[Node], T]) -> Period[T]:
    fields = node.fields(required=("value", "grade", "verified"), optional=("by", "source", "note"))
    grade = fields["grade"].choice((*_PUBLISHED, "assumed"))
    verified = fields["verified"].flag()
    note = fields["note"].text() if "note" in fields else ""
    if grade == "assumed":
        # An assumed value has nothing to be verified against, and a source beside it would lend it an authority.
        if "source" in fields:
            raise fields["source"].error("假定的值写了来源", "去掉 source，或者改写真实的等级")
        if verified:
            raise fields["verified"].error("假定的值写成已核实", "false")
        if not note:
            raise node.error("假定的值没有说明", "在 note 中写明为什么这样假定")
        source = Source("", "", "", None, grade)
    else:
        if "source" not in fields:
            raise node.error("缺少“source”", "写明 source；没有来源的值写 grade: assumed")
        source = sources[fields["source"].choice(tuple(sources))]
        if GRADES.index(grade) < GRADES.index(source.grade):
            raise fields["grade"].error(f"等级“{grade}”高于来源的等级", f"{source.grade} 或更低")
    by = tuple(fact.choice((*FACTS, AGE)) for fact in fields["by"].items()) if "by" in fields else ()

    def cite(at: Node) -> Cited[T]:
        basis = Basis(
            rule=at.path,
            from_on=from_on,
            title=source.title,
            article=source.article,
            href=source.href,
            grade=grade,
            verified=verified,
            note=note,
        )
        return Cited(leaf(at), basis)

    def table(at: Node, facts: tuple[str, ...]) -> dict[tuple[str, ...], Cited[T]]:
        if not facts:
            return {(): cite(at)}
        return {
            (_read_word(key, facts[0]), *rest): cited
            for key, value in at.entries()
            for rest, cited in table(value, facts[1:]).items()
        }

    return Period(from_on, by, table(fields["value"], by))


def _read_word(node: Node, fact: str) -> str:
    if fact == AGE:
        return node.matching(r"0|[1-9][0-9]{0,2}", "周岁，从这个年龄起，例如 60")
    return node.choice(FACTS[fact])
