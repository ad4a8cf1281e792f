"""Synthetic people: first a cast with fixed roles, then one of each kind per place, then ordinary people.

Each person is drawn from (seed, index) alone. So a larger world begins with the same people, and a million of them can
be made one at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from yibao.sandbox.world import names, numbers
from yibao.sandbox.world.places import CITIES, PLACES

PEOPLE_MAX = numbers.PRIME_AREA - 1

CardState = Literal[
    "normal", "lost", "frozen", "inactive"
]  # inactive: the card's insurance function is not switched on.


@dataclass(frozen=True, slots=True)
class Card:
    """A social-security card."""

    card_no: str
    state: CardState
    issued_on: date


@dataclass(frozen=True, slots=True)
class Qualification:
    """What somebody is qualified for in a place, in the words of `registry.Qualification`."""

    place: str
    kind: str
    code: str
    from_on: date


@dataclass(frozen=True, slots=True)
class Insurance:
    """One insurance relation; codes are the national `insutype`, `psn_type` and `psn_insu_stas`."""

    psn_no: str
    place: str
    insutype: str
    psn_type: str
    state: str
    since_on: date
    paid_to: date  # The last day that the premiums paid so far cover.
    employer: str
    synced: bool  # False: the place knows the relation, the platform has not received it yet.
    account_fen: int  # Opening balance of the personal account; residents have none.
    entitled_from: date | None  # The first day on which funds pay; None where nobody had to wait.


@dataclass(frozen=True, slots=True)
class Person:
    person_id: str
    name: str
    name_pinyin: str
    cert_type: str
    cert_no: str
    gender: str
    birth_on: date
    phone: str
    card: Card | None
    bank_card: str
    bank_phone: str
    insurances: tuple[Insurance, ...]
    special: str  # For the list of test people; empty for ordinary ones.
    qualifications: tuple[Qualification, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    label: str
    insutype: str
    psn_type: str
    ages: range  # Completed in the year of the world; empty for newborns, whose age is counted in days.
    joins_at: int
    employer: str


KINDS = {
    "employed": Kind("在职职工", "310", "11", range(23, 50), 20, "{place}示例实业有限公司"),
    "retired": Kind("退休职工", "310", "12", range(62, 90), 20, "{place}示例退休人员管理服务站"),
    "adult": Kind("成年居民", "390", "15", range(20, 59), 1, "{place}示例社区"),
    "aged": Kind("老年居民", "390", "16", range(62, 95), 1, "{place}示例社区"),
    "newborn": Kind("新生儿", "390", "1401", range(0), 0, "{place}示例社区"),
    "preschool": Kind("学龄前儿童", "390", "1402", range(3, 7), 1, "{place}示例社区"),
    "pupil": Kind("中小学生", "390", "1403", range(8, 18), 1, "{place}示例学校"),
    "student": Kind("大学生", "390", "1404", range(19, 23), 1, "{place}示例大学"),
}
# Newborns stay out of the crowd: their birthdays move with the day, everybody else's only with the year.
_ORDINARY_KINDS = ("employed", "retired", "adult", "aged", "preschool", "pupil", "student")
_ORDINARY_WEIGHTS = (30, 16, 22, 14, 5, 8, 5)
_ORDINARY_ACCOUNT_FEN_MAX = 800_000


@dataclass(frozen=True, slots=True)
class Cover:
    """What a plan says of one insurance relation; the rest is drawn."""

    kind: str
    place: str
    state: str = "1"
    synced: bool = True
    account_fen: int | None = None
    new: bool = False
    employer: str = ""
    waits_months: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fixed about a person before anything is drawn."""

    covers: tuple[Cover, ...]
    role: str = ""
    special: str = ""
    name: str = ""
    cert_type: str = "01"
    card: CardState | None = "normal"
    ages: range | None = None
    ends_in_x: bool = False
    other_bank_phone: bool = False
    holds: tuple[tuple[str, str], ...] = ()  # Qualifications, by kind and code, in the first place that covers them.


CAST = (
    Plan(
        (Cover("retired", "510500", account_fen=100_000),),
        "luzhou_retired",
        "泸州退休职工，个人账户余额 1000.00 元。",
        "医小川",
    ),
    Plan(
        (Cover("employed", "510500", account_fen=200_000),),
        "luzhou_employed",
        "泸州在职职工，个人账户余额 2000.00 元。",
        "保大安",
    ),
    Plan(
        (Cover("retired", "510500", account_fen=0),),
        "luzhou_retired_empty",
        "泸州退休职工，个人账户余额为零。",
        "惠永宁",
    ),
    Plan(
        (Cover("retired", "510500", account_fen=24_500),),
        "luzhou_retired_exact",
        "泸州退休职工，个人账户余额 245.00 元，购药 420.00 元时恰好够付个人部分。",
        "健安平",
    ),
    Plan(
        (Cover("employed", "310000"), Cover("adult", "320682")),
        "two_places",
        "同时在上海参加职工医保、在如皋参加居民医保，用码时须选参保地。",
    ),
    Plan(
        (Cover("employed", "341100"), Cover("employed", "610100", state="4")),
        "moved",
        "由西安转到滁州参保，西安的关系已终止，个人账户尚未转移。",
    ),
    Plan((Cover("employed", "510100"),), "card_lost", "社会保障卡已挂失。", card="lost"),
    Plan((Cover("retired", "510100"),), "card_frozen", "社会保障卡已冻结。", card="frozen"),
    Plan((Cover("employed", "510500"),), "card_inactive", "社会保障卡的医保功能未启用。", card="inactive"),
    Plan((Cover("adult", "341100"),), "no_card", "已参保，未领社会保障卡。", card=None),
    Plan((Cover("employed", "610100", synced=False),), "not_synced", "已在西安参保，参保信息尚未同步到平台。"),
    Plan((Cover("employed", "510100", state="2"),), "suspended", "成都职工医保暂停参保，欠费。"),
    Plan((Cover("adult", "510500", state="4"),), "ended", "泸州居民医保已终止参保。"),
    Plan((), "uninsured", "已登记的居民，任何地方都没有参保。", card=None),
    Plan(
        (Cover("employed", "310000", account_fen=0, new=True, employer="上海灵活就业人员", waits_months=6),),
        "newly_insured",
        "本月刚以灵活就业身份在上海参加职工医保，六个月等待期内基金不支付。",
        holds=(("employment", "flexible"),),
    ),
    Plan(
        (Cover("employed", "310000"),),
        "passport",
        "在上海工作的外国人，持外国人护照。",
        "TESTMANN HANS PETER",
        cert_type="08",
    ),
    Plan(
        (Cover("employed", "510100"),),
        "permanent_resident",
        "在成都工作的外国人，持外国人永久居留证。",
        "SPECIMEN MARIE CLAIRE",
        cert_type="07",
    ),
    Plan(
        (Cover("employed", "310000"),),
        "hong_kong",
        "在上海工作的香港居民，持港澳居民来往内地通行证，姓名为繁体字。",
        "醫小灣",
        cert_type="04",
    ),
    Plan(
        (Cover("student", "610100"),),
        "residence_permit",
        "在西安读大学的台湾居民，持港澳台居民居住证，姓名为繁体字。",
        "保安瀾",
        cert_type="17",
    ),
    Plan((Cover("employed", "510500"),), "rare_character", "姓名含生僻字「䶮」。", "医小䶮"),
    Plan(
        (Cover("aged", "320682"),),
        "rarer_character",
        "姓名含扩展 B 区生僻字「𠅤」（四字节编码）。",
        "保小𠅤",
    ),
    Plan((Cover("adult", "510100"),), "dotted_name", "姓名较长，中间有间隔号。", "医丽娜·保小安"),
    Plan((Cover("employed", "510500"),), "ends_in_x", "公民身份号码以 X 结尾。", ends_in_x=True),
    Plan(
        (Cover("employed", "510100"),),
        "other_bank_phone",
        "银行预留手机号与注册手机号不同。",
        other_bank_phone=True,
    ),
    Plan((Cover("retired", "510100"),), "centenarian", "成都退休职工，年满百岁。", ages=range(102, 103)),
    Plan((Cover("employed", "320682", account_fen=0),), "employed_empty", "如皋在职职工，个人账户余额为零。"),
)

# Who among one of each kind is qualified for something. They are not in the cast, because one more there would make
# somebody else of everybody after it.
_QUALIFIED = {
    ("510500", "retired"): (
        "luzhou_chronic",
        "泸州退休职工，已登记门诊慢特病（高血压 M03900），在医院可按门诊慢特病结算。",
        ("chronic", "M03900"),
    ),
    ("510100", "aged"): ("chengdu_subsistence", "成都老年居民，低保对象，住院另有医疗救助。", ("aid", "subsistence")),
    ("310000", "retired"): (
        "shanghai_retired_early",
        "上海退休职工，2000 年底前因病提前退休，门诊待遇比以后退休的高。",
        ("cohort", "retired_by_2000"),
    ),
    ("610100", "employed"): (
        "xian_civil_servant",
        "西安在职职工，公务员，住院另有公务员医疗补助。",
        ("supplement", "civil_servant"),
    ),
}


def _one_of(kind: str, place: str) -> Plan:
    if (place, kind) in _QUALIFIED:
        role, special, held = _QUALIFIED[place, kind]
        return Plan((Cover(kind, place),), role, special, holds=(held,))
    return Plan((Cover(kind, place),), special=f"{PLACES[place].short_name}{KINDS[kind].label}，一切正常。")


_ONE_OF_EACH = tuple(_one_of(kind, place) for place in CITIES for kind in KINDS)

# Who came to the cast later stands at the end, where nobody else becomes somebody else.
_LATER = (
    Plan(
        (Cover("employed", "519900", account_fen=100_000, employer="四川省直示例单位"), Cover("adult", "510100")),
        "provincial",
        "四川省直职工，个人账户余额 1000.00 元，同时在成都参加居民医保；两处都能用的，按所选参保地结算。",
        "保川蓉",
    ),
)
_PLANS = CAST + _ONE_OF_EACH + _LATER

# A role by name, as journeys and documentation speak of it: the index is the same in every world.
ROLES = {plan.role: index for index, plan in enumerate(_PLANS) if plan.role}


def iter_people(seed: int, count: int, on: date) -> Iterator[Person]:
    """Make `count` people one at a time, the same ones for the same seed and year; ValueError above PEOPLE_MAX."""
    if not 0 <= count <= PEOPLE_MAX:
        raise ValueError(f"a world holds 0 to {PEOPLE_MAX} people")
    return (person(seed, index, on) for index in range(count))


def person(seed: int, index: int, on: date) -> Person:
    """Make the person with this index. Only newborns depend on the day of `on`; the others' birthdays on its year."""
    rng = Random(f"{seed}:{index}")
    plan = _PLANS[index] if index < len(_PLANS) else _ordinary(rng)
    gender = rng.choice("12")
    birth_on = _birth_on(plan, rng, on)
    cert_no = numbers.certificate_no(index, cert_type=plan.cert_type, birth_on=birth_on, gender=gender, seed=seed)
    while plan.ends_in_x and not cert_no.endswith("X"):  # About every eleventh birthday gives an X.
        birth_on -= timedelta(days=1)
        cert_no = numbers.certificate_no(index, cert_type=plan.cert_type, birth_on=birth_on, gender=gender, seed=seed)
    name = plan.name or names.invented_name(rng)
    phone = numbers.phone(index)
    card = _card(plan, rng, seed=seed, index=index, birth_on=birth_on, on=on)
    insurances = tuple(
        _insurance(cover, rng, psn_no=numbers.psn_no(index, i, place=cover.place, seed=seed), born=birth_on, on=on)
        for i, cover in enumerate(plan.covers)
    )
    return Person(
        person_id=numbers.person_id(index, seed=seed),
        name=name,
        name_pinyin=names.pinyin_name(name),
        cert_type=plan.cert_type,
        cert_no=cert_no,
        gender=gender,
        birth_on=birth_on,
        phone=phone,
        card=card,
        bank_card=numbers.bank_card(index, seed=seed),
        bank_phone=numbers.other_phone(index) if plan.other_bank_phone else phone,
        insurances=insurances,
        special=plan.special,
        qualifications=tuple(
            Qualification(insurances[0].place, kind, code, insurances[0].since_on) for kind, code in plan.holds
        ),
    )


def _ordinary(rng: Random) -> Plan:
    kind = rng.choices(_ORDINARY_KINDS, _ORDINARY_WEIGHTS)[0]
    return Plan((Cover(kind, rng.choice(CITIES)),))


def _birth_on(plan: Plan, rng: Random, on: date) -> date:
    kind = KINDS[plan.covers[0].kind if plan.covers else "adult"]
    ages = plan.ages or kind.ages
    if not ages:
        return on - timedelta(days=rng.randrange(3, 28))
    return date(on.year - rng.choice(ages), 1, 1) + timedelta(days=rng.randrange(365))


def _card(plan: Plan, rng: Random, *, seed: int, index: int, birth_on: date, on: date) -> Card | None:
    first_year = max(birth_on.year + 1, on.year - 9)
    if plan.card is None or first_year >= on.year:  # A newborn has no card yet.
        return None
    issued_on = date(rng.randrange(first_year, on.year), rng.randrange(1, 13), rng.randrange(1, 29))
    return Card(numbers.card_no(index, seed=seed), plan.card, issued_on)


def _insurance(cover: Cover, rng: Random, *, psn_no: str, born: date, on: date) -> Insurance:
    kind = KINDS[cover.kind]
    account_fen = rng.randrange(_ORDINARY_ACCOUNT_FEN_MAX + 1) if cover.account_fen is None else cover.account_fen
    since_on = _since_on(cover, kind, rng, born=born, on=on)
    return Insurance(
        psn_no=psn_no,
        place=cover.place,
        insutype=kind.insutype,
        psn_type=kind.psn_type,
        state=cover.state,
        since_on=since_on,
        paid_to=_paid_to(cover, on),
        employer=cover.employer or kind.employer.format(place=PLACES[cover.place].short_name),
        synced=cover.synced,
        account_fen=account_fen if kind.insutype == "310" else 0,
        entitled_from=_months_after(since_on, cover.waits_months) if cover.waits_months else None,
    )


def _months_after(first_of_month: date, months: int) -> date:
    years, month = divmod(first_of_month.month - 1 + months, 12)
    return date(first_of_month.year + years, month + 1, 1)


def _since_on(cover: Cover, kind: Kind, rng: Random, *, born: date, on: date) -> date:
    if not kind.ages:
        return born  # Newborns registered in time are covered from birth.
    if cover.new:
        return on.replace(day=1)
    first_year = max(born.year + kind.joins_at, on.year - 15)
    # Employment begins in any month; residents join for a calendar year.
    month = rng.randrange(1, 13) if kind.insutype == "310" else 1
    return date(rng.randrange(first_year, on.year - 1), month, 1)


def _paid_to(cover: Cover, on: date) -> date:
    if cover.state == "2":
        return date(on.year - (on.month < 4), (on.month - 4) % 12 + 1, 1) - timedelta(days=1)
    if cover.state == "4":
        return date(on.year - 1, 12, 31)
    if cover.kind == "retired":
        return date(2099, 12, 31)  # Who retired with enough years pays no more premiums.
    # Next year's premium is collected from October on. Employers of this world pay by the year as well, so that a
    # demonstration left running does not lapse at the end of a month.
    return date(on.year + (on.month >= 10), 12, 31)
