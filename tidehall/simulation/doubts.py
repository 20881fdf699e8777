"""What a log leaves doubtful: rows that stand twice, stretches and days that are not in it.

Law: only what cannot have happened twice is dropped; a stretch is called a gap only where chance would hardly leave
nobody. Everything found is told (calibration.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from tidehall.hall.calendar import Schedule
from tidehall.simulation.visits import Visit

__all__ = ["distinct", "gaps", "missing_days"]

HOUR = 3600.0
#: More than this share of the rows stands twice only where somebody wrote them so.
WRITTEN_TWICE = 0.1
#: Where so many people are usual, nobody at all is no chance (e⁻⁷: once in a thousand stretches).
MANY = 7.0


def distinct(visits: Sequence[Visit]) -> tuple[list[Visit], int, int]:
    """The visits without those that stand twice, how many these were, and how many more are like another though nothing
    tells whether they are the same: a number, or a window that can't have called two people at once, would. Where many
    rows stand twice for certain the whole log was written twice, and these are no others."""
    kept: list[Visit] = []
    unsure: list[Visit] = []
    seen: set[tuple[object, ...]] = set()
    doubled = 0
    for visit in visits:
        key = (
            visit.day, visit.line, visit.ticket, visit.window, visit.taken, visit.called, visit.started, visit.ended,
            visit.outcome,
        )  # fmt: skip
        known = visit.ticket is not None or (visit.window is not None and visit.called is not None)
        if key in seen and known:
            doubled += 1
        elif key in seen:
            unsure.append(visit)
        else:
            seen.add(key)
            kept.append(visit)
    if doubled > WRITTEN_TWICE * len(visits):
        return kept, doubled + len(unsure), 0
    return kept + unsure, doubled, len(unsure)


def gaps(visits: Sequence[Visit], days: Sequence[str], schedule: Schedule) -> list[tuple[str, float, float]]:
    """Stretches (day, begin, end; seconds after midnight) of an open hour or more in which nobody took a number,
    although on the other days many did."""
    taken: dict[str, list[float]] = {day: [] for day in days}
    for visit in visits:
        taken[visit.day].append(visit.taken)
    found = []
    for day, mine in taken.items():
        others = len(days) - 1
        for opens, closes in ((a * 60.0, b * 60.0) for a, b in schedule.sessions):
            inside = sorted(at for at in mine if opens < at < closes)
            for begin, end in pairwise([opens, *inside, closes]):
                if end - begin < HOUR or not others:
                    continue
                usual = sum(begin < at < end for other in days if other != day for at in taken[other])
                if usual / others >= MANY:
                    found.append((day, begin, end))
    return found


def missing_days(there: Iterable[str], schedule: Schedule, weekdays: set[int] | None) -> list[str]:
    """Open days of the plan between the log's first and last day on which it has nobody."""
    known = set(there)
    first, last = date.fromisoformat(min(known)), date.fromisoformat(max(known))
    between = (first + timedelta(days=n) for n in range((last - first).days))
    return [
        day.isoformat() for day in between
        if day.isoformat() not in known and schedule.open_on(day) and (weekdays is None or day.weekday() in weekdays)
    ]  # fmt: skip
