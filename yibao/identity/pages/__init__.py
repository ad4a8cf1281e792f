"""Registering, signing in, 我的, 实名认证, the passwords and 关怀版 on the phone; and the sign-in of staff."""

from litestar import Router

from yibao.identity.pages import devices, forgotten, me, pay_password, phone, real_name, sign_in
from yibao.identity.pages.by_code import BY_CODE, routes_of
from yibao.identity.pages.staff import doors_of
from yibao.web.principal import CONSOLE_COOKIE, TILL_COOKIE, anyone, insured

routes = [
    Router(
        "/",
        route_handlers=[
            *(handler for page in BY_CODE for handler in routes_of(page)),
            *sign_in.handlers,
            *forgotten.handlers,
            *phone.open_handlers,
            *doors_of("/till", TILL_COOKIE, "收款台登录"),
            *doors_of("/console", CONSOLE_COOKIE, "经办登录"),
        ],
        guards=[anyone],
    ),
    Router(
        "/",
        route_handlers=[
            me.me,
            *real_name.handlers,
            *pay_password.handlers,
            *phone.own_handlers,
            *devices.handlers,
        ],
        guards=[insured],
    ),
]
