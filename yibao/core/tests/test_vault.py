"""Keys that stay private, seals that hold, index values that find (B15)."""

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from yibao.core.vault import (
    KEYS_VARIABLE,
    KeyFile,
    KeyFileExposed,
    Keys,
    KeysMalformed,
    KeyVariable,
    SealBroken,
    Vault,
    key_source,
)

KEYS = Keys.generate()
VAULT = Vault(KEYS)
LENGTHS = {"data": 16, "index": 32, "numbers": 16, "tickets": 16, "devices": 32, "tokens": 32}
GOOD = {name: base64.b64encode(name.encode().ljust(length)).decode() for name, length in LENGTHS.items()}


def test_the_first_start_makes_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys.json"
    keys = Keys.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Keys.load_or_create(path) == keys
    assert {name: len(getattr(keys, name)) for name in LENGTHS} == LENGTHS
    assert set(json.loads(path.read_text("utf-8"))) == set(LENGTHS)


def test_two_places_never_have_a_key_in_common(tmp_path: Path) -> None:
    places = [Keys.load_or_create(tmp_path / name) for name in ("one", "other")]
    assert len({getattr(keys, name) for keys in places for name in LENGTHS}) == 2 * len(LENGTHS)


def test_processes_that_start_together_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(8) as starters:
        loaded = list(starters.map(Keys.load_or_create, [path] * 16))
    assert all(keys == loaded[0] for keys in loaded)
    assert list(tmp_path.iterdir()) == [path]  # No draft with keys in it is left behind.


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o666])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    Keys.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileExposed):
        Keys.load_or_create(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "{",
        "\udcff",
        json.dumps({name: key for name, key in GOOD.items() if name != "tokens"}),
        json.dumps({**GOOD, "more": GOOD["data"]}),
        json.dumps({**GOOD, "data": GOOD["index"]}),
        json.dumps({**GOOD, "index": GOOD["data"]}),
        json.dumps({**GOOD, "data": "not base64"}),
        json.dumps({**GOOD, "data": None}),
        json.dumps({**GOOD, "tickets": GOOD["numbers"]}),
    ],
)
def test_anything_but_six_different_keys_is_refused(text: str) -> None:
    assert Keys.parse(json.dumps(GOOD)).tokens.strip() == b"tokens"
    with pytest.raises(KeysMalformed) as refused:
        Keys.parse(text)
    assert refused.value.__cause__ is None  # A decoder's message may quote what it could not read.


def test_a_malformed_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b"\xff{")
    path.chmod(0o600)
    with pytest.raises(KeysMalformed):
        Keys.load_or_create(path)
    assert path.read_bytes() == b"\xff{"


def test_keys_come_from_the_environment_where_it_has_them(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    source = key_source(path, {KEYS_VARIABLE: json.dumps(GOOD)})
    assert isinstance(source, KeyVariable)
    assert source.keys() == Keys.parse(json.dumps(GOOD))
    assert not path.exists()


def test_an_empty_variable_is_an_error_and_not_a_reason_for_new_keys(tmp_path: Path) -> None:
    with pytest.raises(KeysMalformed):
        key_source(tmp_path / "keys.json", {KEYS_VARIABLE: ""}).keys()
    assert not list(tmp_path.iterdir())


def test_keys_come_from_the_file_otherwise(tmp_path: Path) -> None:
    source = key_source(tmp_path / "keys.json", {})
    assert isinstance(source, KeyFile)
    assert source.keys() == source.keys()


def test_keys_do_not_show_themselves() -> None:
    shown = repr(KEYS) + str(KEYS) + pretty_repr(KEYS) + pretty_repr({"local": KEYS})
    for name in LENGTHS:
        assert repr(getattr(KEYS, name))[2:-1] not in shown


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=st.text(max_size=80), table=st.text(max_size=10), column=st.text(max_size=10), person=st.text(max_size=12))
def test_what_was_sealed_opens_in_its_place(text: str, table: str, column: str, person: str) -> None:
    sealed = VAULT.seal(text, table=table, column=column, person=person)
    assert len(sealed) == len(text.encode()) + 29
    assert VAULT.open(sealed, table=table, column=column, person=person) == text


def test_sealing_twice_gives_different_bytes() -> None:
    sealed = {VAULT.seal("示例", table="t", column="c", person="1") for _ in range(50)}
    assert len({value[1:13] for value in sealed}) == 50


@pytest.mark.parametrize(
    ("table", "column", "person"),
    [
        ("registry.card", "name", "000000000001"),
        ("registry.person", "phone", "000000000001"),
        ("registry.person", "name", "000000000002"),
        ("registry.personn", "ame", "000000000001"),
        ("registry.person", "name0", "00000000001"),
        ("", "", ""),
    ],
)
def test_a_value_moved_elsewhere_does_not_open(table: str, column: str, person: str) -> None:
    sealed = VAULT.seal("示例", table="registry.person", column="name", person="000000000001")
    with pytest.raises(SealBroken):
        VAULT.open(sealed, table=table, column=column, person=person)


def test_altered_or_foreign_bytes_do_not_open() -> None:
    sealed = VAULT.seal("示例", table="t", column="c", person="1")
    foreign = Vault(Keys.generate()).seal("示例", table="t", column="c", person="1")
    flipped = [(int.from_bytes(sealed) ^ (1 << bit)).to_bytes(len(sealed)) for bit in range(len(sealed) * 8)]
    cut = [sealed[:length] for length in range(len(sealed))]
    for wrong in (*flipped, *cut, sealed + b"\0", foreign):
        with pytest.raises(SealBroken):
            VAULT.open(wrong, table="t", column="c", person="1")


@pytest.mark.parametrize(
    "written",
    [
        "99990019900101001X",
        "99990019900101001x",
        " 999900 19900101 001x ",
        "999900-19900101-001X",
        "999900‐19900101‑001X",
        "９９９９００１９９００１０１００１Ｘ",
        "999900\u300019900101－001ｘ",
        "\ufeff999900\u200b19900101001X\n",
    ],
)
def test_however_a_number_is_written_it_is_found(written: str) -> None:
    assert VAULT.index("certificate", written) == VAULT.index("certificate", "99990019900101001X")


def test_index_values_differ_by_kind_text_and_key() -> None:
    values = {
        VAULT.index("phone", "10000000000"),
        VAULT.index("card", "10000000000"),
        VAULT.index("phone", "10000000001"),
        VAULT.index("phone1", "0000000000"),
        VAULT.index("", "phone10000000000"),
        Vault(Keys.generate()).index("phone", "10000000000"),
    }
    assert len(values) == 6
    assert {len(value) for value in values} == {32}
