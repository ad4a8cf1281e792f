"""The documentation tells the truth where that can be checked: links, names, ids, versions, headings."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from yibao.benefit import PUBLISHED, SHIPPED, policies
from yibao.core import settings, vault
from yibao.core.money import ROUNDINGS
from yibao.core.postgres import PROGRAMS_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DECISION_HEADINGS = ["背景", "决定", "后果", "其他方案"]
CHANGE_KINDS = {"政策", "服务", "修复", "内部"}
FEATURES = {"A": 12, "B": 17, "C": 15, "D": 16, "E": 11, "F": 12}  # How many rows each group of public features has.
GENERATED = {ROOT / "docs" / "reference" / "errors.md"}

# Each in two halves, so that this file does not hold what it looks for.
REGISTRIES = ("registry." + "npmjs", "pypi." + "org", "python" + "hosted", "deb.debian." + "org", "npm" + "mirror")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def code() -> str:
    """Return all that is program: what a name in the documentation may refer to."""
    files = [path for kind in ("*.py", "*.sql", "*.yaml", "*.typ") for path in sorted((ROOT / "yibao").rglob(kind))]
    return "\n".join(path.read_text("utf-8") for path in files)


def tracked() -> list[Path]:
    """Return the files that are, or are about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def headings(page: Path, level: int) -> list[str]:
    """Return the headings of one level, without what only looks like one in a block of code."""
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    return re.findall(rf"^{'#' * level} (.+)$", prose, re.M)


def anchor(heading: str) -> str:
    """Return the anchor that a page gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        target, _, part = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), link
        if part and there not in GENERATED:
            assert part in {anchor(text) for level in (1, 2, 3) for text in headings(there, level)}, link


def test_every_page_that_the_program_names_is_there() -> None:
    named = set(re.findall(r"docs/[\w./-]+\.md", code()))
    assert named
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:yibao|tests|docs)/[\w./-]+)`", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_says_why_what_and_what_else(page: Path) -> None:
    [title] = headings(page, 1)
    assert title.startswith(page.name[:4] + " ")
    assert headings(page, 2) == DECISION_HEADINGS


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def glossary() -> list[list[str]]:
    """Return the rows of the glossary: the term of law, the code name, the national field."""
    lines = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] != "用语" and not row[0].startswith("---")]


def test_every_code_name_of_the_glossary_is_used() -> None:
    for _, name, _ in glossary():
        assert re.search(rf"\b{re.escape(name.strip('`'))}\b", code()), name


def test_a_term_has_one_code_name_and_a_code_name_one_term() -> None:
    rows = glossary()
    assert len(rows) > 50
    for column in (0, 1):
        assert len({row[column] for row in rows}) == len(rows)


def test_changes_are_told_by_kind() -> None:
    page = ROOT / "CHANGELOG.md"
    assert all(re.match(r"\d+\.\d+\.\d+（.+）$", version) for version in headings(page, 2))
    assert set(headings(page, 3)) <= CHANGE_KINDS


def test_a_change_of_policy_names_its_place_and_its_day() -> None:
    sections = re.split(r"^#{2,3} ", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.M)
    entries = [line for part in sections if part.startswith("政策\n") for line in part.splitlines() if line[:2] == "- "]
    assert entries
    for entry in entries:
        assert re.match(r"- \S+ \d{6}，自 \d{4}-\d{2}-\d{2}：", entry), entry


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_feature_that_is_named_exists(page: Path) -> None:
    for group, number in re.findall(r"\b([A-F])([1-9][0-9]?)\b", page.read_text("utf-8")):
        assert int(number) <= FEATURES[group], f"{group}{number}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_worked_example_that_is_named_exists(page: Path) -> None:
    known = {
        each
        for folder in (SHIPPED, PUBLISHED)
        for examples in folder.glob("*/examples.yaml")
        for each in re.findall(r"^  - id: (\S+)$", examples.read_text("utf-8"), re.M)
    }
    assert set(re.findall(r"`((?:[A-Z]{2}-)?[A-Z]{2}-[A-Z0-9][A-Z0-9-]+)`", page.read_text("utf-8"))) <= known


def test_the_readme_names_every_place_and_how_sure_its_values_are() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    told = re.findall(r"^\| \S+ \| (\d{6}) \| \S.+ \| \S.+ \|$", page, re.M)
    assert told == list(policies().places)
    verified = any(stated.basis.verified for policy in policies().places.values() for stated in policy.stated())
    assert ("没有一个数值与文件原文核对过" in page) is not verified


def test_every_rounding_is_explained() -> None:
    page = (ROOT / "docs" / "settlement-arithmetic.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in ROUNDINGS)


def test_every_environment_variable_is_explained() -> None:
    page = (ROOT / "docs" / "howto" / "settings.md").read_text("utf-8")
    explained = set(re.findall(r"^\| `(YIBAO_\w+)` \|", page, re.M))
    read = set(re.findall(r"YIBAO_\w+", Path(settings.__file__).read_text("utf-8")))
    assert read | {vault.KEYS_VARIABLE, PROGRAMS_VARIABLE} <= explained


def test_every_dependency_has_its_reason_and_its_version() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins = "".join((ROOT / name).read_text("utf-8") for name in ("requirements.txt", "requirements-bench.txt"))
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", pins, re.M))
    page = (ROOT / "docs" / "decisions" / "0001-stack.md").read_text("utf-8")
    told = re.findall(r"^\| ([a-z0-9-]+) \| (\S+?)（", page, re.M)
    named = [*sorted(document["project"]["dependencies"]), *sorted(document["dependency-groups"]["bench"])]
    assert told == [(name, pinned[name]) for name in named]


def test_no_file_names_a_package_registry() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if any(registry.encode() in path.read_bytes() for registry in REGISTRIES)
    ]
    assert found == []
