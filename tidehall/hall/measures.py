"""What a day was like: the definitions of design section 6, each in one function, for live and simulated days alike.

Law: measures are a fold of events and nothing else; seconds are never rounded here; what has no data is None, never 0.

| measure | definition |
|---|---|
| waiting time | taking (booked: the later of check-in and booked time) → first call; called tickets only |
| later waits | waits after a transfer, a return, a miss |
| walking time | call → service start |
| service time | sum of serving intervals; parked time apart |
| visit time | taking → finish |
| left, no-show, expired | counted apart, never in the served averages; still waiting is shown as such (censored) |
| utilisation | serving time ÷ open time of the window (paused is not open, overtime is) |
| services | what was counted and is no case, by kind; of the whole hall or by hour |
| estimate error | shown p50 − actual waiting time; covered: called inside the shown range |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal

from msgspec import Struct

from tidehall.hall import events as e
from tidehall.hall.calendar import local_text
from tidehall.hall.events import Event

__all__ = ["By", "Figures", "Measures", "Summary"]

SECOND = 1_000_000
By = Literal["hall", "line", "window", "hour", "item", "staff"]


class Summary(Struct, frozen=True):
    """A set of durations, seconds. There is no summary of an empty set."""

    n: int
    mean: float
    p50: float
    p95: float
    max: float


class Figures(Struct, frozen=True):
    """One day, or one part of it. Counts are citizens; durations are summaries in seconds; None is "no data"."""

    tickets: int
    called: int
    served: int
    rejected: int
    left: int
    no_show: int
    expired: int
    waiting: int
    wait: Summary | None
    wait_over_break: int
    later_wait: Summary | None
    walk: Summary | None
    service: Summary | None
    parked: Summary | None
    visit: Summary | None
    estimate_error: Summary | None
    estimate_covered: float | None
    utilisation: float | None
    chosen_calls: int
    services: dict[str, int] = {}


def summary(values: Iterable[int]) -> Summary | None:
    """The summary of durations in µs; p50 and p95 are order statistics (the smallest value not below the share)."""
    found = sorted(values)
    if not found:
        return None

    def at(share: float) -> float:
        return found[max(0, ceil(share * len(found)) - 1)] / SECOND

    return Summary(len(found), sum(found) / len(found) / SECOND, at(0.5), at(0.95), found[-1] / SECOND)


@dataclass(slots=True)
class Interval:
    """Serving at a window, µs; `end` 0 while it goes on."""

    start: int
    end: int
    window: str
    staff: str | None
    item: str | None


@dataclass(slots=True)
class Visit:
    """What the measures keep of one ticket."""

    line: str
    taken: int
    since: int
    items: tuple[str, ...] = ()
    shown: tuple[int, int, int] | None = None
    first_call: int = 0
    window: str | None = None
    staff: str | None = None
    called: int = 0
    waiting_since: int = 0
    over_break: bool = False
    later: list[int] = field(default_factory=list)
    walks: list[int] = field(default_factory=list)
    serving: list[Interval] = field(default_factory=list)
    parked_since: int = 0
    parked: int = 0
    outcome: str | None = None
    ended: int = 0
    chosen: int = 0

    def service(self) -> int:
        """Sum of the closed serving intervals, µs."""
        return sum(i.end - i.start for i in self.serving if i.end)


@dataclass(slots=True)
class Opening:
    """A window's open time and serving time, µs."""

    open_since: int = 0
    open: int = 0
    staff: str | None = None


class Measures:
    """Folds a hall's events into figures, from any first event on (tickets taken before it are not counted)."""

    def __init__(self, zone_name: str = "Asia/Shanghai") -> None:
        self.zone_name = zone_name
        self.visits: dict[str, Visit] = {}
        self.windows: dict[str, Opening] = {}
        self.services: dict[str, Counter[str]] = {}  # by hour
        self.last_at = 0

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.last_at = getattr(event, "due", event.at)
        step = STEPS.get(type(event))
        if step is None:
            return
        ticket = getattr(event, "ticket", None)
        if ticket is not None and ticket not in self.visits and not isinstance(event, e.TicketTaken):
            return
        step(self, event)

    def opening(self, window: str) -> Opening:
        """What is kept of a window."""
        return self.windows.setdefault(window, Opening())

    def figures(self, by: By = "hall") -> dict[str, Figures]:
        """The figures up to the last event, by key; "hall" has the one key ""."""
        groups: dict[str, list[Visit]] = {}
        for visit in self.visits.values():
            groups.setdefault(self.key(visit, by), []).append(visit)
        keys = groups.keys() | (self.windows.keys() if by == "window" else set())
        keys |= self.services.keys() if by == "hour" else {""} if by == "hall" and self.services else set()
        return {key: self.of(groups.get(key, []), by, key) for key in sorted(keys)}

    def key(self, visit: Visit, by: By) -> str:
        """Where a visit belongs: its first line, first window, first server, first item, hour of taking."""
        match by:
            case "hall":
                return ""
            case "line":
                return visit.line
            case "window":
                return visit.window or ""
            case "staff":
                return visit.staff or ""
            case "item":
                return visit.items[0] if visit.items else ""
            case "hour":
                return local_text(visit.taken, self.zone_name)[:13]

    def of(self, visits: list[Visit], by: By, key: str) -> Figures:
        """The figures of some visits."""
        called = [v for v in visits if v.first_call]
        judged = [v for v in called if v.shown is not None]
        inside = sum(1 for v in judged if v.shown and v.shown[0] <= v.first_call - v.since <= v.shown[2])

        def count(outcome: str | None) -> int:
            return sum(1 for v in visits if v.outcome == outcome)

        served = [v for v in visits if v.outcome in ("finished", "rejected")]
        return Figures(
            tickets=len(visits),
            called=len(called),
            served=count("finished"),
            rejected=count("rejected"),
            left=count("cancelled"),
            no_show=count("void"),
            expired=count("expired"),
            waiting=count(None),
            wait=summary(max(0, v.first_call - v.since) for v in called),
            wait_over_break=sum(1 for v in called if v.over_break),
            later_wait=summary(wait for v in visits for wait in v.later),
            walk=summary(walk for v in visits for walk in v.walks),
            service=summary(self.service_times(visits, served, by, key)),
            parked=summary(v.parked for v in visits if v.parked),
            visit=summary(v.ended - v.taken for v in visits if v.outcome == "finished"),
            estimate_error=summary(v.shown[1] - (v.first_call - v.since) for v in judged if v.shown),
            estimate_covered=inside / len(judged) if judged else None,
            utilisation=self.utilisation(by, key),
            chosen_calls=sum(v.chosen for v in visits),
            services=self.counted(by, key),
        )

    def counted(self, by: By, key: str) -> dict[str, int]:
        """The services of an hour or of the whole; they belong to no line, window, item or person."""
        if by not in ("hall", "hour"):
            return {}
        total: Counter[str] = Counter()
        for hour, found in self.services.items():
            if by == "hall" or hour == key:
                total.update(found)
        return {service: n for service, n in sorted(total.items()) if n}

    def service_times(self, visits: list[Visit], served: list[Visit], by: By, key: str) -> list[int]:
        """Whole service times; by window, staff or item the parts that happened there."""
        if by not in ("window", "staff", "item"):
            return [v.service() for v in served]
        parts: list[int] = []
        for visit in self.visits.values():
            if visit.outcome in ("finished", "rejected"):
                mine = [i.end - i.start for i in visit.serving if (getattr(i, by) or "") == key and i.end]
                if mine:
                    parts.append(sum(mine))
        return parts

    def utilisation(self, by: By, key: str) -> float | None:
        """Serving ÷ open time, of one window or of the hall; None where nothing was open or it has no meaning."""
        if by not in ("hall", "window"):
            return None
        names = self.windows.keys() if by == "hall" else {key} & self.windows.keys()
        opened = sum(
            w.open + (self.last_at - w.open_since if w.open_since else 0) for w in map(self.windows.__getitem__, names)
        )
        serving = sum(
            (i.end or self.last_at) - i.start for v in self.visits.values() for i in v.serving if i.window in names
        )
        return serving / opened if opened else None


# ---- one step for each kind of event


def taken(m: Measures, ev: e.TicketTaken) -> None:
    m.visits[ev.ticket] = Visit(ev.line, ev.at, max(ev.at, ev.booked_for), ev.items, ev.shown, waiting_since=ev.at)


def was_called(m: Measures, ev: e.TicketCalled) -> None:
    v = m.visits[ev.ticket]
    if not v.first_call:
        v.first_call, v.window, v.staff = ev.at, ev.window, ev.staff
    elif v.waiting_since:
        v.later.append(ev.at - v.waiting_since)
    v.waiting_since = 0
    v.called = ev.at
    v.chosen += ev.chosen


def started(m: Measures, ev: e.ServiceStarted) -> None:
    v = m.visits[ev.ticket]
    v.walks.append(ev.at - v.called)
    serve(m, v, ev.window, ev.at)


def serve(m: Measures, v: Visit, window: str, at: int, item: str | None = None) -> None:
    if item is None and v.items:
        item = v.serving[-1].item if v.serving and v.serving[-1].item in v.items else v.items[0]
    v.serving.append(Interval(at, 0, window, m.opening(window).staff, item))


def stop(v: Visit, at: int) -> None:
    if v.serving and not v.serving[-1].end:
        v.serving[-1].end = at


def items(m: Measures, ev: e.ItemsSet) -> None:
    v = m.visits[ev.ticket]
    v.items = ev.items
    if not v.serving or v.serving[-1].end:
        return
    if v.serving[-1].item is None:
        v.serving[-1].item = ev.current
    elif v.serving[-1].item != ev.current:
        stop(v, ev.at)
        serve(m, v, ev.window, ev.at, ev.current)


def suspended(m: Measures, ev: e.TicketSuspended) -> None:
    v = m.visits[ev.ticket]
    stop(v, ev.at)
    v.parked_since = ev.at


def returned(m: Measures, ev: e.TicketReturned) -> None:
    v = m.visits[ev.ticket]
    v.parked += ev.at - v.parked_since
    v.parked_since = 0
    v.waiting_since = ev.at


def resumed(m: Measures, ev: e.ServiceResumed) -> None:
    v = m.visits[ev.ticket]
    v.parked += ev.at - v.parked_since
    v.parked_since = 0
    serve(m, v, ev.window, ev.at)


def transferred(m: Measures, ev: e.TicketTransferred) -> None:
    v = m.visits[ev.ticket]
    stop(v, ev.at)
    v.waiting_since = ev.at


def missed(m: Measures, ev: e.TicketMissed) -> None:
    m.visits[ev.ticket].waiting_since = ev.at


def restored(m: Measures, ev: e.TicketRestored) -> None:
    v = m.visits[ev.ticket]
    v.outcome, v.ended, v.waiting_since = None, 0, ev.at


def over(outcome: str) -> Callable[[Measures, Event], None]:
    """The ticket's end of one kind."""

    def end(m: Measures, ev: Event) -> None:
        at = getattr(ev, "due", ev.at)
        v = m.visits[ev.ticket]  # type: ignore[union-attr, index] # only kinds with a ticket are registered
        stop(v, at)
        v.outcome, v.ended = outcome, at

    return end


def undone(m: Measures, ev: e.ActionUndone) -> None:
    v = m.visits[ev.ticket]
    v.outcome, v.ended, v.waiting_since = None, 0, 0
    if ev.undone in ("ticket_finished", "ticket_rejected", "ticket_transferred") and v.serving:
        v.serving[-1].end = 0


def signed_in(m: Measures, ev: e.StaffSignedIn) -> None:
    m.opening(ev.window).staff = ev.staff


def signed_out(m: Measures, ev: e.StaffSignedOut) -> None:
    m.opening(ev.window).staff = None


def opened(m: Measures, ev: e.WindowOpened | e.WindowResumed) -> None:
    m.opening(ev.window).open_since = ev.at


def shut(m: Measures, ev: e.WindowClosed | e.WindowPaused) -> None:
    w = m.opening(ev.window)
    if w.open_since:
        w.open += ev.at - w.open_since
        w.open_since = 0


def service(m: Measures, ev: e.ServiceCounted) -> None:
    m.services.setdefault(local_text(ev.at, m.zone_name)[:13], Counter())[ev.service] += ev.count


def break_began(m: Measures, ev: e.SessionEnded) -> None:
    for v in m.visits.values():
        if not v.first_call and v.outcome is None:
            v.over_break = True


STEPS: dict[type, Callable[[Measures, Any], None]] = {
    e.TicketTaken: taken,
    e.TicketCalled: was_called,
    e.ServiceStarted: started,
    e.ItemsSet: items,
    e.TicketSuspended: suspended,
    e.TicketReturned: returned,
    e.ServiceResumed: resumed,
    e.TicketTransferred: transferred,
    e.TicketMissed: missed,
    e.TicketRestored: restored,
    e.TicketFinished: over("finished"),
    e.TicketRejected: over("rejected"),
    e.TicketVoided: over("void"),
    e.TicketCancelled: over("cancelled"),
    e.TicketExpired: over("expired"),
    e.ActionUndone: undone,
    e.StaffSignedIn: signed_in,
    e.StaffSignedOut: signed_out,
    e.WindowOpened: opened,
    e.WindowResumed: opened,
    e.WindowClosed: shut,
    e.WindowPaused: shut,
    e.SessionEnded: break_began,
    e.ServiceCounted: service,
}
