"""How long still: p10, p50 and p90 of the wait for a place in the line.

Law: an estimate never falls when a window closes and never rises when somebody ahead leaves (S25); with no
window open it is unknown, and it is never 0.

Method (docs/decisions/005). Windows that serve the same lines form a group. What the people ahead in *other* lines will
take from it is its floor, in µs; an idle window's floor lies one service lower, that of a window that rests is the end
of its rest. The people ahead in the own line are poured in like water, from the lowest floor up; at the level that they
reach, the services under way race for who is free first. The mean wait gets the shape of a gamma distribution, as broad
as the number of services that must end first makes it, plus the doubt that never averages out. What the clock brings
(breaks, the roster) stretches all three quantiles alike: hall/roster.py.
"""

from __future__ import annotations

from math import sqrt

from tidehall.queue.tickets import Estimate

__all__ = ["AT_ONCE", "Floors", "estimate", "mean_wait", "minutes_shown", "service_mean"]

#: (µs for which the windows are taken by others, how many such windows, whether they come only then, with nobody in
#: front) …
Floors = list[tuple[float, int, bool]]

SECOND = 1_000_000
MINUTE = 60 * SECOND
Z90 = 1.2815515655446004  # 90 % quantile of the normal distribution
PRIOR_WEIGHT = 20.0  # services that the plan's assumption is worth against observed ones
SPREAD = 1.0  # squared relative spread of the wait until one service ends
DOUBT = 0.04  # squared relative doubt about the mean, which does not average out (20 %)
#: What is said where a window stands idle: nobody is told 0.
AT_ONCE: Estimate = (SECOND, SECOND, MINUTE)


def service_mean(count: int, total: int, prior: int) -> float:
    """Mean time (µs) for which a citizen takes a window: `count` observed ones of `total` µs shrunk towards `prior`."""
    return (total + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)


def mean_wait(work: float, service: float, floors: Floors) -> float:
    """Mean time (µs) until a window is free for one with `work` (µs) of others before him, `service` each.

    The work fills the windows from the lowest floor up to one level; from there the services under way race to end. A
    window that comes back takes one at once.
    """
    floors.sort()
    windows, last, race, filled = 0, len(floors) - 1, 1.0, 0
    top = floors[0][0]
    for filled, (floor, count, comes) in enumerate(floors):
        top = floor
        windows += count
        if comes:
            work -= count * service
            if work < 0.0:  # what the others leave of these windows is the asker's
                race = max(0.0, 1.0 + work / service)
                break
        if filled == last or work < (room := windows * (floors[filled + 1][0] - floor)):
            top = floor + work / windows
            break
        work -= room
    rate = windows / service
    for floor, count, comes in floors[filled + 1 :]:
        after = floor - top + (0.0 if comes else service)
        if not after:
            return top
        rate += count / after
    return top + race / rate


def estimate(mean: float, services: float) -> Estimate:
    """p10, p50 and p90 of a wait of `mean` µs until `services` services have ended: quantiles of a gamma distribution
    (Wilson and Hilferty)."""
    if mean <= SECOND:
        return AT_ONCE
    spread = SPREAD / max(1.0, services) + DOUBT
    middle, width = 1.0 - spread / 9.0, Z90 * sqrt(spread) / 3.0
    low, high = middle - width, middle + width
    return (
        max(SECOND, int(mean * low * low * low)),
        max(SECOND, int(mean * middle * middle * middle)),
        max(MINUTE, int(mean * high * high * high)),
    )


def minutes_shown(found: Estimate) -> tuple[int, int]:
    """p10–p90 as citizens read it: whole minutes, rounded outward, never 0 and never a single figure (design section 4;
    `range` in static/js/words.js writes the same)."""
    low = max(1, found[0] // MINUTE)
    return low, max(low + 1, -(-found[2] // MINUTE))
