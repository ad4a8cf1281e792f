"""Events become messages: in the app, in the channels that the person uses, and by SMS what touches the code (D13)."""

from collections.abc import Mapping
from typing import Any, Literal

import structlog

from yibao import credential, identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.outbox import Event, Handler
from yibao.core.vault import Vault
from yibao.service.message import rules, store
from yibao.service.message.in_channels import ChannelMessages
from yibao.service.message.sms import SmsGateway, SmsRefused
from yibao.service.message.types import Told

_log = structlog.get_logger(__name__)


def handlers(
    pool: Pool, *, vault: Vault, sms: SmsGateway, channels: ChannelMessages, clock: Clock
) -> Mapping[str, Handler]:
    """Return who hears what; each may be handed the same event again."""

    async def tell(event: Event) -> None:
        told = rules.TOLD[event.topic](event.payload, await _where(pool, event.payload))
        async with transaction(pool) as tx:
            await store.hold(tx, event.person_id)
            account = await identity.account_of_person(tx, vault, event.person_id)
            forgotten_at = await store.forgotten_at(tx, event.person_id)
            has_account = account is not None
            if rules.is_for_nobody(event.topic, event.created_at, forgotten_at=forgotten_at, has_account=has_account):
                return
            await store.add(tx, person_id=event.person_id, event_id=event.id, told=told, at=event.created_at)
        if account is None:
            return
        if told.by_sms and account.phone:
            await text_message(event, told, account.phone)
        await tell_in_channels(event, told, account.account_id)

    async def text_message(event: Event, told: Told, phone: str) -> None:
        """Send a message to the phone of the person's account. Silence is asked again."""
        at = clock()
        state: Literal["sent", "refused"] = "sent"
        try:
            await sms.send(message_id=f"told-{_number(event)}", phone=phone, text=rules.sms_text(told), at=at)
        except SmsRefused as refusal:
            _log.warning("message.sms_refused", number=event.id, **refusal.facts)
            state = "refused"
        await store.add_delivery(pool, person_id=event.person_id, event_id=event.id, way="sms", state=state, at=at)

    async def tell_in_channels(event: Event, told: Told, account_id: str) -> None:
        """Show a message in every channel that the person uses. Silence is asked again."""
        at = clock()
        for channel, user in await credential.contacts_of(pool, vault, account_id):
            taken = await channels.send(
                channel=channel, user=user, title=told.title, body=told.body, href=told.href, at=at
            )
            await store.add_delivery(
                pool,
                person_id=event.person_id,
                event_id=event.id,
                way=channel,
                state="sent" if taken else "refused",
                at=at,
            )

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
