"""The items of the lists, and the institutions as people look for them."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

Medium = Literal["code", "card", "id_card", "face"]
Hardware = Literal["scanner", "kiosk", "camera"]


class Item(Struct, frozen=True):
    """A drug, service item or material of the insurance's lists."""

    code: str
    name: str
    initials: str  # Pinyin initials of the name, in capitals.
    kind: Literal["drug", "service", "material", "bed"]
    list_type: str  # list_type: 101 and 102 drugs, 201 services, 301 materials
    charge_class: Literal["A", "B", "C"]  # 甲 乙 丙
    own_pay_rate: Decimal  # The share that the person pays first (先行自付); 1 for 丙.
    price: Decimal  # The highest price an institution may ask, yuan a unit.
    price_limit: Decimal | None  # What the insurance recognises at most, yuan a unit.
    unit: str
    spec: str
    maker: str  # Empty for services.


class Usage(Struct, frozen=True):
    """How the insurance is used at one institution. Empty texts are not known."""

    code: str
    district: str
    lat: float | None
    lng: float | None
    media: tuple[Medium, ...]  # What identifies a person there.
    hardware: tuple[Hardware, ...]
    credit: bool  # 信用就医
    bring: str
    notice: str
    hours: str


class Spot(Struct, frozen=True):
    """A point on the map, from which distances are measured."""

    lat: float
    lng: float


class Search(Struct, frozen=True):
    """What somebody looks for; an empty field leaves all."""

    place: str = ""
    service: str = ""
    text: str = ""
    code_only: bool = False  # Leave out whoever does not read the code.
    district: str = ""  # Nearest to the middle of this district first.


class Outlet(Struct, frozen=True):
    """An institution under contract, with what is known of using the insurance there."""

    code: str
    name: str
    place: str
    place_name: str
    kind: Literal["pharmacy", "hospital"]
    level: str
    address: str
    phone: str
    services: tuple[str, ...]  # pharmacy, outpatient, inpatient, away
    district: str
    media: tuple[Medium, ...]  # Nothing where nobody has said.
    hardware: tuple[Hardware, ...]
    credit: bool
    bring: str
    notice: str
    hours: str
    metres: int | None  # From where the search stands, if it stands anywhere and the institution's spot is known.
