"""The owner of an account before a browser, signed in, with a real name and a transaction password where wanted."""

from datetime import datetime

import pytest

from yibao import identity
from yibao.core.database import transaction
from yibao.credential.tests.browser import Browser
from yibao.face import Purpose, Subject
from yibao.face.tests.cast import passed
from yibao.identity.tests.cast import PASSWORD, PAY_PASSWORD
from yibao.identity.tests.conftest import Sms
from yibao.sandbox.world.numbers import check_character
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE

NAME = "测试甲"


class Owner:
    """An account and the browser in its owner's hand."""

    def __init__(self, browser: Browser, sms: Sms, account_id: str, phone: str) -> None:
        self.browser = browser
        self.sms = sms
        self.account_id = account_id
        self.phone = phone
        body = f"99999919491231{phone[-3:]}"  # There is no such area, so that nobody can hold it.
        self.cert_no = body + check_character(body)
        self.who = Subject(NAME, "01", self.cert_no)
        self.house = browser.house

    @property
    def at(self) -> datetime:
        return self.house.clock()

    @property
    def device(self) -> str:
        return f"browser:{self.browser.client.cookies[DEVICE_COOKIE]}"

    async def account(self) -> identity.Account:
        return await identity.account(self.house.pool, self.house.vault, self.account_id)

    async def code(self, phone: str | None = None) -> str:
        """Return the code that a phone was sent last."""
        return (await self.sms.sent(phone or self.phone))[-1].code

    async def prove_name(self) -> None:
        async with transaction(self.house.pool) as tx:
            await identity.prove_real_name(
                tx,
                self.house.vault,
                account_id=self.account_id,
                name=NAME,
                cert_type="01",
                cert_no=self.cert_no,
                at=self.at,
            )

    async def set_pay_password(self, password: str = PAY_PASSWORD) -> None:
        async with transaction(self.house.pool) as tx:
            await identity.set_pay_password(
                tx,
                self.house.vault,
                hasher=self.house.hasher,
                account_id=self.account_id,
                password=password,
                at=self.house.clock(),
            )

    async def pay(self, password: str) -> None:
        await identity.check_pay_password(
            self.house.pool,
            hasher=self.house.hasher,
            account_id=self.account_id,
            password=password,
            device=self.device,
            at=self.at,
        )

    async def face(self, purpose: Purpose, subject: Subject | None = None) -> str:
        """Pass a check of the face on this browser and return its id."""
        async with transaction(self.house.pool) as tx:
            return await passed(
                tx, self.house.vault, purpose=purpose, subject=subject or self.who, device=self.device, at=self.at
            )

    async def pass_face(self, check_id: str) -> None:
        """Be recognised by a check that a page began, and be led back as the camera's pages would lead."""
        pool = self.house.pool
        await pool.execute("UPDATE face.check SET passed_at = $2 WHERE check_id = $1", check_id, self.at)
        back = await pool.fetchval("SELECT back FROM face.check WHERE check_id = $1", check_id)
        await self.browser.get(f"{back}{'&' if '?' in back else '?'}face={check_id}")

    async def session(self, device: str, channel: str = "web") -> str:
        """Sign in elsewhere and return the token."""
        async with transaction(self.house.pool) as tx:
            return await identity.start_session(
                tx, account_id=self.account_id, device=device, channel=channel, at=self.at
            )

    async def sign_in(self) -> None:
        await self.browser.get("/login")
        self.browser.client.cookies.delete(SESSION_COOKIE)
        self.browser.client.cookies.set(SESSION_COOKIE, await self.session(self.device))


@pytest.fixture
async def owner(browser: Browser, sms: Sms, phone: str) -> Owner:
    """Somebody who has registered and is signed in, no more."""
    house = browser.house
    await browser.get("/login")
    async with transaction(house.pool) as tx:
        account_id = await identity.open_account(
            tx, house.vault, phone=phone, login_hash=await house.hasher.hash(PASSWORD), at=house.clock()
        )
    one = Owner(browser, sms, account_id, phone)
    await one.sign_in()
    return one
