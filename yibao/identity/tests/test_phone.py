"""Changing the phone number: by the old phone, by the face, and what becomes of the new one's account (A9)."""

from datetime import datetime

import pytest

from yibao import identity
from yibao.core.database import transaction
from yibao.credential.tests.browser import bank, browser, whole_house
from yibao.face import Subject
from yibao.identity import refusals
from yibao.identity.tests.cast import PASSWORD, wrong
from yibao.identity.tests.owner import NAME, Owner, owner
from yibao.web.principal import SESSION_COOKIE

__all__ = ["bank", "browser", "owner", "whole_house"]


@pytest.fixture
def new_phone(phone: str) -> str:
    return f"101{phone[3:]}"


async def open_account(owner: Owner, phone: str, *, cert_no: str = "", person_id: str = "") -> str:
    """Open a second account, with a real name and an insurance where wanted."""
    house = owner.house
    async with transaction(house.pool) as tx:
        account_id = await identity.open_account(tx, house.vault, phone=phone, login_hash="-", at=owner.at)
        if cert_no:
            await identity.prove_real_name(
                tx, house.vault, account_id=account_id, name=NAME, cert_type="01", cert_no=cert_no, at=owner.at
            )
        if person_id:
            await identity.attach_person(tx, account_id=account_id, person_id=person_id)
    return account_id


async def sign_in(owner: Owner, phone: str) -> str:
    house = owner.house
    return await identity.sign_in(
        house.pool,
        house.vault,
        hasher=house.hasher,
        phone=phone,
        password=PASSWORD,
        device="browser:new",
        at=owner.at,
    )


async def test_with_the_old_phone_both_receive_a_code(owner: Owner, new_phone: str) -> None:
    """A9."""
    browser, old_phone = owner.browser, owner.phone
    await browser.get("/me")
    await browser.follow("/me/phone")
    browser.must_be_usable()
    await browser.follow("/me/phone/codes")
    browser.must_be_usable()
    await browser.fill("/me/phone/codes", phone=new_phone, step="codes")
    browser.must_be_usable()
    assert old_phone not in browser.text
    old_code, new_code = await owner.code(), await owner.code(new_phone)
    await browser.fill("/me/phone/codes", old_code=wrong(old_code), new_code=new_code, step="finish")
    assert "identity.old_phone_code_wrong" in browser.text
    await browser.fill("/me/phone/codes", old_code=old_code, new_code=wrong(new_code), step="finish")
    assert "identity.code_wrong" in browser.text
    await browser.fill("/me/phone/codes", old_code=old_code, new_code=new_code, step="finish")
    assert "手机号已更换" in browser.text
    assert (await owner.account()).phone == new_phone
    assert await sign_in(owner, new_phone) == owner.account_id
    with pytest.raises(refusals.WrongPassword):
        await sign_in(owner, old_phone)
    again = await open_account(owner, old_phone)
    assert again != owner.account_id


@pytest.mark.parametrize(("typed", "code"), [("12345", "identity.phone_malformed"), ("", "identity.phone_unchanged")])
async def test_a_phone_that_cannot_be_the_new_one_is_asked_for_again(owner: Owner, typed: str, code: str) -> None:
    await owner.browser.get("/me/phone/codes")
    await owner.browser.fill("/me/phone/codes", phone=typed or owner.phone, step="codes")
    assert code in owner.browser.text
    assert owner.browser.status == 422
    assert await owner.sms.sent(owner.phone) == []


async def test_codes_of_one_phone_alone_change_nothing(owner: Owner, new_phone: str) -> None:
    house = owner.house
    async with transaction(house.pool) as tx:
        await identity.request_change_codes(
            tx, house.vault, account_id=owner.account_id, phone=new_phone, device=owner.device, at=owner.at
        )
    old_code, new_code = await owner.code(), await owner.code(new_phone)
    for given, refusal in (
        ((wrong(old_code), new_code), refusals.OldPhoneCodeWrong),
        ((old_code, wrong(new_code)), refusals.CodeWrong),
    ):
        with pytest.raises(refusal):
            await identity.change_phone(
                house.pool,
                house.vault,
                account_id=owner.account_id,
                phone=new_phone,
                old_code=given[0],
                new_code=given[1],
                device=owner.device,
                at=owner.at,
            )
    assert (await owner.account()).phone == owner.phone


async def begin(owner: Owner, **given: str) -> str:
    """Go to the camera as far as this room leads, and return the check's id."""
    browser = owner.browser
    await browser.get("/phone")
    browser.must_be_usable()
    form = browser.page.forms[-1]
    who = {"name": NAME, "cert_type": "01", "cert_no": owner.cert_no, **given}
    answer = await browser.client.post(form.action, data={**form.values, **who}, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["location"].removeprefix("/face/")


@pytest.mark.parametrize("signed_in", [True, False])
async def test_with_the_face_the_new_phone_alone_receives_a_code(owner: Owner, new_phone: str, signed_in: bool) -> None:
    """A9: for whoever can no longer sign in too. All other sessions end."""
    await owner.prove_name()
    browser, house = owner.browser, owner.house
    lost = await owner.session("browser:lost")
    here = browser.client.cookies[SESSION_COOKIE]
    if not signed_in:
        browser.client.cookies.delete(SESSION_COOKIE)
    await owner.pass_face(await begin(owner))
    browser.must_be_usable()
    await browser.fill("/phone", phone=new_phone, step="code")
    browser.must_be_usable()
    code = await owner.code(new_phone)
    await browser.fill("/phone", code=wrong(code), step="finish")
    assert "identity.code_wrong" in browser.text
    await browser.fill("/phone", code=code, step="finish")
    assert "手机号已更换" in browser.text
    browser.must_be_usable()
    assert (await owner.account()).phone == new_phone
    assert await identity.session(house.pool, lost, owner.at) is None
    assert (await identity.session(house.pool, here, owner.at) is not None) == signed_in
    assert await owner.sms.sent(owner.phone) == []


async def test_without_a_passed_face_the_phone_stays(owner: Owner, new_phone: str) -> None:
    await owner.prove_name()
    check_id = await begin(owner)
    await owner.browser.get(f"/phone?face={check_id}")
    await owner.browser.fill("/phone", phone=new_phone, step="code")
    await owner.browser.fill("/phone", code=await owner.code(new_phone), step="finish")
    assert "face.face_not_passed" in owner.browser.text
    assert (await owner.account()).phone == owner.phone


async def test_whoever_has_no_account_learns_so_only_after_the_camera(owner: Owner, new_phone: str) -> None:
    check_id = await begin(owner)
    await owner.pass_face(check_id)
    await owner.browser.fill("/phone", phone=new_phone, step="code")
    await owner.browser.fill("/phone", code=await owner.code(new_phone), step="finish")
    assert "identity.account_of_name_missing" in owner.browser.text


async def by_face(owner: Owner, new_phone: str, at: datetime) -> None:
    check_id = await owner.face("change_phone", owner.who)
    await identity.change_phone_by_face(
        owner.house.pool,
        owner.house.vault,
        check_id=check_id,
        phone=new_phone,
        code=await owner.sms.code(new_phone, "change_phone_new", at, device=owner.device),
        device=owner.device,
        at=at,
    )


@pytest.mark.parametrize("named", [True, False])
async def test_an_account_that_was_opened_with_the_new_phone_meanwhile_gives_it_up(
    owner: Owner, new_phone: str, named: bool, at: datetime
) -> None:
    """Whoever registers anew after losing a phone must not stand before a number that is taken, by themselves."""
    await owner.prove_name()
    async with transaction(owner.house.pool) as tx:
        await identity.attach_person(tx, account_id=owner.account_id, person_id=f"8{owner.phone}")
    second = await open_account(owner, new_phone, cert_no=owner.cert_no if named else "")
    await by_face(owner, new_phone, at)
    assert (await owner.account()).phone == new_phone
    assert (await identity.account(owner.house.pool, owner.house.vault, second)).phone == ""
    told = await owner.house.pool.fetchval(
        "SELECT payload FROM core.outbox WHERE topic = 'identity.phone_changed' AND person_id = $1", f"8{owner.phone}"
    )
    assert identity.opened_reach(owner.house.vault, told) == identity.Reach(owner.account_id, new_phone, owner.phone)
    assert owner.phone not in str(told)
    assert new_phone not in str(told)


@pytest.mark.parametrize(("cert_no", "person_id"), [("110105194912310038", ""), ("110105194912310038", "7")])
async def test_another_s_account_keeps_its_phone(
    owner: Owner, new_phone: str, cert_no: str, person_id: str, at: datetime
) -> None:
    await owner.prove_name()
    second = await open_account(
        owner, new_phone, cert_no=cert_no, person_id=f"{person_id}{new_phone}" if person_id else ""
    )
    with pytest.raises(refusals.AlreadyRegistered):
        await by_face(owner, new_phone, at)
    assert (await identity.account(owner.house.pool, owner.house.vault, second)).phone == new_phone
    assert (await owner.account()).phone == owner.phone


async def test_a_face_for_another_purpose_or_of_another_changes_no_phone(
    owner: Owner, new_phone: str, at: datetime
) -> None:
    await owner.prove_name()
    code = await owner.sms.code(new_phone, "change_phone_new", at, device=owner.device)
    for check_id, refusal in (
        (await owner.face("reset_login", owner.who), "face.face_missing"),
        (
            await owner.face("change_phone", Subject("测试乙", "01", "110105194912319999")),
            "identity.account_of_name_missing",
        ),
    ):
        with pytest.raises(Exception, match=refusal):
            await identity.change_phone_by_face(
                owner.house.pool,
                owner.house.vault,
                check_id=check_id,
                phone=new_phone,
                code=code,
                device=owner.device,
                at=at,
            )
    assert (await owner.account()).phone == owner.phone


async def test_an_account_without_a_phone_gets_one_by_the_face(owner: Owner, new_phone: str, at: datetime) -> None:
    """As a channel brings it, or as the counter leaves it."""
    await owner.prove_name()
    await owner.house.pool.execute(
        "UPDATE identity.account SET phone = NULL, phone_index = NULL WHERE account_id = $1", owner.account_id
    )
    assert "未设置" in await owner.browser.get("/me")
    await owner.browser.get("/me/phone/codes")
    assert owner.browser.path == "/me/phone"
    assert "/me/phone/codes" not in owner.browser.page.links
    with pytest.raises(refusals.OldPhoneMissing):
        async with transaction(owner.house.pool) as tx:
            await identity.request_change_codes(
                tx, owner.house.vault, account_id=owner.account_id, phone=new_phone, device=owner.device, at=at
            )
    await by_face(owner, new_phone, at)
    assert (await owner.account()).phone == new_phone


async def test_whoever_registered_anew_gives_their_number_to_the_account_with_the_insurance(
    owner: Owner, new_phone: str
) -> None:
    """A9: also while signed in to the new account, with its very number."""
    await owner.prove_name()
    bound = await open_account(owner, f"102{owner.phone[3:]}", cert_no=owner.cert_no, person_id=f"6{owner.phone}")
    browser, house = owner.browser, owner.house
    await owner.pass_face(await begin(owner))
    await browser.fill("/phone", phone=owner.phone, step="code")
    await browser.fill("/phone", code=await owner.code(), step="finish")
    assert "手机号已更换" in browser.text
    assert browser.status == 200
    assert "/login" in browser.page.links
    assert (await identity.account(house.pool, house.vault, bound)).phone == owner.phone
    assert (await owner.account()).phone == ""


async def test_of_several_accounts_without_insurance_the_one_that_is_signed_in_to_is_meant(
    owner: Owner, new_phone: str
) -> None:
    """A9."""
    await owner.prove_name()
    second = await open_account(owner, f"102{owner.phone[3:]}", cert_no=owner.cert_no)
    house = owner.house
    for account_id, phone in ((second, new_phone), (owner.account_id, f"103{owner.phone[3:]}")):
        changed = await identity.change_phone_by_face(
            house.pool,
            house.vault,
            check_id=await owner.face("change_phone"),
            phone=phone,
            code=await owner.sms.code(phone, "change_phone_new", owner.at, device=owner.device),
            device=owner.device,
            account_id=account_id,
            at=owner.at,
        )
        assert changed == account_id
