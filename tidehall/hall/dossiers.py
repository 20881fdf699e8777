"""The offices' part of the measures: how each event changes the records of cases, hand-offs, questions, ratings.

Law: one step for each kind of event; a step answers with the records that it changed. What began before the fold did
is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.kept import Alarm, Carriage, Complaint, Decision, Delivery, Intake, Question, Rating, Record
from tidehall.hall.papers import events as o

if TYPE_CHECKING:  # the fold that these are steps of
    from tidehall.hall.measures import Measures

__all__ = ["OFFICE_STEPS"]

Changed = tuple[Record, ...]


# ---- cases


def received(m: Measures, ev: o.CaseReceived) -> Changed:
    case = m.kept.intakes[ev.case] = Intake(
        ev.case, ev.at, m.today.id, ev.zone, m.item_line.get(ev.item), ev.item, ev.window, ev.staff, ev.department,
        kind=ev.item_kind, urgent=ev.urgent, source=ev.source, visits=int(ev.ticket is not None),
    )  # fmt: skip
    return (case,)


def accepted(m: Measures, ev: o.CaseAccepted) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    case.accepted_at, case.due_at = ev.due or ev.at, ev.due_at
    return (case,)


def correction(m: Measures, ev: o.CorrectionRequested) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    case.notices = ev.notice
    return (case,)


def due_moved(m: Measures, ev: o.PapersCorrected | o.StepEnded | o.FeePaid) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None or not ev.due_at:
        return ()
    case.due_at = ev.due_at
    return (case,)


def overdue(m: Measures, ev: o.CaseOverdue) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    case.overdue = True
    return (case,)


def decided(m: Measures, ev: o.CaseDecided) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    day = m.day_of(ev.at)
    made = m.kept.decisions[ev.case] = Decision(
        case.id, ev.at, day, case.zone, case.line, case.item, case.window, ev.staff, case.department,
        kind=case.kind, urgent=case.urgent, outcome=ev.outcome, accepted_at=case.accepted_at, due_at=case.due_at,
        early=bool(case.due_at) and day < m.day_of(case.due_at), notices=case.notices,
    )  # fmt: skip
    return (made,)


def ready(m: Measures, ev: o.ResultReady) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    case.ready_at = ev.at
    return (case,)


def uncollected(m: Measures, ev: o.ResultUncollected) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    case.uncollected = True
    return (case,)


def delivered(m: Measures, ev: o.ResultDelivered) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    made = m.kept.deliveries[ev.case] = Delivery(
        case.id, ev.at, m.day_of(ev.at), case.zone, case.line, case.item, case.window, case.staff, case.department,
        method=ev.method, ready_at=case.ready_at, visits=case.visits,
    )  # fmt: skip
    return (made,)


def case_over(m: Measures, ev: o.CaseClosed | o.CaseWithdrawn) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    case.ended = ev.at
    return (case,)


# ---- hand-offs


def sent(m: Measures, ev: o.HandOffStarted) -> Changed:
    case = m.kept.intakes.get(ev.case)
    if case is None:
        return ()
    way = m.kept.carriages[ev.hand_off] = Carriage(
        ev.hand_off, ev.started_at, m.day_of(ev.started_at), case.zone, case.line, case.item, case.window, case.staff,
        case.department, case=ev.case, urgent=ev.urgent, onward=ev.leg > (2 if ev.urgent else 1), due_at=ev.due_at,
    )  # fmt: skip
    return (way,)


def hand_off(change: Callable[[Carriage, Any], None]) -> Callable[[Measures, Any], Changed]:
    """A step that changes one hand-off."""

    def step(m: Measures, ev: Any) -> Changed:
        way = m.kept.carriages.get(ev.hand_off)
        if way is None:
            return ()
        change(way, ev)
        return (way,)

    return step


def verified(way: Carriage, ev: o.HandOffVerified) -> None:
    way.verified_at = way.ended = ev.at


def refused(way: Carriage, ev: o.HandOffRefused) -> None:
    way.refusals += 1


def breached(way: Carriage, ev: o.HandOffBreached) -> None:
    way.breached = True


def withdrawn(way: Carriage, ev: o.HandOffEnded) -> None:
    way.ended = ev.at


# ---- questions to the middle office


def asked(m: Measures, ev: o.SupportAsked) -> Changed:
    found = m.kept.questions[ev.support] = Question(
        ev.support, ev.at, m.today.id, m.window_zone.get(ev.window), m.item_line.get(ev.item or ""), ev.item, ev.window,
        m.seats.get(ev.window), m.item_department.get(ev.item or ""),
    )  # fmt: skip
    return (found,)


def answered(m: Measures, ev: o.SupportAnswered) -> Changed:
    found = m.kept.questions.get(ev.support)
    if found is None:
        return ()
    found.answered_at = ev.at
    return (found,)


def passed_on(m: Measures, ev: o.SupportEscalated) -> Changed:
    found = m.kept.questions.get(ev.support)
    if found is None:
        return ()
    found.escalated = True
    return (found,)


def late_answer(m: Measures, ev: o.SupportOverdue) -> Changed:
    found = m.kept.questions.get(ev.support)
    if found is None:
        return ()
    found.overdue = True
    return (found,)


# ---- ratings and matters


def rated(m: Measures, ev: o.TicketRated) -> Changed:
    place = m.place(ev.ticket)
    if place is None:
        return ()
    found = Rating(
        f"{ev.ticket}@{m.today.id}{':2' if ev.follow_up else ''}", ev.at, m.today.id, place.zone, place.line,
        place.item, place.window, place.staff, place.department, level=ev.level, active=ev.active,
        follow_up=ev.follow_up,
    )  # fmt: skip
    m.kept.put(found)  # the citizen's own word takes the place of a system's default of the same day
    return (found,)


def matter_opened(m: Measures, ev: o.MatterOpened) -> Changed:
    place = m.place(ev.about or "")
    window = ev.window or (None if place is None else place.window)
    zone = m.window_zone.get(window or "") if place is None else place.zone
    found = m.kept.complaints[ev.matter] = Complaint(
        ev.matter, ev.at, m.today.id, zone or zone_of(ev.owner), None if place is None else place.line,
        None if place is None else place.item, window, None if place is None else place.staff,
        None if place is None else place.department, what=ev.what.value,
    )  # fmt: skip
    return (found,)


def matter(change: Callable[[Complaint, Any], None]) -> Callable[[Measures, Any], Changed]:
    """A step that changes one matter."""

    def step(m: Measures, ev: Any) -> Changed:
        found = m.kept.complaints.get(ev.matter)
        if found is None:
            return ()
        change(found, ev)
        return (found,)

    return step


def contacted(found: Complaint, ev: o.MatterContacted) -> None:
    found.contacted_at = found.contacted_at or ev.at


def solved(found: Complaint, ev: o.MatterSolved) -> None:
    found.solved_at = ev.at


def called_back(found: Complaint, ev: o.MatterCalledBack) -> None:
    found.called_back_at = ev.at


def matter_closed(found: Complaint, ev: o.MatterClosed) -> None:
    found.ended = ev.at


def reopened(found: Complaint, ev: o.MatterReopened) -> None:
    found.solved_at = found.called_back_at = 0


def matter_late(found: Complaint, ev: o.MatterOverdue) -> None:
    found.overdue = True


# ---- alerts


def zone_of(owner: str | None) -> str | None:
    """The zone of an owner "post:zone"; offices and the manager belong to none."""
    post, _, zone = (owner or "").partition(":")
    return zone if zone and zone != "pool" and post != "office" else None


def raised(m: Measures, ev: e.AlertRaised) -> Changed:
    at = ev.due or ev.at
    found = Alarm(f"{ev.alert}@{at}", at, m.day_of(at), ev.zone or zone_of(ev.owner), kind=ev.alert_kind)
    m.ringing[ev.alert] = m.kept.alarms[found.id] = found
    return (found,)


def acknowledged(m: Measures, ev: o.AlertAcknowledged) -> Changed:
    found = m.ringing.get(ev.alert)
    if found is None:
        return ()
    found.acknowledged_at = found.acknowledged_at or ev.at
    return (found,)


def escalated(m: Measures, ev: o.AlertEscalated) -> Changed:
    found = m.ringing.get(ev.alert)
    if found is None:
        return ()
    found.escalated = True
    return (found,)


def alert_over(m: Measures, ev: e.AlertEnded) -> Changed:
    found = m.ringing.pop(ev.alert, None)
    if found is None:
        return ()
    found.ended = ev.due or ev.at
    return (found,)


OFFICE_STEPS: dict[type[Event], Callable[[Measures, Any], Changed]] = {
    o.CaseReceived: received,
    o.CaseAccepted: accepted,
    o.CorrectionRequested: correction,
    o.PapersCorrected: due_moved,
    o.StepEnded: due_moved,
    o.FeePaid: due_moved,
    o.CaseOverdue: overdue,
    o.CaseDecided: decided,
    o.ResultReady: ready,
    o.ResultUncollected: uncollected,
    o.ResultDelivered: delivered,
    o.CaseClosed: case_over,
    o.CaseWithdrawn: case_over,
    o.HandOffStarted: sent,
    o.HandOffVerified: hand_off(verified),
    o.HandOffRefused: hand_off(refused),
    o.HandOffBreached: hand_off(breached),
    o.HandOffEnded: hand_off(withdrawn),
    o.SupportAsked: asked,
    o.SupportAnswered: answered,
    o.SupportEscalated: passed_on,
    o.SupportOverdue: late_answer,
    o.TicketRated: rated,
    o.MatterOpened: matter_opened,
    o.MatterContacted: matter(contacted),
    o.MatterSolved: matter(solved),
    o.MatterCalledBack: matter(called_back),
    o.MatterClosed: matter(matter_closed),
    o.MatterReopened: matter(reopened),
    o.MatterOverdue: matter(matter_late),
    e.AlertRaised: raised,
    e.AlertEnded: alert_over,
    o.AlertAcknowledged: acknowledged,
    o.AlertEscalated: escalated,
}
