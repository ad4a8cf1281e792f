"""The one kind of row that the directory has."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct


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
