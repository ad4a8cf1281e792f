"""Settlements read back: a person's records, one document whole, an institution's day."""

from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from yibao import registry
from yibao.core.database import Pool, Row, Tx
from yibao.service import family
from yibao.settlement.refusals import NotInsuredHere, SettlementUnknown
from yibao.settlement.types import Amounts, Institution, Quote, Relation, Visit


class Record(Struct, frozen=True):
    """One settlement in a person's list."""

    settlement_id: str
    institution: str
    settled_at: datetime
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    reversed_by: str | None


class DocumentLine(Struct, frozen=True):
    line_no: int
    code: str
    name: str
    unit: str
    charge_class: str
    own_pay_rate: str
    quantity: str
    unit_price: str
    amount_fen: int
    full_own_fen: int
    over_limit_fen: int
    first_own_fen: int
    in_scope_fen: int


class DocumentFund(Struct, frozen=True):
    fund: str
    amount_fen: int


class Document(Struct, frozen=True):
    """A settlement whole, as slips, records and institutions read it."""

    settlement_id: str
    institution: str
    place: str
    insutype: str
    visit_kind: str
    settled_at: datetime
    amounts: Amounts
    lines: tuple[DocumentLine, ...]
    funds: tuple[DocumentFund, ...]
    policy: str
    trace: list[dict[str, Any]]
    reverses: str | None
    reversed_by: str | None
    disease: str = ""  # Of a chronic visit: its national code.
    medium: str = "01"
    chosen_place: str = ""


class Payer(Struct, frozen=True):
    """An account that looks for bills: its own person's, and those of relatives whose code its phone showed."""

    account_id: str
    person_id: str
    relatives: dict[str, family.Link] = {}  # By their person.


class Bill(Struct, frozen=True):
    """A bill on the phone with what it shows."""

    person_id: str
    bill_id: str
    institution: str
    state: str
    sent_at: datetime
    expires_at: datetime
    settlement_id: str | None
    quote: Quote


class Here(Struct, frozen=True):
    """What decides by which relation and for which kinds of visit somebody may be settled at an institution."""

    institution: Institution | None
    coverage: tuple[Relation, ...]
    visit: Visit | None


async def here(tx: Tx | Pool, *, person_id: str, token: str, institution: str) -> Here:
    row = await tx.fetchrow(
        """
        SELECT (SELECT to_jsonb(i) FROM registry.institution_of($2) i) AS institution,
               (SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') FROM registry.coverage_of($1) c) AS coverage,
               (SELECT to_jsonb(v) FROM credential.visit_of($1, $3) v) AS visit
        """,
        person_id,
        institution,
        token,
    )
    return msgspec.convert(dict(row or {}), Here)


async def with_names(tx: Tx | Pool, refusal: NotInsuredHere) -> NotInsuredHere:
    """Return the refusal with the names of the places of which the rules know but the codes."""
    here, held = refusal.facts["here"], refusal.facts["held"]
    assert isinstance(here, str)
    assert isinstance(held, tuple)
    names = await registry.region_names(tx, (here, *held))
    return NotInsuredHere(here=names[here], held="、".join(names[place] for place in held) or "没有查到")


async def records(tx: Tx | Pool, person_id: str, *, limit: int = 100) -> list[Record]:
    """Return the person's settlements, newest first; a cancelled one names its cancelling."""
    rows = await tx.fetch(
        """
        SELECT s.settlement_id, s.institution, s.settled_at, s.total_fen, s.fund_fen, s.account_fen, s.cash_fen,
               r.settlement_id AS reversed_by
        FROM settlement.settlement s
        LEFT JOIN settlement.settlement r ON r.person_id = s.person_id AND r.reverses = s.settlement_id
        WHERE s.person_id = $1 AND s.reverses IS NULL
        ORDER BY s.serial DESC LIMIT $2
        """,
        person_id,
        limit,
    )
    return [Record(**row) for row in rows]


class Entry(Struct, frozen=True):
    """A settlement or its cancelling, as a person takes it away."""

    settlement_id: str
    institution: str
    settled_at: datetime
    visit_kind: str
    disease: str
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    reverses: str | None


class Item(Struct, frozen=True):
    """One line of one settlement."""

    settlement_id: str
    code: str
    name: str
    quantity: str
    amount_fen: int
    in_scope_fen: int


async def history(tx: Tx | Pool, person_id: str) -> list[Entry]:
    """Return all settlements and cancellings of a person, the oldest first."""
    rows = await tx.fetch(
        """
        SELECT settlement_id, institution, settled_at, visit_kind, coalesce(facts->>'disease', '') AS disease,
               total_fen, fund_fen, account_fen, cash_fen, reverses
        FROM settlement.settlement WHERE person_id = $1 ORDER BY serial
        """,
        person_id,
    )
    return [Entry(**row) for row in rows]


async def items(tx: Tx | Pool, person_id: str) -> list[Item]:
    """Return all lines of all settlements of a person."""
    rows = await tx.fetch(
        """
        SELECT settlement_id, code, name, quantity::text AS quantity, amount_fen, in_scope_fen
        FROM settlement.line WHERE person_id = $1 ORDER BY settlement_id, line_no
        """,
        person_id,
    )
    return [Item(**row) for row in rows]


class Sent(Struct, frozen=True):
    """A bill that was sent to the phone, and what became of it."""

    bill_id: str
    institution: str
    sent_at: datetime
    expires_at: datetime
    total_fen: int
    state: str
    settlement_id: str | None


async def bills_ever(tx: Tx | Pool, person_id: str) -> list[Sent]:
    """Return all bills of a person, the earliest first."""
    rows = await tx.fetch(
        """
        SELECT bill_id, institution, sent_at, expires_at, (quote->'split'->>'total_fen')::bigint AS total_fen, state,
               settlement_id
        FROM settlement.bill WHERE person_id = $1 ORDER BY sent_at, bill_id
        """,
        person_id,
    )
    return [Sent(**row) for row in rows]


async def document(tx: Tx | Pool, *, person_id: str, settlement_id: str) -> Document:
    """Return one settlement of this person whole. Refusals: SettlementUnknown."""
    row = await tx.fetchrow(
        """
        SELECT s.*, coalesce(s.facts->>'disease', '') AS disease, coalesce(s.facts->>'medium', '01') AS medium,
            coalesce(s.facts->>'chosen_place', '') AS chosen_place,
            (SELECT r.settlement_id FROM settlement.settlement r
             WHERE r.person_id = s.person_id AND r.reverses = s.settlement_id) AS reversed_by,
            (SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('quantity', l.quantity::text,
                        'unit_price', l.unit_price::text, 'own_pay_rate', l.own_pay_rate::text) ORDER BY l.line_no)
             FROM settlement.line l
             WHERE l.person_id = s.person_id AND l.settlement_id = s.settlement_id) AS lines,
            (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.fund), '[]') FROM settlement.fund f
             WHERE f.person_id = s.person_id AND f.settlement_id = s.settlement_id) AS funds
        FROM settlement.settlement s WHERE s.person_id = $1 AND s.settlement_id = $2
        """,
        person_id,
        settlement_id,
    )
    if row is None:
        raise SettlementUnknown
    return _document(row)


def _document(row: Row) -> Document:
    plain = {name: row[name] for name in Document.__struct_fields__ if name not in ("amounts", "lines", "funds")}
    return Document(
        **plain,
        amounts=Amounts(*(row[name] for name in Amounts.__struct_fields__)),
        lines=msgspec.convert(row["lines"], tuple[DocumentLine, ...]),
        funds=msgspec.convert(row["funds"], tuple[DocumentFund, ...]),
    )


async def document_of_institution(tx: Tx | Pool, *, person_id: str, settlement_id: str, institution: str) -> Document:
    """Return one settlement that this institution made. Refusals: SettlementUnknown."""
    found = await document(tx, person_id=person_id, settlement_id=settlement_id)
    if found.institution != institution:
        raise SettlementUnknown
    return found


async def bill(tx: Tx | Pool, *, person_id: str, bill_id: str) -> Bill | None:
    rows = await tx.fetch("SELECT * FROM settlement.bill WHERE person_id = $1 AND bill_id = $2", person_id, bill_id)
    return _bill(rows[0]) if rows else None


async def bill_of(tx: Tx | Pool, payer: Payer, bill_id: str) -> Bill | None:
    """Return a bill that this payer may see."""
    return next(iter(await _bills_of(tx, payer, bill_id=bill_id)), None)


async def bills_waiting(tx: Tx | Pool, payer: Payer, *, at: datetime) -> list[Bill]:
    """Return the bills that wait for this payer's word, oldest first."""
    return await _bills_of(tx, payer, waiting_at=at)


async def _bills_of(
    tx: Tx | Pool, payer: Payer, *, bill_id: str | None = None, waiting_at: datetime | None = None
) -> list[Bill]:
    """A relative's bill is a payer's only if the payer's phone showed the code; a spouse's other bills are not."""
    rows = await tx.fetch(
        """
        SELECT b.* FROM settlement.bill b
        WHERE b.person_id = ANY($1::text[]) AND ($4::text IS NULL OR b.bill_id = $4)
          AND ($5::timestamptz IS NULL OR b.state = 'sent' AND b.expires_at > $5)
          AND (b.person_id = $2 OR EXISTS (
              SELECT FROM credential.visit_of(b.person_id, b.basket->>'token') v WHERE v.account_id = $3))
        ORDER BY b.sent_at
        """,
        [payer.person_id, *payer.relatives],
        payer.person_id,
        payer.account_id,
        bill_id,
        waiting_at,
    )
    return [_bill(row) for row in rows]


def _bill(row: Row) -> Bill:
    plain = {name: row[name] for name in Bill.__struct_fields__ if name != "quote"}
    return Bill(**plain, quote=msgspec.convert(row["quote"], Quote))


class DaybookLine(Struct, frozen=True):
    settlement_id: str
    settled_at: datetime
    reverses: str | None
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int


async def daybook(tx: Tx | Pool, *, institution: str, on: date) -> list[DaybookLine]:
    """Return what an institution settled on a day, newest first; as far as the worker has brought it."""
    rows = await tx.fetch(
        "SELECT settlement_id, settled_at, reverses, total_fen, fund_fen, account_fen, cash_fen"
        " FROM settlement.daybook WHERE institution = $1 AND settled_on = $2 ORDER BY settled_at DESC",
        institution,
        on,
    )
    return [DaybookLine(**row) for row in rows]
