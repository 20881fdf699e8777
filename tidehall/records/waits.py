"""Waits by quarters of an hour: a day's course, and what is usual at that time of such a day.

Law: a quarter's wait is that of whoever was called for the first time in it (design section 6), so it is known when the
quarter is over; a quarter in which nobody was called is no data.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from math import ceil

from msgspec import Struct

from tidehall.records.days import DayRecords
from tidehall.store.projections import Projections, WaitRow

__all__ = ["Quarter", "Usual", "quarters", "usual_waits"]

SECOND = 1_000_000
#: Days back to which a usual day looks.
LOOK_BACK = 84


class Quarter(Struct, frozen=True):
    """First calls of a zone in one quarter of an hour (0: the first after midnight): how many, and their waits."""

    zone: str
    quarter: int
    n: int
    mean_s: float
    longest_s: float


class Usual(Struct, frozen=True):
    """The mean wait in a quarter of an hour on `days` earlier days on which somebody was called in it, seconds."""

    quarter: int
    days: int
    median_s: float
    p10_s: float
    p90_s: float


async def quarters(projections: Projections, hall: str, day: str) -> list[Quarter]:
    """The waits of one service day (YYYY-MM-DD), by zone and quarter. Raises StoreError."""
    _, rows = await projections.waits(hall, DayRecords.name, day, day)
    return [Quarter(r.zone, r.quarter, r.n, r.sum / r.n / SECOND, r.longest / SECOND) for r in rows]


async def usual_waits(projections: Projections, hall: str, zone: str, day: str, days: int = 20) -> list[Usual]:
    """What is usual in a zone on such a day as `day` (YYYY-MM-DD), by quarters of an hour; empty without earlier days.

    From the last twelve weeks before it: the same weekday first, then the latest others, up to `days` days on which
    somebody was called. Raises StoreError.
    """
    here = date.fromisoformat(day)
    first, last = (here - timedelta(days=n) for n in (LOOK_BACK, 1))
    _, rows = await projections.waits(hall, DayRecords.name, first.isoformat(), last.isoformat(), zone)
    chosen = comparable({row.day for row in rows}, here, days)
    means: dict[int, list[float]] = {}
    for row in rows:
        if row.day in chosen:
            means.setdefault(row.quarter, []).append(mean_s(row))
    return [Usual(quarter, len(found), *spread(found)) for quarter, found in sorted(means.items())]


def comparable(known: Iterable[str], here: date, days: int) -> set[str]:
    """Up to `days` of the known days: the same weekday first, then the others, the latest first."""

    def rank(day: str) -> tuple[bool, int]:
        that = date.fromisoformat(day)
        return that.weekday() != here.weekday(), -that.toordinal()

    return set(sorted(known, key=rank)[:days])


def mean_s(row: WaitRow) -> float:
    """The mean wait, seconds."""
    return row.sum / row.n / SECOND


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, p10, p90: order statistics, as everywhere (hall/figures.py)."""
    found = sorted(values)
    median, low, high = (found[max(0, ceil(share * len(found)) - 1)] for share in (0.5, 0.1, 0.9))
    return median, low, high
