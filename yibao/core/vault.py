"""Personal data at rest: sealed under SM4-GCM, found again through a keyed digest, and the keys for both.

A sealed value is version (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16). It is bound to its table, column and person,
so that nobody who can write to the database can show one person's data as another's. Whoever reads the database alone
learns lengths, and that two index values are equal; nothing else.

Refusals: SealBroken, KeyFileExposed, KeysMalformed.
"""

import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from yibao.core import gm
from yibao.core.refusal import Refusal

KEYS_VARIABLE = "YIBAO_KEYS"

# The first byte of everything sealed. A second generation of keys gets the next number, and both are read meanwhile.
_VERSION = b"\x01"
_CIPHER_START = 1 + gm.NONCE_LENGTH

# After NFKC these are what people and forms put between the characters of a number, seen or unseen.
_SEPARATORS = re.compile("[\\s\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff-]+")


class SealBroken(Refusal):
    """A sealed value does not belong where it was found, was altered, or was sealed under another key."""

    code = "core.seal_broken"
    status = 500
    title = "资料暂时无法读取"
    detail = "保存的资料未通过完整性校验，系统没有显示任何内容。"
    hint = "请系统管理员核对密钥文件与数据库是否为同一套，并检查数据是否被改动。"
    remedy = "请稍后再试；仍无法办理的，请联系当地医保经办机构。"


class KeyFileExposed(Refusal):
    """The key file can be read or written by others than its owner."""

    code = "core.key_file_exposed"
    status = 500
    title = "密钥文件权限过宽，系统未启动"
    detail = "密钥文件只允许所有者本人读写（权限 0600）。"
    hint = "请执行 chmod 600 收紧权限，并确认密钥是否已被他人读取。"
    remedy = "请联系系统管理员。"


class KeysMalformed(Refusal):
    """The keys are not the six different keys of the right lengths."""

    code = "core.keys_malformed"
    status = 500
    title = "密钥内容不正确，系统未启动"
    detail = "密钥须为六项、长度正确、互不相同的 Base64 文本。"
    hint = "请从备份恢复密钥文件；重新生成密钥将使已加密的资料无法读取。"
    remedy = "请联系系统管理员。"


class KeysDoNotFit(Refusal):
    """The keys are whole, but this database was written with others."""

    code = "core.keys_do_not_fit"
    status = 500
    title = "密钥与数据库不是同一套，系统未启动"
    detail = "数据库中的资料是用另一套密钥加密的。"
    hint = "请从备份恢复原来的密钥文件，或换回原来的数据库。"
    remedy = "请联系系统管理员。"


_Key16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Key32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Six independent keys, one for each purpose, so that what weakens one leaves the others whole."""

    data: _Key16  # SM4-GCM of personal data.
    index: _Key32  # HMAC-SM3 of what people are looked up by.
    numbers: _Key16  # FF1 of numbers handed out.
    tickets: _Key16  # FF1 of the tickets in offline codes.
    devices: _Key32  # The master of all device keys.
    tokens: _Key32  # HMAC-SM3 of sessions and visit tokens.

    @classmethod
    def generate(cls) -> "Keys":
        """Return six new random keys."""
        return cls(
            data=secrets.token_bytes(16),
            index=secrets.token_bytes(32),
            numbers=secrets.token_bytes(16),
            tickets=secrets.token_bytes(16),
            devices=secrets.token_bytes(32),
            tokens=secrets.token_bytes(32),
        )

    @classmethod
    def parse(cls, text: str | bytes) -> "Keys":
        """Return the keys in a JSON object of Base64 texts named after the fields; KeysMalformed for anything else."""
        try:
            keys = msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError):
            raise KeysMalformed from None  # The cause could quote a key into a log.
        if len(set(msgspec.structs.astuple(keys))) < len(cls.__struct_fields__):
            raise KeysMalformed
        return keys

    @classmethod
    def load_or_create(cls, path: Path) -> "Keys":
        """Return the keys in the file at `path`, which is made with new ones, mode 0600, where there is none.

        Of several processes that start together one makes the file and the others read it.

        Raises, first that applies:
            KeyFileExposed, KeysMalformed
        """
        if not path.exists():
            _create(path, msgspec.json.format(msgspec.json.encode(cls.generate())))
        with path.open("rb") as file:
            # The mode is asked of the open file, so that it cannot be exchanged between the question and the reading.
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyFileExposed
            return cls.parse(file.read())

    def __repr__(self) -> str:
        return "Keys(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Show nothing: a traceback that prints local variables must not print keys."""
        return []


class KeySource(Protocol):
    """Where the keys come from; a key management service fills this port."""

    def keys(self) -> Keys: ...


class KeyFile:
    """Keys in a file of their own, made at first start."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keys(self) -> Keys:
        return Keys.load_or_create(self._path)


class KeyVariable:
    """Keys in the environment variable YIBAO_KEYS, the same JSON as in the file."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def keys(self) -> Keys:
        return Keys.parse(self._environment[KEYS_VARIABLE])


def key_source(path: Path, environment: Mapping[str, str]) -> KeySource:
    """Return the environment as the source where YIBAO_KEYS is set there, even to nonsense; else the file at `path`."""
    return KeyVariable(environment) if KEYS_VARIABLE in environment else KeyFile(path)


class Vault:
    """Seals and opens personal data, and makes the index values by which they are found."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def seal(self, text: str, *, table: str, column: str, person: str) -> bytes:
        """Encrypt `text` for this place alone; sealing it again gives other bytes, 29 more than its UTF-8 each time."""
        nonce = secrets.token_bytes(gm.NONCE_LENGTH)
        bound = _joined(table, column, person)
        return _VERSION + nonce + gm.sm4_gcm_seal(self._keys.data, text.encode(), nonce=nonce, associated=bound)

    def open(self, sealed: bytes, *, table: str, column: str, person: str) -> str:
        """Return the text sealed for this place; SealBroken for another place, other bytes or another key."""
        if sealed[:1] != _VERSION:
            raise SealBroken
        try:
            plain = gm.sm4_gcm_open(
                self._keys.data,
                sealed[_CIPHER_START:],
                nonce=sealed[1:_CIPHER_START],
                associated=_joined(table, column, person),
            )
        except gm.NotSealed:
            raise SealBroken from None
        return plain.decode()

    def index(self, kind: str, text: str) -> bytes:
        """Return the 32 bytes under which a phone, certificate or card number is stored and looked up.

        Full and half width, upper and lower case, spaces and hyphens make no difference; the kind does.
        """
        plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).upper())
        return gm.hmac_sm3(self._keys.index, _joined(kind, plain))


def _joined(*parts: str) -> bytes:
    """Return the parts as bytes that no other parts give: each after its length, so that borders cannot move."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)


def _create(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600 that appears whole or not at all; a file that is there already stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # Data may be sealed with these keys before the system writes back by itself.
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # Another process was first, and its keys count.
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
