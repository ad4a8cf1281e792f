"""忘记密码 by the face, used as a browser without script uses it (A6)."""

import pytest

from yibao import identity
from yibao.core.database import transaction
from yibao.credential.tests.browser import bank, browser, whole_house
from yibao.identity import refusals
from yibao.identity.tests.cast import PASSWORD
from yibao.identity.tests.conftest import Sms
from yibao.identity.tests.owner import NAME, Owner, owner
from yibao.web.principal import SESSION_COOKIE

__all__ = ["bank", "browser", "owner", "whole_house"]

NEW = "new landscape 8"


@pytest.fixture
async def away(owner: Owner) -> Owner:
    """Somebody with a real name who is signed in elsewhere, and before this browser only as anybody is."""
    await owner.prove_name()
    owner.browser.client.cookies.delete(SESSION_COOKIE)
    return owner


async def begin(owner: Owner, **given: str) -> str:
    """Go from signing in to the camera as far as this room leads, and return the check's id."""
    browser = owner.browser
    await browser.get("/login?next=/me")
    await browser.follow("/forgot")
    browser.must_be_usable()
    await browser.follow("/forgot/face")
    browser.must_be_usable()
    form = browser.page.forms[-1]
    who = {"name": NAME, "cert_type": "01", "cert_no": owner.cert_no}
    answer = await browser.client.post(form.action, data={**form.values, **who, **given}, follow_redirects=False)
    assert answer.status_code == 303
    assert owner.cert_no not in answer.headers["location"]
    return answer.headers["location"].removeprefix("/face/")


async def sign_in(owner: Owner, password: str) -> str:
    house = owner.house
    return await identity.sign_in(
        house.pool,
        house.vault,
        hasher=house.hasher,
        phone=owner.phone,
        password=password,
        device="browser:elsewhere",
        at=owner.at,
    )


async def test_a_forgotten_login_password_is_set_anew_by_the_face(away: Owner) -> None:
    """A6: all sessions end, and the page says which phone to sign in with."""
    elsewhere = await away.session("browser:lost")
    check_id = await begin(away)
    await away.pass_face(check_id)
    away.browser.must_be_usable()
    await away.browser.fill("/forgot/face", login_password="short", step="finish")
    assert "identity.login_password_length" in away.browser.text
    await away.browser.fill("/forgot/face", login_password=f"a{away.phone}", step="finish")
    assert "identity.login_password_holds_phone" in away.browser.text
    await away.browser.fill("/forgot/face", login_password=NEW, step="finish")
    assert f"{away.phone[:3]}****{away.phone[-4:]}" in away.browser.text
    assert away.phone not in away.browser.text
    away.browser.must_be_usable()
    assert await identity.session(away.house.pool, elsewhere, away.at) is None
    assert await sign_in(away, NEW) == away.account_id
    with pytest.raises(refusals.WrongPassword):
        await sign_in(away, PASSWORD)
    await away.browser.follow("/login")
    await away.browser.fill("/login", phone=away.phone, login_password=NEW)
    assert away.browser.path == "/me"


async def test_whoever_has_no_account_is_led_to_the_camera_all_the_same(away: Owner) -> None:
    """No page gives away who has an account; whoever has proved who they are may know."""
    check_id = await begin(away, cert_type="08", cert_no="E12345678")
    await away.pass_face(check_id)
    await away.browser.fill("/forgot/face", login_password=NEW, step="finish")
    assert "identity.account_of_name_missing" in away.browser.text
    assert away.browser.status == 404
    assert await sign_in(away, PASSWORD) == away.account_id


async def test_without_a_passed_face_nothing_is_reset(away: Owner) -> None:
    check_id = await begin(away)
    for asked, code in ((check_id, "face.face_not_passed"), ("0" * 32, "face.face_missing"), ("\0", "face")):
        await away.browser.get("/forgot/face?face=1")
        form = away.browser.page.forms[-1]
        answer = await away.browser.client.post(
            "/forgot/face", data={**form.values, "face": asked, "login_password": NEW, "step": "finish"}
        )
        assert 400 <= answer.status_code < 500
        assert code in answer.text or asked == "\0"
    assert await sign_in(away, PASSWORD) == away.account_id


async def test_of_several_accounts_the_one_with_the_insurance_is_meant(away: Owner, sms: Sms) -> None:
    house = away.house
    other = f"101{away.phone[3:]}"
    async with transaction(house.pool) as tx:
        second = await identity.open_account(
            tx, house.vault, phone=other, login_hash=await house.hasher.hash(PASSWORD), at=away.at
        )
        await identity.prove_real_name(
            tx, house.vault, account_id=second, name=NAME, cert_type="01", cert_no=away.cert_no, at=away.at
        )
        await identity.attach_person(tx, account_id=second, person_id=f"9{away.phone}")
    check_id = await away.face("reset_login", away.who)
    account = await identity.reset_login_password_by_face(
        house.pool, house.vault, hasher=house.hasher, check_id=check_id, password=NEW, device=away.device, at=away.at
    )
    assert account.phone == other
    told = await house.pool.fetchval(
        "SELECT count(*) FROM core.outbox WHERE topic = 'identity.login_password_reset' AND person_id = $1",
        f"9{away.phone}",
    )
    assert told == 1


async def test_whoever_has_an_account_without_a_phone_is_led_to_setting_one(away: Owner) -> None:
    """A6: as a channel opens it. There is an account, and registering anew is no way out."""
    await away.house.pool.execute(
        "UPDATE identity.account SET phone = NULL, phone_index = NULL WHERE account_id = $1", away.account_id
    )
    check_id = await begin(away)
    await away.pass_face(check_id)
    await away.browser.fill("/forgot/face", login_password=NEW, step="finish")
    assert "identity.old_phone_missing" in away.browser.text
    assert "identity.account_of_name_missing" not in away.browser.text
    away.browser.must_be_usable()
    await away.browser.follow("/phone")
    assert away.browser.status == 200
    await away.sign_in()
    await away.browser.get("/me")
    assert "/me/phone" in away.browser.page.links
    assert "/forgot?next=/me" not in away.browser.page.links
