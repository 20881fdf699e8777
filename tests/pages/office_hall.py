"""A hall with offices in real browsers: its people's accounts, the pages they open, and papers sent on over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page

from tests.pages.conftest import DESK, Server, note_errors

__all__ = ["OFFICES", "Hall"]

#: A hall that never closes, with offices behind its windows.
OFFICES = Path(__file__).with_name("offices.toml")


class Hall:
    """A server with offices, its people, and their browsers."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        self.browser = browser
        self.wrong: list[str] = []
        self.contexts: list[BrowserContext] = []
        self.jars: dict[str, list[Any]] = {}

    def person(self, staff: str, *posts: dict[str, str]) -> None:
        """An account that has signed in and chosen its password; its cookies."""
        first, own = (f"Tide-{secrets.token_hex(8)}" for _ in range(2))
        body = {"staff": staff, "login": staff, "password": first, "posts": [{"hall": "pages"} | p for p in posts]}
        answer = self.server.api.post("/api/v1/accounts", json=body)
        assert answer.status_code == 201, answer.text
        with httpx.Client(base_url=self.server.base) as client:
            for path, said in (
                ("", {"login": staff, "password": first}),
                ("/password", {"password": first, "new_password": own}),
            ):
                answer = client.post(f"/api/v1/session{path}", json=said)
                assert answer.status_code < 300, answer.text
            self.keep(staff, client.cookies.items())

    def place(self, name: str) -> None:
        """A place (kiosk, guide, window) that its printed link has let in; its cookies."""
        context = self.browser.new_context()
        context.new_page().goto(self.server.links[name])
        self.keep(name, [(cookie["name"], cookie["value"]) for cookie in context.cookies()])
        context.close()

    def keep(self, who: str, cookies: Iterable[tuple[str, str]]) -> None:
        """The cookies of a person or a place."""
        self.jars[who] = [{"name": name, "value": value, "url": self.server.base} for name, value in cookies]

    def open(self, path: str, staff: str | None, size: tuple[int, int] = DESK, *, scripts: bool = True) -> Page:
        """A page in this person's own browser."""
        context = self.browser.new_context(
            base_url=self.server.base, viewport={"width": size[0], "height": size[1]}, locale="zh-CN",
            java_script_enabled=scripts,
        )  # fmt: skip
        if staff is not None:
            context.add_cookies(self.jars[staff])
        self.contexts.append(context)
        page = context.new_page()
        note_errors(page, path, self.wrong)
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, page.inner_text("body")
        return page

    def intake(self, item: str = "SS-002", *, urgent: bool = False, window: str = "s01") -> dict[str, Any]:
        """Papers that came by courier."""
        codes = ("id", "form") if item == "SS-002" else ("id",)
        body = {
            "item": item, "urgent": urgent, "source": "courier", "materials": [{"code": code} for code in codes],
            "delivery": {"method": "window"},
            "applicant": {"name": "张小三", "id_number": "420222199001011234"},
        }  # fmt: skip
        return self.server.post(f"/windows/{window}/cases", body)

    def case(self, receipt: str) -> dict[str, Any]:
        """The case of a receipt."""
        found = self.server.api.get(f"/api/v1/halls/pages/cases?receipt={receipt}").json()
        assert len(found) == 1
        case: dict[str, Any] = found[0]
        return case

    def in_front(self) -> dict[str, Any]:
        """Somebody sits at window s01."""
        ticket = self.server.take()
        self.server.window("s01", "call", "start")
        return ticket

    def carried(self, hand_off: dict[str, Any], receiver: str) -> None:
        """A runner brings the papers, and the receiver has checked them."""
        path = f"/hand-offs/{hand_off['id']}"
        self.server.post(f"{path}/pick-up", {"runner": "2001"})
        self.server.post(f"{path}/arrive")
        self.server.post(f"{path}/verify", {"papers": hand_off["papers"], "staff": receiver})

    @contextmanager
    def in_use(self) -> Iterator[Hall]:
        """While it lasts pages are opened; at the end they are closed, and no script may have failed."""
        yield self
        for context in self.contexts:
            context.close()
        self.contexts.clear()
        wrong, self.wrong[:] = list(self.wrong), []
        assert wrong == []
