"""The code behind the phone's screen lock (B6): over the pages, as their script asks and a browser answers."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fido2.utils import websafe_encode

from tests.entrance import entrance
from yibao.app import House
from yibao.core.database import transaction
from yibao.credential import actions, rules, screen_lock
from yibao.web.principal import DEVICE_COOKIE

from .browser import Browser, bank, whole_house
from .lockable import LockablePhone
from .test_pages import PAY_PASSWORD, Arrive, Citizen, arrive

__all__ = ["arrive", "bank", "whole_house"]

ORIGIN = "http://localhost:8000"


@pytest.fixture
async def browser(whole_house: House) -> AsyncIterator[Browser]:
    """A browser that is where the screen lock can be asked for."""
    transport = httpx.ASGITransport(entrance(whole_house))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Browser(client, whole_house)


class Owner:
    """Somebody whose code is active on a phone with a screen lock."""

    def __init__(self, citizen: Citizen, phone: LockablePhone) -> None:
        self.citizen, self.phone, self.browser = citizen, phone, citizen.browser

    @property
    def person_id(self) -> str:
        return self.citizen.person.person_id

    @property
    def activation(self) -> bytes:
        """By what the activation in this browser is known."""
        return rules.browser_digest(f"browser:{self.browser.client.cookies[DEVICE_COOKIE]}", "web")

    async def post(self, path: str, body: object = None) -> httpx.Response:
        """Post as the page's script does."""
        token = self.browser.page.forms[0].values["_csrf_token"]
        return await self.browser.client.post(path, json=body, headers={"x-csrftoken": token})

    async def question(self) -> dict[str, Any]:
        answer = await self.post("/code/lock/question")
        assert answer.status_code == 200
        asked: dict[str, Any] = answer.json()
        return asked

    async def makes(self, **departing: Any) -> int:
        return (await self.post("/code/lock/made", self.phone.make(await self.question(), **departing))).status_code

    async def signs(self, **departing: Any) -> int:
        return (await self.post("/code/lock/signed", self.phone.sign(await self.question(), **departing))).status_code

    async def next(self) -> int:
        return (await self.browser.client.get("/code/next")).status_code

    async def waits(self, **by: float) -> None:
        self.browser.house.clock.advance(**by)  # type: ignore[attr-defined]

    async def is_led_to(self, path: str) -> str:
        await self.browser.get(path)
        return self.browser.path


@pytest.fixture
async def owner(arrive: Arrive) -> Owner:
    citizen = await arrive()
    await citizen.show()
    return Owner(citizen, LockablePhone(ORIGIN))


@pytest.fixture
async def locked(owner: Owner) -> Owner:
    """Whose lock was set, and has shut since."""
    assert await owner.makes() == 204
    await owner.waits(minutes=5)
    assert await owner.is_led_to("/code") == "/code/unlock?next=%2Fcode"
    return owner


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://ybj.example.cn/", "https://ybj.example.cn"),
        ("https://YBJ.example.cn:443", "https://ybj.example.cn"),
        ("https://ybj.example.cn:8443/x", "https://ybj.example.cn:8443"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://localhost", "http://localhost"),
        ("http://ybj.example.cn/", ""),
        ("http://127.0.0.1:8000/", ""),
        ("https://10.0.0.1/", ""),
        ("https://[::1]/", ""),
        ("https://[::1", ""),
        ("https://ybj.example.cn:port/", ""),
        ("", ""),
    ],
)
def test_browsers_ask_for_the_lock_over_https_and_under_a_name(address: str, origin: str) -> None:
    assert screen_lock.origin_of(address) == origin


async def test_the_lock_is_offered_and_nobody_notices_who_does_not_want_it(owner: Owner) -> None:
    page = await owner.browser.get("/code")
    owner.browser.must_be_usable()
    assert f'data-origin="{ORIGIN}" hidden' in page
    assert "/static/lock.js" in page
    await owner.waits(hours=9)
    assert await owner.is_led_to("/code") == "/code"
    assert await owner.next() == 200
    for path in ("/code/unlock", "/code/lock"):
        assert await owner.is_led_to(path) in ("/code", "/")


async def test_where_browsers_have_no_lock_for_pages_nothing_is_offered(owner: Owner) -> None:
    page = (await owner.browser.client.get("/code", headers={"host": "127.0.0.1:8000"})).text
    assert "code-digits" in page
    assert "lock.js" not in page
    assert "lock-offer" not in page


async def test_a_locked_code_is_opened_by_the_phone(owner: Owner) -> None:
    assert await owner.makes() == 204
    page = await owner.browser.get("/code")
    owner.browser.must_be_usable()
    assert f'data-lock="{websafe_encode(owner.phone.credential_id)}"' in page
    assert "lock-offer" not in page
    await owner.waits(minutes=5)
    assert await owner.next() == 423
    assert (await owner.post("/code/tickets", {"tickets": 1})).status_code == 423
    assert await owner.is_led_to("/code") == "/code/unlock?next=%2Fcode"
    owner.browser.must_be_usable()
    assert "code-digits" not in owner.browser.text
    assert 'data-next="/code"' in owner.browser.text

    assert await owner.signs() == 204
    assert await owner.is_led_to("/code") == "/code"
    assert await owner.citizen.scanned(owner.citizen.code()) == owner.person_id
    assert (await owner.post("/code/tickets", {"tickets": 1})).status_code == 200


async def test_a_code_that_is_shown_keeps_the_lock_open(owner: Owner) -> None:
    await owner.makes()
    for _ in range(4):
        await owner.waits(minutes=4)
        assert await owner.next() == 200
    await owner.waits(minutes=4, seconds=59)
    assert await owner.is_led_to("/code") == "/code"
    await owner.waits(minutes=5)
    assert await owner.next() == 423


@pytest.mark.parametrize(
    "departing",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"rp_id": "evil.example"},
        {"challenge": websafe_encode(bytes(32))},
        {"verified": False},
        {"kind": "webauthn.get"},
    ],
    ids=str,
)
async def test_a_key_that_is_not_of_this_page_and_its_owner_sets_no_lock(
    owner: Owner, departing: dict[str, Any]
) -> None:
    assert await owner.makes(**departing) == 403
    await owner.waits(minutes=6)
    assert await owner.next() == 200


@pytest.mark.parametrize(
    "departing",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"rp_id": "evil.example"},
        {"challenge": websafe_encode(bytes(32))},
        {"verified": False},
        {"kind": "webauthn.create"},
        {"credential_id": bytes(32)},
    ],
    ids=str,
)
async def test_what_does_not_prove_the_owner_leaves_the_code_locked(locked: Owner, departing: dict[str, Any]) -> None:
    assert await locked.signs(**departing) == 403
    assert await locked.next() == 423
    assert await locked.signs() == 204
    assert await locked.next() == 200


async def test_another_phone_opens_nothing(locked: Owner) -> None:
    """Neither under its own name nor under that of the right key."""
    own, locked.phone = locked.phone, LockablePhone(ORIGIN)
    assert await locked.signs() == 403
    assert await locked.signs(credential_id=own.credential_id) == 403
    assert await locked.next() == 423


async def test_an_answer_is_taken_once_and_within_two_minutes(locked: Owner) -> None:
    answer = locked.phone.sign(await locked.question())
    assert (await locked.post("/code/lock/signed", answer)).status_code == 204
    await locked.waits(minutes=5)
    assert (await locked.post("/code/lock/signed", answer)).status_code == 403
    late = locked.phone.sign(await locked.question())
    await locked.waits(minutes=2)
    assert (await locked.post("/code/lock/signed", late)).status_code == 403
    overtaken = locked.phone.sign(await locked.question())
    await locked.question()
    assert (await locked.post("/code/lock/signed", overtaken)).status_code == 403
    assert await locked.next() == 423


async def test_a_key_that_counts_may_not_count_backwards(owner: Owner) -> None:
    """Then it was copied."""
    owner.phone = LockablePhone(ORIGIN, counts=True)
    await owner.makes()
    for count, status in ((7, 204), (7, 403), (6, 403), (0, 403), (8, 204)):
        assert await owner.signs(count=count) == status


@pytest.mark.parametrize("broken", ["", "!", "A", "AAAA", "9" * 20_000, "_w", "oA", "汉"], ids=lambda text: text[:9])
async def test_what_is_no_answer_is_refused(locked: Owner, broken: str) -> None:
    good = locked.phone.sign(await locked.question())
    for name in good:
        await locked.question()
        assert (await locked.post("/code/lock/signed", {**good, name: broken})).status_code == 403
    made = locked.phone.make(await locked.question())
    for name in made:
        await locked.question()
        assert (await locked.post("/code/lock/made", {**made, name: broken})).status_code == 403
    assert await locked.next() == 423


async def test_a_lock_is_not_replaced_by_another_phones(locked: Owner) -> None:
    own, locked.phone = locked.phone, LockablePhone(ORIGIN)
    assert await locked.makes() == 204
    assert await locked.next() == 423
    assert await locked.signs() == 403
    locked.phone = own
    assert await locked.signs() == 204


async def test_the_transaction_password_opens_a_locked_code(locked: Owner) -> None:
    text = await locked.browser.fill("/code/unlock", pay_password="135246")
    locked.browser.must_be_usable()
    assert (locked.browser.status, "identity.wrong_pay_password" in text) == (403, True)
    assert await locked.next() == 423
    await locked.browser.fill("/code/unlock", pay_password=PAY_PASSWORD)
    assert locked.browser.path == "/code"
    await locked.waits(minutes=5)
    assert await locked.next() == 423


async def test_the_transaction_password_ends_the_lock(locked: Owner) -> None:
    await locked.browser.fill("/code/unlock", pay_password=PAY_PASSWORD, forever="1")
    await locked.waits(minutes=5)
    assert await locked.is_led_to("/code") == "/code"
    assert "lock-offer" in locked.browser.text

    assert await locked.makes() == 204
    await locked.browser.get("/code")
    await locked.browser.follow("/code/lock")
    locked.browser.must_be_usable()
    await locked.browser.fill("/code/lock", pay_password="135246")
    locked.browser.must_be_usable()
    assert locked.browser.status == 403
    await locked.browser.fill("/code/lock", pay_password=PAY_PASSWORD)
    assert locked.browser.path == "/code"
    await locked.waits(minutes=5)
    assert await locked.next() == 200


async def test_a_lock_ends_with_its_activation(locked: Owner) -> None:
    """One phone, and all; a new activation is asked anew."""
    pool, at = locked.browser.house.pool, locked.browser.house.clock()
    await locked.browser.get("/me/channels")
    await locked.browser.follow("/me/channels/unbind")
    await locked.browser.fill("/me/channels/unbind", pay_password=PAY_PASSWORD)
    assert await locked.is_led_to("/code") == "/code/activate"
    await locked.citizen.activate()
    assert "lock-offer" in locked.browser.text
    await locked.waits(minutes=6)
    assert await locked.next() == 200

    await locked.makes()
    async with transaction(pool) as tx:
        await actions.unbind(tx, person_id=locked.person_id, account_id=locked.citizen.account_id, at=at)
    assert not await pool.fetch("SELECT FROM credential.screen_lock WHERE person_id = $1", locked.person_id)


async def test_without_an_activation_there_is_nothing_to_lock(arrive: Arrive) -> None:
    citizen = await arrive()
    owner = Owner(citizen, LockablePhone(ORIGIN))
    await citizen.browser.get("/me")
    made = owner.phone.make({"challenge": websafe_encode(bytes(32)), "rp_id": "localhost"})
    for path, body in (("question", None), ("made", made)):
        assert (await owner.post(f"/code/lock/{path}", body)).status_code == 409
    await citizen.prove()
    await citizen.bind()
    for path, body in (("question", None), ("made", made)):
        assert (await owner.post(f"/code/lock/{path}", body)).status_code == 409


async def test_the_lock_costs_a_code_no_statement(owner: Owner) -> None:
    house, seen = owner.browser.house, list[str]()
    for _ in range(2):
        async with transaction(house.pool) as tx:
            with tx.query_logger(lambda query: seen.append(query.query)):
                await actions.show_code(
                    tx, house.codes, person_id=owner.person_id, browser=owner.activation, at=house.clock()
                )
        assert len(seen) == 1, seen
        seen.clear()
        await owner.makes()  # The second time behind an open lock.
