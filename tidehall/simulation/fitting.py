"""Fitting: a distribution to durations, a profile to arrivals, a spread to days.

Law: every fit says how good it is (Kolmogorov–Smirnov distance) and from how much; nothing is fitted to what is not
there. Durations are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

__all__ = ["ServiceFit", "day_factor", "fit_durations", "ks_distance", "shrunk_profile", "smooth"]

Numbers = NDArray[np.float64]
#: A named distribution further from the data than this (and than chance explains) gives way to the data themselves.
FAR = 0.08
#: Durations from which on the data may stand for themselves.
ENOUGH = 100
#: Quantiles that an empirical distribution keeps.
QUANTILES = 200


class ServiceFit(Struct, frozen=True):
    """A fitted distribution: `table` is the scenario's, `ks` the largest distance between its distribution function and
    the data's, `n` how many durations."""

    table: dict[str, Any]
    mean_s: float
    cv: float
    ks: float
    n: int


def ks_distance(values: Numbers, at_most: Numbers) -> float:
    """Kolmogorov–Smirnov distance of sorted values from a distribution function's values at them."""
    n = len(values)
    steps = np.arange(1, n + 1) / n
    return float(max(np.max(steps - at_most), np.max(at_most - (steps - 1 / n))))


def distribution_function(name: str, values: Numbers, mean: float, cv: float) -> Numbers:
    """How likely at most each value is."""
    from scipy.special import gammainc, ndtr  # type: ignore[import-untyped] # no types; here, for its import is slow

    found: Numbers
    match name:
        case "exponential":
            found = 1 - np.exp(-values / mean)
        case "gamma":
            found = gammainc(1 / cv**2, values / (mean * cv**2))
        case _:
            spread = log(1 + cv * cv)
            found = ndtr((np.log(np.maximum(values, 1e-9)) - (log(mean) - spread / 2)) / sqrt(spread))
    return found


def fit_durations(durations: Sequence[float]) -> ServiceFit:
    """The scenario's distribution that lies nearest to the durations (mean and cv are the data's); the data themselves,
    as 200 quantiles, where none is near. At least two durations above 0 are needed."""
    values = np.sort(np.asarray(durations, float))
    values = values[values > 0]
    n, mean = len(values), float(values.mean())
    cv = float(values.std(ddof=1) / mean)
    if cv < 0.01:
        return ServiceFit({"distribution": "deterministic", "mean_s": round(mean, 3)}, mean, cv, 0.0, n)
    names = ["lognormal", "gamma", *(["exponential"] if 0.9 <= cv <= 1.1 else [])]
    ks, name = min((ks_distance(values, distribution_function(name, values, mean, cv)), name) for name in names)
    if ks > max(FAR, 1.63 / sqrt(n)) and n >= ENOUGH:
        kept = np.quantile(values, (np.arange(min(QUANTILES, n)) + 0.5) / min(QUANTILES, n))
        near = np.searchsorted(kept, values, "right") / len(kept)
        table = {"distribution": "empirical", "values": [round(float(v), 3) for v in kept], "mean_s": round(mean, 3)}
        return ServiceFit(table, mean, cv, float(np.max(np.abs(near - np.arange(1, n + 1) / n))), n)
    table = {"distribution": name, "mean_s": round(mean, 3)} | ({} if name == "exponential" else {"cv": round(cv, 4)})
    return ServiceFit(table, mean, cv, ks, n)


def day_factor(counts: Sequence[float]) -> float:
    """The day-level factor's coefficient of variation: what the days' counts vary beyond chance (Poisson). 0 where
    chance explains them; needs two days."""
    if len(counts) < 2:
        return 0.0
    mean, variance = float(np.mean(counts)), float(np.var(counts, ddof=1))
    return sqrt(max(0.0, variance - mean)) / mean if mean > 0 else 0.0


def smooth(counts: Numbers, keep: int = 2) -> Numbers:
    """Neighbouring bins share a quarter each, from the first bin with anybody in it on; that one and those up to `keep`
    after it stay (the rush at the door is no noise), and the last with anybody in it stays. The sum stays the same."""
    used = np.flatnonzero(counts)
    if len(used) < 4:
        return counts
    begin, end = int(used[0]) + keep, int(used[-1])
    found = counts.copy()
    if end - begin < 3:
        return counts
    part = counts[begin:end]
    ends = np.concatenate(([part[0]], part, [part[-1]]))
    found[begin:end] = (ends[:-2] + 2 * part + ends[2:]) / 4
    total: Numbers = found * (counts.sum() / found.sum())
    return total


def shrunk_profile(counts: Numbers, shape: Numbers, strength: float) -> Numbers:
    """Counts per bin, pulled towards a `shape` as if `strength` people of it had been seen: little is known of a line
    to which few come. The sum stays the counts'."""
    total, whole = counts.sum(), shape.sum()
    if not total or not whole:
        return counts
    mixed = counts + strength * shape / whole
    found: Numbers = mixed * (total / mixed.sum())
    return found
