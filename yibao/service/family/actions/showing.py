"""A member's code on the relative's phone, and what the member is told of it."""

from datetime import datetime, timedelta

from yibao import credential, identity, registry
from yibao.core import outbox
from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.credential import relatives
from yibao.credential.refusals import DeviceUnbound, NotBound
from yibao.service.family import refusals, rules, store
from yibao.service.family.actions.naming import terms_of_member
from yibao.service.family.types import Link

TOLD_AGAIN_AFTER = timedelta(hours=1)


async def show(
    tx: Tx,
    vault: Vault,
    codes: credential.Codes,
    *,
    account_id: str,
    link_id: str,
    device: str,
    channel: str,
    at: datetime,
) -> tuple[Link, credential.ShownCode]:
    """Return a fresh code of a member, for this browser of the relative's account; the member is told.

    Refusals, first that applies: MemberMissing, HandedOver, SingleUseOver, LinkEnded, credential.not_activated.
    """
    link, browser = await _lent(tx, account_id=account_id, link_id=link_id, device=device, channel=channel, at=at)
    shown = await credential.show_code(tx, codes, person_id=link.person_id, browser=browser, at=at)
    await _tell_shown(tx, vault, link, at=at)
    return link, shown


async def take_tickets(
    tx: Tx,
    vault: Vault,
    codes: credential.Codes,
    *,
    account_id: str,
    link_id: str,
    device: str,
    channel: str,
    session: bytes,
    count: int,
    at: datetime,
) -> credential.Pack:
    """Return tickets for showing a member's code without a network, no longer than the link lasts.

    The member is told as of a code that is shown; what the phone draws later nobody hears of until it is scanned.

    Refusals, first that applies: those of `show`, credential.tickets_used_up.
    """
    link, browser = await _lent(tx, account_id=account_id, link_id=link_id, device=device, channel=channel, at=at)
    await _tell_shown(tx, vault, link, at=at)
    return await credential.hand_out(
        tx,
        codes,
        person_id=link.person_id,
        browser=browser,
        session=session,
        count=count,
        until=link.until_at,
        at=at,
    )


async def _lent(
    tx: Tx, *, account_id: str, link_id: str, device: str, channel: str, at: datetime
) -> tuple[Link, bytes]:
    """Return a live link of an account, and the activation in this browser that was lent to it.

    Refusals, first that applies: MemberMissing, HandedOver, SingleUseOver, LinkEnded.
    """
    link = await _link_of_account(tx, account_id=account_id, link_id=link_id)
    if link.ended_at is not None:
        raise refusals.LinkEnded
    if not link.lives(at):
        if link.method == "guardian":
            raise refusals.HandedOver(age=(await terms_of_member(tx, link.person_id)).handover_age)
        raise refusals.SingleUseOver(minutes=(await terms_of_member(tx, link.person_id)).brief_minutes)
    browser = relatives.browser_of(device, channel=channel, account_id=account_id)
    try:
        await relatives.lend(
            tx,
            person_id=link.person_id,
            account_id=account_id,
            browser=browser,
            channel=channel,
            since=link.since_at,
            at=at,
        )
    except (NotBound, DeviceUnbound):
        raise refusals.LinkEnded from None
    return link, browser


async def _tell_shown(tx: Tx, vault: Vault, link: Link, *, at: datetime) -> None:
    """Record that a member's code is shown and tell them, once an hour."""
    if link.shown_at is None or at >= link.shown_at + TOLD_AGAIN_AFTER:
        await store.mark_shown(tx, link, at=at)
        await note_relatives_look(tx, vault, link, purpose="在手机上出示医保码", at=at)
        words = rules.relation_words(link)
        await outbox.publish(tx, person_id=link.person_id, topic="family.code_shown", payload=words, at=at)


async def note_relatives_look(tx: Tx, vault: Vault, link: Link, *, purpose: str, at: datetime) -> None:
    """Record for the member that a relative looked at what is theirs."""
    account = await identity.account(tx, vault, link.account_id)
    await registry.note_look(
        tx,
        vault,
        person_id=link.person_id,
        looker=link.account_id,
        looker_name=f"{rules.backwards(link)} {registry.masked_name(account.name or '')}".strip(),
        purpose=purpose,
        at=at,
    )


async def _link_of_account(tx: Tx, *, account_id: str, link_id: str) -> Link:
    """Refusals: MemberMissing."""
    person_id = await store.located(tx, link_id, "link", account_id=account_id)
    link = await store.link(tx, person_id, link_id) if person_id else None
    if link is None:
        raise refusals.MemberMissing
    return link
