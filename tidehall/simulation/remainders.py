"""How much longer something lasts that has lasted for a while already.

Law: X given X > s, by inverse survival: one chance in (0, 1] gives one duration, and with s = 0 it is a fresh draw.
What a distribution thinks impossible (longer than its longest) has happened all the same: then it may last as long
again, exponentially, as nothing better is known.
"""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from tidehall.simulation.tables import Distribution

__all__ = ["gamma", "lognormal", "remaining", "survival"]

#: Below this share nothing is left to divide by; a gamma's tail is then exponential.
FAR = 1e-280


def lognormal(d: Distribution) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm."""
    spread = log(1 + d.cv * d.cv)
    return log(d.mean_s) - spread / 2, sqrt(spread)


def gamma(d: Distribution) -> tuple[float, float]:
    """Shape and scale, of an Erlang too."""
    shape = 1 / (d.cv * d.cv) if d.distribution == "gamma" else float(d.phases)
    return shape, d.mean_s / shape


def observed(d: Distribution) -> NDArray[np.float64]:
    """The values of an empirical distribution, in order."""
    values = np.sort(np.array(d.values))
    return values * (d.mean_s / values.mean()) if d.mean_s else values


def survival(d: Distribution, s: float) -> float:
    """The share that lasts longer than `s` seconds."""
    from scipy import special  # type: ignore[import-untyped] # no types; here, for its import is slow

    if s <= 0:
        return 1.0
    match d.distribution:
        case "exponential":
            return exp(-s / d.mean_s)
        case "lognormal":
            middle, spread = lognormal(d)
            return float(special.ndtr((middle - log(s)) / spread))
        case "gamma" | "erlang":
            shape, scale = gamma(d)
            return float(special.gammaincc(shape, s / scale))
        case "deterministic":
            return float(s < d.mean_s)
        case "empirical":
            return float(np.mean(observed(d) > s))


def remaining(d: Distribution, s: float, chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each chance in (0, 1], how many seconds more, after `s`."""
    from scipy import special

    s = max(0.0, s)
    match d.distribution:
        case "exponential":
            return -d.mean_s * np.log(chances)
        case "lognormal":
            middle, spread = lognormal(d)
            past = float(special.log_ndtr((middle - log(s)) / spread)) if s else 0.0
            whole: NDArray[np.float64] = np.exp(middle - spread * special.ndtri_exp(np.log(chances) + past))
            return np.maximum(whole - s, 0.0)
        case "gamma" | "erlang":
            shape, scale = gamma(d)
            left = float(special.gammaincc(shape, s / scale))
            if left < FAR:
                return -scale * np.log(chances)
            lasts: NDArray[np.float64] = scale * special.gammainccinv(shape, chances * left)
            return np.maximum(lasts - s, 0.0)
        case "deterministic":
            if s <= d.mean_s:
                return np.full(len(chances), d.mean_s - s)
            return -s * np.log(chances)
        case "empirical":
            values = observed(d)
            longer = values[np.searchsorted(values, s, "right") :] if s else values
            if not len(longer):
                return -s * np.log(chances)
            return longer[np.ceil(chances * len(longer)).astype(np.int64) - 1] - s
