"""What a password must be, when a lock closes, and what a bank's verdict means. Pure: no database, no clock."""

import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from itertools import pairwise

import msgspec

from yibao.core import gm
from yibao.core.clock import BEIJING, day_of
from yibao.core.database import Row
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.face import Subject
from yibao.identity import refusals
from yibao.identity.types import Account, Announced, Brake, CodeRequest, Elements, Failures, Password, Purpose, Reach
from yibao.identity.unionpay import Agreed, Differs, Element, Unsupported, Verdict
from yibao.paper import number_fits

CODE_LASTS = timedelta(minutes=5)
CODE_WAIT = timedelta(minutes=1)
CODES_A_DAY = 10  # for one device
# For all strange devices together: what two of them may have, and a hundred guesses at a million numbers.
STRANGE_CODES_A_DAY = 20
CODE_TRIES = 5

TRIES = 5
LOCKED_FOR = timedelta(minutes=20)
# All strange devices together, so that clearing cookies gains nothing: room for an owner's own mistakes on new devices,
# and next to nothing for guessing.
BRAKE_FAILURES = 20
BRAKE_FOR = timedelta(hours=1)

LOGIN_PASSWORD_LENGTH_MIN = 8
LOGIN_PASSWORD_LENGTH_MAX = 64

CASE_LASTS = timedelta(minutes=30)
# How long a clerk's check of the certificate stands in for the social-security card: to go home and bind in peace.
NAMED_LASTS = timedelta(days=7)
REASON_LENGTH_MAX = 200

SESSION_LASTS = timedelta(days=30)
SESSION_STEP = timedelta(days=1)  # How often the end of a session in use is moved, so that reading seldom writes.
STAFF_SESSION_LASTS = timedelta(hours=12)

REAL_NAME_ATTEMPTS_A_DAY = 5
# A silent bank is asked again under the same number; later under a new one, lest an order that the other side lost
# for good shuts its person out.
ASKED_AGAIN_FOR = timedelta(minutes=10)

# psn_cert_type, the usual ones first; the names are the national ones, shortened.
CERT_TYPES = {
    "01": "居民身份证",
    "04": "香港居民来往内地通行证",
    "05": "澳门居民来往内地通行证",
    "06": "台湾居民来往大陆通行证",
    "17": "港澳台居民居住证",
    "07": "外国人永久居留身份证",
    "08": "外国护照",
}
NAME_LENGTH_MAX, CERT_NO_LENGTH_MAX = 60, 40

_PHONE = re.compile(r"(?:\+?86)?(1[0-9]{10})")
_PAY_PASSWORD = re.compile(r"[0-9]{6}")
_BETWEEN = re.compile(r"[\s-]+")
_HAN = "[\u2e80-\U0003ffff]"
_DOTS = re.compile(rf" ?[·•‧∙⋅・] ?|(?<={_HAN})\.(?={_HAN})")
_GAPS = re.compile(rf"(?<={_HAN}) (?={_HAN})")
_SEALED_IN = "core.outbox"
_STAFF_LOGIN_LENGTH_MAX = 64


def typed(text: str) -> str:
    """Return what was meant: an input method for Chinese may give ａ１ for a1."""
    return unicodedata.normalize("NFKC", text)


def phone(text: str) -> str:
    """Return the 11 digits of a mobile number of the mainland. Refusals: PhoneMalformed."""
    match = _PHONE.fullmatch(_BETWEEN.sub("", typed(text)))
    if match is None:
        raise refusals.PhoneMalformed
    return match[1]


def staff_login(text: str) -> str:
    """Return a login as it can be looked up; nonsense becomes a login that nobody has."""
    return "".join(sign for sign in typed(text) if sign.isprintable()).strip()[:_STAFF_LOGIN_LENGTH_MAX]


def token_digest(token: str) -> bytes:
    """Return by what a session is stored. A bare digest will do: nobody finds 32 random bytes from it."""
    return gm.sm3(token.encode())


def day_start(at: datetime) -> datetime:
    """Return the instant at which the business day of `at` began."""
    return datetime.combine(day_of(at), time(), BEIJING)


# Passwords. The two have no shape in common: a login password holds a letter, a transaction password six digits only.
# So each is known for itself in the other's place, and neither field can be used to test the other password.


def require_login_password(password: str, *, phone: str | None) -> None:
    """`phone` is None while it is not known whose password it will be.

    Refusals, first that applies: LoginPasswordLength, LoginPasswordTooPlain, LoginPasswordHoldsPhone."""
    text = typed(password)
    if not LOGIN_PASSWORD_LENGTH_MIN <= len(text) <= LOGIN_PASSWORD_LENGTH_MAX:
        raise refusals.LoginPasswordLength
    if not _has_letter_and_digit(text):
        raise refusals.LoginPasswordTooPlain
    if phone and phone in text:
        raise refusals.LoginPasswordHoldsPhone


def typed_twice(data: Mapping[str, str], name: str) -> str:
    """Return a new password from a form that asks for it again beside it. Refusals: PasswordsDiffer."""
    if data.get(name, "") != data.get(f"{name}_again", ""):
        raise refusals.PasswordsDiffer
    return data.get(name, "")


def require_pay_password(password: str, *, phone: str, cert_no: str | None) -> None:
    """Refusals, first that applies: PayPasswordMalformed, PayPasswordTooSimple, PayPasswordPersonal.

    Six digits in a row of the certificate number include the birthday, and of the phone number its end.
    """
    text = typed(password)
    if not is_pay_password(text):
        raise refusals.PayPasswordMalformed
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(text)}
    if steps in ({0}, {1}, {9}):
        raise refusals.PayPasswordTooSimple
    if text in phone or (cert_no is not None and text in cert_no):
        raise refusals.PayPasswordPersonal


def is_pay_password(password: str) -> bool:
    """Tell whether this can only be a transaction password."""
    return _PAY_PASSWORD.fullmatch(typed(password)) is not None


def is_login_password(password: str) -> bool:
    """Tell whether this can only be a login password."""
    text = typed(password)
    return len(text) >= LOGIN_PASSWORD_LENGTH_MIN and _has_letter_and_digit(text)


def _has_letter_and_digit(text: str) -> bool:
    return any(sign.isalpha() for sign in text) and any(sign.isdigit() for sign in text)


# Locks.

_WRONG: Mapping[Password, type[Refusal]] = {
    "login": refusals.WrongPassword,
    "pay": refusals.WrongPayPassword,
    "staff": refusals.WrongStaffPassword,
}
_LOCKED: Mapping[Password, type[Refusal]] = {
    "login": refusals.LoginLocked,
    "pay": refusals.PayLocked,
    "staff": refusals.StaffLocked,
}
_BRAKED: Mapping[Password, type[Refusal]] = {
    "login": refusals.LoginNeedsCode,
    "pay": refusals.PayNeedsCode,
    "staff": refusals.StaffNeedsKnownDevice,
}


def count(password: Password, past: Failures, *, at: datetime) -> Failures:
    """Return the failures of a device with one more try. Refusals: LoginLocked, PayLocked, StaffLocked."""
    if past.locked_until is not None and at < past.locked_until:
        raise _LOCKED[password](minutes=_minutes(past.locked_until - at))
    failures = 1 if past.locked_until is not None else past.failures + 1
    return Failures(failures, at + LOCKED_FOR if failures >= TRIES else None, past.known_at)


def brake(password: Password, past: Brake, *, at: datetime) -> Brake:
    """Return the failures of all unknown devices with one more try.

    Refusals: LoginNeedsCode, PayNeedsCode, StaffNeedsKnownDevice.
    """
    if at >= past.since + BRAKE_FOR:
        return Brake(1, at)
    if past.failures >= BRAKE_FAILURES:
        raise _BRAKED[password](minutes=_minutes(past.since + BRAKE_FOR - at))
    return Brake(past.failures + 1, past.since)


def wrong(password: Password, *, left: int, misplaced: type[Refusal] | None = None) -> Refusal:
    """Return the refusal of a wrong password with `left` tries to come; `misplaced` says that it is the other one."""
    if left <= 0:
        return _LOCKED[password](minutes=_minutes(LOCKED_FOR))
    return (misplaced or _WRONG[password])(left=left)


def _minutes(span: timedelta) -> int:
    return -(-span // timedelta(minutes=1))


# Phones and devices.


def may_give_up(other: Row, *, cert_index: bytes | None) -> bool:
    """Tell whether an account may lose its phone to another of the same owner, who has proved that the phone is theirs.

    An account without a real name is nothing but the phone; one of the same certificate is the same person's. Neither
    with an insurance bound, which would be lost with it.
    """
    return other["person_id"] is None and other["cert_index"] in (None, cert_index)


# In order: a tablet names its system too, and every browser names Chrome or Safari.
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "OpenHarmony": "鸿蒙手机",
    "HarmonyOS": "鸿蒙手机",
    "Android": "安卓手机",
    "Windows": "Windows 电脑",
    "Macintosh": "Mac 电脑",
    "Linux": "Linux 电脑",
}
_PROGRAMS = {"MicroMessenger": "微信", "AlipayClient": "支付宝"}


def device_name(agent: str) -> str:
    """Return what a browser's owner recognises it by: 安卓手机 · 微信. What it says of itself is kept no further."""
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "其他设备")
    return f"{system} · {next((name for mark, name in _PROGRAMS.items() if mark in agent), '浏览器')}"


# SMS codes.


_SENT_TO_ANYBODY = ("change_phone_new", "counter_phone", "counter_name")


def announced(purpose: Purpose, *, registered: bool) -> Announced | None:
    """Return what the phone is told: without an account nothing but a registration, with one anything else.

    A phone that is to become an account's own, or whose owner stands at a counter, is sent its code in either case;
    whoever reads it there may know whether it has an account.
    """
    if purpose == "register":
        return "already_registered" if registered else "register"
    return purpose if registered or purpose in _SENT_TO_ANYBODY else None


def code_digest(vault: Vault, *, phone: str, purpose: Purpose, code: str) -> bytes:
    return vault.index("sms_code", f"{purpose} {phone} {code}")


def not_yet(sent_at: datetime, *, at: datetime) -> Refusal:
    """Return why no code is sent so soon after the one of `sent_at`, or after so many of them."""
    wait = sent_at + CODE_WAIT - at
    if wait > timedelta(0):
        return refusals.CodeTooSoon(seconds=-(-wait // timedelta(seconds=1)))
    return refusals.CodeTooOften()


def sealed_code_request(vault: Vault, request: CodeRequest) -> dict[str, str]:
    """Return the outbox payload of a code; only `opened_code_request` sees the phone and the code in it."""
    phone = vault.seal(request.phone, table=_SEALED_IN, column="phone", person=request.purpose)
    code = vault.seal(request.code, table=_SEALED_IN, column="code", person=request.phone)
    return {"phone": b64encode(phone).decode(), "code": b64encode(code).decode(), "purpose": request.purpose}


def opened_code_request(vault: Vault, payload: Mapping[str, object]) -> CodeRequest:
    """Return what an event `identity.code_requested` asks to be sent, of no use after `CODE_LASTS`.

    Refusals: SealBroken.
    """
    sealed = msgspec.convert(payload, _SealedCodeRequest)
    phone = vault.open(b64decode(sealed.phone), table=_SEALED_IN, column="phone", person=sealed.purpose)
    code = vault.open(b64decode(sealed.code), table=_SEALED_IN, column="code", person=phone)
    return CodeRequest(phone, code, sealed.purpose)


class _SealedCodeRequest(msgspec.Struct):
    phone: str
    code: str
    purpose: Announced


# Where an account's owner is told what was done to it.


def reach(account_id: str, *, phone: bytes | None, former_phone: bytes | None = None) -> dict[str, str]:
    """Return what an event says of an account and of its phones, which stay sealed as the account has them."""
    phones = {"phone": phone, "former_phone": former_phone}
    return {"account_id": account_id} | {name: b64encode(sealed).decode() for name, sealed in phones.items() if sealed}


def opened_reach(vault: Vault, payload: Mapping[str, object]) -> Reach | None:
    """Return where an event is told, None if it does not say. Refusals: SealBroken."""
    if "account_id" not in payload:
        return None
    sealed = msgspec.convert(payload, _SealedReach)

    def opened(phone: str) -> str:
        text = b64decode(phone)
        return vault.open(text, table="identity.account", column="phone", person=sealed.account_id) if text else ""

    return Reach(sealed.account_id, opened(sealed.phone), opened(sealed.former_phone))


class _SealedReach(msgspec.Struct):
    account_id: str
    phone: str = ""
    former_phone: str = ""


# Real names.


def plain_name(text: str) -> str:
    """Return a name as registers keep it: half width, capitals, one kind of dot, spaces only between words of letters.

    Banks and the police compare a name letter by letter, and a phone's keyboard gives it in many ways.
    """
    return _GAPS.sub("", _DOTS.sub("·", " ".join(typed(text).upper().split())))


def tidy(elements: Elements) -> Elements:
    """Return the elements as a bank knows them, whatever was typed between the digits."""
    return Elements(
        name=plain_name(elements.name),
        cert_type=elements.cert_type,
        cert_no=cert_no(elements.cert_no),
        bank_card=_BETWEEN.sub("", typed(elements.bank_card)),
        phone=_BETWEEN.sub("", typed(elements.phone)),
    )


def subject(name: str, cert_type: str, cert_no_: str) -> Subject:
    """Return whose face is to be compared. Refusals, first that applies: WhoIncomplete, NumberMistyped."""
    who = Subject(plain_name(name), cert_type, cert_no(cert_no_))
    if not 0 < len(who.name) <= NAME_LENGTH_MAX or not 0 < len(who.cert_no) <= CERT_NO_LENGTH_MAX:
        raise refusals.WhoIncomplete
    if cert_type not in CERT_TYPES or not (who.name + who.cert_no).isprintable():
        raise refusals.WhoIncomplete
    require_number(who.cert_type, who.cert_no)
    return who


def require_number(cert_type: str, cert_no: str) -> None:
    """Refuse a citizen's number that no citizen can have, before a face or a bank is asked about it.

    Other certificates have no rule. Refusals: NumberMistyped.
    """
    if cert_type == "01" and not number_fits(cert_no):
        raise refusals.NumberMistyped


def is_named(account: Account, name: str) -> bool:
    """Say whether an account's owner has this name, however it is typed and wherever its spaces."""
    return plain_name(account.name or "").replace(" ", "") == plain_name(name).replace(" ", "")


def subject_of(account: Account) -> Subject:
    """Return whose face an account's own is. Refusals: RealNameMissing."""
    if account.name is None or account.cert_type is None or account.cert_no is None:
        raise refusals.RealNameMissing
    return Subject(account.name, account.cert_type, account.cert_no)


def cert_no(text: str) -> str:
    """Return a certificate number as it is stored: half width, upper case, no spaces."""
    return "".join(typed(text).upper().split())


def require_same_person(account: Account, *, cert_type: str, cert_no: str) -> None:
    """Refusals: RealNameOfAnother."""
    if account.cert_no is not None and (account.cert_type, account.cert_no) != (cert_type, cert_no):
        raise refusals.RealNameOfAnother


def require_own_certificate(account: Account, who: Subject) -> None:
    """Refusals: CertificateNotOfAccount."""
    if (account.cert_type, account.cert_no) != (who.cert_type, who.cert_no):
        raise refusals.CertificateNotOfAccount


def elements_digest(vault: Vault, elements: Elements) -> bytes:
    # JSON keeps the five apart; as hex, because the index ignores hyphens and spaces.
    return vault.index("real_name", msgspec.json.encode(elements).hex())


def word_of(verdict: Verdict) -> str | None:
    """Return how a verdict is recorded; None while there is none."""
    match verdict:
        case Agreed():
            return "agreed"
        case Differs():
            return "differs"
        case Unsupported():
            return "unsupported"
        case _:
            return None


_DIFFERS: Mapping[Element | None, type[Refusal]] = {
    "name": refusals.NameDiffers,
    "cert": refusals.CertificateDiffers,
    "card": refusals.CardDiffers,
    "phone": refusals.BankPhoneDiffers,
    None: refusals.ElementsDiffer,
}


def require_agreed(verdict: Verdict) -> None:
    """Refusals: NameDiffers, CertificateDiffers, CardDiffers, BankPhoneDiffers, ElementsDiffer, BankCardUnsupported,
    BankUnknown.
    """
    match verdict:
        case Agreed():
            return
        case Differs(element):
            raise _DIFFERS[element]
        case Unsupported():
            raise refusals.BankCardUnsupported
        case _:
            raise refusals.BankUnknown


def cert_index(vault: Vault, *, cert_type: str, cert_no: str) -> bytes:
    """Return by what an account is found whose owner is proved to hold this certificate."""
    return vault.index(f"account:{cert_type}", cert_no)
