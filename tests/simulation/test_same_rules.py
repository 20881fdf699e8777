"""One hall engine, two clocks: what the world asked, asked of a live keeper, brings the same events."""

from __future__ import annotations

import tomllib
from pathlib import Path
from uuid import uuid4

import pytest

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.papers import events as o
from tidehall.hall.plan import parse_plan
from tidehall.live import Ask, HallKeeper, read_event
from tidehall.simulation.day import Stage
from tidehall.simulation.scenario import read_scenario
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.memory import MemoryJournal

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("lines", "confirm"), [("BCF", "supervisor"), ("BD", "automatic"), ("D", "automatic")])
async def test_keeper_and_world_agree(lines: str, confirm: str) -> None:
    """A whole day of some zones of the reference hall, too few windows, the tide, cases and hand-offs and all: the
    live keeper's journal is the world's, event for event."""
    tables = tomllib.loads((ROOT / "scenarios" / "yangxin.toml").read_text("utf-8"))
    tables["demand"]["lines"] = {x: tables["demand"]["lines"][x] for x in lines}
    tables["windows"] = {"enterprise": [["08:30", 4]], "property": [["08:30", 8]]}
    hall = tomllib.loads((ROOT / "halls" / "yangxin.toml").read_text("utf-8"))
    for rule in hall["tide"].values():
        rule |= {"confirm": confirm, "open_waiting_per_window": 2.0, "close_waiting_per_window": 1.0}
    plan = parse_plan(hall)
    stage = Stage(read_scenario(tables, plan), estimates=True, alerts=True)
    played = stage.play(1, 0, record=True)
    assert played.asked is not None
    kinds = {type(event) for event in played.events}
    assert len(kinds) > 30
    assert {e.TideAdvised, o.HandOffVerified, o.ResultDelivered, e.TicketMissed} <= kinds

    now = played.hours.midnight
    clock = HallClock(monotonic=lambda: now)
    journal = MemoryJournal(clock=lambda: now)
    clock.sample(now, now, now)
    keeper = HallKeeper(plan.hall.id, journal=journal, bus=LocalBus(), clock=clock)
    await keeper.start(stage.scenario.plan)
    try:
        for command, at, length in played.asked:
            now = at
            clock.sample(now, now, now)
            if command is None:
                keeper.wanted.set()
                assert await keeper.reached(length)
            else:
                await keeper.submit(Ask(command, "test", uuid4().hex, b"", lambda hall, events: (200, b"{}")))
        rows = await journal.read(plan.hall.id, 0, limit=len(played.events) + 1)
    finally:
        await keeper.stop()
    assert any(isinstance(command, c.TakeTicket) for command, _, _ in played.asked)
    assert [read_event(row) for row in rows] == played.events
