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
    """The numbers of one line on one service day; `texts[n]` is the n-th as it is printed."""

    __slots__ = ("issued", "letter", "open", "texts")

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.texts = texts(letter)
        self.issued = 0  # the last number given
        self.open: frozenset[int] = frozenset()  # carried over the day turn by tickets still open

    def next(self) -> int | None:
        """The number that comes next, or None after 999."""
        n = self.issued + 1
        while n in self.open:
            n += 1
        return n if n <= LAST else None

    def give(self, text: str) -> None:
        """This number has been given."""
        n = self.issued + 1
        self.issued = n if n <= LAST and self.texts[n] == text else int(text[1:])  # nearly always the next one

    def turn(self, still_open: frozenset[int]) -> None:
        """A new service day begins; `still_open` are numbers of this letter that somebody still holds."""
        self.issued = 0
        self.open = still_open

    def copy(self) -> Numbering:
        """An independent copy, for a draft."""
        other = Numbering(self.letter)
        other.issued, other.open = self.issued, self.open
        return other
