"""A cashier at a till and an insured person with a phone, in the whole application (C1, C13, C14)."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import segno
import zxingcpp
from PIL import Image

from conftest import NewPerson, WorldClock, insured
from tests.entrance import Application, entrance
from yibao import credential, identity, ledger, registry, settlement
from yibao.app import House, furnish
from yibao.core.database import Pool, open_pool, transaction
from yibao.core.numbers import Numbers
from yibao.core.outbox import Event
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.service.message.sms import NullSms
from yibao.settlement import Desk, queries, till
from yibao.settlement.draft import draft_of
from yibao.settlement.jobs import handlers
from yibao.settlement.tests.scene import CHENGDU_PHARMACY, HOSPITAL, PHARMACY, CountingPool
from yibao.web.principal import SESSION_COOKIE, TILL_COOKIE

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


@pytest.fixture
async def house(shops: None, pool: Pool, keys: Keys, vault: Vault, clock: WorldClock, home: Path) -> House:
    if await registry.region_name(pool, "510500") is None:
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
    )


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
            await identity.set_pay_password(tx, house.vault, hasher=house.hasher, account_id=account_id, password=PIN)
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


@pytest.fixture
def new_insured(house: House, new_person: NewPerson) -> NewInsured:
    return NewInsured(house, new_person)


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


_logins = iter(range(1, 10_000))


@pytest.fixture
async def cashier(house: House) -> AsyncIterator[Cashier]:
    async with browser(entrance(house)) as client:
        yield await staff(house, client, f"{PHARMACY}-{next(_logins):04d}", PHARMACY)


@pytest.fixture
async def window(house: House) -> AsyncIterator[Cashier]:
    """The window of a hospital that treats and admits."""
    async with browser(entrance(house)) as client:
        yield await staff(house, client, f"{HOSPITAL}-{next(_logins):04d}", HOSPITAL)


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


async def test_an_empty_till_asks_for_a_code(cashier: Cashier) -> None:
    page = await cashier.get()
    assert cashier.status == 200
    for part in ('id="scan-form"', 'id="code"', 'id="camera-open"', 'id="camera" hidden muted playsinline', "till.js"):
        assert part in page
    assert 'http-equiv="refresh"' not in page


async def test_a_scanned_person_is_shown_masked(cashier: Cashier, new_insured: NewInsured) -> None:
    page = await cashier.scan(await new_insured(name="医小川"))
    assert cashier.status == 200
    for text in ("医*川", "男", "68 岁", "泸州市"):
        assert text in page
    assert "医小川" not in page
    assert "结算成功" not in page


async def test_a_code_that_is_none_is_refused_in_place_and_counted(cashier: Cashier) -> None:
    codes = ["", "123", "9" * 28, "x" * 64, "\x00" * 28]
    await cashier.get()
    for code in codes:
        page = await cashier.send("/till/scan", code=code)
        assert cashier.status in (404, 422)
        assert "credential.code_" in page
    counted = await cashier.house.pool.fetchval(
        "SELECT count(*) FROM credential.bad_scan WHERE till = $1", cashier.login
    )
    assert counted == len(codes)


async def test_items_are_found_added_changed_and_removed(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.scan(await new_insured())
    assert "目录中没有找到「没有的药」" in await cashier.get("/till?q=没有的药")
    assert "示例药品A200" in await cashier.get("/till?q=药品A2")

    page = await cashier.add("A200", "2")
    assert fen(page, "total") == 400_00
    page = await cashier.add("A200", "0.5")
    assert fen(page, "total") == 500_00, "the same item again adds up"
    page = await cashier.send("/till/lines/change", item="A200", quantity="3", unit_price="150")
    assert fen(page, "total") == 450_00
    page = await cashier.send("/till/lines/change", item="A200", quantity=" ３", unit_price="")
    assert fen(page, "total") == 600_00, "without a price, the directory's applies"
    await cashier.add("C20")
    form = cashier.form("/till/lines/change", item="A200")
    page = await cashier._follow(await cashier.post("/till/lines/remove", **form))
    assert fen(page, "total") == 20_00


async def test_what_no_basket_holds_is_refused_in_place(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.scan(await new_insured())
    basket = await cashier.add("A1")
    results = await cashier.get("/till?q=A200")
    for page, field, texts, code in (
        (results, "quantity", ("0", "NaN", "1e3", "0.00001", "两盒", "\x00"), "settlement.malformed_order"),
        (results, "code", ("\x00", "Z"), "settlement.item_unknown"),
        (results, "shown", ("", "another"), "settlement.draft_changed"),
        (basket, "quantity", ("", "-1", "1_0", "100001"), "settlement.malformed_order"),
        (basket, "unit_price", ("-1", "sNaN", "0.0000001"), "settlement.malformed_order"),
    ):
        for text in texts:
            action = "/till/lines/add" if page is results else "/till/lines/change"
            form = cashier.form(action, item="A200" if page is results else "A1", page=page)
            refused = await cashier._follow(await cashier.post(action, **{**form, field: text}))
            assert 400 <= cashier.status < 500, (field, text)
            assert code in refused, (field, text)
            assert fen(refused, "total") == 1_00


async def test_a_price_above_the_directorys_is_refused_where_it_stands(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    await cashier.scan(await new_insured())
    await cashier.add("C20")
    page = await cashier.send("/till/lines/change", item="C20", unit_price="20.01")
    assert cashier.status == 200
    assert "settlement.price_over_limit" in page
    assert 'action="/till/confirm"' not in page
    page = await cashier.send("/till/lines/change", item="C20", unit_price="19.99")
    assert fen(page, "total") == 19_99


async def test_the_split_is_shown_before_anything_is_booked(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1: what insurance, personal account and cash pay of the published purchase."""
    one = await new_insured(balance_fen=100_00)
    page = await cashier.purchase(one)
    assert [fen(page, name) for name in ("total", "fund", "account", "cash")] == [420_00, 175_00, 100_00, 145_00]
    assert "基金支付 175.00 元，个人账户 100.00 元，现金 145.00 元" in page
    page = await cashier.send("/till/account")
    assert [fen(page, name) for name in ("fund", "account", "cash")] == [175_00, 0, 245_00]
    assert 'aria-checked="false"' in page
    page = await cashier.send("/till/account")
    assert fen(page, "account") == 100_00
    assert await one.settlements() == []


HYPERTENSION = registry.Qualification("510500", "chronic", "M03900", from_on=date(2026, 1, 1))


async def qualified(house: House, insured: Insured, *held: registry.Qualification) -> Insured:
    async with transaction(house.pool) as tx:
        await registry.qualify(tx, insured.person_id, held)
    return insured


def visits(page: str) -> dict[str, str]:
    """Return the kinds of visit that a page lets choose from."""
    return dict(re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', page))


async def test_a_hospital_settles_a_stay_or_a_chronic_visit(window: Cashier, new_insured: NewInsured) -> None:
    """C11, D7: the cashier chooses by name; each kind has its own split, and paper and record name it."""
    elsewhere = registry.Qualification("510100", "chronic", "M01600", from_on=date(2026, 1, 1))
    over = registry.Qualification("510500", "chronic", "M01600", date(2025, 1, 1), until_on=date(2026, 1, 1))
    one = await qualified(window.house, await new_insured(), HYPERTENSION, elsewhere, over)
    await window.scan(one)
    page = await window.add("A200", "5")
    assert visits(page) == {":": "普通门诊", "chronic:M03900": "门诊慢特病（高血压）", "inpatient:": "住院"}
    ids = [window.form("/till/clear")["shown"]]
    funds = [fen(page, "fund")]
    for chosen in ("inpatient:", "chronic:M03900"):
        page = await window.send("/till/visit", visit=chosen)
        assert f'<option value="{chosen}" selected>' in page
        ids.append(window.form("/till/clear")["shown"])
        funds.append(fen(page, "fund"))
    assert len(set(ids)) == 3
    assert funds == [510_00, 178_00, 210_00]  # (1000-150)*60%, (1000-800)*(85%+4%), (1000-700)*70%
    assert "结算成功" in await window.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    assert record.fund_fen == 210_00
    page = await window.get(f"/till/settlements/{record.settlement_id}")
    assert "<dt>就医类别</dt><dd>门诊慢特病（高血压）</dd>" in page


async def test_a_visit_that_the_till_did_not_offer_is_refused_with_a_page(
    window: Cashier, cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await qualified(window.house, await new_insured(), HYPERTENSION)
    for where, forged in (
        (
            window,
            ("", "chronic:", "chronic:M01600", "chronic:\x00", "inpatient:M03900", "pharmacy:", "x" * 5000, "\x00"),
        ),
        (cashier, ("inpatient:", "outpatient:", "chronic:M01600")),
    ):
        await where.scan(one)
        page = await where.add("A200")
        shown = where.form("/till/clear")["shown"]
        for text in forged:
            refused = await where.send("/till/visit", page=page, visit=text)
            assert where.status == 400, text
            assert "就医类别须从列表中选择" in refused
            assert where.form("/till/clear")["shown"] == shown
        assert fen(await where.send("/till/visit", page=page, visit="chronic:M03900"), "total") == 200_00
        assert "settlement.draft_changed" in await where.send("/till/visit", page=page, visit=":")


async def test_a_pharmacy_lets_choose_only_where_there_is_a_choice(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.scan(await new_insured())
    assert 'action="/till/visit"' not in await cashier.add("A200")
    await cashier.send("/till/clear")
    page = await cashier.scan(await qualified(cashier.house, await new_insured(), HYPERTENSION))
    assert visits(page) == {":": "定点药店购药", "chronic:M03900": "门诊慢特病（高血压）"}


async def test_whose_qualification_ended_meanwhile_can_be_settled_otherwise(
    window: Cashier, new_insured: NewInsured
) -> None:
    one = await qualified(window.house, await new_insured(), HYPERTENSION)
    await window.scan(one)
    await window.add("A200")
    await window.send("/till/visit", visit="chronic:M03900")
    today = window.house.clock().date()
    await qualified(window.house, one, msgspec.structs.replace(HYPERTENSION, until_on=today))
    page = await window.get()
    assert "settlement.disease_not_registered" in page
    page = await window.send("/till/visit", visit=":")
    assert fen(page, "total") == 200_00


async def test_the_basket_is_shown_with_one_statement_for_each_thing_that_it_shows(
    house: House, cashier: Cashier, new_insured: NewInsured
) -> None:
    """Session, draft, person, place, quote, and the kinds of visit."""
    await cashier.purchase(await new_insured())
    counting = CountingPool(house.pool)
    desk = Desk(counting, numbers=house.desk.numbers, tokens=house.desk.tokens)
    async with browser(entrance(replace(house, pool=counting, desk=desk))) as client:
        client.cookies = cashier.client.cookies
        assert "现金应收" in (await client.get("/till")).text
    assert len(counting.statements) == 6, counting.statements


async def test_the_transaction_password_at_the_till_settles(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1, C3: a wrong password is refused beside the field; the right one settles, with the sign and the cash owed."""
    one = await new_insured()
    shown = await cashier.purchase(one)
    page = await cashier.send("/till/confirm", password="111222")
    assert 400 <= cashier.status < 500
    assert "identity.wrong_pay_password" in page
    assert "111222" not in page
    assert await one.settlements() == []

    page = await cashier.send("/till/confirm", password=PIN)
    assert cashier.status == 200
    assert 'id="beep"' in page
    assert "145.00" in page
    [record] = await one.settlements()
    assert record.settlement_id in page
    assert (record.total_fen, record.cash_fen) == (420_00, 145_00)

    again = await cashier.send("/till/confirm", page=shown, password=PIN)
    assert record.settlement_id in again, "a second click finds what the first did"
    assert len(await one.settlements()) == 1

    assert 'id="scan-form"' in await cashier.send("/till/clear")
    await cashier.send("/till/confirm", page=shown, password=PIN)
    assert len(await one.settlements()) == 1, "nor does a form from before the next person"


async def test_two_clicks_at_once_settle_once(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    form = {**cashier.form("/till/confirm"), "password": PIN}
    answers = await asyncio.gather(*(cashier.post("/till/confirm", **form) for _ in range(3)))
    assert {answer.headers.get("location") for answer in answers} == {"/till"}
    assert len(await one.settlements()) == 1


async def test_under_the_free_limit_no_password_is_asked(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1: none where the amount is under the limit that the person set."""
    one = await new_insured(free_limit_fen=420_00)
    page = await cashier.purchase(one)
    assert "收不到账单，请用上面的「免密结算」" in page
    assert 'type="password"' not in page
    assert "结算成功" in await cashier.send("/till/confirm")
    assert len(await one.settlements()) == 1


async def test_over_the_free_limit_nothing_settles_without_a_password(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await new_insured(free_limit_fen=419_99)
    assert "免密结算" not in await cashier.purchase(one)
    page = await cashier.send("/till/confirm", password="")
    assert "settlement.password_required" in page
    assert await one.settlements() == []


async def test_the_person_confirms_the_bill_on_the_phone(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1: the phone shows the bill, and the till notices by itself."""
    one = await new_insured()
    shown = await cashier.purchase(one)
    assert "手机没有网络的，收不到账单，请在本机输入交易密码" in shown
    page = await cashier.send("/till/send")
    assert "等待参保人确认" in page
    assert "没有网络的，请撤回账单，改在本机输入交易密码" in page
    assert '<meta http-equiv="refresh" content="2;url=/till">' in page
    bill = await one.bill()
    assert bill.quote.split.cash_fen == 145_00

    assert "等待参保人确认" in await cashier.send("/till/send", page=shown), "a second click sends nothing more"
    assert "settlement.draft_locked" in await cashier.send("/till/confirm", page=shown, password=PIN)
    assert "settlement.draft_locked" in await cashier.send("/till/lines/change", page=shown, item="C20", quantity="2")
    assert "settlement.draft_locked" in await cashier.send("/till/clear", page=shown)

    settled = await one.confirm()
    page = await cashier.get()
    assert 'id="beep"' in page
    assert settled.settlement_id in page
    assert 'http-equiv="refresh"' not in page


async def test_a_declined_bill_is_changed_and_sent_anew(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    first = await one.bill()
    await one.decline()
    page = await cashier.get()
    assert "参保人拒绝了这张账单" in page
    assert 'http-equiv="refresh"' not in page
    await cashier.send("/till/withdraw")
    await cashier.send("/till/lines/change", item="C20", quantity="2")
    await cashier.send("/till/send")
    second = await one.bill()
    assert second.bill_id != first.bill_id
    assert second.quote.split.total_fen == 440_00
    await one.confirm()
    assert "结算成功" in await cashier.get()


async def test_a_withdrawn_bill_cannot_be_confirmed_any_more(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    bill = await one.bill()
    page = await cashier.send("/till/withdraw")
    assert 'action="/till/confirm"' in page
    closed = await queries.bill(cashier.house.pool, person_id=one.person_id, bill_id=bill.bill_id)
    assert closed is not None
    assert closed.state == "withdrawn"
    assert "结算成功" in await cashier.send("/till/confirm", password=PIN)
    assert len(await one.settlements()) == 1


async def test_a_bill_confirmed_before_it_is_withdrawn_is_shown_as_settled(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    waiting = await cashier.send("/till/send")
    await one.confirm()
    assert "结算成功" in await cashier.send("/till/withdraw", page=waiting)


async def test_a_bill_nobody_answers_ends(cashier: Cashier, new_insured: NewInsured, clock: WorldClock) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    clock.at += timedelta(minutes=15)
    page = await cashier.get()
    assert "账单超过 15 分钟没有确认" in page
    page = await cashier.send("/till/withdraw")
    assert "settlement.visit_expired" in page


async def test_what_was_shown_is_what_is_settled(cashier: Cashier, new_insured: NewInsured) -> None:
    """The balance changes after the amounts were shown: nothing is booked, the new amounts are shown."""
    one = await new_insured(balance_fen=100_00)
    await cashier.purchase(one)
    async with transaction(cashier.house.pool) as tx:
        await ledger.credit(
            tx,
            person_id=one.person_id,
            place="510500",
            amount_fen=45_00,
            cause="划入",
            at=cashier.house.clock(),
        )
    page = await cashier.send("/till/confirm", password=PIN)
    assert cashier.status == 409
    assert "settlement.quote_changed" in page
    assert await one.settlements() == []
    assert fen(page, "account") == 145_00
    assert "结算成功" in await cashier.send("/till/confirm", password=PIN)


@pytest.mark.parametrize("left_out", ["total", "cash"])
async def test_a_form_without_the_amounts_settles_nothing(
    cashier: Cashier, new_insured: NewInsured, left_out: str
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    form = cashier.form("/till/confirm")
    for typed in ({**form, left_out: "x"}, {name: value for name, value in form.items() if name != left_out}):
        answer = await cashier.post("/till/confirm", **{**typed, "password": PIN})
        assert answer.status_code == 400
    assert await one.settlements() == []


async def test_a_form_shown_for_another_basket_does_nothing(cashier: Cashier, new_insured: NewInsured) -> None:
    """The amounts are equal, the items are not: only the mark of the draft tells."""
    one = await new_insured()
    await cashier.scan(one)
    stale = await cashier.add("A200")
    await cashier.send(
        "/till/lines/remove", page=stale.replace("/till/lines/change", "/till/lines/remove"), item="A200"
    )
    page = await cashier.add("A200")
    assert fen(page, "total") == fen(stale, "total")
    assert "settlement.draft_changed" in await cashier.send("/till/confirm", page=stale, password=PIN)
    assert "settlement.draft_changed" in await cashier.send("/till/send", page=stale)
    assert "settlement.draft_changed" in await cashier.send("/till/clear", page=stale)
    assert await one.settlements() == []


async def test_what_was_paid_is_seen_even_if_another_window_changed_the_basket(
    cashier: Cashier, new_insured: NewInsured, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    form = {**cashier.form("/till/confirm"), "password": PIN}
    change = {**cashier.form("/till/lines/change", item="C20"), "quantity": "3"}
    verify = cashier.house.hasher.verify

    async def verify_slowly(hashed: str | None, password: str) -> bool:
        await cashier.post("/till/lines/change", **change)
        return await verify(hashed, password)

    monkeypatch.setattr(cashier.house.hasher, "verify", verify_slowly)
    answer = await cashier.post("/till/confirm", **form)
    [record] = await one.settlements()
    assert answer.headers["location"] == f"/till/settlements/{record.settlement_id}"


async def test_an_expired_scan_is_repeated_and_the_basket_stays(
    cashier: Cashier, new_insured: NewInsured, clock: WorldClock
) -> None:
    one, other = await new_insured(), await new_insured(name="保大安")
    await cashier.purchase(one)
    clock.at += timedelta(minutes=15)
    page = await cashier.get()
    assert "settlement.visit_expired" in page
    assert 'action="/till/confirm"' not in page
    assert "示例药品A200" in page, "items are named although no quote can be had"
    page = await cashier.send("/till/scan", code=await one.code())
    assert fen(page, "total") == 420_00

    clock.at += timedelta(minutes=15)
    await cashier.get()
    page = await cashier.send("/till/scan", code=await other.code())
    assert "保*安" in page
    assert "示例药品A200" not in page, "nobody finds another person's basket"


async def test_a_repeated_scan_keeps_the_kind_of_visit_and_the_choice_of_the_account(
    window: Cashier, new_insured: NewInsured, clock: WorldClock
) -> None:
    one, other = await new_insured(), await new_insured(name="保大安")
    await window.scan(one)
    await window.add("A200", "5")
    await window.send("/till/account", use="no")
    stay = fen(await window.send("/till/visit", visit="inpatient:"), "fund")
    clock.at += timedelta(minutes=16)
    await window.get()
    page = await window.send("/till/scan", code=await one.code())
    assert '<option value="inpatient:" selected>' in page
    assert (fen(page, "fund"), fen(page, "account")) == (stay, 0)
    await window.send("/till/clear")
    await window.scan(other)
    page = await window.add("A200", "5")
    assert '<option value=":" selected>' in page, "the next person begins anew"


async def test_the_next_person_is_scanned_right_after_a_settlement(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.purchase(await new_insured())
    await cashier.send("/till/confirm", password=PIN)
    page = await cashier.send("/till/scan", code=await (await new_insured(name="保大安")).code())
    assert "保*安" in page
    assert "还没有项目" in page


async def test_a_second_scan_of_the_same_code_leaves_the_person_on_the_till(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await new_insured(name="保大安")
    await cashier.get()
    form = {**cashier.form("/till/scan"), "code": await one.code()}
    await cashier.post("/till/scan", **form)
    page = await cashier._follow(await cashier.post("/till/scan", **form))
    assert "credential.code_spent" in page
    assert "保*安" in page


async def test_of_two_windows_that_scan_at_once_neither_loses_a_code(cashier: Cashier, new_insured: NewInsured) -> None:
    """What is refused after a code is spent would make somebody show another one for nothing."""
    await cashier.get()
    forms = [{**cashier.form("/till/scan"), "code": await (await new_insured()).code()} for _ in range(4)]
    answers = await asyncio.gather(*(cashier.post("/till/scan", **form) for form in forms))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert "还没有项目" in await cashier.get()


async def test_two_tills_do_not_see_each_other(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.purchase(await new_insured())
    async with browser(entrance(cashier.house)) as client:
        other = await staff(cashier.house, client, f"{PHARMACY}-{next(_logins):04d}", PHARMACY)
        assert "请扫参保人的医保码" in await other.get()
    assert "示例药品A200" in await cashier.get()


async def test_a_refused_person_is_explained_on_the_till(
    cashier: Cashier, house: House, new_insured: NewInsured
) -> None:
    """C13: the reason and what the staff can do, where the amounts would stand."""
    one = await new_insured()
    await cashier.purchase(one)
    await house.pool.execute("UPDATE registry.insurance SET state = '2' WHERE person_id = $1", one.person_id)
    page = await cashier.get()
    assert cashier.status == 200
    assert "settlement.insurance_suspended" in page
    assert "可按自费结算" in page
    assert 'action="/till/send"' not in page


async def test_what_no_fund_pays_for_is_settled_as_the_persons_own(window: Cashier, new_insured: NewInsured) -> None:
    """C1, F2: a baby insured in 泸州 at a large hospital there; the till, the phone and the record say why."""
    baby = await new_insured(
        balance_fen=0, birth_on=date(2026, 1, 5), insurances=[insured(insutype="390", psn_type="1402")]
    )
    page = await window.purchase(baby)
    why = (
        "医保基金不支付：居民的普通门诊只在本市的社区医院、乡镇卫生院等基层医疗机构报销，"
        "其他医院和药店的费用由个人负担。"
    )
    guess = "这一条没有查到公布的规定，按假定计算；"
    assert f"{why}{guess}参保人有疑问的先不要结算" in page
    assert "使用个人账户" not in page
    assert (fen(page, "total"), fen(page, "fund"), fen(page, "cash")) == (420_00, 0, 420_00)
    page = await window.send("/till/send")
    assert why + guess in page
    quote = (await baby.bill()).quote
    assert quote.unpaid in why
    assert quote.unpaid_assumed
    settled = await baby.confirm()
    assert (settled.fund_fen, settled.cash_fen) == (0, 420_00)
    assert why + guess in await window.get(f"/till/settlements/{settled.settlement_id}")
    [record] = await baby.settlements()
    assert record.settlement_id == settled.settlement_id


async def test_cancelling_is_asked_for_and_returns_the_cash(cashier: Cashier, new_insured: NewInsured) -> None:
    """C10: whole, once; the till that settled sees it too."""
    one = await new_insured(balance_fen=100_00)
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    path = f"/till/settlements/{record.settlement_id}"
    asked = await cashier.get(f"{path}/reversal")
    assert "确认撤销" in asked
    [unchanged] = await one.settlements()
    assert unchanged.reversed_by is None

    page = await cashier.send(f"{path}/reversal")
    [record] = await one.settlements()
    assert record.reversed_by is not None
    assert record.reversed_by in page
    assert "应退现金" in page
    assert "-420.00" in page
    assert await cashier.send(f"{path}/reversal", page=asked) == page, "again gives the first answer"
    for shown in (await cashier.get(), await cashier.get(path), await cashier.get(f"{path}/reversal")):
        assert "撤销" in shown
        assert "结算成功" not in shown
        assert f'action="{path}/reversal"' not in shown
    assert await ledger.balance(cashier.house.pool, one.person_id, "510500") == 100_00


async def test_a_settlement_with_a_later_one_is_not_cancelled_first(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    for _ in range(2):
        await cashier.purchase(one)
        await cashier.send("/till/confirm", password=PIN)
    later, first = await one.settlements()
    await cashier.get(f"/till/settlements/{first.settlement_id}/reversal")
    page = await cashier.send(f"/till/settlements/{first.settlement_id}/reversal")
    assert cashier.status == 409
    assert "settlement.later_settlement_exists" in page
    assert later.settlement_id in page


async def test_todays_settlements_are_listed_and_found(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    await daybook(cashier.house, one)
    page = await cashier.get("/till/daybook")
    assert f'href="/till/settlements/{record.settlement_id}"' in page
    assert "合计" in page
    page = await cashier.get(f"/till/settlements?number=  {record.settlement_id} ")
    assert cashier.status == 200
    for text in ("示例药品A200", "职工门诊统筹基金", "175.00", record.settlement_id):
        assert text in page


async def test_an_unknown_number_is_refused_beside_the_field(cashier: Cashier) -> None:
    for number in ("", "1", "5" * 30, "x\x00y", "../login"):
        answer = await cashier.client.get("/till/settlements", params={"number": number})
        assert answer.status_code == 404
        assert "settlement.settlement_unknown" in answer.text
        assert 'id="number"' in answer.text


async def test_another_institutions_settlement_is_not_shown(cashier: Cashier, new_insured: NewInsured) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    async with browser(entrance(cashier.house)) as client:
        login = f"{CHENGDU_PHARMACY}-{next(_logins):04d}"
        other = await staff(cashier.house, client, login, CHENGDU_PHARMACY)
        for path in ("", "/slip.pdf", "/reversal"):
            await other.get(f"/till/settlements/{record.settlement_id}{path}")
            assert other.status == 404
        await other.get("/till/daybook")
        form = {"_csrf_token": other.form("/till/logout")["_csrf_token"]}
        answer = await other.post(f"/till/settlements/{record.settlement_id}/reversal", **form)
        assert answer.status_code == 404


async def test_the_slip_is_a_pdf(cashier: Cashier, new_insured: NewInsured) -> None:
    """C14: view, download, print."""
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    answer = await cashier.client.get(f"/till/settlements/{record.settlement_id}/slip.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")


CODE = "1234567890123456789012510000"


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def qr(text: str) -> Image.Image:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=6)
    return Image.open(out)


def bar(text: str) -> Image.Image:
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    return Image.fromarray(barcode.to_image(scale=3, add_quiet_zones=True))


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (jpeg(qr(CODE)), CODE),
        (jpeg(qr(CODE).rotate(20, expand=True, fillcolor="white")), CODE),
        (jpeg(bar(CODE)), CODE),
        (jpeg(qr("https://example.invalid/pay")), ""),
        (jpeg(qr(CODE[:-1])), ""),
        (jpeg(Image.new("RGB", (640, 480), "grey")), ""),
        (jpeg(Image.new("L", (5000, 4000), "white")), ""),
        (jpeg(qr(CODE))[:400], ""),
        (b"\xff\xd8\xff\xe0not a picture", ""),
        (b"", ""),
    ],
    ids=["qr", "tilted", "barcode", "another", "short", "grey", "huge", "cut", "broken", "empty"],
)
def test_a_code_is_read_from_a_picture(picture: bytes, code: str) -> None:
    assert till.code_in(picture) == code


async def test_a_frame_of_the_camera_is_read_on_the_server(cashier: Cashier) -> None:
    await cashier.get()
    token = {"x-csrftoken": cashier.form("/till/scan")["_csrf_token"]}
    for picture, code in ((jpeg(qr(CODE)), CODE), (b"no picture", "")):
        answer = await cashier.client.post(
            "/till/frame", content=picture, headers={"content-type": "image/jpeg", **token}
        )
        assert answer.status_code == 200
        assert answer.json() == {"code": code}
    answer = await cashier.client.post("/till/frame", content=bytes(2 * 1024 * 1024 + 1), headers=token)
    assert answer.status_code == 413
    answer = await cashier.client.post("/till/frame", content=jpeg(qr(CODE)))
    assert answer.status_code == 403


async def test_only_cashiers_come_in(house: House, new_insured: NewInsured) -> None:
    one = await new_insured()
    async with transaction(house.pool) as tx:
        session = await identity.start_session(tx, account_id=one.account_id, device="phone", at=house.clock())
    async with browser(entrance(house)) as client:
        client.cookies.set(SESSION_COOKIE, session)
        for path in ("/till", "/till/daybook", "/till/settlements?number=1"):
            assert (await client.get(path)).headers["location"].startswith("/till/login")
        client.cookies.set(TILL_COOKIE, session)
        for path in ("/till", "/till/daybook", "/till/settlements?number=1"):
            # A token of another area is nobody's here.
            assert (await client.get(path)).headers["location"].startswith("/till/login")


async def test_an_empty_or_senseless_form_is_answered_with_a_page(cashier: Cashier, new_insured: NewInsured) -> None:
    paths = (
        "lines/add",
        "lines/change",
        "lines/remove",
        "account",
        "visit",
        "send",
        "withdraw",
        "confirm",
        "scan",
        "clear",
    )
    senseless = {"shown": "\x00", "code": "\x00", "quantity": "Infinity", "unit_price": "Infinity", "total": "NaN"}
    await cashier.get()
    token = {"_csrf_token": cashier.form("/till/scan")["_csrf_token"]}
    for path in paths:
        for fields in ({}, senseless):
            assert (await cashier.post(f"/till/{path}", **token, **fields)).status_code < 500, path
    await cashier.scan(await new_insured())
    for path in paths:
        shown = {"shown": cashier.form("/till/clear")["shown"]}
        for fields in ({}, senseless, {**senseless, **shown}):
            assert (await cashier.post(f"/till/{path}", **token, **fields)).status_code < 500, path
        await cashier.get()


async def test_sending_a_bill_needs_no_second_connection(
    superuser_dsn: str, keys: Keys, cashier: Cashier, new_insured: NewInsured
) -> None:
    """Whoever holds a connection and waits for another one would, in a crowd, wait for ever."""
    one = await new_insured()
    await cashier.purchase(one)
    there = await draft_of(cashier.house.pool, institution=PHARMACY, till=cashier.login)
    assert there is not None
    async with await open_pool(superuser_dsn, size=1) as single:
        desk = Desk(single, numbers=Numbers(keys.numbers), tokens=cashier.house.tokens)
        async with asyncio.timeout(20), transaction(single) as tx:
            await settlement.send_bill(
                desk,
                tx,
                basket=there.basket,
                bill_id=there.request_id,
                institution=PHARMACY,
                till=cashier.login,
                at=cashier.house.clock(),
            )
    assert (await one.bill()).bill_id == there.request_id
