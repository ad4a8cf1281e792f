"""Wrong passwords, counted by device and for all unknown devices, and the devices that are known."""

from datetime import datetime

import msgspec

from yibao.core.database import Tx
from yibao.identity.types import Brake, Failures, Guess, Password


async def hold_failures(tx: Tx, guess: Guess) -> Failures:
    """Return the failures on this device, held until the transaction ends, so that tries at once are counted singly."""
    row = await tx.fetchrow(
        """
        INSERT INTO identity.failure (subject, password, device) VALUES ($1, $2, $3)
        ON CONFLICT (subject, password, device) DO UPDATE SET device = excluded.device
        RETURNING failures, locked_until, known_at
        """,
        *_key(guess),
    )
    return msgspec.convert(dict(row or {}), Failures)


async def keep_failures(tx: Tx, guess: Guess, failures: Failures) -> None:
    await tx.execute(
        """
        UPDATE identity.failure SET failures = $4, locked_until = $5
        WHERE subject = $1 AND password = $2 AND device = $3
        """,
        *_key(guess),
        failures.failures,
        failures.locked_until,
    )


async def hold_brake(tx: Tx, guess: Guess, *, at: datetime) -> Brake:
    """Return the failures on all unknown devices, held like those of one."""
    row = await tx.fetchrow(
        """
        INSERT INTO identity.brake (subject, password, failures, since) VALUES ($1, $2, 0, $3)
        ON CONFLICT (subject, password) DO UPDATE SET subject = excluded.subject
        RETURNING failures, since
        """,
        guess.subject,
        guess.password,
        at,
    )
    return msgspec.convert(dict(row or {}), Brake)


async def keep_brake(tx: Tx, guess: Guess, brake: Brake) -> None:
    await tx.execute(
        "UPDATE identity.brake SET failures = $3, since = $4 WHERE subject = $1 AND password = $2",
        guess.subject,
        guess.password,
        brake.failures,
        brake.since,
    )


async def ease_brake(tx: Tx, guess: Guess) -> None:
    """Take one failure back: the try that was counted has turned out to be right."""
    await tx.execute(
        "UPDATE identity.brake SET failures = greatest(failures - 1, 0) WHERE subject = $1 AND password = $2",
        guess.subject,
        guess.password,
    )


async def mark_brake_told(tx: Tx, guess: Guess, *, at: datetime, told_before: datetime) -> bool:
    """Note that the owner is told of a brake, unless they were since `told_before`; False then."""
    marked = await tx.fetchval(
        """
        UPDATE identity.brake SET told_at = $3
        WHERE subject = $1 AND password = $2 AND (told_at IS NULL OR told_at <= $4) RETURNING subject
        """,
        guess.subject,
        guess.password,
        at,
        told_before,
    )
    return marked is not None


async def know_device(tx: Tx, guess: Guess, *, known_at: datetime | None) -> None:
    """Forget the failures on a device, which is known from `known_at` on, or earlier if it was."""
    await tx.execute(
        """
        INSERT INTO identity.failure (subject, password, device, known_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject, password, device) DO UPDATE
        SET failures = 0, locked_until = NULL, known_at = coalesce(identity.failure.known_at, excluded.known_at)
        """,
        *_key(guess),
        known_at,
    )


async def device_known(tx: Tx, subject: str, device: str) -> bool:
    """Tell whether a password or an SMS code of this subject was ever right on a device."""
    known: bool = await tx.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM identity.failure
            WHERE subject = $1 AND password IN ('login', 'pay') AND device = $2 AND known_at IS NOT NULL)
        """,
        subject,
        device,
    )
    return known


async def forget_device(tx: Tx, account_id: str, device: str) -> None:
    """Know a device no longer; locks on it stay."""
    await tx.execute(
        "UPDATE identity.failure SET known_at = NULL WHERE subject = $1 AND device = $2", account_id, device
    )


async def forget_devices(tx: Tx, account_id: str, password: Password) -> None:
    """Forget the failures of a password and where it has been right."""
    await tx.execute("DELETE FROM identity.failure WHERE subject = $1 AND password = $2", account_id, password)
    await tx.execute("DELETE FROM identity.brake WHERE subject = $1 AND password = $2", account_id, password)


def _key(guess: Guess) -> tuple[str, str, str]:
    return guess.subject, guess.password, guess.device
