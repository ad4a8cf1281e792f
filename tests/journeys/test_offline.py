"""A village without a network (F1): the phone shows codes all the same, and the till, which has one, takes them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from playwright.async_api import expect

from tests.journeys.browser import SMALL_PHONE, launch
from tests.journeys.cast import PIN, Cashier, Citizen
from tests.journeys.test_second_till import read
from tests.journeys.town import Town


async def prepares(patient: Citizen) -> None:
    """Open the code once with a network, as everybody does at home, until the page says that it can do without."""
    await patient.is_ready()
    await expect(patient.page.locator("#code-offline")).to_contain_text("没有网络也能出示，5 月 19 日前有效")
    await patient.page.evaluate("navigator.serviceWorker.ready")


async def shown(patient: Citizen) -> str:
    digits = patient.page.locator("#code-digits")
    await expect(digits).to_have_text(re.compile(r"^(\d{4} ){6}\d{4}$"))
    return (await digits.inner_text()).replace(" ", "")


async def test_a_bill_is_settled_with_a_phone_that_has_no_network(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired", device=SMALL_PHONE)
        await prepares(patient)
        await patient.context.set_offline(True)

        # The page is opened anew, as it is days later, and says what is the matter.
        page = patient.page
        await page.goto("/code")
        await expect(page.get_by_role("heading", level=1)).to_have_text("医保码（没有网络）")
        first = await shown(patient)
        await expect(page.locator("#code-who")).to_contain_text("（本人）")
        await expect(page.get_by_role("status")).to_contain_text("没有网络也能扫")
        assert read(await page.screenshot(full_page=True)) == first
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        cashier = await Cashier.arrives(browser, a_town)
        await cashier.types(first)
        await cashier.rings_up()
        await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill(PIN)
        await cashier.press("输入密码结算")
        await expect(cashier.page.get_by_text("结算成功").first).to_be_visible()
        await cashier.next_please()
        await cashier.types(first)
        await expect(cashier.page.get_by_role("alert")).to_contain_text("医保码已使用过")

        # Every code is another one, and other pages say that they need a network.
        await page.get_by_role("link", name="刷新").click()
        await expect(page.locator("#code-digits")).not_to_have_text(" ".join(re.findall("....", first)))
        await cashier.types(await shown(patient))
        await expect(cashier.page.get_by_text("查找项目")).to_be_visible()
        await page.goto("/records")
        await expect(page.get_by_role("main")).to_contain_text("这一页要有网络才能打开")
        await page.get_by_role("link", name="出示 医*川（本人） 的医保码").click()
        await shown(patient)

        # With the network the page comes back by itself.
        await patient.context.set_offline(False)
        await expect(page.get_by_role("heading", level=1)).to_have_text("医保码")
        await expect(page.locator("#code-clock")).to_contain_text("自动更新")

        # What was on its way when the network went is not said to have failed.
        await page.goto("/me/limit")
        await patient.context.set_offline(True)
        await page.get_by_role("button", name="关怀版").click()
        await expect(page.get_by_role("alert")).to_contain_text("刚才那一步可能没有办成")
        await page.goto("/code")
        await shown(patient)


async def test_an_open_page_goes_on_when_the_network_goes(a_town: Town) -> None:
    async with launch() as browser:
        patient = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await prepares(patient)
        before = await shown(patient)
        await patient.context.set_offline(True)
        await patient.page.get_by_role("link", name="刷新").click()
        await expect(patient.page.get_by_role("status")).to_contain_text("请在收款台输入您的交易密码")
        code = await shown(patient)
        assert code != before
        cashier = await Cashier.arrives(browser, a_town)
        await cashier.types(code)
        await expect(cashier.page.get_by_text("查找项目")).to_be_visible()
        await patient.context.set_offline(False)
        await patient.page.get_by_role("link", name="刷新").click()
        await expect(patient.page.get_by_role("status")).to_have_text("")


class Door:
    """Stands before the platform, and can take connections without answering them, or answer that nobody is there."""

    def __init__(self, town: Town) -> None:
        self._host, _, self._port = town.address.removeprefix("http://").partition(":")
        self.state = "open"
        self._taken: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._takes, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for taken in self._taken:
                taken.cancel()
            await asyncio.gather(*self._taken, return_exceptions=True)

    def _takes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken = asyncio.create_task(self._passes(reader, writer))
        self._taken.add(taken)
        taken.add_done_callback(self._taken.discard)

    async def _passes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on, each has a connection of its own; browsers open some on which none ever comes."""
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answers(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if self.state == "silent":
            await reader.read()
        elif self.state == "refused":  # By the house itself, whose pages all have this header.
            head = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: text/html\r\n"
            writer.write(
                head + b"content-security-policy: default-src 'self'\r\ncontent-length: 12\r\n\r\n<h1>503</h1>"
            )
        elif self.state == "shut":
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        else:
            within, out = await asyncio.open_connection(self._host, int(self._port))
            try:
                out.write(re.sub(rb"(?i)connection: [^\r]*\r\n", b"", head)[:-2] + b"connection: close\r\n\r\n" + body)
                # An hour later, when the browser would ask for the files again.
                writer.write((await within.read()).replace(b"max-age=3600", b"max-age=0   "))
            finally:
                out.close()


async def test_a_network_in_name_only_and_a_house_that_is_down_keep_nobody_waiting(a_town: Town) -> None:
    async with launch() as browser, (door := Door(a_town)).opened() as address:
        patient = await Citizen.arrives(browser, replace(a_town, address=address), "luzhou_retired")
        await prepares(patient)
        page, heading = patient.page, patient.page.get_by_role("heading", level=1)
        for state in ("silent", "shut"):
            door.state = state
            await page.goto("/code", wait_until="commit")
            await expect(heading).to_have_text("医保码（没有网络）", timeout=15_000)
            await shown(patient)
        door.state = "open"
        await page.get_by_role("link", name="刷新").click()
        await expect(heading).to_have_text("医保码")
        await expect(page.locator("#code-clock")).to_contain_text("自动更新")
        door.state = "refused"
        await page.goto("/code")
        await expect(heading).to_have_text("503")


async def test_a_lost_phone_without_a_network_is_of_no_use_once_it_was_signed_out(a_town: Town) -> None:
    """A9, B6: ended from another phone, and refused at the till although the lost one knows nothing of it."""
    async with launch() as browser:
        lost = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await prepares(lost)
        await lost.context.set_offline(True)
        await lost.page.goto("/code")
        code = await shown(lost)

        other = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await other.signs_in()
        await other.page.goto("/me/devices")
        await other.press("退出其他所有设备")
        cashier = await Cashier.arrives(browser, a_town)
        await cashier.types(code)
        refused = cashier.page.get_by_role("alert")
        await expect(refused).to_contain_text("这部手机的离线医保码已停用")
        await expect(refused).to_contain_text("身份证或社会保障卡")

        # Found again, it is led to sign in, and has forgotten everything.
        await lost.context.set_offline(False)
        await expect(lost.page.get_by_label("登录密码", exact=True)).to_be_visible()
        await expect(lost.page.get_by_role("heading", level=1)).to_have_text("登录")
        assert await lost.page.evaluate("Object.keys(localStorage).filter((n) => n.startsWith('yb_offline'))") == []
