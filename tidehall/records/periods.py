"""Periods of a report: a day, a month, a quarter, a year; and what was kept of one, with the journal's head at its end.

Law: a period is made of service days; its report names the last event that it rests on and that event's digest, so that
whoever keeps the report can show later that the journal was not shortened (design section 7).
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from msgspec import Struct

from tidehall.hall.calendar import service_day
from tidehall.hall.kept import Kept
from tidehall.records.days import recorded
from tidehall.store.journal import Journal
from tidehall.store.projections import Projections
from tidehall.store.rows import Head

__all__ = ["Period", "Reported", "period", "reported"]

_FORMS = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?))?", re.ASCII)


class Period(Struct, frozen=True):
    """Service days `first` to `last`, both within, under the name by which they were asked for."""

    name: str
    first: date
    last: date

    def begun(self, today: date) -> bool:
        """Whether its first service day has come."""
        return self.first <= today

    @property
    def before(self) -> Period:
        """The period of the same kind before this one."""
        last = self.first - timedelta(days=1)
        year, month = last.year, last.month
        if "Q" in self.name:
            return spelled(f"{year:04}-Q{(month + 2) // 3}")
        return spelled(last.isoformat()[: len(self.name)])


class Reported(Struct, frozen=True):
    """What was kept of a period and of the one before, when the projection stood at `seq`; `head`: the journal's at the
    period's end (None: no event so far), `over`: the period is; `begun`: its first day has come."""

    period: Period
    kept: Kept
    before: Kept
    seq: int
    head: Head | None
    over: bool
    begun: bool = True


def period(text: str) -> Period:
    """YYYY, YYYY-Q1…Q4, YYYY-MM or YYYY-MM-DD. Raises ValueError for anything else, and for the first year, before
    which there is none."""
    if text.startswith("0001"):
        raise ValueError(text)
    return spelled(text)


def spelled(text: str) -> Period:
    """The same, of any year. Raises ValueError."""
    found = _FORMS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, quarter, month, day = (int(part) if part else 0 for part in found.groups())
    if day:
        first = last = date(year, month, day)
    else:
        begins, ends = (month, month) if month else (3 * quarter - 2, 3 * quarter) if quarter else (1, 12)
        first, last = date(year, begins, 1), date(year, ends, calendar.monthrange(year, ends)[1])
    return Period(text, first, last)


async def reported(
    projections: Projections, journal: Journal, hall: str, wanted: Period, zone_name: str, today: date
) -> Reported:  # fmt: skip
    """Gather what a report of the period needs on the service day `today`. Raises StoreError."""
    seq, kept = await recorded(projections, hall, wanted.first.isoformat(), wanted.last.isoformat())
    earlier = wanted.before
    _, before = await recorded(projections, hall, earlier.first.isoformat(), earlier.last.isoformat())
    head, over = await head_after(journal, hall, wanted.last, zone_name)
    return Reported(wanted, kept, before, seq, head, over, wanted.begun(today))


async def head_after(journal: Journal, hall: str, day: date, zone_name: str) -> tuple[Head | None, bool]:
    """The journal's last event of a service day or before it, by halving (`at` never goes back, law 8); and whether
    anything was written after it."""
    head = await journal.head(hall)
    if head is None:
        return None, False
    low, high = 0, head.seq
    while low < high:
        middle = (low + high + 1) // 2
        rows = await journal.read(hall, middle - 1, 1, middle)
        if rows and service_day(rows[0].at, zone_name) <= day:
            low = middle
        else:
            high = middle - 1
    if low == 0:
        return None, True
    row = (await journal.read(hall, low - 1, 1, low))[0]
    return Head(head.epoch, low, row.digest), low < head.seq
