"""Staff of institutions and agencies, and the keys of institutions' systems."""

from collections.abc import Sequence
from datetime import datetime

from yibao.core.database import Pool, Row, Tx
from yibao.identity.types import Staff


async def put_staff(tx: Tx, members: Sequence[Staff]) -> None:
    await tx.execute(
        """
        INSERT INTO identity.staff SELECT * FROM jsonb_populate_recordset(NULL::identity.staff, $1)
        ON CONFLICT (login) DO UPDATE
        SET institution = excluded.institution, display_name = excluded.display_name, role = excluded.role,
            password_hash = excluded.password_hash, active = excluded.active
        """,
        members,
    )


async def staff(pool: Pool, login: str) -> Row | None:
    return await pool.fetchrow("SELECT login, password_hash FROM identity.staff WHERE login = $1 AND active", login)


async def add_api_key(tx: Tx, *, key_digest: bytes, institution: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO identity.api_key (key_digest, institution, created_at) VALUES ($1, $2, $3)",
        key_digest,
        institution,
        at,
    )


async def revoke_api_keys(tx: Tx, *, institution: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE identity.api_key SET revoked_at = $2 WHERE institution = $1 AND revoked_at IS NULL", institution, at
    )


async def institution_of_key(pool: Pool, key_digest: bytes) -> str | None:
    institution: str | None = await pool.fetchval(
        "SELECT institution FROM identity.api_key WHERE key_digest = $1 AND revoked_at IS NULL", key_digest
    )
    return institution
