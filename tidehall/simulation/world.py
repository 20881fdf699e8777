"""One simulated day: the hall's own engine on SimPy's clock.

Law: the world asks and sleeps, the engine decides. Every event of the hall comes out of `Hall.decide` or `Hall.wake`,
in the order in which a keeper would have written it: first what is due, then the command. SimPy's clock is the
engine's: whole µs since the epoch, so nothing is rounded twice.

Callback style: one timeout for one activity, and a function that runs when it is over (facts.md 4).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from heapq import heappop, heappush
from typing import Any

from simpy import Environment
from simpy.events import NORMAL, Timeout
from simpy.events import Event as Moment

from tidehall.hall import commands as c
from tidehall.hall.applying import APPLY
from tidehall.hall.calendar import Schedule
from tidehall.hall.commands import Command
from tidehall.hall.engine import DECIDE, Hall
from tidehall.hall.events import Event
from tidehall.hall.plan import Plan

__all__ = ["Asked", "Clock", "Hours", "Timer", "World", "opened_hall"]

SECOND = 1_000_000
NEVER = 1 << 62
#: (command or None for a wake, µs, length of the journal after it)
Asked = tuple[Command | None, int, int]
#: What a world calls when an activity is over.
Work = Callable[[Moment], object]


class Hours:
    """The moments of one service day, µs since the epoch: midnight, the sessions, the next midnight."""

    def __init__(self, plan: Plan, day: str) -> None:
        schedule, when = Schedule(plan), date.fromisoformat(day)
        self.midnight = schedule.local(when, 0)
        self.end = schedule.local(when, 1440)
        self.sessions = tuple((schedule.local(when, a), schedule.local(when, b)) for a, b in schedule.sessions)
        self.opens, self.closes = self.sessions[0][0], self.sessions[-1][1]
        self.schedule, self.when = schedule, when

    def at(self, of_day: int) -> int:
        """A wall-clock time (µs after local midnight, whole minutes) of this day."""
        return self.schedule.local(self.when, of_day // (60 * SECOND))


def opened_hall(plan: Plan, midnight: int, *, estimates: bool = False) -> tuple[Hall, list[Event]]:
    """A hall that adopted `plan` at midnight, and the events of it. Copy it for every day."""
    hall = Hall(plan.hall.id, estimates=estimates)
    events = hall.decide(c.AdoptPlan(plan), midnight)
    for event in events:
        hall.apply(event)
    return hall, events


class Clock(Environment):
    """SimPy's environment, played in one loop: in a world of callbacks nobody waits for a moment and none fails, so
    its step-by-step care is not needed."""

    def play(self, until: int) -> None:
        """Let everything happen before `until`, in SimPy's own order; then it is `until`."""
        queue = self._queue
        while queue and queue[0][0] < until:
            self._now, _, _, moment = heappop(queue)
            works = moment.callbacks
            moment.callbacks = None  # type: ignore[assignment] # it has happened, as SimPy marks it
            for work in works:
                work(moment)
        self._now = until


class Timer(Moment):
    """A timeout that is set again and again, for somebody who does one thing after the other: half the cost of a new
    SimPy timeout each time. Set it only when it has rung."""

    def __init__(self, env: Environment, work: Work) -> None:
        super().__init__(env)
        self._ok, self._value = True, None  # as SimPy's own Timeout: it happens without being triggered
        self.work: list[Work] = [work]
        self.queue, self.ids = env._queue, env._eid

    def set(self, delay: int) -> None:
        """Ring after `delay` µs."""
        self.callbacks = self.work  # type: ignore[assignment] # SimPy looks at no result
        heappush(self.queue, (self.env._now + delay, NORMAL, next(self.ids), self))  # as `schedule`, without the call


class World:
    """A hall and its clock. `events` is the day's journal; `asked`, kept when `record`, the commands that brought them
    (None: a wake), each with its moment and how many events there were after it."""

    def __init__(self, hall: Hall, now: int, *, events: list[Event] | None = None, record: bool = False) -> None:
        self.hall = hall
        self.state = hall.state
        self.env = Clock(initial_time=now)
        self.events: list[Event] = list(events or ())
        self.asked: list[Asked] | None = [] if record else None
        self.reactions: dict[type, Callable[[Any], object]] = {}
        self.alarm = NEVER  # when the hall is asked next what is due, µs
        self.set_alarm()

    @property
    def now(self) -> int:
        """The simulated moment, µs since the epoch."""
        return self.env._now  # type: ignore[return-value] # it began as an int and only ints are added

    def on(self, kind: type, reaction: Callable[[Any], object]) -> None:
        """Call `reaction` with every event of a kind, once all events of its decision are applied."""
        self.reactions[kind] = reaction

    def later(self, delay: int, work: Work) -> None:
        """Call `work` after `delay` µs."""
        Timeout(self.env, delay).callbacks.append(work)  # type: ignore[arg-type] # SimPy looks at no result

    def at(self, moment: int, work: Work) -> None:
        """Call `work` at a moment, or now if it has passed."""
        self.later(max(0, moment - self.now), work)

    def do(self, command: Command) -> list[Event]:
        """What the hall answers; raises Refusal."""
        now: int = self.env._now  # type: ignore[assignment] # as in `now`
        state = self.state
        if 0 < state.next_wake <= now:
            self.wake()
        events = DECIDE[type(command)](state, command, now)  # as `Hall.decide` and `apply` do, without the calls
        if events:
            if self.asked is not None:
                self.asked.append((command, now, len(self.events) + len(events)))
            if len(events) > 1:
                self.take_in(events)
                return events
            event = events[0]  # nearly always there is one: the same without loops
            kind = type(event)
            state.seq += 1
            state.last_at = now
            APPLY[kind](state, event)
            self.events.append(event)
            if state.next_wake < self.alarm:
                self.set_alarm()
            if kind in self.reactions:
                self.reactions[kind](event)
        return events

    def take_in(self, events: list[Event]) -> None:
        """Apply what was decided, then let those react whom it concerns."""
        apply = self.hall.apply
        for event in events:
            apply(event)
        self.events += events
        if self.state.next_wake < self.alarm:
            self.set_alarm()
        reactions = self.reactions
        for event in events:
            if type(event) in reactions:
                reactions[type(event)](event)

    def wake(self, _: Moment | None = None) -> None:
        """Let the hall do what is due."""
        while events := self.hall.wake(self.now):
            if self.asked is not None:
                self.asked.append((None, self.now, len(self.events) + len(events)))
            self.take_in(events)

    def set_alarm(self) -> None:
        """One timeout at the moment before which nothing is due in the hall; an earlier one gets one more, a later one
        is seen when the alarm has rung. To know that moment exactly would cost more than an alarm in vain."""
        wanted = self.state.next_wake
        if 0 < wanted < self.alarm:
            self.alarm = wanted
            self.at(wanted, self.ring)

    def ring(self, moment: Moment) -> None:
        """The alarm has rung."""
        self.wake()
        if self.alarm <= self.now:
            self.alarm = NEVER
        self.set_alarm()

    def run(self, until: int) -> None:
        """Let the day pass."""
        self.env.play(until)
