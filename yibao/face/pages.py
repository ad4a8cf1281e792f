"""The check in the browser: consent, the live camera, reading digits, photographs without a script, and how it ended.

The live page only captures: what is asked, what was seen and whether it was enough is decided here, so an old phone
needs no more than a camera. Every page also works as a plain form, with photographs in place of the camera.
"""

import re
from itertools import accumulate
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, RawBody, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import Struct

from yibao.core.clock import Clock
from yibao.core.masks import masked_name
from yibao.core.refusal import Refusal
from yibao.face import challenge, refusals
from yibao.face.booth import MODES, Booth, Check
from yibao.face.challenge import Action, Mode, State
from yibao.web.principal import SignedIn, anyone, area_of, device_of
from yibao.web.problem import on_refusal
from yibao.web.refusals import Malformed

PHOTO_SIZE_MAX = 12 * 1024 * 1024  # What the camera of a new phone makes of one picture.
WINDOW_FRAMES_MAX = 6
LEAD_SECONDS_MAX = 1.0
_SERIAL = re.compile("[0-9]{1,9}")

Form = URLEncodedBody[dict[str, str]]
Multipart = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]

PURPOSES = {
    "real_name": "实名认证",
    "reset_login": "重设登录密码",
    "reset_pay": "重设交易密码",
    "change_phone": "更换手机号",
    "activate": "激活医保码",
    "unbind": "解除绑定",
    "elder": "家人代办激活",
    "till": "定点机构刷脸",
}
# Of these neither the light nor another movement is the cause: the camera would end the same way again.
BY_NAME, BY_PHOTO = ("identity_unknown", "name_differs"), ("photo_missing", "photo_unclear")
TYPED = ("real_name", "reset_login", "change_phone", "activate", "till")  # Where the name can be put right.
NAMES: dict[Mode, str] = {"camera": "按提示做动作", "digits": "读数字验证", "photos": "拍照验证"}
LIVE: dict[Action, str] = {
    "blink": "请慢慢眨一下眼睛",
    "mouth": "请张开嘴，停一下",
    "left": "请慢慢向左转头，再转回来",
    "right": "请慢慢向右转头，再转回来",
}
STILL: dict[Action, str] = {
    "blink": "请闭上眼睛，拍一张",
    "mouth": "请张大嘴，正对镜头拍一张",
    "left": "请把头转向您的左边，拍一张",
    "right": "请把头转向您的右边，拍一张",
}


class Progress(Struct, frozen=True):
    """What the live page shows after a frame."""

    serial: int
    step: str
    say: str
    cause: str = ""
    digit: str = ""
    done: int = 0
    left_seconds: int = 0
    ended: bool = False


def asked(state: State) -> str:
    """Return what the person should do now."""
    match state.phase:
        case "settle":
            return "请正对镜头拍一张" if state.stills else "请正对屏幕，把脸放进框里"
        case "act":
            return (STILL if state.stills else LIVE)[state.asked]
        case "read":
            return "看到数字就大声读出来"
        case "look":
            return "请再正对镜头拍一张" if state.stills else "请正对屏幕，睁开眼睛，保持不动"
    return "正在核对，请稍候"


def said(state: State) -> tuple[str, str]:
    """Return the cause to tell, if one persists, and the sentence for the person."""
    cause = challenge.persisting(state)
    if cause is not None:
        kind = refusals.OUTCOMES[cause]
        return cause, f"{_short(kind.title)}。{kind.remedy}"
    if state.compared and state.phase == "look":
        return "pending", "公安人像服务没有应答，正在再次核对，请保持正对屏幕"
    if state.reason is not None:
        return state.reason, f"{_short(refusals.OUTCOMES[state.reason].title)}。{asked(state)}"
    return "", asked(state)


def _short(title: str) -> str:
    return title.rpartition("：")[2]


def _progress(check: Check, clock: Clock) -> Progress:
    state = check.state
    if state is None:
        return Progress(check.serial, "over", "正在打开结果", ended=True)
    cause, say = said(state)
    return Progress(
        check.serial,
        state.phase,
        say,
        cause=cause,
        digit=state.digit if state.phase == "read" else "",
        done=state.done,
        left_seconds=max(0, round((challenge.ends_at(state) - clock()).total_seconds())),
    )


def _stopped(refusal: Refusal, serial: int) -> Response[Progress]:
    """Answer a script with a refusal: what lets it go on is said in place, anything else is shown by the page."""
    goes_on = isinstance(refusal, refusals.TooBusy | refusals.PictureUnreadable)
    progress = Progress(
        serial, "", f"{refusal.title}。{refusal.remedy_text}", cause=refusal.code.partition(".")[2], ended=not goes_on
    )
    return Response(progress, status_code=refusal.status)


def _back(back: str, **told: str) -> str:
    return f"{back}{'&' if '?' in back else '?'}{urlencode(told)}"


def _page(check: Check, booth: Booth, refusal: Refusal | None = None) -> Template:
    state = check.state
    context: dict[str, Any] = {
        "check": check,
        "refusal": refusal,
        "outcome": None,
        "purpose": PURPOSES[check.purpose],
        "back": _back(check.back, again=check.check_id),
        "at_till": check.at_till,
        "whose": masked_name(check.subject.name),
        "names": NAMES,
    }
    status = refusal.status if refusal else 200
    if not check.consented:
        return Template("face/consent.html", context=context, status_code=status)
    if state is None:
        outcome = refusals.OUTCOMES.get(check.outcome or "")
        context |= {
            "outcome": outcome() if outcome else None,
            "in_vain": check.outcome in BY_NAME + BY_PHOTO,
            "by_name": check.outcome in BY_NAME and check.purpose in TYPED,
        }
        return Template("face/choose.html", context=context, status_code=status)
    cause, say = said(state)
    context |= {
        "state": state,
        "say": say,
        "cause": cause,
        "ask": asked(state),
        "steps": challenge.DIGITS if state.mode == "digits" else challenge.ACTIONS,
        "listens": booth.listens,
    }
    return Template("face/photos.html" if state.stills else "face/live.html", context=context, status_code=status)


@get("/{check_id:str}")
async def show(check_id: FromPath[str], request: SignedIn, booth: Booth, clock: Clock) -> Template | Redirect:
    check = await booth.view(check_id, device=device_of(request), at=clock())
    if check.passed:
        return Redirect(_back(check.back, face=check_id), status_code=303)
    return _page(check, booth)


@post("/{check_id:str}/consent", status_code=200)
async def consent(
    check_id: FromPath[str], data: Form, request: SignedIn, booth: Booth, clock: Clock
) -> Template | Redirect:
    device, at = device_of(request), clock()
    if data.get("agreed") != "1":
        return _page(await booth.view(check_id, device=device, at=at), booth, refusals.ConsentMissing())
    await booth.consent(check_id, device=device, at=at)
    return Redirect(f"/face/{check_id}", status_code=303)


@post("/{check_id:str}/start", status_code=200)
async def start(
    check_id: FromPath[str], data: Form, request: SignedIn, booth: Booth, clock: Clock
) -> Template | Redirect:
    device, at = device_of(request), clock()
    mode = next((each for each in MODES if each == data.get("mode")), None)
    if mode is None:
        raise Malformed(what="没有选择验证方式。")
    try:
        await booth.start(check_id, mode=mode, device=device, at=at)
    except (refusals.FaceMissing, refusals.CheckEnded):
        raise
    except Refusal as refusal:
        return _page(await booth.view(check_id, device=device, at=at), booth, refusal)
    return Redirect(f"/face/{check_id}", status_code=303)


@post("/{check_id:str}/stop")
async def stop(check_id: FromPath[str], request: SignedIn, booth: Booth, clock: Clock) -> Redirect:
    return Redirect(await booth.stop(check_id, device=device_of(request), at=clock()), status_code=303)


@post("/{check_id:str}/frame", status_code=200)
async def frame(
    check_id: FromPath[str],
    nonce: FromQuery[str],
    serial: FromQuery[int],
    body: RawBody,
    request: SignedIn,
    booth: Booth,
    clock: Clock,
) -> Response[Progress]:
    """Take one frame of the camera, the JPEG being the body, and tell what to show next."""
    try:
        check = await booth.frame(
            check_id, nonce=nonce, serial=serial, picture=body, device=device_of(request), at=clock()
        )
    except Refusal as refusal:
        return _stopped(refusal, serial)
    return Response(_progress(check, clock))


@post("/{check_id:str}/window", status_code=200)
async def window(
    check_id: FromPath[str],
    nonce: FromQuery[str],
    serial: FromQuery[int],
    rate: FromQuery[int],
    lead: FromQuery[float],
    sizes: FromQuery[str],
    body: RawBody,
    request: SignedIn,
    booth: Booth,
    clock: Clock,
) -> Response[Progress]:
    """Take what was recorded while one digit was shown.

    The body is 16-bit PCM from `lead` seconds before the digit, and behind it JPEG frames; `sizes` tells them apart.
    """
    try:
        sound, *frames = _parts(body, sizes)
        if len(frames) > WINDOW_FRAMES_MAX or not 0 <= lead <= LEAD_SECONDS_MAX:
            raise ValueError("more than a window")
        check = await booth.window(
            check_id,
            nonce=nonce,
            serial=serial,
            sound=sound,
            rate=rate,
            lead_seconds=lead,
            pictures=frames,
            device=device_of(request),
            at=clock(),
        )
    except ValueError:
        return _stopped(Malformed(what="录音不完整。"), serial)
    except Refusal as refusal:
        return _stopped(refusal, serial)
    return Response(_progress(check, clock))


def _parts(body: bytes, sizes: str) -> list[bytes]:
    """Return the parts of a body whose sizes are given as `51200,18000`; ValueError if they are not its own."""
    lengths = [int(size) for size in sizes.split(",")]
    if min(lengths) < 0 or sum(lengths) != len(body):
        raise ValueError("not the sizes of this body")
    ends = list(accumulate(lengths))
    return [body[end - length : end] for end, length in zip(ends, lengths, strict=True)]


@post("/{check_id:str}/photo", status_code=200, request_max_body_size=PHOTO_SIZE_MAX)
async def photo(
    check_id: FromPath[str], data: Multipart, request: SignedIn, booth: Booth, clock: Clock
) -> Template | Redirect:
    device, at = device_of(request), clock()
    given, nonce, serial = data.get("photo"), data.get("nonce"), data.get("serial")
    if not isinstance(given, UploadFile) or not isinstance(nonce, str) or not _SERIAL.fullmatch(str(serial)):
        raise Malformed(what="没有选择照片。")
    try:
        check = await booth.frame(
            check_id,
            nonce=nonce,
            serial=int(str(serial)),
            picture=await given.read(),
            device=device,
            at=at,
            patient=True,
        )
    except (refusals.PictureUnreadable, refusals.TooBusy) as refusal:
        return _page(await booth.view(check_id, device=device, at=at), booth, refusal)
    if check.state is not None and (cause := challenge.persisting(check.state)) is not None:
        return _page(check, booth, refusals.OUTCOMES[cause]())
    return Redirect(f"/face/{check_id}", status_code=303)


def _ended(request: SignedIn, refusal: refusals.CheckEnded) -> Response[Any]:
    """Lead from a check whose time is over back to the till that began it, which says so; the phone is told here."""
    back = str(refusal.facts.get("back", ""))
    if area_of(back) != "/till":
        return on_refusal(request, refusal)
    return Redirect(_back(back, face=request.path_params["check_id"]), status_code=303)


routes = [
    Router(
        "/face",
        route_handlers=[show, consent, start, stop, frame, window, photo],
        guards=[anyone],
        exception_handlers={refusals.CheckEnded: _ended},
    )
]
