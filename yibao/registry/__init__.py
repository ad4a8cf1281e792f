"""Who is insured where, and which institutions serve them: facts that other rooms look up and never change.

Names, certificate and card numbers are sealed; people are found by keyed digests of what arrives from outside, which is
also where the uniqueness of a certificate and a card lives. A person is a 12-digit number of our own; the national
`psn_no` belongs to each insurance relation.
"""

from yibao.registry.actions import add_institutions, load_regions, qualify, register_people, register_person
from yibao.registry.queries import (
    find_by_card,
    find_by_certificate,
    institution,
    institutions,
    name_of,
    person,
    qualifications,
    region_name,
    relations,
)
from yibao.registry.refusals import CardTaken, CertificateTaken, PersonTaken, PersonUnknown, RelationTaken
from yibao.registry.rules import masked_certificate, masked_name, masked_phone
from yibao.registry.types import (
    Card,
    CardFound,
    CardState,
    Institution,
    InstitutionKind,
    InstitutionLevel,
    Insurance,
    Person,
    Qualification,
    Region,
    Registrant,
)

__all__ = [
    "Card",
    "CardFound",
    "CardState",
    "CardTaken",
    "CertificateTaken",
    "Institution",
    "InstitutionKind",
    "InstitutionLevel",
    "Insurance",
    "Person",
    "PersonTaken",
    "PersonUnknown",
    "Qualification",
    "Region",
    "Registrant",
    "RelationTaken",
    "add_institutions",
    "find_by_card",
    "find_by_certificate",
    "institution",
    "institutions",
    "load_regions",
    "masked_certificate",
    "masked_name",
    "masked_phone",
    "name_of",
    "person",
    "qualifications",
    "qualify",
    "region_name",
    "register_people",
    "register_person",
    "relations",
]
