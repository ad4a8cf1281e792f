"""How other rooms' tests come by a face that has passed, without a camera."""

from datetime import datetime

from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.face import Purpose, Subject, begin, store


async def passed(
    tx: Tx, vault: Vault, *, purpose: Purpose, subject: Subject, device: str, at: datetime, back: str = "/"
) -> str:
    """Return the id of a check that this device has passed just now."""
    check_id = await begin(tx, vault, purpose=purpose, subject=subject, device=device, back=back, at=at)
    await store.mark_passed(tx, check_id, at=at)
    return check_id
