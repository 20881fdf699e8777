"""Visits as a log tells them: one citizen, one row; from a queue system's table or from the hall's own journal.

A table's columns are found by name: `line` (`letter`, `queue`), `taken_at` (`taken`, `arrived_at`, `arrival`),
`called_at`, `started_at`, `ended_at` (`finished_at`), and where they are there `ticket` (`number`), `window`
(`counter`, `desk`) and `outcome` (served, no_show, left). Times are RFC 3339 or local (YYYY-MM-DD HH:MM:SS).

Law: nothing is repaired. A row that cannot be right is reported with its place and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tidehall.hall import events as e
from tidehall.hall.events import Event

__all__ = ["Log", "Opening", "Visit", "column", "journal_log", "moment", "read_visits"]

#: Longest list of broken rows that is kept.
MOST_PROBLEMS = 200
#: No wait and no service is longer (seconds): such a row is a slip.
LONGEST = 12 * 3600.0
COLUMNS = {
    "line": ("line", "line_id", "letter", "queue", "queue_name"),
    "taken": ("taken_at", "taken", "arrived_at", "arrival", "issued_at"),
    "called": ("called_at", "called", "first_called_at"),
    "started": ("started_at", "started", "service_start"),
    "ended": ("ended_at", "ended", "finished_at", "finished", "service_end"),
    "ticket": ("ticket", "number", "ticket_id"),
    "window": ("window", "counter", "desk", "window_id"),
    "outcome": ("outcome", "state", "result"),
}
OUTCOMES = {
    "served": "served", "finished": "served", "done": "served", "completed": "served", "rejected": "served",
    "no_show": "no_show", "noshow": "no_show", "void": "no_show", "missed": "no_show",
    "left": "left", "cancelled": "left", "canceled": "left", "abandoned": "left",
}  # fmt: skip
#: A stretch without a call is a closed window if it is this long (seconds) and somebody waits for it meanwhile.
CLOSED_GAP = 1800.0


@dataclass(slots=True)
class Visit:
    """One citizen. Times are seconds after the local midnight of `day`; None is "not known" or "never came to it"."""

    day: str
    line: str
    taken: float
    called: float | None = None
    started: float | None = None
    ended: float | None = None
    window: str | None = None
    outcome: str | None = None
    priority: str | None = None
    over: float | None = None  # when a wait without a call ended (given back, day over), if that is known
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A window stood open, seconds after local midnight. `waited`: how long its first citizen had waited, where the
    opening only follows from the services."""

    day: str
    window: str
    begin: float
    end: float
    waited: float = 0.0


@dataclass(slots=True)
class Log:
    """What a log holds. `knows`: which of started, ended, window, outcome it tells at all; `observed_openings`: whether
    the openings were logged or only follow from the services."""

    visits: list[Visit] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    broken: int = 0
    knows: frozenset[str] = frozenset()
    observed_openings: bool = False

    @property
    def days(self) -> list[str]:
        """The days on which somebody came."""
        return sorted({visit.day for visit in self.visits})


def column(row: Mapping[str, str | None], choices: Iterable[str]) -> str | None:
    """The column of a table that has one of these names, however it is written."""
    plain = {re.sub(r"[\s\-]+", "_", str(name).strip().lstrip("\ufeff").lower()): name for name in row if name}
    return next((plain[choice] for choice in choices if choice in plain), None)


def moment(text: str, zone: tzinfo | None = None) -> datetime:
    """The local wall-clock time that a text means. Raises ValueError with a sentence."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no time; write YYYY-MM-DD HH:MM[:SS] or RFC 3339") from None
    if found.tzinfo is not None and zone is not None:
        try:
            found = found.astimezone(zone)
        except OverflowError:
            raise ValueError(f"{text!r} is no time of the years 1 to 9999 in the hall's time zone") from None
    return found.replace(tzinfo=None)


def second_of_day(when: datetime) -> float:
    """Seconds after midnight."""
    return when.hour * 3600 + when.minute * 60 + when.second + when.microsecond / 1e6


def read_visits(rows: Iterable[Mapping[str, str | None]], zone_name: str, first_row: int = 2) -> Log:
    """The visits in the rows of a table; `first_row` is the number of the first in its file. Raises nothing: what is
    wrong is in `problems`."""
    log, zone = Log(), ZoneInfo(zone_name)
    columns: dict[str, str | None] | None = None
    for place, row in enumerate(rows, first_row):
        if columns is None:
            columns = {name: column(row, choices) for name, choices in COLUMNS.items()}
            lacking = [name for name in ("line", "taken", "called") if columns[name] is None]
            if lacking:
                names = ", ".join(COLUMNS[name][0] for name in lacking)
                log.problems.append(
                    f"columns: {', '.join(lacking)}: not there; call them {names}; columns are {', '.join(row)}"
                )
                return log
            log.knows = frozenset(n for n in ("started", "ended", "window", "outcome") if columns[n] is not None)
        try:
            log.visits.append(visit_of({n: (row.get(c) or "").strip() if c else "" for n, c in columns.items()}, zone))
        except ValueError as wrong:
            log.broken += 1
            if len(log.problems) < MOST_PROBLEMS:
                log.problems.append(f"row {place}: {wrong}")
    log.openings = openings_of(log.visits)
    return log


def visit_of(cells: dict[str, str], zone: tzinfo) -> Visit:
    """One row. Raises ValueError."""
    if not cells["line"]:
        raise ValueError("line: is empty")
    if not cells["taken"]:
        raise ValueError("taken: is empty")
    first = moment(cells["taken"], zone)
    midnight = datetime.combine(first.date(), datetime.min.time())
    times: dict[str, float | None] = {"taken": second_of_day(first)}
    before = "taken"
    for name in ("called", "started", "ended"):
        times[name] = None
        if cells[name]:
            at = (moment(cells[name], zone) - midnight).total_seconds()
            last = times[before] or 0.0
            if at < last:
                raise ValueError(f"{name}: {cells[name]} is before {before} ({cells[before]})")
            if at - last > LONGEST:
                raise ValueError(f"{name}: {cells[name]} is more than 12 hours after {before} ({cells[before]})")
            times[name], before = at, name
    outcome = OUTCOMES.get(cells["outcome"].lower().replace("-", "_").replace(" ", "_"))
    if cells["outcome"] and outcome is None:
        raise ValueError(f"outcome: {cells['outcome']!r} is not known; known are {', '.join(OUTCOMES)}")
    if outcome is None and times["ended"] is not None and before == "ended":
        outcome = "served"
    return Visit(
        first.date().isoformat(), cells["line"], times["taken"] or 0.0, times["called"], times["started"],
        times["ended"], cells["window"] or None, outcome, ticket=cells["ticket"] or None,
    )  # fmt: skip


def openings_of(visits: list[Visit]) -> list[Opening]:
    """Open times as far as services show them: from a window's first call to its last end, without long stretches in
    which it called nobody although somebody waited for one of its lines."""
    by_window: dict[tuple[str, str], list[Visit]] = {}
    by_line: dict[tuple[str, str], list[Visit]] = {}
    for visit in visits:
        if visit.called is not None:
            by_line.setdefault((visit.day, visit.line), []).append(visit)
            if visit.window is not None:
                by_window.setdefault((visit.day, visit.window), []).append(visit)
    stood = {
        key: (np.array([v.taken for v in some]), np.array([v.called or 0.0 for v in some]))
        for key, some in by_line.items()
    }
    found = []
    for (day, window), mine in by_window.items():
        mine.sort(key=lambda v: v.called or 0.0)
        lines = {visit.line for visit in mine}
        begin = mine[0].called or 0.0
        last, before = mine[0].ended or begin, begin - mine[0].taken
        for visit in mine[1:]:
            called = visit.called or 0.0
            if called - last >= CLOSED_GAP and waited(last, called, [stood[day, line] for line in lines]):
                found.append(Opening(day, window, begin, last, before))
                begin, before = called, called - visit.taken
            last = max(last, visit.ended or called)
        found.append(Opening(day, window, begin, last, before))
    return found


def waited(begin: float, end: float, lines: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> bool:
    """Whether somebody stood in one of these lines (when they came, when they were called) for half of the time."""
    most = max(
        float(np.maximum(0.0, np.minimum(end, called) - np.maximum(begin, taken)).sum()) for taken, called in lines
    )
    return most >= 0.5 * (end - begin)


def journal_log(events: Iterable[Event], zone_name: str) -> Log:
    """The visits and openings of a hall's journal; only what the events say, in their order.

    A visit counts to its first line; its service is the sum of its serving intervals laid after the first start.
    """
    from tidehall.hall.measures import Measures

    zone = ZoneInfo(zone_name)
    measures = Measures(zone_name)
    log = Log(knows=frozenset({"started", "ended", "window", "outcome"}), observed_openings=True)
    opened: dict[str, int] = {}
    priority: dict[str, str] = {}
    missed: set[str] = set()
    last = 0

    def local(at: int) -> datetime:
        return datetime.fromtimestamp(at // 1_000_000, zone).replace(microsecond=at % 1_000_000, tzinfo=None)

    def since(day: datetime, at: int) -> float:
        return (local(at) - datetime.combine(day.date(), datetime.min.time())).total_seconds()

    def shut(window: str, at: int) -> None:
        begin = opened.pop(window, None)
        if begin is not None and at > begin:
            day = local(begin)
            log.openings.append(Opening(day.date().isoformat(), window, since(day, begin), since(day, at)))

    for event in events:
        measures.apply(event)
        last = max(last, event.at)
        about: Any = event
        if isinstance(event, e.WindowOpened | e.WindowResumed):
            opened.setdefault(about.window, event.at)
        elif isinstance(event, e.WindowClosed | e.WindowPaused):
            shut(about.window, event.at)
        elif isinstance(event, e.TicketTaken | e.PriorityConfirmed):
            priority[about.ticket] = about.priority
        elif isinstance(event, e.TicketMissed | e.TicketVoided):
            missed.add(about.ticket)
    for window in list(opened):
        shut(window, last)
    for ticket, seen in measures.visits.items():
        day = local(seen.taken)
        visit = Visit(
            day.date().isoformat(), seen.line or "", since(day, seen.taken), window=seen.window, ticket=ticket
        )
        visit.priority = priority.get(ticket)
        if seen.first_call:
            visit.called = since(day, seen.first_call)
        if seen.serving and seen.serving[0].end:
            visit.started = since(day, seen.serving[0].start)
            if ticket in missed:  # the walk of who came late says nothing of walking
                visit.called = min(visit.called or visit.started, visit.started)
            if seen.outcome in ("finished", "rejected"):
                visit.ended = visit.started + seen.service() / 1e6
        if seen.outcome in ("finished", "rejected"):
            visit.outcome = "served"
        elif seen.outcome == "void" or (ticket in missed and seen.outcome is not None):
            visit.outcome = "no_show"
        elif seen.outcome in ("cancelled", "expired"):
            visit.outcome = "left" if seen.outcome == "cancelled" else None
            visit.over = since(day, seen.ended)
        log.visits.append(visit)
    return log
