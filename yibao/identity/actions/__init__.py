"""What changes an account, by subject.

Whatever tests a secret takes the pool instead of a transaction (`identity` says why). In those the reader finds three
steps: the try is counted and committed, the secret compared, the effect written in a transaction of its own.
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
    request_name_code,
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

__all__ = [
    "account_of_certificate",
    "add_staff",
    "attach_person",
    "case",
    "change_pay_password",
    "change_phone",
    "change_phone_at_counter",
    "change_phone_by_face",
    "channel_account",
    "check_pay_password",
    "check_pay_password_if_set",
    "close_account",
    "detach_person",
    "end_other_sessions",
    "end_session",
    "end_session_of",
    "end_sessions_at_counter",
    "end_sessions_on",
    "end_unit_sessions",
    "find_channel_account",
    "issue_api_key",
    "linked_channels",
    "move_channel_users",
    "open_account",
    "open_case",
    "open_name_case",
    "prove_real_name",
    "prove_real_name_at_counter",
    "register",
    "request_change_codes",
    "request_code",
    "request_code_at_counter",
    "request_name_code",
    "reset_login_password",
    "reset_login_password_by_face",
    "reset_pay_password",
    "reset_pay_password_by_bank",
    "reset_pay_password_by_face",
    "revoke_api_keys",
    "set_pay_password",
    "sign_in",
    "sign_in_by_code",
    "sign_in_staff",
    "start_session",
    "start_staff_session",
    "start_unit_session",
    "unbind_phone_at_counter",
    "unlink_channel",
    "unlock",
    "verify_real_name",
]
