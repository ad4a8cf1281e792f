"""A browser without script over the whole application: it follows links and fills in forms that are on the page."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from conftest import WorldClock
from tests.entrance import entrance
from yibao import identity
from yibao.app import House, furnish
from yibao.core.database import Pool
from yibao.core.settings import Settings
from yibao.core.vault import Keys, Vault
from yibao.identity.unionpay import Agreed, Verdict
from yibao.service.message.sms import NullSms


class Bank:
    """A bank that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.verdict: Verdict = Agreed()
        self.asked: list[dict[str, str]] = []

    async def verify(
        self, *, order_id: str, name: str, cert_type: str, cert_no: str, bank_card: str, phone: str, at: datetime
    ) -> Verdict:
        self.asked.append(
            {
                "order_id": order_id,
                "name": name,
                "cert_type": cert_type,
                "cert_no": cert_no,
                "bank_card": bank_card,
                "phone": phone,
            }
        )
        return self.verdict


class Form:
    """A form as it would be sent without being touched, and everything that it could send."""

    def __init__(self, method: str, action: str) -> None:
        self.method = method
        self.action = action
        self.values: dict[str, str] = {}
        self.names: set[str] = set()
        self.required: set[str] = set()


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.labels: set[str] = set()
        self.ids: list[str] = []
        self.named: list[tuple[str, str]] = []  # What a person fills in: its name and id.
        self._form: Form | None = None
        self._select = ""
        self._area = ""
        self.feed(text)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in pairs}
        if "id" in given:
            self.ids.append(given["id"])
        match tag:
            case "a":
                self.links.append(given["href"])
            case "label" if "for" in given:
                self.labels.add(given["for"])
            case "form":
                self._form = Form(given["method"], given["action"])
                self.forms.append(self._form)
            case "input" | "button" | "select" | "textarea" if self._form is not None and "name" in given:
                self._control(tag, given, self._form)
            case "option" if self._form is not None and self._select:
                if "selected" in given or self._select not in self._form.values:
                    self._form.values[self._select] = given["value"]

    def _control(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, kind = given["name"], given.get("type", "")
        form.names.add(name)
        if "required" in given:
            form.required.add(name)
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area = name
            form.values[name] = ""
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in given):
            form.values[name] = given.get("value", "")
        if kind not in ("hidden", "submit", "checkbox", "radio"):
            self.named.append((name, given.get("id", "")))

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area:
            self._form.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""


class Browser:
    """One person's browser, with cookies of its own; `page` is what it shows."""

    def __init__(self, client: httpx.AsyncClient, house: House) -> None:
        self.client = client
        self.house = house
        self.path = ""
        self.status = 0
        self.page = _Page("")
        self.text = ""

    async def get(self, path: str) -> str:
        """Go to a page, through wherever it leads, and return the text of the one that is shown."""
        return self._show(await self.client.get(path, follow_redirects=True))

    async def fill(self, action: str, **fields: str) -> str:
        """Fill in the form on this page that leads to `action` and has these fields, and send it."""
        form = next((form for form in self.page.forms if form.action == action and set(fields) <= form.names), None)
        assert form is not None, f"no form for {action} with {sorted(fields)} on {self.path}"
        assert form.method == "post"
        return self._show(await self.client.post(action, data={**form.values, **fields}, follow_redirects=True))

    async def follow(self, start: str) -> str:
        """Follow the first link on this page whose address begins with `start`."""
        link = next((link for link in self.page.links if link.startswith(start)), None)
        assert link is not None, f"no link to {start} on {self.path}"
        return await self.get(link)

    def _show(self, answer: httpx.Response) -> str:
        self.status = answer.status_code
        self.path = answer.url.raw_path.decode()
        self.text = answer.text
        self.page = _Page(answer.text)
        return answer.text

    def must_be_usable(self) -> None:
        """Assert what every page owes to keyboards and screen readers, whatever it says."""
        assert re.search(r"<h1[^>]*>\s*\S", self.text), self.path
        assert self.text.count("<h1") == 1
        assert len(self.page.ids) == len(set(self.page.ids)), self.path
        for name, identifier in self.page.named:
            assert identifier, f"{name} on {self.path}"
            assert identifier in self.page.labels, f"{name} on {self.path}"
        assert all("_csrf_token" in form.names for form in self.page.forms if form.method == "post")
        assert "style=" not in self.text
        assert "onclick" not in self.text


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def whole_house(pool: Pool, keys: Keys, vault: Vault, clock: WorldClock, bank: Bank, home: Path) -> House:
    return furnish(
        Settings(home=home),
        keys,
        pool,
        clock=clock,
        hasher=identity.Hasher(vault, memory_kib=8, passes=1),
        bank=bank,
        sms=NullSms(),
    )


@pytest.fixture
async def browser(whole_house: House) -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(entrance(whole_house))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Browser(client, whole_house)
