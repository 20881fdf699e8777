"""Simulated days one after the other in one hall: a journal as a month of real service leaves it."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tidehall.hall.calendar import Schedule
from tidehall.hall.events import Event
from tidehall.hall.plan import parse_plan
from tidehall.simulation.citizens import Crowd
from tidehall.simulation.clerks import Roster
from tidehall.simulation.draws import draw_day
from tidehall.simulation.offices import Offices
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.tables import Scenario
from tidehall.simulation.world import Hours, World, opened_hall

__all__ = ["days_in_a_row", "yangxin"]

ROOT = Path(__file__).parent.parent.parent
#: Ids of one day begin here, times the day.
APART = 100_000


def yangxin(lines: str = "") -> Scenario:
    """The reference scenario; of some of its lines only."""
    tables: dict[str, Any] = tomllib.loads((ROOT / "scenarios" / "yangxin.toml").read_text("utf-8"))
    if lines:
        tables["demand"]["lines"] = {line: tables["demand"]["lines"][line] for line in lines}
    return read_scenario(tables, parse_plan(tomllib.loads((ROOT / "halls" / "yangxin.toml").read_text("utf-8"))))


def days_in_a_row(scenario: Scenario, first: str, days: int, *, seed: int = 1) -> list[Event]:
    """The journal of so many open days from `first` (YYYY-MM-DD) on; what is open in the evening is open next day."""
    plan, day, schedule = scenario.plan, date.fromisoformat(first), Schedule(scenario.plan)
    assert scenario.offices is not None
    hall, adopted = opened_hall(plan, Hours(plan, first).midnight, estimates=True)
    events = list(adopted)
    for n in range(1, days + 1):
        while not schedule.open_on(day):
            day += timedelta(days=1)
        hours = Hours(plan, day.isoformat())
        world = World(hall, hours.midnight)
        roster = Roster(
            world, plan, scenario.clerks, walk_s=scenario.people.walk_s, seed=seed, day=n, transfers=scenario.transfers
        )
        roster.follow(hours, scenario.windows, drain=True)
        flows = draw_day(scenario, seed, n, hours.midnight, hours.closes)
        crowd = Crowd(world, roster, flows, scenario.people, plan)
        offices = Offices(world, roster, plan, scenario.offices, hours)
        crowd.count = offices.collected = offices.asked = n * APART
        world.run(hours.end)
        events += world.events
        day += timedelta(days=1)
    return events
