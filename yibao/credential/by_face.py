"""Activating in a channel in four steps: place and terms, the face, confirming, done. No card number is asked for.

The face proves the account's owner, and the insurance is bound by that alone, once the owner has confirmed what was
found: somebody who leaves before that has bound nothing. Whoever is known from another channel or from our own pages is
recognised by the certificate, and goes on in the account they have: one person, one code.

The face says who sits before this browser, not whose the channel's user is: somebody may have sent on the link that
leads in as them. So the channel's user is led to the earlier account only by the last step, and where the channel does
not say itself that its user is that person, only by the account's transaction password.
"""

from datetime import datetime, timedelta

from yibao import face, identity, registry
from yibao.core import outbox
from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.credential import actions, arrivals, channels, queries, refusals, rules, store
from yibao.credential.types import Activation

CONFIRM_WITHIN = timedelta(minutes=30)
FACE_PATH = "/activate/face"


async def begin(
    tx: Tx,
    vault: Vault,
    *,
    account_id: str,
    channel: str,
    browser: bytes,
    place: str,
    agreed: bool,
    back: str,
    at: datetime,
) -> None:
    """Take the first step: the insured place as the owner names it, and the terms. Again begins anew.

    Refusals, first that applies: ChannelUnknown, ChannelNotAdmitted, ChannelSuspended, ChannelNotPermitted,
    OwnBankCardFirst, PlaceUnknown, TermsNotAgreed.
    """
    party = await channels.require_permitted(tx, channel, "activate")
    claim = await arrivals.claim_of(tx, vault, account_id=account_id, channel=channel)
    if party is not None and party.own_bank_card and not (claim and claim.own_bank_card):
        raise refusals.OwnBankCardFirst(channel=party.name, hotline=party.hotline)
    if len(place) != 6 or await registry.region_name(tx, place) is None:
        raise refusals.PlaceUnknown
    if not agreed:
        raise refusals.TermsNotAgreed
    await store.put_activation(
        tx, account_id=account_id, browser=browser, activation=Activation(channel, place, back, at, None)
    )


async def owner_of(tx: Tx | Pool, vault: Vault, *, account_id: str, channel: str) -> face.Subject | None:
    """Return whose code can be activated here: who the account is proved to be, or who the channel says it is.

    None if nobody has said so yet. Refusals: NotYourself, where the two are different people.
    """
    proved = await arrivals.proved_owner(tx, vault, account_id)
    claim = await arrivals.claim_of(tx, vault, account_id=account_id, channel=channel)
    told = claim.subject if claim else None
    if told is not None and proved is not None and not rules.is_one(told, proved):
        raise refusals.NotYourself
    return proved or told


async def ask_face(
    tx: Tx,
    vault: Vault,
    *,
    account_id: str,
    channel: str,
    browser: bytes,
    device: str,
    typed: face.Subject | None,
    at: datetime,
) -> str:
    """Begin the check of the owner's face and return its id. A name is typed only where nobody has said whose it is.

    Refusals, first that applies: ActivationNotBegun, NotYourself, NameUntold.
    """
    if await store.activation(tx, account_id, browser) is None:
        raise refusals.ActivationNotBegun
    owner = await owner_of(tx, vault, account_id=account_id, channel=channel)
    if owner is not None and typed is not None and not rules.is_one(typed, owner):
        raise refusals.NotYourself
    subject = owner or typed
    if subject is None:
        raise refusals.NameUntold
    return await face.begin(tx, vault, purpose="activate", subject=subject, device=device, back=FACE_PATH, at=at)


async def prove(
    tx: Tx,
    vault: Vault,
    *,
    account_id: str,
    channel: str,
    browser: bytes,
    device: str,
    check_id: str,
    at: datetime,
) -> str:
    """Take the proof of the face that has passed, and return its owner's account: this, or an earlier one.

    Refusals, first that applies: ActivationNotBegun, face.FaceMissing, face.FaceNotPassed, face.FaceExpired,
    NotYourself, those of `insurance_of`.
    """
    begun = await store.activation(tx, account_id, browser)
    if begun is None:
        raise refusals.ActivationNotBegun
    subject = await face.spend(tx, vault, check_id=check_id, purpose="activate", device=device, at=at)
    owner = await owner_of(tx, vault, account_id=account_id, channel=channel)
    if owner is not None and not rules.is_one(subject, owner):
        raise refusals.NotYourself  # The channel has another owner since the check began.
    home = await _name_owner(tx, vault, account_id=account_id, subject=subject, at=at)
    await store.forget_activation(tx, account_id, browser)
    came_as = account_id if home != account_id else ""
    begun = Activation(channel, begun.place, begun.back, begun.agreed_at, at, came_as)
    await store.put_activation(tx, account_id=home, browser=browser, activation=begun)
    return home


async def _name_owner(tx: Tx, vault: Vault, *, account_id: str, subject: face.Subject, at: datetime) -> str:
    """Give the account of somebody whose face has proved them, and who can be bound, their real name; return which.

    That is the account which the person has already, if there is one. Refusals, first that applies: NotYourself, those
    of `insurance_of`.
    """
    account = await identity.account(tx, vault, account_id)
    if account.cert_no is not None and not rules.is_one(
        subject, face.Subject(account.name or "", account.cert_type or "", account.cert_no)
    ):
        raise refusals.NotYourself
    owner, _ = await insurance_of(tx, vault, subject)
    home = await _home_of(tx, vault, owner=owner, subject=subject) or account_id
    await identity.prove_real_name(
        tx,
        vault,
        account_id=home,
        name=subject.name,
        cert_type=subject.cert_type,
        cert_no=subject.cert_no,
        at=at,
    )
    return home


async def insurance_of(tx: Tx, vault: Vault, subject: face.Subject) -> tuple[str, registry.Insurance]:
    """Return whom somebody is registered as who has proved who they are, and the relation to begin with.

    Refusals, first that applies: NotRegistered, DetailsDiffer, CardLost, CardFrozen, CardInactive, NotInsured,
    NotTransferred, NotSynced.
    """
    owner = await registry.find_by_certificate(tx, vault, subject.cert_type, subject.cert_no)
    if owner is None:
        raise refusals.NotRegistered
    if not rules.same_name((await registry.person(tx, vault, owner)).name, subject.name):
        raise refusals.DetailsDiffer
    actions.require_card_in_order(await registry.card_states(tx, owner))
    return owner, actions.require_relation(await registry.relations(tx, owner))


async def hold(tx: Tx, owner: str, first: registry.Insurance, *, account_id: str, at: datetime) -> None:
    """Bind a person's insurance to an account; again changes nothing. Refusals: BoundElsewhere."""
    held = await queries.holder(tx, owner)
    if held is not None and held.account_id == account_id:
        return
    if not await store.bind(tx, person_id=owner, account_id=account_id, psn_no=first.psn_no, place=first.place, at=at):
        raise refusals.BoundElsewhere
    await identity.attach_person(tx, account_id=account_id, person_id=owner)
    await outbox.publish(tx, person_id=owner, topic="credential.bound", payload={"place": first.place}, at=at)


async def _home_of(tx: Tx, vault: Vault, *, owner: str, subject: face.Subject) -> str | None:
    bound = await identity.account_of_person(tx, vault, owner)
    if bound is not None:
        return bound.account_id
    return await identity.account_of_certificate(tx, vault, cert_type=subject.cert_type, cert_no=subject.cert_no)


async def _go_home(tx: Tx, vault: Vault, begun: Activation, *, home: str, at: datetime) -> None:
    """Lead a channel's user to the account they had before; the one that the channel had opened is left empty."""
    channel, account_id = begun.channel, begun.came_as
    await identity.move_channel_users(tx, channel=channel, account_id=account_id, to=home)
    claim = await arrivals.claim_of(tx, vault, account_id=account_id, channel=channel)
    if claim is not None:
        await arrivals.keep_claim(tx, vault, account_id=home, channel=channel, claim=claim, at=at)
        await store.forget_claim(tx, account_id, channel)


async def must_vouch(tx: Tx | Pool, vault: Vault, *, account_id: str, begun: Activation) -> bool:
    """Say whether the owner of an earlier account must show by its password that the channel's user is theirs.

    They must unless the channel says so itself, by the real name that it knows of its user.
    """
    if not begun.came_as:
        return False
    claim = await arrivals.claim_of(tx, vault, account_id=begun.came_as, channel=begun.channel)
    told = claim.subject if claim else None
    owner = await arrivals.proved_owner(tx, vault, account_id)
    return told is None or owner is None or not rules.is_one(told, owner)


async def finish(
    tx: Tx,
    vault: Vault,
    *,
    account_id: str,
    channel: str,
    browser: bytes,
    place: str,
    vouched: bool = False,
    at: datetime,
) -> str:
    """Bind the insurance and activate in this browser, after the owner has confirmed; return the path they came from.

    The channel's user is led to this account from now on. `vouched` says that its transaction password was right.
    Whoever has bound before stays bound, in every channel.

    Refusals, first that applies: ActivationNotBegun, ChannelSuspended, ChannelNotPermitted, NotVouched, those of
    `insurance_of`, BoundElsewhere, PlaceNotYours, NotSynced.
    """
    begun = await proved(tx, account_id=account_id, channel=channel, browser=browser, at=at)
    await channels.require_permitted(tx, channel, "activate")
    if not vouched and await must_vouch(tx, vault, account_id=account_id, begun=begun):
        raise refusals.NotVouched
    subject = await arrivals.proved_owner(tx, vault, account_id)
    if subject is None:  # Nothing the face has proved is left: the account was closed meanwhile.
        raise refusals.ActivationNotBegun
    person_id, first = await insurance_of(tx, vault, subject)
    await hold(tx, person_id, first, account_id=account_id, at=at)
    if begun.came_as:
        await _go_home(tx, vault, begun, home=account_id, at=at)
        told = {"channel": await queries.channel_name(tx, channel)}
        await outbox.publish(tx, person_id=person_id, topic="credential.channel_linked", payload=told, at=at)
    await actions.activate(
        tx,
        person_id=person_id,
        account_id=account_id,
        place=place,
        agreed=True,
        channel=channel,
        browser=browser,
        at=at,
    )
    await store.forget_activation(tx, account_id, browser)
    return begun.back


async def proved(tx: Tx | Pool, *, account_id: str, channel: str, browser: bytes, at: datetime) -> Activation:
    """Return the activation whose owner the face has just proved. Refusals: ActivationNotBegun."""
    begun = await store.activation(tx, account_id, browser)
    if begun is None or begun.channel != channel or begun.proved_at is None or at >= begun.proved_at + CONFIRM_WITHIN:
        raise refusals.ActivationNotBegun
    return begun
