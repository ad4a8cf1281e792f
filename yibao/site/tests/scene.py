"""Insured people with a phone, in the whole application: pages are asked for as a browser asks."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from conftest import NewPerson, WorldClock
from tests.entrance import entrance
from yibao import credential, identity, registry
from yibao.app import House, furnish
from yibao.core.database import Pool, Tx, transaction
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.service.message.sms import NullSms
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE

PAY_PASSWORD = "738291"
_CSRF = re.compile(r'name="_csrf_token" value="([^"]+)"')


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


class Phone:
    """A browser. Forms are sent with the token of the page that was looked at last."""

    def __init__(self, client: httpx.AsyncClient, house: House) -> None:
        self._client = client
        self._house = house
        self._csrf = ""
        self.device = ""
        self.person: registry.Registrant | None = None
        self.account_id = ""

    @property
    def person_id(self) -> str:
        assert self.person is not None
        return self.person.person_id

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    async def get(self, path: str) -> httpx.Response:
        answer = await self._client.get(path, follow_redirects=False)
        self._note(answer)
        return answer

    async def post(self, path: str, **fields: str) -> httpx.Response:
        answer = await self._client.post(path, data={"_csrf_token": self._csrf, **fields}, follow_redirects=False)
        self._note(answer)
        return answer

    def _note(self, answer: httpx.Response) -> None:
        found = _CSRF.search(answer.text) if answer.headers.get("content-type", "").startswith("text/html") else None
        if found:
            self._csrf = found[1]

    async def sign_in(self, person: registry.Registrant, *, bound: bool = True) -> None:
        """Sign in as the account of a person, bound to their insurance, its credential active on this phone."""
        house, at = self._house, self._house.clock()
        self.person = person
        self.device = f"device-{person.person_id}"
        async with transaction(house.pool) as tx:
            self.account_id = await identity.open_account(
                tx, house.vault, phone=f"1{person.person_id[-10:]}", login_hash=await house.hasher.hash("x"), at=at
            )
            if bound:
                await self._bind(tx, person, at)
            session = await identity.start_session(tx, account_id=self.account_id, device=self.device, at=at)
        self._client.cookies.set(SESSION_COOKIE, session)
        self._client.cookies.set(DEVICE_COOKIE, self.device)

    async def _bind(self, tx: Tx, person: registry.Registrant, at: datetime) -> None:
        house = self._house
        await identity.prove_real_name(
            tx,
            house.vault,
            account_id=self.account_id,
            name=person.name,
            cert_type=person.cert_type,
            cert_no=person.cert_no,
            at=at,
        )
        await credential.bind(tx, house.vault, account_id=self.account_id, card_no=person.cards[0].card_no, at=at)
        await identity.set_pay_password(
            tx, house.vault, hasher=house.hasher, account_id=self.account_id, password=PAY_PASSWORD, at=at
        )
        await credential.activate(
            tx,
            person_id=person.person_id,
            account_id=self.account_id,
            place=person.insurances[0].place,
            agreed=True,
            channel="web",
            browser=self.device.encode(),
            at=at,
        )

    async def scanned(self, *, institution: str) -> str:
        """Show the code at an institution and return the visit token that the scan gives it."""
        house, at = self._house, self._house.clock()
        async with transaction(house.pool) as tx:
            shown = await credential.show_code(
                tx, house.codes, person_id=self.person_id, browser=self.device.encode(), at=at
            )
        redeemed = await credential.redeem(house.gate, code=shown.code, institution=institution, till="1", at=at)
        return redeemed.token


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Phone]:
    """A phone on which nobody is signed in."""
    async with transaction(house.pool) as tx:
        if await registry.region_name(tx, "510500") is None:
            await registry.load_regions(tx)
    # In this event loop, which the pool belongs to; Litestar's own test client runs the application in another.
    transport = httpx.ASGITransport(entrance(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://yibao.test") as client:
        yield Phone(client, house)


@pytest.fixture
async def phone(stranger: Phone, new_person: NewPerson) -> Phone:
    """The phone of a retired employee of Luzhou with 212.30 yuan in the personal account."""
    await stranger.sign_in(await new_person(balance_fen=212_30))
    return stranger
