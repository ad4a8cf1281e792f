"""Facts about people and places, as the registry gives and takes them. Codes are the national ones."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

CardState = Literal["normal", "lost", "frozen", "inactive"]
InstitutionKind = Literal["pharmacy", "hospital"]
InstitutionLevel = Literal["village", "community", "primary", "secondary", "tertiary", "provincial", "special", "none"]


class Person(Struct, frozen=True):
    person_id: str
    name: str
    cert_type: str  # psn_cert_type
    cert_no: str
    gender: str  # gend
    birth_on: date

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print people."""
        return []


class Card(Struct, frozen=True):
    """A social-security card."""

    card_no: str
    state: CardState
    issued_on: date

    def __repr__(self) -> str:
        return "Card(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class Insurance(Struct, frozen=True):
    """One insurance relation: a person insured in a place, in one scheme."""

    psn_no: str
    place: str
    insutype: str  # 310 employees, 390 residents
    psn_type: str
    state: str  # psn_insu_stas
    since_on: date
    paid_to: date  # The last day that the premiums paid so far cover.
    employer: str
    synced: bool  # False while the place has not yet passed the relation on.
    entitled_from: date | None = None  # The first day on which funds pay, where there was a waiting period (等待期).


class Qualification(Struct, frozen=True):
    """What a person is qualified for in a place (救助身份, 公务员补助, 门诊慢特病 …), from a day to a day."""

    place: str
    kind: str  # aid, supplement, cohort, signed or chronic
    code: str  # subsistence, civil_servant, …; of a chronic disease its national code, such as M03900
    from_on: date
    until_on: date | None = None  # The first day on which it no longer holds.


class Registrant(Person, frozen=True):
    """A person as taken in: with the cards and insurance relations known of them."""

    cards: tuple[Card, ...]
    insurances: tuple[Insurance, ...]
    qualifications: tuple[Qualification, ...] = ()


class CardFound(Struct, frozen=True):
    person_id: str
    state: CardState


class Institution(Struct, frozen=True):
    """A hospital or pharmacy with an insurance contract (定点医药机构)."""

    code: str  # H or P, region 6, serial 5
    name: str
    place: str  # The pooled place it settles in.
    kind: InstitutionKind
    level: InstitutionLevel
    address: str
    phone: str
    services: tuple[str, ...]  # pharmacy, outpatient, inpatient, away
    active: bool = True


class Employee(Struct, frozen=True):
    """Whom an employer insures, as much of it as the employer is shown."""

    person_id: str
    name_masked: str
    place: str
    state: str  # psn_insu_stas
    since_on: date
    paid_to: date


class Look(Struct, frozen=True):
    """Who looked at a person's data and why, in words for that person."""

    looker_name: str
    purpose: str
    looked_at: datetime


class Region(Struct, frozen=True):
    code: str
    parent: str
    level: int  # 1 province, 2 city, 3 county
    name: str
