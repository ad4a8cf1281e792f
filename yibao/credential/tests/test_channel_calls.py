"""Calls that channels sign: what is taken, and everything that is not (B2, E10)."""

import random
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from conftest import WorldClock
from yibao.app import House
from yibao.core.database import transaction
from yibao.credential import channels, refusals, signing

from .browser import Browser, bank, browser, whole_house
from .channel import BACK, CLERK, ENTRIES, UNBINDINGS, Partner, admitted, entry, facts

__all__ = ["bank", "browser", "whole_house"]


@pytest.fixture
async def partner(browser: Browser, at: datetime) -> Partner:
    return await admitted(browser.house.pool, at=at)


async def call(
    browser: Browser, partner: Partner, body: bytes, *, path: str = ENTRIES, header: str | None = None, **signed: Any
) -> httpx.Response:
    signed.setdefault("at", browser.house.clock())
    header = partner.header(path, body, **signed) if header is None else header
    return await browser.client.post(path, content=body, headers={"Authorization": header})


def code_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return str(answer.json()["code"])


async def test_a_signed_entry_gets_a_ticket_of_two_minutes(browser: Browser, partner: Partner) -> None:
    answer = await call(browser, partner, entry())
    assert answer.status_code == 201
    told = answer.json()
    assert told["path"] == f"/enter/{told['ticket']}"
    assert (len(told["ticket"]), told["expires_in"]) == (32, 120)


async def test_what_is_forged_is_refused_alike(browser: Browser, partner: Partner, at: datetime) -> None:
    """Another key, another body, another path, another method, another channel's key: the same answer."""
    body, other = entry(), await admitted(browser.house.pool, at=at)
    headers = [
        "",
        "Bearer yb_x",
        "YB-SM2 " + "x" * 300,
        partner.with_other_key().header(ENTRIES, body, at=at),
        partner.header(ENTRIES, entry(), at=at),
        partner.header(UNBINDINGS, body, at=at),
        partner.header(ENTRIES, body, at=at, method="GET"),
        Partner(partner.code, other.signer).header(ENTRIES, body, at=at),
        Partner("nobody", partner.signer).header(ENTRIES, body, at=at),
    ]
    for header in headers[:1] + headers[2:]:
        answer = await call(browser, partner, body, header=header)
        assert (answer.status_code, code_of(answer)) == (401, "credential.call_unsigned")
    bearer = await call(browser, partner, body, header=headers[1])
    assert bearer.status_code == 401


async def test_a_header_with_one_digit_changed_is_refused(browser: Browser, partner: Partner, at: datetime) -> None:
    """Every part of the header is signed, or names the key."""
    body = entry()
    header = partner.header(ENTRIES, body, at=at)
    rng = random.Random(7)
    begin = header.index(":")
    for _ in range(18):
        place = rng.choice([i for i in range(begin + 1, len(header)) if header[i] != ":"])
        digit = rng.choice([each for each in "0123456789" if each != header[place]])
        answer = await call(browser, partner, body, header=header[:place] + digit + header[place + 1 :])
        assert code_of(answer) == "credential.call_unsigned"
    assert (await call(browser, partner, body, header=header)).status_code == 201


async def test_a_call_is_taken_once(browser: Browser, partner: Partner, at: datetime) -> None:
    body = entry()
    header = partner.header(ENTRIES, body, at=at)
    assert (await call(browser, partner, body, header=header)).status_code == 201
    answer = await call(browser, partner, body, header=header)
    assert (answer.status_code, code_of(answer)) == (409, "credential.call_repeated")


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_stale_call_is_refused(browser: Browser, partner: Partner, at: datetime, minutes: int) -> None:
    answer = await call(browser, partner, entry(), at=at + timedelta(minutes=minutes))
    assert code_of(answer) == "credential.call_stale"


@pytest.mark.parametrize("minutes", [-5, 5])
async def test_clocks_may_differ_by_five_minutes_and_the_nonce_is_kept_as_long(
    browser: Browser, partner: Partner, at: datetime, clock: WorldClock, minutes: int
) -> None:
    body = entry()
    header = partner.header(ENTRIES, body, at=at + timedelta(minutes=minutes))
    assert (await call(browser, partner, body, header=header)).status_code == 201
    clock.advance(minutes=max(0, 2 * minutes), seconds=-1 if minutes > 0 else 0)
    again = await call(browser, partner, body, header=header)
    assert code_of(again) == "credential.call_repeated"


async def test_a_key_counts_from_its_day_to_its_end_and_until_it_is_revoked(
    browser: Browser, partner: Partner, clock: WorldClock
) -> None:
    """E10: keys."""
    clock.advance(days=400)
    assert code_of(await call(browser, partner, entry())) == "credential.call_unsigned"
    clock.advance(days=-400)
    assert (await call(browser, partner, entry())).status_code == 201
    async with transaction(browser.house.pool) as tx:
        await channels.revoke_key(tx, code=partner.code, key_id=partner.key_id, clerk=CLERK, at=clock())
    assert code_of(await call(browser, partner, entry())) == "credential.call_unsigned"


async def test_a_second_key_takes_over_without_a_gap(browser: Browser, partner: Partner, at: datetime) -> None:
    new = partner.with_other_key()
    async with transaction(browser.house.pool) as tx:
        await channels.add_key(
            tx,
            code=partner.code,
            public="04" + new.signer.public.hex(),
            valid_from=at,
            valid_until=at + timedelta(days=1),
            clerk=CLERK,
            at=at,
        )
    for each in (partner, new):
        assert (await call(browser, each, entry())).status_code == 201


async def test_a_channel_that_is_not_let_in_or_suspended_is_refused_with_its_hotline(
    browser: Browser, at: datetime
) -> None:
    """E10."""
    partner = await admitted(browser.house.pool, at=at)
    async with transaction(browser.house.pool) as tx:
        await channels.move(tx, code=partner.code, to="suspended", reason="投诉核查", clerk=CLERK, at=at)
    answer = await call(browser, partner, entry())
    assert (answer.status_code, code_of(answer)) == (403, "credential.channel_suspended")
    assert "95000" in answer.json()["remedy"]
    answer = await call(browser, partner, b'{"user":"u","reason":"lost phone"}', path=UNBINDINGS)
    assert code_of(answer) == "credential.channel_user_unknown", "a lost phone does not wait"
    applied = Partner(f"{partner.code}x")
    async with transaction(browser.house.pool) as tx:
        await channels.register(tx, facts(applied.code), clerk=CLERK, at=at)
        await channels.add_key(
            tx,
            code=applied.code,
            public=applied.signer.public.hex(),
            valid_from=at,
            valid_until=at + timedelta(days=1),
            clerk=CLERK,
            at=at,
        )
    assert code_of(await call(browser, applied, entry())) == "credential.channel_not_admitted"


async def test_a_channel_enters_only_for_what_it_may_do(browser: Browser, at: datetime) -> None:
    partner = await admitted(browser.house.pool, at=at, functions=("show_code",))
    assert (await call(browser, partner, entry())).status_code == 201
    for menu in ("activate", "unbind", "family", "bills", "records"):
        answer = await call(browser, partner, entry(menu=menu))
        assert (answer.status_code, code_of(answer)) == (403, "credential.channel_not_permitted")
    body = b'{"user":"u","reason":"lost phone"}'
    answer = await call(browser, partner, body, path=UNBINDINGS)
    assert code_of(answer) == "credential.channel_not_permitted"


@pytest.mark.parametrize(
    "back",
    [
        "https://channel.example.cn.evil.cn/app/",
        "https://channel.example.cn/other",
        "https://channel.example.cn/app/../other",
        "https://channel.example.cn/app/%2e%2e/other",
        "https://channel.example.cn@evil.cn/app/",
        "http://channel.example.cn/app/",
        "javascript:alert(1)",
        "//channel.example.cn/app/",
        "https://channel.example.cn/app/\\evil",
        "https://channel.example.cn/app/#x",
        "https://[channel",
        "",
    ],
)
async def test_people_are_led_back_to_registered_addresses_only(browser: Browser, partner: Partner, back: str) -> None:
    answer = await call(browser, partner, entry(back=back))
    assert (answer.status_code, code_of(answer)) == (422, "credential.return_not_registered")


async def test_an_address_below_the_registered_one_will_do(browser: Browser, partner: Partner) -> None:
    for back in (BACK, BACK + "me?from=menu"):
        assert (await call(browser, partner, entry(back=back))).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[" * 5000,
        b"\xff\xfe",
        entry(menu="payroll"),
        entry(user=""),
        entry(user="u" * 129),
        entry(user="一"),
        entry(extra=1),
        entry(phone="1380000"[:4]),
        entry(real_name={"name": "", "cert_type": "01", "cert_no": "1234"}),
        entry(real_name={"name": "\u0000", "cert_type": "01", "cert_no": "1234"}),
        entry(real_name={"name": "甲", "cert_type": "1", "cert_no": "1234"}),
        entry(own_bank_card="yes"),
    ],
    ids=[str(number) for number in range(15)],
)
async def test_a_body_that_is_none_is_refused(browser: Browser, partner: Partner, body: bytes) -> None:
    answer = await call(browser, partner, body)
    assert (answer.status_code, code_of(answer)) == (400, "web.malformed_request")


async def test_wrong_signatures_slow_down_a_stranger_and_not_the_channel(
    whole_house: House, clock: WorldClock, at: datetime
) -> None:
    """Whoever sends nonsense in a channel's name from elsewhere does not shut the channel out."""
    partner = await admitted(whole_house.pool, at=at)
    body = entry()

    async def arrives(peer: str, by: Partner) -> None:
        await channels.authenticated(
            whole_house.pool,
            header=by.header(ENTRIES, body, at=clock()),
            method="POST",
            path=ENTRIES,
            body=body,
            peer=peer,
            at=clock(),
        )

    await arrives("10.0.0.1", partner)
    for peer in ("10.0.0.1", "10.9.9.9"):
        for _ in range(channels.WRONG_MAX):
            with pytest.raises(refusals.CallUnsigned):
                await arrives(peer, partner.with_other_key())
    with pytest.raises(refusals.CallsSlowed):
        await arrives("10.9.9.9", partner)
    await arrives("10.0.0.1", partner)
    await arrives("10.0.0.2", partner)
    clock.advance(minutes=1)
    await arrives("10.9.9.9", partner)


def test_the_signed_text_is_what_the_documentation_says() -> None:
    text = signing.text_of(method="POST", path=ENTRIES, time=1_700_000_000, nonce="0" * 32, body=b"")
    empty = "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"  # SM3 of nothing.
    assert text == f"POST\n/api/channel/entries\n1700000000\n{'0' * 32}\n{empty}".encode()


async def test_an_old_call_that_somebody_kept_makes_their_place_no_known_one(
    browser: Browser, partner: Partner, at: datetime
) -> None:
    assert code_of(await call(browser, partner, entry(), at=at - timedelta(days=3))) == "credential.call_stale"
    thief = partner.with_other_key()
    codes = [code_of(await call(browser, thief, entry())) for _ in range(channels.WRONG_MAX + 1)]
    assert codes[-1] == "credential.calls_slowed"
