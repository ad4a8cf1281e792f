"""Lines on a picture, and the papers and people that they turn out to be."""

from datetime import date
from typing import Literal

from msgspec import Struct

Point = tuple[float, float]

Kind = Literal[
    "register_head",  # 居民户口簿首页
    "register_member",  # 常住人口登记卡
    "birth",  # 出生医学证明
    "marriage",  # 结婚证
    "id_card",  # 居民身份证
]

# As what somebody stands on a paper. Of a register's member, the relation to the head says more.
Role = Literal["head", "member", "child", "mother", "father", "spouse", "holder"]


class _OfAPaper(Struct, frozen=True):
    """What stands on somebody's paper, which shows nothing of itself in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class Line(_OfAPaper, frozen=True):
    """A line of text, the corners of the box around it, clockwise, and how certain the engine is, from 0 to 1."""

    text: str
    box: tuple[Point, Point, Point, Point]
    score: float


class Named(_OfAPaper, frozen=True):
    """Somebody whom a paper names; empty is what the paper does not say or nobody could read.

    `unsure` names the fields of which a character may be wrong.
    """

    role: Role
    name: str = ""
    gender: str = ""  # gend
    birth_on: date | None = None
    cert_no: str = ""
    relation: str = ""  # To the head of the household, as the register says it: 户主, 妻, 长子 …
    unsure: frozenset[str] = frozenset()


class Paper(_OfAPaper, frozen=True):
    """A paper as it was read. `number` is the register's, the certificate's or empty."""

    kind: Kind
    people: tuple[Named, ...]
    number: str = ""
    unsure: frozenset[str] = frozenset()
