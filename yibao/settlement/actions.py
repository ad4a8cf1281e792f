"""Scan to settle: the one way a bill is settled, whichever face asks.

The reader follows `confirm` through its doors: what was read (`store.facts`), whether it may be (`rules.require_…`),
what it costs (`benefit.assess`), what was agreed to, and the one write (`store.post`).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from yibao import benefit, credential
from yibao.core import outbox
from yibao.core.batch import Batch
from yibao.core.clock import day_of
from yibao.core.database import Pool, Tx
from yibao.core.numbers import Numbers
from yibao.settlement import entries, queries, refusals, replay, rules, store
from yibao.settlement.states import require_move
from yibao.settlement.types import Basket, Entry, Facts, FactsRequest, Order, Quote, Settled, Split

Prove = Callable[[str], Awaitable[None]]
BILL_LASTS = timedelta(minutes=15)
_NOTHING = Split(0, 0, 0, 0)
_TRIES = 40  # Each waits for a whole batch of somebody else, so this ends only a person who is settled without pause.


class Desk:
    """What settling needs: the database in batches, the numbers handed out, the policies and the visit tokens."""

    def __init__(
        self, pool: Pool, *, numbers: Numbers, tokens: credential.Tokens, policies: benefit.Policies | None = None
    ) -> None:
        self.pool = pool
        self.numbers = numbers
        self.tokens = tokens
        self.policies = policies or benefit.policies()
        self.facts: Batch[FactsRequest, Facts] = Batch(self._facts)
        self.post: Batch[Entry, str] = Batch(self._post, key=lambda entry: entry.guard.person_id)

    async def _facts(self, requests: Sequence[FactsRequest]) -> Sequence[Facts]:
        return await store.facts(self.pool, requests)

    async def _post(self, entries: Sequence[Entry]) -> Sequence[str]:
        return await store.post(self.pool, entries)

    def person_of_token(self, token: str) -> str:
        try:
            return self.tokens.person_of(token)
        except ValueError:
            raise refusals.VisitUnknown from None

    def person_of_number(self, settlement_id: str) -> str:
        try:
            return self.numbers.person_of(settlement_id)
        except ValueError:
            raise refusals.SettlementUnknown from None


def _request(desk: Desk, order: Order, *, institution: str, caller: str, request_id: str, at: datetime) -> FactsRequest:
    return FactsRequest(
        person_id=desk.person_of_token(order.basket.token),
        caller=caller,
        operation="settle",
        id=request_id,
        token=order.basket.token,
        institution=institution,
        codes=tuple(sorted({line.code for line in order.basket.lines})),
        year=day_of(at).year,
        bill_id=order.bill_id,
    )


async def quote(desk: Desk, *, basket: Basket, institution: str, at: datetime) -> Quote:
    """Return what a basket would cost now and who would pay it; nothing is stored.

    Refusals: those of `confirm` up to the benefit engine's.
    """
    facts = await desk.facts(_quote_request(desk, basket, institution=institution, at=at))
    try:
        return _quote_of(desk, facts, basket, institution=institution, at=at)
    except refusals.NotInsuredHere as refused:
        raise await queries.with_names(desk.pool, refused) from None


def _quote_request(desk: Desk, basket: Basket, *, institution: str, at: datetime) -> FactsRequest:
    return _request(
        desk, Order(basket, expected=_NOTHING), institution=institution, caller=institution, request_id="", at=at
    )


def _quote_of(desk: Desk, facts: Facts, basket: Basket, *, institution: str, at: datetime) -> Quote:
    rules.require_visit(facts, institution=institution, bill_id="", at=at)
    return rules.quote_of(rules.assess(facts, basket, policies=desk.policies, on=day_of(at)))


async def confirm(
    desk: Desk, *, order: Order, institution: str, caller: str, request_id: str, prove: Prove | None, at: datetime
) -> Settled:
    """Settle an order whose split was agreed to, once for the caller's `request_id`, and return the answer.

    `prove` checks the transaction password of the account it is given, and refuses; None means that no password was
    given, which is enough under the limit that the person set, and for a person without an account, who has none.

    No transaction is held between the read and the write: the write is guarded by the versions that were read, and
    a person whom somebody else has changed meanwhile is read again.

    Refusals, first that applies: VisitUnknown (a token that leads nowhere), IdReused, ReversedBeforeArrival,
    VisitUnknown, BillUnknown, BillClosed, VisitExpired, DeviceUnbound, InstitutionClosed, VisitNotOffered,
    NotInsuredHere, NotSynced, InsuranceSuspended, MalformedOrder, DiseaseNotRegistered, ItemUnknown, PriceOverLimit,
    KindUnsupported, benefit.no_policy, benefit.no_rule, DocumentLimit, AmountMismatch, QuoteChanged, PasswordRequired,
    those of `prove`, SettlementBusy.
    """
    request = _request(desk, order, institution=institution, caller=caller, request_id=request_id, at=at)
    person_id = request.person_id
    proved = False
    for _ in range(_TRIES + 1):
        facts = await desk.facts(request)
        answer = rules.earlier_answer(facts, order, person_id)
        if answer is not None:
            return answer
        rules.require_visit(facts, institution=institution, bill_id=order.bill_id, at=at)
        try:
            assessed = rules.assess(facts, order.basket, policies=desk.policies, on=day_of(at))
        except refusals.NotInsuredHere as refused:
            raise await queries.with_names(desk.pool, refused) from None
        rules.require_agreed(assessed, order, password_given=prove is not None)
        if prove is not None and not proved and assessed.account_id:
            await prove(assessed.account_id)
            proved = True
            continue  # Proving takes long; what was read before it is old.
        entry = entries.entry_of(
            assessed,
            order,
            person_id=person_id,
            settlement_id=desk.numbers.issue(
                region=assessed.relation.place, person_id=person_id, counter=(facts.serial or 0) + 1
            ),
            institution=institution,
            caller=caller,
            request_id=request_id,
            at=at,
        )
        if await desk.post(entry) == "posted":
            return entry.answer
    raise refusals.SettlementBusy


async def reverse(
    desk: Desk, *, settlement_id: str, institution: str, caller: str, request_id: str, at: datetime
) -> Settled:
    """Cancel a settlement of this institution whole, restoring money and counters; a repeat gets the first answer.

    The later one of two goes first, unless the insured place lets the next bill settle what the order makes different.

    Refusals, first that applies: SettlementUnknown, IdReused, LaterSettlementExists, SettlementBusy.
    """
    person_id = desk.person_of_number(settlement_id)
    for _ in range(_TRIES):
        found = await store.reversal_facts(
            desk.pool, person_id=person_id, settlement_id=settlement_id, caller=caller, request_id=request_id
        )
        original, answer = found["settlement"], found["answer"]
        if original is None or original["institution"] != institution or original["reverses"] is not None:
            raise refusals.SettlementUnknown
        if found["caller_person"] is not None:
            if answer is None or answer["digest"] != hashlib.sha256(settlement_id.encode()).hexdigest():
                raise refusals.IdReused
            return msgspec.convert(answer["answer"], Settled)
        if found["reversal"] is not None:
            return msgspec.convert(found["first_answer"], Settled)
        counters = None
        if desk.policies.carry(original["place"]):
            counters = await replay.counters_without(
                desk.pool, desk.policies, person_id=person_id, settlement_id=settlement_id, now=found["tallies"]
            )
        if found["later"] is not None and counters is None:
            raise refusals.LaterSettlementExists(later=found["later"])
        entry = entries.reversal_of(
            found,
            person_id=person_id,
            reversal_id=desk.numbers.issue(region=original["place"], person_id=person_id, counter=found["serial"] + 1),
            caller=caller,
            request_id=request_id,
            at=at,
            counters=counters,
        )
        if await desk.post(entry) == "posted":
            return entry.answer
    raise refusals.SettlementBusy


async def reverse_request(
    desk: Desk, *, token: str, original_id: str, institution: str, caller: str, request_id: str, at: datetime
) -> Settled | None:
    """Cancel whatever this caller's `original_id` settled, although its answer never came; None if nothing had been.

    In that case the id stays occupied, so that the late original is refused. Refusals: VisitUnknown, IdReused, those
    of `reverse`.
    """
    person_id = desk.person_of_token(token)
    async with desk.pool.acquire() as connection, connection.transaction():
        if await store.institution_of_visit(connection, person_id, token) != institution:
            raise refusals.VisitUnknown
        await store.hold_person(connection, person_id)
        if await store.add_tombstone(connection, person_id=person_id, caller=caller, request_id=original_id, at=at):
            return None
        answer = await store.answer_to(connection, person_id=person_id, caller=caller, request_id=original_id)
    if answer is None:
        raise refusals.IdReused
    if not answer:
        return None
    return await reverse(
        desk,
        settlement_id=answer["settlement_id"],
        institution=institution,
        caller=caller,
        request_id=request_id,
        at=at,
    )


async def send_bill(
    desk: Desk, tx: Tx, *, basket: Basket, bill_id: str, institution: str, till: str, at: datetime
) -> Quote:
    """Send a bill to the phone of the person at the till and return what it shows there.

    Refusals: those of `quote`, NoPhone, IdReused.
    """
    request = _quote_request(desk, basket, institution=institution, at=at)
    await store.hold_person(tx, request.person_id)
    # Not through the desk: who holds a connection and waits for another one ends up waiting for himself.
    [facts] = await store.facts(tx, [request])
    try:
        shown = _quote_of(desk, facts, basket, institution=institution, at=at)
    except refusals.NotInsuredHere as refused:
        raise await queries.with_names(tx, refused) from None
    if not shown.has_account:
        raise refusals.NoPhone
    person_id = request.person_id
    added = await store.add_bill(
        tx,
        {
            "person_id": person_id,
            "bill_id": bill_id,
            "institution": institution,
            "till": till,
            "basket": basket,
            "quote": shown,
            "state": "sent",
            "sent_at": at,
            "expires_at": at + BILL_LASTS,
        },
    )
    if not added:
        earlier = await store.bill(tx, person_id, bill_id)
        if earlier is None or msgspec.convert(earlier["basket"], Basket) != basket:
            raise refusals.IdReused
        return msgspec.convert(earlier["quote"], Quote)
    if await store.is_claimed(tx, caller=institution, request_id=bill_id):
        raise refusals.IdReused  # Settled under this id already, at the till; the bill is rolled back.
    await outbox.publish(
        tx,
        person_id=person_id,
        topic="settlement.bill_sent",
        payload={
            "bill_id": bill_id,
            "institution": institution,
            "total_fen": shown.split.total_fen,
            "account_id": facts.visit.account_id if facts.visit else "",  # Whose phone showed the code.
        },
        at=at,
    )
    return shown


def order_of_bill(bill: Any) -> Order:
    """Return the order that confirming a bill on the phone places: just what was shown."""
    shown = msgspec.convert(bill["quote"], Quote)
    return Order(
        basket=msgspec.convert(bill["basket"], Basket),
        expected=shown.split,
        bill_id=bill["bill_id"],
        place=shown.place,
    )


async def confirm_bill(desk: Desk, *, person_id: str, bill_id: str, prove: Prove, at: datetime) -> Settled:
    """Settle a bill that its person confirmed on the phone with the transaction password.

    The bill's id is the caller's id, so confirming twice, or on the phone and at the till, settles once.
    Refusals: BillUnknown, those of `confirm`.
    """
    bill = await store.bill(desk.pool, person_id, bill_id)
    if bill is None:
        raise refusals.BillUnknown
    return await confirm(
        desk,
        order=order_of_bill(bill),
        institution=bill["institution"],
        caller=bill["institution"],
        request_id=bill_id,
        prove=prove,
        at=at,
    )


async def close_bill(tx: Tx, *, person_id: str, bill_id: str, state: str, at: datetime) -> None:
    """Decline (the person) or withdraw (the till) a bill; doing it again changes nothing.

    Refusals: BillUnknown, BillClosed.
    """
    await store.hold_person(tx, person_id)
    bill = await store.bill(tx, person_id, bill_id)
    if bill is None:
        raise refusals.BillUnknown
    if bill["state"] == state:
        return
    topic = require_move(bill["state"], state)
    await store.close_bill(tx, person_id, bill_id, state)
    await outbox.publish(
        tx, person_id=person_id, topic=topic, payload={"bill_id": bill_id, "institution": bill["institution"]}, at=at
    )
