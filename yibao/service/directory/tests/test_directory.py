"""The directory answers by name, initials and code, in one statement (D4)."""

from decimal import Decimal

import msgspec
import pytest

from yibao.core.database import Tx
from yibao.service import directory
from yibao.service.directory import Item, actions

TABLETS = Item(
    code="XC08TEST01",
    name="苯磺酸氨氯地平片",
    initials="BHSALDPP",
    kind="drug",
    list_type="101",
    charge_class="A",
    own_pay_rate=Decimal(0),
    price=Decimal("200"),
    price_limit=None,
    unit="盒",
    spec="5mg×84片",
    maker="示例制药一厂",
)


def item(code: str, name: str, initials: str) -> Item:
    return msgspec.structs.replace(TABLETS, code=code, name=name, initials=initials)


CAPSULES = item("XC08TEST02", "苯磺酸左氨氯地平胶囊", "BHSZALDPJN")
GLUE = item("T000TEST01", "阿胶", "EJ")
GLUE_SYRUP = item("T000TEST02", "复方阿胶浆", "FFEJJ")
CT = msgspec.structs.replace(
    item("0021TEST01", "X线计算机体层(CT)平扫", "XXJSJTCCTPS"), kind="service", list_type="201", maker=""
)
ROLL = msgspec.structs.replace(
    item("C140TEST01", "医用棉卷_5%", "YYMJ5"),
    kind="material",
    list_type="301",
    charge_class="B",
    own_pay_rate=Decimal("0.0333"),
    price=Decimal("0.083333"),
    price_limit=Decimal("0.05"),
)
ITEMS = [TABLETS, CAPSULES, GLUE, GLUE_SYRUP, CT, ROLL]


@pytest.fixture
async def lists(tx: Tx) -> Tx:
    assert await directory.load_items(tx, iter(ITEMS)) == len(ITEMS)
    return tx


async def test_an_item_is_read_as_loaded_to_the_last_decimal(lists: Tx) -> None:
    for loaded in ITEMS:
        assert await directory.item(lists, loaded.code) == loaded
    assert await directory.item(lists, "XC08TEST99") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("氨氯地平", [TABLETS, CAPSULES]),
        ("阿胶", [GLUE, GLUE_SYRUP]),
        ("bhs", [TABLETS, CAPSULES]),
        ("BHSZ", [CAPSULES]),
        ("ej", [GLUE]),
        ("xc08test", [TABLETS, CAPSULES]),
        ("XC08TEST02", [CAPSULES]),
        ("ct", [CT]),
        ("（ＣＴ）", [CT]),
        (" 平扫 ", [CT]),
        ("%", [ROLL]),
        ("_", [ROLL]),
        ("\\", []),
        ("没有的药", []),
        ("", []),
        (" ", []),
    ],
)
async def test_items_are_found_by_name_initials_or_code(lists: Tx, text: str, found: list[Item]) -> None:
    assert await directory.search(lists, text) == found


async def test_an_exact_code_comes_before_longer_codes_and_names_that_contain_it(lists: Tx) -> None:
    longer, named = item("XC08TEST0100", "短", "D"), item("T000TEST03", "XC08TEST01", "XCTEST")
    await directory.load_items(lists, [longer, named])
    assert await directory.search(lists, "xc08test01") == [TABLETS, named, longer]


async def test_a_search_returns_no_more_than_asked_for(lists: Tx) -> None:
    assert await directory.search(lists, "阿胶", 1) == [GLUE]


async def test_a_search_is_one_statement(lists: Tx) -> None:
    statements: list[str] = []
    with lists.query_logger(lambda logged: statements.append(logged.query)):
        await directory.search(lists, "阿")
    await lists.execute("SELECT")  # The driver tells its loggers at the next turn of the loop, and this takes one.
    assert len(statements) == 1


async def test_a_new_list_corrects_items_and_forgets_none(lists: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_CHUNK", 1)
    dearer = msgspec.structs.replace(GLUE, price=Decimal("300.5"), price_limit=Decimal(250))
    assert await directory.load_items(lists, [dearer, CT]) == 2
    assert await directory.item(lists, GLUE.code) == dearer
    assert await directory.item(lists, TABLETS.code) == TABLETS
