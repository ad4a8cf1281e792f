"""What people ask about the checks of their own face."""

from yibao.core.database import Pool, Tx
from yibao.core.vault import Vault
from yibao.face import store
from yibao.face.refusals import OUTCOMES
from yibao.face.types import Attempt

OUTCOME_NAMES = {"passed": "通过", "passed_at_till": "在收款台通过"} | {
    outcome: why.title for outcome, why in OUTCOMES.items()
}


async def attempts_of(tx: Tx | Pool, vault: Vault, *, cert_no: str) -> list[Attempt]:
    """Return the tries of a certificate holder's face that are still kept, whoever sat before the camera."""
    marks = [mark_of(vault, cert_no, at_till=at_till) for at_till in (False, True)]
    return [Attempt(**row) for row in await store.attempts_of(tx, marks)]


def mark_of(vault: Vault, cert_no: str, *, at_till: bool = False) -> bytes:
    """Return by what the tries of a certificate are counted, on tills apart from all other devices."""
    return vault.index("face at a till" if at_till else "face", cert_no)
