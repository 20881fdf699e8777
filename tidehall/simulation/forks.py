"""A running hall's zone carried on by simulated people: everybody stands where he stands, and time goes on.

Law: a fork changes nothing but its own copy, and what happens in it is the engine's doing; here people are only put in
their places. What the hall cannot know of them is read off its state: who is on the way to an opened window, whose
break is how old, which clerk was to leave after his citizen.
"""

from __future__ import annotations

from msgspec.structs import replace
from simpy.events import Event as Moment

from tidehall.hall import commands as c
from tidehall.hall.calendar import service_day
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.state import Window
from tidehall.queue.tickets import TicketState
from tidehall.simulation.citizens import Citizen, Crowd
from tidehall.simulation.clerks import Clerk, Roster
from tidehall.simulation.draws import Flow
from tidehall.simulation.opening import opening_order
from tidehall.simulation.present import Luck, Present
from tidehall.simulation.questions import Choice, Move
from tidehall.simulation.tables import Scenario
from tidehall.simulation.world import Hours, World

__all__ = ["Fork", "Scene"]

SECOND = 1_000_000
#: Tickets that a fork gives begin here, so that no id of the hall is met.
FIRST_TICKET = 1_000_000_000
#: Who has not come to a window by this multiple of the usual lateness does not come any more.
LATEST = 3
WAITING, CALLED = TicketState.WAITING, TicketState.CALLED


def still(elapsed: int, usual: int) -> int:
    """µs to come of what usually takes `usual`; what is overdue takes as long again as it has."""
    return usual - elapsed if elapsed <= usual else elapsed


class Scene:
    """What all forks of one slice have in common, at `now` (µs)."""

    def __init__(self, hall: Hall, scenario: Scenario, now: int) -> None:
        state = hall.state
        self.hall, self.scenario, self.now = hall, scenario, now
        self.plan = replace(
            state.rules,
            windows=tuple(replace(w, lines=state.windows[w.id].lines) for w in state.rules.windows),  # as of today
        )
        self.habits = replace(scenario.clerks, late_mean_s=0.0)  # lateness comes with each fork
        self.hours = Hours(state.rules, service_day(now, state.zone_name).isoformat())
        self.present = Present(state, scenario, now)
        self.windows = sorted(w.id for w in state.windows.values() if w.lines)
        self.transfers = {
            line: tuple(way for way in ways if way.line in state.lines)
            for line, ways in scenario.transfers.items() if line in state.lines
        }  # fmt: skip
        self.order = opening_order(replace(scenario, plan=self.plan))
        self.nobody = Flow("", [], [])


class Fork:
    """One run of one choice, from the scene to `until` (µs). `lateness`: µs of each window of the scene.

    `waiting`: how many waited in `lines` at each of the moments `looks`; `refused`: what the hall said no to.
    """

    def __init__(
        self, scene: Scene, choice: Choice, flows: list[Flow], luck: Luck, lateness: list[int], *,
        lines: list[str], looks: list[int],
    ) -> None:  # fmt: skip
        self.scene, self.luck = scene, luck
        scenario, now = scene.scenario, scene.now
        self.world = world = World(scene.hall.copy(), now)
        self.state = world.state
        self.lines = [self.state.lines[id] for id in lines]
        self.waiting: list[int] = []
        self.refused: list[str] = []
        self.roster = Roster(
            world, scene.plan, scene.habits, walk_s=scenario.people.walk_s, transfers=scene.transfers,
            order=scene.order,
        )  # fmt: skip
        self.late = dict(zip(scene.windows, lateness, strict=True))
        self.idle: list[Clerk] = []
        self.crowd = Crowd(world, self.roster, flows, scenario.people, scene.plan)
        self.crowd.count = FIRST_TICKET
        self.seat_citizens()
        self.seat_clerks()
        self.keep_hours()
        for at in looks:
            world.at(at, lambda _: self.look())
        for step in choice.steps:
            if step.after_s > 0:
                world.later(round(step.after_s * SECOND), lambda _, command=step.command: self.order(command))  # type: ignore[misc] # bound now
            else:
                self.order(step.command)
        for clerk in self.idle:
            if clerk in clerk.group and not self.roster.nobody_waits(clerk.lines):
                clerk.call()

    def run(self, until: int) -> None:
        """Let the time pass."""
        self.world.run(until)
        self.look()

    def look(self) -> None:
        """Count who waits."""
        self.waiting.append(sum([len(line.waiting) for line in self.lines]))

    # ---- citizens

    def seat_citizens(self) -> None:
        """Everybody present, with his luck."""
        luck, cancels = self.luck, self.scene.scenario.people.leave == "cancel"
        for i, t in enumerate(self.scene.present.tickets):
            citizen = Citizen(t.id, self.scene.nobody, i, luck.service[i], luck.absent[i])
            self.roster.citizens[t.id] = citizen
            if t.state is not WAITING:
                continue
            if cancels and luck.gives_up[i]:
                self.world.at(luck.gives_up[i], lambda _, citizen=citizen: self.crowd.give_up(citizen))  # type: ignore[misc] # bound now
            else:
                citizen.gives_up = luck.gives_up[i]
            if t.callable_at > self.scene.now:
                self.world.at(t.callable_at, lambda _, line=t.line: self.roster.somebody_waits(line))  # type: ignore[misc] # bound now

    # ---- clerks

    def seat_clerks(self) -> None:
        """Everybody at a window that is not closed, doing what he was doing."""
        for window in self.state.windows.values():
            clerk = self.roster.clerks.get(window.id)
            if clerk is None:
                continue
            if window.state == "closed":
                clerk.late = [self.late[window.id]]
                continue
            clerk.wanted = True
            if window.staff is None and window.ticket is None:
                self.on_the_way(clerk, window)
                continue
            clerk.here = True
            self.break_to_come(clerk, window)
            if window.state == "paused":
                self.pause(clerk, window)
            if window.ticket is not None:
                self.serve(clerk, window.ticket)
            elif window.state == "open":
                self.rest(clerk, window)
        self.idle.sort(key=lambda clerk: clerk.idle_since)
        for clerk in self.idle:
            clerk.group[clerk] = None

    def on_the_way(self, clerk: Clerk, window: Window) -> None:
        """The tide has opened the window, and nobody sits there yet."""
        delay = still(self.scene.now - window.since, round(self.scene.habits.tidal_s * SECOND))
        self.world.later(delay, clerk.sit_down)

    def break_to_come(self, clerk: Clerk, window: Window) -> None:
        """The next break; who has called somebody since it was due has left it out."""
        every_s = self.scene.habits.break_every_s
        if every_s is None or window.state == "paused":
            return
        now, every = self.scene.now, round(every_s * SECOND)
        t = self.state.tickets.get(window.ticket or "")
        due = window.since + every
        if due < now and (t is None or t.called_at >= due):
            due += -(-(now - due) // every) * every
        clerk.break_at = due
        self.world.at(due, clerk.look_for_break)

    def pause(self, clerk: Clerk, window: Window) -> None:
        """The window rests, for as long as a break lasts; or, if it is older, as long again."""
        self.stand_aside(clerk)
        delay = still(self.scene.now - window.since, round(self.scene.habits.break_s * SECOND))
        self.world.later(delay, lambda moment: self.back(clerk, moment))

    def back(self, clerk: Clerk, moment: Moment) -> None:
        """The pause is over, with somebody in front or not; unless a choice has ended it."""
        if clerk.seat.state != "paused":
            return
        self.stand_by(clerk)
        if clerk.citizen is None:
            clerk.back(moment)
        else:
            self.world.do(c.ResumeWindow(clerk.window))
            clerk.set_break()

    def stand_aside(self, clerk: Clerk) -> None:
        """Nobody sends people to this clerk; who is in front is still served."""
        clerk.group.pop(clerk, None)
        clerk.group = {}
        clerk.break_at = 0

    def stand_by(self, clerk: Clerk) -> None:
        """The clerk is one of those who serve these lines."""
        roster = self.roster
        clerk.group.pop(clerk, None)
        clerk.group = roster.groups.setdefault(clerk.lines, {})
        roster.by_line = {
            id: [group for lines, group in roster.groups.items() if id in lines] for id in self.state.lines
        }

    def serve(self, clerk: Clerk, ticket: str) -> None:
        """Somebody stands there, is on the way or does not come."""
        t = self.state.tickets[ticket]
        citizen = clerk.citizen = self.roster.citizens[ticket]
        if t.state is not CALLED:
            self.world.later(citizen.service, clerk.over)
        elif citizen.absent:
            self.world.at(t.called_at + self.roster.recall_gap, clerk.recall)
        else:
            self.world.later(self.luck.walk[citizen.i], clerk.start)

    def rest(self, clerk: Clerk, window: Window) -> None:
        """Nobody stands there: the clerk changes over, or has been idle since then."""
        done = window.undoable
        clerk.idle_since = max(window.since, done.at + self.roster.changeover if done is not None else 0)
        if clerk.idle_since > self.scene.now:
            self.world.at(clerk.idle_since, clerk.call)
        else:
            self.idle.append(clerk)

    # ---- the day's plan

    def keep_hours(self) -> None:
        """The rest of the day as the scenario has it; what the hall has done differently so far stands."""
        hours, roster, now = self.scene.hours, self.roster, self.scene.now
        if not hours.schedule.open_on(hours.when):
            return
        for clerks, steps in roster.planned(hours, self.scene.scenario.windows):
            past = [step for step in steps if step[0] <= now]
            if past:
                since, wish = past[-1]
                for some, count in roster.shares(clerks, wish):
                    self.under_way(some, since, count)
            roster.plan_steps(clerks, [step for step in steps if step[0] > now], hours)
        if not self.scene.scenario.day.drain:
            return
        if now < hours.closes < hours.end:
            self.world.at(hours.closes, roster.drain)
        elif now >= hours.closes:
            self.world.later(0, roster.drain)

    def under_way(self, clerks: list[Clerk], since: int, count: int) -> None:
        """The last step is still being taken: clerks who were to leave then and still serve the same citizen go after
        him; of those who were to come, the late ones still do."""
        standing = [clerk for clerk in clerks if clerk.wanted]
        if len(standing) > count:
            leaving = [clerk for clerk in standing if clerk.citizen is not None and self.served_at(clerk, since)]
            for clerk in leaving[::-1][: len(standing) - count]:
                clerk.wanted = False
        elif self.scene.now - since < LATEST * self.scene.scenario.clerks.late_mean_s * SECOND:
            for clerk in [clerk for clerk in clerks if not clerk.wanted][: count - len(standing)]:
                clerk.wanted = True
                self.world.later(self.late[clerk.window], clerk.sit_down)

    def served_at(self, clerk: Clerk, at: int) -> bool:
        """Whether the window stood open then with the citizen whom it still has."""
        t = self.state.tickets[clerk.seat.ticket or ""]
        return clerk.seat.since <= at and t.called_at <= at

    # ---- what is chosen

    def order(self, command: Move) -> None:
        """Do what the choice says; people follow."""
        try:
            self.world.do(command)
        except Refusal as no:
            self.refused.append(no.code)
            return
        clerk = self.roster.clerks.get(command.window)
        if clerk is None:
            return
        match command:
            case c.SetLines():
                self.serve_lines(clerk)
            case c.PauseWindow():
                self.stand_aside(clerk)
            case c.ResumeWindow():
                self.stand_by(clerk)
                if clerk.here and clerk.citizen is None:
                    clerk.call()

    def serve_lines(self, clerk: Clerk) -> None:
        """The clerk serves other lines from now on."""
        idle = clerk in clerk.group
        clerk.lines = self.state.windows[clerk.window].lines
        if clerk.seat.state != "paused":
            self.stand_by(clerk)
            if idle:
                clerk.call()
