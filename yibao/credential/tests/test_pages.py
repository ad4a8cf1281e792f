"""The credential's pages, used as a browser without script uses them."""

import json
import re
import secrets

import pytest
from msgspec.structs import replace

from conftest import NewPerson, WorldClock, insured
from yibao import identity, registry
from yibao.core.database import transaction
from yibao.credential import draw
from yibao.credential.api import scan_code
from yibao.credential.code import SHOWN_SECONDS
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE

from .browser import Bank, Browser, bank, browser, whole_house
from .conftest import PHARMACY

__all__ = ["bank", "browser", "whole_house"]

PAY_PASSWORD = "738291"


class Citizen:
    """A registered person who is signed in on a phone."""

    def __init__(self, browser: Browser, person: registry.Registrant, account_id: str) -> None:
        self.browser = browser
        self.person = person
        self.account_id = account_id

    async def prove(self) -> None:
        await self.browser.get("/me/real-name/bank?next=/code")
        await self.browser.fill(
            "/me/real-name",
            name=self.person.name,
            cert_type=self.person.cert_type,
            cert_no=self.person.cert_no,
            bank_card="622999000000000000",
            bank_phone="10000000000",
            agreed="1",
        )

    async def bind(self, **fields: str) -> str:
        card_no = self.person.cards[0].card_no if self.person.cards else ""
        await self.browser.get("/me/bind?next=/code")
        given = {"card_no": card_no, "pay_password": PAY_PASSWORD, "pay_password_again": PAY_PASSWORD, **fields}
        return await self.browser.fill("/me/bind", **given)

    async def activate(self) -> str:
        await self.browser.get("/code/activate")
        return await self.browser.fill("/code/activate", place=self.person.insurances[0].place, agreed="1")

    async def show(self) -> str:
        await self.prove()
        await self.bind()
        return await self.activate()

    def code(self) -> str:
        """Return the digits that stand on the page."""
        _, _, rest = self.browser.text.partition('id="code-digits">')
        return rest.partition("<")[0].replace(" ", "")

    async def scanned(self, code: str) -> str:
        house = self.browser.house
        redeemed = await scan_code(house.gate, code=code, institution=PHARMACY, till="pages", at=house.clock())
        return redeemed.person_id


class Arrive:
    """Lets people arrive at the phone pages, signed in and nothing more."""

    def __init__(self, browser: Browser, new_person: NewPerson) -> None:
        self._browser = browser
        self._new_person = new_person

    async def __call__(
        self, *, card: registry.CardState | None = "normal", insurances: tuple[registry.Insurance, ...] | None = None
    ) -> Citizen:
        house, at = self._browser.house, self._browser.house.clock()
        person = await self._new_person(card=card, insurances=insurances, balance_fen=212_30)
        await self._browser.get("/login")
        async with transaction(house.pool) as tx:
            account_id = await identity.open_account(
                tx, house.vault, phone=f"1{secrets.randbelow(10**10):010d}", login_hash="-", at=at
            )
            device = self._browser.client.cookies[DEVICE_COOKIE]
            token = await identity.start_session(tx, account_id=account_id, device=device, at=at)
        self._browser.client.cookies.set(SESSION_COOKIE, token)
        return Citizen(self._browser, person, account_id)


@pytest.fixture
async def arrive(browser: Browser, new_person: NewPerson) -> Arrive:
    async with transaction(browser.house.pool) as tx:
        await registry.load_regions(tx)
    return Arrive(browser, new_person)


@pytest.fixture
async def citizen(arrive: Arrive) -> Citizen:
    return await arrive()


async def test_from_a_blocked_code_through_all_steps_to_the_code(citizen: Citizen, bank: Bank) -> None:
    """A1 to A3, B1: following what the pages offer, from the code that is not there yet to the code."""
    browser = citizen.browser
    text = await browser.get("/code")
    assert "还没有绑定医保关系" in text
    browser.must_be_usable()
    await browser.follow("/me/bind")
    assert browser.path == "/me/real-name?next=%2Fcode"
    await citizen.prove()
    await browser.follow("/me/bind")
    assert browser.path == "/me/bind?next=%2Fcode"
    browser.must_be_usable()
    await browser.fill(
        "/me/bind",
        card_no=citizen.person.cards[0].card_no,
        pay_password=PAY_PASSWORD,
        pay_password_again=PAY_PASSWORD,
    )
    assert browser.path == "/code/activate?next=%2Fcode"
    browser.must_be_usable()
    assert "泸州市" in browser.text
    await browser.fill("/code/activate", agreed="1")
    assert browser.path == "/code"
    browser.must_be_usable()
    assert await citizen.scanned(citizen.code()) == citizen.person.person_id
    assert len(bank.asked) == 1


async def test_the_code_is_drawn_on_the_page_and_renews_itself_without_script(citizen: Citizen) -> None:
    """B4: without script the page loads itself again, and every load is another code."""
    text = await citizen.show()
    code = citizen.code()
    assert len(code) == 28
    assert draw.qr(code) in text
    assert draw.bar(code) in text
    assert f'<noscript><meta http-equiv="refresh" content="{SHOWN_SECONDS}"></noscript>' in text
    assert f'data-seconds="{SHOWN_SECONDS}"' in text
    assert "泸州市" in text
    assert registry.masked_name(citizen.person.name) in text
    assert citizen.person.name not in text
    summary, _, hidden = text.partition("<details")[2].partition("</summary>")
    assert "212.30" not in summary
    assert "212.30" in hidden
    for identifier in ("code", "code-qr", "code-bar", "code-digits", "code-clock", "code-refresh"):
        assert identifier in citizen.browser.page.ids
    await citizen.browser.get("/code")
    assert citizen.code() != code


async def test_the_script_gets_the_next_code(citizen: Citizen) -> None:
    await citizen.show()
    before = citizen.code()
    answer = await citizen.browser.client.get("/code/next")
    assert answer.status_code == 200
    given = json.loads(answer.text)
    assert set(given) == {"qr", "bar", "digits", "seconds", "now"}
    assert given["now"] == int(citizen.browser.house.clock().timestamp() * 1000)
    code = given["digits"].replace(" ", "")
    assert code != before
    assert (given["qr"], given["bar"]) == (draw.qr(code), draw.bar(code))
    assert given["seconds"] == SHOWN_SECONDS
    assert answer.headers["cache-control"] == "no-store"
    assert await citizen.scanned(code) == citizen.person.person_id


async def test_the_script_is_told_when_there_is_no_next_code(citizen: Citizen) -> None:
    """Never a page with status 200, which the script would take for a code."""
    browser = citizen.browser
    assert (await browser.client.get("/code/next", follow_redirects=True)).status_code == 401
    await citizen.prove()
    await citizen.bind()
    assert (await browser.client.get("/code/next", follow_redirects=True)).status_code == 409
    browser.client.cookies.delete(SESSION_COOKIE)
    assert (await browser.client.get("/code/next", follow_redirects=True)).status_code == 401


async def test_every_browser_activates_for_itself(citizen: Citizen) -> None:
    await citizen.show()
    citizen.browser.client.cookies.delete(DEVICE_COOKIE)
    await citizen.browser.get("/code")
    assert citizen.browser.path == "/code/activate"


async def test_a_page_that_needs_binding_leads_back_to_itself(citizen: Citizen) -> None:
    """A1: the whole way with `next`."""
    browser = citizen.browser
    await browser.get("/me/limit")
    assert browser.path == "/me/real-name?next=%2Fme%2Flimit"
    await citizen.prove()
    await browser.get("/me/limit")
    assert browser.path == "/me/bind?next=%2Fme%2Flimit"
    card_no = citizen.person.cards[0].card_no
    assert "办好后会回到刚才的页面" in browser.text
    await browser.fill("/me/bind", card_no=card_no, pay_password=PAY_PASSWORD, pay_password_again=PAY_PASSWORD)
    activation = browser.path
    await browser.follow("/me/limit")
    assert browser.status == 200, "what needs no code does not wait for one"
    await browser.get(activation)
    await browser.fill("/code/activate", agreed="1")
    assert browser.path == "/me/limit"


async def test_whoever_puts_off_the_real_name_or_the_code_is_led_home(citizen: Citizen) -> None:
    """A1: and not back to the closed page, which would lead them here again."""
    browser = citizen.browser
    for path in ("/me/real-name", "/me/real-name/bank", "/me/real-name/face"):
        await browser.get(f"{path}?next=/me/limit")
        assert "/me/limit" not in browser.page.links
        assert re.search(r'<a[^>]* href="/">以后再说', browser.text), path
    await citizen.prove()
    assert re.search(r'<a[^>]* href="/">以后再说', browser.text)
    await citizen.bind()
    assert re.search(r'<a href="/">先不激活', browser.text)


@pytest.mark.parametrize(
    ("insurances", "code"),
    [
        (None, "credential.no_card_to_bind"),
        ((insured(state="3"),), "credential.not_insured"),
        ((insured(synced=False),), "credential.not_synced"),
    ],
)
async def test_whoever_has_no_card_is_told_so_and_the_ways_without_one(
    arrive: Arrive, insurances: tuple[registry.Insurance, ...] | None, code: str
) -> None:
    """A8, A10: whatever number is typed."""
    citizen = await arrive(card=None, insurances=insurances)
    await citizen.prove()
    assert "刷脸激活，不用卡" in await citizen.browser.get("/me/bind")
    for card_no in ("", "X00000000"):
        assert code in await citizen.bind(card_no=card_no)


async def test_whoever_is_not_registered_is_told_so(citizen: Citizen) -> None:
    """A8: a real name says nothing about being insured."""
    citizen.person = replace(citizen.person, cert_type="08", cert_no=f"E{secrets.randbelow(10**8):08d}")
    await citizen.prove()
    assert "credential.not_registered" in await citizen.bind()


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("lost", "credential.card_lost"),
        ("frozen", "credential.card_frozen"),
        ("inactive", "credential.card_inactive"),
    ],
)
async def test_a_card_out_of_order_is_said_on_the_form(arrive: Arrive, card: registry.CardState, code: str) -> None:
    """A8."""
    citizen = await arrive(card=card)
    await citizen.prove()
    text = await citizen.bind()
    assert code in text
    assert citizen.browser.status == 409
    assert citizen.browser.page.forms[-1].values["card_no"] == citizen.person.cards[0].card_no
    assert PAY_PASSWORD not in text


@pytest.mark.parametrize(
    ("insurances", "code"),
    [
        ((insured(synced=False),), "credential.not_synced"),
        ((insured(state="3"),), "credential.not_insured"),
        ((insured(state="4"),), "credential.not_transferred"),
    ],
)
async def test_what_other_systems_call_a_system_error_is_explained(
    arrive: Arrive, insurances: tuple[registry.Insurance, ...], code: str
) -> None:
    """A8."""
    citizen = await arrive(insurances=insurances)
    await citizen.prove()
    assert code in await citizen.bind()


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (PAY_PASSWORD, "738292", "identity.passwords_differ"),
        ("landscape7", "landscape7", "identity.pay_password_malformed"),
        ("123456", "123456", "identity.pay_password_too_simple"),
    ],
)
async def test_without_a_good_transaction_password_nothing_is_bound(
    citizen: Citizen, first: str, second: str, code: str
) -> None:
    """A3, A5: both or neither."""
    await citizen.prove()
    text = await citizen.bind(pay_password=first, pay_password_again=second)
    assert code in text
    assert citizen.browser.status == 422
    house = citizen.browser.house
    assert (await identity.account(house.pool, house.vault, citizen.account_id)).person_id is None


async def test_activation_needs_the_tick(citizen: Citizen) -> None:
    """B1."""
    await citizen.prove()
    await citizen.bind()
    text = await citizen.browser.fill("/code/activate", place="510500")
    assert "credential.terms_not_agreed" in text
    assert citizen.browser.status == 422
    assert citizen.browser.page.forms[-1].values["place"] == "510500"


async def test_another_s_place_cannot_be_chosen(citizen: Citizen) -> None:
    await citizen.prove()
    await citizen.bind()
    assert "credential.place_not_yours" in await citizen.browser.fill("/code/activate", place="110000", agreed="1")


async def test_of_several_places_one_is_chosen_and_changed(arrive: Arrive) -> None:
    """B8."""
    citizen = await arrive(insurances=(insured("310000"), insured("320682", insutype="390")))
    await citizen.show()
    assert "上海市" in citizen.browser.text
    await citizen.browser.follow("/code/place")
    assert "上海市 · 当前" in citizen.browser.text
    citizen.browser.must_be_usable()
    await citizen.browser.fill("/code/place", place="320682")
    assert citizen.browser.path == "/code"
    assert "如皋市" in citizen.browser.text
    assert "没有个人账户" in citizen.browser.text
    assert citizen.code().endswith("320000")
    await citizen.browser.get("/code/place?next=/")
    await citizen.browser.fill("/code/place", place="310000")
    assert citizen.browser.path == "/", "one tap, and back to where the person was"
    assert "参保地：上海市" in citizen.browser.text


async def test_the_pool_of_the_province_stands_beside_its_city(arrive: Arrive) -> None:
    """B8: 省直, and the place that is chosen is remembered."""
    citizen = await arrive(insurances=(insured("510100"), insured("320682"), insured("519900")))
    await citizen.show()
    text = await citizen.browser.get("/code/place")
    assert text.index("如皋市") < text.index("四川省省本级（省直）") < text.index("成都市")
    await citizen.browser.fill("/code/place", place="519900")
    assert "四川省省本级" in await citizen.browser.get("/code")


async def test_a_place_not_synced_yet_is_listed_with_what_to_do(arrive: Arrive) -> None:
    """B8: wait, or ask the insured place; it cannot be chosen, nor can another's."""
    citizen = await arrive(
        insurances=(insured("510500"), insured("610100", synced=False), insured("110000", state="4"))
    )
    await citizen.show()
    text = await citizen.browser.get("/code/place")
    assert "西安市：尚未同步" in text
    assert "请联系西安市医保局" in text
    assert 'value="610100"' not in text
    assert "北京" not in text, "what has ended is no insured place"
    assert "credential.not_synced" in await citizen.browser.fill("/code/place", place="610100")
    assert citizen.browser.status == 409
    for place in ("110000", "310000", ""):
        assert "credential.place_not_yours" in await citizen.browser.fill("/code/place", place=place)
    assert "泸州市" in await citizen.browser.get("/code")


async def test_what_a_place_does_not_offer_yet_is_said_where_it_is_chosen(citizen: Citizen) -> None:
    """B16."""
    await citizen.show()
    text = await citizen.browser.get("/code/place")
    assert "医保码在各地都能证明是您" in text
    assert "还没有开通的：异地就医直接结算" in text


async def test_unbinding_asks_for_the_payment_password_and_kills_the_code(citizen: Citizen) -> None:
    """A4, B7: also from 公共服务."""
    await citizen.show()
    code = citizen.code()
    browser = citizen.browser
    await browser.get("/services/unbind")
    assert browser.path == "/me/unbind"
    assert "不是社会保障卡的密码" in browser.text
    browser.must_be_usable()
    await browser.fill("/me/unbind", pay_password="111222")
    assert "identity.wrong_pay_password" in browser.text
    assert "没有扣款" not in browser.text, "nothing was to be paid"
    assert browser.status == 403
    await browser.fill("/me/unbind", pay_password="landscape7")
    assert "identity.login_password_at_pay" in browser.text
    await browser.fill("/me/unbind", pay_password=PAY_PASSWORD)
    assert "已解除绑定" in browser.text
    browser.must_be_usable()
    assert "未绑定" in await browser.get("/me")
    assert "没有绑定医保关系" in await browser.get("/services/unbind")
    browser.must_be_usable()
    with pytest.raises(Exception, match="device_unbound"):
        await citizen.scanned(code)
    assert "还没有绑定医保关系" in await browser.get("/code")
    await citizen.bind()
    assert browser.path == "/code/activate?next=%2Fcode"


async def test_a_locked_transaction_password_shows_the_way_out(citizen: Citizen) -> None:
    """A5."""
    await citizen.show()
    await citizen.browser.get("/me/unbind")
    for _ in range(5):
        await citizen.browser.fill("/me/unbind", pay_password="111222")
    assert citizen.browser.status == 429
    await citizen.browser.follow("/unlock?next=%2Fme%2Funbind")
    assert citizen.browser.status == 200


async def test_the_limit_is_set_with_the_password_and_within_its_bounds(citizen: Citizen) -> None:
    """C1."""
    await citizen.show()
    browser = citizen.browser
    await browser.get("/me/limit")
    browser.must_be_usable()
    assert browser.page.forms[-1].values["limit"] == "0.00"
    for limit in ("500.01", "-1", "1e3", "", "１００"):
        await browser.fill("/me/limit", limit=limit, pay_password=PAY_PASSWORD)
        assert "credential.limit_invalid" in browser.text
        assert browser.page.forms[-1].values["limit"] == limit
    await browser.fill("/me/limit", limit="100", pay_password="111222")
    assert "identity.wrong_pay_password" in browser.text
    await browser.fill("/me/limit", limit="100", pay_password=PAY_PASSWORD)
    assert "已保存" in browser.text
    assert browser.page.forms[-1].values["limit"] == "100.00"


GETS = ("/code", "/code/activate", "/code/place", "/me/bind", "/me/unbind", "/me/limit")


@pytest.mark.parametrize("path", GETS)
async def test_whoever_is_not_signed_in_is_led_there_and_back(browser: Browser, path: str) -> None:
    await browser.get(path)
    assert browser.path == f"/login?next={path}"


@pytest.mark.parametrize("path", GETS)
async def test_whoever_is_not_bound_is_led_on_from_every_page(citizen: Citizen, path: str) -> None:
    await citizen.browser.get(path)
    assert citizen.browser.status == 200
    assert citizen.browser.path in ("/code", "/me/unbind") or citizen.browser.path.startswith("/me/real-name")


POSTS = ("/code/activate", "/code/place", "/me/bind", "/me/unbind", "/me/limit")
ODD = ("", "\0", "１２３４５６", "'; --", "🙂" * 40, "9" * 5_000, "\r\n")


@pytest.mark.parametrize("path", POSTS)
async def test_odd_and_missing_fields_get_a_page_and_never_a_failure(
    citizen: Citizen, path: str, clock: WorldClock
) -> None:
    """Before binding, after it, and with the code on the screen."""
    browser = citizen.browser
    names = ["place", "agreed", "next", "card_no", "pay_password", "pay_password_again", "limit", "old", "new"]
    names += ["new_again", "code", "cert_no", "step"]
    steps = (citizen.prove, citizen.bind, citizen.activate)
    for step in steps:
        await browser.get("/me")
        token = browser.page.forms[0].values["_csrf_token"]
        bodies = [{}, *(dict.fromkeys(names, odd) for odd in ODD), {"step": "finish"}]
        for body in bodies:
            answer = await browser.client.post(path, data={"_csrf_token": token, **body}, follow_redirects=False)
            assert answer.status_code < 500, (path, body)
        headers = {"content-type": "application/x-www-form-urlencoded", "x-csrftoken": token}
        for content in (b"", b"place=1&place=2", b"%ED%A0%80=%ED%A0%80&card_no=%ED%A0%80", b"{}"):
            answer = await browser.client.post(path, content=content, headers=headers, follow_redirects=False)
            assert answer.status_code < 500, (path, content)
        clock.advance(hours=2)  # So that a lock of the last round does not hide what comes after it.
        await step()


def token_of(citizen: Citizen) -> dict[str, str]:
    return {"x-csrftoken": citizen.browser.page.forms[0].values["_csrf_token"]}


async def test_the_script_fetches_tickets_to_be_offline(citizen: Citizen) -> None:
    """F1: as many as it lacks, to be kept apart from what another sign-in fetched."""
    text = await citizen.show()
    assert 'data-tickets="/code/tickets"' in text
    [mark] = re.findall('data-mark="([0-9a-f]{16}-[0-9a-f]{16})"', text)
    client, headers = citizen.browser.client, token_of(citizen)
    answer = await client.post("/code/tickets", json={"tickets": 3}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert set(given) == {"key", "province", "tickets", "until", "now"}
    assert [len(ticket) for ticket in given["tickets"]] == [13, 13, 13]
    assert (len(given["key"]), given["province"]) == (64, "510000")
    again = (await client.post("/code/tickets", json={"tickets": 0}, headers=headers)).json()
    assert (again["tickets"], again["key"]) == ([], given["key"])
    assert f'data-mark="{mark}"' in await citizen.browser.get("/code")


@pytest.mark.parametrize("wanted", [{"tickets": 101}, {"tickets": -1}, {"tickets": "many"}, {}, {"tickets": 1, "x": 1}])
async def test_no_more_tickets_than_a_phone_needs(citizen: Citizen, wanted: dict[str, object]) -> None:
    await citizen.show()
    answer = await citizen.browser.client.post("/code/tickets", json=wanted, headers=token_of(citizen))
    assert answer.status_code == 400


async def test_tickets_need_an_active_code_a_sign_in_and_the_page(citizen: Citizen) -> None:
    await citizen.browser.get("/code")
    client, headers = citizen.browser.client, token_of(citizen)
    answer = await client.post("/code/tickets", json={"tickets": 3}, headers=headers)
    assert answer.status_code == 409
    assert "credential.not_activated" in answer.text
    assert (await client.post("/code/tickets", json={"tickets": 3})).status_code == 403
    client.cookies.delete(SESSION_COOKIE)
    assert (await client.post("/code/tickets", json={"tickets": 3}, headers=headers)).status_code in (303, 401)


async def test_what_the_phone_keeps_holds_nobodys_data(citizen: Citizen) -> None:
    """F1: the page for without a network is the same for everybody, and all that it consists of is there to be kept."""
    await citizen.show()
    client = citizen.browser.client
    page = await citizen.browser.get("/code/offline")
    citizen.browser.must_be_usable()
    assert "_csrf_token" not in page
    assert registry.masked_name(citizen.person.name) not in page
    assert citizen.code() == ""
    sent = await citizen.browser.get("/code/offline?sent=true")
    assert "刚才那一步可能没有办成" in sent
    assert "_csrf_token" not in sent
    worker = await client.get("/worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    version, files = worker.text.splitlines()[:2]
    assert re.fullmatch(r"self.VERSION = 'yibao-[0-9a-f]{16}';", version)
    kept = json.loads(files.removeprefix("self.FILES = ").removesuffix(";"))
    for file in kept:
        if not file.startswith("/assets/"):  # Fetched at set-up; the journeys load them in a browser.
            assert (await client.get(file)).status_code == 200, file
    loaded = set(re.findall(r'(?:src|href)="(/(?:static|assets|styles)/[^"]+)"', page)) - {"/static/manifest.json"}
    assert loaded <= set(kept)
