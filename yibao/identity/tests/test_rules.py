from datetime import UTC, datetime, timedelta

import pytest

from yibao.core.refusal import Refusal
from yibao.core.vault import Keys, SealBroken, Vault
from yibao.identity import CodeRequest, Elements, Hasher, opened_code_request, refusals, rules
from yibao.identity.tests.cast import CERT_NO, refused
from yibao.identity.types import Account, Brake, Failures, Password

AT = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
PHONE = "10000000000"
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["13800000000", "138 0000 0000", "138-0000-0000", "+86 13800000000", "１３８００００００００"]
)
def test_a_phone_is_understood_however_it_is_typed(text: str) -> None:
    assert rules.phone(text) == "13800000000"


@pytest.mark.parametrize("text", ["", "23800000000", "1380000000", "138000000000", "1380000000a", "86138000000"])
def test_anything_else_is_no_phone(text: str) -> None:
    with refused(refusals.PhoneMalformed):
        rules.phone(text)


@pytest.mark.parametrize("password", ["landscape7", "密码很长很长很长9", "ｌａｎｄscape７", "a1" * 32])
def test_a_login_password_has_eight_characters_with_letters_and_digits(password: str) -> None:
    rules.require_login_password(password, phone=PHONE)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short7a", refusals.LoginPasswordLength),
        ("a1" * 33, refusals.LoginPasswordLength),
        ("landscapes", refusals.LoginPasswordTooPlain),
        ("82736401", refusals.LoginPasswordTooPlain),
        ("a10000000000", refusals.LoginPasswordHoldsPhone),
        ("a１００００００００００", refusals.LoginPasswordHoldsPhone),
    ],
)
def test_a_weak_login_password_is_refused_with_its_rule(password: str, refusal: type[Refusal]) -> None:
    with refused(refusal, personal=(password, PHONE)):
        rules.require_login_password(password, phone=PHONE)


@pytest.mark.parametrize("password", ["827364", "０２７３６４", "112233"])
def test_a_transaction_password_has_six_digits(password: str) -> None:
    rules.require_pay_password(password, phone=PHONE, cert_no=CERT_NO)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("", refusals.PayPasswordMalformed),
        ("82736", refusals.PayPasswordMalformed),
        ("8273645", refusals.PayPasswordMalformed),
        ("82736a", refusals.PayPasswordMalformed),
        ("landscape7", refusals.PayPasswordMalformed),
        ("777777", refusals.PayPasswordTooSimple),
        ("123456", refusals.PayPasswordTooSimple),
        ("654321", refusals.PayPasswordTooSimple),
        ("890123", refusals.PayPasswordTooSimple),
        ("491231", refusals.PayPasswordPersonal),
        ("194912", refusals.PayPasswordPersonal),
        ("231002", refusals.PayPasswordPersonal),
        ("008765", refusals.PayPasswordPersonal),
    ],
)
def test_a_weak_transaction_password_is_refused_with_its_rule(password: str, refusal: type[Refusal]) -> None:
    with refused(refusal):
        rules.require_pay_password(password, phone="13900008765", cert_no=CERT_NO)


@pytest.mark.parametrize("text", ["", "827364", "82736a", "landscape7", "landscape", "82736401", "a1b2c3d4" * 20])
def test_no_text_can_be_both_passwords(text: str) -> None:
    """A5"""
    assert not (rules.is_pay_password(text) and rules.is_login_password(text))


KINDS: list[tuple[Password, type[Refusal], type[Refusal], type[Refusal]]] = [
    ("login", refusals.WrongPassword, refusals.LoginLocked, refusals.LoginNeedsCode),
    ("pay", refusals.WrongPayPassword, refusals.PayLocked, refusals.PayNeedsCode),
    ("staff", refusals.WrongStaffPassword, refusals.StaffLocked, refusals.StaffNeedsKnownDevice),
]


@pytest.mark.parametrize(("password", "wrong", "locked", "braked"), KINDS)
def test_the_fifth_failure_locks_a_device_for_twenty_minutes(
    password: Password, wrong: type[Refusal], locked: type[Refusal], braked: type[Refusal]
) -> None:
    """A5"""
    failures = Failures(0, None, None)
    for left in (4, 3, 2, 1, 0):
        failures = rules.count(password, failures, at=AT)
        if left:
            with refused(wrong, left=left):
                raise rules.wrong(password, left=left)
    assert failures == Failures(5, AT + 20 * MINUTE, None)
    with refused(locked, minutes=20):
        raise rules.wrong(password, left=0)
    with refused(locked, minutes=1):
        rules.count(password, failures, at=AT + 20 * MINUTE - timedelta(microseconds=1))
    assert rules.count(password, failures, at=AT + 20 * MINUTE) == Failures(1, None, None)


@pytest.mark.parametrize(("password", "wrong", "locked", "braked"), KINDS)
def test_twenty_failures_an_hour_stop_all_unknown_devices(
    password: Password, wrong: type[Refusal], locked: type[Refusal], braked: type[Refusal]
) -> None:
    brake = Brake(0, AT)
    for number in range(1, 21):
        brake = rules.brake(password, brake, at=AT + MINUTE)
        assert brake == Brake(number, AT)
    with refused(braked, minutes=59):
        rules.brake(password, brake, at=AT + MINUTE)
    assert rules.brake(password, brake, at=AT + 60 * MINUTE) == Brake(1, AT + 60 * MINUTE)


def test_a_code_is_made_a_minute_after_the_last_or_tomorrow() -> None:
    with refused(refusals.CodeTooSoon, seconds=60):
        raise rules.not_yet(AT, at=AT)
    with refused(refusals.CodeTooSoon, seconds=1):
        raise rules.not_yet(AT, at=AT + MINUTE - timedelta(microseconds=1))
    with refused(refusals.CodeTooOften):
        raise rules.not_yet(AT, at=AT + MINUTE)


def test_a_sealed_code_shows_nothing_and_stays_with_its_phone(vault: Vault) -> None:
    request = CodeRequest("13800000000", "048151", "unlock")
    payload = rules.sealed_code_request(vault, request)
    assert opened_code_request(vault, payload) == request
    other = rules.sealed_code_request(vault, CodeRequest("13900000000", "048151", "unlock"))
    with refused(SealBroken):
        opened_code_request(vault, payload | {"code": other["code"]})
    with refused(SealBroken):
        opened_code_request(vault, payload | {"purpose": "login"})


@pytest.mark.parametrize(
    "value",
    [
        CodeRequest("13800000000", "048151", "unlock"),
        Elements("测试甲", "01", CERT_NO, "6200000000000000", "13800000000"),
        Account("a", "13800000000", "测试甲", "01", CERT_NO, None, False, None),
    ],
)
def test_personal_data_show_nothing_of_themselves(value: CodeRequest | Elements | Account) -> None:
    assert repr(value) == str(value) == f"{type(value).__name__}(…)"
    assert value.__rich_repr__() == []


def test_a_phone_is_shown_with_four_digits_hidden() -> None:
    account = Account("a", "13812345678", None, None, None, None, False, None)
    assert account.phone_masked == "138****5678"


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("testmann  hans peter ", "TESTMANN HANS PETER"),
        ("ＴＥＳＴＭＡＮＮ　ＨＡＮＳ", "TESTMANN HANS"),
        ("Specimen-Müller José Éric", "SPECIMEN-MÜLLER JOSÉ ÉRIC"),
        ("Testmann J. P.", "TESTMANN J. P."),
        ("医丽娜•保小安", "医丽娜·保小安"),
        ("医丽娜 ・ 保小安", "医丽娜·保小安"),
        ("医丽娜．保小安", "医丽娜·保小安"),
        ("医 小 川", "医小川"),
        ("医\U00020000 川", "医\U00020000川"),
        ("", ""),
    ],
)
def test_a_name_goes_to_the_bank_and_the_police_as_registers_keep_it(typed: str, known: str) -> None:
    """A10: whatever a phone's keyboard makes of it."""
    assert rules.plain_name(typed) == known
    assert rules.tidy(Elements(typed, "01", CERT_NO, "", "")).name == known
    if known:
        assert rules.subject(typed, "08", CERT_NO).name == known
        assert rules.is_named(Account("a", "", typed, "01", CERT_NO, None, False, None), known)


def test_elements_are_tidied_and_told_apart(vault: Vault) -> None:
    typed = Elements(" 测试甲 ", "01", " １１０１０５ 19491231 002x", "6200 0000-0000 0000", "138 0000 0000")
    tidy = Elements("测试甲", "01", CERT_NO, "6200000000000000", "13800000000")
    assert rules.tidy(typed) == tidy
    shifted = Elements("测试甲", "01", CERT_NO, "620000000000000", "013800000000")
    assert rules.elements_digest(vault, tidy) != rules.elements_digest(vault, shifted)


async def test_a_hash_needs_the_key_and_keeps_letter_case(vault: Vault) -> None:
    hasher = Hasher(vault, memory_kib=8, passes=1)
    hashed = await hasher.hash("Landscape-7")
    assert hashed != await hasher.hash("Landscape-7")
    assert await hasher.verify(hashed, "Landscape-7")
    assert await hasher.verify(hashed, "Ｌandscape-７")
    assert not await hasher.verify(hashed, "landscape-7")
    assert not await hasher.verify(hashed, "Landscape7")
    assert not await Hasher(Vault(Keys.generate()), memory_kib=8, passes=1).verify(hashed, "Landscape-7")
    assert not await hasher.verify(None, "Landscape-7")
    assert not await hasher.verify("no hash", "Landscape-7")
    assert not hasher.outdated(hashed)
    assert Hasher(vault, memory_kib=16, passes=1).outdated(hashed)
    assert await Hasher(vault, memory_kib=16, passes=1).verify(hashed, "Landscape-7")
