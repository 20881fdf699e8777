"""How sure a mean of days is: Σa ÷ Σb with Student's t on the residuals of the days (delta method; study.py says more).

Law: a figure without data is None, never 0; sums are kept, not days.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10, sqrt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tidehall.simulation.tally import Pair

__all__ = ["Estimate", "Sums", "decimals", "estimate", "student"]


class Estimate(msgspec.Struct, frozen=True):
    """A mean and how sure it is: mean ± half_width at `level`, from `n` days; None where there is no data (or, for the
    half width, fewer than two days)."""

    mean: float | None
    half_width: float | None
    level: float
    n: int


def student(level: float, n: int) -> float:
    """The two-sided quantile of Student's t with n − 1 degrees of freedom."""
    from scipy.special import stdtrit  # type: ignore[import-untyped] # no types; here, for its import is slow

    return float(stdtrit(n - 1, (1 + level) / 2))


def decimals(half_width: float, *, most: int) -> int:
    """Decimals that say something beside this half width: two digits of it, at most `most`."""
    return min(most, max(0, 1 - floor(log10(half_width)))) if half_width > 0 else 0


class Sums:
    """What an interval needs of a measure's pairs."""

    __slots__ = ("a", "aa", "ab", "b", "bb", "n")

    def __init__(self) -> None:
        self.n = 0
        self.a = self.b = self.aa = self.ab = self.bb = 0.0

    def add(self, a: float, b: float) -> None:
        """One day's pair; a day without data does not count."""
        if b:
            self.n += 1
            self.a += a
            self.b += b
            self.aa += a * a
            self.ab += a * b
            self.bb += b * b

    def estimate(self, level: float) -> Estimate:
        """Σa ÷ Σb with its half width."""
        if not self.n:
            return Estimate(None, None, level, 0)
        ratio = self.a / self.b
        if self.n < 2:
            return Estimate(ratio, None, level, self.n)
        squares = max(0.0, self.aa - 2 * ratio * self.ab + ratio * ratio * self.bb)
        spread = sqrt(squares / (self.n - 1) / self.n) / (self.b / self.n)
        return Estimate(ratio, student(level, self.n) * spread, level, self.n)


def estimate(pairs: Iterable[Pair], level: float = 0.95) -> Estimate:
    """The estimate from one pair a day."""
    sums = Sums()
    for a, b in pairs:
        sums.add(a, b)
    return sums.estimate(level)
