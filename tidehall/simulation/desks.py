"""Desks behind the windows: people who do one thing after the other, whatever it is.

Law: checks and answers are done at any hour, as somebody stands there and waits; files are worked on in the hall's
hours only. Nobody at a desk decides anything about the hall: what is done is asked of the engine by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from simpy.events import Event as Moment

from tidehall.simulation.world import World

__all__ = ["AT_ONCE", "FILE", "Desk"]

#: Somebody stands there and waits.
AT_ONCE = 0
#: A file on the pile.
FILE = 1


def nothing() -> None:
    """What is done at the beginning of most work."""


class Desk:
    """`people` at one desk, first come first served, those who wait in person before the pile."""

    def __init__(self, world: World, people: int) -> None:
        self.world = world
        self.people = people
        self.busy = 0
        self.worked = 0
        self.asked = 0
        self.pile: list[tuple[int, int, int, Callable[[], object], Callable[[], object]]] = []

    def ask(
        self, duration: int, done: Callable[[], object], *, rank: int = AT_ONCE, begin: Callable[[], object] = nothing
    ) -> None:
        """Work for `duration` µs when somebody is free, and call `done`; `begin` is called when it is taken up."""
        self.asked += 1
        heappush(self.pile, (rank, self.asked, duration, begin, done))
        self.go()

    def go(self) -> None:
        """Whoever is free takes up what comes first."""
        while self.pile and self.busy < self.people:
            if self.pile[0][0] == FILE and not self.world.state.in_session:
                return
            _, _, duration, begin, done = heappop(self.pile)
            self.busy += 1
            self.worked += duration
            begin()
            self.world.later(duration, lambda _, done=done: self.finish(_, done))  # type: ignore[misc] # bound now

    def finish(self, _: Moment, done: Callable[[], object]) -> None:
        """One piece of work is done."""
        self.busy -= 1
        done()
        self.go()
