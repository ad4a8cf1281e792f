"""What each counterpart has been told to do: work, refuse, be busy, delay, lose or repeat.

A counterpart teaches most when it fails, so every one of them stands behind a switch that a person turns on a page and
a journey turns by JSON. The switches live in memory: a restarted sandbox works normally.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from litestar import Request, Router, get, post, put
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.params import FromPath, RawBody
from litestar.response import Redirect, Template

DELAY_SECONDS_MAX = 30


class Mode(StrEnum):
    """What a counterpart does with the next request."""

    AGREE = "agree"
    REFUSE = "refuse"
    BUSY = "busy"
    DELAY = "delay"
    LOSE = "lose"
    REPEAT = "repeat"
    NO_PHOTO = "no_photo"
    UNCLEAR = "unclear"


LABELS = {
    Mode.AGREE: "正常",
    Mode.REFUSE: "拒绝",
    Mode.BUSY: "繁忙",
    Mode.DELAY: "延迟",
    Mode.LOSE: "丢失应答",
    Mode.REPEAT: "重复",
    Mode.NO_PHOTO: "没有照片",
    Mode.UNCLEAR: "照片不清",
}

WAITING = (Mode.DELAY, Mode.LOSE)


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A program the platform talks to; `modes` says in Chinese what each mode it knows makes it do."""

    name: str
    title: str
    modes: Mapping[Mode, str]


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The position of one switch. Only `delay` and `lose` look at the seconds."""

    mode: Mode
    delay_seconds: Annotated[int, msgspec.Meta(ge=0, le=DELAY_SECONDS_MAX)] = 0


class State(msgspec.Struct, frozen=True):
    """A switch as it stands: its setting and how many answers it holds back at this moment."""

    mode: Mode
    delay_seconds: int
    held: int


class _Line:
    def __init__(self, counterpart: Counterpart) -> None:
        self.counterpart = counterpart
        self.setting = Setting(Mode.AGREE)
        self.turned = asyncio.Event()
        self.held = 0

    @property
    def state(self) -> State:
        return State(self.setting.mode, self.setting.delay_seconds, self.held)


class Switches:
    """The switches of all counterparts."""

    def __init__(self, counterparts: Iterable[Counterpart]) -> None:
        self._lines = {each.name: _Line(each) for each in counterparts}

    def states(self) -> list[tuple[Counterpart, State]]:
        """Return every counterpart with the state of its switch, in the order in which they were given."""
        return [(line.counterpart, line.state) for line in self._lines.values()]

    def state(self, name: str) -> State:
        """Return the state of one switch; KeyError for an unknown counterpart."""
        return self._lines[name].state

    def setting(self, name: str) -> Setting:
        """Return what the counterpart has been told; KeyError for an unknown one."""
        return self._lines[name].setting

    def turn(self, name: str, setting: Setting) -> None:
        """Tell the counterpart what to do from now on, and let go every answer that it still holds back.

        KeyError for an unknown counterpart, ValueError for a mode that it does not know.
        """
        line = self._lines[name]
        if setting.mode not in line.counterpart.modes:
            raise ValueError("this counterpart does not know the mode")
        line.setting = setting
        line.turned.set()
        line.turned = asyncio.Event()

    async def hold(self, name: str, setting: Setting) -> bool:
        """Hold an answer back as `setting` says, or until the switch is turned; tell whether it may then be given.

        A counterpart calls it after its work is done, with the setting it began under: a lost answer is one whose
        work was done.
        """
        if setting.mode in WAITING:
            line = self._lines[name]
            line.held += 1
            try:
                async with asyncio.timeout(setting.delay_seconds):
                    await line.turned.wait()
            except TimeoutError:
                pass  # The time is up: the answer goes, or is lost.
            finally:
                line.held -= 1
        return setting.mode is not Mode.LOSE


_T = TypeVar("_T")


def accepted(raw: object, shape: type[_T], *, strict: bool = True) -> _T:
    """Return `raw`, JSON bytes or a mapping of texts, in the given shape; 400 for anything that does not fit it.

    The answer never repeats what was sent.
    """
    try:
        if isinstance(raw, bytes):
            return msgspec.json.decode(raw, type=shape)
        return msgspec.convert(raw, shape, strict=strict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ClientException("请求的内容不符合约定。") from None


def switch_routes(switches: Switches) -> Router:
    """Return the page of buttons and the JSON that turn the switches, under `/switches`."""

    def turn(name: str, setting: Setting) -> None:
        try:
            switches.turn(name, setting)
        except KeyError:
            raise NotFoundException("没有这个对接方。") from None
        except ValueError:
            raise ClientException("这个对接方没有这种状态。") from None

    @get("/")
    async def page() -> Template:
        return Template(
            "switches.html",
            context={
                "lines": switches.states(),
                "labels": LABELS,
                "waiting": WAITING,
                "delay_seconds_max": DELAY_SECONDS_MAX,
            },
        )

    @get("/{name:str}")
    async def read(name: FromPath[str]) -> State:
        try:
            return switches.state(name)
        except KeyError:
            raise NotFoundException("没有这个对接方。") from None

    @put("/{name:str}")
    async def turn_by_json(name: FromPath[str], body: RawBody) -> State:
        turn(name, accepted(body, Setting))
        return switches.state(name)

    @post("/{name:str}")
    async def turn_by_form(name: FromPath[str], body: RawBody, request: Request[Any, Any, Any]) -> Redirect:
        # A page elsewhere must not turn switches through the visitor's browser; there is no session to hang a token on.
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise PermissionDeniedException("请在沙盒自己的页面上操作。")
        fields = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        turn(name, accepted(fields, Setting, strict=False))
        return Redirect("/switches", status_code=303)

    return Router("/switches", route_handlers=[page, read, turn_by_json, turn_by_form])
