"""Milliseconds from the press of a key at a real window terminal to the number on a real board, in Chromium.

50 further board sockets are connected meanwhile. Baseline in the same run: the HTTP answer to the same press.
Bar: median 150 ms.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import statistics
import tempfile
from pathlib import Path

import httpx
from playwright.async_api import Page, async_playwright
from websockets.asyncio.client import connect

from benchmarks.served import serving

__all__ = ["main"]

SOCKETS = 50
CALLS = 30

WATCH = """() => {
  window.seen = {};
  new MutationObserver(() => {
    const now = performance.timeOrigin + performance.now();
    for (const found of document.body.innerText.matchAll(/[A-Z]\\d{3}/g)) window.seen[found[0]] ??= now;
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
ANSWERED = """() => {
  const entry = performance.getEntriesByType('resource').filter(e => e.name.includes('/windows/')).pop();
  return performance.timeOrigin + entry.responseEnd; }"""
PRESS = """() => { document.addEventListener('keydown', () => {
  window.pressed = performance.timeOrigin + performance.now(); }, {capture: true}); }"""


async def listen(url: str) -> None:
    """One more board."""
    async with connect(url, proxy=None) as socket:
        async for _ in socket:
            pass


async def one_call(desk: Page, board: Page, hall: httpx.AsyncClient, window: str) -> tuple[float, float]:
    """Press F1; (ms until the board shows the number, ms until the terminal has the answer)."""
    taken = await hall.post("/tickets", json={"line": "A", "channel": "guide"})
    number = taken.json()["number"]
    await desk.wait_for_function("!document.querySelector('[data-key=F1]').disabled")
    await desk.keyboard.press("F1")
    shown = await board.wait_for_function("n => window.seen[n]", arg=number, timeout=10_000)
    pressed = await desk.evaluate("window.pressed")
    answered = await desk.evaluate(ANSWERED)
    took = (await shown.json_value()) - pressed, answered - pressed
    await hall.post(f"/windows/{window}/start", json={})
    await hall.post(f"/windows/{window}/finish", json={})
    return took


async def measure() -> None:
    """A server of its own, 50 sockets, two pages, 30 calls."""
    with tempfile.TemporaryDirectory() as name:
        token = secrets.token_urlsafe(24)
        async with serving(Path(name), token) as (base, link):
            window = "s01"
            feed = f"{base.replace('http', 'ws', 1)}/api/v1/halls/yangxin/boards/social/live"
            boards = [asyncio.create_task(listen(feed)) for _ in range(SOCKETS)]
            try:
                async with async_playwright() as play:
                    browser = await play.chromium.launch(
                        executable_path=shutil.which("chromium"),
                        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
                    )
                    desk, board = (
                        await (await browser.new_context()).new_page(),
                        await (await browser.new_context()).new_page(),
                    )
                    headers = {"Authorization": f"Bearer {token}"}
                    url = f"{base}/api/v1/halls/yangxin"
                    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as hall:
                        await hall.post(f"/windows/{window}/sign-in", json={"staff": "bench"})
                        await hall.post(f"/windows/{window}/open", json={})
                        await board.goto(f"{base}/board/yangxin/social")
                        await desk.goto(link)
                        assert f"window/{window}" in desk.url, desk.url
                        await board.evaluate(WATCH)
                        await desk.evaluate(PRESS)
                        took = [await one_call(desk, board, hall, window) for _ in range(CALLS)]
                    await browser.close()
            finally:
                for task in boards:
                    task.cancel()
                await asyncio.gather(*boards, return_exceptions=True)
        to_board, to_desk = ([pair[i] for pair in took] for i in (0, 1))
        middle, most = statistics.median(to_board), max(to_board)
        print(f"baseline: key → HTTP answer at the terminal   median {statistics.median(to_desk):6.1f} ms")
        print(f"key → board, {SOCKETS} more boards   median {middle:6.1f} ms   max {most:6.1f} ms   bar 150 ms")


def main() -> None:
    """Print the figures."""
    asyncio.run(measure())


if __name__ == "__main__":
    main()
