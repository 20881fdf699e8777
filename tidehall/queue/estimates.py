"""How long still: p10, p50 and p90 of the wait for a place in the line.

Law: an estimate never falls when a window closes and never rises when somebody ahead leaves (S25); with no
window open it is unknown, and it is never 0.

Method (fluid water-filling). Windows that are open for a line form groups of equal windows. The people ahead
in every *other* line that a group serves are spread evenly over the open windows of that line; what is ahead
in the own line then fills the windows from the least burdened up, to one level T, in services per window. An
idle window starts one service lower. The mean wait is T × the mean service time of the line, which is the
observed mean shrunk towards the plan's assumption. Spread: the variance of the n services that must end first,
plus the doubt about the mean itself, taken as lognormal. n is taken as T × half the windows that can serve the
line, open or not: a figure that no closing changes, so that all three quantiles rise and fall with T alone.
"""

from __future__ import annotations

from math import exp, log1p, sqrt

from tidehall.queue.tickets import Estimate

__all__ = ["Pool", "estimate", "level", "service_mean"]

#: (windows in the group, idle ones among them, services that others ahead will take from each of them)
Pool = list[tuple[int, int, float]]

Z90 = 1.2815515655446004  # 90 % quantile of the normal distribution
PRIOR_WEIGHT = 20.0  # services that the plan's assumption is worth against observed ones
SERVICE_CV2 = 0.64  # squared coefficient of variation of one service (lognormal, cv 0.8)
DOUBT = 0.04  # squared relative doubt about the mean service time (20 %)
LEAST = 0.1  # services per window: nobody is promised less than this


def service_mean(count: int, total: int, prior: int) -> float:
    """Mean service time, µs: `count` observed services of `total` µs shrunk towards `prior` µs."""
    return (total + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)


def level(ahead: int, pool: Pool) -> float:
    """The level T, services per window, at which `ahead` people and the asker are absorbed by the pool."""
    levels: list[tuple[float, int]] = []
    for count, idle, burden in pool:
        if count > idle:
            levels.append((burden, count - idle))
        if idle:
            levels.append((burden - 1.0, idle))
    if len(levels) == 1:
        burden, count = levels[0]
        return burden + (ahead + 1) / count
    levels.sort()
    need, windows, top = float(ahead + 1), 0, 0.0
    for i, (burden, count) in enumerate(levels):
        windows += count
        top = burden + need / windows
        if i + 1 == len(levels) or top <= levels[i + 1][0]:
            break
        need -= windows * (levels[i + 1][0] - burden)
    return top


def estimate(ahead: int, pool: Pool, service: float, windows: int) -> Estimate | None:
    """p10, p50 and p90 of the wait in µs for one with `ahead` people before him; None when no window is open.

    `windows` is how many could serve the line, open or not.
    """
    if not pool:
        return None
    t = max(level(ahead, pool), LEAST)
    spread = log1p(SERVICE_CV2 / max(1.0, t * windows / 2) + DOUBT)
    middle = t * service * exp(-spread / 2)
    width = exp(Z90 * sqrt(spread))
    return (int(middle / width) + 1, int(middle) + 1, int(middle * width) + 1)
