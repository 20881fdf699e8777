"""Which windows stand open: the windows that a scenario's counts mean, and who would find none.

A count of a zone's windows means the first of one order. Where all of them serve the same lines it is the plan's: any
would do. Else the next window is always one that serves the line with the most work for each window that it has so
far, a line without any before all others; of several such windows the one that serves the most other lines that have
people and no window yet, then the one with the lower number over it.

Law: the order follows from the plan and the day's expected people alone, so it is the same on every day of a study.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from tidehall.hall.calendar import Schedule
from tidehall.hall.plan import WindowPlan
from tidehall.simulation.tables import Demand, Scenario

__all__ = ["Uncovered", "clock", "mixed_zones", "opening_order", "uncovered", "work_of_lines"]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
#: Fewer expected people than this are nobody.
NOBODY = 0.05


class Uncovered(Struct, frozen=True):
    """A line none of whose windows stands open in these stretches (HH:MM, HH:MM) of the day's sessions, and how many
    people are expected to come in them. `never`: in no session at all."""

    zone: str
    line: str
    stretches: tuple[tuple[str, str], ...]
    people: float
    never: bool

    @property
    def sentence(self) -> str:
        """For the terminal and scripts."""
        when = ", ".join(f"{begin}–{end}" for begin, end in self.stretches)
        who = "nobody can be called" if self.never else f"{self.people:.1f} people come then"
        return f"windows.{self.zone}: line {self.line} has no open window {when}: {who}"


def mean_service(scenario: Scenario, demand: Demand) -> float:
    """Mean seconds of serving one of these citizens."""
    items = dict(demand.mix)
    if demand.item is None and not items and scenario.item_service:
        items = {item.code: 1.0 for item in scenario.plan.items if item.line == demand.line}
    if not items:
        return scenario.service(demand.line, demand.item).mean
    total = sum(items.values())
    return sum(weight * scenario.service(demand.line, code).mean for code, weight in items.items()) / total


def work_of_lines(scenario: Scenario) -> dict[str, float]:
    """Seconds of serving that a day brings to each line, with those who are sent on to it."""
    own: dict[str, float] = {}
    work: dict[str, float] = {}
    for demand in scenario.demand:
        people = demand.expected()
        own[demand.line] = own.get(demand.line, 0.0) + people
        work[demand.line] = work.get(demand.line, 0.0) + people * mean_service(scenario, demand)
    moving = own
    while sum(moving.values()) > NOBODY:  # every step somebody goes home (scenario.py: check_ends)
        onward: dict[str, float] = {}
        for line, people in moving.items():
            for way in scenario.transfers.get(line, ()):
                onward[way.line] = onward.get(way.line, 0.0) + people * way.share
        for line, people in onward.items():
            work[line] = work.get(line, 0.0) + people * scenario.line_service[line].mean
        moving = onward
    return work


def acceptance(scenario: Scenario) -> dict[str, list[WindowPlan]]:
    """Each zone's windows that `[windows]` opens, in the plan's order."""
    found: dict[str, list[WindowPlan]] = {}
    for window in scenario.plan.windows:
        if window.post == "acceptance" and window.lines:
            found.setdefault(window.zone, []).append(window)
    return found


def mixed_zones(scenario: Scenario) -> list[str]:
    """Zones in which it matters which windows are open: not all serve the same lines."""
    return [zone for zone, windows in acceptance(scenario).items() if len({frozenset(w.lines) for w in windows}) > 1]


def opening_order(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Each zone's acceptance windows in the order in which a count opens them."""
    work = work_of_lines(scenario)
    found = {}
    for zone, windows in acceptance(scenario).items():
        alike = len({frozenset(w.lines) for w in windows}) == 1
        found[zone] = tuple(w.id for w in (windows if alike else in_turn(windows, work)))
    return found


def in_turn(windows: list[WindowPlan], work: dict[str, float]) -> Iterator[WindowPlan]:
    """Windows that differ, the most wanted first."""
    left = sorted(windows, key=by_label)
    has = {line: 0 for window in windows for line in window.lines}

    def wanted(line: str) -> tuple[bool, float]:
        busy = work.get(line, 0.0)
        return busy > 0 and not has[line], busy / max(1, has[line])

    while left:
        line = max((line for window in left for line in window.lines), key=wanted)
        following = max(
            (window for window in left if line in window.lines),
            key=lambda window: sum(wanted(line)[0] for line in window.lines),
        )
        left.remove(following)
        for served in following.lines:
            has[served] += 1
        yield following


def by_label(window: WindowPlan) -> list[tuple[int, str]]:
    """Numbers over windows as people order them: 2 before 10."""
    parts = re.findall(r"\d+|\D+", f"{window.label} {window.id}")
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def uncovered(scenario: Scenario) -> list[Uncovered]:
    """Lines to which people come in a session while none of their windows stands open (tidal ones may open, and are
    not counted)."""
    zones, order = acceptance(scenario), opening_order(scenario)
    sessions = [(a * MINUTE, b * MINUTE) for a, b in Schedule(scenario.plan).sessions]
    edges = {at for session in sessions for at in session}
    edges |= {at for steps in scenario.windows.values() for at, _ in steps}
    lines_of = {window.id: window.lines for window in scenario.plan.windows}
    always = {line for w in scenario.plan.windows if w.post == "issue" for line in w.lines}
    gaps: dict[str, list[tuple[int, int]]] = {line: [] for line, busy in work_of_lines(scenario).items() if busy > 0}
    for begin, end in pairwise(sorted(edges)):
        if not any(opens <= begin < closes for opens, closes in sessions):
            continue
        served = set(always)
        for zone in zones:
            for id in stand_open(scenario, zone, begin, order[zone]):
                served.update(lines_of[id])
        for line, mine in gaps.items():
            if line not in served and mine and mine[-1][1] == begin:
                mine[-1] = (mine[-1][0], end)
            elif line not in served:
                mine.append((begin, end))
    found = []
    whole = sum(closes - opens for opens, closes in sessions)
    for place in scenario.plan.lines:
        mine = gaps.get(place.id, [])
        never = sum(b - a for a, b in mine) == whole
        people = sum(d.expected(a, b) for d in scenario.demand if d.line == place.id for a, b in mine)
        if mine and (never or people >= NOBODY):
            stretches = tuple((clock(a), clock(b)) for a, b in mine)
            found.append(Uncovered(place.zone, place.id, stretches, round(people, 2), never))
    return found


def stand_open(scenario: Scenario, zone: str, at: int, order: tuple[str, ...]) -> tuple[str, ...]:
    """The windows of a zone that shall be open at a time of the day (µs after midnight), in a session."""
    if zone not in scenario.windows:
        return order
    wish = next((wish for since, wish in reversed(scenario.windows[zone]) if since <= at), 0)
    return wish if isinstance(wish, tuple) else order[:wish]


def clock(of_day: int) -> str:
    """A time of day as scenarios write it."""
    return f"{of_day // HOUR:02d}:{of_day // MINUTE % 60:02d}"
