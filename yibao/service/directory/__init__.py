"""What the insurance knows: drugs, service items and materials, with class, own-pay rate, price and limit.

Prices are yuan a unit in decimals of up to six places, as the national interface carries them; fen begin where a
quantity is multiplied.
"""

from yibao.service.directory.actions import load_items
from yibao.service.directory.queries import item, search
from yibao.service.directory.types import Item

__all__ = ["Item", "item", "load_items", "search"]
