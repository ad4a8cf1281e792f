"""Published and derived worked examples beside a policy, and the runner that holds the engine to them.

    place: "510500"
    common: {…}                    # fields of a case that the examples share; an example may replace them
    examples:
      - id: SC-LZ-01
        title: …
        source: a_source           # an id under `sources` of the policy, or `assumed`
        published: true            # the figures stand in the source; false: worked out by hand from its values
        working: (400-150)*70%=175
        case: {…, lines: [{class: A, quantity: "1", unit_price: "400.00", price_limit?, own_pay_rate?, kind?, name?,
                           code?}]}
        expect: {in_scope: "400.00", funds.310102: "175.00", tallies.outpatient.fund_paid: "175.00", …}

`expect` names amounts of the assessment (without `_fen`), single funds and counters, `pool_ratio`, or only `refusal`.
What it leaves out is not compared.

    enrolment:                     # examples of what people pay, receive and wait for; either list may be left out
      - id: ACC-01
        title, source, published, working: …            # as above
        ask: {insurance: employee, person_kind: employed, age: 40, on: 2024-05-01, wage: "4000.00"}
        expect: {credit: "103.64"}

`ask` may also name reason, gap_months, missed_years, qualifications, and a place other than that of the file. `expect`
names premium, employer_premium (`none` where the rules say nothing of it), credit and entitled_from (a day, or `none`
where nobody waits); or instead of any of them, the code of a refusal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from yibao.benefit.assess import assess
from yibao.benefit.document import Node, open_document
from yibao.benefit.enrolment import credit, premium, waiting_until
from yibao.benefit.policy import Policies, Policy, load_policy
from yibao.benefit.types import (
    COUNTED,
    QUALIFICATIONS,
    Assessment,
    Basis,
    Case,
    ChargeClass,
    Filing,
    InstitutionKind,
    InstitutionLevel,
    Insurance,
    Insured,
    ItemKind,
    Line,
    PersonKind,
    Reason,
    VisitKind,
)
from yibao.core.money import half_up, yuan_text
from yibao.core.refusal import Refusal

# An example states accounts in yuan, as every amount in a file of policy data.
_CASE_OPTIONAL = ("tallies", "qualifications", "current_account", "disease", "entitled_from")
_CASE = tuple(name for field in Case.__struct_fields__ if (name := field.removesuffix("_fen")) not in _CASE_OPTIONAL)
_MOST = 10_000_000  # Larger than any quantity or unit price; keeps products within the precision of Decimal.
_COUNT = "0|[1-9][0-9]{0,2}"
_PLACE = "[0-9]{6}"
_NONE = "none"
_AGE = "[0-9]{1,3}"
_EVERY_EXAMPLE = ("id", "title", "source", "published", "working", "expect")
_AMOUNTS = tuple(name.removesuffix("_fen") for name in Assessment.__struct_fields__ if name.endswith("_fen"))


@dataclass(frozen=True, slots=True)
class Example:
    """A case, or an insured person, with the figures that must come out."""

    id: str
    title: str
    source: str
    published: bool
    working: str
    case: Case | Insured
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
    """All examples of a place, and the steps and items of its policy that none of them reached."""

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
        if isinstance(example.case, Case):
            actual, rules = _work_out(example.case, using)
        else:
            actual, rules = _answers(example.case, example.expect, using)
        reached |= rules
        differences = [
            Difference(name, expected, found)
            for name, expected in example.expect.items()
            if (found := actual.get(name, "无")) != expected
        ]
        if "refusal" in actual and "refusal" not in example.expect:
            differences.append(Difference("refusal", "", actual["refusal"]))
        outcomes.append(Outcome(example, tuple(differences)))
    heads = [item.head for terms in policy.terms.values() for _, item in terms.items()]
    heads += [rule.head for _, _, rule in policy.rules()]
    return Report(tuple(outcomes), tuple(head.rule for head in heads if head.rule not in reached))


def load_case(file: Path) -> Case:
    """Read one case from a file of its own, written like the `case` of an example; PolicyError where it is wrong."""
    return _read_case(open_document(file), {})


def load_examples(policy: Policy) -> tuple[Example, ...]:
    """Read the examples of a place; PolicyError says in which line something is wrong."""
    document = open_document(policy.folder / "examples.yaml")
    fields = document.fields(required=("place",), optional=("common", "examples", "enrolment"))
    if "examples" not in fields and "enrolment" not in fields:
        raise document.error("缺少“examples”", "写明 examples 或 enrolment")
    fields["place"].choice((policy.place,))
    common = {key.text(): (key, value) for key, value in fields["common"].entries()} if "common" in fields else {}
    examples: dict[str, Example] = {}
    for part, read in (
        ("examples", partial(_read_example, policy=policy, common=common)),
        ("enrolment", partial(_read_question, policy=policy)),
    ):
        for item in fields[part].items() if part in fields else ():
            example = read(item)
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
    figures |= {
        f"tallies.{name}": str(counter) if name.endswith(COUNTED) else yuan_text(counter)
        for name, counter in found.tallies.items()
    }
    figures["pool_ratio"] = f"{found.pool_ratio.normalize():f}"
    return figures, {step.rule for step in found.trace}


Answer = Callable[[Insured, Policies], tuple[str, tuple[Basis, ...]]]


def _premium(insured: Insured, using: Policies) -> tuple[str, tuple[Basis, ...]]:
    due = premium(insured, using=using)
    return yuan_text(due.amount_fen), due.basis


def _employer_premium(insured: Insured, using: Policies) -> tuple[str, tuple[Basis, ...]]:
    due = premium(insured, using=using)
    return _NONE if due.employer_fen is None else yuan_text(due.employer_fen), due.basis


def _credit(insured: Insured, using: Policies) -> tuple[str, tuple[Basis, ...]]:
    due = credit(insured, using=using)
    return yuan_text(due.amount_fen), due.basis


def _entitled_from(insured: Insured, using: Policies) -> tuple[str, tuple[Basis, ...]]:
    found = waiting_until(insured, using=using)
    return found.value.isoformat() if found.value else _NONE, found.basis


_ANSWERS: dict[str, Answer] = {
    "premium": _premium,
    "employer_premium": _employer_premium,
    "credit": _credit,
    "entitled_from": _entitled_from,
}


def _answers(insured: Insured, names: Iterable[str], using: Policies) -> tuple[dict[str, str], set[str]]:
    """Return the answers that `expect` names, each possibly the code of a refusal, and the items they rest on."""
    answers: dict[str, str] = {}
    reached: set[str] = set()
    for name in names:
        try:
            answers[name], basis = _ANSWERS[name](insured, using)
        except Refusal as refusal:
            answers[name] = refusal.code
        else:
            reached |= {".".join(each.rule.split(".")[:3]) for each in basis}  # enrolment.employee.credit[0]
    return answers, reached


def _read_example(node: Node, policy: Policy, common: Mapping[str, tuple[Node, Node]]) -> Example:
    fields = node.fields(required=(*_EVERY_EXAMPLE, "case"))
    expect = {key.text(): _read_figure(key, value) for key, value in fields["expect"].entries()}
    return _example_of(fields, policy, _read_case(fields["case"], common), expect)


def _read_question(node: Node, policy: Policy) -> Example:
    fields = node.fields(required=(*_EVERY_EXAMPLE, "ask"))
    expect = {key.choice(tuple(_ANSWERS)): _read_answer(key, value) for key, value in fields["expect"].entries()}
    return _example_of(fields, policy, _read_insured(fields["ask"], policy), expect)


def _example_of(fields: Mapping[str, Node], policy: Policy, case: Case | Insured, expect: Mapping[str, str]) -> Example:
    return Example(
        id=fields["id"].text(),
        title=fields["title"].text(),
        source=fields["source"].choice((*policy.sources, "assumed")),
        published=fields["published"].flag(),
        working=fields["working"].text(),
        case=case,
        expect=expect,
    )


def _read_refusal(node: Node) -> str:
    return node.choice(tuple(code for code in Refusal.catalogue if code.startswith("benefit.")))


def _read_answer(key: Node, value: Node) -> str:
    if value.text().startswith("benefit."):
        return _read_refusal(value)
    if value.text() == _NONE and key.text() in ("employer_premium", "entitled_from"):
        return _NONE
    if key.text() == "entitled_from":
        return value.day().isoformat()
    return yuan_text(value.amount_fen())


def _read_insured(node: Node, policy: Policy) -> Insured:
    of = node.fields(
        required=("insurance", "person_kind", "age", "on"),
        optional=("place", "wage", "reason", "gap_months", "missed_years", "qualifications"),
    )
    try:
        return Insured(
            place=of["place"].matching(_PLACE, "六位区划代码") if "place" in of else policy.place,
            insurance=of["insurance"].choice(get_args(Insurance)),
            person_kind=of["person_kind"].choice(get_args(PersonKind)),
            age=int(of["age"].matching(_AGE, "周岁")),
            on=of["on"].day(),
            wage_fen=of["wage"].amount_fen() if "wage" in of else None,
            reason=of["reason"].choice(get_args(Reason)) if "reason" in of else "in_time",
            gap_months=int(of["gap_months"].matching(_COUNT, "月数")) if "gap_months" in of else None,
            missed_years=int(of["missed_years"].matching(_COUNT, "年数")) if "missed_years" in of else 0,
            qualifications=_read_qualifications(of["qualifications"]) if "qualifications" in of else frozenset(),
        )
    except ValueError:
        raise node.error(
            "中断的时间写得不对", "只有 reason: broken 才写 gap_months 和 missed_years，至多 100 年"
        ) from None


def _read_figure(key: Node, value: Node) -> str:
    name = key.text()
    if name == "refusal":
        return _read_refusal(value)
    if name.startswith("tallies.") and name.endswith(COUNTED):
        return value.matching(_COUNT, "次数")
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
        insured_place=of["insured_place"].matching(_PLACE, "六位区划代码"),
        treated_place=of["treated_place"].matching(_PLACE, "六位区划代码"),
        insurance=of["insurance"].choice(get_args(Insurance)),
        person_kind=of["person_kind"].choice(get_args(PersonKind)),
        age=int(of["age"].matching(_AGE, "周岁")),
        visit_kind=of["visit_kind"].choice(get_args(VisitKind)),
        institution_kind=of["institution_kind"].choice(get_args(InstitutionKind)),
        institution_level=of["institution_level"].choice(get_args(InstitutionLevel)),
        filing=of["filing"].choice(get_args(Filing)),
        on=of["on"].day(),
        lines=tuple(_read_line(at, line) for at, line in enumerate(of["lines"].items(), start=1)),
        tallies=dict(_read_tally(key, node) for key, node in of["tallies"].entries()) if "tallies" in of else {},
        qualifications=_read_qualifications(of["qualifications"]) if "qualifications" in of else frozenset(),
        account_fen=of["account"].amount_fen(),
        use_account=of["use_account"].flag(),
        current_account_fen=of["current_account"].amount_fen() if "current_account" in of else 0,
        disease=of["disease"].matching(r"M[0-9]{5}", "国家门诊慢特病病种代码，例如 M03900") if "disease" in of else "",
        entitled_from=of["entitled_from"].day() if "entitled_from" in of else None,
    )


def _read_tally(key: Node, value: Node) -> tuple[str, int]:
    name = key.text()
    return name, int(value.matching(_COUNT, "次数")) if name.endswith(COUNTED) else value.amount_fen()


def _read_qualifications(node: Node) -> frozenset[str]:
    known = tuple(word for words in QUALIFICATIONS.values() for word in words)
    held = [each.choice(known) for each in node.items()]
    for fact, words in QUALIFICATIONS.items():
        if len(set(held) & set(words)) > 1:
            raise node.error(f"同时写了几种 {fact}", "、".join(words) + " 之中至多一种")
    return frozenset(held)


def _read_line(line_no: int, node: Node) -> Line:
    fields = node.fields(
        required=("class", "quantity", "unit_price"), optional=("code", "name", "price_limit", "own_pay_rate", "kind")
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
        own_pay_rate=fields["own_pay_rate"].decimal(0, 1) if "own_pay_rate" in fields else None,
        kind=fields["kind"].choice(get_args(ItemKind)) if "kind" in fields else "drug",
    )
