"""Visit tokens in the shape of the national ecToken: region (6) ‖ `ec` ‖ 32 characters, leading to the person."""

import re
import secrets

from yibao.core.ff1 import Ff1
from yibao.core.vault import Keys

_SHAPE = re.compile(r"([0-9]{6})ec([0-9]{24})([0-9a-f]{8})")


class Tokens:
    """Issues visit tokens; which of them are valid is said by the stored visit alone."""

    def __init__(self, keys: Keys) -> None:
        self._ff1 = Ff1(keys.numbers)

    def issue(self, *, place: str, person_id: str) -> str:
        """Return a fresh token with 72 random bits behind the person's hidden number."""
        salt = f"{secrets.randbelow(10**12):012d}"
        hidden = self._ff1.encrypt(person_id + salt, f"ec{place}".encode())
        return f"{place}ec{hidden}{secrets.token_hex(4)}"

    def person_of(self, token: str) -> str:
        """Return the person a token leads to; ValueError if it has not the shape of one."""
        shape = _SHAPE.fullmatch(token)
        if shape is None:
            raise ValueError("not a visit token")
        return self._ff1.decrypt(shape[2], f"ec{shape[1]}".encode())[:12]
