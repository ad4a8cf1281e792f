"""From a bound insurance to a code on the phone, and from a scanned code to a visit."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from yibao import identity, registry
from yibao.core import outbox
from yibao.core.batch import Batch
from yibao.core.database import Pool, Tx
from yibao.core.money import yuan_text
from yibao.core.vault import Vault
from yibao.credential import refusals, store
from yibao.credential.code import SHOWN_SECONDS, Codes, Ticket, province_of
from yibao.credential.tokens import Tokens
from yibao.credential.types import Phone, Redeemed, Scan, ScanFacts, ShownCode, Spend

VISIT_LASTS = timedelta(minutes=15)
WRONG_TAGS_MAX = 5
TILL_BAD_MAX = 10  # a minute
INSTITUTION_BAD_MAX = 200  # an hour
FREE_LIMIT_FEN_MAX = 500_00
NORMAL = "1"  # psn_insu_stas
_ENDED = ("0", "3", "4")


async def bind(tx: Tx, vault: Vault, *, account_id: str, card_no: str, at: datetime) -> str:
    """Bind the account to its owner's insurance by the social-security card, and return the person's id.

    Refusals, first that applies: RealNameFirst, CardUnknown, CardLost, CardFrozen, CardInactive, NotSynced,
    NotInsured, BoundElsewhere.
    """
    account = await identity.account(tx, vault, account_id)
    if account.real_name_at is None or account.cert_type is None or account.cert_no is None:
        raise refusals.RealNameFirst
    card = await registry.find_by_card(tx, vault, card_no)
    owner = await registry.find_by_certificate(tx, vault, account.cert_type, account.cert_no)
    if card is None or card.person_id != owner:
        raise refusals.CardUnknown
    refusal = {
        "lost": refusals.CardLost,
        "frozen": refusals.CardFrozen,
        "inactive": refusals.CardInactive,
    }.get(card.state)
    if refusal is not None:
        raise refusal
    relations = [relation for relation in await registry.relations(tx, owner) if relation.state not in _ENDED]
    if not relations:
        raise refusals.NotInsured
    synced = [relation for relation in relations if relation.synced]
    if not synced:
        raise refusals.NotSynced
    first = min(synced, key=lambda relation: (relation.state != NORMAL, relation.psn_no))
    if not await store.bind(tx, person_id=owner, account_id=account_id, psn_no=first.psn_no, place=first.place, at=at):
        raise refusals.BoundElsewhere
    await identity.attach_person(tx, account_id=account_id, person_id=owner)
    await outbox.publish(tx, person_id=owner, topic="credential.bound", payload={"place": first.place}, at=at)
    return owner


async def activate(
    tx: Tx, *, person_id: str, account_id: str, place: str, agreed: bool, channel: str, browser: bytes, at: datetime
) -> None:
    """Activate the credential in this browser for an insured place; again in the same browser changes only the place.

    Refusals, first that applies: TermsNotAgreed, NotBound, PlaceNotYours.
    """
    if not agreed:
        raise refusals.TermsNotAgreed
    held = await store.holder(tx, person_id)
    if held is None or held["unbound_at"] is not None or held["account_id"] != account_id:
        raise refusals.NotBound
    relation = next(
        (r for r in await registry.relations(tx, person_id) if r.place == place and r.state not in _ENDED), None
    )
    if relation is None:
        raise refusals.PlaceNotYours
    await store.agree(tx, person_id=person_id, psn_no=relation.psn_no, place=place, at=at)
    if await store.live_device(tx, person_id, browser) is None:
        await _add_device(tx, person_id=person_id, account_id=account_id, channel=channel, browser=browser, at=at)
        await outbox.publish(
            tx, person_id=person_id, topic="credential.activated", payload={"place": place, "channel": channel}, at=at
        )


async def _add_device(tx: Tx, *, person_id: str, account_id: str, channel: str, browser: bytes, at: datetime) -> None:
    device_number = f"{secrets.randbelow(10**9):09d}"
    while not await store.take_device_number(tx, device_number, person_id):
        device_number = f"{secrets.randbelow(10**9):09d}"
    await store.add_device(
        tx,
        person_id=person_id,
        device_number=device_number,
        account_id=account_id,
        channel=channel,
        browser=browser,
        at=at,
    )


async def show_code(tx: Tx, codes: Codes, *, person_id: str, browser: bytes, at: datetime) -> ShownCode:
    """Return a fresh code of the activation in this browser. Refusals: NotActivated.

    A device number has ten thousand tickets; when they are used up, the device goes on under a further number. The old
    one stays live beside it, because a till may have just scanned its last code.
    """
    taken = await store.next_ticket(tx, person_id, browser)
    if taken is None:
        device = await store.live_device(tx, person_id, browser)
        if device is None:
            raise refusals.NotActivated
        taken = await store.next_ticket(tx, person_id, browser)  # Another request may have just added the number.
        if taken is None:
            await _add_device(
                tx,
                person_id=person_id,
                account_id=device["account_id"],
                channel=device["channel"],
                browser=browser,
                at=at,
            )
            taken = await store.next_ticket(tx, person_id, browser)
    assert taken is not None
    code = codes.make(
        device_number=taken["device_number"], ticket=taken["ticket"], province=province_of(taken["place"]), at=at
    )
    return ShownCode(code, SHOWN_SECONDS)


class Gate:
    """What redeeming needs: the database in batches, the codes, the visit tokens, and the vault for the name."""

    def __init__(self, pool: Pool, *, codes: Codes, tokens: Tokens, vault: Vault) -> None:
        self.pool = pool
        self.codes = codes
        self.tokens = tokens
        self.vault = vault
        self.scanned: Batch[Scan, ScanFacts] = Batch(self._scanned)
        self.spend: Batch[Spend, bool] = Batch(self._spend)

    async def _scanned(self, scans: Sequence[Scan]) -> Sequence[ScanFacts]:
        return await store.scanned(self.pool, scans)

    async def _spend(self, spends: Sequence[Spend]) -> Sequence[bool]:
        return await store.spend(self.pool, spends)


async def redeem(gate: Gate, *, code: str, institution: str, till: str, at: datetime) -> Redeemed:
    """Spend a code and return the token that lets this institution serve its holder for 15 minutes.

    No transaction is held between the read and the write: a ticket is spent once whatever was read, and an unbinding
    that comes between them is found again when the visit is settled.

    Refusals, first that applies: CodeMalformed, TillSlowed, CodeUnknown, DeviceUnbound, CodeSpent, CodeExpired,
    core.SealBroken. The face notes every BadCode with `note_bad_scan`, in a transaction of its own.
    """
    ticket = gate.codes.open(code)
    facts = await gate.scanned(Scan(ticket.device_number, ticket.number, institution, till, at))
    phone = _require_good(facts, gate.codes, ticket, at)
    # Opened before the code is spent, so that nobody loses a code to a seal that is broken.
    name = registry.name_of(gate.vault, phone.person_id, bytes.fromhex(phone.name))
    spend = Spend(
        person_id=phone.person_id,
        device_number=ticket.device_number,
        ticket=ticket.number,
        institution=institution,
        token=gate.tokens.issue(place=phone.place, person_id=phone.person_id),
        at=at,
        expires_at=at + VISIT_LASTS,
    )
    if not await gate.spend(spend):
        raise refusals.CodeSpent
    return Redeemed(spend.token, phone.person_id, phone.place, spend.expires_at, name, phone.gender)


def _require_good(facts: ScanFacts, codes: Codes, ticket: Ticket, at: datetime) -> Phone:
    """Return the phone that showed the ticket. Refusals: those of `redeem` from TillSlowed to CodeExpired."""
    if facts.till_bad >= TILL_BAD_MAX or facts.institution_bad >= INSTITUTION_BAD_MAX:
        raise refusals.TillSlowed
    phone = facts.phone
    if phone is None or ticket.number >= phone.next_ticket:
        raise refusals.CodeUnknown
    fits = codes.fits(ticket, at)
    # A day of old tags is searched only where the answer depends on it: it costs the time of a hundred scans.
    if not fits and not (phone.unbound or phone.spent) and not codes.was_right(ticket, at):
        raise refusals.CodeUnknown
    if phone.unbound:
        raise refusals.DeviceUnbound
    if phone.spent:
        raise refusals.CodeSpent
    if not fits or phone.wrong_tags >= WRONG_TAGS_MAX:
        raise refusals.CodeExpired
    return phone


async def note_bad_scan(tx: Tx, codes: Codes, *, code: str, institution: str, till: str, at: datetime) -> None:
    """Count a scan that was refused as BadCode against the till, and against the ticket if a phone has shown it."""
    await store.note_bad_scan(tx, institution=institution, till=till, at=at)
    try:
        ticket = codes.open(code)
    except refusals.CodeMalformed:
        return
    await store.note_wrong_tag(tx, device_number=ticket.device_number, ticket=ticket.number)


def require_free_limit(limit_fen: int) -> None:
    """Refusals: LimitInvalid."""
    if not 0 <= limit_fen <= FREE_LIMIT_FEN_MAX:
        raise refusals.LimitInvalid(most=yuan_text(FREE_LIMIT_FEN_MAX))


async def set_free_limit(tx: Tx, *, person_id: str, limit_fen: int, at: datetime) -> None:
    """Set the amount up to which a bill needs no password. Refusals: LimitInvalid."""
    require_free_limit(limit_fen)
    await store.set_free_limit(tx, person_id, limit_fen)
    await outbox.publish(
        tx, person_id=person_id, topic="credential.free_limit_set", payload={"limit_fen": limit_fen}, at=at
    )


async def unbind(tx: Tx, *, person_id: str, account_id: str, at: datetime) -> None:
    """Undo the binding: from now on every code of every device of this person is refused. Refusals: NotBound."""
    held = await store.holder(tx, person_id)
    if held is None or held["unbound_at"] is not None or held["account_id"] != account_id:
        raise refusals.NotBound
    await store.unbind_devices(tx, person_id, at)
    await store.unbind_holder(tx, person_id, at)
    await identity.detach_person(tx, account_id=account_id)
    await outbox.publish(tx, person_id=person_id, topic="credential.unbound", payload={}, at=at)
