"""Names that read like names and that nobody bears: words of health and weather stand where surnames would."""

from functools import lru_cache
from random import Random

from pypinyin import lazy_pinyin

# Characters whose reading depends on the word (长, 乐, 行) are left out, so that a name has one spelling.
SURNAMES = "医保惠健益愈济护瑞祺沐晴霁岚湛星晓橙茉芃霏煦屿禾"
MIDDLES = "小大阿子一又知有可向同初若如与文思念遇逢望近远春"
ENDINGS = (
    "江河山竹松梅兰菊荷莲杏桃桂枫桦榆杉桐柳芦苇稻麦豆茶棉桑麻"
    "云雨雪霜霭霞虹月阳辰光明清泉溪湖海岛舟帆桥石玉珠瓷笛琴棋书画诗"
)


def invented_name(rng: Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(MIDDLES) + rng.choice(ENDINGS)


def pinyin_name(name: str) -> str:
    """Return the name in capital letters, surname apart: `YI XIAOCHUAN`; a Latin name only in capitals."""
    if name.isascii():
        return name.upper()
    if "·" in name:
        return " ".join("".join(map(_reading, part)) for part in name.split("·"))
    return f"{_reading(name[0])} {''.join(map(_reading, name[1:]))}"


@lru_cache(maxsize=1024)
def _reading(character: str) -> str:
    return "".join(lazy_pinyin(character)).upper()
