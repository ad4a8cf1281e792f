"""Paper: PDFs and pictures set by typst from data, with the Chinese font of the house."""

import threading
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import typst
from noto_cjk_sans_otc import FONT_PATH

_ONE_AT_A_TIME = threading.Lock()  # A compiler keeps the texts of the sheet that it is setting.


def typeset(template: Path, data: Any, *, at: datetime, form: Literal["pdf", "png"] = "pdf") -> bytes:
    """Set `template` with `data`, which it reads as the JSON in `sys.inputs.data`; `png` is for a single page.

    Set again with the same `at`, it is the same file. It takes some milliseconds of computing, so faces call it in a
    thread.
    """
    with _ONE_AT_A_TIME:
        made = _compiler(template).compile(
            format=form,
            sys_inputs={"data": msgspec.json.encode(data).decode()},
            timestamp=at.replace(microsecond=0),
        )
    assert isinstance(made, bytes)  # Only pictures of several pages are a list.
    return made


@cache
def _compiler(template: Path) -> "typst.Compiler":
    """Return the compiler, made once: reading the font takes far longer than setting a sheet."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT_PATH.parent)])
    return typst.Compiler(str(template), root=str(template.parent), font_paths=fonts)
