"""Published and derived worked examples beside a policy, and the runner that holds the engine to them.

    place: "510500"
    common: {…}                    # fields of a case that the examples share; an example may replace them
    examples:
      - id: SC-LZ-01
        title: …
        source: a_source           # an id under `sources` of the policy, or `assumed`
        published: true            # the figures stand in the source; false: worked out by hand from its values
        working: (400-150)*70%=175
        case: {…, lines: [{class: A, quantity: "1", unit_price: "400.00", price_limit?, own_pay_rate?, name?, code?}]}
        expect: {in_scope: "400.00", funds.310102: "175.00", tallies.outpatient.fund_paid: "175.00", …}

`expect` names amounts of the assessment (without `_fen`), single funds and counters, `pool_ratio`, or only `refusal`.
What it leaves out is not compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import get_args

from yibao.benefit.assess import assess
from yibao.benefit.document import Node, open_document
from yibao.benefit.policy import Policies, Policy, load_policy
from yibao.benefit.types import (
    Assessment,
    Case,
    ChargeClass,
    Filing,
    InstitutionKind,
    InstitutionLevel,
    Insurance,
    Line,
    PersonKind,
    VisitKind,
)
from yibao.core.money import half_up, yuan_text
from yibao.core.refusal import Refusal

_CASE_OPTIONAL = ("tallies", "qualifications", "admission_no")
# An example states the account in yuan, as every amount in a file of policy data.
_CASE = (*(name for name in Case.__struct_fields__ if name not in (*_CASE_OPTIONAL, "account_fen")), "account")
_MOST = 10_000_000  # Larger than any quantity or unit price; keeps products within the precision of Decimal.
_AMOUNTS = tuple(name.removesuffix("_fen") for name in Assessment.__struct_fields__ if name.endswith("_fen"))


@dataclass(frozen=True, slots=True)
class Example:
    """A case with the figures that must come out."""

    id: str
    title: str
    source: str
    published: bool
    working: str
    case: Case
    expect: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that did not come out."""

    name: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one example; it holds where there is no difference."""

    example: Example
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All examples of a place, and the steps of its policy that none of them reached."""

    outcomes: tuple[Outcome, ...]
    unreached: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every figure came out and every step was reached."""
        return not self.unreached and not any(outcome.differences for outcome in self.outcomes)


def run_examples(folder: Path, *, using: Policies | None = None) -> Report:
    """Work out every example in the folder of a place, by its own rules or by those given, and compare the figures.

    Raises: PolicyError where a file is wrong.
    """
    policy = load_policy(folder)
    using = using or Policies([policy])
    reached: set[str] = set()
    outcomes = []
    for example in load_examples(policy):
        actual, rules = _work_out(example.case, using)
        reached |= rules
        differences = [
            Difference(name, expected, found)
            for name, expected in example.expect.items()
            if (found := actual.get(name, "无")) != expected
        ]
        if "refusal" in actual and "refusal" not in example.expect:
            differences.append(Difference("refusal", "", actual["refusal"]))
        outcomes.append(Outcome(example, tuple(differences)))
    steps = (rule.head.rule for _, _, rule in policy.rules())
    return Report(tuple(outcomes), tuple(step for step in steps if step not in reached))


def load_case(file: Path) -> Case:
    """Read one case from a file of its own, written like the `case` of an example; PolicyError where it is wrong."""
    return _read_case(open_document(file), {})


def load_examples(policy: Policy) -> tuple[Example, ...]:
    """Read the examples of a place; PolicyError says in which line something is wrong."""
    fields = open_document(policy.folder / "examples.yaml").fields(required=("place", "examples"), optional=("common",))
    fields["place"].choice((policy.place,))
    common = {key.text(): (key, value) for key, value in fields["common"].entries()} if "common" in fields else {}
    examples: dict[str, Example] = {}
    for item in fields["examples"].items():
        example = _read_example(item, policy, common)
        if example.id in examples:
            raise item.error(f"id“{example.id}”已经用过", "每个算例有自己的 id")
        examples[example.id] = example
    return tuple(examples.values())


def _work_out(case: Case, using: Policies) -> tuple[dict[str, str], set[str]]:
    """Return the figures of an assessment by the names that `expect` uses, and the steps it went through."""
    try:
        found = assess(case, using=using)
    except Refusal as refusal:
        return {"refusal": refusal.code}, set()
    figures = {name: yuan_text(getattr(found, f"{name}_fen")) for name in _AMOUNTS}
    # A fund that pays nothing is left out of an assessment; an example may still expect it to pay 0.00.
    figures |= {f"funds.{step.results['fund']}": yuan_text(0) for step in found.trace if "fund" in step.results}
    figures |= {f"funds.{share.fund}": yuan_text(share.amount_fen) for share in found.funds}
    figures |= {f"tallies.{name}": yuan_text(fen) for name, fen in found.tallies.items()}
    figures["pool_ratio"] = f"{found.pool_ratio.normalize():f}"
    return figures, {step.rule for step in found.trace}


def _read_example(node: Node, policy: Policy, common: Mapping[str, tuple[Node, Node]]) -> Example:
    fields = node.fields(required=("id", "title", "source", "published", "working", "case", "expect"))
    expect = {key.text(): _read_figure(key, value) for key, value in fields["expect"].entries()}
    return Example(
        id=fields["id"].text(),
        title=fields["title"].text(),
        source=fields["source"].choice((*policy.sources, "assumed")),
        published=fields["published"].flag(),
        working=fields["working"].text(),
        case=_read_case(fields["case"], common),
        expect=expect,
    )


def _read_figure(key: Node, value: Node) -> str:
    name = key.text()
    if name == "refusal":
        return value.choice(tuple(code for code in Refusal.catalogue if code.startswith("benefit.")))
    if name == "pool_ratio":
        return f"{value.decimal(0, 1).normalize():f}"
    if name not in _AMOUNTS and not name.startswith(("funds.", "tallies.")):
        raise key.error(f"有不认识的键“{name}”", "、".join((*_AMOUNTS, "funds.…、tallies.…、pool_ratio、refusal 之一")))
    return yuan_text(value.amount_fen())


def _read_case(node: Node, common: Mapping[str, tuple[Node, Node]]) -> Case:
    merged = {**common, **{key.text(): (key, value) for key, value in node.entries()}}
    for name, (key, _) in merged.items():
        if name not in _CASE and name not in _CASE_OPTIONAL:
            raise key.error(f"有不认识的键“{name}”", "、".join((*_CASE, *_CASE_OPTIONAL)) + " 之一")
    for name in _CASE:
        if name not in merged:
            raise node.error(f"缺少“{name}”", f"写明 {name}，或者写在 common 中")
    of = {name: value for name, (_, value) in merged.items()}
    return Case(
        insured_place=of["insured_place"].matching(r"[0-9]{6}", "六位区划代码"),
        treated_place=of["treated_place"].matching(r"[0-9]{6}", "六位区划代码"),
        insurance=of["insurance"].choice(get_args(Insurance)),
        person_kind=of["person_kind"].choice(get_args(PersonKind)),
        age=int(of["age"].matching(r"[0-9]{1,3}", "周岁")),
        visit_kind=of["visit_kind"].choice(get_args(VisitKind)),
        institution_kind=of["institution_kind"].choice(get_args(InstitutionKind)),
        institution_level=of["institution_level"].choice(get_args(InstitutionLevel)),
        filing=of["filing"].choice(get_args(Filing)),
        on=of["on"].day(),
        lines=tuple(_read_line(at, line) for at, line in enumerate(of["lines"].items(), start=1)),
        tallies={key.text(): fen.amount_fen() for key, fen in of["tallies"].entries()} if "tallies" in of else {},
        qualifications=frozenset(
            [each.text() for each in of["qualifications"].items()] if "qualifications" in of else []
        ),
        account_fen=of["account"].amount_fen(),
        use_account=of["use_account"].flag(),
        admission_no=int(of["admission_no"].matching(r"[1-9][0-9]{0,2}", "本年第几次住院，从 1 起"))
        if "admission_no" in of
        else 1,
    )


def _read_line(line_no: int, node: Node) -> Line:
    fields = node.fields(
        required=("class", "quantity", "unit_price"), optional=("code", "name", "price_limit", "own_pay_rate")
    )
    quantity, unit_price = (fields[name].decimal(0, _MOST) for name in ("quantity", "unit_price"))
    return Line(
        line_no=line_no,
        code=fields["code"].text() if "code" in fields else "",
        name=fields["name"].text() if "name" in fields else "",
        charge_class=fields["class"].choice(get_args(ChargeClass)),
        quantity=quantity,
        unit_price=unit_price,
        amount_fen=half_up(quantity * unit_price * 100),
        price_limit=fields["price_limit"].decimal(0, _MOST) if "price_limit" in fields else None,
        own_pay_rate=fields["own_pay_rate"].decimal(0, 1) if "own_pay_rate" in fields else Decimal(0),
    )
