"""What people ask about the checks of their own face."""

from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.face import store
from yibao.face.refusals import OUTCOMES
from yibao.face.types import Attempt

OUTCOME_NAMES = {"passed": "通过"} | {outcome: why.title for outcome, why in OUTCOMES.items()}


async def attempts_of(tx: Tx | Pool, vault: Vault, *, cert_no: str) -> list[Attempt]:
    """Return the tries of a certificate holder's face that are still kept, whoever sat before the camera."""
    return [Attempt(**row) for row in await store.attempts_of(tx, mark_of(vault, cert_no))]


def mark_of(vault: Vault, cert_no: str) -> bytes:
    """Return by what the tries of a certificate are counted."""
    return vault.index("face", cert_no)
