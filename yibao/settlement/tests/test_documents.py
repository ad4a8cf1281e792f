"""Somebody without a phone at the till, known by card, certificate or face (B5), and which place pays there (B8)."""

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest

from conftest import NewPerson, insured
from tests.entrance import entrance
from yibao import credential, identity, registry, settlement
from yibao.app import House
from yibao.core.database import transaction
from yibao.credential import store as credential_store
from yibao.credential.api import identify_person
from yibao.face import store as face_store
from yibao.service import directory
from yibao.settlement import Order, queries, refusals
from yibao.settlement.tests.cast import PIN, Cashier, NewInsured, browser, fen, logins, staff
from yibao.settlement.tests.scene import HOSPITAL, PHARMACY, purchase


async def shows_card(till: Cashier, person: registry.Registrant, *, checked: str = "1") -> str:
    await till.get("/till/identify")
    assert "已核对本人与证件" in till.page
    fields = {"checked": checked} if checked else {}
    answer = await till.post(
        "/till/identify",
        _csrf_token=till.form("/till/identify")["_csrf_token"],
        medium="03",
        number=person.cards[0].card_no,
        **fields,
    )
    return await till._follow(answer)


async def shows_certificate(till: Cashier, person: registry.Registrant, *, name: str | None = None) -> str:
    await till.get("/till/identify")
    answer = await till.post(
        "/till/identify",
        _csrf_token=till.form("/till/identify")["_csrf_token"],
        medium="02",
        cert_type=person.cert_type,
        number=person.cert_no,
        name=name or person.name,
        checked="1",
    )
    return await till._follow(answer)


async def test_who_has_no_phone_and_no_account_is_settled_by_card(
    house: House, cashier: Cashier, new_person: NewPerson
) -> None:
    """B5: the cashier's tick stands for the password that there is not; the phone is not offered."""
    person = await new_person(balance_fen=1000_00)
    await cashier.get()
    assert "/till/identify" in cashier.page
    page = await shows_card(cashier, person)
    assert registry.masked_name(person.name) in page
    assert person.name not in page
    assert person.cards[0].card_no not in page
    assert "凭社会保障卡就诊" in page
    await cashier.add("A200", "2")
    page = await cashier.add("C20")
    assert "凭证件结算" in page
    assert 'type="password"' not in page
    assert "/till/send" not in page
    assert "结算成功" in await cashier.send("/till/confirm")
    [record] = await queries.records(house.pool, person.person_id)
    assert (record.fund_fen, record.account_fen, record.cash_fen) == (175_00, 245_00, 0)
    page = await cashier.get(f"/till/settlements/{record.settlement_id}")
    assert "凭社会保障卡就诊" in page
    assert "参保地：泸州市" in page


async def test_the_certificate_needs_the_name_and_all_that_fails_reads_alike(
    cashier: Cashier, new_person: NewPerson
) -> None:
    person = await new_person()
    page = await shows_certificate(cashier, person, name="别人的名")
    assert cashier.status == 404
    assert "credential.document_unknown" in page
    assert f'value="{person.cert_no}"' in page, "what was typed is kept for correcting"
    assert "凭身份证件就诊" in await shows_certificate(cashier, person)


async def test_without_the_tick_nobody_is_put_on_the_till(cashier: Cashier, new_person: NewPerson) -> None:
    assert "credential.person_not_checked" in await shows_card(cashier, await new_person(), checked="")
    assert cashier.status == 422
    assert 'id="scan-form"' in await cashier.get()


async def test_where_there_is_an_account_the_password_is_asked_for_a_card_too(
    house: House, cashier: Cashier, new_insured: NewInsured
) -> None:
    """B5, A5: the card works as before an activation, and whoever finds it cannot pay with it."""
    one = await new_insured(balance_fen=1000_00)
    await shows_card(cashier, one.person)
    await cashier.add("A200", "2")
    assert "凭证件结算" not in cashier.page
    assert "settlement.password_required" in await cashier.send("/till/confirm", password="")
    assert "identity.wrong_pay_password" in await cashier.send("/till/confirm", password="111222")
    assert "结算成功" in await cashier.send("/till/confirm", password=PIN)
    await cashier.send("/till/clear")

    await shows_card(cashier, one.person)
    await cashier.add("A200", "2")
    await cashier.send("/till/send")
    assert (await one.confirm()).total_fen == 400_00, "or the bill goes to the phone at home"


async def test_an_expired_visit_goes_on_by_the_same_document_with_its_basket(
    house: House, cashier: Cashier, new_person: NewPerson
) -> None:
    person = await new_person()
    await shows_card(cashier, person)
    await cashier.add("A1")
    house.clock.advance(minutes=16)  # type: ignore[attr-defined]
    page = await cashier.get()
    assert "settlement.visit_expired" in page
    assert "/till/identify" in page
    assert fen(await shows_certificate(cashier, person), "total") == 1_00
    other = await shows_card(cashier, await new_person())
    assert "还没有项目" in other, "and nobody finds another person's"


async def test_a_bill_that_waits_on_a_phone_is_not_put_aside_for_a_card(
    cashier: Cashier, new_insured: NewInsured, new_person: NewPerson
) -> None:
    one = await new_insured()
    await cashier.purchase(one)
    await cashier.send("/till/send")
    assert "settlement.draft_locked" in await shows_card(cashier, await new_person())
    await one.confirm()


async def test_a_pharmacy_takes_no_more_of_an_account_by_card_alone_than_the_limit(
    house: House, cashier: Cashier, window: Cashier, new_person: NewPerson
) -> None:
    person = await new_person(balance_fen=5000_00)
    await shows_card(cashier, person)
    page = await cashier.add("A200", "10")
    assert "settlement.document_limit" in page
    assert "/till/confirm" not in page
    page = await cashier.send("/till/account")
    assert fen(page, "account") == 0, "in cash it goes"
    await cashier.send("/till/clear")
    await shows_card(window, person)
    assert fen(await window.add("A200", "20"), "account") > 500_00, "and at a hospital"


async def test_who_has_no_account_is_sent_no_bill(house: House, new_person: NewPerson) -> None:
    person = await new_person()
    visit = await identify_person(
        house.gate,
        document=credential.Document("03", person.cards[0].card_no),
        checked=True,
        institution=PHARMACY,
        till="1",
        at=house.clock(),
    )
    of = purchase(visit.token)
    with pytest.raises(refusals.NoPhone):
        async with transaction(house.pool) as tx:
            await settlement.send_bill(
                house.desk, tx, basket=of, bill_id="x", institution=PHARMACY, till="1", at=house.clock()
            )

    async def no_account(_: str) -> None:
        raise AssertionError("there is no password to prove")

    quote = await settlement.quote(house.desk, basket=of, institution=PHARMACY, at=house.clock())
    assert (quote.needs_password, quote.has_account, quote.medium, quote.chosen_place) == (False, False, "03", "")
    settled = await settlement.confirm(
        house.desk,
        order=Order(of, quote.split),
        institution=PHARMACY,
        caller=PHARMACY,
        request_id=secrets.token_hex(8),
        prove=no_account,
        at=house.clock(),
    )
    assert settled.fund_fen == 175_00


async def test_the_till_says_which_place_pays_and_says_early_when_none_does(
    house: House, cashier: Cashier, new_person: NewPerson
) -> None:
    """B8, C13: before anything is rung up."""
    both = await new_person(insurances=(insured("510100"), insured("510500")))
    page = await shows_card(cashier, both)
    assert "参保地：泸州市" in page
    assert "参保人选择的是" not in page, "who has no account has chosen none"
    stranger = await new_person(insurances=(insured("510100"),))
    page = await shows_card(cashier, stranger)
    assert "settlement.not_insured_here" in page
    assert "参保人的参保地：成都市" in page
    assert "没有可切换的参保地" in page


async def test_the_till_explains_a_place_that_was_not_chosen(
    house: House, cashier: Cashier, new_person: NewPerson
) -> None:
    person = await new_person(insurances=(insured("510100"), insured("510500")))
    at = house.clock()
    async with transaction(house.pool) as tx:
        account_id = await identity.open_account(
            tx, house.vault, phone=f"1{person.person_id[-10:]}", login_hash="x", at=at
        )
        await identity.prove_real_name(
            tx,
            house.vault,
            account_id=account_id,
            name=person.name,
            cert_type=person.cert_type,
            cert_no=person.cert_no,
            at=at,
        )
        await credential.bind(tx, house.vault, account_id=account_id, card_no=person.cards[0].card_no, at=at)
        await credential_store.choose_place(tx, person_id=person.person_id, psn_no="", place="510100")
    page = await shows_card(cashier, person)
    assert "参保地：泸州市" in page
    assert "参保人选择的是成都市；这里按泸州市结算" in page


@pytest.fixture
async def system(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with transaction(house.pool) as tx:
        key = await identity.issue_api_key(tx, institution=HOSPITAL, at=house.clock())
    async with browser(entrance(house)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


async def test_an_institutions_system_identifies_by_document_and_settles(
    system: httpx.AsyncClient, new_person: NewPerson
) -> None:
    person = await new_person()
    asked = {"medium": "03", "number": person.cards[0].card_no, "checked": True, "till": "3"}
    answer = await system.post("/api/identifications", json=asked)
    assert answer.status_code == 201
    got = answer.json()
    assert (got["place"], got["name"]) == ("510500", registry.masked_name(person.name))
    of = {"token": got["token"], "lines": [{"code": "A1", "quantity": "2"}]}
    quote = (await system.post("/api/quotes", json={"basket": of})).json()
    assert (quote["place"], quote["medium"], quote["has_account"]) == ("510500", "03", False)
    settled = await system.post(
        "/api/settlements",
        json={"basket": of, "expected": quote["split"]},
        headers={"Idempotency-Key": secrets.token_hex(8)},
    )
    assert settled.status_code == 201


LAX = ("1_0", "１０", " 5 ", "+5", "1e3", "05", ".5", "5.", "٣", "5\n", "", "NaN", "0x10", True, -1, [1])


async def test_a_number_is_taken_as_it_is_written_or_refused(system: httpx.AsyncClient, new_person: NewPerson) -> None:
    """What `Decimal` would read generously is a slip of somebody's program, and would be charged to a person."""
    person = await new_person()
    asked = {"medium": "03", "number": person.cards[0].card_no, "checked": True}
    token = (await system.post("/api/identifications", json=asked)).json()["token"]

    async def quoted(**line: object) -> httpx.Response:
        basket = {"token": token, "lines": [{"code": "A200", "quantity": "1", **line}]}
        return await system.post("/api/quotes", json={"basket": basket})

    for quantity, price, total_fen in (("2", "12.50", 25_00), (3, 7, 21_00), ("0.5", "0.02", 1), ("2", None, 400_00)):
        answered = await quoted(quantity=quantity, unit_price=price)
        assert answered.json()["split"]["total_fen"] == total_fen
    through_a_float = f'{{"basket": {{"token": "{token}", "lines": [{{"code": "A200", "quantity": 12.5}}]}}}}'
    refused = await system.post("/api/quotes", content=through_a_float, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (400, "web.malformed_request")
    for lax in LAX:
        for field in ("quantity", "unit_price"):
            refused = await quoted(**{field: lax})
            assert (refused.status_code, refused.json()["code"]) == (400, "web.malformed_request"), (field, lax)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"checked": False}, 422, "credential.person_not_checked"),
        ({"number": "X0"}, 404, "credential.document_unknown"),
        ({"medium": "02", "cert_type": "01", "name": "某人"}, 404, "credential.document_unknown"),
        ({"medium": "02"}, 422, "credential.document_malformed"),
        ({"number": "\x00"}, 422, "credential.document_malformed"),
    ],
)
async def test_what_a_system_is_refused(
    system: httpx.AsyncClient, new_person: NewPerson, changes: dict[str, object], status: int, code: str
) -> None:
    person = await new_person()
    asked = {"medium": "03", "number": person.cards[0].card_no, "checked": True, **changes}
    asked["till"] = secrets.token_hex(4)
    answer = await system.post("/api/identifications", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert person.cards[0].card_no not in answer.text


# The face.


@pytest.fixture
async def camera(house: House) -> None:
    """The hospital has said that it takes faces."""
    async with transaction(house.pool) as tx:
        await directory.tell(
            tx,
            institution=HOSPITAL,
            media=["code", "card", "id_card", "face"],
            hardware=["scanner", "camera"],
            credit=False,
            bring="",
            notice="",
            hours="",
        )


async def says_who(till: Cashier, person: registry.Registrant, *, name: str | None = None) -> httpx.Response:
    """Type what somebody says of themselves, and send them before the camera."""
    await till.get("/till/identify")
    return await till.post(
        "/till/identify/face",
        _csrf_token=till.form("/till/identify/face")["_csrf_token"],
        cert_type=person.cert_type,
        number=person.cert_no,
        name=name or person.name,
    )


async def before_camera(till: Cashier, person: registry.Registrant, *, passes: bool = True) -> str:
    """Come as far as the camera, which sees who it is; return the check."""
    answer = await says_who(till, person)
    assert answer.status_code == 303
    check_id = answer.headers["location"].removeprefix("/face/")
    assert person.cert_no not in answer.headers["location"]
    page = await till.get(f"/face/{check_id}")
    assert "由收款台发起" in page
    assert person.cert_no not in page
    if passes:
        async with transaction(till.house.pool) as tx:
            await face_store.mark_passed(tx, check_id, at=till.house.clock())
        led = await till.client.get(f"/face/{check_id}", follow_redirects=False)
        assert led.headers["location"] == f"/till/identify/face?face={check_id}"
    return check_id


async def shows_face(till: Cashier, person: registry.Registrant) -> str:
    return await till.get(f"/till/identify/face?face={await before_camera(till, person)}")


@pytest.mark.usefixtures("camera")
async def test_who_has_neither_phone_nor_card_is_settled_by_the_face(
    house: House, window: Cashier, new_person: NewPerson
) -> None:
    """B5: as by certificate, and the record says by what."""
    person = await new_person(balance_fen=5000_00)
    page = await shows_face(window, person)
    assert registry.masked_name(person.name) in page
    assert person.cert_no not in page
    assert "刷脸就诊，与公安留存的证件照片比对一致。" in page
    page = await window.add("A200", "4")
    assert "直接结算" in page
    assert "凭证件结算" not in page
    assert "/till/send" not in page
    assert "结算成功" in await window.send("/till/confirm")
    [record] = await queries.records(house.pool, person.person_id)
    assert "刷脸就诊" in await window.get(f"/till/settlements/{record.settlement_id}")
    document = await queries.document(house.pool, person_id=person.person_id, settlement_id=record.settlement_id)
    assert document.medium == "face"


@pytest.mark.usefixtures("camera")
async def test_where_there_is_an_account_the_password_is_asked_for_a_face_too(
    window: Cashier, new_insured: NewInsured
) -> None:
    """B5, A5: a passed face is worth what a checked certificate is."""
    one = await new_insured(balance_fen=1000_00, free_limit_fen=500_00)
    await shows_face(window, one.person)
    await window.add("A200", "1")
    assert "settlement.password_required" in await window.send("/till/confirm", password="")
    assert "结算成功" in await window.send("/till/confirm", password=PIN)


@pytest.mark.usefixtures("camera")
async def test_a_proof_is_used_once_and_at_its_own_till(house: House, window: Cashier, new_person: NewPerson) -> None:
    person = await new_person()
    check_id = await before_camera(window, person)
    async with browser(entrance(house)) as client:
        client.cookies.set("yb_device", window.client.cookies["yb_device"])
        other = await staff(house, client, f"{HOSPITAL}-{next(logins):04d}", HOSPITAL)
        assert "face.face_missing" in await other.get(f"/till/identify/face?face={check_id}")
        assert person.name not in other.page
    assert registry.masked_name(person.name) in await window.get(f"/till/identify/face?face={check_id}")
    assert "face.face_missing" in await window.get(f"/till/identify/face?face={check_id}")


@pytest.mark.usefixtures("camera")
async def test_without_a_proof_the_till_shows_what_was_typed(
    house: House, window: Cashier, new_person: NewPerson
) -> None:
    person = await new_person()
    check_id = await before_camera(window, person, passes=False)
    for path, code in (("", ""), (f"?face={check_id}", "face.face_not_passed")):
        page = await window.get(f"/till/identify/face{path}")
        assert code in page
        assert f'value="{person.cert_no}"' in page
        assert f'value="{person.name}"' in page
    assert 'id="scan-form"' in await window.get(), "nobody is on the till"
    house.clock.advance(minutes=31)  # type: ignore[attr-defined]
    assert person.cert_no not in await window.get("/till/identify/face")


@pytest.mark.usefixtures("camera")
async def test_a_name_that_does_not_fit_brings_nobody_before_the_camera(window: Cashier, new_person: NewPerson) -> None:
    person = await new_person()
    page = await window._follow(await says_who(window, person, name="别人的名"))
    assert window.status == 404
    assert "credential.document_unknown" in page
    assert f'value="{person.cert_no}"' in page, "what was typed is kept for correcting"


@pytest.mark.usefixtures("camera")
async def test_a_bill_that_waits_on_a_phone_is_not_put_aside_for_a_face(
    window: Cashier, new_insured: NewInsured, new_person: NewPerson
) -> None:
    one, person = await new_insured(), await new_person()
    check_id = await before_camera(window, person)
    await window.purchase(one)
    await window.send("/till/send")
    assert "settlement.draft_locked" in await window.get(f"/till/identify/face?face={check_id}")
    assert "settlement.draft_locked" in await window._follow(await says_who(window, person))
    await one.confirm()
    await window.get()
    await window.send("/till/clear")
    assert registry.masked_name(person.name) in await window.get(f"/till/identify/face?face={check_id}"), "unspent"


async def test_faces_are_offered_only_where_the_institution_says_that_it_takes_them(
    cashier: Cashier, new_person: NewPerson
) -> None:
    page = await cashier.get("/till/identify")
    assert "/till/identify/face" not in page
    assert "/till/notice" in page
    person = await new_person()
    answer = await cashier.post(
        "/till/identify/face",
        _csrf_token=cashier.form("/till/identify")["_csrf_token"],
        cert_type=person.cert_type,
        number=person.cert_no,
        name=person.name,
    )
    assert (answer.status_code, "机构公告" in answer.text) == (400, True)
