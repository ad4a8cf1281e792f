"""Where the code can be used: by city, service, name and distance, and what an institution tells of itself (B13)."""

import secrets
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from yibao import identity, registry
from yibao.app import House
from yibao.core.database import Pool, Tx, open_pool, transaction
from yibao.service import directory
from yibao.service.directory import Search, Spot, Usage, rules
from yibao.site.tests import scene
from yibao.site.tests.scene import Phone
from yibao.web.principal import TILL_COOKIE

house, stranger, phone = scene.house, scene.stranger, scene.phone

PLACE = "310000"
PHARMACY = registry.Institution(
    "P31000000901", "上海试验大药房", PLACE, "pharmacy", "none", "静安区试验路1号", "021-99000001", ("pharmacy", "away")
)
HOSPITAL = registry.Institution(
    "H31000000901",
    "上海试验人民医院",
    PLACE,
    "hospital",
    "tertiary",
    "黄浦区试验路2号",
    "021-99000002",
    ("outpatient", "inpatient", "away"),
)
CLINIC = registry.Institution(
    "H31000000902", "上海试验卫生院", PLACE, "hospital", "community", "崇明区试验路3号", "021-99000003", ("outpatient",)
)
ENDED = msgspec.structs.replace(CLINIC, code="H31000000903", name="上海试验关门医院", active=False)
AT_PHARMACY = Usage(PHARMACY.code, "静安区", 31.23, 121.45, ("card",), (), False, "", "设备安装中", "每天")
AT_HOSPITAL = Usage(
    HOSPITAL.code, "黄浦区", 31.23, 121.49, ("code", "card", "face"), ("scanner", "kiosk"), True, "带转诊单", "", ""
)


async def open_all(tx: Tx) -> None:
    await registry.load_regions(tx)
    await registry.add_institutions(tx, [PHARMACY, HOSPITAL, CLINIC, ENDED])
    known = await directory.describe(tx, [AT_PHARMACY, AT_HOSPITAL, msgspec.structs.replace(AT_PHARMACY, code="P0")])
    assert known == 2


@pytest.fixture
async def town(fresh_database: str) -> AsyncIterator[Tx]:
    """A database in which there are no institutions but these."""
    async with await open_pool(fresh_database) as pool, transaction(pool) as tx:
        await open_all(tx)
        yield tx


async def found(tx: Tx, sought: Search, spot: Spot | None = None) -> list[str]:
    page, total = await directory.outlets(tx, sought, spot=spot, limit=50)
    assert total == len(page)
    return [outlet.code for outlet in page]


@pytest.mark.parametrize(
    ("sought", "codes"),
    [
        (Search(), [HOSPITAL, CLINIC, PHARMACY]),  # Whoever reads the code comes first; nobody whose contract ended.
        (Search(service="pharmacy"), [PHARMACY]),
        (Search(service="outpatient"), [HOSPITAL, CLINIC]),
        (Search(service="inpatient"), [HOSPITAL]),
        (Search(service="credit"), [HOSPITAL]),
        (Search(code_only=True), [HOSPITAL]),
        (Search(text="药房"), [PHARMACY]),
        (Search(text="黄浦"), [HOSPITAL]),
        (Search(text="shsyd"), [PHARMACY]),
        (Search(text=" ｄｙｆ "), [PHARMACY]),
        (Search(text="rmyy"), [HOSPITAL]),
        (Search(text="hsz"), []),
        (Search(text="静安 药房"), [PHARMACY]),
        (Search(text="上海　 RMYY"), [HOSPITAL]),
        (Search(text="静安 医院"), []),
        (Search(text="药店"), [PHARMACY]),
        (Search(text="医院"), [HOSPITAL, CLINIC]),
        (Search(text="上海 p3100"), [PHARMACY]),
        (Search(text="%"), []),
        (Search(district="静安区"), [PHARMACY, HOSPITAL, CLINIC]),
        (Search(district="黄浦区"), [HOSPITAL, PHARMACY, CLINIC]),
    ],
)
async def test_institutions_are_found_by_city_service_text_and_district(
    town: Tx, sought: Search, codes: list[registry.Institution]
) -> None:
    assert await found(town, msgspec.structs.replace(sought, place=PLACE)) == [each.code for each in codes]


async def test_the_nearest_comes_first_and_the_distance_is_about_right(town: Tx) -> None:
    page, _ = await directory.outlets(town, Search(place=PLACE, text="试验"), spot=Spot(31.23, 121.46), limit=10)
    assert [outlet.code for outlet in page] == [PHARMACY.code, HOSPITAL.code, CLINIC.code]
    assert [outlet.metres for outlet in page] == [952, 2856, None]  # 0.01° and 0.03° of longitude at 31.23° north.


async def test_pages_follow_one_another_and_know_their_number(town: Tx) -> None:
    sought = Search(place=PLACE, text="试验")
    first, total = await directory.outlets(town, sought, limit=2)
    second, _ = await directory.outlets(town, sought, limit=2, offset=2)
    assert total == 3
    assert [each.code for each in [*first, *second]] == [HOSPITAL.code, CLINIC.code, PHARMACY.code]
    assert await directory.outlets(town, sought, limit=2, offset=4) == ([], 0)


async def test_a_search_is_one_statement(town: Tx) -> None:
    statements: list[str] = []
    with town.query_logger(lambda logged: statements.append(logged.query)):
        await directory.outlets(town, Search(text="试验"), limit=50)
    await town.execute("SELECT")
    assert len(statements) == 1


async def test_one_institution_is_shown_with_what_is_known(town: Tx) -> None:
    hospital = await directory.outlet(town, HOSPITAL.code)
    assert (hospital.place_name, hospital.media, hospital.credit) == ("上海市", ("code", "card", "face"), True)
    assert (await directory.outlet(town, CLINIC.code)).media == ()
    for code in (ENDED.code, "P0", "%", ""):
        with pytest.raises(directory.InstitutionUnknown):
            await directory.outlet(town, code)


async def test_an_institution_tells_of_itself_and_stays_where_it_is(town: Tx) -> None:
    for _ in range(2):  # Saying it again changes nothing.
        await directory.tell(
            town,
            institution=PHARMACY.code,
            media=["code", "card"],
            hardware=["scanner"],
            credit=False,
            bring="",
            notice="设备已装好",
            hours="每天",
        )
    told = await directory.outlet(town, PHARMACY.code)
    assert (told.media, told.hardware, told.notice, told.district) == (
        ("code", "card"),
        ("scanner",),
        "设备已装好",
        "静安区",
    )
    assert await found(town, Search(place=PLACE, text="shsyd", code_only=True)) == [PHARMACY.code]


async def test_what_cannot_be_told_is_refused(town: Tx) -> None:
    async def tell(institution: str = CLINIC.code, media: str = "code", notice: str = "") -> None:
        await directory.tell(
            town,
            institution=institution,
            media=["code"] if media else [],
            hardware=[],
            credit=False,
            bring="",
            notice=notice,
            hours="",
        )

    with pytest.raises(directory.MediumMissing):
        await tell(media="", notice="长" * 301)
    with pytest.raises(directory.TextTooLong):
        await tell(notice="长" * 301)
    with pytest.raises(directory.InstitutionUnknown):
        await tell(institution=ENDED.code)
    await tell(notice="长" * 300)


def test_a_browser_may_say_only_where_it_can_be() -> None:
    assert rules.spot_of({"lat": "31.23456", "lng": "121.4"}) == Spot(31.235, 121.4)
    for lat, lng in (("", ""), ("x", "1"), ("91", "0"), ("0", "181"), ("nan", "0"), ("inf", "0"), ("1e400", "0")):
        assert rules.spot_of({"lat": lat, "lng": lng}) is None


def test_distances_are_said_as_people_say_them() -> None:
    assert [rules.distance(m) for m in (4, 952, 2_856, 31_400)] == ["0 米", "950 米", "2.9 公里", "31 公里"]


# The pages.


@pytest.fixture
async def shops(pool: Pool) -> None:
    async with transaction(pool) as tx:
        await open_all(tx)


async def test_anybody_searches_without_signing_in(stranger: Phone, shops: None) -> None:
    page = (await stranger.get("/where?place=310000&q=试验")).text
    assert "共 3 家" in page
    assert f'href="/where/{HOSPITAL.code}"' in page
    assert "只收实体卡" in page
    assert "请先电话询问" in page
    assert "没有找到" in (await stranger.get("/where?q=绝无此处")).text


async def test_whoever_is_signed_in_begins_in_their_own_city(phone: Phone, pool: Pool, shops: None) -> None:
    async with transaction(pool) as tx:
        await registry.add_institutions(tx, [msgspec.structs.replace(PHARMACY, code="P51050000901", place="510500")])
    chosen = '<option value="510500" selected>'
    assert chosen in (await phone.get("/where")).text
    assert chosen not in (await phone.get("/where?place=310000")).text
    everywhere = (await phone.get("/where?place=&q=试验")).text
    assert chosen not in everywhere
    assert 'name="place" value=""' in everywhere  # Whoever turns the page or asks for the distance stays everywhere.


async def test_a_distance_is_said_only_from_where_somebody_stands(stranger: Phone, shops: None) -> None:
    page = (await stranger.get("/where?place=310000&q=试验&district=静安区")).text
    assert "离静安区近的在前" in page
    assert "约" not in page  # The middle of a district's institutions is where nobody stands.


async def test_where_a_phone_stands_comes_in_the_form_and_stays_in_no_address(stranger: Phone, shops: None) -> None:
    await stranger.get("/where?place=310000&q=试验")
    near = await stranger.post("/where", place="310000", q="试验", lat="31.23", lng="121.46")
    assert near.status_code == 200
    assert "约 950 米" in near.text
    assert "没有保存" in near.text
    assert 'href="/where?lat' not in near.text
    nowhere = await stranger.post("/where", place="310000", lat="north", lng="")
    assert nowhere.status_code == 200
    assert "离您近的在前" not in nowhere.text


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=99999999999", "page=x", "place=nowhere", "service=x", "district=x", "q=%00x"]
)
async def test_an_address_typed_by_anybody_is_answered(stranger: Phone, shops: None, query: str) -> None:
    assert (await stranger.get(f"/where?{query}")).status_code == 200


async def test_the_page_of_an_institution_says_what_to_bring(stranger: Phone, shops: None) -> None:
    hospital = (await stranger.get(f"/where/{HOSPITAL.code}")).text
    for words in ("可以用医保码", "三级医院", "带转诊单", "自助机", "021-99000002", "黄浦区试验路2号"):
        assert words in hospital
    assert "还不能用医保码" in (await stranger.get(f"/where/{PHARMACY.code}")).text
    assert "还没有登记" in (await stranger.get(f"/where/{CLINIC.code}")).text
    unknown = await stranger.get("/where/P99999999999")
    assert unknown.status_code == 404
    assert "directory.institution_unknown" in unknown.text


@pytest.fixture
async def till(stranger: Phone, house: House, shops: None) -> Phone:
    login = f"{CLINIC.code}-{secrets.token_hex(3)}"
    async with transaction(house.pool) as tx:
        password_hash = await house.hasher.hash("x")
        await identity.add_staff(
            tx,
            [
                identity.Staff(
                    login=login,
                    institution=CLINIC.code,
                    display_name="收银员",
                    role="cashier",
                    password_hash=password_hash,
                )
            ],
        )
        token = await identity.start_staff_session(tx, login=login, device="till", at=house.clock())
    stranger.cookies.set(TILL_COOKIE, token)
    return stranger


async def test_a_cashier_keeps_the_notice(till: Phone) -> None:
    assert (await till.get("/till/notice")).status_code == 200
    told = {"media_code": "1", "media_card": "1", "hardware_scanner": "1", "notice": "第一行\n<b>第二行"}
    saved: httpx.Response = await till.post("/till/notice", **told)
    assert (saved.status_code, saved.headers["location"]) == (303, "/till/notice?done=1")
    assert "已保存" in (await till.get("/till/notice?done=1")).text
    shown = (await till.get(f"/where/{CLINIC.code}")).text
    assert "第一行\n&lt;b&gt;第二行" in shown
    assert "可以用医保码" in shown

    refused = await till.post("/till/notice", notice="留着")
    assert refused.status_code == 422
    assert "至少要选一种就医凭证" in refused.text
    assert "留着" in refused.text


async def test_only_a_cashier_writes_the_notice(stranger: Phone) -> None:
    await stranger.get("/where")
    assert (await stranger.get("/till/notice")).headers["location"] == "/till/login?next=/till/notice"
    assert (await stranger.post("/till/notice", media_code="1")).status_code == 303
