"""Papers of people who do not exist, drawn on demand: the register of a household, and certificates of birth.

They have the rows and labels of the real forms, so that whoever tries the platform can upload them; and a mark on
every page, so that nobody takes one for a real paper.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from noto_cjk_sans_otc import FONT_PATH
from PIL import Image, ImageDraw, ImageFont

from yibao.sandbox.world import Person
from yibao.sandbox.world.families import HOUSEHOLDS, Household, complete, register

MARK = "测试样本 无效"
_WIDTH, _HEIGHT = 1240, 860
_INK, _RED, _PAPER = (25, 25, 35), (205, 40, 40), (252, 249, 238)
_PLACE = "示例省示例市示例区"

Cell = tuple[str, str, int]
"""A label, what stands beside it, and how many of a row's twelve columns both take."""


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody as a paper names them; the dates and numbers are the world's, so nobody's."""

    name: str
    gender: str  # gend
    birth_on: date
    cert_no: str


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_PATH), size)


def register_head(*, number: str, head: str) -> bytes:
    """Draw the first page of a household register (户口簿首页) as PNG."""
    return _form(
        "居民户口簿",
        (
            (("户别", "家庭户", 5), ("户主姓名", head, 7)),
            (("户号", number, 5), ("住址", f"{_PLACE}一号", 7)),
            (("登记机关", "示例派出所（样本）", 12),),
            (("签发日期", _day(date(2020, 1, 1)), 12),),
        ),
    )


def register_member(person: Named, *, relation: str) -> bytes:
    """Draw somebody's page of a household register (常住人口登记卡) as PNG."""
    return _form(
        "常住人口登记卡",
        (
            (("姓名", person.name, 6), ("户主或与户主关系", relation, 6)),
            (("曾用名", "", 6), ("性别", _gender(person), 6)),
            (("出生地", _PLACE, 6), ("民族", "汉", 6)),
            (("籍贯", "示例省", 6), ("出生日期", _day(person.birth_on), 6)),
            (("公民身份号码", person.cert_no, 7), ("身高", "", 3), ("血型", "", 2)),
            (("文化程度", "", 4), ("婚姻状况", "", 4), ("兵役状况", "", 4)),
            (("服务处所", "", 6), ("职业", "", 6)),
            (("登记日期", _day(date(2020, 1, 1)), 12),),
        ),
    )


def birth_certificate(child: Named, *, mother: Named | None, father: Named | None, number: str) -> bytes:
    """Draw a certificate of birth (出生医学证明) as PNG."""
    rows: list[tuple[Cell, ...]] = [
        (("新生儿姓名", child.name, 5), ("性别", _gender(child), 3), ("出生孕周", "39周", 4)),
        (("出生日期", _day(child.birth_on), 7), ("体重", "3200克", 5)),
        (("出生地", _PLACE, 12),),
    ]
    for label, parent in (("母亲", mother), ("父亲", father)):
        if parent is not None:
            rows.append(((f"{label}姓名", parent.name, 5), ("国籍", "中国", 3), ("民族", "汉族", 4)))
            rows.append((("有效身份证件号码", parent.cert_no, 12),))
    rows.append((("出生证编号", number, 6), ("签发日期", _day(child.birth_on), 6)))
    return _form("出生医学证明", rows)


def _gender(person: Named) -> str:
    return {"1": "男", "2": "女"}[person.gender]


def _day(on: date) -> str:
    return f"{on.year}年{on.month:02d}月{on.day:02d}日"


def _form(title: str, rows: Sequence[Sequence[Cell]]) -> bytes:
    page = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    pen = ImageDraw.Draw(page)
    for x in (180, _WIDTH - 180):
        pen.text((x, 62), MARK, font=_font(36), fill=_RED, anchor="mm")
    pen.text((_WIDTH // 2, _HEIGHT - 20), f"{MARK} · 虚构的人员", font=_font(26), fill=_RED, anchor="mm")
    pen.text((_WIDTH // 2, 62), title, font=_font(50), fill=_INK, anchor="mm")
    left, top, width, height = 60, 120, _WIDTH - 120, (_HEIGHT - 160) // max(len(rows), 5)
    for row in rows:
        x = left
        for label, value, columns in row:
            wide = width * columns // 12
            pen.rectangle((x, top, x + wide, top + height), outline=_INK, width=2)
            pen.text((x + 14, top + height // 2), label, font=_font(26), fill=(110, 60, 60), anchor="lm")
            labelled = x + 14 + pen.textlength(label, font=_font(26)) + 26
            pen.text((labelled, top + height // 2), value, font=_font(32), fill=_INK, anchor="lm")
            x += wide
        top += height
    return _png(page)


def _png(page: Image.Image) -> bytes:
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


# On the start page.


@dataclass(frozen=True, slots=True)
class Page:
    """A paper that can be downloaded; it is drawn when somebody does."""

    name: str
    title: str
    draw: Callable[[], bytes]


def pages(people: Sequence[Person]) -> list[Page]:
    """Return the papers of the families that this world holds whole."""
    return [page for household in HOUSEHOLDS if complete(household, people) for page in _of(household, people)]


def _of(household: Household, people: Sequence[Person]) -> list[Page]:
    members = register(household, people)
    head, spouse, youngest = members[0][0], members[1][0], members[-1][0]
    mother = next((one for one in (head, spouse) if one.gender == "2"), None)
    father = next((one for one in (head, spouse) if one.gender == "1"), None)
    first = partial(register_head, number=household.number, head=head.name)
    birth = partial(
        birth_certificate,
        _named(youngest),
        mother=_named(mother) if mother else None,
        father=_named(father) if father else None,
        number=household.birth_number,
    )
    return [
        Page(f"{household.name}-head", f"户口簿首页（户主{head.name}）", first),
        *(
            Page(
                f"{household.name}-{number}",
                f"户口簿 {person.name}（{relation}）",
                partial(register_member, _named(person), relation=relation),
            )
            for number, (person, relation) in enumerate(members, 1)
        ),
        Page(f"{household.name}-birth", f"出生医学证明 {youngest.name}", birth),
    ]


def _named(person: Person) -> Named:
    return Named(person.name, person.gender, person.birth_on, person.cert_no)


def paper_routes(papers: Sequence[Page]) -> Router:
    by_name = {page.name: page for page in papers}

    @get("/{name:str}", sync_to_thread=True)
    def draw(name: FromPath[str]) -> Response[bytes]:
        page = by_name.get(name.removesuffix(".png"))
        if page is None:
            raise NotFoundException
        return Response(page.draw(), media_type="image/png")

    return Router("/papers", route_handlers=[draw])
