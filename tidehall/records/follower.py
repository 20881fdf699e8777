"""Followers: they fold a hall's journal into the tables of a projection.

Law: rows say what the hall was at their position, wherever the keeper is now; a follower that fails stops nobody.
Source: design.md section 7; docs/decisions/007.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from tenacity import AsyncRetrying, RetryCallState, wait_random_exponential

from tidehall.hall.engine import SNAPSHOT_SCHEMA, Hall
from tidehall.hall.events import Event
from tidehall.hall.state import HallState
from tidehall.live import read_event
from tidehall.store.bus import Bus
from tidehall.store.errors import StoreError, StoreUnavailable
from tidehall.store.journal import Journal
from tidehall.store.projections import Checkpoint, Projections, Table
from tidehall.store.rows import Row

__all__ = ["WAIT_S", "Follower", "Projection"]

log = logging.getLogger(__name__)

#: Events folded and written in one transaction.
CHUNK = 1_000
#: Events folded without letting others run; about a millisecond.
SLICE = 50
#: Seconds after which the journal is asked, whatever the bus says.
POLL_S = 2.0
#: Seconds in which what comes is gathered into one transaction, unless somebody waits.
GATHER_S = 0.2
#: Seconds that a reader waits at most for what he has written himself (contract.md).
WAIT_S = 5.0
#: Seconds between two tries at most.
LONGEST_PAUSE_S = 30.0


class Projection(Protocol):
    """What is folded. `version` rises with every change of its rows' form or meaning: then they are made again."""

    name: str
    version: int
    tables: tuple[Table, ...]

    async def begin(self, store: Projections, hall: str, state: HallState) -> int:
        """Take up what the tables hold, when the hall is as `state` is; returns the position at which they stood.

        Another position than the state's: somebody was faster, and it is begun again from there.
        """
        ...

    def feed(self, state: HallState, event: Event) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """The rows that `event` brings or changes; `state` is the hall right after it, at the event's own seq."""
        ...

    def gathered(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """The rows that changed since they were asked for last, beside those of `feed`: once for many events."""
        ...


class Follower:
    """Folds one hall's journal into one projection; several followers of the same do no harm, only double work.

    It has an engine of its own, so that rows say what the hall was at their position, wherever the keeper is now.
    """

    def __init__(self, hall: str, projection: Projection, *, journal: Journal, store: Projections) -> None:
        self.hall = hall
        self.projection = projection
        self.journal = journal
        self.store = store
        self.at = Checkpoint("", 0, 0)
        self.head = 0
        self.engine: Hall | None = None
        self.pending: dict[Table, dict[tuple[Any, ...], tuple[Any, ...]]] = {}
        self.wanted = asyncio.Event()
        self.hurry = asyncio.Event()
        self.moved = asyncio.Event()

    # ---- what others ask

    @property
    def lag(self) -> int:
        """Events that the journal is known to have and the projection has not."""
        return max(0, self.head - self.at.seq)

    async def reached(self, seq: int, timeout_s: float = WAIT_S) -> bool:
        """Wait until the projection has come to `seq`."""
        self.head = max(self.head, seq)
        self.hurry.set()
        self.wanted.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.at.seq < seq:
                    await self.moved.wait()
        return self.at.seq >= seq

    # ---- life

    async def run(self, bus: Bus, epoch: str) -> None:
        """Follow the journal until cancelled; what fails is tried again."""
        ear = asyncio.create_task(self.listen(bus, epoch), name=f"{self.projection.name}-{self.hall}")
        tries = AsyncRetrying(wait=wait_random_exponential(0.2, LONGEST_PAUSE_S), before_sleep=self.complain)
        try:
            while True:
                await tries(self.catch_up)
                await self.rest()
        finally:
            ear.cancel()
            await asyncio.wait([ear])

    async def listen(self, bus: Bus, epoch: str) -> None:
        """Hear of commits. A lost hint costs a moment: the journal is asked anyway."""
        async with contextlib.aclosing(bus.listen(self.hall, epoch, self.at.seq)) as seqs:
            async for seq in seqs:
                self.head = max(self.head, seq)
                self.wanted.set()

    async def rest(self) -> None:
        """Until there may be something to do; then a moment longer, to gather what comes, unless somebody waits."""
        for event, longest in ((self.wanted, POLL_S), (self.hurry, GATHER_S)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await event.wait()
        self.wanted.clear()
        self.hurry.clear()

    def complain(self, tried: RetryCallState) -> None:
        """Say once that the follower has stopped, and every time when it is no outage."""
        error = tried.outcome.exception() if tried.outcome is not None else None
        outage = isinstance(error, StoreUnavailable)
        if tried.attempt_number == 1 or not outage:
            log.log(
                logging.WARNING if isinstance(error, StoreError) else logging.ERROR,
                "hall %s: projection %s stands at %d and is tried again: %s",
                self.hall, self.projection.name, self.at.seq, error, exc_info=None if outage else error,
            )  # fmt: skip

    # ---- the work

    async def catch_up(self) -> None:
        """Fold what the journal has beyond the checkpoint. Raises StoreError, LiveError (a journal from the future)."""
        while True:
            if self.engine is None and not await self.load():
                return
            engine = self.engine
            assert engine is not None  # it has been loaded
            rows = await self.journal.read(self.hall, engine.state.seq, CHUNK)
            try:
                await self.fold(engine, rows)
            except Exception:
                self.engine = None  # half of an event may have been applied
                raise
            if not await self.keep(engine.state.seq):
                self.engine = None
            elif len(rows) < CHUNK:
                return

    async def load(self) -> bool:
        """Stand where the projection stands, made anew if need be; False: it is a newer program's, which keeps it."""
        name, version = self.projection.name, self.projection.version
        head = await self.journal.head(self.hall)
        if head is None:
            return False
        self.head = max(self.head, head.seq)
        found = await self.store.checkpoint(self.hall, name)
        while found is None or found.epoch != head.epoch or found.version < version or found.seq > head.seq:
            await self.store.restart(self.hall, name, found, Checkpoint(head.epoch, version, 0))
            found = await self.store.checkpoint(self.hall, name)
        self.see(found)
        if found.version > version:
            return False
        if found.seq == 0:
            while await self.store.drop(self.hall, name, found, self.projection.tables):
                pass
        kept = await self.journal.latest_snapshot(self.hall, SNAPSHOT_SCHEMA, upto=found.seq)
        engine = Hall(self.hall) if kept is None else Hall.restore(kept.body)
        self.pending = {}
        await self.stand(engine, found.seq)
        while (seq := await self.projection.begin(self.store, self.hall, engine.state)) > engine.state.seq:
            await self.stand(engine, seq)
        if seq < engine.state.seq:  # begun anew meanwhile
            return await self.load()
        self.engine = engine
        return True

    async def stand(self, engine: Hall, seq: int) -> None:
        """Bring the engine to a position that the projection has reached."""
        while engine.state.seq < seq:
            for n, row in enumerate(await self.journal.read(self.hall, engine.state.seq, CHUNK, seq), 1):
                engine.apply(read_event(row))
                if n % SLICE == 0:
                    await asyncio.sleep(0)

    async def fold(self, engine: Hall, rows: list[Row]) -> None:
        """Apply events, and gather the rows of those beyond the checkpoint."""
        for n, row in enumerate(rows, 1):
            event = read_event(row)
            engine.apply(event)
            for table, values in self.projection.feed(engine.state, event):
                if row.seq > self.at.seq:
                    self.pending.setdefault(table, {})[values[: table.key]] = values
            if n % SLICE == 0:
                await asyncio.sleep(0)
        for table, values in self.projection.gathered():
            self.pending.setdefault(table, {})[values[: table.key]] = values

    async def keep(self, seq: int) -> bool:
        """Write what was gathered up to `seq`; False when the projection was begun anew meanwhile.

        Where another follower was first, ours is written from there on: rows are absolute, and these are later.
        """
        while seq > self.at.seq:
            if await self.store.advance(self.hall, self.projection.name, self.at, seq, self.pending):
                self.see(Checkpoint(self.at.epoch, self.at.version, seq))
                break
            found = await self.store.checkpoint(self.hall, self.projection.name)
            same = found is not None and (found.epoch, found.version) == (self.at.epoch, self.at.version)
            if found is None or not same or found.seq < self.at.seq:
                return False
            self.see(found)
        self.pending = {}
        return True

    def see(self, at: Checkpoint) -> None:
        """The checkpoint stands there."""
        self.at = at
        self.moved.set()
        self.moved = asyncio.Event()

    async def rebuild(self, told: Callable[[int, int], None]) -> int:
        """Drop the projection and make it again up to the journal's present head; returns that position.

        `told` hears how far it is, and of how much. A server that runs meanwhile helps. Raises StoreError, LiveError.
        """
        head = await self.journal.head(self.hall)
        if head is None:
            return 0
        name, new = self.projection.name, Checkpoint(head.epoch, self.projection.version, 0)
        while not await self.store.restart(self.hall, name, await self.store.checkpoint(self.hall, name), new):
            pass
        watching = asyncio.create_task(self.watch(head.seq, told))
        try:
            await self.catch_up()
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        told(self.at.seq, head.seq)
        return self.at.seq

    async def watch(self, upto: int, told: Callable[[int, int], None]) -> None:
        """Tell of every step."""
        while True:
            told(self.at.seq, upto)
            await self.moved.wait()
