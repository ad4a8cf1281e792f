"""SQL of the face room."""

from collections.abc import Sequence
from datetime import datetime

from yibao.core.database import Pool, Row, Tx
from yibao.face.types import Purpose


async def add_check(
    tx: Tx, *, check_id: str, purpose: Purpose, subject: bytes, device: str, back: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO face.check (check_id, purpose, subject, device, back, started_at) VALUES ($1, $2, $3, $4, $5, $6)",
        check_id,
        purpose,
        subject,
        device,
        back,
        at,
    )


async def check(tx: Tx | Pool, check_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM face.check WHERE check_id = $1", check_id)


async def hold_check(tx: Tx, check_id: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM face.check WHERE check_id = $1 FOR UPDATE", check_id)


async def mark_passed(tx: Tx, check_id: str, *, at: datetime) -> None:
    await tx.execute("UPDATE face.check SET passed_at = $2 WHERE check_id = $1", check_id, at)


async def mark_spent(tx: Tx, check_id: str, *, at: datetime) -> None:
    await tx.execute("UPDATE face.check SET spent_at = $2 WHERE check_id = $1", check_id, at)


async def mark_consented(tx: Tx, check_id: str, *, at: datetime) -> None:
    await tx.execute(
        "UPDATE face.check SET consented_at = $2 WHERE check_id = $1 AND consented_at IS NULL", check_id, at
    )


async def begin_state(tx: Tx, check_id: str, *, state: bytes) -> None:
    """Put a new challenge in place of the one that ran."""
    await tx.execute("UPDATE face.check SET state = $2, serial = serial + 1 WHERE check_id = $1", check_id, state)


async def move_state(tx: Tx | Pool, check_id: str, *, serial: int, state: bytes | None) -> bool:
    """Write the state after the frame `serial`, and tell whether it was the one that was waited for."""
    moved = await tx.execute(
        "UPDATE face.check SET state = $3, serial = serial + 1"
        " WHERE check_id = $1 AND serial = $2 AND state IS NOT NULL AND passed_at IS NULL",
        check_id,
        serial,
        state,
    )
    return moved == "UPDATE 1"


async def end_state(tx: Tx, check_id: str) -> None:
    await tx.execute("UPDATE face.check SET state = NULL, serial = serial + 1 WHERE check_id = $1", check_id)


async def forget(tx: Tx, *, states_before: datetime, checks_before: datetime, passes_before: datetime) -> None:
    """Forget what was measured in challenges that nobody went on with, and old checks with their attempts.

    Attempts that passed stay until `passes_before`: by them a device is known.
    """
    await tx.execute("DELETE FROM face.check WHERE started_at < $1", checks_before)
    await tx.execute("UPDATE face.check SET state = NULL WHERE state IS NOT NULL AND started_at < $1", states_before)
    await tx.execute(
        "DELETE FROM face.attempt WHERE started_at < $1 AND outcome IS DISTINCT FROM 'passed'", checks_before
    )
    await tx.execute("DELETE FROM face.attempt WHERE started_at < $1 AND outcome = 'passed'", passes_before)


async def add_attempt(
    tx: Tx, *, check_id: str, nonce: str, device: bytes, mark: bytes, mode: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO face.attempt (check_id, nonce, device, mark, mode, started_at) VALUES ($1, $2, $3, $4, $5, $6)",
        check_id,
        nonce,
        device,
        mark,
        mode,
        at,
    )


async def end_attempt(tx: Tx, *, check_id: str, nonce: str, outcome: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE face.attempt SET outcome = $3, ended_at = $4 WHERE check_id = $1 AND nonce = $2 AND ended_at IS NULL",
        check_id,
        nonce,
        outcome,
        at,
    )


async def last_attempt(tx: Tx | Pool, check_id: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT mode, outcome FROM face.attempt WHERE check_id = $1 ORDER BY started_at DESC LIMIT 1", check_id
    )


async def attempts_of(tx: Tx | Pool, marks: Sequence[bytes]) -> list[Row]:
    return await tx.fetch(
        "SELECT started_at, mode, outcome FROM face.attempt WHERE mark = ANY ($1) ORDER BY started_at, nonce", marks
    )


async def attempts_of_device(tx: Tx, device: bytes, *, since: datetime) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*) FROM face.attempt WHERE device = $1 AND started_at > $2", device, since
    )
    return count


async def has_passed(tx: Tx, *, device: bytes, mark: bytes) -> bool:
    """Tell whether this device is known to have passed a check of this certificate."""
    passed: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM face.attempt WHERE mark = $2 AND device = $1 AND outcome = 'passed')", device, mark
    )
    return passed


async def hold_tries(tx: Tx, whose: bytes) -> None:
    """Let one challenge of a device, or of a certificate, begin after the other, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('face:' || encode($1, 'hex'), 0))", whose)


async def strangers_since(tx: Tx, mark: bytes, *, since: datetime, open_since: datetime) -> int:
    """Return how many challenges of this certificate were answered with a no, or may still be, on strange devices.

    A strange device is one that never passed for it. An open challenge counts as if it had been refused already, so
    that many side by side are not more answers than the same number one after the other.
    """
    count: int = await tx.fetchval(
        """
        SELECT count(*) FROM face.attempt a WHERE mark = $1 AND started_at > $2
           AND (outcome IN ('unsure', 'different', 'identity_unknown', 'name_differs', 'photo_missing', 'photo_unclear')
                OR (ended_at IS NULL AND started_at > $3))
           AND NOT EXISTS (SELECT FROM face.attempt p
                           WHERE p.mark = a.mark AND p.device = a.device AND p.outcome = 'passed')
        """,
        mark,
        since,
        open_since,
    )
    return count
