"""Accounts and who is behind them: two passwords, SMS codes, sessions, staff, keys of institutions, real names.

Invariants: a phone has one account and a person at most one; an account has a person only after its real name is
proved, and its real name never becomes another's; a code works once; no answer tells whether a phone has an account,
unless to whoever proved that the phone is theirs; neither outbox nor refusals carry personal data in the clear.

Five wrong passwords lock one device for twenty minutes. Devices on which the password was never right share a further
limit of twenty failures an hour, past which they need an SMS code first. So many devices help nobody to guess, and
nobody can lock the owner out of a phone that is in use. An SMS code serves the device that asked for it, ten a day and
twenty for all unknown devices together: a stranger's requests and tries leave the owner's code alone.

The named exception to "a room takes the face's transaction": whatever tests a secret (`register`, `sign_in`,
`sign_in_by_code`, `sign_in_staff`, `unlock`, `check_pay_password` with or without `_if_set`, `change_pay_password`, the
resets, the changes of a phone, a real name at the counter) takes the pool. A refusal rolls the face's transaction back,
and the count of failures must outlive it; moreover it must be committed before the secret is compared, or guesses sent
at once would not see each other. `verify_real_name` takes the pool because a bank is asked in its middle.
"""

from yibao.identity.actions.accounts import attach_person, detach_person, open_account, register
from yibao.identity.actions.channel_users import (
    account_of_certificate,
    channel_account,
    end_sessions_on,
    find_channel_account,
    linked_channels,
    move_channel_users,
    unlink_channel,
)
from yibao.identity.actions.closing import close_account
from yibao.identity.actions.counter import (
    case,
    change_phone_at_counter,
    end_sessions_at_counter,
    open_case,
    open_name_case,
    prove_real_name_at_counter,
    request_code_at_counter,
    unbind_phone_at_counter,
)
from yibao.identity.actions.forgotten import (
    reset_login_password,
    reset_login_password_by_face,
    reset_pay_password,
    reset_pay_password_by_bank,
    reset_pay_password_by_face,
)
from yibao.identity.actions.passwords import (
    change_pay_password,
    check_pay_password,
    check_pay_password_if_set,
    set_pay_password,
    sign_in,
    sign_in_by_code,
    unlock,
)
from yibao.identity.actions.phones import change_phone, change_phone_by_face, request_change_codes
from yibao.identity.actions.real_names import prove_real_name, verify_real_name
from yibao.identity.actions.sessions import (
    add_staff,
    end_other_sessions,
    end_session,
    end_session_of,
    end_unit_sessions,
    issue_api_key,
    revoke_api_keys,
    sign_in_staff,
    start_session,
    start_staff_session,
    start_unit_session,
)
from yibao.identity.actions.sms_codes import request_code
from yibao.identity.actions.telling import tell_account
from yibao.identity.hasher import Hasher
from yibao.identity.nobank import NoBank
from yibao.identity.queries import (
    account,
    account_of_person,
    bank_attempts,
    counter_acts,
    institution_of_key,
    places_that_named,
    session,
    session_id,
    sessions_of,
)
from yibao.identity.rules import (
    CERT_TYPES,
    CODE_LASTS,
    opened_code_request,
    opened_reach,
    plain_name,
    subject,
    typed_twice,
)
from yibao.identity.types import (
    Account,
    BankAttempt,
    Case,
    CodeRequest,
    CounterAct,
    Elements,
    Reach,
    Session,
    SessionSeen,
    Staff,
)

__all__ = [
    "CERT_TYPES",
    "CODE_LASTS",
    "Account",
    "BankAttempt",
    "Case",
    "CodeRequest",
    "CounterAct",
    "Elements",
    "Hasher",
    "NoBank",
    "Reach",
    "Session",
    "SessionSeen",
    "Staff",
    "account",
    "account_of_certificate",
    "account_of_person",
    "add_staff",
    "attach_person",
    "bank_attempts",
    "case",
    "change_pay_password",
    "change_phone",
    "change_phone_at_counter",
    "change_phone_by_face",
    "channel_account",
    "check_pay_password",
    "check_pay_password_if_set",
    "close_account",
    "counter_acts",
    "detach_person",
    "end_other_sessions",
    "end_session",
    "end_session_of",
    "end_sessions_at_counter",
    "end_sessions_on",
    "end_unit_sessions",
    "find_channel_account",
    "institution_of_key",
    "issue_api_key",
    "linked_channels",
    "move_channel_users",
    "open_account",
    "open_case",
    "open_name_case",
    "opened_code_request",
    "opened_reach",
    "places_that_named",
    "plain_name",
    "prove_real_name",
    "prove_real_name_at_counter",
    "register",
    "request_change_codes",
    "request_code",
    "request_code_at_counter",
    "reset_login_password",
    "reset_login_password_by_face",
    "reset_pay_password",
    "reset_pay_password_by_bank",
    "reset_pay_password_by_face",
    "revoke_api_keys",
    "session",
    "session_id",
    "sessions_of",
    "set_pay_password",
    "sign_in",
    "sign_in_by_code",
    "sign_in_staff",
    "start_session",
    "start_staff_session",
    "start_unit_session",
    "subject",
    "tell_account",
    "typed_twice",
    "unbind_phone_at_counter",
    "unlink_channel",
    "unlock",
    "verify_real_name",
]
