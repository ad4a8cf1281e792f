"""Who of the synthetic people belong together, so that there are children to add and elders to help.

Families are made of people who are there anyway. Kinship changes nobody, and so it needs no place among the people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from yibao.sandbox.world.people import CAST, KINDS, ROLES, Person
from yibao.sandbox.world.places import CITIES


@dataclass(frozen=True, slots=True)
class Household:
    """People who stand in one household register. Everybody is named by their index in the world."""

    name: str
    number: str
    head: int
    spouse: int
    children: tuple[int, ...]
    birth_number: str  # of the youngest child's certificate of birth


def _one_of(kind: str, place: str) -> int:
    return len(CAST) + CITIES.index(place) * len(KINDS) + list(KINDS).index(kind)


HOUSEHOLDS = (
    Household(
        "luzhou",
        "990101000001",
        head=_one_of("employed", "510500"),
        spouse=ROLES["luzhou_employed"],
        children=(_one_of("preschool", "510500"), _one_of("newborn", "510500")),
        birth_number="Z990000001",
    ),
    Household(  # Of a place whose rules for residents are known, so that the children's codes can be settled with.
        "rugao",
        "990101000002",
        head=ROLES["two_places"],
        spouse=_one_of("employed", "320682"),
        children=(_one_of("preschool", "320682"), _one_of("newborn", "320682")),
        birth_number="Z990000002",
    ),
)


def register(household: Household, people: Sequence[Person]) -> list[tuple[Person, str]]:
    """Return who stands in the register, the head first, each with what they are to the head."""
    head, spouse = people[household.head], people[household.spouse]
    pages = [(head, "户主"), (spouse, "妻" if spouse.gender == "2" else "夫")]
    return pages + [(people[child], "子" if people[child].gender == "1" else "女") for child in household.children]


def complete(household: Household, people: Sequence[Person]) -> bool:
    """Whether a world is large enough to hold everybody of the household."""
    return max(household.head, household.spouse, *household.children) < len(people)
