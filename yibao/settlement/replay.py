"""Stored settlements assessed again by other rules: what a change of policy would have done (E6).

Each person's bills of a year go through the rules in the order in which they were settled, with the counters that the
new rules make of them. What was cancelled is left out: its counters were restored. The balance of the account stays as
it was at each bill, so only what the funds and the person pay is compared.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from yibao import benefit
from yibao.core.database import Pool, Tx
from yibao.core.refusal import Refusal

WORST = 10


class Bill(Struct, frozen=True):
    """A settlement as it was stored, and the case that it was."""

    person_id: str
    settlement_id: str
    year: int
    place: str
    insutype: str
    fund_fen: int
    person_fen: int
    tally_before: dict[str, int]
    facts: dict[str, Any]
    lines: tuple[benefit.Line, ...]

    def case(self, tallies: dict[str, int]) -> benefit.Case:
        """Return the case, with these counters instead of those of the time."""
        return msgspec.convert({**self.facts, "lines": self.lines, "tallies": tallies}, benefit.Case)


class Change(Struct, frozen=True, order=True):
    """What one bill would have cost the person more (less, where negative)."""

    more_fen: int
    settlement_id: str
    before_fen: int
    after_fen: int


class Sum(Struct):
    """Bills of one kind of person, and what the funds paid and would have paid for them."""

    bills: int = 0
    changed: int = 0
    before_fen: int = 0
    after_fen: int = 0

    def add(self, other: "Sum") -> None:
        """Take in what another part of the bills came to."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Impact(Struct):
    """What a change would have done."""

    by_kind: dict[str, Sum]
    worst: list[Change]  # Those whom it would have cost most, a heap while it grows.
    no_rule: Counter[str]  # Bills for which the changed rules have no rule, by what is lacking.

    @classmethod
    def none(cls) -> "Impact":
        """Return the impact on no bills."""
        return cls(by_kind={}, worst=[], no_rule=Counter())

    def add(self, kind: str, bill: Bill, fund_fen: int) -> None:
        """Count a bill with what the funds would have paid."""
        of = self.by_kind.setdefault(kind, Sum())
        of.bills += 1
        of.before_fen += bill.fund_fen
        of.after_fen += fund_fen
        more_fen = bill.fund_fen - fund_fen
        of.changed += more_fen != 0
        if more_fen > 0 and (len(self.worst) < WORST or more_fen > self.worst[0].more_fen):
            change = Change(more_fen, bill.settlement_id, bill.person_fen, bill.person_fen + more_fen)
            if len(self.worst) < WORST:
                heapq.heappush(self.worst, change)
            else:
                heapq.heapreplace(self.worst, change)

    def merge(self, other: "Impact") -> None:
        """Take in what another part of the bills came to."""
        for kind, sums in other.by_kind.items():
            self.by_kind.setdefault(kind, Sum()).add(sums)
        self.worst = heapq.nlargest(WORST, [*self.worst, *other.worst])
        self.no_rule.update(other.no_rule)


async def cuts(pool: Pool, parts: int) -> list[tuple[str, str]]:
    """Return ranges of people, from and up to, that divide those who were settled into about equal parts."""
    rows = await pool.fetch(
        """
        SELECT min(person_id) AS low FROM (
            SELECT person_id, ntile($1) OVER (ORDER BY person_id) AS part FROM settlement.person
        ) p GROUP BY part ORDER BY part
        """,
        parts,
    )
    lows = [row["low"] for row in rows]
    return list(zip(lows, [*lows[1:], "~"], strict=True))  # Every person number sorts before a tilde.


async def places(pool: Pool) -> list[str]:
    """Return the insured places of all settlements."""
    return [row["place"] for row in await pool.fetch("SELECT DISTINCT place FROM settlement.settlement ORDER BY place")]


async def replay(tx: Tx, using: benefit.Policies, *, of_places: Sequence[str], low: str, high: str) -> Impact:
    """Assess the settlements of some places and of a range of people, which fits into memory, by other rules."""
    impact = Impact.none()
    running: tuple[object, ...] = ()
    tallies: dict[str, int] = {}
    for bill in await _bills(tx, of_places, low, high):
        if (bill.person_id, bill.place, bill.insutype, bill.year) != running:
            running = (bill.person_id, bill.place, bill.insutype, bill.year)
            tallies = dict(bill.tally_before)
        case = bill.case(tallies)
        try:
            found = benefit.assess(case, using=using)
        except Refusal as refused:
            impact.no_rule[refused.hint_text] += 1
            continue
        tallies |= found.tallies
        impact.add(case.person_kind, bill, found.fund_fen)
    return impact


async def _bills(tx: Tx, of_places: Sequence[str], low: str, high: str) -> list[Bill]:
    """Return the live settlements of people in a range, person by person, in the order in which they were settled."""
    lines: dict[str, list[benefit.Line]] = {}
    for row in await tx.fetch(
        """
        SELECT settlement_id, line_no, code, charge_class, quantity, unit_price, amount_fen, price_limit, own_pay_rate,
               kind
        FROM settlement.line WHERE person_id >= $1 AND person_id < $2 AND quantity > 0 -- Below 0 in a cancelling.
        ORDER BY person_id, settlement_id, line_no
        """,
        low,
        high,
    ):
        settlement_id, line_no, code, charge_class, quantity, unit_price, amount_fen, price_limit, rate, kind = row
        line = benefit.Line(
            line_no=line_no,
            code=code,
            name="",
            charge_class=charge_class,
            quantity=quantity,
            unit_price=unit_price,
            amount_fen=amount_fen,
            price_limit=price_limit,
            own_pay_rate=rate,
            kind=kind,
        )
        lines.setdefault(settlement_id, []).append(line)
    rows = await tx.fetch(
        """
        SELECT person_id, settlement_id, year, place, insutype, fund_fen,
               total_fen - fund_fen - hospital_fen AS person_fen, tally_before, facts
        FROM settlement.settlement s
        WHERE person_id >= $1 AND person_id < $2 AND place = ANY ($3) AND reverses IS NULL AND facts <> '{}'
          AND NOT EXISTS (SELECT FROM settlement.settlement r
                          WHERE r.person_id = s.person_id AND r.reverses = s.settlement_id)
        ORDER BY person_id, place, insutype, year, serial
        """,
        low,
        high,
        list(of_places),
    )
    return [Bill(**row, lines=tuple(lines.get(row["settlement_id"], ()))) for row in rows]
