"""The line's part of the measures: how each event changes the records of visits, openings and services.

Law: one step for each kind of event, as in applying/; a step answers with the records that it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tidehall.hall import events as e
from tidehall.hall.calendar import Schedule, local_text
from tidehall.hall.events import Event
from tidehall.hall.kept import Interval, Opening, Record, Tallied, Visit
from tidehall.hall.plan import Plan

if TYPE_CHECKING:  # the fold that these are steps of
    from tidehall.hall.measures import Measures

__all__ = ["HALL_STEPS", "VISIT_STEPS", "Changed"]

#: What a step has changed.
Changed = tuple[Record, ...]


# ---- steps with a ticket that is known


def was_called(m: Measures, v: Visit, ev: e.TicketCalled) -> Changed:
    if not v.first_call:
        v.first_call, v.window, v.staff = ev.at, ev.window, ev.staff
        m.waited(v)
    elif v.waiting_since:
        v.later.append(ev.at - v.waiting_since)
    v.waiting_since = 0
    v.called = ev.at
    v.chosen += ev.chosen
    return (v,)


def started(m: Measures, v: Visit, ev: e.ServiceStarted) -> Changed:
    v.walks.append(ev.at - v.called)
    first = not v.serving
    serve(m, v, ev.window, ev.at)
    if not v.collects or not first:
        return (v,)
    came = [case for id in v.collects if (case := m.kept.intakes.get(id)) is not None]
    for case in came:
        case.visits += 1
    return (v, *came)


def serve(m: Measures, v: Visit, window: str, at: int, item: str | None = None) -> None:
    if item is None and v.items:
        item = v.serving[-1].item if v.serving and v.serving[-1].item in v.items else v.items[0]
    v.serving.append(Interval(at, 0, window, m.window_zone.get(window), m.seats.get(window), item))


def stop(v: Visit, at: int) -> None:
    if v.serving and not v.serving[-1].end:
        v.serving[-1].end = at


def items(m: Measures, v: Visit, ev: e.ItemsSet) -> Changed:
    v.items = ev.items
    v.item = ev.items[0] if ev.items else None
    v.department = m.item_department.get(v.item or "")
    if v.serving and not v.serving[-1].end:
        if v.serving[-1].item is None:
            v.serving[-1].item = ev.current
        elif v.serving[-1].item != ev.current:
            stop(v, ev.at)
            serve(m, v, ev.window, ev.at, ev.current)
    return (v,)


def suspended(m: Measures, v: Visit, ev: e.TicketSuspended) -> Changed:
    stop(v, ev.at)
    v.parked_since = ev.at
    return (v,)


def returned(m: Measures, v: Visit, ev: e.TicketReturned) -> Changed:
    v.parked += ev.at - v.parked_since
    v.parked_since = 0
    v.waiting_since = ev.at
    return (v,)


def resumed(m: Measures, v: Visit, ev: e.ServiceResumed) -> Changed:
    v.parked += ev.at - v.parked_since
    v.parked_since = 0
    serve(m, v, ev.window, ev.at)
    return (v,)


def transferred(m: Measures, v: Visit, ev: e.TicketTransferred) -> Changed:
    stop(v, ev.at)
    v.waiting_since = ev.at
    return (v,)


def missed(m: Measures, v: Visit, ev: e.TicketMissed) -> Changed:
    v.waiting_since = ev.at
    return (v,)


def restored(m: Measures, v: Visit, ev: e.TicketRestored) -> Changed:
    v.outcome, v.ended, v.waiting_since = None, 0, ev.at
    return (v,)


def over(outcome: str) -> Callable[[Measures, Visit, Any], Changed]:
    """The ticket's end of one kind."""

    def end(m: Measures, v: Visit, ev: Any) -> Changed:
        at = ev.due if isinstance(ev, e.TicketExpired) else ev.at
        stop(v, at)
        v.outcome, v.ended = outcome, at
        return (v,)

    return end


def undone(m: Measures, v: Visit, ev: e.ActionUndone) -> Changed:
    v.outcome, v.ended, v.waiting_since = None, 0, 0
    if ev.undone in ("ticket_finished", "ticket_rejected", "ticket_transferred") and v.serving:
        v.serving[-1].end = 0
    return (v,)


VISIT_STEPS: dict[type[Event], Callable[[Measures, Visit, Any], Changed]] = {
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
}


# ---- steps of the hall


def adopted(m: Measures, ev: e.PlanAdopted) -> Changed:
    if ev.next_day:
        m.next_plan = ev.plan
        return ()
    m.learn(ev.plan)
    stands(m, ev.plan, ev.at)
    return (m.today,)


def stands(m: Measures, plan: Plan, at: int) -> None:
    """A plan that begins to rule in its opening hours says of no session that it begins."""
    m.in_session = Schedule(plan).standing(at)[1]
    m.today.opened = m.today.opened or m.in_session


def turned(m: Measures, ev: e.DayTurned) -> Changed:
    """The day's openings end with it, and go on as the next day's."""
    if m.next_plan is not None:
        m.learn(m.next_plan)
        stands(m, m.next_plan, ev.due)
        m.next_plan = None
    changed: list[Record] = [m.today]
    for open_one in list(m.standing.values()):
        open_one.end = ev.due
        changed += [open_one, opening(m, open_one.window or "", ev.due)]
    if m.in_session:
        m.today.opened = True
    return tuple(changed)


def session_began(m: Measures, ev: e.SessionStarted) -> Changed:
    m.in_session = True
    m.today.opened = True
    return (m.today,)


def break_began(m: Measures, ev: e.SessionEnded) -> Changed:
    m.in_session = False
    waiting = [v for v in m.visits.values() if not v.first_call and v.outcome is None]
    for v in waiting:
        v.over_break = True
    return tuple(waiting)


def taken(m: Measures, ev: e.TicketTaken) -> Changed:
    item = ev.items[0] if ev.items else None
    v = m.visits[ev.ticket] = Visit(
        ev.ticket, ev.at, m.today.id, m.line_zone.get(ev.line), ev.line, item,
        department=None if item is None else m.item_department.get(item), since=max(ev.at, ev.booked_for),
        items=ev.items, shown=ev.shown, waiting_since=ev.at, collects=ev.cases,
    )  # fmt: skip
    return (v,)


def signed_in(m: Measures, ev: e.StaffSignedIn) -> Changed:
    m.seats[ev.window] = ev.staff
    return reseated(m, ev.window, ev.at)


def signed_out(m: Measures, ev: e.StaffSignedOut) -> Changed:
    m.seats.pop(ev.window, None)
    return reseated(m, ev.window, ev.at)


def reseated(m: Measures, window: str, at: int) -> Changed:
    """Somebody else sits at an open window: the rest of its opening is his."""
    open_one = m.standing.get(window)
    if open_one is None or open_one.staff == m.seats.get(window):
        return ()
    open_one.end = at
    return open_one, opening(m, window, at)


def opening(m: Measures, window: str, at: int) -> Opening:
    """A new opening from `at` on."""
    found = Opening(
        f"{window}@{at}", at, m.day_of(at), m.window_zone.get(window), window=window, staff=m.seats.get(window)
    )
    m.standing[window] = m.kept.openings[found.id] = found
    return found


def opened(m: Measures, ev: e.WindowOpened | e.WindowResumed) -> Changed:
    return () if ev.window in m.standing else (opening(m, ev.window, ev.at),)


def shut(m: Measures, ev: e.WindowClosed | e.WindowPaused) -> Changed:
    open_one = m.standing.pop(ev.window, None)
    if open_one is None:
        return ()
    open_one.end = ev.at
    return (open_one,)


def service(m: Measures, ev: e.ServiceCounted) -> Changed:
    id = f"{local_text(ev.at, m.zone_name)[:13]}:{ev.zone}:{ev.service}"
    found = m.kept.tallied.get(id)
    if found is None:
        found = m.kept.tallied[id] = Tallied(id, ev.at, m.today.id, ev.zone, kind=ev.service)
    found.count += ev.count
    found.outside += ev.count if ev.outside else 0
    return (found,)


HALL_STEPS: dict[type[Event], Callable[[Measures, Any], Changed]] = {
    e.PlanAdopted: adopted,
    e.DayTurned: turned,
    e.SessionStarted: session_began,
    e.SessionEnded: break_began,
    e.TicketTaken: taken,
    e.StaffSignedIn: signed_in,
    e.StaffSignedOut: signed_out,
    e.WindowOpened: opened,
    e.WindowResumed: opened,
    e.WindowClosed: shut,
    e.WindowPaused: shut,
    e.ServiceCounted: service,
}
