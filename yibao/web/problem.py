"""Refusals on the wire: problem+json (RFC 9457) for the API, a page for people."""

import re
import secrets
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Template

from yibao.core.refusal import Refusal
from yibao.web import refusals
from yibao.web.principal import area_of

log = structlog.get_logger()

_MISSING = re.compile(r"Missing required \w+ parameter '([\w-]+)'")
PROBLEM_JSON = "application/problem+json; charset=utf-8"


def problem(refusal: Refusal) -> dict[str, object]:
    """Return a refusal as the members of a problem document."""
    return {
        "type": f"/docs/errors#{refusal.code}",
        "code": refusal.code,
        "status": refusal.status,
        "title": refusal.title,
        "detail": refusal.detail_text,
        "hint": refusal.hint_text,
        "remedy": refusal.remedy_text,
    }


def is_api(request: Request[Any, Any, Any]) -> bool:
    return request.url.path.startswith("/api/")


def answer(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    """Return what the caller sees of a refusal. A person who must sign in is led there and back."""
    if is_api(request):
        return Response(problem(refusal), status_code=refusal.status, media_type=PROBLEM_JSON)
    if isinstance(refusal, refusals.SignInFirst):
        door = area_of(request.url.path) + "/login"
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        there = asked if request.method == "GET" else "/"
        return Redirect(f"{door}?next={quote(there)}", status_code=303)
    return Template(
        template_name="web/refusal.html",
        context={"refusal": refusal, "area": area_of(request.url.path)},
        status_code=refusal.status,
        media_type=MediaType.HTML,
    )


def on_refusal(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    return answer(request, refusal)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Turn what the framework refuses into our own words. Its texts may repeat the input, so they stay here."""
    refusal: Refusal
    match error.status_code:
        case 401:
            refusal = refusals.SignInFirst()
        case 403:
            refusal = refusals.PageExpired()
        case status if status == 404 or (status == 400 and _cut_off(request, error)):
            refusal = refusals.NOT_FOUND_AT.get(area_of(request.url.path), refusals.NotFound)()
        case 405:
            refusal = refusals.MethodNotAllowed()
        case 413:
            refusal = refusals.TooLarge()
        case status if 400 <= status < 500:
            refusal = refusals.Malformed(what=_fields(error))
        case _:
            return on_error(request, error)
    return answer(request, refusal)


def _cut_off(request: Request[Any, Any, Any], error: HTTPException) -> bool:
    """Tell whether a person opened an address that no page of ours has: half a link, or one typed by hand."""
    entries = error.extra if isinstance(error.extra, list) else []
    wrong = any(isinstance(entry, dict) and entry.get("source") == "path" for entry in entries)
    return wrong and request.method == "GET" and not is_api(request)


def _fields(error: HTTPException) -> str:
    if missing := _MISSING.search(error.detail):
        return f"缺少 {missing[1]}。"
    extra = error.extra if isinstance(error.extra, list) else []
    names = sorted({str(entry.get("key")) for entry in extra if isinstance(entry, dict) and entry.get("key")})
    return f"字段 {'、'.join(names[:10])} 缺失或格式不对。" if names else "内容缺失或格式不对。"


def on_unreadable(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    """Refuse what no text or document can be: a NUL or half a character, nesting without end."""
    return answer(request, refusals.Malformed(what="内容含有无法识别的字符，或嵌套过深。"))


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer a failure that nobody anticipated. The log names its kind and place, never the values it carries."""
    number = secrets.token_hex(4)
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}:{code.co_name}")
        trace = trace.tb_next
    log.error(
        "unexpected",
        number=number,
        kind=type(error).__qualname__,
        sqlstate=getattr(error, "sqlstate", None),
        handler=str(request.scope.get("path_template", "")),
        frames=frames[-8:],
    )
    return answer(request, refusals.Unexpected(number=number))
