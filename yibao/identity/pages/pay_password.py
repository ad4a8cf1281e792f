"""交易密码修改, its 忘记密码, and 设置交易密码 for whoever is bound without one."""

from litestar import get, post
from litestar.params import SkipValidation
from litestar.response import Redirect, Template

from yibao import face
from yibao.core.clock import Clock
from yibao.core.database import Pool, transaction
from yibao.core.refusal import Refusal
from yibao.core.vault import Vault
from yibao.identity import queries, refusals, rules
from yibao.identity.actions import forgotten, passwords, sms_codes
from yibao.identity.hasher import Hasher
from yibao.identity.pages.shell import Form, redirect, show
from yibao.identity.types import Account
from yibao.identity.unionpay import RealNameByBank
from yibao.web.principal import SignedIn, device_of

FORGOT = "/me/pay-password/forgot"


@get("/me/pay-password")
async def ask_change(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await queries.account(pool, vault, request.auth.subject)
    if not account.has_pay_password:
        return redirect(FORGOT)
    return show("pay_password", done="done" in request.query_params)


@post("/me/pay-password", status_code=200)
async def change(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock
) -> Template | Redirect:
    try:
        await passwords.change_pay_password(
            pool,
            vault,
            hasher=hasher,
            account_id=request.auth.subject,
            old=data.get("old", ""),
            new=rules.typed_twice(data, "new"),
            device=device_of(request),
            at=clock(),
        )
    except Refusal as refusal:
        return show("pay_password", refusal, done=False)
    return redirect("/me/pay-password?done=1")


# 忘记密码, or the first one: choosing the way, and the three ways.


async def _payer(request: SignedIn, pool: Pool, vault: Vault) -> Account | None:
    """Return the account if it has a transaction password or may set its first here; binding sets it for the others."""
    account = await queries.account(pool, vault, request.auth.subject)
    return account if account.has_pay_password or account.person_id else None


def _show(template: str, refusal: Refusal | None = None, *, account: Account, **context: object) -> Template:
    return show(template, refusal, first=not account.has_pay_password, **context)


@get(FORGOT)
async def choose_way(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await _payer(request, pool, vault)
    if account is None:
        return redirect("/me/bind", back="/me/pay-password")
    return _show("pay_forgot", account=account, phone=account.phone)


@get(f"{FORGOT}/phone")
async def ask_code(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await _payer(request, pool, vault)
    if account is None or not account.phone:
        return redirect(FORGOT)
    return _show("pay_forgot_phone", account=account, phone=account.phone_masked, step="phone", given={})


@post(f"{FORGOT}/phone", status_code=200)
async def reset_by_phone(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock
) -> Template | Redirect:
    """Send a code to the account's own phone, or take it with the certificate number and the new password."""
    at, device = clock(), device_of(request)
    account = await queries.account(pool, vault, request.auth.subject)
    given: dict[str, str] = {}
    refusal: Refusal | None = None
    try:
        if data.get("step") == "finish":
            given = data
            await forgotten.reset_pay_password(
                pool,
                vault,
                hasher=hasher,
                phone=account.phone,
                code=data.get("code", "").strip(),
                cert_no=data.get("cert_no", ""),
                password=rules.typed_twice(data, "new"),
                device=device,
                at=at,
            )
            return redirect("/me/pay-password?done=1")
        async with transaction(pool) as tx:
            await sms_codes.request_code(tx, vault, phone=account.phone, purpose="reset_pay", device=device, at=at)
    except Refusal as refused:
        refusal = refused
    return _show("pay_forgot_phone", refusal, account=account, phone=account.phone_masked, step="code", given=given)


@get(f"{FORGOT}/face")
async def ask_face(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await _payer(request, pool, vault)
    if account is None:
        return redirect(FORGOT)
    check_id = request.query_params.get("face", "")
    return _show("pay_forgot_face", account=account, name=account.name_masked, check_id=check_id)


@post(f"{FORGOT}/face", status_code=200)
async def reset_by_face(
    request: SignedIn, data: Form, pool: Pool, vault: Vault, hasher: Hasher, clock: Clock
) -> Template | Redirect:
    """Lead to the camera for the account's own name, or set the new password with its proof."""
    at, device, check_id = clock(), device_of(request), data.get("face", "")
    account = await queries.account(pool, vault, request.auth.subject)
    try:
        if data.get("step") == "finish":
            await forgotten.reset_pay_password_by_face(
                pool,
                vault,
                hasher=hasher,
                account_id=account.account_id,
                check_id=check_id,
                password=rules.typed_twice(data, "new"),
                device=device,
                at=at,
            )
            return redirect("/me/pay-password?done=1")
        async with transaction(pool) as tx:
            check_id = await face.begin(
                tx,
                vault,
                purpose="reset_pay",
                subject=rules.subject_of(account),
                device=device,
                back=f"{FORGOT}/face",
                at=at,
            )
        return redirect(f"/face/{check_id}")
    except Refusal as refusal:
        # Another password can be tried with the same face; for everything else the face has to come again.
        again = refusal.code.startswith(("identity.pay_password", "identity.passwords_differ"))
        check_id = check_id if again else ""
        return _show("pay_forgot_face", refusal, account=account, name=account.name_masked, check_id=check_id)


@get(f"{FORGOT}/bank")
async def ask_card(request: SignedIn, pool: Pool, vault: Vault) -> Template | Redirect:
    account = await _payer(request, pool, vault)
    if account is None:
        return redirect(FORGOT)
    return _show("pay_forgot_bank", account=account, name=account.name_masked, given={})


@post(f"{FORGOT}/bank", status_code=200)
async def reset_by_bank(
    request: SignedIn,
    data: Form,
    pool: Pool,
    vault: Vault,
    hasher: Hasher,
    bank: SkipValidation[RealNameByBank],
    clock: Clock,
) -> Template | Redirect:
    """Ask the bank about the account's own name and certificate, and set the new password if it agrees."""
    try:
        if data.get("agreed") != "1":
            raise refusals.ConsentMissing
        await forgotten.reset_pay_password_by_bank(
            pool,
            vault,
            hasher=hasher,
            bank=bank,
            account_id=request.auth.subject,
            bank_card=data.get("bank_card", ""),
            bank_phone=data.get("bank_phone", ""),
            password=rules.typed_twice(data, "new"),
            device=device_of(request),
            at=clock(),
        )
    except Refusal as refusal:
        account = await queries.account(pool, vault, request.auth.subject)
        return _show("pay_forgot_bank", refusal, account=account, name=account.name_masked, given=data)
    return redirect("/me/pay-password?done=1")


handlers = [
    ask_change,
    change,
    choose_way,
    ask_code,
    reset_by_phone,
    ask_face,
    reset_by_face,
    ask_card,
    reset_by_bank,
]
