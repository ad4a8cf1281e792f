"""What clerks do to accounts at the counter: cases, and the acts in them."""

from datetime import datetime

from yibao.core.database import Pool, Row, Tx


async def add_case(
    tx: Tx, *, case_id: str, cert_index: bytes, clerk: str, place: str, reason: bytes, at: datetime
) -> None:
    await tx.execute(
        """
        INSERT INTO identity.counter_case (case_id, cert_index, clerk, place, sealed_reason, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        case_id,
        cert_index,
        clerk,
        place,
        reason,
        at,
    )


async def case(tx: Tx | Pool, case_id: str, *, clerk: str, opened_after: datetime) -> Row | None:
    return await tx.fetchrow(
        "SELECT * FROM identity.counter_case WHERE case_id = $1 AND clerk = $2 AND opened_at > $3",
        case_id,
        clerk,
        opened_after,
    )


async def add_act(tx: Tx, *, account_id: str, act_id: str, case_id: str, act: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO identity.counter_act (account_id, act_id, case_id, act, at) VALUES ($1, $2, $3, $4, $5)",
        account_id,
        act_id,
        case_id,
        act,
        at,
    )


async def places_that_named(tx: Tx | Pool, account_id: str, *, since: datetime) -> set[str]:
    """Return where clerks have checked the certificate that an account has now."""
    rows = await tx.fetch(
        """
        SELECT c.place
        FROM identity.counter_act a
        JOIN identity.counter_case c ON c.case_id = a.case_id
        JOIN identity.account o ON o.account_id = a.account_id AND o.cert_index = c.cert_index
        WHERE a.account_id = $1 AND a.act IN ('real_name_proved', 'certificate_changed') AND a.at > $2
        """,
        account_id,
        since,
    )
    return {row["place"] for row in rows}


async def acts_of_certificate(tx: Tx | Pool, cert_index: bytes) -> list[Row]:
    """Return what was done at counters to the accounts of a certificate's holder, the latest first."""
    return await tx.fetch(
        """
        SELECT a.account_id, a.act, a.at, c.clerk, c.place, c.case_id, c.reason, c.sealed_reason
        FROM identity.counter_case c JOIN identity.counter_act a ON a.case_id = c.case_id
        WHERE c.cert_index = $1 ORDER BY a.at DESC, a.act_id
        """,
        cert_index,
    )
