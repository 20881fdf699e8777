"""The judged estimates: what citizens were told, and how long it took; kept by day beside the records of the measures.

Law: as in hall/accuracy.py. What waits is kept too, so that a follower that begins again judges what it saw before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from tidehall.hall.accuracy import RECENT_WAITS, Accuracy, Judged, Quality, Showing, quality
from tidehall.hall.calendar import bounds, local_text
from tidehall.hall.events import Event, TicketTaken
from tidehall.hall.kept import Visit
from tidehall.hall.state import HallState
from tidehall.live import encode
from tidehall.records.pieces import pieces, slices
from tidehall.store.projections import DAYS, Projections, Table

__all__ = ["JUDGED", "SHOWING", "Aspect", "Judgements", "judged", "qualities"]

#: The sorts of the rows.
JUDGED, SHOWING = "judged", "showing"
Aspect = Literal["hall", "line", "day"]

_showings = msgspec.json.Decoder(tuple[str, int, list[Showing]])
_judged = msgspec.json.Decoder(Judged)


class Judgements:
    """Accuracy's fold with its rows. `told`: by ticket that waits, the day of its row, and when its estimate is looked
    up next (µs) as it was written last."""

    def __init__(self) -> None:
        self.fold = Accuracy()
        self.told: dict[str, tuple[str, int]] = {}
        self.fresh: list[Judged] = []
        self.zone_name = "Asia/Shanghai"

    def resume(self, lines: bytes, visits: Iterable[Visit], state: HallState) -> None:
        """Stand where a fold stood that had written these rows."""
        waiting = _showings.decode_lines(lines)
        self.zone_name = self.zone_name if state.plan is None else state.zone_name
        for ticket, due, showings in waiting:
            self.fold.waiting[ticket] = showings
            self.told[ticket] = (self.day(showings[0].at), due)
        self.fold.due = sorted((due, ticket) for ticket, due, _ in waiting)
        for visit in sorted(visits, key=lambda v: v.first_call):
            if visit.first_call >= state.last_at - RECENT_WAITS:
                recent = self.fold.calls.setdefault(visit.line or "", [])
                recent.append((visit.first_call, max(0, visit.first_call - visit.since)))

    def day(self, at: int) -> str:
        """The service day of a moment, µs."""
        return bounds(at, self.zone_name)[0]

    def feed(self, state: HallState, event: Event) -> None:
        """Take in one event."""
        self.fresh += self.fold.feed(state, event)
        if isinstance(event, TicketTaken):
            self.told[event.ticket] = (self.day(event.at), 0)

    def gathered(self) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """See Projection.gathered."""
        fresh, self.fresh = self.fresh, []
        for one in fresh:
            yield DAYS, (self.day(one.at), JUDGED, f"{one.ticket}@{one.at}", False, encode(one))
        waiting = self.fold.waiting
        for due, ticket in self.fold.due:
            if ticket in waiting and (told := self.told[ticket])[1] != due:
                day = told[0]
                self.told[ticket] = (day, due)
                yield DAYS, (day, SHOWING, ticket, True, encode((ticket, due, waiting[ticket])))
        for ticket in [ticket for ticket in self.told if ticket not in waiting]:
            day, _ = self.told.pop(ticket)
            yield DAYS, (day, SHOWING, ticket, False, encode((ticket, 0, [])))


async def judged(store: Projections, hall: str, name: str, first: str, last: str) -> tuple[int, list[Judged]]:
    """The judged estimates shown on some service days, and up to which position of the journal at least. Raises
    StoreError."""
    known: list[Judged] = []
    seqs = []
    for begin, end in pieces(first, last):
        found = await store.days(hall, name, begin, end, sorts=[JUDGED])
        known += await asyncio.to_thread(of_lines, found.bodies.get(JUDGED, b""))
        seqs.append(found.seq)
    return min(seqs, default=0), known


def of_lines(lines: bytes) -> list[Judged]:
    """The judged estimates of rows."""
    return [one for some in slices(lines) for one in _judged.decode_lines(some)]


def qualities(found: Iterable[Judged], by: Aspect, zone_name: str) -> dict[str, Quality]:
    """How good they were, of the hall, by line or by service day."""
    parts: dict[str, list[Judged]] = {}
    for one in found:
        key = one.line if by == "line" else local_text(one.at, zone_name)[:10] if by == "day" else ""
        parts.setdefault(key, []).append(one)
    return {key: quality(some) for key, some in sorted(parts.items())}
