"""Many days' rows in pieces that nobody waits for: a statement at a time, a slice of the interpreter at a time.

Law: a piece is small enough for the time that a statement has (store/journal.py), and decoded it holds nobody up; how
many days are asked for changes neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

__all__ = ["pieces", "slices"]

#: Days that are read in one statement.
DAYS = 7
#: Bytes of lines that are decoded without letting other threads run; about a millisecond.
BYTES = 1 << 18


def pieces(first: str, last: str) -> Iterator[tuple[str, str]]:
    """The days `first` to `last` (YYYY-MM-DD, both within) a week at a time."""
    end = date.fromisoformat(last).toordinal()
    for begin in range(date.fromisoformat(first).toordinal(), end + 1, DAYS):
        days = (begin, min(end, begin + DAYS - 1))
        yield date.fromordinal(days[0]).isoformat(), date.fromordinal(days[1]).isoformat()


def slices(lines: bytes) -> Iterator[bytes]:
    """The same lines, cut between two of them."""
    begin = 0
    while begin < len(lines):
        end = lines.find(b"\n", begin + BYTES)
        end = len(lines) if end < 0 else end
        yield lines[begin:end]
        begin = end + 1
