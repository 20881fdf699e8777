"""Numbers: a letter and three digits, A001 … A999, per line and service day.

Law: a number is given once a day and in order; those still open from the day before are skipped.
"""

from __future__ import annotations

from functools import cache

__all__ = ["LAST", "RUNNING_OUT", "Numbering"]

LAST = 999
RUNNING_OUT = 900


@cache
def texts(letter: str) -> tuple[str, ...]:
    """All numbers of a letter, written out once."""
    return tuple(f"{letter}{n:03d}" for n in range(LAST + 1))


class Numbering:
    """The numbers of one line on one service day."""

    __slots__ = ("issued", "letter", "open")

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.issued = 0  # the last number given
        self.open: frozenset[int] = frozenset()  # carried over the day turn by tickets still open

    def next(self) -> int | None:
        """The number that comes next, or None after 999."""
        n = self.issued + 1
        while n in self.open:
            n += 1
        return n if n <= LAST else None

    def text(self, n: int) -> str:
        """The number as it is printed."""
        return texts(self.letter)[n]

    def give(self, text: str) -> None:
        """This number has been given."""
        self.issued = int(text[1:])

    def turn(self, still_open: frozenset[int]) -> None:
        """A new service day begins; `still_open` are numbers of this letter that somebody still holds."""
        self.issued = 0
        self.open = still_open

    def copy(self) -> Numbering:
        """An independent copy, for a draft."""
        other = Numbering(self.letter)
        other.issued, other.open = self.issued, self.open
        return other
