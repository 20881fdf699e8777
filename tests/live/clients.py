"""Outside clients of a running server: HTTP, people and clerks as load, a board on a wall.

Law: nothing here knows the inside; clients speak contract.md.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

__all__ = ["HALL", "NO_TLS", "PATIENCE_S", "TOKEN", "Answer", "Board", "Client", "Load", "Said", "settled", "until"]

Said = dict[str, Any]
HALL = "t"
TOKEN = "live-tests-admin-token"
PATIENCE_S = 30.0
#: Seconds between two looks at a condition.
LOOK_S = 0.03
#: Whoever is turned away or finds nobody comes again after so many seconds.
TURNED_AWAY_S = 0.25
#: Connection pools of one client.
POOLS = 25
#: httpx makes a TLS context for every client, which costs more than the whole request; nothing here speaks TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def until(
    condition: Callable[[], object | Awaitable[object]], what: str, *, seconds: float = PATIENCE_S
) -> float:
    """Wait for a condition that processes outside bring about; the seconds that it took."""
    begun = time.monotonic()
    while True:
        found = condition()
        if await found if isinstance(found, Awaitable) else found:
            return time.monotonic() - begun
        assert time.monotonic() - begun < seconds, f"{what}: not within {seconds:g} s"
        await asyncio.sleep(LOOK_S)


# ---- over HTTP


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    kind: str
    retry_after: str | None
    took_s: float

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class Client:
    """An outside program with the admin's token."""

    def __init__(self, base: str) -> None:
        self.base = base
        # httpx looks through all connections of a pool for every request: many small pools are quicker than one.
        self._pools = [
            httpx.AsyncClient(
                base_url=base, trust_env=False, verify=NO_TLS, timeout=httpx.Timeout(25.0),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            )
            for _ in range(POOLS)
        ]  # fmt: skip
        self._turn = itertools.cycle(self._pools)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *error: object) -> None:
        for pool in self._pools:
            await pool.aclose()

    async def request(
        self, method: str, path: str, body: object = None, *, key: str | None = None, token: str | None = TOKEN
    ) -> Answer:
        """Raises httpx.TransportError when there is no answer."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid4().hex
        begun = time.monotonic()
        answer = await next(self._turn).request(
            method, path if path.startswith("/") else f"/api/v1/{path}", headers=headers,
            json={} if body is None and method == "POST" else body,
        )  # fmt: skip
        took_s = time.monotonic() - begun
        kind = answer.headers.get("content-type", "").split(";")[0]
        said = answer.json() if kind.endswith("json") else answer.text
        return Answer(answer.status_code, said, kind, answer.headers.get("retry-after"), took_s)

    async def get(self, path: str, *, token: str | None = TOKEN) -> Answer:
        """Read something."""
        return await self.request("GET", path, token=token)

    async def take(self, line: str = "A", *, key: str | None = None, **more: Any) -> Answer:
        """Take a number."""
        body = {"line": line, "channel": "kiosk"} | more
        return await self.request("POST", f"halls/{HALL}/tickets", body, key=key)

    async def do(self, window: str, action: str, *, key: str | None = None, **body: Any) -> Answer:
        """Act at a window."""
        return await self.request("POST", f"halls/{HALL}/windows/{window}/{action}", body, key=key)

    async def open(self, windows: Iterable[str]) -> None:
        """Clerks sit down and begin."""

        async def begin(window: str) -> None:
            for answer in (
                await self.do(window, "sign-in", staff=f"clerk-{window}"),
                await self.do(window, "open"),
            ):
                assert answer.status == 200, answer

        await asyncio.gather(*(begin(window) for window in windows))

    async def journal(self) -> list[Said]:
        """All events; their positions are proved to be without gap."""
        events: list[Said] = []
        while True:
            page = await self.get(f"halls/{HALL}/journal?after={len(events)}&limit=1000")
            assert page.status == 200, page
            if not page.body["events"]:
                assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
                return events
            events += page.body["events"]

    async def board(self) -> Said:
        """The board as anybody gets it."""
        answer = await self.get(f"halls/{HALL}/boards/main", token=None)
        assert answer.status == 200, answer
        found: Said = answer.body
        return found


# ---- people and clerks


@dataclass
class Sent:
    """A command that a client has sent, and what it knows of it: no `answer` means that the connection was lost."""

    key: str
    path: str
    body: Said
    answer: Answer | None = None


@dataclass
class Load:
    """Citizens who take numbers and clerks who serve them, as fast as they get answers, each at one server."""

    clients: Sequence[Client]
    windows: Sequence[str]
    lines: str = "ABCDE"
    takers: int = 5
    sent: list[Sent] = field(default_factory=list)
    stopping: bool = False
    pause_s: float = 0.0

    async def send(self, client: Client, path: str, body: Said) -> Answer | None:
        """Send under a new key and remember it; None when nothing came back."""
        sent = Sent(uuid4().hex, f"halls/{HALL}/{path}", body)
        self.sent.append(sent)
        with suppress(httpx.TransportError):
            sent.answer = await client.request("POST", sent.path, body, key=sent.key)
        if sent.answer is None or sent.answer.status >= 500:
            await asyncio.sleep(TURNED_AWAY_S)
        elif self.pause_s:
            await asyncio.sleep(self.pause_s)
        return sent.answer

    async def citizen(self, client: Client, line: str) -> None:
        """Numbers of one line, one after the other."""
        while not self.stopping:
            await self.send(client, "tickets", {"line": line, "channel": "kiosk"})

    async def clerk(self, client: Client, window: str) -> None:
        """Call, start, finish; after a lost answer whatever is possible."""
        while not self.stopping:
            for action in ("call", "start", "finish"):
                await self.send(client, f"windows/{window}/{action}", {})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Load]:
        """Under load inside the block; afterwards everybody has got an answer or has lost the connection."""
        clients = self.clients
        work = [self.citizen(clients[i % len(clients)], self.lines[i % len(self.lines)]) for i in range(self.takers)]
        work += [self.clerk(clients[i % len(clients)], window) for i, window in enumerate(self.windows)]
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield self
        finally:
            self.stopping = True
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    @property
    def acknowledged(self) -> list[Sent]:
        """Commands with a yes."""
        return [sent for sent in self.sent if sent.answer is not None and sent.answer.status < 300]

    def statuses(self, since: int = 0) -> dict[int, int]:
        """How often which status came, 0 for a lost connection."""
        found: dict[int, int] = {}
        for sent in self.sent[since:]:
            status = 0 if sent.answer is None else sent.answer.status
            found[status] = found.get(status, 0) + 1
        return found


async def settled(load: Load, client: Client) -> int:
    """Prove that every command with a yes is in the journal and that its key gives the first answer again.

    A command without an answer may stand there or not; where it does, its key must give a yes, and no second event.
    Returns how many keys were sent again.
    """
    before = await client.journal()
    by_cause: dict[str, list[Said]] = {}
    for event in before:
        by_cause.setdefault(event["cause"], []).append(event)
    again: list[Sent] = []
    for sent in load.sent:
        written = by_cause.get(sent.key)
        if sent.answer is not None and sent.answer.status < 300:
            if sent.path.endswith("/call") and sent.answer.body["ticket"] is None:
                assert written is None, "nobody waited, yet something was written"
                continue
            assert written is not None, f"acknowledged and lost: {sent}"
            assert sent.answer.body["seq"] == written[-1]["seq"]
        if written is not None:
            again.append(sent)
    turn = asyncio.Semaphore(20)

    async def repeat(sent: Sent) -> None:
        async with turn:
            answer = await client.request("POST", sent.path, sent.body, key=sent.key)
        assert answer.status in (200, 201), (sent, answer)
        assert answer.body["seq"] == by_cause[sent.key][-1]["seq"]
        if sent.answer is not None and sent.answer.status < 300:
            assert (answer.status, answer.body) == (sent.answer.status, sent.answer.body)

    await asyncio.gather(*(repeat(sent) for sent in again))
    after = await client.journal()
    causes = {sent.key for sent in again}
    assert [event for event in after[len(before) :] if event["cause"] in causes] == [], "a repeat wrote a second time"
    return len(again)


# ---- a display


class Board:
    """A display by contract.md: it goes on with epoch and position after a break, speaks each call once."""

    def __init__(self, client: Client, path: str = f"halls/{HALL}/boards/main") -> None:
        self._url = f"{client.base.replace('http', 'ws', 1)}/api/v1/{path}/live"
        self.state: Said = {}
        self.epoch = ""
        self.seq = 0
        self.stale: str | None = None
        self.spoken: dict[tuple[str, int], float] = {}
        self.repeated: list[Said] = []
        self.skips: list[tuple[int, int]] = []
        self.open_at: dict[int, set[tuple[str, int]]] = {}
        self.joined = 0
        self.frames: list[str] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Board:
        self._task = asyncio.create_task(self._follow())
        await until(lambda: self.joined, "the board's first frame")
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _follow(self) -> None:
        while True:
            where = f"?epoch={self.epoch}&after={self.seq}" if self.epoch else ""
            with suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                async with connect(self._url + where, proxy=None, open_timeout=5) as socket:
                    async for text in socket:
                        self.frames.append(str(text))
                        if not self._hear(json.loads(text)):
                            break
            await asyncio.sleep(LOOK_S)

    def _hear(self, frame: Said) -> bool:
        """Take a frame in; False when something was lost on the way and it must join anew."""
        match frame["type"]:
            case "snapshot":
                self.state, self.epoch = frame["board"], frame["epoch"]
                if self.seq != frame["seq"]:
                    self.skips.append((self.seq, frame["seq"]))
                self.seq, self.stale = frame["seq"], self.state["stale_since"]
                self.open_at[self.seq] = {(call["call_id"], call["attempt"]) for call in self.state["calls"]}
                for call in self.state["calls"]:
                    self.spoken.setdefault((call["call_id"], call["attempt"]), time.monotonic())
            case "beat":
                self.stale = frame["stale_since"]
                if frame["seq"] > self.seq:
                    self.joined += 1
                    return False
            case "update" if frame["seq"] > self.seq:
                if frame["prev"] > self.seq:
                    return False
                self._merge(frame)
                self.seq = frame["seq"]
                if call := frame.get("call"):
                    if (call["call_id"], call["attempt"]) in self.spoken:
                        self.repeated.append(call)
                    self.spoken[call["call_id"], call["attempt"]] = time.monotonic()
        self.joined += 1
        return True

    def _merge(self, frame: Said) -> None:
        for name, value in frame.items():
            if name in ("lines", "windows") and value and "id" in value[0]:
                new = {one["id"]: one for one in value}
                self.state[name] = [new.get(one["id"], one) for one in self.state[name]]
            elif name not in ("type", "prev", "seq", "at", "call"):
                self.state[name] = value

    def proved(self, journal: Sequence[Said]) -> None:
        """Hold what it spoke against the journal: nothing twice, nothing left out that was open when it was back."""
        assert self.repeated == []
        now_open: dict[str, int] = {}
        for event in journal:
            body = event["body"]
            if event["kind"] in ("ticket_called", "ticket_recalled"):
                name = (body["call"], body.get("attempt", 1))
                now_open[name[0]] = name[1]
                away = any(left < event["seq"] <= back for left, back in self.skips)
                assert name in self.spoken or away, f"call {name} was neither spoken nor made while it was away"
            elif event["kind"] in ("service_started", "ticket_missed", "ticket_voided"):
                now_open.pop(body["call"], None)
            if event["seq"] in self.open_at:
                assert self.open_at[event["seq"]] == set(now_open.items())
        assert {(call["call_id"], call["attempt"]) for call in self.state["calls"]} == set(now_open.items())
        assert set(now_open.items()) <= self.spoken.keys()
