"""The social-security card in place of the face, for whoever a bank, or a clerk, has proved: activating in a channel.

It proves no more than the account's own real name, which must be that of the channel's user where the channel has told
it; and it leads to no earlier account, as the face does. Whoever has a transaction password gives it as well, or a
phone left lying and the card beside it would be enough.
"""

from datetime import datetime

from msgspec.structs import replace

from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.credential import actions, arrivals, by_face, queries, refusals, store


async def prove(
    tx: Tx, vault: Vault, *, account_id: str, channel: str, browser: bytes, card_no: str, at: datetime
) -> None:
    """Take the number of the owner's card as the proof of the second step; the third is the same as after the face.

    Refusals, first that applies: ActivationNotBegun, NotYourself, RealNameFirst, those of `actions.owner_by_card`,
    BoundElsewhere.
    """
    begun = await store.activation(tx, account_id, browser)
    if begun is None:
        raise refusals.ActivationNotBegun
    await by_face.owner_of(tx, vault, account_id=account_id, channel=channel)
    owner = await arrivals.proved_owner(tx, vault, account_id)
    if owner is None:
        raise refusals.RealNameFirst
    person_id, _ = await actions.owner_by_card(
        tx, vault, cert_type=owner.cert_type, cert_no=owner.cert_no, card_no=card_no
    )
    held = await queries.holder(tx, person_id)
    if held is not None and held.account_id != account_id:
        raise refusals.BoundElsewhere
    await store.put_activation(tx, account_id=account_id, browser=browser, activation=replace(begun, proved_at=at))
