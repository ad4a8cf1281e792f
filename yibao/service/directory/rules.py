"""How what people type is read, and the words for what an institution can do."""

import unicodedata
from collections.abc import Mapping

from pypinyin import Style, lazy_pinyin

from yibao.service.directory.types import Spot

SERVICES = {
    "outpatient": "门诊",
    "pharmacy": "药店购药",
    "inpatient": "住院",
    "credit": "信用就医",
    "away": "异地就医",
}
MEDIA = {"code": "医保码", "card": "社会保障卡", "id_card": "身份证", "face": "刷脸"}
HARDWARE = {"scanner": "扫码枪", "kiosk": "自助机", "camera": "刷脸设备"}
KINDS = {"pharmacy": "药店", "hospital": "医院"}

BRING_MAX, NOTICE_MAX, HOURS_MAX = 120, 300, 60


def plain(text: str) -> str:
    """Return a search as the store compares it: full width and surrounding spaces make no difference."""
    printable = "".join(each for each in unicodedata.normalize("NFKC", text) if each.isprintable())
    return printable.strip()[:50]


def initials(name: str) -> str:
    """Return the pinyin initials of a name, in capitals: 江阳店 gives JYD."""
    spelled = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).upper()
    return "".join(letter for letter in spelled if letter.isascii() and letter.isalnum())


def spot_of(typed: Mapping[str, str]) -> Spot | None:
    """Return where a browser says it is, to about a hundred metres; nothing if that is no point on earth."""
    try:
        lat, lng = round(float(typed.get("lat", "")), 3), round(float(typed.get("lng", "")), 3)
    except ValueError:
        return None
    return Spot(lat, lng) if -90 <= lat <= 90 and -180 <= lng <= 180 else None


def distance(metres: int) -> str:
    """Return a distance as people say it: 350 米, 2.4 公里, 31 公里."""
    if metres < 1_000:
        return f"{metres // 10 * 10} 米"
    return f"{metres / 1_000:.1f} 公里" if metres < 10_000 else f"{metres // 1_000} 公里"
