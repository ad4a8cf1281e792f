"""The rows of a settlement that everybody has agreed to, and of its cancelling; pure."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from yibao import benefit
from yibao.core.clock import day_of
from yibao.settlement.rules import Assessed, account_name, digest, is_open, tally_of
from yibao.settlement.types import Amounts, Entry, Guard, Order, Settled, Tally


def facts_of(case: benefit.Case) -> dict[str, object]:
    """Return what a case knows beside its lines and the counters, which have rows of their own."""
    return {name: getattr(case, name) for name in _FACTS}


_FACTS = tuple(name for name in benefit.Case.__struct_fields__ if name not in ("lines", "tallies"))


def entry_of(
    assessed: Assessed,
    order: Order,
    *,
    person_id: str,
    settlement_id: str,
    institution: str,
    caller: str,
    request_id: str,
    at: datetime,
) -> Entry:
    """Return the rows of a settlement that everybody has agreed to."""
    a, visit = assessed.assessment, assessed.facts.visit
    assert visit is not None
    relation = assessed.relation
    serial = assessed.facts.serial or 0
    amounts = Amounts.of(a)
    funds = [(share.fund, share.amount_fen) for share in a.funds if share.amount_fen]
    answer = Settled(
        settlement_id=settlement_id,
        settled_at=at,
        institution=institution,
        total_fen=a.total_fen,
        fund_fen=a.fund_fen,
        account_fen=a.account_fen,
        cash_fen=a.cash_fen,
        balance_fen=assessed.balance_fen - a.account_fen,
    )
    year = day_of(at).year
    # A counter that did not exist was 0, so that before and after differ only if the settlement moved something.
    tally_before = {**dict.fromkeys(a.tallies, 0), **assessed.counters}
    tally_after = {**tally_before, **a.tallies}
    return Entry(
        guard=Guard(
            person_id=person_id,
            serial=serial,
            account=account_name(relation.place) if assessed.account_version is not None else None,
            account_version=assessed.account_version,
            caller=caller,
            operation="settle",
            id=request_id,
        ),
        answer=answer,
        settlement={
            "person_id": person_id,
            "settlement_id": settlement_id,
            "serial": serial + 1,
            "reverses": None,
            "institution": institution,
            "place": relation.place,
            "insutype": relation.insutype,
            "visit_kind": assessed.visit_kind,
            "settled_at": at,
            "year": year,
            **msgspec.structs.asdict(amounts),
            "tally_before": tally_before,
            "tally_after": tally_after,
            "policy": a.policy,
            "trace": a.trace,
            # For readers, beside the case: by what the person was known, and which place they had chosen.
            "facts": {**facts_of(assessed.case), "medium": visit.medium, "chosen_place": visit.place},
        },
        lines=[
            {
                "person_id": person_id,
                "settlement_id": settlement_id,
                "line_no": line.line_no,
                "code": line.code,
                "name": line.name,
                "unit": assessed.items[line.code].unit,
                "charge_class": line.charge_class,
                "own_pay_rate": line.own_pay_rate,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "amount_fen": line.amount_fen,
                "full_own_fen": share.full_own_fen,
                "over_limit_fen": share.over_limit_fen,
                "first_own_fen": share.first_own_fen,
                "in_scope_fen": share.in_scope_fen,
                "kind": line.kind,
                "price_limit": line.price_limit,
            }
            for line, share in zip(assessed.lines, a.lines, strict=True)
        ],
        funds=[
            {"person_id": person_id, "settlement_id": settlement_id, "fund": fund, "amount_fen": fen}
            for fund, fen in funds
        ],
        tallies=tally_rows(
            tally_after, person_id=person_id, place=relation.place, insutype=relation.insutype, year=year
        ),
        # A bill's id is the id under which it is confirmed: whoever settles the id settles the bill, if there is one.
        bill={
            "person_id": person_id,
            "bill_id": request_id,
            "institution": institution,
            "settlement_id": settlement_id,
        },
        transfers=transfers_of(
            amounts,
            funds,
            person_id=person_id,
            place=relation.place,
            institution=institution,
            cause=settlement_id,
            at=at,
        ),
        remembered={
            "person_id": person_id,
            "caller": caller,
            "operation": "settle",
            "id": request_id,
            "digest": digest(order),
            "answer": answer,
            "at": at,
        },
        event={
            "person_id": person_id,
            "topic": "settlement.settled",
            "payload": answer,
            "at": at,
        },
    )


def reversal_of(
    found: dict[str, Any],
    *,
    person_id: str,
    reversal_id: str,
    caller: str,
    request_id: str,
    at: datetime,
    counters: Mapping[str, int] | None = None,
) -> Entry:
    """Return the rows that cancel a settlement: the same document with every amount negated.

    The counters go back by what the settlement had added to them, also those of a year that is over; or to `counters`,
    where the bills after it were worked out anew.
    """
    original = found["settlement"]
    settlement_id, place, institution = original["settlement_id"], original["place"], original["institution"]
    amounts = Amounts(*(original[name] for name in Amounts.__struct_fields__)).negated()
    account = next((a for a in found["accounts"] if a["account"] == account_name(place)), None)
    tallies = msgspec.convert(found["tallies"], tuple[Tally, ...])
    now = tally_of(tallies, place, original["insutype"], original["year"])
    before, after = original["tally_before"], original["tally_after"]
    if counters is None:
        counters = {name: fen - (after.get(name, 0) - before.get(name, 0)) for name, fen in now.items()}
    # A counter that is not named any more is 0, which has to be written, or it would stay as it was.
    restored = {**dict.fromkeys(now, 0), **counters}
    now = {**dict.fromkeys(counters, 0), **now}
    funds = [(fund["fund"], -fund["amount_fen"]) for fund in found["funds"]]
    answer = Settled(
        settlement_id=reversal_id,
        settled_at=at,
        institution=institution,
        total_fen=amounts.total_fen,
        fund_fen=amounts.fund_fen,
        account_fen=amounts.account_fen,
        cash_fen=amounts.cash_fen,
        balance_fen=(account["balance_fen"] if account else 0) - amounts.account_fen,
        reverses=settlement_id,
    )
    return Entry(
        guard=Guard(
            person_id=person_id,
            serial=found["serial"],
            account=account["account"] if account else None,
            account_version=account["version"] if account else None,
            caller=caller,
            operation="reverse",
            id=request_id,
        ),
        answer=answer,
        settlement={
            **original,
            **msgspec.structs.asdict(amounts),
            "settlement_id": reversal_id,
            "serial": found["serial"] + 1,
            "reverses": settlement_id,
            "settled_at": at,
            "tally_before": now,
            "tally_after": restored,
        },
        lines=[
            {**line, "settlement_id": reversal_id}
            | {name: -line[name] for name in line if name.endswith("_fen")}
            | {"quantity": f"-{line['quantity']}"}
            for line in found["lines"]
        ],
        funds=[
            {"person_id": person_id, "settlement_id": reversal_id, "fund": fund, "amount_fen": fen}
            for fund, fen in funds
        ],
        tallies=tally_rows(
            restored, person_id=person_id, place=place, insutype=original["insutype"], year=original["year"]
        ),
        bill=None,
        transfers=transfers_of(
            amounts, funds, person_id=person_id, place=place, institution=institution, cause=reversal_id, at=at
        ),
        remembered={
            "person_id": person_id,
            "caller": caller,
            "operation": "reverse",
            "id": request_id,
            "digest": hashlib.sha256(settlement_id.encode()).hexdigest(),
            "answer": answer,
            "at": at,
        },
        event={"person_id": person_id, "topic": "settlement.reversed", "payload": answer, "at": at},
    )


def tally_rows(
    counters: Mapping[str, int], *, person_id: str, place: str, insutype: str, year: int
) -> list[dict[str, object]]:
    """Return the rows in which counters are kept: those of the year, and those of no year, if there are any."""
    of_year = {name: counter for name, counter in counters.items() if not is_open(name)}
    of_none = {name: counter for name, counter in counters.items() if is_open(name)}
    key = {"person_id": person_id, "place": place, "insutype": insutype}
    rows: list[dict[str, object]] = [{**key, "year": year, "counters": of_year}]
    return [*rows, {**key, "year": 0, "counters": of_none}] if of_none else rows


def transfers_of(
    amounts: Amounts,
    funds: list[tuple[str, int]],
    *,
    person_id: str,
    place: str,
    institution: str,
    cause: str,
    at: datetime,
) -> list[dict[str, object]]:
    """Return who pays whom: funds, personal account and cash to the institution; back again where negative."""
    sources = [(f"fund:{place}:{fund}", fen) for fund, fen in funds]
    sources.append((account_name(place), amounts.account_fen))
    sources.append(("cash", amounts.cash_fen))
    till = f"institution:{institution}"
    return [
        {
            "person_id": person_id,
            "cause": cause,
            "from_account": source if fen > 0 else till,
            "to_account": till if fen > 0 else source,
            "amount_fen": abs(fen),
            "happened_at": at,
        }
        for source, fen in sources
        if fen
    ]
