"""A study: many days of a scenario, with intervals.

Law: a figure without its interval is not reported. Days are independent replications; a mean per day and a ratio of
sums are both Σa ÷ Σb, with Student's t on the per-day residuals a − (Σa ÷ Σb)·b (delta method). Memory hardly grows
with the days: sums are kept, and of the hall itself each day's pairs (16 bytes a measure), for pairing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from hashlib import sha256
from math import sqrt
from typing import Any

import msgspec

from tidehall.simulation.day import Stage
from tidehall.simulation.intervals import Estimate, Sums, estimate, student
from tidehall.simulation.pairing import Change, changed, parted
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import Pair, Tally, tally

__all__ = ["Comparison", "Estimate", "Result", "Study", "compare", "differences", "estimate", "play_days", "run_study"]

#: Days that one task of a process pool plays.
CHUNK = 10


#: What is kept day by day of the lines and zones too, where a study is to be paired with another.
PAIRED = ("tickets", "wait_mean_s", "wait_p95_s", "wait_within_target", "utilisation", "hand_off_on_time")


class Result(msgspec.Struct, frozen=True):
    """What a study found. `hall` keeps every day's pairs of the whole hall (a, b, a, b…), for pairing with another, and
    `parts` those of its lines and zones ("line:A"), where that was asked for."""

    days: int
    seed: int
    measures: dict[str, Estimate]
    lines: dict[str, dict[str, Estimate]]
    zones: dict[str, dict[str, Estimate]]
    posts: dict[str, dict[str, Estimate]]
    by_half_hour: list[dict[str, Any]]
    hall: dict[str, array[float]]
    journal: str | None = None
    parts: dict[str, dict[str, array[float]]] = {}

    def facts(self) -> dict[str, Any]:
        """The JSON of contract.md."""
        found = {
            name: msgspec.to_builtins(getattr(self, name))
            for name in self.__struct_fields__
            if name not in ("hall", "parts")
        }
        if self.journal is None:
            del found["journal"]
        return found

    def pairs(self, name: str, part: str = "") -> list[Pair]:
        """Every day's pair of a measure of the whole hall, or of a part."""
        kept = (self.parts[part] if part else self.hall)[name]
        return list(zip(kept[::2], kept[1::2], strict=True))


def play_days(scenario: Scenario, seed: int, days: range, *, digest: bool = False) -> Iterator[tuple[Tally, str]]:
    """Play these days; with `digest` also a fingerprint of each day's journal."""
    stage = Stage(scenario)
    encode = msgspec.json.Encoder().encode
    for day in days:
        played = stage.play(seed, day)
        yield tally(scenario, played), sha256(encode(played.events)).hexdigest() if digest else ""


def chunk_of_days(scenario: Scenario, seed: int, days: range, digest: bool) -> list[tuple[Tally, str]]:
    """The same for a process of its own."""
    return list(play_days(scenario, seed, days, digest=digest))


def played_days(scenario: Scenario, seed: int, days: int, jobs: int, digest: bool) -> Iterator[tuple[Tally, str]]:
    """The days in their order, from this process or from several."""
    if jobs <= 1:
        yield from play_days(scenario, seed, range(days), digest=digest)
        return
    from joblib import Parallel, delayed  # type: ignore[import-untyped] # it ships no types; only pools need it

    size = max(1, min(CHUNK, -(-days // jobs)))
    chunks = [range(first, min(first + size, days)) for first in range(0, days, size)]
    work = Parallel(n_jobs=jobs, return_as="generator")
    for part in work(delayed(chunk_of_days)(scenario, seed, chunk, digest) for chunk in chunks):
        yield from part


class Study:
    """Adds up days and says what they show."""

    def __init__(self, seed: int, *, level: float = 0.95, parts: bool = False) -> None:
        """`parts`: keep what is asked to pair lines and zones too."""
        self.seed, self.level = seed, level
        self.parts: dict[str, dict[str, array[float]]] | None = {} if parts else None
        self.sums: dict[str, dict[str, Sums]] = {}
        self.days = 0
        self.hall: dict[str, array[float]] = {}
        self.journal = sha256()

    def add(self, day: Tally, digest: str = "") -> None:
        """One more day."""
        self.days += 1
        for name, pair in day[""].items():
            self.hall.setdefault(name, array("d")).extend(pair)
        if self.parts is not None:
            self.keep_parts(self.parts, day)
        self.journal.update(digest.encode())
        for key, group in day.items():
            sums = self.sums.setdefault(key, {})
            for name, (a, b) in group.items():
                if name not in sums:
                    sums[name] = Sums()
                sums[name].add(a, b)

    def keep_parts(self, parts: dict[str, dict[str, array[float]]], day: Tally) -> None:
        """The day's pairs of lines and zones; a part without this measure on a day has none for it."""
        for key in day:
            if key.startswith(("line:", "zone:")) and key not in parts:
                parts[key] = {name: array("d", [0.0, 0.0] * (self.days - 1)) for name in PAIRED}
        for key, kept in parts.items():
            group = day.get(key, {})
            for name, pairs in kept.items():
                pairs.extend(group.get(name, (0.0, 0.0)))

    def part(self, kind: str) -> dict[str, dict[str, Estimate]]:
        """The estimates of the lines, the zones…, by id."""
        return {key.removeprefix(f"{kind}:"): self.estimates(key) for key in self.sums if key.startswith(f"{kind}:")}

    def estimates(self, key: str) -> dict[str, Estimate]:
        """The estimates of one part of the hall."""
        return {name: sums.estimate(self.level) for name, sums in self.sums[key].items()}

    def result(self, *, digest: bool = False) -> Result:
        """What has been found so far."""
        halves = [{"from": at, **group} for at, group in sorted(self.part("half").items())]
        return Result(
            self.days, self.seed, self.estimates(""), self.part("line"), self.part("zone"), self.part("post"),
            halves, self.hall, self.journal.hexdigest() if digest else None, self.parts or {},
        )  # fmt: skip


def run_study(
    scenario: Scenario, *, days: int = 100, seed: int = 1, jobs: int = 1, level: float = 0.95, digest: bool = False,
    parts: bool = False, progress: Callable[[], object] = lambda: None,
) -> Result:  # fmt: skip
    """Play `days` days of a scenario; `progress` is called after each. `parts`: so that lines and zones can be
    compared too."""
    study = Study(seed, level=level, parts=parts)
    for day, fingerprint in played_days(scenario, seed, days, jobs, digest):
        study.add(day, fingerprint)
        progress()
    return study.result(digest=digest)


class Comparison(msgspec.Struct, frozen=True):
    """A scenario against the first one: differences of the measures, day by day, with the same random numbers.

    `parted`: where the people of the two differ (pairing.py); nowhere: the same people came to both. `changed`: all in
    which the scenarios differ. `lines` and `zones` are those that both have; `base` and `other`: the means of the two.
    """

    scenario: str
    against: str
    parted: tuple[str, ...]
    measures: dict[str, Estimate]
    changed: tuple[Change, ...] = ()
    lines: dict[str, dict[str, Estimate]] = {}
    zones: dict[str, dict[str, Estimate]] = {}
    base: dict[str, float | None] = {}
    other: dict[str, float | None] = {}


def compare(
    names: list[str], scenarios: list[Scenario], results: list[Result], level: float = 0.95
) -> list[Comparison]:
    """Every study against the first; all must have the same seed and days."""
    first, base = scenarios[0], results[0]
    return [
        Comparison(
            name, names[0], parted(first, scenario), differences(base, result, level), changed(first, scenario),
            differences_of("line", base, result, level), differences_of("zone", base, result, level),
            {m: found.mean for m, found in base.measures.items()},
            {m: found.mean for m, found in result.measures.items()},
        )
        for name, scenario, result in zip(names[1:], scenarios[1:], results[1:], strict=True)
    ]  # fmt: skip


def differences(one: Result, other: Result, level: float = 0.95) -> dict[str, Estimate]:
    """other − one of every measure that both have."""
    return {m: difference(one.pairs(m), other.pairs(m), level) for m in one.measures if m in other.measures}


def differences_of(kind: str, one: Result, other: Result, level: float = 0.95) -> dict[str, dict[str, Estimate]]:
    """other − one of the lines (or zones) that both have, by id."""
    return {
        key.removeprefix(f"{kind}:"): {
            m: difference(one.pairs(m, key), other.pairs(m, key), level) for m in one.parts[key]
        }
        for key in one.parts if key in other.parts and key.startswith(f"{kind}:")
    }  # fmt: skip


def difference(one: list[Pair], other: list[Pair], level: float) -> Estimate:
    """other − one of a measure, by their days' pairs, from the days on which both have data."""
    pairs = [(*x, *y) for x, y in zip(one, other, strict=True) if x[1] and y[1]]
    n = len(pairs)
    if not n:
        return Estimate(None, None, level, 0)
    a, b, c, d = (sum(column) for column in zip(*pairs, strict=True))
    mean = c / d - a / b
    if n < 2:
        return Estimate(mean, None, level, n)
    residuals = [(y - c / d * v) / (d / n) - (x - a / b * u) / (b / n) for x, u, y, v in pairs]
    spread = sqrt(sum(r * r for r in residuals) / (n - 1) / n)
    return Estimate(mean, student(level, n) * spread, level, n)
