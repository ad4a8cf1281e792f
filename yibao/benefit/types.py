"""What the engine is asked and what it answers: plain frozen data, amounts in whole fen.

The words of a case (`employee`, `retired`, `tertiary` …) are ours; the gateway translates the national code lists into
them. A policy may let its values depend on any fact named in `FACTS`.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

import msgspec

ChargeClass = Literal["A", "B", "C"]
"""甲类, 乙类, and 丙类 or outside the catalogue (national chrgitm_lv 01, 02, 03)."""

Insurance = Literal["employee", "resident"]
"""职工医保 and 城乡居民医保 (national insutype 310, 390)."""

PersonKind = Literal["employed", "retired", "adult", "aged", "student", "child"]
"""在职, 退休 for employees; 成年居民, 老年居民, 学生, 儿童 for residents (national psn_type)."""

VisitKind = Literal["pharmacy", "outpatient", "inpatient", "chronic"]
"""药店购药, 普通门诊, 住院, 门诊慢特病 (national med_type 41, 11, 21, 14)."""

InstitutionKind = Literal["pharmacy", "hospital"]
InstitutionLevel = Literal["village", "community", "primary", "secondary", "tertiary", "provincial", "special", "none"]
"""村卫生室, 社区站; 社区卫生服务中心, 乡镇卫生院; 一级, 二级, 三级; 省属三级; 三级特等; 未定级, and pharmacies."""

Filing = Literal["local", "filed", "unfiled", "emergency"]
"""Treated at home; away with a filing (备案); away without one; away in an emergency, which needs none."""

TreatedIn = Literal["home", "province", "country"]
"""Where the institution is, seen from the insured place (national refl_type): there, in its province, or beyond."""

ItemKind = Literal["drug", "service", "material", "bed"]
"""药品, 诊疗项目, 医用耗材, 床位 (national list_type 1xx, 201, 301; med_chrgitm_type 01)."""

Grade = Literal["A", "B", "C", "D", "K", "assumed"]
"""How good the evidence for a value is, best first: official page; hospital or government media, or several pages that
agree; one ordinary page; a machine-written page; general knowledge; nobody published it and we assumed it."""

GRADES: tuple[str, ...] = get_args(Grade)

QUALIFICATIONS: dict[str, dict[str, str]] = {
    "aid": {
        "extreme_poverty": "特困人员",
        "subsistence": "低保对象",
        "margin": "低保边缘家庭成员",
        "relapse_risk": "防止返贫监测对象",
    },
    "supplement": {"civil_servant": "享受公务员医疗补助"},
    "cohort": {"retired_by_2000": "2000 年底前退休"},
    "signed": {"family_doctor": "签约家庭医生"},
    "employment": {"flexible": "灵活就业人员"},
    "tier": {"high_tier": "居民按高档缴费"},
}
"""What a person may hold, by the fact it decides: at most one of each. Whoever holds none has the word `none`."""

NO = "none"

FACTS: dict[str, tuple[str, ...]] = {
    "visit_kind": get_args(VisitKind),
    "person_kind": get_args(PersonKind),
    "institution_kind": get_args(InstitutionKind),
    "institution_level": get_args(InstitutionLevel),
    "filing": get_args(Filing),
    "treated_in": get_args(TreatedIn),
    **{fact: (NO, *words) for fact, words in QUALIFICATIONS.items()},
}
"""The facts of a case on which a policy may let rules and values depend, each with its words."""

PERSON_FACTS = {fact: FACTS[fact] for fact in ("person_kind", *QUALIFICATIONS)}
"""Those of them that belong to the person, whether there is a visit or not."""

Reason = Literal["in_time", "first", "late", "broken", "exempt"]
"""How somebody joined: 连续参保或在集中参保期内参保; 首次参保; 未在集中参保期内参保; 中断后再参保; 新生儿等特殊群体."""

ENROLMENT_FACTS: dict[str, tuple[str, ...]] = {**PERSON_FACTS, "reason": get_args(Reason)}
"""The facts on which premiums, credits to an account and waiting periods may depend."""

AGE = "age"
"""A value may also depend on the person's age: its words are the ages from which a value holds, such as 0, 50, 60."""

DISEASE = "disease"
"""A value may also depend on the disease of a chronic visit: its words are national codes, and `other` for the rest."""

BROADER = {"village": "community", "provincial": "tertiary", "special": "tertiary"}
"""Levels that only some places tell apart. A rule which does not name them covers them under the broader word."""


def words_for(fact: str, word: str) -> tuple[str, ...]:
    """Return the words under which a rule may name what a case has, the most particular first."""
    if fact == "institution_level" and word in BROADER:
        return word, BROADER[word]
    if fact == DISEASE and word:
        return word, "other"
    return (word,)


def held_words(qualifications: frozenset[str]) -> dict[str, str]:
    """Return the word of each fact that a qualification decides."""
    return {
        fact: next((word for word in words if word in qualifications), NO) for fact, words in QUALIFICATIONS.items()
    }


def _refuse_contradictions(qualifications: frozenset[str]) -> None:
    """Refuse, with a ValueError, a qualification that is unknown and two of one kind."""
    held = [word for word in held_words(qualifications).values() if word != NO]
    if len(held) != len(qualifications):
        raise ValueError("a qualification is unknown, or two of one kind are held")


# National codes of 门诊慢特病, those that the rules of places most often name; one that is not here goes by its code.
DISEASE_NAMES = {
    "M00500": "恶性肿瘤门诊治疗",
    "M00503": "恶性肿瘤放化疗",
    "M01200": "血友病",
    "M01600": "糖尿病",
    "M02101": "精神分裂症",
    "M02102": "双相情感障碍",
    "M02103": "偏执性精神病",
    "M02104": "分裂情感性障碍",
    "M02105": "癫痫所致精神障碍",
    "M02106": "精神发育迟滞伴发精神障碍",
    "M02300": "帕金森病",
    "M03900": "高血压",
    "M04600": "冠心病",
    "M04803": "脑血管疾病后遗症",
    "M05300": "慢性阻塞性肺疾病",
    "M06900": "类风湿关节炎",
    "M07101": "系统性红斑狼疮",
    "M07200": "强直性脊柱炎",
    "M07800": "慢性肾功能衰竭",
    "M07801": "慢性肾功能衰竭透析治疗",
    "M07803": "血液透析",
    "M07804": "腹膜透析",
    "M08300": "器官移植抗排异治疗",
}
PERSON_NAMES: dict[str, str] = {
    "employed": "在职职工",
    "retired": "退休人员",
    "adult": "成年居民",
    "aged": "老年居民",
    "student": "学生",
    "child": "儿童",
}
INSURANCE_NAMES = {"employee": "职工医保", "resident": "城乡居民医保"}
VISIT_NAMES = {"pharmacy": "药店购药", "outpatient": "普通门诊", "inpatient": "住院", "chronic": "门诊慢特病"}
PART_NAMES = {"in_scope": "政策范围内", "first_own": "先行自付", "over_limit": "超限价", "full_own": "全自费"}
FILING_NAMES = {
    "local": "本地就医",
    "filed": "异地就医已备案",
    "unfiled": "异地就医未备案",
    "emergency": "异地急诊抢救",
}
LEVEL_NAMES: dict[InstitutionLevel, str] = {
    "village": "村卫生室、社区卫生服务站",
    "community": "社区卫生服务中心、乡镇卫生院",
    "primary": "一级医院",
    "secondary": "二级医院",
    "tertiary": "三级医院",
    "provincial": "省属三级医院",
    "special": "三级特等医院",
    "none": "未定级",
}


# These hold nothing that could lead back to them, so the collector of cycles need not look: `gc=False` makes assessing
# twice as fast where many of them are alive.


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One charged item with what the catalogue of the place of treatment says about it."""

    line_no: int
    code: str
    name: str
    charge_class: ChargeClass
    quantity: Decimal
    unit_price: Decimal  # Yuan per unit, up to 6 decimals.
    amount_fen: int
    price_limit: Decimal | None  # 医保支付限价, yuan per unit; None where the catalogue sets none.
    own_pay_rate: Decimal | None  # 先行自付比例, 0 to 1; None where the catalogue leaves it to the insured place.
    kind: ItemKind = "drug"

    def __post_init__(self) -> None:
        """Refuse what no bill can hold; a returned item is netted before a bill is assessed."""
        if self.amount_fen < 0 or self.quantity < 0 or not 0 <= (self.own_pay_rate or 0) <= 1:
            raise ValueError("a line needs an amount and a quantity of at least 0 and an own-pay rate from 0 to 1")


class Case(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Everything a benefit depends on, gathered before the engine is asked."""

    insured_place: str  # 6-digit region; a county is served by the rules of its city.
    treated_place: str
    insurance: Insurance
    person_kind: PersonKind
    age: int
    visit_kind: VisitKind
    institution_kind: InstitutionKind
    institution_level: InstitutionLevel
    filing: Filing
    on: date
    lines: tuple[Line, ...]
    tallies: Mapping[str, int]  # Year-to-date counters; the policy names them; a missing one is 0. See COUNTED.
    qualifications: frozenset[str]
    account_fen: int  # What the person's own account holds and may spend.
    use_account: bool
    current_account_fen: int = 0  # Where the place keeps two account years: this year's, which is not in account_fen.
    disease: str = ""  # Of a chronic visit: the national code of the disease it is for.
    entitled_from: date | None = None  # The first day on which funds pay for this person; None where they do.

    def __post_init__(self) -> None:
        """Refuse what would let an account or a counter add to the bill, and contradicting qualifications."""
        if min(self.account_fen, self.current_account_fen) < 0 or min(self.tallies.values(), default=0) < 0:
            raise ValueError("an account and a counter hold at least 0")
        if self.qualifications:
            _refuse_contradictions(self.qualifications)

    @property
    def entitled(self) -> bool:
        """Whether the waiting period of the person, if there was one, is over on the day of the visit."""
        return self.entitled_from is None or self.entitled_from <= self.on


CARRIED, OWED = "carried.", "owed."
"""The beginning of the names of counters that belong to no year: what a fund, or the person, owes from a cancelling."""

COUNTED = ".admissions"
"""The end of the name of a counter that counts stays; every other counter is in fen."""


class LineShare(msgspec.Struct, frozen=True, gc=False):
    """How one line divides; the four parts sum to its amount."""

    line_no: int
    amount_fen: int
    full_own_fen: int  # 全自费
    over_limit_fen: int  # 超限价
    first_own_fen: int  # 先行自付
    in_scope_fen: int  # 政策范围内


class FundShare(msgspec.Struct, frozen=True, gc=False):
    """What one fund pays; funds that pay nothing are left out."""

    fund: str  # National fund_pay_type, such as 310102 职工门诊统筹基金.
    amount_fen: int


class Basis(msgspec.Struct, frozen=True, gc=False):
    """Where one value that was used stands, and why it is believed."""

    rule: str  # Path in the policy file.
    from_on: date  # The first day on which the value holds.
    title: str  # The source; empty where the value is assumed.
    article: str
    href: str
    grade: Grade
    verified: bool  # Somebody has compared the value with the original document.
    note: str


class TraceStep(msgspec.Struct, frozen=True, gc=False):
    """One step of the computation as data; `trace.sentence` says it in Chinese."""

    step: str  # The kind of step, a file name in `benefit/steps`.
    code: str  # National polItemCode; empty where there is none.
    label: str
    rule: str  # Path of the step in the policy file.
    inputs: dict[str, int | str]
    results: dict[str, int | str]
    basis: tuple[Basis, ...]  # Of each policy value used; empty where everything comes from the catalogue.

    @property
    def grade(self) -> Grade | None:
        """The weakest grade among the values used."""
        return max((basis.grade for basis in self.basis), key=GRADES.index, default=None)

    @property
    def verified(self) -> bool:
        """Whether every value used was compared with its original document."""
        return all(basis.verified for basis in self.basis)


class Assessment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who pays what, and why.

    total = full_own + over_limit + first_own + in_scope = fund + person + hospital, and
    person = account + mutual_aid + cash.
    """

    lines: tuple[LineShare, ...]
    total_fen: int
    full_own_fen: int
    over_limit_fen: int
    first_own_fen: int
    in_scope_fen: int
    deductible_fen: int  # The part of in_scope that the deductible took in this bill.
    funds: tuple[FundShare, ...]
    fund_fen: int
    person_fen: int
    account_fen: int
    current_account_fen: int  # The part of account_fen that this year's account pays, where a place keeps two.
    mutual_aid_fen: int
    cash_fen: int
    hospital_fen: int
    pool_ratio: Decimal  # The rate of the first fund; 0 where no step has a rate.
    tallies: dict[str, int]  # The new values of the counters that this bill's rules keep.
    trace: tuple[TraceStep, ...]
    policy: str  # Place, its name, the rule group, and the day since which the values used hold.


Every = Literal["month", "year"]
"""每月, 每年."""

_MOST_YEARS = 100  # Nobody was insured for longer; keeps days within the calendar.


class Insured(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on which a premium, a credit to the account or a waiting period depends."""

    place: str  # 6-digit region; a county is served by the rules of its city.
    insurance: Insurance
    person_kind: PersonKind
    age: int
    on: date  # A day of the month or year that is paid for; of a waiting period, the day of joining.
    qualifications: frozenset[str] = frozenset()
    wage_fen: int | None = None  # A month's wage, as it is before the bounds of the base; None where it is not known.
    reason: Reason = "in_time"
    gap_months: int | None = None  # Of somebody who joins again: whole months without insurance; None if not known.
    missed_years: int = 0  # Of somebody who joins again: years not paid for, without those paid for since.

    def __post_init__(self) -> None:
        """Refuse what cannot be, and a gap of somebody who had none."""
        if min(self.age, self.wage_fen or 0, self.gap_months or 0, self.missed_years) < 0:
            raise ValueError("an age, a wage and a gap are at least 0")
        if self.missed_years > _MOST_YEARS:
            raise ValueError(f"nobody misses more than {_MOST_YEARS} years")
        if self.reason != "broken" and (self.missed_years or self.gap_months is not None):
            raise ValueError("only somebody who joins again has a gap")
        _refuse_contradictions(self.qualifications)


class Due(msgspec.Struct, frozen=True):
    """What falls due every month or every year: a premium to be paid, or a credit to a personal account."""

    label: str
    every: Every
    base_fen: int | None  # What a rate was applied to: the wage within its bounds; None where the amount is fixed.
    amount_fen: int  # What the person pays, or receives on the account.
    employer_fen: int | None  # What the employer pays besides; None where the rules say nothing of it.
    basis: tuple[Basis, ...]
