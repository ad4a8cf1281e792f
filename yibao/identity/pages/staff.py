"""The doors of the till and of the console, whose staff sign in alike."""

from litestar import get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Template

from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.identity.actions import sessions
from yibao.identity.hasher import Hasher
from yibao.identity.pages.shell import Form, redirect, show
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, area_of, device_of


def doors_of(area: str, cookie: str, title: str) -> list[HTTPRouteHandler]:
    def back_to(path: str) -> str:
        return path if area_of(path) == area and safe_next(path) == path else area

    @get(f"{area}/login")
    async def ask(request: SignedIn) -> Template | Redirect:
        back = back_to(request.query_params.get("next", ""))
        if request.auth is not None:
            return redirect(back)
        return show("staff_login", area=area, title=title, login="", next=back)

    @post(f"{area}/login", status_code=200)
    async def sign_in_staff(
        request: SignedIn, data: Form, pool: Pool, hasher: Hasher, clock: Clock, secure: bool
    ) -> Template | Redirect:
        at = clock()
        device = device_of(request)
        back = back_to(data.get("next", ""))
        try:
            login = await sessions.sign_in_staff(
                pool,
                hasher=hasher,
                login=data.get("login", ""),
                password=data.get("password", ""),
                device=device,
                at=at,
            )
        except Refusal as refusal:
            return show("staff_login", refusal, area=area, title=title, login=data.get("login", ""), next=back)
        async with transaction(pool) as tx:
            token = await sessions.start_staff_session(tx, login=login, device=device, at=at)
        to = redirect(back)
        # Without an age it ends with the browser; a till is often left to the next shift.
        to.set_cookie(Cookie(key=cookie, value=token, path=area, httponly=True, samesite="lax", secure=secure))
        return to

    @post(f"{area}/logout")
    async def sign_out_staff(request: SignedIn, pool: Pool) -> Redirect:
        to = redirect(f"{area}/login")
        if token := request.cookies.get(cookie):
            async with transaction(pool) as tx:
                await sessions.end_session(tx, token=token)
            to.delete_cookie(cookie, path=area)
        return to

    return [ask, sign_in_staff, sign_out_staff]
