"""The electronic credential 医保电子凭证: activation, the code that works once, and what a scan gives the institution.

Invariants: a code is spent at most once; a code of an unbound device is refused from that moment; whoever sees codes
cannot tell which of them come from one phone; a visit token serves one institution for fifteen minutes. The code's
construction and the attacks considered are in `docs/explain/credential.md`.

Channels, the apps and pages of others, lead people here by signed calls; what a channel says of its user is a claim
until the face proves it, and one person has one code whichever channels they use (`docs/explain/channels.md`).

The named exception to "a room takes the face's transaction": `redeem` holds none between its read and its write, each
of which is one statement shared by the scans of a batch, as confirming a settlement does. Its guard is the key of the
spent tickets, whatever was read before.
"""

from yibao.credential.actions import (
    Gate,
    activate,
    bind,
    forget_account,
    note_bad_scan,
    redeem,
    set_free_limit,
    show_code,
    unbind,
    unbind_channel,
    unbind_device,
)
from yibao.credential.arrivals import contacts_of, is_open
from yibao.credential.by_counter import registered_as
from yibao.credential.channels import accredit, require_permitted
from yibao.credential.code import SHOWN_SECONDS, Codes, province_of
from yibao.credential.media import Document, ask_face, asked_face, identify, identify_by_face, note_bad_document
from yibao.credential.offline import hand_out
from yibao.credential.queries import (
    channel_name,
    channel_names,
    devices,
    holder,
    place_choices,
    proved_person,
    visits_of,
    ways_to_activate,
)
from yibao.credential.refusals import BadCode
from yibao.credential.rules import first_relation, same_name
from yibao.credential.tokens import Tokens
from yibao.credential.types import Channel, Clerk, Device, Function, Holder, Pack, Redeemed, ShownCode

__all__ = [
    "SHOWN_SECONDS",
    "BadCode",
    "Channel",
    "Clerk",
    "Codes",
    "Device",
    "Document",
    "Function",
    "Gate",
    "Holder",
    "Pack",
    "Redeemed",
    "ShownCode",
    "Tokens",
    "accredit",
    "activate",
    "ask_face",
    "asked_face",
    "bind",
    "channel_name",
    "channel_names",
    "contacts_of",
    "devices",
    "first_relation",
    "forget_account",
    "hand_out",
    "holder",
    "identify",
    "identify_by_face",
    "is_open",
    "note_bad_document",
    "note_bad_scan",
    "place_choices",
    "proved_person",
    "province_of",
    "redeem",
    "registered_as",
    "require_permitted",
    "same_name",
    "set_free_limit",
    "show_code",
    "unbind",
    "unbind_channel",
    "unbind_device",
    "visits_of",
    "ways_to_activate",
]
