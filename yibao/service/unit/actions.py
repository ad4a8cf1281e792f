"""From a unit that is registered to its code on an operator's phone, and from a code to the unit's own pages."""

import secrets
from datetime import datetime

from yibao import credential, face, identity, registry
from yibao.core import outbox
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.service.unit import queries, refusals, rules, store
from yibao.service.unit.types import Entry, Named, Redeemed, Unit


async def unit_to_be(tx: Tx, vault: Vault, entry: Entry) -> Unit:
    """Return the unit that may be registered; nothing is changed.

    Refusals, first that applies: CreditCodeInvalid, UnitIncomplete, NumberInvalid, credential.DetailsDiffer, UnitTaken.
    """
    unit = Unit(
        unit_id=secrets.token_hex(8),
        credit_code=rules.credit_code(entry.credit_code),
        name=entry.name.strip(),
        kind=entry.kind,
        institution=entry.institution or None,
        place=entry.place,
        active=True,
    )
    is_whole = unit.name and unit.place and entry.legal.name and entry.legal.cert_no
    if not is_whole or (unit.kind == "institution") != bool(unit.institution):
        raise refusals.UnitIncomplete
    await _person_of(tx, vault, entry.legal)
    if await store.is_taken(tx, unit):
        raise refusals.UnitTaken
    return unit


async def register(tx: Tx, vault: Vault, entry: Entry, *, by: str, at: datetime) -> str:
    """Take in a unit with its legal representative, and return its id. `by` is who did: a clerk's login.

    Refusals: those of `unit_to_be`.
    """
    unit = await unit_to_be(tx, vault, entry)
    if not await store.add_unit(tx, unit, at=at):  # Another clerk has been faster.
        raise refusals.UnitTaken
    await _name(tx, vault, unit.unit_id, entry.legal, legal=True, by=by, at=at)
    return unit.unit_id


async def name_operator(tx: Tx, vault: Vault, *, unit_id: str, named: Named, by: str, at: datetime) -> None:
    """Put somebody on a unit's list at the unit's own registration. Refusals: OperatorAppointed."""
    await _name(tx, vault, unit_id, named, legal=False, by=by, at=at)


async def _name(tx: Tx, vault: Vault, unit_id: str, named: Named, *, legal: bool, by: str, at: datetime) -> str | None:
    """Add an operator, and return whom the registry knows under that certificate. Refusals: OperatorAppointed."""
    operator_id = secrets.token_hex(8)
    person_id = await registry.find_by_certificate(tx, vault, named.cert_type, named.cert_no)
    sealed = {
        column: vault.seal(text, table="unit.operator", column=column, person=operator_id)
        for column, text in (("name", named.name), ("cert_tail", named.cert_no[-4:]), ("told", person_id or ""))
    }
    added = await store.add_operator(
        tx,
        unit_id=unit_id,
        operator_id=operator_id,
        **sealed,
        cert_index=queries.certificate_index(vault, named.cert_type, named.cert_no),
        legal=legal,
        appointed_by=by,
        at=at,
    )
    if not added:
        raise refusals.OperatorAppointed
    return person_id


async def appoint(tx: Tx, vault: Vault, *, unit_id: str, account_id: str, named: Named, at: datetime) -> None:
    """Let somebody act for the unit; whoever is known to the registry under that certificate is told.

    Refusals, first that applies: NotOperator, OnlyLegal, OperatorIncomplete, NumberInvalid, OperatorAppointed.
    """
    seat = await queries.seat(tx, vault, unit_id=unit_id, account_id=account_id)
    if not seat.operator.legal:
        raise refusals.OnlyLegal
    named = Named(named.name.strip(), named.cert_type, "".join(named.cert_no.split()).upper())
    if not (named.name and named.cert_type and named.cert_no):
        raise refusals.OperatorIncomplete
    rules.require_number(named)
    person_id = await _name(tx, vault, unit_id, named, legal=False, by=account_id, at=at)
    if person_id is not None:
        await outbox.publish(
            tx, person_id=person_id, topic="unit.operator_appointed", payload={"unit": seat.unit.name}, at=at
        )


async def remove(tx: Tx, vault: Vault, *, unit_id: str, account_id: str, operator_id: str, at: datetime) -> None:
    """Take an operator off the list, and tell them; their codes are refused and their sessions over from now on.

    Refusals, first that applies: NotOperator, OnlyLegal, OperatorUnknown, LegalStays.
    """
    seat = await queries.seat(tx, vault, unit_id=unit_id, account_id=account_id)
    operator = await queries.removable(tx, vault, seat, operator_id)
    await _leave(tx, unit_id, operator_id=operator_id, account_id=operator.account_id, at=at)
    if operator.told:
        await outbox.publish(
            tx, person_id=operator.told, topic="unit.operator_removed", payload={"unit": seat.unit.name}, at=at
        )


async def _leave(tx: Tx, unit_id: str, *, operator_id: str, account_id: str | None, at: datetime) -> None:
    await store.remove_operator(tx, unit_id, operator_id, at=at)
    await store.unbind_devices(tx, unit_id, operator_id=operator_id, at=at)
    if account_id is not None:
        await identity.end_unit_sessions(tx, unit=unit_id, account_id=account_id)


async def _person_of(tx: Tx, vault: Vault, named: Named) -> str | None:
    """Return whom the registry knows by a certificate that lies on the counter, None if nobody.

    Refusals, first that applies: NumberInvalid, credential.DetailsDiffer.
    """
    rules.require_number(named)
    return await credential.registered_as(tx, vault, face.Subject(named.name, named.cert_type, named.cert_no))


async def legal_to_be(
    tx: Tx, vault: Vault, *, unit_id: str, legal: Named, place: str, reason: str
) -> tuple[Unit, str | None]:
    """Return the unit, held, and the person of whoever may become its legal representative; nothing is changed.

    Refusals, first that applies: ReasonMissing, OperatorIncomplete, UnitUnknown, UnitOfAnotherPlace, NumberInvalid,
    credential.DetailsDiffer, LegalAlready.
    """
    if not reason.strip():
        raise refusals.ReasonMissing
    if not (legal.name and legal.cert_no):
        raise refusals.OperatorIncomplete
    unit = await store.held_unit(tx, unit_id)
    if unit is None:
        raise refusals.UnitUnknown
    if unit.place != place:
        raise refusals.UnitOfAnotherPlace
    person_id = await _person_of(tx, vault, legal)
    if await queries.is_legal(tx, vault, unit_id, legal):
        raise refusals.LegalAlready
    return unit, person_id


async def replace_legal(
    tx: Tx,
    vault: Vault,
    *,
    unit_id: str,
    legal: Named,
    place: str,
    clerk: str,
    checked: bool,
    reason: str,
    at: datetime,
) -> None:
    """Name another legal representative at the counter of the unit's own place, with who did it and why.

    The former one leaves the list; their codes are refused and their sessions over from now on. Both are told.

    Refusals, first that applies: those of `legal_to_be`, OriginalsNotChecked.
    """
    unit, person_id = await legal_to_be(tx, vault, unit_id=unit_id, legal=legal, place=place, reason=reason)
    if not checked:
        raise refusals.OriginalsNotChecked
    await _add_case(tx, vault, unit_id, clerk=clerk, reason=reason, at=at)
    told = await _tell(tx, vault, unit_id, topic="unit.legal_changed", unit=unit.name, at=at)
    for row in await store.leaving(tx, unit_id, queries.certificate_index(vault, legal.cert_type, legal.cert_no)):
        await _leave(tx, unit_id, operator_id=row["operator_id"], account_id=row["account_id"], at=at)
    await _name(tx, vault, unit_id, legal, legal=True, by=clerk, at=at)
    if person_id is not None and person_id not in told:
        payload = {"unit": unit.name}
        await outbox.publish(tx, person_id=person_id, topic="unit.legal_changed", payload=payload, at=at)


async def activate(
    tx: Tx, vault: Vault, *, unit_id: str, account_id: str, agreed: bool, browser: bytes, at: datetime
) -> None:
    """Activate the unit's code in this browser of an operator; again changes nothing.

    Refusals, first that applies: AgreementNotTicked, NotOperator.
    """
    if not agreed:
        raise refusals.AgreementNotTicked
    seat = await queries.seat(tx, vault, unit_id=unit_id, account_id=account_id)
    operator_id = seat.operator.operator_id
    if await store.live_device(tx, unit_id=unit_id, account_id=account_id, browser=browser) is not None:
        return
    await store.know_account(tx, unit_id=unit_id, operator_id=operator_id, account_id=account_id)
    await _add_device(tx, unit_id=unit_id, operator_id=operator_id, account_id=account_id, browser=browser, at=at)
    await _tell(tx, vault, unit_id, topic="unit.activated", unit=seat.unit.name, at=at)


async def _add_device(tx: Tx, *, unit_id: str, operator_id: str, account_id: str, browser: bytes, at: datetime) -> None:
    while not await store.add_device(
        tx,
        unit_id=unit_id,
        device_number=f"{secrets.randbelow(10**9):09d}",
        operator_id=operator_id,
        account_id=account_id,
        browser=browser,
        at=at,
    ):
        pass


async def _tell(tx: Tx, vault: Vault, unit_id: str, *, topic: str, unit: str, at: datetime) -> set[str]:
    """Tell those who act for a unit, as far as they have activated its code and bound their insurance; return who."""
    told = set()
    for operator in await queries.operators(tx, vault, unit_id):
        if operator.account_id is None:
            continue
        person_id = (await identity.account(tx, vault, operator.account_id)).person_id
        if person_id is not None:
            await outbox.publish(tx, person_id=person_id, topic=topic, payload={"unit": unit}, at=at)
            told.add(person_id)
    return told


async def show_code(
    tx: Tx, vault: Vault, codes: credential.Codes, *, unit_id: str, account_id: str, browser: bytes, at: datetime
) -> credential.ShownCode:
    """Return a fresh code of the unit's activation in this browser.

    A device number has ten thousand tickets; when they are used up, the phone goes on under a further number, as a
    person's does. Refusals, first that applies: NotOperator, NotActivated.
    """
    seat = await queries.seat(tx, vault, unit_id=unit_id, account_id=account_id)
    taken = await store.next_ticket(tx, unit_id=unit_id, account_id=account_id, browser=browser)
    if taken is None:
        if await store.live_device(tx, unit_id=unit_id, account_id=account_id, browser=browser) is None:
            raise refusals.NotActivated
        taken = await store.next_ticket(tx, unit_id=unit_id, account_id=account_id, browser=browser)
        if taken is None:
            await _add_device(
                tx,
                unit_id=unit_id,
                operator_id=seat.operator.operator_id,
                account_id=account_id,
                browser=browser,
                at=at,
            )
            taken = await store.next_ticket(tx, unit_id=unit_id, account_id=account_id, browser=browser)
    assert taken is not None
    code = codes.make(
        device_number=taken["device_number"],
        ticket=taken["ticket"],
        province=credential.province_of(seat.unit.place),
        at=at,
    )
    return credential.ShownCode(code, credential.SHOWN_SECONDS)


async def unbind(tx: Tx, vault: Vault, *, unit_id: str, account_id: str, at: datetime) -> None:
    """Refuse the codes of all phones on which this operator activated the unit's code, and end what they opened.

    Refusals: NotOperator.
    """
    seat = await queries.seat(tx, vault, unit_id=unit_id, account_id=account_id)
    await identity.end_unit_sessions(tx, unit=unit_id, account_id=account_id)
    if await store.unbind_devices(tx, unit_id, operator_id=seat.operator.operator_id, at=at):
        await _tell(tx, vault, unit_id, topic="unit.unbound", unit=seat.unit.name, at=at)


async def unbind_all(tx: Tx, vault: Vault, *, unit_id: str, clerk: str, reason: str, at: datetime) -> int:
    """Refuse the codes of all phones of a unit at the counter and end its sessions, with who did it and why.

    Returns how many phones' keys that were.

    Refusals, first that applies: ReasonMissing, UnitUnknown.
    """
    if not reason.strip():
        raise refusals.ReasonMissing
    unit = await store.unit(tx, unit_id)
    if unit is None:
        raise refusals.UnitUnknown
    await _add_case(tx, vault, unit_id, clerk=clerk, reason=reason, at=at)
    await identity.end_unit_sessions(tx, unit=unit_id)
    unbound = await store.unbind_devices(tx, unit_id, at=at)
    if unbound:
        await _tell(tx, vault, unit_id, topic="unit.unbound", unit=unit.name, at=at)
    return unbound


async def _add_case(tx: Tx, vault: Vault, unit_id: str, *, clerk: str, reason: str, at: datetime) -> None:
    case_id = secrets.token_hex(16)
    await store.add_counter_case(
        tx,
        unit_id=unit_id,
        case_id=case_id,
        clerk=clerk,
        reason=vault.seal(reason.strip(), table="unit.counter_case", column="reason", person=case_id),
        at=at,
    )


async def redeem(tx: Tx, vault: Vault, codes: credential.Codes, *, code: str, device: str, at: datetime) -> Redeemed:
    """Spend a unit's code that was typed in the browser `device`, and return for whom it opens the unit's pages.

    `note_try` has counted it before, in a transaction of its own: nothing is compared that is not counted. Any other
    outcome than a BadCode is forgiven, this one with what it does and a refusal by the face, with `forgive_try`.

    Refusals, first that applies: CodeMalformed, PersonCodeShown, CodeUnknown, DeviceUnbound, CodeSpent, CodeExpired.
    """
    try:
        ticket = codes.open(code)
    except credential.BadCode:
        raise refusals.CodeMalformed from None
    found = await store.scanned(tx, device_number=ticket.device_number, ticket=ticket.number)
    fits = codes.fits(ticket, at)
    known = found is not None and ticket.number < found["next_ticket"]
    if found is None or not known or not (fits or codes.was_right(ticket, at)):
        raise refusals.PersonCodeShown if codes.is_other_kind(code, at) else refusals.CodeUnknown
    if found["unbound"]:
        raise refusals.DeviceUnbound
    if found["spent"]:
        raise refusals.CodeSpent
    if not fits or found["wrong_tags"] > rules.WRONG_TAGS_MAX:
        raise refusals.CodeExpired
    unit_id: str = found["unit_id"]
    if not await store.spend(tx, unit_id=unit_id, device_number=ticket.device_number, ticket=ticket.number, at=at):
        raise refusals.CodeSpent
    await store.add_sign_in(
        tx, unit_id=unit_id, sign_in_id=secrets.token_hex(16), operator_id=found["operator_id"], at=at
    )
    await _tell(tx, vault, unit_id, topic="unit.signed_in", unit=found["name"], at=at)
    await forgive_try(tx, codes, code=code, device=device, at=at)
    return Redeemed(unit_id, found["account_id"])


async def note_try(tx: Tx, codes: credential.Codes, *, code: str, device: str, at: datetime) -> None:
    """Count a code before it is compared, against the browser, and against the ticket if a phone has shown it.

    Refusals: TooManyTries.
    """
    if await store.note_try(tx, device=device, at=at) > rules.BAD_TRIES_MAX:
        raise refusals.TooManyTries
    try:
        ticket = codes.open(code)
    except credential.BadCode:
        return
    await store.note_tag(tx, device_number=ticket.device_number, ticket=ticket.number)


async def forgive_try(tx: Tx, codes: credential.Codes, *, code: str, device: str, at: datetime) -> None:
    """Take back what `note_try` counted: nobody guessed."""
    await store.forgive_try(tx, device=device, at=at)
    ticket = codes.open(code)
    await store.forgive_tag(tx, device_number=ticket.device_number, ticket=ticket.number)
