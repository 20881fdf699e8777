"""Validation: half of a hall's days calibrate, the other half judge.

Law: a judged day has no part in the calibration; the days are taken in turn, by a rule that is the same for all halls.
The error stands beside that of the naive forecast (the same half hour's mean over the calibration days) and beside the
error on the calibration days themselves: what a model cannot follow, and what no model could know, are different.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tidehall.hall.plan import Plan
from tidehall.simulation.calibration import Calibration, LineWaits, LogUnusable, clock
from tidehall.simulation.counters import (
    Counted,
    calibrate_office,
    count_office,
    in_means,
    mean_over_days,
    sum_of,
    usual_days,
)
from tidehall.simulation.scenario import plan_source, read_scenario
from tidehall.simulation.snapshots import Office
from tidehall.simulation.study import run_study
from tidehall.simulation.visits import Log

__all__ = ["HalfHour", "Validation", "halves", "observed_waiting", "simulated_waiting", "validate", "wait_gaps"]

Numbers = NDArray[np.float64]
HALF_HOUR = 1800


class HalfHour(Struct, frozen=True):
    """Mean numbers of people who wait, the whole hall's: as simulated, on the judged days, on the calibration days."""

    begin: str
    simulated: float
    judged: float
    naive: float


class Validation(Struct, frozen=True):
    """One hall's validation. Errors are mean absolute ones over the half hours, in people: of the simulation and of the
    naive forecast on the judged days; `misfit` is the simulation's on the calibration days."""

    office: str
    calibration_days: list[str]
    judged_days: list[str]
    left_out: list[list[str]]
    half_hours: list[HalfHour]
    error: float
    naive_error: float
    misfit: float
    mean: float
    simulated_days: int

    @property
    def relative(self) -> tuple[float, float]:
        """Both errors ÷ the judged days' mean waiting count (0 where nobody waited)."""
        return (self.error / self.mean, self.naive_error / self.mean) if self.mean else (0.0, 0.0)


def wait_gaps(
    found: Calibration, log: Log, plan: Plan, *, days: int = 20, seed: int = 1,
    progress: Callable[[], object] = lambda: None,
) -> list[LineWaits]:  # fmt: skip
    """Mean waits by line, as logged on the days that the calibration rests on and as its scenario plays them. `log`
    must be the calibrated one: its lines are then the plan's."""
    played = run_study(read_scenario(found.tables, plan), days=days, seed=seed, progress=progress)
    waits: dict[str, list[float]] = {}
    for visit in log.visits:
        if visit.day in found.days and visit.called is not None:
            waits.setdefault(visit.line, []).append(visit.called - visit.taken)
    return [
        LineWaits(line.line, fmean(waits[line.line]), played.lines[line.line]["wait_mean_s"].mean)
        for line in found.lines if line.line in waits and line.line in played.lines
    ]  # fmt: skip


def halves(days: Sequence[str]) -> tuple[list[str], list[str]]:
    """Days in turn: the first, third, … calibrate, the second, fourth, … judge."""
    ordered = sorted(days)
    return ordered[::2], ordered[1::2]


def without(counted: Counted, days: Sequence[str]) -> Counted:
    """The hall as if these days had not been seen: letters and pools are found on all days that there are."""
    office = counted.office
    return count_office(Office(office.name, office.lines, [day for day in office.days if day.date not in days]))


def observed_waiting(counted: Counted, days: Sequence[str], opens: int, closes: int) -> Numbers:
    """Mean waiting count of the whole hall in each half hour."""
    edges = np.arange(opens, closes + 1, HALF_HOUR, dtype=float)
    lines = list(counted.office.lines)
    rows = []
    for date in days:
        day, _ = counted.day(date)
        rows.append(in_means(day, sum_of(day.waiting, lines), edges))
    return mean_over_days(rows)


def simulated_waiting(
    found: Calibration, days: int, seed: int, progress: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """Mean waiting count of the whole hall in each half hour, by the real engine."""
    plan = plan_source(found.tables)
    if isinstance(plan, str):
        raise LogUnusable("only a calibration from counts is validated: it holds its plan")
    played = run_study(read_scenario(found.tables, plan), days=days, seed=seed, progress=progress)
    return {str(half["from"]): half["waiting_mean"].mean or 0.0 for half in played.by_half_hour}


def validate(
    counted: Counted, *, days: int = 60, seed: int = 1, swap: bool = False,
    progress: Callable[[], object] = lambda: None,
) -> Validation:  # fmt: skip
    """Calibrate on one half of the hall's usual days and judge on the other; `swap`: the other way round. Raises
    LogUnusable with fewer than two days."""
    kind = usual_days(counted)
    if kind is None or len(kind.days) < 2:
        raise LogUnusable(f"{counted.office.name}: fewer than two usual days")
    mine, others = halves(kind.days)
    if swap:
        mine, others = others, mine
    found = simulated_waiting(calibrate_office(without(counted, others), kind, mine), days, seed, progress)
    naive = observed_waiting(counted, mine, kind.opens, kind.closes)
    judged = observed_waiting(counted, others, kind.opens, kind.closes)
    names = [clock(at) for at in range(kind.opens, kind.closes, HALF_HOUR)]
    simulated = np.array([found.get(name, 0.0) for name in names])
    return Validation(
        counted.office.name, mine, others, [list(x) for x in kind.left_out],
        [HalfHour(*row) for row in zip(names, simulated.tolist(), judged.tolist(), naive.tolist(), strict=True)],
        error=float(np.abs(simulated - judged).mean()), naive_error=float(np.abs(naive - judged).mean()),
        misfit=float(np.abs(simulated - naive).mean()), mean=float(judged.mean()), simulated_days=days,
    )  # fmt: skip
