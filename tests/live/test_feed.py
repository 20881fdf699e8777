"""The feed's frames: none lost, none twice, the same positions everywhere, whoever reads slowly."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.live.door import name
from tests.live.feeds import Screen, Stage, closing, drain, plan, stage, timeless, whole
from tidehall.display import listener
from tidehall.display.channels import Channel, DeskChannel
from tidehall.display.feed import CLOSE
from tidehall.display.listener import Client
from tidehall.hall import commands as c
from tidehall.hall.plan import Board
from tidehall.live import Ask
from tidehall.queue.tickets import Parked
from tidehall.store.bus import LocalBus
from tidehall.store.memory import MemoryJournal


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
                assert timeless(screen.state) == timeless(whole(channel)), (step, commands, channel)
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
            boards = (Board("main", ("g",), name("new")), Board("second", ("p",)))
            await s.do(c.AdoptPlan(msgspec.structs.replace(plan(), boards=boards), now=True))
            await screen.listen(ws, lambda: screen.state["name"] == name("new"))
            assert await closing(gone) == 4404
        async with s.live("halls/t/boards/second/live") as ws:
            assert (await Screen().first(ws))["board"]["zones"] == [{"id": "p", "name": name("special")}]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("halls/t/boards/main/live", "board"),
        ("halls/t/boards/window:w1/live", "board"),
        ("tickets/token-t1/live", "ticket"),
    ],
)
async def test_who_was_away_when_a_plan_came_is_shown_its_names(path: str, named: str) -> None:
    """A display with the last position before a new plan gets a snapshot when it comes back, with the new names."""
    async with stage() as s:
        await s.open("w1")
        await s.take("t1")
        screen = Screen(named)
        async with s.live(path) as ws:
            await screen.first(ws)
        other = msgspec.structs.replace(plan(), hall=msgspec.structs.replace(plan().hall, name=name("renamed")))
        seq = await s.do(c.AdoptPlan(other, now=True))
        async with s.live(path, epoch=screen.epoch, after=screen.seq) as ws:
            assert (await screen.first(ws))["type"] == "snapshot"
        assert (screen.seq, screen.state["hall_name"]) == (seq, name("renamed"))


async def test_an_alert_of_no_zone_reaches_every_desk_at_once() -> None:
    """Raised and ended, an alert is an update of its own for every desk; a new channel stands there too."""
    async with stage() as s:
        await s.open("w1")
        desk = s.hub.desk("w1")
        screen, client = Screen("hall"), s.hub.join(desk)
        drain(client, screen)
        for command, alerts in ((c.RaiseAlert, ["main"]), (c.EndAlert, [])):
            seq = await s.do(command("board_silent", "main"))
            drain(client, screen)
            assert (screen.frames[-1]["type"], screen.seq) == ("update", seq)
            assert [alert["about"] for alert in screen.state["alerts"]] == alerts
        assert DeskChannel(s.hub.scene, "w1").seq == seq
        s.hub.leave(client)
