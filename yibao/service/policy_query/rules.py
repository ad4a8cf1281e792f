"""What may be asked of the policies, what the answer consists of, and the words for it. No figure of a rule is here."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from yibao import benefit
from yibao.benefit import Assessment, Basis, Case, Line, NoPolicy, NoRule, Policies, Stated
from yibao.benefit.types import ChargeClass, InstitutionLevel, Insurance, PersonKind, VisitKind
from yibao.core.money import fen_of
from yibao.service.policy_query.refusals import MalformedQuestion

T = TypeVar("T", bound=str)

# Each kind of person belongs to one insurance, so the form asks once for both and cannot be told what does not fit.
PEOPLE: dict[Insurance, dict[PersonKind, str]] = {
    "employee": {"employed": "在职职工", "retired": "退休人员"},
    "resident": {"adult": "成年居民", "aged": "老年居民", "student": "学生", "child": "儿童"},
}
INSURANCE_OF = {person: insurance for insurance, people in PEOPLE.items() for person in people}
PERSON_NAMES = {person: name for people in PEOPLE.values() for person, name in people.items()}
VISITS: tuple[VisitKind, ...] = ("pharmacy", "outpatient", "inpatient")
LEVELS: dict[InstitutionLevel, str] = {
    "community": "社区卫生服务中心、乡镇卫生院",
    "primary": "一级医院",
    "secondary": "二级医院",
    "tertiary": "三级医院",
    "none": "未定级",
}
AGE_MAX = 150  # Nobody was older; what is more is a slip of the finger.
AMOUNT_MAX_FEN = 100_000_000_00  # Far above any bill, so that no figure breaks the page.

MEANINGS = {  # What a value is for, by where it stands within its step.
    "amount": "一年",
    "amounts": "每次住院",
    "less_each": "同一年再次住院，每次降低",
    "floor": "降低后不少于",
    "rate": "比例",
    "points.rate": "另加",
    "bands": "分段比例",
    "pays": "可以支付个人负担的",
}


class Question(Struct, frozen=True, kw_only=True):
    """The form as it was filled in."""

    place: str
    person: str = "employed"
    age: str = ""
    visit: str = "pharmacy"
    level: str = "tertiary"
    on: str
    in_scope: str = "400.00"
    outside: str = "20.00"
    account: str = "0.00"


class Value(Struct, frozen=True):
    """One value that holds, in words."""

    meaning: str
    text: str
    basis: Basis


class Answer(Struct, frozen=True):
    """What holds for the case that was asked about, and an example of it."""

    label: str  # Name of the place.
    group: str  # Name of the rules that apply: 职工门诊统筹.
    case: Case
    steps: tuple[tuple[str, tuple[Value, ...]], ...]  # Under the label of each step.
    example: Assessment


def question_of(typed: Mapping[str, str], *, using: Policies, today: date) -> Question:
    """Return the question in a form; a field left empty is as it stood when the form was opened.

    A county is asked about under its city, whose rules it follows and whose name the form can show.
    """
    filled = {name: text for name in Question.__struct_fields__ if (text := typed.get(name, "").strip())}
    place = filled.get("place", next(iter(using.places)))
    with suppress(NoPolicy):  # To be said when it is answered.
        place = using.of(place).place
    return Question(**{"on": today.isoformat(), **filled, "place": place})


def answer(question: Question, *, using: Policies) -> Answer:
    """Return what the policies say to a question.

    Raises, first that applies: MalformedQuestion, NoPolicy, MalformedQuestion for an age that is needed, NoRule
    """
    case = case_of(question)
    policy = using.of(case.insured_place)
    if not question.age and len({_stated_at(age, case, using) for age in (0, *policy.ages)}) > 1:
        raise MalformedQuestion(what=f"{policy.label}这类待遇与年龄有关，请填写年龄。")
    example = benefit.assess(case, using=using)
    stated = using.stated(case)
    return Answer(policy.label, stated[0].group, case, tuple(_steps(stated)), example)


def _stated_at(age: int, case: Case, using: Policies) -> tuple[Stated, ...]:
    """Return what would hold at an age; nothing where there is no rule for it."""
    try:
        return using.stated(replace(case, age=age))
    except NoRule:
        return ()


def case_of(question: Question) -> Case:
    """Return the case to be worked out: the first visit of a year, with one item in scope and one outside.

    Raises: MalformedQuestion
    """
    if not re.fullmatch(r"[0-9]{6}", question.place):
        raise MalformedQuestion(what="请从列表中选择参保地。")
    person = _chosen(INSURANCE_OF, question.person, "人员类别")
    visit = _chosen(VISITS, question.visit, "就医类别")
    level = _chosen(LEVELS, question.level, "机构等级")
    in_shop = visit == "pharmacy"
    account_fen = _amount(question.account, "个人账户余额")
    return Case(
        insured_place=question.place,
        treated_place=question.place,
        insurance=INSURANCE_OF[person],
        person_kind=person,
        age=_age(question.age),
        visit_kind=visit,
        institution_kind="pharmacy" if in_shop else "hospital",
        institution_level="none" if in_shop else level,
        filing="local",
        on=_day(question.on),
        lines=(
            _line(1, "A", _amount(question.in_scope, "政策范围内金额")),
            _line(2, "C", _amount(question.outside, "政策范围外金额")),
        ),
        tallies={},
        qualifications=frozenset(),
        account_fen=account_fen,
        use_account=account_fen > 0,
    )


def _chosen(options: Iterable[T], word: str, label: str) -> T:
    for option in options:
        if option == word:
            return option
    raise MalformedQuestion(what=f"请从列表中选择{label}。")


def _age(text: str) -> int:
    """Return the age; 0 where none was given, which `answer` accepts where no value depends on it."""
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > AGE_MAX:
        raise MalformedQuestion(what="年龄请填写周岁，例如 60。")
    return int(text)


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise MalformedQuestion(what="日期请写成 2026-05-12 的样子，并且是存在的一天。") from None


def _amount(text: str, label: str) -> int:
    try:
        fen = fen_of(text)
    except ValueError:
        fen = -1
    if not 0 <= fen <= AMOUNT_MAX_FEN:
        raise MalformedQuestion(what=f"{label}请填写不超过一亿元的金额，最多两位小数，例如 400.00。")
    return fen


def _line(number: int, charge_class: ChargeClass, fen: int) -> Line:
    return Line(
        line_no=number,
        code="",
        name="",
        charge_class=charge_class,
        quantity=Decimal(1),
        unit_price=Decimal(fen) / 100,
        amount_fen=fen,
        price_limit=None,
        own_pay_rate=Decimal(0),
    )


def _steps(stated: Iterable[Stated]) -> Iterator[tuple[str, tuple[Value, ...]]]:
    for label, values in groupby(stated, key=lambda each: each.step):
        yield label, tuple(_value(each) for each in values)


def _value(stated: Stated) -> Value:
    """Say what a value is for: `points[0].rate.2023-01-01.value.retired` is 退休人员另加."""
    path = re.sub(r"\[[0-9]+\]", "", stated.name.partition(f".{stated.basis.from_on.isoformat()}")[0])
    text = stated.text.replace("%", " 个百分点") if path == "points.rate" else stated.text
    meaning = stated.part + MEANINGS[path]
    if path == "amounts" and "、" in text:
        meaning += "，从第一次起依次为"
    return Value(meaning, text, stated.basis)
