"""From the offices' events to their state.

Law: as in hall/applying/: a function changes the state, cannot fail and reads nothing but state and event. The life
tables say which stage a kind leads to; clocks are armed and disarmed here and nowhere else.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tidehall.hall.events import AlertRaised
from tidehall.hall.offices.clocks import SECOND, case_soon, escalates_after, escalates_to, working
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import (
    CASE_LIFE,
    HAND_OFF_LIFE,
    MATTER_LIFE,
    SUPPORT_LIFE,
    Case,
    HandOff,
    HandOffState,
    Matter,
    Paper,
    Part,
    Stage,
    Support,
)
from tidehall.hall.state import HallState

__all__ = ["OFFICE_APPLY", "alert_raised_clock", "arm", "disarm"]


# ---- clocks


def arm(s: HallState, name: str, at: int) -> None:
    """Set a clock; a clock of this name that runs already is set anew."""
    armed, clocks = s.offices.armed, s.clocks
    old = armed.get(name)
    if old is not None:
        del clocks[bisect_left(clocks, (old, name))]
    armed[name] = at
    insort(clocks, (at, name))
    if at < s.next_wake or old == s.next_wake:
        s.set_wake()


def disarm(s: HallState, *names: str) -> None:
    """Stop clocks; those that don't run are let be."""
    armed, clocks = s.offices.armed, s.clocks
    for name in names:
        at = armed.pop(name, None)
        if at is not None:
            del clocks[bisect_left(clocks, (at, name))]
            if at == s.next_wake:
                s.set_wake()


def alert_raised_clock(s: HallState, ev: AlertRaised, since: int) -> None:
    """An alert with an owner must be acknowledged in time."""
    if ev.owner is not None and ev.owner != escalates_to(s, ev.alert_kind, ev.zone):
        arm(s, f"alert:{ev.alert}", since + escalates_after(s, ev.alert_kind))


# ---- putting things in their place


def set_case(s: HallState, case: Case, **changes: Any) -> Case:
    """Put a changed case in the old one's place."""
    case = replace(case, seq=s.seq, **changes)
    s.offices.cases[case.id] = case
    s.offices.seq = s.seq
    return case


def stage_after(case: Case, kind: str) -> Stage:
    """Where an event leads; a kind that the table does not know from here leaves the stage."""
    return CASE_LIFE[case.stage].get(kind, case.stage)


def set_hand_off(s: HallState, h: HandOff, kind: str, **changes: Any) -> HandOff:
    """Put a changed hand-off in the old one's place."""
    changes.setdefault("state", HAND_OFF_LIFE[h.state].get(kind, h.state))
    h = replace(h, seq=s.seq, **changes)
    s.offices.hand_offs[h.id] = h
    s.offices.seq = s.seq
    return h


def moved(papers: tuple[Paper, ...], ids: tuple[str, ...], holder: str) -> tuple[Paper, ...]:
    """The same papers, some of them with a new holder."""
    return tuple(
        [Paper(p.id, p.code, holder, p.copy, p.filed_at, p.in_use, p.in_use_day) if p.id in ids else p for p in papers]
    )


# ---- cases


def case_received(s: HallState, ev: o.CaseReceived) -> None:
    offices = s.offices
    offices.receipts = offices.receipts + 1 if offices.receipt_day == s.day else 1
    offices.receipt_day = s.day
    by = tell_by(s, ev.case, ev.at)
    offices.cases[ev.case] = Case(
        ev.case, ev.receipt, ev.item, ev.item_version, ev.item_kind, ev.department, ev.zone, ev.urgent, ev.source,
        Stage.RECEIVED, ev.holder, ev.papers, ev.delivery, ev.at, ev.ticket, ev.window, ev.applicant, ev.agent,
        ev.bundle, correct_by=by, seq=s.seq, papers_at=ev.at, helper=ev.helper, origin=ev.origin,
    )  # fmt: skip
    offices.seq = s.seq


def tell_by(s: HallState, case: str, at: int) -> int:
    """Papers came in at `at`: until when what is missing must be told, or silence accepts (行政许可法 32)."""
    by = working(s).after(at, s.rules.offices.correction_days)[0]
    arm(s, f"deemed:{case}", by)
    return by


def case_accepted(s: HallState, ev: o.CaseAccepted) -> None:
    case = s.offices.cases[ev.case]
    disarm(s, f"deemed:{ev.case}")
    set_case(
        s, case, stage=stage_after(case, "case_accepted"), accepted_by=ev.staff,
        accepted_at=case.papers_at if ev.deemed else ev.at, due_at=ev.due_at, provisional=ev.provisional,
        parts=ev.parts, deemed=ev.deemed, correcting=False, missing=(), correct_by=0,
    )  # fmt: skip
    if ev.due_at:
        promise(s, ev.case, ev.due_at, ev.at, ev.at)


def correction_requested(s: HallState, ev: o.CorrectionRequested) -> None:
    case = s.offices.cases[ev.case]
    disarm(s, f"deemed:{ev.case}")
    pauses = ev.pauses
    if pauses is None:  # from a journal in which the event does not say it
        pauses = case.stage == Stage.IN_REVIEW and "correction" in s.rules.offices.pause_on
    since = pause(s, case, ev.at, pauses)
    set_case(
        s, case, stage=stage_after(case, "correction_requested"), correcting=True, missing=ev.missing,
        notices=ev.notice, notice_breach=case.notice_breach or ev.breach, paused_since=since, correct_by=0,
    )  # fmt: skip


def papers_corrected(s: HallState, ev: o.PapersCorrected) -> None:
    case = s.offices.cases[ev.case]
    stage = stage_after(case, "papers_corrected")
    set_case(
        s, case, stage=stage, correcting=False, missing=(), papers=case.papers + ev.papers, paused_since=0,
        due_at=ev.due_at, provisional=ev.provisional, parts=later(case.parts, ev.parts_due),
    )  # fmt: skip
    if stage == Stage.RECEIVED:
        set_case(s, s.offices.cases[ev.case], correct_by=tell_by(s, ev.case, ev.at), papers_at=ev.at)
    else:
        go_on(s, case, ev.due_at, ev.at)


def case_withdrawn(s: HallState, ev: o.CaseWithdrawn) -> None:
    case = s.offices.cases[ev.case]
    disarm(s, *promised(ev.case), f"deemed:{ev.case}", f"uncollected:{ev.case}")
    papers = tuple(  # the originals go home, the hall's two copies of the receipt to the archive
        replace(p, holder="applicant", filed_at=0, in_use=None) if not p.copy
        else replace(p, holder=f"archive:{case.department}") if p.holder != "applicant"
        else p
        for p in case.papers
    )  # fmt: skip
    set_case(
        s, case, stage=Stage.WITHDRAWN, holder="applicant", papers=papers, ended_at=ev.at, paused_since=0, step=None,
        correcting=False, missing=(), correct_by=0,
    )  # fmt: skip


def case_claimed(s: HallState, ev: o.CaseClaimed) -> None:
    case = s.offices.cases[ev.case]
    set_case(s, case, stage=stage_after(case, "case_claimed"), officer=ev.staff)


def opinion_given(s: HallState, ev: o.OpinionGiven) -> None:
    case = s.offices.cases[ev.case]
    parts = tuple(
        replace(p, staff=ev.staff, opinion=ev.opinion, done_at=ev.at) if p.department == ev.department else p
        for p in case.parts
    )
    set_case(s, case, opinions=case.opinions + 1, parts=parts)


def pause(s: HallState, case: Case, at: int, pauses: bool) -> int:
    """Stand the promised clock still; since when."""
    if pauses:
        disarm(s, *promised(case.id))
    return at if pauses else 0


def later(parts: tuple[Part, ...], due: tuple[int, ...]) -> tuple[Part, ...]:
    """The parts of a joint case with their moments after a pause; without any they stay."""
    return tuple(replace(p, due_at=at) for p, at in zip(parts, due, strict=True)) if due else parts


def go_on(s: HallState, case: Case, due_at: int, at: int) -> None:
    """The promised clock of a case runs again, where it stood still."""
    if case.paused_since and due_at and not case.overdue:
        promise(s, case.id, due_at, case.accepted_at, at)


def promise(s: HallState, case: str, due_at: int, begun: int, at: int) -> None:
    """Set the clocks of a promise that has `begun` (µs), at `at` (µs): nearly due, and overdue."""
    arm(s, f"case_due:{case}", due_at)
    soon = case_soon(s, due_at, begun, at)
    if soon:
        arm(s, f"case_soon:{case}", soon)


def promised(case: str) -> tuple[str, str]:
    """The clocks of a promise."""
    return f"case_due:{case}", f"case_soon:{case}"


def step_started(s: HallState, ev: o.StepStarted) -> None:
    case = s.offices.cases[ev.case]
    set_case(s, case, step=ev.step, paused_since=pause(s, case, ev.at, ev.pauses))


def step_ended(s: HallState, ev: o.StepEnded) -> None:
    case = s.offices.cases[ev.case]
    parts = later(case.parts, ev.parts_due)
    set_case(s, case, step=None, paused_since=0, due_at=ev.due_at, provisional=ev.provisional, parts=parts)
    go_on(s, case, ev.due_at, ev.at)


def fee_requested(s: HallState, ev: o.FeeRequested) -> None:
    case = s.offices.cases[ev.case]
    since = pause(s, case, ev.at, ev.pauses)
    set_case(s, case, stage=Stage.AWAITING_FEE, fee=ev.amount, fee_paid=False, paused_since=since)


def fee_paid(s: HallState, ev: o.FeePaid) -> None:
    case = s.offices.cases[ev.case]
    set_case(
        s, case, stage=Stage.IN_REVIEW, fee_paid=True, paused_since=0, due_at=ev.due_at, provisional=ev.provisional,
        parts=later(case.parts, ev.parts_due),
    )  # fmt: skip
    go_on(s, case, ev.due_at, ev.at)


def case_decided(s: HallState, ev: o.CaseDecided) -> None:
    case = s.offices.cases[ev.case]
    disarm(s, *promised(ev.case))
    set_case(s, case, stage=Stage.DECIDED, outcome=ev.outcome, decided_by=ev.staff, decided_at=ev.at)


def case_overdue(s: HallState, ev: o.CaseOverdue) -> None:
    disarm(s, *promised(ev.case))
    set_case(s, s.offices.cases[ev.case], overdue=True)


def case_due_soon(s: HallState, ev: o.CaseDueSoon) -> None:
    disarm(s, f"case_soon:{ev.case}")


def result_made(s: HallState, ev: o.ResultMade) -> None:
    case = s.offices.cases[ev.case]
    place = f"maker:{case.department}"
    set_case(
        s, case, stage=Stage.MADE, holder=place, papers=(*case.papers, Paper(ev.paper, "result", place)),
    )  # fmt: skip


def result_ready(s: HallState, ev: o.ResultReady) -> None:
    case = s.offices.cases[ev.case]
    place = f"issue:{ev.zone}"
    results = tuple(p.id for p in case.papers if p.code == "result")
    set_case(s, case, stage=Stage.READY, holder=place, papers=moved(case.papers, results, place), ready_at=ev.at)
    arm(s, f"uncollected:{ev.case}", working(s).after(ev.at, s.rules.offices.collect_within_days)[0])


def result_uncollected(s: HallState, ev: o.ResultUncollected) -> None:
    disarm(s, f"uncollected:{ev.case}")
    s.offices.seq = s.seq


def result_delivered(s: HallState, ev: o.ResultDelivered) -> None:
    case = s.offices.cases[ev.case]
    disarm(s, f"uncollected:{ev.case}")
    results = tuple([p.id for p in case.papers if p.code == "result"])
    papers = moved(case.papers, results, "applicant") if results else case.papers
    holder = f"office:{case.department}" if case.kind != "immediate" else case.holder
    set_case(s, case, stage=Stage.DELIVERED, holder=holder, papers=papers, delivered_at=ev.at)


def case_closed(s: HallState, ev: o.CaseClosed) -> None:
    case = s.offices.cases[ev.case]
    copies = tuple([p.id for p in case.papers if p.copy and p.holder != "applicant"])
    unit = f"archive:{case.department}"
    set_case(
        s, case, stage=Stage.CLOSED, holder=unit, papers=moved(case.papers, copies, unit), ended_at=ev.at,
    )  # fmt: skip


def papers_filed(s: HallState, ev: o.PapersFiled) -> None:
    case = s.offices.cases[ev.case]
    place, at, filed = f"archive:{ev.unit}", ev.at, ev.papers
    papers = tuple([Paper(p.id, p.code, place, 0, at) if p.id in filed else p for p in case.papers])
    set_case(s, case, papers=papers)


def papers_kept(s: HallState, ev: o.PapersKept) -> None:
    case = s.offices.cases[ev.case]
    papers = tuple(replace(p, in_use=ev.reason, in_use_day=ev.day) if p.id in ev.papers else p for p in case.papers)
    set_case(s, case, papers=papers)


def copy_moved(s: HallState, ev: o.CopyMoved) -> None:
    case = s.offices.cases[ev.case]
    set_case(s, case, papers=tuple(replace(p, holder=ev.holder) if p.copy == ev.copy else p for p in case.papers))


# ---- hand-offs


def hand_off_started(s: HallState, ev: o.HandOffStarted) -> None:
    offices = s.offices
    offices.count += 1
    offices.hand_offs[ev.hand_off] = HandOff(
        ev.hand_off, ev.case, ev.papers, ev.origin, ev.to, ev.zone, ev.urgent, ev.leg, ev.started_at, ev.due_at,
        ev.warn_at, onward=ev.onward, seq=s.seq,
    )  # fmt: skip
    case = offices.cases[ev.case]
    set_case(s, case, stage=stage_after(case, "hand_off_started"), hand_off=ev.hand_off)
    arm(s, f"hand_off_warn:{ev.hand_off}", ev.warn_at)
    arm(s, f"hand_off_breach:{ev.hand_off}", ev.due_at)


def carry(s: HallState, h: HandOff, holder: str, kind: str = "") -> None:
    """The papers of a hand-off, and with them the case, are with `holder`; `kind` may lead to another stage."""
    case = s.offices.cases[h.case]
    set_case(s, case, stage=stage_after(case, kind), holder=holder, papers=moved(case.papers, h.papers, holder))


def hand_off_picked_up(s: HallState, ev: o.HandOffPickedUp) -> None:
    h = set_hand_off(s, s.offices.hand_offs[ev.hand_off], "hand_off_picked_up", runner=ev.runner)
    carry(s, h, f"runner:{ev.runner}")


def hand_off_arrived(s: HallState, ev: o.HandOffArrived) -> None:
    set_hand_off(s, s.offices.hand_offs[ev.hand_off], "hand_off_arrived")


def over(s: HallState, h: HandOff, state: HandOffState, at: int) -> HandOff:
    """The clock ends."""
    disarm(s, f"hand_off_warn:{h.id}", f"hand_off_breach:{h.id}", f"hand_off_escalate:{h.id}")
    return set_hand_off(s, h, "", state=state, ended_at=at)


def hand_off_verified(s: HallState, ev: o.HandOffVerified) -> None:
    h = over(s, s.offices.hand_offs[ev.hand_off], HandOffState.VERIFIED, ev.at)
    carry(s, h, h.to, "hand_off_verified")


def hand_off_refused(s: HallState, ev: o.HandOffRefused) -> None:
    h = s.offices.hand_offs[ev.hand_off]
    h = set_hand_off(s, h, "hand_off_refused", runner=None, refusals=h.refusals + 1, reason=ev.reason, note=ev.note)
    carry(s, h, h.origin)


def hand_off_returned(s: HallState, ev: o.HandOffReturned) -> None:
    h = set_hand_off(s, s.offices.hand_offs[ev.hand_off], "hand_off_returned", runner=None)
    carry(s, h, h.origin)


def hand_off_ended(s: HallState, ev: o.HandOffEnded) -> None:
    over(s, s.offices.hand_offs[ev.hand_off], HandOffState.ENDED, ev.at)


def hand_off_warned(s: HallState, ev: o.HandOffWarned) -> None:
    disarm(s, f"hand_off_warn:{ev.hand_off}")
    set_hand_off(s, s.offices.hand_offs[ev.hand_off], "", warned=True)


def hand_off_breached(s: HallState, ev: o.HandOffBreached) -> None:
    disarm(s, f"hand_off_breach:{ev.hand_off}", f"hand_off_warn:{ev.hand_off}")
    set_hand_off(s, s.offices.hand_offs[ev.hand_off], "", breached=True, warned=True)
    arm(s, f"hand_off_escalate:{ev.hand_off}", ev.due + round(s.rules.offices.escalate_after_s * SECOND))


def hand_off_escalated(s: HallState, ev: o.HandOffEscalated) -> None:
    disarm(s, f"hand_off_escalate:{ev.hand_off}")
    set_hand_off(s, s.offices.hand_offs[ev.hand_off], "", escalated=True)


# ---- the middle office


def set_support(s: HallState, found: Support, kind: str, **changes: Any) -> None:
    changes.setdefault("state", SUPPORT_LIFE[found.state].get(kind, found.state))
    s.offices.supports[found.id] = replace(found, seq=s.seq, **changes)
    s.offices.seq = s.seq


def support_asked(s: HallState, ev: o.SupportAsked) -> None:
    s.offices.supports[ev.support] = Support(
        ev.support, ev.window, ev.ticket, ev.item, ev.question, ev.at, ev.due_at, seq=s.seq
    )
    s.offices.seq = s.seq
    arm(s, f"support:{ev.support}", ev.due_at)


def support_claimed(s: HallState, ev: o.SupportClaimed) -> None:
    set_support(s, s.offices.supports[ev.support], "support_claimed", staff=ev.staff, claimed_at=ev.at)


def support_answered(s: HallState, ev: o.SupportAnswered) -> None:
    disarm(s, f"support:{ev.support}")
    found = s.offices.supports[ev.support]
    set_support(s, found, "support_answered", staff=ev.staff, answered_at=ev.at, channel=ev.channel, answer=ev.answer)


def support_escalated(s: HallState, ev: o.SupportEscalated) -> None:
    set_support(s, s.offices.supports[ev.support], "support_escalated")


def support_overdue(s: HallState, ev: o.SupportOverdue) -> None:
    disarm(s, f"support:{ev.support}")
    set_support(s, s.offices.supports[ev.support], "", overdue=True)


# ---- ratings and matters


def ticket_rated(s: HallState, ev: o.TicketRated) -> None:
    if ev.follow_up:
        s.offices.follow_ups[ev.ticket] = ev.level
    else:
        s.offices.ratings[ev.ticket] = ev.level if ev.active else 0
    s.offices.seq = s.seq


def matter_opened(s: HallState, ev: o.MatterOpened) -> None:
    s.offices.matters[ev.matter] = Matter(
        ev.matter, ev.what, ev.owner, ev.at, ev.contact_by, ev.due_at, ev.about, ev.channel, ev.holder, ev.note,
        seq=s.seq, level=ev.level, reasons=ev.reasons, number=ev.number, window=ev.window,
    )  # fmt: skip
    s.offices.seq = s.seq
    arm(s, f"matter_contact:{ev.matter}", ev.contact_by)
    arm(s, f"matter_due:{ev.matter}", ev.due_at)


def set_matter(s: HallState, found: Matter, kind: str, **changes: Any) -> None:
    changes.setdefault("state", MATTER_LIFE[found.state].get(kind, found.state))
    s.offices.matters[found.id] = replace(found, seq=s.seq, **changes)
    s.offices.seq = s.seq


def matter_handed_over(s: HallState, ev: o.MatterHandedOver) -> None:
    set_matter(s, s.offices.matters[ev.matter], "matter_handed_over", owner=ev.owner)


def matter_contacted(s: HallState, ev: o.MatterContacted) -> None:
    disarm(s, f"matter_contact:{ev.matter}")
    set_matter(s, s.offices.matters[ev.matter], "matter_contacted", contacted_at=ev.at)


def matter_solved(s: HallState, ev: o.MatterSolved) -> None:
    disarm(s, f"matter_contact:{ev.matter}", f"matter_due:{ev.matter}")
    set_matter(s, s.offices.matters[ev.matter], "matter_solved", solved_at=ev.at, result=ev.result)


def matter_called_back(s: HallState, ev: o.MatterCalledBack) -> None:
    set_matter(s, s.offices.matters[ev.matter], "matter_called_back")


def matter_closed(s: HallState, ev: o.MatterClosed) -> None:
    set_matter(s, s.offices.matters[ev.matter], "matter_closed", ended_at=ev.at)


def matter_reopened(s: HallState, ev: o.MatterReopened) -> None:
    found = s.offices.matters[ev.matter]
    set_matter(s, found, "matter_reopened")
    if found.solved_at < found.due_at:  # else its clock has spoken
        arm(s, f"matter_due:{ev.matter}", found.due_at)


def matter_overdue(s: HallState, ev: o.MatterOverdue) -> None:
    disarm(s, f"matter_{ev.what}:{ev.matter}")
    set_matter(s, s.offices.matters[ev.matter], "", overdue=True)


# ---- alerts


def alert_acknowledged(s: HallState, ev: o.AlertAcknowledged) -> None:
    disarm(s, f"alert:{ev.alert}")
    s.alerts[ev.alert] = replace(s.alerts[ev.alert], acknowledged_by=ev.staff, seq=s.seq)


def alert_escalated(s: HallState, ev: o.AlertEscalated) -> None:
    disarm(s, f"alert:{ev.alert}")
    s.alerts[ev.alert] = replace(s.alerts[ev.alert], owner=ev.owner, escalated=True, seq=s.seq)


def person_erased(s: HallState, ev: o.PersonErased) -> None:
    """Nothing changes here: who the person was never stood in the state, and the id stays."""


#: One function for each kind of event.
OFFICE_APPLY: dict[type, Callable[[HallState, Any], None]] = {
    o.CaseReceived: case_received,
    o.CaseAccepted: case_accepted,
    o.CorrectionRequested: correction_requested,
    o.PapersCorrected: papers_corrected,
    o.CaseWithdrawn: case_withdrawn,
    o.HandOffStarted: hand_off_started,
    o.HandOffPickedUp: hand_off_picked_up,
    o.HandOffArrived: hand_off_arrived,
    o.HandOffVerified: hand_off_verified,
    o.HandOffRefused: hand_off_refused,
    o.HandOffReturned: hand_off_returned,
    o.HandOffEnded: hand_off_ended,
    o.HandOffWarned: hand_off_warned,
    o.HandOffBreached: hand_off_breached,
    o.HandOffEscalated: hand_off_escalated,
    o.CaseClaimed: case_claimed,
    o.OpinionGiven: opinion_given,
    o.StepStarted: step_started,
    o.StepEnded: step_ended,
    o.FeeRequested: fee_requested,
    o.FeePaid: fee_paid,
    o.CaseDecided: case_decided,
    o.CaseOverdue: case_overdue,
    o.CaseDueSoon: case_due_soon,
    o.ResultMade: result_made,
    o.ResultReady: result_ready,
    o.ResultUncollected: result_uncollected,
    o.ResultDelivered: result_delivered,
    o.CaseClosed: case_closed,
    o.PapersFiled: papers_filed,
    o.PapersKept: papers_kept,
    o.CopyMoved: copy_moved,
    o.SupportAsked: support_asked,
    o.SupportClaimed: support_claimed,
    o.SupportAnswered: support_answered,
    o.SupportEscalated: support_escalated,
    o.SupportOverdue: support_overdue,
    o.TicketRated: ticket_rated,
    o.MatterOpened: matter_opened,
    o.MatterHandedOver: matter_handed_over,
    o.MatterContacted: matter_contacted,
    o.MatterSolved: matter_solved,
    o.MatterCalledBack: matter_called_back,
    o.MatterClosed: matter_closed,
    o.MatterReopened: matter_reopened,
    o.MatterOverdue: matter_overdue,
    o.AlertAcknowledged: alert_acknowledged,
    o.AlertEscalated: alert_escalated,
    o.PersonErased: person_erased,
}
