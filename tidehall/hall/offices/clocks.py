"""How long things may take, who looks after them, and where papers go.

Law: limits and places come from the plan alone; a limit is a moment, computed once and kept in the event.
"""

from __future__ import annotations

from tidehall.hall.calendar import Schedule
from tidehall.hall.events import AlertEnded, AlertRaised, Event
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import HandOff
from tidehall.hall.state import HallState
from tidehall.hall.workdays import WorkDays

__all__ = [
    "SECOND", "alert", "alert_over", "desk_of", "hand_off_start", "limit_after", "onward_start", "still_open",
    "supervisor_of", "working",
]  # fmt: skip

SECOND = 1_000_000
#: Nobody waits longer than this for a hall to open, µs.
LONGEST_CLOSED = 400 * 86_400 * SECOND


def supervisor_of(s: HallState, zone: str) -> str:
    """Who looks after a zone: its supervisor, or the hall manager where it has none (requirements K3)."""
    found = s.zones.get(zone)
    return f"supervisor:{zone}" if found is not None and found.posts.get("supervisor", 0) else "manager"


def runner_zone(s: HallState, zone: str) -> str:
    """Whose runners carry a zone's papers: its own, or the hall's pool."""
    found = s.zones.get(zone)
    return zone if found is not None and found.posts.get("runner", 0) else "pool"


def desk_of(s: HallState, department: str) -> tuple[str, str | None]:
    """(where papers for a department end their clock, the department to send them on to).

    A department that does not sit in the hall has its receiving desk in the middle office (design section 5).
    """
    found = s.departments.get(department)
    return ("middle", department) if found is not None and not found.resident else (f"office:{department}", None)


def limit_after(s: HallState, start: int, limit: int) -> int:
    """The moment `limit` µs after `start`; by the plan's wish only the hours of the hall count."""
    if not s.rules.offices.hand_off_stops_at_break or s.schedule is None:
        return start + limit
    return open_time_after(s.schedule, start, limit)


def open_time_after(schedule: Schedule, start: int, limit: int) -> int:
    """`limit` µs of opening hours after `start`."""
    at, left = start, limit
    in_session = schedule.standing(at)[1]
    while at < start + LONGEST_CLOSED or in_session:
        following, steps = schedule.next_after(at)
        if in_session:
            if at + left <= following:
                return at + left
            left -= following - at
        if "session" in steps:
            in_session = True
        elif "session_end" in steps or "last_end" in steps:
            in_session = False
        at = following
    return start + limit  # a hall that does not open again: the clock just runs


def hand_off_start(
    s: HallState, case_id: str, papers: tuple[str, ...], *, zone: str, origin: str, department: str, urgent: bool,
    leg: int, started: int, now: int, number: int,
) -> o.HandOffStarted:  # fmt: skip
    """The event that sets papers on their way (R23, R24): urgent ones to the middle office first, in 10 minutes."""
    limits = s.rules.limits
    to, onward = desk_of(s, department)
    first_urgent = urgent and leg == 1
    if first_urgent:
        to = "middle"
    limit = limits.hand_off_urgent_s if first_urgent else limits.hand_off_promised_s
    due = limit_after(s, started, round(limit * SECOND))
    warn = limit_after(s, started, round(limit * limits.hand_off_warn_share * SECOND))
    return o.HandOffStarted(
        now, f"h{number}", case_id, papers, origin, to, runner_zone(s, zone), urgent, leg, started, due, warn, onward
    )


def onward_start(s: HallState, h: HandOff, *, zone: str, department: str, now: int, number: int) -> o.HandOffStarted:
    """The event that sends papers on from the receiving desk to a department outside, by the next working day's end."""
    due = working(s).after(now, 1)[0]
    warn = now + round((due - now) * s.rules.limits.hand_off_warn_share)
    return o.HandOffStarted(
        now, f"h{number}", h.case, h.papers, h.to, f"office:{department}", runner_zone(s, zone), False, h.leg + 1, now,
        due, warn,
    )  # fmt: skip


def alert(s: HallState, now: int, kind: str, about: str, owner: str, due: int | None = None) -> list[Event]:
    """Raise an alert with an owner, unless the same one is open."""
    id = f"{kind}:{about}"
    old = s.alerts.get(id)
    return [] if old is not None and old.ended is None else [AlertRaised(now, id, kind, about, owner, due)]


def alert_over(s: HallState, now: int, *ids: str) -> list[Event]:
    """End those of these alerts that are open."""
    return [AlertEnded(now, id) for id in ids if id in s.alerts and s.alerts[id].ended is None]


def working(s: HallState) -> WorkDays:
    """The hall's working days."""
    assert s.working is not None
    return s.working


def still_open(h: HandOff) -> bool:
    """Whether its clock runs."""
    return not h.ended_at
