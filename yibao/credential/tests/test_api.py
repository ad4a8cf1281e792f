"""Scanning for institutions' own systems, over HTTP."""

from datetime import datetime

import httpx
import pytest

from yibao import identity, registry
from yibao.core.database import transaction

from .browser import Browser, bank, browser, whole_house
from .conftest import House

__all__ = ["bank", "browser", "whole_house"]


@pytest.fixture
async def headers(browser: Browser, institution: str) -> dict[str, str]:
    """The key of an institution's system, as it sends it."""
    house = browser.house
    async with transaction(house.pool) as tx:
        key = await identity.issue_api_key(tx, institution=institution, at=house.clock())
    return {"authorization": f"Bearer {key}"}


async def scan(browser: Browser, headers: dict[str, str], **body: object) -> httpx.Response:
    return await browser.client.post("/api/scans", json=body, headers=headers)


async def test_a_scan_gives_the_token_and_shows_the_person_masked(
    browser: Browser, house: House, headers: dict[str, str]
) -> None:
    """C3."""
    holder = await house.active()
    answer = await scan(browser, headers, code=await house.show(holder), till="1")
    assert answer.status_code == 201
    given = answer.json()
    assert set(given) == {"token", "expires_at", "place", "name", "gender"}
    assert house.tokens.person_of(given["token"]) == holder.person_id
    assert datetime.fromisoformat(given["expires_at"]) > house.at
    assert given["name"] == registry.masked_name(holder.person.name)
    for secret in (holder.person.name, holder.person.cert_no, holder.card_no, holder.person_id):
        assert secret not in answer.text


async def test_a_refused_scan_is_a_problem_with_what_to_do(
    browser: Browser, house: House, headers: dict[str, str]
) -> None:
    code = await house.show(await house.active())
    await scan(browser, headers, code=code)
    answer = await scan(browser, headers, code=code)
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["code"] == "credential.code_spent"
    assert problem["hint"]
    assert problem["remedy"]
    assert code not in answer.text


async def test_a_till_that_guesses_is_slowed_over_http_too(browser: Browser, headers: dict[str, str]) -> None:
    codes = [(await scan(browser, headers, code="0", till="1")).json()["code"] for _ in range(11)]
    assert codes == ["credential.code_malformed"] * 11
    answer = await scan(browser, headers, code=f"{0:022d}510000", till="1")
    assert (answer.status_code, answer.json()["code"]) == (429, "credential.till_slowed")


async def test_nobody_scans_without_a_key(browser: Browser, house: House) -> None:
    code = await house.show(await house.active())
    for headers in ({}, {"authorization": "Bearer yb_wrong"}, {"authorization": "Basic eDp4"}):
        assert (await scan(browser, headers, code=code)).status_code == 401
    await house.scan(code)


@pytest.mark.parametrize(
    "body", [{}, {"code": ""}, {"code": 1}, {"code": "1" * 65}, {"code": "1", "till": "1" * 65}, {"code": "1", "x": 1}]
)
async def test_a_malformed_request_says_which_field(
    browser: Browser, headers: dict[str, str], body: dict[str, object]
) -> None:
    answer = await scan(browser, headers, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "web.malformed_request")
