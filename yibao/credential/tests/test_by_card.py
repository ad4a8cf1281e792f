"""Activating in a channel without the face: the bank names the owner, the card stands for the face (A11, B12, B17)."""

from datetime import datetime

import pytest

from conftest import NewPerson
from yibao import credential, registry
from yibao.core.database import transaction
from yibao.credential import refusals
from yibao.identity.refusals import PayLockedWithoutPhone

from .browser import Browser, bank, browser, whole_house
from .channel import Partner, admitted
from .test_channel_pages import PAY_PASSWORD, Guest

__all__ = ["bank", "browser", "whole_house"]

NEW = {"pay_password": PAY_PASSWORD, "pay_password_again": PAY_PASSWORD}


@pytest.fixture
async def app(browser: Browser, at: datetime) -> Partner:
    async with transaction(browser.house.pool) as tx:
        await registry.load_regions(tx)
    return await admitted(browser.house.pool, at=at, name="随申办")


@pytest.fixture
async def guest(browser: Browser, app: Partner, new_person: NewPerson) -> Guest:
    return Guest(browser, app, await new_person())


async def begins(guest: Guest, *, named: bool = False) -> None:
    await guest.enters(named=named)
    await guest.browser.fill("/activate", place="510500", agreed="1")


async def is_named_by_the_bank(guest: Guest, person: registry.Registrant) -> None:
    await guest.browser.follow("/me/real-name/bank")
    await guest.browser.fill(
        "/me/real-name",
        name=person.name,
        cert_type=person.cert_type,
        cert_no=person.cert_no,
        bank_card="622999000000000000",
        bank_phone="10000000000",
        agreed="1",
    )
    await guest.browser.follow("/me/bind")


async def test_whoever_cannot_show_a_face_activates_by_the_bank_and_the_card(guest: Guest) -> None:
    """A11, B12: the other way that the page of the face promises leads to a code in the channel, and not back to it."""
    browser, person = guest.browser, guest.person
    await begins(guest)
    await browser.fill("/activate/who", name=person.name, cert_type="01", cert_no=person.cert_no)
    await browser.follow("/activate/face")
    assert browser.path.startswith("/activate/who")
    assert browser.text.index("用其他方式办理") < browser.text.index("下一步：人脸识别")
    assert "经办窗口" in browser.text
    await is_named_by_the_bank(guest, person)
    assert browser.path == "/activate/card"
    assert registry.masked_name(person.name) in browser.text
    assert person.cert_no not in browser.text
    assert "pay_password" not in browser.text
    browser.must_be_usable()
    await browser.fill("/activate/card", card_no=person.cards[0].card_no)
    assert browser.path == "/activate/confirm"
    assert await credential.holder(browser.house.pool, person.person_id) is None
    await browser.fill("/activate/confirm", place="510500", **NEW)
    assert browser.path == "/activate/done?next=%2Fcode"
    await browser.follow("/code")
    assert '<span class="mark">随申办</span>' in browser.text
    assert await guest.scanned(guest.code()) == person.person_id


async def test_from_me_the_binding_is_reached_by_the_place_and_the_card(guest: Guest) -> None:
    """A11: 「去绑定医保关系」 in a channel, after the bank has named the owner."""
    browser = guest.browser
    await guest.enters(named=False)
    await browser.get("/me/real-name")
    await is_named_by_the_bank(guest, guest.person)
    await browser.get("/me")
    await browser.follow("/me/bind")
    assert browser.path == "/activate?next=%2Fcode"
    await browser.fill("/activate", place="510500", agreed="1")
    await browser.follow("/activate/card")
    assert browser.path == "/activate/card"
    browser.must_be_usable()


@pytest.mark.parametrize("named", [True, False])
async def test_the_card_is_refused_to_whoever_it_is_not_of(guest: Guest, new_person: NewPerson, named: bool) -> None:
    """B17: another's card; and a name proved by the bank that is not that of the channel's user."""
    other = await new_person()
    await begins(guest, named=named)
    await is_named_by_the_bank(guest, other if named else guest.person)
    card = other.cards[0].card_no
    text = await guest.browser.fill("/activate/card", card_no=card)
    assert (refusals.NotYourself if named else refusals.CardUnknown).code in text
    assert guest.browser.status in (403, 404)
    pool = guest.browser.house.pool
    for person in (guest.person, other):
        assert await credential.holder(pool, person.person_id) is None
    await guest.browser.get("/activate/confirm")
    assert guest.browser.path == "/activate"


async def test_nobody_binds_in_a_channel_past_the_steps(guest: Guest, new_person: NewPerson) -> None:
    """B17: the form of our own pages, sent in a channel, binds nobody."""
    browser, other = guest.browser, await new_person()
    await begins(guest, named=True)
    await is_named_by_the_bank(guest, other)
    form = next(form for form in browser.page.forms if form.action == "/activate/card")
    sent = {**form.values, **NEW, "card_no": other.cards[0].card_no}
    answer = await browser.client.post("/me/bind", data=sent, follow_redirects=False)
    assert answer.status_code == 303
    assert await credential.holder(browser.house.pool, other.person_id) is None


async def test_the_card_leads_to_no_earlier_account(guest: Guest, app: Partner) -> None:
    """B17: unlike the face; one person, one code."""
    await guest.enters()
    await guest.activates()
    held = await credential.holder(guest.browser.house.pool, guest.person.person_id)
    stranger = Guest(guest.browser, app, guest.person)
    await begins(stranger)
    await is_named_by_the_bank(stranger, guest.person)
    text = await guest.browser.fill("/activate/card", card_no=guest.person.cards[0].card_no)
    assert refusals.BoundElsewhere.code in text
    assert await credential.holder(guest.browser.house.pool, guest.person.person_id) == held


async def test_whoever_is_bound_gives_the_password_beside_the_card(guest: Guest) -> None:
    """B6, B12: activated anew, in the account that is bound; the card that lies beside the phone is not enough."""
    browser, person = guest.browser, guest.person
    await guest.enters()
    await guest.activates()
    await browser.get("/me/channels")
    await browser.follow("/me/channels/unbind?")
    await browser.fill("/me/channels/unbind", pay_password=PAY_PASSWORD, by="password")
    await browser.get("/activate")
    await browser.fill("/activate", place="510500", agreed="1")
    await browser.follow("/activate/card")
    card_no = person.cards[0].card_no
    text = await browser.fill("/activate/card", card_no=card_no, pay_password="258037")
    assert "identity.wrong_pay_password" in text
    await browser.fill("/activate/card", card_no=card_no, pay_password=PAY_PASSWORD)
    await browser.fill("/activate/confirm", place="510500")
    await browser.follow("/code")
    assert await guest.scanned(guest.code()) == person.person_id


async def test_whoever_came_for_something_else_learns_why_activating_comes_first(guest: Guest) -> None:
    """B6, B7: else the way looks like a circle."""
    browser = guest.browser
    await guest.enters("unbind")
    assert browser.path == "/activate?next=%2Fme%2Fchannels"
    assert "就能解绑其他手机上的医保码" in browser.text
    for path, word in (("/family", "继续添加家人"), ("/bills", "待缴费"), ("/code", "")):
        await browser.get(f"/activate?next={path}")
        assert ('<p class="notice">' in browser.text) == bool(word)
        assert word in browser.text


async def test_the_places_and_the_list_say_only_what_is_so(guest: Guest) -> None:
    """B1, B8: a municipality is one place; where nothing is active nothing is said to be."""
    browser = guest.browser
    await guest.enters()
    assert "上海市市本级" not in browser.text
    assert '<option value="310000">上海市</option>' in browser.text
    assert "四川省（省直或不清楚）" in browser.text
    await guest.activates()
    await browser.get("/me/channels")
    assert "在下列渠道和手机上激活了" in browser.text
    await browser.follow("/me/channels/unbind?")
    await browser.fill("/me/channels/unbind", pay_password=PAY_PASSWORD, by="password")
    assert "现在没有激活的医保码" in browser.text
    assert "在下列渠道和手机上激活了" not in browser.text


async def test_a_mistyped_number_is_found_before_the_face(guest: Guest) -> None:
    """A11, B12: and what was typed stays; other certificates have no rule."""
    browser, person = guest.browser, guest.person
    await begins(guest)
    for wrong in ("123", person.cert_no[:-1] + ("1" if person.cert_no[-1] != "1" else "2")):
        text = await browser.fill("/activate/who", name=person.name, cert_type="01", cert_no=wrong)
        assert (browser.status, browser.path) == (422, "/activate/who")
        assert "identity.number_mistyped" in text
        assert f'value="{person.name}"' in text
        assert f'value="{wrong}"' in text
    await browser.fill("/activate/who", name="SPECIMEN ANNA", cert_type="08", cert_no="123")
    assert browser.path.startswith("/face/")


async def test_a_lock_offers_no_sms_to_whoever_has_no_phone(guest: Guest) -> None:
    """B6: the way out is the forgotten password, which lifts the lock; and a phone is set, not changed."""
    browser = guest.browser
    await guest.enters()
    await guest.activates()
    await browser.get("/me/limit")
    for _ in range(5):
        text = await browser.fill("/me/limit", limit="100", pay_password="258037")
    assert PayLockedWithoutPhone.code in text
    assert "/unlock" not in text
    await browser.follow("/me/pay-password/forgot")
    assert browser.path == "/me/pay-password/forgot"
    await browser.get("/unlock")
    assert browser.path == "/me/pay-password/forgot"
    await browser.get("/me/phone")
    assert "设置手机号" in browser.text
    assert "原手机号已停用" not in browser.text


async def test_the_door_tells_a_channels_users_that_they_need_no_login(browser: Browser) -> None:
    """B6: unbound elsewhere, their phone shows the page of signing in, where they have nothing to sign in with."""
    browser.client.cookies.clear()
    await browser.get("/login?next=/code")
    assert "请回到那里重新打开医保码" in browser.text
