"""From a bound insurance to a code on the phone, and from a scanned code to a visit."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from yibao import identity, registry
from yibao.core import outbox
from yibao.core.batch import Batch
from yibao.core.database import Pool, Row, Tx
from yibao.core.money import yuan_text
from yibao.core.vault import Vault
from yibao.credential import queries, refusals, rules, screen_lock, store
from yibao.credential.code import SHOWN_SECONDS, Codes, Ticket, province_of
from yibao.credential.tokens import Tokens
from yibao.credential.types import Phone, Redeemed, Scan, ScanFacts, ShownCode, Spend

VISIT_LASTS = timedelta(minutes=15)
WRONG_TAGS_MAX = 5
TILL_BAD_MAX = 10  # a minute
INSTITUTION_BAD_MAX = 200  # an hour
FREE_LIMIT_FEN_MAX = 500_00


async def bind(tx: Tx, vault: Vault, *, account_id: str, card_no: str, at: datetime) -> str:
    """Bind the account to its owner's insurance by the social-security card, and return the person's id.

    Refusals, first that applies: RealNameFirst, those of `owner_by_card`, BoundElsewhere.
    """
    account = await identity.account(tx, vault, account_id)
    if account.real_name_at is None or account.cert_type is None or account.cert_no is None:
        raise refusals.RealNameFirst
    owner, first = await owner_by_card(tx, vault, cert_type=account.cert_type, cert_no=account.cert_no, card_no=card_no)
    if not await store.bind(tx, person_id=owner, account_id=account_id, psn_no=first.psn_no, place=first.place, at=at):
        raise refusals.BoundElsewhere
    await identity.attach_person(tx, account_id=account_id, person_id=owner)
    await outbox.publish(tx, person_id=owner, topic="credential.bound", payload={"place": first.place}, at=at)
    return owner


async def owner_by_card(
    tx: Tx, vault: Vault, *, cert_type: str, cert_no: str, card_no: str
) -> tuple[str, registry.Insurance]:
    """Return whom a certificate and a social-security card are both of, and the relation to begin with.

    Whoever has no card at all learns first whether a card would help.

    Refusals, first that applies: NotRegistered; NotTransferred, NotInsured, NotSynced, NoCardToBind for whoever has
    none; CardUnknown, CardLost, CardFrozen, CardInactive, NotTransferred, NotInsured, NotSynced.
    """
    owner = await registry.find_by_certificate(tx, vault, cert_type, cert_no)
    if owner is None:
        raise refusals.NotRegistered
    if not await registry.card_states(tx, owner):
        require_relation(await registry.relations(tx, owner))
        raise refusals.NoCardToBind
    card = await registry.find_by_card(tx, vault, card_no)
    if card is None or card.person_id != owner:
        raise refusals.CardUnknown
    require_card_in_order([card.state])
    return owner, require_relation(await registry.relations(tx, owner))


def require_card_in_order(states: Sequence[registry.CardState]) -> None:
    """Refuse social-security cards of which none is in order, the newest first; nobody needs to have one.

    Refusals: CardLost, CardFrozen, CardInactive.
    """
    if states and "normal" not in states:
        raise {
            "lost": refusals.CardLost,
            "frozen": refusals.CardFrozen,
            "inactive": refusals.CardInactive,
        }[states[0]]


def require_relation(relations: Sequence[registry.Insurance]) -> registry.Insurance:
    """Return the relation to begin with. Refusals, first that applies: NotTransferred, NotInsured, NotSynced."""
    first = rules.first_relation(relations)
    if first is None and any(relation.state == rules.TERMINATED for relation in relations):
        raise refusals.NotTransferred
    if first is None:
        raise refusals.NotInsured
    if not first.synced:
        raise refusals.NotSynced
    return first


async def activate(
    tx: Tx, *, person_id: str, account_id: str, place: str, agreed: bool, channel: str, browser: bytes, at: datetime
) -> None:
    """Activate the credential in this browser for an insured place; again in the same browser changes only the place.

    Refusals, first that applies: TermsNotAgreed, NotBound, PlaceNotYours, NotSynced.
    """
    if not agreed:
        raise refusals.TermsNotAgreed
    held = await store.holder(tx, person_id)
    if held is None or held["unbound_at"] is not None or held["account_id"] != account_id:
        raise refusals.NotBound
    relation = rules.first_relation(await registry.relations(tx, person_id), place) if place else None
    if relation is None:
        raise refusals.PlaceNotYours
    if not relation.synced:
        raise refusals.NotSynced
    await store.agree(tx, person_id=person_id, psn_no=relation.psn_no, place=place, at=at)
    if await store.live_device(tx, person_id, browser) is None:
        await add_device(tx, person_id=person_id, account_id=account_id, channel=channel, browser=browser, at=at)
        await outbox.publish(
            tx,
            person_id=person_id,
            topic="credential.activated",
            payload={"place": place, "channel": await queries.channel_name(tx, channel)},
            at=at,
        )


async def add_device(
    tx: Tx,
    *,
    person_id: str,
    account_id: str,
    channel: str,
    browser: bytes,
    session: bytes | None = None,
    offline_until: datetime | None = None,
    at: datetime,
) -> None:
    """Give an activation a device number, its first or a further one; `session` where the phone draws its codes."""
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
        session=session,
        offline_until=offline_until,
        at=at,
    )


async def show_code(tx: Tx, codes: Codes, *, person_id: str, browser: bytes, at: datetime) -> ShownCode:
    """Return a fresh code of the activation in this browser. Refusals, first that applies: ScreenLocked, NotActivated.

    A device number has ten thousand tickets; when they are used up, the device goes on under a further number. The old
    one stays live beside it, because a till may have just scanned its last code.
    """

    async def take() -> Row | None:
        taken = await store.next_ticket(tx, person_id, browser, at=at, open_until=at + screen_lock.STAYS_OPEN)
        if taken is None:
            await screen_lock.require_open(tx, person_id=person_id, browser=browser, at=at)
        return taken

    async def add(activation: Row) -> None:
        await add_device(
            tx,
            person_id=person_id,
            account_id=activation["account_id"],
            channel=activation["channel"],
            browser=browser,
            at=at,
        )

    taken = await take_or_add(tx, person_id=person_id, browser=browser, take=take, add=add)
    code = codes.make(
        device_number=taken["device_number"], ticket=taken["ticket"], province=province_of(taken["place"]), at=at
    )
    return ShownCode(code, SHOWN_SECONDS, lock=taken["lock"])


async def take_or_add(
    tx: Tx,
    *,
    person_id: str,
    browser: bytes,
    take: Callable[[], Awaitable[Row | None]],
    add: Callable[[Row], Awaitable[None]],
) -> Row:
    """Return what `take` finds, once `add` has given the activation in this browser a further number where it must.

    Refusals: NotActivated, those of `add`.
    """
    taken = await take()
    if taken is not None:
        return taken
    await store.hold_holder(tx, person_id)  # An unbinding at this moment must see the new number.
    activation = await store.live_device(tx, person_id, browser)
    if activation is None:
        raise refusals.NotActivated
    taken = await take()  # Another request may have just added the number.
    if taken is None:
        await add(activation)
        taken = await take()
    assert taken is not None
    return taken


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

    Refusals, first that applies: CodeMalformed, TillSlowed, UnitCodeShown, CodeUnknown, DeviceUnbound,
    CodeOfSuspendedChannel, CodeSpent, OfflineOver, CodeExpired, core.SealBroken. The face notes every BadCode with
    `note_bad_scan`, in a transaction of its own.
    """
    ticket = gate.codes.open(code)
    facts = await gate.scanned(Scan(ticket.device_number, ticket.number, institution, till, at))
    try:
        phone = _require_good(facts, gate.codes, ticket, at)
    except refusals.CodeUnknown:
        if gate.codes.is_other_kind(code, at):
            raise refusals.UnitCodeShown from None
        raise
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
    dead = phone.unbound or phone.suspended or phone.spent or phone.offline_over
    if not fits and not dead and not codes.was_right(ticket, at):
        raise refusals.CodeUnknown
    if phone.unbound:
        raise refusals.DeviceUnbound
    if phone.suspended is not None:
        raise refusals.CodeOfSuspendedChannel(channel=phone.suspended.channel, hotline=phone.suspended.hotline)
    if phone.spent:
        raise refusals.CodeSpent
    if phone.offline_over:
        raise refusals.OfflineOver
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
    await store.hold_holder(tx, person_id)
    await store.unbind_devices(tx, person_id, at)
    await store.unbind_holder(tx, person_id, at)
    reach = await identity.detach_person(tx, account_id=account_id)
    await outbox.publish(tx, person_id=person_id, topic="credential.unbound", payload=reach, at=at)


async def forget_account(tx: Tx, *, account_id: str) -> None:
    """Delete what channels said of somebody who closes their account; unbinding comes first."""
    await store.forget_account(tx, account_id)


async def unbind_device(tx: Tx, *, person_id: str, activation_id: str, by: str, keep: bytes = b"", at: datetime) -> str:
    """End one activation and return its channel: from now on its codes are refused, wherever they were scanned.

    On a phone of the person's own, the codes that relatives lent to them end there as well, and whoever is signed in
    there is signed out, but for the browser `keep`, from which this is done. A phone that shows only lent codes is
    named by one of these. Again changes nothing. Refusals: ActivationUnknown.
    """
    account_id = await _account_of(tx, person_id)
    row = await store.device_of(tx, person_id, account_id, activation_id)
    if row is None:
        raise refusals.ActivationUnknown
    channel: str = row["channel"]
    if row["unbound_at"] is None:
        if row["account_id"] == account_id:
            phone = _phone_of(row, person_id, account_id)
            live = await store.live_devices(tx, person_id, account_id)
            ending = [each for each in live if _phone_of(each, person_id, account_id) == phone]
            await _sign_out(tx, account_id=account_id, phone=phone, keep=keep, at=at)
        else:
            ending = [row]
        await _end(tx, ending, person_id=person_id, by=by, at=at)
        await _tell_unbound(tx, person_id=person_id, channel=channel, by=by, at=at)
    return channel


async def unbind_channel(tx: Tx, *, person_id: str, channel: str, by: str, at: datetime) -> int:
    """End every activation of a person in one channel, or everywhere where `channel` is empty, and count the phones.

    The codes that relatives lent to them end there as well, and their account is signed out there. The binding stays,
    so the person activates again with nothing but the face. Again changes nothing.
    """
    account_id = await _account_of(tx, person_id)
    live = await store.live_devices(tx, person_id, account_id)
    ending = [row for row in live if channel in ("", row["channel"])]
    await _end(tx, ending, person_id=person_id, by=by, at=at)
    for seen in await identity.sessions_of(tx, account_id, at):
        if channel in ("", seen.channel):
            await identity.end_sessions_on(tx, account_id=account_id, device=seen.device, channel=seen.channel)
    for name in sorted({row["channel"] for row in ending}):
        await _tell_unbound(tx, person_id=person_id, channel=name, by=by, at=at)
    return len({_phone_of(row, person_id, account_id) for row in ending})


async def _account_of(tx: Tx, person_id: str) -> str:
    """Return the account that holds a person's credential, empty if none does."""
    held = await queries.holder(tx, person_id)
    return held.account_id if held else ""


def _phone_of(row: Row, person_id: str, account_id: str) -> bytes:
    """Return by what one phone of one account is known, whether the person's own code is active there or a lent one."""
    browser: bytes = row["browser"]
    own = row["person_id"] == person_id and row["account_id"] == account_id
    return rules.lent_browser(browser, account_id) if own else browser


async def _end(tx: Tx, rows: Sequence[Row], *, person_id: str, by: str, at: datetime) -> None:
    """End activations; those of others, lent to this person, end with the phone and are not taken back."""
    for owner, browser in sorted({(row["person_id"], row["browser"]) for row in rows}):
        lent = owner != person_id
        await store.hold_holder(tx, owner)
        await store.unbind_browser(tx, owner, browser, by="phone" if lent else by, at=at)


async def _sign_out(tx: Tx, *, account_id: str, phone: bytes, keep: bytes, at: datetime) -> None:
    for seen in await identity.sessions_of(tx, account_id, at):
        browser = rules.browser_digest(seen.device, seen.channel)
        if browser != keep and rules.lent_browser(browser, account_id) == phone:
            await identity.end_sessions_on(tx, account_id=account_id, device=seen.device, channel=seen.channel)


async def _tell_unbound(tx: Tx, *, person_id: str, channel: str, by: str, at: datetime) -> None:
    told = {"channel": await queries.channel_name(tx, channel), "by": by if by in ("person", "channel") else "agency"}
    await outbox.publish(tx, person_id=person_id, topic="credential.device_unbound", payload=told, at=at)
