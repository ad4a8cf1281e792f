"""The stylesheet for browsers of 2015, which know no custom properties: the same colours, worked out.

It is read before `yibao.css`. A browser that knows custom properties takes the second file's declarations over it; one
that does not drops what it cannot read there and keeps these. So the colours are written once, and nobody has to
remember the old phones.
"""

import re
from functools import cache
from pathlib import Path

from litestar import Response, Router, get

from yibao.web.principal import anyone

SHEET = Path(__file__).parent / "static" / "yibao.css"

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_AT_RULE = re.compile(r"@[\w-]+[^{;]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_USE = re.compile(r"var\((--[\w-]+)\)")


def worked_out(css: str) -> str:
    """Return the rules that use custom properties, with the values that `:root` gives them in the light palette.

    What stands in at-rules is left out: an old phone shows the light page for narrow screens. KeyError for a property
    that `:root` does not give.
    """
    rules = [
        (" ".join(selector.split()), _declarations(body))
        for selector, body in _RULE.findall(_AT_RULE.sub("", _COMMENT.sub("", css)))
    ]
    palette = {name: value for selector, body in rules if selector == ":root" for name, value in body}
    lines = []
    for selector, body in rules:
        plain = [
            f"{name}: {_USE.sub(lambda used: palette[used[1]], value)};" for name, value in body if _USE.search(value)
        ]
        if plain:
            lines.append(f"{selector} {{ {' '.join(plain)} }}\n")
    return "".join(lines)


def _declarations(body: str) -> list[tuple[str, str]]:
    pairs = (each.partition(":") for each in body.split(";"))
    return [(name.strip(), " ".join(value.split())) for name, colon, value in pairs if colon]


@cache
def _served() -> str:
    return worked_out(SHEET.read_text("utf-8"))


@get("/styles/old.css", include_in_schema=False)
async def old() -> Response[str]:
    return Response(_served(), media_type="text/css; charset=utf-8")


routes = [Router("/", route_handlers=[old], guards=[anyone])]
