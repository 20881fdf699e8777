"""A real server with a small hall, and a real Chromium that may reach nothing but it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, StorageState, sync_playwright

from benchmarks.served import free_port

HALL = Path(__file__).with_name("hall.toml")
#: Sizes of the screens, px.
PHONE = (390, 844)
DESK = (1366, 768)
KIOSK = (1080, 1920)
BOARD = (1920, 1080)
TOKEN = "pages-test-admin-token"
START_S = 30.0
#: Seconds between two looks at what has to come.
LOOK_S = 0.05


@dataclass
class Server:
    """A running server and the API for preparing its hall."""

    base: str
    links: dict[str, str]
    api: httpx.Client

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One command that must succeed."""
        answer = self.api.post(f"/api/v1/halls/pages{path}", json=body or {})
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def take(self, line: str = "A") -> dict[str, Any]:
        """A number."""
        return self.post("/tickets", {"line": line, "channel": "kiosk"})

    def window(self, window: str, *actions: str) -> dict[str, Any]:
        """Actions without a body, one after the other; the last answer."""
        found: dict[str, Any] = {}
        for action in actions:
            found = self.post(f"/windows/{window}/{action}")
        return found

    def wait_until_allowed(self, window: str, action: str) -> None:
        """Time alone brings recall and no-show."""
        where = f"/api/v1/halls/pages/windows/{window}"
        until(lambda: action in self.api.get(where).json()["allowed"], 10, lambda: f"{action} never came")

    def open_window(self, window: str, staff: str) -> None:
        """Somebody sits down and opens."""
        self.post(f"/windows/{window}/sign-in", {"staff": staff})
        self.window(window, "open")

    def clear(self) -> None:
        """Nobody waits, nobody is served, all windows are closed."""
        for window in self.api.get("/api/v1/halls/pages").json()["windows"]:
            ticket = window.get("ticket")
            if ticket is not None:
                self.window(window["id"], *(("start", "finish") if ticket["state"] == "called" else ("finish",)))
            if window["state"] != "closed":
                self.window(window["id"], "close")
            if window.get("staff"):
                self.window(window["id"], "sign-out")
        for ticket in self.api.get("/api/v1/halls/pages/tickets?state=waiting,suspended").json():
            self.post(f"/tickets/{ticket['id']}/cancel")


def until(done: Callable[[], object], seconds: float, missing: Callable[[], str]) -> None:
    """Look again and again until it is so; when it is not in time, `missing` says what did not come."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, missing()
        time.sleep(LOOK_S)


def noon() -> str:
    """The time zone where it is between 12 and 13 o'clock now."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # signs as POSIX has them: +1 lies west of Greenwich


def where_it_is_noon(plan: Path, folder: Path) -> Path:
    """The same plan there: at midnight every number ends, and an evening has no next half hour to look ahead to."""
    text = re.sub(r"(?m)^time_zone.*\n", "", plan.read_text("utf-8"))
    moved = folder / "noon.toml"
    moved.write_text(text.replace("\n[hall]\n", f'\n[hall]\ntime_zone = "{noon()}"\n', 1), "utf-8")
    return moved


@contextmanager
def serving(plan: Path, folder: Path) -> Iterator[Server]:
    """`tidehall serve` with a hall "pages" where it is noon, in a process of its own, while it lasts."""
    plan = where_it_is_noon(plan, folder)
    base = f"http://127.0.0.1:{free_port()}"
    said = folder / "said.txt"
    command = [
        sys.executable, "-c", "from tidehall.server import main; main()",
        "serve", "--port", base.rpartition(":")[2], "--data", str(folder / "data"), "--plan", str(plan),
    ]  # fmt: skip
    with said.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TIDEHALL_ADMIN_TOKEN": TOKEN}
        )
    try:
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10) as api:
            links: dict[str, str] = {}

            def printed() -> bool:
                assert process.poll() is None, said.read_text()
                links.update(re.findall(r"(kiosk|guide|window)(?: desk)?\s+(http\S+)", said.read_text()))
                return len(links) == 3

            until(printed, START_S, said.read_text)
            yield Server(base, links, api)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the small hall."""
    with serving(HALL, tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the system's, or Playwright's own."""
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def places(server: Server, browser: Browser) -> dict[str, StorageState]:
    """The cookies of three browsers, each let in by one printed link: kiosk, guide and window."""
    found = {}
    for name in ("kiosk", "guide", "window"):
        context = browser.new_context()
        context.new_page().goto(server.links[name])
        found[name] = context.storage_state()
        context.close()
    return found


def note_errors(page: Page, path: str, wrong: list[str]) -> None:
    """Whatever a page's scripts throw or print as an error goes into `wrong`."""
    page.on("pageerror", lambda error: wrong.append(f"{path}: {error}"))
    page.on("console", lambda said: wrong.append(f"{path}: {said.text}") if said.type == "error" else None)


@dataclass
class Hands:
    """Opens pages of the server and notes whatever goes wrong in them."""

    server: Server
    browser: Browser
    places: dict[str, StorageState]
    wrong: list[str]
    contexts: list[BrowserContext]

    def open(
        self, path: str, *, size: tuple[int, int] = DESK, signed_in: bool = True, scripts: bool = True,
        lang: str = "zh-CN",
    ) -> Page:  # fmt: skip
        """A page in a browser of its own; `signed_in`: it holds the cookie of the place that the path belongs to."""
        place = "kiosk" if path.startswith("/kiosk") else "guide" if path.endswith("/guide") else "window"
        context = self.browser.new_context(
            base_url=self.server.base,
            viewport={"width": size[0], "height": size[1]},
            locale=lang,
            java_script_enabled=scripts,
            storage_state=self.places[place] if signed_in else None,
        )
        self.contexts.append(context)

        def only_ours(route: Route) -> None:
            if route.request.url.startswith(self.server.base + "/"):
                route.continue_()
            else:
                self.wrong.append(f"off-origin request: {route.request.url}")
                route.abort()

        context.route("**/*", only_ours)
        page = context.new_page()
        note_errors(page, path, self.wrong)
        page.goto(path)
        return page


@pytest.fixture
def hands(server: Server, browser: Browser, places: dict[str, StorageState]) -> Iterator[Hands]:
    """Pages; at the end nothing may have been fetched from elsewhere and no script may have failed."""
    server.clear()
    found = Hands(server, browser, places, [], [])
    yield found
    for context in found.contexts:
        context.close()
    assert found.wrong == []
