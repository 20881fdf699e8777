"""The feed on a real keeper (memory journal) behind a real uvicorn server, heard by real websocket clients."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tidehall.display import listener
from tidehall.display.channels import Channel, DeskChannel
from tidehall.display.feed import CLOSE, BoardAlarm, Feed, Hub
from tidehall.display.listener import Client
from tidehall.hall import commands as c
from tidehall.hall.plan import Board, Plan, parse_plan
from tidehall.live import Ask, HallKeeper
from tidehall.queue.tickets import Parked
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.memory import MemoryJournal

Said = dict[str, Any]
DEADLINE_S = 10.0


def words(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def plan(**limits: Any) -> Plan:
    """Two zones open round the clock, no waiting between calls."""
    return parse_plan(
        {
            "hall": {
                "id": "t",
                "name": words("hall"),
                "hours": [["00:00", "24:00"]],
                "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            },
            "limits": {"recall_gap_s": 0, "no_show_after_s": 0, "postpone_min_s": 0, "waiting_per_line": 900} | limits,
            "zones": [{"id": "g", "name": words("general")}, {"id": "p", "name": words("special")}],
            "lines": [
                {"id": "A", "letter": "A", "zone": "g", "name": words("a")},
                {"id": "B", "letter": "B", "zone": "g", "name": words("b")},
                {"id": "C", "letter": "C", "zone": "p", "name": words("c")},
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
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    door.bind(("127.0.0.1", 0))
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
        for name, value in changes.items():
            if name == "ticket" and self.name == "ticket":
                self.state |= value
            elif name == "tickets":
                self.tickets |= {ticket["id"]: ticket for ticket in value}
            elif name in ("lines", "windows") and value and "id" in value[0]:
                new = {x["id"]: x for x in value}
                self.state[name] = [new.get(x["id"], x) for x in self.state[name]]
            else:
                self.state[name] = value

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


async def test_board_cut_off_during_calls_misses_none_and_repeats_none() -> None:
    """S26: three calls while away; the resumed board hears each once and then shows what a fresh board shows."""
    async with stage() as s:
        await s.open("w1", "w2", "w3")
        await s.take("t1", "t2", "t3", "t4")
        screen = Screen()
        async with s.live("halls/t/boards/main/live") as ws:
            await s.do(c.CallTicket("w1"))
            await screen.listen(ws, lambda: screen.calls)
        await s.do(c.StartService("w1"))
        await s.do(c.FinishTicket("w1"))
        for window in ("w1", "w2", "w3"):
            seq = await s.do(c.CallTicket(window))
        async with s.live("halls/t/boards/main/live", epoch=screen.epoch, after=screen.seq) as ws:
            await screen.listen(ws, lambda: screen.seq >= seq)
            assert screen.frames[-1]["type"] == "update"
        assert screen.spoken() == [("A001", 1), ("A002", 1), ("A003", 1), ("A004", 1)]
        assert not screen.lost
        fresh = Screen()
        async with s.live("halls/t/boards/main/live") as ws:
            await fresh.first(ws)
        assert timeless(screen.state) == timeless(fresh.state)
        assert [call["number"] for call in fresh.state["calls"]] == ["A002", "A003", "A004"]


async def test_resuming_with_nothing_missed_brings_a_beat_and_no_snapshot() -> None:
    """Who has everything hears at once that this is so."""
    async with stage() as s:
        await s.open("w1")
        screen = Screen()
        async with s.live("halls/t/boards/main/live") as ws:
            await screen.first(ws)
        async with s.live("halls/t/boards/main/live", epoch=screen.epoch, after=screen.seq) as ws:
            frame = await screen.first(ws)
        assert (frame["type"], frame["seq"]) == ("beat", screen.seq)


@pytest.mark.parametrize(("epoch", "after"), [("", 0), ("another", 3), (None, 10**12), (None, -1), (None, "x")])
async def test_what_cannot_be_replayed_gets_a_snapshot(epoch: str | None, after: Any) -> None:
    """Another journal, a position from the future, before the ring, or garbage: the whole board."""
    async with stage() as s:
        await s.open("w1")
        epoch = s.keeper.epoch if epoch is None else epoch
        async with s.live("halls/t/boards/main/live", epoch=epoch, after=after) as ws:
            assert (await Screen().first(ws))["type"] == "snapshot"


async def test_loss_of_only_the_last_frame_is_noticed_within_one_beat() -> None:
    """A display that never got the last frame learns from the next beat, at most 5 s later."""
    async with stage() as s:
        await s.open("w1")
        await s.take("t1")
        screen = Screen()
        async with s.live("halls/t/boards/main/live") as ws:
            await screen.first(ws)
            had = screen.seq
            seq = await s.do(c.CallTicket("w1"))
            async with asyncio.timeout(6.0):
                while not screen.lost:
                    frame = json.loads(await ws.recv())
                    if frame["type"] != "update":  # the filter that loses the call
                        screen.hear(frame)
        assert screen.seq == had < seq
        assert screen.frames[-1]["seq"] == seq
        assert {"longest_wait_s", "estimate"} <= set(screen.frames[-1]["lines"][0])


async def test_every_call_is_one_event_and_a_recall_a_new_attempt() -> None:
    """S27: whatever caused it (call, chosen, next, recall), one frame each, in order, with window and sentence."""
    async with stage() as s:
        await s.open("w1", "w2")
        await s.take("t1", "t2", "t3", "t4")
        board, strip = Screen(), Screen()
        async with (
            s.live("halls/t/boards/main/live") as ws,
            s.live("halls/t/boards/window:w1/live") as ws_strip,
        ):
            await board.first(ws)
            await strip.first(ws_strip)
            await s.do(c.CallTicket("w1"), c.CallTicket("w2", "t4", "asked"))  # in one commit
            await s.do(c.RecallTicket("w1"))
            await s.do(c.StartService("w1"))
            seq = await s.do(c.NextTicket("w1"))
            await board.listen(ws, lambda: board.seq >= seq)
            await strip.listen(ws_strip, lambda: strip.seq >= seq)
        assert board.spoken() == [("A001", 1), ("A004", 1), ("A001", 2), ("A002", 1)]
        assert strip.spoken() == [("A001", 1), ("A001", 2), ("A002", 1)]
        assert len({call["call_id"] for call in board.calls}) == 3
        call = board.calls[1]
        assert (call["window"], call["label"], call["say"]["en"]) == ("w2", "2", "A004, please go to window 2")
        assert (strip.state["number"], strip.state["doing"]) == ("A002", "called")
        assert [f["prev"] for f in board.frames[1:]] == [f["seq"] for f in board.frames[:-1]]


async def test_slow_reader_gets_a_snapshot_and_delays_nobody() -> None:
    """One display stops reading; the others hear every change, and it later gets the newest board, not the backlog."""
    async with stage() as s:
        await s.open("w1")
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        small.setblocking(False)
        host, port = s.base.removeprefix("ws://").split(":")
        await asyncio.get_running_loop().sock_connect(small, (host, int(port)))
        slow, fast = Screen(), Screen()
        url = s.url("halls/t/boards/main/live")
        async with AsyncExitStack() as stack:
            ws_slow = await stack.enter_async_context(
                connect(url, sock=small, proxy=None, compression=None, max_queue=1)
            )
            await slow.first(ws_slow)
            stuck = s.hub.clients()[0]
            ws_fast = await stack.enter_async_context(s.live("halls/t/boards/main/live"))
            await fast.first(ws_fast)
            for turn in itertools.count():
                seq = await s.do(c.PauseWindow("w1", "tea") if turn % 2 == 0 else c.ResumeWindow("w1"))
                await fast.listen(ws_fast, lambda seq=seq: fast.seq >= seq)  # type: ignore[misc] # bound above
                s.clock += 0.01
                if stuck.channel.head - stuck.cursor > 100:
                    break
                assert turn < 5_000, "the slow reader never fell behind"
            await slow.listen(ws_slow, lambda: slow.seq >= seq)
        assert not fast.lost
        assert len([f for f in fast.frames if f["type"] == "update"]) == turn + 1
        kinds = [f["type"] for f in slow.frames if f["type"] != "beat"]
        assert kinds[0] == kinds[-1] == "snapshot"
        assert len(kinds) < turn - 50
        assert timeless(slow.state) == timeless(fast.state)


async def test_reader_that_takes_nothing_for_too_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that does not end in time ends the listener with 4408, and its place is free."""
    monkeypatch.setattr(listener, "SEND_S", 0.2)
    async with stage() as s:
        await s.open("w1")
        async with connect(s.url("halls/t/boards/main/live"), proxy=None, compression=None, max_queue=1) as ws:
            await Screen().first(ws)
            client = s.hub.clients()[0]
            ws.transport.pause_reading()
            for turn in range(20_000):
                if client.code is not None:
                    break
                await s.do(c.PauseWindow("w1", "tea") if turn % 2 == 0 else c.ResumeWindow("w1"))
            assert client.code == CLOSE["too_slow"]
            ws.transport.resume_reading()
            assert await closing(ws) == 4408
        assert not s.hub.clients()


async def test_positions_are_the_same_after_a_restart() -> None:
    """seq and prev come from the journal: a new process goes on where the old one was, without a snapshot."""
    journal = MemoryJournal()
    screens = {name: Screen() for name in ("main", "all", "window:w1", "window:w2")}
    async with stage(journal) as s:
        await s.open("w1", "w2")
        await s.take("t1", "t2")
        await s.do(c.CallTicket("w1"))
        for name, screen in screens.items():
            async with s.live(f"halls/t/boards/{name}/live") as ws:
                await screen.first(ws)
    async with stage(journal) as s, AsyncExitStack() as stack:
        for name, screen in screens.items():
            ws = await stack.enter_async_context(
                s.live(f"halls/t/boards/{name}/live", epoch=screen.epoch, after=screen.seq)
            )
            frame = await screen.first(ws)
            assert (frame["type"], frame["seq"]) == ("beat", screen.seq), name
        seq = await s.do(c.RecallTicket("w1"))
        for name in ("main", "all", "window:w1"):
            assert [(f.prev, f.seq) for f in s.hub.board(name).ring] == [(screens[name].seq, seq)], name
        assert s.hub.board("window:w2").seq == screens["window:w2"].seq


async def test_two_servers_give_one_board_the_same_positions() -> None:
    """A board that changes servers resumes there with what it has, and hears the calls made in between."""
    journal, bus = MemoryJournal(), LocalBus()
    async with stage(journal, bus) as one, stage(journal, bus) as two:
        await one.open("w1", "w2")
        await one.take("t1", "t2")
        screen = Screen()
        async with one.live("halls/t/boards/main/live") as ws:
            await one.do(c.CallTicket("w1"))
            await screen.listen(ws, lambda: screen.calls)
        seq = await one.do(c.CallTicket("w2"))
        async with two.live("halls/t/boards/main/live", epoch=screen.epoch, after=screen.seq) as ws:
            await screen.listen(ws, lambda: screen.seq >= seq)
            assert screen.frames[-1]["type"] == "update"
        assert screen.spoken() == [("A001", 1), ("A002", 1)]
        assert one.hub.board("main").seq == two.hub.board("main").seq == seq


def drain(client: Client, screen: Screen) -> None:
    """Hear all that the client would be sent now."""
    while (body := client.next()) is not None:
        screen.hear(json.loads(body))


@pytest.mark.parametrize("seed", range(4))
async def test_updates_always_lead_to_what_a_fresh_snapshot_shows(seed: int) -> None:
    """Over a random day every channel's updates, merged, equal a fresh look after each commit; calls are all told."""
    chance = random.Random(seed)
    async with stage() as s:
        await s.open("w1", "w2")
        await s.do(c.TakeTicket("mine", line="B"))
        first = s.keeper.committed.state.seq
        found: list[tuple[Channel, Screen, Client]] = []
        for channel, name in (
            (s.hub.board("main"), "board"),
            (s.hub.board("all"), "board"),
            (s.hub.board("window:w1"), "board"),
            (s.hub.ticket("mine"), "ticket"),
            (s.hub.staff(), "hall"),
            (s.hub.desk("w1"), "hall"),
        ):
            found.append((channel, Screen(name), s.hub.join(channel)))
        for step in range(300):
            commands = [random_command(chance, s, f"{step}-{i}") for i in range(chance.choice((1, 1, 1, 4)))]
            asks = [Ask(x, "test", uuid4().hex, b"", lambda hall, events: (200, b"{}")) for x in commands]
            await asyncio.gather(*(s.keeper.submit(ask) for ask in asks), return_exceptions=True)
            for channel, screen, client in found:
                drain(client, screen)
                assert not screen.lost
                assert screen.seq == channel.seq
                shown, there = timeless(screen.state), timeless(whole(channel))
                if isinstance(channel, DeskChannel):  # an alert belongs to no zone and rides on a desk's next beat
                    shown, there = ({k: v for k, v in x.items() if k != "alerts"} for x in (shown, there))
                assert shown == there, (step, commands, channel)
        told_tickets = found[4][1].tickets
        for ticket in s.keeper.committed.state.tickets.values():
            if ticket.seq > first:
                assert told_tickets[ticket.id]["seq"] == ticket.seq
                assert told_tickets[ticket.id]["state"] == ticket.state
        rows = await s.keeper.journal.read("t", 0, 100_000)
        calls = sum(row.kind == "ticket_called" for row in rows)
        recalls = sum(row.kind == "ticket_recalled" for row in rows)
        assert min(calls, recalls) > 5
        told = found[1][1].calls
        assert len(told) == len({(call["call_id"], call["attempt"]) for call in told}) == calls + recalls
        assert len(found[4][1].calls) == calls + recalls
        for _, _, client in found:
            s.hub.leave(client)
        assert set(s.hub.private) == set()


def random_command(chance: random.Random, s: Stage, fresh: str) -> c.Command:
    """Anything that may happen in a hall; many are refused."""
    state = s.keeper.committed.state
    window = chance.choice(["w1", "w1", "w2", "w3", "p1"])
    ticket = chance.choice([*state.tickets, fresh])
    often: list[c.Command] = [
        c.TakeTicket(fresh, line=chance.choice("AAABC")),
        c.TakeTicket(fresh, line=chance.choice("AB")),
        c.CallTicket(window),
        c.RecallTicket(window),
        c.StartService(window),
        c.FinishTicket(window),
        c.OpenWindow(window),
    ]
    seldom: list[c.Command] = [
        c.CallTicket(window, ticket, "asked"),
        c.MissTicket(window),
        c.NextTicket(window),
        c.Undo(window),
        c.SuspendTicket(window, chance.choice(list(Parked))),
        c.UnsuspendTicket(window, ticket),
        c.BringBack(ticket),
        c.TransferTicket(window, line=chance.choice("ABC")),
        c.TransferTicket(window, to=chance.choice(["w1", "w2"])),
        c.RejectTicket(window, ("id",)),
        c.CancelTicket(ticket),
        c.PostponeTicket(ticket),
        c.RestoreTicket(ticket, "sorry"),
        c.ConfirmPriority(ticket, "normal"),
        c.SignIn(window, f"clerk-{window}"),
        c.CloseWindow(window),
        c.PauseWindow(window, "tea"),
        c.ResumeWindow(window),
        c.SetLines(window, chance.choice([("A",), ("B",), ("A", "B")])),
    ]
    return chance.choice(often if chance.random() < 0.6 else seldom)


async def test_plan_adopted_at_noon_brings_everybody_the_new_boards() -> None:
    """A new plan: listeners get a snapshot, boards that are gone close with 4404, new ones are there."""
    async with stage() as s:
        screen = Screen()
        async with s.live("halls/t/boards/main/live") as ws, s.live("halls/t/boards/all/live") as gone:
            await screen.first(ws)
            await Screen().first(gone)
            boards = (Board("main", ("g",), words("new")), Board("second", ("p",)))
            await s.do(c.AdoptPlan(msgspec.structs.replace(plan(), boards=boards), now=True))
            await screen.listen(ws, lambda: screen.state["name"] == words("new"))
            assert await closing(gone) == 4404
        async with s.live("halls/t/boards/second/live") as ws:
            assert (await Screen().first(ws))["board"]["zones"] == [{"id": "p", "name": words("special")}]


async def closing(ws: ClientConnection) -> int:
    """The code with which the server closes."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await ws.recv()
    assert ws.close_code is not None
    return ws.close_code


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("halls/nowhere/boards/main/live", 4404),
        ("halls/t/boards/nowhere/live", 4404),
        ("halls/t/boards/window:w9/live", 4404),
        ("tickets/forged/live", 4404),
        ("tickets/token-of-nobody/live", 4404),
        ("halls/t/live", 4401),
        ("halls/nowhere/live", 4401),
        ("halls/t/live?window=w1", 4401),
    ],
)
async def test_what_is_not_there_or_not_allowed_has_its_close_code(path: str, code: int) -> None:
    """4404 for what is unknown, 4401 before any other error where a principal is needed."""
    async with stage() as s, s.live(path) as ws:
        assert await closing(ws) == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("no json", 1003),
        ("[]", 1003),
        ("{}", 1003),
        (b"{}", 1003),
        ('{"type": "shown"}', 1003),
        ('{"type": "shown", "seq": "x"}', 1003),
        ('{"type": "note", "text": "' + "x" * 2_048 + '"}', 1008),
    ],
)
async def test_garbage_from_a_display_ends_it(said: str | bytes, code: int) -> None:
    """1003 for what cannot be read, 1008 for more than 2 KiB."""
    async with stage() as s, s.live("halls/t/boards/main/live") as ws:
        await ws.send(said)
        assert await closing(ws) == code


async def test_reports_are_kept_in_memory_and_other_messages_ignored() -> None:
    """displays() says what each board shows and how far it is behind; the journal does not grow by it."""
    async with stage() as s:
        await s.open("w1")
        screen = Screen()
        async with s.live("halls/t/boards/main/live") as ws:
            await screen.first(ws)
            head = s.keeper.committed.state.seq
            await ws.send('{"type": "hello", "from": "a later version"}')
            await ws.send(json.dumps({"type": "shown", "seq": screen.seq + 1_000}))
            await ws.send(json.dumps({"type": "shown", "seq": screen.seq, "call_id": "c1"}))
            await until(lambda: s.hub.displays()[0].shown_seq is not None)
            assert [(d.board, d.shown_seq, d.lag_s) for d in s.hub.displays()] == [("main", screen.seq, 0.0)]
            assert s.keeper.committed.state.seq == head
            await s.take("t1")
            s.clock += 7
            assert (s.hub.displays()[0].lag_s, s.hub.displays()[0].silent_s) == (7.0, 7.0)
        await until(lambda: not s.hub.displays())


async def test_silent_or_late_board_is_an_alert_until_it_is_well_again() -> None:
    """A board that reported and then is silent for 15 s, or 10 s behind, raises board_silent; a report ends it."""
    async with stage() as s:
        await s.open("w1")
        screen = Screen()
        s.clock += 60
        s.hub.watch_displays()
        assert not s.alarms  # a board that never reported is no alert
        async with s.live("halls/t/boards/main/live") as ws:
            await screen.first(ws)

            async def report() -> None:
                before = s.hub.clients()[0].shown_at
                s.clock += 0.001
                await ws.send(json.dumps({"type": "shown", "seq": screen.seq}))
                await until(lambda: s.hub.clients()[0].shown_at != before)

            async def obey() -> BoardAlarm:
                s.hub.watch_displays()
                last = s.alarms[-1]
                await s.do((c.RaiseAlert if last.on else c.EndAlert)(last.kind, last.about))
                return last

            await report()
            s.clock += 14
            s.hub.watch_displays()
            assert not s.alarms
            s.clock += 2
            assert await obey() == BoardAlarm("board_silent", "main", True)
            s.hub.watch_displays()
            assert len(s.alarms) == 1
            await report()
            assert await obey() == BoardAlarm("board_silent", "main", False)
            await s.take("t1")
            s.clock += 11
            await report()  # alive, but still shows the old board
            assert await obey() == BoardAlarm("board_silent", "main", True)
            await screen.listen(ws, lambda: screen.seq == s.hub.board("main").seq)
            await report()
            assert await obey() == BoardAlarm("board_silent", "main", False)
        s.clock += 16
        assert await obey() == BoardAlarm("board_silent", "main", True)  # gone altogether


async def test_phone_follows_its_ticket_and_nobody_elses() -> None:
    """People ahead fall as others are called; the own call comes as a call; other calls do not."""
    async with stage() as s:
        await s.open("w1")
        await s.take("t1", "t2")
        phone = Screen("ticket")
        async with s.live("tickets/token-t2/live") as ws:
            await phone.first(ws)
            assert (phone.state["number"], phone.state["ahead"], phone.state["state"]) == ("A002", 1, "waiting")
            assert phone.state["windows_text"]["zh"].startswith("1")
            await s.do(c.CallTicket("w1"))
            await phone.listen(ws, lambda: phone.state["ahead"] == 0)
            await s.do(c.StartService("w1"))
            seq = await s.do(c.NextTicket("w1"))
            await phone.listen(ws, lambda: phone.seq == seq)
            await s.do(c.StartService("w1"))
            seq = await s.do(c.SuspendTicket("w1", Parked.AWAY))
            await phone.listen(ws, lambda: phone.seq == seq)
        assert phone.spoken() == [("A002", 1)]
        assert (phone.state["state"], phone.state["parked"]) == ("suspended", "away")
        assert phone.state["window_label"] == "1"
        assert "A001" not in json.dumps(phone.frames)
        await until(lambda: not s.hub.private)


async def test_one_ticket_has_at_most_eight_sockets() -> None:
    """A ninth is asked to come later (1013); a place that is left is free again."""
    async with stage() as s, AsyncExitStack() as stack:
        await s.take("t1")
        for _ in range(8):
            ws = await stack.enter_async_context(s.live("tickets/token-t1/live"))
            await Screen("ticket").first(ws)
        async with s.live("tickets/token-t1/live") as ninth:
            assert await closing(ninth) == 1013
        await ws.close()
        await until(lambda: len(s.hub.clients()) == 7)
        async with s.live("tickets/token-t1/live") as again:
            assert (await Screen("ticket").first(again))["type"] == "snapshot"


async def test_desk_hears_what_it_may_do_when_time_allows_it() -> None:
    """The keys of a desk follow the clock: undo goes by itself, with a beat, when its time is over."""
    async with stage() as s:
        await s.do(c.AdoptPlan(plan(undo_s=1), now=True))
        await s.open("w1")
        await s.take("t1")
        for command in (c.CallTicket("w1"), c.StartService("w1"), c.FinishTicket("w1")):
            await s.do(command)
        desk = Screen("hall")
        staff = {"Authorization": "Bearer staff"}
        url = s.url("halls/t/live", window="w1")
        async with connect(url, proxy=None, compression=None, additional_headers=staff) as ws:
            await desk.first(ws)
            assert "undo" in desk.state["window"]["allowed"]
            async with asyncio.timeout(3.5):
                while "window" not in desk.frames[-1] or "undo" in desk.frames[-1]["window"]["allowed"]:
                    await desk.first(ws)
        assert desk.frames[-1]["type"] == "beat"


async def test_lost_database_is_said_at_once_and_the_board_stays() -> None:
    """stale_since comes with a beat and stands in a new snapshot; null when the database is back."""
    async with stage() as s:
        screen = Screen()
        async with s.live("halls/t/boards/main/live") as ws:
            await screen.first(ws)
            s.keeper.stale_since = s.keeper.now()
            s.hub.stale(s.keeper.stale_since)
            await screen.listen(ws, lambda: screen.frames[-1].get("stale_since"))
            async with s.live("halls/t/boards/main/live") as late:
                assert (await Screen().first(late))["board"]["stale_since"] == screen.frames[-1]["stale_since"]
            s.keeper.stale_since = None
            s.hub.stale(None)
            await screen.listen(ws, lambda: screen.frames[-1].get("stale_since", "?") is None)


async def test_server_that_stops_sends_everybody_1012() -> None:
    """Displays are told to come again."""
    async with stage() as s:
        async with s.live("halls/t/boards/main/live") as ws:
            await Screen().first(ws)
            s.hub.close()
            assert await closing(ws) == 1012
        async with s.live("halls/t/boards/main/live") as ws:
            assert await closing(ws) == 1013
