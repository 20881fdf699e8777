"""A waiting line: tickets in the order of their rank.

Law: the list is always sorted and holds exactly the waiting tickets of the line.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from tidehall.queue.numbering import Numbering
from tidehall.queue.order import Rank, arrival_rank, behind

__all__ = ["ALL", "FADES", "Entry", "Line"]

#: The whole, for shares that are kept as whole numbers, and by how much (as a power of 2) each new one counts.
ALL, FADES = 1 << 20, 6
#: A rank and the ticket's id: sorts like the rank.
Entry = tuple[int, int, int, str]


class Line:
    """The waiting tickets of one line and its numbers of the day."""

    __slots__ = (
        "id", "jumps", "letter", "numbering", "order", "seq", "service_count", "service_sum", "waiting", "zone",
    )  # fmt: skip

    def __init__(self, id: str, letter: str, zone: str) -> None:
        self.id = id
        self.letter = letter
        self.zone = zone
        self.numbering = Numbering(letter)
        self.waiting: list[Entry] = []
        #: (since when, µs, who waits), the longest wait first; who has left goes when he comes to the front
        self.order: deque[tuple[int, str]] = deque()
        self.service_count = 0  # observed services, for the shrinkage of estimates
        self.service_sum = 0  # µs
        self.jumps = 0  # how many in 2²⁰ of those who came lately had a head start
        self.seq = 0

    def enter(self, rank: Rank, ticket: str) -> None:
        """Put a ticket at its place. At the end, where nearly everybody goes, this costs nothing."""
        entry = (*rank, ticket)
        waiting = self.waiting
        if not waiting or waiting[-1] < entry:
            waiting.append(entry)
        else:
            insort(waiting, entry)

    def leave(self, rank: Rank) -> None:
        """Take the ticket of this rank out; nothing happens when it does not wait here."""
        waiting = self.waiting
        if waiting and waiting[0][:3] == rank:  # nearly always
            del waiting[0]
            return
        i = bisect_left(waiting, rank)
        if i < len(waiting) and waiting[i][:3] == rank:
            del waiting[i]

    def ahead(self, rank: Rank) -> int:
        """How many wait in front of this rank."""
        waiting = self.waiting
        if not waiting or waiting[-1] < rank:
            return len(waiting)
        return bisect_left(waiting, rank)

    def place_behind(self, places: int, place: int, *, own: Rank, after: bool = False) -> Rank:
        """The rank just behind the `places`-th ticket now waiting (behind the last, if fewer wait).

        With `after` only those behind `own` count: who lets others go first does not jump ahead by it.
        Where nobody else waits the ticket keeps its own rank, so that whoever comes later stays behind it.
        """
        start = bisect_left(self.waiting, own) if after else 0
        others = [e for e in self.waiting[start : start + places + 1] if e[:3] != own][:places]
        return behind(others[-1][:3], place) if others else own

    def last(self, now: int, serial: int) -> Rank:
        """The rank at the end of the line."""
        rank = arrival_rank(now, 0, serial)
        if self.waiting and self.waiting[-1][:3] > rank:
            return (self.waiting[-1][0] + 1, serial, 0)
        return rank

    def observe(self, service: int) -> None:
        """Learn from one finished service (µs); old ones fade by halves."""
        self.service_count += 1
        self.service_sum += service
        if self.service_count > 200:
            self.service_count //= 2
            self.service_sum //= 2

    def forget(self, service: int) -> None:
        """Take back one observation (undo)."""
        if self.service_count > 0:
            self.service_count -= 1
            self.service_sum = max(0, self.service_sum - service)

    def copy(self) -> Line:
        """An independent copy, for a draft."""
        line = Line.__new__(Line)
        line.id, line.letter, line.zone, line.seq = self.id, self.letter, self.zone, self.seq
        line.numbering = self.numbering.copy()
        line.waiting = self.waiting.copy()
        line.order = self.order.copy()
        line.service_count, line.service_sum, line.jumps = self.service_count, self.service_sum, self.jumps
        return line
