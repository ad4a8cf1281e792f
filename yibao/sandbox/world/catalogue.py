"""Sixty catalogue items for demonstration, kept in `catalogue.csv`.

Codes have the national form and end in serials that no maker holds; prices, makers, classes, own-pay rates and limits
are invented, and the file says so in its first lines.
"""

import csv
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources

from pypinyin import Style, lazy_pinyin

# What the dictionary of readings gets wrong in names of medicines: 参 is read shēn in 参苓, not cān.
_READINGS = {"参苓": "SL"}


@dataclass(frozen=True, slots=True)
class Item:
    code: str
    name: str
    kind: str  # drug, service, bed, material
    list_type: str  # National `list_type`: 101, 102, 201, 301.
    charge_class: str  # A 甲, B 乙, C 丙
    own_pay_rate: Decimal  # The share paid first by the person (先行自付); 1 for 丙.
    price: Decimal  # Yuan for one unit, up to six decimals, as the national interface carries it.
    price_limit: Decimal | None
    unit: str
    spec: str
    maker: str  # Empty for services and beds.
    initials: str


def catalogue() -> tuple[Item, ...]:
    """Return the items in the order of the file."""
    text = resources.files(__package__).joinpath("catalogue.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Item(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            list_type=row["list_type"],
            charge_class=row["charge_class"],
            own_pay_rate=Decimal(row["own_pay_rate"]),
            price=Decimal(row["price"]),
            price_limit=Decimal(row["price_limit"]) if row["price_limit"] else None,
            unit=row["unit"],
            spec=row["spec"],
            maker=row["maker"],
            initials=initials(row["name"]),
        )
        for row in rows
    )


def initials(name: str) -> str:
    """Return the pinyin initials by which a till finds a name, in capitals: 参苓白术散 gives SLBZS."""
    for phrase, letters in _READINGS.items():
        name = name.replace(phrase, letters)
    spelled = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).upper()
    return "".join(letter for letter in spelled if letter.isascii() and letter.isalnum())
