"""Cases, and policy folders with one thing changed."""

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from yibao.benefit import SHIPPED, Case, Line, Policies

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
        own_pay_rate=Decimal(0),
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


@pytest.fixture
def luzhou(tmp_path: Path) -> Path:
    """A copy of the folder of 泸州, to be changed."""
    return Path(shutil.copytree(SHIPPED / "510500_luzhou", tmp_path / "510500_luzhou"))


@pytest.fixture
def edit(luzhou: Path) -> Callable[[str, str, str], int]:
    """Replace a text that stands once in a file of the copy, and return the line where the replacement begins."""

    def edit(file: str, old: str, new: str) -> int:
        text = (luzhou / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (luzhou / file).write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    return edit
