"""Live figures, a report's figures and those of the journal folded anew are the same, on simulated days."""

from __future__ import annotations

import csv
import io
import os
import random
from contextlib import suppress
from datetime import date
from pathlib import Path
from statistics import fmean, median
from time import perf_counter, process_time
from typing import Any, get_args

import httpx
import msgspec
import pytest

from tests.live.door import ADMIN
from tests.live.figures import keep
from tests.live.test_records import write
from tests.simulation.months import days_in_a_row, yangxin
from tidehall.display.door import Door
from tidehall.display.figure_tables import indicator_sheet
from tidehall.hall import events as e
from tidehall.hall.calendar import local_text
from tidehall.hall.events import Event
from tidehall.hall.figures import By, figures
from tidehall.hall.measures import Measures
from tidehall.hall.papers import events as o
from tidehall.live import HallKeeper, House
from tidehall.records import DayRecords, Follower, recorded
from tidehall.records.periods import period, reported
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import Journal, connect
from tidehall.store.memory import MemoryJournal
from tidehall.store.memory_projections import MemoryProjections
from tidehall.store.persons import Persons
from tidehall.store.projections import PostgresProjections, Projections

HALL, ZONE = "yangxin", "Asia/Shanghai"


def counted_by_hand(events: list[Event]) -> dict[str, Any]:
    """Some figures of the definitions, without a line of the measures: from the events' own words."""
    taken = {x.ticket: max(x.at, x.booked_for) for x in events if isinstance(x, e.TicketTaken)}
    first: dict[str, int] = {}
    for x in events:
        if isinstance(x, e.TicketCalled):
            first.setdefault(x.ticket, x.at)
    started = {x.hand_off: x for x in events if isinstance(x, o.HandOffStarted)}
    checked = {x.hand_off: x.at for x in events if isinstance(x, o.HandOffVerified)}
    judged = [
        h for h in started.values()
        if h.leg <= (2 if h.urgent else 1) and (h.hand_off in checked or h.due_at <= events[-1].at)
    ]  # fmt: skip
    return {
        "tickets": len(taken),
        "wait": fmean(max(0, at - taken[ticket]) for ticket, at in first.items()) / 1e6,
        "cases_received": sum(isinstance(x, o.CaseReceived) for x in events),
        "cases_decided": sum(isinstance(x, o.CaseDecided) for x in events),
        "hand_offs": len(judged),
        "hand_off_on_time": fmean(checked.get(h.hand_off, h.due_at + 1) <= h.due_at for h in judged),
        "days": len({local_text(x.due, ZONE)[:10] for x in events if isinstance(x, e.SessionStarted)}),
    }


def folded(events: list[Event]) -> Measures:
    """The journal folded anew."""
    measures = Measures()
    for event in events:
        measures.apply(event)
    return measures


async def asked(
    events: list[Event], journal: Journal, store: Projections, follower: Follower, folder: Path
) -> dict[str, Any]:
    """What GET /statistics answers of November, by every aspect, from a server that has just started; the report."""
    now = events[-1].at
    clock, bus = HallClock(monotonic=lambda: now), LocalBus()
    clock.sample(now, now, now)
    house = House({}, journal, Persons.load(folder / "persons.key"), bus, clock, projections=store)
    keeper = HallKeeper(HALL, journal=journal, bus=bus, clock=clock)
    await keeper.start()
    house.halls[HALL], house.days[HALL] = keeper, follower
    door = Door(house, data=folder, base_url="http://hall.test", admin_token=ADMIN)
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(door.app), base_url="http://hall.test/api/v1/halls",
            headers={"authorization": f"Bearer {ADMIN}"},
        ) as client:  # fmt: skip
            found: dict[str, Any] = {}
            for by in get_args(By):
                query = f"from=2026-11-01&to=2026-11-30&by={by}&counts=sum&after={len(events)}"
                answer = await client.get(f"{HALL}/statistics?{query}")
                assert answer.status_code == 200, answer.text
                found[by] = {row["key"]: row["figures"] for row in answer.json()["rows"]}
            book = await client.get(f"{HALL}/reports/2026-11?format=csv", headers={"accept-language": "en"})
            found["report"] = list(csv.reader(io.StringIO(book.content.decode("utf-8-sig"))))
            return found
    finally:
        await door.end()
        await keeper.stop()


async def proved(events: list[Event], journal: Journal, store: Projections, folder: Path) -> Follower:
    """Written and followed in pieces, with followers that begin again: live = report = recomputed = counted by hand."""
    chance, done = random.Random(3), 0
    follower = Follower(HALL, DayRecords(), journal=journal, store=store)
    while done < len(events):
        piece = chance.randrange(1, max(2, len(events) // 4))
        await write(journal, events[done : done + piece])
        done += piece
        if chance.random() < 0.5:
            follower = Follower(HALL, DayRecords(), journal=journal, store=store)
        await follower.catch_up()
    measures = folded(events)
    live = await asked(events, journal, store, follower, folder)
    for by in get_args(By):
        assert live[by] == msgspec.to_builtins(measures.figures(by)), by
    whole = measures.figures()[""]
    assert whole.wait is not None
    hand = counted_by_hand(events)
    assert {name: getattr(whole, name) for name in hand if name != "wait"} == pytest.approx(
        {name: value for name, value in hand.items() if name != "wait"}
    )
    assert whole.wait.mean == pytest.approx(hand["wait"])
    _, kept = await recorded(store, HALL, "2026-11-01", "2026-11-30")
    gathered = await reported(store, journal, HALL, period("2026-11"), ZONE, date(2026, 11, 30))
    assert figures(gathered.kept, "hall", ZONE) == figures(kept, "hall", ZONE) == measures.figures()
    from_journal = indicator_sheet(measures.kept, gathered.before, yangxin().plan, "en")
    assert live["report"] == [
        ["" if cell is None else str(cell) for cell in row] for row in (from_journal.heads, *from_journal.rows)
    ]
    return follower


async def test_two_days_live_reported_and_recomputed_are_one(tmp_path: Path) -> None:
    """Two simulated days of one zone: GET /statistics, the report and the journal say the same, and so does a count
    that knows nothing of the measures."""
    events = days_in_a_row(yangxin("B"), "2026-11-23", 2)
    await proved(events, MemoryJournal(), MemoryProjections(), tmp_path)


def spent(postmaster: int | None) -> float:
    """Processor seconds so far: our own, and where /proc tells them those of PostgreSQL's processes."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            words = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(words[1]) == postmaster:
                ticks += int(words[11]) + int(words[12])
    return process_time() + ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.proof
async def test_a_month_live_reported_and_recomputed_is_one(tmp_path: Path) -> None:
    """A simulated month (21 open days) of the whole hall in PostgreSQL: the same; a month is answered in under 1 s of a
    core, PostgreSQL's part with it, whatever else the machine does."""
    begun = process_time()
    events = days_in_a_row(yangxin(), "2026-11-01", 21)
    played = process_time() - begun
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    journal = await connect(await postgres.start())
    try:
        store = PostgresProjections(journal)
        await proved(events, journal, store, tmp_path)
        cpu, clock = [], []
        for by in ("hall", "day", "line", "staff", "hall"):
            begun, began = spent(postgres.pid), perf_counter()
            _, kept = await recorded(store, HALL, "2026-11-01", "2026-11-30")
            figures(kept, by, ZONE)
            cpu.append(spent(postgres.pid) - begun)
            clock.append(perf_counter() - began)
        rows = sum(len(records) for records in kept.of.values())
        begun = spent(postgres.pid)
        await Follower(HALL, DayRecords(), journal=journal, store=store).rebuild(lambda done, of: None)
        rebuilt = spent(postgres.pid) - begun
        keep(
            "a month's statistics", days=21, events=len(events), records=rows, played_cpu_s=played,
            month_cpu_s=median(cpu), month_s=median(clock), rebuild_cpu_s=rebuilt,
        )  # fmt: skip
        assert median(cpu) < 1.0
    finally:
        await journal.close()
        await postgres.stop()
