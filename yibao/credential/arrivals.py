"""How a channel's user comes in: the channel's server asks for a ticket, and the user's browser opens it.

What the channel says of its user is a claim. It is kept, sealed, and shown masked; the account's real name it becomes
only by the face, or by a bank.
"""

import secrets
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from yibao import identity
from yibao.core import gm
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.credential import channels, refusals, rules, store
from yibao.credential.types import Channel, Claim, Function
from yibao.face import Subject

TICKET_LASTS = timedelta(minutes=2)

# What a channel's menus may lead to: our page, and what the channel must be permitted for it.
MENU: dict[str, tuple[str, Function]] = {
    "activate": ("/activate", "activate"),
    "code": ("/code", "show_code"),
    "unbind": ("/me/channels", "unbind"),
    "family": ("/family", "family"),
    "bills": ("/bills", "pay"),
    "records": ("/records", "query"),
    "insurance": ("/insurance", "query"),
    "services": ("/services", "query"),
}

# What a channel must be permitted for our pages, and for those below each: where the menus lead, and what shows as
# much. The list of services is there for everybody.
PAGES: dict[str, Function] = {path: function for path, function in MENU.values() if path != "/services"} | {
    "/account": "query",
    "/me/data": "query",
    "/me/unbind": "unbind",
}


class Entered(Struct, frozen=True):
    """A session that has begun, and the page that was wanted."""

    token: str
    path: str

    def __repr__(self) -> str:
        return f"Entered(path={self.path!r})"


async def admit(tx: Tx, vault: Vault, *, channel: Channel, claim: Claim, menu: str, at: datetime) -> str:
    """Return a ticket that leads the user's browser in, once, within two minutes.

    Refusals, first that applies: ChannelNotAdmitted, ChannelSuspended, ChannelNotPermitted, ReturnNotRegistered.
    """
    path, function = MENU[menu]
    channels.require_function(channel, function)
    if not rules.leads_back(claim.back, channel.returns):
        raise refusals.ReturnNotRegistered
    ticket = secrets.token_urlsafe(24)
    # A bare digest will do: nobody finds 24 random bytes from it.
    digest = gm.sm3(ticket.encode())
    sealed = vault.seal(_text(claim), table="credential.entry", column="claim", person=digest.hex())
    await store.forget_entries(tx, at - timedelta(days=1))
    await store.add_entry(tx, digest, channel=channel.code, claim=sealed, path=path, at=at)
    return ticket


async def enter(tx: Tx, vault: Vault, *, ticket: str, device: str, at: datetime) -> Entered:
    """Sign the user of a ticket in on this device; their first entry opens an account.

    Where the channel now says that its user is somebody else than the account's owner, an account of their own is
    opened for them as well, and the user's sessions in the owner's end.

    Refusals, first that applies: TicketUsed, ChannelSuspended.
    """
    digest = gm.sm3(ticket.encode())
    row = await store.hold_entry(tx, digest)
    if row is None or row["used_at"] is not None or at >= row["made_at"] + TICKET_LASTS:
        raise refusals.TicketUsed
    code: str = row["channel"]
    channel = await store.channel(tx, code)
    if channel is None or channel.state != "active":
        raise refusals.ChannelSuspended(
            channel=channel.name if channel else "", hotline=channel.hotline if channel else ""
        )
    claim = _opened(vault.open(row["claim"], table="credential.entry", column="claim", person=digest.hex()))
    await store.use_entry(tx, digest, at)
    account_id = await identity.channel_account(tx, vault, channel=code, user=claim.user, at=at)
    owner = await proved_owner(tx, vault, account_id)
    if claim.subject is not None and owner is not None and not rules.is_one(claim.subject, owner):
        await leave(tx, account_id=account_id, channel=code)
        account_id = await identity.channel_account(tx, vault, channel=code, user=claim.user, at=at)
    await keep_claim(tx, vault, account_id=account_id, channel=code, claim=claim, at=at)
    token = await identity.start_session(tx, account_id=account_id, device=device, channel=code, at=at)
    return Entered(token, row["path"])


async def is_open(tx: Tx | Pool, *, channel: str, path: str) -> bool:
    """Say whether a session that a channel began holds at one of our pages; those of a suspended channel rest.

    Refusals, first that applies: ChannelUnknown, ChannelNotAdmitted, ChannelSuspended, ChannelNotPermitted.
    """
    if channel == channels.WEB:
        return True
    party = await store.channel(tx, channel)
    if party is None:
        raise refusals.ChannelUnknown
    function = next((need for page, need in PAGES.items() if path == page or path.startswith(f"{page}/")), None)
    if function is not None:
        channels.require_function(party, function)
    return party.state == "active" or function is not None


async def leave(tx: Tx, *, account_id: str, channel: str) -> None:
    """Lead a channel's users to this account no longer, end their sessions in it, and send no more messages there."""
    await identity.unlink_channel(tx, account_id=account_id, channel=channel)
    await store.forget_claim(tx, account_id, channel)


async def keep_claim(tx: Tx, vault: Vault, *, account_id: str, channel: str, claim: Claim, at: datetime) -> None:
    """Store what a channel says of its user, in the place of what it said before."""
    sealed = vault.seal(_text(claim), table="credential.claim", column="claim", person=account_id)
    await store.put_claim(tx, account_id=account_id, channel=channel, claim=sealed, at=at)


async def claim_of(tx: Tx | Pool, vault: Vault, *, account_id: str, channel: str) -> Claim | None:
    """Return what a channel last said of the owner of an account, None if it never brought them."""
    sealed = await store.claim(tx, account_id, channel)
    if sealed is None:
        return None
    return _opened(vault.open(sealed, table="credential.claim", column="claim", person=account_id))


async def proved_owner(tx: Tx | Pool, vault: Vault, account_id: str) -> Subject | None:
    """Return who the owner of an account is proved to be, None if nobody has proved it."""
    account = await identity.account(tx, vault, account_id)
    if account.real_name_at is None or account.name is None or account.cert_type is None or account.cert_no is None:
        return None
    return Subject(account.name, account.cert_type, account.cert_no)


async def contacts_of(tx: Tx | Pool, vault: Vault, account_id: str) -> list[tuple[str, str]]:
    """Return by what names the active channels know the owner of an account, for sending them messages there."""
    rows = await store.claims_of(tx, account_id)
    found = []
    for row in rows:
        text = vault.open(row["claim"], table="credential.claim", column="claim", person=account_id)
        found.append((row["channel"], _opened(text).user))
    return found


def _text(claim: Claim) -> str:
    return msgspec.json.encode(claim).decode()


def _opened(text: str) -> Claim:
    return msgspec.json.decode(text, type=Claim)
