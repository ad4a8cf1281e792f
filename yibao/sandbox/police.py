"""The police bureau's photo service: the photo on record of the person with this name and certificate.

The protocol, which `yibao.face.police` speaks from the other side:

    POST /police/photo
    Authorization: YB-HMAC-SM3 <appid>:<hex HMAC-SM3 over "POST\\n/police/photo\\n<time>\\n<nonce>\\n<body>">
    x-yb-time: <whole seconds since 1970, UTC>
    x-yb-nonce: <the nonce in the body>
    {"name": "…", "cert_type": "…", "cert_no": "…", "nonce": "<32 hex digits>"}

`time` may be 300 seconds off, and a nonce is taken once. Answers: 200 with {"result": …, "nonce": …, "photo": …}, where
result is photo (then `photo` is base64 of a JPEG or PNG), identity_unknown, name_differs or photo_missing, signed in
X-Yibao-Signature with the hex HMAC-SM3 over "<nonce>\\n<body>"; 400 malformed; 401 wrong signature, time or nonce; 503
busy; 504 no answer to be had.

Nobody's portrait is shipped: a test person has no photo until a developer gives one, on the page or by PUT.
"""

import base64
import hmac
import io
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.enums import MediaType, RequestEncodingType
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.params import Body, FromPath, RawBody
from litestar.response import Redirect, Template
from PIL import Image

from yibao.core.clock import Clock
from yibao.core.gm import hmac_sm3
from yibao.sandbox.switches import Counterpart, Mode, Switches, accepted
from yibao.sandbox.world import Person

SKEW_MAX = timedelta(seconds=300)
NONCES_MAX = 10_000
PHOTO_SIZE_MAX = 6 * 1024 * 1024
PIXELS_MAX = 40_000_000
UNCLEAR_WIDTH = 36  # pixels; nobody can be told on it

COUNTERPART = Counterpart(
    name="police",
    title="公安人像服务",
    modes={
        Mode.AGREE: "答复上传的证件照片",
        Mode.NO_PHOTO: "答复没有照片",
        Mode.UNCLEAR: "答复缩得很小的照片",
        Mode.BUSY: "服务繁忙（503）",
        Mode.DELAY: "照常答复，应答推迟",
        Mode.LOSE: "应答丢失（推迟后 504）",
    },
)

_AUTHORIZATION = re.compile(r"YB-HMAC-SM3 ([0-9A-Za-z_-]{1,64}):([0-9a-f]{64})")
_CERT_NO = re.compile(r"[0-9A-Za-z()-]{4,40}")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    cert_type: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{2}\Z")]
    cert_no: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    nonce: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class Photos:
    """The photos on record, by certificate number: in memory, and in a folder for its owner alone if one is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._photos: dict[str, bytes] = {}
        if folder is not None and folder.is_dir():
            self._photos = {path.name: path.read_bytes() for path in folder.iterdir() if _CERT_NO.fullmatch(path.name)}

    def get(self, cert_no: str) -> bytes | None:
        return self._photos.get(cert_no)

    def put(self, cert_no: str, photo: bytes) -> None:
        """Keep this photo in place of the one there was."""
        self._photos[cert_no] = photo
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._folder / f".{secrets.token_hex(8)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(photo)
            draft.rename(self._folder / cert_no)

    def remove(self, cert_no: str) -> None:
        self._photos.pop(cert_no, None)
        if self._folder is not None:
            (self._folder / cert_no).unlink(missing_ok=True)

    def size(self, cert_no: str) -> str:
        """Return what the page says of a photo; empty where there is none."""
        photo = self._photos.get(cert_no)
        return "" if photo is None else "{} × {}".format(*Image.open(io.BytesIO(photo)).size)


def police_routes(
    *, people: Iterable[Person], photos: Photos, switches: Switches, app_id: str, secret: bytes, clock: Clock
) -> Router:
    """Return the photo service and the page where photos are given, under `/police`."""
    by_certificate = {person.cert_no: person for person in people}
    told = [person for person in by_certificate.values() if person.special]
    nonces: OrderedDict[str, None] = OrderedDict()

    def genuine(request: Request[Any, Any, Any], question: Question, body: bytes) -> bool:
        time, nonce = request.headers.get("x-yb-time", ""), request.headers.get("x-yb-nonce", "")
        given = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if given is None or given[1] != app_id or not re.fullmatch(r"[0-9]{1,11}", time) or nonce != question.nonce:
            return False
        signed = "\n".join(("POST", request.scope["path"], time, nonce, "")).encode() + body
        if not hmac.compare_digest(hmac_sm3(secret, signed).hex(), given[2]):
            return False
        if abs(clock().timestamp() - int(time)) > SKEW_MAX.total_seconds() or nonce in nonces:
            return False
        nonces[nonce] = None
        while len(nonces) > NONCES_MAX:
            nonces.popitem(last=False)
        return True

    def answer(nonce: str, result: str, photo: bytes = b"") -> Response[bytes]:
        told = msgspec.json.encode({"result": result, "nonce": nonce, "photo": base64.b64encode(photo).decode()})
        signature = hmac_sm3(secret, nonce.encode() + b"\n" + told).hex()
        return Response(told, media_type=MediaType.JSON, headers={"X-Yibao-Signature": signature})

    @post("/photo", status_code=200)
    async def photo_of(body: RawBody, request: Request[Any, Any, Any]) -> Response[Any]:
        question = accepted(body, Question)
        if not genuine(request, question, body):
            return Response({"code": "not_genuine"}, status_code=401)
        setting = switches.setting(COUNTERPART.name)
        if setting.mode is Mode.BUSY:
            return Response({"code": "busy"}, status_code=503)
        person = by_certificate.get(question.cert_no)
        photo = photos.get(question.cert_no)
        if not await switches.hold(COUNTERPART.name, setting):
            return Response({"code": "lost"}, status_code=504)
        if person is None or person.cert_type != question.cert_type:
            return answer(question.nonce, "identity_unknown")
        if person.name != question.name:
            return answer(question.nonce, "name_differs")
        if photo is None or setting.mode is Mode.NO_PHOTO:
            return answer(question.nonce, "photo_missing")
        return answer(question.nonce, "photo", _tiny(photo) if setting.mode is Mode.UNCLEAR else photo)

    def keep(cert_no: str, content: bytes) -> None:
        if cert_no not in by_certificate:
            raise NotFoundException("没有这个测试人员。")
        try:
            with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:
                if picture.width * picture.height > PIXELS_MAX:
                    raise ClientException("照片的像素过多。")
                picture.verify()
        except ClientException:
            raise
        except Exception:  # Decoders raise whatever a broken file makes them raise.
            raise ClientException("请上传 JPEG 或 PNG 照片。") from None
        photos.put(cert_no, content)

    def drop(cert_no: str) -> None:
        if cert_no not in by_certificate:
            raise NotFoundException("没有这个测试人员。")
        photos.remove(cert_no)

    def require_own_page(request: Request[Any, Any, Any]) -> None:
        # As with the switches: a page elsewhere must not act through the visitor's browser.
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise PermissionDeniedException("请在沙盒自己的页面上操作。")

    @get("/")
    async def page() -> Template:
        return Template("police.html", context={"people": [(each, photos.size(each.cert_no)) for each in told]})

    @post("/photos/{cert_no:str}", request_max_body_size=PHOTO_SIZE_MAX)
    async def give_by_form(
        cert_no: FromPath[str],
        data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
        request: Request[Any, Any, Any],
    ) -> Redirect:
        require_own_page(request)
        given = data.get("photo")
        if not isinstance(given, UploadFile):
            raise ClientException("没有选择照片。")
        keep(cert_no, await given.read())
        return Redirect("/police", status_code=303)

    @post("/photos/{cert_no:str}/remove")
    async def remove_by_form(cert_no: FromPath[str], request: Request[Any, Any, Any]) -> Redirect:
        require_own_page(request)
        drop(cert_no)
        return Redirect("/police", status_code=303)

    @put("/photos/{cert_no:str}", status_code=204, request_max_body_size=PHOTO_SIZE_MAX)
    async def give(cert_no: FromPath[str], body: RawBody) -> None:
        keep(cert_no, body)

    @delete("/photos/{cert_no:str}")
    async def remove(cert_no: FromPath[str]) -> None:
        drop(cert_no)

    return Router("/police", route_handlers=[photo_of, page, give_by_form, remove_by_form, give, remove])


def _tiny(photo: bytes) -> bytes:
    """Return the photo so small that nobody can be told on it."""
    picture = Image.open(io.BytesIO(photo)).convert("RGB")
    picture.thumbnail((UNCLEAR_WIDTH, UNCLEAR_WIDTH))
    drawn = io.BytesIO()
    picture.save(drawn, "JPEG", quality=40)
    return drawn.getvalue()
