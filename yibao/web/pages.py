"""How pages are rendered: one Jinja environment over the templates of every room, and what all of them share."""

import importlib.resources
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine

from yibao.core.clock import local_text
from yibao.core.money import yuan_text

CARE_COOKIE = "yb_care"


def templates(rooms: Iterable[str]) -> JinjaTemplateEngine:
    """Return the template engine: `identity/login.html` is `yibao/identity/templates/login.html`."""
    loaders = {}
    for room in rooms:
        folder = importlib.resources.files(room) / "templates"
        if folder.is_dir():
            loaders[room.rpartition(".")[2]] = FileSystemLoader(Path(str(folder)))
    environment = Environment(
        loader=PrefixLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["yuan"] = yuan_text
    environment.filters["moment"] = moment
    return JinjaTemplateEngine.from_environment(environment)


def moment(at: datetime) -> str:
    """Return an instant as people read it: `2026-05-12 10:00`."""
    return local_text(at)[:16]


def safe_next(path: str) -> str:
    """Return where to go back to after signing in: a path of ours, or the home page."""
    if path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable():
        return path
    return "/"
