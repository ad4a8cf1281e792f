"""What stands on a photographed paper: the register of a household, a certificate of birth or marriage, an ID card.

A picture is made small and plain (`tidy`), an engine reads the lines on it (`Reader`), and `paper_of` finds out which
paper it is and who is named on it. Nothing here decides anything: whoever asks compares what was read with what is
registered. Invariants: what could not be read for certain is said to be unsure and never guessed; a reading is never
shown as if it were a fact; nothing is stored.

Reading takes seconds and much memory. It belongs into a job of the worker, never into a request.
"""

from yibao.paper.picture import BYTES_MAX, tidied, tidy
from yibao.paper.reader import RapidReader, Reader
from yibao.paper.refusals import NotAPicture, PictureTooLarge
from yibao.paper.rules import number_fits, paper_of, same_name
from yibao.paper.types import Kind, Line, Named, Paper, Role

__all__ = [
    "BYTES_MAX",
    "Kind",
    "Line",
    "Named",
    "NotAPicture",
    "Paper",
    "PictureTooLarge",
    "RapidReader",
    "Reader",
    "Role",
    "number_fits",
    "paper_of",
    "same_name",
    "tidied",
    "tidy",
]
