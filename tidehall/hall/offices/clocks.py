"""How long things may take, who looks after them, and where papers go.

Law: limits and places come from the plan alone; a limit is a moment, computed once and kept in the event.
"""

from __future__ import annotations

from tidehall.hall.alert_rules import AlertRules
from tidehall.hall.calendar import Schedule
from tidehall.hall.events import AlertEnded, AlertRaised, Event
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import HandOff
from tidehall.hall.state import HallState
from tidehall.hall.workdays import WorkDays

__all__ = [
    "SECOND", "alert", "alert_over", "case_soon", "desk_of", "escalates_after", "escalates_to", "hand_off_start",
    "limit_after", "onward_start", "still_open", "supervisor_of", "working", "zone_about",
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


def alert(
    s: HallState, now: int, kind: str, about: str, owner: str | None = None, due: int | None = None, *,
    zone: str | None = None,
) -> list[Event]:  # fmt: skip
    """Raise an alert, unless the same one is open or the plan wants none of its kind.

    `owner`: to whom such a matter belongs where the plan names nobody else; None: to the supervisor of `zone`, which
    is found by what the alert is about.
    """
    id = f"{kind}:{about}"
    old = s.alerts.get(id)
    if old is not None and old.ended is None:
        return []
    if s.plan is None or s.plan.alerts is None:  # adopted before plans had rules for alerts
        return [AlertRaised(now, id, kind, about, owner, due)]
    rule, zone = s.plan.alerts.rule(kind), zone or zone_about(s, kind, about)
    if not rule.on:
        return []
    if rule.owner is not None:
        owner = post_of(s, rule.owner, zone)
    return [
        AlertRaised(now, id, kind, about, owner or supervisor_of(s, zone or ""), due, zone, limit_of(s, kind, about))
    ]


def post_of(s: HallState, post: str, zone: str | None) -> str:
    """A post of the plan's rule, in the zone in which something is wrong; without a zone the hall manager stands in."""
    if post == "supervisor":
        return supervisor_of(s, zone or "")
    if post in ("issue", "runner"):
        place = zone if post == "issue" or zone is None else runner_zone(s, zone)
        return f"{post}:{place}" if place is not None else "manager"
    return post


def zone_about(s: HallState, kind: str, about: str) -> str | None:
    """The zone in which something is wrong: that of the line, window, case, hand-off, question, matter or board."""
    offices = s.offices
    if about in s.zones:
        return about
    if about in s.lines:
        return s.lines[about].zone
    if about in s.windows:
        return s.windows[about].zone
    h = offices.hand_offs.get(about)
    case = offices.cases.get(h.case if h is not None else about)
    if case is not None:
        return case.zone
    place = offices.supports.get(about) or offices.matters.get(about)
    if place is not None:
        window = s.windows.get(place.window or "")
        return window.zone if window is not None else None
    if kind == "board_silent":
        window = s.windows.get(about.removeprefix("window:"))
        zones = {zone for board in s.rules.boards if board.id == about for zone in board.zones}
        return window.zone if window is not None else zones.pop() if len(zones) == 1 else None
    holder, _, id = about.partition(":")  # a place where papers lie
    if holder in ("issue", "runner", "supervisor") and id in s.zones:
        return id
    return s.windows[id].zone if holder == "window" and id in s.windows else None


def limit_of(s: HallState, kind: str, about: str) -> float | None:
    """The figure of the rule that an alert speaks of: seconds, for cases working days, of estimates a share."""
    rules = s.rules
    alerts = rules.alerts or AlertRules()
    match kind:
        case "long_wait" | "long_service":
            rule = alerts.long_wait if kind == "long_wait" else alerts.long_service
            window = s.windows.get(about)
            t = s.tickets.get(window.ticket or "") if window is not None else None
            return rule.lines.get(t.line if t is not None else about, rule.limit_s)
        case "estimate_off":
            return alerts.estimate_off.share
        case "hand_off_due" | "hand_off_breached":
            h = s.offices.hand_offs[about]
            return (h.due_at - h.started_at) / SECOND
        case "case_due":
            return float(alerts.case_due.days)
        case "result_uncollected":
            return float(rules.offices.collect_within_days)
        case "support_late":
            return rules.offices.support_within_s
        case _:
            return None


def escalates_after(s: HallState, kind: str) -> int:
    """How long the owner of an alert has to acknowledge it, µs."""
    rules = s.rules
    own = rules.alerts.rule(kind).escalate_after_s if rules.alerts is not None else None
    return round((rules.offices.acknowledge_within_s if own is None else own) * SECOND)


def escalates_to(s: HallState, kind: str, zone: str | None) -> str:
    """Whose an alert becomes that nobody acknowledges."""
    rules = s.rules.alerts
    return post_of(s, rules.rule(kind).escalate_to, zone) if rules is not None else "manager"


def case_soon(s: HallState, due_at: int, begun: int, now: int) -> int:
    """When from `now` (µs) on a case begins to be nearly due, µs: working days before `due_at`, after a pause perhaps
    at once. 0 where nobody wants to hear it, where it was so when its clock had `begun`, or when it is due already."""
    rules = s.rules.alerts
    if rules is None or not rules.case_due.on or not due_at:
        return 0
    soon = working(s).before(due_at, rules.case_due.days)
    return max(soon, now) if soon > begun and now < due_at else 0


def alert_over(s: HallState, now: int, *ids: str, due: int | None = None) -> list[Event]:
    """End those of these alerts that are open; `due`: when (µs) time alone did it."""
    return [AlertEnded(now, id, due) for id in ids if id in s.alerts and s.alerts[id].ended is None]


def working(s: HallState) -> WorkDays:
    """The hall's working days."""
    assert s.working is not None
    return s.working


def still_open(h: HandOff) -> bool:
    """Whether its clock runs."""
    return not h.ended_at
