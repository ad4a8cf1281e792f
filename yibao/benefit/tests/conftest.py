"""Cases, and policy folders with one thing changed."""

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from yibao.benefit import Case, Line, Policies

# A place with everything the shipped one lacks: values replaced in time, other roundings, several funds in a chain.
CHAIN = """
place: "990000"
label: 算法检验
sources: {none: {title: 仅供检验, grade: K}}
insurance:
  resident:
    everything:
      label: 多基金
      when: {filing: [local, filed, unfiled]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: down, first_own_rounding: down}
        - step: deductible
          label: 起付线
          code: S001
          tally: all.deductible_met
          amount:
            2024-01-01: {value: "0.07", source: none, grade: K, verified: true}
            2025-01-01: {value: "10.00", source: none, grade: K, verified: true}
        - step: first_pay
          label: 异地先行负担
          when: {filing: [filed, unfiled]}
          rounding: half_up
          rate:
            2024-01-01: {by: [filing], value: {filed: "0.05", unfiled: "0.123456"}, source: none, grade: K,
                         verified: true}
        - step: ratio
          label: 基本
          fund: "390100"
          rounding: down
          rate:
            2024-01-01: {value: "0.333333", source: none, grade: K, verified: true}
        - step: ceiling
          label: 限额
          fund: "390100"
          tally: all.fund_paid
          amount:
            2024-01-01: {value: "5.00", source: none, grade: K, verified: true}
        - step: ratio
          label: 大病
          fund: "390200"
          rounding: half_up
          rate:
            2024-01-01: {value: "0.95", source: none, grade: K, verified: true}
          points:
            - label: 困难人员
              rate:
                2024-01-01: {by: [person_kind], value: {aged: "0.10", adult: "-0.50", child: "-1.00"}, source: none,
                             grade: K, verified: true}
        - {step: carried, label: 退费差额}
        - step: account
          label: 个人账户
          pays:
            2024-01-01: {value: [in_scope], source: none, grade: K, verified: true}
"""

# Deductibles that fall with each admission, ages, and segments counted both ways, over the year.
SEGMENTED = """
place: "991000"
label: 分段检验
sources: {none: {title: 仅供检验, grade: K}}
insurance:
  employee:
    inpatient:
      label: 分段
      when: {visit_kind: [inpatient]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: admission_deductible
          label: 起付线
          code: S001
          tally: inpatient.admissions
          amounts:
            2024-01-01:
              by: [institution_level]
              value: {tertiary: ["800.00", "500.00"], secondary: ["650.00", "550.00", "350.00", "0.00"]}
              source: none
              grade: K
              verified: false
          less_each: {2024-01-01: {value: "150.00", source: none, grade: K, verified: false}}
          floor: {2024-01-01: {value: "260.00", source: none, grade: K, verified: false}}
        - step: segments
          label: 基本
          code: C001
          fund: "310100"
          on: burden
          rounding: half_up
          tally: inpatient.burden
          bands:
            2024-01-01:
              by: [age, person_kind]
              value:
                0: {employed: {"0": "0.80", "5000": "0.85", "10000": "0.90"}}
                60: {employed: {"0": "1.00"}, retired: {"0": "0.90", "5000": "0.95"}}
                70: {retired: {"0": "1.00"}}
              source: none
              grade: K
              verified: false
        - step: segments
          label: 补充
          fund: "310300"
          on: excess
          rounding: down
          bands:
            2024-01-01:
              {value: {"0": "0.30", "20000": "0.40"}, source: none, grade: K, verified: false}
"""

# What only some places have: levels and diseases told apart, treatment away, aid, a waiting period, two account years.
TOWN = """
place: "512000"
label: 示例市
sources: {none: {title: 示例办法, grade: K}}
insurance:
  employee:
    outpatient:
      label: 职工门诊
      when: {visit_kind: [pharmacy, outpatient], filing: [local, filed, unfiled]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: waiting
          label: 等待期
          months: {2024-01-01: {value: "6", source: none, grade: K, verified: false}}
        - step: account_first
          label: 当年账户
          pays: {2024-01-01: {value: in_scope, source: none, grade: K, verified: false}}
        - step: deductible
          label: 门诊起付线
          tally: outpatient.deductible_met
          amount: {2024-01-01: {value: "100.00", source: none, grade: K, verified: false}}
        - step: ratio
          label: 药店比例
          when: {institution_kind: [pharmacy], filing: [local]}
          fund: "310102"
          rounding: half_up
          rate: {2024-01-01: {value: "0.55", grade: assumed, verified: false, note: 药店的比例没有查到。}}
        - step: ratio
          label: 门诊比例
          when: {institution_kind: [hospital]}
          fund: "310102"
          rounding: half_up
          rate:
            2024-01-01:
              by: [institution_level]
              value: {village: "0.80", community: "0.70", secondary: "0.60", tertiary: "0.50", provincial: "0.45"}
              source: none
              grade: K
              verified: false
          points:
            - label: 异地
              rate:
                2024-01-01: {by: [filing], value: {local: "0.00", filed: "-0.10", unfiled: "-0.20"}, source: none,
                             grade: K, verified: false}
    inpatient:
      label: 职工住院
      when: {visit_kind: [inpatient]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: admission_deductible
          label: 住院起付线
          tally: inpatient.admissions
          amounts: {2024-01-01: {value: ["500.00", "300.00"], source: none, grade: K, verified: false}}
        - step: ratio
          label: 住院比例
          fund: "310100"
          rounding: half_up
          rate:
            2024-01-01: {by: [treated_in], value: {home: "0.90", province: "0.80", country: "0.70"}, source: none,
                         grade: K, verified: false}
        - step: supplement
          label: 医疗救助
          fund: "610100"
          when: {aid: [subsistence]}
          counts: [copay, deductible]
          rounding: half_up
          bands: {2024-01-01: {value: {"0": "0.70"}, source: none, grade: K, verified: false}}
    chronic:
      label: 职工门诊慢特病
      when: {visit_kind: [chronic], filing: [local]}
      steps:
        - {step: scope, label: 范围, over_limit_rounding: half_up, first_own_rounding: half_up}
        - step: ratio
          label: 慢特病比例
          fund: "310100"
          rounding: half_up
          rate:
            2024-01-01: {by: [disease], value: {M07801: "0.90", M03900: "0.70", M99999: "0.65", other: "0.60"},
                         source: none, grade: K, verified: false}
"""


def line(line_no: int = 1, charge_class: str = "A", yuan: str = "100.00", **changes: object) -> Line:
    """Return a line of one piece."""
    price = Decimal(yuan)
    whole = Line(
        line_no=line_no,
        code="X",
        name="药品",
        charge_class="A",
        quantity=Decimal(1),
        unit_price=price,
        amount_fen=int(price * 100),
        price_limit=None,
        own_pay_rate=None,
    )
    return msgspec.structs.replace(whole, charge_class=charge_class, **changes)


def case(*lines: Line, **changes: object) -> Case:
    """Return the case of a retired person at a pharmacy in 泸州, with these lines and changes."""
    whole = Case(
        insured_place="510500",
        treated_place="510500",
        insurance="employee",
        person_kind="retired",
        age=65,
        visit_kind="pharmacy",
        institution_kind="pharmacy",
        institution_level="none",
        filing="local",
        on=date(2026, 5, 1),
        lines=lines,
        tallies={},
        qualifications=frozenset(),
        account_fen=0,
        use_account=False,
    )
    return msgspec.structs.replace(whole, **changes)


@pytest.fixture(scope="session")
def make_line() -> Callable[..., Line]:
    return line


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    return case


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """The place 990000."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "990000_chain").mkdir()
    (folder / "990000_chain" / "policy.yaml").write_text(CHAIN, encoding="utf-8")
    return Policies.load(folder)


@pytest.fixture(scope="session")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """The place 991000."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "991000_segmented").mkdir()
    (folder / "991000_segmented" / "policy.yaml").write_text(SEGMENTED, encoding="utf-8")
    return Policies.load(folder)


SAMPLE = Path(__file__).parent / "sample" / "510500_luzhou"  # Small, and not the rules that 泸州 has.


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """The place 512000."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "512000_town").mkdir()
    (folder / "512000_town" / "policy.yaml").write_text(TOWN, encoding="utf-8")
    return Policies.load(folder)


@pytest.fixture
def luzhou(tmp_path: Path) -> Path:
    """A copy of the sample, to be changed."""
    return Path(shutil.copytree(SAMPLE, tmp_path / SAMPLE.name))


@pytest.fixture
def edit(luzhou: Path) -> Callable[[str, str, str], int]:
    """Replace a text that stands once in a file of the copy, and return the line where the replacement begins."""

    def edit(file: str, old: str, new: str) -> int:
        text = (luzhou / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (luzhou / file).write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    return edit
