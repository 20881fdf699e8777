"""What the supervisors' dashboards cost: the full reference hall, 20 events a second, N sockets and one real browser.

Server CPU (the process, in per cent of a core) without and with N dashboards, so per client; of the browser the CPU of
its page and its heap after collection; resident memory of the server, over two equal parts of the run and a third in
which nobody looks, as a baseline: the hall's own records and the replay of its boards grow with the events. The clerks
and citizens act through the HTTP API. Bar: no growth beyond the baseline's; one more dashboard costs less than 1 % of a
core.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from playwright.async_api import CDPSession, async_playwright
from websockets.asyncio.client import connect

from benchmarks.served import serving

__all__ = ["main"]

EVENTS_A_SECOND = 20.0
CLIENTS = 50
#: Seconds of each part: without dashboards, with them, and each half of the long run.
QUIET_S, LOUD_S, HALF_S = 20.0, 20.0, 60.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
LINES = "ABDEG"


class Used(NamedTuple):
    """Of a process: CPU seconds so far and resident bytes."""

    cpu: float
    memory: int


def used(pid: int) -> Used:
    """What a process has used (Linux)."""
    parts = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return Used((int(parts[11]) + int(parts[12])) / TICKS, int(parts[21]) * PAGE)


def child_of(parent: int) -> int:
    """The server: the process that this one has started by the name of tidehall."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = stat.read_text("ascii", "replace")
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            if int(rest[1]) == parent and name.startswith(("tidehall", "python")):
                return int(stat.parent.name)
    raise RuntimeError("the server's process was not found")


async def people(hall: httpx.AsyncClient, windows: list[dict[str, Any]]) -> None:
    """Citizens come and clerks serve, so that there are twenty events a second."""
    for window in windows:
        await hall.post(f"/windows/{window['id']}/sign-in", json={"staff": f"bench-{window['id']}"})
        await hall.post(f"/windows/{window['id']}/open", json={})
    due = time.monotonic()
    for turn in itertools.count():
        window = windows[turn % len(windows)]
        # a ticket taken, and at a window finished + called, then started: about five events
        await hall.post("/tickets", json={"line": window["lines"][turn % len(window["lines"])], "channel": "kiosk"})
        await hall.post(f"/windows/{window['id']}/next", json={})
        await hall.post(f"/windows/{window['id']}/start", json={})
        due += 4 / EVENTS_A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def listen(url: str, token: str) -> None:
    """One more dashboard, without a browser."""
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(url, additional_headers=headers, proxy=None, compression=None, max_size=None) as socket:
        async for _ in socket:
            pass


async def share(pid: int, seconds: float) -> float:
    """The share of a core that a process uses over some seconds."""
    before = used(pid).cpu
    await asyncio.sleep(seconds)
    return (used(pid).cpu - before) / seconds


async def page_use(session: CDPSession) -> tuple[float, float]:
    """Of a page: seconds of its main thread so far, and MB of its heap after collection."""
    await session.send("HeapProfiler.collectGarbage")
    found = {m["name"]: m["value"] for m in (await session.send("Performance.getMetrics"))["metrics"]}
    return found["TaskDuration"], found["JSHeapUsedSize"] / 1e6


@asynccontextmanager
async def looking(base: str, token: str, n: int) -> AsyncIterator[None]:
    """So many dashboards for a while, by halves of the whole hall and of one zone."""
    url = f"{base.replace('http', 'ws', 1)}/api/v1/halls/yangxin/dashboard/live?lang=zh&zone="
    tasks = [asyncio.create_task(listen(url + ("" if i % 2 else "social"), token)) for i in range(n)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(half_s: float) -> None:
    """All parts, one after the other, on one server."""
    with tempfile.TemporaryDirectory() as name:
        token = secrets.token_urlsafe(24)
        async with (
            serving(Path(name), token) as (base, _),
            httpx.AsyncClient(
                base_url=f"{base}/api/v1/halls/yangxin", headers={"Authorization": f"Bearer {token}"},
                trust_env=False, timeout=30,
            ) as hall,
            async_playwright() as play,
        ):  # fmt: skip
            pid = child_of(os.getpid())
            windows = [
                w
                for w in (await hall.get(f"{base}/api/v1/halls/yangxin")).json()["windows"]
                if w["post"] == "acceptance" and set(w["lines"]) & set(LINES)
            ]
            crowd = asyncio.create_task(people(hall, windows))
            try:
                await asyncio.sleep(5)
                alone = await share(pid, QUIET_S)
                (await hall.get(f"{base}/dashboard/yangxin")).raise_for_status()  # makes the empty figures, once
                async with looking(base, token, CLIENTS):
                    await asyncio.sleep(10)
                    many = await share(pid, LOUD_S)
                print(f"server, 20 events/s   {alone:6.1%} of a core alone   {many:6.1%} with {CLIENTS} dashboards")
                print(f"per dashboard         {(many - alone) / CLIENTS:6.2%} of a core")
                browser = await play.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
                )
                context = await browser.new_context(
                    viewport={"width": 1920, "height": 1080}, extra_http_headers={"Authorization": f"Bearer {token}"}
                )
                page = await context.new_page()
                await page.goto(f"{base}/dashboard/yangxin")
                session = await context.new_cdp_session(page)
                await session.send("Performance.enable")
                await asyncio.sleep(10)
                marks = []
                for _ in range(3):
                    marks.append((*await page_use(session), used(pid).memory / 1e6))
                    if len(marks) < 3:
                        await asyncio.sleep(half_s)
                for before, after in itertools.pairwise(marks):
                    print(
                        f"page {(after[0] - before[0]) / half_s:6.1%} of a core"
                        f"   heap {before[1]:5.1f} → {after[1]:5.1f} MB"
                        f"   server {before[2]:6.1f} → {after[2]:6.1f} MB"
                    )
                shown = await page.evaluate("() => document.querySelectorAll('*').length")
                events = (await hall.get(f"{base}/api/v1/halls/yangxin")).json()["seq"]
                print(f"elements of the page {shown}; events so far {events}")
                await browser.close()
                sized = used(pid).memory / 1e6
                await asyncio.sleep(half_s)
                ended = used(pid).memory / 1e6
                print(f"baseline, nobody looks   server {sized:6.1f} → {ended:6.1f} MB")
            finally:
                crowd.cancel()
                await asyncio.gather(crowd, return_exceptions=True)


def main() -> None:
    """Print the figures; an argument: seconds of each half of the long run."""
    asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else HALF_S))


if __name__ == "__main__":
    main()
