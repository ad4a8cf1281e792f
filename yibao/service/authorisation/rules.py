"""What may be asked for and for how long, and the numbers of a grant; pure."""

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from msgspec import Struct

from yibao.service.authorisation import refusals

ANSWER_WITHIN = timedelta(minutes=3)
AUTH_NO_LASTS = timedelta(minutes=15)
DAYS_MAX = 365
PURPOSE_MAX = 60


class Scope(Struct, frozen=True):
    """One thing that can be allowed, in the words of the phone. `personal` asks for the transaction password."""

    name: str
    what: str
    personal: bool


SCOPES = {
    "sign_in": Scope("登录", "确认每次登录的是同一个人，不提供姓名和证件", personal=False),
    "identity": Scope("身份（部分隐去）", "姓名，隐去中间部分的证件号码，性别", personal=True),
    "identity_full": Scope("身份（完整）", "姓名，完整的证件类型和号码，性别，出生日期", personal=True),
    "insured_status": Scope("参保情况", "在哪里参保、险种、状态、缴费至哪一天", personal=True),
}

_AUTH_NO = re.compile(r"ano([0-9]{24})([0-9a-f]{7})([0-9]{6})")
_UNSEEN = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def scopes(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return what is asked for in the order of the table; `sign_in` is part of everything. Refusals: ScopeUnknown."""
    if not wanted or any(scope not in SCOPES for scope in wanted):
        raise refusals.ScopeUnknown(known="、".join(SCOPES))
    return tuple(scope for scope in SCOPES if scope in wanted or scope == "sign_in")


def purpose(text: str) -> str:
    """Return a purpose as the phone shows it, without what could hide or turn its words. Refusals: PurposeInvalid."""
    plain = _UNSEEN.sub("", text).strip()
    if not 2 <= len(plain) <= PURPOSE_MAX:
        raise refusals.PurposeInvalid(most=PURPOSE_MAX)
    return plain


def days(asked: int) -> int:
    """Refusals: TooLong."""
    if not 0 <= asked <= DAYS_MAX:
        raise refusals.TooLong(most=DAYS_MAX)
    return asked


def needs_password(wanted: Sequence[str]) -> bool:
    return any(SCOPES[scope].personal for scope in wanted)


def digest(of: object) -> bytes:
    """Return what tells a repeated request from another one under the same number."""
    return hashlib.sha256(msgspec.json.encode(of)).digest()


def auth_no_of(token: str) -> str:
    """Return an authorisation number, `ano` … region, made like a fresh visit token and leading to the same person."""
    return f"ano{token[8:39]}{token[:6]}"


def token_like(auth_no: str) -> str:
    """Return a token from which the person of an authorisation number can be computed. Refusals: AuthNoUnknown."""
    shape = _AUTH_NO.fullmatch(auth_no)
    if shape is None:
        raise refusals.AuthNoUnknown
    return f"{shape[3]}ec{shape[1]}{shape[2]}0"
