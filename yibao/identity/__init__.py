"""Accounts and who is behind them: two passwords, SMS codes, sessions, staff, keys of institutions, real names.

Invariants: a phone has one account and a person at most one; an account has a person only after its real name is
proved, and its real name never becomes another's; a code works once; no answer tells whether a phone has an account,
unless to whoever proved that the phone is theirs; neither outbox nor refusals carry personal data in the clear.

Five wrong passwords lock one device for twenty minutes. Devices on which the password was never right share a further
limit of twenty failures an hour, past which they need an SMS code first. So many devices help nobody to guess, and
nobody can lock the owner out of a phone that is in use.

The named exception to "a room takes the face's transaction": whatever tests a secret (`register`, `sign_in`,
`sign_in_by_code`, `sign_in_staff`, `unlock`, `check_pay_password`, `change_pay_password`, both resets) takes the pool.
A refusal rolls the face's transaction back, and the count of failures must outlive it; moreover it must be committed
before the secret is compared, or guesses sent at once would not see each other. `verify_real_name` takes the pool
because a bank is asked in its middle.
"""

from yibao.identity.actions import (
    add_staff,
    attach_person,
    change_pay_password,
    check_pay_password,
    detach_person,
    end_session,
    issue_api_key,
    open_account,
    prove_real_name,
    register,
    request_code,
    reset_login_password,
    reset_pay_password,
    revoke_api_keys,
    set_pay_password,
    sign_in,
    sign_in_by_code,
    sign_in_staff,
    start_session,
    start_staff_session,
    unlock,
    verify_real_name,
)
from yibao.identity.hasher import Hasher
from yibao.identity.nobank import NoBank
from yibao.identity.queries import account, account_of_person, institution_of_key, session, sessions_of
from yibao.identity.rules import CODE_LASTS, opened_code_request
from yibao.identity.types import Account, CodeRequest, Elements, Session, SessionSeen, Staff

__all__ = [
    "CODE_LASTS",
    "Account",
    "CodeRequest",
    "Elements",
    "Hasher",
    "NoBank",
    "Session",
    "SessionSeen",
    "Staff",
    "account",
    "account_of_person",
    "add_staff",
    "attach_person",
    "change_pay_password",
    "check_pay_password",
    "detach_person",
    "end_session",
    "institution_of_key",
    "issue_api_key",
    "open_account",
    "opened_code_request",
    "prove_real_name",
    "register",
    "request_code",
    "reset_login_password",
    "reset_pay_password",
    "revoke_api_keys",
    "session",
    "sessions_of",
    "set_pay_password",
    "sign_in",
    "sign_in_by_code",
    "sign_in_staff",
    "start_session",
    "start_staff_session",
    "unlock",
    "verify_real_name",
]
