"""The records of the measures, day by day: any range of days gives its figures by the functions of the live day.

Law: a row is a record of hall/kept.py in its last form, and no figure stands in a table. Rows are in number what was
done: one for a visit, an opening, a case part. Source: design section 6; docs/decisions/007.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Any

import msgspec

from tidehall.hall.calendar import bounds
from tidehall.hall.events import Event
from tidehall.hall.kept import SORTS, Day, Kept, Record
from tidehall.hall.measures import Measures
from tidehall.hall.state import HallState
from tidehall.live import encode
from tidehall.records.judgements import SHOWING, Judgements
from tidehall.records.pieces import pieces, slices
from tidehall.store.projections import DAYS, WAITS, Projections, Table

__all__ = ["DayRecords", "months_opened", "recorded"]

DAY = 86_400_000_000
#: Under which the projection's checkpoint stands.
NAME = "days"
#: Later than any day.
FOR_EVER = "9999-12-31"

_sort = {kind: name for name, kind in SORTS.items()}
_lines = {name: msgspec.json.Decoder(kind).decode_lines for name, kind in SORTS.items()}


def records_of(bodies: dict[str, bytes]) -> list[Record]:
    """The records of rows, by sort."""
    known = [(_lines[sort], lines) for sort, lines in bodies.items() if sort in _lines]
    return [record for decode, lines in known for some in slices(lines) for record in decode(some)]


def put_all(kept: Kept, bodies: dict[str, bytes]) -> None:
    """Keep the records of rows."""
    for record in records_of(bodies):
        kept.put(record)


def open_lines(lines: bytes) -> bytes:
    """Of the showings' rows those of tickets that wait; the others have an empty list at their end."""
    return b"\n".join([line for line in lines.split(b"\n") if line and not line.endswith(b",[]]")])


class DayRecords:
    """What the measures keep, by service day, the waits by quarters of an hour, and the judged estimates."""

    name = NAME
    version = 2
    tables: tuple[Table, ...] = (DAYS, WAITS)

    def __init__(self) -> None:
        self.measures = Measures()
        self.judgements = Judgements()
        self.touched: dict[tuple[str, type[Record], str], Record] = {}
        self.latest = ""

    async def begin(self, store: Projections, hall: str, state: HallState) -> int:
        """See Projection.begin: what goes on, and the days whose visits may still be rated."""
        self.measures, self.judgements, self.touched = Measures(), Judgements(), {}
        rated = 1 if state.plan is None else state.plan.offices.rating_days + 1
        zone_name = self.measures.zone_name if state.plan is None else state.zone_name
        first = bounds(max(0, state.last_at - rated * DAY), zone_name)[0]
        found = await store.days(hall, self.name, first, FOR_EVER, sorts=[*SORTS, SHOWING], going_on=True)
        self.measures.resume(state, await asyncio.to_thread(records_of, found.bodies))
        self.judgements.resume(open_lines(found.bodies.get(SHOWING, b"")), self.measures.visits.values(), state)
        self.latest = self.measures.today.id
        self.forget()
        return found.seq

    def forget(self) -> None:
        """Only today and yesterday are wanted any more, and what goes on."""
        begins = self.measures.begins
        if begins:
            self.measures.forget(bounds(begins - 1, self.measures.zone_name)[0])

    def feed(self, state: HallState, event: Event) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """See Projection.feed: nothing but what is gathered."""
        measures = self.measures
        for record in measures.apply(event):
            self.touched[record.day, type(record), record.id] = record
        today = measures.today
        self.touched[today.day, type(today), today.id] = today
        if today.id > self.latest:
            self.latest = today.id
            self.forget()
        self.judgements.feed(state, event)
        return iter(())

    def gathered(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """See Projection.gathered."""
        touched, self.touched = self.touched, {}
        for (day, kind, id), record in touched.items():
            yield DAYS, (day, _sort[kind], id, record.going_on, encode(record))
        waits = self.measures.waits
        for key in self.measures.quarters:
            if key in waits:
                found = waits[key]
                yield WAITS, (*key, found.n, found.sum, found.longest)
        self.measures.quarters.clear()
        yield from self.judgements.gathered()


async def recorded(
    store: Projections, hall: str, first: str, last: str, *, sorts: Collection[str] | None = None
) -> tuple[int, Kept]:
    """What was kept of the service days `first` to `last` (YYYY-MM-DD), and at which position of the journal at least.

    `sorts` of kept.SORTS; None: all. Read in pieces, decoded beside the event loop. Raises StoreError.
    """
    kept, seqs = Kept(), []
    for begin, end in pieces(first, last):
        found = await store.days(hall, DayRecords.name, begin, end, sorts=list(SORTS) if sorts is None else sorts)
        await asyncio.to_thread(put_all, kept, found.bodies)
        seqs.append(found.seq)
    return min(seqs, default=0), kept


async def months_opened(store: Projections, hall: str, last: str, days: int = 400) -> list[str]:
    """The months (YYYY-MM), the latest first, with an open day among the `days` before a day (YYYY-MM-DD) and it.

    Raises StoreError.
    """
    first = (date.fromisoformat(last) - timedelta(days=days)).isoformat()
    found = await store.days(hall, DayRecords.name, first, last, sorts=[_sort[Day]])
    return sorted({day.id[:7] for day in records_of(found.bodies) if isinstance(day, Day) and day.opened}, reverse=True)
