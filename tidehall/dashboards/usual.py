"""The usual day, as the dashboard needs it: what the waits of earlier comparable days were at this time of day.

Law: the figures are the records' own (records/waits.py); a hall without earlier days has no usual day, and no band is
drawn.
"""

from __future__ import annotations

from msgspec import Struct

from tidehall.hall.kept import QUARTER
from tidehall.live import HallKeeper
from tidehall.records.waits import usual_waits
from tidehall.store.projections import Projections

__all__ = ["LEAST_DAYS", "Usual", "usual_day"]

SECOND = 1_000_000
#: A band from fewer days would only be noise.
LEAST_DAYS = 3


class Usual(Struct, frozen=True):
    """Mean waits in a quarter of an hour on earlier days: one, five and nine in ten of the days had at most this.

    `start` after midnight and waits in µs.
    """

    start: int
    low: int
    middle: int
    high: int


async def usual_day(keeper: HallKeeper, store: Projections, zone: str) -> tuple[Usual, ...]:
    """The usual course of a day like today in a zone. Raises StoreError."""
    found = await usual_waits(store, keeper.id, zone, keeper.committed.state.day)
    return tuple(
        Usual(u.quarter * QUARTER, *(round(s * SECOND) for s in (u.p10_s, u.median_s, u.p90_s)))
        for u in found
        if u.days >= LEAST_DAYS
    )
