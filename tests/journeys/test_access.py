"""Every phone page can be used by everybody (F6): narrow screens, large type, keyboard, screen reader.

The pages are those of the route table and what they link to, so that a new one is looked at without being named here.
The checker for screen readers is axe-core, a development dependency that is put into the page.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from playwright.async_api import Page

from tests import assets
from tests.journeys.browser import SMALL_PHONE, launch
from tests.journeys.cast import PIN, Cashier, Citizen
from tests.journeys.town import Town
from yibao.app import create_app
from yibao.web.pages import CARE_COOKIE
from yibao.web.principal import SESSION_COOKIE, anyone, insured

# What is no page of the phone: other faces, documents, pictures, answers to scripts.
OTHER = re.compile(r"^/(api|till|console|unit|static|assets|icons|styles|docs/api|apple-touch-icon|code/next)\b")
SLIP = re.compile(r"\.pdf$|/slip$")
# Pages that whoever is not bound needs to become so, or that are about the account; the others lead to binding.
ON_THE_WAY = ("/me", "/code", "/activate", "/face", "/enter")
BINDING = {"/me/real-name", "/me/bind", "/code"}
ENDS = {"/me/unbind"}  # Whoever is not bound is told so here: there is nothing to come back to.

AXE = """
async (rules) => (await axe.run(document, {resultTypes: ["violations"], runOnly: rules})).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => found.id + ": " + found.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | "))
"""
ALL_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# Care mode has the same elements; what may differ is how they look.
RULES_OF_LOOKS = {
    "type": "rule",
    "values": ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"],
}
# What reaches beyond the right edge, the innermost last.
WIDE = """
(width) => document.documentElement.scrollWidth <= width ? [] :
  [...document.body.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > width + 1)
    .slice(-3).map((each) => each.outerHTML.slice(0, 160)).concat("scrolls to " + document.documentElement.scrollWidth)
"""
# Numbers what the keyboard must reach: whatever can be operated and is shown, of a group of radio buttons the one.
REACHABLE = """
() => {
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((each) => !each.disabled && each.checkVisibility({visibilityProperty: true}) && each.tabIndex >= 0);
  all.forEach((each, number) => { each.dataset.tab = number; });
  const groups = {};
  all.filter((each) => each.type === "radio").forEach((each) => {
    if (each.checked || !(each.name in groups)) groups[each.name] = each;
  });
  return all.filter((each) => each.type !== "radio" || groups[each.name] === each).map((each) => each.dataset.tab);
}
"""
FOCUS = """
() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect(), tabs = document.querySelector(".tabs");
  const under = tabs && !tabs.contains(at) && box.top >= tabs.getBoundingClientRect().top;
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return {tab: at.dataset.tab, fault: !seen ? "focus not seen: " + at.outerHTML.slice(0, 120)
    : under ? "under the tab bar: " + at.outerHTML.slice(0, 120) : ""};
}
"""
LINKS = '() => [...document.querySelectorAll("a[href^=\\"/\\"]")].map((each) => each.getAttribute("href"))'


def routes(app: Litestar, *guards: Any) -> dict[str, re.Pattern[str]]:
    """Return the phone's pages under these guards: the path as it stands in the table, and the addresses it answers."""
    found = {}
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or OTHER.match(route.path) or SLIP.search(route.path):
            continue
        for handler in route.route_handlers:
            if "GET" in handler.http_methods and set(handler.resolve_guards()) & set(guards):
                pattern = re.sub(r"{\w+(?::\w+)?}", "[^/]+", route.path)
                found[route.path] = re.compile(f"{pattern}/?$")
    return found


class Walk:
    """Goes through pages in one browser and notes what is wrong with each."""

    def __init__(self, page: Page, table: dict[str, re.Pattern[str]]) -> None:
        self._page = page
        self._axe = (assets.tools() / "axe.js").read_text("utf-8")
        self._seen: set[str] = set()
        self._table = table
        self._addresses: list[str] = [path for path in table if "{" not in path]
        self.faults: list[str] = []

    async def through(self, look: Callable[["Walk"], Any]) -> None:
        """Open every page, those with parameters where a link leads to one, and look at each once."""
        for address in self._addresses:  # Grows while it is read.
            answer = await self._page.goto(address)
            assert answer is not None
            assert answer.status < 500, address
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            shown = urlsplit(self._page.url)
            if shown.path in self._seen:  # Led on to where we have been.
                continue
            self._seen.add(shown.path)
            self.note(await look(self))
            for link in await self._page.evaluate(LINKS):
                self._note_link(urlsplit(link).path, link)

    def _note_link(self, path: str, link: str) -> None:
        """Remember the first link to a page that has a parameter in its address."""
        for template, pattern in self._table.items():
            if "{" in template and pattern.match(path):
                if not any(pattern.match(urlsplit(known).path) for known in self._addresses):
                    self._addresses.append(link)
                return

    @property
    def seen(self) -> int:
        return len(self._seen)

    def note(self, faults: list[str]) -> None:
        self.faults += [f"{urlsplit(self._page.url).path}: {fault}" for fault in faults]

    async def readable(self, rules: dict[str, Any] = ALL_RULES) -> list[str]:
        """Return what a screen reader or a narrow screen cannot do with this page, also with type twice as large."""
        await self._page.evaluate(self._axe)
        faults: list[str] = await self._page.evaluate(AXE, rules)
        faults += await self._page.evaluate(WIDE, SMALL_PHONE.width)
        await self._page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
        faults += [f"at 200 %: {fault}" for fault in await self._page.evaluate(WIDE, SMALL_PHONE.width)]
        await self._page.evaluate("() => { document.documentElement.style.fontSize = ''; }")
        return faults

    async def by_keyboard(self) -> list[str]:
        """Return what Tab does not reach, or reaches unseen."""
        missing = set(await self._page.evaluate(REACHABLE))
        await self._page.evaluate("() => document.activeElement && document.activeElement.blur()")
        faults, first = [], True
        for _ in range(4 * len(missing) + 4):  # A field for a date takes several steps.
            await self._page.keyboard.press("Tab")
            focus = await self._page.evaluate(FOCUS)
            if focus is None or not missing:
                break
            if first and focus["tab"] != "0":
                faults.append("the skip link is not the first")
            first = False
            if focus["tab"] in missing and focus["fault"]:
                faults.append(focus["fault"])
            missing.discard(focus["tab"])
        for tab in sorted(missing):
            faults.append(
                "not reached: "
                + str(
                    await self._page.evaluate(
                        "(tab) => document.querySelector(`[data-tab='${tab}']`).outerHTML.slice(0, 120)", tab
                    )
                )
            )
        return faults

    async def looks(self) -> list[str]:
        return await self.readable(RULES_OF_LOOKS)

    async def both(self) -> list[str]:
        return [*await self.readable(), *await self.by_keyboard()]


async def with_something_to_show(browser: Any, town: Town) -> Citizen:
    """Return somebody with a live code, a settled purchase and a bill that waits."""
    patient = await Citizen.arrives(browser, town, "luzhou_retired", device=SMALL_PHONE)
    await patient.is_ready()
    cashier = await Cashier.arrives(browser, town)
    await cashier.types(await patient.code())
    await cashier.rings_up()
    await cashier.page.get_by_label("请参保人在本机输入交易密码", exact=True).fill(PIN)
    await cashier.press("输入密码结算")
    await cashier.next_please()
    await cashier.types(await patient.code())
    await cashier.rings_up()
    await cashier.press("发送到手机确认")
    await patient.hears("待")
    return patient


async def test_every_page_can_be_read_and_operated_by_everybody(a_town: Town) -> None:
    """F6, B11: at 320 points, in care mode, with type twice as large, by keyboard and by screen reader."""
    app = create_app(a_town.house)
    async with launch() as browser:
        patient = await with_something_to_show(browser, a_town)
        standard = Walk(patient.page, routes(app, anyone, insured))
        await standard.through(Walk.both)
        await patient.context.add_cookies([{"name": CARE_COOKIE, "value": "1", "url": a_town.address}])
        care = Walk(patient.page, routes(app, anyone, insured))
        await care.through(Walk.looks)

        context = await browser.context(SMALL_PHONE, base_url=a_town.address)
        stranger = Walk(await context.new_page(), routes(app, anyone))
        await stranger.through(Walk.readable)
    assert standard.seen > 25
    assert care.seen == standard.seen
    assert stranger.seen > 12
    faults = [*standard.faults, *care.faults, *stranger.faults]
    assert not faults, "\n".join(faults)


# A title that is broken into slivers, and a bar of tabs that leaves little of the screen.
SQUEEZED = """
() => {
  const title = document.querySelector(".bar__title"), tabs = document.querySelector(".tabs"), faults = [];
  const most = Math.min(4, title.textContent.length) * parseFloat(getComputedStyle(title).fontSize);
  if (title.getBoundingClientRect().width < most) faults.push("the title is in slivers");
  const covered = tabs.getBoundingClientRect().height / innerHeight;
  if (getComputedStyle(tabs).position === "fixed" && covered > 0.15) faults.push("the tabs cover " + covered);
  return faults;
}
"""


@pytest.mark.parametrize("care", [False, True])
async def test_with_the_type_set_twice_as_large_the_bars_leave_the_page_to_read(a_town: Town, care: bool) -> None:
    """F6: set in the browser, so that what depends on the size of its type follows."""
    async with launch() as browser:
        context = await browser.context(SMALL_PHONE, base_url=a_town.address)
        await context.add_cookies([{"name": CARE_COOKIE, "value": str(int(care)), "url": a_town.address}])
        page = await context.new_page()
        await page.goto("/forgot/face")
        assert await page.evaluate("() => getComputedStyle(document.querySelector('.tabs')).position") == "fixed"
        assert await page.evaluate(SQUEEZED) == []
        session = await context.new_cdp_session(page)
        await session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        for path in ("/", "/forgot/face", "/get", "/help/phone", "/login"):
            await page.goto(path)
            assert await page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") == 34
            assert await page.evaluate(SQUEEZED) == [], path
            assert await page.evaluate(WIDE, SMALL_PHONE.width) == [], path


async def test_the_skip_link_leads_past_the_bar(a_town: Town) -> None:
    async with launch() as browser:
        page = await (await browser.context(SMALL_PHONE, base_url=a_town.address)).new_page()
        await page.goto("/help")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("() => document.activeElement.id") == "main"
        await page.keyboard.press("Tab")
        assert await page.evaluate("() => document.activeElement.id") == "q"


async def test_the_check_of_the_phone_finds_out_by_script(a_town: Town) -> None:
    async with launch() as browser:
        page = await (await browser.context(SMALL_PHONE, base_url=a_town.address)).new_page()
        await page.goto("/help/phone")
        assert await page.locator("#check-script [data-state]").inner_text() == "有"
        assert await page.locator("#check-camera [data-state]").inner_text() in ("有", "没有允许")
        plain = await (await browser.context(SMALL_PHONE, base_url=a_town.address, script=False)).new_page()
        await plain.goto("/help/phone")
        assert await plain.locator("#check-script [data-state]").inner_text() == "没有打开"


async def test_where_the_phone_stands_is_sent_only_when_asked(a_town: Town) -> None:
    """B13."""
    async with launch() as browser:
        context = await browser.context(SMALL_PHONE, base_url=a_town.address)
        await context.grant_permissions(["geolocation"])
        await context.set_geolocation({"latitude": 28.87, "longitude": 105.44})
        page = await context.new_page()
        await page.goto("/where?place=510500")
        assert "公里" not in await page.locator(".list").inner_text()
        await page.get_by_role("button", name="按我现在的位置排").click()
        await page.get_by_text("您的位置只用来排这一次").wait_for()
        assert "约" in await page.locator(".list").inner_text()
        assert "28.87" not in page.url


async def test_whoever_is_not_bound_is_led_there_and_back(a_town: Town) -> None:
    """A1: no page of the insured is a dead end for an account without a bound insurance, nor for nobody."""
    table = routes(create_app(a_town.house), insured)
    astray: list[tuple[str, str]] = []
    async with launch() as browser:
        newcomer = await Citizen.arrives(browser, a_town, "luzhou_retired")
        await newcomer.registers()
        session = {each["name"]: each["value"] for each in await newcomer.context.cookies()}[SESSION_COOKIE]
    async with (
        httpx.AsyncClient(base_url=a_town.address, trust_env=False) as nobody,
        httpx.AsyncClient(base_url=a_town.address, trust_env=False, cookies={SESSION_COOKIE: session}) as unbound,
    ):
        for path in table:
            if "{" in path:
                continue
            shut = await nobody.get(path)
            assert (shut.status_code, shut.headers["location"]) == (303, f"/login?next={path}"), path
            led = await unbound.get(path, follow_redirects=True)
            assert led.status_code == 200, path
            if led.url.path == path or path in BINDING:
                assert path.startswith(ON_THE_WAY), path
                continue
            if led.url.path in ENDS:
                continue
            assert led.url.path in BINDING, (path, led.url)
            back = urlsplit(led.url.params.get("next", "")).path
            assert any(pattern.match(back) for pattern in table.values()), (path, back)
            alias = urlsplit(unquote(led.history[0].headers["location"])).path not in BINDING
            if not (alias or path == back or path.startswith(f"{back}/")):
                astray.append((path, back))
    assert astray == []
