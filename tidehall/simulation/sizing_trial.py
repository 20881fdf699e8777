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
from msgspec.structs import replace

from tidehall.simulation.tally import Pair

__all__ = ["FIRST_LOOK", "Bounds", "Judge", "Reason", "Shortcut", "Trial", "bounds", "looks", "risk_of", "shortcut"]

#: Days before the first look.
FIRST_LOOK = 30
Reading = Literal["citizens", "days"]
#: Of a cheaper choice: surely below the target; so near to it that the difference is within the zone of indifference;
#: it does, going by these days, but with less to spare; or not to be told from so few days.
Reason = Literal["below", "near", "does", "open"]


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

    def judge(
        self, found_after: Callable[[int], Bounds], give_up: Callable[[Bounds], bool] = lambda found: False
    ) -> Trial:
        """Look again and again; `found_after(n)` gives the bounds after n days. What is still open when `give_up` says
        so is a near-tie, like what is open after all days: giving up never takes anything for met."""
        found = Bounds(1.0, 0.0, 1.0, 0)
        for days in looks(self.max_days):
            found = found_after(days)
            verdict = self.verdict(found)
            if verdict is not None:
                return Trial(verdict, found)
            if give_up(found):
                break
        return Trial("tie", found)

    def whatever_it_takes(self) -> Judge:
        """The same for all that there is: refused only where the target is surely missed. What lies within the zone of
        indifference above it is played on, for there is nothing more to choose."""
        return replace(self, indifference=0.0)

    def near(self, found: Bounds) -> bool:
        """The share is known to within the indifference and still can't be told from the target."""
        return found.upper - found.lower <= 2 * self.indifference

    def hopeless(self, found: Bounds) -> bool:
        """Should the share stay what it is now, not even all days would show the target (bounds close in with the root
        of the days). Not said after the first look, when the share is still rough."""
        if found.days <= FIRST_LOOK:
            return False
        return found.share - (found.share - found.lower) * sqrt(found.days / self.max_days) < self.share

    def why(self, found: Bounds) -> Reason:
        """Why a cheaper choice of which this is known is not the answer."""
        if found.upper < self.share:
            return "below"
        if abs(found.share - self.share) <= self.indifference:
            return "near"
        return "does" if found.lower >= self.share else "open"

    def surplus(self, pairs: Sequence[Pair]) -> list[float]:
        """What each day has beyond the target: citizens, or the day itself."""
        if self.reading == "days":
            return [float(good >= self.share * n) - self.share for good, n in pairs]
        return [good - self.share * n for good, n in pairs]

    def controlled(self, played: Sequence[Pair], same: Sequence[Pair], many: Sequence[Pair]) -> Bounds:
        """Bounds from few `played` days with a control variate: what something else, the kernel or a like choice, gave
        on the `same` days and on `many`, of which they are the first. The estimate is the other's over many days + what
        this one adds on the same people: free of the other's error, and with a fraction of the days."""
        from scipy.special import stdtrit  # type: ignore[import-untyped] # no types; here, for it is slow

        n, m = len(played), len(many)
        other = self.surplus(same)
        added = [a - b for a, b in zip(self.surplus(played), other, strict=True)]
        ranked = self.surplus(many)
        mean = sum(added) / n + sum(ranked) / m
        # a day that differs may always come next: the spread is never taken for nothing
        floor = 1 / n if self.reading == "days" else 0.0
        both = max(0.0, covariance(added, other))  # the few days are among the many
        noise = max(variance(added), floor) / n + (variance(ranked) + 2 * both) / m
        scale = 1.0
        if self.reading == "citizens":
            of_same, of_many = sum(k for _, k in same) / n, sum(k for _, k in many) / m
            scale = sum(k for _, k in played) / n * (of_many / of_same if of_same else 1.0) or 1.0
        steps = len(looks(self.max_days))
        down, up = (float(stdtrit(n - 1, 1 - risk / steps)) for risk in (self.risk_met, self.risk_missed))
        share, spread = self.share + mean / scale, sqrt(noise) / scale
        return Bounds(share, max(0.0, share - down * spread), min(1.0, share + up * spread), n)

    def bounds(self, pairs: Sequence[Pair]) -> Bounds:
        """The bounds as they are at one of the looks."""
        n = len(looks(self.max_days))
        lower = bounds(pairs, self.share, self.reading, self.risk_met / n)
        upper = bounds(pairs, self.share, self.reading, self.risk_missed / n)
        return Bounds(lower.share, lower.lower, upper.upper, lower.days)


class Shortcut(Struct, frozen=True):
    """A cheaper choice that was played, what came of it against the target, and why it is not the answer."""

    change: str
    saves: float
    target: float
    indifference: float
    trial: Trial
    why: Reason


def shortcut(change: str, saves: float, judge: Judge, trial: Trial) -> Shortcut:
    """What is told of a cheaper choice."""
    return Shortcut(change, saves, judge.share, judge.indifference, trial, judge.why(trial.bounds))


def looks(most: int) -> list[int]:
    """After how many days a test is looked at: twice as many each time."""
    found = [min(FIRST_LOOK, most)]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found


def variance(values: Sequence[float]) -> float:
    """The sample's variance."""
    mean = sum(values) / len(values)
    return sum((x - mean) ** 2 for x in values) / (len(values) - 1)


def covariance(a: Sequence[float], b: Sequence[float]) -> float:
    """The sample's covariance."""
    first, second = sum(a) / len(a), sum(b) / len(b)
    return sum((x - first) * (y - second) for x, y in zip(a, b, strict=True)) / (len(a) - 1)


def bounds(pairs: Sequence[Pair], share: float, reading: Reading, risk: float) -> Bounds:
    """The share with its bounds, each wrong with at most (Johnson's approximation: about) this risk."""
    from scipy.special import betaincinv, stdtrit

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
    mean, square = sum(surplus) / days, variance(surplus)
    t = float(stdtrit(days - 1, 1 - risk))
    skew = sum((x - mean) ** 3 for x in surplus) / days
    shift = skew / (6 * square * days) * (1 + 2 * t * t) if square > 0 else 0.0
    half, scale = t * sqrt(square / days), days / people
    middle = mean + shift
    return Bounds(
        good / people, max(0.0, share + (middle - half) * scale), min(1.0, share + (middle + half) * scale), days
    )


def risk_of(pairs: Sequence[Pair], judge: Judge) -> float:
    """The smallest risk at which these days show the target met (1: at none)."""
    low, high = 0.0, 0.49
    if bounds(pairs, judge.share, judge.reading, high).lower < judge.share:
        return 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if bounds(pairs, judge.share, judge.reading, middle).lower >= judge.share:
            high = middle
        else:
            low = middle
    return high
