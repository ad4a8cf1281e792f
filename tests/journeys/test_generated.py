"""Generated requests at every route: a clear refusal, never a 5xx, nothing of the person who asked in the answer.

The requests come from the OpenAPI document, with valid and invalid values, as each kind of caller.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.generation import GenerationMode

from tests.journeys.town import Town
from yibao import credential, identity
from yibao.app import create_app
from yibao.core.database import transaction
from yibao.web.principal import CONSOLE_COOKIE, SESSION_COOKIE, TILL_COOKIE

EXAMPLES = 12
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


async def callers(town: Town) -> dict[str, dict[str, Any]]:
    """Return how each kind of caller signs in: a system, an insured person, a cashier, a clerk, nobody."""
    house, someone = town.house, town.world.cast("luzhou_retired")
    assert someone.card
    async with transaction(house.pool) as tx:
        at = house.clock()
        key = await identity.issue_api_key(tx, institution="P51050000001", at=at)
        login_hash = await house.hasher.hash("Yibao-demo-2026")
        account_id = await identity.open_account(tx, house.vault, phone="19911112222", login_hash=login_hash, at=at)
        await identity.prove_real_name(
            tx,
            house.vault,
            account_id=account_id,
            name=someone.name,
            cert_type=someone.cert_type,
            cert_no=someone.cert_no,
            at=at,
        )
        await credential.bind(tx, house.vault, account_id=account_id, card_no=someone.card.card_no, at=at)
        person = await identity.start_session(tx, account_id=account_id, device="generated", at=at)
        cashier = await identity.start_staff_session(tx, login="P51050000001-01", device="generated", at=at)
        clerk = await identity.start_staff_session(tx, login="A510500-01", device="generated", at=at)
    return {
        "system": {"headers": {"Authorization": f"Bearer {key}"}},
        "person": {"cookies": {SESSION_COOKIE: person}},
        "cashier": {"cookies": {TILL_COOKIE: cashier}},
        "clerk": {"cookies": {CONSOLE_COOKIE: clerk}},
        "nobody": {},
    }


PARTS = {"/api": "system", "/till": "cashier", "/console": "clerk", "/me": "person", "/": "person"}


def part_of(path: str) -> str:
    """Return the part of the house that a page belongs to, the longest beginning that fits."""
    return next(part for part in PARTS if path == part or path.startswith(part.rstrip("/") + "/"))


def throw(
    address: str, document: dict[str, Any], who: dict[str, dict[str, Any]], part: str, seen: dict[str, set[int]]
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    with requests.Session() as session:
        token = session.get(f"{address}/login").cookies["yb_csrf"]
        for operation in operations(schema):
            for caller in (PARTS[part], "nobody") if part_of(operation.path) == part else ():
                thrown_at(operation, address, session, token, who[caller], seen)


def operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        yield result.ok()


def thrown_at(
    operation: Any,
    address: str,
    session: requests.Session,
    token: str,
    caller: dict[str, Any],
    seen: dict[str, set[int]],
) -> None:
    @QUIET
    @given(case=operation.as_strategy())
    def one(case: Case) -> None:
        headers = {"x-csrftoken": token, **caller.get("headers", {})}
        cookies = {"yb_csrf": token, **caller.get("cookies", {})}
        answer = case.call(
            base_url=address, headers=headers, cookies=cookies, session=session, allow_redirects=False, timeout=20
        )
        seen.setdefault(f"{operation.method.upper()} {operation.path}", set()).add(answer.status_code)
        assert answer.status_code < 500, (answer.status_code, answer.text[:500])
        if answer.status_code >= 400 and operation.path.startswith("/api/"):
            assert answer.headers["content-type"][0].startswith("application/problem+json")
            assert {"code", "title", "remedy"} <= answer.json().keys()

    one()


@pytest.mark.parametrize("part", PARTS)
async def test_no_generated_request_gets_a_5xx(a_town: Town, part: str) -> None:
    who = await callers(a_town)
    document = create_app(a_town.house, document_pages=True).openapi_schema.to_schema()
    before = await rows(a_town)
    seen: dict[str, set[int]] = {}
    await asyncio.to_thread(throw, a_town.address, document, who, part, seen)
    assert len(seen) > 4
    assert await rows(a_town) == before


async def rows(town: Town) -> dict[str, int]:
    """Count what no malformed request may add: settlements, transfers, answers, bills."""
    row = await town.house.pool.fetchrow(
        "SELECT (SELECT count(*) FROM settlement.settlement) AS settlements,"
        " (SELECT count(*) FROM settlement.bill) AS bills,"
        " (SELECT count(*) FROM ledger.transfer) AS transfers, (SELECT count(*) FROM core.answer) AS answers,"
        " (SELECT count(*) FROM credential.visit) AS visits"
    )
    assert row is not None
    return dict(row)


RAW = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"basket": {"token": "\\u0000", "lines": [], "use_account": 1}}',
    b'{"basket": {"token": "510500ec' + b"0" * 32 + b'", "lines": [{"code": "\\ud800", "quantity": "NaN"}]}}',
    b'{"basket": {"token": "x", "lines": [{"code": "x", "quantity": "1e400"}]}, "expected": {}}',
    b"[" * 5_000,
    b'{"code": "' + b"9" * 28 + b'"}',
)


@pytest.mark.parametrize(
    "path", ["/api/scans", "/api/identifications", "/api/quotes", "/api/settlements", "/api/reversals"]
)
async def test_raw_nonsense_is_refused_plainly(a_town: Town, path: str) -> None:
    who = await callers(a_town)

    def throw_raw() -> list[int]:
        statuses = []
        for body in RAW:
            for kind in ("application/json", "text/plain", ""):
                answer = requests.post(
                    a_town.address + path,
                    data=body,
                    headers={**who["system"]["headers"], "Content-Type": kind, "Idempotency-Key": "raw"},
                    timeout=20,
                )
                statuses.append(answer.status_code)
                assert "Traceback" not in answer.text
        return statuses

    statuses = await asyncio.to_thread(throw_raw)
    assert all(400 <= status < 500 for status in statuses), statuses
