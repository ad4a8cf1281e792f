"""The case of `yibao.cli.bench_assess` in openfisca-core; to be imported only where that is installed.

A bill is a group of lines. All numbers are whole, fen and per cent: the only other kind is a float of 32 bits. The
library is vectorised, made for a whole population at once; one bill is not what it is good at, hence the batch.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
from openfisca_core.entities import Entity, GroupEntity
from openfisca_core.parameters import ParameterNode
from openfisca_core.periods import DateUnit
from openfisca_core.periods import period as period_of
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from yibao.benefit import Case
from yibao.cli.bench_assess import CASE, Contender, Figures

MANY = 10_000
LINE = Entity("line", "lines", "", "")
BILL = GroupEntity("bill", "bills", "", "", [{"key": "charge"}])
DAY = period_of(CASE.on.isoformat())
KINDS = ("employed", "retired")
LEVELS = ("community", "primary", "secondary", "tertiary", "none")


def contenders(figures: Figures) -> list[Contender]:
    """Return one bill with its simulation at hand, one built anew each time, and a batch at hand."""
    system = _system(figures)

    def at_hand(case: Case, bills: int) -> Callable[[], int]:
        return partial(_fund_fen, _simulation(system, case, bills))

    return [
        Contender("openfisca-core", lambda case: at_hand(case, 1)),
        Contender("openfisca-core，案例每次新建", lambda case: lambda: _fund_fen(_simulation(system, case, 1))),
        Contender(f"openfisca-core，一批 {MANY:,} 份，每份", lambda case: at_hand(case, MANY), MANY),
    ]


def _full_own(lines: Any, day: Any) -> Any:
    return numpy.where(lines("outside", day), lines("amount", day), 0)


def _over_limit(lines: Any, day: Any) -> Any:
    excess = (lines("price", day) - lines("limit", day)) * lines("quantity", day)
    return numpy.where(lines("outside", day), 0, numpy.clip(excess, 0, lines("amount", day)))


def _first_own(lines: Any, day: Any) -> Any:
    left = lines("amount", day) - lines("full_own", day) - lines("over_limit", day)
    return (left * lines("own_pay", day) + 50) // 100


def _in_scope(bills: Any, day: Any) -> Any:
    outside = sum(bills.members(part, day) for part in ("full_own", "over_limit", "first_own"))
    return bills.sum(bills.members("amount", day) - outside)


def _deductible(bills: Any, day: Any, parameters: Any) -> Any:
    year = _chosen(parameters(day).deductible, KINDS, bills("kind", day))
    return numpy.minimum(numpy.maximum(year - bills("met", day), 0), bills("in_scope", day))


def _fund(bills: Any, day: Any, parameters: Any) -> Any:
    of_day, kind = parameters(day), bills("kind", day)
    rate = _chosen(of_day.rate, LEVELS, bills("level", day)) + _chosen(of_day.points, KINDS, kind)
    base = bills("in_scope", day) - bills("deductible", day)
    wanted = (base * numpy.minimum(rate, 100) + 50) // 100
    return numpy.minimum(wanted, numpy.maximum(_chosen(of_day.ceiling, KINDS, kind) - bills("paid", day), 0))


def _chosen(values: Any, words: tuple[str, ...], at: Any) -> Any:
    """Return the value of each bill's word; the library's own look-up goes through the bills one by one."""
    return numpy.array([values[word] for word in words])[at]


INPUTS = {LINE: ("amount", "quantity", "price", "limit", "own_pay", "outside"), BILL: ("kind", "level", "met", "paid")}
FORMULAS = {
    "full_own": (LINE, _full_own),
    "over_limit": (LINE, _over_limit),
    "first_own": (LINE, _first_own),
    "in_scope": (BILL, _in_scope),
    "deductible": (BILL, _deductible),
    "fund": (BILL, _fund),
}


def _system(figures: Figures) -> Any:
    system = TaxBenefitSystem([LINE, BILL])
    system.parameters = ParameterNode(
        data={
            name: {word: {"values": {CASE.on.isoformat(): value}} for word, value in of_word.items()}
            for name, of_word in figures.items()
        }
    )
    whole = {"value_type": int, "definition_period": DateUnit.DAY}
    for entity, names in INPUTS.items():
        for name in names:
            system.add_variable(type(name, (Variable,), {**whole, "entity": entity}))
    for name, (entity, formula) in FORMULAS.items():
        system.add_variable(type(name, (Variable,), {**whole, "entity": entity, "formula": formula}))
    return system


def _simulation(system: Any, case: Case, bills: int) -> Any:
    """Return a simulation of as many like bills, with all that is known beforehand."""
    size = len(case.lines)
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("line", range(bills * size))
    group = builder.declare_entity("bill", range(bills))
    builder.join_with_persons(group, numpy.repeat(numpy.arange(bills), size), [0] * bills * size)
    simulation = builder.build(system)
    columns: dict[str, list[int]] = {
        "amount": [line.amount_fen for line in case.lines],
        "quantity": [int(line.quantity) for line in case.lines],
        "price": [int(line.unit_price * 100) for line in case.lines],
        "limit": [int((line.price_limit or line.unit_price) * 100) for line in case.lines],
        "own_pay": [int((line.own_pay_rate or 0) * 100) for line in case.lines],
        "outside": [line.charge_class == "C" for line in case.lines],
        "kind": [KINDS.index(case.person_kind)],
        "level": [LEVELS.index(case.institution_level)],
        "met": [case.tallies.get("outpatient.deductible_met", 0)],
        "paid": [case.tallies.get("outpatient.fund_paid", 0)],
    }
    for name, column in columns.items():
        simulation.set_input(name, DAY, numpy.tile(column, bills))
    return simulation


def _fund_fen(simulation: Any) -> int:
    """Work out the fund of every bill afresh, and return what it pays each."""
    for name in FORMULAS:
        simulation.delete_arrays(name, DAY)
    funds = simulation.calculate("fund", DAY)
    [fund_fen] = {int(funds.min()), int(funds.max())}
    return fund_fen
