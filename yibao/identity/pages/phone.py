"""手机号: changing it by the old phone, or by the face, for whoever is signed in and whoever no longer can sign in."""

from litestar import get, post
from litestar.response import Redirect, Template

from yibao import face
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import queries, refusals, rules
from yibao.identity.actions import phones, sms_codes
from yibao.identity.pages.shell import Form, redirect, show
from yibao.web.principal import SESSION_COOKIE, SignedIn, device_of


@get("/me/phone")
async def phone(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    account = await queries.account(pool, vault, request.auth.subject)
    return show("phone", account=account, done="done" in request.query_params)


# By the old phone: both receive a code.


@get("/me/phone/codes")
async def ask_phone(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await queries.account(pool, vault, request.auth.subject)
    if not account.phone:
        return redirect("/me/phone")
    return show("phone_codes", old=account.phone_masked, phone="", step="phone")


@post("/me/phone/codes", status_code=200)
async def change_by_codes(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    at, device, account_id = clock(), device_of(request), request.auth.subject
    new, step = data.get("phone", ""), "codes"
    refusal: Refusal | None = None
    try:
        if data.get("step") == "finish":
            await phones.change_phone(
                pool,
                vault,
                account_id=account_id,
                phone=new,
                old_code=data.get("old_code", "").strip(),
                new_code=data.get("new_code", "").strip(),
                device=device,
                at=at,
            )
            return redirect("/me/phone?done=1")
        async with transaction(pool) as tx:
            await phones.request_change_codes(tx, vault, account_id=account_id, phone=new, device=device, at=at)
    except (refusals.PhoneMalformed, refusals.PhoneUnchanged, refusals.AlreadyRegistered) as other_phone:
        refusal, step = other_phone, "phone"
    except Refusal as other:
        refusal = other
    account = await queries.account(pool, vault, account_id)
    return show("phone_codes", refusal, old=account.phone_masked, phone=new, step=step)


# By the face: who it is, the camera, the new phone, its code. Open to everybody, because whoever has lost the phone and
# forgotten the password cannot sign in.

FACE = "/phone"


@get(FACE)
async def ask_who(request: SignedIn, pool: Pool, vault: Vault, clock: Clock) -> Template:
    check_id, again = request.query_params.get("face", ""), request.query_params.get("again", "")
    given = await face.typed_for(
        pool, vault, check_id=again, purpose="change_phone", device=device_of(request), at=clock()
    )
    return _by_face(step="phone" if check_id else "who", given=given, check_id=check_id)


def _by_face(
    refusal: Refusal | None = None,
    *,
    step: str,
    given: dict[str, str] | None = None,
    check_id: str = "",
    phone: str = "",
) -> Template:
    return show(
        "phone_face",
        refusal,
        step=step,
        given=given or {},
        cert_types=rules.CERT_TYPES,
        check_id=check_id,
        phone=phone,
    )


@post(FACE, status_code=200)
async def change_by_face(request: SignedIn, data: Form, pool: Pool, vault: Vault, clock: Clock) -> Template | Redirect:
    """Take the step that the form is at. Nothing before the camera tells whether there is an account."""
    at, device, step = clock(), device_of(request), data.get("step", "")
    check_id, new = data.get("face", ""), data.get("phone", "")
    refusal: Refusal | None = None
    try:
        if step == "finish":
            changed = await phones.change_phone_by_face(
                pool,
                vault,
                check_id=check_id,
                phone=new,
                code=data.get("code", "").strip(),
                device=device,
                account_id=request.auth.subject if request.auth else "",
                token=request.cookies.get(SESSION_COOKIE, ""),
                at=at,
            )
            # Whoever registered anew is not signed in to the account that has got its phone.
            own = request.auth and request.auth.subject == changed
            return redirect("/me/phone?done=1") if own else _by_face(step="done")
        async with transaction(pool) as tx:
            if step == "code":
                await sms_codes.request_code(tx, vault, phone=new, purpose="change_phone_new", device=device, at=at)
            else:
                who = rules.subject(data.get("name", ""), data.get("cert_type", ""), data.get("cert_no", ""))
                check_id = await face.begin(
                    tx, vault, purpose="change_phone", subject=who, device=device, back=FACE, at=at
                )
                return redirect(f"/face/{check_id}")
    except (refusals.PhoneMalformed, refusals.PhoneUnchanged, refusals.AlreadyRegistered) as other_phone:
        refusal, step = other_phone, "phone"
    except Refusal as other:
        again = other.code.startswith("identity.code_") or other.code.startswith("identity.old_phone")
        refusal, step = other, "code" if again else "who"
    return _by_face(refusal, step="code" if step == "finish" else step, given=data, check_id=check_id, phone=new)


open_handlers = [ask_who, change_by_face]
own_handlers = [phone, ask_phone, change_by_codes]
