"""Tries of a password: counted before they are compared, by device, and what a right one changes."""

from datetime import datetime

from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.identity import rules, store
from yibao.identity.hasher import Hasher
from yibao.identity.types import Guess


async def _count(pool: Pool, guess: Guess, *, at: datetime) -> int:
    """Count a try of a password before it is compared, and return how many are left after it.

    Counted afterwards, a thousand guesses sent at once would all be compared before the first of them counted.
    Refusals, first that applies: LoginLocked, PayLocked, StaffLocked; LoginNeedsCode, PayNeedsCode,
    StaffNeedsKnownDevice.
    """
    async with transaction(pool) as tx:
        past = await store.hold_failures(tx, guess)
        failures = rules.count(guess.password, past, at=at)
        if past.known_at is None:
            await store.keep_brake(
                tx, guess, rules.brake(guess.password, await store.hold_brake(tx, guess, at=at), at=at)
            )
        await store.keep_failures(tx, guess, failures)
    return rules.TRIES - failures.failures


async def know_device(tx: Tx, guess: Guess, *, at: datetime) -> None:
    """Forget the failures on this device and know it from now on, unless it has no mark to be known by."""
    await store.know_device(tx, guess, known_at=at if guess.device else None)


async def check(
    pool: Pool,
    guess: Guess,
    *,
    hasher: Hasher,
    password: str,
    hashed: str | None,
    misplaced: type[Refusal] | None = None,
    at: datetime,
) -> None:
    """Let a right password pass and know its device from now on; refuse any other in the same time and words.

    `misplaced` is the refusal of a password that can only be the other one, which is not even compared.
    """
    left = await _count(pool, guess, at=at)
    if misplaced is not None or not await hasher.verify(hashed, password):
        raise rules.wrong(guess.password, left=left, misplaced=misplaced)
    renewed = await hasher.hash(password) if hashed is not None and hasher.outdated(hashed) else None
    async with transaction(pool) as tx:
        if renewed is not None:
            await store.exchange_hash(tx, guess, old=hashed, new=renewed)
        if (await store.hold_failures(tx, guess)).known_at is None:
            await store.ease_brake(tx, guess)
        await know_device(tx, guess, at=at)
