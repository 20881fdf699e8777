"""Halls of two zones, stopped in the middle of a simulated day, for tests that look ahead.

Law: a stopped hall is the fold of the day's journal so far, as a live one would be; nothing is put into its state.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.simulation.laboratory import WORDS, plan_tables
from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Stage
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.tables import Scenario

__all__ = ["SECOND", "busy", "stopped", "two_zones"]

SECOND = 1_000_000


def two_zones(**more: Any) -> Scenario:
    """Zone z with three windows and a tidal one for lines A and B; zone y with a window for line C."""
    tables = plan_tables(3, lines=2)
    tables["hall"]["hours"] = [["09:00", "12:00"], ["13:00", "17:00"]]
    tables["windows"].append({"id": "t1", "label": "9", "zone": "z", "post": "tidal", "lines": ["A", "B"]})
    tables["zones"].append({"id": "y", "name": WORDS})
    tables["lines"].append({"id": "C", "letter": "C", "zone": "y", "name": WORDS})
    tables["windows"].append({"id": "y1", "label": "1", "zone": "y", "lines": ["C"]})
    tables["tide"] = {"z": {"open_waiting_per_window": 2.0, "close_waiting_per_window": 0.5, "open_for_s": 60.0}}
    written: dict[str, Any] = {
        "demand": {"lines": {
            "A": {"profile": [["09:00", 14.0]]}, "B": {"profile": [["09:00", 8.0]]}, "C": {"profile": [["09:00", 5.0]]},
        }},
        "service": {"lines": {line: {"mean_s": 600.0, "cv": 0.8} for line in "ABC"}},
    }  # fmt: skip
    return read_scenario(written | more, parse_plan(tables))


def stopped(scenario: Scenario, at_s: float, *, seed: int = 1) -> tuple[Stage, list[Event], Hall, int]:
    """A day: its stage, its whole journal, and the hall as it stood `at_s` seconds after the opening."""
    stage = Stage(scenario)
    events = stage.play(seed, 0).events
    hall, now = stage.copy(), stage.hours.opens + round(at_s * SECOND)
    for event in events[len(stage.adopted) :]:
        if event.at > now:
            break
        hall.apply(event)
    return stage, events, hall, now


@cache
def busy() -> tuple[Scenario, Hall, int]:
    """A morning with too few windows, an hour after the opening."""
    scenario = two_zones(
        demand={"lines": {"A": {"profile": [["09:00", 20.0]]}, "B": {"profile": [["09:00", 11.0]]}}},
        people={"walk_s": 20.0, "no_show": 0.02}, clerks={"tidal_s": 60.0}, tide={"policy": "off"},
    )  # fmt: skip
    _, _, hall, now = stopped(scenario, 3600, seed=2)
    return scenario, hall, now
