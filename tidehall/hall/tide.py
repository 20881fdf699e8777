"""The tide: when tidal windows should open and close (潮汐岗, R95; design section 5, rule values in the plan).

Law: a watch is a fold of events and knows to the microsecond since when its condition holds; advice comes when it has
held long enough, once, and lapses when it holds no longer; nothing here depends on how often anybody looks.

| open | waiting ÷ open windows > a, or the longest wait > b, for t; with nobody open whoever waits is enough |
| close | waiting ÷ open windows < a′ and the longest wait < b′, for t′; the window has been open for its least time |

One step at a time, then a settling time. Only sessions count: nobody is advised to open at lunch or at night.

Under the policy `forecast` these thresholds rest, and look-ahead speaks in their place (`AdviseTide`); its advice
lapses when it is withdrawn, when the window has moved, or when it has not been renewed for two rounds.
"""

from __future__ import annotations

from collections import deque
from math import ceil, floor, inf
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from tidehall.hall.outlook import Prospect
from tidehall.hall.plan import Plan, TideRule
from tidehall.queue.tickets import TicketState

if TYPE_CHECKING:
    from tidehall.hall.state import HallState, Window

__all__ = ["STEPS", "Action", "Advice", "Due", "Tide", "Watch", "watches"]

SECOND = 1_000_000
WAITING = TicketState.WAITING
#: Steps of a zone that the state can still find in the journal: about a week of them.
STEPS = 200

Action = Literal["open", "close"]


class Advice(Struct, frozen=True, gc=False):
    """What a supervisor is advised to do, and why in numbers. Times are µs.

    `since`: the condition has held from then on; `at`: advised; `longest`: the longest wait then; `staff`: who is free
    to take the window, None when nobody is; `prospect`: what look-ahead says of it, None while it has said nothing.
    """

    window: str
    action: Action
    since: int
    at: int
    waiting: int
    open_windows: int
    longest: int
    staff: str | None = None
    prospect: Prospect | None = None


class Tide(Struct):
    """A zone's tide as the fold knows it; 0 is "not". Times are µs.

    `open_from`, `close_from`: from when the condition holds if nothing more happens (the former may lie ahead);
    `close_until`: when the longest wait will end the latter; `broken_at`: the advice's condition holds no longer;
    `unserved_from`: people wait and no window is open; `steps`: the newest advice, lapses and confirmations, as (µs,
    journal seq).
    """

    open_from: int = 0
    close_from: int = 0
    close_until: int = 0
    stepped_at: int = 0
    broken_at: int = 0
    unserved_from: int = 0
    advice: Advice | None = None
    steps: tuple[tuple[int, int], ...] = ()

    if TYPE_CHECKING:  # msgspec gives every struct a shallow copy

        def __copy__(self) -> Tide: ...


#: When something is due in a zone, and what: advice to open or close, its lapse, an unserved zone, or served again.
Due = tuple[int, Literal["open", "close", "lapse", "unserved", "served"]]


class Watch:
    """Watches one zone: the lines that its tidal windows serve, or all its service lines where it has none.

    `order` holds who waits by the beginning of the wait, where there is a rule; entries of people who have left go
    when they come to the front. `open` are the windows that serve: more than `most` people are too many for them, fewer
    than `few` are calm. Between `low` and `high` the number of people waiting decides nothing.
    """

    __slots__ = (
        "alert", "close_for", "close_wait", "few", "forecast", "heard_for", "high", "lines", "low", "most", "open",
        "open_for", "open_wait", "order", "rule", "tidal", "tide", "waiting", "zone",
    )  # fmt: skip

    def __init__(
        self, zone: str, rule: TideRule | None, lines: frozenset[str], tidal: tuple[str, ...], tide: Tide
    ) -> None:
        self.zone = zone
        self.rule = rule
        self.forecast = rule is not None and rule.policy == "forecast"
        self.lines = lines
        self.tidal = tidal
        self.tide = tide
        self.alert = f"no_window_open:{zone}"
        self.order: deque[tuple[int, str]] = deque()
        self.waiting = 0
        self.open: set[str] = set()
        self.low, self.high = 0.0, 0.0
        self.most = self.few = 0
        if rule is not None:
            self.open_wait, self.open_for = round(rule.open_wait_s * SECOND), round(rule.open_for_s * SECOND)
            self.close_wait, self.close_for = round(rule.close_wait_s * SECOND), round(rule.close_for_s * SECOND)
            self.heard_for = round(2 * rule.forecast_every_s * SECOND)

    def copy(self) -> Watch:
        """An independent copy, for a draft."""
        new = Watch(self.zone, self.rule, self.lines, self.tidal, self.tide.__copy__())
        new.order, new.waiting, new.open = self.order.copy(), self.waiting, self.open.copy()
        new.low, new.high, new.most, new.few = self.low, self.high, self.most, self.few
        return new

    # ---- what apply tells

    def enter(self, s: HallState, ticket: str, at: int) -> None:
        """A ticket waits in one of the lines from now on (µs)."""
        if self.rule is None:
            self.follow(s, at)
            return
        self.waiting += 1
        self.order.append((at, ticket))
        if self.waiting > self.high or self.waiting == 1:
            self.follow(s, at)

    def leave(self, s: HallState, ticket: str, at: int) -> None:
        """A ticket waits no longer."""
        if self.rule is None:
            self.follow(s, at)
            return
        self.waiting -= 1
        if self.waiting < self.low or self.order[0][1] == ticket:
            self.follow(s, at)

    def move(self, s: HallState, window: Window, at: int) -> None:
        """A window has opened, closed, paused or changed its lines."""
        open_ones = self.open
        served = len(open_ones)
        if self.counts(window):
            open_ones.add(window.id)
        else:
            open_ones.discard(window.id)
        if self.rule is None:
            if served and open_ones:
                return
            self.heed(s)
        elif len(open_ones) != served:
            self.set_marks(s)
        if window.id in self.tidal:
            self.weigh_anew(s, at)
        else:
            self.follow(s, at)

    def weigh_anew(self, s: HallState, at: int) -> None:
        """What may be advised has changed too: tidal windows, sessions, the advice."""
        self.set_bounds(s)
        self.follow(s, at)
        due = self.due(s)
        if due is not None:
            s.tide_wakes(due[0])

    def counts(self, window: Window) -> bool:
        """Whether a window is open for these lines."""
        return window.state == "open" and not window.closing and not self.lines.isdisjoint(window.lines)

    def heed(self, s: HallState) -> None:
        """Be told of who comes and goes only where it matters: under a rule, or while nobody is open."""
        for line in self.lines:
            if self.rule is not None or not self.open:
                s.watched[line] = self
            else:
                s.watched.pop(line, None)

    def look(self, s: HallState) -> None:
        """Find who waits and what is open: all that can be derived from the rest of the state."""
        if self.rule is not None:
            found = [t for t in s.tickets.values() if t.state == WAITING and t.line in self.lines]
            self.order = deque(sorted((t.waiting_since, t.id) for t in found))
        self.waiting = sum(len(s.lines[line].waiting) for line in self.lines)
        self.open = {w.id for w in s.windows.values() if self.counts(w)}
        self.heed(s)
        self.set_marks(s)

    def set_marks(self, s: HallState) -> None:
        """How many people waiting are too many for the open windows, and how few are calm."""
        rule, windows = self.rule, len(self.open)
        if rule is not None:
            self.most = floor(rule.open_waiting_per_window * windows)
            self.few = ceil(rule.close_waiting_per_window * windows)
            self.set_bounds(s)

    def set_bounds(self, s: HallState) -> None:
        """Between which numbers of people waiting nothing changes, in this session and with these windows."""
        waiting, most, few = self.waiting, self.most, self.few
        if not s.in_session or (self.open and (self.rule is None or self.forecast)):
            self.low, self.high = 0, inf
        elif not self.open:
            self.low, self.high = (1, inf) if waiting else (0, 0)
        elif waiting > most:
            self.low, self.high = max(most + 1, few), inf
        elif waiting < few:
            self.low, self.high = 0, min(most, few - 1)
        else:
            self.low, self.high = few, most

    def follow(self, s: HallState, at: int) -> None:
        """Find out what holds from now on."""
        order, tide, lines, tickets = self.order, self.tide, self.lines, s.tickets
        if self.rule is None:
            self.waiting = sum(len(s.lines[line].waiting) for line in lines)
        while order:
            since, id = order[0]
            t = tickets.get(id)
            if t is not None and t.state is WAITING and t.waiting_since == since and t.line in lines:
                break
            order.popleft()
        if not s.in_session:
            tide.open_from = tide.close_from = tide.close_until = tide.unserved_from = 0
        else:
            if self.open or not self.waiting:
                tide.unserved_from = 0
            elif not tide.unserved_from:
                tide.unserved_from = at
                s.tide_wakes(at)
            if self.rule is not None and not self.forecast:
                self.weigh(s, at)
        if not self.low <= self.waiting <= self.high:
            self.set_bounds(s)
        if tide.advice is not None and not tide.broken_at and not self.stands(s, tide.advice, at):
            tide.broken_at = at
            s.tide_wakes(at)
        if not tide.unserved_from and self.alert in s.alerts and self.told(s):
            s.tide_wakes(at)

    def weigh(self, s: HallState, at: int) -> None:
        """The two conditions of the rule; the longest wait is that of the first in order."""
        tide = self.tide
        long_from = until = 0
        if self.order:
            head = self.order[0][0]
            long_from, until = head + self.open_wait, head + self.close_wait
        if self.waiting > self.most or 0 < long_from <= at:
            if not 0 < tide.open_from <= at:
                tide.open_from = at
                s.tide_wakes(at + self.open_for)
        elif tide.open_from != long_from:
            tide.open_from = long_from
            if long_from:
                s.tide_wakes(long_from + self.open_for)
        if self.waiting >= self.few or 0 < until <= at:
            tide.close_from = 0
        elif not tide.close_from or 0 < tide.close_until <= at:
            tide.close_from = at
            s.tide_wakes(at + self.close_for)
        elif until != tide.close_until:  # the calm may outlast what it would have ended before
            s.tide_wakes(max(at, tide.close_from + self.close_for))
        tide.close_until = until
        if until and tide.advice is not None:
            s.tide_wakes(until)

    # ---- what is due

    def stands(self, s: HallState, advice: Advice, at: int) -> bool:
        """Whether an advice still has its reason."""
        window = s.windows[advice.window]
        if self.forecast:
            moved = window.state != ("closed" if advice.action == "open" else "open") or window.closing
            return s.in_session and not moved
        if advice.action == "open":
            return window.state == "closed" and 0 < self.tide.open_from <= at
        return window.state == "open" and not window.closing and self.tide.close_from > 0

    def told(self, s: HallState) -> bool:
        """Whether the alert stands that people wait and nobody is open."""
        found = s.alerts.get(self.alert)
        return found is not None and found.ended is None

    def due(self, s: HallState) -> Due | None:
        """What is due next in this zone if nothing more happens."""
        tide, rule = self.tide, self.rule
        if (tide.unserved_from > 0) != self.told(s):
            return (tide.unserved_from, "unserved") if tide.unserved_from else (s.last_at, "served")
        if tide.advice is not None:
            ends = tide.broken_at or (tide.close_until if tide.advice.action == "close" else 0)
            if self.forecast and not ends:
                ends = self.heard(tide.advice) + self.heard_for
            return (ends, "lapse") if ends else None
        if rule is None or self.forecast:
            return None
        settled = self.settled()
        opens: Due | None = None
        closed = [s.windows[id].since for id in self.tidal if s.windows[id].state == "closed"] if tide.open_from else []
        if closed:
            opens = max(tide.open_from + self.open_for, settled, min(closed)), "open"
        since = [w.since for w in self.closable(s)] if tide.close_from else []
        if since:
            at = max(tide.close_from + self.close_for, settled, min(since) + round(rule.min_open_s * SECOND))
            if (not tide.close_until or at < tide.close_until) and (opens is None or at < opens[0]):
                return at, "close"
        return opens

    def heard(self, advice: Advice) -> int:
        """When look-ahead last wanted this, µs."""
        return advice.at if advice.prospect is None else max(advice.at, advice.prospect.at)

    def settled(self) -> int:
        """The end of the settling time after the last step, µs; 0: there was none."""
        stepped = self.tide.stepped_at
        return stepped + round(self.rule.settle_s * SECOND) if stepped and self.rule is not None else 0

    def next_closed(self, s: HallState) -> Window | None:
        """The tidal window to open next: one where somebody already sits, else the first of the plan."""
        found = [w for w in (s.windows[id] for id in self.tidal) if w.state == "closed"]
        return min(found, key=lambda w: w.staff is None, default=None)

    def closable(self, s: HallState) -> list[Window]:
        """The tidal windows that are open and are not closing yet."""
        return [w for w in (s.windows[id] for id in self.tidal) if w.state == "open" and not w.closing]

    def next_open(self, s: HallState, at: int) -> Window | None:
        """The tidal window to close at `at` (µs): of those open for their least time an idle one before a busy one,
        then the one open longest."""
        least = round(self.rule.min_open_s * SECOND) if self.rule is not None else 0
        found = [w for w in self.closable(s) if w.since + least <= at]
        return min(found, key=lambda w: (w.ticket is not None, w.since), default=None)


def watches(plan: Plan, tides: dict[str, Tide]) -> dict[str, Watch]:
    """A watch for every zone with lines of service; `tides` is what is known of them, and gets what is new."""
    found: dict[str, Watch] = {}
    service = {line.id: line.zone for line in plan.lines if line.purpose == "service"}
    for zone in plan.zones:
        tidal = [w for w in plan.windows if w.zone == zone.id and w.post == "tidal"]
        lines = frozenset(id for w in tidal for id in w.lines if id in service)
        lines = lines or frozenset(id for id, of in service.items() if of == zone.id)
        if lines:
            rule = plan.tide.get(zone.id) if tidal else None
            tide = tides.setdefault(zone.id, Tide())
            found[zone.id] = Watch(zone.id, rule, lines, tuple(w.id for w in tidal), tide)
    return found
