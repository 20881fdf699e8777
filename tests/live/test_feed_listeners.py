"""Who hears the feed: boards that report, phones, desks; how each is let in and let go."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect

from tests.live.feeds import Screen, closing, plan, stage, until
from tidehall.display.feed import BoardAlarm, Hub
from tidehall.display.hub import KIOSK_SILENT_S
from tidehall.hall import commands as c
from tidehall.queue.tickets import Parked


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


async def test_a_display_that_moves_to_another_server_is_one_alert_at_most() -> None:
    """The server that it left raises one, the one that hears it ends it, and the first forgets it until it hears it."""
    async with stage() as s:
        alarms: list[BoardAlarm] = []
        other = Hub(s.keeper, alarm=alarms.append, clock=lambda: s.clock)
        raised, ended = (BoardAlarm("kiosk_silent", "kiosk-1", on) for on in (True, False))
        s.hub.hear_kiosk("kiosk-1")
        s.clock += KIOSK_SILENT_S + 1
        other.hear_kiosk("kiosk-1")  # it has moved there
        s.hub.watch_displays()
        assert (s.alarms, alarms) == ([raised], [])
        await s.do(c.RaiseAlert(raised.kind, raised.about))
        other.watch_displays()
        assert alarms == [ended]
        await s.do(c.EndAlert(ended.kind, ended.about))
        for _ in range(5):
            s.clock += 20
            other.hear_kiosk("kiosk-1")
            s.hub.watch_displays()
            other.watch_displays()
        assert (s.alarms, alarms) == ([raised], [ended])
        s.clock += KIOSK_SILENT_S + 1
        s.hub.watch_displays()
        other.watch_displays()
        assert (s.alarms, alarms) == ([raised], [ended, raised])  # silent everywhere: who heard it last says so


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
