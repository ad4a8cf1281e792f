"""The unified social credit code, the number of who stands for a unit, and what a try to sign in may cost; pure."""

from datetime import timedelta

from yibao import paper
from yibao.service.unit import refusals
from yibao.service.unit.types import Named

WRONG_TAGS_MAX = 5
BAD_TRIES_MAX = 10
BAD_TRIES_WITHIN = timedelta(minutes=1)

_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z.


def check_character(body: str) -> str:
    """Return the check character of the first 17 (GB 32100, weights 3^i modulo 31); ValueError for other characters."""
    total = sum(_CHARACTERS.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return _CHARACTERS[-total % 31]


def require_number(named: Named) -> None:
    """Refuse a citizen's number that no citizen can have; other certificates have no rule. Refusals: NumberInvalid."""
    if named.cert_type == "01" and not paper.number_fits(named.cert_no):
        raise refusals.NumberInvalid


def credit_code(text: str) -> str:
    """Return a unified social credit code as it is stored. Refusals: CreditCodeInvalid."""
    code = "".join(text.split()).upper()
    if len(code) != 18 or any(character not in _CHARACTERS for character in code):
        raise refusals.CreditCodeInvalid
    if check_character(code[:17]) != code[17]:
        raise refusals.CreditCodeInvalid
    return code
