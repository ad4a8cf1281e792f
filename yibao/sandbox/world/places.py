"""The six pooling places of the world; codes are the national 医保区划 codes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str
    dial: str  # Trunk code of the telephone network.
    dial_digits: int  # How long a subscriber number is there.

    @property
    def short_name(self) -> str:
        return self.name.removesuffix("市")


PLACES = {
    place.code: place
    for place in (
        Place("510500", "泸州市", "0830", 7),
        Place("510100", "成都市", "028", 8),
        Place("310000", "上海市", "021", 8),
        Place("610100", "西安市", "029", 8),
        Place("341100", "滁州市", "0550", 7),
        Place("320682", "如皋市", "0513", 8),
    )
}
