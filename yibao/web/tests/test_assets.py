"""Page assets come from npm at set-up. A local archive stands in for the registry: npm is real, the network unused."""

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from yibao.web import assets

STYLE = b".weui-btn{color:#07c160}"


def _publish(checkout: Path, style: bytes) -> None:
    """Write a checkout whose lock file pins an archive of one file for each package, by its hash."""
    needs, packages = {}, {}
    for source in assets.FILES:
        name, _, file = source.removeprefix("node_modules/").partition("/")
        archive = checkout / f"{name}.tgz"
        content = style if name == "weui" else name.encode()
        with tarfile.open(archive, "w:gz") as tar:
            for path, held in {"package.json": json.dumps({"name": name}).encode(), file: content}.items():
                member = tarfile.TarInfo(f"package/{path}")
                member.size = len(held)
                tar.addfile(member, io.BytesIO(held))
        needs[name] = archive.as_uri()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        packages[f"node_modules/{name}"] = {"version": "1.0.0", "resolved": needs[name], "integrity": integrity}
    (checkout / "package.json").write_text(json.dumps({"name": "yibao", "dependencies": needs}))
    lock = {"name": "yibao", "lockfileVersion": 3, "requires": True}
    listed = {"packages": {"": {"name": "yibao", "dependencies": needs}, **packages}}
    (checkout / "package-lock.json").write_text(json.dumps(lock | listed))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    _publish(checkout, STYLE)
    monkeypatch.setattr(assets, "CHECKOUT", checkout)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))  # npm's own may hold it from an earlier run.
    return checkout


def test_assets_are_installed_once_and_again_only_when_the_lock_changes(tmp_path: Path, checkout: Path) -> None:
    home = tmp_path / "home"
    installed = assets.ensure(home)
    assert installed == home / "assets"
    assert (installed / "weui.min.css").read_bytes() == STYLE
    assert list((home / "npm").iterdir()) == []
    assert {file.name for file in installed.iterdir()} == {"package-lock.sha256", *assets.FILES.values()}
    assert {file.name for file in checkout.iterdir() if file.suffix != ".tgz"} == set(assets.MANIFEST)

    (installed / "weui.min.css").write_bytes(b"left alone")
    assert assets.ensure(home) == installed
    assert (installed / "weui.min.css").read_bytes() == b"left alone"

    _publish(checkout, b"newer")
    assert (assets.ensure(home) / "weui.min.css").read_bytes() == b"newer"


def test_a_machine_without_npm_uses_the_one_of_the_node_wheel(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (assets.ensure(tmp_path / "home") / "weui.min.css").read_bytes() == STYLE


def test_an_npm_too_old_or_broken_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    monkeypatch.setenv("PATH", str(tmp_path))
    for answer, own in (("echo 8.19.4", False), ("exit 1", False), ("echo 9.0.0", True), ("echo 11.19.1", True)):
        npm.write_text(f"#!/bin/sh\n{answer}\n")
        npm.chmod(0o755)
        assert (assets._npm() == [str(npm)]) is own


def test_a_failed_installation_says_what_to_do_and_is_tried_again(tmp_path: Path, checkout: Path) -> None:
    (checkout / "weui.tgz").write_bytes(b"not what the lock file promised")
    with pytest.raises(assets.AssetsUnavailable, match=r"请检查网络后重试[\s\S]*npm error code EINTEGRITY"):
        assets.ensure(tmp_path / "home")

    _publish(checkout, STYLE)
    assert (assets.ensure(tmp_path / "home") / "weui.min.css").read_bytes() == STYLE


def test_an_installed_package_without_its_checkout_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "CHECKOUT", tmp_path)
    with pytest.raises(assets.AssetsUnavailable, match=r"找不到 package-lock\.json"):
        assets.ensure(tmp_path / "home")


def test_the_lock_file_pins_every_package_by_hash_and_records_no_address() -> None:
    lock = (assets.CHECKOUT / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)
    assert "resolved" not in lock
    assert "://" not in lock
