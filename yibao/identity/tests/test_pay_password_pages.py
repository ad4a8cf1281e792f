"""交易密码修改 and its 忘记密码, used as a browser without script uses them (A7)."""

import pytest

from yibao import identity
from yibao.core.database import transaction
from yibao.credential.tests.browser import Bank, bank, browser, whole_house
from yibao.face import Subject
from yibao.identity import refusals
from yibao.identity.tests.cast import PAY_PASSWORD
from yibao.identity.tests.owner import NAME, Owner, owner
from yibao.identity.unionpay import Agreed, Differs, Unknown

__all__ = ["bank", "browser", "owner", "whole_house"]

NEW = {"new": "518274", "new_again": "518274"}


@pytest.fixture
async def payer(owner: Owner) -> Owner:
    """The owner of an account with a real name and a transaction password."""
    await owner.prove_name()
    await owner.set_pay_password()
    return owner


async def test_the_transaction_password_is_changed_by_whoever_knows_it(payer: Owner) -> None:
    """A7."""
    browser = payer.browser
    await browser.get("/me/pay-password")
    browser.must_be_usable()
    await browser.fill("/me/pay-password", old="111222", **NEW)
    assert "identity.wrong_pay_password" in browser.text
    await browser.fill("/me/pay-password", old=PAY_PASSWORD, new="518274", new_again="518275")
    assert "identity.passwords_differ" in browser.text
    await browser.fill("/me/pay-password", old=PAY_PASSWORD, **NEW)
    assert "交易密码已设好" in browser.text
    await payer.pay("518274")
    with pytest.raises(refusals.WrongPayPassword):
        await payer.pay(PAY_PASSWORD)


async def test_a_forgotten_transaction_password_is_set_anew_by_phone_and_certificate(payer: Owner) -> None:
    """A7."""
    browser = payer.browser
    await browser.get("/me/pay-password")
    await browser.follow("/me/pay-password/forgot")
    browser.must_be_usable()
    await browser.follow("/me/pay-password/forgot/phone")
    browser.must_be_usable()
    await browser.fill("/me/pay-password/forgot/phone", step="code")
    browser.must_be_usable()
    fields = {"code": await payer.code(), **NEW, "step": "finish"}
    await browser.fill("/me/pay-password/forgot/phone", **{**fields, "new_again": "1"}, cert_no=payer.cert_no)
    assert "identity.passwords_differ" in browser.text
    assert browser.page.forms[1].values["cert_no"] == payer.cert_no
    await browser.fill("/me/pay-password/forgot/phone", **fields, cert_no="110105194912310038")
    assert "identity.certificate_not_of_account" in browser.text
    await browser.fill("/me/pay-password/forgot/phone", **fields, cert_no=payer.cert_no)
    assert "交易密码已设好" in browser.text
    await payer.pay("518274")


async def begin_face(payer: Owner) -> str:
    """Go to the camera as far as this room leads, and return the check's id."""
    browser = payer.browser
    await browser.get("/me/pay-password/forgot")
    await browser.follow("/me/pay-password/forgot/face")
    browser.must_be_usable()
    form = browser.page.forms[-1]
    answer = await browser.client.post(form.action, data=form.values, follow_redirects=False)
    path = answer.headers["location"]
    assert path.startswith("/face/")
    return path.removeprefix("/face/")


async def test_a_forgotten_transaction_password_is_set_anew_by_the_face(payer: Owner) -> None:
    """A7."""
    for _ in range(5):
        with pytest.raises((refusals.WrongPayPassword, refusals.PayLocked)):
            await payer.pay("111222")
    check_id = await begin_face(payer)
    browser = payer.browser
    await payer.pass_face(check_id)
    browser.must_be_usable()
    await browser.fill("/me/pay-password/forgot/face", new="491231", new_again="491231", step="finish")
    assert "identity.pay_password_personal" in browser.text
    await browser.fill("/me/pay-password/forgot/face", **NEW, step="finish")
    assert "交易密码已设好" in browser.text
    await payer.pay("518274")
    await browser.get(f"/me/pay-password/forgot/face?face={check_id}")
    await browser.fill("/me/pay-password/forgot/face", new="629385", new_again="629385", step="finish")
    assert "face.face_expired" in browser.text
    assert "开始人脸识别" in browser.text
    await payer.pay("518274")


async def test_a_face_that_has_not_passed_sets_no_transaction_password(payer: Owner) -> None:
    check_id = await begin_face(payer)
    await payer.browser.get(f"/me/pay-password/forgot/face?face={check_id}")
    await payer.browser.fill("/me/pay-password/forgot/face", **NEW, step="finish")
    assert "face.face_not_passed" in payer.browser.text
    await payer.pay(PAY_PASSWORD)


async def test_another_s_face_sets_no_transaction_password(payer: Owner) -> None:
    """Whoever holds the phone and passes with a face of their own, begun for another purpose of theirs or not."""
    check_id = await payer.face("reset_pay", Subject("测试乙", "01", "110105194912310038"))
    await payer.browser.get(f"/me/pay-password/forgot/face?face={check_id}")
    await payer.browser.fill("/me/pay-password/forgot/face", **NEW, step="finish")
    assert "identity.certificate_not_of_account" in payer.browser.text
    await payer.pay(PAY_PASSWORD)


async def test_a_forgotten_transaction_password_is_set_anew_by_the_bank(payer: Owner, bank: Bank) -> None:
    """A7: four elements, of which the account knows two."""
    browser = payer.browser
    await browser.get("/me/pay-password/forgot")
    await browser.follow("/me/pay-password/forgot/bank")
    browser.must_be_usable()
    card = {"bank_card": "6229 9900 0000 0000 00", "bank_phone": "10000000000"}
    await browser.fill("/me/pay-password/forgot/bank", **card, **NEW)
    assert "identity.consent_missing" in browser.text
    await browser.fill("/me/pay-password/forgot/bank", new="111111", new_again="111111", agreed="1")
    assert "identity.pay_password_too_simple" in browser.text
    assert bank.asked == []
    bank.verdict = Differs("card")
    await browser.fill("/me/pay-password/forgot/bank", **NEW)
    assert "identity.card_differs" in browser.text
    await payer.pay(PAY_PASSWORD)
    bank.verdict = Unknown()
    await browser.fill("/me/pay-password/forgot/bank", bank_phone="10000000001", **NEW)
    assert "identity.bank_unknown" in browser.text
    bank.verdict = Agreed()
    await browser.fill("/me/pay-password/forgot/bank", **NEW)
    assert "交易密码已设好" in browser.text
    await payer.pay("518274")
    assert [asked["cert_no"] for asked in bank.asked] == [payer.cert_no] * 3
    assert [asked["name"] for asked in bank.asked] == [NAME] * 3
    assert bank.asked[1]["order_id"] == bank.asked[2]["order_id"]


async def test_whoever_has_no_transaction_password_is_led_to_binding(owner: Owner) -> None:
    ways = ("", "/face", "/bank", "/phone")
    for path in ("/me/pay-password", *(f"/me/pay-password/forgot{way}" for way in ways)):
        await owner.browser.get(path)
        assert owner.browser.path == "/me/real-name?next=%2Fme%2Fpay-password"


async def test_whoever_is_bound_without_a_transaction_password_sets_the_first_in_the_same_ways(
    owner: Owner, bank: Bank
) -> None:
    """A7: every page that asks for one leads there, and none of them to binding, which is done."""
    await owner.prove_name()
    pool, browser = owner.house.pool, owner.browser
    async with transaction(pool) as tx:
        await identity.attach_person(tx, account_id=owner.account_id, person_id=f"7{owner.phone}")
    assert "交易密码修改" not in await browser.get("/me")
    await browser.get("/me/unbind")
    await browser.fill("/me/unbind", pay_password=PAY_PASSWORD)
    assert "identity.pay_password_not_set" in browser.text
    browser.must_be_usable()
    await browser.follow("/me/pay-password")
    assert browser.path == "/me/pay-password/forgot"
    assert "<h1" in browser.text
    assert "忘记交易密码" not in browser.text

    async def forgets() -> None:
        await owner.pay("518274")
        await pool.execute("UPDATE identity.account SET pay_hash = NULL WHERE account_id = $1", owner.account_id)

    for way in ("phone", "bank", "face"):
        await browser.get("/me/pay-password/forgot")
        browser.must_be_usable()
        await browser.follow(f"/me/pay-password/forgot/{way}")
        assert "设置交易密码" in browser.text
        browser.must_be_usable()
        if way == "phone":
            await browser.fill("/me/pay-password/forgot/phone", step="code")
            given = {"code": await owner.code(), "cert_no": owner.cert_no, "step": "finish"}
        elif way == "bank":
            given = {"bank_card": "622999000000000000", "bank_phone": "10000000000", "agreed": "1"}
        else:
            await browser.get(f"/me/pay-password/forgot/face?face={await owner.face('reset_pay')}")
            given = {"step": "finish"}
        await browser.fill(f"/me/pay-password/forgot/{way}", **NEW, **given)
        assert "交易密码已设好" in browser.text
        assert "交易密码修改" in await browser.get("/me")
        await forgets()
    told = await pool.fetch("SELECT topic FROM core.outbox WHERE person_id = $1 ORDER BY outbox_id", f"7{owner.phone}")
    assert [row["topic"] for row in told] == ["identity.pay_password_set"] * 3  # Nobody has forgotten one.
