"""A pharmacy and a hospital in Luzhou with a catalogue, and people whose code has just been scanned there."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import asyncpg
import pytest

from conftest import NewPerson, insured
from yibao import credential, registry
from yibao.core.database import Pool, transaction
from yibao.core.numbers import Numbers
from yibao.core.vault import Keys
from yibao.credential import store as credential_store
from yibao.credential.types import Spend
from yibao.service import directory
from yibao.settlement import Basket, BasketLine, Desk, Order, Quote

PHARMACY = "P51050099001"
HOSPITAL = "H51050099001"
CHENGDU_PHARMACY = "P51010099001"
CHENGDU_HOSPITAL = "H51010099001"
ADDRESS = ("示例路 1 号", "0830-0000000")


def item(
    code: str, charge_class: Literal["A", "B", "C"], price: str, *, rate: str = "0", limit: str | None = None
) -> directory.Item:
    return directory.Item(
        code=code,
        name=f"示例药品{code}",
        initials="SLYP",
        kind="drug",
        list_type="101",
        charge_class=charge_class,
        own_pay_rate=Decimal(rate),
        price=Decimal(price),
        price_limit=Decimal(limit) if limit else None,
        unit="盒",
        spec="1 盒",
        maker="示例制药",
    )


ITEMS = (
    item("A200", "A", "200.00"),
    item("A1", "A", "1.00"),
    item("A001", "A", "0.01"),
    item("B100", "B", "100.00", rate="0.05"),
    item("C20", "C", "20.00", rate="1"),
    item("L38", "A", "38.00", limit="32.00"),
    item("M", "A", "0.333333"),
)


@pytest.fixture
async def shops(pool: Pool) -> None:
    await add_shops(pool)


async def add_shops(pool: Pool) -> None:
    async with transaction(pool) as tx:
        await registry.add_institutions(
            tx,
            [
                registry.Institution(PHARMACY, "示例药店", "510500", "pharmacy", "none", *ADDRESS, ("pharmacy",)),
                registry.Institution(
                    HOSPITAL, "示例医院", "510500", "hospital", "tertiary", *ADDRESS, ("outpatient", "inpatient")
                ),
                registry.Institution(CHENGDU_PHARMACY, "成都店", "510100", "pharmacy", "none", *ADDRESS, ("pharmacy",)),
                registry.Institution(
                    CHENGDU_HOSPITAL,
                    "成都医院",
                    "510100",
                    "hospital",
                    "tertiary",
                    *ADDRESS,
                    ("outpatient", "inpatient"),
                ),
            ],
        )
        await directory.load_items(tx, ITEMS)


@pytest.fixture
def tokens(keys: Keys) -> credential.Tokens:
    return credential.Tokens(keys)


@pytest.fixture
def desk(pool: Pool, keys: Keys, tokens: credential.Tokens, shops: None) -> Desk:
    return Desk(pool, numbers=Numbers(keys.numbers), tokens=tokens)


class CountingPool(asyncpg.Pool):
    """Passes statements on to another pool and keeps them."""

    def __init__(self, pool: Pool) -> None:
        self._to = pool
        self.statements: list[str] = []

    async def fetch(self, *statement: Any, **_: Any) -> Any:
        self.statements.append(statement[0])
        return await self._to.fetch(*statement)

    async def fetchrow(self, *statement: Any, **_: Any) -> Any:
        self.statements.append(statement[0])
        return await self._to.fetchrow(*statement)

    async def fetchval(self, *statement: Any, **_: Any) -> Any:
        self.statements.append(statement[0])
        return await self._to.fetchval(*statement)


class Visitor:
    """Somebody whose code was scanned just now."""

    def __init__(self, person: registry.Registrant, account_id: str) -> None:
        self.person_id = person.person_id
        self.person = person
        self.account_id = account_id
        self.device_number = ""
        self.token = ""


class Scan:
    """Gives people a credential and has it scanned at an institution."""

    def __init__(self, pool: Pool, tokens: credential.Tokens, new_person: NewPerson, at: datetime) -> None:
        self._pool = pool
        self._tokens = tokens
        self._new_person = new_person
        self._at = at

    async def __call__(
        self,
        *,
        institution: str = PHARMACY,
        balance_fen: int = 0,
        insurances: Sequence[registry.Insurance] | None = None,
        free_limit_fen: int = 0,
        person: Visitor | None = None,
        at: datetime | None = None,
    ) -> Visitor:
        at = at or self._at
        if person is None:
            relations = (insured(),) if insurances is None else insurances
            registrant = await self._new_person(balance_fen=balance_fen, insurances=relations)
            person = Visitor(registrant, f"account-{secrets.token_hex(8)}")
            async with transaction(self._pool) as tx:
                place = relations[0].place if relations else "510500"
                await credential_store.bind(
                    tx,
                    person_id=person.person_id,
                    account_id=person.account_id,
                    psn_no=relations[0].psn_no if relations else "",
                    place=place,
                    at=at,
                )
                await credential_store.set_free_limit(tx, person.person_id, free_limit_fen)
                person.device_number = f"{secrets.randbelow(10**9):09d}"
                await credential_store.take_device_number(tx, person.device_number, person.person_id)
                await credential_store.add_device(
                    tx,
                    person_id=person.person_id,
                    device_number=person.device_number,
                    account_id=person.account_id,
                    channel="web",
                    browser=secrets.token_bytes(32),
                    at=at,
                )
        person.token = self._tokens.issue(place="510500", person_id=person.person_id)
        spend = Spend(
            person_id=person.person_id,
            device_number=person.device_number,
            ticket=secrets.randbelow(10_000),
            institution=institution,
            token=person.token,
            at=at,
            expires_at=at + timedelta(minutes=15),
        )
        await credential_store.spend(self._pool, [spend])
        return person


@pytest.fixture
def scan(pool: Pool, tokens: credential.Tokens, new_person: NewPerson, at: datetime, shops: None) -> Scan:
    return Scan(pool, tokens, new_person, at)


def basket(token: str, *lines: tuple[str, str], use_account: bool = True, **visit: Any) -> Basket:
    return Basket(token, tuple(BasketLine(code, Decimal(quantity)) for code, quantity in lines), use_account, **visit)


def purchase(token: str, *, use_account: bool = True) -> Basket:
    """The published purchase of SC-LZ-01 and SC-LZ-02: 420.00, of which 400.00 are in scope."""
    return basket(token, ("A200", "2"), ("C20", "1"), use_account=use_account)


def agreed(of: Basket, quote: Quote, *, bill_id: str = "") -> Order:
    return Order(of, quote.split, bill_id)


async def proved(_: str) -> None:
    """Stand for a transaction password that was right."""
