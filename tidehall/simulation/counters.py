"""A scenario from counter snapshots: the plan, who comes, how fast the windows really are, when they stand open.

The count of open windows is what the board shows; how many of them really call, and how long a citizen really holds a
window, no count tells. So each pool gets the pair (share of the windows, service time) with which a queue of its
arrivals has the waiting counts that were observed; the time from busy moments is reported beside it.

Law: no figure of one hall stands here; every constant is a rule for all halls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidehall.simulation.calibration import Calibration, LineFigures, LogUnusable, PoolFigures, Unknown, clock
from tidehall.simulation.fitting import day_factor, shrunk_profile, smooth
from tidehall.simulation.pools import find_pools
from tidehall.simulation.snapshots import DaySteps, Office, SnapshotDay, steps
from tidehall.simulation.transient import follow_counts, work_of
from tidehall.simulation.working_days import DayFacts, Kind, choose_days

__all__ = ["Counted", "calibrate_office", "count_office", "usual_days"]

Numbers = NDArray[np.float64]
#: Bins of the day in which arrivals, windows and waiting are held (seconds).
BIN = 900
#: Numbers are given this long before the opening at most.
BEFORE = 900
#: People of the hall's own shape that a line's profile is mixed with.
STRENGTH = 30.0
#: Shares of the shown windows that may be the ones that call: so much of the time in busy moments is a citizen's.
SHARES = np.geomspace(0.2, 2.5, 12)
#: What a service time costs that is not the one of busy moments: of its squared logarithm.
TRUST = 8.0
#: What each window costs by which those that call differ from the share of the shown ones, and each by which that
#: difference is not the one of the half hour before.
CHANGE = 3.0
#: Service time (seconds) where nothing at all shows it.
ASSUMED_S = 600.0
#: Steps with people waiting all the time from which on they tell a time.
BUSY_STEPS = 20
#: More lines than this are no hall's: pools are sought among all pairs of them.
MOST_LINES = 200
#: Chances that may be worked out for a hall (transient.py: work_of); real ones need up to 2e8, a second or so.
MOST_WORK = 4e9
#: Where nobody says in which time zone a hall is.
ASSUMED_ZONE = "Asia/Shanghai"
#: A plan has one letter a line.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(slots=True)
class Counted:
    """A hall's snapshots as people: per day and line what happened between them."""

    office: Office
    steps: list[dict[str, DaySteps]]
    facts: list[DayFacts] = field(default_factory=list)

    def day(self, date: str) -> tuple[SnapshotDay, dict[str, DaySteps]]:
        """One day's snapshots and steps."""
        i = next(i for i, day in enumerate(self.office.days) if day.date == date)
        return self.office.days[i], self.steps[i]


@dataclass(slots=True)
class Coming:
    """Who comes: each line's mean citizens per bin and own day factor's cv, and the whole hall's."""

    per_bin: dict[str, Numbers]
    own_cv: dict[str, float]
    whole_cv: float

    def people(self, lines: list[str]) -> Numbers:
        """Mean citizens per bin of some lines together."""
        found: Numbers = np.sum([self.per_bin[line] for line in lines], axis=0)
        return found

    def cv(self, lines: list[str]) -> float:
        """The day factor's cv of some lines together, without the whole hall's."""
        total = sum(float(self.per_bin[line].sum()) for line in lines)
        own = sum((float(self.per_bin[line].sum()) * self.own_cv[line]) ** 2 for line in lines)
        return own**0.5 / total if total else 0.0


@dataclass(slots=True)
class Pool:
    """Lines that share windows: per bin the windows shown and, once fitted, those that call."""

    lines: list[str]
    shown: Numbers
    calling: Numbers
    busy_s: float | None
    busy_steps: int
    service_s: float = ASSUMED_S
    ratio: dict[str, float] = field(default_factory=dict)
    share: float = 1.0
    observed: float = 0.0
    work: float = 0.0
    expected: Numbers = field(default_factory=lambda: np.zeros(0))


def count_office(office: Office) -> Counted:
    """Turn counts into people, and each day into its facts."""
    found = Counted(office, steps(office))
    for day, lines in zip(office.days, found.steps, strict=True):
        came = sum((s.came for s in lines.values()), np.zeros(len(day.at)))
        people = np.cumsum(came)
        total = float(people[-1]) if len(people) else 0.0
        first = day.at[int(np.searchsorted(people, 0.5))] if total >= 1 else 0
        last = day.at[int(np.searchsorted(people, total - max(0.5, 0.005 * total)))] if total >= 1 else 0
        found.facts.append(DayFacts(day.date, total, float(first), float(last), len(day.at)))
    return found


def usual_days(counted: Counted, weekdays: set[int] | None = None) -> Kind | None:
    """The hall's usual kind of day."""
    return choose_days(counted.facts, weekdays)


def calibrate_office(
    counted: Counted, kind: Kind, days: Sequence[str] | None = None, *, time_zone: str | None = None
) -> Calibration:
    """The scenario of these days of a kind (all of them by default). The snapshots' times are local ones, of this zone
    (None: one is assumed, and said). Raises LogUnusable where the counts are too large to be a hall's."""
    days = kind.days if days is None else tuple(days)
    chosen = [counted.day(date) for date in days]
    begin = max(0, kind.opens - BEFORE)
    edges = np.arange(begin, kind.closes + 1, BIN, dtype=float)
    lines = list(counted.office.lines)
    came = {line: np.array([in_bins(day, steps[line].came, edges) for day, steps in chosen]) for line in lines}
    demand = {line: float(came[line].sum()) / len(days) for line in lines}
    used = [line for line in lines if demand[line] * len(days) >= 1]
    unknown = [Unknown("cv_assumed"), Unknown("no_show_unseen"), Unknown("walk_unseen"), Unknown("patience_unseen")]
    if len(used) > MOST_LINES:
        raise LogUnusable(f"{len(used)} lines: no hall has more than {MOST_LINES}; look at the column of the lines")
    if len(used) < len(lines):
        unknown.append(Unknown("lines_unused", {"n": len(lines) - len(used)}))
    lost = sum(float(steps[line].vanished.sum()) for _, steps in chosen for line in used)
    total = sum(demand.values())
    unknown.append(Unknown("vanished", {"n": round(lost / len(days), 1), "of": round(total, 1)}))
    coming = coming_people(used, came, len(days))
    pools: list[Pool] = []
    for together in find_pools(counted.office.days, used, demand, kind.opens, kind.closes):
        left = MOST_WORK - sum(pool.work for pool in pools)
        pools.append(fit_pool(together, chosen, coming, edges, kind.opens, left))
    if time_zone is None:
        unknown.append(Unknown("time_zone_assumed", {"zone": ASSUMED_ZONE}))
    return written(counted.office, kind, days, pools, coming, edges, unknown, time_zone or ASSUMED_ZONE)


def coming_people(lines: list[str], came: dict[str, Numbers], days: int) -> Coming:
    """Profiles and day factors. The whole hall's factor is what its lines have in common: the mean covariance of their
    counts, day by day, relative to their means; a line's own is what it varies beyond that and beyond chance."""
    hall = np.sum([came[line].sum(0) for line in lines], axis=0)
    per_bin = {line: smooth(shrunk_profile(came[line].sum(0), hall, STRENGTH)) / days for line in lines}
    counts = {line: came[line].sum(1) for line in lines}
    weights = sum(float(n.mean()) for n in counts.values())
    common = 0.0
    if days > 1 and weights:
        together = float(np.var(np.sum(list(counts.values()), axis=0), ddof=1))
        alone = sum(float(np.var(n, ddof=1)) for n in counts.values())
        pairs = weights**2 - sum(float(n.mean()) ** 2 for n in counts.values())
        common = max(0.0, (together - alone) / pairs) ** 0.5 if pairs > 0 else 0.0
    own = {line: max(0.0, day_factor(list(n)) ** 2 - common**2) ** 0.5 for line, n in counts.items()}
    return Coming(per_bin, {line: min(cv, 1.0) for line, cv in own.items()}, min(common, 1.0))


def unseen(lines: str, pool: Pool) -> list[Unknown]:
    """What the counts do not tell of a pool; `lines` names its lines as the scenario does."""
    found = []
    if not pool.calling.any():
        found.append(Unknown("never_called", {"lines": lines, "service": f"{pool.service_s:.0f}"}))
    elif pool.busy_s is None:
        found.append(Unknown("service_unseen", {"lines": lines}))
    if len(pool.lines) > 1:
        found.append(Unknown("shared_windows", {"lines": lines}))
    return found


def in_bins(day: SnapshotDay, people: Numbers, edges: Numbers) -> Numbers:
    """People of each step, put where the step was: half way from the snapshot before; the hall's first ones at its
    opening, and nobody after the last bin."""
    at = np.array(day.at, float)
    middle = (at + np.concatenate((at[:1], at[:-1]))) / 2
    middle = np.maximum(middle, edges[0])
    found: Numbers = np.histogram(middle, edges, weights=people)[0]
    return found


def in_means(day: SnapshotDay, values: Numbers, edges: Numbers) -> Numbers:
    """Mean of what the snapshots of each bin show; nan where there is none."""
    at = np.array(day.at, float)
    n = np.histogram(at, edges)[0]
    total = np.histogram(at, edges, weights=values)[0]
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def mean_over_days(rows: list[Numbers]) -> Numbers:
    """The mean of what is there; 0 where nothing is."""
    table = np.array(rows)
    there = ~np.isnan(table)
    found: Numbers = np.where(there, table, 0.0).sum(0) / np.maximum(there.sum(0), 1)
    return found


def fit_pool(
    lines: list[str], chosen: list[tuple[SnapshotDay, dict[str, DaySteps]]], coming: Coming, edges: Numbers, opens: int,
    most_work: float,
) -> Pool:  # fmt: skip
    """What a pool's windows are like. Raises LogUnusable where finding it out would be more than `most_work`."""
    shown = mean_over_days([in_means(day, most_windows(day, lines), edges) for day, _ in chosen])
    observed = mean_over_days([in_means(day, sum_of(day.waiting, lines), edges) for day, _ in chosen])
    per_bin = coming.people(lines)
    gone = mean_over_days(
        [in_bins(d, np.sum([s[x].called + s[x].vanished for x in lines], axis=0), edges) for d, s in chosen]
    )
    shown = np.where((shown < 0.5) & (gone > 0.1), np.maximum(shown, 1.0), shown)
    busy_s, busy, ratio = busy_service(lines, chosen, edges[0], edges[-1])
    pool = Pool(
        lines, shown, np.rint(shown), busy_s, busy, ratio=ratio, observed=float(observed[edges[:-1] >= opens].mean())
    )
    start = busy_s if busy_s is not None else guess(shown, per_bin)
    pool.service_s = start
    if observed.mean() < 0.01 or per_bin.sum() <= 0:
        return pool
    counts = np.array([in_means(day, sum_of(day.waiting, lines), edges) for day, _ in chosen])
    top = max(float(sum_of(day.waiting, lines).max()) for day, _ in chosen)
    ever = max(float(np.quantile(most_windows(day, lines), 0.98)) for day, _ in chosen)
    limits = np.where(shown > 0.25, max(1.0, round(float(shown.max())), ever), 0.0)
    offset = int(np.searchsorted(edges, opens))
    limits[:offset] = 0
    most = int(min(400, max(20, 2.0 * top + shown.max() + 10)))
    cv = (coming.cv(lines) ** 2 + coming.whole_cv**2) ** 0.5
    # all windows together never need to be much faster than people come; the equations' steps grow with that
    times = np.maximum(start * SHARES, limits.max() * BIN / (8 * per_bin.max() + 40))
    pool.work = work_of(per_bin, BIN, limits, times, most=most, day_cv=cv)
    if pool.work > most_work:
        raise LogUnusable(
            f"counts that no hall has: {float(per_bin.max()):.0f} people in a quarter of an hour before "
            f"{limits.max():.0f} windows (lines {', '.join(lines[:5])}); look at the columns of who waits, of the "
            "windows and of the numbers"
        )
    ways = follow_counts(
        per_bin, BIN, observed, doubt_of(counts, observed), limits, times, every=2,
        offset=offset, most=most, day_cv=cv, change=CHANGE,
        expected=shown * (times / start)[:, None],
    )  # fmt: skip
    best = min(ways, key=lambda way: way.cost + TRUST * log(way.service_s / start) ** 2)
    pool.expected = best.waiting
    pool.service_s, pool.calling, pool.share = best.service_s, best.windows, best.service_s / start
    return pool


def doubt_of(counts: Numbers, mean: Numbers) -> Numbers:
    """How sure the mean waiting count of each bin is: its standard error over the days, and never surer than a tenth
    of a person and a twentieth of the count."""
    there = np.maximum(1, (~np.isnan(counts)).sum(0))
    spread = np.where(np.isnan(counts), 0.0, (counts - mean) ** 2).sum(0) / there
    found: Numbers = np.sqrt(spread / there) + 0.1 + 0.05 * mean
    return found


def most_windows(day: SnapshotDay, lines: list[str]) -> Numbers:
    """The pool's windows: as many as the line with the most shows."""
    found: Numbers = np.max([day.windows[line] for line in lines], axis=0)
    return found


def sum_of(values: dict[str, Numbers], lines: list[str]) -> Numbers:
    found: Numbers = np.sum([values[line] for line in lines], axis=0)
    return found


def guess(shown: Numbers, per_bin: Numbers) -> float:
    """A service time that keeps the windows half busy."""
    return min(3600.0, max(30.0, 0.5 * float(shown.sum()) * BIN / max(float(per_bin.sum()), 1e-9)))


def busy_service(
    lines: list[str], chosen: list[tuple[SnapshotDay, dict[str, DaySteps]]], begin: float, end: float
) -> tuple[float | None, int, dict[str, float]]:
    """Window time per citizen while people wait: (seconds, steps it rests on, each line's share of it as a ratio)."""
    spent: list[float] = []
    gone: list[list[float]] = []
    for day, mine in chosen:
        at = np.array(day.at, float)
        waiting, windows = sum_of(day.waiting, lines), most_windows(day, lines)
        for i in range(1, len(at)):
            if begin < at[i] <= end and at[i] - at[i - 1] < 2 * BIN and min(waiting[i - 1 : i + 1]) >= 1:
                spent.append(float(windows[i - 1] + windows[i]) / 2 * (at[i] - at[i - 1]))
                gone.append([float(mine[line].called[i] + mine[line].vanished[i]) for line in lines])
    a, b = np.array(gone).reshape(len(gone), len(lines)), np.array(spent)
    even = dict.fromkeys(lines, 1.0)
    if len(b) < BUSY_STEPS or a.sum() < BUSY_STEPS or b.sum() <= 0:
        return None, len(b), even
    mean = float(b.sum() / a.sum())
    if len(lines) == 1:
        return mean, len(b), even
    noise = float(np.var(b - a.sum(1) * mean)) ** 0.5
    weight = noise / (0.5 * mean)  # a line's own time lies within half of the pool's, unless more is seen
    rows = np.vstack([a, weight * np.eye(len(lines))])
    found = np.linalg.lstsq(rows, np.concatenate([b, np.full(len(lines), weight * mean)]), rcond=None)[0]
    return mean, len(b), {x: float(np.clip(s / mean, 0.25, 4.0)) for x, s in zip(lines, found, strict=True)}


def written(
    office: Office, kind: Kind, days: Sequence[str], pools: list[Pool], coming: Coming, edges: Numbers,
    unknown: list[Unknown], time_zone: str,
) -> Calibration:  # fmt: skip
    """The calibration as a scenario's tables, with the hall's plan inside."""
    groups = merged(pools, coming)
    if len(groups) < sum(len(pool.lines) for pool in pools):
        unknown.append(Unknown("lines_merged", {"n": sum(len(p.lines) for p in pools), "letters": len(groups)}))
    free = [letter for letter in LETTERS if letter not in {office.lines[g[1][0]].letter for g in groups}]
    tables: dict[str, Any] = {
        "hall": {
            "hall": {
                "id": slug(office.name), "name": {"zh": office.name, "en": office.name}, "time_zone": time_zone,
                "hours": [[clock(kind.opens), clock(kind.closes)]],
                "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            },
            "zones": [], "lines": [], "windows": [],
        },
        "day": {"date": days[-1]},
        "demand": {"day_factor_cv": round(coming.whole_cv, 4), "lines": {}},
        "service": {"lines": {}},
        "windows": {},
    }  # fmt: skip
    plan = tables["hall"]
    figures: list[LineFigures] = []
    found: list[PoolFigures] = []
    taken: set[str] = set()
    for p, pool in enumerate(pools, 1):
        zone = f"p{p}"
        mine = [lines for where, lines in groups if where is pool]
        ids = []
        names = []
        weight = {line: float(coming.per_bin[line].sum()) for line in pool.lines}
        middle = sum(weight[x] * pool.ratio[x] for x in pool.lines) / max(sum(weight.values()), 1e-9)
        for lines in mine:
            name = office.lines[lines[0]]
            letter = name.letter if name.letter in set(LETTERS) - taken else free.pop(0)
            taken.add(letter)
            id = f"l{slug(lines[0])}"
            if id in tables["demand"]["lines"]:  # names of other scripts leave nothing of themselves in an id
                id = f"{id}-{len(figures) + 1}"
            ids.append(id)
            names.append(f"{letter} ({id})")
            title = " + ".join(office.lines[line].name for line in lines)[:120]
            ratio = sum(weight[x] * pool.ratio[x] for x in lines) / max(sum(weight[x] for x in lines), 1e-9) / middle
            service = {"distribution": "exponential", "mean_s": round(pool.service_s * ratio, 1)}
            plan["lines"].append(
                {"id": id, "letter": letter, "zone": zone, "name": {"zh": title, "en": title},
                 "service_s": service["mean_s"]}
            )  # fmt: skip
            profile, factor = coming.people(lines), coming.cv(lines)
            tables["demand"]["lines"][id] = {
                "profile": [
                    *([clock(int(at)), round(float(n) * 3600 / BIN, 3)]
                      for at, n in zip(edges[:-1], profile, strict=True)),
                    [clock(kind.closes), 0.0],
                ],
                "day_factor_cv": round(factor, 4),
            }  # fmt: skip
            tables["service"]["lines"][id] = service
            figures.append(
                LineFigures(id, title, float(profile.sum()), factor, service, None, pool.busy_steps,
                            {"zone": zone, "letter": letter})
            )  # fmt: skip
        unknown += unseen(", ".join(names), pool)
        windows = max(1, int(pool.calling.max()))
        expected = float(pool.expected[edges[:-1] >= kind.opens].mean()) if len(pool.expected) else 0.0
        found.append(PoolFigures(zone, ids, pool.busy_s, pool.busy_steps, pool.service_s, float(pool.shown.max()),
                                 windows, pool.observed, expected))  # fmt: skip
        plan["windows"] += [
            {"id": f"{zone}w{n}", "label": str(n), "zone": zone, "lines": ids} for n in range(1, windows + 1)
        ]
        tables["windows"][zone] = roster = window_steps(pool.calling, edges, kind)
        plan["zones"].append({"id": zone, "name": {"zh": f"窗口组 {p}", "en": f"Windows {p}"}, "roster": roster})
    return Calibration(tables, figures, unknown, list(days), [list(x) for x in kind.left_out], found)


def window_steps(calling: Numbers, edges: Numbers, kind: Kind) -> list[list[Any]]:
    """From a time on, how many windows call."""
    found: list[list[Any]] = []
    for at, n in zip(edges[:-1], calling, strict=True):
        if at >= kind.opens and (not found or found[-1][1] != int(n)):
            found.append([clock(int(at)), int(n)])
    return found


def merged(pools: list[Pool], coming: Coming) -> list[tuple[Pool, list[str]]]:
    """Lines as the plan can hold them: where there are more than letters, the least used ones of a pool become one
    (they share their windows: nobody's wait changes by it)."""
    groups = [(pool, [line]) for pool in pools for line in pool.lines]

    def people(group: tuple[Pool, list[str]]) -> float:
        return float(coming.people(group[1]).sum())

    while len(groups) > len(LETTERS):
        groups.sort(key=people)
        pair = next(
            ((i, j) for i in range(len(groups)) for j in range(i + 1, len(groups)) if groups[i][0] is groups[j][0]),
            None,
        )
        if pair is None:  # more pools than letters: the two least used become one, with the windows of both
            (one, lines), (other, more) = groups[0], groups[1]
            other.calling, other.lines = other.calling + one.calling, other.lines + one.lines
            other.ratio |= {x: one.ratio[x] * one.service_s / other.service_s for x in one.lines}
            pools.remove(one)
            groups[:2] = [(other, more + lines)]
        else:
            i, j = pair
            groups[j] = (groups[j][0], groups[j][1] + groups[i][1])
            del groups[i]
    return groups


def slug(text: str) -> str:
    """An id as plans want it."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "x"
