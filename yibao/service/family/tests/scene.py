"""Families with phones in the whole application: an account a phone, and a worker that reads prepared papers."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import httpx
import pytest

from conftest import NewPerson, WorldClock, insured
from tests.entrance import Application, entrance
from yibao import credential, identity, registry
from yibao.app import House, furnish, handlers
from yibao.core.database import Pool, transaction
from yibao.core.outbox import Event
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.paper import Line
from yibao.service.family.types import Asker, Who
from yibao.service.message.sms import NullSms
from yibao.settlement.tests.cast import Forms
from yibao.settlement.tests.scene import add_shops
from yibao.web.principal import CONSOLE_COOKIE, DEVICE_COOKIE, SESSION_COOKIE

PIN = "738291"


class PreparedReader:
    """Stands for the engine: gives the pages in the order in which they were prepared."""

    def __init__(self) -> None:
        self.pages: list[list[Line]] = []

    async def read(self, picture: bytes) -> list[Line]:
        return self.pages.pop(0)


@pytest.fixture
def reader() -> PreparedReader:
    return PreparedReader()


@pytest.fixture
async def house(pool: Pool, keys: Keys, vault: Vault, clock: WorldClock, home: Path, reader: PreparedReader) -> House:
    await add_shops(pool)
    async with transaction(pool) as tx:
        await registry.load_regions(tx)
    return furnish(
        Settings(home=home),
        keys,
        pool,
        clock=clock,
        hasher=identity.Hasher(vault, memory_kib=8, passes=1),
        bank=identity.NoBank(),
        sms=NullSms(),
        reader=reader,
    )


class Browser:
    """A browser: a form is sent with the fields it was shown with, and those that are typed."""

    def __init__(self, app: Application, cookies: Mapping[str, str]) -> None:
        # Not Litestar's own client, which would use the pool in another event loop.
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://phone", cookies=dict(cookies)
        )
        self.page = ""
        self.status = 0
        self.path = ""

    async def get(self, path: str) -> str:
        return await self._follow(path, await self.client.get(path))

    async def send(self, action: str, *, files: list[bytes] | None = None, **typed: str) -> str:
        """Send the form of the page that goes to `action`, and follow to the next page."""
        forms = [fields for goes, fields in Forms(self.page).found if goes == action]
        assert forms, f"no form goes to {action}"
        pictures = [("pictures", (f"{n}.jpg", one, "image/jpeg")) for n, one in enumerate(files)] if files else None
        if pictures:
            fields = {name: value for name, value in forms[0].items() if name != "pictures"}
            answer = await self.client.post(action, data={**fields, **typed}, files=pictures)
        else:
            answer = await self.client.post(action, data={**forms[0], **typed})
        return await self._follow(action, answer)

    async def _follow(self, path: str, answer: httpx.Response) -> str:
        while answer.status_code == 303:
            path = answer.headers["location"]
            if path.startswith("/face/"):
                break
            answer = await self.client.get(path)
        self.path, self.status, self.page = path, answer.status_code, answer.text
        return self.page

    def text(self) -> str:
        return re.sub(r"<[^>]+>|\s+", "", self.page)


@dataclass
class Relative:
    """Somebody with an account and a phone."""

    person: registry.Registrant
    account_id: str
    device: str
    phone: Browser

    @property
    def person_id(self) -> str:
        return self.person.person_id

    @property
    def asker(self) -> Asker:
        return Asker(self.account_id, self.person_id)


def who(person: registry.Registrant) -> Who:
    return Who(person.name, person.cert_type, person.cert_no)


@dataclass
class Town:
    """The application, and whoever lives there."""

    house: House
    new_person: NewPerson
    reader: PreparedReader
    app: Application
    people: list[str] = field(default_factory=list)
    phones: list[Browser] = field(default_factory=list)

    async def adult(
        self,
        *,
        gender: str = "2",
        birth_on: date = date(1990, 6, 1),
        name: str | None = None,
        balance_fen: int = 0,
        insurances: Sequence[registry.Insurance] | None = None,
    ) -> Relative:
        """Return somebody who signed in, bound their insurance and set a transaction password."""
        person = await self.new_person(
            gender=gender, birth_on=birth_on, name=name, balance_fen=balance_fen, insurances=insurances
        )
        self.people.append(person.person_id)
        house, at, mark = self.house, self.house.clock(), secrets.token_urlsafe(24)
        async with transaction(house.pool) as tx:
            account_id = await identity.open_account(
                tx, house.vault, phone=f"1{person.person_id[-10:]}", login_hash="x", at=at
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
                tx, house.vault, hasher=house.hasher, account_id=account_id, password=PIN, at=at
            )
            session = await identity.start_session(tx, account_id=account_id, device=f"browser:{mark}", at=at)
        phone = Browser(self.app, {SESSION_COOKIE: session, DEVICE_COOKIE: mark})
        self.phones.append(phone)
        return Relative(person, account_id, f"browser:{mark}", phone)

    async def alone(
        self,
        *,
        birth_on: date,
        gender: str = "1",
        name: str | None = None,
        child: bool = False,
        insurances: Sequence[registry.Insurance] | None = None,
    ) -> registry.Registrant:
        """Register somebody who has no account: a child, or an elder without a phone."""
        insurances = insurances or ([insured(insutype="390", psn_type="1401")] if child else None)
        person = await self.new_person(
            birth_on=birth_on, gender=gender, name=name, card=None if child else "normal", insurances=insurances
        )
        self.people.append(person.person_id)
        return person

    async def clerk(self, place: str = "510500") -> Browser:
        login = f"A{place}-{secrets.randbelow(10**6):06d}"
        async with transaction(self.house.pool) as tx:
            await identity.add_staff(tx, [identity.Staff(login, place, "演示经办员", "clerk", "x")])
            session = await identity.start_staff_session(tx, login=login, device="desk", at=self.house.clock())
        desk = Browser(self.app, {CONSOLE_COOKIE: session})
        self.phones.append(desk)
        return desk

    async def work(self) -> None:
        """Do what the worker does with everything that these people have caused, until nothing is left that is due."""
        heard = handlers(self.house)
        while rows := await self.house.pool.fetch(
            "DELETE FROM core.outbox WHERE person_id = ANY($1) AND due_at <= now() RETURNING *", self.people
        ):
            for row in sorted(rows, key=lambda row: row["outbox_id"]):
                event = Event(row["person_id"], row["outbox_id"], row["topic"], row["payload"], row["created_at"], 1)
                for handler in heard.get(event.topic, []):
                    await handler(event)

    async def messages(self, person_id: str) -> list[str]:
        await self.work()
        rows = await self.house.pool.fetch(
            "SELECT title FROM message.message WHERE person_id = $1 ORDER BY event_id", person_id
        )
        return [row["title"] for row in rows]


@pytest.fixture
async def town(house: House, new_person: NewPerson, reader: PreparedReader) -> AsyncIterator[Town]:
    town = Town(house, new_person, reader, entrance(house))
    yield town
    for phone in town.phones:
        await phone.client.aclose()
