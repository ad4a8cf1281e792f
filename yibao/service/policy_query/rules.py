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
from yibao.benefit import Assessment, Basis, Case, Line, NoPolicy, NoRule, Policies, Policy, Stated
from yibao.benefit.types import (
    BROADER,
    DISEASE,
    DISEASE_NAMES,
    LEVEL_NAMES,
    NO,
    QUALIFICATIONS,
    ChargeClass,
    Filing,
    InstitutionLevel,
    Insurance,
    PersonKind,
    TreatedIn,
    VisitKind,
)
from yibao.core.money import fen_of
from yibao.service.policy_query.refusals import MalformedQuestion

T = TypeVar("T", bound=str)

# Each kind of person belongs to one insurance, so the form asks once for both and cannot be told what does not fit.
PEOPLE: dict[Insurance, tuple[PersonKind, ...]] = {
    "employee": ("employed", "retired"),
    "resident": ("adult", "aged", "student", "child"),
}
INSURANCE_OF = {person: insurance for insurance, people in PEOPLE.items() for person in people}
VISITS: tuple[VisitKind, ...] = ("pharmacy", "outpatient", "inpatient", "chronic")
LEVELS: dict[InstitutionLevel, str] = LEVEL_NAMES
WHERE: dict[TreatedIn, str] = {"home": "本地", "province": "省内异地", "country": "跨省"}
AWAY: dict[Filing, str] = {"filed": "已备案", "unfiled": "没有备案", "emergency": "急诊抢救"}
OTHER_DISEASE, _DISEASE = "other", r"M[0-9]{5}"
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
    "deductible": "起付标准",
    "least": "起付线不低于",
    "most": "起付线不高于",
    "months": "等待的月数",
    "reason": "基金不支付，因为",
    "class_b_rate": "乙类先行自付比例，目录没有规定的",
    "first_own_share": "先行自付比例乘以",
    "bed_limit": "床位每天最多",
    "material_first_own": "耗材按单价先行自付",
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
    current: str = "0.00"  # Of the account, where a place keeps two: what came in this year.
    where: str = "home"
    filing: str = "filed"  # Counts only for treatment away.
    disease: str = OTHER_DISEASE  # Counts only for 门诊慢特病.
    aid: str = NO
    supplement: str = NO
    cohort: str = NO
    signed: str = NO
    employment: str = NO
    tier: str = NO
    entitled_from: str = ""

    @property
    def particular(self) -> bool:
        """Whether something was filled in that most people leave as it stands."""
        held = any(getattr(self, fact) != NO for fact in QUALIFICATIONS)
        return held or self.visit == "chronic" or self.entitled_from != ""


class Offer(Struct, frozen=True):
    """What the form offers because the rules of the chosen place tell it apart, each word with its name."""

    levels: dict[InstitutionLevel, str]
    diseases: dict[str, str]
    where: dict[TreatedIn, str]
    two_accounts: bool


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
    circumstances: tuple[tuple[str, str], ...]  # What is particular about the case, each with its label.
    unheard: tuple[str, ...]  # Of these, what no rule of the place mentions.
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


def offer(question: Question, *, using: Policies) -> Offer:
    """Return what the form offers for the place that was chosen; what was chosen already is never missing."""
    try:
        policy = using.of(question.place)
    except NoPolicy:  # To be said when it is answered.
        policy = next(iter(using.places.values()))
    named = policy.named("institution_level") | {question.level}
    chosen = {question.disease} if re.fullmatch(_DISEASE, question.disease) else set()
    diseases = sorted((policy.named(DISEASE) | chosen) - {OTHER_DISEASE})
    return Offer(
        levels={level: name for level, name in LEVELS.items() if level not in BROADER or level in named},
        diseases={code: disease_name(code) for code in (*diseases, OTHER_DISEASE)},
        where={where: name for where, name in WHERE.items() if treated_place(policy, where) is not None},
        two_accounts=any(rule.head.kind == "account_first" for _, _, rule in policy.rules()),
    )


def disease_name(code: str) -> str:
    return "其他病种" if code == OTHER_DISEASE else DISEASE_NAMES.get(code, f"病种 {code}")


def treated_place(policy: Policy, where: TreatedIn) -> str | None:
    """Return some place that lies there, seen from the insured place; None where there is none.

    A municipality has no place in its province that is not home.
    """
    cities = (f"{policy.place[:2]}{city:02}00" for city in range(1, 100))
    places = (policy.place, *cities, "110000", "310000")
    return next((place for place in places if policy.treated_in(place) == where), None)


def answer(question: Question, *, using: Policies) -> Answer:
    """Return what the policies say to a question.

    Raises, first that applies: MalformedQuestion, NoPolicy, MalformedQuestion for a place of treatment that does not
    exist or an age that is needed, NoRule
    """
    case = case_of(question, using=using)
    policy = using.of(case.insured_place)
    if not question.age:
        require_no_age(case, using=using)
    example = benefit.assess(case, using=using)
    stated = using.stated(case)
    return Answer(
        policy.label,
        stated[0].group,
        case,
        circumstances(question, case, policy),
        unheard(case, policy),
        tuple(_steps(stated)),
        example,
    )


def require_no_age(case: Case, *, using: Policies) -> None:
    """Refuse a case without an age where its rules depend on it. Raises: NoPolicy, MalformedQuestion"""
    policy = using.of(case.insured_place)
    if len({_stated_at(age, case, using) for age in (0, *policy.ages)}) > 1:
        raise MalformedQuestion(what=f"{policy.label}这类待遇与年龄有关，请填写年龄。")


def _stated_at(age: int, case: Case, using: Policies) -> tuple[Stated, ...]:
    """Return what would hold at an age; nothing where there is no rule for it."""
    try:
        return using.stated(replace(case, age=age))
    except NoRule:
        return ()


def circumstances(question: Question, case: Case, policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return what is particular about a case in words, each under its label; nothing of the ordinary."""
    where = policy.treated_in(case.treated_place)
    said = (
        ("就医地", f"{WHERE[where]}，{AWAY[case.filing]}" if case.filing in AWAY else ""),
        ("病种", disease_name(case.disease) if case.disease else ""),
        *special(question),
    )
    return tuple((label, text) for label, text in said if text)


def special(question: Question) -> list[tuple[str, str]]:
    """Return what a person holds, in words under its label; nothing where that is nothing."""
    held = [words[getattr(question, fact)] for fact, words in QUALIFICATIONS.items() if getattr(question, fact) != NO]
    said = (
        ("特殊情况", "、".join(held)),
        ("享受待遇", f"自 {question.entitled_from} 起" if question.entitled_from else ""),
    )
    return [(label, text) for label, text in said if text]


def unheard(case: Case, policy: Policy) -> tuple[str, ...]:
    """Return what the person holds and no rule of the place mentions, so that it did not count."""
    return tuple(
        name
        for fact, words in QUALIFICATIONS.items()
        for word, name in words.items()
        if word in case.qualifications and word not in policy.named(fact)
    )


def case_of(question: Question, *, using: Policies) -> Case:
    """Return the case to be worked out: the first visit of a year, with one item in scope and one outside.

    Raises, first that applies: MalformedQuestion, NoPolicy, MalformedQuestion for a place that does not exist
    """
    if not re.fullmatch(r"[0-9]{6}", question.place):
        raise MalformedQuestion(what="请从列表中选择参保地。")
    person = _chosen(INSURANCE_OF, question.person, "人员类别")
    visit = _chosen(VISITS, question.visit, "就医类别")
    level = _chosen(LEVELS, question.level, "机构等级")
    where = _chosen(WHERE, question.where, "就医地")
    away = _chosen(AWAY, question.filing, "备案情况")
    in_shop = visit == "pharmacy"
    account_fen = _amount(question.account, "个人账户余额")
    case = Case(
        insured_place=question.place,
        treated_place=question.place,
        insurance=INSURANCE_OF[person],
        person_kind=person,
        age=_age(question.age),
        visit_kind=visit,
        institution_kind="pharmacy" if in_shop else "hospital",
        institution_level="none" if in_shop else level,
        filing="local" if where == "home" else away,
        on=_day(question.on),
        lines=(
            _line(1, "A", _amount(question.in_scope, "政策范围内金额")),
            _line(2, "C", _amount(question.outside, "政策范围外金额")),
        ),
        tallies={},
        qualifications=_held(question),
        account_fen=account_fen,
        use_account=account_fen > 0,
        current_account_fen=_amount(question.current, "当年个人账户余额"),
        disease=_disease(question.disease) if visit == "chronic" else "",
        entitled_from=_day(question.entitled_from) if question.entitled_from else None,
    )
    policy = using.of(question.place)
    treated = treated_place(policy, where)
    if treated is None:
        raise MalformedQuestion(what=f"{policy.label}没有{WHERE[where]}，请选择本地或者跨省。")
    return replace(case, treated_place=treated)


def _held(question: Question) -> frozenset[str]:
    held = {_chosen((NO, *words), getattr(question, fact), "特殊情况") for fact, words in QUALIFICATIONS.items()}
    return frozenset(held - {NO})


def _disease(text: str) -> str:
    if text != OTHER_DISEASE and not re.fullmatch(_DISEASE, text):
        raise MalformedQuestion(what="请从列表中选择病种。")
    return text


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
