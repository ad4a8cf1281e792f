"""帮助, open to everybody: what a text means (A8), what a phone can do (F6), how to get here and stay (A12)."""

import re
from collections.abc import Iterable
from urllib.parse import urlencode

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct

from yibao import credential
from yibao.core.database import Pool
from yibao.credential import draw
from yibao.service import directory
from yibao.site import trouble
from yibao.site.icons import ICONS, png
from yibao.web.principal import DEVICE_COOKIE, SignedIn, anyone


class Entry(Struct, frozen=True):
    """A way to the platform that posters lead to: how it is called, what one does there, and where it is."""

    name: str
    steps: tuple[str, ...]
    address: str = ""  # A channel's own; our own page is named by the request.


WEB = Entry("手机网页", ("用手机相机或浏览器扫一扫", "注册，做一次实名认证", "绑定医保关系，激活医保码"))


def entry_of(channel: credential.Channel) -> Entry:
    """Return a channel's entry as a poster tells it."""
    way = f"，或打开{channel.name}：{channel.way}" if channel.way else ""
    card = (f"先在{channel.name}绑定您本人的银行卡",) if channel.own_bank_card else ()
    scan = f"用手机相机或{channel.name}扫一扫{way}"
    return Entry(channel.name, (scan, *card, "选参保地，刷脸确认是本人，激活医保码，不用卡号"), channel.address)


def _entries(channels: Iterable[credential.Channel]) -> dict[str, Entry]:
    """Return the entries that have posters, ours first: a channel whose app has to be opened has no address to scan."""
    return {"web": WEB, **{channel.code: entry_of(channel) for channel in channels if channel.address}}


class Check(Struct, frozen=True):
    """Something that a phone may lack: what it is for, and what to do without it."""

    key: str
    name: str
    use: str
    without: str


CHECKS = (
    Check(
        "script",
        "页面脚本",
        "医保码到点自动更新、摄像头、定位。",
        "医保码整页自动刷新；人脸识别改为拍照上传；找机构改为选地区。都能办，只是多点几下。"
        "想打开：浏览器设置 › 网站设置 › JavaScript。",
    ),
    Check(
        "secure",
        "加密连接",
        "摄像头、麦克风、定位只在加密的网址上开放。",
        "看网址是不是以 https 开头；不是的，重新扫官方海报上的二维码进入，不要用别人转发的网址。",
    ),
    Check(
        "cookie",
        "Cookie",
        "登录后记住您，按大字版显示。",
        "浏览器设置 › 隐私，允许 Cookie；用“无痕”方式打开的，关掉无痕再来。",
    ),
    Check(
        "camera",
        "摄像头",
        "人脸识别。",
        "系统设置 › 应用 › 浏览器 › 权限，允许相机；在微信、支付宝里打不开的，改用手机自带的浏览器。"
        "没有摄像头的，可以上传照片，或用银联认证，或到窗口办理。",
    ),
    Check(
        "microphone",
        "麦克风",
        "人脸识别时读数字（可以不选这种方式）。",
        "系统设置 › 应用 › 浏览器 › 权限，允许麦克风；也可以不读数字，改做动作。",
    ),
    Check(
        "location",
        "定位",
        "按距离找医院和药店。",
        "系统设置里打开位置信息，并允许浏览器使用；也可以直接选城市和地区。",
    ),
    Check(
        "lock",
        "屏幕锁",
        "手机丢了，别人打不开您的医保码。",
        "系统设置 › 安全 › 屏幕锁定，设密码、指纹或面容。"
        "医保码页面有“用锁屏保护医保码”的，点一下，以后先用锁屏再打开医保码。",
    ),
)

_SYSTEMS = (
    ("Android", re.compile(r"Android (\d{1,3})(?:\.(\d{1,3}))?"), (5, 0)),
    ("iOS", re.compile(r"OS (\d{1,3})[_.](\d{1,3})[\d_]* like Mac OS X"), (9, 2)),
)


def system_of(user_agent: str) -> tuple[str, bool] | None:
    """Return the phone's system with its version, and whether it is new enough; nothing if the browser does not say."""
    for name, pattern, oldest in _SYSTEMS:
        if found := pattern.search(user_agent):
            version = (int(found[1]), int(found[2] or 0))
            return f"{name} {version[0]}.{version[1]}", version >= oldest
    return None


@get("/help")
async def index() -> Template:
    return Template("site/help.html")


@get("/help/errors")
async def errors(q: FromQuery[str] = "") -> Template:
    """Say what a text means that somebody saw, here or elsewhere."""
    published, ours = trouble.explained(q)
    return Template(
        "site/trouble.html",
        context={
            "q": "".join(each for each in q if each.isprintable())[: trouble.QUERY_MAX],
            "asked": bool(q.strip()),
            "published": published,
            "ours": ours,
            "all": trouble.explanations(),
            "fixed": trouble.fixed,
        },
    )


@get("/help/phone")
async def phone(request: SignedIn) -> Template:
    """Say what this phone can do: what the server sees is written in, the rest a script finds out."""
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    keeps_cookies = True if DEVICE_COOKIE in request.cookies else False if "again" in request.query_params else None
    return Template(
        "site/phone.html",
        context={
            "checks": CHECKS,
            "known": {"secure": secure, "cookie": keeps_cookies},
            "system": system_of(request.headers.get("user-agent", "")),
        },
    )


@get("/get")
async def entry(pool: Pool, place: FromQuery[str] = "") -> Template:
    """下载与入口: how to keep the platform on a home screen. `place` comes from a poster."""
    places, channels = await directory.places(pool), await credential.ways_to_activate(pool)
    return Template(
        "site/get.html",
        context={
            "places": {"": "不写地方", **places},
            "place": place if place in places else "",
            "channels": sorted(channels, key=lambda channel: not channel.address),  # First what a tap opens.
            "entries": {code: each.name for code, each in _entries(channels).items()},
        },
    )


@get("/get/poster")
async def poster(
    request: Request[object, object, State],
    pool: Pool,
    public_url: str,
    channel: FromQuery[str] = "web",
    place: FromQuery[str] = "",
) -> Template:
    """A page to print, whose QR code leads to the entry; for a place it says so. What is unknown leads to ours."""
    places = await directory.places(pool)
    chosen = _entries(await credential.ways_to_activate(pool)).get(channel, WEB)
    base = (public_url or str(request.base_url)).rstrip("/")
    address = chosen.address or f"{base}/get" + (f"?{urlencode({'place': place})}" if place in places else "")
    return Template(
        "site/poster.html",
        context={"entry": chosen, "place": places.get(place), "address": address, "qr": draw.qr(address)},
    )


def _icon(path: str, width: int, kind: str) -> HTTPRouteHandler:
    @get(path, include_in_schema=False)
    async def icon() -> Response[bytes]:
        return Response(png(width, kind), media_type="image/png")

    return icon


routes = [
    Router(
        "/",
        route_handlers=[index, errors, phone, entry, poster, *(_icon(*each) for each in ICONS)],
        guards=[anyone],
    )
]
