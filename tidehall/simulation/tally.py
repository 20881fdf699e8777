"""What one simulated day was like, as sums that can be added over days.

Law: definitions are hall/measures.py's (design section 6); this module folds the day's journal with them and adds what
a single live day has no use for: time averages, half hours, the share within a target. Every figure is a pair
(sum, of how many), so that over several days a mean per day and a ratio of sums are the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.measures import Measures, Visit, summary
from tidehall.hall.papers import events as o
from tidehall.simulation.day import Played
from tidehall.simulation.tables import Scenario

__all__ = ["Group", "Pair", "Tally", "tally", "tally_papers", "tally_waits"]

SECOND = 1_000_000
HALF_HOUR = 1800 * SECOND
#: (sum, of how many): nothing counted is (0, 0), which is "no data".
Pair = tuple[float, float]
#: Measure → its pair.
Group = dict[str, Pair]
#: Part of the hall ("", "line:ID", "zone:ID", "half:HH:MM", "post:NAME") → its measures.
Tally = dict[str, Group]


class Spans:
    """Stretches of time that belong to something: who waited, which window was open, when it served."""

    def __init__(self) -> None:
        self.of: list[str] = []
        self.begin: list[int] = []
        self.end: list[int] = []

    def add(self, of: str, begin: int, end: int) -> None:
        self.of.append(of)
        self.begin.append(begin)
        self.end.append(end)

    def within(self, edges: list[int], only: set[str] | None = None) -> NDArray[np.float64]:
        """Seconds of these stretches between one edge and the next, all of them or those of some."""
        begin, end = np.array(self.begin, np.int64), np.array(self.end, np.int64)
        if only is not None:
            mine = np.array([name in only for name in self.of], bool)
            begin, end = begin[mine], end[mine]
        cuts = np.array(edges, np.int64)
        reached = np.clip(cuts[:, None], begin, end).sum(1, dtype=np.int64)
        found: NDArray[np.float64] = np.diff(reached) / SECOND
        return found


class Fold:
    """One pass over the journal: visits by the hall's own measures, and the stretches of time beside them."""

    def __init__(self, zone_name: str, until: int) -> None:
        self.measures = Measures(zone_name)
        self.until = until
        self.waiting, self.open, self.serving = Spans(), Spans(), Spans()
        self.since: dict[str, int] = {}
        self.line: dict[str, str] = {}
        self.opened: dict[str, int] = {}
        self.hand_offs: dict[str, o.HandOffStarted] = {}
        self.cases: dict[str, o.CaseReceived] = {}
        self.verified: dict[str, int] = {}
        self.sent: dict[str, int] = {}
        self.sent_waits: list[tuple[str, int, int]] = []  # line, when sent on, µs until the call
        self.went: list[tuple[str, int]] = []  # line, when somebody left for a paper
        self.back: dict[str, int] = {}
        self.back_waits: list[tuple[str, int, int]] = []  # line, when back with it, µs until the call

    def take_in(self, events: Iterable[Event]) -> None:
        """Fold them all."""
        apply, steps = self.measures.apply, STEPS
        for event in events:
            apply(event)
            step = steps.get(type(event))
            if step is not None:
                step(self, event)
        for ticket in list(self.since):
            self.called(ticket, self.until)
        for window in list(self.opened):
            self.shut(window, self.until)
        for visit in self.measures.visits.values():
            for part in visit.serving:
                self.serving.add(part.window, part.start, part.end or self.until)

    def called(self, ticket: str, at: int) -> None:
        """A wait is over."""
        since = self.since.pop(ticket, None)
        if since is not None:
            self.waiting.add(self.line[ticket], since, at)

    def shut(self, window: str, at: int) -> None:
        """A window is open no more."""
        since = self.opened.pop(window, None)
        if since is not None:
            self.open.add(window, since, at)


def wait_begins(f: Fold, ev: Any) -> None:
    f.since[ev.ticket] = ev.at
    line = getattr(ev, "line", None)
    if line is not None:
        f.line[ev.ticket] = line


def wait_ends(f: Fold, ev: Any) -> None:
    f.called(ev.ticket, getattr(ev, "due", ev.at))


def sent_on(f: Fold, ev: e.TicketTransferred) -> None:
    wait_begins(f, ev)
    f.sent[ev.ticket] = ev.at


def goes_away(f: Fold, ev: e.TicketSuspended) -> None:
    if ev.parked == "away":
        f.went.append((f.line[ev.ticket], ev.at))


def comes_back(f: Fold, ev: e.TicketReturned) -> None:
    wait_begins(f, ev)
    f.back[ev.ticket] = ev.at


def served_on(f: Fold, ev: e.ServiceResumed) -> None:
    f.back_waits.append((f.line[ev.ticket], ev.at, 0))


def was_called(f: Fold, ev: e.TicketCalled) -> None:
    f.called(ev.ticket, ev.at)
    back = f.back.pop(ev.ticket, None)
    if back is not None:
        f.back_waits.append((f.line[ev.ticket], back, ev.at - back))
    sent = f.sent.pop(ev.ticket, None)
    if sent is not None:
        f.sent_waits.append((f.line[ev.ticket], sent, ev.at - sent))


def window_opens(f: Fold, ev: Any) -> None:
    f.opened[ev.window] = ev.at


def window_shuts(f: Fold, ev: Any) -> None:
    f.shut(ev.window, ev.at)


def case_comes(f: Fold, ev: o.CaseReceived) -> None:
    f.cases[ev.case] = ev


def papers_leave(f: Fold, ev: o.HandOffStarted) -> None:
    f.hand_offs[ev.hand_off] = ev


def papers_checked(f: Fold, ev: o.HandOffVerified) -> None:
    f.verified[ev.hand_off] = ev.at


STEPS: dict[type, Callable[[Fold, Any], None]] = {
    e.TicketTaken: wait_begins,
    e.TicketMissed: wait_begins,
    e.TicketReturned: comes_back,
    e.TicketSuspended: goes_away,
    e.ServiceResumed: served_on,
    e.TicketRestored: wait_begins,
    e.TicketTransferred: sent_on,
    e.TicketCalled: was_called,
    e.TicketCancelled: wait_ends,
    e.TicketExpired: wait_ends,
    e.WindowOpened: window_opens,
    e.WindowResumed: window_opens,
    e.WindowClosed: window_shuts,
    e.WindowPaused: window_shuts,
}
PAPERS: dict[type, Callable[[Fold, Any], None]] = {
    o.CaseReceived: case_comes,
    o.HandOffStarted: papers_leave,
    o.HandOffVerified: papers_checked,
}
STEPS |= PAPERS
#: All that a wait until the first call rests on.
WAITS = (e.TicketTaken, e.TicketCalled)


def tally(scenario: Scenario, played: Played) -> Tally:
    """The day's sums, hall and parts."""
    hours = played.hours
    fold = Fold(scenario.plan.hall.time_zone, played.until)
    fold.take_in(played.events)
    opens, begin = measured_from(scenario, played)
    visits = [person(v) for v in fold.measures.visits.values() if v.taken >= begin]
    found: Tally = {}
    gone = [v.line for ticket in played.gave_up if (v := fold.measures.visits[ticket]).taken >= begin]
    by_line: dict[str, list[Person]] = {}
    for visit in visits:
        by_line.setdefault(visit.line, []).append(visit)
    zone_of = {line.id: line.zone for line in scenario.plan.lines}
    used = {line for line in zone_of if line in by_line or any(at[0] == line for at in played.turned_away)}
    used |= {demand.line for demand in scenario.demand}
    used |= {way.line for ways in scenario.transfers.values() for way in ways if way.line in zone_of}
    used |= fetching(scenario, {zone_of[demand.line] for demand in scenario.demand})  # none may come on a quiet day
    period, measured = [opens, hours.closes], [begin, played.until]

    def part(key: str, mine: list[Person], lines: set[str] | None, windows: set[str] | None) -> None:
        group = found[key] = people(scenario, mine)
        away = sum(n for (line, _), n in played.turned_away.items() if lines is None or line in lines)
        group["turned_away"] = (away, 1)
        group["waiting_mean"] = (float(fold.waiting.within(period, lines)[0]), (hours.closes - opens) / SECOND)
        opened = float(fold.open.within(measured, windows)[0])
        group["utilisation"] = (float(fold.serving.within(measured, windows)[0]), opened)
        group["window_hours"] = (opened / 3600, 1)
        if scenario.people.patience is not None and scenario.people.leave == "silent":
            group["left_silently"] = (sum(1 for line in gone if lines is None or line in lines), 1)
        if scenario.transfers:
            later = [w for line, at, w in fold.sent_waits if at >= begin and (lines is None or line in lines)]
            group["sent_on"] = (len(later), 1)
            group["sent_on_wait_mean_s"] = (sum(later) / SECOND, len(later))
        if scenario.people.away is not None:
            back = [w for line, at, w in fold.back_waits if at >= begin and (lines is None or line in lines)]
            went = [at for line, at in fold.went if at >= begin and (lines is None or line in lines)]
            group["away"] = (len(went), 1)
            group["back_wait_mean_s"] = (sum(back) / SECOND, len(back))

    part("", visits, None, None)
    found[""] |= papers(scenario, played, fold, begin, lambda case: True)
    line_of = {item.code: item.line for item in scenario.plan.items}
    windows_of = {
        line: {window.id for window in scenario.plan.windows if line in window.lines} for line in sorted(used)
    }
    for line, windows in windows_of.items():
        part(f"line:{line}", by_line.get(line, []), {line}, windows)
        found[f"line:{line}"] |= papers(scenario, played, fold, begin, lambda x, line=line: line_of[x.item] == line)  # type: ignore[misc] # bound now
    for zone in dict.fromkeys(zone_of[line] for line in windows_of):
        lines = {line for line in windows_of if zone_of[line] == zone}
        windows = {window.id for window in scenario.plan.windows if window.zone == zone and window.lines}
        part(f"zone:{zone}", [v for line in sorted(lines) for v in by_line.get(line, [])], lines, windows)
        found[f"zone:{zone}"] |= papers(scenario, played, fold, begin, lambda x, zone=zone: x.zone == zone)  # type: ignore[misc] # bound now
    found |= half_hours(scenario, played, fold, visits, opens)
    return found | posts(played)


def fetching(scenario: Scenario, zones: set[str]) -> set[str]:
    """The pickup lines of these zones in which people may come for results."""
    if scenario.offices is None or not scenario.offices.case_share or not scenario.offices.collect_share:
        return set()
    lines = (line for line in scenario.plan.lines if line.purpose == "pickup" and line.zone in zones)
    return set({line.zone: line.id for line in lines}.values())  # one a zone, as the hall knows it


def tally_papers(scenario: Scenario, played: Played) -> Tally:
    """What sizing asks of a whole hall's day, and nothing else: papers in time, and how busy every post was."""
    fold = Fold(scenario.plan.hall.time_zone, played.until)
    for event in played.events:
        step = PAPERS.get(type(event))
        if step is not None:
            step(fold, event)
    _, begin = measured_from(scenario, played)
    return {"": hand_offs(fold, begin, lambda case: True)} | posts(played)


def tally_waits(scenario: Scenario, played: Played) -> Tally:
    """What sizing asks of a zone's day, and nothing else: who was called within the limit, line by line."""
    measures = Measures(scenario.plan.hall.time_zone)
    for event in played.events:
        if type(event) in WAITS:
            measures.apply(event)
    _, begin = measured_from(scenario, played)
    limit = round(scenario.target.wait.within_s * SECOND)
    found: Tally = {}
    for visit in map(person, measures.visits.values()):
        if visit.taken >= begin:
            group = found.setdefault(f"line:{visit.line}", {"wait_within_target": (0, 0)})
            good, n = group["wait_within_target"]
            group["wait_within_target"] = (good + (0 <= visit.wait <= limit), n + 1)
    return found


def measured_from(scenario: Scenario, played: Played) -> tuple[int, int]:
    """When the hall opens as the measures see it, and from when on visits and papers count; µs."""
    opens = played.hours.opens + round(scenario.day.warm_up_s * SECOND)
    return opens, opens if scenario.day.warm_up_s else played.hours.midnight


def posts(played: Played) -> Tally:
    """How busy the people of each post were."""
    day = paid(played.hours.sessions)
    return {
        f"post:{name}": {"utilisation": (worked / SECOND, count * day)}
        for name, (count, worked) in played.posts.items()
    }


def paid(sessions: tuple[tuple[int, int], ...]) -> float:
    """Seconds of one person's working day."""
    return sum(end - begin for begin, end in sessions) / SECOND


class Person(NamedTuple):
    """What the figures need of one visit, µs; `wait` −1 for who was never called."""

    taken: int
    line: str
    wait: int
    outcome: str | None
    service: int
    visit: int
    walked: int
    walks: int


def person(v: Visit) -> Person:
    """A visit by the definitions of hall/measures.py."""
    return Person(
        v.taken, v.line or "", max(0, v.first_call - v.since) if v.first_call else -1, v.outcome, v.service(),
        v.ended - v.taken, sum(v.walks), len(v.walks),
    )  # fmt: skip


def waits(scenario: Scenario, some: list[Person]) -> Group:
    """How some people waited."""
    n = len(some)
    called = [p.wait for p in some if p.wait >= 0]
    limit = round(scenario.target.wait.within_s * SECOND)
    wait = summary(called)
    within = sum([x <= limit for x in called])
    return {
        "tickets": (n, 1),
        "called": (len(called), 1),
        "left": (sum([p.outcome == "cancelled" for p in some]), 1),
        "wait_mean_s": (sum(called) / SECOND, len(called)),
        "wait_p50_s": (wait.p50, 1) if wait else (0, 0),
        "wait_p95_s": (wait.p95, 1) if wait else (0, 0),
        "wait_max_s": (wait.max, 1) if wait else (0, 0),
        "waited_share": (sum([x > 0 for x in called]), n),
        "wait_within_target": (within, n),
        "days_within_target": (float(within >= scenario.target.wait.share * n), 1) if n else (0, 0),
    }


def people(scenario: Scenario, some: list[Person]) -> Group:
    """What some visits were like."""
    outcomes = [p.outcome for p in some]
    done = [p.visit for p in some if p.outcome == "finished"]
    services = [p.service for p in some if p.outcome == "finished" or p.outcome == "rejected"]
    return {
        **waits(scenario, some),
        "served": (len(done), 1),
        "no_show": (outcomes.count("void"), 1),
        "expired": (outcomes.count("expired"), 1),
        "censored": (outcomes.count(None), 1),
        "service_mean_s": (sum(services) / SECOND, len(services)),
        "walk_mean_s": (sum([p.walked for p in some]) / SECOND, sum([p.walks for p in some])),
        "visit_mean_s": (sum(done) / SECOND, len(done)),
    }


def hand_offs(fold: Fold, begin: int, mine: Callable[[o.CaseReceived], bool]) -> Group:
    """Papers of some cases that came in time. One that is under way still, and whose limit lies beyond the day's end,
    is not judged; the way on to a department outside the hall has a limit of its own: `onwards` counts it."""
    judged = in_time = 0
    took: list[int] = []
    for id, h in fold.hand_offs.items():
        if leads_out(h) or h.started_at < begin or not mine(fold.cases[h.case]):
            continue
        verified = fold.verified.get(id)
        if verified is None and h.due_at > fold.until:
            continue
        judged += 1
        in_time += verified is not None and verified <= h.due_at
        if verified is not None:
            took.append(verified - h.started_at)
    return {
        "hand_offs": (judged, 1),
        "hand_off_on_time": (in_time, judged),
        "hand_off_mean_s": (sum(took) / SECOND, len(took)),
    }


def leads_out(h: o.HandOffStarted) -> bool:
    """Whether these papers are on their way from a receiving desk to a department outside the hall."""
    return (h.leg > 1 and not h.urgent) or h.leg > 2


def onwards(played: Played, fold: Fold, begin: int, mine: Callable[[o.CaseReceived], bool]) -> Group:
    """Papers that went on to departments outside the hall, and those of them that are checked there by the end of the
    next working day. What the day does not live to see is judged by the messenger's timetable."""
    found = [
        played.onward[id] <= h.due_at
        for id, h in fold.hand_offs.items() if leads_out(h) and h.started_at >= begin and mine(fold.cases[h.case])
    ]  # fmt: skip
    return {"onward": (len(found), 1), "onward_on_time": (sum(found), len(found))}


def papers(
    scenario: Scenario, played: Played, fold: Fold, begin: int, mine: Callable[[o.CaseReceived], bool]
) -> Group:  # fmt: skip
    """Both ways of some cases' papers; the way out of the hall where a messenger goes it."""
    found = hand_offs(fold, begin, mine)
    if scenario.offices is not None and scenario.offices.messenger is not None:
        found |= onwards(played, fold, begin, mine)
    return found


def half_hours(scenario: Scenario, played: Played, fold: Fold, visits: list[Person], opens: int) -> Tally:
    """Every half hour from the opening to the close: who took a number in it, how many waited, how busy it was."""
    hours = played.hours
    first = hours.midnight + (opens - hours.midnight) // HALF_HOUR * HALF_HOUR
    edges = [*range(first, hours.closes, HALF_HOUR), hours.closes]
    waiting, opened, serving = (s.within(edges).tolist() for s in (fold.waiting, fold.open, fold.serving))
    taken: dict[int, list[Person]] = {}
    for visit in visits:
        taken.setdefault((visit.taken - first) // HALF_HOUR, []).append(visit)
    found: Tally = {}
    for i, (begin, end) in enumerate(pairwise(edges)):
        minutes = (begin - hours.midnight) // (60 * SECOND)
        group = found[f"half:{minutes // 60:02d}:{minutes % 60:02d}"] = waits(scenario, taken.get(i, []))
        del group["wait_max_s"], group["days_within_target"]
        length = (end - begin) / SECOND
        group["waiting_mean"] = (waiting[i], length)
        group["open_windows"] = (opened[i], length)
        group["utilisation"] = (serving[i], opened[i])
    return found
