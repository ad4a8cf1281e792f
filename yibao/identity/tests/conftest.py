"""Phones that belong to nobody, what they were sent, and a hasher that costs nothing."""

from datetime import datetime
from itertools import count

import pytest

from yibao import identity
from yibao.core.database import Pool, transaction
from yibao.core.vault import Vault
from yibao.identity import CodeRequest, Hasher
from yibao.identity.tests.cast import CERT_NO, DEVICE, PASSWORD
from yibao.identity.types import Purpose

_serial = count(40_271_831)  # No end of these phones is too simple to be refused as anything else.


@pytest.fixture(scope="session")
def hasher(vault: Vault) -> Hasher:
    return Hasher(vault, memory_kib=8, passes=1)


@pytest.fixture
def phone() -> str:
    return f"100{next(_serial):08d}"


class Sms:
    """Asks for codes and reads what the phones were sent."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def ask(self, phone: str, purpose: Purpose, at: datetime, *, device: str = DEVICE) -> None:
        async with transaction(self._pool) as tx:
            await identity.request_code(tx, self._vault, phone=phone, purpose=purpose, device=device, at=at)

    async def sent(self, phone: str) -> list[CodeRequest]:
        """Return what a phone was sent, the latest last."""
        rows = await self._pool.fetch(
            "SELECT payload FROM core.outbox WHERE topic = 'identity.code_requested' ORDER BY outbox_id"
        )
        requests = [identity.opened_code_request(self._vault, row["payload"]) for row in rows]
        return [request for request in requests if request.phone == phone]

    async def code(self, phone: str, purpose: Purpose, at: datetime, *, device: str = DEVICE) -> str:
        """Ask for a code and return it."""
        await self.ask(phone, purpose, at, device=device)
        return (await self.sent(phone))[-1].code


@pytest.fixture
def sms(pool: Pool, vault: Vault) -> Sms:
    return Sms(pool, vault)


@pytest.fixture
async def account_id(pool: Pool, vault: Vault, hasher: Hasher, phone: str, at: datetime) -> str:
    """An account with a login password."""
    async with transaction(pool) as tx:
        return await identity.open_account(tx, vault, phone=phone, login_hash=await hasher.hash(PASSWORD), at=at)


@pytest.fixture
async def named_id(pool: Pool, vault: Vault, account_id: str, at: datetime) -> str:
    """The account, with a proved real name."""
    async with transaction(pool) as tx:
        await identity.prove_real_name(
            tx, vault, account_id=account_id, name="测试甲", cert_type="01", cert_no=CERT_NO, at=at
        )
    return account_id
