"""What a phone keeps for when it has no network: one page, what it consists of, and the worker that shows it (F1)."""

import hashlib
import json
from functools import cache
from pathlib import Path

from litestar import Response, get
from litestar.params import FromQuery
from litestar.response import Template

import yibao
from yibao.credential.pages.shell import show
from yibao.web import palette
from yibao.web.assets import CHECKOUT
from yibao.web.principal import anyone

STATIC = Path(yibao.__file__).parent / "web" / "static"
PAGES = (
    Path(yibao.__file__).parent / "web" / "templates",
    Path(yibao.__file__).parent / "credential" / "templates",
)
FILES = (
    "/assets/weui.min.css",
    "/assets/sm3.js",
    "/assets/qrcode.js",
    "/assets/JsBarcode.code128.min.js",
    "/styles/old.css",
    "/static/yibao.css",
    "/static/standalone.js",
    "/static/lock.js",
    "/static/offline.js",
    "/static/code.js",
    "/static/icon.svg",
)


@get("/code/offline", guards=[anyone])
async def shell(sent: FromQuery[bool] = False) -> Template:
    """Show the page without anybody's data: whose code it is, is known to the phone alone.

    `sent` is the page for a form that was on its way when the network went.
    """
    return show("offline", sent=sent)


@get("/worker.js", guards=[anyone], media_type="text/javascript")
async def worker() -> Response[str]:
    """Return the worker. It lies at the top because it may answer only for what is below it."""
    return Response(_worker())


@cache
def _worker() -> str:
    """Return its script with a version that changes with anything that the phone keeps."""
    digest = hashlib.sha256((CHECKOUT / "package-lock.json").read_bytes())
    kept = [path for folder in (STATIC, *PAGES) for path in folder.rglob("*.*")]
    for file in sorted([*kept, Path(palette.__file__)]):
        digest.update(file.read_bytes())
    told = f"self.VERSION = 'yibao-{digest.hexdigest()[:16]}';\nself.FILES = {json.dumps(FILES)};\n"
    return told + (STATIC / "worker.js").read_text("utf-8")
