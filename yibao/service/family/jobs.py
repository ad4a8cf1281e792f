"""What the worker does for families: reading papers, days that come, and telling relatives of bills."""

from collections.abc import Mapping

from yibao import paper
from yibao.core import outbox
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.outbox import Event, Handler
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.service.family import actions, queries, store


def handlers(pool: Pool, *, vault: Vault, reader: paper.Reader, clock: Clock) -> Mapping[str, Handler]:
    """Return who hears what; each may be handed the same event again."""

    async def read_papers(event: Event) -> None:
        """Read the pictures, outside any transaction because it takes seconds, and compare."""
        application_id, round = event.payload["application_id"], event.payload["round"]
        async with transaction(pool) as tx:
            application = await store.application(tx, event.person_id, application_id)
            if application is None or application.state != "reading" or application.round != round:
                return
            pictures = await queries.pictures(tx, vault, application)
        papers = [paper.paper_of(await reader.read(picture)) for picture in pictures]
        try:
            async with transaction(pool) as tx:
                await actions.judge(
                    tx,
                    vault,
                    person_id=event.person_id,
                    application_id=application_id,
                    round=round,
                    papers=papers,
                    at=clock(),
                )
        except Refusal:
            async with transaction(pool) as tx:
                await actions.hold_back(
                    tx, person_id=event.person_id, application_id=application_id, round=round, at=clock()
                )

    async def papers_due(event: Event) -> None:
        async with transaction(pool) as tx:
            await actions.papers_due(
                tx,
                person_id=event.person_id,
                application_id=event.payload["application_id"],
                round=event.payload["round"],
                sent_at=event.created_at,
                at=clock(),
            )

    async def come_due(event: Event) -> None:
        async with transaction(pool) as tx:
            await actions.come_due(
                tx,
                person_id=event.person_id,
                link_id=event.payload["link_id"],
                step=event.payload["step"],
                at=clock(),
            )

    async def tell_of_bill(event: Event) -> None:
        """Tell the relative whose phone showed the code that a bill waits for their word."""
        async with transaction(pool) as tx:
            link = (await queries.shown_by(tx, event.payload.get("account_id", ""))).get(event.person_id)
            if link is not None:
                await outbox.publish(
                    tx,
                    person_id=link.relative,
                    topic="family.bill_sent",
                    payload={name: event.payload[name] for name in ("bill_id", "institution", "total_fen")},
                    at=event.created_at,
                )

    async def tell_guardians(event: Event) -> None:
        """Tell a child's guardians what was settled with its code; an adult's settlements are their own business."""
        async with transaction(pool) as tx:
            for link in await store.links_of_member(tx, event.person_id):
                if link.guards(event.created_at):
                    await outbox.publish(
                        tx,
                        person_id=link.relative,
                        topic=event.topic.replace("settlement.", "family."),
                        payload={name: event.payload[name] for name in ("settlement_id", "institution", "total_fen")},
                        at=event.created_at,
                    )

    async def end_with_credential(event: Event) -> None:
        """Who unbinds their credential takes it back from every relative too, whoever binds it again later."""
        async with transaction(pool) as tx:
            await actions.end_unbound(tx, person_id=event.person_id, at=event.created_at)

    async def end_with_activation(event: Event) -> None:
        """Who unbinds what a relative's phone shows takes it back from this relative."""
        async with transaction(pool) as tx:
            await actions.end_taken_back(tx, person_id=event.person_id, at=event.created_at)

    return {
        "credential.device_unbound": end_with_activation,
        "credential.unbound": end_with_credential,
        "family.papers_due": papers_due,
        "family.papers_sent": read_papers,
        "family.link_due": come_due,
        "settlement.bill_sent": tell_of_bill,
        "settlement.settled": tell_guardians,
        "settlement.reversed": tell_guardians,
    }
