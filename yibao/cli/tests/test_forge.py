"""Forged, replayed, expired and tampered codes: none gets past (B4). `yibao forge` tries any number of them."""

from datetime import datetime
from random import Random

from yibao.cli import forge
from yibao.core.database import OWNER, open_pool
from yibao.core.vault import Keys

COUNT = 4_000


async def test_no_code_is_accepted_that_no_phone_shows_now(fresh_database: str, keys: Keys, at: datetime) -> None:
    """The clock stands, and the seed is fixed: a wrong tag passes for 3 in 10⁹, so this never fails by chance."""
    async with await open_pool(fresh_database, role=OWNER) as owner:
        await forge.prepare(owner, keys, at=at)
    async with await open_pool(fresh_database) as pool:
        outcome = await forge.attack(pool, keys, count=COUNT, random=Random(28), clock=lambda: at)
    assert outcome.attempts == COUNT
    assert outcome.ended.keys() == forge.NAMES.keys()
    assert outcome.wrongly_accepted == 0
    assert outcome.wrongly_refused == 0
    assert outcome.ended["genuine"]["accepted"] == COUNT // forge.GENUINE_EVERY
    assert set(outcome.ended["replayed"]) == {"credential.code_spent"}
    assert set(outcome.ended["expired"]) == {"credential.code_expired"}
    assert set(outcome.ended["unseen"]) == {"credential.code_unknown"}
