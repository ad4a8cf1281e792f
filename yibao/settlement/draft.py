"""What stands on a till's screen: one draft a till, so that a refresh or a crash of the browser loses nothing.

A draft carries the id under which its basket will be settled. Every change of the basket gives it a new one, so another
basket is never sent under the same id, and whoever acts on what an older page showed is noticed. Whether a draft has
been settled is not written into it but read where the money is: the answer to its id.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from yibao.core.database import Pool, Tx
from yibao.settlement import refusals
from yibao.settlement.types import Basket, BasketLine, Settled, VisitChoice

LINES_MAX = 200


class DraftLine(Struct, frozen=True):
    """One item in the basket, with what names it on the screen while no quote can be had."""

    code: str
    name: str
    unit: str
    quantity: Decimal
    unit_price: Decimal | None = None


class Draft(Struct, frozen=True):
    """A draft as it was read; acting on it is refused once it has changed."""

    institution: str
    till: str
    token: str
    lines: tuple[DraftLine, ...]
    use_account: bool
    request_id: str
    bill_sent: bool
    visit_kind: VisitChoice = ""
    disease: str = ""
    settled: Settled | None = None
    reversed_by: str | None = None

    @property
    def waiting(self) -> bool:
        """Whether a bill was sent to the phone and its answer is not in."""
        return self.bill_sent and self.settled is None

    @property
    def basket(self) -> Basket:
        """The basket as settling takes it. Refusals: MalformedOrder."""
        if not self.lines:
            raise refusals.MalformedOrder(what="还没有录入项目。")
        return Basket(
            self.token,
            tuple(BasketLine(line.code, line.quantity, line.unit_price) for line in self.lines),
            self.use_account,
            self.visit_kind,
            self.disease,
        )


def added(lines: tuple[DraftLine, ...], line: DraftLine) -> tuple[DraftLine, ...]:
    """Return the lines with one more; of an item that is there already, the quantities are added up.

    Refusals: MalformedOrder.
    """
    line = _sound(line)
    for place, there in enumerate(lines):
        if there.code == line.code:
            more = msgspec.structs.replace(there, quantity=there.quantity + line.quantity)
            return (*lines[:place], _sound(more), *lines[place + 1 :])
    if len(lines) == LINES_MAX:
        raise refusals.MalformedOrder(what=f"一张账单最多 {LINES_MAX} 个项目，请分两次结算。")
    return (*lines, line)


def changed(
    lines: tuple[DraftLine, ...], code: str, *, quantity: Decimal, unit_price: Decimal | None
) -> tuple[DraftLine, ...]:
    """Return the lines with another quantity and price of one item. Refusals: MalformedOrder."""
    return tuple(
        _sound(msgspec.structs.replace(line, quantity=quantity, unit_price=unit_price)) if line.code == code else line
        for line in lines
    )


def removed(lines: tuple[DraftLine, ...], code: str) -> tuple[DraftLine, ...]:
    return tuple(line for line in lines if line.code != code)


def _sound(line: DraftLine) -> DraftLine:
    """Let a line pass that a basket would take."""
    try:
        BasketLine(line.code, line.quantity, line.unit_price)
    except ValueError:
        raise refusals.MalformedOrder(
            what="数量须大于 0、不超过 100000、最多 4 位小数；单价须大于 0、最多 6 位小数。"
        ) from None
    return line


def require_open(draft: Draft) -> None:
    """Refuse changes to what waits on a phone or has been settled. Refusals: DraftLocked."""
    if draft.bill_sent or draft.settled is not None:
        raise refusals.DraftLocked


async def draft_of(tx: Tx | Pool, *, institution: str, till: str) -> Draft | None:
    """Return what stands on a till, with the answer if it has been settled, wherever that was confirmed."""
    row = await tx.fetchrow(
        """
        SELECT d.institution, d.till, d.token, d.lines, d.use_account, d.visit_kind, d.disease, d.request_id,
               d.bill_sent, nullif(a.answer, '{}') AS settled, r.settlement_id AS reversed_by
        FROM settlement.draft d
        CROSS JOIN LATERAL core.person_of_caller_id(d.institution, 'settle', d.request_id) p (person_id)
        LEFT JOIN LATERAL core.answer_of(p.person_id, d.institution, 'settle', d.request_id) a ON true
        LEFT JOIN settlement.settlement r ON r.person_id = p.person_id AND r.reverses = a.answer->>'settlement_id'
        WHERE d.institution = $1 AND d.till = $2
        """,
        institution,
        till,
    )
    return msgspec.convert(dict(row), Draft) if row else None


async def begin(
    tx: Tx, *, institution: str, till: str, token: str, same_person: Callable[[Draft], bool], at: datetime
) -> None:
    """Put the person whom a scan led to on the till, instead of what stands there by now.

    A code was spent to come here, so what another window of the till does meanwhile stands in nobody's way: the row is
    locked, and read again. Somebody whose scan has expired finds the basket as it was, and how it is settled; nobody
    finds another person's.

    Refusals: DraftLocked while a bill waits on a phone.
    """
    fresh = _fresh_id()
    began = await tx.fetchval(
        """
        INSERT INTO settlement.draft AS d (institution, till, token, request_id, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (institution, till) DO UPDATE SET updated_at = d.updated_at RETURNING request_id = $4
        """,
        institution,
        till,
        token,
        fresh,
        at,
    )
    if began:
        return
    there = await draft_of(tx, institution=institution, till=till)
    assert there is not None
    if there.waiting:
        raise refusals.DraftLocked
    goes_on = there.settled is None and same_person(there)
    await tx.execute(
        """
        UPDATE settlement.draft
        SET token = $3, lines = $4, use_account = $5, visit_kind = $6, disease = $7, request_id = $8, updated_at = $9,
            bill_sent = false
        WHERE institution = $1 AND till = $2
        """,
        institution,
        till,
        token,
        *((there.lines, there.use_account, there.visit_kind, there.disease) if goes_on else ((), True, "", "")),
        fresh,
        at,
    )


async def change(tx: Tx, draft: Draft, *, at: datetime, **changes: Any) -> None:
    """Change fields of the draft's basket, and with it its id. Refusals: DraftLocked, DraftChanged."""
    require_open(draft)
    to = msgspec.structs.replace(draft, **changes)
    await _require_done(
        tx,
        """
        UPDATE settlement.draft
        SET lines = $5, use_account = $6, visit_kind = $7, disease = $8, request_id = $9, updated_at = $10
        WHERE institution = $1 AND till = $2 AND request_id = $3 AND bill_sent = $4 RETURNING true
        """,
        *_version(draft),
        to.lines,
        to.use_account,
        to.visit_kind,
        to.disease,
        _fresh_id(),
        at,
    )


async def mark_sent(tx: Tx, draft: Draft, *, at: datetime) -> None:
    """Note that the draft stands on the person's phone as a bill of its id; a double click notes it twice.

    Refusals: DraftLocked, DraftChanged.
    """
    require_open(draft)
    await _require_done(
        tx,
        """
        UPDATE settlement.draft SET bill_sent = true, updated_at = $4
        WHERE institution = $1 AND till = $2 AND request_id = $3 RETURNING true
        """,
        draft.institution,
        draft.till,
        draft.request_id,
        at,
    )


async def reopen(tx: Tx, draft: Draft, *, at: datetime) -> None:
    """Let a draft whose bill is closed be changed and sent anew, under another id. Refusals: DraftChanged."""
    await _require_done(
        tx,
        """
        UPDATE settlement.draft SET bill_sent = false, request_id = $5, updated_at = $6
        WHERE institution = $1 AND till = $2 AND request_id = $3 AND bill_sent = $4 RETURNING true
        """,
        *_version(draft),
        _fresh_id(),
        at,
    )


async def clear(tx: Tx, draft: Draft) -> None:
    """Make the till ready for the next person. Refusals: DraftLocked while a bill waits on a phone, DraftChanged."""
    if draft.waiting:
        raise refusals.DraftLocked
    await _require_done(
        tx,
        """
        DELETE FROM settlement.draft
        WHERE institution = $1 AND till = $2 AND request_id = $3 AND bill_sent = $4 RETURNING true
        """,
        *_version(draft),
    )


def _version(draft: Draft) -> tuple[str, str, str, bool]:
    """Return what a draft must still have to be acted on: a bill is sent under the id that the basket has already."""
    return draft.institution, draft.till, draft.request_id, draft.bill_sent


async def _require_done(tx: Tx, statement: str, *values: object) -> None:
    if not await tx.fetchval(statement, *values):
        raise refusals.DraftChanged


def _fresh_id() -> str:
    return secrets.token_hex(16)
