"""Asking, answering, reading what was allowed, and withdrawing it."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from yibao import credential, registry
from yibao.core import outbox
from yibao.core.clock import day_of
from yibao.core.database import Row, Tx
from yibao.core.vault import Vault
from yibao.service.authorisation import queries, refusals, rules, store
from yibao.service.authorisation.types import Allowed, Request

_GRANTS_MAX = 10_000  # More than anybody gives in a life.


async def ask(
    tx: Tx,
    tokens: credential.Tokens,
    *,
    institution: str,
    caller_id: str,
    scopes: Sequence[str],
    purpose: str,
    days: int,
    token: str | None = None,
    at: datetime,
) -> Request:
    """Take an institution's request, and return it; the same request under the same number is the same request.

    With the token of a scan it waits on the phone of whoever was scanned, who is told. Refusals, first that applies:
    ScopeUnknown, PurposeInvalid, TooLong, RequestNumberTaken, VisitUnknown.
    """
    wanted, why, lasts = rules.scopes(scopes), rules.purpose(purpose), rules.days(days)
    digest = rules.digest((wanted, why, lasts, token))
    earlier = await _earlier(tx, institution, caller_id, digest, at=at)
    if earlier is not None:
        return earlier
    person_id = None if token is None else await _scanned(tx, tokens, token, institution=institution, at=at)
    request_id = secrets.token_hex(16)
    added = await store.add_request(
        tx,
        request_id=request_id,
        institution=institution,
        caller_id=caller_id,
        digest=digest,
        scopes=wanted,
        purpose=why,
        days=lasts,
        number=f"{secrets.randbelow(90) + 10}",
        person_id=person_id,
        at=at,
        expires_at=at + rules.ANSWER_WITHIN,
    )
    if not added:  # The same request, sent twice at once.
        same = await _earlier(tx, institution, caller_id, digest, at=at)
        assert same is not None
        return same
    if person_id is not None:
        payload = {"institution": institution, "request_id": request_id}
        await outbox.publish(tx, person_id=person_id, topic="authorisation.asked", payload=payload, at=at)
    return await queries.request(tx, request_id, at=at)


async def _earlier(tx: Tx, institution: str, caller_id: str, digest: bytes, *, at: datetime) -> Request | None:
    row = await store.request_of_caller(tx, institution, caller_id)
    if row is None:
        return None
    if row["digest"] != digest:
        raise refusals.RequestNumberTaken
    return queries.request_of(row, at)


async def _scanned(tx: Tx, tokens: credential.Tokens, token: str, *, institution: str, at: datetime) -> str:
    try:
        person_id = tokens.person_of(token)
    except ValueError:
        raise refusals.VisitUnknown from None
    visit = await store.visit(tx, person_id, token)
    if visit is None or visit["institution"] != institution or visit["expires_at"] <= at or visit["device_unbound"]:
        raise refusals.VisitUnknown
    return person_id


async def _open(tx: Tx, request_id: str, *, person_id: str, at: datetime) -> Row:
    """Hold a request that this person may answer now."""
    row = await store.hold_request(tx, request_id)
    if row is None or (row["answer"] is None and row["person_id"] not in (None, person_id)):
        raise refusals.RequestUnknown
    if row["answer"] is not None:
        raise refusals.RequestAnswered
    if at >= row["expires_at"]:
        raise refusals.RequestExpired
    return row


async def allow(
    tx: Tx, tokens: credential.Tokens, *, request_id: str, person_id: str, for_days: bool, at: datetime
) -> str:
    """Allow what a request asks for, once or for as long as it asks, and return the grant's id.

    The face has proved that it is the person, by the transaction password where the scopes are personal.
    Refusals, first that applies: RequestUnknown, RequestAnswered, RequestExpired, NotBound.
    """
    row = await _open(tx, request_id, person_id=person_id, at=at)
    holder = await credential.holder(tx, person_id)
    if holder is None:
        raise refusals.NotBound
    grant_id = secrets.token_hex(16)
    days: int = row["days"] if for_days else 0
    auth_no = rules.auth_no_of(tokens.issue(place=holder.place, person_id=person_id))
    await store.add_grant(
        tx,
        person_id=person_id,
        grant_id=grant_id,
        request_id=request_id,
        institution=row["institution"],
        scopes=row["scopes"],
        purpose=row["purpose"],
        days=days,
        token=tokens.issue(place=holder.place, person_id=person_id),
        auth_no=auth_no,
        at=at,
        until=at + (timedelta(days=days) if days else rules.AUTH_NO_LASTS),
    )
    await store.answer_request(tx, request_id, person_id=person_id, answer="allowed", auth_no=auth_no)
    payload = {"institution": row["institution"], "what": words(row["scopes"]), "days": days}
    await outbox.publish(tx, person_id=person_id, topic="authorisation.granted", payload=payload, at=at)
    return grant_id


async def refuse(tx: Tx, *, request_id: str, person_id: str, at: datetime) -> None:
    """Refuse a request; the party learns that, and nothing else.

    Refusals, first that applies: RequestUnknown, RequestAnswered, RequestExpired.
    """
    await _open(tx, request_id, person_id=person_id, at=at)
    await store.answer_request(tx, request_id, person_id=person_id, answer="refused")


async def check(
    tx: Tx, vault: Vault, tokens: credential.Tokens, *, auth_no: str, institution: str, at: datetime
) -> Allowed:
    """Use an authorisation number up and return what was allowed, recorded for the person.

    Refusals, first that applies: AuthNoUnknown, AuthNoUsed, AuthNoExpired, GrantWithdrawn, GrantEnded, and those of
    `registry.person`.
    """
    person_id = tokens.person_of(rules.token_like(auth_no))
    row = await store.hold_grant_of_auth_no(tx, person_id, auth_no)
    if row is None or row["institution"] != institution:
        raise refusals.AuthNoUnknown
    if row["checked_at"] is not None:
        raise refusals.AuthNoUsed
    if at >= row["granted_at"] + rules.AUTH_NO_LASTS:
        raise refusals.AuthNoExpired
    return await _hand_over(tx, vault, row, at=at)


async def read(
    tx: Tx, vault: Vault, tokens: credential.Tokens, *, token: str, institution: str, at: datetime
) -> Allowed:
    """Return again what a grant for a time allows, as it is now, recorded for the person.

    Refusals, first that applies: GrantUnknown, GrantWithdrawn, GrantEnded, and those of `registry.person`.
    """
    try:
        person_id = tokens.person_of(token)
    except ValueError:
        raise refusals.GrantUnknown from None
    row = await store.hold_grant_of_token(tx, person_id, token)
    if row is None or row["institution"] != institution or row["checked_at"] is None:
        raise refusals.GrantUnknown
    return await _hand_over(tx, vault, row, at=at)


async def _hand_over(tx: Tx, vault: Vault, row: Row, *, at: datetime) -> Allowed:
    person_id, institution, scopes = row["person_id"], row["institution"], tuple(row["scopes"])
    if row["withdrawn_at"] is not None:
        raise refusals.GrantWithdrawn
    if at >= row["until"] or (row["days"] == 0 and row["uses"]):
        raise refusals.GrantEnded
    data = await queries.data_of(tx, vault, person_id, scopes)
    await store.use_grant(tx, person_id, row["grant_id"], at=at)
    party = await registry.institution(tx, institution)
    await registry.note_look(
        tx,
        vault,
        person_id=person_id,
        looker=institution,
        looker_name=party.name if party else institution,
        purpose=f"经您授权读取{words(scopes)}：{row['purpose']}",
        at=at,
    )
    # Every reading is recorded; a message a day is enough for a party that reads every hour.
    if row["used_at"] is None or day_of(row["used_at"]) != day_of(at):
        payload = {"institution": institution, "what": words(scopes)}
        await outbox.publish(tx, person_id=person_id, topic="authorisation.used", payload=payload, at=at)
    return Allowed(row["token"], queries.subject_of(vault, person_id, institution), scopes, row["until"], data)


def words(scopes: Sequence[str]) -> str:
    """Return scopes as people read them; signing in goes without saying where there is more."""
    named = [scope for scope in scopes if scope != "sign_in"] or ["sign_in"]
    return "、".join(rules.SCOPES[scope].name for scope in named)


async def withdraw_all(tx: Tx, *, person_id: str, at: datetime) -> None:
    """Withdraw every grant of a person who closes their account."""
    for row in await store.grants(tx, person_id, limit=_GRANTS_MAX):
        await withdraw(tx, person_id=person_id, grant_id=row["grant_id"], at=at)


async def withdraw(tx: Tx, *, person_id: str, grant_id: str, at: datetime) -> None:
    """Withdraw a grant: from now on the party reads nothing. Again changes nothing. Refusals: GrantUnknown."""
    row = await store.hold_grant(tx, person_id, grant_id)
    if row is None:
        raise refusals.GrantUnknown
    if row["withdrawn_at"] is not None:
        return
    await store.withdraw_grant(tx, person_id, grant_id, at=at)
    await store.withdraw_request(tx, row["request_id"])
    payload = {"institution": row["institution"], "what": words(row["scopes"])}
    await outbox.publish(tx, person_id=person_id, topic="authorisation.withdrawn", payload=payload, at=at)
