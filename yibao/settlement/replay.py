"""Stored settlements assessed again: by other rules (what a change of policy would have done, E6), or without one of
them (what its cancelling leaves open, where bills may be cancelled out of order).

Each person's bills of a year go through the rules in the order in which they were settled, each with the counters of
its time and what the bills before it would have moved otherwise. What was cancelled is left out. The balance of the
account stays as it was at each bill, so only what the funds and the person pay is compared.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from yibao import benefit
from yibao.benefit.types import CARRIED, OWED
from yibao.core.database import Pool, Tx
from yibao.core.refusal import Refusal
from yibao.settlement import rules

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
    tally_after: dict[str, int]
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


async def cuts(pool: Pool, parts: int) -> list[tuple[str, str | None]]:
    """Return ranges of people, from and up to (None: to the end), that divide those who were settled about equally."""
    rows = await pool.fetch(
        """
        SELECT min(person_id) AS low FROM (
            SELECT person_id, ntile($1) OVER (ORDER BY person_id) AS part FROM settlement.person
        ) p GROUP BY part ORDER BY part
        """,
        parts,
    )
    lows = [row["low"] for row in rows]
    return list(zip(lows, [*lows[1:], None], strict=True)) if lows else []


async def places(pool: Pool) -> list[str]:
    """Return the insured places of all settlements."""
    return [row["place"] for row in await pool.fetch("SELECT DISTINCT place FROM settlement.settlement ORDER BY place")]


async def replay(tx: Tx, using: benefit.Policies, *, of_places: Sequence[str], low: str, high: str | None) -> Impact:
    """Assess the settlements of some places and of a range of people, which fits into memory, by other rules."""
    impact = Impact.none()
    # How far the counters of a relation and year are by now from those that were stored.
    drifts: defaultdict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
    for bill in await _bills(tx, of_places, low, high):
        drift = drifts[bill.person_id, bill.place, bill.insutype, bill.year]
        if not bill.facts:
            impact.no_rule["结算时没有保存当时的情形"] += 1
            continue
        # From the counters of the time, which know what was cancelled since, and bills that cannot be worked out.
        stored = _of_year(bill.tally_before)
        case = bill.case({name: max(0, stored.get(name, 0) + drift[name]) for name in (*stored, *drift)})
        try:
            found = benefit.assess(case, using=using)
        except Refusal as refused:
            impact.no_rule[refused.hint_text] += 1
            continue
        for name in {*found.tallies, *_of_year(bill.tally_after)}:
            before = case.tallies.get(name, 0)
            drift[name] += found.tallies.get(name, before) - before
            drift[name] -= bill.tally_after.get(name, 0) - bill.tally_before.get(name, 0)
        impact.add(case.person_kind, bill, found.fund_fen)
    return impact


async def counters_without(
    pool: Pool, using: benefit.Policies, *, person_id: str, settlement_id: str, now: list[dict[str, Any]]
) -> dict[str, int] | None:
    """Return the counters as they would be if a settlement had not been, with what the funds or the person then owe for
    the bills after it; None where a bill of that year was stored without the case that it was.

    `now` are all counters of the person. What is open is the difference that leaving the settlement out makes to the
    sum of what the rules give and what was paid, fund by fund, so that earlier cancellings stay counted.
    """
    bills = await _bills(pool, None, person_id, f"{person_id}0")
    gone = next((bill for bill in bills if bill.settlement_id == settlement_id), None)
    if gone is None:
        return None
    key = (gone.place, gone.insutype, gone.year)
    of_year = [bill for bill in bills if (bill.place, bill.insutype, bill.year) == key]
    if not all(bill.facts for bill in of_year):
        return None
    paid: dict[str, Counter[str]] = {bill.settlement_id: Counter() for bill in bills}
    for row in await pool.fetch(
        "SELECT settlement_id, fund, amount_fen FROM settlement.fund WHERE person_id = $1", person_id
    ):
        if row["settlement_id"] in paid:
            paid[row["settlement_id"]][row["fund"]] = row["amount_fen"]
    # Not those before the first live bill, which somebody cancelled since may have moved.
    start = _of_year(
        await pool.fetchval(
            """
            SELECT tally_before FROM settlement.settlement
            WHERE person_id = $1 AND (place, insutype, year) = ($2, $3, $4) ORDER BY serial LIMIT 1
            """,
            person_id,
            *key,
        )
    )
    _, with_it = _settled_up(of_year, paid, using, start)
    counters, without_it = _settled_up([bill for bill in of_year if bill is not gone], paid, using, start)
    open_now = {
        name: counter
        for tally in now
        if (tally["place"], tally["insutype"], tally["year"]) == (*key[:2], 0)
        for name, counter in tally["counters"].items()
    }
    for fund in {*with_it, *without_it}:
        fen = open_now.get(CARRIED + fund, 0) - open_now.get(OWED + fund, 0) + without_it[fund] - with_it[fund]
        open_now[CARRIED + fund], open_now[OWED + fund] = max(fen, 0), max(-fen, 0)
    return counters | open_now


def _settled_up(
    bills: Sequence[Bill], paid: Mapping[str, Counter[str]], using: benefit.Policies, start: dict[str, int]
) -> tuple[dict[str, int], Counter[str]]:
    """Return the counters after these bills, and how much more each fund would have paid for them than it did."""
    tallies = dict(start)
    more: Counter[str] = Counter()
    for bill in bills:
        found = benefit.assess(bill.case(tallies), using=using)
        tallies |= found.tallies
        more.update({share.fund: share.amount_fen for share in found.funds})
        more.subtract(paid[bill.settlement_id])
    return tallies, more


# The same few quantities, rates and prices stand in a million bills, so each is made once.
_number = lru_cache(maxsize=100_000)(Decimal)


def _of_year(tallies: Mapping[str, int]) -> dict[str, int]:
    """Return the counters without those that say what a cancelling left open."""
    return {name: counter for name, counter in tallies.items() if not rules.is_open(name)}


async def _bills(tx: Tx | Pool, of_places: Sequence[str] | None, low: str, high: str | None) -> list[Bill]:
    """Return the live settlements of people in a range, person by person, in the order in which they were settled."""
    lines: dict[tuple[str, str], list[benefit.Line]] = {}
    for row in await tx.fetch(
        """
        SELECT person_id, settlement_id, line_no, charge_class, quantity::text, unit_price::text, amount_fen,
               price_limit::text, own_pay_rate::text, kind
        FROM settlement.line
        WHERE person_id >= $1 AND ($2::text IS NULL OR person_id < $2) AND quantity > 0 -- Below 0 in a cancelling.
        ORDER BY person_id, settlement_id, line_no
        """,
        low,
        high,
    ):
        person_id, settlement_id, line_no, charge_class, quantity, unit_price, amount_fen, limit, rate, kind = row
        line = benefit.Line(
            line_no=line_no,
            code="",
            name="",
            charge_class=charge_class,
            quantity=_number(quantity),
            unit_price=_number(unit_price),
            amount_fen=amount_fen,
            price_limit=None if limit is None else _number(limit),
            own_pay_rate=_number(rate),
            kind=kind,
        )
        lines.setdefault((person_id, settlement_id), []).append(line)
    rows = await tx.fetch(
        """
        SELECT person_id, settlement_id, year, place, insutype, fund_fen,
               total_fen - fund_fen - hospital_fen AS person_fen, tally_before, tally_after, facts
        FROM settlement.settlement s
        WHERE person_id >= $1 AND ($2::text IS NULL OR person_id < $2)
          AND ($3::text[] IS NULL OR place = ANY ($3)) AND reverses IS NULL
          AND NOT EXISTS (SELECT FROM settlement.settlement r
                          WHERE r.person_id = s.person_id AND r.reverses = s.settlement_id)
        ORDER BY person_id, serial
        """,
        low,
        high,
        of_places,
    )
    return [Bill(**row, lines=tuple(lines.get((row["person_id"], row["settlement_id"]), ()))) for row in rows]
