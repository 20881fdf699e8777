"""Halls with one known queue in them, for tests that compare with theory.

Law: nothing of the queue is computed here; a laboratory only writes plans and scenarios as a planner would.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from tidehall.hall.events import Event
from tidehall.hall.plan import parse_plan
from tidehall.simulation.day import Played
from tidehall.simulation.scenario import read_scenario
from tidehall.simulation.tables import Scenario

__all__ = ["LETTERS", "MINUTE", "SCENARIO", "WORDS", "laboratory", "plan_tables", "story"]

WORDS = {"zh": "名", "en": "Name"}
LETTERS = [letter for letter in ascii_uppercase if letter not in "IO"]
MINUTE = 60_000_000
#: A scenario file with its plan inside, for the command line: one line, two windows, two hours.
SCENARIO = """
[day]
open = "09:00"
close = "11:00"
[demand.lines.A]
profile = [["09:00", 20.0]]
[target]
wait = { share = 0.8, within_s = 1800 }
[hall.hall]
id = "lab"
name = { zh = "名", en = "Name" }
[[hall.zones]]
id = "z"
name = { zh = "名", en = "Name" }
[[hall.lines]]
id = "A"
letter = "A"
zone = "z"
name = { zh = "名", en = "Name" }
[[hall.windows]]
id = "w1"
label = "1"
zone = "z"
lines = ["A"]
[[hall.windows]]
id = "w2"
label = "2"
zone = "z"
lines = ["A"]
"""


def plan_tables(
    windows: int, *, lines: int = 1, hours: tuple[str, str] = ("00:00", "24:00"), **more: Any
) -> dict[str, Any]:
    """A hall of one zone, all of whose windows serve all lines; its limits never bind."""
    letters = LETTERS[:lines]
    return {
        "hall": {"id": "lab", "name": WORDS, "hours": [list(hours)],
                 "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
        "limits": {"waiting_per_line": 100_000},
        "priority": {"normal": 0.0, "first": 1e6},
        "zones": [{"id": "z", "name": WORDS}],
        "lines": [{"id": x, "letter": x, "zone": "z", "name": WORDS} for x in letters],
        "windows": [{"id": f"w{n}", "label": str(n), "zone": "z", "lines": letters} for n in range(1, windows + 1)],
        **more,
    }  # fmt: skip


def laboratory(
    windows: int, per_hour: float, service: dict[str, Any], *, lines: int = 24, warm_up_s: float = 0.0, **more: Any
) -> Scenario:
    """A round-the-clock day of `per_hour` citizens an hour, spread over `lines` letters (each gives 999 numbers)."""
    letters = LETTERS[:lines]
    tables: dict[str, Any] = {
        "day": {"date": "2026-11-23", "warm_up_s": warm_up_s},
        "demand": {"lines": {x: {"profile": [["00:00", per_hour / lines]]} for x in letters}},
        "service": {"lines": dict.fromkeys(letters, service)},
        **more,
    }
    return read_scenario(tables, parse_plan(plan_tables(windows, lines=lines)))


def story(played: Played, nine: int, *kinds: type[Event]) -> list[tuple[str, float, str]]:
    """(kind, minutes after nine, ticket or window) of the events of these kinds."""
    return [
        (type(ev).__name__, (ev.at - nine) / MINUTE, str(getattr(ev, "ticket", None) or getattr(ev, "window", "")))
        for ev in played.events if type(ev) in kinds
    ]  # fmt: skip
