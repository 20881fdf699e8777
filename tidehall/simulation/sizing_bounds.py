"""What sizing may choose in each zone: its bands of the day, and the windows and tidal posts in them.

Law: bounds come from the scenario (sizing_table.py), and where it says nothing, from the plan (as many windows as the
zone has). A band is a stretch of the day in which the number of open windows is
constant; half hours are merged where the offered load asks for nearly the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from tidehall.hall.reading import Reader
from tidehall.simulation.opening import clock, opening_order
from tidehall.simulation.scenario import ScenarioInvalid
from tidehall.simulation.sizing_table import Bounds, Sizing, posts, read_choices
from tidehall.simulation.staffing import offered_load, windows_needed
from tidehall.simulation.tables import Distribution, Scenario
from tidehall.simulation.world import Hours

__all__ = ["Band", "Sizing", "ZoneRoom", "as_steps", "clock", "read_sizing", "zone_rooms"]

SECOND = 1_000_000
HOUR = 3600 * SECOND
HALF_HOUR = HOUR // 2


class Band(Struct, frozen=True):
    """A stretch of the day, µs after local midnight, and how many windows may be open in it: `least` and `most`;
    `guess` is the formula's number."""

    begin: int
    end: int
    least: int
    most: int
    guess: int
    in_session: bool

    @property
    def hours(self) -> float:
        return (self.end - self.begin) / HOUR

    @property
    def name(self) -> str:
        return f"{clock(self.begin)}–{clock(self.end)}"


class ZoneRoom(Struct, frozen=True):
    """What may be chosen in a zone: windows in each band, and tidal posts (fewest, most; ids in the order of use)."""

    zone: str
    bands: tuple[Band, ...]
    tidal: Bounds
    tidal_ids: tuple[str, ...]
    scenario: Scenario  # the zone alone


def read_sizing(table: object, scenario: Scenario) -> Sizing:
    """The `[sizing]` table. Raises ScenarioInvalid with all mistakes."""
    read = Reader()
    found = read_choices(read, table, scenario.plan)
    if read.problems:
        raise ScenarioInvalid(read.problems)
    return found


def zone_rooms(scenario: Scenario, sizing: Sizing) -> list[ZoneRoom]:
    """What may be chosen in each zone that somebody comes to."""
    zone_of = {line.id: line.zone for line in scenario.plan.lines}
    came = {zone_of[demand.line] for demand in scenario.demand}
    return [zone_room(scenario, zone.id, sizing) for zone in scenario.plan.zones if zone.id in came]


def zone_alone(scenario: Scenario, zone: str) -> Scenario:
    """The hall with nobody in it but those who come to one zone, and only that zone's windows. Streams of chance are
    named by line and window, so everybody's luck stays what it is in the whole hall."""
    lines = {line.id for line in scenario.plan.lines if line.zone == zone}
    tide = {id: rule for id, rule in scenario.plan.tide.items() if id == zone}
    plan = replace(scenario.plan, windows=tuple(w for w in scenario.plan.windows if w.zone == zone), tide=tide)
    return replace(scenario, plan=plan, demand=tuple(d for d in scenario.demand if d.line in lines))


def zone_room(scenario: Scenario, zone: str, sizing: Sizing) -> ZoneRoom:
    """One zone's choices."""
    alone = zone_alone(scenario, zone)
    there = posts(scenario.plan, zone, "windows")
    least, most = sizing.windows.get(zone, (0, len(there)))
    covers = prefix_that_serves(alone, opening_order(alone).get(zone, ()))
    tidal = tuple(posts(scenario.plan, zone, "tidal"))
    fewest, many = sizing.tidal.get(zone, (0, len(tidal) if zone in scenario.plan.tide else 0))
    bands: list[Band] = []
    sessions = Hours(scenario.plan, scenario.day.date).schedule.sessions
    for (a, b), following in zip(sessions, [*sessions[1:], None], strict=True):
        begin, end = a * 60 * SECOND, b * 60 * SECOND
        for x, y, guess in merged(halves(begin, end), formula(alone, begin, end), sizing.bands):
            low = min(max(least, covers), most)
            bands.append(Band(x, y, low, most, min(max(guess, low), most), True))
        if following is not None and following[0] > b:
            x, y = end, following[0] * 60 * SECOND
            guess = max(formula(alone, x, y))
            bands.append(Band(x, y, 0, most, min(guess, most), False))
    return ZoneRoom(zone, tuple(bands), (fewest, many), tidal, alone)


def prefix_that_serves(alone: Scenario, windows: Sequence[str]) -> int:
    """How many of the windows must open, in this order, until every line with demand is served."""
    lines = {window.id: set(window.lines) for window in alone.plan.windows}
    missing = {demand.line for demand in alone.demand} & {x for window in windows for x in lines[window]}
    count = 0
    for window in windows:
        if not missing:
            break
        missing -= lines[window]
        count += 1
    return count


def halves(begin: int, end: int) -> list[int]:
    """Edges of the half hours between two moments."""
    return [begin, *range((begin // HALF_HOUR + 1) * HALF_HOUR, end, HALF_HOUR), end]


def moments_of(scenario: Scenario, item: str | None, line: str) -> tuple[float, float]:
    """Mean and coefficient of variation of the time that a window is taken by one citizen, seconds."""
    mean, cv = moments(scenario.service(line, item))
    extra = scenario.people.walk_s + scenario.clerks.changeover_s
    return mean + extra, cv * mean / (mean + extra)


def moments(d: Distribution) -> tuple[float, float]:
    """Mean (s) and coefficient of variation of a distribution."""
    match d.distribution:
        case "exponential":
            return d.mean_s, 1.0
        case "deterministic":
            return d.mean_s, 0.0
        case "erlang":
            return d.mean_s, d.phases**-0.5
        case "empirical":
            mean = sum(d.values) / len(d.values)
            spread = (sum((x - mean) ** 2 for x in d.values) / len(d.values)) ** 0.5
            return d.mean_s or mean, spread / mean if mean else 0.0
        case _:
            return d.mean_s, d.cv


def formula(alone: Scenario, begin: int, end: int) -> list[int]:
    """Windows that each half hour asks for: the lagged offered load at its worst minute, and M/G/c's tail against the
    target (facts.md 6: MOL)."""
    load: dict[int, float] = {}
    weight = mean_sum = square_sum = 0.0
    minutes = range(begin // SECOND, end // SECOND + 1, 60)
    for demand in alone.demand:
        items = [(c, w) for c, w in demand.mix] if demand.mix else [(demand.item, 1.0)]
        if demand.item is None and not demand.mix and alone.item_service:
            codes = [i.code for i in alone.plan.items if i.line == demand.line]
            items = [(code, 1.0) for code in codes] or items
        total = sum(w for _, w in items)
        mean = sum(w * moments_of(alone, item, demand.line)[0] for item, w in items) / total
        square = sum(
            w * m * m * (1 + cv * cv) for item, w in items for m, cv in [moments_of(alone, item, demand.line)]
        ) / total  # fmt: skip
        profile = [(at / SECOND, rate / 3600) for at, rate in demand.profile]
        for minute, busy in zip(minutes, offered_load(profile, mean, list(minutes)), strict=True):
            load[minute] = load.get(minute, 0.0) + busy
        day = sum((b[0] - a[0]) * a[1] for a, b in pairwise([*profile, (86_400.0, 0.0)]))
        weight, mean_sum, square_sum = weight + day, mean_sum + day * mean, square_sum + day * square
    if not weight:
        return [0 for _ in pairwise(halves(begin, end))]
    mean = mean_sum / weight
    cv = max(0.0, square_sum / weight / mean**2 - 1) ** 0.5
    target = alone.target.wait
    return [
        windows_needed(
            max(load[m] for m in minutes if x <= m * SECOND <= y), target.share, target.within_s, mean, cv=cv
        )
        for x, y in pairwise(halves(begin, end))
    ]  # fmt: skip


def merged(edges: list[int], needs: list[int], most: int) -> list[tuple[int, int, int]]:
    """(begin, end, windows) of at most so many bands: those that cost the fewest window-hours when each band has
    what its busiest half hour needs; fewer bands where more would save nothing. Every split is looked at, by the last
    band's begin (n² steps for a band)."""
    n = len(needs)

    def cost(i: int, j: int) -> int:
        return max(needs[i:j]) * (edges[j] - edges[i])

    best: list[tuple[int, list[int]]] = [(cost(0, j), [0, j]) for j in range(1, n + 1)]
    found = best[-1]
    for _ in range(1, most):
        best = [
            min(((best[i - 1][0] + cost(i, j), [*best[i - 1][1], j]) for i in range(1, j)), default=best[j - 1])
            for j in range(1, n + 1)
        ]
        if best[-1][0] < found[0]:
            found = best[-1]
    return [(edges[i], edges[j], max(needs[i:j])) for i, j in pairwise(found[1])]


def as_steps(bands: tuple[Band, ...], counts: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """A scenario's `[windows]` entry for so many windows in each band."""
    found: list[tuple[int, int]] = []
    for band, count in zip(bands, counts, strict=True):
        if not found or found[-1][1] != count:
            found.append((band.begin, count))
    return tuple(found)
