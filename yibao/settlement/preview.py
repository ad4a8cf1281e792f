"""费用预估 (F3): what a visit would cost at each kind of institution, at home and away, side by side.

Nobody need sign in. Whoever has is reckoned with their own place, kind, age, counters and account, which are read anew
for every page and never stand in the address. Nothing is stored or promised: what a bill costs is for `actions` to say.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from urllib.parse import urlencode

import msgspec
from litestar import Router, get
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from yibao import benefit, credential
from yibao.benefit.types import COUNTED, LEVEL_NAMES, PERSON_NAMES, Filing, InstitutionLevel, VisitKind, held_words
from yibao.core.clock import Clock, day_of
from yibao.core.database import Pool
from yibao.core.money import number_of, yuan_text
from yibao.core.refusal import Refusal
from yibao.service import directory, policy_query
from yibao.service.policy_query import MalformedQuestion, Question
from yibao.settlement import explain, queries, refusals, rules, store
from yibao.settlement.actions import Desk
from yibao.settlement.types import Basket, BasketLine, Code, Facts, FactsRequest
from yibao.web.principal import SignedIn, anyone

COLUMNS: dict[Filing, str] = {
    "local": "本地",
    "filed": "异地已备案",
    "unfiled": "异地未备案",
    "emergency": "异地急诊",
}
VISITS: dict[VisitKind, str] = {"outpatient": "看门诊、买药", "inpatient": "住院", "chronic": "门诊慢特病"}
PHARMACY = "pharmacy"
ITEMS_MAX, FOUND_MAX, TEXT_MAX = 20, 8, 50
ITEM = "item-"  # Before the code of an item, in the name of the field for its quantity.
# Never in an address that was not typed.
OF_A_PERSON = ("place", "person", "age", "account", "current", "entitled_from", *benefit.QUALIFICATIONS)
OF_A_VISIT = ("visit", "where", "disease", "in_scope", "outside")


class Typed(Struct, frozen=True):
    """The form as it was sent; anything may stand in it."""

    fields: dict[str, str]
    items: dict[str, str]  # Quantities by code, as typed; a field left empty is an item that was not chosen.
    other: bool  # Not for the person who is signed in.
    search: str  # Part of a name to look for; empty unless looking was asked for.
    go: bool
    show: str  # The cell whose steps to show.

    @property
    def asks(self) -> bool:
        return bool(self.items or self.fields["in_scope"] or self.fields["outside"])


class Cell(Struct, frozen=True):
    """What a visit would cost at one kind of institution in one place."""

    key: str
    row: str  # 三级医院
    column: str  # 异地已备案
    assessment: benefit.Assessment

    @property
    def name(self) -> str:
        return f"{self.row}，{self.column}"

    @property
    def unpaid(self) -> str:
        """Why no fund pays there; empty where funds may pay."""
        return benefit.why_unpaid(self.assessment.trace)[0]

    @property
    def assumed(self) -> tuple[tuple[str, str], ...]:
        """What was used although nobody published it: the label of the step and why."""
        return tuple(
            dict.fromkeys(
                (step.label, basis.note)
                for step in self.assessment.trace
                for basis in step.basis
                if basis.grade == "assumed"
            )
        )


class Row(Struct, frozen=True):
    name: str
    cells: tuple[tuple[str, Cell | None], ...]  # Under the name of each column that has any rule.


class Comparison(Struct, frozen=True):
    """The cells for which there are rules, by kind of institution."""

    columns: tuple[str, ...]
    without_rule: tuple[str, ...]  # The columns that have none.
    rows: tuple[Row, ...]

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for _, cell in row.cells if cell is not None]

    @property
    def cheapest(self) -> list[Cell]:
        """The cells in which the person pays least; none where it is the same everywhere."""
        least = min(cell.assessment.person_fen for cell in self.cells)
        found = [cell for cell in self.cells if cell.assessment.person_fen == least]
        return found if len(found) < len(self.cells) else []

    @property
    def unpaid(self) -> list[str]:
        """The reasons for which no fund pays in some cell."""
        return list(dict.fromkeys(cell.unpaid for cell in self.cells if cell.unpaid))

    @property
    def assumed(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys(each for cell in self.cells for each in cell.assumed))


def compare(
    case: benefit.Case, *, levels: Iterable[InstitutionLevel], ages_matter: bool, using: benefit.Policies
) -> Comparison:
    """Work out a case at every kind of institution, at home and at the case's place of treatment.

    Raises, first that applies: NoPolicy, MalformedQuestion where `ages_matter` and the rules depend on the age, NoRule
    where there is no rule for any cell
    """
    found: dict[str, dict[Filing, Cell | None]] = {}
    refusal: benefit.NoRule | None = None
    for row, filing, each in _cases(case, levels=levels, using=using):
        if ages_matter:
            policy_query.require_no_age(each, using=using)
        cell = None
        try:
            cell = Cell(f"{row}.{filing}", _name(row), COLUMNS[filing], benefit.assess(each, using=using))
        except benefit.NoRule as lacking:
            refusal = refusal or lacking
        found.setdefault(row, {})[filing] = cell
    ruled = [filing for filing in COLUMNS if any(row[filing] for row in found.values())]
    if not ruled and refusal is not None:
        raise refusal
    return Comparison(
        columns=tuple(COLUMNS[filing] for filing in ruled),
        without_rule=tuple(name for filing, name in COLUMNS.items() if filing not in ruled),
        rows=tuple(
            Row(_name(row), tuple((COLUMNS[filing], cells[filing]) for filing in ruled))
            for row, cells in found.items()
            if any(cells.values())
        ),
    )


def _cases(
    case: benefit.Case, *, levels: Iterable[InstitutionLevel], using: benefit.Policies
) -> Iterator[tuple[str, Filing, benefit.Case]]:
    home = using.of(case.insured_place).place
    for row in (PHARMACY, *levels) if case.visit_kind == "outpatient" else levels:
        for filing in COLUMNS:
            there = replace(case, filing=filing, treated_place=home if filing == "local" else case.treated_place)
            if row == PHARMACY:
                yield (
                    row,
                    filing,
                    replace(there, visit_kind="pharmacy", institution_kind="pharmacy", institution_level="none"),
                )
            else:
                yield row, filing, replace(there, institution_level=row)


def _name(row: str) -> str:
    if row == PHARMACY:
        return "药店"
    return {**LEVEL_NAMES, "none": "未定级的医院"}[row]  # type: ignore[index]


def typed_in(query: Mapping[str, str]) -> Typed:
    """Return what stands in a query string."""
    fields = {name: query.get(name, "").strip() for name in (*OF_A_PERSON, *OF_A_VISIT)}
    items = {name.removeprefix(ITEM): text.strip() for name, text in query.items() if name.startswith(ITEM)}
    return Typed(
        fields=fields,
        items={code: quantity for code, quantity in items.items() if quantity},
        other=query.get("who") == "other",
        search=query.get("q", "").strip() if "find" in query else "",
        go="go" in query,
        show=query.get("show", ""),
    )


def basket_of(items: Mapping[str, str]) -> Basket:
    """Return the items that were chosen. Raises: MalformedQuestion"""
    if len(items) > ITEMS_MAX:
        raise MalformedQuestion(what=f"最多选 {ITEMS_MAX} 个项目。")
    lines = []
    for code, quantity in items.items():
        try:
            lines.append(BasketLine(msgspec.convert(code, Code), number_of(quantity)))
        except (msgspec.ValidationError, ValueError):
            raise MalformedQuestion(
                what="项目请从目录中查找；数量须大于 0、不超过 100000，最多 4 位小数，例如 2。"
            ) from None
    return Basket("", tuple(lines))


def question_of(typed: Typed, *, using: benefit.Policies, today: date) -> Question:
    """Return the question as it is asked here: what is away from home lies in the province, if that is possible."""
    fields = dict(typed.fields)
    if fields["in_scope"] or fields["outside"]:  # One of them may be left empty, and stands for nothing then.
        fields |= {name: fields[name] or "0" for name in ("in_scope", "outside")}
    fields["visit"] = fields["visit"] or next(iter(VISITS))
    question = policy_query.question_of(fields, using=using, today=today)
    away = [where for where in policy_query.offer(question, using=using).where if where != "home"]
    return question if question.where in away else replace(question, where=away[0])


def own_question(question: Question, facts: Facts, place: str, *, today: date) -> Question:
    """Return the question with what is known of the person who asks.

    Refusals: those of `rules.relation_in`, KindUnsupported.
    """
    relation = rules.relation_in(facts.coverage or (), place)
    held = held_words(rules.qualifications_on(relation, today))
    account = next((a for a in facts.accounts or () if a.account == rules.account_name(relation.place)), None)
    return replace(
        question,
        place=relation.place,
        person=rules.person_kind(relation.psn_type),
        age=str(rules.age_on(relation.birth_on, today)),
        account=yuan_text(account.balance_fen if account else 0),
        current="0.00",
        entitled_from=relation.entitled_from.isoformat() if relation.entitled_from else "",
        **held,
    )


def own_counters(facts: Facts, place: str, year: int) -> dict[str, int]:
    relation = rules.relation_in(facts.coverage or (), place)
    return rules.tally_of(facts.tallies, relation.place, relation.insutype, year)


def counted(policy: benefit.Policy, insurance: str, counters: Mapping[str, int]) -> list[tuple[str, str]]:
    """Say what counts from earlier in the year: under the label of the first step that keeps the counter."""
    labels: dict[str, str] = {}
    for of_insurance, _, rule in policy.rules():
        tally = getattr(rule.step, "tally", None)
        if tally and of_insurance == insurance:
            labels.setdefault(getattr(tally, "pattern", tally), rule.head.label)
    said = []
    for name, value in counters.items():
        pattern = name if name in labels else f"{name.rpartition('.')[0]}.{{disease}}"
        if value and pattern in labels:
            said.append((labels[pattern], f"{value} 次" if name.endswith(COUNTED) else f"{yuan_text(value)} 元"))
    return said


def case_of(
    question: Question, typed: Typed, facts: Facts | None, counters: Mapping[str, int], *, using: benefit.Policies
) -> benefit.Case:
    """Return the case that all cells share.

    Raises, first that applies: MalformedQuestion, NoPolicy, ItemUnknown, MalformedQuestion for what costs nothing or
    too much
    """
    basket = basket_of(typed.items)
    if question.visit not in VISITS:
        raise MalformedQuestion(what="请从列表中选择就医类别。")
    case = policy_query.case_of(question, using=using)
    if basket.lines:
        case = replace(case, lines=rules.price(basket, {item.code: item for item in (facts and facts.items) or ()}))
    if not 0 < sum(line.amount_fen for line in case.lines) <= policy_query.AMOUNT_MAX_FEN or not typed.asks:
        raise MalformedQuestion(what="请填写大概要花多少钱，或者选药品、项目；合计不超过一亿元。")
    return replace(case, tallies=dict(counters))


async def _facts(pool: Pool, person_id: str, typed: Typed, *, year: int) -> Facts | None:
    """Read the person's side and the items in one statement; nothing where there is neither."""
    codes = tuple(code for code in list(typed.items)[:ITEMS_MAX] if _is_code(code))
    if not person_id and not codes:
        return None
    request = FactsRequest(person_id, caller="", operation="", id="", token="", institution="", codes=codes, year=year)
    [facts] = await store.facts(pool, [request])
    return facts


def _is_code(text: str) -> bool:
    try:
        msgspec.convert(text, Code)
    except msgspec.ValidationError:
        return False
    return True


async def _found(pool: Pool, typed: Typed) -> list[directory.Item]:
    """Return items by part of their name. Raises: MalformedQuestion"""
    if len(typed.search) > TEXT_MAX or not typed.search.isprintable():
        raise MalformedQuestion(what=f"要找的名称不超过 {TEXT_MAX} 个字。")
    found = await directory.search(pool, typed.search, limit=FOUND_MAX)
    return [item for item in found if item.code not in typed.items]


def links_of(typed: Typed, *, own: bool) -> dict[str, str]:
    """Return the part of an address that asks the same again, with nothing in it of the person who is signed in."""
    names = OF_A_VISIT if own else (*OF_A_PERSON, *OF_A_VISIT)
    asked = {name: typed.fields[name] for name in names if typed.fields[name]}
    asked |= {f"{ITEM}{code}": quantity for code, quantity in typed.items.items()}
    return asked | ({"who": "other"} if typed.other else {})


@get("/preview")
async def preview(request: SignedIn, desk: Desk, pool: Pool, clock: Clock) -> Template:
    """费用预估 (F3)."""
    typed, today, using = typed_in(dict(request.query_params.items())), day_of(clock()), desk.policies
    person_id = (request.auth and request.auth.person_id) or ""
    holder = await credential.holder(pool, person_id) if person_id and not typed.other else None
    question = question_of(typed, using=using, today=today)
    facts = await _facts(pool, person_id if holder else "", typed, year=today.year)
    counters: dict[str, int] = {}
    found: list[directory.Item] | None = None
    comparison, known = None, False
    refusal: Refusal | None = None
    try:
        if holder and facts:
            question = own_question(question, facts, holder.place, today=today)
            counters, known = own_counters(facts, holder.place, today.year), True
        if typed.search:
            found = await _found(pool, typed)
        if typed.asks or typed.go:
            comparison = compare(
                case_of(question, typed, facts, counters, using=using),
                levels=policy_query.offer(question, using=using).levels,
                ages_matter=not question.age,
                using=using,
            )
    except refusals.NotInsuredHere as refused:
        refusal = await queries.with_names(pool, refused)
    except Refusal as refused:
        refusal = refused
    offer = policy_query.offer(question, using=using)
    shown = next((cell for cell in comparison.cells if cell.key == typed.show), None) if comparison else None
    return Template(
        "settlement/phone/preview.html",
        context={
            **policy_query.choices(question, using=using),
            "visits": VISITS,
            "aways": [(where, name) for where, name in offer.where.items() if where != "home"],
            "typed": typed,
            "own": _said_of(question, counters, using) if known else None,
            "may_be_own": bool(person_id),
            "signed_in": request.auth is not None,
            "asked_by_owner": holder is not None,
            "chosen": [(item, typed.items[item.code]) for item in (facts and facts.items) or ()],
            "found": found,
            "comparison": comparison,
            "shown": shown,
            "summary": explain.summary_of(shown.assessment) if shown else "",
            "steps": explain.steps_of(shown.assessment.trace) if shown else (),
            "link": urlencode(links_of(typed, own=holder is not None)) if comparison else "",
            "refusal": refusal,
            "grades": benefit.GRADE_NAMES,
            "price": rules.plain,
        },
        status_code=refusal.status if refusal else 200,
    )


def _said_of(question: Question, counters: Mapping[str, int], using: benefit.Policies) -> list[tuple[str, str]]:
    """Say which of the person's own numbers are used; residents have no account, unless one is left from a job."""
    insurance = policy_query.INSURANCE_OF[question.person]  # type: ignore[index]
    has_account = insurance != "resident" or question.account != yuan_text(0)
    said = [
        ("人员类别", PERSON_NAMES[question.person]),
        ("年龄", f"{question.age} 岁"),
        *([("个人账户余额", f"{question.account} 元")] if has_account else []),
        *policy_query.special(question),
    ]
    try:
        policy = using.of(question.place)
    except benefit.NoPolicy:
        return said
    earlier = counted(policy, insurance, counters)
    return [
        ("参保地", policy.label),
        *said,
        *([(f"今年已计入{label}", text) for label, text in earlier] or [("今年已计入的", "还没有")]),
    ]


routes = [Router("/", route_handlers=[preview], guards=[anyone])]
