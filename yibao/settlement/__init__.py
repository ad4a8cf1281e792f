"""The only orchestrator of money: quote → confirm → reverse, and the bill that a till sends to a phone.

Invariants: a settlement's parts equal its bill; what was not confirmed is never booked; the same id settles once;
bill, lines, counters, transfers, answer and event are written together or not at all; one person is settled by one
write at a time.
"""

from yibao.settlement.actions import (
    Desk,
    close_bill,
    confirm,
    confirm_bill,
    quote,
    reverse,
    reverse_request,
    send_bill,
)
from yibao.settlement.types import Basket, BasketLine, Order, Quote, Settled, Split

__all__ = [
    "Basket",
    "BasketLine",
    "Desk",
    "Order",
    "Quote",
    "Settled",
    "Split",
    "close_bill",
    "confirm",
    "confirm_bill",
    "quote",
    "reverse",
    "reverse_request",
    "send_bill",
]
