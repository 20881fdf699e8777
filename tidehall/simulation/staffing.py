"""Formulas of queues: what can be known about windows without simulating.

Law: nothing here decides how a hall is staffed; a formula gives sizing.py its first guess, and the simulator its exact
values to be tested against (facts.md 5). Rates and durations are in one time unit of the caller's; `load` is the
offered load (arrival rate × mean service), in windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp

from msgspec import Struct

__all__ = [
    "Waiting", "erlang_a", "erlang_b", "erlang_c", "offered_load", "share_within", "waiting", "windows_needed"
]  # fmt: skip

#: States of an Erlang A queue beyond which nobody ever is.
NOBODY = 1e-16
#: No hall has more windows.
MOST = 10_000


class Waiting(Struct, frozen=True):
    """A queue in balance: share that waits at all, mean wait (of all, in the caller's unit), share that gives up."""

    share: float
    mean: float
    abandon: float = 0.0


def erlang_b(load: float, windows: int) -> float:
    """Share that finds all windows taken, where nobody waits (M/G/c/c). The recursion is exact and stable."""
    blocked = 1.0
    for c in range(1, windows + 1):
        blocked = load * blocked / (c + load * blocked)
    return blocked


def erlang_c(load: float, windows: int) -> float:
    """Share that must wait (M/M/c); 1 where the windows can't keep up."""
    if windows <= load:
        return 1.0
    blocked = erlang_b(load, windows)
    return windows * blocked / (windows - load * (1 - blocked))


def waiting(load: float, windows: int, mean_service: float, *, cv: float = 1.0) -> Waiting:
    """Who waits, and how long; exact for exponential service (cv 1), for others Lee and Longton's M/G/c: the exact
    mean of M/M/c × (1 + cv²) ÷ 2, which for one window is the exact Pollaczek–Khinchine."""
    share = erlang_c(load, windows)
    if windows <= load:
        return Waiting(1.0, float("inf"))
    return Waiting(share, share * mean_service / (windows - load) * (1 + cv * cv) / 2)


def share_within(load: float, windows: int, mean_service: float, within: float, *, cv: float = 1.0) -> float:
    """Share that is called within a time: the exponential tail of M/M/c, stretched as the mean is."""
    if windows <= load:
        return 0.0
    stretch = (1 + cv * cv) / 2
    return 1 - erlang_c(load, windows) * exp(-(windows - load) / mean_service * within / stretch)


def erlang_a(load: float, windows: int, mean_service: float, mean_patience: float) -> Waiting:
    """Who waits and who gives up where patience is exponential (M/M/c+M, Palm): birth and death, summed state by
    state until nobody is left. `mean` is over all citizens, those who give up included."""
    weight = total = 1.0  # of the empty hall; the others in proportion to it
    waits = queued = 0.0
    n = 0
    while n < windows or weight > NOBODY * total:
        n += 1
        leave = min(n, windows) + max(0, n - windows) * mean_service / mean_patience
        weight *= load / leave
        total += weight
        if n >= windows:
            waits += weight
            queued += (n - windows) * weight
        if total > 1e200:  # big halls: only proportions count
            weight, total, waits, queued = weight / total, 1.0, waits / total, queued / total
    length = queued / total
    arrivals = load / mean_service
    return Waiting(waits / total, length / arrivals, length / mean_patience / arrivals)


def offered_load(profile: Sequence[tuple[float, float]], mean_service: float, moments: Sequence[float]) -> list[float]:
    """Busy windows of a hall that has always enough of them (Mt/M/∞), at these moments (in order): the load that
    follows the arrivals with the lag of a service, exactly for exponential services and for arrival rates that hold
    from each (moment, rate per unit) on; before the first nobody comes."""
    found: list[float] = []
    load = rate = at = 0.0
    steps = list(profile)

    def pass_time(until: float) -> None:
        nonlocal load, at
        steady = rate * mean_service
        load = steady + (load - steady) * exp(-(until - at) / mean_service)
        at = until

    for moment in moments:
        while steps and steps[0][0] <= moment:
            begin, following = steps.pop(0)
            if begin > at or rate:
                pass_time(begin)
            at, rate = begin, following
        pass_time(moment)
        found.append(load)
    return found


def windows_needed(load: float, share: float, within: float, mean_service: float, *, cv: float = 1.0) -> int:
    """The fewest windows with which this share is called within the time, if the load lasted for ever."""
    windows = max(1, ceil(load)) if load > 0 else 0
    while load > 0 and windows < MOST and share_within(load, windows, mean_service, within, cv=cv) < share:
        windows += 1
    return windows
