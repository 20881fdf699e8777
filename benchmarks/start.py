"""Seconds until a hall with a journal of 200,000 events is ready: with a snapshot, and with none.

Baseline in the same run: reading the same rows from PostgreSQL and decoding them, nothing else. Bar: 2 s each.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import uvloop

from benchmarks.day import Day
from tidehall.hall.engine import SNAPSHOT_SCHEMA
from tidehall.live import Decided, HallKeeper, read_event
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import PostgresJournal, connect
from tidehall.store.rows import Batch

__all__ = ["main"]

EVENTS = 200_000
FLUSH = 250
PAGE = 5_000
RUNS = 5


async def fill(journal: PostgresJournal, hall: str) -> None:
    """A journal of EVENTS events: days of the reference hall, one after the other."""
    head = await journal.create(hall)
    decided = Decided()
    days = Day(tickets=1300, until=EVENTS)
    for event in days.events[:EVENTS]:
        decided.add(event, "bench", "bench")
    for at in range(0, EVENTS, FLUSH):
        appended = await journal.append(Batch(hall, head.seq, head.digest, decided.facts[at : at + FLUSH]))
        head = appended.head


async def baseline(journal: PostgresJournal, hall: str) -> float:
    """Seconds to read and decode all rows."""
    begun = perf_counter()
    after = 0
    while rows := await journal.read(hall, after, PAGE):
        for row in rows:
            read_event(row)
        after = rows[-1].seq
    return perf_counter() - begun


async def start(journal: PostgresJournal, clock: HallClock, hall: str) -> tuple[float, HallKeeper]:
    """Seconds until a keeper is ready."""
    keeper = HallKeeper(hall, journal=journal, bus=LocalBus(), clock=clock)
    begun = perf_counter()
    await keeper.start()
    return perf_counter() - begun, keeper


async def measure() -> None:
    """All three."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        journal = await connect(await postgres.start(), timeout_s=30)
        clock = HallClock()
        await clock.measure(journal)
        await fill(journal, "yangxin")
        base = median([await baseline(journal, "yangxin") for _ in range(RUNS)])
        keepers = [await start(journal, clock, "yangxin") for _ in range(RUNS)]
        took = median(seconds for seconds, _ in keepers)
        for _, keeper in keepers:
            await keeper.stop()
        print(f"baseline: read and decode {EVENTS:,} rows   {base:6.2f} s")
        print(f"start without a snapshot                  {took:6.2f} s   bar 2 s   {took / base:.2f}× the baseline")
        body = keeper.committed.snapshot()
        await journal.save_snapshot("yangxin", keeper.head.seq, SNAPSHOT_SCHEMA, body, keeper.head.digest)
        took, keeper = await start(journal, clock, "yangxin")
        print(f"start with a snapshot ({len(body) // 1024} KB)            {took:6.2f} s   bar 2 s")
        await keeper.stop()
        await journal.close()
        await postgres.stop()


def main() -> None:
    """Print the figures."""
    uvloop.run(measure())


if __name__ == "__main__":
    main()
