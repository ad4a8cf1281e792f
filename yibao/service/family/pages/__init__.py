"""我的家庭成员: adding somebody, their code on this phone, what waits, and ending it.

Whoever has not bound their own insurance yet is led through that first, and back.
"""

from litestar import Router
from litestar.di import Provide

from yibao.service.family.pages import adults, children, members, overview
from yibao.service.family.pages.shell import asker_of, bound_first
from yibao.web.principal import insured

routes = [
    Router(
        "/",
        route_handlers=[*overview.handlers, *adults.handlers, *children.handlers, *members.handlers],
        guards=[insured],
        before_request=bound_first,
        dependencies={"asker": Provide(asker_of, sync_to_thread=False)},
    )
]
