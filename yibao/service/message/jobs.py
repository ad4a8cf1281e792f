"""Events become messages: in the app, and on the phone where a code was asked for (D13)."""

from collections.abc import Mapping
from typing import Any

import structlog

from yibao import identity, registry
from yibao.core.clock import Clock
from yibao.core.database import Pool
from yibao.core.outbox import Event, Handler
from yibao.core.vault import Vault
from yibao.service.message import rules, store
from yibao.service.message.sms import SmsGateway, SmsRefused

_log = structlog.get_logger(__name__)


def handlers(pool: Pool, *, vault: Vault, sms: SmsGateway, clock: Clock) -> Mapping[str, Handler]:
    """Return who hears what; each may be handed the same event again."""

    async def tell(event: Event) -> None:
        told = rules.TOLD[event.topic](event.payload, await _where(pool, event.payload))
        await store.add(pool, person_id=event.person_id, event_id=event.id, told=told, at=event.created_at)

    async def send_code(event: Event) -> None:
        """Hand a code to the gateway. Silence is asked again, a refusal ends it; the person can ask for another."""
        at = clock()
        if at >= event.created_at + identity.CODE_LASTS:
            _log.warning("message.code_expired_unsent", number=event.id)
            return
        request = identity.opened_code_request(vault, event.payload)
        try:
            await sms.send(
                # With the time, because a database that is made anew counts its events from 1 again.
                message_id=f"code-{event.created_at:%Y%m%d%H%M%S}-{event.id}",
                phone=request.phone,
                text=rules.code_text(request),
                at=at,
            )
        except SmsRefused as refusal:
            _log.warning("message.sms_refused", number=event.id, **refusal.facts)

    return {**dict.fromkeys(rules.TOLD, tell), "identity.code_requested": send_code}


async def _where(pool: Pool, payload: Mapping[str, Any]) -> str:
    """Return the name of the institution or place that an event speaks of; empty where it speaks of neither."""
    if "institution" in payload:
        institution = await registry.institution(pool, payload["institution"])
        return institution.name if institution else "定点医药机构"
    if "place" in payload:
        return await registry.region_name(pool, payload["place"]) or payload["place"]
    return ""
