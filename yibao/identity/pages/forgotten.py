"""登录 › 忘记密码, and 我的 › 登录密码修改: choosing the way, and the way by the face.

The way by the phone is one of the pages by code.
"""

from urllib.parse import urlencode

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import face
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import rules
from yibao.identity.actions import forgotten
from yibao.identity.hasher import Hasher
from yibao.identity.pages.shell import Form, next_of, redirect, show
from yibao.web.pages import safe_next
from yibao.web.principal import SignedIn, device_of

PATH = "/forgot/face"


def _page(back: str, refusal: Refusal | None = None, *, step: str, given: dict[str, str], check_id: str) -> Template:
    return show(
        "forgot_face",
        refusal,
        step=step,
        given=given,
        check_id=check_id,
        cert_types=rules.CERT_TYPES,
        next=back,
    )


@get("/forgot")
async def choose_way(request: SignedIn) -> Template:
    return show("forgot", signed_in=request.auth is not None, next=next_of(request))


@get(PATH)
async def ask_who(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template:
    check_id, again = request.query_params.get("face", ""), request.query_params.get("again", "")
    given = await face.typed_for(
        pool, vault, check_id=again, purpose="reset_login", device=device_of(request), at=clock()
    )
    return _page(next_of(request), step="password" if check_id else "who", given=given, check_id=check_id)


@post(PATH, status_code=200)
async def reset(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock
) -> Template | Redirect:
    """Lead to the camera, whether or not there is an account; with its proof, set the new password."""
    back, check_id, at = safe_next(data.get("next", "/")), data.get("face", ""), clock()
    try:
        if data.get("step") == "finish":
            account = await forgotten.reset_login_password_by_face(
                pool,
                vault,
                hasher=hasher,
                check_id=check_id,
                password=data.get("login_password", ""),
                device=device_of(request),
                at=at,
            )
            return show("forgot_done", phone=account.phone_masked, next=back)
        who = rules.subject(data.get("name", ""), data.get("cert_type", ""), data.get("cert_no", ""))
        async with transaction(pool) as tx:
            check_id = await face.begin(
                tx,
                vault,
                purpose="reset_login",
                subject=who,
                device=device_of(request),
                back=f"{PATH}?{urlencode({'next': back})}",
                at=at,
            )
        return redirect(f"/face/{check_id}")
    except Refusal as refusal:
        # Another password can be tried with the same face; for everything else the face has to come again.
        again = refusal.code.startswith("identity.login_password")
        return _page(back, refusal, step="password" if again else "who", given=data, check_id=check_id)


handlers = [choose_way, ask_who, reset]
