"""The messenger: papers go from the receiving desks to departments that do not sit in the hall (R24).

Law: he goes by a timetable and takes everything that lies there. What is due and when, the engine says; what leaves on
another day than the simulated one is not played but foretold by the same timetable, so that no paper goes unjudged.
"""

from __future__ import annotations

from datetime import timedelta

from simpy.events import Event as Moment

from tidehall.hall.calendar import clock_minutes
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.simulation.tables import Messenger
from tidehall.simulation.world import Hours, World

__all__ = ["Rounds"]

#: The hall opens again within so many days.
LONGEST_CLOSURE = 60


class Rounds:
    """The messenger's rounds of one day; `way`s are µs from leaving to the check in the department."""

    def __init__(self, world: World, hours: Hours, table: Messenger) -> None:
        self.world, self.hours = world, hours
        self.minutes = [minutes for text in table.at if (minutes := clock_minutes(text)) is not None]
        self.waiting: list[tuple[o.HandOffStarted, int]] = []
        self.checked: dict[str, int] = {}
        for minutes in self.minutes:
            world.at(hours.schedule.local(hours.when, minutes), self.leave)

    def carry(self, papers: o.HandOffStarted, way: int) -> None:
        """Papers lie at the receiving desk."""
        self.waiting.append((papers, way))

    def leave(self, _: Moment) -> None:
        """Off with all that lies there."""
        for papers, way in self.waiting:
            self.world.do(q.PickUpHandOff(papers.hand_off, "messenger"))
            self.checked[papers.hand_off] = self.world.now + way
            self.world.later(way, lambda _, papers=papers: self.arrive(papers))  # type: ignore[misc] # bound now
        self.waiting = []

    def arrive(self, papers: o.HandOffStarted) -> None:
        """Checked face to face in the department."""
        self.world.do(q.ArriveHandOff(papers.hand_off))
        self.world.do(q.VerifyHandOff(papers.hand_off, papers.papers, f"receiver-{papers.to}"))

    def arrivals(self) -> dict[str, int]:
        """When each paper is checked outside, µs; what still lies there leaves with the next open day's first round."""
        following = self.next_round()
        return self.checked | {papers.hand_off: following + way for papers, way in self.waiting}

    def next_round(self) -> int:
        """The first departure of the next day on which the hall is open."""
        days = (self.hours.when + timedelta(days=n) for n in range(1, LONGEST_CLOSURE))
        when = next((day for day in days if self.hours.schedule.open_on(day)), self.hours.when + timedelta(days=1))
        return self.hours.schedule.local(when, self.minutes[0])
