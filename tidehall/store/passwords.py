"""Passwords: hashed with Argon2id (RFC 9106) by argon2-cffi, verified, and hashed anew when the parameters have grown.

Law: a password lives for one call; an unknown login costs as much time as a wrong password.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["LEAST_PASSWORD", "Passwords", "Verified", "weak"]

#: Characters of a password at least, and different ones among them.
LEAST_PASSWORD = 10
LEAST_DIFFERENT = 5
#: Hashes made at once: each takes 64 MiB and a core's attention, and the halls of this process go on meanwhile.
AT_ONCE = 2


class Verified(NamedTuple):
    """Whether the password was right; `anew`: its hash with today's parameters where the known one has others."""

    right: bool
    anew: str | None = None


def weak(password: str, *names: str) -> bool:
    """Whether a password is too short, too uniform, or holds one of `names` (login, staff id)."""
    plain = _plain(password).lower()
    named = any(len(name) > 2 and name.lower() in plain for name in names)
    return len(plain) < LEAST_PASSWORD or len(set(plain)) < LEAST_DIFFERENT or named


class Passwords:
    """Hashes and verifies beside the event loop. `hasher`: the parameters, the library's (RFC 9106) by default."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The encoded hash to keep."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _plain(password))

    async def verify(self, known: str | None, password: str) -> Verified:
        """Compare with the `known` hash; None (there is no such login) takes the same time and is never right."""
        if known is None and self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        async with self._slots:
            right = await asyncio.to_thread(self._same, known or self._nobody or "", _plain(password))
            if known is None or not right:
                return Verified(False)
            if not self._hasher.check_needs_rehash(known):
                return Verified(True)
            return Verified(True, await asyncio.to_thread(self._hasher.hash, _plain(password)))

    def _same(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False


def _plain(password: str) -> str:
    """The same characters, whatever keyboard or system wrote them."""
    return unicodedata.normalize("NFKC", password)
