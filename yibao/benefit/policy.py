"""The rules of a place: the format of `policy.yaml`, its loader, and the choice of the rules for one kind of case.

place: "510500"
label: 四川省泸州市
near: ["510100"]              # cities that count as home besides the own one; for the pool of a province
sources:    {id: {title, grade, article?, href?, published_on?}}
figures:    {id: {label, amount: {…}}}                 # published every year; may be left out
enrolment:  {…}               # premiums, credits to accounts, waiting periods: see `terms`; may be left out
insurance:                    # may be left out where `enrolment` is there
  employee:                   # or resident
    outpatient:               # a group of visits that follow the same steps
      label: 职工门诊统筹
      when: {visit_kind: [pharmacy, outpatient]}      # exactly one group may fit a case
      steps:
        - step: deductible    # a file in benefit/steps
          label: 起付线
          code: S001          # national polItemCode, where there is one
          when: {…}           # narrows the step to some cases; may be left out
          amount: {…}         # the keys of this kind of step; dated values as in `values`
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args

from yibao.benefit.bill import Head, Run, Step
from yibao.benefit.document import Node, PolicyError, open_document
from yibao.benefit.refusals import NoPolicy
from yibao.benefit.steps import KINDS
from yibao.benefit.steps.ceiling import Ceiling
from yibao.benefit.terms import Months, Terms, read_terms
from yibao.benefit.types import (
    AGE,
    BROADER,
    DISEASE,
    FACTS,
    FILING_NAMES,
    PART_NAMES,
    VISIT_NAMES,
    Basis,
    Case,
    Insurance,
    TreatedIn,
    held_words,
)
from yibao.benefit.values import (
    Cited,
    Dated,
    Facts,
    Figure,
    Linked,
    References,
    Source,
    dated_in,
    read_references,
    read_when,
)
from yibao.core.money import percent_text, yuan_text

SHIPPED = Path(__file__).parent / "policies"

# As much of other rules as published examples state, old ones and those of other places: checked, used for nobody.
PUBLISHED = Path(__file__).parent / "published"

# The national list polItemCode (transaction 100001); a step that bears a code is shown under it by hospital systems.
# fmt: off
_ITEM_CODES = (
    "TA01", "E000", "S000", "S001", "S003",
    "C000", "C001", "C002", "C003", "C004", "L001", "L002", "L003", "L004", "EC01",
    "PS01", "PL01", "PL02", "PL03", "PL04", "PL05", "PL06", "PL07",
    "GBS1", "GB01", "GB02", "GB03", "GB04",
    "101", "102", "103",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Rule:
    """One step of a group: what every step has, and what its kind makes of it."""

    head: Head
    step: Step


@dataclass(frozen=True, slots=True)
class Group:
    """Visits that follow the same steps."""

    label: str
    when: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...]

    def rules_for(self, facts: Facts, *, entitled: bool) -> list[Rule]:
        """Return the steps that apply: whoever is entitled has no waiting period, whoever still waits has no funds.

        Raises: NoRule where somebody waits and the rules know no waiting period, unless no fund would pay after it.
        """
        rules = [rule for rule in self.rules if facts.meet(rule.head.when)]
        if entitled:
            return [rule for rule in rules if rule.head.kind != "waiting"]
        if not any(rule.head.kind in ("waiting", "unpaid") for rule in rules):
            raise facts.no_rule(f"insurance.{facts.insurance}（{self.label}：等待期）")
        return [rule for rule in rules if rule.step.without_fund]


@dataclass(frozen=True, slots=True)
class Stated:
    """One value as it stands in a policy, for people who read or compare rules."""

    insurance: str  # Empty for a figure.
    group: str  # Label of the group, or of what else the value belongs to: 公布的数字, 个人缴费.
    step: str  # Label of the step, the figure, or the item of `enrolment`.
    part: str  # Label of the part of the step, such as 退休人员 of points; empty where it is the step itself.
    name: str  # Path of the value within its step: amount.2023-01-01.value.retired
    text: str  # The value in words: 150.00 元, 70%
    basis: Basis


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one place."""

    folder: Path
    place: str
    label: str
    near: tuple[str, ...]
    sources: Mapping[str, Source]
    figures: Mapping[str, Figure]
    groups: Mapping[str, tuple[Group, ...]]  # By insurance.
    terms: Mapping[str, Terms]  # By insurance.

    @property
    def ages(self) -> frozenset[int]:
        """The ages at which some value of this place changes."""
        return frozenset(map(int, self.named(AGE)))

    def named(self, fact: str) -> frozenset[str]:
        """Return the words of a fact that some rule or value of this place names, for what a form may offer."""
        words: set[str] = set()
        for _, group, rule in self.rules():
            words.update(group.when.get(fact, ()), rule.head.when.get(fact, ()))
        for _, dated in dated_in((*(rule.step for _, _, rule in self.rules()), *self.figures.values())):
            for period in dated.periods:
                if fact in period.by:
                    at = period.by.index(fact)
                    words.update(key[at] for key in period.table)
        return frozenset(words)

    @property
    def carries(self) -> bool:
        """Whether bills may be cancelled out of order, because the next one settles the differences."""
        groups = [group for groups in self.groups.values() for group in groups]
        return bool(groups) and all(any(rule.head.kind == "carried" for rule in group.rules) for group in groups)

    def treated_in(self, place: str) -> TreatedIn:
        """Return where a place of treatment is, seen from here: at home, elsewhere in the province, or beyond."""
        for home in (self.place, *self.near):
            if _city(home) == _city(place):
                return "home"
        return "province" if place[:2] == self.place[:2] else "country"

    def rules(self) -> Iterator[tuple[str, Group, Rule]]:
        """Yield every step with its insurance and its group, in the order of the file."""
        for insurance, groups in self.groups.items():
            for group in groups:
                for rule in group.rules:
                    yield insurance, group, rule

    def stated(self, on: date | None = None) -> Iterator[Stated]:
        """Yield every value in the order of the file; those that hold on one day, if a day is given."""
        for insurance, group, head, part, dated in self._values():
            # The file is read oldest first, a value is looked up latest first.
            periods = (dated.period(on),) if on else tuple(reversed(dated.periods))
            for cited in (cited for period in periods if period for cited in period.table.values()):
                yield _stated(insurance, group, head, part, cited)

    def _values(self) -> Iterator[tuple[str, str, Head, str, Dated[object]]]:
        for name, figure in self.figures.items():
            head = Head(kind="", code="", label=figure.label, rule=f"figures.{name}", when={})
            yield from (("", "公布的数字", head, "", dated) for _, dated in dated_in(figure))
        for insurance, terms in self.terms.items():
            for group, item in terms.items():
                yield from ((insurance, group, item.head, part, dated) for part, dated in dated_in(item))
        for insurance, of, rule in self.rules():
            yield from ((insurance, of.label, rule.head, part, dated) for part, dated in dated_in(rule.step))

    def group(self, facts: Facts) -> Group:
        """Return the one group of rules for these facts; NoRule where there is none."""
        for group in self.groups.get(facts.insurance, ()):
            if facts.meet(group.when):
                return group
        raise facts.no_rule(f"insurance.{facts.insurance}")


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps for one kind of case on one day, their values chosen."""

    policy: str
    runs: tuple[Run, ...]


class Policies:
    """The rules of all places, read once and never changed."""

    def __init__(self, places: Iterable[Policy]) -> None:
        self.places = {policy.place: policy for policy in places}
        self._ages = sorted({age for policy in self.places.values() for age in policy.ages})
        # Choosing values costs ten times what using them does, and few kinds of case make up a day.
        self._plan = lru_cache(maxsize=4096)(self._choose)

    @classmethod
    def load(cls, folder: Path) -> "Policies":
        """Read every place in a folder.

        Raises: PolicyError, with the file and line, for anything that is not as the format says.
        """
        places: dict[str, Policy] = {}
        for each in sorted(each for each in folder.iterdir() if each.is_dir()):
            policy = load_policy(each)
            if policy.place in places:
                raise PolicyError(
                    file=each / "policy.yaml",
                    line=1,
                    problem=f"参保地 {policy.place} 已有规则（{places[policy.place].folder.name}）",
                    expected="每个参保地只有一个文件夹",
                )
            places[policy.place] = policy
        return cls(places.values())

    def plan(self, case: Case) -> Plan:
        """Return the steps for a case.

        Raises, first that applies: NoPolicy, NoRule
        """
        # Persons between two ages at which some rule changes are alike: a plan serves all of them.
        at = bisect_right(self._ages, case.age)
        return self._plan(self._ages[at - 1] if at else 0, *_KEY(case))

    def stated(self, case: Case) -> tuple[Stated, ...]:
        """Return the values that hold for a case, chosen as `plan` chooses them, in the order of the steps.

        Raises, first that applies: NoPolicy, NoRule
        """
        policy = self.of(case.insured_place)
        facts = _facts(policy, case.age, _KEY(case))
        group = policy.group(facts)
        return tuple(
            _stated(case.insurance, group.label, rule.head, part, dated.at(facts))
            for rule in group.rules_for(facts, entitled=case.entitled)
            for part, dated in dated_in(rule.step)
        )

    def _choose(self, age: int, *key: object) -> Plan:
        policy = self.of(str(key[0]))
        facts = _facts(policy, age, key)
        group = policy.group(facts)
        bound = [rule.step.bind(facts) for rule in group.rules_for(facts, entitled=bool(key[-1]))]
        used = [basis.from_on for each in bound for basis in each.basis]
        if not used:  # No step with a value of law applies: that is no rule, not a rule under which nobody pays.
            raise facts.no_rule(f"insurance.{facts.insurance}（{group.label}）")
        return Plan(
            policy=f"{policy.place} {policy.label} {group.label} {max(used).isoformat()}",
            runs=tuple(each.run for each in bound),
        )

    def carry(self, place: str) -> bool:
        """Return whether bills of people insured there may be cancelled out of order; not where no rules are known."""
        try:
            return self.of(place).carries
        except NoPolicy:
            return False

    def of(self, place: str) -> Policy:
        """Return the rules of a region: its own, or its city's, or its municipality's (310101 follows 310000).

        Raises: NoPolicy
        """
        for code in (place, f"{place[:4]}00", f"{place[:2]}0000"):
            if code in self.places:
                return self.places[code]
        raise NoPolicy(place=place)


_KEY_NAMES = (
    "insured_place",
    "treated_place",
    "insurance",
    "on",
    "visit_kind",
    "person_kind",
    "institution_kind",
    "institution_level",
    "filing",
    "disease",
    "qualifications",
    "entitled",
)
_KEY = attrgetter(*_KEY_NAMES)


def _facts(policy: Policy, age: int, key: Sequence[Any]) -> Facts:
    of = dict(zip(_KEY_NAMES, key, strict=True))
    words = {fact: of[fact] for fact in FACTS if fact in of}
    words |= held_words(of["qualifications"])
    words |= {"treated_in": policy.treated_in(of["treated_place"]), AGE: str(age), DISEASE: of["disease"]}
    matter = f"{VISIT_NAMES[of['visit_kind']]}（{FILING_NAMES[of['filing']]}）"
    return Facts(policy.label, of["insurance"], matter, of["on"], words)


_MUNICIPALITIES = ("11", "12", "31", "50")


def _city(place: str) -> str:
    return place[:2] if place[:2] in _MUNICIPALITIES else place[:4]


def _stated(insurance: str, group: str, head: Head, part: str, cited: Cited[object]) -> Stated:
    name = cited.basis[0].rule.removeprefix(f"{head.rule}.")
    return Stated(insurance, group, head.label, part, name, _text(cited.value), cited.basis[0])


@lru_cache(maxsize=1)
def policies() -> Policies:
    """Return the rules that are shipped with the program, read once."""
    return Policies.load(SHIPPED)


def load_policy(path: Path) -> Policy:
    """Read the rules of one place, from a folder named `<place>_<name>` or from a file of any name.

    Raises: PolicyError as in `Policies.load`
    """
    of_folder = path.is_dir() or path.suffix != ".yaml"
    document = open_document(path / "policy.yaml" if of_folder else path)
    fields = document.fields(
        required=("place", "label", "sources"), optional=("insurance", "enrolment", "near", "figures")
    )
    if "insurance" not in fields and "enrolment" not in fields:
        raise document.error("缺少“insurance”", "写明 insurance 或 enrolment")
    place = fields["place"].matching(r"[0-9]{6}", "六位区划代码")
    if of_folder and path.name.partition("_")[0] != place:
        raise fields["place"].error(f"“{place}”与文件夹名“{path.name}”不符", "文件夹名以区划代码开头，每地一个文件夹")
    refs = read_references(fields["sources"], fields.get("figures"))
    return Policy(
        folder=path if of_folder else path.parent,
        place=place,
        label=fields["label"].text(),
        near=tuple(item.matching(r"[0-9]{6}", "六位区划代码") for item in fields["near"].items())
        if "near" in fields
        else (),
        sources=refs.sources,
        figures=refs.figures,
        groups={
            key.choice(get_args(Insurance)): _read_groups(node, refs) for key, node in fields["insurance"].entries()
        }
        if "insurance" in fields
        else {},
        terms=read_terms(fields["enrolment"], refs) if "enrolment" in fields else {},
    )


def _read_groups(node: Node, refs: References) -> tuple[Group, ...]:
    groups: list[Group] = []
    for _, each in node.entries():
        group = _read_group(each, refs)
        for other in groups:
            if _overlap(group.when, other.when):
                raise each.error(f"与“{other.label}”适用于同样的就医", "when 互不重叠，每次就医只适用一组规则")
        groups.append(group)
    return tuple(groups)


def _read_group(node: Node, refs: References) -> Group:
    fields = node.fields(required=("label", "when", "steps"))
    when = read_when(fields["when"])
    steps = fields["steps"].items()
    rules = tuple(_read_rule(step, when, refs) for step in steps)
    if rules[0].head.kind != "scope" or rules[0].head.when:
        raise steps[0].error("不是划分政策范围的一步", "第一步是 step: scope，并且不写 when")
    kinds = [rule.head.kind for rule in rules]
    # What the person pays is divided last, and this year's account comes before every fund.
    for at, kind in enumerate(kinds):
        if kind == "account" and at != len(kinds) - 1:
            raise steps[at].error("个人账户后面还有别的步骤", "step: account 只写一次，放在最后")
        if kind == "account_first" and {*kinds[1:at]} - {"waiting"}:
            raise steps[at].error("当年个人账户前面有别的步骤", "只写一次，紧接在 scope 和 waiting 之后")
    if "unpaid" in kinds:
        for at, rule in enumerate(rules):
            if rule.step.paying_fund is not None:
                raise steps[at].error(
                    "基金不支付的一组里有基金支付的一步", "step: unpaid 单独写一组，不与基金支付的步骤放在一起"
                )
    counters: dict[str, str] = {}
    for at, rule in enumerate(rules):
        name = getattr(getattr(rule.step, "tally", None), "pattern", "")
        if name and counters.setdefault(name, rule.head.kind) != rule.head.kind:
            raise steps[at].error(f"累计“{name}”已经用在另一种步骤上", "每种步骤用自己的累计")
    for at, rule in enumerate(rules):
        if isinstance(rule.step, Ceiling) and rule.step.fund not in {
            earlier.step.paying_fund for earlier in rules[:at]
        }:
            raise steps[at].error(f"前面没有由基金 {rule.step.fund} 支付的一步", "封顶线放在它所限的基金支付之后")
    return Group(fields["label"].text(), when, rules)


def _read_rule(node: Node, of_group: Mapping[str, tuple[str, ...]], refs: References) -> Rule:
    kind = _kind_of(node)
    step = KINDS[kind]
    fields = node.fields(required=("step", "label", *step.required), optional=("code", "when", *step.optional))
    when = read_when(fields["when"]) if "when" in fields else {}
    for fact, words in when.items():
        if not set(words) <= _covered(of_group, fact):
            raise fields["when"].error(f"{fact} 超出了所在一组的范围", "所在一组 when 中的值")
    head = Head(
        kind=kind,
        code=fields["code"].choice(_ITEM_CODES) if "code" in fields else "",
        label=fields["label"].text(),
        rule=node.path,
        when=when,
    )
    return Rule(head, step.read(head, fields, refs))


def _kind_of(node: Node) -> str:
    for key, value in node.entries():
        if key.text() == "step":
            return value.choice(tuple(KINDS))
    raise node.error("缺少“step”", "写明 step：" + "、".join(KINDS) + " 之一")


def _text(value: object) -> str:
    """Say a value of a policy: amounts are whole numbers of fen, rates are decimal numbers."""
    if isinstance(value, Linked):
        return f"{value.of.label}的 {percent_text(value.share)}"
    if isinstance(value, Decimal):
        return percent_text(value)
    if isinstance(value, Months):
        return f"{value.count} 个月"
    if isinstance(value, int):
        return f"{yuan_text(value)} 元"
    if isinstance(value, tuple):
        return "、".join("起 ".join(map(_text, each)) if isinstance(each, tuple) else _text(each) for each in value)
    if isinstance(value, frozenset):
        return "、".join(name for part, name in PART_NAMES.items() if part in value) or "没有"
    return str(value)


def _overlap(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> bool:
    return all(_covered(one, fact) & _covered(other, fact) for fact in FACTS)


def _covered(when: Mapping[str, tuple[str, ...]], fact: str) -> set[str]:
    """Return the words that a condition covers, those included which it names by a broader word."""
    words = set(when.get(fact, FACTS[fact]))
    if fact == "institution_level":
        words |= {narrow for narrow, broad in BROADER.items() if broad in words}
    return words
