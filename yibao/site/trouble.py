"""What a text means that somebody saw: our own refusals, and the vague texts of other systems (A8).

The vague ones are kept with their explanations in `data/messages.yaml`. Nothing of what is searched for is stored.
"""

import importlib.resources
import re
import unicodedata
from functools import cache

import msgspec
import yaml
from msgspec import Struct

from yibao.core.refusal import Refusal

QUERY_MAX = 200
FOUND_MAX = 6
ALIKE = 0.6  # So many of the pairs of characters must be the same where neither text contains the other.
_PAIRS_MIN = 3
_FACT = re.compile(r"{\w+}")


class Explanation(Struct, frozen=True, forbid_unknown_fields=True):
    """A text that people are shown elsewhere, and what is behind it."""

    shown: str
    means: str
    causes: tuple[str, ...]
    do: tuple[str, ...]
    ask: str
    also: tuple[str, ...] = ()
    href: str = ""  # The page of ours that does it.
    link: str = ""


@cache
def explanations() -> tuple[Explanation, ...]:
    text = (importlib.resources.files("yibao.site") / "data" / "messages.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), tuple[Explanation, ...])


def explained(text: str) -> tuple[list[Explanation], list[type[Refusal]]]:
    """Return what a text may mean, the likeliest first: published texts, and refusals of ours.

    The text may be part of what was shown, or contain it; marks, spaces and full width make no difference. The code of
    a refusal, as it stands below each, finds just that one, and what is published about the same words.
    """
    exact = Refusal.catalogue.get(text.strip())
    if exact is not None:  # It says what it is about itself, so what only resembles its title is left out.
        return [one for score, one in _published(_letters(fixed(exact.title))) if score >= 1], [exact]
    asked = _letters(text[:QUERY_MAX])
    if len(asked) < 2:
        return [], []
    published = _published(asked)
    ours = [
        (max(_alike(asked, _letters(fixed(each))) for each in (one.title, one.detail) if each), one)
        for _, one in sorted(Refusal.catalogue.items())
    ]
    if not any(score for score, _ in (*published, *ours)):  # Not what was shown, then perhaps what it is about.
        published = [(_about(asked, one.means, *one.causes), one) for one in explanations()]
        ours = [(_about(asked, fixed(one.detail), fixed(one.remedy)), one) for _, one in ours]
    return (
        [one for score, one in published if score][:FOUND_MAX],
        [one for score, one in sorted(ours, key=lambda each: -each[0]) if score][:FOUND_MAX],
    )


def _published(asked: str) -> list[tuple[float, Explanation]]:
    """Return how alike the texts of each explanation are to what is asked, the likest first."""
    scored = [(max(_alike(asked, _letters(each)) for each in (one.shown, *one.also)), one) for one in explanations()]
    return sorted(scored, key=lambda each: -each[0])


def fixed(text: str) -> str:
    """Return a refusal's text with an ellipsis where a fact of the case would stand."""
    return _FACT.sub("……", text)


def _letters(text: str) -> str:
    """Return what is compared: letters, digits and characters, without marks and spaces."""
    return "".join(each for each in unicodedata.normalize("NFKC", text).lower() if each.isalnum())


def _alike(asked: str, shown: str) -> float:
    """Return from 0 to 2 how alike two texts are; what is the same or within the other is above what only resembles."""
    if asked == shown:
        return 2.0
    if asked in shown or (len(shown) >= 3 and shown in asked):
        return 1 + min(len(asked), len(shown)) / max(len(asked), len(shown))
    of_asked, of_shown = _pairs(asked), _pairs(shown)
    common = len(of_asked & of_shown)
    share = common / min(len(of_asked), len(of_shown) or 1)
    return share if common >= _PAIRS_MIN and share >= ALIKE else 0.0


def _about(asked: str, *texts: str) -> float:
    return 1.0 if any(asked in _letters(text) for text in texts) else 0.0


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
