"""The electronic credential 医保电子凭证: activation, the code that works once, and what a scan gives the institution.

Invariants: a code is spent at most once; a code of an unbound device is refused from that moment; whoever sees codes
cannot tell which of them come from one phone; a visit token serves one institution for fifteen minutes. The code's
construction and the attacks considered are in `docs/explain/credential.md`.

The named exception to "a room takes the face's transaction": `redeem` holds none between its read and its write, each
of which is one statement shared by the scans of a batch, as confirming a settlement does. Its guard is the key of the
spent tickets, whatever was read before.
"""

from yibao.credential.actions import (
    Gate,
    activate,
    bind,
    note_bad_scan,
    redeem,
    set_free_limit,
    show_code,
    unbind,
)
from yibao.credential.code import Codes
from yibao.credential.queries import devices, holder, region_choices
from yibao.credential.refusals import BadCode
from yibao.credential.tokens import Tokens
from yibao.credential.types import Device, Holder, Redeemed, ShownCode

__all__ = [
    "BadCode",
    "Codes",
    "Device",
    "Gate",
    "Holder",
    "Redeemed",
    "ShownCode",
    "Tokens",
    "activate",
    "bind",
    "devices",
    "holder",
    "note_bad_scan",
    "redeem",
    "region_choices",
    "set_free_limit",
    "show_code",
    "unbind",
]
