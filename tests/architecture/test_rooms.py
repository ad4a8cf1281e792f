"""The house stays tidy: floors, files, front doors, no float near money."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import yibao
from yibao.rooms import MIGRATED, RENDERED

PACKAGE = Path(yibao.__file__).parent
ROOT = PACKAGE.parent
ANATOMY = {
    "__init__", "types", "states", "rules", "refusals", "store", "queries", "actions", "api", "pages", "jobs", "check",
    "conftest",
    "console",
    "main",
}  # fmt: skip
OWN_FILES = {  # What a room has besides the anatomy, each because it is the room's own subject.
    "core": {
        "batch", "clock", "database", "ff1", "gm", "masks", "migrate", "money", "numbers", "outbox", "partner",
        "postgres", "refusal", "settings", "vault",
    },
    "web": {"assets", "palette", "principal", "problem", "typeset"},
    "face": {"booth", "challenge", "digits", "eyes", "judge", "likeness", "models", "police", "quality", "vision"},
    "identity": {"hasher", "nobank", "unionpay"},
    "benefit": {
        "assess", "bands", "bill", "document", "enrolment", "examples", "policy", "terms", "trace", "values",
    },
    "paper": {"picture", "reader"},
    "credential": {
        "arrivals", "by_card", "by_counter", "by_face", "channel_api", "channels", "code", "counter", "draw", "live",
        "media", "offline", "places", "real_name", "relatives", "screen_lock", "signing", "tokens",
    },
    "service/family": {"terms"},
    "service/message": {"in_channels", "sms"},
    "service/unit": {"console", "office"},
    "settlement": {"draft", "entries", "explain", "preview", "replay", "slip", "tallies"},
    "worker": {"drain"},
    "site": {"export", "help", "icons", "my_data", "reference", "trouble", "words"},
    "cli": {
        "bench", "bench_assess", "bench_face", "bench_load", "bench_openfisca", "bench_preview", "bench_zen", "check",
        "demo", "forge", "instance", "policy", "preview", "processes", "serving", "world",
    },
    "sandbox": {"app", "channels", "hospital", "papers", "police", "sms", "switches", "unionpay"},
}  # fmt: skip
SUBFOLDERS = {
    "schema",
    "templates",
    "tests",
    "static",
    "data",
    "policies",
    "published",
    "steps",
    "world",
    "actions",
    "store",
    "pages",
    "till",
    "__pycache__",
}


def rooms() -> list[Path]:
    found = []
    for folder in sorted(path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"):
        found += (
            sorted(p for p in folder.iterdir() if (p / "__init__.py").exists())
            if folder.name == "service"
            else [folder]
        )
    return found


def name_of(room: Path) -> str:
    return room.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("room", rooms(), ids=name_of)
def test_a_room_has_a_front_door_and_only_the_files_of_the_anatomy(room: Path) -> None:
    front = ast.parse((room / "__init__.py").read_text("utf-8"))
    assert ast.get_docstring(front), "a front door says what the room is for"
    files = {path.stem for path in room.glob("*.py")}
    assert files <= ANATOMY | OWN_FILES.get(name_of(room), set())
    assert {path.name for path in room.iterdir() if path.is_dir()} <= SUBFOLDERS


@pytest.mark.parametrize("room", rooms(), ids=name_of)
def test_no_room_is_empty(room: Path) -> None:
    assert any(path.stem != "__init__" or len(path.read_text()) > 200 for path in room.glob("*.py"))


def test_the_floors_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_schemas_are_found_by_the_migrations() -> None:
    with_schema = {f"yibao.{name_of(room).replace('/', '.')}" for room in rooms() if (room / "schema").is_dir()}
    assert with_schema == set(MIGRATED)
    with_templates = {f"yibao.{name_of(room).replace('/', '.')}" for room in rooms() if (room / "templates").is_dir()}
    assert with_templates - {"yibao.sandbox"} <= set(RENDERED)


MONEY = ("core/money.py", "ledger", "benefit", "settlement")


@pytest.mark.parametrize(
    "path",
    [p for part in MONEY for p in ([PACKAGE / part] if part.endswith(".py") else (PACKAGE / part).rglob("*.py"))],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_no_float_comes_near_money(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), ast.unparse(node)
        assert not (isinstance(node, ast.Name) and node.id == "float"), ast.unparse(node)


def test_only_faces_and_the_commands_read_the_clock() -> None:
    """Time is an argument; sandbox programs, the command and the measuring stand outside."""
    readers = re.compile(r"datetime\.now\(|datetime\.utcnow\(|date\.today\(|time\.time\(")
    allowed = {"core/clock.py"}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if "/tests/" in name or name.startswith("sandbox/") or name in allowed:
            continue
        assert not readers.search(path.read_text("utf-8")), name


def test_nothing_reads_the_shared_folder() -> None:
    for pattern in ("*.py", "*.sql", "*.yaml", "*.html"):
        for path in PACKAGE.rglob(pattern):
            assert "../shared" not in path.read_text("utf-8"), path
