"""The synthetic world as pure data: one seed gives one world, and nothing here touches a database.

No person in it can be real: names are invented, certificate numbers carry an area that does not exist, phones and bank
cards come from ranges set apart. The cast at the head of the list has the same roles, names and phones in every world.
"""

from dataclasses import dataclass
from datetime import date

from yibao.sandbox.world.catalogue import Item, catalogue
from yibao.sandbox.world.institutions import DEMO_PASSWORD, Institution, Staff, clerks, institutions
from yibao.sandbox.world.people import PEOPLE_MAX, ROLES, Card, Insurance, Person, Qualification, iter_people
from yibao.sandbox.world.places import CITIES, PLACES, Place
from yibao.sandbox.world.units import Unit, units

__all__ = [
    "CITIES",
    "DEMO_PASSWORD",
    "PEOPLE_MAX",
    "PLACES",
    "ROLES",
    "Card",
    "Institution",
    "Insurance",
    "Item",
    "Person",
    "Place",
    "Qualification",
    "Staff",
    "Unit",
    "World",
    "build",
    "clerks",
    "iter_people",
    "units",
]


@dataclass(frozen=True, slots=True)
class World:
    seed: int
    on: date
    people: tuple[Person, ...]
    institutions: tuple[Institution, ...]
    clerks: tuple[Staff, ...]  # the agencies'; the others work for their institution
    items: tuple[Item, ...]
    units: tuple[Unit, ...]

    def cast(self, role: str) -> Person:
        """Return the person who plays `role`, one of ROLES; KeyError for an unknown role."""
        return self.people[ROLES[role]]


def build(*, seed: int = 20260101, people: int = 200, on: date) -> World:
    """Make the world as it stands on the day `on`, with the first `people` people of the seed."""
    return World(
        seed=seed,
        on=on,
        people=tuple(iter_people(seed, people, on)),
        institutions=institutions(),
        clerks=clerks(),
        items=catalogue(),
        units=units(seed=seed, on=on),
    )
