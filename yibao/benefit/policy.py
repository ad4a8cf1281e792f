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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import get_args

from yibao.benefit.bill import Head, Run, Step
from yibao.benefit.document import Node, PolicyError, open_document
from yibao.benefit.refusals import NoPolicy
from yibao.benefit.steps import KINDS
from yibao.benefit.types import FACTS, Case, Insurance
from yibao.benefit.values import Facts, Source, read_sources, read_when

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
class Policy:
    """The rules of one place."""

    folder: Path
    place: str
    label: str
    sources: Mapping[str, Source]
    groups: Mapping[str, tuple[Group, ...]]  # By insurance.


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps for one kind of case on one day, their values chosen."""

    policy: str
    runs: tuple[Run, ...]


class Policies:
    """The rules of all places, read once and never changed."""

    def __init__(self, places: Iterable[Policy]) -> None:
        self.places = {policy.place: policy for policy in places}
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
        return self._plan(*_KEY(case))

    def _choose(self, insured_place: str, insurance: str, on: date, *words: str) -> Plan:
        policy = self._of(insured_place)
        facts = Facts(policy.label, insurance, on, dict(zip(FACTS, words, strict=True)))
        group = next((group for group in policy.groups.get(insurance, ()) if facts.meet(group.when)), None)
        if group is None:
            raise facts.no_rule(f"insurance.{insurance}")
        bound = [rule.step.bind(facts) for rule in group.rules if facts.meet(rule.head.when)]
        used = [basis.from_on for each in bound for basis in each.basis]
        if not used:  # No step with a value of law applies: that is no rule, not a rule under which nobody pays.
            raise facts.no_rule(f"insurance.{insurance}（{group.label}）")
        return Plan(
            policy=f"{policy.place} {policy.label} {group.label} {max(used).isoformat()}",
            runs=tuple(each.run for each in bound),
        )

    def _of(self, place: str) -> Policy:
        """Return the rules of a region: its own, or its city's, or its municipality's (310101 follows 310000)."""
        for code in (place, f"{place[:4]}00", f"{place[:2]}0000"):
            if code in self.places:
                return self.places[code]
        raise NoPolicy(place=place)


_KEY = attrgetter("insured_place", "insurance", "on", *FACTS)


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


def _overlap(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> bool:
    return all(set(one.get(fact, words)) & set(other.get(fact, words)) for fact, words in FACTS.items())
