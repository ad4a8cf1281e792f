"""What a place allows in family accounts: data/terms.yaml, read once."""

import importlib.resources
from functools import cache
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from yibao.service.family.types import Relation


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """The terms of a place; `basis` says of each value on what it rests."""

    members_max: int
    children_max: int
    relations: tuple[Relation, ...]
    handover_age: int
    handover_notice_days: int
    review_working_days: int
    papers_days: int
    request_days: int
    brief_minutes: int
    basis: dict[str, str]
    child_code_name: str = "儿童医保电子码"


@cache
def _loaded() -> dict[str, Terms]:
    text = (importlib.resources.files("yibao.service.family") / "data" / "terms.yaml").read_text("utf-8")
    read: dict[str, dict[str, Any]] = yaml.safe_load(text)
    default = read["default"]
    return {
        place: msgspec.convert({**default, **own, "basis": {**default["basis"], **own.get("basis", {})}}, Terms)
        for place, own in read.items()
    }


def terms_of(place: str) -> Terms:
    """Return the terms of a place: its own, its province's, or those of everywhere else."""
    loaded = _loaded()
    return loaded.get(place) or loaded.get(f"{place[:2]}0000") or loaded["default"]
