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
from yibao.benefit.types import Basis, Case, LineShare, TraceStep
from yibao.benefit.values import Facts, Source


class Bill:
    """A case on its way through the steps. Lives for one assessment; amounts are never negative."""

    __slots__ = (
        "account_fen",
        "base_fen",
        "case",
        "deductible_fen",
        "first_own_fen",
        "full_own_fen",
        "funds",
        "in_scope_fen",
        "lines",
        "over_limit_fen",
        "pool_ratio",
        "tallies",
        "total_fen",
        "trace",
    )

    def __init__(self, case: Case) -> None:
        self.case = case
        self.lines: tuple[LineShare, ...] = ()
        self.total_fen = 0
        self.full_own_fen = 0
        self.over_limit_fen = 0
        self.first_own_fen = 0
        self.in_scope_fen = 0
        self.deductible_fen = 0
        self.base_fen = 0  # The in-scope money that no earlier step has taken: what the next fund works on.
        self.funds: dict[str, int] = {}
        self.pool_ratio: Decimal | None = None
        self.account_fen = 0
        self.tallies: dict[str, int] = {}
        self.trace: list[TraceStep] = []

    @property
    def fund_fen(self) -> int:
        """What all funds pay so far."""
        return sum(self.funds.values())

    def tally(self, name: str) -> int:
        """Return a year-to-date counter, with what earlier steps of this bill added to it."""
        known = self.tallies.get(name)
        return self.case.tallies.get(name, 0) if known is None else known


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

    @classmethod
    @abstractmethod
    def read(cls, head: Head, fields: Mapping[str, Node], sources: Mapping[str, Source]) -> Self:
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


def read_tally(node: Node) -> str:
    """Read the name of a year-to-date counter, such as `outpatient.deductible_met`."""
    return node.matching(r"[a-z_]+\.[a-z_]+", "就医类别.计数名，例如 outpatient.fund_paid")


def read_fund(node: Node) -> str:
    """Read a national fund_pay_type code."""
    return node.matching(r"[0-9]{6,8}", "国家基金支付类型代码，例如 310102")
