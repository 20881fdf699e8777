"""Runners: they carry papers from the windows to the desks that check them, several at a time.

Law: a trip is walking, handing over and waiting until the receiver has checked every paper face to face (R25); when
and where a clock starts or ends, the engine says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from simpy.events import Event as Moment

from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.simulation.desks import Desk
from tidehall.simulation.tables import OfficeWork
from tidehall.simulation.world import World

__all__ = ["Errand", "Pool", "Receiver"]

SECOND = 1_000_000
MIDDLE = "middle"


@dataclass(slots=True)
class Errand:
    """Papers to carry. `refuse`: the receiver will send them back; `checks`: how long looking at them takes, µs, the
    next time last."""

    started: o.HandOffStarted
    checks: list[int]
    refuse: bool

    @property
    def origin(self) -> str:
        """Where the papers lie: the middle office, or the zone's windows."""
        return MIDDLE if self.started.origin == MIDDLE else "windows"


class Receiver(Protocol):
    """Where papers are checked, by the name of the place (the offices)."""

    def desk(self, place: str) -> Desk:
        """The desk of a place."""


class Pool:
    """The runners of a zone, or of the hall."""

    def __init__(self, world: World, receiver: Receiver, name: str, people: int, work: OfficeWork) -> None:
        self.world, self.receiver, self.work = world, receiver, work
        self.people = people
        self.free = [f"runner-{name}-{n}" for n in range(people, 0, -1)]
        self.waiting: list[Errand] = []
        self.worked = 0
        self.gathering = False

    def carry(self, errand: Errand) -> None:
        """Papers wait for a runner."""
        self.waiting.append(errand)
        self.look()

    def look(self, gathered: Moment | None = None) -> None:
        """Set out, or wait a little for more papers to come; `gathered`: that time is over."""
        if gathered is not None:
            self.gathering = False
        while self.free and self.waiting:
            in_haste = gathered is not None or any(x.started.urgent for x in self.waiting)
            if not in_haste and self.work.gather_s and len(self.waiting) < self.work.batch:
                if not self.gathering:
                    self.gathering = True
                    self.world.later(round(self.work.gather_s * SECOND), self.look)
                return
            self.waiting.sort(key=lambda x: (not x.started.urgent, x.started.started_at))
            Trip(self, self.free.pop(), self.waiting[: self.work.batch])
            del self.waiting[: self.work.batch]


class Trip:
    """One runner on the way."""

    def __init__(self, pool: Pool, runner: str, errands: list[Errand]) -> None:
        self.pool, self.runner, self.world = pool, runner, pool.world
        self.begun = self.world.now
        self.load: list[Errand] = []
        self.to_fetch = [x for x in errands if x.origin == MIDDLE]
        self.refused: list[Errand] = []
        self.open = 0
        for errand in errands:
            if errand.origin != MIDDLE:
                self.pick_up(errand)
        self.world.later(round(pool.work.walk_s * SECOND), self.arrive)

    def pick_up(self, errand: Errand) -> None:
        """Take papers along."""
        self.world.do(q.PickUpHandOff(errand.started.hand_off, self.runner))
        self.load.append(errand)

    def next_place(self) -> str | None:
        """Where to go next: the middle office first, then one office after the other."""
        if self.to_fetch or any(x.started.to == MIDDLE for x in self.load):
            return MIDDLE
        return self.load[0].started.to if self.load else None

    def arrive(self, _: Moment) -> None:
        """Hand over what belongs here, take along what waits here, and wait for the checks."""
        place = self.next_place()
        if place is None:
            self.go_back()
            return
        if place == MIDDLE:
            for errand in self.to_fetch:
                self.pick_up(errand)
            self.to_fetch = []
        here = [x for x in self.load if x.started.to == place]
        self.load = [x for x in self.load if x.started.to != place]
        self.open = len(here)
        desk = self.pool.receiver.desk(place)
        for errand in here:
            self.world.do(q.ArriveHandOff(errand.started.hand_off))
            desk.ask(errand.checks.pop() if errand.checks else 0, lambda x=errand: self.checked(x))  # type: ignore[misc] # bound now
        if not here:
            self.go_on()

    def checked(self, errand: Errand) -> None:
        """The receiver has looked through the papers."""
        started = errand.started
        if errand.refuse:
            errand.refuse = False
            self.world.do(q.RefuseHandOff(started.hand_off, "incomplete"))
            self.refused.append(errand)
        else:
            self.world.do(q.VerifyHandOff(started.hand_off, started.papers, f"receiver-{started.to}"))
            # an urgent item goes on from the middle office at once: who stands there takes it along
            mine = [x for x in self.pool.waiting if x.origin == MIDDLE and x.started.case == started.case]
            for onward in mine:
                self.pool.waiting.remove(onward)
                self.pick_up(onward)
        self.open -= 1
        if not self.open:
            self.go_on()

    def go_on(self) -> None:
        """To the next desk, or back."""
        if self.next_place() is None:
            self.go_back()
        else:
            self.world.later(round(self.pool.work.between_s * SECOND), self.arrive)

    def go_back(self) -> None:
        """Home with what was refused."""
        self.world.later(round(self.pool.work.walk_s * SECOND), self.home)

    def home(self, _: Moment) -> None:
        """The runner is free again; refused papers are mended at their window and wait again."""
        pool = self.pool
        pool.worked += self.world.now - self.begun
        pool.free.append(self.runner)
        for errand in self.refused:
            self.world.later(round(pool.work.mend_s * SECOND), lambda _, x=errand: pool.carry(x))  # type: ignore[misc] # bound now
        pool.look()
