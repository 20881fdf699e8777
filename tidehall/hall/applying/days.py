"""The plan, the day and its sessions, from events to state.

Law: as in applying/__init__.py.
"""

from __future__ import annotations

from tidehall.hall import events as e
from tidehall.hall.applying.orders import day_over
from tidehall.hall.applying.windows import tide_moves
from tidehall.hall.calendar import service_day
from tidehall.hall.offices.turn import keep_versions, sweep
from tidehall.hall.plan import Plan
from tidehall.hall.state import HallState, Window
from tidehall.hall.tide import Tide
from tidehall.queue.line import Line
from tidehall.queue.tickets import ENDED

__all__ = [
    "day_turned", "issuing_ended", "issuing_started", "overtime_ended", "plan_adopted", "session_ended",
    "session_started",
]  # fmt: skip


def plan_adopted(s: HallState, ev: e.PlanAdopted) -> None:
    if ev.next_day and s.plan is not None:
        s.next_plan = ev.plan
    else:
        install(s, ev.plan, ev.at)


def install(s: HallState, plan: Plan, at: int) -> None:
    """Make `plan` rule: keep what still exists, add what is new, drop what is gone (decide saw to it that it may)."""
    first = s.plan is None
    keep_versions(s)
    s.plan, s.next_plan = plan, None
    s.plan_seq = s.seq
    s.calendar_at = max(s.calendar_at, at)  # the new hours' moments before now are no news: `standing` knows them
    s.compile(plan)
    assert s.schedule is not None
    if first:
        s.day = service_day(at, s.zone_name).isoformat()
    s.issuing, s.in_session, s.last_session_over = s.schedule.standing(s.calendar_at)
    kept = {zone.id: s.tides[zone.id] for zone in plan.zones if zone.id in s.tides}
    s.tides = {zone: Tide(stepped_at=tide.stepped_at, steps=tide.steps) for zone, tide in kept.items()}
    s.misjudged = {line.id: s.misjudged[line.id] for line in plan.lines if line.id in s.misjudged}
    s.reserves = {zone.id: s.reserves[zone.id] for zone in plan.zones if zone.id in s.reserves}
    lines: dict[str, Line] = {}
    for entry in plan.lines:
        line = s.lines.get(entry.id)
        if line is None or line.letter != entry.letter:
            line = Line(entry.id, entry.letter, entry.zone)
            # a letter that was in use today goes on where it stood, under whichever line
            used = [(t, int(t.number[1:])) for t in s.tickets.values() if t.number[0] == entry.letter]
            today = {n for t, n in used if service_day(t.taken_at, s.zone_name).isoformat() == s.day}
            line.numbering.issued = max(today, default=0)
            line.numbering.open = frozenset(n for _, n in used) - today
        line.zone = entry.zone
        lines[entry.id] = line
    s.lines = lines
    windows: dict[str, Window] = {}
    for row in plan.windows:
        window = s.windows.get(row.id)
        if window is None:
            window = Window(row.id, row.label, row.zone, row.post, row.lines, since=at)
        else:
            window.label, window.zone, window.post, window.lines = row.label, row.zone, row.post, row.lines
            window.lines_for_today = False
            window.undoable = None  # what it would lead back to may be gone
            window.closing &= window.ticket is not None  # its citizen's line may be gone
        windows[row.id] = window
    s.windows = windows
    s.zone_seq = {zone.id: s.seq for zone in plan.zones}
    s.recent = {zone.id: s.recent.get(zone.id, []) for zone in plan.zones}
    s.missed = {zone.id: s.missed.get(zone.id, []) for zone in plan.zones}
    s.index(at)
    s.overlong.anew(s, at)
    new_tide(s, at)


def new_tide(s: HallState, at: int) -> None:
    """Sessions, windows or the plan have changed: every zone is looked at anew."""
    for watch in s.watches.values():
        watch.weigh_anew(s, at)


def touch_all(s: HallState) -> None:
    for zone in s.zone_seq:
        s.zone_seq[zone] = s.seq


def passed(s: HallState, due: int) -> None:
    """The calendar has come to `due`."""
    s.calendar_at = due
    assert s.schedule is not None
    s.next_moment = s.schedule.next_after(due)[0]
    s.set_wake()
    s.overlong.doubts(s, due)


def day_turned(s: HallState, ev: e.DayTurned) -> None:
    s.day = ev.day
    s.last_session_over = False
    sweep(s, ev.due)  # while the day's tickets are still here
    day_over(s)
    s.tickets = {id: t for id, t in s.tickets.items() if t.state not in ENDED}
    s.alerts = {id: a for id, a in s.alerts.items() if a.ended is None}
    for zone, ids in s.missed.items():
        s.missed[zone] = [id for id in ids if id in s.tickets]
    for zone, calls in s.recent.items():  # yesterday's numbers are given again today
        s.recent[zone] = [call for call in calls if call.ticket in s.tickets]
    if s.next_plan is not None:
        install(s, s.next_plan, ev.due)
    still: dict[str, set[int]] = {}
    for ticket in s.tickets.values():
        still.setdefault(ticket.number[0], set()).add(int(ticket.number[1:]))
    for line in s.lines.values():
        line.numbering.turn(frozenset(still.get(line.letter, ())))
        line.seq = s.seq
    for window in s.windows.values():
        if window.lines_for_today and s.plan is not None:
            window.lines = next(w.lines for w in s.plan.windows if w.id == window.id)
            window.lines_for_today = False
            window.seq = s.seq
            tide_moves(s, window, ev.due)
    s.pools.clear()
    s.crews.clear()
    passed(s, ev.due)
    touch_all(s)


def issuing_started(s: HallState, ev: e.IssuingStarted) -> None:
    s.issuing = True
    passed(s, ev.due)
    touch_all(s)


def issuing_ended(s: HallState, ev: e.IssuingEnded) -> None:
    s.issuing = False
    touch_all(s)


def session_started(s: HallState, ev: e.SessionStarted) -> None:
    s.in_session = True
    passed(s, ev.due)
    new_tide(s, ev.due)
    touch_all(s)


def session_ended(s: HallState, ev: e.SessionEnded) -> None:
    s.in_session = False
    s.last_session_over = ev.last
    passed(s, ev.due)
    new_tide(s, ev.due)
    touch_all(s)


def overtime_ended(s: HallState, ev: e.OvertimeEnded) -> None:
    passed(s, ev.due)
    touch_all(s)
