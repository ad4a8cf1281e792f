"""From lines to papers (B10): rows by position, labels that are joined or not, turned pages, slips of the engine."""

from datetime import date

import pytest

from yibao.paper import Named, Paper, number_fits, paper_of, same_name
from yibao.paper.tests.cast import Part, lines
from yibao.sandbox.world.numbers import check_character

MOTHER = "99010119931226004" + check_character("99010119931226004")
FATHER = "99010119940504007" + check_character("99010119940504007")
CHILD = "99010120260401003" + check_character("99010120260401003")

MEMBER = (
    (("常住人口登记卡", 300, 1.0),),
    (("姓名", 0, 0.99), ("保小安", 150, 0.98), ("户主或与户主关系", 500, 0.97), ("长子", 800, 0.95)),
    (("曾用名", 0, 0.99), ("性别男", 500, 0.98)),
    (("籍贯示例省", 0, 0.9), ("出生日期2026年04月01日", 500, 0.99)),
    ((f"公民身份号码{CHILD}", 0, 0.99), ("身高", 800, 0.99)),
    (("登记日期2020年01月01日", 0, 0.99),),
)
BIRTH = (
    (("出生医学证明", 300, 1.0),),
    (("新生儿姓名", 0, 1.0), ("保小安", 200, 0.99), ("性别男", 500, 1.0), ("出生孕周39周", 800, 0.95)),
    (("出生日期 2026年04月01日", 0, 0.98),),
    (("母亲姓名保大安", 0, 0.95), ("国籍中国", 500, 0.93)),
    (("有效身份证件号码" + MOTHER, 0, 0.99),),
    (("父亲姓名", 0, 0.97), ("禾有阳", 200, 0.99), ("国籍 中国", 500, 0.92)),
    (("有效身份证件号码", 0, 0.99), (FATHER, 300, 0.99)),
    (("出生证编号", 0, 1.0), ("Z990000123", 200, 1.0), ("签发日期2026年04月02日", 600, 1.0)),
)


def read(*rows: tuple[Part, ...], slope: float = 0.0, turns: int = 0) -> Paper:
    paper = paper_of(lines(*rows, slope=slope, turns=turns))
    assert paper is not None
    return paper


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("slope", [0.0, 0.05, -0.08])
def test_a_member_of_a_household_is_read_however_the_page_lies(turns: int, slope: float) -> None:
    assert read(*MEMBER, slope=slope, turns=turns) == Paper(
        "register_member", (Named("member", "保小安", "1", date(2026, 4, 1), CHILD, "长子"),)
    )


@pytest.mark.parametrize("turns", range(4))
def test_a_certificate_of_birth_gives_each_parent_their_own_number(turns: int) -> None:
    assert read(*BIRTH, turns=turns) == Paper(
        "birth",
        (
            Named("child", "保小安", "1", date(2026, 4, 1)),
            Named("mother", "保大安", "2", date(1993, 12, 26), MOTHER),
            Named("father", "禾有阳", "1", date(1994, 5, 4), FATHER),
        ),
        "Z990000123",
    )


def test_the_first_page_of_a_register_names_the_head_and_the_number() -> None:
    paper = read(
        (("居民户口簿", 300, 1.0),),
        (("户别家庭户", 0, 0.98), ("户主姓名禾有阳", 500, 0.98)),
        (("户号", 0, 0.99), ("990101000123", 150, 0.99), ("住址示例省", 500, 0.99)),
    )
    assert paper == Paper("register_head", (Named("head", "禾有阳"),), "990101000123")


def test_a_label_in_two_lines_is_one_label() -> None:
    rows = list(MEMBER)
    rows[1] = (("姓名保小安", 0, 0.98), ("户主或与", 500, 0.97), ("户主关系", 620, 0.97), ("长子", 800, 0.95))
    assert read(*rows).people[0].relation == "长子"


def test_both_of_a_marriage_are_read() -> None:
    paper = read(
        (("结婚证", 300, 1.0),),
        (("持证人保大安", 0, 0.99),),
        (("结婚证字号J990101-2020-000123", 0, 0.99),),
        (("姓名禾有阳", 0, 0.99), ("性别男", 500, 0.99)),
        (("国籍中国", 0, 0.99), ("出生日期1994年05月04日", 500, 0.99)),
        (("身份证件号" + FATHER, 0, 0.99),),
        (("姓名保大安", 0, 0.99), ("性别女", 500, 0.99)),
        (("国籍中国", 0, 0.99), ("出生日期1993年12月26日", 500, 0.99)),
        (("身份证件号" + MOTHER, 0, 0.99),),
    )
    assert paper == Paper(
        "marriage",
        (
            Named("spouse", "禾有阳", "1", date(1994, 5, 4), FATHER),
            Named("spouse", "保大安", "2", date(1993, 12, 26), MOTHER),
        ),
        "J990101-2020-000123",
    )


def test_an_id_card_has_no_title_on_its_front() -> None:
    paper = read(
        (("姓名保大安", 0, 0.99),),
        (("性别女", 0, 0.99), ("民族汉", 300, 0.99)),
        (("出生1993年12月26日", 0, 0.99),),
        (("住址示例省示例市", 0, 0.99),),
        (("公民身份号码" + MOTHER, 0, 0.99),),
    )
    assert paper == Paper("id_card", (Named("holder", "保大安", "2", date(1993, 12, 26), MOTHER),))


def test_what_was_read_badly_is_unsure_but_a_number_that_fits_was_read_right() -> None:
    rows = list(MEMBER)
    rows[1] = (("姓名", 0, 0.99), ("保小安", 150, 0.5), ("户主或与户主关系长子", 500, 0.97))
    rows[4] = ((f"公民身份号码{CHILD}", 0, 0.5),)
    [member] = read(*rows).people
    assert member.unsure == {"name"}


def test_a_number_that_does_not_fit_is_unsure() -> None:
    rows = list(MEMBER)
    wrong = CHILD[:-1] + ("0" if CHILD[-1] != "0" else "1")
    rows[4] = ((f"公民身份号码{wrong}", 0, 0.99),)
    [member] = read(*rows).people
    assert member.cert_no == wrong
    assert member.unsure == {"cert_no"}


def test_a_birthday_that_is_not_the_numbers_is_unsure() -> None:
    rows = list(MEMBER)
    rows[3] = (("出生日期2026年04月07日", 500, 0.99),)
    [member] = read(*rows).people
    assert member.birth_on == date(2026, 4, 7)
    assert member.unsure == {"birth_on"}


def test_letters_where_digits_must_be_are_put_right() -> None:
    rows = list(MEMBER)
    rows[4] = (("公民身份号码" + CHILD[:-1].replace("0", "O").replace("1", "l") + CHILD[-1], 0, 0.7),)
    [member] = read(*rows).people
    assert member.cert_no == CHILD
    assert "cert_no" not in member.unsure


def test_traditional_labels_are_known() -> None:
    rows = list(MEMBER)
    rows[0] = (("常住人口登记卡", 300, 1.0),)
    rows[2] = (("性別男", 500, 0.98),)
    rows[4] = (("公民身份號碼" + CHILD, 0, 0.98),)
    [member] = read(*rows).people
    assert (member.gender, member.cert_no) == ("1", CHILD)


@pytest.mark.parametrize("rows", [(), ((("一张收据", 0, 0.99),), (("合计 12.00", 0, 0.99),))])
def test_what_is_no_such_paper_is_none(rows: tuple[tuple[Part, ...], ...]) -> None:
    assert paper_of(lines(*rows)) is None


def test_an_empty_form_names_nobody() -> None:
    [member] = read((("常住人口登记卡", 300, 1.0),), (("姓名", 0, 1.0), ("性别", 500, 1.0))).people
    assert member == Named("member")


@pytest.mark.parametrize(
    ("number", "fits"),
    [(CHILD, True), (CHILD[:-1], False), ("99010120261301003X", False), ("", False), (CHILD.lower(), CHILD.isdigit())],
)
def test_the_check_character_and_the_date_decide_whether_a_number_fits(number: str, fits: bool) -> None:
    assert number_fits(number) is fits


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("保小安", "保 小 安", True),
        ("医丽娜·保小安", "医丽娜•保小安", True),
        ("TESTMANN HANS", "testmann hans", True),
        ("保小安", "保大安", False),
        ("", "", False),
    ],
)
def test_names_are_compared_without_spaces_and_shapes_of_dots(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same


def test_nothing_of_a_paper_is_printed() -> None:
    paper = read(*MEMBER)
    assert "保小安" not in repr(paper) + repr(paper.people[0]) + repr(lines(*MEMBER)[0])
