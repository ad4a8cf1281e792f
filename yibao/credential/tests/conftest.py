"""People who have bound their insurance and show codes, and the tills that scan them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest

from conftest import NewPerson
from yibao import credential, identity, registry
from yibao.core.database import Pool, Tx, transaction
from yibao.core.vault import Keys, Vault
from yibao.credential.api import scan_code

PHARMACY = "P51050099001"
TILL = "1"


@dataclass
class Holder:
    """A registered person, the account that proved to be theirs, and the browser they use."""

    person: registry.Registrant
    account_id: str
    browser: bytes

    @property
    def person_id(self) -> str:
        return self.person.person_id

    @property
    def card_no(self) -> str:
        return self.person.cards[0].card_no

    @property
    def place(self) -> str:
        return self.person.insurances[0].place


class House:
    """The room on a real database, each of its actions in a transaction of its own."""

    def __init__(self, pool: Pool, vault: Vault, keys: Keys, new_person: NewPerson, at: datetime) -> None:
        self.pool = pool
        self.vault = vault
        self.codes = credential.Codes(keys)
        self.tokens = credential.Tokens(keys)
        self.gate = self.new_gate()
        self.at = at
        self._new_person = new_person

    def new_gate(self) -> credential.Gate:
        """Return a gate with batches of its own, as every server process has one."""
        return credential.Gate(self.pool, codes=self.codes, tokens=self.tokens, vault=self.vault)

    async def registered(
        self,
        *,
        card: registry.CardState | None = "normal",
        insurances: Sequence[registry.Insurance] | None = None,
    ) -> Holder:
        """Register a person, and an account that has proved to be theirs."""
        person = await self._new_person(card=card, insurances=insurances)
        return Holder(person, await self.account(person), secrets.token_bytes(32))

    async def account(self, person: registry.Registrant) -> str:
        async with transaction(self.pool) as tx:
            account_id = await self.nameless_account(tx)
            await identity.prove_real_name(
                tx,
                self.vault,
                account_id=account_id,
                name=person.name,
                cert_type=person.cert_type,
                cert_no=person.cert_no,
                at=self.at,
            )
        return account_id

    async def nameless_account(self, tx: Tx) -> str:
        phone = f"1{secrets.randbelow(10**10):010d}"
        return await identity.open_account(tx, self.vault, phone=phone, login_hash="-", at=self.at)

    async def bind(self, holder: Holder, *, card_no: str | None = None) -> str:
        async with transaction(self.pool) as tx:
            return await credential.bind(
                tx,
                self.vault,
                account_id=holder.account_id,
                card_no=holder.card_no if card_no is None else card_no,
                at=self.at,
            )

    async def bound(self, *, insurances: Sequence[registry.Insurance] | None = None) -> Holder:
        holder = await self.registered(insurances=insurances)
        await self.bind(holder)
        return holder

    async def activate(
        self, holder: Holder, *, place: str | None = None, agreed: bool = True, browser: bytes | None = None
    ) -> None:
        async with transaction(self.pool) as tx:
            await credential.activate(
                tx,
                person_id=holder.person_id,
                account_id=holder.account_id,
                place=place or holder.place,
                agreed=agreed,
                channel="web",
                browser=browser or holder.browser,
                at=self.at,
            )

    async def active(self, *, insurances: Sequence[registry.Insurance] | None = None) -> Holder:
        holder = await self.bound(insurances=insurances)
        await self.activate(holder)
        return holder

    async def show(self, holder: Holder, *, at: datetime | None = None, browser: bytes | None = None) -> str:
        async with transaction(self.pool) as tx:
            shown = await credential.show_code(
                tx, self.codes, person_id=holder.person_id, browser=browser or holder.browser, at=at or self.at
            )
        return shown.code

    async def unbind(self, holder: Holder) -> None:
        async with transaction(self.pool) as tx:
            await credential.unbind(tx, person_id=holder.person_id, account_id=holder.account_id, at=self.at)

    async def scan(
        self,
        code: str,
        *,
        institution: str = PHARMACY,
        till: str = TILL,
        at: datetime | None = None,
        gate: credential.Gate | None = None,
    ) -> credential.Redeemed:
        """Scan as the faces do: what identifies nobody is counted."""
        return await scan_code(gate or self.gate, code=code, institution=institution, till=till, at=at or self.at)


@pytest.fixture
def house(pool: Pool, vault: Vault, keys: Keys, new_person: NewPerson, at: datetime) -> House:
    return House(pool, vault, keys, new_person, at)


@pytest.fixture
def institution() -> str:
    """An institution that no other test scans at, because bad scans are counted by institution."""
    return f"P{secrets.randbelow(10**11):011d}"
