"""The pooling places of the world, six cities and the pool of a province; codes are the national 医保区划 codes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str
    dial: str  # Trunk code of the telephone network.
    dial_digits: int  # How long a subscriber number is there.
    seat: str = ""  # The city in which the agency of a province (省直) and its institutions are.

    @property
    def short_name(self) -> str:
        return self.name.removesuffix("市").removesuffix("省本级")

    @property
    def city(self) -> str:
        return self.seat or self.name


PLACES = {
    place.code: place
    for place in (
        Place("510500", "泸州市", "0830", 7),
        Place("510100", "成都市", "028", 8),
        Place("310000", "上海市", "021", 8),
        Place("610100", "西安市", "029", 8),
        Place("341100", "滁州市", "0550", 7),
        Place("320682", "如皋市", "0513", 8),
        Place("519900", "四川省省本级", "028", 8, seat="成都市"),
    )
}

# Where people are drawn; in the pool of the province there is only who is named.
CITIES = tuple(code for code, place in PLACES.items() if not place.seat)
