"""Accounts for tests: who is added, and how a person comes in with a password of his own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from tests.live.door import Stage, stage
from tidehall.display.http.sessions import SESSION
from tidehall.store.passwords import Passwords

__all__ = ["FIRST", "NAME", "OWN", "PASSWORDS", "WINDOW", "add", "enter", "quick"]

FIRST, OWN = "first-tide-4711", "my-own-tide-0815"
NAME = "欧阳长风"
PASSWORDS = [FIRST, OWN, "wrong-tide-1234", "another-tide-99"]
WINDOW = {"hall": "t", "zone": "g", "post": "acceptance"}


@asynccontextmanager
async def quick(folder: Path) -> AsyncIterator[Stage]:
    """A door without a network, whose passwords are hashed with the least effort."""
    async with stage(folder) as s:
        s.door.sessions.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield s


async def add(s: Stage, staff: str = "1042", *posts: dict[str, Any], **more: Any) -> Any:
    """A new account by the administrator."""
    body = {"staff": staff, "login": f"login-{staff}", "password": FIRST, "posts": list(posts)} | more
    answer = await s.post("/api/v1/accounts", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def enter(s: Stage, staff: str = "1042", *, password: str = OWN) -> dict[str, Any]:
    """Sign in with the first password, change it, and return the headers of that browser."""
    login = f"login-{staff}"
    answer = await s.post("/api/v1/session", {"login": login, "password": FIRST}, token=None)
    assert answer.status_code == 201, answer.text
    cookie: dict[str, Any] = {"cookie": f"{SESSION}={answer.cookies[SESSION]}"}
    s.client.cookies.clear()
    body = {"password": FIRST, "new_password": password}
    answer = await s.post("/api/v1/session/password", body, token=None, **cookie)
    assert answer.status_code == 200, answer.text
    return cookie
