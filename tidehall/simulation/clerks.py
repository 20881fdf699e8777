"""Clerks at their windows: when they open, whom they call next, what they do when nobody comes, when they close.

Law: a clerk knows the hall only through its answers. An idle clerk calls when somebody comes, the longest idle first;
a busy one calls when a service is over. A window that must close finishes its citizen first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from simpy.events import Event as Moment

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.plan import Plan, WindowPlan
from tidehall.queue.tickets import Parked, TicketState
from tidehall.simulation.draws import Purpose, stream
from tidehall.simulation.tables import WindowSteps, Wish
from tidehall.simulation.world import Hours, Timer, World

if TYPE_CHECKING:
    from tidehall.simulation.citizens import Citizen
    from tidehall.simulation.tables import Clerks, Transfer

__all__ = ["Clerk", "Counter", "Roster"]

SECOND = 1_000_000
SUSPENDED = TicketState.SUSPENDED
#: From each moment (µs) on, how many windows, or which.
Steps = list[tuple[int, Wish]]


class Counter(Protocol):
    """What happens at a window beside calling and serving: questions and papers (the offices)."""

    def begins(self, clerk: Clerk, citizen: Citizen) -> None:
        """A service has begun."""

    def ends(self, clerk: Clerk, citizen: Citizen) -> bool:
        """A service would end now; False when something must come first (the clerk is told by `over`)."""


class Clerk:
    """One person at one window."""

    __slots__ = (
        "ask_call", "ask_finish", "ask_next", "ask_start", "break_at", "citizen", "coming", "group", "here",
        "idle_since", "late", "lines", "planned", "roster", "seat", "serving", "staff", "wanted", "window", "world",
    )  # fmt: skip

    def __init__(self, roster: Roster, window: WindowPlan, group: dict[Clerk, None], late: list[int]) -> None:
        self.roster, self.world = roster, roster.world
        self.window = window.id
        self.staff = f"clerk-{window.id}"
        self.lines = self.planned = window.lines
        self.seat = roster.world.state.windows[window.id]  # as the hall sees the window
        self.group = group  # the idle ones who serve the same lines, the longest idle first
        self.late = late
        self.here = False
        self.wanted = False
        self.citizen: Citizen | None = None
        self.idle_since = 0
        self.break_at = 0
        self.ask_call, self.ask_next = c.CallTicket(self.window), c.NextTicket(self.window)
        self.ask_start, self.ask_finish = c.StartService(self.window), c.FinishTicket(self.window)
        self.coming, self.serving = Timer(roster.world.env, self.start), Timer(roster.world.env, self.over)

    # ---- coming and going

    def want(self) -> None:
        """The window shall be open; who was about to leave stays."""
        self.wanted = True
        delay = self.late.pop() if self.late else 0
        if not self.here and delay:
            self.world.later(delay, self.sit_down)
        elif not self.here:
            self.sit_down()

    def sit_down(self, _: Moment | None = None) -> None:
        """Open the window and call."""
        if self.here or not self.wanted:
            return
        self.here = True
        if self.seat.staff is None:
            self.world.do(c.SignIn(self.window, self.staff))
        if self.seat.state == "closed":
            self.world.do(c.OpenWindow(self.window))
        self.set_break()
        self.call()

    def release(self) -> None:
        """The window shall close, after its citizen."""
        self.wanted = False
        if self in self.group:
            self.leave()

    def leave(self) -> None:
        """Close and go."""
        self.group.pop(self, None)
        self.wanted = self.here = False
        if self.seat.staff is not None:
            self.world.do(c.SignOut(self.window))  # an open window closes with it

    def set_break(self) -> None:
        """When the next break is due."""
        every = self.roster.habits.break_every_s
        if every is not None:
            self.break_at = self.world.now + round(every * SECOND)
            self.world.at(self.break_at, self.look_for_break)

    def look_for_break(self, _: Moment) -> None:
        """An idle clerk takes the break at once; a busy one after the service."""
        if self in self.group and self.break_due():
            self.rest()

    def break_due(self) -> bool:
        return bool(self.break_at) and self.world.now >= self.break_at

    def back(self, _: Moment) -> None:
        """The break is over."""
        if not self.here:
            return
        if not self.wanted:
            self.leave()
            return
        if self.seat.state == "paused":
            self.world.do(c.ResumeWindow(self.window))
        self.set_break()
        self.call()

    # ---- calling and serving

    def call(self, _: Moment | None = None) -> None:
        """Call who comes next, or rest."""
        self.group.pop(self, None)
        if not self.wanted or self.seat.state != "open":
            self.leave()
            return
        events = self.world.do(self.ask_call)
        if events:
            self.called(events[0])  # type: ignore[arg-type] # the one event of a call
        else:
            self.rest()

    def rest(self) -> None:
        """Nobody is in front: a break, the end of the day, or wait for somebody."""
        self.group.pop(self, None)
        if not self.wanted or self.seat.state == "closed":
            self.leave()
        elif self.break_due():
            self.break_at = 0
            self.world.do(c.PauseWindow(self.window, "break"))
            self.world.later(round(self.roster.habits.break_s * SECOND), self.back)
        elif self.roster.draining and self.roster.nobody_waits(self.lines):
            self.leave()
        else:
            self.idle_since = self.world.now
            self.group[self] = None
        if self.roster.draining and self.roster.before:
            self.roster.sweep()

    def called(self, event: e.TicketCalled) -> None:
        """Somebody was called: he comes, or is missing."""
        roster = self.roster
        citizen = self.citizen = roster.citizens[event.ticket]
        if not citizen.absent and 0 < citizen.gives_up < event.at:
            citizen.absent = True
            roster.gave_up.add(event.ticket)
        if citizen.absent:
            self.world.later(roster.recall_gap, self.recall)
        elif roster.walk:
            self.coming.set(roster.walk)
        else:
            self.start()
        if roster.draining:
            roster.sweep()

    def recall(self, _: Moment) -> None:
        """Call again as often as the hall's rules have it, then note the miss and go on."""
        world, limits = self.world, self.world.state.rules.limits
        ticket = world.state.tickets[self.seat.ticket or ""]
        if not world.state.may_miss(ticket, world.now):
            if ticket.attempt < limits.calls:
                world.do(c.RecallTicket(self.window))
            world.later(self.roster.recall_gap, self.recall)
            return
        self.citizen = None
        missed = world.do(c.MissTicket(self.window))[0]
        if isinstance(missed, e.TicketMissed):
            line = ticket.line
            world.at(missed.callable_at, lambda _: self.roster.somebody_waits(line))
        self.over_with()

    def start(self, _: Moment | None = None, ask: c.Command | None = None) -> None:
        """The citizen stands at the window; `ask`: what begins the service instead of a start after a call. Papers and
        questions come once the citizen has everything with him."""
        citizen = self.citizen
        assert citizen is not None
        self.world.do(ask or self.ask_start)
        self.serving.set(citizen.service)
        counter = self.roster.counter
        if counter is not None and not citizen.sent and not citizen.away:
            counter.begins(self, citizen)

    def over(self, _: Moment | None = None) -> None:
        """The service is over: the next one, if nothing else is to be done."""
        roster, citizen = self.roster, self.citizen
        assert citizen is not None
        if citizen.away:
            self.park(citizen)
            return
        if roster.counter is not None and not citizen.sent and not roster.counter.ends(self, citizen):
            return
        self.citizen = None
        if citizen.onward and citizen.onward[0].line in self.world.state.lines:  # a slice of a hall has no other zones
            self.send_on(citizen)
            return
        if roster.changeover or not self.wanted or self.break_at or self.seat.state != "open":
            self.world.do(self.ask_finish)
            self.over_with()
            return
        events = self.world.do(self.ask_next)
        if len(events) > 1 and type(events[1]) is e.TicketCalled:
            self.called(events[1])
        else:
            self.rest()

    def send_on(self, citizen: Citizen) -> None:
        """The citizen goes on to another line of the hall, with the same number."""
        leg, *rest = citizen.onward
        reason = None if leg.place == "arrival" else "scenario"  # the hall wants one for any other place
        self.world.do(c.TransferTicket(self.window, leg.line, place=leg.place, reason=reason))
        citizen.onward, citizen.service, citizen.gives_up, citizen.sent = tuple(rest), leg.service, 0, True
        citizen.begun = True
        self.roster.somebody_waits(leg.line)
        self.over_with()

    def park(self, citizen: Citizen) -> None:
        """A paper is missing: the citizen goes and fetches it, and the window is free (挂起)."""
        self.citizen = None
        self.world.do(c.SuspendTicket(self.window, Parked.AWAY))
        away, citizen.away = citizen.away, 0
        citizen.service, citizen.gives_up, citizen.begun = citizen.rest, 0, True
        self.world.later(away, lambda _: self.roster.comes_back(citizen))
        self.over_with()

    def take_up(self, citizen: Citizen) -> None:
        """Nobody else waits here: who comes back is served on at once."""
        self.group.pop(self, None)
        self.citizen = citizen
        self.start(ask=c.UnsuspendTicket(self.window, citizen.ticket))

    def over_with(self) -> None:
        """Nobody is in front any more."""
        if not self.wanted or self.seat.state != "open" or self.break_due():
            self.rest()
        elif self.roster.changeover:
            self.world.later(self.roster.changeover, self.call)
        else:
            self.call()


def every_session(clerks: list[Clerk], hours: Hours) -> Steps:
    """All of them in every session."""
    return [step for opens, closes in hours.sessions for step in ((opens, len(clerks)), (closes, 0))]


def lines_before(transfers: dict[str, tuple[Transfer, ...]]) -> dict[str, set[str]]:
    """For each line the lines whose people may come to it sooner or later."""
    found: dict[str, set[str]] = {}
    for line, ways in transfers.items():
        for way in ways:
            found.setdefault(way.line, set()).add(line)
    for _ in transfers:
        for before in found.values():
            before |= {x for line in before for x in found.get(line, ())}
    return found


class Roster:
    """All clerks, and how many windows of each zone shall be open."""

    def __init__(
        self, world: World, plan: Plan, habits: Clerks, *, walk_s: float, seed: int = 0, day: int = 0,
        transfers: dict[str, tuple[Transfer, ...]] | None = None, order: dict[str, tuple[str, ...]] | None = None,
    ) -> None:  # fmt: skip
        """`order`: each zone's windows as a count opens them (opening.py), where that is not the plan's order."""
        self.world = world
        self.habits = habits
        self.citizens: dict[str, Citizen] = {}
        self.counter: Counter | None = None
        self.gave_up: set[str] = set()  # tickets whose citizens had left in silence when they were called
        self.draining = False
        self.walk = round(walk_s * SECOND)
        self.changeover = round(habits.changeover_s * SECOND)
        self.recall_gap = round(plan.limits.recall_gap_s * SECOND)
        self.groups: dict[tuple[str, ...], dict[Clerk, None]] = {}
        self.clerks: dict[str, Clerk] = {}
        self.zones: dict[str, list[Clerk]] = {}  # acceptance windows, in the plan's order
        self.issue: dict[str, list[Clerk]] = {}  # issue windows: open in every session
        for window in plan.windows:
            if not window.lines:
                continue
            late: list[int] = []
            if habits.late_mean_s:
                draw = stream(seed, day, Purpose.LATE, window.id).exponential(habits.late_mean_s * SECOND, 8)
                late = [int(x) for x in draw]
            clerk = Clerk(self, window, self.groups.setdefault(window.lines, {}), late)
            self.clerks[window.id] = clerk
            if window.post == "acceptance":
                self.zones.setdefault(window.zone, []).append(clerk)
            elif window.post == "issue":
                self.issue.setdefault(window.zone, []).append(clerk)
        self.by_line = {line.id: [g for lines, g in self.groups.items() if line.id in lines] for line in plan.lines}
        self.rank = {id: i for ids in (order or {}).values() for i, id in enumerate(ids)}
        self.before = lines_before(transfers or {})
        world.on(e.WindowOpened, self.opened)
        world.on(e.WindowClosed, self.closed)

    def follow(self, hours: Hours, windows: dict[str, WindowSteps], *, drain: bool) -> None:
        """Open and close as the scenario says; a zone that it does not name opens all windows in every session."""
        for clerks, steps in self.planned(hours, windows):
            self.plan_steps(clerks, steps, hours)
        if drain and hours.closes < hours.end:
            self.world.at(hours.closes, self.drain)

    def planned(self, hours: Hours, windows: dict[str, WindowSteps]) -> list[tuple[list[Clerk], Steps]]:
        """Whose windows stand open from when on: zone by zone, issue windows last."""
        found: list[tuple[list[Clerk], Steps]] = []
        for zone, clerks in self.zones.items():
            steps = [(hours.at(at), wish) for at, wish in windows[zone]] if zone in windows else None
            found.append((clerks, every_session(clerks, hours) if steps is None else steps))
        return found + [(clerks, every_session(clerks, hours)) for clerks in self.issue.values()]

    def plan_steps(self, clerks: list[Clerk], steps: Steps, hours: Hours) -> None:
        """From each moment on, so many of these windows, or those named."""
        for at, wish in steps:
            if at < hours.closes:
                self.world.at(at, lambda _, wish=wish: self.adjust(clerks, wish))  # type: ignore[misc] # bound now

    def shares(self, clerks: list[Clerk], wish: Wish) -> list[tuple[list[Clerk], int]]:
        """Windows of which any is as good as another, and how many of them shall be open."""
        if isinstance(wish, tuple):
            return [([clerk], int(clerk.window in wish)) for clerk in clerks]
        alike: dict[frozenset[str], list[Clerk]] = {}
        for clerk in clerks:
            alike.setdefault(frozenset(clerk.planned), []).append(clerk)
        if len(alike) == 1:
            return [(clerks, wish)]
        first = set(sorted(clerks, key=lambda clerk: self.rank.get(clerk.window, 0))[:wish])
        return [(some, sum(clerk in first for clerk in some)) for some in alike.values()]

    def adjust(self, clerks: list[Clerk], wish: Wish) -> None:
        """So many of these windows, or those named, shall be open; of those that close, idle ones go first."""
        come: list[Clerk] = []
        go: list[Clerk] = []
        for some, count in self.shares(clerks, wish):
            wanted = [clerk for clerk in some if clerk.wanted]
            away = [clerk for clerk in some if not clerk.wanted]
            come += sorted(away, key=lambda x: not x.here)[: max(0, count - len(wanted))]
            last = sorted(wanted, key=lambda x: (x not in x.group, -clerks.index(x)))
            go += last[: max(0, len(wanted) - count)]
        for clerk in sorted(come, key=lambda x: (not x.here, clerks.index(x))):
            clerk.want()
        for clerk in sorted(go, key=lambda x: (x not in x.group, -clerks.index(x))):
            clerk.release()

    def drain(self, _: Moment) -> None:
        """The day's last session is over: who still waits is served, then the windows close."""
        self.draining = True
        self.sweep()

    def sweep(self) -> None:
        """At the day's end idle clerks go home, unless somebody of their lines still waits."""
        for group in self.groups.values():
            for clerk in [clerk for clerk in group if self.nobody_waits(clerk.lines)]:
                clerk.leave()

    def nobody_waits(self, lines: tuple[str, ...]) -> bool:
        """Whether the hall holds nobody for these lines, nor anybody who may still be sent on to them."""
        state = self.world.state
        if any(state.lines[line].waiting for line in lines):
            return False
        before = {x for line in lines for x in self.before.get(line, ())}
        if not before:
            return True
        in_front = (clerk.citizen for clerk in self.clerks.values() if clerk.citizen is not None)
        return not (
            any(state.lines[line].waiting for line in before)
            or any(state.tickets[citizen.ticket].line in before for citizen in in_front)
        )

    def comes_back(self, citizen: Citizen) -> None:
        """A citizen has fetched his paper: the longest idle clerk of the line serves him on, else he waits with his old
        key. Who comes after the last window has closed comes too late: the number is void."""
        ticket = self.world.state.tickets.get(citizen.ticket)
        if ticket is None or ticket.state is not SUSPENDED:
            return
        idle = [clerk for group in self.by_line[ticket.line] for clerk in group if clerk.seat.state == "open"]
        if idle:
            min(idle, key=lambda clerk: clerk.idle_since).take_up(citizen)
        else:
            self.world.do(c.BringBack(citizen.ticket))

    def somebody_waits(self, line: str) -> None:
        """The longest idle clerk who serves the line calls."""
        groups = self.by_line[line]
        if len(groups) == 1:
            for clerk in groups[0]:  # the first of them, if there is one
                clerk.call()
                return
            return
        idle = [next(iter(group)) for group in groups if group]
        if idle:
            min(idle, key=lambda clerk: clerk.idle_since).call()

    def opened(self, event: e.WindowOpened) -> None:
        """The hall itself has opened a window (tide): somebody goes there."""
        clerk = self.clerks.get(event.window)
        if clerk is not None and not clerk.here:
            clerk.wanted = True
            self.world.later(round(self.habits.tidal_s * SECOND), clerk.sit_down)

    def closed(self, event: e.WindowClosed) -> None:
        """The hall itself has closed a window (tide): its clerk goes."""
        clerk = self.clerks.get(event.window)
        if clerk is not None and clerk.here and clerk.citizen is None:
            clerk.leave()
