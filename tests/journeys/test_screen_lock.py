"""The code behind the phone's screen lock (B6): a browser with a lock of its own, which opens or does not."""

from dataclasses import replace

from playwright.async_api import CDPSession, expect

from tests.journeys.browser import SMALL_PHONE, launch
from tests.journeys.cast import PIN, Citizen
from tests.journeys.test_offline import prepares, shown
from tests.journeys.town import Town
from yibao.credential.screen_lock import STAYS_OPEN


class Lock:
    """The screen lock of a phone, as the browser's own test bench plays it."""

    def __init__(self, session: CDPSession, authenticator: str) -> None:
        self._session = session
        self._authenticator = authenticator

    @classmethod
    async def of(cls, patient: Citizen) -> "Lock":
        session = await patient.context.new_cdp_session(patient.page)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        answer = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, answer["authenticatorId"])

    async def opens(self, for_them: bool) -> None:
        """Say whether it opens for whoever holds the phone."""
        told = {"authenticatorId": self._authenticator, "isUserVerified": for_them}
        await self._session.send("WebAuthn.setUserVerified", told)


async def test_a_code_behind_the_screen_lock(a_town: Town) -> None:
    """Set with one tap, shut after five minutes, opened by the lock or by the password, also without a network."""
    port = a_town.address.rpartition(":")[2]
    async with launch() as browser:
        town = replace(a_town, address=f"http://localhost:{port}")  # An IP address has no keys in any browser.
        patient = await Citizen.arrives(browser, town, "luzhou_retired", device=SMALL_PHONE)
        page, lock = patient.page, await Lock.of(patient)
        await prepares(patient)
        await expect(page.locator("#lock-advice")).to_be_hidden()
        await patient.press("用锁屏保护医保码")
        await expect(page.get_by_text("已开启")).to_be_visible()
        await shown(patient)

        async def stays_away() -> None:
            town.clock.advance(by=STAYS_OPEN)
            await page.goto("/code")
            await expect(page.get_by_role("heading", level=1)).to_have_text("医保码已锁住")
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        await stays_away()
        await patient.press("用锁屏打开医保码")
        await shown(patient)

        # Whose finger it is not sees no code; the owner's password opens it.
        await stays_away()
        await lock.opens(False)
        await patient.press("用锁屏打开医保码")
        await expect(page.get_by_role("alert")).to_contain_text("没有通过")
        await page.goto("/code")
        await expect(page.get_by_role("heading", level=1)).to_have_text("医保码已锁住")
        await page.get_by_label("交易密码", exact=True).fill(PIN)
        await patient.press("用交易密码打开")
        await shown(patient)

        # Without a network the phone guards its codes by itself.
        await patient.context.set_offline(True)
        await page.goto("/code")
        await expect(page.get_by_role("button", name="用锁屏打开医保码")).to_be_visible()
        await expect(page.locator("#code-drawn")).to_be_hidden()
        await patient.press("用锁屏打开医保码")
        await expect(page.get_by_role("status")).to_contain_text("没有通过")
        await expect(page.locator("#code-drawn")).to_be_hidden()
        await lock.opens(True)
        await patient.press("用锁屏打开医保码")
        await expect(page.get_by_role("heading", level=1)).to_have_text("医保码（没有网络）")
        await shown(patient)
        await patient.context.set_offline(False)

        # Who wants it no longer says so with the password.
        await stays_away()
        await page.get_by_label("交易密码", exact=True).fill(PIN)
        await page.get_by_role("checkbox").check()
        await patient.press("用交易密码打开")
        await expect(page.get_by_role("button", name="用锁屏保护医保码")).to_be_visible()


async def test_where_the_phone_has_no_lock_nothing_is_offered(a_town: Town) -> None:
    """Nor at an address that is none for keys."""
    port = a_town.address.rpartition(":")[2]
    async with launch() as browser:
        for address in (a_town.address, f"http://localhost:{port}"):
            patient = await Citizen.arrives(browser, replace(a_town, address=address), "luzhou_retired")
            if address == a_town.address:
                await patient.is_ready()
                await Lock.of(patient)
            else:
                await patient.signs_in()
                await patient.activates()
            await patient.page.goto("/code")
            await shown(patient)
            assert await patient.page.evaluate("typeof window.yibaoLock") == (
                "undefined" if address == a_town.address else "object"
            )
            await expect(patient.page.get_by_role("button", name="用锁屏保护医保码")).to_have_count(0)
            await expect(patient.page.get_by_text("请为手机设置锁屏密码")).to_be_visible()
