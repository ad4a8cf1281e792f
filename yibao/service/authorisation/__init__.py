"""Signing in elsewhere and authorising with the code: a party asks, the person allows it on the phone, the party reads
what was allowed and nothing else (B14).

The party is an institution with a key. It asks for scopes (`rules.SCOPES`) with a purpose in words and shows a link;
whoever opens the link on the phone sees who wants what, why and for how long, and allows it once, for a time, or not
at all. The party's page asks for the answer, gets a one-time authorisation number (the national authNo) and changes it
for a token and the data; a grant for a time can be read again with the token until it ends or is withdrawn.

Invariants: a request is answered once, by one person, within three minutes; an authorisation number and a grant for
once are used once; only the institution that asked may use either; every reading is recorded for the person to see,
and nothing is handed out that the person's phone did not name.
"""

from yibao.service.authorisation.actions import allow, ask, check, read, refuse, withdraw, withdraw_all
from yibao.service.authorisation.queries import grants, request, requests_for
from yibao.service.authorisation.rules import SCOPES, Scope
from yibao.service.authorisation.types import Allowed, Grant, Request

__all__ = [
    "SCOPES",
    "Allowed",
    "Grant",
    "Request",
    "Scope",
    "allow",
    "ask",
    "check",
    "grants",
    "read",
    "refuse",
    "request",
    "requests_for",
    "withdraw",
    "withdraw_all",
]
