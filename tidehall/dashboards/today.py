"""One hall's day as the dashboard needs it: the day's records, and who was called in the last half hour.

Law: it is a fold of the journal and of nothing else. It begins with what the journal has of today, so a restart loses
nothing, and then follows the keeper's commits; the definitions are those of hall/measures.py.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from tidehall.hall.events import AlertRaised, DayTurned, Event, RunnerMoved, TicketCalled
from tidehall.hall.kept import Kept, QuarterWaits
from tidehall.hall.measures import Measures
from tidehall.hall.papers.events import AlertAcknowledged, AlertEscalated
from tidehall.hall.state import HallState
from tidehall.live import HallKeeper, read_event
from tidehall.records.periods import head_after

__all__ = ["RECENT", "Called", "Raised", "Today", "waited_at_most"]

MINUTE = 60_000_000
#: What "now" means where calls are counted, µs.
RECENT = 30 * MINUTE
#: Rows of the journal read at once, and folded without letting others run.
PAGE = 2_000
SLICE = 200


class Called(NamedTuple):
    """A first call: when, and after what wait, µs."""

    at: int
    wait: int
    ticket: str


class Raised(NamedTuple):
    """One raise of an alert: what it is about, whose it was at first, whose after it was escalated, and who took it."""

    about: str
    owner: str | None
    then: str | None = None
    staff: str | None = None


def waited_at_most(called: Iterable[int], waiting: Iterable[int], share: float) -> tuple[int, bool] | None:
    """Within what time (µs) `share` of the people are called: of those called after such waits, and who waits still.

    Who still waits has waited at least so long: the product-limit estimate (Kaplan, Meier 1958) counts him until then.
    The second value says that the time is a lower bound. None: nobody was called and nobody waits.
    """
    marks = sorted([(wait, 0) for wait in called] + [(wait, 1) for wait in waiting])
    left = 1.0
    for i, (wait, open_) in enumerate(marks):
        if not open_:
            left *= 1 - 1 / (len(marks) - i)
            if left <= 1 - share + 1e-9:
                return wait, False
    return (marks[-1][0], True) if marks else None


class Today:
    """The fold of one hall's present service day; a watcher of its keeper (live.Watcher)."""

    def __init__(self, keeper: HallKeeper) -> None:
        self.keeper = keeper
        self.seq = 0  # events up to here are in
        self.ahead: list[tuple[int, Event]] | None = []  # told while the journal is still being read; None: it is in
        self.begun: asyncio.Task[None] | None = None
        self.forget()

    def forget(self) -> None:
        """A day without anything."""
        state = self.keeper.committed.state
        self.measures = Measures(state.rules.hall.time_zone)
        self.measures.learn(state.rules)
        self.called: dict[str, deque[Called]] = {}
        self.raised: dict[str, Raised] = {}  # by the record's id (kept.Alarm)
        self.sent: dict[str, int] = {}  # runner → position of the order by which he was last sent somewhere today

    # ---- from the journal, then from the keeper

    async def begin(self) -> None:
        """Fold what the journal has of today; at once for all who ask, and only the first time. Raises StoreError."""
        if self.begun is None or (self.begun.done() and self.begun.exception() is not None):
            if self.begun is None:
                self.keeper.watch(self)
            self.begun = asyncio.create_task(self.read(), name=f"today-{self.keeper.id}")
        await asyncio.shield(self.begun)

    async def read(self) -> None:
        """Everything from the day's first event up to where the keeper stands now; then what came meanwhile."""
        keeper = self.keeper
        self.forget()
        self.ahead = []
        state = keeper.committed.state
        head, yesterday = state.seq, date.fromisoformat(state.day) - timedelta(days=1)
        before, _ = await head_after(keeper.journal, keeper.id, yesterday, state.zone_name)
        self.seq = before.seq if before is not None else 0
        done = 0
        while rows := await keeper.journal.read(keeper.id, self.seq, PAGE, head):
            for row in rows:
                self.take(row.seq, read_event(row))
                done += 1
                if done % SLICE == 0:
                    await asyncio.sleep(0)
        waiting, self.ahead = self.ahead, None
        for seq, event in waiting:
            self.take(seq, event)

    def before(self, state: HallState) -> None:
        """Nothing to prepare."""

    def event(self, seq: int, event: Event, state: HallState) -> None:
        """An event was committed."""
        if self.ahead is not None:
            self.ahead.append((seq, event))
        else:
            self.take(seq, event)

    def flush(self) -> None:
        """Every event was taken as it came."""

    def stale(self, since: int | None) -> None:
        """The day is as long as the journal says."""

    # ---- the fold

    def take(self, seq: int, event: Event) -> None:
        """One event, once."""
        if seq <= self.seq:
            return
        self.seq = seq
        visit = self.measures.visits.get(event.ticket) if isinstance(event, TicketCalled) else None
        first = visit is not None and not visit.first_call
        self.measures.apply(event)
        if isinstance(event, DayTurned):
            self.measures.forget(event.day)
            self.called.clear()
            self.sent.clear()
            self.raised = {id: found for id, found in self.raised.items() if id in self.kept.alarms}
        elif isinstance(event, AlertRaised | AlertAcknowledged | AlertEscalated):
            self.alert(event)
        elif isinstance(event, RunnerMoved):
            self.sent[event.runner] = seq
        elif first and visit is not None and visit.zone is not None:
            recent = self.called.setdefault(visit.zone, deque())
            recent.append(Called(event.at, max(0, event.at - visit.since), visit.id))
            while recent[0].at < event.at - RECENT:
                recent.popleft()

    def alert(self, event: AlertRaised | AlertAcknowledged | AlertEscalated) -> None:
        """What the day's record of an alert leaves out; of one raised before the day's first event nothing is known."""
        record = self.measures.ringing.get(event.alert)
        if record is None:
            return
        if isinstance(event, AlertRaised):
            self.raised[record.id] = Raised(event.about, event.owner)
        elif record.id in self.raised:
            change = {"staff": event.staff} if isinstance(event, AlertAcknowledged) else {"then": event.owner}
            self.raised[record.id] = self.raised[record.id]._replace(**change)

    # ---- what is asked

    @property
    def kept(self) -> Kept:
        """The day's records."""
        return self.measures.kept

    def recent(self, zone: str, now: int) -> list[Called]:
        """Who was called for the first time in the last half hour before `now` (µs), the latest last."""
        return [called for called in self.called.get(zone, ()) if called.at >= now - RECENT]

    def quarters(self, zone: str) -> dict[int, QuarterWaits]:
        """Today's first calls by quarter of an hour after midnight."""
        day = self.measures.today.id
        return {q: found for (on, where, q), found in self.measures.waits.items() if on == day and where == zone}

    def raise_of(self, alert: str) -> Raised | None:
        """The raise of an alert that stands; None: it was raised before the day's first event."""
        record = self.measures.ringing.get(alert)
        return self.raised.get(record.id) if record is not None else None

    def use(self, now: int) -> dict[str, tuple[int, int]]:
        """Serving time and open time of each window today up to `now`, µs (design section 6, utilisation)."""
        found: dict[str, tuple[int, int]] = {}
        for visit in self.kept.visits.values():
            for part in visit.serving:
                served, opened = found.get(part.window, (0, 0))
                found[part.window] = served + (part.end or now) - part.start, opened
        for opening in self.kept.openings.values():
            served, opened = found.get(opening.window or "", (0, 0))
            found[opening.window or ""] = served, opened + (opening.end or now) - opening.at
        return found

    def freed(self) -> dict[str, int]:
        """When each window's last service of today ended, µs."""
        found: dict[str, int] = {}
        for visit in self.kept.visits.values():
            for part in visit.serving:
                found[part.window] = max(found.get(part.window, 0), part.end)
        return found
