"""What time brings in the offices: warnings, breaches, overdue cases, silence that counts as acceptance.

Law: a clock is armed and disarmed by events alone; it speaks once, with the exact second at which it was due,
however late anybody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidehall.hall.calendar import Schedule
from tidehall.hall.offices import events as o
from tidehall.hall.offices.objects import OPEN_HAND_OFF, Case, HandOff
from tidehall.hall.workdays import WorkDays

if TYPE_CHECKING:
    from tidehall.hall.events import Event
    from tidehall.hall.state import HallState

__all__ = ["alert", "alert_over", "desk_of", "fire", "hand_off_start", "limit_after", "supervisor_of", "unfiled"]

SECOND = 1_000_000


def supervisor_of(s: HallState, zone: str) -> str:
    """Who looks after a zone: its supervisor, or the hall manager where it has none (requirements K3)."""
    found = next((z for z in s.rules.zones if z.id == zone), None)
    return f"supervisor:{zone}" if found is not None and found.posts.get("supervisor", 0) else "manager"


def runner_zone(s: HallState, zone: str) -> str:
    """Whose runners carry a zone's papers: its own, or the hall's pool."""
    found = next((z for z in s.rules.zones if z.id == zone), None)
    return zone if found is not None and found.posts.get("runner", 0) else "pool"


def desk_of(s: HallState, department: str) -> tuple[str, str | None]:
    """(where papers for a department end their clock, the department to send them on to).

    A department that does not sit in the hall has its receiving desk in the middle office (design section 5).
    """
    found = next((d for d in s.rules.departments if d.id == department), None)
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
    while True:
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


def alert(s: HallState, now: int, kind: str, about: str, owner: str, due: int | None = None) -> list[Event]:
    """Raise an alert with an owner, unless the same one is open."""
    from tidehall.hall.events import AlertRaised

    id = f"{kind}:{about}"
    old = s.alerts.get(id)
    return [] if old is not None and old.ended is None else [AlertRaised(now, id, kind, about, owner, due)]


def alert_over(s: HallState, now: int, *ids: str) -> list[Event]:
    """End those of these alerts that are open."""
    from tidehall.hall.events import AlertEnded

    return [AlertEnded(now, id) for id in ids if id in s.alerts and s.alerts[id].ended is None]


def fire(s: HallState, now: int) -> list[Event]:
    """The events of the earliest clock, which is due."""
    due, name = s.clocks[0]
    what, _, id = name.partition(":")
    match what:
        case "hand_off_warn":
            h = s.offices.hand_offs[id]
            return [
                o.HandOffWarned(now, id, h.case, due),
                *alert(s, now, "hand_off_due", id, f"runner:{h.zone}", due),
            ]
        case "hand_off_breach":
            h = s.offices.hand_offs[id]
            return [
                o.HandOffBreached(now, id, h.case, due),
                *alert_over(s, now, f"hand_off_due:{id}"),
                *alert(s, now, "hand_off_breached", id, hand_off_owner(s, h), due),
            ]
        case "hand_off_escalate":
            h = s.offices.hand_offs[id]
            return [o.HandOffEscalated(now, id, h.case, due), *escalated(s, now, f"hand_off_breached:{id}", due)]
        case "case_due":
            case = s.offices.cases[id]
            return [
                o.CaseOverdue(now, id, due),
                *alert(s, now, "case_overdue", id, f"office:{case.department}", due),
            ]
        case "deemed":
            return deemed(s, s.offices.cases[id], now, due)
        case "uncollected":
            case = s.offices.cases[id]
            return [
                o.ResultUncollected(now, id, due),
                *alert(s, now, "result_uncollected", id, f"issue:{case.zone}", due),
            ]
        case "support":
            return [o.SupportOverdue(now, id, due), *alert(s, now, "support_late", id, "middle", due)]
        case "matter_contact" | "matter_due":
            return [
                o.MatterOverdue(now, id, what.removeprefix("matter_"), due),
                *alert(s, now, "matter_late", id, "manager", due),
            ]
        case _:  # "alert": nobody has acknowledged it
            return [o.AlertEscalated(now, id, "manager", due)]


def hand_off_owner(s: HallState, h: HandOff) -> str:
    """Who answers for a late hand-off: the supervisor of the zone it comes from."""
    return supervisor_of(s, s.offices.cases[h.case].zone)


def escalated(s: HallState, now: int, alert_id: str, due: int) -> list[Event]:
    """Hand an open alert to the hall manager."""
    found = s.alerts.get(alert_id)
    if found is None or found.ended is not None or found.owner == "manager":
        return []
    return [o.AlertEscalated(now, alert_id, "manager", due)]


def deemed(s: HallState, case: Case, now: int, due: int) -> list[Event]:
    """Nobody told the applicant in time what was missing: accepted by law (domain.md 1), and a case for the supervisor."""
    from tidehall.hall.offices.cases import accepted

    return [
        *accepted(s, case, now, staff=None, deemed_at=due),
        *alert(s, now, "deemed_accepted", case.id, supervisor_of(s, case.zone), due),
    ]


def unfiled(s: HallState) -> dict[str, list[tuple[Case, str]]]:
    """Originals that are neither filed nor in use for a reason, by unit (一天一归档, R27).

    Papers of a case under way are in use by its stage; a decided case's originals must be filed or kept with a reason.
    """
    found: dict[str, list[tuple[Case, str]]] = {}
    for case in s.offices.cases.values():
        if not case.decided_at and case.stage != "withdrawn":
            continue
        for paper in case.papers:
            if paper.copy or paper.filed_at or paper.holder == "applicant" or paper.code == "result":
                continue
            if paper.in_use is None or paper.in_use_day != s.day:
                found.setdefault(paper.holder, []).append((case, paper.id))
    return found


def working(s: HallState) -> WorkDays:
    """The hall's working days."""
    assert s.schedule is not None
    return WorkDays(s.schedule)


def still_open(h: HandOff) -> bool:
    """Whether its clock runs."""
    return h.state in OPEN_HAND_OFF
