"""Events become messages (D13): in the app, in the channels that the person uses, and by SMS what touches the code or
the account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import structlog

from yibao import credential, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, Tx, transaction
from yibao.core.outbox import Event, Handler
from yibao.core.vault import Vault
from yibao.service.message import rules, store
from yibao.service.message.in_channels import ChannelMessages
from yibao.service.message.sms import SmsGateway, SmsRefused
from yibao.service.message.types import Addressee, Told

_log = structlog.get_logger(__name__)


def handlers(
    pool: Pool, *, vault: Vault, sms: SmsGateway, channels: ChannelMessages, clock: Clock
) -> Mapping[str, Handler]:
    """Return who hears what; each may be handed the same event again."""

    async def tell(event: Event) -> None:
        told = rules.TOLD[event.topic](event.payload, await _where(pool, event.payload))
        async with transaction(pool) as tx:
            to = await _addressee(tx, vault, event)
            if to.person_id is not None and not await keep(tx, event, told, to.person_id, to.reach):
                return
        if to.reach is None:
            return
        if told.by_sms:
            for way, phone in (("sms_former", to.reach.former_phone), ("sms", to.reach.phone)):
                if phone:
                    await text_message(event, told, to.person_id, way=way, phone=phone)
        await tell_in_channels(event, told, to.person_id, to.reach.account_id)

    async def keep(tx: Tx, event: Event, told: Told, person_id: str, reach: identity.Reach | None) -> bool:
        """Put a message in its person's list; False if it is not for them any more."""
        await store.hold(tx, person_id)
        forgotten_at = await store.forgotten_at(tx, person_id)
        if rules.is_for_nobody(event.topic, event.created_at, forgotten_at=forgotten_at, has_account=reach is not None):
            return False
        await store.add(tx, person_id=person_id, event_id=event.id, told=told, at=event.created_at)
        return True

    async def text_message(event: Event, told: Told, person_id: str | None, *, way: str, phone: str) -> None:
        """Send a message to a phone of the account. Silence is asked again."""
        at = clock()
        state: Literal["sent", "refused"] = "sent"
        number = f"told-{_number(event)}" + ("-former" if way == "sms_former" else "")
        try:
            await sms.send(message_id=number, phone=phone, text=rules.sms_text(told), at=at)
        except SmsRefused as refusal:
            _log.warning("message.sms_refused", number=event.id, **refusal.facts)
            state = "refused"
        await note(event, person_id, way=way, state=state, at=at)

    async def tell_in_channels(event: Event, told: Told, person_id: str | None, account_id: str) -> None:
        """Show a message in every channel that the person uses. Silence is asked again."""
        at = clock()
        for channel, user in await credential.contacts_of(pool, vault, account_id):
            taken = await channels.send(
                channel=channel, user=user, title=told.title, body=told.body, href=told.href, at=at
            )
            await note(event, person_id, way=channel, state="sent" if taken else "refused", at=at)

    async def note(
        event: Event, person_id: str | None, *, way: str, state: Literal["sent", "refused"], at: datetime
    ) -> None:
        """Note in which way a message went out, where there is a list to show it in."""
        if person_id is not None:
            await store.add_delivery(pool, person_id=person_id, event_id=event.id, way=way, state=state, at=at)

    async def send_code(event: Event) -> None:
        """Hand a code to the gateway. Silence is asked again, a refusal ends it; the person can ask for another."""
        at = clock()
        if at >= event.created_at + identity.CODE_LASTS:
            _log.warning("message.code_expired_unsent", number=event.id)
            return
        request = identity.opened_code_request(vault, event.payload)
        try:
            await sms.send(
                message_id=f"code-{_number(event)}",
                phone=request.phone,
                text=rules.code_text(request),
                at=at,
            )
        except SmsRefused as refusal:
            _log.warning("message.sms_refused", number=event.id, **refusal.facts)

    return {**dict.fromkeys(rules.TOLD, tell), "identity.code_requested": send_code}


async def _addressee(tx: Tx, vault: Vault, event: Event) -> Addressee:
    """Return whom an event is told and where; it names the account itself where that may be another's by now."""
    reach = identity.opened_reach(vault, event.payload)
    if reach is None:
        account = await identity.account_of_person(tx, vault, event.person_id)
        return Addressee(event.person_id, identity.Reach(account.account_id, account.phone) if account else None)
    if event.person_id != reach.account_id:
        return Addressee(event.person_id, reach)
    return Addressee(await credential.proved_person(tx, vault, reach.account_id), reach)


def _number(event: Event) -> str:
    """Return the gateway's number for an event: with the time, because a database made anew counts from 1 again."""
    return f"{event.created_at:%Y%m%d%H%M%S}-{event.id}"


async def _where(pool: Pool, payload: Mapping[str, Any]) -> str:
    """Return the name of the institution or place that an event speaks of; empty where it speaks of neither."""
    if "institution" in payload:
        institution = await registry.institution(pool, payload["institution"])
        return institution.name if institution else "定点医药机构"
    if "place" in payload:
        return await registry.region_name(pool, payload["place"]) or payload["place"]
    return ""
