"""Papers as an engine reads them, for tests that need no engine."""

import math
from datetime import date

from yibao.paper import Line
from yibao.paper.types import Point

Part = tuple[str, float, float]
"""A text, how far to the right it stands, and how certain it was read."""


def lines(*rows: tuple[Part, ...], slope: float = 0.0, turns: int = 0) -> list[Line]:
    """Lay texts out on a page: a row every 60 points, a character 30 points wide; askew, and turned by quarters."""
    made = []
    for number, row in enumerate(rows):
        for text, left, score in row:
            top, width = 100 + 60 * number, 30 * len(text)
            corners: list[Point] = [(left, top), (left + width, top), (left + width, top + 40), (left, top + 40)]
            turned: list[Point] = []
            for x, y in corners:
                x, y = x * math.cos(slope) - y * math.sin(slope), x * math.sin(slope) + y * math.cos(slope)
                for _ in range(turns):
                    x, y = y, -x
                turned.append((x, y))
            a, b, c, d = turned
            made.append(Line(text, (a, b, c, d), score))
    return made[::-1]  # In no order that means anything.


def member_page(
    name: str, cert_no: str, birth_on: date, *, gender: str, relation: str, score: float = 0.98
) -> list[Line]:
    """Return somebody's page of a household register; `score` is how well the name was read."""
    sex = {"1": "男", "2": "女"}[gender]
    return lines(
        (("常住人口登记卡", 300, 1.0),),
        (("姓名", 0, 0.99), (name, 150, score), ("户主或与户主关系", 500, 0.99), (relation, 800, 0.97)),
        ((f"性别{sex}", 500, 0.98),),
        ((f"出生日期{birth_on:%Y年%m月%d日}", 500, 0.99),),
        ((f"公民身份号码{cert_no}", 0, 0.99),),
    )


def birth_page(
    name: str, birth_on: date, *, gender: str, mother: tuple[str, str], father: tuple[str, str], number: str
) -> list[Line]:
    """Return a certificate of birth; the parents are names and numbers."""
    sex = {"1": "男", "2": "女"}[gender]
    return lines(
        (("出生医学证明", 300, 1.0),),
        ((f"新生儿姓名{name}", 0, 0.99), (f"性别{sex}", 500, 1.0)),
        ((f"出生日期{birth_on:%Y年%m月%d日}", 0, 0.98),),
        ((f"母亲姓名{mother[0]}", 0, 0.95),),
        ((f"有效身份证件号码{mother[1]}", 0, 0.99),),
        ((f"父亲姓名{father[0]}", 0, 0.97),),
        ((f"有效身份证件号码{father[1]}", 0, 0.99),),
        ((f"出生证编号{number}", 0, 1.0),),
    )
