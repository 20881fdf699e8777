"""Does a configuration meet a target? Played days of the real engine, judged after every few.

Law: a target is met when the lower bound of its share is not below it, and missed when the upper bound is below target
plus indifference; in between more days are played, up to a limit, and what is then still open is a near-tie, which is
not taken for met. Both readings have their bound: citizens by the mean over days of good − share·n, Student's t with
Johnson's correction for skewness (a share of .99 has rare, very bad days: never fewer than 30 of them); days by the
exact binomial bound of Clopper and Pearson. Days are looked at only at fixed numbers, and the risk is shared out among
the looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Literal

from msgspec import Struct

from tidehall.simulation.tally import Pair

__all__ = ["FIRST_LOOK", "Bounds", "Judge", "Trial", "bounds", "looks", "risk_of"]

#: Days before the first look.
FIRST_LOOK = 30
Reading = Literal["citizens", "days"]


class Bounds(Struct, frozen=True):
    """A share with its one-sided bounds, from so many days."""

    share: float
    lower: float
    upper: float
    days: int


class Trial(Struct, frozen=True):
    """What came of a test."""

    verdict: Literal["meets", "fails", "tie"]
    bounds: Bounds

    @property
    def met(self) -> bool:
        return self.verdict == "meets"


class Judge(Struct, frozen=True):
    """One target: `share`, its `reading`, and how it is judged: the risk of taking it for met, and of taking it for
    missed, where it is not (at most `indifference` better), and the most days."""

    share: float
    reading: Reading
    indifference: float
    risk_met: float
    risk_missed: float
    max_days: int

    def verdict(self, found: Bounds) -> Literal["meets", "fails"] | None:
        """None: not to be told yet."""
        if found.lower >= self.share:
            return "meets"
        return "fails" if found.upper < self.share + self.indifference else None

    def judge(self, pairs: Callable[[int], Sequence[Pair]]) -> Trial:
        """Look again and again; `pairs(n)` gives the first n days' (good, of how many)."""
        steps = looks(self.max_days)
        found: Bounds | None = None
        for days in steps:
            found = self.bounds(pairs(days))
            verdict = self.verdict(found)
            if verdict is not None:
                return Trial(verdict, found)
        assert found is not None  # there is at least one look
        return Trial("tie", found)

    def bounds(self, pairs: Sequence[Pair]) -> Bounds:
        """The bounds as they are at one of the looks."""
        n = len(looks(self.max_days))
        lower = bounds(pairs, self.share, self.reading, self.risk_met / n)
        upper = bounds(pairs, self.share, self.reading, self.risk_missed / n)
        return Bounds(lower.share, lower.lower, upper.upper, lower.days)

    def once(self, pairs: Sequence[Pair]) -> Bounds:
        """The bounds of one look alone."""
        lower = bounds(pairs, self.share, self.reading, self.risk_met)
        upper = bounds(pairs, self.share, self.reading, self.risk_missed)
        return Bounds(lower.share, lower.lower, upper.upper, lower.days)


def looks(most: int) -> list[int]:
    """After how many days a test is looked at: twice as many each time."""
    found = [min(FIRST_LOOK, most)]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found


def bounds(pairs: Sequence[Pair], share: float, reading: Reading, risk: float) -> Bounds:
    """The share with its bounds, each wrong with at most (Johnson's approximation: about) this risk."""
    from scipy.special import betaincinv, stdtrit  # type: ignore[import-untyped] # no types; here, for it is slow

    days = len(pairs)
    if reading == "days":
        # a day on which nobody came is no day on which anybody waited too long
        reached = sum(1 for good, n in pairs if good >= share * n)
        lower = float(betaincinv(reached, days - reached + 1, risk)) if reached else 0.0
        upper = float(betaincinv(reached + 1, days - reached, 1 - risk)) if reached < days else 1.0
        return Bounds(reached / days, lower, upper, days)
    people, good = sum(n for _, n in pairs), sum(g for g, _ in pairs)
    if not people or days < 2:
        return Bounds(1.0, 0.0, 1.0, days)
    if good == people:  # nothing to estimate a spread from: as if every citizen were a day
        return Bounds(1.0, float(risk ** (1 / people)), 1.0, days)
    surplus = [g - share * n for g, n in pairs]
    mean = sum(surplus) / days
    variance = sum((x - mean) ** 2 for x in surplus) / (days - 1)
    t = float(stdtrit(days - 1, 1 - risk))
    skew = sum((x - mean) ** 3 for x in surplus) / days
    shift = skew / (6 * variance * days) * (1 + 2 * t * t) if variance > 0 else 0.0
    half, scale = t * sqrt(variance / days), days / people
    middle = mean + shift
    return Bounds(
        good / people, max(0.0, share + (middle - half) * scale), min(1.0, share + (middle + half) * scale), days
    )


def risk_of(pairs: Sequence[Pair], judge: Judge) -> float:
    """The smallest risk at which these days show the target met (1: at none)."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if middle < 0.5 and bounds(pairs, judge.share, judge.reading, middle).lower >= judge.share:
            high = middle
        else:
            low = middle
            if low >= 0.5:
                return 1.0
    return high
