"""Calibration: a scenario from what a hall's log or journal shows (issue C, item 6).

Law: every figure of the scenario comes from the log, or it stands in the list of what could not be known. That list is
data (a code and numbers); its words are in locales, zh and en.

Sources: the hall's own journal and per-citizen logs (here, through visits.py); counter snapshots (counters.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
from msgspec import Struct, field, to_builtins
from numpy.typing import NDArray

from tidehall.hall.calendar import Schedule
from tidehall.hall.plan import Plan
from tidehall.simulation.doubts import distinct, gaps, missing_days
from tidehall.simulation.fitting import ServiceFit, day_factor, fit_durations
from tidehall.simulation.visits import Log, Opening, Visit
from tidehall.simulation.working_days import DayFacts, choose_days

__all__ = [
    "Calibration",
    "LineFigures",
    "LineWaits",
    "LogUnusable",
    "PoolFigures",
    "Unknown",
    "calibrate_log",
    "clock",
    "scenario_text",
]

Numbers = NDArray[np.float64]
HALF_HOUR = 1800
#: A window's last service ended for want of people, not of a clerk, if less than this (seconds) was left of a session;
#: its first one began late for want of people if it was as near to the beginning.
NEAR = 3600.0
#: Who is called within this time (seconds) found a window open that had nobody.
AT_ONCE = 60.0
#: Days and stretches of a list that are told.
MOST_LISTED = 10
#: Services of a line under which its pool's, the zone's, are taken.
FEWEST = 20
#: A pause between two citizens longer than this is no changeover (seconds).
LONGEST_PAUSE = 600.0


class LogUnusable(Exception):
    """Nothing can be calibrated from this log; the text says why."""


class Unknown(Struct, frozen=True):
    """Something that the log could not tell: `calibration.unknown.CODE` in locales, filled with `values`."""

    code: str
    values: dict[str, Any] = {}


class LineFigures(Struct, frozen=True):
    """What was found of a line: citizens a day, its own day factor, its service distribution with the goodness figure
    `ks` (None: durations were not seen) and how many durations (or busy steps) it rests on."""

    line: str
    name: str
    came_per_day: float
    day_factor_cv: float
    service: dict[str, Any]
    ks: float | None
    n: int
    more: dict[str, Any] = {}


class PoolFigures(Struct):
    """What was found of lines that share windows, from counts. `busy_s`: window time per citizen while people wait
    (None: they hardly did), from so many `busy_steps`; `service_s`: the service time that follows the `observed`
    mean waiting count best, with at most `calling` of the `shown` windows, and the count `expected` with it."""

    zone: str
    lines: list[str]
    busy_s: float | None
    busy_steps: int
    service_s: float
    shown: float
    calling: int
    observed: float
    expected: float


class LineWaits(Struct, frozen=True):
    """A line's mean wait (seconds) from the number to the call: in the log, and in the scenario calibrated from it
    (None: it calls nobody there)."""

    line: str
    logged: float
    simulated: float | None


class Calibration(Struct):
    """A calibrated scenario as plain tables, the figures behind it, and what is not known. `left_out`: [day, why].
    `waits`: where it was played (validation.py)."""

    tables: dict[str, Any]
    lines: list[LineFigures]
    unknown: list[Unknown]
    days: list[str]
    left_out: list[list[str]] = field(default_factory=list)
    pools: list[PoolFigures] = field(default_factory=list)
    waits: list[LineWaits] = field(default_factory=list)


def clock(seconds: int) -> str:
    """HH:MM of seconds after midnight."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"


def scenario_text(found: Calibration, remarks: Sequence[str]) -> str:
    """The scenario as TOML, the remarks above it as comments."""
    import tomli_w

    lines = [part for remark in remarks for part in remark.splitlines()]
    return "".join(f"# {line}\n" if line else "#\n" for line in lines) + "\n" + tomli_w.dumps(found.tables)


def named(plan: Plan) -> tuple[dict[str, str], dict[str, str]]:
    """What lines and windows may be called in a log → their ids."""
    lines: dict[str, str] = {}
    for line in plan.lines:
        for text in (line.id, line.letter, *line.name.values()):
            lines.setdefault(text.strip().lower(), line.id)
    windows: dict[str, str] = {}
    labels = Counter(window.label.strip().lower() for window in plan.windows)
    for window in plan.windows:
        windows[window.id.lower()] = window.id
    for window in plan.windows:
        if labels[window.label.strip().lower()] == 1:
            windows.setdefault(window.label.strip().lower(), window.id)
    return lines, windows


def calibrate_log(log: Log, plan: Plan, plan_name: str | None, *, weekdays: set[int] | None = None) -> Calibration:
    """The scenario of a log's usual kind of day, on `plan`; its file's name is written into it, or without one the plan
    itself. Raises LogUnusable."""
    lines, windows = named(plan)
    strange = Counter(v.line for v in log.visits if v.line.strip().lower() not in lines)
    visits: list[Visit] = []
    for visit in log.visits:
        if visit.line.strip().lower() in lines:
            visit.line = lines[visit.line.strip().lower()]
            visits.append(visit)
    if not visits:
        why = f"its lines ({', '.join(map(repr, list(strange)[:5]))}) are not the plan's" if strange else "it is empty"
        raise LogUnusable(f"no visit can be used: {why}")
    unknown = [Unknown("lines_strange", {"lines": ", ".join(sorted(strange)), "n": strange.total()})] if strange else []
    visits, doubled, alike = distinct(visits)
    unknown += [Unknown(f"rows_{code}", {"n": n}) for code, n in (("doubled", doubled), ("alike", alike)) if n]
    kind = choose_days(facts_of(visits), weekdays)
    if kind is None or not kind.days:
        raise LogUnusable("no day can be used: nobody came on any")
    chosen = set(kind.days)
    mine = [visit for visit in visits if visit.day in chosen]
    days = len(kind.days)
    if days < 5:
        unknown.append(Unknown("days_few", {"n": days}))
    source = {"hall": bare(to_builtins(plan))} if plan_name is None else {"plan": plan_name}
    tables: dict[str, Any] = source | {"day": {"date": day_of(mine, kind.days, plan, unknown)}}
    unknown += holes(visits, mine, kind.days, Schedule(plan), weekdays)
    counts = Counter(v.day for v in mine)
    whole_cv = day_factor([counts[day] for day in kind.days])
    tables["demand"] = {"day_factor_cv": round(min(whole_cv, 2.0), 4), "lines": {}}
    tables["service"] = {"lines": {}}
    figures = []
    by_line = {line.id: [v for v in mine if v.line == line.id] for line in plan.lines}
    spans = {line: durations(some) for line, some in by_line.items()}
    zone_of = {line.id: line.zone for line in plan.lines}
    for line, some in by_line.items():
        if not some:
            continue
        profile, factor = arrivals(some, kind.days, whole_cv)
        tables["demand"]["lines"][line] = {"profile": profile, "day_factor_cv": round(factor, 4)}
        fit = service_of(line, spans, zone_of, unknown)
        if fit is not None:
            tables["service"]["lines"][line] = fit.table
        figures.append(
            LineFigures(line, line, len(some) / days, factor, {} if fit is None else fit.table,
                        None if fit is None else fit.ks, len(spans[line]) if fit is None else fit.n)
        )  # fmt: skip
    silent = [line for line, some in by_line.items() if not some]
    if silent:
        unknown.append(Unknown("lines_unused", {"n": len(silent)}))
    tables["people"] = people_of(mine, log, plan, unknown)
    clerks = clerks_of(mine)
    if clerks:
        tables["clerks"] = clerks
    opened = windows_of(log, plan, windows, kind.days, unknown)
    shut = unused_zones(plan, {visit.line for visit in mine}) - opened.keys()
    if shut:
        unknown.append(Unknown("zones_unused", {"zones": ", ".join(sorted(shut)), "n": len(shut)}))
    if opened or shut:
        tables["windows"] = opened | {zone: [["00:00", 0]] for zone in sorted(shut)}
    unknown.append(Unknown("offices_unseen"))
    return Calibration(tables, figures, unknown, list(kind.days), [list(x) for x in kind.left_out])


def day_of(visits: list[Visit], days: Sequence[str], plan: Plan, unknown: list[Unknown]) -> str:
    """The day that the scenario plays: the log's last on which the plan's hall is open, else the next open one. What
    else of the log the plan's hours do not fit is noted."""
    schedule = Schedule(plan)
    begins, ends = schedule.sessions[0][0] * 60 - plan.limits.issue_before_open_s, schedule.sessions[-1][1] * 60
    outside = sum(not begins <= visit.taken <= ends for visit in visits)
    if outside == len(visits):
        hours = ", ".join("–".join(session) for session in plan.hall.hours)
        raise LogUnusable(
            f"all {outside} people took a number outside the plan's hours ({hours}): nobody is left; give the plan "
            "that ruled when the log was made"
        )
    if outside:
        unknown.append(Unknown("outside_hours", {"n": outside, "of": len(visits)}))
    for day in reversed(days):
        if schedule.open_on(date.fromisoformat(day)):
            return day
    last = date.fromisoformat(days[-1])
    later = (last + timedelta(days=n) for n in range(1, 367))
    found = next((day.isoformat() for day in later if schedule.open_on(day)), days[-1])
    unknown.append(Unknown("days_closed", {"day": days[-1], "instead": found}))
    return found


def holes(
    visits: list[Visit], mine: list[Visit], days: Sequence[str], schedule: Schedule, weekdays: set[int] | None
) -> list[Unknown]:
    """Working days that the log does not have, and stretches without anybody on the days that are used."""
    found = []
    missing = missing_days((visit.day for visit in visits), schedule, weekdays)
    if missing:
        found.append(Unknown("days_missing", {"n": len(missing), "days": listed(missing)}))
    empty = [f"{day} {clock(int(a))}–{clock(int(b))}" for day, a, b in gaps(mine, days, schedule)]
    if empty:
        found.append(Unknown("gaps", {"n": len(empty), "gaps": listed(empty)}))
    return found


def listed(texts: list[str]) -> str:
    """The first of them."""
    return ", ".join(texts[:MOST_LISTED]) + (" …" if len(texts) > MOST_LISTED else "")


def bare(value: Any) -> Any:
    """Plain tables without what is not said, for TOML."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list | tuple) else value


def unused_zones(plan: Plan, lines: set[str]) -> set[str]:
    """Zones none of whose windows serve any of these lines."""
    zones: dict[str, set[str]] = {}
    for window in plan.windows:
        if window.post == "acceptance" and window.lines:
            zones.setdefault(window.zone, set()).update(window.lines)
    return {zone for zone, served in zones.items() if not served & lines}


def facts_of(visits: list[Visit]) -> list[DayFacts]:
    """Each day in short."""
    taken: dict[str, list[float]] = {}
    for visit in visits:
        taken.setdefault(visit.day, []).append(visit.taken)
    return [DayFacts(day, float(len(some)), min(some), max(some)) for day, some in sorted(taken.items())]


def arrivals(visits: list[Visit], days: Sequence[str], whole_cv: float) -> tuple[list[list[Any]], float]:
    """A line's profile by half hours, citizens per hour, and its own day factor's cv beside the hall's."""
    edges = np.arange(0, 86_401, HALF_HOUR)
    per_bin = np.histogram([v.taken for v in visits], edges)[0] / len(days)
    used = np.flatnonzero(per_bin)
    profile: list[list[Any]] = []
    for i in range(int(used[0]), int(used[-1]) + 1):
        rate = round(float(per_bin[i]) * 3600 / HALF_HOUR, 4)
        if not profile or profile[-1][1] != rate:
            profile.append([clock(int(edges[i])), rate])
    profile.append([clock(int(edges[used[-1] + 1])), 0.0])
    counts = Counter(v.day for v in visits)
    own = day_factor([counts.get(day, 0) for day in days])
    return profile, min(2.0, max(0.0, own**2 - whole_cv**2) ** 0.5)


def durations(visits: list[Visit]) -> list[float]:
    """Seconds of serving of those who were served."""
    found = []
    for visit in visits:
        begin = visit.started if visit.started is not None else visit.called
        if visit.ended is not None and begin is not None and visit.outcome in (None, "served"):
            found.append(visit.ended - begin)
    return [seconds for seconds in found if seconds > 0]


def service_of(
    line: str, spans: dict[str, list[float]], zone_of: dict[str, str], unknown: list[Unknown]
) -> ServiceFit | None:
    """The line's distribution; its zone's where too few of its own were seen; None where none was."""
    own = spans[line]
    if len(own) >= FEWEST:
        return fit_durations(own)
    zone = [x for other, some in spans.items() if zone_of[other] == zone_of[line] for x in some]
    unknown.append(Unknown("service_few" if len(zone) >= 2 else "service_unseen", {"lines": line, "n": len(own)}))
    return fit_durations(zone) if len(zone) >= 2 else None


def people_of(visits: list[Visit], log: Log, plan: Plan, unknown: list[Unknown]) -> dict[str, Any]:
    """Habits of citizens."""
    found: dict[str, Any] = {}
    walks = [v.started - v.called for v in visits if v.started is not None and v.called is not None]
    if walks:
        found["walk_s"] = round(fmean(walks), 3)
    else:
        unknown.append(Unknown("walk_unseen"))
    called = [v for v in visits if v.called is not None]
    if "outcome" in log.knows:
        absent = sum(1 for v in called if v.outcome == "no_show")
        found["no_show"] = round(absent / max(1, len(called)), 5)
        left = [v for v in visits if v.outcome == "left" and v.called is None]
        waited = sum((v.called if v.called is not None else v.over or v.taken) - v.taken for v in visits)
        if left and waited > 0 and all(v.over is not None for v in left):
            found["patience"] = {"distribution": "exponential", "mean_s": round(waited / len(left), 1)}
            found["leave"] = "cancel"
        elif left:
            unknown.append(Unknown("patience_untimed", {"n": len(left)}))
        else:
            unknown.append(Unknown("patience_unseen"))
        if absent:
            unknown.append(Unknown("silent_leavers", {"n": absent}))
    else:
        unknown.append(Unknown("no_show_unseen"))
        unknown.append(Unknown("patience_unseen"))
    classes = Counter(v.priority for v in visits if v.priority is not None and v.priority in plan.priority)
    shares = {name: round(n / len(visits), 5) for name, n in classes.items() if name not in ("normal", "booked")}
    if shares:
        found["priority"] = shares
    return found


def clerks_of(visits: list[Visit]) -> dict[str, Any]:
    """The usual time from the end of a service to the same window's next call while somebody waited all the time."""
    by_window: dict[tuple[str, str], list[Visit]] = {}
    taken: dict[tuple[str, str], list[Visit]] = {}
    for visit in visits:
        taken.setdefault((visit.day, visit.line), []).append(visit)
        if visit.window is not None and visit.called is not None and visit.ended is not None:
            by_window.setdefault((visit.day, visit.window), []).append(visit)
    pauses = []
    for some in by_window.values():
        some.sort(key=lambda v: v.called or 0.0)
        for before, after in pairwise(some):
            end, call = before.ended or 0.0, after.called or 0.0
            if 0 <= call - end <= LONGEST_PAUSE and after.taken <= end:
                pauses.append(call - end)
    if len(pauses) < FEWEST:
        return {}
    return {"changeover_s": round(float(np.median(pauses)), 3)}


def windows_of(
    log: Log, plan: Plan, windows: dict[str, str], days: Sequence[str], unknown: list[Unknown]
) -> dict[str, list[list[Any]]]:
    """The acceptance windows of each zone that stand open, by half hour: of those that serve the same lines as many as
    on the mean day. They are counted where all serve the same lines, else named: those that stood open longest."""
    places = {w.id: w for w in plan.windows if w.post == "acceptance" and w.lines}
    edges = np.arange(0, 86_401, HALF_HOUR)
    open_s: dict[str, Numbers] = {}
    strange = set()
    chosen = set(days)
    for opening in log.openings if log.observed_openings else whole_sessions(log.openings, Schedule(plan)):
        id = windows.get(opening.window.strip().lower())
        if id is None:
            strange.add(opening.window)
        elif opening.day in chosen and id in places:
            reached = np.clip(edges, opening.begin, opening.end)
            total = open_s.setdefault(id, np.zeros(len(edges) - 1))
            total += np.diff(reached)
    if strange:
        unknown.append(Unknown("windows_strange", {"windows": ", ".join(sorted(strange)), "n": len(strange)}))
    if not open_s:
        unknown.append(Unknown("windows_unseen"))
        return {}
    if not log.observed_openings:
        unknown.append(Unknown("windows_from_services"))
    found = {}
    for zone in dict.fromkeys(places[id].zone for id in open_s):
        alike: dict[frozenset[str], list[str]] = {}
        for window in places.values():
            if window.zone == zone:
                alike.setdefault(frozenset(window.lines), []).append(window.id)
        seen = [
            sorted(some, key=lambda one: -float(open_s[one].sum()) if one in open_s else 0.0) for some in alike.values()
        ]
        means = [sum(open_s[id] for id in some if id in open_s) / (HALF_HOUR * len(days)) for some in seen]
        counts = [np.rint(np.zeros(len(edges) - 1) + mean).astype(int) for mean in means]
        kept: list[list[Any]] = []
        for i, at in enumerate(edges[:-1]):
            ids = {id for some, count in zip(seen, counts, strict=True) for id in some[: count[i]]}
            wish = len(ids) if len(alike) == 1 else [id for id in places if id in ids]
            if not kept or kept[-1][1] != wish:
                kept.append([clock(int(at)), wish])
        found[zone] = kept[1:] if not kept[0][1] and len(kept) > 1 else kept
    return found


def whole_sessions(openings: list[Opening], schedule: Schedule) -> list[Opening]:
    """Openings that only follow from services, with the time in which nobody came: a last service is no closing. A
    window whose last one ended within the last hour of a session stayed open to its end; one whose first citizen, in
    the first hour, had not waited stood open from its beginning."""
    found = []
    following: dict[tuple[str, str], float] = {}
    for opening in sorted(openings, key=lambda opening: opening.begin, reverse=True):
        begin, end = opening.begin, opening.end
        for opens, closes in ((a * 60.0, b * 60.0) for a, b in schedule.sessions):
            if opens <= begin < opens + NEAR and opening.waited < AT_ONCE:
                begin = opens
            if closes - NEAR <= end < closes:
                end = min(closes, following.get((opening.day, opening.window), closes))
        following[opening.day, opening.window] = opening.begin
        found.append(Opening(opening.day, opening.window, begin, end))
    return found
