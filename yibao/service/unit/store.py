"""SQL of the unit room."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx
from yibao.service.unit.rules import BAD_TRIES_WITHIN
from yibao.service.unit.types import Unit


def unit_of(row: Row) -> Unit:
    return Unit(**{name: row[name] for name in Unit.__struct_fields__})


async def add_unit(tx: Tx, unit: Unit, *, at: datetime) -> bool:
    """Store a unit; False if its credit code, institution, or name as an employer here is another's."""
    added = await tx.fetchval(
        """
        INSERT INTO unit.unit (unit_id, credit_code, name, kind, institution, place, registered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING unit_id
        """,
        unit.unit_id,
        unit.credit_code,
        unit.name,
        unit.kind,
        unit.institution,
        unit.place,
        at,
    )
    return added is not None


async def is_taken(tx: Tx, unit: Unit) -> bool:
    """Whether `add_unit` would find that this is another's."""
    taken: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM unit.unit WHERE credit_code = $1 OR institution = $2"
        " OR (kind = 'employer' AND $3 = 'employer' AND place = $4 AND name = $5))",
        unit.credit_code,
        unit.institution,
        unit.kind,
        unit.place,
        unit.name,
    )
    return taken


async def unit(tx: Tx | Pool, unit_id: str) -> Unit | None:
    row = await tx.fetchrow("SELECT * FROM unit.unit WHERE unit_id = $1", unit_id)
    return unit_of(row) if row else None


async def held_unit(tx: Tx, unit_id: str) -> Unit | None:
    """Return a unit, held: of two clerks at once the later one finds whom the earlier one named."""
    row = await tx.fetchrow("SELECT * FROM unit.unit WHERE unit_id = $1 FOR UPDATE", unit_id)
    return unit_of(row) if row else None


async def find_units(tx: Tx | Pool, text: str, *, limit: int) -> list[Unit]:
    rows = await tx.fetch(
        "SELECT * FROM unit.unit WHERE credit_code = upper($1) OR strpos(name, $1) > 0 ORDER BY name, unit_id LIMIT $2",
        text,
        limit,
    )
    return [unit_of(row) for row in rows]


async def add_operator(
    tx: Tx,
    *,
    unit_id: str,
    operator_id: str,
    name: bytes,
    cert_tail: bytes,
    told: bytes,
    cert_index: bytes,
    legal: bool,
    appointed_by: str,
    at: datetime,
) -> bool:
    """Store an operator; False if the certificate is on the unit's list."""
    added = await tx.fetchval(
        """
        INSERT INTO unit.operator
            (unit_id, operator_id, name, cert_tail, told, cert_index, legal, appointed_by, appointed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING operator_id
        """,
        unit_id,
        operator_id,
        name,
        cert_tail,
        told,
        cert_index,
        legal,
        appointed_by,
        at,
    )
    return added is not None


async def seats(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return the units that name whoever has this certificate, with the operator's row."""
    return await tx.fetch(
        """
        SELECT u.*, o.operator_id, o.name AS operator_name, o.cert_tail, o.told, o.legal, o.account_id, o.appointed_at
        FROM unit.operator o JOIN unit.unit u ON u.unit_id = o.unit_id
        WHERE o.cert_index = $1 AND o.removed_at IS NULL AND u.active ORDER BY u.name, u.unit_id
        """,
        cert_index,
    )


async def seats_ever(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return the units that name or named whoever has this certificate, with the operator's row."""
    return await tx.fetch(
        """
        SELECT u.name AS unit, u.credit_code, o.operator_id, o.name AS operator_name, o.legal, o.appointed_at,
               o.removed_at
        FROM unit.operator o JOIN unit.unit u ON u.unit_id = o.unit_id
        WHERE o.cert_index = $1 ORDER BY o.appointed_at, o.operator_id
        """,
        cert_index,
    )


async def activations_of(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return where this certificate's holder activated unit codes, each once: but for numbers that are used up."""
    return await tx.fetch(
        """
        SELECT u.name AS unit, d.activated_at, d.unbound_at
        FROM unit.operator o
        JOIN unit.unit u ON u.unit_id = o.unit_id
        JOIN unit.device d ON d.unit_id = o.unit_id AND d.operator_id = o.operator_id AND d.next_ticket < 10000
        WHERE o.cert_index = $1 ORDER BY d.activated_at, d.device_number
        """,
        cert_index,
    )


async def sign_ins_of(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    return await tx.fetch(
        """
        SELECT u.name AS unit, s.signed_in_at
        FROM unit.operator o
        JOIN unit.unit u ON u.unit_id = o.unit_id
        JOIN unit.sign_in s ON s.unit_id = o.unit_id AND s.operator_id = o.operator_id
        WHERE o.cert_index = $1 ORDER BY s.signed_in_at, s.sign_in_id
        """,
        cert_index,
    )


async def operators(tx: Tx | Pool, unit_id: str) -> list[Row]:
    return await tx.fetch(
        "SELECT operator_id, name AS operator_name, cert_tail, told, cert_index, legal, account_id, appointed_at"
        " FROM unit.operator WHERE unit_id = $1 AND removed_at IS NULL ORDER BY legal DESC, appointed_at, operator_id",
        unit_id,
    )


async def operator(tx: Tx, unit_id: str, operator_id: str) -> Row | None:
    return await tx.fetchrow(
        "SELECT operator_id, name AS operator_name, cert_tail, told, legal, account_id, appointed_at"
        " FROM unit.operator WHERE unit_id = $1 AND operator_id = $2 AND removed_at IS NULL FOR UPDATE",
        unit_id,
        operator_id,
    )


async def leaving(tx: Tx, unit_id: str, cert_index: bytes) -> list[Row]:
    """Return, held, who leaves a unit's list where the holder of a certificate becomes its legal representative.

    That is the former one, and the holder's own place as an ordinary operator.
    """
    return await tx.fetch(
        "SELECT operator_id, account_id FROM unit.operator"
        " WHERE unit_id = $1 AND removed_at IS NULL AND (legal OR cert_index = $2) FOR UPDATE",
        unit_id,
        cert_index,
    )


async def remove_operator(tx: Tx, unit_id: str, operator_id: str, *, at: datetime) -> None:
    await tx.execute(
        "UPDATE unit.operator SET removed_at = $3 WHERE unit_id = $1 AND operator_id = $2", unit_id, operator_id, at
    )


async def know_account(tx: Tx, *, unit_id: str, operator_id: str, account_id: str) -> None:
    await tx.execute(
        "UPDATE unit.operator SET account_id = $3 WHERE unit_id = $1 AND operator_id = $2",
        unit_id,
        operator_id,
        account_id,
    )


async def add_device(
    tx: Tx, *, unit_id: str, device_number: str, operator_id: str, account_id: str, browser: bytes, at: datetime
) -> bool:
    """Store an activation; False if the device number is taken."""
    added = await tx.fetchval(
        """
        INSERT INTO unit.device (unit_id, device_number, operator_id, account_id, browser, activated_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (device_number) DO NOTHING RETURNING device_number
        """,
        unit_id,
        device_number,
        operator_id,
        account_id,
        browser,
        at,
    )
    return added is not None


async def live_device(tx: Tx, *, unit_id: str, account_id: str, browser: bytes) -> str | None:
    """Return the activation in this browser, held so that two requests do not both give it a further number."""
    number: str | None = await tx.fetchval(
        "SELECT device_number FROM unit.device"
        " WHERE unit_id = $1 AND account_id = $2 AND browser = $3 AND unbound_at IS NULL"
        " ORDER BY activated_at DESC, device_number LIMIT 1 FOR UPDATE",
        unit_id,
        account_id,
        browser,
    )
    return number


async def next_ticket(tx: Tx, *, unit_id: str, account_id: str, browser: bytes) -> Row | None:
    """Take the next ticket of the activation in this browser."""
    return await tx.fetchrow(
        """
        UPDATE unit.device SET next_ticket = next_ticket + 1
        WHERE unit_id = $1 AND device_number = (
            SELECT device_number FROM unit.device
            WHERE unit_id = $1 AND account_id = $2 AND browser = $3 AND unbound_at IS NULL AND next_ticket < 10000
            ORDER BY activated_at DESC, device_number LIMIT 1 FOR UPDATE)
        RETURNING device_number, next_ticket - 1 AS ticket
        """,
        unit_id,
        account_id,
        browser,
    )


async def unbind_devices(tx: Tx, unit_id: str, *, operator_id: str | None = None, at: datetime) -> int:
    """Unbind the devices of one operator, or of all, and return how many there were."""
    status: str = await tx.execute(
        "UPDATE unit.device SET unbound_at = $3"
        " WHERE unit_id = $1 AND ($2::text IS NULL OR operator_id = $2) AND unbound_at IS NULL",
        unit_id,
        operator_id,
        at,
    )
    return int(status.rsplit(" ", 1)[1])


async def devices(tx: Tx | Pool, unit_id: str, *, operator_id: str | None = None) -> int:
    """Return on how many phones the code is active."""
    count: int = await tx.fetchval(
        "SELECT count(DISTINCT (account_id, browser)) FROM unit.device"
        " WHERE unit_id = $1 AND ($2::text IS NULL OR operator_id = $2) AND unbound_at IS NULL",
        unit_id,
        operator_id,
    )
    return count


async def scanned(tx: Tx, *, device_number: str, ticket: int) -> Row | None:
    """Return all that is known of a scanned ticket's device and its unit."""
    return await tx.fetchrow(
        """
        SELECT d.unit_id, d.operator_id, d.account_id, d.next_ticket, u.name,
               d.unbound_at IS NOT NULL OR o.removed_at IS NOT NULL OR NOT u.active AS unbound,
               EXISTS (SELECT FROM unit.spent s WHERE s.unit_id = d.unit_id AND s.device_number = d.device_number
                       AND s.ticket = $2) AS spent,
               coalesce((SELECT w.tries FROM unit.wrong_tag w WHERE w.unit_id = d.unit_id
                         AND w.device_number = d.device_number AND w.ticket = $2), 0) AS wrong_tags
        FROM unit.device d
        JOIN unit.unit u ON u.unit_id = d.unit_id
        JOIN unit.operator o ON o.unit_id = d.unit_id AND o.operator_id = d.operator_id
        WHERE d.device_number = $1
        """,
        device_number,
        ticket,
    )


async def spend(tx: Tx, *, unit_id: str, device_number: str, ticket: int, at: datetime) -> bool:
    """Spend a ticket; False if it was spent meanwhile."""
    spent = await tx.fetchval(
        "INSERT INTO unit.spent VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING ticket",
        unit_id,
        device_number,
        ticket,
        at,
    )
    return spent is not None


async def note_tag(tx: Tx, *, device_number: str, ticket: int) -> None:
    await tx.execute(
        """
        INSERT INTO unit.wrong_tag AS w (unit_id, device_number, ticket, tries)
        SELECT unit_id, device_number, $2, 1 FROM unit.device WHERE device_number = $1 AND $2 < next_ticket
        ON CONFLICT (unit_id, device_number, ticket) DO UPDATE SET tries = w.tries + 1
        """,
        device_number,
        ticket,
    )


async def note_try(tx: Tx, *, device: str, at: datetime) -> int:
    """Note a try and return how many there are now, one browser's after one another; forget those of the past."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('unit:' || $1, 0))", device)
    await tx.execute("DELETE FROM unit.bad_try WHERE device = $1 AND tried_at <= $2", device, at - BAD_TRIES_WITHIN)
    await tx.execute("INSERT INTO unit.bad_try VALUES ($1, $2)", device, at)
    count: int = await tx.fetchval("SELECT count(*) FROM unit.bad_try WHERE device = $1", device)
    return count


async def forgive_try(tx: Tx, *, device: str, at: datetime) -> None:
    """Take back one try of that moment."""
    await tx.execute(
        "DELETE FROM unit.bad_try WHERE ctid ="
        " (SELECT ctid FROM unit.bad_try WHERE device = $1 AND tried_at = $2 LIMIT 1)",
        device,
        at,
    )


async def forgive_tag(tx: Tx, *, device_number: str, ticket: int) -> None:
    await tx.execute(
        "UPDATE unit.wrong_tag SET tries = tries - 1 WHERE unit_id ="
        " (SELECT unit_id FROM unit.device WHERE device_number = $1)"
        " AND device_number = $1 AND ticket = $2 AND tries > 0",
        device_number,
        ticket,
    )


async def add_sign_in(tx: Tx, *, unit_id: str, sign_in_id: str, operator_id: str, at: datetime) -> None:
    await tx.execute("INSERT INTO unit.sign_in VALUES ($1, $2, $3, $4)", unit_id, sign_in_id, operator_id, at)


async def sign_ins(tx: Tx | Pool, unit_id: str, *, limit: int) -> list[Row]:
    return await tx.fetch(
        """
        SELECT s.operator_id, o.name AS operator_name, s.signed_in_at
        FROM unit.sign_in s JOIN unit.operator o ON o.unit_id = s.unit_id AND o.operator_id = s.operator_id
        WHERE s.unit_id = $1 ORDER BY s.signed_in_at DESC, s.sign_in_id LIMIT $2
        """,
        unit_id,
        limit,
    )


async def add_counter_case(tx: Tx, *, unit_id: str, case_id: str, clerk: str, reason: bytes, at: datetime) -> None:
    await tx.execute("INSERT INTO unit.counter_case VALUES ($1, $2, $3, $4, $5)", unit_id, case_id, clerk, reason, at)
