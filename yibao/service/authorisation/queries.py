"""What was asked, what was allowed, and what an institution then reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from yibao import registry
from yibao.core.database import Pool, Row, Tx
from yibao.core.vault import Vault
from yibao.service.authorisation import refusals, store
from yibao.service.authorisation.types import Grant, Request, State


def request_of(row: Row, at: datetime) -> Request:
    state: State = row["answer"] or ("pending" if at < row["expires_at"] else "expired")
    return Request(
        request_id=row["request_id"],
        institution=row["institution"],
        scopes=tuple(row["scopes"]),
        purpose=row["purpose"],
        days=row["days"],
        number=row["number"],
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
        state=state,
        person_id=row["person_id"],
        auth_no=row["auth_no"] if state == "allowed" else None,
    )


async def request(tx: Tx | Pool, request_id: str, *, at: datetime) -> Request:
    """Return a request as it stands. Refusals: RequestUnknown."""
    row = await store.request(tx, request_id)
    if row is None:
        raise refusals.RequestUnknown
    return request_of(row, at)


async def requests_for(tx: Tx | Pool, person_id: str, *, at: datetime) -> list[Request]:
    """Return the requests that wait for this person, whose code the institution has scanned."""
    return [request_of(row, at) for row in await store.open_requests(tx, person_id, at=at)]


async def grants(tx: Tx | Pool, person_id: str, *, limit: int = 200) -> list[Grant]:
    """Return what a person allowed, the latest first."""
    return [Grant(**{**row, "scopes": tuple(row["scopes"])}) for row in await store.grants(tx, person_id, limit=limit)]


def subject_of(vault: Vault, person_id: str, institution: str) -> str:
    """Return the mark by which an institution knows somebody again; another institution gets another one."""
    return vault.index(f"subject:{institution}", person_id).hex()[:32]


async def data_of(tx: Tx, vault: Vault, person_id: str, scopes: Sequence[str]) -> dict[str, Any]:
    """Return what the scopes name, read anew. Refusals: registry.PersonUnknown, core.SealBroken."""
    data: dict[str, Any] = {}
    if "identity" in scopes or "identity_full" in scopes:
        person = await registry.person(tx, vault, person_id)
        data["identity"] = {
            "name": person.name,
            "cert_type": person.cert_type,
            "cert_no": registry.masked_certificate(person.cert_no),
            "gender": person.gender,
        }
        if "identity_full" in scopes:
            data["identity"] |= {"cert_no": person.cert_no, "birth_on": person.birth_on}
    if "insured_status" in scopes:
        data["insured_status"] = [
            {
                "place": each.place,
                "insutype": each.insutype,
                "psn_type": each.psn_type,
                "state": each.state,
                "since_on": each.since_on,
                "paid_to": each.paid_to,
            }
            for each in await registry.relations(tx, person_id)
        ]
    return data
