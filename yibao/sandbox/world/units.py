"""Four invented units with a code of their own, two employers and two institutions, and who acts for them.

The operators are of the cast. The credit codes are well formed and nobody's: their area, 990101, does not exist.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from yibao.sandbox.world.institutions import institutions
from yibao.sandbox.world.people import ROLES, Person, person

_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z.
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Unit:
    credit_code: str
    name: str
    kind: Literal["employer", "institution"]
    place: str
    institution: str  # The code of an institution; empty for an employer.
    legal: Person  # The legal representative.
    operators: tuple[Person, ...]


_TABLE = (
    # place, institution or employer's name, the legal representative, further operators
    ("510500", "泸州示例实业有限公司", "luzhou_employed", ("rare_character",)),
    ("310000", "上海示例实业有限公司", "hong_kong", ("passport",)),
    ("510500", "P51050000001", "luzhou_retired_empty", ()),
    ("510500", "H51050000004", "luzhou_retired_exact", ("ends_in_x",)),
)


def units(*, seed: int, on: date) -> tuple[Unit, ...]:
    """Return the units; their operators are those of the world with this seed."""
    known = {each.code: each.name for each in institutions()}
    return tuple(
        Unit(
            credit_code=_credit_code(number),
            name=known.get(named, named),
            kind="institution" if named in known else "employer",
            place=place,
            institution=named if named in known else "",
            legal=person(seed, ROLES[legal], on),
            operators=tuple(person(seed, ROLES[role], on) for role in roles),
        )
        for number, (place, named, legal, roles) in enumerate(_TABLE, start=1)
    )


def _credit_code(number: int) -> str:
    """Return a unified social credit code (GB 32100) around an organisation code (GB 11714), each with its check."""
    organisation = f"MA99{number:04d}"
    values = (int(character, 36) for character in organisation)  # Here letters count on from ten.
    rest = -sum(value * weight for value, weight in zip(values, _ORGANISATION_WEIGHTS, strict=True)) % 11
    body = f"91990101{organisation}{'X' if rest == 10 else rest}"
    total = sum(_CHARACTERS.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return body + _CHARACTERS[-total % 31]
