"""The cashier's till: scan, basket, what is owed, settle, slip, cancel, today's settlements.

Every step is a form that is posted and redirected from. All that stands on the screen is in the draft, so nothing is
lost by a refresh; and every form says which draft it was shown for, so nothing is done to another one.
"""

from litestar import Router
from litestar.di import Provide

from yibao.settlement.till import basket, paying, records
from yibao.settlement.till.shell import Till
from yibao.web.principal import cashier

routes = [
    Router(
        "/till",
        route_handlers=[*basket.handlers, *paying.handlers, *records.handlers],
        dependencies={"till": Provide(Till, sync_to_thread=False)},
        guards=[cashier],
    )
]
