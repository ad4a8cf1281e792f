"""From lines to a paper. Pure.

Papers are forms: a label and what stands beside it, in rows. An engine sometimes joins both into one line and
sometimes not, and gives lines in no order that means anything. So lines are put into rows by where they are, and a
row, read from left to right, is cut at the labels that are known. A page that lies on its side or upside down is read
in all four directions, and the one in which most can be found is taken.
"""

import math
import re
import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from yibao.paper.types import Kind, Line, Named, Paper, Point, Role

SURE = 0.85  # Below this score, a character of a line may be another.

_TITLES: tuple[tuple[str, Kind], ...] = (
    ("出生医学证明", "birth"),
    ("常住人口登记卡", "register_member"),
    ("居民户口簿", "register_head"),
    ("结婚证", "marriage"),
    ("居民身份证", "id_card"),
)
# What tells a paper whose title is cut off: labels that only it has.
_TELLING: tuple[tuple[frozenset[str], Kind], ...] = (
    (frozenset({"child"}), "birth"),
    (frozenset({"relation"}), "register_member"),
    (frozenset({"head", "household"}), "register_head"),
    (frozenset({"marriage"}), "marriage"),
    (frozenset({"address", "cert_no", "name"}), "id_card"),
)
# Printed labels that only end what stands before them.
_ENDING = (
    "曾用名", "民族", "出生地", "籍贯", "身高", "血型", "文化程度", "婚姻状况", "兵役状况", "服务处所", "职业",
    "宗教信仰", "登记日期", "签发日期", "户别", "登记机关", "出生孕周", "体重", "身长", "健康状况", "国籍",
    "年龄", "本市其他住址", "本市县其他住址", "何时由何地迁来本市", "何时由何地迁来本址", "承办人签章",
    "持证人", "接生机构名称", "出生地点分类", "签证机构", "备注",
)  # fmt: skip
# Printed labels → what they mean here.
_LABELS = {
    "新生儿姓名": "child",
    "婴儿姓名": "child",
    "母亲姓名": "mother",
    "父亲姓名": "father",
    "户主姓名": "head",
    "姓名": "name",
    "户主或与户主关系": "relation",
    "与户主关系": "relation",
    "户主关系": "relation",
    "户主或与": "relation",
    "性别": "gender",
    "出生日期": "birth_on",
    "出生时间": "birth_on",
    "出生证编号": "certificate",
    "出生医学证明编号": "certificate",
    "结婚证字号": "marriage",
    "有效身份证件号码": "cert_no",
    "身份证件号": "cert_no",
    "公民身份号码": "cert_no",
    "身份证号码": "cert_no",
    "身份证号": "cert_no",
    "户号": "household",
    "住址": "address",
    **dict.fromkeys(_ENDING, ""),
}
_LABEL = re.compile("|".join(sorted(_LABELS, key=len, reverse=True)) + "|出生(?=[0-9]{4}年)")
# Traditional and older forms that the engine writes where the paper has the plain one.
_PLAIN = str.maketrans("虛別內戶關係親號碼證籍歲爲為", "虚别内户关系亲号码证籍岁为为")
_AS_DIGITS = str.maketrans("OoQDIlｌ|ZzSsBb", "00001111225588")
_DIGITS = re.compile(r"[0-9OoQDIl|ZzSsBb]{17}[0-9XxOoIl]|[0-9]{15}")
_DATE = re.compile(r"([12][0-9]{3})[年./-]([0-9]{1,2})[月./-]([0-9]{1,2})")
_NOT_A_NAME = re.compile(r"[^㐀-鿿豈-﫿\U00020000-\U0003134f·A-Za-z]")
_DOTS = re.compile(r"[·•・‧．.]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_GENDERS = {"男": "1", "女": "2"}


class Found(Struct, frozen=True):
    """A label's meaning, what stands beside it, and the lowest score of the lines that it stands on."""

    meaning: str
    text: str
    score: float
    row: int


def paper_of(lines: Sequence[Line]) -> Paper | None:
    """Return the paper that the lines stand on, whichever way up; None if it is none of those that are known."""
    best: tuple[int, Paper] | None = None
    for turns in range(4):
        rows = _rows([_turned(line, turns) for line in lines])
        read = _read(rows)
        if read is not None and (best is None or read[0] > best[0]):
            best = read
    return best[1] if best else None


def number_fits(cert_no: str) -> bool:
    """Whether 18 characters are a citizen's number: a date that exists, and the check character of ISO 7064."""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", cert_no) or _date_of(cert_no[6:14]) is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(cert_no[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == cert_no[17]


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for spaces, the shape of the dot, and forms that engines exchange."""
    return bool(one) and _name_folded(one) == _name_folded(other)


def _name_folded(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).translate(_PLAIN)
    return _DOTS.sub("·", "".join(plain.split())).upper()


# Rows.


def _turned(line: Line, turns: int) -> Line:
    """Return the line on a page that was turned clockwise by quarters. Boxes move; the text was read upright anyway."""

    def turn(point: Point) -> Point:
        x, y = point
        for _ in range(turns):
            x, y = -y, x
        return x, y

    a, b, c, d = (turn(point) for point in line.box)
    return Line(line.text, (a, b, c, d), line.score)


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines in rows from top to bottom, each from left to right, of a page that may lie a little askew."""
    angle = _angle(lines)
    placed = sorted((_place(line, angle) for line in lines), key=lambda place: place.left)
    rows: list[list[_Place]] = []
    for place in placed:
        near = [row for row in rows if abs(row[-1].middle - place.middle) < 0.6 * min(row[-1].height, place.height)]
        if near:
            min(near, key=lambda row: abs(row[-1].middle - place.middle)).append(place)
        else:
            rows.append([place])
    rows.sort(key=lambda row: statistics.fmean(place.middle for place in row))
    return [[place.line for place in row] for row in rows]


class _Place(Struct, frozen=True):
    line: Line
    left: float
    middle: float
    height: float


def _place(line: Line, angle: float) -> _Place:
    cos, sin = math.cos(-angle), math.sin(-angle)
    xs = [x * cos - y * sin for x, y in line.box]
    ys = [x * sin + y * cos for x, y in line.box]
    return _Place(line, min(xs), (min(ys) + max(ys)) / 2, max(ys) - min(ys))


def _angle(lines: Iterable[Line]) -> float:
    """Return by how much the page is askew: the median slope of the long lines."""
    slopes = []
    for line in lines:
        xs, ys = [x for x, _ in line.box], [y for _, y in line.box]
        if max(xs) - min(xs) > 3 * (max(ys) - min(ys)):
            sides = sorted(zip(line.box, (*line.box[1:], line.box[0]), strict=True), key=_length)[-2:]
            for (x1, y1), (x2, y2) in sides:
                slopes.append(math.atan2(y2 - y1, x2 - x1) if x2 >= x1 else math.atan2(y1 - y2, x1 - x2))
    return statistics.median(slopes) if slopes else 0.0


def _length(side: tuple[Point, Point]) -> float:
    return math.dist(*side)


# Labels, and what stands beside them.


def _read(rows: Sequence[Sequence[Line]]) -> tuple[int, Paper] | None:
    """Return the paper in these rows, and how much of it was found."""
    found: list[Found] = []
    kind: Kind | None = None
    title_row = len(rows)
    for number, row in enumerate(rows):
        text = "".join(_plain(line.text) for line in row)
        titled = next((k for title, k in _TITLES if title in text), None)
        if titled is not None and kind is None:
            kind, title_row = titled, number
        found += _labelled(row, number)
    if kind is None:
        meanings = {one.meaning for one in found}
        kind = next((k for telling, k in _TELLING if telling <= meanings), None)
    if kind is None:
        return None
    paper = _PAPERS[kind](found)
    filled = sum(
        bool(value) for one in paper.people for value in (one.name, one.gender, one.birth_on, one.cert_no, one.relation)
    )
    # The title stands above the rest, which decides where everything else can be read upside down as well.
    return 2 * (filled + bool(paper.number)) + (title_row * 2 < len(rows)), paper


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return "".join(plain.split()).replace(":", "")


def _labelled(row: Sequence[Line], number: int) -> list[Found]:
    """Cut a row at its labels."""
    text, scores = "", []
    for line in row:
        part = _plain(line.text)
        text += part
        scores += [line.score] * len(part)
    labels = list(_LABEL.finditer(text))
    found = []
    ends = [*(label.start() for label in labels[1:]), len(text)]
    for label, end in zip(labels, ends, strict=False):
        found.append(
            Found(
                meaning=_LABELS.get(label.group(), "birth_on"),
                text=text[label.end() : end],
                score=min(scores[label.end() : end], default=0.0),
                row=number,
            )
        )
    return found


def _named(role: Role, found: Iterable[Found], *, name: str = "name") -> Named:
    """Return the person whom these labels speak of. Of two with the same meaning, the first that says something."""
    said: dict[str, Found] = {}
    for one in found:
        if one.text and one.meaning not in said:
            said[one.meaning] = one
    unsure = {meaning for meaning, one in said.items() if one.score < SURE}
    named = _NOT_A_NAME.sub("", said[name].text) if name in said else ""
    cert_no = _number(said["cert_no"].text) if "cert_no" in said else ""
    birth_on = _date(said["birth_on"].text) if "birth_on" in said else None
    gender = _gender(said["gender"].text) if "gender" in said else ""
    if name in unsure:
        unsure = unsure - {name} | {"name"}
    if cert_no:
        # A number whose check character fits was read right, whatever the score; any other was not.
        unsure = unsure - {"cert_no"} if number_fits(cert_no) else unsure | {"cert_no"}
    if number_fits(cert_no):
        of_number = _date_of(cert_no[6:14])
        if birth_on is None or birth_on == of_number:
            unsure.discard("birth_on")
            birth_on = of_number
        else:
            unsure.add("birth_on")
        gender = gender or ("1" if int(cert_no[16]) % 2 else "2")
    relation = _NOT_A_NAME.sub("", said["relation"].text) if "relation" in said else ""
    kept = {"name", "cert_no", "birth_on", "gender", "relation"}
    return Named(role, named, gender, birth_on, cert_no, relation, frozenset(unsure & kept))


def _number(text: str) -> str:
    match = _DIGITS.search(text)
    if match is None:
        return ""
    digits = match.group()
    last = digits[-1].upper()
    return digits[:-1].translate(_AS_DIGITS) + (last if last == "X" else last.translate(_AS_DIGITS))


def _date(text: str) -> date | None:
    match = _DATE.search(text)
    return _date_of("".join(part.zfill(2) for part in match.groups())) if match else None


def _date_of(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _gender(text: str) -> str:
    return next((code for word, code in _GENDERS.items() if word in text), "")


# The papers.


def _numbered(found: Iterable[Found], meaning: str) -> tuple[str, bool]:
    """Return the number that a paper carries under a label, and whether it was read for certain."""
    for one in found:
        number = re.sub(r"[^0-9A-Za-z-]", "", one.text)
        if meaning and one.meaning == meaning and number:
            return number.upper(), one.score >= SURE
    return "", True


def _paper(kind: Kind, people: Iterable[Named], found: Sequence[Found], numbered: str = "") -> Paper:
    number, sure = _numbered(found, numbered)
    return Paper(kind, tuple(people), number, frozenset() if sure else frozenset({"number"}))


def _register_head(found: Sequence[Found]) -> Paper:
    return _paper("register_head", [_named("head", found, name="head")], found, "household")


def _register_member(found: Sequence[Found]) -> Paper:
    return _paper("register_member", [_named("member", found)], found)


def _birth(found: Sequence[Found]) -> Paper:
    """Read a certificate of birth: the parents' numbers stand below their names."""
    people = []
    starts = [(n, one.meaning) for n, one in enumerate(found) if one.meaning in ("child", "mother", "father")]
    roles: dict[str, Role] = {"child": "child", "mother": "mother", "father": "father"}
    ends = [*(start for start, _ in starts[1:]), len(found)]
    for (start, meaning), end in zip(starts, ends, strict=False):
        part = found[start:end]
        # On the row of the child's name, the sex may stand before it.
        if meaning == "child":
            part = [*part, *(one for one in found[:start] if one.row == found[start].row)]
        people.append(_named(roles[meaning], part, name=meaning))
    return _paper("birth", people, found, "certificate")


def _marriage(found: Sequence[Found]) -> Paper:
    starts = [n for n, one in enumerate(found) if one.meaning == "name"]
    people = [_named("spouse", found[start:end]) for start, end in zip(starts, [*starts[1:], len(found)], strict=False)]
    return _paper("marriage", people, found, "marriage")


def _id_card(found: Sequence[Found]) -> Paper:
    return _paper("id_card", [_named("holder", found)], found)


_PAPERS = {
    "register_head": _register_head,
    "register_member": _register_member,
    "birth": _birth,
    "marriage": _marriage,
    "id_card": _id_card,
}
