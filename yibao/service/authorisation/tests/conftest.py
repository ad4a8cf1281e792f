"""People with a code, and institutions with a key, over the whole application."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import NewPerson, WorldClock
from tests.entrance import entrance
from yibao import credential, identity, registry
from yibao.app import House, furnish
from yibao.core.database import Pool, transaction
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.credential.tests.browser import Browser
from yibao.service.message.sms import NullSms
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE

PAY_PASSWORD = "738291"


@pytest.fixture
def house(pool: Pool, keys: Keys, vault: Vault, clock: WorldClock, home: Path) -> House:
    return furnish(
        Settings(home=home),
        keys,
        pool,
        clock=clock,
        hasher=identity.Hasher(vault, memory_kib=8, passes=1),
        bank=identity.NoBank(),
        sms=NullSms(),
    )


class Holder:
    """Somebody whose code is active on a phone."""

    def __init__(self, person: registry.Registrant, account_id: str, browser: Browser) -> None:
        self.person = person
        self.person_id = person.person_id
        self.account_id = account_id
        self.browser = browser
        self.mark = secrets.token_bytes(32)

    async def scanned(self, institution: str) -> str:
        """Show the code at an institution and return the token that it gets."""
        house = self.browser.house
        at = house.clock()
        async with transaction(house.pool) as tx:
            shown = await credential.show_code(tx, house.codes, person_id=self.person_id, browser=self.mark, at=at)
        redeemed = await credential.redeem(house.gate, code=shown.code, institution=institution, till="1", at=at)
        return redeemed.token

    async def told(self) -> list[str]:
        rows = await self.browser.house.pool.fetch(
            "SELECT topic FROM core.outbox WHERE person_id = $1 AND topic LIKE 'authorisation.%' ORDER BY outbox_id",
            self.person_id,
        )
        return [row["topic"] for row in rows]


class Party:
    """An institution's system with its key."""

    def __init__(self, client: httpx.AsyncClient, code: str, name: str) -> None:
        self.client = client
        self.code = code
        self.name = name

    async def ask(
        self, *scopes: str, days: int = 0, purpose: str = "办理住院登记", number: str = "", **more: Any
    ) -> httpx.Response:
        body = {
            "request_id": number or secrets.token_hex(8),
            "scopes": scopes or ("identity",),
            "purpose": purpose,
            "days": days,
            **more,
        }
        return await self.client.post("/api/authorisations", json=body)

    async def asked(self, *scopes: str, **more: Any) -> str:
        answer = await self.ask(*scopes, **more)
        assert answer.status_code == 201, answer.text
        request_id: str = answer.json()["authorisation_id"]
        return request_id

    async def status(self, request_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.client.get(f"/api/authorisations/{request_id}")).json()
        return answer

    async def check(self, auth_no: str) -> httpx.Response:
        return await self.client.post("/api/authorisations/check", json={"auth_no": auth_no})

    async def read(self, token: str) -> httpx.Response:
        return await self.client.post("/api/authorisations/read", json={"token": token})


@pytest.fixture
async def opens(house: House) -> AsyncIterator[Callable[[], Awaitable[httpx.AsyncClient]]]:
    async with transaction(house.pool) as tx:
        await registry.load_regions(tx)
    application = entrance(house)
    async with AsyncExitStack() as stack:

        async def opened() -> httpx.AsyncClient:
            transport = httpx.ASGITransport(application)
            return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://testserver"))

        yield opened


NewHolder = Callable[[], Awaitable[Holder]]
NewParty = Callable[[], Awaitable[Party]]


@pytest.fixture
def new_party(opens: Callable[[], Awaitable[httpx.AsyncClient]], house: House) -> NewParty:
    async def arrive() -> Party:
        code, name = f"H{secrets.randbelow(10**11):011d}", f"样本{secrets.token_hex(3)}医院"
        async with transaction(house.pool) as tx:
            await registry.add_institutions(
                tx,
                [
                    registry.Institution(
                        code, name, "341100", "hospital", "tertiary", "样本路 1 号", "0830-0000000", ("outpatient",)
                    )
                ],
            )
            key = await identity.issue_api_key(tx, institution=code, at=house.clock())
        client = await opens()
        client.headers["authorization"] = f"Bearer {key}"
        return Party(client, code, name)

    return arrive


@pytest.fixture
def new_holder(opens: Callable[[], Awaitable[httpx.AsyncClient]], house: House, new_person: NewPerson) -> NewHolder:
    async def arrive() -> Holder:
        person, at, client = await new_person(), house.clock(), await opens()
        browser = Browser(client, house)
        client.cookies.set(DEVICE_COOKIE, secrets.token_urlsafe(24), domain="testserver.local")
        async with transaction(house.pool) as tx:
            account_id = await identity.open_account(
                tx, house.vault, phone=f"1{secrets.randbelow(10**10):010d}", login_hash="-", at=at
            )
            await identity.prove_real_name(
                tx,
                house.vault,
                account_id=account_id,
                name=person.name,
                cert_type=person.cert_type,
                cert_no=person.cert_no,
                at=at,
            )
            await credential.bind(tx, house.vault, account_id=account_id, card_no=person.cards[0].card_no, at=at)
            await identity.set_pay_password(
                tx, house.vault, hasher=house.hasher, account_id=account_id, password=PAY_PASSWORD, at=at
            )
            holder = Holder(person, account_id, browser)
            await credential.activate(
                tx,
                person_id=person.person_id,
                account_id=account_id,
                place="510500",
                agreed=True,
                channel="web",
                browser=holder.mark,
                at=at,
            )
            session = await identity.start_session(tx, account_id=account_id, device="browser:test", at=at)
        client.cookies.set(SESSION_COOKIE, session, domain="testserver.local")
        return holder

    return arrive
