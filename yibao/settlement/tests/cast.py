"""Who is at a till: the cashier in a browser, and the insured person with a phone."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx

from conftest import NewPerson
from tests.entrance import Application
from yibao import credential, identity, registry, settlement
from yibao.app import House
from yibao.core.database import transaction
from yibao.core.outbox import Event
from yibao.settlement import queries
from yibao.settlement.jobs import handlers
from yibao.web.principal import TILL_COOKIE

PIN = "738291"


class Forms(HTMLParser):
    """The forms of a page with the fields that they send, wherever on the page these stand."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._named: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._fields = self._named[given.get("id", "")] = {}
            self.found.append((given["action"], self._fields))
        elif tag == "input" and "name" in given:
            fields = self._named[given["form"]] if "form" in given else self._fields
            fields[given["name"]] = given.get("value", "")


@dataclass
class Insured:
    """Somebody who shows the code on a phone and confirms bills there."""

    house: House
    person: registry.Registrant
    account_id: str

    @property
    def person_id(self) -> str:
        return self.person.person_id

    async def code(self) -> str:
        async with transaction(self.house.pool) as tx:
            shown = await credential.show_code(
                tx,
                self.house.codes,
                person_id=self.person_id,
                browser=self.account_id.encode(),
                at=self.house.clock(),
            )
        return shown.code

    async def bill(self) -> queries.Bill:
        payer = queries.Payer(self.account_id, self.person_id)
        [bill] = await queries.bills_waiting(self.house.pool, payer, at=self.house.clock())
        return bill

    async def confirm(self) -> settlement.Settled:
        async def prove(_: str) -> None:
            """Stand for a transaction password that was right."""

        return await settlement.confirm_bill(
            self.house.desk,
            person_id=self.person_id,
            bill_id=(await self.bill()).bill_id,
            prove=prove,
            at=self.house.clock(),
        )

    async def decline(self) -> None:
        async with transaction(self.house.pool) as tx:
            await settlement.close_bill(
                tx,
                person_id=self.person_id,
                bill_id=(await self.bill()).bill_id,
                state="declined",
                at=self.house.clock(),
            )

    async def settlements(self) -> list[queries.Record]:
        return await queries.records(self.house.pool, self.person_id)


class NewInsured:
    def __init__(self, house: House, new_person: NewPerson) -> None:
        self._house = house
        self._new_person = new_person

    async def __call__(self, *, balance_fen: int = 100_00, free_limit_fen: int = 0, **person_as: Any) -> Insured:
        """Register a retired employee of Luzhou who has activated the credential and set a transaction password."""
        house, at = self._house, self._house.clock()
        person = await self._new_person(balance_fen=balance_fen, **person_as)
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
            await credential.activate(
                tx,
                person_id=person.person_id,
                account_id=account_id,
                place="510500",
                agreed=True,
                channel="web",
                browser=account_id.encode(),
                at=at,
            )
            await credential.set_free_limit(tx, person_id=person.person_id, limit_fen=free_limit_fen, at=at)
        return Insured(house, person, account_id)


class Cashier:
    """A browser at a till. A form is sent with the fields it was shown with, and those that are typed."""

    def __init__(self, client: httpx.AsyncClient, house: House, login: str) -> None:
        self.client = client
        self.house = house
        self.login = login
        self.page = ""
        self.status = 0

    async def get(self, path: str = "/till") -> str:
        return await self._follow(await self.client.get(path, follow_redirects=False))

    async def send(self, action: str, *, item: str = "", page: str | None = None, **typed: str) -> str:
        """Send the form of the page that goes to `action`, of this item, and follow to the next page."""
        return await self._follow(await self.post(action, **{**self.form(action, item=item, page=page), **typed}))

    async def post(self, action: str, **fields: str) -> httpx.Response:
        return await self.client.post(action, data=fields, follow_redirects=False)

    def form(self, action: str, *, item: str = "", page: str | None = None) -> dict[str, str]:
        """Return the fields of a form as they were shown."""
        found = [
            fields
            for goes, fields in Forms(page or self.page).found
            if goes == action and item in ("", fields.get("code"))
        ]
        assert found, f"no form goes to {action}"
        return found[0]

    async def scan(self, insured: Insured) -> str:
        await self.get()
        return await self.send("/till/scan", code=await insured.code())

    async def add(self, code: str, quantity: str = "1") -> str:
        await self.get(f"/till?q={code}")
        return await self.send("/till/lines/add", item=code, quantity=quantity)

    async def purchase(self, insured: Insured) -> str:
        """Scan and enter the published purchase: 420.00, of which 400.00 are in scope."""
        await self.scan(insured)
        await self.add("A200", "2")
        return await self.add("C20")

    async def _follow(self, answer: httpx.Response) -> str:
        if answer.status_code == 303:
            answer = await self.client.get(answer.headers["location"], follow_redirects=False)
        self.status = answer.status_code
        self.page = answer.text
        return self.page


def browser(app: Application) -> httpx.AsyncClient:
    # Not Litestar's own client, which would use the pool in another event loop.
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://till")


async def staff(house: House, client: httpx.AsyncClient, login: str, institution: str) -> Cashier:
    async with transaction(house.pool) as tx:
        await identity.add_staff(tx, [identity.Staff(login, institution, "演示收银员", "cashier", "x")])
        session = await identity.start_staff_session(tx, login=login, device="till", at=house.clock())
    client.cookies.set(TILL_COOKIE, session)
    return Cashier(client, house, login)


logins = iter(range(1, 10_000))


def fen(page: str, name: str) -> int:
    """Return an amount as the form for confirming carries it."""
    [fields] = [fields for goes, fields in Forms(page).found if goes == "/till/confirm"]
    return int(fields[name])


async def daybook(house: House, insured: Insured) -> None:
    """Do what the worker does with the person's events."""
    rows = await house.pool.fetch(
        "SELECT * FROM core.outbox WHERE person_id = $1 AND topic = ANY ($2) ORDER BY outbox_id",
        insured.person_id,
        list(handlers(house.pool)),
    )
    for row in rows:
        event = Event(row["person_id"], row["outbox_id"], row["topic"], row["payload"], row["created_at"], 1)
        await handlers(house.pool)[event.topic](event)
