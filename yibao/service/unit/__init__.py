"""One unit, one code 一单位一码: employers and institutions hold a credential that their operators show (B3).

A unit is known by its unified social credit code. Its legal representative names operators by their real names; an
account acts for a unit only while a proved real name stands on that unit's list. The code is made like a person's
(`credential.code`) under device numbers of its own, works once, and opens the unit's own pages and nothing else.

Invariants: a code is spent at most once; an operator who is removed, a device that is unbound and a unit that has ended
are refused from that moment, and what they opened is over; every sign-in is told to those who act for the unit.
"""

from yibao.service.unit.actions import (
    activate,
    appoint,
    forgive_try,
    name_operator,
    note_try,
    redeem,
    register,
    remove,
    replace_legal,
    show_code,
    unbind,
    unbind_all,
)
from yibao.service.unit.queries import operators, seat, sign_ins, traces_of, units_of
from yibao.service.unit.rules import credit_code
from yibao.service.unit.types import Entry, Named, Operator, Seat, SignIn, Unit

__all__ = [
    "Entry",
    "Named",
    "Operator",
    "Seat",
    "SignIn",
    "Unit",
    "activate",
    "appoint",
    "credit_code",
    "forgive_try",
    "name_operator",
    "note_try",
    "operators",
    "redeem",
    "register",
    "remove",
    "replace_legal",
    "seat",
    "show_code",
    "sign_ins",
    "traces_of",
    "unbind",
    "unbind_all",
    "units_of",
]
