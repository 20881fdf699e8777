"""What a day of a hall costs: windows by their roster, tidal posts, runners and office staff, at `[cost]`'s prices.

Law: a cost is what is paid, by the roster and the staff as they are written; nothing of it is simulated, so it has no
interval. Sizing adds up the same parts, so a hall that it recommends costs the same when it is simulated.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from tidehall.simulation.sizing_posts import Post, hall_posts
from tidehall.simulation.sizing_table import Sizing, posts
from tidehall.simulation.tables import Scenario
from tidehall.simulation.world import Hours

__all__ = ["DayCost", "Part", "day_cost", "staff_parts"]

SECOND = 1_000_000
HOUR = 3600 * SECOND


class Part(Struct, frozen=True):
    """A part of the cost: `windows`, `tidal`, or a post as a study names it; `people` in each of so many `desks`
    (windows: none said, their number changes over the day)."""

    what: str
    people: int | None
    desks: int
    cost: float


class DayCost(Struct, frozen=True):
    """What a day costs, in the unit of `[cost]`, and of what it consists. What stays as it is in every sizing (issue
    windows, pre-check, certificate room, supervisors) is not in it."""

    total: float
    parts: tuple[Part, ...]


def day_cost(scenario: Scenario, sizing: Sizing) -> DayCost:
    """A scenario as it is written, in the zones that people come to."""
    plan, hour = scenario.plan, scenario.cost.window_hour
    zone_of = {line.id: line.zone for line in plan.lines}
    came = dict.fromkeys(zone_of[demand.line] for demand in scenario.demand)
    sessions = Hours(plan, scenario.day.date).schedule.sessions
    day = sum(b - a for a, b in sessions) / 60
    windows = sum(window_hours(scenario, zone, sessions) for zone in came)
    tidal = sum(len(posts(plan, zone, "tidal")) for zone in came if zone in plan.tide)
    staff = hall_posts(scenario, sizing)
    parts = (
        Part("windows", None, 1, windows * hour),
        Part("tidal", tidal, 1, hour * tidal * sizing.tidal_share * day),
        *staff_parts(staff, {post.name: post.now for post in staff}),
    )
    return DayCost(round(sum(part.cost for part in parts), 6), parts)


def window_hours(scenario: Scenario, zone: str, sessions: tuple[tuple[int, int], ...]) -> float:
    """Hours of all acceptance windows of a zone as the scenario opens them; `sessions` in minutes of the day."""
    if zone not in scenario.windows:
        return len(posts(scenario.plan, zone, "windows")) * sum(b - a for a, b in sessions) / 60
    opens, closes = sessions[0][0] * 60 * SECOND, sessions[-1][1] * 60 * SECOND
    steps = [(at, len(wish) if isinstance(wish, tuple) else wish) for at, wish in scenario.windows[zone]]
    spans = pairwise([*((max(opens, min(at, closes)), count) for at, count in steps), (closes, 0)])
    return sum(count * (end - begin) for (begin, count), (end, _) in spans) / HOUR


def staff_parts(staff: list[Post], people: dict[str, int]) -> tuple[Part, ...]:
    """Runners, middle office and officers, post by post."""
    return tuple(Part(post.name, n, len(post.desks), n * post.cost) for post in staff for n in (people[post.name],))
