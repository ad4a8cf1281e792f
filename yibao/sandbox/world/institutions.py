"""Invented institutions: a pharmacy at least and a hospital of three levels in every city, and two of the province."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from yibao.sandbox.world.places import PLACES

# The one password of every sandbox account of institution staff. It is documented, protects nothing, and a real
# installation never loads this world.
DEMO_PASSWORD = "Yibao-demo-2026"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Staff:
    login: str
    display_name: str
    role: Literal["cashier", "clerk"]


@dataclass(frozen=True, slots=True)
class Usage:
    """How the insurance is used there, invented too."""

    code: str
    district: str
    lat: float
    lng: float
    media: tuple[str, ...]  # code, card, id_card, face
    hardware: tuple[str, ...]  # scanner, kiosk, camera
    credit: bool
    bring: str
    notice: str
    hours: str


@dataclass(frozen=True, slots=True)
class Institution:
    code: str  # H for hospitals or P for pharmacies, place (6), serial (5).
    name: str
    place: str
    kind: str  # pharmacy, hospital
    level: str  # none, community, secondary, tertiary
    address: str
    phone: str
    services: tuple[str, ...]  # pharmacy, outpatient, inpatient, away
    staff: tuple[Staff, ...]
    usage: Usage


_TABLE = (
    # place, level (none for pharmacies), name, address, services
    ("510500", "none", "泸州示例大药房江阳店", "江阳区示例路1号", "pharmacy away"),
    ("510500", "none", "泸州示例大药房龙马潭店", "龙马潭区示例路2号", "pharmacy away"),
    ("510500", "none", "泸州样板药房纳溪店", "纳溪区样板街3号", "pharmacy"),
    ("510500", "community", "泸州江阳示例社区卫生服务中心", "江阳区示例路11号", "outpatient"),
    ("510500", "community", "泸县示例镇卫生院", "泸县示例镇1号", "outpatient inpatient"),
    ("510500", "secondary", "泸州示例中医医院", "龙马潭区示例路12号", "outpatient inpatient away"),
    ("510500", "tertiary", "泸州示例人民医院", "江阳区示例大道1号", "outpatient inpatient away"),
    ("510100", "none", "成都示例大药房锦江店", "锦江区示例街1号", "pharmacy away"),
    ("510100", "none", "成都样板药房武侯店", "武侯区样板街2号", "pharmacy"),
    ("510100", "community", "成都青羊示例社区卫生服务中心", "青羊区示例街3号", "outpatient"),
    ("510100", "secondary", "成都示例第二医院", "金牛区示例街4号", "outpatient inpatient away"),
    ("510100", "tertiary", "成都示例人民医院", "武侯区示例大道1号", "outpatient inpatient away"),
    ("510100", "tertiary", "成都示例儿童医院", "成华区示例街5号", "outpatient inpatient away"),
    ("310000", "none", "上海示例大药房静安店", "静安区示例路1号", "pharmacy away"),
    ("310000", "none", "上海样板药房浦东店", "浦东新区样板路2号", "pharmacy"),
    ("310000", "community", "上海徐汇示例社区卫生服务中心", "徐汇区示例路3号", "outpatient"),
    ("310000", "secondary", "上海示例中心医院", "杨浦区示例路4号", "outpatient inpatient away"),
    ("310000", "tertiary", "上海示例人民医院", "黄浦区示例大道1号", "outpatient inpatient away"),
    ("610100", "none", "西安示例大药房碑林店", "碑林区示例路1号", "pharmacy away"),
    ("610100", "community", "西安莲湖示例社区卫生服务中心", "莲湖区示例路2号", "outpatient"),
    ("610100", "secondary", "西安示例第二医院", "雁塔区示例路3号", "outpatient inpatient away"),
    ("610100", "tertiary", "西安示例人民医院", "新城区示例大道1号", "outpatient inpatient away"),
    ("341100", "none", "滁州示例大药房琅琊店", "琅琊区示例路1号", "pharmacy away"),
    ("341100", "community", "滁州南谯示例社区卫生服务中心", "南谯区示例路2号", "outpatient"),
    ("341100", "secondary", "天长示例人民医院", "天长市示例路3号", "outpatient inpatient away"),
    ("341100", "tertiary", "滁州示例人民医院", "琅琊区示例大道1号", "outpatient inpatient away"),
    ("320682", "none", "如皋示例大药房如城店", "如城街道示例路1号", "pharmacy away"),
    ("320682", "community", "如皋示例镇卫生院", "示例镇示例路2号", "outpatient inpatient"),
    ("320682", "secondary", "如皋示例中医院", "如城街道示例路3号", "outpatient inpatient away"),
    ("320682", "tertiary", "如皋示例人民医院", "如城街道示例大道1号", "outpatient inpatient away"),
    ("519900", "none", "四川省直示例药房", "青羊区示例街6号", "pharmacy away"),
    ("519900", "tertiary", "四川省直示例医院", "青羊区示例大道2号", "outpatient inpatient away"),
)


def institutions() -> tuple[Institution, ...]:
    """Return the institutions of the world, the same for every seed: developers keep their codes in configuration."""
    serials: Counter[str] = Counter()
    made = []
    for number, (place, level, name, address, services) in enumerate(_TABLE, start=1):
        prefix = ("P" if level == "none" else "H") + place
        serials[prefix] += 1
        code = f"{prefix}{serials[prefix]:05d}"
        made.append(
            Institution(
                code=code,
                name=name,
                place=place,
                kind="pharmacy" if level == "none" else "hospital",
                level=level,
                address=PLACES[place].city + address,
                phone=_phone(place, number),
                services=tuple(services.split()),
                staff=tuple(Staff(f"{code}-{n:02d}", f"演示收银员{n:02d}", "cashier") for n in (1, 2)),
                usage=_usage(code, place, level, address, number),
            )
        )
    return tuple(made)


# No notice here invites to what this software does not do: paying by face, paying later, machines for registering. That
# an institution takes 信用就医 is a fact of the directory all the same, told by the institution (B13).
# By level: media, hardware, credit, what to bring, notice, hours.
_USAGES = {
    "none": (
        "code card",
        "scanner",
        False,
        "购买处方药请带处方。",
        "请在付款前出示医保码，付款后不能改用医保。",
        "每天 8:00—21:30",
    ),
    "community": (
        "code card",
        "scanner",
        False,
        "慢特病取药请带病历本。",
        "家庭医生签约在二楼办理。",
        "周一至周六 8:00—17:30",
    ),
    "secondary": (
        "code card id_card",
        "scanner",
        False,
        "住院请带身份证件；外伤住院要填写情况说明。",
        "门诊、住院都在一楼窗口结算，可以打印结算单。",
        "门诊 8:00—12:00、14:00—17:30，急诊全天",
    ),
    "tertiary": (
        "code card id_card face",
        "scanner camera",
        True,
        "住院请带身份证件；转诊病人请带转诊单。",
        "门诊在一楼、住院在二楼结算，请出示医保码，或带社会保障卡、身份证件；都没有带的，报姓名和证件号码，对着窗口的摄像头刷脸。",
        "门诊 8:00—12:00、14:00—17:30，急诊全天",
    ),
}
_CARD_ONLY = {"P51050000003"}  # One reads no codes, so that people see what it looks like.
_DISTRICT = re.compile(r"^.+?(?:街道|[区县市镇])")
_CENTRES = {
    "510500": (28.87, 105.44),
    "510100": (30.66, 104.07),
    "310000": (31.23, 121.47),
    "610100": (34.34, 108.94),
    "341100": (32.30, 118.32),
    "320682": (32.37, 120.56),
    "519900": (30.66, 104.07),
}


def _usage(code: str, place: str, level: str, address: str, number: int) -> Usage:
    """Return facts that fit the level, at a spot within some seven kilometres of the city's middle."""
    media, hardware, credit, bring, notice, hours = _USAGES[level]
    district = _DISTRICT.match(address)
    lat, lng = _CENTRES[place]
    if code in _CARD_ONLY:
        media, hardware, notice = "card", "", "扫码设备正在安装，目前只能用社会保障卡结算。"
    return Usage(
        code=code,
        district=district[0] if district else "",
        lat=round(lat + (number * 37 % 21 - 10) * 0.006, 4),
        lng=round(lng + (number * 53 % 21 - 10) * 0.006, 4),
        media=tuple(media.split()),
        hardware=tuple(hardware.split()),
        credit=credit,
        bring=bring,
        notice=notice,
        hours=hours,
    )


def clerks() -> tuple[Staff, ...]:
    """Return one clerk for each place's agency: A510500-01 works for Luzhou's."""
    return tuple(Staff(f"A{code}-01", f"{place.name}医保经办窗口", "clerk") for code, place in PLACES.items())


def _phone(place: str, number: int) -> str:
    """Return a landline that cannot ring: no subscriber number begins with 9."""
    digits = PLACES[place].dial_digits - 4
    return f"{PLACES[place].dial}-9900{number:0{digits}d}"
