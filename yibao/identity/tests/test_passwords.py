import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from yibao import identity
from yibao.core.database import Pool, transaction
from yibao.core.vault import Vault
from yibao.identity import Hasher, refusals
from yibao.identity.tests.cast import CERT_NO, DEVICE, PASSWORD, PAY_PASSWORD, refused, wrong
from yibao.identity.tests.conftest import Sms

MINUTE = timedelta(minutes=1)
NEW_PAY_PASSWORD = "918273"


class Door:
    """One account's doors, so that a test says only what it is about."""

    def __init__(self, pool: Pool, vault: Vault, hasher: Hasher, phone: str, at: datetime) -> None:
        self.pool = pool
        self.vault = vault
        self.hasher = hasher
        self.phone = phone
        self.at = at

    async def sign_in(self, password: str, *, device: str = DEVICE, at: datetime | None = None) -> str:
        return await identity.sign_in(
            self.pool,
            self.vault,
            hasher=self.hasher,
            phone=self.phone,
            password=password,
            device=device,
            at=at or self.at,
        )

    async def pay(self, account_id: str, password: str, *, device: str = DEVICE, at: datetime | None = None) -> None:
        await identity.check_pay_password(
            self.pool,
            hasher=self.hasher,
            account_id=account_id,
            password=password,
            device=device,
            at=at or self.at,
        )

    async def set_pay(self, account_id: str, password: str = PAY_PASSWORD) -> None:
        async with transaction(self.pool) as tx:
            await identity.set_pay_password(
                tx, self.vault, hasher=self.hasher, account_id=account_id, password=password, at=self.at
            )

    async def change_pay(self, account_id: str, old: str, new: str) -> None:
        await identity.change_pay_password(
            self.pool,
            self.vault,
            hasher=self.hasher,
            account_id=account_id,
            old=old,
            new=new,
            device=DEVICE,
            at=self.at,
        )

    async def reset_pay(self, code: str, *, cert_no: str = CERT_NO, password: str = NEW_PAY_PASSWORD) -> None:
        await identity.reset_pay_password(
            self.pool,
            self.vault,
            hasher=self.hasher,
            phone=self.phone,
            code=code,
            cert_no=cert_no,
            password=password,
            device=DEVICE,
            at=self.at,
        )

    async def told(self, account_id: str) -> list[str]:
        """Return what the owner is told, who has no person yet; every event says on which phone, in sealed words."""
        rows = await self.pool.fetch(
            "SELECT topic, payload FROM core.outbox WHERE person_id = $1 AND topic <> 'identity.code_requested'"
            " ORDER BY outbox_id",
            account_id,
        )
        for row in rows:
            assert self.phone not in str(row["payload"])
            assert identity.opened_reach(self.vault, row["payload"]) == identity.Reach(account_id, self.phone)
        return [row["topic"] for row in rows]

    async def fail(self, times: int, *, device: str = DEVICE) -> None:
        for _ in range(times):
            with pytest.raises((refusals.WrongPassword, refusals.LoginLocked)):
                await self.sign_in("not the one 1", device=device)


@pytest.fixture
def door(pool: Pool, vault: Vault, hasher: Hasher, phone: str, at: datetime) -> Door:
    return Door(pool, vault, hasher, phone, at)


async def test_five_wrong_passwords_lock_this_device_and_no_other(door: Door, account_id: str) -> None:
    """A5"""
    for left in (4, 3, 2, 1):
        with refused(refusals.WrongPassword, left=left, personal=(door.phone,)):
            await door.sign_in("not the one 1")
    with refused(refusals.LoginLocked, minutes=20):
        await door.sign_in("not the one 1")
    with refused(refusals.LoginLocked, minutes=5):
        await door.sign_in(PASSWORD, at=door.at + 15 * MINUTE)
    assert await door.sign_in(PASSWORD, device="another") == account_id
    assert await door.sign_in(PASSWORD, at=door.at + 20 * MINUTE) == account_id


async def test_after_a_lock_there_are_five_tries_again(door: Door, account_id: str) -> None:
    await door.fail(5)
    with refused(refusals.WrongPassword, left=4):
        await door.sign_in("not the one 1", at=door.at + 20 * MINUTE)


async def test_a_right_password_clears_the_failures(door: Door, account_id: str) -> None:
    await door.fail(4)
    assert await door.sign_in(PASSWORD) == account_id
    with refused(refusals.WrongPassword, left=4):
        await door.sign_in("not the one 1")


async def test_a_phone_without_an_account_answers_just_like_one_with_it(door: Door) -> None:
    for left in (4, 3, 2, 1):
        with refused(refusals.WrongPassword, left=left, personal=(door.phone,)):
            await door.sign_in(PASSWORD)
    with refused(refusals.LoginLocked, minutes=20):
        await door.sign_in(PASSWORD)
    with refused(refusals.WrongPassword, left=4):
        await door.sign_in(PASSWORD, device="another")


async def test_a_phone_without_an_account_costs_as_much_hashing(
    door: Door, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[bool] = []
    verify = door.hasher._verify

    def counting(hashed: str, keyed: bytes) -> bool:
        verified.append(hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$"))
        return verify(hashed, keyed)

    monkeypatch.setattr(door.hasher, "_verify", counting)
    await door.fail(1)
    door.phone = "19900000000"
    await door.fail(1)
    assert verified == [True, True]


async def test_many_guesses_at_once_are_five(door: Door, account_id: str) -> None:
    results = await asyncio.gather(*(door.sign_in("not the one 1") for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(result, refusals.WrongPassword) for result in results) == 4
    assert sum(isinstance(result, refusals.LoginLocked) for result in results) == 8
    with refused(refusals.LoginLocked, minutes=20):
        await door.sign_in(PASSWORD)


async def test_many_devices_make_twenty_guesses_an_hour_and_the_owner_goes_on(door: Door, account_id: str) -> None:
    await door.sign_in(PASSWORD)
    for number in range(20):
        await door.fail(1, device=f"stranger {number}")
    with refused(refusals.LoginNeedsCode, minutes=60):
        await door.sign_in("not the one 1", device="stranger 20")
    with refused(refusals.LoginNeedsCode, minutes=60):
        await door.sign_in(PASSWORD, device="own new phone")
    assert await door.sign_in(PASSWORD) == account_id
    with refused(refusals.WrongPassword, left=4):
        await door.sign_in("not the one 1")
    assert await door.sign_in(PASSWORD, device="own new phone", at=door.at + 60 * MINUTE) == account_id


@pytest.mark.parametrize("eased", [False, True])
async def test_the_owner_is_told_of_a_brake_once_an_hour(door: Door, account_id: str, eased: bool) -> None:
    """D13: also where the right password takes one failure back, and strangers fill it up again."""
    await door.sign_in(PASSWORD)
    for number in range(19):
        await door.fail(1, device=f"stranger {number}")
    assert await door.told(account_id) == ["identity.device_met"]
    await door.fail(1, device="stranger 19")
    once = ["identity.device_met", "identity.guesses_braked"]
    assert await door.told(account_id) == once
    if eased:
        await door.pool.execute("UPDATE identity.brake SET failures = 19 WHERE subject = $1", account_id)
        await door.fail(1, device="stranger 20")
    for number in range(3):
        with refused(refusals.LoginNeedsCode, minutes=60):
            await door.sign_in("not the one 1", device=f"stranger {21 + number}")
    assert await door.told(account_id) == once
    door.at += 60 * MINUTE
    for number in range(20):
        await door.fail(1, device=f"stranger of the next hour {number}")
    assert await door.told(account_id) == [*once, "identity.guesses_braked"]


async def test_nobody_is_told_of_a_brake_on_a_phone_without_an_account(door: Door, vault: Vault) -> None:
    for number in range(20):
        await door.fail(1, device=f"stranger {number}")
    assert await door.told(vault.index("phone", door.phone).hex()) == []


async def test_the_owner_is_told_of_a_device_that_was_never_used_and_of_no_other(
    door: Door, sms: Sms, account_id: str
) -> None:
    """D13: whichever way it came to be known, by the password, by a code, or by lifting a lock."""
    met = "identity.device_met"
    await door.sign_in(PASSWORD)
    await door.sign_in(PASSWORD)
    assert await door.told(account_id) == [met]
    code = await sms.code(door.phone, "login", door.at, device="second")
    await identity.sign_in_by_code(door.pool, door.vault, phone=door.phone, code=code, device="second", at=door.at)
    await door.sign_in(PASSWORD, device="second")
    assert await door.told(account_id) == [met] * 2
    code = await sms.code(door.phone, "unlock", door.at, device="third")
    await identity.unlock(door.pool, door.vault, phone=door.phone, code=code, device="third", at=door.at)
    await door.sign_in(PASSWORD, device="third")
    assert await door.told(account_id) == [met] * 3


async def test_a_phone_without_an_account_is_braked_alike(door: Door) -> None:
    for number in range(20):
        await door.fail(1, device=f"stranger {number}")
    with refused(refusals.LoginNeedsCode, minutes=60):
        await door.sign_in(PASSWORD, device="stranger 20")


async def test_signing_in_on_many_new_devices_is_no_failure(door: Door, account_id: str) -> None:
    for number in range(25):
        assert await door.sign_in(PASSWORD, device=f"own {number}") == account_id


async def test_a_browser_without_a_mark_is_never_known(door: Door, account_id: str) -> None:
    await door.sign_in(PASSWORD, device="")
    for number in range(20):
        await door.fail(1, device=f"stranger {number}")
    with refused(refusals.LoginNeedsCode, minutes=60):
        await door.sign_in(PASSWORD, device="")


async def test_an_sms_code_lifts_the_locks_and_makes_the_device_known(door: Door, sms: Sms, named_id: str) -> None:
    """A5"""
    await door.set_pay(named_id)
    await door.fail(5)
    for _ in range(4):
        with pytest.raises(refusals.WrongPayPassword):
            await door.pay(named_id, NEW_PAY_PASSWORD)
    with refused(refusals.PayLocked, minutes=20):
        await door.pay(named_id, NEW_PAY_PASSWORD)
    for number in range(15):
        await door.fail(1, device=f"stranger {number}")
    code = await sms.code(door.phone, "unlock", door.at)
    with refused(refusals.CodeWrong, left=4):
        await identity.unlock(door.pool, door.vault, phone=door.phone, code=wrong(code), device=DEVICE, at=door.at)
    with refused(refusals.LoginLocked, minutes=20):
        await door.sign_in(PASSWORD)
    await identity.unlock(door.pool, door.vault, phone=door.phone, code=code, device=DEVICE, at=door.at)
    assert await door.sign_in(PASSWORD) == named_id
    await door.pay(named_id, PAY_PASSWORD)


async def test_signing_in_by_code_passes_the_brake(door: Door, sms: Sms, account_id: str) -> None:
    for number in range(20):
        await door.fail(1, device=f"stranger {number}")
    code = await sms.code(door.phone, "login", door.at, device="own new phone")
    await identity.sign_in_by_code(
        door.pool, door.vault, phone=door.phone, code=code, device="own new phone", at=door.at
    )
    assert await door.sign_in(PASSWORD, device="own new phone") == account_id


@pytest.mark.parametrize("password", [PAY_PASSWORD, "000000", "８２７３６４"])
async def test_a_transaction_password_is_refused_at_sign_in_and_counted(
    door: Door, named_id: str, password: str
) -> None:
    """A5"""
    await door.set_pay(named_id)
    for left in (4, 3, 2, 1):
        with refused(refusals.PayPasswordAtLogin, left=left):
            await door.sign_in(password)
    with refused(refusals.LoginLocked, minutes=20):
        await door.sign_in(password)


async def test_a_transaction_password_at_sign_in_does_not_tell_whether_there_is_an_account(door: Door) -> None:
    with refused(refusals.PayPasswordAtLogin, left=4):
        await door.sign_in(PAY_PASSWORD)


async def test_a_login_password_is_refused_when_paying_and_counted(door: Door, named_id: str) -> None:
    """A5"""
    await door.set_pay(named_id)
    with refused(refusals.LoginPasswordAtPay, left=4):
        await door.pay(named_id, PASSWORD)
    with refused(refusals.LoginPasswordAtPay, left=3):
        await door.pay(named_id, "some other text 1")
    with refused(refusals.WrongPayPassword, left=2):
        await door.pay(named_id, "82736")
    with refused(refusals.WrongPayPassword, left=1):
        await door.pay(named_id, NEW_PAY_PASSWORD)
    with refused(refusals.PayLocked, minutes=20):
        await door.pay(named_id, PASSWORD)
    with refused(refusals.PayLocked, minutes=20):
        await door.pay(named_id, PAY_PASSWORD)
    assert await door.sign_in(PASSWORD) == named_id
    await door.pay(named_id, PAY_PASSWORD, device="another")
    await door.pay(named_id, PAY_PASSWORD, at=door.at + 20 * MINUTE)


async def test_paying_is_braked_on_tills_where_the_password_was_never_right(door: Door, named_id: str) -> None:
    await door.set_pay(named_id)
    await door.pay(named_id, PAY_PASSWORD)
    for number in range(20):
        with refused(refusals.WrongPayPassword, left=4):
            await door.pay(named_id, NEW_PAY_PASSWORD, device=f"till {number}")
    with refused(refusals.PayNeedsCode, minutes=60):
        await door.pay(named_id, PAY_PASSWORD, device="till 20")
    await door.pay(named_id, PAY_PASSWORD)


async def test_nobody_pays_without_a_transaction_password(door: Door, account_id: str) -> None:
    with refused(refusals.PayPasswordNotSet):
        await door.pay(account_id, PAY_PASSWORD)
    with refused(refusals.AccountUnknown):
        await door.pay("nobody", PAY_PASSWORD)


async def test_a_transaction_password_is_set_once(door: Door, named_id: str) -> None:
    """A3"""
    for password, refusal in (
        ("8273", refusals.PayPasswordMalformed),
        ("888888", refusals.PayPasswordTooSimple),
        ("491231", refusals.PayPasswordPersonal),
        (door.phone[-6:], refusals.PayPasswordPersonal),
    ):
        with refused(refusal, personal=(password,)):
            await door.set_pay(named_id, password)
    await door.set_pay(named_id)
    assert (await identity.account(door.pool, door.vault, named_id)).has_pay_password
    with refused(refusals.PayPasswordAlreadySet):
        await door.set_pay(named_id, NEW_PAY_PASSWORD)
    with refused(refusals.AccountUnknown):
        await door.set_pay("nobody")
    await door.pay(named_id, PAY_PASSWORD)


async def test_whoever_knows_the_transaction_password_changes_it(door: Door, named_id: str) -> None:
    """A7"""
    with refused(refusals.PayPasswordNotSet):
        await door.change_pay(named_id, PAY_PASSWORD, NEW_PAY_PASSWORD)
    await door.set_pay(named_id)
    with refused(refusals.AccountUnknown):
        await door.change_pay("nobody", PAY_PASSWORD, NEW_PAY_PASSWORD)
    with refused(refusals.PayPasswordPersonal):
        await door.change_pay(named_id, PAY_PASSWORD, "491231")
    with refused(refusals.PayPasswordUnchanged):
        await door.change_pay(named_id, PAY_PASSWORD, PAY_PASSWORD)
    with refused(refusals.WrongPayPassword, left=4):
        await door.change_pay(named_id, NEW_PAY_PASSWORD, NEW_PAY_PASSWORD)
    with refused(refusals.LoginPasswordAtPay, left=3):
        await door.change_pay(named_id, PASSWORD, NEW_PAY_PASSWORD)
    await door.change_pay(named_id, PAY_PASSWORD, NEW_PAY_PASSWORD)
    assert await door.told(named_id) == ["identity.pay_password_set", "identity.pay_password_changed"]
    await door.pay(named_id, NEW_PAY_PASSWORD)
    with refused(refusals.WrongPayPassword, left=4):
        await door.pay(named_id, PAY_PASSWORD)


async def test_a_transaction_password_is_asked_for_where_there_is_one(door: Door, named_id: str) -> None:
    async def pay(password: str) -> None:
        await identity.check_pay_password_if_set(
            door.pool, hasher=door.hasher, account_id=named_id, password=password, device=DEVICE, at=door.at
        )

    await pay("")
    await door.set_pay(named_id)
    await pay(PAY_PASSWORD)
    with refused(refusals.WrongPayPassword, left=4):
        await pay("")


async def test_a_forgotten_transaction_password_is_reset_by_phone_and_certificate(
    door: Door, sms: Sms, named_id: str
) -> None:
    """A7"""
    await door.set_pay(named_id)
    for _ in range(5):
        with pytest.raises((refusals.WrongPayPassword, refusals.PayLocked)):
            await door.pay(named_id, NEW_PAY_PASSWORD)
    code = await sms.code(door.phone, "reset_pay", door.at)
    with refused(refusals.PayPasswordTooSimple):
        await door.reset_pay(code, password="111111")
    with refused(refusals.CertificateNotOfAccount, personal=(CERT_NO, door.phone)):
        await door.reset_pay(code, cert_no="110105194912310038")
    with refused(refusals.PayPasswordPersonal):
        await door.reset_pay(code, password="491231")
    await door.reset_pay(code, cert_no=" 110105 19491231 002x ")
    await door.pay(named_id, NEW_PAY_PASSWORD)
    with refused(refusals.WrongPayPassword, left=4):
        await door.pay(named_id, PAY_PASSWORD)


async def test_guesses_at_the_certificate_use_up_the_code(door: Door, sms: Sms, named_id: str) -> None:
    await door.set_pay(named_id)
    code = await sms.code(door.phone, "reset_pay", door.at)
    for _ in range(5):
        with refused(refusals.CertificateNotOfAccount):
            await door.reset_pay(code, cert_no="110105194912310038")
    with refused(refusals.CodeExpired):
        await door.reset_pay(code)


async def test_only_a_transaction_password_that_exists_is_reset(door: Door, sms: Sms, account_id: str) -> None:
    code = await sms.code(door.phone, "reset_pay", door.at)
    with refused(refusals.RealNameMissing):
        await door.reset_pay(code)
    async with transaction(door.pool) as tx:
        await identity.prove_real_name(
            tx, door.vault, account_id=account_id, name="测试甲", cert_type="01", cert_no=CERT_NO, at=door.at
        )
    with refused(refusals.PayPasswordNotSet):
        await door.reset_pay(code)


async def test_a_forgotten_login_password_is_reset_by_phone(door: Door, sms: Sms, account_id: str) -> None:
    """A6"""
    await door.sign_in(PASSWORD, device="lost phone")
    async with transaction(door.pool) as tx:
        token = await identity.start_session(tx, account_id=account_id, device="lost phone", at=door.at)
    await door.fail(5)
    code = await sms.code(door.phone, "reset_login", door.at)
    given: dict[str, Any] = {"hasher": door.hasher, "phone": door.phone, "device": DEVICE, "at": door.at}
    with refused(refusals.LoginPasswordTooPlain):
        await identity.reset_login_password(door.pool, door.vault, code=code, password="onlyletters", **given)
    await identity.reset_login_password(door.pool, door.vault, code=code, password="mountains8", **given)
    assert await identity.session(door.pool, token, door.at) is None
    assert await door.sign_in("mountains8") == account_id
    with refused(refusals.WrongPassword, left=4):
        await door.sign_in(PASSWORD)
    for number in range(20):
        await door.fail(1, device=f"stranger {number}")
    with refused(refusals.LoginNeedsCode, minutes=60):
        await door.sign_in("mountains8", device="lost phone")


async def test_a_right_password_renews_a_hash_of_older_parameters(door: Door, account_id: str) -> None:
    older = await door.pool.fetchval("SELECT login_hash FROM identity.account WHERE account_id = $1", account_id)
    door.hasher = Hasher(door.vault, memory_kib=16, passes=1)
    await door.fail(1)
    assert older == await door.pool.fetchval(
        "SELECT login_hash FROM identity.account WHERE account_id = $1", account_id
    )
    await door.sign_in(PASSWORD)
    newer = await door.pool.fetchval("SELECT login_hash FROM identity.account WHERE account_id = $1", account_id)
    assert newer.startswith("$argon2id$v=19$m=16,")
    assert await door.sign_in(PASSWORD) == account_id
