import asyncio
from datetime import datetime, timedelta

import pytest

from yibao import identity
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import Hasher, refusals
from yibao.identity.tests.cast import DEVICE, PASSWORD, refused, wrong
from yibao.identity.tests.conftest import Sms
from yibao.identity.types import Purpose

MINUTE = timedelta(minutes=1)


async def _register(pool: Pool, vault: Vault, hasher: Hasher, phone: str, code: str, at: datetime) -> str:
    return await identity.register(
        pool, vault, hasher=hasher, phone=phone, code=code, login_password=PASSWORD, device=DEVICE, at=at
    )


async def test_a_phone_with_its_code_gets_an_account(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime
) -> None:
    """A1"""
    code = await sms.code(phone, "register", at)
    account_id = await _register(pool, vault, hasher, phone, code, at + 4 * MINUTE)
    account = await identity.account(pool, vault, account_id)
    assert (account.account_id, account.phone) == (account_id, phone)
    assert (account.name, account.cert_no, account.person_id, account.real_name_at) == (None, None, None, None)
    assert not account.has_pay_password
    assert (
        await identity.sign_in(pool, vault, hasher=hasher, phone=phone, password=PASSWORD, device=DEVICE, at=at)
        == account_id
    )


async def test_an_unknown_account_is_refused(pool: Pool, vault: Vault) -> None:
    with refused(refusals.AccountUnknown):
        await identity.account(pool, vault, "nobody")


async def test_nothing_personal_lies_in_the_outbox_or_the_tables(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime
) -> None:
    code = await sms.code(phone, "register", at)
    account_id = await _register(pool, vault, hasher, phone, code, at)
    await sms.ask(phone, "login", at)
    codes = [request.code for request in await sms.sent(phone)]
    assert codes[0] == code
    index = vault.index("phone", phone)
    written = [
        *await pool.fetch("SELECT payload::text FROM core.outbox WHERE person_id IN ($1, $2)", index.hex(), account_id),
        *await pool.fetch("SELECT phone_index, phone, login_hash FROM identity.account WHERE phone_index = $1", index),
        *await pool.fetch("SELECT phone_index, code_digest FROM identity.sms_code WHERE phone_index = $1", index),
    ]
    assert len(written) == 5
    text = " ".join(repr(tuple(row.values())) for row in written)
    for secret in (phone, *codes, PASSWORD):
        assert secret not in text


async def test_no_code_is_made_within_a_minute_of_the_last(sms: Sms, phone: str, at: datetime) -> None:
    await sms.ask(phone, "register", at)
    with refused(refusals.CodeTooSoon, seconds=15, personal=(phone,)):
        await sms.ask(phone, "register", at + timedelta(seconds=45))
    await sms.ask(phone, "login", at + timedelta(seconds=45))
    await sms.ask(phone, "register", at + MINUTE)


async def test_ten_codes_a_day_are_made_and_more_on_the_next(sms: Sms, phone: str, at: datetime) -> None:
    for number in range(10):
        await sms.ask(phone, "register", at + number * MINUTE)
    with refused(refusals.CodeTooOften, personal=(phone,)):
        await sms.ask(phone, "register", at + 10 * MINUTE)
    midnight_in_beijing = at + timedelta(hours=14)
    with refused(refusals.CodeTooOften):
        await sms.ask(phone, "register", midnight_in_beijing - timedelta(seconds=1))
    for number in range(10):
        await sms.ask(phone, "register", midnight_in_beijing + number * MINUTE)
    with refused(refusals.CodeTooOften):
        await sms.ask(phone, "register", midnight_in_beijing + 10 * MINUTE)
    assert len(await sms.sent(phone)) == 20


async def test_codes_asked_for_at_once_are_one(sms: Sms, phone: str, at: datetime) -> None:
    results = await asyncio.gather(*(sms.ask(phone, "register", at) for _ in range(4)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [refusals.CodeTooSoon] * 3
    assert len(await sms.sent(phone)) == 1


@pytest.mark.parametrize("purpose", ["login", "reset_login", "reset_pay", "unlock"])
async def test_a_phone_without_an_account_is_answered_alike_and_sent_nothing(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime, purpose: Purpose
) -> None:
    await sms.ask(phone, purpose, at)
    with refused(refusals.CodeTooSoon, seconds=60):
        await sms.ask(phone, purpose, at)
    assert await sms.sent(phone) == []
    for left in (4, 3, 2, 1):
        with refused(refusals.CodeWrong, left=left):
            await _use(pool, vault, hasher, phone, purpose, "000000", at)
    with refused(refusals.CodeExpired):
        await _use(pool, vault, hasher, phone, purpose, "000000", at)


async def _use(pool: Pool, vault: Vault, hasher: Hasher, phone: str, purpose: Purpose, code: str, at: datetime) -> None:
    match purpose:
        case "register":
            await _register(pool, vault, hasher, phone, code, at)
        case "login":
            await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at)
        case "unlock":
            await identity.unlock(pool, vault, phone=phone, code=code, device=DEVICE, at=at)
        case "reset_login":
            await identity.reset_login_password(
                pool, vault, hasher=hasher, phone=phone, code=code, password="another88", device=DEVICE, at=at
            )
        case "reset_pay":
            await identity.reset_pay_password(
                pool,
                vault,
                hasher=hasher,
                phone=phone,
                code=code,
                cert_no="",
                password="918273",
                device=DEVICE,
                at=at,
            )


async def test_registering_a_phone_with_an_account_tells_its_owner_and_nobody_else(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    await sms.ask(phone, "register", at)
    request = (await sms.sent(phone))[-1]
    assert request.purpose == "already_registered"
    with refused(refusals.CodeWrong, left=4):
        await _register(pool, vault, hasher, phone, wrong(request.code), at)
    with refused(refusals.AlreadyRegistered, personal=(phone, account_id)):
        await _register(pool, vault, hasher, phone, request.code, at)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short7a", refusals.LoginPasswordLength),
        ("landscapes", refusals.LoginPasswordTooPlain),
        ("x{phone}", refusals.LoginPasswordHoldsPhone),
    ],
)
async def test_a_weak_password_is_refused_before_the_code_is_tried(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime, password: str, refusal: type[Refusal]
) -> None:
    code = await sms.code(phone, "register", at)
    for _ in range(6):
        with refused(refusal, personal=(phone,)):
            await identity.register(
                pool,
                vault,
                hasher=hasher,
                phone=phone,
                code=code,
                login_password=password.format(phone=phone),
                device=DEVICE,
                at=at,
            )
    await _register(pool, vault, hasher, phone, code, at)


async def test_a_malformed_phone_is_refused_everywhere(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, at: datetime
) -> None:
    purposes: tuple[Purpose, ...] = ("register", "login", "reset_login", "reset_pay", "unlock")
    for purpose in purposes:
        with refused(refusals.PhoneMalformed):
            await sms.ask("12345", purpose, at)
        with refused(refusals.PhoneMalformed):
            await _use(pool, vault, hasher, "12345", purpose, "000000", at)
    with refused(refusals.PhoneMalformed):
        await identity.sign_in(pool, vault, hasher=hasher, phone="12345", password=PASSWORD, device=DEVICE, at=at)


async def test_a_code_dies_after_five_wrong_tries_although_each_was_refused(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime
) -> None:
    code = await sms.code(phone, "register", at)
    for left in (4, 3, 2, 1):
        with refused(refusals.CodeWrong, left=left, personal=(phone, code)):
            await _register(pool, vault, hasher, phone, wrong(code), at)
    with refused(refusals.CodeExpired):
        await _register(pool, vault, hasher, phone, wrong(code), at)
    with refused(refusals.CodeExpired):
        await _register(pool, vault, hasher, phone, code, at)
    fresh = await sms.code(phone, "register", at + MINUTE)
    await _register(pool, vault, hasher, phone, fresh, at + MINUTE)


async def test_a_code_lasts_five_minutes_and_ends_with_the_next(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime
) -> None:
    first = await sms.code(phone, "register", at)
    with refused(refusals.CodeExpired):
        await _register(pool, vault, hasher, phone, first, at + 5 * MINUTE)
    second = await sms.code(phone, "register", at + 5 * MINUTE)
    if first != second:
        with refused(refusals.CodeWrong, left=4):
            await _register(pool, vault, hasher, phone, first, at + 5 * MINUTE)
    await _register(pool, vault, hasher, phone, second, at + 6 * MINUTE)


async def test_a_code_serves_one_purpose(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    code = await sms.code(phone, "login", at)
    with refused(refusals.CodeExpired):
        await identity.unlock(pool, vault, phone=phone, code=code, device=DEVICE, at=at)
    assert await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at) == account_id
    with refused(refusals.CodeExpired):
        await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at)


async def test_a_code_used_by_two_at_once_registers_one_of_them(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime
) -> None:
    code = await sms.code(phone, "register", at)
    results = await asyncio.gather(
        *(_register(pool, vault, hasher, phone, code, at) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(result, str) for result in results) == 1
    assert [type(result) for result in results if not isinstance(result, str)] == [refusals.CodeExpired] * 3
    index = vault.index("phone", phone)
    assert await pool.fetchval("SELECT count(*) FROM identity.account WHERE phone_index = $1", index) == 1


async def test_many_wrong_codes_at_once_are_five(
    pool: Pool, vault: Vault, hasher: Hasher, sms: Sms, phone: str, at: datetime
) -> None:
    code = await sms.code(phone, "register", at)
    results = await asyncio.gather(
        *(_register(pool, vault, hasher, phone, wrong(code), at) for _ in range(12)), return_exceptions=True
    )
    assert sum(isinstance(result, refusals.CodeWrong) for result in results) == 4
    assert sum(isinstance(result, refusals.CodeExpired) for result in results) == 8


async def test_a_phone_given_up_meanwhile_leaves_no_account_to_sign_in_to(
    pool: Pool, vault: Vault, owner_pool: Pool, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    code = await sms.code(phone, "login", at)
    await owner_pool.execute(
        "UPDATE identity.account SET phone_index = $2 WHERE account_id = $1", account_id, account_id.encode()
    )
    with refused(refusals.CodeExpired):
        await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at)


async def test_an_account_is_opened_once_for_a_phone(
    pool: Pool, vault: Vault, phone: str, account_id: str, at: datetime
) -> None:
    with refused(refusals.AlreadyRegistered):
        async with transaction(pool) as tx:
            await identity.open_account(tx, vault, phone=phone, login_hash="", at=at)


async def test_a_stranger_s_codes_leave_the_owner_s_code_and_its_tries_alone(
    pool: Pool, vault: Vault, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    code = await sms.code(phone, "login", at)
    strange = await sms.code(phone, "login", at, device="stranger")
    for _ in range(5):
        with pytest.raises((refusals.CodeWrong, refusals.CodeExpired)):
            await identity.sign_in_by_code(pool, vault, phone=phone, code=wrong(strange), device="stranger", at=at)
    with refused(refusals.CodeExpired):
        await identity.sign_in_by_code(pool, vault, phone=phone, code=strange, device="stranger", at=at)
    assert await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at) == account_id


async def test_a_code_serves_the_device_that_asked_for_it(
    pool: Pool, vault: Vault, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    code = await sms.code(phone, "login", at)
    with refused(refusals.CodeExpired):
        await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device="stranger", at=at)
    assert await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at) == account_id


async def test_strangers_use_up_their_own_codes_of_a_day_and_a_known_device_goes_on(
    pool: Pool, vault: Vault, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    code = await sms.code(phone, "login", at)
    await identity.sign_in_by_code(pool, vault, phone=phone, code=code, device=DEVICE, at=at)
    for number in range(19):
        await sms.ask(phone, "login", at, device=f"stranger {number}")
    with refused(refusals.CodeNeedsKnownDevice, personal=(phone,)):
        await sms.ask(phone, "login", at, device="one stranger more")
    await sms.ask(phone, "reset_login", at, device="one stranger more")
    for number in range(1, 10):
        await sms.ask(phone, "login", at + number * MINUTE)
    with refused(refusals.CodeTooOften):
        await sms.ask(phone, "login", at + 10 * MINUTE)
    midnight_in_beijing = at + timedelta(hours=14)
    await sms.ask(phone, "login", midnight_in_beijing, device="one stranger more")


async def test_strangers_who_ask_at_once_are_counted_one_by_one(sms: Sms, phone: str, at: datetime) -> None:
    results = await asyncio.gather(
        *(sms.ask(phone, "register", at, device=f"stranger {number}") for number in range(24)), return_exceptions=True
    )
    assert [type(result) for result in results if result is not None] == [refusals.CodeNeedsKnownDevice] * 4
    assert len(await sms.sent(phone)) == 20


async def test_a_code_outlives_midnight_and_is_forgotten_a_day_later(
    pool: Pool, vault: Vault, sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    before_midnight = at + timedelta(hours=14) - MINUTE
    code = await sms.code(phone, "login", before_midnight)
    await sms.ask(phone, "login", before_midnight + 2 * MINUTE, device="another")
    assert (
        await identity.sign_in_by_code(
            pool, vault, phone=phone, code=code, device=DEVICE, at=before_midnight + 2 * MINUTE
        )
        == account_id
    )
    await sms.ask(phone, "login", before_midnight + timedelta(days=2))
    index = vault.index("phone", phone)
    assert await pool.fetchval("SELECT count(*) FROM identity.sms_code WHERE phone_index = $1", index) == 1


async def test_a_phone_that_is_to_become_an_account_s_own_gets_its_code(
    sms: Sms, phone: str, account_id: str, at: datetime
) -> None:
    """A9: whether it has an account or not."""
    other = f"101{phone[3:]}"
    for number in (phone, other):
        await sms.ask(number, "change_phone_new", at)
        assert [request.purpose for request in await sms.sent(number)] == ["change_phone_new"]
    await sms.ask(other, "change_phone_old", at)
    assert len(await sms.sent(other)) == 1
