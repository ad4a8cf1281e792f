"""帮助 before anybody has registered: what a text means (A8), what a phone can do (F6), how to keep it (A12)."""

import io
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import zxingcpp
from PIL import Image

import yibao
from yibao import registry
from yibao.app import House
from yibao.core.database import transaction
from yibao.core.refusal import Refusal
from yibao.credential import channels
from yibao.credential.tests.channel import CLERK, admitted
from yibao.site import help, icons, trouble
from yibao.site.tests.scene import Phone

PUBLISHED = (
    "个人信息不正确",
    "未知错误",
    "系统异常",
    "未获取到人员基本信息(社保卡已更换或未激活)",
    "系统未包含该身份信息",
    "未能通过人脸检测",
    "当前环境光太亮",
    "人脸与身份信息不匹配",
    "点击没有反应",
)


# What a text means.


@pytest.mark.parametrize("shown", PUBLISHED)
async def test_every_published_vague_text_is_found_and_explained(stranger: Phone, shown: str) -> None:
    [first, *_] = trouble.explained(shown)[0]
    assert first.shown == shown
    page = (await stranger.get(f"/help/errors?q={shown}")).text
    section = page[page.index('<h2 class="first">') : page.index("常见的提示")]
    for words in (first.means, first.causes[0], first.do[0], "问谁"):
        assert words in section


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("未获取到人员基本信息（社保卡已更换或未激活）", "未获取到人员基本信息(社保卡已更换或未激活)"),
        ("未获取到人员基本信息", "未获取到人员基本信息(社保卡已更换或未激活)"),
        ("提示：系统异常！请稍后再试", "系统异常"),
        ("屏幕上说当前环境光线太暗了", "当前环境光太亮"),
        ("白屏", "点击没有反应"),
        ("截图", "二维码已过期"),
        ("UNKNOWN ERROR", "未知错误"),
        ("没有网络，离线码已用完。请连接网络，或出示身份证、社会保障卡", "没有网络"),
        ("没有网络，手机的时间被调慢了，出示的码会无效", "没有网络"),
        ("离线码已过期", "没有网络"),
        ("这一页要有网络才能打开", "没有网络"),
        ("网络异常", "网络异常"),
        ("医保基金不支付：居民的普通门诊只在本市的社区医院报销", "医保基金不支付"),
        ("激活失败", "激活失败"),
        ("无法激活", "激活失败"),
        ("注册失败", "激活失败"),
        ("换手机号", "手机号已停用"),
        ("我换了手机号怎么办", "手机号已停用"),
        ("社保卡丢了", "社会保障卡已挂失"),
        ("已经绑定", "医保关系已绑定"),
        ("密码忘了", "密码错误次数过多"),
        ("没有照片", "系统未包含该身份信息"),
        ("欠费", "参保状态异常"),
    ],
)
def test_texts_are_found_as_people_type_them(typed: str, shown: str) -> None:
    assert trouble.explained(typed)[0][0].shown == shown


def test_our_own_refusals_are_found_by_title_detail_and_code() -> None:
    for code, refusal in Refusal.catalogue.items():
        assert trouble.explained(code)[1] == [refusal]
        title_of = [each.title for each in trouble.explained(refusal.title)[1]]
        assert refusal.title in title_of, code
    assert Refusal.catalogue["web.page_expired"] in trouble.explained("浏览器没有保存Cookie")[1]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("credential.card_lost", ["社会保障卡已挂失"]),
        ("face.too_bright", ["当前环境光太亮"]),
        ("identity.login_locked", ["密码错误次数过多"]),
        ("identity.bank_phone_differs", ["银行卡信息不一致"]),
        ("identity.code_wrong", ["收不到验证码"]),
        ("credential.not_synced", ["系统异常"]),
        ("face.photo_missing", ["系统未包含该身份信息"]),
        ("face.check_ended", []),  # Its words only resemble others.
        ("web.page_expired", []),
    ],
)
async def test_a_refusal_is_explained_with_what_is_published_about_its_words(
    stranger: Phone, code: str, shown: list[str]
) -> None:
    """A8: who follows the link below a refusal reads more than its own words again."""
    assert [one.shown for one in trouble.explained(code)[0]] == shown
    page = (await stranger.get(f"/help/errors?q={code}")).text
    for one in trouble.explained(code)[0]:
        assert one.causes[0] in page[: page.index("常见的提示")]


def test_the_not_synced_are_sent_where_they_can_go() -> None:
    """Who is not bound cannot open 参保情况; binding says which of the causes it is."""
    for typed in ("系统异常", "未知错误"):
        [first, *_] = trouble.explained(typed)[0]
        assert first.href == "/me/bind"
        assert any("还没有绑定的" in each for each in first.do)


@pytest.mark.parametrize("typed", ["", " ", "，", "的", "今天天气怎么样", "\x00", "𠮷" * 5_000, "%_'\"<script>"])
async def test_what_nobody_explains_is_said_plainly(stranger: Phone, typed: str) -> None:
    assert trouble.explained(typed) == ([], [])
    assert (await stranger.get("/help/errors?q=今天天气怎么样")).text.count("没有找到这个提示") == 1


def test_what_is_about_a_matter_is_found_where_no_text_is_like_it() -> None:
    assert trouble.explained("曾用名")[0][0].shown == "个人信息不正确"


def test_facts_of_a_case_are_left_out() -> None:
    assert trouble.fixed("还可以试 {left} 次") == "还可以试 …… 次"


def test_explanations_lead_to_pages_and_say_whom_to_ask() -> None:
    shown = [text for one in trouble.explanations() for text in (one.shown, *one.also)]
    assert len(shown) == len(set(shown))
    for one in trouble.explanations():
        assert one.means
        assert one.causes
        assert one.do
        assert one.ask
        assert bool(one.href) == bool(one.link)


async def test_the_pages_that_explanations_name_exist(stranger: Phone) -> None:
    for path in {one.href for one in trouble.explanations() if one.href}:
        assert (await stranger.get(path)).status_code in (200, 303), path


async def test_every_refusal_on_the_phone_leads_to_what_it_means(stranger: Phone) -> None:
    refused = await stranger.get("/nowhere")
    [link] = re.findall(r'href="(/help/errors[^"]+)"', refused.text)
    assert link == "/help/errors?q=web.not_found"
    page = (await stranger.get(link)).text
    assert "没有这个页面" in page
    assert "请返回首页重新查找" in page


# What a phone can do.


@pytest.mark.parametrize(
    ("agent", "system"),
    [
        ("Mozilla/5.0 (Linux; Android 5.0; SM-G900F) AppleWebKit/537.36 Chrome/37.0", ("Android 5.0", True)),
        ("Mozilla/5.0 (Linux; Android 4.4.2; X) AppleWebKit/537.36", ("Android 4.4", False)),
        ("Mozilla/5.0 (Linux; Android 14; K) Chrome/126", ("Android 14.0", True)),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 9_2 like Mac OS X) Version/9.0", ("iOS 9.2", True)),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 9_1_2 like Mac OS X)", ("iOS 9.1", False)),
        ("Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X)", ("iOS 12.5", True)),
        ("Mozilla/5.0 (X11; Linux x86_64)", None),
        ("", None),
    ],
)
def test_the_system_is_read_from_what_the_browser_says(agent: str, system: tuple[str, bool] | None) -> None:
    assert help.system_of(agent) == system


async def test_the_check_says_without_script_what_is_known_and_what_to_do(stranger: Phone) -> None:
    first = (await stranger.get("/help/phone")).text
    for check in help.CHECKS:
        assert check.name in first
        assert check.without in first
    assert "再打开一次" in first
    assert "再打开一次" not in (await stranger.get("/help/phone?again=1")).text
    stranger.cookies.clear()
    refused = (await stranger.get("/help/phone?again=1")).text
    assert re.search(r'check-cookie">.*?没有', refused, re.S)


# How to get here and stay.


async def test_the_manifest_is_complete_and_its_pictures_are_what_it_says(stranger: Phone) -> None:
    answer = await stranger.get("/static/manifest.json")
    manifest = json.loads(answer.text)
    assert (manifest["display"], manifest["lang"], manifest["start_url"]) == ("standalone", "zh-CN", "/")
    assert {"any", "maskable"} == {icon["purpose"] for icon in manifest["icons"]}
    for icon in manifest["icons"]:
        picture = await stranger.get(icon["src"])
        assert picture.headers["content-type"].startswith(icon["type"])
        assert picture.headers["cache-control"].startswith("public")
        if icon["type"] == "image/png":
            size = Image.open(io.BytesIO(picture.content)).size
            assert icon["sizes"] == f"{size[0]}x{size[1]}"
    for shortcut in manifest["shortcuts"]:
        assert (await stranger.get(shortcut["url"])).status_code in (200, 303)


def test_icons_keep_to_what_each_home_screen_does_with_them() -> None:
    masked = Image.open(io.BytesIO(icons.png(192, "maskable"))).convert("RGB")
    apple = Image.open(io.BytesIO(icons.png(180, "opaque")))
    assert apple.mode == "RGB"
    for x in range(192):
        for y in range(192):
            if (x - 96) ** 2 + (y - 96) ** 2 > (0.4 * 192) ** 2:  # Outside the safe circle there is only green.
                assert masked.getpixel((x, y)) == (0x0B, 0x6B, 0x4F)
    round_one = Image.open(io.BytesIO(icons.png(192, "round")))
    assert round_one.getpixel((0, 0)) == (0, 0, 0, 0)
    assert len(icons.png(512, "round")) < 50_000


async def test_the_icon_is_where_phones_look_for_it(stranger: Phone) -> None:
    page = (await stranger.get("/get")).text
    touch = re.findall(r'rel="apple-touch-icon" href="([^"]+)"', page)
    assert len(touch) == 1
    for path in (touch[0], "/apple-touch-icon.png"):
        assert (await stranger.get(path)).content.startswith(b"\x89PNG")


def read(page: str) -> str:
    """Return what the QR code on a page says, as a camera reads it."""
    [address] = re.findall(r'class="poster__qr" src="([^"]+)"', page)
    svg = unquote(address.split(",", 1)[1])
    width = int(re.search(r'viewBox="0 0 (\d+)', svg)[1])  # type: ignore[index]
    image = Image.new("L", (width * 4, width * 4), 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", svg):
        left, top = int(x) * 4, int(y) * 4
        image.paste(0, (left, top, left + int(length) * 4, top + 4))
    [code] = zxingcpp.read_barcodes(image)
    return str(code.text)


async def test_posters_lead_to_the_entry_of_their_place(stranger: Phone, house: House) -> None:
    shop = registry.Institution("P51050000911", "海报药房", "510500", "pharmacy", "none", "示例路", "0830-9", ())
    async with transaction(house.pool) as tx:
        await registry.add_institutions(tx, [shop])
    poster = (await stranger.get("/get/poster?channel=web&place=510500")).text
    assert "泸州市医保码" in poster
    assert re.search('<option value="510500">泸州市', (await stranger.get("/get")).text)
    channel = await admitted(house.pool, at=house.clock(), address=ADDRESS)
    theirs = (await stranger.get(f"/get/poster?channel={channel.code}&place=510500")).text
    assert ("泸州市医保码" in theirs, read(theirs)) == (True, ADDRESS)
    there = urlsplit(read(poster))
    assert (there.netloc, there.path, there.query) == ("yibao.test", "/get", "place=510500")
    assert "泸州市医保公共服务" in (await stranger.get(f"{there.path}?{there.query}")).text
    for query in ("", "?channel=x&place=x", "?place=%00"):
        unknown = await stranger.get(f"/get/poster{query}")
        assert read(unknown.text) == "http://yibao.test/get"


WAY, ADDRESS = "我 › 服务 › 医疗健康 › 我的医保", "https://channel.example.cn/yibao?from=poster"


async def test_channels_in_which_people_can_activate_are_listed_with_their_ways_and_posters(
    stranger: Phone, house: House
) -> None:
    """A12, E10: an app that only opens has no poster; one that may not activate, or is suspended, is not named."""
    at = house.clock()
    linked = await admitted(house.pool, at=at, name="示例聊天", way=WAY, address=ADDRESS)
    await admitted(house.pool, at=at, name="示例银行", kind="bank", own_bank_card=True, way="生活 › 医疗健康")
    await admitted(house.pool, at=at, name="示例无路")
    await admitted(house.pool, at=at, name="示例查询", functions=("query",), address=ADDRESS)
    stopped = await admitted(house.pool, at=at, name="示例暂停", address=ADDRESS)
    async with transaction(house.pool) as tx:
        await channels.move(tx, code=stopped.code, to="suspended", reason="核查", clerk=CLERK, at=at)

    page = (await stranger.get("/get")).text
    assert f'<a href="{ADDRESS}" rel="noreferrer"><span class="list__main">示例聊天<br><small>{WAY}' in page
    assert "打开示例银行的应用：生活 › 医疗健康；须先绑定本人的银行卡" in page
    assert "打开示例无路的应用：在应用里找" in page
    assert "示例查询" not in page
    assert "示例暂停" not in page
    posters = dict(re.findall(r'<option value="(\w+)"[^>]*>(示例\w+|手机网页)<', page))
    assert posters["web"] == "手机网页"
    assert [name for name in posters.values() if name.startswith("示例")].count("示例聊天") == 1
    assert not {"示例银行", "示例无路"} & set(posters.values())

    poster = (await stranger.get(f"/get/poster?channel={linked.code}")).text
    assert f"用手机相机或示例聊天扫一扫，或打开示例聊天：{WAY}" in poster
    assert read(poster) == ADDRESS
    assert read((await stranger.get(f"/get/poster?channel={stopped.code}")).text) == "http://yibao.test/get"


def test_no_picture_in_the_repository_is_needed_for_it() -> None:
    assert not list((Path(yibao.__file__).parent / "web" / "static").glob("*.png"))
