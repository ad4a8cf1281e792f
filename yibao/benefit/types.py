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
InstitutionLevel = Literal["community", "primary", "secondary", "tertiary", "none"]
"""社区卫生服务中心 and 乡镇卫生院, 一级, 二级, 三级, 未定级. A pharmacy has no level."""

Filing = Literal["local", "filed", "unfiled"]
"""Treated at home; away with a filing (备案); away without one."""

Grade = Literal["A", "B", "C", "D", "K", "assumed"]
"""How good the evidence for a value is, best first: official page; hospital or government media, or several pages that
agree; one ordinary page; a machine-written page; general knowledge; nobody published it and we assumed it."""

GRADES: tuple[str, ...] = get_args(Grade)

FACTS: dict[str, tuple[str, ...]] = {
    "visit_kind": get_args(VisitKind),
    "person_kind": get_args(PersonKind),
    "institution_kind": get_args(InstitutionKind),
    "institution_level": get_args(InstitutionLevel),
    "filing": get_args(Filing),
}
"""The facts of a case on which a policy may let rules and values depend, each with its words."""

AGE = "age"
"""A value may also depend on the person's age: its words are the ages from which a value holds, such as 0, 50, 60."""

INSURANCE_NAMES = {"employee": "职工医保", "resident": "城乡居民医保"}
VISIT_NAMES = {"pharmacy": "药店购药", "outpatient": "普通门诊", "inpatient": "住院", "chronic": "门诊慢特病"}
PART_NAMES = {"in_scope": "政策范围内", "first_own": "先行自付", "over_limit": "超限价", "full_own": "全自费"}
FILING_NAMES = {"local": "本地就医", "filed": "异地就医已备案", "unfiled": "异地就医未备案"}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One charged item with what the catalogue of the place of treatment says about it."""

    line_no: int
    code: str
    name: str
    charge_class: ChargeClass
    quantity: Decimal
    unit_price: Decimal  # Yuan per unit, up to 6 decimals.
    amount_fen: int
    price_limit: Decimal | None  # 医保支付限价, yuan per unit; None where the catalogue sets none.
    own_pay_rate: Decimal  # 先行自付比例, 0 to 1.

    def __post_init__(self) -> None:
        """Refuse what no bill can hold; a returned item is netted before a bill is assessed."""
        if self.amount_fen < 0 or self.quantity < 0 or not 0 <= self.own_pay_rate <= 1:
            raise ValueError("a line needs an amount and a quantity of at least 0 and an own-pay rate from 0 to 1")


class Case(msgspec.Struct, frozen=True, kw_only=True):
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
    tallies: Mapping[str, int]  # Year-to-date counters in fen; the policy names them; a missing one is 0.
    qualifications: frozenset[str]
    account_fen: int  # What the person's own account holds and may spend.
    use_account: bool
    admission_no: int = 1  # Which admission of the year this is; only rules for inpatients ask.

    def __post_init__(self) -> None:
        """Refuse an overdrawn account and a counter below 0, which would let them add to the bill."""
        if self.account_fen < 0 or min(self.tallies.values(), default=0) < 0:
            raise ValueError("an account and a counter hold at least 0")
        if self.admission_no < 1:
            raise ValueError("admissions are counted from 1")


class LineShare(msgspec.Struct, frozen=True):
    """How one line divides; the four parts sum to its amount."""

    line_no: int
    amount_fen: int
    full_own_fen: int  # 全自费
    over_limit_fen: int  # 超限价
    first_own_fen: int  # 先行自付
    in_scope_fen: int  # 政策范围内


class FundShare(msgspec.Struct, frozen=True):
    """What one fund pays; funds that pay nothing are left out."""

    fund: str  # National fund_pay_type, such as 310102 职工门诊统筹基金.
    amount_fen: int


class Basis(msgspec.Struct, frozen=True):
    """Where one value that was used stands, and why it is believed."""

    rule: str  # Path in the policy file.
    from_on: date  # The first day on which the value holds.
    title: str  # The source; empty where the value is assumed.
    article: str
    href: str
    grade: Grade
    verified: bool  # Somebody has compared the value with the original document.
    note: str


class TraceStep(msgspec.Struct, frozen=True):
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


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
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
    mutual_aid_fen: int
    cash_fen: int
    hospital_fen: int
    pool_ratio: Decimal  # The rate of the first fund; 0 where no step has a rate.
    tallies: dict[str, int]  # The new values of the counters that this bill's rules keep.
    trace: tuple[TraceStep, ...]
    policy: str  # Place, its name, the rule group, and the day since which the values used hold.
