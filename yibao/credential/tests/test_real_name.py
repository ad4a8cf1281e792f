"""The real name by the face, and the card that it asks for (A2, A8, A10)."""

import pytest

from conftest import NewPerson
from yibao import registry
from yibao.core.database import transaction
from yibao.face import Subject
from yibao.identity.tests.conftest import Sms, hasher, phone, sms
from yibao.identity.tests.owner import Owner, owner
from yibao.web.principal import DEVICE_COOKIE

from .browser import bank, browser, whole_house

__all__ = ["Sms", "bank", "browser", "hasher", "owner", "phone", "sms", "whole_house"]


def of(person: registry.Registrant) -> Subject:
    return Subject(person.name, person.cert_type, person.cert_no)


async def begin(owner: Owner, who: Subject) -> str:
    await owner.browser.get("/me/real-name?next=/code")
    owner.browser.must_be_usable()
    await owner.browser.follow("/me/real-name/face")
    owner.browser.must_be_usable()
    form = owner.browser.page.forms[-1]
    given = {"name": who.name, "cert_type": who.cert_type, "cert_no": who.cert_no}
    answer = await owner.browser.client.post(form.action, data={**form.values, **given}, follow_redirects=False)
    assert answer.status_code == 303
    path = answer.headers["location"]
    assert path.startswith("/face/")
    assert who.cert_no not in path
    return path.removeprefix("/face/")


@pytest.mark.parametrize("cert_type", ["01", "08", "07", "17"])
async def test_name_certificate_and_face_prove_the_real_name(
    owner: Owner, new_person: NewPerson, cert_type: str
) -> None:
    """A2, A10: no card in hand, and foreigners' certificates too."""
    person = await new_person(cert_type=cert_type)
    check_id = await begin(owner, of(person))
    await owner.pass_face(check_id)
    assert owner.browser.path == "/me/real-name?next=%2Fcode"
    assert "已通过实名认证" in owner.browser.text
    account = await owner.account()
    assert (account.name, account.cert_type, account.cert_no) == (person.name, cert_type, person.cert_no)
    await owner.browser.get(f"/me/real-name/face?face={check_id}")
    assert "已通过实名认证" in owner.browser.text


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (None, "credential.card_not_issued"),
        ("lost", "credential.card_lost"),
        ("frozen", "credential.card_frozen"),
        ("inactive", "credential.card_inactive"),
    ],
)
async def test_a_card_that_is_not_in_order_is_said_with_the_way_out(
    owner: Owner, new_person: NewPerson, card: registry.CardState | None, code: str
) -> None:
    """A2, A8: and the proof serves once the card is in order."""
    person = await new_person(card=card)
    check_id = await begin(owner, of(person))
    await owner.pass_face(check_id)
    assert code in owner.browser.text
    assert "/me/real-name/bank?next=%2Fcode" in owner.browser.page.links
    assert (await owner.account()).real_name_at is None
    async with transaction(owner.house.pool) as tx:
        assert await registry.card_states(tx, person.person_id) == ([card] if card else [])


async def test_whoever_is_not_registered_has_no_card(owner: Owner) -> None:
    await owner.pass_face(await begin(owner, Subject("测试甲", "01", "11010519491231002X")))
    assert "credential.card_not_issued" in owner.browser.text


async def test_a_face_that_has_not_passed_proves_no_name(owner: Owner, new_person: NewPerson) -> None:
    check_id = await begin(owner, of(await new_person()))
    await owner.browser.get(f"/me/real-name/face?next=/code&face={check_id}")
    assert "face.face_not_passed" in owner.browser.text
    assert (await owner.account()).real_name_at is None


async def test_a_proof_for_another_purpose_proves_no_name(owner: Owner, new_person: NewPerson) -> None:
    check_id = await owner.face("reset_login", of(await new_person()))
    await owner.browser.get(f"/me/real-name/face?face={check_id}")
    assert "face.face_missing" in owner.browser.text
    assert (await owner.account()).real_name_at is None


@pytest.mark.parametrize("given", [{"name": " "}, {"cert_no": ""}, {"cert_type": "99"}, {"name": "甲" * 61}])
async def test_what_is_missing_is_asked_for_and_the_rest_kept(owner: Owner, given: dict[str, str]) -> None:
    await owner.browser.get("/me/real-name/face?next=/code")
    whole = {"name": "测试甲", "cert_type": "08", "cert_no": "E12345678", **given}
    await owner.browser.fill("/me/real-name/face", **whole)
    assert owner.browser.status == 422
    assert "identity.who_incomplete" in owner.browser.text
    assert owner.browser.page.forms[-1].values["next"] == "/code"


@pytest.mark.parametrize("path", ["/me/real-name/face", "/forgot/face", "/phone"])
async def test_whoever_comes_back_from_the_camera_finds_what_they_typed(owner: Owner, path: str) -> None:
    """A2, A6, A7: and nobody finds it on another device."""
    browser, typed = owner.browser, {"name": "测试甲", "cert_type": "08", "cert_no": "E12345678"}
    await browser.get(path)
    await browser.fill(path, **typed)
    await browser.fill(f"{browser.path}/consent", agreed="1")
    await browser.follow(path)
    assert typed.items() <= browser.page.forms[-1].values.items()
    browser.must_be_usable()
    back = browser.path
    for unknown in ("%00", "1", "%F0%9F"):
        await browser.get(f"{path}?again={unknown}")
        assert browser.status < 500
    await browser.get(back)
    browser.client.cookies.delete(DEVICE_COOKIE)
    await browser.get(back)
    assert browser.page.forms[-1].values["cert_no"] == ""
