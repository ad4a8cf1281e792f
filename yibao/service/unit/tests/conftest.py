"""Units with operators, and the browsers of operators, desks and clerks over the whole application."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
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
from yibao.credential.tests.browser import Browser
from yibao.service import unit
from yibao.service.message.sms import NullSms
from yibao.service.unit import rules
from yibao.web.principal import CONSOLE_COOKIE, DEVICE_COOKIE, SESSION_COOKIE

PAY_PASSWORD = "738291"
PLACE = "510500"


def new_credit_code() -> str:
    body = f"91990101MA{secrets.randbelow(10**7):07d}"
    return body + rules.check_character(body)


class Operator:
    """Somebody with a proved real name and a phone."""

    def __init__(self, person: registry.Registrant, account_id: str) -> None:
        self.person = person
        self.account_id = account_id
        self.browser = secrets.token_bytes(32)

    @property
    def named(self) -> unit.Named:
        return unit.Named(self.person.name, self.person.cert_type, self.person.cert_no)


class Office:
    """The room on a real database, each of its actions in a transaction of its own."""

    def __init__(self, house: House, new_person: NewPerson) -> None:
        self.house = house
        self.pool = house.pool
        self.vault = house.vault
        self.codes = house.unit_codes
        self.at = house.clock()
        self._new_person = new_person

    async def operator(self, *, bound: bool = True, name: str | None = None) -> Operator:
        """Return somebody with an account; `bound` also with the insurance and a transaction password."""
        person = await self._new_person(name=name)
        async with transaction(self.pool) as tx:
            account_id = await identity.open_account(
                tx, self.vault, phone=f"1{secrets.randbelow(10**10):010d}", login_hash="-", at=self.at
            )
            await self._prove(tx, person, account_id)
            if bound:
                card_no = person.cards[0].card_no
                await credential.bind(tx, self.vault, account_id=account_id, card_no=card_no, at=self.at)
                await identity.set_pay_password(
                    tx, self.vault, hasher=self.house.hasher, account_id=account_id, password=PAY_PASSWORD, at=self.at
                )
        return Operator(person, account_id)

    async def _prove(self, tx: Tx, person: registry.Registrant, account_id: str) -> None:
        await identity.prove_real_name(
            tx,
            self.vault,
            account_id=account_id,
            name=person.name,
            cert_type=person.cert_type,
            cert_no=person.cert_no,
            at=self.at,
        )

    async def registered(self, legal: Operator, *, name: str = "", institution: str = "", place: str = PLACE) -> str:
        async with transaction(self.pool) as tx:
            return await unit.register(
                tx,
                self.vault,
                unit.Entry(
                    new_credit_code(),
                    name or f"示例{secrets.token_hex(4)}有限公司",
                    "institution" if institution else "employer",
                    place,
                    institution,
                    legal.named,
                ),
                by="A510500-01",
                at=self.at,
            )

    async def appoint(self, unit_id: str, by: Operator, named: unit.Named) -> None:
        async with transaction(self.pool) as tx:
            await unit.appoint(tx, self.vault, unit_id=unit_id, account_id=by.account_id, named=named, at=self.at)

    async def remove(self, unit_id: str, by: Operator, operator_id: str) -> None:
        async with transaction(self.pool) as tx:
            await unit.remove(
                tx, self.vault, unit_id=unit_id, account_id=by.account_id, operator_id=operator_id, at=self.at
            )

    async def activate(self, unit_id: str, by: Operator, *, agreed: bool = True) -> None:
        async with transaction(self.pool) as tx:
            await unit.activate(
                tx,
                self.vault,
                unit_id=unit_id,
                account_id=by.account_id,
                agreed=agreed,
                browser=by.browser,
                at=self.at,
            )

    async def active(self) -> tuple[str, Operator]:
        """Return a unit whose legal representative has activated its code."""
        legal = await self.operator()
        unit_id = await self.registered(legal)
        await self.activate(unit_id, legal)
        return unit_id, legal

    async def show(self, unit_id: str, by: Operator) -> str:
        async with transaction(self.pool) as tx:
            shown = await unit.show_code(
                tx,
                self.vault,
                self.codes,
                unit_id=unit_id,
                account_id=by.account_id,
                browser=by.browser,
                at=self.at,
            )
        return shown.code

    async def unbind(self, unit_id: str, by: Operator) -> None:
        async with transaction(self.pool) as tx:
            await unit.unbind(tx, self.vault, unit_id=unit_id, account_id=by.account_id, at=self.at)

    async def operator_id(self, unit_id: str, of: Operator) -> str:
        found = await unit.seat(self.pool, self.vault, unit_id=unit_id, account_id=of.account_id)
        return found.operator.operator_id

    async def told(self, person_id: str) -> list[str]:
        """Return the topics that this person is to hear of, in their order."""
        rows = await self.pool.fetch(
            "SELECT topic FROM core.outbox WHERE person_id = $1 AND topic LIKE 'unit.%' ORDER BY outbox_id", person_id
        )
        return [row["topic"] for row in rows]


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


@pytest.fixture
async def office(house: House, new_person: NewPerson) -> Office:
    async with transaction(house.pool) as tx:
        await registry.load_regions(tx)
    return Office(house, new_person)


Opens = Callable[[], Awaitable[Browser]]


@pytest.fixture
async def opens(house: House) -> AsyncIterator[Opens]:
    """Opens browsers, each with cookies of its own."""
    application = entrance(house)
    async with AsyncExitStack() as stack:

        async def opened() -> Browser:
            transport = httpx.ASGITransport(application)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://testserver")
            )
            client.cookies.set(DEVICE_COOKIE, secrets.token_urlsafe(24), domain="testserver.local")
            return Browser(client, house)

        yield opened


@pytest.fixture
def phone(opens: Opens, house: House) -> Callable[[Operator], Awaitable[Browser]]:
    async def of(operator: Operator) -> Browser:
        browser = await opens()
        async with transaction(house.pool) as tx:
            session = await identity.start_session(
                tx, account_id=operator.account_id, device="browser:test", at=house.clock()
            )
        browser.client.cookies.set(SESSION_COOKIE, session, domain="testserver.local")
        return browser

    return of


@pytest.fixture
async def clerk(opens: Opens, house: House) -> Browser:
    login = f"A{PLACE}-{secrets.token_hex(4)}"
    browser = await opens()
    async with transaction(house.pool) as tx:
        await identity.add_staff(tx, [identity.Staff(login, PLACE, "泸州市医保经办窗口", "clerk", "-")])
        session = await identity.start_staff_session(tx, login=login, device="browser:clerk", at=house.clock())
    browser.client.cookies.set(CONSOLE_COOKIE, session, domain="testserver.local")
    return browser
