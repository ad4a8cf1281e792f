"""How pages are rendered: one Jinja environment over the templates of every room, and what all of them share."""

import importlib.resources
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine

from yibao.core.clock import local_text
from yibao.core.money import yuan_text

CARE_COOKIE = "yb_care"
BAR_WIDTH, BAR_LEAST = 1000, 30  # In units of the drawing; the least is still seen on a screen of 320 points.


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
    environment.filters["bar"] = bar
    return JinjaTemplateEngine.from_environment(environment)


def moment(at: datetime) -> str:
    """Return an instant as people read it: `2026-05-12 10:00`."""
    return local_text(at)[:16]


def bar(parts: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the parts of a bar in their order, each with where it begins and how wide it is.

    Widths are in proportion and sum to `BAR_WIDTH`. What is zero is left out; what would be too small to see gets
    `BAR_LEAST`, for which the larger ones make room.
    """
    drawn = {name: fen for name, fen in parts.items() if fen > 0}
    large = drawn
    while True:
        room, rest = BAR_WIDTH - BAR_LEAST * (len(drawn) - len(large)), sum(large.values())
        still = {name: fen for name, fen in large.items() if fen * room >= BAR_LEAST * rest}
        if len(still) == len(large):
            break
        large = still
    # Edges are rounded rather than widths, so that nothing is lost at the end of the bar.
    spans, start, small, done = [], 0, 0, 0
    for name, fen in drawn.items():
        if name in large:
            done += fen
        else:
            small += BAR_LEAST
        end = small + room * done // rest
        spans.append((name, start, end - start))
        start = end
    return spans


def safe_next(path: str) -> str:
    """Return where to go back to after signing in: a path of ours, or the home page."""
    if path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable():
        return path
    return "/"
