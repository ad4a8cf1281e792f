"""What changes a family account, by subject."""

from yibao.service.family.actions.adults import (
    answer,
    ask,
    begin_face,
    finish_by_face,
    request_of_account,
    withdraw_request,
)
from yibao.service.family.actions.children import (
    PICTURES_MAX,
    application_of_account,
    apply,
    ask_review,
    papers_due,
    send_papers,
    withdraw_application,
)
from yibao.service.family.actions.counter import add_at_counter, member_at_counter, remove_at_counter
from yibao.service.family.actions.ending import come_due, end_all, end_taken_back, end_unbound, removable, remove
from yibao.service.family.actions.judging import application_for_staff, decide, hold_back, judge
from yibao.service.family.actions.naming import note_try, terms_of_member
from yibao.service.family.actions.showing import note_relatives_look, show, take_tickets

__all__ = [
    "PICTURES_MAX",
    "add_at_counter",
    "answer",
    "application_for_staff",
    "application_of_account",
    "apply",
    "ask",
    "ask_review",
    "begin_face",
    "come_due",
    "decide",
    "end_all",
    "end_taken_back",
    "end_unbound",
    "finish_by_face",
    "hold_back",
    "judge",
    "member_at_counter",
    "note_relatives_look",
    "note_try",
    "papers_due",
    "removable",
    "remove",
    "remove_at_counter",
    "request_of_account",
    "send_papers",
    "show",
    "take_tickets",
    "terms_of_member",
    "withdraw_application",
    "withdraw_request",
]
