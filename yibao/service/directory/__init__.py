"""What the insurance knows: drugs, service items and materials, and where and how it can be used.

Prices are yuan a unit in decimals of up to six places, as the national interface carries them; fen begin where a
quantity is multiplied. Where somebody stands is used for one answer and written nowhere.
"""

from yibao.service.directory.actions import describe, load_items, tell
from yibao.service.directory.queries import districts, item, media, outlet, outlets, places, search
from yibao.service.directory.refusals import InstitutionUnknown, MediumMissing, TextTooLong
from yibao.service.directory.types import Item, Outlet, Search, Spot, Usage

__all__ = [
    "InstitutionUnknown",
    "Item",
    "MediumMissing",
    "Outlet",
    "Search",
    "Spot",
    "TextTooLong",
    "Usage",
    "describe",
    "districts",
    "item",
    "load_items",
    "media",
    "outlet",
    "outlets",
    "places",
    "search",
    "tell",
]
