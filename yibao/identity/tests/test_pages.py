"""The account's pages, used as a browser without script uses them."""

import re

import pytest

from conftest import WorldClock
from yibao import identity
from yibao.core.database import transaction
from yibao.credential.tests.browser import Bank, Browser, bank, browser, whole_house
from yibao.identity.tests.cast import CERT_NO, PASSWORD, wrong
from yibao.identity.tests.conftest import Sms
from yibao.identity.unionpay import Agreed, Differs, Element, Unknown, Unsupported
from yibao.web.pages import CARE_COOKIE
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE, TILL_COOKIE

__all__ = ["bank", "browser", "whole_house"]

ELEMENTS = {
    "name": "测试甲",
    "cert_type": "01",
    "cert_no": CERT_NO,
    "bank_card": "6229 9900 0000 0000 00",
    "bank_phone": "10000000000",
}


async def register(browser: Browser, sms: Sms, phone: str, *, start: str = "/register") -> str:
    await browser.get(start)
    await browser.fill("/register", phone=phone, step="code")
    code = (await sms.sent(phone))[-1].code
    return await browser.fill("/register", code=code, login_password=PASSWORD, step="finish")


async def sign_in(browser: Browser, phone: str, password: str = PASSWORD) -> str:
    await browser.get("/login")
    return await browser.fill("/login", phone=phone, login_password=password)


async def test_a_newcomer_registers_in_two_steps_and_is_led_to_the_real_name(
    browser: Browser, sms: Sms, phone: str
) -> None:
    """A1, A3: without script."""
    await browser.get("/register")
    browser.must_be_usable()
    await browser.fill("/register", phone=phone, step="code")
    assert browser.status == 200
    browser.must_be_usable()
    code = (await sms.sent(phone))[-1].code
    await browser.fill("/register", code=code, login_password=PASSWORD, step="finish")
    assert browser.path == "/me/real-name?next=%2F"
    browser.must_be_usable()
    text = await browser.get("/me")
    assert f"{phone[:3]}****{phone[-4:]}" in text
    assert phone not in text
    browser.must_be_usable()


async def test_from_a_blocked_page_and_back(browser: Browser, sms: Sms, phone: str) -> None:
    """A1: 「页面未开通」 leads to registering and back to where the person was."""
    await browser.get("/messages")
    assert browser.path == "/login?next=/messages"
    await browser.follow("/register")
    assert browser.path == "/register?next=%2Fmessages"
    await browser.fill("/register", phone=phone, step="code")
    code = (await sms.sent(phone))[-1].code
    await browser.fill("/register", code=code, login_password=PASSWORD, step="finish")
    assert browser.path == "/me/real-name?next=%2Fmessages"
    assert "办好后会回到刚才的页面" in browser.text
    assert "/messages" not in browser.page.links, "it is closed until then"


async def test_signing_in_leads_back_and_signing_out_ends_the_session(browser: Browser, sms: Sms, phone: str) -> None:
    await register(browser, sms, phone)
    stolen = browser.client.cookies[SESSION_COOKIE]
    await browser.get("/me")
    await browser.fill("/logout")
    assert browser.path == "/"
    browser.client.cookies.set(SESSION_COOKIE, stolen)
    await browser.get("/me")
    assert browser.path == "/login?next=/me"
    browser.client.cookies.delete(SESSION_COOKIE)
    await browser.fill("/login", phone=phone, login_password=PASSWORD)
    assert browser.path == "/me"


async def test_an_address_that_leads_elsewhere_is_not_followed(browser: Browser, sms: Sms, phone: str) -> None:
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    for elsewhere in ("https://example.org/", "//example.org", "/\\example.org", "/\texample.org"):
        await browser.get("/login")
        form = browser.page.forms[-1]
        answer = await browser.client.post(
            "/login",
            data={**form.values, "next": elsewhere, "phone": phone, "login_password": PASSWORD},
            follow_redirects=False,
        )
        assert answer.headers["location"] == "/"
        browser.client.cookies.delete(SESSION_COOKIE)


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser: Browser, sms: Sms, phone: str) -> None:
    await browser.get("/login")
    assert DEVICE_COOKIE in browser.client.cookies
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    await browser.get("/login")
    form = browser.page.forms[-1]
    answer = await browser.client.post(
        "/login", data={**form.values, "phone": phone, "login_password": PASSWORD}, follow_redirects=False
    )
    [session] = [line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION_COOKIE)]
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Secure" not in session  # This installation is not on https.


async def test_a_wrong_password_keeps_the_phone_and_not_the_password(browser: Browser, sms: Sms, phone: str) -> None:
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    text = await sign_in(browser, phone, "not this 1")
    assert browser.status == 403
    assert "identity.wrong_password" in text
    assert browser.page.forms[-1].values["phone"] == phone
    assert "not this 1" not in text
    browser.must_be_usable()


async def test_known_and_unknown_phones_get_the_same_pages(browser: Browser, sms: Sms, phone: str) -> None:
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    nobody = f"101{phone[3:]}"
    known, unknown = [(await sign_in(browser, number, "not this 1"), browser.status) for number in (phone, nobody)]
    assert _without(known[0], phone) == _without(unknown[0], nobody)
    assert known[1] == unknown[1]
    for path in ("/forgot/phone", "/login/code", "/unlock"):
        pages = []
        for number in (phone, nobody):
            await browser.get(path)
            pages.append((_without(await browser.fill(path, phone=number, step="code"), number), browser.status))
        assert pages[0] == pages[1]


def _without(text: str, phone: str) -> str:
    return "\n".join(line for line in text.replace(phone, "").splitlines() if "_csrf_token" not in line)


async def test_a_lock_says_so_and_an_sms_lifts_it(browser: Browser, sms: Sms, phone: str) -> None:
    """A5: locked after five failures here, and lifted here."""
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    for _ in range(5):
        await sign_in(browser, phone, "not this 1")
    assert browser.status == 429
    await browser.get("/login?next=/me")
    await browser.fill("/login", phone=phone, login_password=PASSWORD)
    assert "identity.login_locked" in browser.text
    await browser.follow("/unlock")
    await browser.fill("/unlock", phone=phone, step="code")
    code = (await sms.sent(phone))[-1].code
    await browser.fill("/unlock", code=wrong(code), step="finish")
    assert "identity.code_wrong" in browser.text
    assert browser.status == 403
    await browser.fill("/unlock", code=code, step="finish")
    assert "已解锁" in browser.text
    browser.must_be_usable()
    await browser.fill("/login", login_password=PASSWORD)
    assert browser.path == "/me", "the phone was still there, and so was the way back"


async def test_whoever_is_signed_in_unlocks_their_own_phone_only(browser: Browser, sms: Sms, phone: str) -> None:
    await register(browser, sms, phone)
    text = await browser.get("/unlock?next=/me")
    assert f"{phone[:3]}****{phone[-4:]}" in text
    await browser.fill("/unlock", step="code")
    await browser.fill("/unlock", code=(await sms.sent(phone))[-1].code, step="finish")
    assert browser.path == "/me"


async def test_whoever_is_signed_in_changes_the_login_password_without_typing_their_phone(
    browser: Browser, sms: Sms, phone: str
) -> None:
    """A6: 登录密码修改, under that name."""
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.follow("/forgot")
    browser.must_be_usable()
    assert re.search(r"<h1[^>]*>\s*登录密码修改", browser.text)
    assert "返回登录" not in browser.text
    assert "/me" in browser.page.links
    await browser.follow("/forgot/phone")
    assert f"{phone[:3]}****{phone[-4:]}" in browser.text
    assert any(link.startswith("/forgot?") for link in browser.page.links)
    await browser.fill("/forgot/phone", step="code")
    browser.must_be_usable()
    code = (await sms.sent(phone))[-1].code
    await browser.fill("/forgot/phone", code=code, login_password="new landscape 8", step="finish")
    await browser.fill("/login", phone=phone, login_password="new landscape 8")
    assert browser.path == "/me"


async def test_a_forgotten_login_password_is_set_anew_by_phone(browser: Browser, sms: Sms, phone: str) -> None:
    """A6."""
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    await browser.get("/login?next=/me")
    await browser.follow("/forgot")
    browser.must_be_usable()
    await browser.follow("/forgot/phone")
    browser.must_be_usable()
    await browser.fill("/forgot/phone", phone=phone, step="code")
    browser.must_be_usable()
    code = (await sms.sent(phone))[-1].code
    await browser.fill("/forgot/phone", code=code, login_password="short", step="finish")
    assert browser.status == 422
    assert browser.page.forms[1].values["code"] == code
    await browser.fill("/forgot/phone", code=code, login_password="new landscape 8", step="finish")
    assert "登录密码已重新设置" in browser.text
    await browser.fill("/login", phone=phone, login_password="new landscape 8")
    assert browser.path == "/me"


async def test_signing_in_by_a_code(browser: Browser, sms: Sms, phone: str) -> None:
    await register(browser, sms, phone)
    await browser.get("/me")
    await browser.fill("/logout")
    await browser.get("/login?next=/me")
    await browser.follow("/login/code")
    await browser.fill("/login/code", phone=phone, step="code")
    await browser.fill("/login/code", code=(await sms.sent(phone))[-1].code, step="finish")
    assert browser.path == "/me"


async def test_asking_again_too_soon_leaves_the_form_for_the_code_that_came(
    browser: Browser, sms: Sms, phone: str, clock: WorldClock
) -> None:
    await browser.get("/register")
    await browser.fill("/register", phone=phone, step="code")
    code = (await sms.sent(phone))[-1].code
    await browser.fill("/register", step="code")
    assert "identity.code_too_soon" in browser.text
    assert browser.status == 429
    await browser.fill("/register", code=code, login_password=PASSWORD, step="finish")
    assert browser.path.startswith("/me/real-name")


async def test_a_phone_that_is_none_is_asked_for_again(browser: Browser) -> None:
    await browser.get("/register?next=/me")
    await browser.fill("/register", phone="12345", step="code")
    assert browser.status == 422
    assert browser.page.forms[1].values == {
        "_csrf_token": browser.page.forms[1].values["_csrf_token"],
        "next": "/me",
        "phone": "12345",
    }


@pytest.fixture
async def signed_in(browser: Browser, sms: Sms, phone: str) -> Browser:
    await register(browser, sms, phone)
    return browser


async def test_a_real_name_agreed_by_the_bank(signed_in: Browser, bank: Bank) -> None:
    """A2: all four elements, and the next step is offered."""
    await signed_in.get("/me/real-name/bank?next=/code")
    signed_in.must_be_usable()
    await signed_in.fill("/me/real-name", **ELEMENTS, agreed="1")
    assert "已通过实名认证" in signed_in.text
    assert "测*甲" in signed_in.text
    assert "/me/bind?next=%2Fcode" in signed_in.page.links
    [asked] = bank.asked
    assert asked["bank_card"] == "622999000000000000"
    assert "已认证" in await signed_in.get("/me")


@pytest.mark.parametrize(
    ("element", "code"),
    [
        ("name", "identity.name_differs"),
        ("cert", "identity.certificate_differs"),
        ("card", "identity.card_differs"),
        ("phone", "identity.bank_phone_differs"),
        (None, "identity.elements_differ"),
    ],
)
async def test_a_differing_element_says_which_and_keeps_the_form(
    signed_in: Browser, bank: Bank, element: Element | None, code: str
) -> None:
    """A2, A8."""
    bank.verdict = Differs(element)
    await signed_in.get("/me/real-name/bank?next=/code")
    await signed_in.fill("/me/real-name", **ELEMENTS, agreed="1")
    assert signed_in.status == 409
    assert code in signed_in.text
    kept = signed_in.page.forms[-1].values
    assert {name: kept[name] for name in ELEMENTS} == ELEMENTS
    assert (kept["agreed"], kept["next"]) == ("1", "/code")


async def test_a_card_that_the_bank_does_not_check(signed_in: Browser, bank: Bank) -> None:
    bank.verdict = Unsupported()
    await signed_in.get("/me/real-name/bank")
    await signed_in.fill("/me/real-name", **ELEMENTS, agreed="1")
    assert "identity.bank_card_unsupported" in signed_in.text


async def test_a_silent_bank_is_asked_again_under_the_same_order(signed_in: Browser, bank: Bank) -> None:
    """A2: unknown is pending, never failed."""
    bank.verdict = Unknown()
    await signed_in.get("/me/real-name/bank")
    await signed_in.fill("/me/real-name", **ELEMENTS, agreed="1")
    assert "银联暂未答复" in signed_in.text
    assert "再次查询" in signed_in.text
    await signed_in.fill("/me/real-name")
    bank.verdict = Agreed()
    await signed_in.fill("/me/real-name")
    assert "已通过实名认证" in signed_in.text
    assert len({asked["order_id"] for asked in bank.asked}) == 1
    assert len(bank.asked) == 3


async def test_nothing_goes_to_the_bank_without_consent(signed_in: Browser, bank: Bank) -> None:
    await signed_in.get("/me/real-name/bank")
    await signed_in.fill("/me/real-name", **ELEMENTS)
    assert "identity.consent_missing" in signed_in.text
    assert bank.asked == []


async def test_care_mode_is_switched_on_and_off_where_one_is(browser: Browser) -> None:
    """B11."""
    await browser.get("/login")
    assert "data-weui-mode" not in browser.text
    await browser.fill("/care")
    assert browser.path == "/login"
    assert 'data-weui-mode="care"' in browser.text
    assert browser.client.cookies[CARE_COOKIE] == "1"
    await browser.fill("/care")
    assert "data-weui-mode" not in browser.text


@pytest.fixture
async def cashier(browser: Browser) -> str:
    login = f"P51050099001-{id(browser)}"
    house = browser.house
    async with transaction(house.pool) as tx:
        await identity.add_staff(
            tx,
            [
                identity.Staff(
                    login=login,
                    institution="P51050099001",
                    display_name="收款员",
                    role="cashier",
                    password_hash=await house.hasher.hash(PASSWORD),
                )
            ],
        )
    return login


async def test_the_till_has_a_door_of_its_own(browser: Browser, cashier: str) -> None:
    await browser.get("/till/daybook")
    assert browser.path == "/till/login?next=/till/daybook"
    browser.must_be_usable()
    await browser.fill("/till/login", login=cashier, password="not this 1")
    assert browser.status == 403
    assert "identity.wrong_staff_password" in browser.text
    await browser.fill("/till/login", login=cashier, password=PASSWORD)
    assert browser.path == "/till/daybook"
    [cookie] = [cookie for cookie in browser.client.cookies.jar if cookie.name == TILL_COOKIE]
    assert cookie.path == "/till"
    await browser.fill("/till/logout")
    assert browser.path == "/till/login"
    await browser.get("/till/daybook")
    assert browser.path.startswith("/till/login")


async def test_a_cashier_is_nobody_on_the_phone_pages(browser: Browser, cashier: str) -> None:
    await browser.get("/till/login")
    await browser.fill("/till/login", login=cashier, password=PASSWORD)
    await browser.get("/me")
    assert browser.path == "/login?next=/me"


POSTS = (
    "/register",
    "/login/code",
    "/forgot/phone",
    "/forgot/face",
    "/unlock",
    "/login",
    "/care",
    "/till/login",
    "/phone",
    "/me/real-name",
    "/me/phone/codes",
    "/me/devices",
    "/me/pay-password",
    "/me/pay-password/forgot/phone",
    "/me/pay-password/forgot/face",
    "/me/pay-password/forgot/bank",
)
ODD = ("", "\0", "１３８００１３８０００", "'; --", "🙂" * 40, "a" * 5_000, "%00", "\r\nSet-Cookie: x=1")


@pytest.mark.parametrize("path", POSTS)
async def test_odd_and_missing_fields_get_a_page_and_never_a_failure(signed_in: Browser, path: str) -> None:
    await signed_in.get("/me")
    token = signed_in.page.forms[0].values["_csrf_token"]
    names = (
        *("phone", "code", "login_password", "next", "login", "password", "step", *ELEMENTS, "agreed", "face"),
        *("session", "old", "new", "new_again", "old_code", "new_code"),
    )
    bodies: list[dict[str, str]] = [{"_csrf_token": token}]
    bodies += [
        {"_csrf_token": token, **dict.fromkeys(names, odd), "step": step} for odd in ODD for step in ("finish", "")
    ]
    for body in bodies:
        answer = await signed_in.client.post(path, data=body, follow_redirects=False)
        assert answer.status_code < 500, (path, body)
    headers = {"content-type": "application/x-www-form-urlencoded", "x-csrftoken": token}
    for content in (b"", b"phone=1&phone=2", b"%ED%A0%80=%ED%A0%80&phone=%ED%A0%80", b"&&&=", b"{}"):
        answer = await signed_in.client.post(path, content=content, headers=headers, follow_redirects=False)
        assert answer.status_code < 500, (path, content)
    answer = await signed_in.client.post(
        path, json={"phone": 1}, headers={"x-csrftoken": token}, follow_redirects=False
    )
    assert answer.status_code < 500


@pytest.mark.parametrize("path", [*POSTS, "/logout", "/till/logout"])
async def test_a_form_without_its_token_is_refused(browser: Browser, path: str) -> None:
    answer = await browser.client.post(path, data={"phone": "1"}, follow_redirects=False)
    assert answer.status_code == 403
    assert "web.page_expired" in answer.text
