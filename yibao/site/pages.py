"""首页, 服务, 参保情况 and 个人账户."""

from typing import Annotated

from litestar import Router, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao import credential, ledger, registry
from yibao.core.clock import Clock, day_of
from yibao.core.database import Pool
from yibao.service import family, message
from yibao.settlement import queries
from yibao.settlement.pages import payer_of
from yibao.settlement.slip import INSURANCE_NAMES
from yibao.site import reference
from yibao.site.words import KINDS, STATES
from yibao.web.principal import SignedIn, anyone, clerk, insured

YEAR_MIN, YEAR_MAX = 2000, 2100  # Personal accounts are younger; what is asked for beyond is a slip of the finger.


class Service(Struct, frozen=True):
    """A service under the name that the public systems gave it."""

    name: str
    path: str
    what: str = ""


SERVICES = (
    (
        "公共服务",
        (
            Service("用户认证", "/me/bind", "实名认证，用社会保障卡绑定医保关系"),
            Service("我的家庭成员", "/family", "亲情账户、儿童医保电子码：出示家人的医保码"),
            Service("解除绑定", "/services/unbind", "所有手机上的医保码即时失效"),
            Service("我的授权", "/me/authorisations", "谁可以读取我的信息、到什么时候，随时撤回"),
            Service("单位码", "/unit-code", "单位的经办人用来登录单位网页"),
            Service("渠道与设备", "/me/channels", "在哪些渠道和手机上激活了，逐个解绑"),
        ),
    ),
    (
        "医保金服务",
        (
            Service("医保码", "/code", "就医、购药时出示"),
            Service("待缴费", "/bills", "药店、医院发来的账单"),
            Service("医保就医明细费用", "/records", "每一笔付了多少、为什么"),
        ),
    ),
    (
        "查询",
        (
            Service("参保情况", "/insurance", "在哪里参保、缴费到什么时候"),
            Service("个人账户余额 / 收支明细", "/account"),
            Service("消息", "/messages"),
            Service("定点医院药店", "/where", "哪里能用医保码、要带什么；不用登录"),
            Service("费用预估", "/preview", "去哪里看病自己付得少；不用登录"),
            Service("政策查询", "/policy", "哪种情况报销多少、依据是什么；不用登录"),
        ),
    ),
    (
        "帮助",
        (
            Service("提示是什么意思", "/help/errors", "原因、现在怎么办、问谁；不用登录"),
            Service("这部手机能不能用", "/help/phone", "缺什么、怎么办；不用登录"),
            Service("下载与入口", "/get", "放到手机桌面、海报；不用登录"),
            Service("帮助", "/help", "常见问题和电话"),
        ),
    ),
)


# What clerks do, listed on the console's start page.
CONSOLE: tuple[tuple[str, tuple[Service, ...]], ...] = (
    ("待办", (Service("儿童码监护核对", "/console/family", "户口簿、出生证与登记不一致的申请"),)),
    ("单位", (Service("单位与单位码", "/console/units", "登记单位，手机丢失时解绑单位码"),)),
    (
        "医保码",
        (
            Service("渠道准入", "/console/channels", "申请、公钥、功能、客服热线、暂停"),
            Service("医保码解绑", "/console/credentials", "手机丢失、来电来窗口的，核对身份后办"),
        ),
    ),
    (
        "窗口",
        (
            Service("窗口实名认证", "/console/names", "人脸、银联都办不了的，核对本人和证件后实名；换证件"),
            Service("账户手机号", "/console/phones", "核对证件后更换、解绑手机号，退出登录"),
        ),
    ),
    (
        "亲情账户",
        (
            Service("添加家庭成员", "/console/family/add", "老人、孩子和家人到窗口，核对证件后添加"),
            Service("移除家庭成员", "/console/family/end", "本人到窗口，不再让家人出示医保码"),
        ),
    ),
)


@get("/", guards=[anyone])
async def home(request: SignedIn, pool: Pool, clock: Clock) -> Template:
    who = request.auth
    person_id = who.person_id if who else None
    if person_id is None:
        return Template("site/welcome.html", context={"signed_in": who is not None})
    holder = await credential.holder(pool, person_id)
    return Template(
        "site/home.html",
        context={
            "place_name": await registry.region_name(pool, holder.place) if holder else None,
            "activated": holder is not None and holder.agreed_at is not None,
            "bills": len(await queries.bills_waiting(pool, await payer_of(request, pool), at=clock())),
            "unread": await message.unread(pool, person_id),
        },
    )


@get("/services", guards=[anyone])
async def services() -> Template:
    return Template("site/services.html", context={"groups": SERVICES})


@get("/console", guards=[clerk])
async def console(request: SignedIn, pool: Pool, clock: Clock) -> Template:
    """List what clerks do, with how much waits for those of this place. One statement."""
    todo = await family.todo(pool, place=request.auth.institution, on=day_of(clock()))
    return Template("site/console.html", context={"groups": CONSOLE, "todo": {"/console/family": todo}})


@get("/insurance", guards=[insured])
async def insurance(request: SignedIn, pool: Pool, clock: Clock) -> Template | Redirect:
    """参保情况 (D1)."""
    person_id = request.auth.person_id
    if person_id is None:
        return Redirect("/me/bind?next=/insurance", status_code=303)
    relations = await registry.relations(pool, person_id)
    return Template(
        "site/insurance.html",
        context={
            "relations": relations,
            "places": await _place_names(pool, relations),
            "insurances": INSURANCE_NAMES,
            "kinds": KINDS,
            "states": STATES,
            "today": day_of(clock()),
        },
    )


async def _place_names(pool: Pool, relations: list[registry.Insurance]) -> dict[str, str]:
    places = dict.fromkeys(relation.place for relation in relations)
    return {place: await registry.region_name(pool, place) or place for place in places}


@get("/account", guards=[insured])
async def account(
    request: SignedIn,
    pool: Pool,
    clock: Clock,
    place: FromQuery[str] = "",
    year: Annotated[int | None, QueryParameter(ge=YEAR_MIN, le=YEAR_MAX)] = None,
) -> Template | Redirect:
    """个人账户余额 and 收支明细 by year (D2), of the newest insurance with an account unless another place is named."""
    person_id = request.auth.person_id
    if person_id is None:
        return Redirect("/me/bind?next=/account", status_code=303)
    names = await _place_names(pool, await registry.relations(pool, person_id))
    balances = {code: await ledger.balance(pool, person_id, code) for code in names}
    held = {code: fen for code, fen in balances.items() if fen is not None}
    chosen = place if place in held else next(iter(held), "")
    this_year = day_of(clock()).year
    shown_year = year or this_year
    movements = await ledger.statement(pool, person_id, chosen, year=shown_year) if chosen else []
    paid_in = sum(movement.amount_fen for movement in movements if is_contribution(movement))
    return Template(
        "site/account.html",
        context={
            "names": names,
            "held": held,
            "chosen": chosen,
            "year": shown_year,
            "year_min": YEAR_MIN,
            "this_year": this_year,
            "movements": [(movement, label(movement), institution_of(movement)) for movement in movements],
            "paid_in_fen": paid_in,
            "spent_fen": paid_in - sum(movement.amount_fen for movement in movements),
            "institutions": await registry.institution_names(pool, filter(None, map(institution_of, movements))),
        },
    )


def is_contribution(movement: ledger.Movement) -> bool:
    return movement.other.startswith("contributions:")


def institution_of(movement: ledger.Movement) -> str:
    """Return the code of the institution on the other side; empty where there is none."""
    kind, _, code = movement.other.partition(":")
    return code if kind == "institution" else ""


def label(movement: ledger.Movement) -> str:
    if is_contribution(movement):
        return "划入"
    return "结算支出" if movement.amount_fen < 0 else "结算退回"


@get("/docs/errors", guards=[anyone])
async def errors(request: SignedIn) -> Template:
    """Show every refusal; problem documents of the API point here."""
    return Template("site/errors.html", context={"rooms": reference.refusals()})


routes = [Router("/", route_handlers=[home, services, console, insurance, account, errors])]
