"""Is a living person before the camera, and is it the one whose name and certificate were given?

Whoever needs to know begins a check for a purpose, leads the browser to `/face/{check_id}`, and finds it again at the
path it gave, with `face=<check_id>`; there `spend` gives the proved subject, once, to this device, for this purpose,
within ten minutes. Whoever comes back without a proof has `again=<check_id>`, with which `typed_for` fills in the form.
Invariants: a check is proved by its own challenge alone; frames are never stored, and what was
measured on them only while the check runs, sealed; consent is asked for each check on its own. `Booth` runs checks: the
challenge is `challenge`, the pictures are looked at by `Eyes`, and a `Judge` says whose face it is.
"""

from yibao.face.actions import PROOF_LASTS, begin, spend, typed_for
from yibao.face.booth import Booth
from yibao.face.eyes import Eyes
from yibao.face.judge import ByPolicePhoto, Judge
from yibao.face.police import HttpPolice, NoPolice, Police
from yibao.face.queries import OUTCOME_NAMES, attempts_of
from yibao.face.types import Attempt, Cause, Look, Purpose, Subject

__all__ = [
    "OUTCOME_NAMES",
    "PROOF_LASTS",
    "Attempt",
    "Booth",
    "ByPolicePhoto",
    "Cause",
    "Eyes",
    "HttpPolice",
    "Judge",
    "Look",
    "NoPolice",
    "Police",
    "Purpose",
    "Subject",
    "attempts_of",
    "begin",
    "spend",
    "typed_for",
]
