"""A person's own data: who looked, everything in one file, and closing the account (F7, E8)."""

import json
import secrets
from typing import Any

from conftest import NewPerson
from yibao import credential, identity, registry
from yibao.app import House, handlers
from yibao.core.database import transaction
from yibao.core.outbox import Event
from yibao.credential import store as credential_store
from yibao.face import Subject
from yibao.face import store as face_store
from yibao.face.queries import mark_of as face_mark
from yibao.identity import store as identity_store
from yibao.service import message, unit
from yibao.service.family import store as family_store
from yibao.service.family.types import Application
from yibao.service.unit.tests.conftest import new_credit_code
from yibao.settlement.tests.scene import shops
from yibao.settlement.tests.test_pages import bill_for
from yibao.site import export, my_data
from yibao.site.tests.scene import PAY_PASSWORD, Phone
from yibao.web.principal import DEVICE_COOKIE, SESSION_COOKIE

PHARMACY = "P51050000001"

__all__ = ["shops"]


async def test_every_scan_and_every_look_is_shown_to_the_person_the_latest_first(phone: Phone, house: House) -> None:
    await phone.scanned(institution=PHARMACY)
    async with transaction(house.pool) as tx:
        await registry.note_look(
            tx,
            house.vault,
            person_id=phone.person_id,
            looker="A510500-01",
            looker_name="泸州市医保经办窗口",
            purpose="解除手机绑定",
            at=house.clock(),
        )
    page = (await phone.get("/me/looks")).text
    assert "泸州市医保经办窗口" in page
    assert "解除手机绑定" in page
    assert "扫码核验参保身份" in page
    assert "A510500-01" not in page


async def test_whatever_a_person_was_known_by_is_shown_to_them(phone: Phone, house: House) -> None:
    """B5: card, certificate and face beside the code."""
    at = house.clock()
    for medium in ("02", "03", "face"):
        visit = credential.Redeemed(secrets.token_hex(20), phone.person_id, "510500", at, "", "1")
        async with transaction(house.pool) as tx:
            await credential_store.open_visit(tx, visit, medium=medium, institution=PHARMACY, checked_by="t", at=at)
    page = (await phone.get("/me/looks")).text
    for words in ("收费员凭身份证件核验参保身份", "收费员凭社会保障卡核验参保身份", "收款台刷脸核验参保身份"):
        assert words in page


async def test_everything_is_taken_away_as_json_with_the_transaction_password_only(phone: Phone, house: House) -> None:
    await phone.get("/me/data")
    refused = await phone.post("/me/data/export", form="json", pay_password="000111")
    assert refused.status_code == 403
    taken = await phone.post("/me/data/export", form="json", pay_password=PAY_PASSWORD)
    assert taken.status_code == 200
    assert taken.headers["content-disposition"] == 'attachment; filename="yibao.json"'
    content = json.loads(taken.content)
    assert phone.person is not None
    [account] = content["sections"]["account"]
    assert account["cert_no"] == phone.person.cert_no
    [insurance] = content["sections"]["insurances"]
    assert insurance["place"] == "510500"
    [movement] = content["sections"]["account_movements_510500"]
    assert movement["amount_fen"] == 212_30
    told = await house.pool.fetchval(
        "SELECT count(*) FROM core.outbox WHERE person_id = $1 AND topic = 'site.data_taken'", phone.person_id
    )
    assert told == 1


async def test_the_pdf_has_every_section(phone: Phone, house: House) -> None:
    await phone.get("/me/data")
    taken = await phone.post("/me/data/export", form="pdf", pay_password=PAY_PASSWORD)
    assert taken.headers["content-type"] == "application/pdf"
    assert taken.content.startswith(b"%PDF")
    found = await export.sections(house.pool, house.vault, account_id=phone.account_id, at=house.clock())
    assert len(found) == 25


async def taken(phone: Phone, **fields: str) -> dict[str, Any]:
    """Return the sections of the JSON file."""
    await phone.get("/me/data")
    answer = await phone.post("/me/data/export", form="json", **fields)
    assert answer.status_code == 200
    content: dict[str, Any] = json.loads(answer.content)
    assert content["left_out"] == list(export.LEFT_OUT)
    sections: dict[str, Any] = content["sections"]
    return sections


async def test_what_banks_faces_counters_units_and_channels_left_is_in_the_file(
    phone: Phone, house: House, shops: None
) -> None:
    """F7: the file says everything that is kept, but for what it names."""
    at, person, account_id = house.clock(), phone.person, phone.account_id
    assert person is not None
    who = Subject(person.name, person.cert_type, person.cert_no)
    await bill_for(phone, house)
    code = new_credit_code()
    async with transaction(house.pool) as tx:
        await identity_store.add_attempt(tx, account_id=account_id, order_id="1", elements_digest=b"", at=at)
        await identity_store.decide_attempt(tx, account_id=account_id, order_id="1", verdict="differs")
        for nonce in ("1", "2"):
            await face_store.add_attempt(
                tx,
                check_id=account_id,
                nonce=nonce,
                device=b"",
                mark=face_mark(house.vault, who.cert_no),
                mode="digits",
                at=at,
            )
        await face_store.end_attempt(tx, check_id=account_id, nonce="1", outcome="different", at=at)
        case_id = await identity.open_case(
            tx,
            house.vault,
            clerk="A510500-01",
            place="510500",
            cert_type=who.cert_type,
            cert_no=who.cert_no,
            checked=True,
            reason="手机丢失",
            at=at,
        )
        unit_id = await unit.register(
            tx,
            house.vault,
            unit.Entry(
                code, f"示例公司{code}", "employer", "510500", "", unit.Named(who.name, who.cert_type, who.cert_no)
            ),
            by="A510500-01",
            at=at,
        )
        await unit.activate(
            tx, house.vault, unit_id=unit_id, account_id=account_id, agreed=True, browser=b"here", at=at
        )
        await family_store.add_application(
            tx,
            Application(
                person_id=phone.person_id,
                application_id=account_id,
                account_id=account_id,
                relative=phone.person_id,
                place="510500",
                state="reading",
                round=1,
                papers=(),
                findings=(),
                applied_at=at,
                due_on=None,
                decided_at=None,
                decided_by=None,
                reason=None,
            ),
        )
        await identity_store.put_channel_user(
            tx, channel="wechat", user_index=account_id.encode(), account_id=account_id, at=at
        )
    found = await taken(phone, pay_password=PAY_PASSWORD)
    assert [one["verdict"] for one in found["bank_attempts"]] == ["differs"]
    assert [(one["mode"], one["outcome"]) for one in found["face_attempts"]] == [
        ("digits", "different"),
        ("digits", None),
    ]
    assert found["counter_acts"] == []
    [listed] = found["units"]
    assert (listed["credit_code"], listed["legal"], listed["removed_at"]) == (code, True, None)
    assert [one["unit"] for one in found["unit_codes"]] == [f"示例公司{code}"]
    assert [one["state"] for one in found["family_applications"]] == ["reading"]
    assert found["channels"] == [{"channel": "wechat", "users": 1}]
    [card] = found["cards"]
    assert card["state"] == "normal"
    card_no = person.cards[0].card_no
    assert card["card_no"] != card_no
    assert (card["card_no"][0], card["card_no"][-2:]) == (card_no[0], card_no[-2:])
    [bill] = found["bills"]
    assert (bill["total_fen"], bill["state"]) == (420_00, "sent")
    [session] = found["sessions"]
    assert session["device_name"]
    async with transaction(house.pool) as tx:
        await identity.end_sessions_at_counter(tx, case_id=case_id, clerk="A510500-01", account_id=account_id, at=at)
    acts = {
        section.name: section.rows
        for section in await export.sections(house.pool, house.vault, account_id=account_id, at=at)
    }["counter_acts"]
    assert acts == ((at, "510500", "sessions_ended", "手机丢失"),)


async def test_whoever_has_unbound_takes_the_same_away_and_is_told(phone: Phone, house: House) -> None:
    """F7: the insurance is gone from the account, and the person behind it is not."""
    assert phone.person is not None
    await phone.scanned(institution=PHARMACY)
    async with transaction(house.pool) as tx:
        await credential.unbind(tx, person_id=phone.person_id, account_id=phone.account_id, at=house.clock())
    found = await taken(phone)
    assert [one["cert_no"] for one in found["person"]] == [phone.person.cert_no]
    assert len(found["insurances"]) == len(found["devices"]) == len(found["looks"]) == 1
    assert found["credential"] == []
    assert "扫码核验参保身份" in (await phone.get("/me/looks")).text
    told = await house.pool.fetchval(
        "SELECT payload FROM core.outbox WHERE person_id = $1 AND topic = 'site.data_taken'", phone.account_id
    )
    reach = identity.opened_reach(house.vault, told)
    assert reach is not None
    assert reach.phone == f"1{phone.person_id[-10:]}"


async def test_an_account_without_a_proved_name_takes_away_what_is_its_own(
    stranger: Phone, new_person: NewPerson
) -> None:
    await stranger.sign_in(await new_person(), bound=False)
    assert set(await taken(stranger)) == {"account", "sessions", "channels", "bank_attempts", "family_applications"}


async def test_the_page_names_what_is_not_in_the_file(phone: Phone) -> None:
    """F7."""
    shown = (await phone.get("/me/data")).text
    assert "全部信息" not in shown
    for one in export.LEFT_OUT:
        assert one in shown


async def test_a_closed_account_leaves_nothing_personal_and_no_session(phone: Phone, house: House) -> None:
    assert phone.person is not None
    await phone.get("/me/close")
    assert (await phone.post("/me/close", pay_password=PAY_PASSWORD)).status_code == my_data.CloseNotConfirmed.status
    answer = await phone.post("/me/close", pay_password=PAY_PASSWORD, agreed="1")
    assert answer.headers["location"] == "/closed"
    row = await house.pool.fetchrow("SELECT * FROM identity.account WHERE account_id = $1", phone.account_id)
    assert row is not None
    assert {name for name, value in row.items() if value is not None} == {"account_id", "created_at", "closed_at"}
    assert (await phone.get("/me")).headers["location"].startswith("/login")
    holder = await house.pool.fetchrow("SELECT unbound_at FROM credential.holder WHERE person_id = $1", phone.person_id)
    assert holder is not None
    assert holder["unbound_at"] is not None
    kept = await registry.person(house.pool, house.vault, phone.person_id)
    assert kept.name == phone.person.name


async def test_what_is_still_on_its_way_does_not_reach_a_person_who_closed_their_account(
    phone: Phone, house: House
) -> None:
    """F7: closing itself makes events, such as the unbinding, which the worker finds afterwards."""
    await phone.get("/me/close")
    await phone.post("/me/close", pay_password=PAY_PASSWORD, agreed="1")
    rows = await house.pool.fetch(
        "SELECT person_id, outbox_id, topic, payload, created_at, attempts FROM core.outbox WHERE person_id = $1",
        phone.person_id,
    )
    heard = handlers(house)
    assert "credential.unbound" in {row["topic"] for row in rows}
    for row in rows:
        event = Event(*row)
        for hear in heard[event.topic]:
            await hear(event)
    assert await message.kept(house.pool, phone.person_id) == []


async def test_whoever_unbinds_first_and_closes_then_takes_the_messages_along_too(phone: Phone, house: House) -> None:
    """F7."""
    told = Event(phone.person_id, 1, "credential.unbound", {}, house.clock(), 1)
    async with transaction(house.pool) as tx:
        await credential.unbind(tx, person_id=phone.person_id, account_id=phone.account_id, at=house.clock())
    for hear in handlers(house)["credential.unbound"]:
        await hear(told)
    assert len(await message.kept(house.pool, phone.person_id)) == 1
    await phone.get("/me/close")
    await phone.post("/me/close", agreed="1")
    assert await message.kept(house.pool, phone.person_id) == []


async def test_another_account_of_the_same_person_keeps_its_messages(phone: Phone, house: House) -> None:
    """A proved name may have two accounts, of which one is bound."""
    at = house.clock()
    for hear in handlers(house)["credential.activated"]:
        await hear(Event(phone.person_id, 1, "credential.activated", {"place": "510500", "channel": "微信"}, at, 1))
    assert phone.person is not None
    async with transaction(house.pool) as tx:
        second = await identity.channel_account(tx, house.vault, channel="wechat", user=phone.person_id, at=at)
        await identity.prove_real_name(
            tx,
            house.vault,
            account_id=second,
            name=phone.person.name,
            cert_type=phone.person.cert_type,
            cert_no=phone.person.cert_no,
            at=at,
        )
        session = await identity.start_session(tx, account_id=second, device=phone.device, at=at)
    phone.cookies.clear()
    phone.cookies.set(SESSION_COOKIE, session)
    phone.cookies.set(DEVICE_COOKIE, phone.device)
    await phone.get("/me/close")
    answer = await phone.post("/me/close", agreed="1")
    assert answer.headers["location"] == "/closed"
    assert len(await message.kept(house.pool, phone.person_id)) == 1


async def test_the_phone_of_a_closed_account_can_register_again(phone: Phone, house: House) -> None:
    async with transaction(house.pool) as tx:
        account = await identity.account(tx, house.vault, phone.account_id)
    await phone.get("/me/close")
    await phone.post("/me/close", pay_password=PAY_PASSWORD, agreed="1")
    async with transaction(house.pool) as tx:
        again = await identity.open_account(tx, house.vault, phone=account.phone, login_hash="-", at=house.clock())
    assert again != phone.account_id


async def test_an_account_is_not_closed_over_a_bill_that_waits(phone: Phone, house: House, shops: None) -> None:
    await bill_for(phone, house)
    await phone.get("/me/close")
    answer = await phone.post("/me/close", pay_password=PAY_PASSWORD, agreed="1")
    assert answer.status_code == my_data.BillsWaiting.status
    assert "有 1 张账单等您确认" in answer.text
