"""The pages of a channel's users, used as a browser without script uses them (A11, B1, B2, B6, B7, B17)."""

import re
import secrets
from datetime import datetime

import msgspec
import pytest

from conftest import NewPerson, insured
from yibao import credential, face, identity, registry
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.credential import channels, refusals
from yibao.credential.api import scan_code
from yibao.face import store as face_store
from yibao.face.actions import opened_subject
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE

from .browser import Bank, Browser, bank, browser, whole_house
from .channel import BACK, CLERK, ENTRIES, UNBINDINGS, Partner, admitted, entry
from .conftest import PHARMACY

__all__ = ["bank", "browser", "whole_house"]

PAY_PASSWORD = "738291"


class Guest:
    """Somebody who comes through a channel."""

    def __init__(self, browser: Browser, partner: Partner, person: registry.Registrant, user: str = "") -> None:
        self.browser = browser
        self.partner = partner
        self.person = person
        self.user = user or secrets.token_hex(8)

    async def enters(self, menu: str = "code", *, named: bool = True) -> str:
        body = entry(self.person if named else None, user=self.user, menu=menu)
        header = self.partner.header(ENTRIES, body, at=self.browser.house.clock())
        answer = await self.browser.client.post(ENTRIES, content=body, headers={"Authorization": header})
        assert answer.status_code == 201, answer.text
        text = await self.browser.get(answer.json()["path"])
        again = re.search(r'content="0; url=(/enter/[^"]+)"', text)
        return await self.browser.get(again[1]) if again else text

    async def looks_up(self) -> str:
        """Pass the face check to which the browser was just led, and go back to where it was asked for."""
        assert self.browser.path.startswith("/face/"), self.browser.path
        check_id = self.browser.path.removeprefix("/face/")
        house = self.browser.house
        async with transaction(house.pool) as tx:
            await face_store.mark_passed(tx, check_id, at=house.clock())
            row = await face_store.check(tx, check_id)
        assert row is not None
        back: str = row["back"]
        return await self.browser.get(f"{back}{'&' if '?' in back else '?'}face={check_id}")

    async def activates(self) -> str:
        """Walk the four steps from where the browser was led to."""
        browser = self.browser
        await browser.fill("/activate", place="510500", agreed="1")
        await browser.fill("/activate/who", whom="self")
        await self.looks_up()
        assert browser.path == "/activate/confirm"
        fields = {"place": "510500"}
        if "pay_password" in browser.text:
            fields |= {"pay_password": PAY_PASSWORD, "pay_password_again": PAY_PASSWORD}
        return await browser.fill("/activate/confirm", **fields)

    def code(self) -> str:
        _, _, rest = self.browser.text.partition('id="code-digits">')
        return rest.partition("<")[0].replace(" ", "")

    async def scanned(self, code: str) -> str:
        house = self.browser.house
        redeemed = await scan_code(house.gate, code=code, institution=PHARMACY, till="channel", at=house.clock())
        return redeemed.person_id


@pytest.fixture
async def wechat(browser: Browser, at: datetime) -> Partner:
    async with transaction(browser.house.pool) as tx:
        await registry.load_regions(tx)
    return await admitted(browser.house.pool, at=at, name="微信")


@pytest.fixture
async def guest(browser: Browser, wechat: Partner, new_person: NewPerson) -> Guest:
    return Guest(browser, wechat, await new_person(balance_fen=100_00))


@pytest.mark.parametrize(("known", "told"), [("SPECIMEN ANNA", "Specimen  anna"), ("医丽娜·保小安", "医丽娜•保小安")])
async def test_a_name_reaches_the_police_as_registers_keep_it_however_the_channel_writes_it(
    browser: Browser, wechat: Partner, new_person: NewPerson, known: str, told: str
) -> None:
    """A10."""
    person = await new_person(name=known, cert_type="08")
    guest = Guest(browser, wechat, msgspec.structs.replace(person, name=told))
    await guest.enters()
    await browser.fill("/activate", place="510500", agreed="1")
    await browser.fill("/activate/who", whom="self")
    check_id = browser.path.removeprefix("/face/")
    async with transaction(browser.house.pool) as tx:
        row = await face_store.check(tx, check_id)
    assert row is not None
    assert opened_subject(browser.house.vault, check_id, row["subject"]).name == known


@pytest.mark.parametrize(("state", "word"), [("4", "医保关系已经终止"), ("", "没有查到您的医保关系")])
async def test_a_place_that_was_named_and_is_not_theirs_is_told_with_its_cause(
    browser: Browser, wechat: Partner, new_person: NewPerson, state: str, word: str
) -> None:
    """A8, B1: what has ended there is another matter than what has not arrived yet."""
    ended = [insured("610100", state=state)] if state else []
    guest = Guest(browser, wechat, await new_person(insurances=[insured("510500"), *ended]))
    await guest.enters()
    await browser.fill("/activate", place="610100", agreed="1")
    await browser.fill("/activate/who", whom="self")
    text = await guest.looks_up()
    assert browser.path == "/activate/confirm"
    assert f"您在西安市的{word}" in text or f"在西安市{word}" in text
    assert ("还没有同步" in text) is not bool(state)


async def test_four_steps_lead_from_the_menu_to_a_code_that_works(guest: Guest) -> None:
    """B1: every step is marked, nothing personal is shown whole, nothing is asked that is known."""
    browser, person = guest.browser, guest.person
    text = await guest.enters()
    assert browser.path == "/activate?next=%2Fcode"
    assert "从微信激活" in text
    assert "泸州市" in text
    assert "card_no" not in text
    browser.must_be_usable()
    await browser.fill("/activate", place="510000", agreed="1")
    assert browser.path == "/activate/who"
    assert registry.masked_name(person.name) in browser.text
    browser.must_be_usable()
    await browser.fill("/activate/who", whom="self")
    await guest.looks_up()
    assert browser.path == "/activate/confirm"
    assert registry.masked_certificate(person.cert_no) in browser.text
    assert person.cert_no not in browser.text
    browser.must_be_usable()
    await browser.fill("/activate/confirm", place="510500", pay_password=PAY_PASSWORD, pay_password_again=PAY_PASSWORD)
    assert browser.path == "/activate/done?next=%2Fcode"
    browser.must_be_usable()
    await browser.follow("/code")
    assert '<span class="mark">微信</span>' in browser.text
    assert f'href="{BACK}home"' in browser.text
    browser.must_be_usable()
    assert await guest.scanned(guest.code()) == person.person_id


async def test_whoever_meets_a_bill_without_a_real_name_is_led_through_and_back(guest: Guest) -> None:
    """A11."""
    browser, person = guest.browser, guest.person
    await guest.enters("bills", named=False)
    assert browser.path == "/activate?next=%2Fbills"
    await browser.fill("/activate", place="510500", agreed="1")
    browser.must_be_usable()
    refused = await browser.fill("/activate/who", name="", cert_type="01", cert_no=person.cert_no)
    assert "identity.who_incomplete" in refused
    await browser.fill("/activate/who", name="医小错", cert_type="01", cert_no=person.cert_no)
    await browser.fill(f"{browser.path}/consent", agreed="1")
    await browser.follow("/activate/face?again=")
    assert browser.page.forms[-1].values["name"] == "医小错"
    await browser.fill("/activate/who", name=person.name)
    await guest.looks_up()
    await browser.fill("/activate/confirm", place="510500", pay_password=PAY_PASSWORD, pay_password_again=PAY_PASSWORD)
    assert browser.path == "/activate/done?next=%2Fbills"
    await browser.follow("/bills")
    assert browser.status == 200
    assert browser.path == "/bills"


async def test_activating_for_somebody_else_leads_to_the_family_account(guest: Guest) -> None:
    """B17."""
    await guest.enters()
    await guest.browser.fill("/activate", place="510500", agreed="1")
    text = await guest.browser.fill("/activate/who", whom="family")
    assert guest.browser.status == 403
    assert refusals.NotYourself.code in text
    assert "/family" in guest.browser.page.links
    guest.browser.must_be_usable()


async def test_whoever_leaves_before_confirming_has_bound_nothing(guest: Guest) -> None:
    """A4, B1: the page says not to confirm what is wrong; a refused confirmation binds nothing either."""
    browser, person = guest.browser, guest.person
    pool, vault = browser.house.pool, browser.house.vault
    await guest.enters()
    await browser.fill("/activate", place="510500", agreed="1")
    await browser.fill("/activate/who", whom="self")
    await guest.looks_up()
    assert "信息有误的，请先不要确认" in browser.text
    weak = {"pay_password": "111111", "pay_password_again": "111111"}
    assert "identity.pay_password_too_simple" in await browser.fill("/activate/confirm", place="510500", **weak)
    assert await identity.account_of_person(pool, vault, person.person_id) is None
    assert await credential.holder(pool, person.person_id) is None
    assert await pool.fetch("SELECT FROM core.outbox WHERE person_id = $1", person.person_id) == []
    await browser.get("/me/bind")
    assert browser.path == "/activate?next=%2Fcode"
    await guest.activates()
    account = await identity.account_of_person(pool, vault, person.person_id)
    assert account is not None
    assert account.has_pay_password
    assert await guest.scanned(await _shown(guest)) == person.person_id


async def test_going_back_and_loading_again_does_no_harm(guest: Guest) -> None:
    """The page of the face is loaded twice, steps are skipped: each leads to where one stands."""
    browser = guest.browser
    await guest.enters()
    for path in ("/activate/confirm", "/activate/face?face=" + "0" * 32):
        await browser.get(path)
        assert browser.path == "/activate"
    await browser.get("/activate/face")
    assert browser.path == "/activate/who"
    await browser.get("/activate?next=/code")
    await browser.fill("/activate", place="510500", agreed="1")
    await browser.fill("/activate/who", whom="self")
    check_id = browser.path.removeprefix("/face/")
    await browser.get(f"/activate/face?face={check_id}")
    assert "face.face_not_passed" in browser.text
    await browser.get(f"/face/{check_id}")
    await guest.looks_up()
    await browser.get(f"/activate/face?face={check_id}")
    assert browser.path == "/activate/confirm"
    different = await browser.fill(
        "/activate/confirm", place="510500", pay_password=PAY_PASSWORD, pay_password_again="1"
    )
    assert "identity.passwords_differ" in different
    await browser.get("/code")
    assert browser.path.startswith("/activate")


async def test_a_second_channel_in_the_same_browser_is_an_activation_of_its_own(
    guest: Guest, browser: Browser, at: datetime
) -> None:
    """B2: the person is recognised, the password known; each code tells its channel."""
    await guest.enters()
    await guest.activates()
    await browser.get("/code")
    first = guest.code()
    second = Guest(browser, await admitted(browser.house.pool, at=at, name="支付宝"), guest.person)
    await second.enters()
    text = await second.activates()
    assert "支付宝" in text
    await browser.get("/code")
    assert '<span class="mark">支付宝</span>' in browser.text
    for code in (first, second.code()):
        assert await guest.scanned(code) == guest.person.person_id
    await browser.get("/me/channels")
    browser.must_be_usable()
    assert browser.text.count("这部手机") == 1
    assert {"微信", "支付宝"} <= set(re.findall(r"微信|支付宝", browser.text))


async def test_one_activation_is_unbound_from_another_channel_and_the_other_goes_on(
    guest: Guest, browser: Browser, at: datetime
) -> None:
    """B6, B7: by the transaction password, which the page says is the payment password."""
    await guest.enters()
    await guest.activates()
    await browser.get("/code")
    lost = guest.code()
    lost_session = browser.client.cookies[SESSION_COOKIE]
    browser.client.cookies.clear()
    own = Guest(browser, await admitted(browser.house.pool, at=at, name="支付宝"), guest.person)
    await own.enters()
    await own.activates()
    await browser.get("/me/channels")
    [other] = [
        link
        for link in browser.page.links
        if link.startswith("/me/channels/unbind") and "这部手机" not in browser.text.partition(link)[2][:120]
    ]
    page = await browser.get(other)
    assert "微信" in page
    assert "不是社会保障卡的密码" in page
    browser.must_be_usable()
    wrong = await browser.fill("/me/channels/unbind", pay_password="000000")
    assert "identity.wrong_pay_password" in wrong
    assert await own.scanned(await _shown(own)) == guest.person.person_id
    await browser.get(other)
    await browser.fill("/me/channels/unbind", pay_password=PAY_PASSWORD)
    assert browser.path == "/me/channels?done=1"
    with pytest.raises(refusals.DeviceUnbound):
        await guest.scanned(lost)
    assert await own.scanned(await _shown(own)) == guest.person.person_id
    assert await identity.session(browser.house.pool, lost_session, browser.house.clock()) is None
    await browser.get(other)
    assert browser.path == "/me/channels"


async def _shown(guest: Guest) -> str:
    await guest.browser.get("/code")
    return guest.code()


async def test_unbinding_by_the_face_starts_only_after_the_agreement(guest: Guest) -> None:
    """B7: and an unbound phone activates again."""
    browser = guest.browser
    await guest.enters()
    await guest.activates()
    code = await _shown(guest)
    await browser.get("/me/channels")
    link = next(link for link in browser.page.links if link.startswith("/me/channels/unbind"))
    await browser.get(link)
    text = await browser.fill("/me/channels/unbind", agreed="", by="face")
    assert refusals.UnbindingNotAgreed.code in text
    await browser.fill("/me/channels/unbind", agreed="1", by="face")
    await guest.looks_up()
    assert browser.path == "/me/channels?done=1"
    with pytest.raises(refusals.DeviceUnbound):
        await guest.scanned(code)
    await browser.get("/code")
    assert browser.path == "/activate?next=%2Fcode"
    await guest.activates()
    assert await guest.scanned(await _shown(guest)) == guest.person.person_id


async def test_a_proof_for_another_purpose_unbinds_nothing(guest: Guest) -> None:
    browser, house = guest.browser, guest.browser.house
    await guest.enters()
    await guest.activates()
    async with transaction(house.pool) as tx:
        person = guest.person
        check_id = await face.begin(
            tx,
            house.vault,
            purpose="real_name",
            subject=face.Subject(person.name, person.cert_type, person.cert_no),
            device=f"browser:{browser.client.cookies[DEVICE_COOKIE]}",
            back="/",
            at=house.clock(),
        )
        await face_store.mark_passed(tx, check_id, at=house.clock())
    await browser.get("/me/channels")
    link = next(link for link in browser.page.links if link.startswith("/me/channels/unbind"))
    await browser.get(link.replace("/unbind?", "/unbound?") + f"&face={check_id}")
    assert "face.face_missing" in browser.text
    assert await guest.scanned(await _shown(guest)) == guest.person.person_id


async def test_somebody_else_s_activation_cannot_be_unbound(
    guest: Guest, browser: Browser, new_person: NewPerson
) -> None:
    await guest.enters()
    await guest.activates()
    code = await _shown(guest)
    await browser.get("/me/channels")
    link = next(link for link in browser.page.links if link.startswith("/me/channels/unbind"))
    browser.client.cookies.clear()
    thief = Guest(browser, guest.partner, await new_person())
    await thief.enters()
    await thief.activates()
    for path in (link, "/me/channels/unbind?activation=x", "/me/channels/unbind"):
        await browser.get(path)
        assert browser.path == "/me/channels"
    await browser.get("/me/channels")
    own = next(each for each in browser.page.links if each.startswith("/me/channels/unbind"))
    await browser.get(own)
    await browser.fill(
        "/me/channels/unbind", activation=link.rpartition("=")[2], pay_password=PAY_PASSWORD, by="password"
    )
    assert await guest.scanned(code) == guest.person.person_id


async def test_the_channel_s_hotline_unbinds_its_own_user(guest: Guest, browser: Browser, at: datetime) -> None:
    """B6: in its own channel only; again ends nothing."""
    await guest.enters()
    await guest.activates()
    lost = await _shown(guest)
    other = Guest(browser, await admitted(browser.house.pool, at=at), guest.person)
    await other.enters()
    await other.activates()

    async def hotline(user: str) -> dict[str, object]:
        body = msgspec.json.encode({"user": user, "reason": "手机丢失"})
        header = guest.partner.header(UNBINDINGS, body, at=browser.house.clock())
        answer = await browser.client.post(UNBINDINGS, content=body, headers={"Authorization": header})
        return dict(answer.json())

    assert (await hotline("nobody"))["code"] == "credential.channel_user_unknown"
    assert (await hotline(other.user))["code"] == "credential.channel_user_unknown"
    assert await hotline(guest.user) == {"unbound": 1}
    assert await hotline(guest.user) == {"unbound": 0}
    with pytest.raises(refusals.DeviceUnbound):
        await guest.scanned(lost)
    assert await other.scanned(await _shown(other)) == guest.person.person_id
    topics = await browser.house.pool.fetch(
        "SELECT payload FROM core.outbox WHERE person_id = $1 AND topic = 'credential.device_unbound'",
        guest.person.person_id,
    )
    assert [row["payload"] for row in topics] == [{"by": "channel", "channel": "微信"}]
    looks = await registry.looks(browser.house.pool, browser.house.vault, guest.person.person_id)
    assert ("微信客服", "医保码解绑：手机丢失") in [(look.looker_name, look.purpose) for look in looks]


async def test_a_suspended_channel_shows_no_codes_and_those_shown_are_refused(guest: Guest) -> None:
    """E10: with its hotline, at the till and on the phone; other channels go on; it may be let in again."""
    browser, house = guest.browser, guest.browser.house
    await guest.enters()
    await guest.activates()
    code = await _shown(guest)

    async def move(to: str) -> None:
        async with transaction(house.pool) as tx:
            await channels.move(tx, code=guest.partner.code, to=to, reason="投诉核查", clerk=CLERK, at=house.clock())

    await move("suspended")
    with pytest.raises(Refusal) as caught:
        await guest.scanned(code)
    assert isinstance(caught.value, refusals.CodeOfSuspendedChannel)
    assert "微信 95000" in caught.value.remedy_text
    text = await browser.get("/code")
    assert (browser.status, "credential.channel_suspended" in text, "95000" in text) == (403, True, True)
    assert (await browser.client.get("/code/next")).status_code == 403
    for path in ("/activate", "/bills", "/records", "/insurance", "/family", "/me/data"):
        assert "credential.channel_suspended" in await browser.get(path)
        assert browser.status == 403
    await browser.get("/messages")
    assert browser.path == "/login?next=/messages"
    await browser.get("/me/channels")
    assert browser.status == 200
    await move("active")
    assert await guest.scanned(await _shown(guest)) == guest.person.person_id


async def test_a_used_ticket_and_a_browser_without_cookies_are_told_what_to_do(browser: Browser) -> None:
    text = await browser.get("/enter/" + "x" * 32)
    assert browser.page.links
    assert f"/enter/{'x' * 32}?again=1" in text
    await browser.get(f"/enter/{'x' * 32}?again=1")
    assert "credential.ticket_used" in browser.text
    browser.client.cookies.clear()
    await browser.get(f"/enter/{'x' * 32}?again=1")
    assert "credential.cookies_off" in browser.text


async def test_our_own_pages_go_on_as_they_were(browser: Browser, bank: Bank, guest: Guest) -> None:
    """A3: whoever signed in with us is not led through a channel's steps."""
    house = browser.house
    await browser.get("/login")
    async with transaction(house.pool) as tx:
        account_id = await identity.open_account(
            tx, house.vault, phone=f"1{secrets.randbelow(10**10):010d}", login_hash="-", at=house.clock()
        )
        token = await identity.start_session(
            tx, account_id=account_id, device=browser.client.cookies[DEVICE_COOKIE], at=house.clock()
        )
    browser.client.cookies.set(SESSION_COOKIE, token)
    await browser.get("/activate?next=/bills")
    assert browser.path.startswith("/me/real-name")
    await browser.get("/me/channels")
    assert browser.path.startswith("/me/real-name")


async def test_a_link_that_somebody_sent_leads_them_into_no_other_account(
    guest: Guest, browser: Browser, wechat: Partner, new_person: NewPerson, at: datetime
) -> None:
    """B2: the owner of an account is asked for its password, and can end the link afterwards."""
    own = Guest(browser, await admitted(browser.house.pool, at=at, name="支付宝"), guest.person)
    await own.enters()
    await own.activates()
    browser.client.cookies.clear()
    await guest.enters("insurance", named=False)  # The sender's link.
    await browser.get("/activate?next=/insurance")
    await browser.fill("/activate", place="510500", agreed="1")
    await browser.fill("/activate/who", name=guest.person.name, cert_type="01", cert_no=guest.person.cert_no)
    text = await guest.looks_up()
    assert "链接是别人发来的，请不要继续" in text
    browser.must_be_usable()
    assert "identity.wrong_pay_password" in await browser.fill("/activate/confirm", place="510500", pay_password="1")
    vault, pool = browser.house.vault, browser.house.pool
    home = await identity.find_channel_account(pool, vault, channel=own.partner.code, user=own.user)
    assert await identity.find_channel_account(pool, vault, channel=wechat.code, user=guest.user) != home
    await browser.fill("/activate/confirm", place="510500", pay_password=PAY_PASSWORD)
    assert browser.path == "/activate/done?next=%2Finsurance"
    assert await identity.find_channel_account(pool, vault, channel=wechat.code, user=guest.user) == home
    browser.client.cookies.clear()
    await own.enters()
    await browser.get("/me/channels")
    browser.must_be_usable()
    await browser.follow(f"/me/channels/unlink?channel={wechat.code}")
    browser.must_be_usable()
    assert "identity.wrong_pay_password" in await browser.fill("/me/channels/unlink", pay_password="000000")
    await browser.fill("/me/channels/unlink", pay_password=PAY_PASSWORD)
    assert browser.path == "/me/channels?done=unlinked"
    assert f"channel={wechat.code}" not in browser.text
    assert await identity.find_channel_account(pool, vault, channel=wechat.code, user=guest.user) is None
    await browser.get(f"/me/channels/unlink?channel={wechat.code}")
    assert browser.path == "/me/channels"


async def test_a_channel_s_functions_hold_on_every_page(
    browser: Browser, wechat: Partner, new_person: NewPerson, at: datetime
) -> None:
    """E10: not only at the door."""
    partner = await admitted(browser.house.pool, at=at, functions=("activate", "show_code"))
    guest = Guest(browser, partner, await new_person())
    await guest.enters()
    await guest.activates()
    for path in ("/bills", "/records", "/insurance", "/account", "/family", "/me/channels", "/me/unbind", "/me/data"):
        assert "credential.channel_not_permitted" in await browser.get(path), path
        assert browser.status == 403
    for path in ("/code", "/services", "/messages"):
        await browser.get(path)
        assert (browser.status, browser.path) == (200, path)
