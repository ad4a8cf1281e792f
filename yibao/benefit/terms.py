"""The terms on which a place insures people: what they pay, what reaches their accounts, how long they wait.

enrolment:
  employee:                     # or resident; each of the four parts may be left out
    base:                       # bounds of a month's wage, within which a rate is applied to it
      label: 月缴费基数
      floor: {…}                # dated amounts as in `values`; one of the two may be left out
      cap: {…}
    premium:                    # what the person pays; exactly one item may fit a person
      - label: 在职职工缴费
        when: {person_kind: [employed]}     # may be left out
        every: month            # or year: from when on `amount` holds is then the first day of the year paid for
        rate: {…}               # the person's share of the base
        employer_rate: {…}      # what the employer pays besides; may be left out
        rounding: half_up
      - label: 居民缴费
        every: year
        amount: {…}             # in place of a rate: a fixed amount, or a share of a figure
    credit: […]                 # what reaches the personal account: as a premium, without an employer's rate
    waiting:                    # how long nothing is paid for somebody who has joined; exactly one item may fit
      - label: 待遇等待期
        when: {employment: [flexible]}
        from: day               # counted from the day of joining, or next_month: from the first day of the next month
        months: {…}             # "0" where nobody waits
        months_per_missed_year: {…}         # added for each year that was missed; may be left out
        waived_within_months: {…}           # nobody waits who joins again so soon; may be left out

`when` and `by` may name person_kind, any qualification and `reason`; `by` also `age`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar, get_args

from yibao.benefit.bill import Head
from yibao.benefit.document import Node
from yibao.benefit.types import ENROLMENT_FACTS, Every, Insurance
from yibao.benefit.values import OF_ENROLMENT, Cited, Dated, Facts, References, read_dated, read_when
from yibao.core.money import ROUNDINGS

PART_LABELS = {"base": "缴费基数", "premium": "个人缴费", "credit": "个人账户划入", "waiting": "待遇等待期"}


@dataclass(frozen=True, slots=True)
class Months:
    """A length of time."""

    count: int


@dataclass(frozen=True, slots=True)
class Base:
    """The bounds of a month's wage (缴费基数上下限)."""

    head: Head
    floor: Dated[int] | None
    cap: Dated[int] | None

    def of(self, wage_fen: int, facts: Facts) -> Cited[int]:
        """Return the wage, lifted to the floor and cut at the cap; NoRule where one of them has no value."""
        floor, cap = (bound.at(facts) if bound else None for bound in (self.floor, self.cap))
        if floor:
            wage_fen = max(wage_fen, floor.value)
        if cap:
            wage_fen = min(wage_fen, cap.value)
        return Cited(wage_fen, tuple(basis for bound in (floor, cap) if bound for basis in bound.basis))


@dataclass(frozen=True, slots=True)
class Share:
    """A due that follows the wage."""

    head: Head
    every: Every
    rate: Dated[Decimal]
    employer_rate: Dated[Decimal] | None
    rounding: Callable[[Decimal], int]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A due that is the same whatever the wage."""

    head: Head
    every: Every
    amount: Dated[int]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long nothing is paid for somebody who has joined."""

    head: Head
    from_next_month: bool
    months: Dated[Months]
    months_per_missed_year: Dated[Months] | None
    waived_within_months: Dated[Months] | None


Item = TypeVar("Item", Share | Fixed, Wait)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one insurance of a place."""

    base: Base | None = None
    premium: tuple[Share | Fixed, ...] = ()
    credit: tuple[Share | Fixed, ...] = ()
    waiting: tuple[Wait, ...] = ()

    def items(self) -> Iterator[tuple[str, Base | Share | Fixed | Wait]]:
        """Yield everything that has values, with the label of its part."""
        if self.base:
            yield PART_LABELS["base"], self.base
        for part in ("premium", "credit", "waiting"):
            for item in getattr(self, part):
                yield PART_LABELS[part], item


def fitting(items: tuple[Item, ...], facts: Facts) -> Item:
    """Return the one item that fits a person; NoRule where there is none."""
    for item in items:
        if facts.meet(item.head.when):
            return item
    raise facts.no_rule(f"enrolment.{facts.insurance}（{facts.matter}）")


def read_terms(node: Node, refs: References) -> dict[str, Terms]:
    """Read the `enrolment` of a policy, by insurance; PolicyError says what is wrong."""
    refs = replace(refs, facts=OF_ENROLMENT)
    return {key.choice(get_args(Insurance)): _read_terms(value, refs) for key, value in node.entries()}


def _read_terms(node: Node, refs: References) -> Terms:
    parts = node.fields(required=(), optional=tuple(PART_LABELS))
    return Terms(
        base=_read_base(parts["base"], refs) if "base" in parts else None,
        premium=_read_items(parts.get("premium"), lambda item: _read_due(item, refs, ("employer_rate",))),
        credit=_read_items(parts.get("credit"), lambda item: _read_due(item, refs, ())),
        waiting=_read_items(parts.get("waiting"), lambda item: _read_wait(item, refs)),
    )


def _read_items(node: Node | None, read: Callable[[Node], Item]) -> tuple[Item, ...]:
    """Read a list of which no two items may fit one person."""
    items: list[Item] = []
    for each in node.items() if node else ():
        item = read(each)
        for other in items:
            if _overlap(item.head.when, other.head.when):
                raise each.error(f"与“{other.head.label}”适用于同样的人", "when 互不重叠，每个人只适用一项")
        items.append(item)
    return tuple(items)


def _overlap(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> bool:
    return all(set(one.get(fact, words)) & set(other.get(fact, words)) for fact, words in ENROLMENT_FACTS.items())


def _read_head(node: Node, fields: Mapping[str, Node]) -> Head:
    when = read_when(fields["when"], ENROLMENT_FACTS) if "when" in fields else {}
    return Head(kind="", code="", label=fields["label"].text(), rule=node.path, when=when)


def _read_base(node: Node, refs: References) -> Base:
    fields = node.fields(required=("label",), optional=("floor", "cap"))
    if len(fields) == 1:
        raise node.error("没有上限，也没有下限", "floor、cap 至少写一个；都没有就不写 base")
    floor, cap = (read_dated(fields[name], refs, refs.amount) if name in fields else None for name in ("floor", "cap"))
    return Base(_read_head(node, fields), floor, cap)


def _read_due(node: Node, refs: References, for_share: tuple[str, ...]) -> Share | Fixed:
    if all(key.text() != "rate" for key, _ in node.entries()):
        fields = node.fields(required=("label", "every", "amount"), optional=("when",))
        amount = read_dated(fields["amount"], refs, refs.amount)
        return Fixed(_read_head(node, fields), _read_every(fields), amount)
    fields = node.fields(required=("label", "every", "rate", "rounding"), optional=("when", *for_share))
    return Share(
        _read_head(node, fields),
        _read_every(fields),
        read_dated(fields["rate"], refs, _read_rate),
        read_dated(fields["employer_rate"], refs, _read_rate) if "employer_rate" in fields else None,
        ROUNDINGS[fields["rounding"].choice(tuple(ROUNDINGS))],
    )


def _read_rate(node: Node) -> Decimal:
    return node.decimal(0, 1)


def _read_every(fields: Mapping[str, Node]) -> Every:
    every: Every = fields["every"].choice(get_args(Every))
    return every


def _read_wait(node: Node, refs: References) -> Wait:
    optional = ("months_per_missed_year", "waived_within_months")
    fields = node.fields(required=("label", "from", "months"), optional=("when", *optional))
    return Wait(
        _read_head(node, fields),
        fields["from"].choice(("day", "next_month")) == "next_month",
        read_dated(fields["months"], refs, _read_months),
        *(read_dated(fields[name], refs, _read_months) if name in fields else None for name in optional),
    )


def _read_months(node: Node) -> Months:
    return Months(int(node.matching(r"0|[1-9][0-9]?", "月数，例如 6")))
