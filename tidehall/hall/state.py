"""What a hall is at a moment: the fold of its events.

Law: only `apply` changes it, and `apply` cannot fail. `seq` is the number of events applied, which is the
journal's. Lines hold exactly their waiting tickets; everything derived (pools, indices) can be thrown away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tidehall.hall.calendar import Schedule
from tidehall.hall.catalogue import Item
from tidehall.hall.errors import Refusal
from tidehall.hall.notices import Duty, Notice
from tidehall.hall.overlong import Misjudged, Overlong
from tidehall.hall.papers.objects import Offices
from tidehall.hall.plan import Department, Plan, Zone
from tidehall.hall.pools import Crew, Pool, kinds, pool_of, waits
from tidehall.hall.roster import FOR_EVER, Pace
from tidehall.hall.services import Counts
from tidehall.hall.tide import Tide, Watch, watches
from tidehall.hall.workdays import WorkDays
from tidehall.queue.line import Line
from tidehall.queue.tickets import ENDED, TICKET_LIFE, Estimate, Ticket, TicketState

__all__ = ["RECENT", "WINDOW_LIFE", "Alert", "Call", "HallState", "Undoable", "Window"]

#: Calls that a board remembers per zone (S28).
RECENT = 8
SECOND = 1_000_000

#: A window's life: state → {event kind → next state}. docs/reference.md is drawn from this table.
WINDOW_LIFE: dict[str, dict[str, str]] = {
    "closed": {"window_opened": "open", "staff_signed_in": "closed", "staff_signed_out": "closed"},
    "open": {"window_paused": "paused", "window_closed": "closed", "staff_signed_in": "open"},
    "paused": {"window_resumed": "open", "window_closed": "closed", "staff_signed_in": "paused"},
}


class Call(Struct, frozen=True, gc=False):
    """A call that is open, or that a board remembers. `attempt` counts the recalls."""

    id: str
    ticket: str
    number: str
    window: str
    label: str
    zone: str
    line: str
    at: int
    attempt: int


class Undoable(Struct, frozen=True, gc=False):
    """A window's last step that can be taken back: the ticket as it was before, and its seq after."""

    kind: str
    at: int
    before: Ticket
    seq: int
    call: Call | None
    service: int = 0


class Window(Struct):
    """One window, counter or desk."""

    id: str
    label: str
    zone: str
    post: str
    lines: tuple[str, ...]
    state: str = "closed"
    staff: str | None = None
    ticket: str | None = None
    reason: str | None = None
    since: int = 0
    seq: int = 0
    lines_for_today: bool = False
    undoable: Undoable | None = None
    closing: bool = False  # on tidal duty: closes when its citizen has gone

    if TYPE_CHECKING:  # msgspec gives every struct a shallow copy

        def __copy__(self) -> Window: ...


class Alert(Struct, frozen=True, gc=False):
    """Something that needs a person."""

    id: str
    kind: str
    about: str
    since: int
    ended: int | None = None
    owner: str | None = None
    acknowledged_by: str | None = None
    escalated: bool = False
    seq: int = 0
    zone: str | None = None
    limit: float | None = None


class HallState:
    """All that is open in one hall. Attributes are read freely; only hall/applying/ writes them."""

    def __init__(self, id: str, *, estimates: bool = True) -> None:
        self.id = id
        self.estimates = estimates
        self.plan: Plan | None = None
        self.next_plan: Plan | None = None
        self.seq = 0
        self.last_at = 0
        self.calendar_at = 0
        self.day = ""
        self.issuing = False
        self.in_session = False
        self.last_session_over = False
        self.serials = 0  # tickets ever taken
        self.places = 0  # postponings ever made, the third part of a rank
        self.call_count = 0
        self.tickets: dict[str, Ticket] = {}
        self.lines: dict[str, Line] = {}
        self.windows: dict[str, Window] = {}
        self.zone_seq: dict[str, int] = {}
        self.calls: dict[str, Call] = {}
        self.recent: dict[str, list[Call]] = {}
        self.missed: dict[str, list[str]] = {}
        self.alerts: dict[str, Alert] = {}
        self.holders: dict[str, list[str]] = {}
        self.offices = Offices()
        self.clocks: list[tuple[int, str]] = []  # what is armed in the offices, in order
        self.plan_seq = 0  # the journal seq of the plan that rules
        self.tides: dict[str, Tide] = {}
        self.watches: dict[str, Watch] = {}  # by zone
        self.watched: dict[str, Watch] = {}  # by line, where somebody who comes or goes may change something
        self.tide_wake = 0  # nothing is due in the tide before, µs; 0: nothing at all
        self.reserves: dict[str, tuple[str, ...]] = {}
        self.services: Counts = {}
        self.notices: dict[str, Notice] = {}  # on the boards now
        self.runners: dict[str, Duty] = {}  # those who were sent somewhere today
        self.misjudged: dict[str, Misjudged] = {}  # by line
        self.calm: dict[str, int] = {}  # by line with an alert about waits: nobody has waited too long since, µs
        self.overlong = Overlong()
        self.compile(None)

    # ---- what follows from the plan

    def compile(self, plan: Plan | None) -> None:
        """Derive from the plan what decisions need at once."""
        self.pools: dict[str, Pool] = {}
        self.crews: dict[str, Crew] = {}
        self.paces: dict[str, Pace] = {}
        self.next_moment = 0
        self.next_wake = 0  # the calendar's next moment or the offices' next clock
        if plan is None:
            self.schedule: Schedule | None = None
            self.working: WorkDays | None = None
            return
        limits = plan.limits
        self.overlong.rule([line.id for line in plan.lines], plan.alerts)
        self.schedule = Schedule(plan)
        self.working = WorkDays(self.schedule)
        self.zone_name = plan.hall.time_zone
        self.head_starts = {name: plan.head_start(name) for name in plan.priority}
        self.items: dict[str, Item] = {item.code: item for item in plan.items}
        self.zones: dict[str, Zone] = {zone.id: zone for zone in plan.zones}
        self.zone_lines = {id: [line.id for line in plan.lines if line.zone == id] for id in self.zones}
        self.departments: dict[str, Department] = {department.id: department for department in plan.departments}
        self.item_line = {item.code: item.line for item in plan.items}
        self.materials = frozenset([m.code for item in plan.items for m in item.materials])
        self.head_start = min((x for name, x in self.head_starts.items() if x > 0 and name != "booked"), default=0)
        self.letters = {line.letter: line.id for line in plan.lines}
        self.pickup_lines = {line.zone: line.id for line in plan.lines if line.purpose == "pickup"}
        self.recall_gap = round(limits.recall_gap_s * SECOND)
        self.no_show_after = round(limits.no_show_after_s * SECOND)
        self.postpone_min = round(limits.postpone_min_s * SECOND)
        self.undo_within = round(limits.undo_s * SECOND)
        self.booked_grace = round(limits.booked_grace_s * SECOND)
        self.waiting_per_line = limits.waiting_per_line
        every = plan.service.break_every_s
        self.rest_every = round(every * SECOND) if every is not None else FOR_EVER
        self.rest = round(plan.service.break_s * SECOND)
        self.priors = {line.id: round((line.service_s or plan.service.default_s) * SECOND) for line in plan.lines}
        self.kinds = kinds(plan, self.priors)
        if self.calendar_at:
            self.next_moment = self.schedule.next_after(self.calendar_at)[0]
        self.set_wake()

    def set_wake(self) -> None:
        """When the hall next has something to do by itself."""
        clocks, moment = self.clocks, self.next_moment
        self.next_wake = clocks[0][0] if clocks and clocks[0][0] < moment else moment
        if self.tide_wake and self.tide_wake < self.next_wake:
            self.next_wake = self.tide_wake
        if self.overlong.at < self.next_wake:
            self.next_wake = self.overlong.at

    def tide_wakes(self, at: int) -> None:
        """Something may be due in the tide at `at` (µs), not before."""
        if not self.tide_wake or at < self.tide_wake:
            self.tide_wake = at
        if at < self.next_wake:
            self.next_wake = at

    # ---- questions

    @property
    def rules(self) -> Plan:
        """The plan that rules; a hall without one refuses everything but adopting one."""
        if self.plan is None:
            raise Refusal("no_plan")
        return self.plan

    def ticket(self, id: str) -> Ticket:
        """The ticket, or Refusal unknown_ticket."""
        found = self.tickets.get(id)
        if found is None:
            raise Refusal("unknown_ticket", ticket_id=id)
        return found

    def window(self, id: str) -> Window:
        """The window, or Refusal unknown_window."""
        found = self.windows.get(id)
        if found is None:
            raise Refusal("unknown_window", window=id)
        return found

    def ahead(self, ticket: Ticket) -> int | None:
        """How many wait in front of this ticket in its line; None when it does not wait."""
        if ticket.state != TicketState.WAITING:
            return None
        return self.lines[ticket.line].ahead(ticket.rank)

    def open_windows(self, line: str) -> int:
        """Windows that are open (not paused) for the line now."""
        return len(pool_of(self, line).ready)

    def estimate(
        self, line_id: str, ahead: int, rank: tuple[int, ...] | None = None, now: int | None = None
    ) -> Estimate | None:
        """p10, p50, p90 of the wait (µs) with `ahead` in front at `now` (by default the last event's moment); `rank`
        counts only those of other lines before it."""
        return waits(self, line_id, ahead, rank, self.last_at if now is None else now)

    def pace(self, zone: str, now: int) -> Pace:
        """How fast the zone works by the clock, at `now` (µs)."""
        found = self.paces.get(zone)
        if found is None or found.day != self.day:
            assert self.schedule is not None  # there are lines, so there is a plan
            windows = sum(w.zone == zone and w.post == "acceptance" for w in self.windows.values())
            found = self.paces[zone] = Pace(self.zones[zone], windows, self.schedule, self.day)
        if not found.since <= now < found.until:
            found.turn(now)
        return found

    def estimate_of(self, ticket: Ticket) -> Estimate | None:
        """The estimate for a waiting ticket where it stands now."""
        ahead = self.ahead(ticket)
        return None if ahead is None else self.estimate(ticket.line, ahead, ticket.rank)

    def free_staff(self, zone: str) -> str | None:
        """The first of the zone's reserve who sits at no window; None when nobody is free."""
        seated = {w.staff for w in self.windows.values() if w.staff is not None}
        return next((id for id in self.reserves.get(zone, ()) if id not in seated), None)

    def served_by_any(self, line: str) -> bool:
        """Whether a window that is not closed still serves the line."""
        return any(w.state != "closed" and line in w.lines for w in self.windows.values())

    def allowed(self, window_id: str, now: int) -> tuple[str, ...]:
        """The actions of contract.md that this window may take now; the pages show these and no others."""
        window = self.windows[window_id]
        found = ["sign-in"]
        ticket = self.tickets.get(window.ticket) if window.ticket else None
        if window.staff and ticket is None:
            found.append("sign-out")
        if window.state == "closed":
            found += ["open", "lines"] if window.staff else ["lines"]
        elif window.state == "paused":
            found += ["resume", "lines"]
            if ticket is None:
                found.append("close")
        else:
            found += ["pause", "lines"]
            if ticket is None:
                found += ["close", "call", "next", "unsuspend"]
        if ticket is not None:
            moves = TICKET_LIFE[ticket.state]
            if "ticket_recalled" in moves:
                found += ["start"]
                if ticket.attempt < self.rules.limits.calls and now >= ticket.called_at + self.recall_gap:
                    found.append("recall")
                if self.may_miss(ticket, now):
                    found.append("no-show")
            if "ticket_finished" in moves:
                found += ["finish", "suspend", "transfer", "reject", "items"]
                if window.state == "open" and not window.closing:
                    found.append("next")
        undo = window.undoable
        if undo is not None and ticket is None and window.state != "closed" and self.may_undo(undo, now):
            found.append("undo")
        return tuple(found)

    def may_miss(self, ticket: Ticket, now: int) -> bool:
        """No-show only after the last call, or when the no-show time has run since this one."""
        return ticket.attempt >= self.rules.limits.calls or now >= ticket.called_at + self.no_show_after

    def may_undo(self, undo: Undoable, now: int) -> bool:
        """Within the undo time, and nobody has acted on the ticket since."""
        ticket = self.tickets.get(undo.before.id)
        return now <= undo.at + self.undo_within and ticket is not None and ticket.seq == undo.seq

    # ---- copies

    def copy(self) -> HallState:
        """An independent copy for a draft; in proportion to what is open."""
        new = HallState.__new__(HallState)
        new.__dict__.update(self.__dict__)
        new.tickets = {id: ticket.__copy__() for id, ticket in self.tickets.items()}
        new.lines = {id: line.copy() for id, line in self.lines.items()}
        new.windows = {id: window.__copy__() for id, window in self.windows.items()}
        new.zone_seq = self.zone_seq.copy()
        new.calls = self.calls.copy()
        new.recent = {zone: calls.copy() for zone, calls in self.recent.items()}
        new.missed = {zone: tickets.copy() for zone, tickets in self.missed.items()}
        new.alerts = self.alerts.copy()
        new.holders = {holder: tickets.copy() for holder, tickets in self.holders.items()}
        new.offices = self.offices.duplicate()
        new.clocks = self.clocks.copy()
        new.pools, new.crews = {}, {}
        new.reserves = self.reserves.copy()
        new.services = {day: counts.copy() for day, counts in self.services.items()}
        new.notices, new.runners = self.notices.copy(), self.runners.copy()
        new.misjudged = {line: kept.__copy__() for line, kept in self.misjudged.items()}
        new.calm = self.calm.copy()
        new.overlong = self.overlong.copy()
        new.watches = {zone: watch.copy() for zone, watch in self.watches.items()}
        new.tides = self.tides | {zone: watch.tide for zone, watch in new.watches.items()}
        new.watched = {line: new.watches[watch.zone] for line, watch in self.watched.items()}
        return new

    def facts(self) -> dict[str, Any]:
        """Everything that the fold has made, as plain data: equal states give equal facts."""
        return {
            "id": self.id,
            "seq": self.seq,
            "last_at": self.last_at,
            "calendar_at": self.calendar_at,
            "day": self.day,
            "issuing": self.issuing,
            "in_session": self.in_session,
            "last_session_over": self.last_session_over,
            "serials": self.serials,
            "places": self.places,
            "call_count": self.call_count,
            "plan": self.plan,
            "next_plan": self.next_plan,
            "tickets": list(self.tickets.values()),
            "lines": {
                line.id: [
                    line.numbering.issued, sorted(line.numbering.open),
                    line.service_count, line.service_sum, line.jumps, line.seq,
                ]
                for line in self.lines.values()
            },
            "windows": list(self.windows.values()),
            "zone_seq": self.zone_seq,
            "calls": self.calls,
            "recent": self.recent,
            "missed": self.missed,
            "alerts": self.alerts,
            "offices": self.offices,
            "plan_seq": self.plan_seq,
            "tides": self.tides,
            "reserves": self.reserves,
            "services": self.services,
            "notices": self.notices,
            "runners": self.runners,
            "misjudged": self.misjudged,
            "calm": self.calm,
        }  # fmt: skip

    def index(self, at: int = 0) -> None:
        """Make again what can be derived, at `at` (µs, by default the last event's): the sorted lines, the holders'
        tickets, the order of the clocks."""
        self.clocks = sorted((at, name) for name, at in self.offices.armed.items())
        self.watches = watches(self.plan, self.tides) if self.plan is not None else {}
        self.watched = {}
        self.holders = {}
        for line in self.lines.values():
            line.waiting = sorted(
                (*t.rank, t.id) for t in self.tickets.values() if t.line == line.id and t.state == TicketState.WAITING
            )
        for ticket in self.tickets.values():
            if ticket.holder and ticket.state not in ENDED:
                self.holders.setdefault(ticket.holder, []).append(ticket.id)
        for watch in self.watches.values():
            watch.look(self)
        self.overlong.look(self, at or self.last_at)
        self.tide_wake = 1 if self.watches else 0  # whatever may be due is found at the next wake
        self.set_wake()
