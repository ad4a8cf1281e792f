"""A cashier at a till: the person, the camera and the basket, in the whole application (C1, C13)."""

import asyncio
import io
import re
from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest
import segno
import zxingcpp
from PIL import Image

from conftest import WorldClock
from tests.entrance import entrance
from yibao import identity, registry
from yibao.app import House
from yibao.core.database import transaction
from yibao.settlement import Desk
from yibao.settlement.tests.cast import PIN, Cashier, Insured, NewInsured, browser, fen, logins, staff
from yibao.settlement.tests.scene import PHARMACY, CountingPool
from yibao.settlement.till.basket import code_in
from yibao.web.principal import SESSION_COOKIE, TILL_COOKIE


async def test_an_empty_till_asks_for_a_code(cashier: Cashier) -> None:
    page = await cashier.get()
    assert cashier.status == 200
    for part in ('id="scan-form"', 'id="code"', 'id="camera-open"', 'id="camera" hidden muted playsinline', "till.js"):
        assert part in page
    assert 'http-equiv="refresh"' not in page


async def test_a_scanned_person_is_shown_masked(cashier: Cashier, new_insured: NewInsured) -> None:
    page = await cashier.scan(await new_insured(name="医小川"))
    assert cashier.status == 200
    for text in ("医*川", "男", "68 岁", "泸州市"):
        assert text in page
    assert "医小川" not in page
    assert "结算成功" not in page


async def test_a_code_that_is_none_is_refused_in_place_and_counted(cashier: Cashier) -> None:
    codes = ["", "123", "9" * 28, "x" * 64, "\x00" * 28]
    await cashier.get()
    for code in codes:
        page = await cashier.send("/till/scan", code=code)
        assert cashier.status in (404, 422)
        assert "credential.code_" in page
    counted = await cashier.house.pool.fetchval(
        "SELECT count(*) FROM credential.bad_scan WHERE till = $1", cashier.login
    )
    assert counted == len(codes)


async def test_items_are_found_added_changed_and_removed(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.scan(await new_insured())
    assert "目录中没有找到「没有的药」" in await cashier.get("/till?q=没有的药")
    assert "示例药品A200" in await cashier.get("/till?q=药品A2")

    page = await cashier.add("A200", "2")
    assert fen(page, "total") == 400_00
    page = await cashier.add("A200", "0.5")
    assert fen(page, "total") == 500_00, "the same item again adds up"
    page = await cashier.send("/till/lines/change", item="A200", quantity="3", unit_price="150")
    assert fen(page, "total") == 450_00
    page = await cashier.send("/till/lines/change", item="A200", quantity=" ３", unit_price="")
    assert fen(page, "total") == 600_00, "without a price, the directory's applies"
    await cashier.add("C20")
    form = cashier.form("/till/lines/change", item="A200")
    page = await cashier._follow(await cashier.post("/till/lines/remove", **form))
    assert fen(page, "total") == 20_00


async def test_what_no_basket_holds_is_refused_in_place(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.scan(await new_insured())
    basket = await cashier.add("A1")
    results = await cashier.get("/till?q=A200")
    for page, field, texts, code in (
        (results, "quantity", ("0", "NaN", "1e3", "0.00001", "两盒", "\x00"), "settlement.malformed_order"),
        (results, "code", ("\x00", "Z"), "settlement.item_unknown"),
        (results, "shown", ("", "another"), "settlement.draft_changed"),
        (basket, "quantity", ("", "-1", "1_0", "100001"), "settlement.malformed_order"),
        (basket, "unit_price", ("-1", "sNaN", "0.0000001"), "settlement.malformed_order"),
    ):
        for text in texts:
            action = "/till/lines/add" if page is results else "/till/lines/change"
            form = cashier.form(action, item="A200" if page is results else "A1", page=page)
            refused = await cashier._follow(await cashier.post(action, **{**form, field: text}))
            assert 400 <= cashier.status < 500, (field, text)
            assert code in refused, (field, text)
            assert fen(refused, "total") == 1_00


async def test_a_price_above_the_directorys_is_refused_where_it_stands(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    await cashier.scan(await new_insured())
    await cashier.add("C20")
    page = await cashier.send("/till/lines/change", item="C20", unit_price="20.01")
    assert cashier.status == 200
    assert "settlement.price_over_limit" in page
    assert 'action="/till/confirm"' not in page
    page = await cashier.send("/till/lines/change", item="C20", unit_price="19.99")
    assert fen(page, "total") == 19_99


async def test_the_split_is_shown_before_anything_is_booked(cashier: Cashier, new_insured: NewInsured) -> None:
    """C1: what insurance, personal account and cash pay of the published purchase."""
    one = await new_insured(balance_fen=100_00)
    page = await cashier.purchase(one)
    assert [fen(page, name) for name in ("total", "fund", "account", "cash")] == [420_00, 175_00, 100_00, 145_00]
    assert "基金支付 175.00 元，个人账户 100.00 元，现金 145.00 元" in page
    page = await cashier.send("/till/account")
    assert [fen(page, name) for name in ("fund", "account", "cash")] == [175_00, 0, 245_00]
    assert 'aria-checked="false"' in page
    page = await cashier.send("/till/account")
    assert fen(page, "account") == 100_00
    assert await one.settlements() == []


HYPERTENSION = registry.Qualification("510500", "chronic", "M03900", from_on=date(2026, 1, 1))


async def qualified(house: House, insured: Insured, *held: registry.Qualification) -> Insured:
    async with transaction(house.pool) as tx:
        await registry.qualify(tx, insured.person_id, held)
    return insured


def visits(page: str) -> dict[str, str]:
    """Return the kinds of visit that a page lets choose from."""
    return dict(re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', page))


async def test_a_hospital_settles_a_stay_or_a_chronic_visit(window: Cashier, new_insured: NewInsured) -> None:
    """C11, D7: the cashier chooses by name; each kind has its own split, and paper and record name it."""
    elsewhere = registry.Qualification("510100", "chronic", "M01600", from_on=date(2026, 1, 1))
    over = registry.Qualification("510500", "chronic", "M01600", date(2025, 1, 1), until_on=date(2026, 1, 1))
    one = await qualified(window.house, await new_insured(), HYPERTENSION, elsewhere, over)
    await window.scan(one)
    page = await window.add("A200", "5")
    assert visits(page) == {":": "普通门诊", "chronic:M03900": "门诊慢特病（高血压）", "inpatient:": "住院"}
    ids = [window.form("/till/clear")["shown"]]
    funds = [fen(page, "fund")]
    for chosen in ("inpatient:", "chronic:M03900"):
        page = await window.send("/till/visit", visit=chosen)
        assert f'<option value="{chosen}" selected>' in page
        ids.append(window.form("/till/clear")["shown"])
        funds.append(fen(page, "fund"))
    assert len(set(ids)) == 3
    assert funds == [510_00, 178_00, 210_00]  # (1000-150)*60%, (1000-800)*(85%+4%), (1000-700)*70%
    assert "结算成功" in await window.send("/till/confirm", password=PIN)
    [record] = await one.settlements()
    assert record.fund_fen == 210_00
    page = await window.get(f"/till/settlements/{record.settlement_id}")
    assert "<dt>就医类别</dt><dd>门诊慢特病（高血压）</dd>" in page


async def test_a_visit_that_the_till_did_not_offer_is_refused_with_a_page(
    window: Cashier, cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await qualified(window.house, await new_insured(), HYPERTENSION)
    for where, forged in (
        (
            window,
            ("", "chronic:", "chronic:M01600", "chronic:\x00", "inpatient:M03900", "pharmacy:", "x" * 5000, "\x00"),
        ),
        (cashier, ("inpatient:", "outpatient:", "chronic:M01600")),
    ):
        await where.scan(one)
        page = await where.add("A200")
        shown = where.form("/till/clear")["shown"]
        for text in forged:
            refused = await where.send("/till/visit", page=page, visit=text)
            assert where.status == 400, text
            assert "就医类别须从列表中选择" in refused
            assert where.form("/till/clear")["shown"] == shown
        assert fen(await where.send("/till/visit", page=page, visit="chronic:M03900"), "total") == 200_00
        assert "settlement.draft_changed" in await where.send("/till/visit", page=page, visit=":")


async def test_a_pharmacy_lets_choose_only_where_there_is_a_choice(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.scan(await new_insured())
    assert 'action="/till/visit"' not in await cashier.add("A200")
    await cashier.send("/till/clear")
    page = await cashier.scan(await qualified(cashier.house, await new_insured(), HYPERTENSION))
    assert visits(page) == {":": "定点药店购药", "chronic:M03900": "门诊慢特病（高血压）"}


async def test_whose_qualification_ended_meanwhile_can_be_settled_otherwise(
    window: Cashier, new_insured: NewInsured
) -> None:
    one = await qualified(window.house, await new_insured(), HYPERTENSION)
    await window.scan(one)
    await window.add("A200")
    await window.send("/till/visit", visit="chronic:M03900")
    today = window.house.clock().date()
    await qualified(window.house, one, msgspec.structs.replace(HYPERTENSION, until_on=today))
    page = await window.get()
    assert "settlement.disease_not_registered" in page
    page = await window.send("/till/visit", visit=":")
    assert fen(page, "total") == 200_00


async def test_the_basket_is_shown_with_one_statement_for_each_thing_that_it_shows(
    house: House, cashier: Cashier, new_insured: NewInsured
) -> None:
    """Session, draft, person, place, quote, and the kinds of visit."""
    await cashier.purchase(await new_insured())
    counting = CountingPool(house.pool)
    desk = Desk(counting, numbers=house.desk.numbers, tokens=house.desk.tokens)
    async with browser(entrance(replace(house, pool=counting, desk=desk))) as client:
        client.cookies = cashier.client.cookies
        assert "现金应收" in (await client.get("/till")).text
    assert len(counting.statements) == 6, counting.statements


async def test_an_expired_scan_is_repeated_and_the_basket_stays(
    cashier: Cashier, new_insured: NewInsured, clock: WorldClock
) -> None:
    one, other = await new_insured(), await new_insured(name="保大安")
    await cashier.purchase(one)
    clock.at += timedelta(minutes=15)
    page = await cashier.get()
    assert "settlement.visit_expired" in page
    assert 'action="/till/confirm"' not in page
    assert "示例药品A200" in page, "items are named although no quote can be had"
    page = await cashier.send("/till/scan", code=await one.code())
    assert fen(page, "total") == 420_00

    clock.at += timedelta(minutes=15)
    await cashier.get()
    page = await cashier.send("/till/scan", code=await other.code())
    assert "保*安" in page
    assert "示例药品A200" not in page, "nobody finds another person's basket"


async def test_a_repeated_scan_keeps_the_kind_of_visit_and_the_choice_of_the_account(
    window: Cashier, new_insured: NewInsured, clock: WorldClock
) -> None:
    one, other = await new_insured(), await new_insured(name="保大安")
    await window.scan(one)
    await window.add("A200", "5")
    await window.send("/till/account", use="no")
    stay = fen(await window.send("/till/visit", visit="inpatient:"), "fund")
    clock.at += timedelta(minutes=16)
    await window.get()
    page = await window.send("/till/scan", code=await one.code())
    assert '<option value="inpatient:" selected>' in page
    assert (fen(page, "fund"), fen(page, "account")) == (stay, 0)
    await window.send("/till/clear")
    await window.scan(other)
    page = await window.add("A200", "5")
    assert '<option value=":" selected>' in page, "the next person begins anew"


async def test_the_next_person_is_scanned_right_after_a_settlement(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.purchase(await new_insured())
    await cashier.send("/till/confirm", password=PIN)
    page = await cashier.send("/till/scan", code=await (await new_insured(name="保大安")).code())
    assert "保*安" in page
    assert "还没有项目" in page


async def test_a_second_scan_of_the_same_code_leaves_the_person_on_the_till(
    cashier: Cashier, new_insured: NewInsured
) -> None:
    one = await new_insured(name="保大安")
    await cashier.get()
    form = {**cashier.form("/till/scan"), "code": await one.code()}
    await cashier.post("/till/scan", **form)
    page = await cashier._follow(await cashier.post("/till/scan", **form))
    assert "credential.code_spent" in page
    assert "保*安" in page


async def test_of_two_windows_that_scan_at_once_neither_loses_a_code(cashier: Cashier, new_insured: NewInsured) -> None:
    """What is refused after a code is spent would make somebody show another one for nothing."""
    await cashier.get()
    forms = [{**cashier.form("/till/scan"), "code": await (await new_insured()).code()} for _ in range(4)]
    answers = await asyncio.gather(*(cashier.post("/till/scan", **form) for form in forms))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert "还没有项目" in await cashier.get()


async def test_two_tills_do_not_see_each_other(cashier: Cashier, new_insured: NewInsured) -> None:
    await cashier.purchase(await new_insured())
    async with browser(entrance(cashier.house)) as client:
        other = await staff(cashier.house, client, f"{PHARMACY}-{next(logins):04d}", PHARMACY)
        assert "请扫参保人的医保码" in await other.get()
    assert "示例药品A200" in await cashier.get()


async def test_a_refused_person_is_explained_on_the_till(
    cashier: Cashier, house: House, new_insured: NewInsured
) -> None:
    """C13: the reason and what the staff can do, where the amounts would stand."""
    one = await new_insured()
    await cashier.purchase(one)
    await house.pool.execute("UPDATE registry.insurance SET state = '2' WHERE person_id = $1", one.person_id)
    page = await cashier.get()
    assert cashier.status == 200
    assert "settlement.insurance_suspended" in page
    assert "可按自费结算" in page
    assert 'action="/till/send"' not in page


CODE = "1234567890123456789012510000"


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def qr(text: str) -> Image.Image:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=6)
    return Image.open(out)


def bar(text: str) -> Image.Image:
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    return Image.fromarray(barcode.to_image(scale=3, add_quiet_zones=True))


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (jpeg(qr(CODE)), CODE),
        (jpeg(qr(CODE).rotate(20, expand=True, fillcolor="white")), CODE),
        (jpeg(bar(CODE)), CODE),
        (jpeg(qr("https://example.invalid/pay")), ""),
        (jpeg(qr(CODE[:-1])), ""),
        (jpeg(Image.new("RGB", (640, 480), "grey")), ""),
        (jpeg(Image.new("L", (5000, 4000), "white")), ""),
        (jpeg(qr(CODE))[:400], ""),
        (b"\xff\xd8\xff\xe0not a picture", ""),
        (b"", ""),
    ],
    ids=["qr", "tilted", "barcode", "another", "short", "grey", "huge", "cut", "broken", "empty"],
)
def test_a_code_is_read_from_a_picture(picture: bytes, code: str) -> None:
    assert code_in(picture) == code


async def test_a_frame_of_the_camera_is_read_on_the_server(cashier: Cashier) -> None:
    await cashier.get()
    token = {"x-csrftoken": cashier.form("/till/scan")["_csrf_token"]}
    for picture, code in ((jpeg(qr(CODE)), CODE), (b"no picture", "")):
        answer = await cashier.client.post(
            "/till/frame", content=picture, headers={"content-type": "image/jpeg", **token}
        )
        assert answer.status_code == 200
        assert answer.json() == {"code": code}
    answer = await cashier.client.post("/till/frame", content=bytes(2 * 1024 * 1024 + 1), headers=token)
    assert answer.status_code == 413
    answer = await cashier.client.post("/till/frame", content=jpeg(qr(CODE)))
    assert answer.status_code == 403


async def test_only_cashiers_come_in(house: House, new_insured: NewInsured) -> None:
    one = await new_insured()
    async with transaction(house.pool) as tx:
        session = await identity.start_session(tx, account_id=one.account_id, device="phone", at=house.clock())
    async with browser(entrance(house)) as client:
        client.cookies.set(SESSION_COOKIE, session)
        for path in ("/till", "/till/daybook", "/till/settlements?number=1"):
            assert (await client.get(path)).headers["location"].startswith("/till/login")
        client.cookies.set(TILL_COOKIE, session)
        for path in ("/till", "/till/daybook", "/till/settlements?number=1"):
            # A token of another area is nobody's here.
            assert (await client.get(path)).headers["location"].startswith("/till/login")


async def test_an_empty_or_senseless_form_is_answered_with_a_page(cashier: Cashier, new_insured: NewInsured) -> None:
    paths = (
        "lines/add",
        "lines/change",
        "lines/remove",
        "account",
        "visit",
        "send",
        "withdraw",
        "confirm",
        "scan",
        "clear",
    )
    senseless = {"shown": "\x00", "code": "\x00", "quantity": "Infinity", "unit_price": "Infinity", "total": "NaN"}
    await cashier.get()
    token = {"_csrf_token": cashier.form("/till/scan")["_csrf_token"]}
    for path in paths:
        for fields in ({}, senseless):
            assert (await cashier.post(f"/till/{path}", **token, **fields)).status_code < 500, path
    await cashier.scan(await new_insured())
    for path in paths:
        shown = {"shown": cashier.form("/till/clear")["shown"]}
        for fields in ({}, senseless, {**senseless, **shown}):
            assert (await cashier.post(f"/till/{path}", **token, **fields)).status_code < 500, path
        await cashier.get()
