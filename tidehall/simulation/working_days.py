"""Which days of a log are alike, and when the hall is open on them.

Law: a scenario is one kind of day. Weekdays with other hours are another kind; days on which much fewer or more people
came than usual are left out with the reason, as are days with holes. Nothing here knows a hall or a date by name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from math import log
from statistics import median, median_low

__all__ = ["DayFacts", "Kind", "choose_days", "half_hour"]

HALF_HOUR = 1800
#: Weekdays that close this much earlier or later than most are another kind of day (seconds).
OTHER_HOURS = 3600
#: A day with this many times more or fewer people than the middle one is unusual.
UNUSUAL = 1.6
#: Under this share of the usual snapshots a day has holes.
HOLES = 0.6
#: What is seen up to ten minutes beside a half hour belongs to it.
BESIDE = 600


@dataclass(frozen=True, slots=True)
class DayFacts:
    """One day in short: people who came, the seconds after midnight at which the first and last of them did, and how
    many snapshots there are of it (1 for other logs)."""

    date: str
    came: float
    first: float
    last: float
    snapshots: int = 1

    @property
    def weekday(self) -> int:
        """0 = Monday."""
        return date.fromisoformat(self.date).weekday()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of day: its days, its hours (seconds after midnight, on half hours) and who was left out: (day, why),
    why being `closed`, `other_hours`, `unusual` or `holes`."""

    days: tuple[str, ...]
    opens: int
    closes: int
    left_out: tuple[tuple[str, str], ...]

    @property
    def weekdays(self) -> list[int]:
        """Which weekdays it holds."""
        return sorted({date.fromisoformat(day).weekday() for day in self.days})


def half_hour(second: float, beside: int) -> int:
    """The half hour that begins at or before a moment moved by `beside`."""
    return int((second + beside) // HALF_HOUR) * HALF_HOUR


def choose_days(days: list[DayFacts], weekdays: set[int] | None = None) -> Kind | None:
    """The usual kind of day among these (or: among these weekdays). None when nobody came on any."""
    left_out: list[tuple[str, str]] = []
    busy = [day.came for day in days if day.came > 0]
    if not busy:
        return None
    usual = median(busy)
    there = []
    for day in days:
        if day.came < 0.1 * usual:
            left_out.append((day.date, "closed"))
        elif weekdays is not None and day.weekday not in weekdays:
            left_out.append((day.date, "other_hours"))
        else:
            there.append(day)
    if weekdays is None:
        there, others = same_hours(there)
        left_out += [(day.date, "other_hours") for day in others]
    if not there:
        return None
    snapshots = median_low(day.snapshots for day in there)
    usual = median_low(day.came for day in there)
    kept = []
    for day in there:
        if day.snapshots < HOLES * snapshots:
            left_out.append((day.date, "holes"))
        elif len(there) >= 4 and abs(log(day.came / usual)) > log(UNUSUAL):
            left_out.append((day.date, "unusual"))
        else:
            kept.append(day)
    first = sorted(day.first for day in kept)
    last = sorted(day.last for day in kept)
    opens = half_hour(first[len(first) // 10], BESIDE)
    closes = half_hour(last[-1 - len(last) // 10], HALF_HOUR - BESIDE)
    closes = min(86_400, max(closes, opens + HALF_HOUR))
    return Kind(tuple(day.date for day in kept), opens, closes, tuple(sorted(left_out)))


def same_hours(days: list[DayFacts]) -> tuple[list[DayFacts], list[DayFacts]]:
    """The days whose weekday has the hours of most, and the rest."""
    if len(days) < 4:
        return days, []
    ends = {w: median(d.last for d in days if d.weekday == w) for w in {d.weekday for d in days}}
    common = median(day.last for day in days)
    usual = {w for w, end in ends.items() if abs(end - common) < OTHER_HOURS}
    counts = Counter(day.weekday in usual for day in days)
    if counts[True] < 3:
        return days, []
    return [d for d in days if d.weekday in usual], [d for d in days if d.weekday not in usual]
