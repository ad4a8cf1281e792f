"""The bill while it is being worked out, and what a kind of step is.

A policy is an ordered list of steps. Each step reads and changes one `Bill`: what earlier funds, deductibles and
accounts took is no longer in `base_fen`, so that several funds follow one another, each working on what is left.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from yibao.benefit.document import Node
from yibao.benefit.types import DISEASE, Basis, Case, LineShare, TraceStep
from yibao.benefit.values import Facts, References


class Bill:
    """A case on its way through the steps. Lives for one assessment; amounts are never negative.

    What nobody has paid yet stands in the fields that end in `left_fen`, part by part: `copay`, in scope above the
    deductible; `deductible`, what deductibles took; 先行自付, 超限价 and 全自费. `base_fen` is the copay on which the
    next fund works. Money set aside by a ceiling on costs is copay and not in the base; money behind what a ceiling on
    payments cut is both.
    """

    __slots__ = (
        "account_fen",
        "base_fen",
        "beyond_aside_fen",
        "beyond_base_fen",
        "case",
        "copay_left_fen",
        "current_account_fen",
        "deductible_due_fen",
        "deductible_fen",
        "deductible_left_fen",
        "first_own_fen",
        "first_own_left_fen",
        "full_own_fen",
        "full_own_left_fen",
        "fund_bases",
        "funds",
        "in_scope_fen",
        "lines",
        "over_limit_fen",
        "over_limit_left_fen",
        "pool_ratio",
        "tallies",
        "total_fen",
        "trace",
    )

    def __init__(self, case: Case) -> None:
        self.case = case
        self.lines: tuple[LineShare, ...] = ()
        self.total_fen = 0
        self.full_own_fen = self.full_own_left_fen = 0
        self.over_limit_fen = self.over_limit_left_fen = 0
        self.first_own_fen = self.first_own_left_fen = 0
        self.in_scope_fen = 0
        self.base_fen = self.copay_left_fen = 0
        self.beyond_aside_fen = self.beyond_base_fen = 0
        self.deductible_fen = self.deductible_left_fen = 0
        self.deductible_due_fen = 0  # What the deductibles would have taken of a bill that is large enough.
        self.funds: dict[str, int] = {}
        self.fund_bases: dict[str, int] = {}  # The money for which each fund pays.
        self.current_account_fen = 0  # What this year's account paid before the funds.
        self.pool_ratio: Decimal | None = None
        self.account_fen = 0
        self.tallies: dict[str, int] = {}
        self.trace: list[TraceStep] = []

    @property
    def fund_fen(self) -> int:
        """What all funds pay so far."""
        return sum(self.funds.values())

    @property
    def beyond_fen(self) -> int:
        """What lies beyond the ceilings of the bill and is still unpaid."""
        return self.beyond_aside_fen + self.beyond_base_fen

    def deduct(self, amount_fen: int) -> int:
        """Let a deductible take what it can of the base, and return how much that was."""
        taken_fen = min(amount_fen, self.base_fen)
        self.deductible_due_fen += amount_fen
        self.deductible_fen += taken_fen
        self.deductible_left_fen += taken_fen
        self.copay_left_fen -= taken_fen
        self.base_fen -= taken_fen
        return taken_fen

    def pay_base(self, fund: str, *, base_fen: int, fund_fen: int) -> None:
        """Let a fund pay for the base; what it pays is no longer there for the funds that follow."""
        self._add(fund, base_fen, fund_fen)
        self.copay_left_fen -= fund_fen
        self.base_fen -= fund_fen

    def pay_beyond(self, fund: str, *, base_fen: int, fund_fen: int) -> None:
        """Let a fund pay for what lies beyond a ceiling."""
        self._add(fund, base_fen, fund_fen)
        self.copay_left_fen -= fund_fen
        aside_fen = min(self.beyond_aside_fen, fund_fen)
        self.beyond_aside_fen -= aside_fen
        self.beyond_base_fen -= fund_fen - aside_fen
        self.base_fen -= fund_fen - aside_fen

    def pay_parts(self, fund: str, *, parts: tuple[str, ...], base_fen: int, fund_fen: int) -> None:
        """Let a fund pay for several parts; what it pays is booked on them in this order, as far as each goes."""
        self._add(fund, base_fen, fund_fen)
        for part in parts:
            left_fen = getattr(self, part)
            taken_fen = min(left_fen, fund_fen)
            setattr(self, part, left_fen - taken_fen)
            fund_fen -= taken_fen
        self.base_fen = min(self.base_fen, self.copay_left_fen)
        self.beyond_base_fen = min(self.beyond_base_fen, self.base_fen)
        self.beyond_aside_fen = min(self.beyond_aside_fen, self.copay_left_fen - self.base_fen)

    def _add(self, fund: str, base_fen: int, fund_fen: int) -> None:
        self.funds[fund] = self.funds.get(fund, 0) + fund_fen
        self.fund_bases[fund] = self.fund_bases.get(fund, 0) + base_fen

    def tally(self, name: str) -> int:
        """Return a year-to-date counter, with what earlier steps of this bill added to it."""
        known = self.tallies.get(name)
        return self.case.tallies.get(name, 0) if known is None else known


PARTS = ("copay_left_fen", "deductible_left_fen", "first_own_left_fen", "over_limit_left_fen", "full_own_left_fen")
"""The parts of a bill in the order in which what pays for several of them is booked."""


Run = Callable[[Bill], None]


@dataclass(frozen=True, slots=True)
class Head:
    """What every step has, whatever its kind."""

    kind: str
    code: str
    label: str
    rule: str
    when: Mapping[str, tuple[str, ...]]

    def trace(
        self, inputs: dict[str, int | str], results: dict[str, int | str], basis: tuple[Basis, ...] = ()
    ) -> TraceStep:
        """Return the trace of one use of this step."""
        return TraceStep(self.kind, self.code, self.label, self.rule, inputs, results, basis)


@dataclass(frozen=True, slots=True)
class Bound:
    """A step with its values chosen: what to run, and what those values rest on."""

    run: Run
    basis: tuple[Basis, ...] = ()


class Step(ABC):
    """A kind of step: one file in `benefit/steps`, whose class bears the file's name (`first_pay.py`: `FirstPay`)."""

    required: ClassVar[tuple[str, ...]] = ()  # Its keys in the policy file, beside step, label, code and when.
    optional: ClassVar[tuple[str, ...]] = ()
    without_fund: ClassVar[bool] = False  # Whether it also concerns a person for whom no fund pays yet.

    @classmethod
    @abstractmethod
    def read(cls, head: Head, fields: Mapping[str, Node], refs: References) -> Self:
        """Read the step from the policy file; PolicyError says what is wrong."""

    @abstractmethod
    def bind(self, facts: Facts) -> Bound:
        """Choose the values for a day and a kind of case, once for many bills; NoRule where one is missing."""

    @property
    def paying_fund(self) -> str | None:
        """The fund that this kind of step lets pay, if it is of that kind."""
        return None

    @staticmethod
    @abstractmethod
    def sentence(step: TraceStep) -> str:
        """Say in Chinese what one use of this step did, from its trace alone."""


@dataclass(frozen=True, slots=True)
class TallyName:
    """The name of a year-to-date counter; with `{disease}`, each disease has its own."""

    pattern: str

    def of(self, facts: Facts) -> str:
        """Return the name for a case; NoRule where it needs a disease and the visit is for none."""
        if "{disease}" not in self.pattern:
            return self.pattern
        if not facts.words[DISEASE]:
            raise facts.no_rule(f"{self.pattern}（没有写明病种）")
        return self.pattern.replace("{disease}", facts.words[DISEASE])


def read_tally(node: Node) -> TallyName:
    """Read the name of a year-to-date counter, such as `outpatient.deductible_met` or `chronic.paid.{disease}`."""
    return TallyName(
        node.matching(
            r"[a-z_]+\.(?!admissions)[a-z_]+(\.\{disease\})?",
            "就医类别.计数名，例如 outpatient.fund_paid；各病种分别累计的加 .{disease}",
        )
    )


def read_count(node: Node) -> str:
    """Read the name of a counter of stays, such as `inpatient.admissions`."""
    return node.matching(r"[a-z_]+\.admissions", "就医类别.admissions，例如 inpatient.admissions")


def read_fund(node: Node) -> str:
    """Read a national fund_pay_type code."""
    return node.matching(r"[0-9]{6,8}", "国家基金支付类型代码，例如 310102")
