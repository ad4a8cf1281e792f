"""Whether papers prove a child, until when a guardian may show its code, and what is said of it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from yibao import identity, paper
from yibao.core.clock import BEIJING, day_of, local_text
from yibao.paper import Named, Paper
from yibao.service.family.types import EndedBy, Link, Request

# What the member is to the relative, and the other way round.
RELATIONS = {"spouse": "配偶", "parent": "父母", "child": "子女", "other": "其他家庭成员"}
_BACKWARDS = {"spouse": "配偶", "parent": "子女", "child": "父母", "other": "家庭成员"}
METHODS = {"agreement": "对方手机确认", "face": "本人刷脸", "guardian": "监护人证明", "counter": "经办窗口核对"}
BIRTH_CERTIFICATE = "990201"  # psn_cert_type
CHILD_CERT_TYPES = identity.CERT_TYPES | {BIRTH_CERTIFICATE: "出生医学证明"}
# How it ended, in the words in which the one who showed the code reads it.
ENDED: dict[EndedBy, str] = {
    "member": "对方移除了，或注销了账户。",
    "relative": "您移除了。",
    "guardian": "孩子的另一位监护人移除了。",
    "counter": "对方本人到经办窗口移除了。",
    "agency": "经办机构复核证件没有通过，可到窗口问明（12393）。",
    "time": "对方同意出示的时间已过。",
    "credential": "对方的医保码已解绑（本人、渠道或经办窗口办理）。",
}
ENDED_SHOWN = timedelta(days=30)
PAPERS = {
    "register_head": "户口簿首页",
    "register_member": "户口簿个人页",
    "birth": "出生医学证明",
    "marriage": "结婚证",
    "id_card": "居民身份证",
}
# What did not agree, in the words in which the guardian and the staff read it, gravest first.
FINDINGS = {
    "unreadable": "照片上没有认出户口簿或出生医学证明，请在光线均匀处对正、拍清楚整页。",
    "child_missing": "上传的页面上没有找到孩子。",
    "child_name": "证件上孩子的姓名与登记不一致。",
    "child_number": "证件上孩子的证件号码与登记不一致。",
    "child_birth": "证件上孩子的出生日期或性别与登记不一致。",
    "guardian_missing": "上传的页面上没有找到您本人，请同时上传您本人的户口簿页。",
    "guardian_name": "证件上监护人的姓名与您的实名信息不一致。",
    "guardian_number": "证件上监护人的证件号码与您的实名信息不一致。",
    "kinship": "从这些证件看不出您是孩子的父母，需要人工核对监护关系。",
    "unsure": "有的字没有看清，请重新拍摄得更清楚一些。",
    "guarded": "证件核对一致，但孩子的医保码已由其他监护人出示，须由经办机构人工核对。",
    "elsewhere": "证件核对一致，但您与孩子没有在同一个地方参保，须由经办机构人工核对。",
    "blocked": "证件已核对一致，但暂时不能添加：您的家庭成员已满，或孩子的参保信息尚未生效。处理后请重新上传。",
}

_CHILDREN = frozenset((
    "子", "女", "儿子", "女儿", "独生子", "独生女", "长子", "次子", "二子", "三子", "四子", "五子",
    "长女", "次女", "二女", "三女", "四女", "五女", "之子", "之女",
))  # fmt: skip
_HEADS = frozenset(("户主", "本人"))
_SPOUSES = frozenset(("妻", "夫", "配偶", "妻子", "丈夫"))

# A visit that was opened at the last moment may still be settled: its activation outlives the link by that much.
GRACE = timedelta(minutes=20)


class Registered(Struct, frozen=True):
    """Somebody as the registry knows them."""

    name: str
    cert_type: str
    cert_no: str
    gender: str
    birth_on: date

    def __repr__(self) -> str:
        return "Registered(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


def findings(papers: Sequence[Paper | None], *, child: Registered, guardian: Registered) -> tuple[str, ...]:
    """Return what keeps these papers from proving that the guardian is the child's parent; nothing if they do.

    A certificate of birth proves its own parents. A register proves the head and the head's spouse as parents of the
    head's children; any other kinship is for a person to look at.
    """
    read = [one for one in papers if one is not None]
    births = [one for one in read if one.kind == "birth"]
    members = [one.people[0] for one in read if one.kind == "register_member"]
    heads = [one.people[0] for one in read if one.kind == "register_head"]
    if births:
        return _ordered(_of_birth(births[0], child=child, guardian=guardian))
    if members:
        return _ordered(_of_register(members, heads, child=child, guardian=guardian))
    return ("unreadable",)


def _ordered(found: Iterable[str]) -> tuple[str, ...]:
    there = set(found)
    return tuple(one for one in FINDINGS if one in there)


def _of_birth(birth: Paper, *, child: Registered, guardian: Registered) -> set[str]:
    named = next((one for one in birth.people if one.role == "child"), None)
    if named is None or not named.name:
        return {"child_missing"}
    found = _of_child(named, child)
    if child.cert_type == BIRTH_CERTIFICATE and birth.number != child.cert_no.upper():
        found.add("child_number")
    if "number" in birth.unsure and child.cert_type == BIRTH_CERTIFICATE:
        found.add("unsure")
    parents = [one for one in birth.people if one.role in ("mother", "father")]
    return found | _of_guardian(parents, guardian)


def _of_register(
    members: Sequence[Named], heads: Sequence[Named], *, child: Registered, guardian: Registered
) -> set[str]:
    of_child = _who(members, child)
    if of_child is None:
        return {"child_missing"}
    found = _of_child(of_child, child)
    others = [one for one in members if one is not of_child]
    # The first page names the head, but carries no number; the head's own page is better where there is one.
    found |= _of_guardian(others, guardian)
    of_guardian = _who(others, guardian)
    if of_guardian is not None:
        is_parent = of_child.relation in _CHILDREN and of_guardian.relation in _HEADS | _SPOUSES
        if not is_parent:
            found.add("kinship")
        if {"relation"} & (of_child.unsure | of_guardian.unsure):
            found.add("unsure")
        if of_guardian.relation in _HEADS and any(
            head.name and not paper.same_name(head.name, of_guardian.name) for head in heads
        ):
            found.add("kinship")  # Pages of two different households.
    return found


def _who(people: Sequence[Named], wanted: Registered) -> Named | None:
    """Return who on the papers is meant: by number, else by name, else nobody."""
    by_number = [one for one in people if one.cert_no and one.cert_no == wanted.cert_no.upper()]
    by_name = [one for one in people if paper.same_name(one.name, wanted.name)]
    return next(iter(by_number or by_name), None)


def _of_child(named: Named, child: Registered) -> set[str]:
    found = set()
    if not paper.same_name(named.name, child.name):
        found.add("child_name")
    if child.cert_type == "01" and named.cert_no and named.cert_no != child.cert_no.upper():
        found.add("child_number")
    if child.cert_type == "01" and named.role == "member" and not named.cert_no:
        found.add("unsure")
    if named.birth_on != child.birth_on or (named.gender and named.gender != child.gender):
        found.add("child_birth")
    if named.unsure & {"name", "cert_no", "birth_on"}:
        found.add("unsure")
    return found


def _of_guardian(people: Sequence[Named], guardian: Registered) -> set[str]:
    named = _who(people, guardian)
    if named is None:
        return {"guardian_missing"}
    found = set()
    if not paper.same_name(named.name, guardian.name):
        found.add("guardian_name")
    if named.cert_no != guardian.cert_no.upper():
        found.add("guardian_number" if named.cert_no and "cert_no" not in named.unsure else "unsure")
    if named.unsure & {"name", "cert_no"}:
        found.add("unsure")
    return found


def backwards(between: Link | Request) -> str:
    """Return what the relative is to the member. Only a child has a guardian: a grown one is asked about a parent."""
    return "父母（监护人）" if between.method == "guardian" else _BACKWARDS[between.relation]


def relation_words(between: Link | Request) -> dict[str, str]:
    """Return for an event what each of the two is to the other, in the words in which they are told of it."""
    return {"member": RELATIONS[between.relation], "relative": backwards(between)}


def says_how_it_ended(link: Link) -> str:
    """Return why a member's code can be shown no longer; one whose time is over may not be marked so yet."""
    if link.ended_by in (None, "time") and link.method == "guardian":
        return "孩子已成年，医保码由本人使用。"
    return ENDED[link.ended_by or "time"]


def says_until(link: Link, child: str = "孩子") -> str:
    """Return from when this account can show the code no longer; a child's is from a birthday on its own.

    `child` is what the child is called by whom it is said to.
    """
    assert link.until_at is not None
    if link.method != "guardian":
        return f"{local_text(link.until_at)[:16]} 起不能再出示"
    day = day_of(link.until_at)
    return f"{day.year} 年 {day.month} 月 {day.day} 日（成年）起由{child}本人出示"


def birthday(birth_on: date, age: int) -> date:
    """Return the day on which somebody completes this age; who was born on 29 February does so on 1 March."""
    try:
        return birth_on.replace(year=birth_on.year + age)
    except ValueError:
        return date(birth_on.year + age, 3, 1)


def handover_at(birth_on: date, age: int) -> datetime:
    """Return the midnight in Beijing from which a guardian no longer shows the code of somebody born that day."""
    return datetime.combine(birthday(birth_on, age), time(), tzinfo=BEIJING)
