"""Tries of a password: counted before they are compared, by device, and what a right one changes."""

from datetime import datetime

from yibao.core.database import Pool, Tx, transaction
from yibao.core.refusal import Refusal
from yibao.identity import rules, store
from yibao.identity.actions.telling import tell
from yibao.identity.hasher import Hasher
from yibao.identity.types import Guess


async def _count(pool: Pool, guess: Guess, *, at: datetime) -> tuple[int, bool]:
    """Count a try of a password before it is compared; return how many are left after it, and whether it is the last
    that unknown devices have for now.

    Counted afterwards, a thousand guesses sent at once would all be compared before the first of them counted.
    Refusals, first that applies: LoginLocked, PayLocked, StaffLocked; LoginNeedsCode, PayNeedsCode,
    StaffNeedsKnownDevice.
    """
    async with transaction(pool) as tx:
        past = await store.hold_failures(tx, guess)
        failures = rules.count(guess.password, past, at=at)
        last = False
        if past.known_at is None:
            brake = rules.brake(guess.password, await store.hold_brake(tx, guess, at=at), at=at)
            await store.keep_brake(tx, guess, brake)
            last = brake.failures >= rules.BRAKE_FAILURES
        await store.keep_failures(tx, guess, failures)
    return rules.TRIES - failures.failures, last


async def know_device(tx: Tx, guess: Guess, *, at: datetime) -> None:
    """Forget the failures on this device and know it from now on, unless it has no mark to be known by."""
    await store.know_device(tx, guess, known_at=at if guess.device else None)


async def meet_device(tx: Tx, guess: Guess, *, at: datetime) -> None:
    """Know the device on which somebody signs in, and tell the account's owner unless it was known before."""
    if not await store.device_known(tx, guess.subject, guess.device):
        await _tell_owner(tx, guess, "identity.device_met", at=at)
    await know_device(tx, guess, at=at)


_WHEN_RIGHT = {"login": meet_device, "pay": know_device, "staff": know_device}


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

    Wrong ones that brake all unknown devices are told to the owner once an hour, whichever of their guesses it was.

    `misplaced` is the refusal of a password that can only be the other one, which is not even compared.
    """
    left, last = await _count(pool, guess, at=at)
    if misplaced is not None or not await hasher.verify(hashed, password):
        if last:
            await _tell_of_brake(pool, guess, at=at)
        raise rules.wrong(guess.password, left=left, misplaced=misplaced)
    renewed = await hasher.hash(password) if hashed is not None and hasher.outdated(hashed) else None
    async with transaction(pool) as tx:
        if renewed is not None:
            await store.exchange_hash(tx, guess, old=hashed, new=renewed)
        if (await store.hold_failures(tx, guess)).known_at is None:
            await store.ease_brake(tx, guess)
        await _WHEN_RIGHT[guess.password](tx, guess, at=at)


async def _tell_of_brake(pool: Pool, guess: Guess, *, at: datetime) -> None:
    async with transaction(pool) as tx:
        if await store.mark_brake_told(tx, guess, at=at, told_before=at - rules.BRAKE_FOR):
            await _tell_owner(tx, guess, "identity.guesses_braked", password=guess.password, at=at)


async def _tell_owner(tx: Tx, guess: Guess, topic: str, *, at: datetime, **facts: str) -> None:
    """Tell the owner of the account whose password it was; there is none behind a phone without one, or a clerk."""
    row = await store.account(tx, guess.subject)
    if row is not None:
        await tell(tx, row, topic, at=at, **facts)
