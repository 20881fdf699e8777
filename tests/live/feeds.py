"""A hall's feed on a real keeper (memory journal) behind a real uvicorn server, and a screen that hears it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live.door import name
from tidehall.display.channels import Channel
from tidehall.display.feed import BoardAlarm, Feed, Hub
from tidehall.display.listener import Client
from tidehall.hall import commands as c
from tidehall.hall.plan import Plan, parse_plan
from tidehall.live import Ask, HallKeeper
from tidehall.server import listen
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.memory import MemoryJournal

__all__ = ["Screen", "Stage", "closing", "drain", "plan", "stage", "timeless", "until", "whole"]

Said = dict[str, Any]
DEADLINE_S = 10.0


def plan(**limits: Any) -> Plan:
    """Two zones open round the clock, no waiting between calls."""
    return parse_plan(
        {
            "hall": {
                "id": "t",
                "name": name("hall"),
                "hours": [["00:00", "24:00"]],
                "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            },
            "limits": {"recall_gap_s": 0, "no_show_after_s": 0, "postpone_min_s": 0, "waiting_per_line": 900} | limits,
            "zones": [{"id": "g", "name": name("general")}, {"id": "p", "name": name("special")}],
            "lines": [
                {"id": "A", "letter": "A", "zone": "g", "name": name("a")},
                {"id": "B", "letter": "B", "zone": "g", "name": name("b")},
                {"id": "C", "letter": "C", "zone": "p", "name": name("c")},
            ],
            "window_ranges": [{"id_prefix": "w", "digits": 1, "first": 1, "last": 4, "zone": "g", "lines": ["A", "B"]}],
            "windows": [{"id": "p1", "label": "9", "zone": "p", "lines": ["C"]}],
            "boards": [{"id": "main", "zones": ["g"]}, {"id": "all", "zones": ["g", "p"]}],
        }
    )


class Stage:
    """One server process's worth: keeper, hub, feed, and a way to command."""

    def __init__(self, keeper: HallKeeper, hub: Hub, base: str) -> None:
        self.keeper = keeper
        self.hub = hub
        self.base = base
        self.alarms: list[BoardAlarm] = []
        self.clock = 1_000.0

    async def do(self, *commands: c.Command) -> int:
        """Submit at once and wait for all; the journal's head after it."""
        asks = [Ask(x, "test", uuid4().hex, b"", lambda hall, events: (200, b"{}")) for x in commands]
        outcomes = await asyncio.gather(*(self.keeper.submit(ask) for ask in asks))
        return max(outcome.seq for outcome in outcomes)

    async def open(self, *windows: str) -> None:
        for window in windows:
            await self.do(c.SignIn(window, f"clerk-{window}"), c.OpenWindow(window))

    async def take(self, *ids: str, line: str = "A") -> None:
        for id in ids:
            await self.do(c.TakeTicket(id, line=line))

    def number(self, ticket: str) -> str:
        return self.keeper.committed.state.tickets[ticket].number

    def url(self, path: str, **query: Any) -> str:
        return f"{self.base}/api/v1/{path}" + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")

    def live(self, path: str, **query: Any) -> Any:
        return connect(self.url(path, **query), proxy=None, compression=None)


@asynccontextmanager
async def stage(journal: MemoryJournal | None = None, bus: LocalBus | None = None) -> AsyncIterator[Stage]:
    """A hall on this journal, served on a free port until the end of the block."""
    journal = journal or MemoryJournal()
    clock = HallClock()
    await clock.measure(journal)
    keeper = HallKeeper("t", journal=journal, bus=bus or LocalBus(), clock=clock)
    await keeper.start(plan())
    here: list[Stage] = []
    hub = Hub(keeper, alarm=lambda alarm: here[0].alarms.append(alarm), clock=lambda: here[0].clock)
    keeper.watch(hub)
    feed = Feed(
        {"t": hub},
        ticket_of=lambda token: token.removeprefix("token-") if token.startswith("token-") else None,
        may_watch=lambda connection, hall, window: connection.headers.get("authorization") == "Bearer staff",
    )
    door = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        Starlette(routes=feed.routes()), ws="websockets-sansio", lifespan="off", log_config=None,
        ws_per_message_deflate=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    here.append(Stage(keeper, hub, f"ws://127.0.0.1:{door.getsockname()[1]}"))
    async with AsyncExitStack() as stack:
        stack.callback(door.close)
        stack.push_async_callback(keeper.stop)
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            await until(lambda: server.started)
            async with feed.running():
                yield here[0]
        finally:
            server.should_exit = True
            await serving


async def until(condition: Callable[[], Any], seconds: float = DEADLINE_S) -> None:
    """Wait for a condition that other tasks bring about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition of any object, not one that could set an event
            await asyncio.sleep(0.005)


class Screen:
    """A display by contract.md: ignores what is old, applies what fits, knows when it has lost something."""

    def __init__(self, name: str = "board") -> None:
        self.name = name
        self.state: Said = {}
        self.epoch = ""
        self.seq = -1
        self.lost = False
        self.calls: list[Said] = []
        self.tickets: dict[str, Said] = {}  # staff: as last told
        self.frames: list[Said] = []

    def hear(self, frame: Said) -> Said:
        self.frames.append(frame)
        kind = frame["type"]
        if kind == "snapshot":
            self.state = json.loads(json.dumps(frame[self.name]))
            self.seq, self.epoch, self.lost = frame["seq"], frame["epoch"], False
        elif kind == "beat":
            self.lost = self.lost or frame["seq"] > self.seq
        elif frame["seq"] > self.seq:
            if frame["prev"] > self.seq:
                self.lost = True
            else:
                self.merge({k: v for k, v in frame.items() if k not in ("type", "prev", "seq", "at", "call")})
                self.seq = frame["seq"]
                if "call" in frame:
                    self.calls.append(frame["call"])
        return frame

    def merge(self, changes: Said) -> None:
        for key, value in changes.items():
            if key == "ticket" and self.name == "ticket":
                self.state |= value
            elif key == "tickets":
                self.tickets |= {ticket["id"]: ticket for ticket in value}
            elif key in ("lines", "windows") and value and "id" in value[0]:
                new = {x["id"]: x for x in value}
                self.state[key] = [new.get(x["id"], x) for x in self.state[key]]
            else:
                self.state[key] = value

    async def listen(self, socket: ClientConnection, done: Callable[[], Any]) -> None:
        """Hear frames until `done`."""
        async with asyncio.timeout(DEADLINE_S):
            while not done():
                self.hear(json.loads(await socket.recv()))

    async def first(self, socket: ClientConnection) -> Said:
        """The next frame."""
        async with asyncio.timeout(DEADLINE_S):
            return self.hear(json.loads(await socket.recv()))

    def spoken(self) -> list[tuple[str, int]]:
        return [(call["number"], call["attempt"]) for call in self.calls]


def timeless(value: Any) -> Any:
    """Without what time alone changes, and what a client can count itself."""
    if isinstance(value, dict):
        drop = ("longest_wait_s", "estimate", "range_min", "waited_s", "allowed", "at")
        found = {k: timeless(v) for k, v in value.items() if k not in drop}
        return {k: v for k, v in found.items() if not (k == "waiting" and "post" in value)}
    return [timeless(x) for x in value] if isinstance(value, list) else value


def whole(channel: Channel) -> Any:
    """A fresh look at the channel's object."""
    return json.loads(channel.snapshot())[channel.name]


def drain(client: Client, screen: Screen) -> None:
    """Hear all that the client would be sent now."""
    while (body := client.next()) is not None:
        screen.hear(json.loads(body))


async def closing(ws: ClientConnection) -> int:
    """The code with which the server closes."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await ws.recv()
    assert ws.close_code is not None
    return ws.close_code
