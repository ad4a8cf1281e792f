import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest

from yibao import identity
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import Elements, Hasher, NoBank, refusals
from yibao.identity.tests.cast import CERT_NO, DEVICE, PAY_PASSWORD, refused
from yibao.identity.unionpay import Agreed, Differs, RealNameByBank, Unknown, Unsupported, Verdict

ELEMENTS = Elements("测试甲", "01", CERT_NO, "6200000000000000", "10099999999")
MINUTE = timedelta(minutes=1)


class Bank:
    """Gives the verdicts it is told to, in order, the last one for ever; and remembers what it was asked."""

    def __init__(self, *verdicts: Verdict) -> None:
        self._verdicts = list(verdicts)
        self.asked: list[tuple[str, Elements]] = []

    async def verify(
        self, *, order_id: str, name: str, cert_type: str, cert_no: str, bank_card: str, phone: str, at: datetime
    ) -> Verdict:
        self.asked.append((order_id, Elements(name, cert_type, cert_no, bank_card, phone)))
        return self._verdicts.pop(0) if len(self._verdicts) > 1 else self._verdicts[0]

    @property
    def orders(self) -> list[str]:
        return [order_id for order_id, _ in self.asked]


async def _verify(
    pool: Pool, vault: Vault, bank: RealNameByBank, account_id: str, at: datetime, elements: Elements = ELEMENTS
) -> None:
    await identity.verify_real_name(pool, vault, bank=bank, account_id=account_id, elements=elements, at=at)


async def test_a_name_is_real_once_the_bank_agrees(pool: Pool, vault: Vault, account_id: str, at: datetime) -> None:
    """A2"""
    bank = Bank(Agreed())
    typed = Elements(" 测试甲", "01", "110105 19491231 002x", "6200 0000 0000 0000", "100 9999 9999")
    await _verify(pool, vault, bank, account_id, at, typed)
    assert [elements for _, elements in bank.asked] == [ELEMENTS]
    account = await identity.account(pool, vault, account_id)
    assert (account.name, account.cert_type, account.cert_no) == ("测试甲", "01", CERT_NO)
    assert account.real_name_at == at
    await _verify(pool, vault, bank, account_id, at + MINUTE)
    assert (await identity.account(pool, vault, account_id)).real_name_at == at + MINUTE


@pytest.mark.parametrize(
    ("verdict", "refusal"),
    [
        (Differs("name"), refusals.NameDiffers),
        (Differs("cert"), refusals.CertificateDiffers),
        (Differs("card"), refusals.CardDiffers),
        (Differs("phone"), refusals.BankPhoneDiffers),
        (Differs(None), refusals.ElementsDiffer),
        (Unsupported(), refusals.BankCardUnsupported),
        (Unknown(), refusals.BankUnknown),
    ],
)
async def test_each_other_verdict_has_its_own_refusal_and_proves_nothing(
    pool: Pool, vault: Vault, account_id: str, at: datetime, verdict: Verdict, refusal: type[Refusal]
) -> None:
    """A2"""
    with refused(refusal, personal=msgspec.structs.astuple(ELEMENTS)):
        await _verify(pool, vault, Bank(verdict), account_id, at)
    account = await identity.account(pool, vault, account_id)
    assert (account.name, account.cert_no, account.real_name_at) == (None, None, None)


async def test_a_silent_bank_is_asked_again_under_the_same_number(
    pool: Pool, vault: Vault, account_id: str, at: datetime
) -> None:
    """A2"""
    bank = Bank(Unknown(), Unknown(), Agreed())
    for minutes in (0, 9):
        with refused(refusals.BankUnknown):
            await _verify(pool, vault, bank, account_id, at + minutes * MINUTE)
    await _verify(pool, vault, bank, account_id, at + 9 * MINUTE)
    assert len(set(bank.orders)) == 1
    await _verify(pool, vault, bank, account_id, at + 9 * MINUTE)
    assert len(set(bank.orders)) == 2


async def test_another_question_and_a_late_one_get_a_new_number(
    pool: Pool, vault: Vault, account_id: str, at: datetime
) -> None:
    bank = Bank(Unknown())
    other_card = msgspec.structs.replace(ELEMENTS, bank_card="6200000000000001")
    for elements, minutes in ((ELEMENTS, 0), (other_card, 0), (ELEMENTS, 10)):
        with refused(refusals.BankUnknown):
            await _verify(pool, vault, bank, account_id, at + minutes * MINUTE, elements)
    assert len(set(bank.orders)) == 3
    assert all(len(order_id) == 32 and order_id.isalnum() for order_id in bank.orders)


async def test_five_questions_a_day_are_asked(pool: Pool, vault: Vault, account_id: str, at: datetime) -> None:
    bank = Bank(Differs("name"))
    for _ in range(5):
        with refused(refusals.NameDiffers):
            await _verify(pool, vault, bank, account_id, at)
    with refused(refusals.RealNameTooOften):
        await _verify(pool, vault, bank, account_id, at)
    assert len(bank.asked) == 5
    with refused(refusals.NameDiffers):
        await _verify(pool, vault, bank, account_id, at + timedelta(hours=14))


async def test_many_questions_at_once_are_five(pool: Pool, vault: Vault, account_id: str, at: datetime) -> None:
    bank = Bank(Differs("name"))
    questions = [msgspec.structs.replace(ELEMENTS, bank_card=f"62000000000000{n:02d}") for n in range(8)]
    results = await asyncio.gather(
        *(_verify(pool, vault, bank, account_id, at, elements) for elements in questions), return_exceptions=True
    )
    assert sum(isinstance(result, refusals.NameDiffers) for result in results) == 5
    assert sum(isinstance(result, refusals.RealNameTooOften) for result in results) == 3
    assert len(bank.asked) == 5


async def test_an_account_is_never_given_to_another_person(
    pool: Pool, vault: Vault, named_id: str, at: datetime
) -> None:
    bank = Bank(Agreed())
    other = msgspec.structs.replace(ELEMENTS, cert_no="110105194912310038")
    with refused(refusals.RealNameOfAnother, personal=(CERT_NO, other.cert_no)):
        await _verify(pool, vault, bank, named_id, at, other)
    assert bank.asked == []
    with refused(refusals.RealNameOfAnother):
        async with transaction(pool) as tx:
            await identity.prove_real_name(
                tx, vault, account_id=named_id, name="测试乙", cert_type="01", cert_no=other.cert_no, at=at
            )


async def test_nobody_unknown_is_verified(pool: Pool, vault: Vault, at: datetime) -> None:
    bank = Bank(Agreed())
    with refused(refusals.AccountUnknown):
        await _verify(pool, vault, bank, "nobody", at)
    assert bank.asked == []


async def test_without_a_bank_the_way_is_said_to_be_closed(
    pool: Pool, vault: Vault, account_id: str, at: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    with refused(refusals.BankNotConnected):
        await _verify(pool, vault, NoBank(), account_id, at)
    assert "unionpay.not_connected" in capsys.readouterr().out


async def test_real_names_are_sealed_in_the_tables_and_never_printed(
    pool: Pool, vault: Vault, account_id: str, at: datetime, capfd: pytest.CaptureFixture[str]
) -> None:
    await _verify(pool, vault, Bank(Agreed()), account_id, at)
    rows = [
        *await pool.fetch("SELECT * FROM identity.account WHERE account_id = $1", account_id),
        *await pool.fetch("SELECT * FROM identity.real_name_attempt WHERE account_id = $1", account_id),
    ]
    text = " ".join(repr(tuple(row.values())) for row in rows) + "".join(capfd.readouterr())
    for secret in (ELEMENTS.name, ELEMENTS.cert_no, ELEMENTS.bank_card, ELEMENTS.phone):
        assert secret not in text


async def test_an_account_is_bound_to_one_person_and_a_person_to_one_account(
    pool: Pool, vault: Vault, hasher: Hasher, phone: str, account_id: str, at: datetime
) -> None:
    """A3 A4"""
    person_id, other_id = account_id[:12], account_id[12:24]

    async def attach(account: str, person: str) -> None:
        async with transaction(pool) as tx:
            await identity.attach_person(tx, account_id=account, person_id=person)

    async def prove(account: str) -> None:
        async with transaction(pool) as tx:
            await identity.prove_real_name(
                tx, vault, account_id=account, name="测试甲", cert_type="01", cert_no=CERT_NO, at=at
            )

    with refused(refusals.AccountUnknown):
        await attach("nobody", person_id)
    with refused(refusals.RealNameMissing):
        await attach(account_id, person_id)
    await prove(account_id)
    await attach(account_id, person_id)
    await attach(account_id, person_id)
    found = await identity.account_of_person(pool, vault, person_id)
    assert found is not None
    assert (found.account_id, found.phone) == (account_id, phone)
    with refused(refusals.AttachedElsewhere):
        await attach(account_id, other_id)
    async with transaction(pool) as tx:
        second_id = await identity.open_account(tx, vault, phone=f"198{phone[3:]}", login_hash="", at=at)
    await prove(second_id)
    with refused(refusals.AttachedElsewhere, personal=(person_id,)):
        await attach(second_id, person_id)


async def test_unbinding_takes_the_transaction_password_with_it(
    pool: Pool, vault: Vault, hasher: Hasher, named_id: str, at: datetime
) -> None:
    """A4"""
    async with transaction(pool) as tx:
        await identity.attach_person(tx, account_id=named_id, person_id=named_id[:12])
        await identity.set_pay_password(tx, vault, hasher=hasher, account_id=named_id, password=PAY_PASSWORD, at=at)
    with refused(refusals.WrongPayPassword, left=4):
        await identity.check_pay_password(
            pool, hasher=hasher, account_id=named_id, password="918273", device=DEVICE, at=at
        )
    async with transaction(pool) as tx:
        await identity.detach_person(tx, account_id=named_id)
    account = await identity.account(pool, vault, named_id)
    assert (account.person_id, account.has_pay_password) == (None, False)
    assert account.name == "测试甲"
    assert await identity.account_of_person(pool, vault, named_id[:12]) is None
    async with transaction(pool) as tx:
        await identity.set_pay_password(tx, vault, hasher=hasher, account_id=named_id, password="918273", at=at)
    await identity.check_pay_password(pool, hasher=hasher, account_id=named_id, password="918273", device=DEVICE, at=at)
    with refused(refusals.AccountUnknown):
        async with transaction(pool) as tx:
            await identity.detach_person(tx, account_id="nobody")
