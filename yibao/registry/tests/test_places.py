"""Regions of the national list, and the institutions under contract (B13)."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from yibao import registry
from yibao.core.database import Tx, open_pool, transaction
from yibao.registry import Institution

PHARMACY = Institution(
    code="P51050099001",
    name="泸州示例大药房",
    place="510500",
    kind="pharmacy",
    level="none",
    address="泸州市江阳区示例路1号",
    phone="0830-9900001",
    services=("pharmacy", "away"),
)
HOSPITAL = msgspec.structs.replace(
    PHARMACY, code="H51050099001", name="泸州江阳示例医院", kind="hospital", level="tertiary", services=("outpatient",)
)
ELSEWHERE = msgspec.structs.replace(
    PHARMACY, code="P31000099001", name="上海示例大药房A店", place="310000", address="上海市静安区示例路1号"
)
CLOSED = msgspec.structs.replace(PHARMACY, code="P51050099002", active=False)


@pytest.fixture
async def town(fresh_database: str) -> AsyncIterator[Tx]:
    """A database in which there are no institutions but these."""
    async with await open_pool(fresh_database) as pool, transaction(pool) as tx:
        await registry.add_institutions(tx, [PHARMACY, HOSPITAL, ELSEWHERE, CLOSED])
        yield tx


async def test_the_national_list_is_loaded_once(tx: Tx) -> None:
    await registry.load_regions(tx)
    assert await tx.fetchval("SELECT count(*) FROM registry.region") == 4294
    assert await registry.load_regions(tx) == 0
    assert await registry.region_name(tx, "510500") == "泸州市"
    assert await registry.region_name(tx, "510502") == "江阳区"
    assert await registry.region_name(tx, "990000") is None


async def test_a_region_that_was_renamed_is_corrected(tx: Tx) -> None:
    await registry.load_regions(tx)
    await tx.execute("UPDATE registry.region SET name = '旧名' WHERE code = '510500'")
    assert await registry.load_regions(tx) == 1
    assert await registry.region_name(tx, "510500") == "泸州市"


async def test_every_region_lies_in_another(tx: Tx) -> None:
    await registry.load_regions(tx)
    orphans = await tx.fetch(
        "SELECT code FROM registry.region r WHERE level > 1"
        " AND NOT EXISTS (SELECT FROM registry.region p WHERE p.code = r.parent AND p.code <> r.code)"
    )
    assert orphans == []


async def test_an_institution_is_read_as_added(town: Tx) -> None:
    for added in (PHARMACY, HOSPITAL, CLOSED):
        assert await registry.institution(town, added.code) == added
    assert await registry.institution(town, "P51050099009") is None


async def test_adding_an_institution_again_corrects_it(town: Tx) -> None:
    renamed = msgspec.structs.replace(PHARMACY, name="泸州样板药房", services=("pharmacy",))
    await registry.add_institutions(town, [renamed])
    assert await registry.institution(town, PHARMACY.code) == renamed


@pytest.mark.parametrize(
    ("place", "kind", "text", "found"),
    [
        ("510500", "", "示例", [HOSPITAL, PHARMACY]),
        ("510500", "pharmacy", "", [PHARMACY]),
        ("310000", "", "", [ELSEWHERE]),
        ("310000", "hospital", "", []),
        ("510500", "", "江阳", [HOSPITAL, PHARMACY]),  # In the hospital's name, in the pharmacy's address.
        ("", "", "静安", [ELSEWHERE]),
        ("310000", "", " ａ店 ", [ELSEWHERE]),
        ("510500", "", "%", []),
        ("510500", "", "_", []),
    ],
)
async def test_institutions_are_found_by_place_kind_and_words(
    town: Tx, place: str, kind: str, text: str, found: list[Institution]
) -> None:
    assert await registry.institutions(town, place, kind, text) == found


async def test_no_more_institutions_come_than_asked_for(town: Tx) -> None:
    assert len(await registry.institutions(town, "510500", limit=1)) == 1


async def test_a_municipality_is_one_place_and_a_province_has_its_own_pool_beside_the_cities(tx: Tx) -> None:
    """B1, B8: 上海市市本级 beside 上海市 would be two names for one place."""
    await registry.load_regions(tx)
    inside = {province.name: [city.name for city in cities] for province, cities in await registry.cities(tx)}
    assert [inside[name] for name in ("北京市", "天津市", "上海市", "重庆市")] == [[], [], [], []]
    assert {"四川省省本级", "成都市", "泸州市"} <= set(inside["四川省"])
