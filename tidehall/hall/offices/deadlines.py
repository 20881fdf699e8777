"""What time brings in the offices: warnings, breaches, overdue cases, silence that counts as acceptance.

Law: a clock is armed and disarmed by events alone; it speaks once, with the exact second at which it was due,
however late anybody looks.
"""

from __future__ import annotations

from tidehall.hall.events import Event, NoticeEnded
from tidehall.hall.offices.cases import accepted
from tidehall.hall.offices.clocks import alert, alert_over, escalates_to, supervisor_of
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import Case, HandOff
from tidehall.hall.state import HallState

__all__ = ["fire"]


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
                *alert_over(s, now, f"case_due:{id}"),
                *alert(s, now, "case_overdue", id, f"office:{case.department}", due),
            ]
        case "case_soon":
            case = s.offices.cases[id]
            return [
                o.CaseDueSoon(now, id, due),
                *alert(s, now, "case_due", id, f"office:{case.department}", due),
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
        case "notice":
            return [NoticeEnded(now, id, due)]
        case _:  # "alert": nobody has acknowledged it
            found = s.alerts[id]
            return [o.AlertEscalated(now, id, escalates_to(s, found.kind, found.zone), due)]


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
    """Nobody told the applicant in time what was missing: accepted by law, and an alert for the supervisor."""
    return [
        *accepted(s, case, now, staff=None, deemed_at=due),
        *alert(s, now, "deemed_accepted", case.id, supervisor_of(s, case.zone), due),
    ]
