"""p99 of the HTTP `call` at 100 commands/s on the reference hall, fsync on, from another process.

Baseline in the same run: GET /healthz at the same pace, which is what client, loopback and server cost by themselves.
Bar: 25 ms.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import httpx
import uvloop

from benchmarks.day import reference_plan
from benchmarks.served import serving

__all__ = ["main"]

PACE = 100  # commands/s
SECONDS = 20


def quantile(values: list[float], share: float) -> float:
    """An order statistic, ms."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Load:
    """Windows in turn: take, call, start, finish; one step every 1/PACE seconds, whatever the answers take."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.took: dict[str, list[float]] = {"tickets": [], "call": [], "start": [], "finish": [], "healthz": []}
        self.wrong: list[str] = []

    async def post(self, name: str, path: str, body: dict[str, object]) -> None:
        begun = perf_counter()
        answer = await self.client.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
        self.took[name].append(1000 * (perf_counter() - begun))
        if answer.status_code not in (200, 201):
            self.wrong.append(f"{path}: {answer.status_code} {answer.text[:120]}")

    async def health(self) -> None:
        begun = perf_counter()
        await self.client.get("/healthz")
        self.took["healthz"].append(1000 * (perf_counter() - begun))

    async def paced(self, steps: list[object]) -> None:
        """Send each step at its time."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.TaskGroup() as group:
            for i, step in enumerate(steps):
                await asyncio.sleep(max(0.0, begun + i / PACE - loop.time()))
                group.create_task(step)  # type: ignore[arg-type] # coroutines


async def measure() -> None:
    """Start a server, load it, stop it."""
    with tempfile.TemporaryDirectory() as name:
        token = secrets.token_urlsafe(24)
        async with (
            serving(Path(name), token) as (base, _),
            httpx.AsyncClient(
                base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
            ) as client,
        ):
            load = Load(client)
            hall = "/api/v1/halls/yangxin"
            windows = [w for w in reference_plan().windows if w.lines and w.post == "acceptance"][:48]
            for window in windows:
                await client.post(f"{hall}/windows/{window.id}/sign-in", json={"staff": f"b-{window.id}"})
                await client.post(f"{hall}/windows/{window.id}/open", json={})
            steps: list[object] = []
            turns = itertools.cycle(zip(*[iter(windows)] * 12, strict=True))
            while len(steps) < PACE * SECONDS:
                group = next(turns)
                steps += [
                    load.post("tickets", f"{hall}/tickets", {"line": w.lines[0], "channel": "kiosk"}) for w in group
                ]
                for action in ("call", "start", "finish"):
                    steps += [load.post(action, f"{hall}/windows/{w.id}/{action}", {}) for w in group]
            await load.paced(steps)
            await load.paced([load.health() for _ in range(PACE * 5)])
            for wrong in load.wrong[:3]:
                print("  not accepted:", wrong)
            for name, took in load.took.items():
                half, most = statistics.median(took), quantile(took, 0.99)
                mark = {"call": "   bar 25 ms", "healthz": "   baseline"}.get(name, "")
                print(f"{name:<8} at {PACE}/s   p50 {half:5.1f} ms   p99 {most:5.1f} ms{mark}")


def main() -> None:
    """Print the figures."""
    uvloop.run(measure())


if __name__ == "__main__":
    main()
