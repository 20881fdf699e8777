"""One day of a scenario, played from midnight to midnight.

Law: (scenario, seed, number of the day) decide everything; the same three give the same journal, in any process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from tidehall.hall.engine import Hall
from tidehall.hall.events import Event
from tidehall.simulation.citizens import Crowd
from tidehall.simulation.clerks import Roster
from tidehall.simulation.draws import Flow, draw_day
from tidehall.simulation.foresight import Foresight
from tidehall.simulation.offices import Offices
from tidehall.simulation.opening import opening_order
from tidehall.simulation.tables import Scenario
from tidehall.simulation.world import Asked, Hours, World, opened_hall

__all__ = ["Played", "Stage"]


@dataclass(slots=True)
class Played:
    """What a day leaves: its journal, what brought it (where recorded), and what no journal holds.

    `turned_away`: (line, why) → people who got no number; `posts`: people of a post → (how many, µs they worked);
    `onward`: hand-off → when it is checked outside the hall (µs), today or on a later day; `gave_up`: the tickets of
    those who had left in silence when they were called.
    """

    hours: Hours
    until: int
    events: list[Event]
    asked: list[Asked] | None
    turned_away: dict[tuple[str, str], int]
    posts: dict[str, tuple[int, int]] = field(default_factory=dict)
    onward: dict[str, int] = field(default_factory=dict)
    gave_up: set[str] = field(default_factory=set)


class Stage:
    """A scenario ready to be played: what is the same on every day is made once.

    What only people would look at costs time and changes nothing here, where nobody acts on it: `estimates` shown with
    numbers and the plan's `alerts` are left out unless asked for.
    """

    def __init__(self, scenario: Scenario, *, estimates: bool = False, alerts: bool = False) -> None:
        self.scenario = scenario
        self.hours = Hours(scenario.plan, scenario.day.date)
        self.order = opening_order(scenario)
        plan = scenario.plan if alerts else replace(scenario.plan, alerts=None)
        self.hall, self.adopted = opened_hall(plan, self.hours.midnight, estimates=estimates)

    def draw(self, seed: int, day: int) -> list[Flow]:
        """The people of one day."""
        return draw_day(self.scenario, seed, day, self.hours.midnight, self.hours.closes)

    def play(self, seed: int, day: int, *, flows: list[Flow] | None = None, record: bool = False) -> Played:
        """Play one day; with `flows` the people are the caller's."""
        scenario, hours = self.scenario, self.hours
        world = World(self.copy(), hours.midnight, events=self.adopted, record=record)
        roster = Roster(
            world, scenario.plan, scenario.clerks, walk_s=scenario.people.walk_s, seed=seed, day=day,
            transfers=scenario.transfers, order=self.order,
        )  # fmt: skip
        roster.follow(hours, scenario.windows, drain=scenario.day.drain)
        crowd = Crowd(world, roster, self.draw(seed, day) if flows is None else flows, scenario.people, scenario.plan)
        offices = None
        if scenario.offices is not None:
            offices = Offices(world, roster, scenario.plan, scenario.offices, hours)
        Foresight(world, scenario, seed=seed, day=day).follow(hours)
        until = hours.end if scenario.day.drain else hours.closes
        world.run(until)
        posts = crowd.posts() | (offices.posts() if offices is not None else {})
        rounds = offices.rounds if offices is not None else None
        onward = rounds.arrivals() if rounds is not None else {}
        return Played(hours, until, world.events, world.asked, dict(crowd.turned_away), posts, onward, roster.gave_up)

    def copy(self) -> Hall:
        """The hall as it stands at midnight."""
        return self.hall.copy()
