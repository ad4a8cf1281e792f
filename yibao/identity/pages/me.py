"""我的 / 个人中心: the account, and everything that its owner finds here."""

from collections.abc import Callable

from litestar import get
from litestar.response import Template
from msgspec import Struct

from yibao.core.database import Pool
from yibao.core.vault import Vault
from yibao.identity import queries
from yibao.identity.pages.shell import show
from yibao.identity.types import Account
from yibao.web.principal import SignedIn


def _everybody(_: Account) -> bool:
    return True


def _bound(account: Account) -> bool:
    return account.person_id is not None


def _unbound(account: Account) -> bool:
    return account.person_id is None


def _payer(account: Account) -> bool:
    return account.has_pay_password


def _bound_without_password(account: Account) -> bool:
    return _bound(account) and not account.has_pay_password


def _with_phone(account: Account) -> bool:
    """Whoever has no phone signs in by a channel: a login password would lead nowhere."""
    return bool(account.phone)


class Link(Struct, frozen=True):
    """A page under the name that the public systems gave it."""

    name: str
    path: str
    what: str = ""
    whose: Callable[[Account], bool] = _everybody


LINKS = (
    (
        "医保",
        (
            Link("实名认证", "/me/real-name"),
            Link("绑定医保关系", "/me/bind", "公共服务 › 用户认证", whose=_unbound),
            Link("渠道与设备", "/me/channels", "医保码在哪些手机、哪些渠道激活，逐个解绑", whose=_bound),
            Link("免密限额", "/me/limit", whose=_bound),
            Link("用户医保关系解除绑定", "/me/unbind", "所有手机上的医保码即时失效", whose=_bound),
        ),
    ),
    (
        "家庭",
        (
            Link("我的家庭成员", "/family", "添加我的家庭成员，管理亲情账户"),
            Link("儿童码（亲属随申码）", "/family", "孩子的医保码，由父母出示"),
        ),
    ),
    (
        "密码和登录",
        (
            Link("登录密码修改", "/forgot?next=/me", whose=_with_phone),
            Link("交易密码修改", "/me/pay-password", whose=_payer),
            Link("设置交易密码", "/me/pay-password", "付款时要用", whose=_bound_without_password),
            Link("手机号", "/me/phone"),
            Link("登录设备", "/me/devices", "在哪里登录着，逐个退出"),
        ),
    ),
    (
        "单位",
        (Link("单位码", "/unit-code", "为用人单位、医药机构办事的经办人出示"),),
    ),
    (
        "我的信息",
        (
            Link("谁看过我的信息", "/me/looks"),
            Link("我的授权", "/me/authorisations", "允许了哪些机构，随时撤回"),
            Link("注销与导出", "/me/data"),
        ),
    ),
)


def links_for(account: Account) -> list[tuple[str, list[Link]]]:
    """Return what an account's owner is offered, by subject."""
    return [(title, [link for link in links if link.whose(account)]) for title, links in LINKS]


@get("/me")
async def me(request: SignedIn, pool: Pool, vault: Vault) -> Template:
    account = await queries.account(pool, vault, request.auth.subject)
    return show("me", account=account, name=account.name_masked, groups=links_for(account))
