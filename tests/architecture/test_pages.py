"""What pages load runs on Android 5.0 and iOS 9.2 (F6): scripts are ES5 and ask before they use what is younger."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import yibao
from tests import assets

STATIC = Path(yibao.__file__).parent / "web" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
LIBRARIES = [name for name in assets.assets.FILES.values() if name.endswith(".js")]
WORKER = STATIC / "worker.js"  # Runs only where there are service workers, and with them promises and fetching.

# What those browsers do not have. A script may use one after asking whether it is there, which is to name it without
# calling it: `if (element.closest) …`.
MISSING_GLOBALS = {
    "fetch", "Promise", "URL", "URLSearchParams", "FormData", "Map", "Set", "WeakMap", "WeakSet", "Symbol", "Proxy",
    "Reflect", "BigInt", "IntersectionObserver", "ResizeObserver", "AbortController", "TextEncoder", "TextDecoder",
    "globalThis", "queueMicrotask", "structuredClone", "requestIdleCallback", "Event", "CustomEvent", "KeyboardEvent",
    "AudioContext", "MediaRecorder", "ImageCapture", "BarcodeDetector",
}  # fmt: skip
MISSING_METHODS = {
    "closest", "append", "prepend", "replaceWith", "after", "before", "toggleAttribute", "replaceChildren",
    "includes", "startsWith", "endsWith", "repeat", "padStart", "padEnd", "replaceAll", "matchAll", "at", "flat",
    "flatMap", "find", "findIndex", "findLast", "fill", "from", "assign", "entries", "values", "fromEntries",
    "getOwnPropertySymbols", "isInteger", "isNaN", "isFinite", "trunc", "sign", "log2", "hypot", "allSettled",
    "getUserMedia", "sendBeacon", "scrollTo", "scrollBy", "requestSubmit", "reportValidity", "vibrate", "share",
    "isConnected",
}  # fmt: skip

# Prints what a script calls or makes, what it asks for, and what it names; a syntax error if it is not ES5.
PARSE = """
const acorn = require(process.argv[1]);
const text = require("fs").readFileSync(process.argv[2], "utf8");
const called = [], named = [];
function visit(node, parent, key) {
  if (!node || typeof node !== "object") return;
  if (Array.isArray(node)) { node.forEach((each) => visit(each, parent, key)); return; }
  if (typeof node.type !== "string") return;
  const taken = parent && (parent.type === "CallExpression" || parent.type === "NewExpression") && key === "callee";
  if (node.type === "MemberExpression" && !node.computed) {
    const global = node.object.type === "Identifier" && ["window", "self"].includes(node.object.name);
    (taken ? called : named).push([global ? "global" : "member", node.property.name]);
    visit(node.object, node, "object");
    return;
  }
  if (node.type === "Identifier" && key !== "key") (taken ? called : named).push(["global", node.name]);
  for (const name of Object.keys(node)) visit(node[name], node, name);
}
visit(acorn.parse(text, {ecmaVersion: 5, sourceType: "script"}));
console.log(JSON.stringify({called, named}));
"""


def parsed(script: Path) -> subprocess.CompletedProcess[str]:
    """Read a script as a browser of 2015 does, with the parser of the pinned development dependency."""
    parser = assets.tools() / "acorn.js"
    return subprocess.run(
        [assets.assets.NODE, "-e", PARSE, parser, script], capture_output=True, text=True, check=False
    )


def lacking(script: Path) -> set[str]:
    """Return what a script calls that old browsers lack, and that it has not asked for first."""
    done = parsed(script)
    assert done.returncode == 0, done.stderr[-2_000:]
    seen = json.loads(done.stdout)
    asked = {name for _, name in seen["named"]}
    return {
        name
        for kind, name in seen["called"]
        if name in (MISSING_GLOBALS if kind == "global" else MISSING_METHODS) and name not in asked
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_run_on_old_phones(script: Path) -> None:
    assert lacking(script) <= ({"fetch", "Promise", "URL"} if script == WORKER else set())


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_run_on_old_phones(name: str) -> None:
    """The little that they lack is on no path that our pages take: `test_offline.py` runs them without it."""
    assert lacking(assets.HOME / "assets" / name) <= {"fill", "from", "includes"}


@pytest.mark.parametrize(
    "text",
    ["let a = 1;", "const a = 1;", "var f = () => 1;", "var s = `x`;", "var o = { f() {} };", "f(...a);", "class A {}"],
)
def test_the_parser_refuses_what_es5_has_not(tmp_path: Path, text: str) -> None:
    script = tmp_path / "new.js"
    script.write_text(text)
    assert parsed(script).returncode != 0


def test_what_old_phones_lack_is_noticed_unless_it_is_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "new.js"
    script.write_text("fetch('/x'); new window.Promise(f); 'x'.startsWith('y'); document.body.append(1);")
    assert lacking(script) == {"fetch", "Promise", "startsWith", "append"}
    script.write_text("if (window.Promise) { new Promise(f); } if (e.closest) { e.closest('a'); }")
    assert lacking(script) == set()


def test_no_page_holds_a_script_of_its_own() -> None:
    """The security policy admits none, and nobody would parse it."""
    for page in Path(yibao.__file__).parent.rglob("templates/**/*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page
        assert not re.search(r"\son[a-z]+=\"|\sstyle=\"|javascript:", text), page
