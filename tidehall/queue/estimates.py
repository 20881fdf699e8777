"""How long still: p10, p50 and p90 of the wait for a place in the line.

Law: an estimate never falls when a window closes and never rises when somebody ahead leaves (S25); with no
window open it is unknown, and it is never 0.

Method (docs/decisions/005). Of the windows it is known at what rate they become free, when one comes back that takes
somebody at once, and when one rests: a course of steps. Windows end their services at random, so the moment at which
as many have become free as people stand in the line, the asker among them, is that of a Poisson process with this
course; its quantiles are those of a gamma distribution, laid along the course. More room at any moment can only make
it sooner, more people only later: that is the law. What stands open is hall/pools.py's to know; what the clock brings
(breaks, the roster) stretches all three quantiles alike: hall/roster.py.
"""

from __future__ import annotations

from math import sqrt

from tidehall.queue.tickets import Estimate

__all__ = ["AT_ONCE", "PRIOR_WEIGHT", "Step", "estimate", "minutes_shown", "quantiles", "reached", "service_mean"]

#: From when on (µs from now), by how many the windows that become free per µs change, how many take somebody at once …
Step = tuple[float, float, float]

SECOND = 1_000_000
MINUTE = 60 * SECOND
PRIOR_WEIGHT = 20  # services that the plan's assumption is worth against observed ones
SPREAD = 1.0  # squared relative spread of the wait until one service ends
DOUBT = 0.02  # squared relative doubt about the mean, which does not average out (14 %)
Z90 = 1.2815515655446004  # 90 % quantile of the normal distribution
#: What is said where a window stands idle: nobody is told 0.
AT_ONCE: Estimate = (SECOND, SECOND, MINUTE)


def service_mean(count: int, total: int, prior: int) -> float:
    """Mean time (µs) for which a citizen takes a window: `count` observed ones of `total` µs shrunk towards `prior`."""
    return (total + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)


def quantiles(people: float) -> tuple[float, float, float]:
    """How many services end on average until the `people`-th has ended, at p10, p50 and p90: a gamma distribution's
    (Wilson and Hilferty)."""
    spread = SPREAD / people + DOUBT
    middle, width = 1.0 - spread / 9.0, Z90 * sqrt(spread) / 3.0
    low, high = max(0.0, middle - width), middle + width
    return people * low * low * low, people * middle * middle * middle, people * high * high * high


def reached(people: float, steps: list[Step]) -> list[float]:
    """When (µs from now) windows have become free for so many people, at p10, p50 and p90; `steps` are in order."""
    goals, found = quantiles(people), []
    goal = goals[0]
    done = rate = at = 0.0
    for when, more, come in steps:
        ended = done + rate * (when - at)
        while ended >= goal:
            found.append(at + (goal - done) / rate)
            if len(found) == 3:
                return found
            goal = goals[len(found)]
        done, at = ended, when
        rate += more
        if come:
            people -= come
            if people <= 0.0:
                return found + [at] * (3 - len(found))
            goals = quantiles(people)
            goal = goals[len(found)]
            while goal <= done:
                found.append(at)
                if len(found) == 3:
                    return found
                goal = goals[len(found)]
    return found + [at + (goal - done) / rate for goal in goals[len(found) :]]


def estimate(low: float, middle: float, high: float) -> Estimate:
    """What is said of a wait with these quantiles (µs): whole µs, and nobody is told 0."""
    if middle <= SECOND:
        return AT_ONCE
    return int(low) if low > SECOND else SECOND, int(middle), int(high) if high > MINUTE else MINUTE


def minutes_shown(found: Estimate) -> tuple[int, int]:
    """p10–p90 as citizens read it: whole minutes, rounded outward, never 0 and never a single figure (design section 4;
    `range` in static/js/words.js writes the same)."""
    low = max(1, found[0] // MINUTE)
    return low, max(low + 1, -(-found[2] // MINUTE))
