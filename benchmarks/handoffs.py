"""Milliseconds from a command's acknowledgement to the painted row, with 3,000 open hand-offs on one page, in Chromium.

The clock starts when the answer to the command has come, and stops after the frame in which the row is painted as it
is now (or is gone). Baseline in the same run: the whole list asked for and drawn anew, as a page without rows of its
own would. Bars: 200 ms for a change, 1 s for opening the page.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.served import serving

__all__ = ["FOLLOW", "main"]

MANY = 3_000
TRIES = 15
WINDOW = "s01"
ITEM = "SS-005"

#: Gives a page `follow`: then `followed` resolves with the moment (ms of the wall clock) at which the row `id` has been
#: painted saying `want`, or is gone (`want` "").
FOLLOW = """() => {
  const channel = new MessageChannel();
  const waiting = [];
  channel.port1.onmessage = () => {
    const now = performance.timeOrigin + performance.now();
    waiting.splice(0).forEach((done) => done(now));
  };
  window.painted = () => new Promise((done) => requestAnimationFrame(() => {
    waiting.push(done);
    channel.port2.postMessage(0);
  }));
  window.follow = ({id, want}) => {
    const mine = (node) => {
      const row = (node.closest ? node : node.parentElement || document.body).closest('[data-id]');
      return row && row.dataset.id === id && row.isConnected === Boolean(want) && row.textContent.includes(want);
    };
    window.followed = new Promise((done) => {
      const eyes = new MutationObserver((records) => {
        if (!records.some((r) => [r.target, ...r.addedNodes, ...r.removedNodes].some(mine))) return;
        eyes.disconnect();
        window.painted().then(done);
      });
      eyes.observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
    });
  };
}"""
OPENED = """document.addEventListener('DOMContentLoaded', () => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { window.opened = performance.now(); channel.port1.close(); };
  channel.port2.postMessage(0);
}));"""
#: The whole list asked for and drawn anew, ms.
ANEW = """async () => {
  const begun = performance.now();
  const answer = await (await fetch(location.pathname + '/state')).json();
  Object.keys(answer.lists).forEach((name) => {
    const { order, rows } = answer.lists[name];
    document.querySelector('[data-list="' + name + '"]').innerHTML = order.map((id) => rows[id]).join('');
  });
  await window.painted();
  return performance.now() - begun;
}"""


async def supervisor(api: httpx.AsyncClient) -> list[Any]:
    """The cookies of a supervisor who has signed in and chosen a password."""
    first, own = (f"Tide-{secrets.token_hex(8)}" for _ in range(2))
    body = {"staff": "6001", "login": "6001", "password": first, "posts": [{"hall": "yangxin", "post": "supervisor"}]}
    (await api.post("/api/v1/accounts", json=body)).raise_for_status()
    async with httpx.AsyncClient(base_url=api.base_url, trust_env=False) as person:
        said = {"login": "6001", "password": first}
        (await person.post("/api/v1/session", json=said)).raise_for_status()
        said = {"password": first, "new_password": own}
        (await person.post("/api/v1/session/password", json=said)).raise_for_status()
        return [{"name": name, "value": value, "url": str(api.base_url)} for name, value in person.cookies.items()]


class Hall:
    """Commands to the hall."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self.api = api

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One command that must succeed."""
        answer = await self.api.post(f"/api/v1/halls/yangxin{path}", json=body or {})
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def intake(self) -> dict[str, Any]:
        """Papers that came by courier; their hand-off."""
        body = {
            "item": ITEM, "source": "courier", "applicant": {"name": "张小三"}, "materials": self.materials,
            "delivery": {"method": "window"},
        }  # fmt: skip
        answer = await self.post(f"/windows/{WINDOW}/cases", body)
        found: dict[str, Any] = answer["hand_off"]
        return found

    async def fill(self, many: int) -> list[dict[str, Any]]:
        """`many` open hand-offs, the next due first."""
        await self.post(f"/windows/{WINDOW}/sign-in", {"staff": "bench"})
        await self.post(f"/windows/{WINDOW}/open")
        item = (await self.api.get(f"/api/v1/halls/yangxin/items/{ITEM}")).json()
        self.materials = [{"code": m["code"]} for m in item["materials"]]
        found: list[dict[str, Any]] = []
        for _ in range(0, many, 20):
            found += await asyncio.gather(*(self.intake() for _ in range(20)))
        return found


async def change(page: Page, hall: Hall, id: str, action: str, body: dict[str, Any], want: str) -> float:
    """ms from the acknowledgement of a command about hand-off `id` to the painted row; `want` "": to its end."""
    await page.evaluate("asked => window.follow(asked)", {"id": id, "want": want})
    await hall.post(f"/hand-offs/{id}/{action}", body)
    acknowledged = 1000 * time.time()
    painted = await page.evaluate("window.followed")
    return float(painted) - acknowledged


def said(name: str, took: list[float], bar: int = 0) -> None:
    """One figure, and what it must not be above."""
    limit = f"   bar {bar:,} ms" if bar else ""
    print(f"{name:40} median {statistics.median(took):7.1f} ms   worst {max(took):7.1f} ms{limit}")


async def measure() -> None:
    """A server of its own, 3,000 open hand-offs, one page."""
    with tempfile.TemporaryDirectory() as name:
        token = secrets.token_urlsafe(24)
        async with serving(Path(name), token) as (base, _), async_playwright() as play:
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=30) as api:
                hall = Hall(api)
                open_ones = await hall.fill(MANY)
                browser = await play.chromium.launch(
                    executable_path=shutil.which("chromium"),
                    args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
                )
                context = await browser.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
                await context.add_cookies(await supervisor(api))
                page = await context.new_page()
                await page.add_init_script(OPENED)
                opened = []
                for _ in range(5):
                    await page.goto(f"{base}/desk/yangxin/handoffs")
                    opened.append(float(await (await page.wait_for_function("window.opened")).json_value()))
                assert await page.locator(".lane").count() == MANY
                await page.evaluate(FOLLOW)
                await page.wait_for_function("document.querySelector('#age').hidden")
                moved, gone = [], []
                for h in open_ones[:TRIES]:
                    id = h["id"]
                    moved.append(await change(page, hall, id, "pick-up", {"runner": "2001"}, "2001"))
                    moved.append(await change(page, hall, id, "arrive", {}, "已送达，待核验"))
                    gone.append(await change(page, hall, id, "verify", {"papers": h["papers"]}, ""))
                anew = [float(await page.evaluate(ANEW)) for _ in range(5)]
                said("baseline: the whole list drawn anew", anew)
                said("one row changes among 3,000", moved, 200)
                said("one row goes", gone, 200)
                said("the page opens (five times)", opened, 1000)
                await browser.close()


def main() -> None:
    """Print the figures."""
    asyncio.run(measure())


if __name__ == "__main__":
    main()
