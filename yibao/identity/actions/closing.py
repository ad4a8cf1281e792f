"""Closing an account: what made it somebody's is deleted (F7)."""

from datetime import datetime

from yibao.core.database import Tx
from yibao.identity import refusals, store
from yibao.identity.actions.accounts import held_account
from yibao.identity.actions.telling import tell


async def close_account(tx: Tx, *, account_id: str, at: datetime) -> None:
    """Forget phone, names, passwords, devices and channels of an account, and end its sessions; nothing brings it back.

    The phone is told a last time, and may open a new account at once.

    Refusals, first that applies: AccountUnknown, StillBound.
    """
    row = await held_account(tx, account_id)
    if row["person_id"] is not None:
        raise refusals.StillBound
    await tell(tx, row, "identity.account_closed", at=at)
    await store.forget_account(tx, account_id, phone_index=row["phone_index"], at=at)
