"""The expected waiting count of one pool of windows over a day: Mt/M/ct, solved step by step.

Law: this only fits (design section 8: no reported figure rests on it); the engine has the last word.
Arrivals come at a rate per bin, windows open and close, services are exponential; the day's demand varies by a factor.
Source: the forward equations of a birth-death process, by explicit steps short enough to be stable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Followed", "expected_waiting", "follow_counts", "work_of"]

Numbers = NDArray[np.float64]


def factors(cv: float) -> Numbers:
    """Three equally likely day factors with mean 1 and this cv."""
    if cv < 0.02:
        return np.ones(1)
    step = cv * np.sqrt(1.5)
    three = np.array([max(0.2, 1 - step), 1.0, 1 + step])
    found: Numbers = three / three.mean()
    return found


def steps_of(moves: float) -> int:
    """In how many steps a bin is passed in which at most so many come and are served: short enough to be stable."""
    return max(3, int(np.ceil(moves * 1.25)))


def pass_bin(
    chance: Numbers, people: Numbers, windows: Numbers, rate: Numbers, bin_s: float
) -> tuple[Numbers, Numbers]:
    """One bin for many pools at once: the chances of 0, 1, 2 … people afterwards, and the mean waiting count in it.

    A row is a pool: `people` who come in the bin, `windows` that call, services per second `rate`.
    """
    state = np.arange(chance.shape[1])
    up, down = people[:, None] / bin_s, rate[:, None] * np.minimum(state, windows[:, None])
    n = steps_of(float(up.max() + down.max()) * bin_s)
    rise, fall = up * (bin_s / n), down * (bin_s / n)
    stay = 1.0 - fall
    stay[:, :-1] -= rise
    gone = fall[:, 1:]
    total = np.zeros_like(chance)
    for _ in range(n):
        new = stay * chance
        new[:, 1:] += rise * chance[:, :-1]
        new[:, :-1] += gone * chance[:, 1:]
        chance = new
        total += chance
    waiting: Numbers = (total * np.maximum(0, state - windows[:, None])).sum(1) / n
    return chance, waiting


def expected_waiting(
    per_bin: Numbers, bin_s: float, windows: Numbers, service_s: float, *, most: int, day_cv: float = 0.0
) -> Numbers:
    """Mean waiting count in each bin.

    `per_bin`: citizens who come in each bin of `bin_s` seconds; `windows`: open in each bin; `most`: people in the pool
    at most (those beyond it are not let in).
    """
    day = factors(day_cv)
    chance = np.zeros((len(day), most + 1))
    chance[:, 0] = 1.0
    found = np.zeros(len(per_bin))
    for b, people in enumerate(per_bin):
        if b:
            close_some(chance, np.full(len(day), windows[b - 1]), np.full(len(day), windows[b]))
        chance, waiting = pass_bin(
            chance, people * day, np.full(len(day), windows[b]), np.full(len(day), 1 / service_s), bin_s
        )
        found[b] = waiting.mean()
    return found


def close_some(chance: Numbers, before: Numbers, windows: Numbers) -> None:
    """Windows close: whoever is served there is served to the end and stands in nobody's way. In place, row by row."""
    for row, (was, now) in enumerate(zip(before.astype(int), windows.astype(int), strict=True)):
        if now < was:
            line = chance[row]
            kept = line[now : was + 1].sum()
            rest = line[was + 1 :].copy()
            line[now:] = 0.0
            line[now] = kept
            line[now + 1 : now + 1 + len(rest)] = rest


@dataclass(frozen=True, slots=True)
class Followed:
    """The windows per bin with which a service time follows observed counts, the counts it has then, and the cost."""

    service_s: float
    windows: Numbers
    waiting: Numbers
    cost: float


def work_of(
    per_bin: Numbers, bin_s: float, most_windows: Numbers, service_s: Numbers, *, most: int, day_cv: float
) -> float:
    """How many chances `follow_counts` would have to work out with the same arguments, at most."""
    day, limit = factors(day_cv), max(1, int(most_windows.max()))
    services = limit * bin_s / float(service_s.min())
    steps = sum(steps_of(float(people * day.max()) + services) for people in per_bin)
    return float(steps) * len(service_s) * limit * len(day) * (most + 1)


def follow_counts(
    per_bin: Numbers, bin_s: float, observed: Numbers, doubt: Numbers, most_windows: Numbers, service_s: Numbers, *,
    every: int, offset: int, most: int, day_cv: float, change: float, expected: Numbers,
) -> list[Followed]:  # fmt: skip
    """For each service time, how many windows call from when on, so that the waiting counts follow the observed ones.

    Greedy, period by period (`every` bins, the first of them `offset` bins): the number of windows that costs least:
    the mean squared distance of the counts in units of their `doubt` (standard error, never 0), plus `change` for each
    window more or less than `expected` (a row for each service time), and for each by which that difference is not the
    one of the period before.
    No more windows than `most_windows`, and at least one where there is any.
    """
    day = factors(day_cv)
    limit = max(1, int(most_windows.max()))
    choice = np.arange(1, limit + 1)
    times = len(service_s)
    rows = times * limit * len(day)
    rate = np.repeat(1 / service_s, limit * len(day))
    factor = np.tile(day, times * limit)
    chance = np.zeros((times, len(day), most + 1))
    chance[:, :, 0] = 1.0
    windows = np.zeros((times, len(per_bin)))
    waiting = np.zeros((times, len(per_bin)))
    cost = np.zeros(times)
    before: Numbers | None = None
    usual_before = np.zeros(times)
    each = np.arange(times)
    for first in [*([0] if offset else []), *range(offset, len(per_bin), every)]:
        period = range(first, min(offset if first < offset else first + every, len(per_bin)))
        top = most_windows[list(period)].max()
        state = np.repeat(chance[:, None], limit, axis=1).reshape(rows, most + 1)
        open_now = np.repeat(np.tile(choice if top > 0 else 0 * choice, times), len(day)).astype(float)
        if before is not None:
            close_some(state, np.repeat(before, limit * len(day)), open_now)
        means = []
        for b in period:
            state, row = pass_bin(state, per_bin[b] * factor, open_now, rate, bin_s)
            means.append(row.reshape(times, limit, len(day)).mean(2))
        mean = np.array(means)
        apart = (mean - observed[list(period), None, None]) / doubt[list(period), None, None]
        price = (apart**2).mean(0) + np.where(choice > max(1, top), 1e9, 0.0)
        if top > 0:
            usual = expected[:, list(period)].mean(1)
            price = price + change * np.abs(choice - usual[:, None])
            if before is not None and before.any():
                price = price + change * np.abs((choice - usual[:, None]) - (before - usual_before)[:, None])
            usual_before = usual
        best = np.argmin(price, axis=1)
        cost += price[each, best]
        for k, b in enumerate(period):
            windows[:, b] = choice[best] if top > 0 else 0
            waiting[:, b] = mean[k][each, best]
        before = windows[:, period[-1]]
        chance = state.reshape(times, limit, len(day), most + 1)[each, best]
    return [Followed(float(service_s[k]), windows[k], waiting[k], float(cost[k])) for k in range(times)]
