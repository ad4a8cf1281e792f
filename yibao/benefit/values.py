"""Values of law: dated, depending on facts of the case, each with its source and grade.

amount:
  2023-01-01:                                   # holds from this day until a later entry replaces it
    by: [person_kind]                           # the facts on which it depends, outermost first; may be left out.
                                                # With `age`, each key is the age from which its value holds; with
                                                # `disease`, it is a national code, or `other`.
    value: {employed: "200.00", retired: "150.00"}
    source: a_source                            # an id under `sources`; left out exactly where the grade is assumed
    grade: C
    verified: false
    note: …                                     # what a reader should know; required where the grade is assumed
  2026-01-01: ended                             # from this day on there is no value, and no rule

An amount may also be a share of a figure that is published every year: {share: "0.50", of: income_per_head}.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from dataclasses import fields as fields_of
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any, Generic, TypeVar

from yibao.benefit.document import Node
from yibao.benefit.refusals import NoRule
from yibao.benefit.types import (
    AGE,
    DISEASE,
    ENROLMENT_FACTS,
    FACTS,
    GRADES,
    INSURANCE_NAMES,
    PERSON_FACTS,
    Basis,
    Grade,
    words_for,
)
from yibao.core.money import half_up

T = TypeVar("T")

# On what values may depend, each fact with its words; none are listed where any age, or any disease, is a word.
OF_VISITS: Mapping[str, tuple[str, ...]] = {**FACTS, AGE: (), DISEASE: ()}
OF_ENROLMENT: Mapping[str, tuple[str, ...]] = {**ENROLMENT_FACTS, AGE: ()}
OF_PERSONS: Mapping[str, tuple[str, ...]] = {**PERSON_FACTS, AGE: ()}

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
    matter: str  # What is asked about, in Chinese: 住院（本地就医）
    on: date
    words: Mapping[str, str]  # One word for each fact on which values of this kind may depend.

    def meet(self, when: Mapping[str, tuple[str, ...]]) -> bool:
        """Return whether each fact that `when` names has one of the words listed."""
        return all(any(word in words for word in words_for(fact, self.words[fact])) for fact, words in when.items())

    def no_rule(self, lacking: str) -> NoRule:
        """Return the refusal that says for which insurance, matter and day there is no rule."""
        return NoRule(
            label=self.label,
            insurance=INSURANCE_NAMES[self.insurance],
            matter=self.matter,
            on=self.on.isoformat(),
            lacking=lacking,
        )


@dataclass(frozen=True, slots=True)
class Cited(Generic[T]):
    """One value with what it rests on: where it stands, then the figures it is a share of."""

    value: T
    basis: tuple[Basis, ...]


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
        """Return the value for these words: the most particular, and that of the highest age which was reached."""
        keys = product(*(self._keys(fact, words[fact]) for fact in self.by))
        return next((self.table[key] for key in keys if key in self.table), None)

    def _keys(self, fact: str, word: str) -> tuple[str, ...]:
        if fact == AGE:
            return tuple(str(age) for age in self.ages if age <= int(word))
        return words_for(fact, word)


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
        return _resolved(cited, facts)

    def period(self, on: date) -> Period[T] | None:
        """Return the values that hold on a day; None before the first."""
        return next((period for period in self.periods if period.from_on <= on), None)


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure to which amounts are linked, such as the average wage of last year."""

    label: str
    amount: Dated[int]


@dataclass(frozen=True, slots=True)
class Linked:
    """An amount that is a share of a figure."""

    share: Decimal
    of: Figure


def _resolved(cited: Cited[T], facts: Facts) -> Cited[T]:
    """Return the value with the amounts in it that are linked to a figure worked out for the day, rounded half up."""
    figures: list[Basis] = []

    def amount(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(amount(each) for each in value)
        if not isinstance(value, Linked):
            return value
        figure = value.of.amount.at(facts)
        figures.extend(figure.basis)
        return half_up(value.share * figure.value)

    value = amount(cited.value)
    return Cited(value, (*cited.basis, *figures)) if figures else cited


@dataclass(frozen=True, slots=True)
class References:
    """What the values of a policy file refer to by name, and the facts on which they may depend."""

    sources: Mapping[str, Source]
    figures: Mapping[str, Figure]
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: OF_VISITS)

    def amount(self, node: Node) -> Any:
        """Read an amount of yuan as fen, or a share of a figure, which `Dated.at` turns into fen."""
        if not node.is_mapping:
            return node.amount_fen()
        fields = node.fields(required=("share", "of"))
        return Linked(fields["share"].decimal(0, 100), self.figures[fields["of"].choice(tuple(self.figures))])


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
        for each in fields_of(part):
            yield from dated_in(getattr(part, each.name), label)


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


def read_references(sources: Node, figures: Node | None) -> References:
    """Read the `sources` and the `figures` of a policy by their ids."""
    refs = References(read_sources(sources), {})
    if figures is None:
        return refs
    # A visit refers to figures, and so does a premium: they depend on what both know.
    of_persons = replace(refs, facts=OF_PERSONS)
    return replace(refs, figures={key.text(): _read_figure(value, of_persons) for key, value in figures.entries()})


def _read_figure(node: Node, refs: References) -> Figure:
    fields = node.fields(required=("label", "amount"))
    return Figure(fields["label"].text(), read_dated(fields["amount"], refs, Node.amount_fen))


def read_when(node: Node, facts: Mapping[str, tuple[str, ...]] = FACTS) -> dict[str, tuple[str, ...]]:
    """Read conditions: for each fact named, the words under which a rule applies."""
    return {
        (fact := key.choice(tuple(facts))): tuple(word.choice(facts[fact]) for word in words.items())
        for key, words in node.entries()
    }


def read_dated(node: Node, refs: References, leaf: Callable[[Node], T]) -> Dated[T]:
    """Read a dated value; `leaf` reads what stands where all facts are chosen."""
    periods = [_read_period(key.day(), value, refs, leaf) for key, value in node.entries()]
    return Dated(node.path, tuple(sorted(periods, key=lambda period: period.from_on, reverse=True)))


def _read_period(from_on: date, node: Node, refs: References, leaf: Callable[[Node], T]) -> Period[T]:
    if not node.is_mapping:
        node.choice(("ended",))
        return Period(from_on, (), {})
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
        source = refs.sources[fields["source"].choice(tuple(refs.sources))]
        if GRADES.index(grade) < GRADES.index(source.grade):
            raise fields["grade"].error(f"等级“{grade}”高于来源的等级", f"{source.grade} 或更低")
    by = tuple(fact.choice(tuple(refs.facts)) for fact in fields["by"].items()) if "by" in fields else ()
    if len(set(by)) != len(by):
        raise fields["by"].error("同一个事实写了两次", "每个事实只写一次")

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
        return Cited(leaf(at), (basis,))

    def table(at: Node, facts: tuple[str, ...]) -> dict[tuple[str, ...], Cited[T]]:
        if not facts:
            return {(): cite(at)}
        return {
            (_read_word(key, facts[0], refs), *rest): cited
            for key, value in at.entries()
            for rest, cited in table(value, facts[1:]).items()
        }

    return Period(from_on, by, table(fields["value"], by))


def _read_word(node: Node, fact: str, refs: References) -> str:
    if fact == AGE:
        return node.matching(r"0|[1-9][0-9]{0,2}", "周岁，从这个年龄起，例如 60")
    if fact == DISEASE:
        return node.matching(r"M[0-9]{5}|other", "国家门诊慢特病病种代码，例如 M03900，或者 other")
    return node.choice(refs.facts[fact])
