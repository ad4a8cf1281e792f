"""Passwords as they are stored: keyed, then Argon2id."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from yibao.core.vault import Vault
from yibao.identity import rules

# The least that OWASP's Password Storage Cheat Sheet recommends for Argon2id; a twentieth of a second on one core.
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1


class Hasher:
    """Hashes and verifies passwords in threads, so that nobody waits for somebody else's.

    The vault's key is mixed in first: six digits are found from any bare hash within a day, and so they are not by
    whoever has the database alone. Other parameters are for tests, and for a machine that can bear more; hashes made
    with older ones stay valid and are replaced at the next right password.
    """

    def __init__(self, vault: Vault, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES, lanes: int = LANES) -> None:
        self._vault = vault
        self._argon2 = PasswordHasher(memory_cost=memory_kib, time_cost=passes, parallelism=lanes)
        self._nobodys = self._argon2.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Return the text to store for `password`, another one each time."""
        return await asyncio.to_thread(self._argon2.hash, self._keyed(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether `password` was hashed; without a hash it is wrong, after just as long."""
        return await asyncio.to_thread(self._verify, hashed or self._nobodys, self._keyed(password))

    def outdated(self, hashed: str) -> bool:
        """Tell whether `hashed` was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(hashed)

    def _verify(self, hashed: str, keyed: bytes) -> bool:
        try:
            return self._argon2.verify(hashed, keyed)
        except (VerificationError, InvalidHashError):
            return False

    def _keyed(self, password: str) -> bytes:
        # As hex, because the index takes upper and lower case for the same.
        return self._vault.index("password", rules.typed(password).encode("utf-8", "surrogatepass").hex())
