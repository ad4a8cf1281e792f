"""The code on the phone, and what leads to it: binding the insurance, activating in this browser, limits, unbinding.

Whoever comes too early is led the whole way and back: signing in, real name, binding, activating, and `next` again.
Whom a channel has brought activates in four steps by the face, or by the card, instead.
"""

from litestar import Router

from yibao.credential.pages.activation import activate, choose_place
from yibao.credential.pages.binding import ask_card, ask_unbind, bind, unbind, unbind_service
from yibao.credential.pages.by_card import ask_number, take_number
from yibao.credential.pages.by_face import ask_face, begin, choose, confirm, done, prove, review, who
from yibao.credential.pages.code import next_code, show_code, take_tickets
from yibao.credential.pages.devices import ask_unbind_one, ask_unlink, listed, unbind_by_face, unbind_one, unlink
from yibao.credential.pages.enter import enter
from yibao.credential.pages.limit import ask_limit, set_limit
from yibao.credential.pages.lock import ask_drop, ask_phone, ask_unlock, drop, open_by_phone, set_lock, unlock
from yibao.credential.pages.offline import shell, worker
from yibao.web.principal import insured

routes = [
    Router("/", route_handlers=[next_code, enter, shell, worker]),
    Router(
        "/",
        route_handlers=[
            show_code,
            take_tickets,
            ask_phone,
            set_lock,
            open_by_phone,
            ask_unlock,
            unlock,
            ask_drop,
            drop,
            choose_place,
            activate,
            ask_card,
            bind,
            ask_unbind,
            unbind_service,
            unbind,
            ask_limit,
            set_limit,
            choose,
            begin,
            who,
            ask_face,
            prove,
            ask_number,
            take_number,
            review,
            confirm,
            done,
            listed,
            ask_unbind_one,
            unbind_one,
            unbind_by_face,
            ask_unlink,
            unlink,
        ],
        guards=[insured],
    ),
]
