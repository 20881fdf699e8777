"""Waits and services that last too long, and estimates that miss: since when, to the microsecond.

Law: what is due is a function of the state alone, whatever the hour at which anybody looks. Apply tells what may bring
the next moment nearer, or take the reason of an open alert; whatever else has changed is found when that moment is the
hall's next.

| alert | about | from | until |
| long_wait | a line | its longest wait reaches the limit, in opening hours or overtime | nobody has for `calm_s` |
| long_service | a window | its citizen has been served for the limit, pauses left out | the citizen has left it |
| estimate_off | a line | more than the share of its last 40 first calls lay outside the shown range | no longer more |
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from tidehall.hall.alert_rules import CALLS_JUDGED, AlertRules, TimeRule
from tidehall.queue.estimates import minutes_shown
from tidehall.queue.line import Line
from tidehall.queue.tickets import Estimate, Ticket, TicketState

if TYPE_CHECKING:
    from tidehall.hall.state import HallState, Window

__all__ = ["KINDS", "Misjudged", "Overlong", "Owed"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
WAITING, SERVING = TicketState.WAITING, TicketState.SERVING
MASK = (1 << CALLS_JUDGED) - 1
NEVER = 1 << 62
#: The kinds of alerts that begin and end here.
KINDS = frozenset({"long_wait", "long_service", "estimate_off"})


class Misjudged(Struct, gc=False):
    """The last first calls of a line whose number came with an estimate: one bit each, 1 for outside the shown range;
    `since` (µs): more than the rule's share of them were, 0: not."""

    bits: int = 0
    count: int = 0
    since: int = 0

    if TYPE_CHECKING:  # msgspec gives every struct a shallow copy

        def __copy__(self) -> Misjudged: ...


class Owed(NamedTuple):
    """An alert that is to begin at `due` (µs), or to end: as its reason has gone, or after its calm (`calms`)."""

    due: int
    what: Literal["begins", "ends", "calms"]
    kind: str
    about: str


class Overlong:
    """What is watched in one hall.

    `waits`, `services`: the lines' limits, µs; `patience`: the least of those waits; `calm`: an alert about waits ends
    when nobody has waited too long for so long, µs; `places`: of the windows in the plan; `serving`: (when a service
    reaches its limit, the window's place, its id), the first on top, where one that has ended goes when it is on top;
    `most`: of the last first calls so many may have missed, None: nobody looks; `told`: the ids of the alerts of these
    kinds that are open; `late`: the lines and `busy`: the windows of those about waits and services; `doubted`: the
    ids of those that may have lost their reason; `at`: nothing is due before, µs; `owed`: what was found to be due
    then; `moment`: when (µs) an alert may last have lost its reason, however late that was written; `since`: no alert
    is due before, µs.
    """

    __slots__ = (
        "at", "busy", "calm", "doubted", "late", "moment", "most", "owed", "patience", "places", "services", "serving",
        "since", "told", "waits",
    )  # fmt: skip

    def __init__(self) -> None:
        self.waits: dict[str, int] = {}
        self.services: dict[str, int] = {}
        self.patience = NEVER
        self.calm = 0
        self.places: dict[str, int] = {}
        self.serving: list[tuple[int, int, str]] = []
        self.most: float | None = None
        self.told: set[str] = set()
        self.late: set[str] = set()
        self.busy: set[str] = set()
        self.doubted: set[str] = set()
        self.at = NEVER
        self.owed: Owed | None = None
        self.moment = self.since = 0

    def copy(self) -> Overlong:
        """An independent copy, for a draft."""
        new = Overlong()
        new.waits, new.services, new.most = self.waits, self.services, self.most
        new.patience, new.calm = self.patience, self.calm
        new.places, new.serving = self.places, self.serving.copy()
        new.told, new.late, new.busy = self.told.copy(), self.late.copy(), self.busy.copy()
        new.doubted = self.doubted.copy()
        new.at, new.owed, new.moment, new.since = self.at, self.owed, self.moment, self.since
        return new

    def rule(self, lines: list[str], rules: AlertRules | None) -> None:
        """Take the limits from the plan; one without rules has none."""
        self.waits = limits(lines, rules.long_wait) if rules is not None else {}
        self.services = limits(lines, rules.long_service) if rules is not None else {}
        self.patience = min(self.waits.values(), default=NEVER)
        self.calm = round(rules.long_wait.calm_s * SECOND) if rules is not None else 0
        self.most = rules.estimate_off.share * CALLS_JUDGED if rules is not None and rules.estimate_off.on else None

    # ---- what apply tells

    def wakes(self, s: HallState, at: int) -> None:
        """Something may be due at `at` (µs), not before."""
        if at <= self.at:
            self.at, self.owed = at, None
        if at < s.next_wake:
            s.next_wake = at

    def doubts(self, s: HallState, at: int) -> None:
        """What was known to be next may be so no longer, and something may be due at `at` (µs)."""
        self.moment, self.owed = at, None
        self.wakes(s, at)

    def leaves(self, s: HallState, t: Ticket, at: int) -> None:
        """Somebody waits no longer in a line of `late`; the last who had waited too long leaves it calm. A calm that
        another one's wait has broken since stands here until that one leaves."""
        line = t.line
        if line in self.waits and t.waiting_since + self.waits[line] <= at:
            if 0 < self.over(s, "long_wait", line) <= at:
                s.calm.pop(line, None)
            else:
                s.calm[line] = at
        self.doubts(s, at)

    def anew(self, s: HallState, at: int) -> None:
        """There are other limits from now on: what is under them begins to be calm."""
        late = [line for line in self.waits if line in self.late]
        s.calm = {line: at for line in late if not 0 < self.over(s, "long_wait", line) <= at}

    def service_ends(self, s: HallState, window: str, at: int) -> None:
        """The citizen in front of a window of `busy` has gone or is parked."""
        self.doubted.add(f"long_service:{window}")
        self.doubts(s, at)

    def waits_from(self, s: HallState, line: str, at: int) -> None:
        """Somebody waits in a line from now on; called where `at` + `patience` is not after `self.at`: of two at one
        moment the plan's order decides."""
        self.wakes(s, at + self.waits.get(line, NEVER))

    def service_begins(self, s: HallState, t: Ticket, window: str) -> None:
        """A citizen is served from now on, perhaps not for the first time; called where services have a limit."""
        since = t.serving_since
        over = max(since, since + self.services[t.line] - t.served)
        heappush(self.serving, (over, self.places[window], window))
        if over <= self.at:
            self.wakes(s, over)

    def undone(self, s: HallState, t: Ticket, window: str, at: int) -> None:
        """A citizen is served again as if he had never left; what that brings back is due at `at` (µs)."""
        self.since = at
        if self.services:
            self.service_begins(s, t, window)
        self.doubts(s, at)

    def called(self, s: HallState, t: Ticket, shown: Estimate, at: int) -> None:
        """A first call: what was shown with the number is judged."""
        wait = at - (t.booked_for if t.booked_for > t.taken_at else t.taken_at)
        kept = s.misjudged.get(t.line) or s.misjudged.setdefault(t.line, Misjudged())
        bits = kept.bits << 1 & MASK
        if not shown[0] <= wait <= shown[2] and not says(shown, wait):
            bits |= 1
        kept.bits = bits
        if kept.count < CALLS_JUDGED:
            kept.count += 1
            if kept.count < CALLS_JUDGED:
                return
        assert self.most is not None  # apply asked
        if (bits.bit_count() > self.most) != (kept.since > 0):
            kept.since = 0 if kept.since else at
            self.doubted.add(f"estimate_off:{t.line}")
            self.doubts(s, at)

    def tell(self, s: HallState, alert: str, at: int, *, on: bool) -> None:
        """An alert of these kinds has begun (`at`: since when, µs) or ended."""
        change = set.add if on else set.discard
        kind, _, about = alert.partition(":")
        change(self.told, alert)
        change(self.doubted, alert)
        if kind == "long_wait":
            s.calm.pop(about, None)
        if kind != "estimate_off":
            change(self.late if kind == "long_wait" else self.busy, about)
        self.doubts(s, at if on else self.moment)

    def look(self, s: HallState, at: int) -> None:
        """At `at` (µs) find who waits: all that follows from the rest of the state."""
        for line in s.lines.values():
            line.order.clear()
        if self.waits:
            for since, id in sorted((t.waiting_since, t.id) for t in s.tickets.values() if t.state is WAITING):
                own = s.lines.get(s.tickets[id].line)
                if own is not None:
                    own.order.append((since, id))
        self.places = {id: n for n, id in enumerate(s.windows)}
        overs = [(self.service_over(s, window), self.places[id], id) for id, window in s.windows.items()]
        self.serving = [entry for entry in overs if entry[0]]
        heapify(self.serving)
        told = [a for a in s.alerts.values() if a.kind in KINDS and a.ended is None]
        self.told = {a.id for a in told}
        self.doubted = self.told.copy()
        self.late, self.busy = (
            {a.about for a in told if a.kind == kind} for kind in ("long_wait", "long_service")
        )  # fmt: skip
        self.moment = self.since = at
        self.at, self.owed = (1 if s.plan is not None else NEVER), None

    # ---- what is due

    def settle(self, s: HallState) -> bool:
        """Whether something is due at `at` indeed; else `at` moves on to the next moment."""
        owed = self.owed
        if owed is None or not self.stands(s, owed):
            owed = self.owed = self.soonest(s)
        due = owed.due if owed is not None else NEVER
        if due <= self.at:
            return True
        self.at = due
        return False

    def stands(self, s: HallState, owed: Owed) -> bool:
        """Whether what was found is still to come: nothing nearer can have come without a word from apply."""
        if owed.what != "begins":
            return owed.what == "calms" and self.calm_over(s, owed.about) == owed.due
        match owed.kind:
            case "long_wait":
                return self.wait_over(s, owed.about) == owed.due
            case "long_service":
                return max(self.service_over(s, s.windows[owed.about]), self.since) == owed.due
            case _:
                return s.misjudged[owed.about].since == owed.due

    def soonest(self, s: HallState) -> Owed | None:
        """What is due next if nothing more happens; in the plan's order when at the same moment."""
        told = self.told
        for alert in sorted(self.doubted):
            kind, _, about = alert.partition(":")
            calms = kind == "long_wait" and about in self.waits
            if alert in told and not calms and not 0 < self.over(s, kind, about) <= self.moment:
                return Owed(self.moment, "ends", kind, about)
            self.doubted.discard(alert)
        due, kind, about = NEVER, "", ""
        what: Literal["begins", "calms"] = "begins"
        if s.calm:
            for id in self.waits:
                calm = self.calm_over(s, id)
                if 0 < calm < due:
                    due, what, kind, about = calm, "calms", "long_wait", id
        if s.in_session or s.last_session_over:
            late = self.late
            for id, limit in self.waits.items():
                line = s.lines[id]
                if id in late or not line.order or line.order[0][0] + limit >= due:
                    continue  # who has left waited before those who wait
                over = self.wait_over(s, id)
                if 0 < over < due:
                    due, what, kind, about = over, "begins", "long_wait", id
        serving = self.serving
        while serving:
            over, _, id = serving[0]
            window = s.windows.get(id)
            if window is not None and id not in self.busy and self.service_over(s, window) == over:
                if (begins := max(over, self.since)) < due:
                    due, what, kind, about = begins, "begins", "long_service", id
                break
            heappop(serving)
        if self.most is not None:
            for id, kept in s.misjudged.items():
                if 0 < kept.since < due and f"estimate_off:{id}" not in told:
                    due, what, kind, about = kept.since, "begins", "estimate_off", id
        return Owed(due, what, kind, about) if kind else None

    def over(self, s: HallState, kind: str, about: str) -> int:
        """Since when (µs) there is a reason for an alert that has been told; 0: there is none."""
        if kind == "long_wait":
            line, limit = s.lines.get(about), self.waits.get(about)
            since = longest(s, line) if line is not None else 0
            return since + limit if since and limit is not None else 0
        if kind == "long_service":
            window = s.windows.get(about)
            return self.service_over(s, window) if window is not None else 0
        kept = s.misjudged.get(about)
        return kept.since if kept is not None and self.most is not None else 0

    def calm_over(self, s: HallState, line: str) -> int:
        """When (µs) the alert about a line's waits ends if nobody else leaves; 0: it is not calm, or not so long."""
        since = s.calm.get(line)
        if since is None:
            return 0
        ends = since + self.calm
        return 0 if 0 < self.over(s, "long_wait", line) <= ends else ends

    def wait_over(self, s: HallState, line: str) -> int:
        """When (µs) the longest wait of a line reaches its limit; 0: nobody waits, or the hall is closed."""
        since = longest(s, s.lines[line]) if s.in_session or s.last_session_over else 0
        return max(since + self.waits[line], s.calendar_at) if since else 0

    def service_over(self, s: HallState, window: Window) -> int:
        """When (µs) the service at a window reaches its limit; 0: there is none."""
        t = s.tickets.get(window.ticket) if window.ticket is not None else None
        limit = self.services.get(t.line) if t is not None and t.state is SERVING else None
        if t is None or limit is None:
            return 0
        return max(t.serving_since, t.serving_since + limit - t.served)


def longest(s: HallState, line: Line) -> int:
    """Since when (µs) somebody has waited longest in a line; 0: nobody waits."""
    order, tickets, id = line.order, s.tickets, line.id
    while order:
        since, first = order[0]
        t = tickets.get(first)
        if t is not None and t.state is WAITING and t.waiting_since == since and t.line == id:
            return since
        order.popleft()
    return 0


def says(shown: Estimate, wait: int) -> bool:
    """Whether a wait (µs) outside an estimate lies in the range as it is read, in whole minutes; one that begins with
    1, the least that is shown, begins at once."""
    if not shown[0] - 2 * MINUTE < wait < shown[2] + 2 * MINUTE:  # rounding outward adds less
        return False
    low, high = minutes_shown(shown)
    return (low == 1 or low * MINUTE <= wait) and wait <= high * MINUTE


def limits(lines: list[str], rule: TimeRule) -> dict[str, int]:
    """The limit of each line, µs; none where the rule is off."""
    return {id: round(rule.lines.get(id, rule.limit_s) * SECOND) for id in lines} if rule.on else {}
