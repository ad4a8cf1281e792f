"""SQL of the settlement room."""

from collections.abc import Sequence
from typing import Any

import msgspec

from yibao.core.database import Pool, Row, Tx
from yibao.settlement.types import Entry, Facts, FactsRequest


async def facts(tx: Tx | Pool, requests: Sequence[FactsRequest]) -> list[Facts]:
    """Read everything that 1..n requests need, in one round trip."""
    numbered = [{"n": n, **msgspec.structs.asdict(request)} for n, request in enumerate(requests)]
    rows = await tx.fetch("SELECT facts FROM settlement.facts($1) ORDER BY n", numbered)
    return [msgspec.convert(row["facts"], Facts) for row in rows]


def batch_of(entries: Sequence[Entry]) -> dict[str, object]:
    """Return the rows of 1..n entries as the one write takes them, a list for each table."""
    return {
        "guards": [entry.guard for entry in entries],
        "settlements": [entry.settlement for entry in entries],
        "lines": [line for entry in entries for line in entry.lines],
        "funds": [fund for entry in entries for fund in entry.funds],
        "tallies": [tally for entry in entries for tally in entry.tallies],
        "bills": [entry.bill for entry in entries if entry.bill],
        "transfers": [transfer for entry in entries for transfer in entry.transfers],
        "answers": [entry.remembered for entry in entries],
        "events": [entry.event for entry in entries],
    }


async def post(pool: Pool, entries: Sequence[Entry]) -> list[str]:
    """Write 1..n entries of different people in one statement and return the outcome of each."""
    rows = await pool.fetch("SELECT person_id, outcome FROM settlement.post($1)", batch_of(entries))
    outcomes = {row["person_id"]: row["outcome"] for row in rows}
    return [outcomes[entry.guard.person_id] for entry in entries]


async def hold_person(tx: Tx, person_id: str) -> None:
    """Wait until nobody settles this person, and make what others have read of them stale."""
    await tx.execute(
        "INSERT INTO settlement.person (person_id, serial) VALUES ($1, 1)"
        " ON CONFLICT (person_id) DO UPDATE SET serial = settlement.person.serial + 1",
        person_id,
    )


async def add_bill(tx: Tx, bill: dict[str, Any]) -> bool:
    """Store a bill for the phone; False if its id is used already."""
    added = await tx.fetchval(
        """
        INSERT INTO settlement.bill
        SELECT * FROM jsonb_populate_record(NULL::settlement.bill, $1) ON CONFLICT DO NOTHING RETURNING bill_id
        """,
        bill,
    )
    return added is not None


async def is_claimed(tx: Tx, *, caller: str, request_id: str) -> bool:
    """Tell whether a settlement was asked for under this id."""
    claimed = await tx.fetchval("SELECT core.person_of_caller_id($1, 'settle', $2)", caller, request_id)
    return claimed is not None


async def bill(tx: Tx | Pool, person_id: str, bill_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM settlement.bill WHERE person_id = $1 AND bill_id = $2", person_id, bill_id)


async def close_bill(tx: Tx, person_id: str, bill_id: str, state: str) -> None:
    await tx.execute(
        "UPDATE settlement.bill SET state = $3 WHERE person_id = $1 AND bill_id = $2", person_id, bill_id, state
    )


async def reversal_facts(
    pool: Pool, *, person_id: str, settlement_id: str, caller: str, request_id: str
) -> dict[str, Any]:
    """Read what cancelling a settlement must know: the settlement whole, what came after it, and the guards."""
    value: dict[str, Any] = await pool.fetchval(
        """
        SELECT jsonb_build_object(
            'caller_person', core.person_of_caller_id($3, 'reverse', $4),
            'answer', (SELECT to_jsonb(a) FROM core.answer_of($1, $3, 'reverse', $4) a),
            'settlement', (SELECT to_jsonb(s) FROM settlement.settlement s
                           WHERE s.person_id = $1 AND s.settlement_id = $2),
            'lines', (SELECT coalesce(jsonb_agg(to_jsonb(l) || jsonb_build_object('quantity', l.quantity::text,
                                 'unit_price', l.unit_price::text, 'own_pay_rate', l.own_pay_rate::text,
                                 'price_limit', l.price_limit::text)
                             ORDER BY line_no), '[]') FROM settlement.line l
                      WHERE l.person_id = $1 AND l.settlement_id = $2),
            'funds', (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY fund), '[]') FROM settlement.fund f
                      WHERE f.person_id = $1 AND f.settlement_id = $2),
            'reversal', (SELECT to_jsonb(s) FROM settlement.settlement s
                         WHERE s.person_id = $1 AND s.reverses = $2),
            -- Whoever cancelled it first, and under whatever id: a repeat gets the same answer.
            'first_answer', (SELECT a.answer FROM settlement.settlement s
                             JOIN core.answer a ON a.person_id = s.person_id AND a.operation = 'reverse'
                                  AND a.answer->>'settlement_id' = s.settlement_id
                             WHERE s.person_id = $1 AND s.reverses = $2),
            'later', (SELECT s.settlement_id
                      FROM settlement.settlement s JOIN settlement.settlement o
                        ON o.person_id = s.person_id AND o.settlement_id = $2
                      WHERE s.person_id = $1 AND s.serial > o.serial AND s.reverses IS NULL
                        AND (s.place, s.insutype, s.year) = (o.place, o.insutype, o.year)
                        AND s.tally_before <> s.tally_after AND o.tally_before <> o.tally_after
                        AND NOT EXISTS (SELECT FROM settlement.settlement r
                                        WHERE r.person_id = s.person_id AND r.reverses = s.settlement_id)
                      ORDER BY s.serial DESC LIMIT 1),
            'accounts', (SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]') FROM ledger.accounts_of($1) a),
            'serial', (SELECT p.serial FROM settlement.person p WHERE p.person_id = $1),
            'tallies', (SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM settlement.tally t WHERE t.person_id = $1))
        """,
        person_id,
        settlement_id,
        caller,
        request_id,
    )
    return value


async def institution_of_visit(tx: Tx, person_id: str, token: str) -> str | None:
    institution: str | None = await tx.fetchval("SELECT institution FROM credential.visit_of($1, $2)", person_id, token)
    return institution


async def answer_to(tx: Tx, *, person_id: str, caller: str, request_id: str) -> dict[str, Any] | None:
    """Return what this person's settlement under the caller's id was answered; empty for a tombstone."""
    answer: dict[str, Any] | None = await tx.fetchval(
        "SELECT answer FROM core.answer_of($1, $2, 'settle', $3)", person_id, caller, request_id
    )
    return answer


async def add_tombstone(tx: Tx, *, person_id: str, caller: str, request_id: str, at: Any) -> bool:
    """Occupy the id of a settlement that has not arrived, so that it is refused when it does; False if it has."""
    claimed = await tx.fetchval(
        "SELECT person_id FROM core.claim_ids(ARRAY[$1], ARRAY['settle'], ARRAY[$2], ARRAY[$3])",
        caller,
        request_id,
        person_id,
    )
    if claimed is None:
        return False
    await tx.execute(
        "SELECT core.remember($1)",
        [
            {
                "person_id": person_id,
                "caller": caller,
                "operation": "settle",
                "id": request_id,
                "digest": "",
                "answer": {},
                "at": at,
            }
        ],
    )
    return True
