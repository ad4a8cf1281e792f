"""The rules of a place: the format of `policy.yaml`, its loader, and the choice of the rules for one kind of case.

place: "510500"
label: 四川省泸州市
sources:    {id: {title, grade, article?, href?, published_on?}}
insurance:
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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import get_args

from yibao.benefit.bill import Head, Run, Step
from yibao.benefit.document import Node, PolicyError, open_document
from yibao.benefit.refusals import NoPolicy
from yibao.benefit.steps import KINDS
from yibao.benefit.steps.ceiling import Ceiling
from yibao.benefit.types import AGE, FACTS, PART_NAMES, Basis, Case, Insurance
from yibao.benefit.values import Cited, Facts, Source, dated_in, read_sources, read_when
from yibao.core.money import yuan_text

SHIPPED = Path(__file__).parent / "policies"

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


@dataclass(frozen=True, slots=True)
class Stated:
    """One value as it stands in a policy, for people who read or compare rules."""

    insurance: str
    group: str  # Label of the group.
    step: str  # Label of the step.
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
    sources: Mapping[str, Source]
    groups: Mapping[str, tuple[Group, ...]]  # By insurance.

    @property
    def ages(self) -> frozenset[int]:
        """The ages at which some value of this place changes."""
        return frozenset(
            age
            for _, _, rule in self.rules()
            for _, dated in dated_in(rule.step)
            for period in dated.periods
            for age in period.ages
        )

    def rules(self) -> Iterator[tuple[str, Group, Rule]]:
        """Yield every step with its insurance and its group, in the order of the file."""
        for insurance, groups in self.groups.items():
            for group in groups:
                for rule in group.rules:
                    yield insurance, group, rule

    def stated(self, on: date | None = None) -> Iterator[Stated]:
        """Yield every value in the order of the file; those that hold on one day, if a day is given."""
        for insurance, group, rule in self.rules():
            for part, dated in dated_in(rule.step):
                # The file is read oldest first, a value is looked up latest first.
                periods = (dated.period(on),) if on else tuple(reversed(dated.periods))
                for cited in (cited for period in periods if period for cited in period.table.values()):
                    yield _stated(insurance, group, rule, part, cited)

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
        facts = _facts(policy, *_KEY(case)[1:], age=case.age)
        group = policy.group(facts)
        return tuple(
            _stated(case.insurance, group, rule, part, dated.at(facts))
            for rule in group.rules
            if facts.meet(rule.head.when)
            for part, dated in dated_in(rule.step)
        )

    def _choose(self, age: int, insured_place: str, insurance: str, on: date, *words: str) -> Plan:
        policy = self.of(insured_place)
        facts = _facts(policy, insurance, on, *words, age=age)
        group = policy.group(facts)
        bound = [rule.step.bind(facts) for rule in group.rules if facts.meet(rule.head.when)]
        used = [basis.from_on for each in bound for basis in each.basis]
        if not used:  # No step with a value of law applies: that is no rule, not a rule under which nobody pays.
            raise facts.no_rule(f"insurance.{insurance}（{group.label}）")
        return Plan(
            policy=f"{policy.place} {policy.label} {group.label} {max(used).isoformat()}",
            runs=tuple(each.run for each in bound),
        )

    def of(self, place: str) -> Policy:
        """Return the rules of a region: its own, or its city's, or its municipality's (310101 follows 310000).

        Raises: NoPolicy
        """
        for code in (place, f"{place[:4]}00", f"{place[:2]}0000"):
            if code in self.places:
                return self.places[code]
        raise NoPolicy(place=place)


_KEY = attrgetter("insured_place", "insurance", "on", *FACTS)


def _facts(policy: Policy, insurance: str, on: date, *words: str, age: int) -> Facts:
    return Facts(policy.label, insurance, on, {**dict(zip(FACTS, words, strict=True)), AGE: str(age)})


def _stated(insurance: str, group: Group, rule: Rule, part: str, cited: Cited[object]) -> Stated:
    name = cited.basis.rule.removeprefix(f"{rule.head.rule}.")
    return Stated(insurance, group.label, rule.head.label, part, name, _text(cited.value), cited.basis)


@lru_cache(maxsize=1)
def policies() -> Policies:
    """Return the rules that are shipped with the program, read once."""
    return Policies.load(SHIPPED)


def load_policy(folder: Path) -> Policy:
    """Read the rules of one place, from a folder named `<place>_<name>`; PolicyError as in `Policies.load`."""
    fields = open_document(folder / "policy.yaml").fields(required=("place", "label", "sources", "insurance"))
    place = fields["place"].matching(r"[0-9]{6}", "六位区划代码")
    if folder.name.partition("_")[0] != place:
        raise fields["place"].error(f"“{place}”与文件夹名“{folder.name}”不符", "文件夹名以区划代码开头，每地一个文件夹")
    sources = read_sources(fields["sources"])
    return Policy(
        folder=folder,
        place=place,
        label=fields["label"].text(),
        sources=sources,
        groups={
            key.choice(get_args(Insurance)): _read_groups(node, sources) for key, node in fields["insurance"].entries()
        },
    )


def _read_groups(node: Node, sources: Mapping[str, Source]) -> tuple[Group, ...]:
    groups: list[Group] = []
    for _, each in node.entries():
        group = _read_group(each, sources)
        for other in groups:
            if _overlap(group.when, other.when):
                raise each.error(f"与“{other.label}”适用于同样的就医", "when 互不重叠，每次就医只适用一组规则")
        groups.append(group)
    return tuple(groups)


def _read_group(node: Node, sources: Mapping[str, Source]) -> Group:
    fields = node.fields(required=("label", "when", "steps"))
    when = read_when(fields["when"])
    steps = fields["steps"].items()
    rules = tuple(_read_rule(step, when, sources) for step in steps)
    if rules[0].head.kind != "scope" or rules[0].head.when:
        raise steps[0].error("不是划分政策范围的一步", "第一步是 step: scope，并且不写 when")
    for at, rule in enumerate(rules):
        if isinstance(rule.step, Ceiling) and rule.step.fund not in {
            earlier.step.paying_fund for earlier in rules[:at]
        }:
            raise steps[at].error(f"前面没有由基金 {rule.step.fund} 支付的一步", "封顶线放在它所限的基金支付之后")
    return Group(fields["label"].text(), when, rules)


def _read_rule(node: Node, of_group: Mapping[str, tuple[str, ...]], sources: Mapping[str, Source]) -> Rule:
    kind = _kind_of(node)
    step = KINDS[kind]
    fields = node.fields(required=("step", "label", *step.required), optional=("code", "when", *step.optional))
    when = read_when(fields["when"]) if "when" in fields else {}
    for fact, words in when.items():
        if not set(words) <= set(of_group.get(fact, FACTS[fact])):
            raise fields["when"].error(f"{fact} 超出了所在一组的范围", "所在一组 when 中的值")
    head = Head(
        kind=kind,
        code=fields["code"].choice(_ITEM_CODES) if "code" in fields else "",
        label=fields["label"].text(),
        rule=node.path,
        when=when,
    )
    return Rule(head, step.read(head, fields, sources))


def _kind_of(node: Node) -> str:
    for key, value in node.entries():
        if key.text() == "step":
            return value.choice(tuple(KINDS))
    raise node.error("缺少“step”", "写明 step：" + "、".join(KINDS) + " 之一")


def _text(value: object) -> str:
    """Say a value of a policy: amounts are whole numbers of fen, rates are decimal numbers."""
    if isinstance(value, Decimal):
        return f"{(value * 100).normalize():f}%"
    if isinstance(value, int):
        return f"{yuan_text(value)} 元"
    if isinstance(value, tuple):
        return "、".join("起 ".join(map(_text, each)) if isinstance(each, tuple) else _text(each) for each in value)
    if isinstance(value, frozenset):
        return "、".join(name for part, name in PART_NAMES.items() if part in value)
    return str(value)


def _overlap(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> bool:
    return all(set(one.get(fact, words)) & set(other.get(fact, words)) for fact, words in FACTS.items())
