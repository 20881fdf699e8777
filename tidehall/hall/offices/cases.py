"""A case's decisions: intake, correction, review, fee, decision, result, archive.

Law: these functions read the state and either return events or raise Refusal. The life tables say which step fits a
stage (`wrong_stage`); the one who accepts does not decide (R4).
"""

from __future__ import annotations

from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices import commands as q
from tidehall.hall.offices import events as o
from tidehall.hall.offices.clocks import alert_over, hand_off_start, still_open, working
from tidehall.hall.offices.objects import CASE_LIFE, Case, Paper, Part, Stage
from tidehall.hall.plan import Item
from tidehall.hall.state import HallState, Window
from tidehall.queue.tickets import TicketState

__all__ = [
    "accept", "accepted", "claim", "close", "correct", "decide", "deliver", "end_step", "file_papers", "give_opinion",
    "keep_in_use", "known_case", "make", "move_copy", "pay_fee", "ready", "receive", "request_correction",
    "request_fee", "start_step", "withdraw",
]  # fmt: skip


def known_case(s: HallState, id: str) -> Case:
    """The case, or Refusal unknown_case."""
    found = s.offices.cases.get(id)
    if found is None:
        raise Refusal("unknown_case", case=id)
    return found


def at_stage(case: Case, kind: str) -> None:
    """Refuse when the life table has no such step from here."""
    moves = CASE_LIFE[case.stage]
    if kind not in moves:
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value, allowed=tuple(sorted(moves)))


# ---- intake


def item_at(s: HallState, code: str, window: Window, now_day: str) -> Item:
    """The item, if this window may take it: by its zones and by the letters of authorisation (R72)."""
    item = s.items.get(code)
    if item is None:
        raise Refusal("unknown_item", item=code)
    zones = item.zones or (s.lines[item.line].zone,)
    letters = [a for a in s.rules.authorisations if code in a.items]
    named = any((window.id in a.windows or window.zone in a.zones) and a.since <= now_day <= a.until for a in letters)
    if not (named if letters else window.zone in zones):
        raise Refusal("not_authorised_item", item=code, window=window.id)
    return item


def receive(s: HallState, c: q.ReceiveCase, now: int) -> list[Event]:
    """Take papers in (R10–R12, R36, R38, R42–R44).

    Complete: accepted at once; immediate items are done at the window, all others set out on their hand-off.
    Refusals: materials_missing (with everything missing), not_authorised_item, urgent_not_allowed, ticket_not_serving.
    """
    window = s.window(c.window)
    item = item_at(s, c.item, window, s.day)
    staff = c.staff or window.staff
    if c.case in s.offices.cases:
        raise Refusal("case_exists", case=c.case)
    if c.ticket is None and c.source == "window":
        raise Refusal("invalid", fields={"ticket": "is needed, unless the papers came by courier or online"})
    if c.ticket is not None:
        t = s.ticket(c.ticket)
        if window.ticket != c.ticket or t.state != TicketState.SERVING:
            raise Refusal("ticket_not_serving", window=window.id, number=t.number, state=t.state.value)
    if c.urgent and not item.urgent_allowed:
        raise Refusal("urgent_not_allowed", item=item.code)
    if c.bundle is not None and not any(b.id == c.bundle and item.code in b.items for b in s.rules.bundles):
        raise Refusal("invalid", fields={"bundle": "does not hold this item"})
    missing = tuple(m.code for m in item.materials if m.required and m.code not in c.present)
    if missing and not c.incomplete:
        raise Refusal("materials_missing", item=item.code, missing=list(missing))
    number = s.offices.receipts + 1 if s.offices.receipt_day == s.day else 1
    receipt = f"{s.day.replace('-', '')}{number:05d}"
    here = f"window:{window.id}"
    by_post = c.source == "courier"
    papers = [Paper(f"{c.case}-{code}", code, here) for code in dict.fromkeys(c.present)]
    papers += [
        Paper(f"{c.case}-copy1", "receipt", here if by_post else "applicant", 1),
        Paper(f"{c.case}-copy2", "receipt", here, 2),
        Paper(f"{c.case}-copy3", "receipt", here, 3),
    ]
    received = o.CaseReceived(
        now, c.case, receipt, item.code, s.plan_seq, item.kind, item.department, window.zone, c.urgent, c.source, here,
        tuple(papers), c.delivery, c.ticket, window.id, c.applicant, c.agent, c.bundle, staff,
    )  # fmt: skip
    if missing:
        return [received]
    case = Case(
        c.case, receipt, item.code, s.plan_seq, item.kind, item.department, window.zone, c.urgent, c.source,
        Stage.RECEIVED, here, tuple(papers), c.delivery, now, window=window.id,
    )  # fmt: skip
    return [received, *accepted(s, case, now, staff=staff)]


def accepted(s: HallState, case: Case, now: int, *, staff: str | None, deemed_at: int | None = None) -> list[Event]:
    """Acceptance and what follows at once: the result at the window, or the papers on their way."""
    item = s.items[case.item]
    at = now if deemed_at is None else deemed_at
    days = working(s)
    due, provisional = days.after(at, item.promised_days) if item.promised_days else (0, False)
    parts = tuple(Part(p.department, days.after(at, p.promised_days)[0]) for p in item.parts)
    if parts:
        due = max(due, *(p.due_at for p in parts))
    found: list[Event] = [
        o.CaseAccepted(now, case.id, due, staff, provisional, deemed_at is not None, parts, deemed_at)
    ]
    if case.kind == "immediate":
        found += [
            o.CaseDecided(now, case.id, "approve", "immediate", staff),
            o.ResultDelivered(now, case.id, case.delivery.method),
        ]
    else:
        going = tuple(p.id for p in case.papers if p.copy in (0, 2))
        found.append(
            hand_off_start(
                s, case.id, going, zone=case.zone, origin=case.holder, department=case.department, urgent=case.urgent,
                leg=1, started=now, now=now, number=s.offices.count + 1,
            )
        )  # fmt: skip
    return found


def accept(s: HallState, c: q.AcceptCase, now: int) -> list[Event]:
    """Accept a case whose papers are complete now."""
    case = known_case(s, c.case)
    at_stage(case, "case_accepted")
    lacking = still_missing(s, case)
    if lacking:
        raise Refusal("materials_missing", item=case.item, missing=list(lacking))
    return accepted(s, case, now, staff=c.staff)


def still_missing(s: HallState, case: Case) -> tuple[str, ...]:
    """Required materials that do not lie in the case."""
    have = {p.code for p in case.papers}
    return tuple(m.code for m in s.items[case.item].materials if m.required and m.code not in have)


def request_correction(s: HallState, c: q.RequestCorrection, now: int) -> list[Event]:
    """One notice of everything missing; a second on the same case is counted as a breach (R45)."""
    case = known_case(s, c.case)
    at_stage(case, "correction_requested")
    if case.correcting:
        raise Refusal("already_correcting", case=case.id)
    if not c.missing:
        raise Refusal("invalid", fields={"missing": "list everything that is missing"})
    notice = case.notices + 1
    return [o.CorrectionRequested(now, case.id, c.missing, notice, notice > 1, c.staff)]


def correct(s: HallState, c: q.CorrectPapers, now: int) -> list[Event]:
    """The missing papers have come."""
    case = known_case(s, c.case)
    at_stage(case, "papers_corrected")
    if case.stage == Stage.IN_REVIEW and not case.correcting:
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value)
    codes = c.present or case.missing
    have = {p.code for p in case.papers}
    papers = tuple(Paper(f"{case.id}-{code}", code, case.holder) for code in codes if code not in have)
    due, provisional = resumed(s, case, now)
    return [o.PapersCorrected(now, case.id, papers, due, provisional)]


def resumed(s: HallState, case: Case, now: int) -> tuple[int, bool]:
    """The promised moment after a pause that ends now."""
    if not case.due_at or not case.paused_since:
        return case.due_at, case.provisional
    due, provisional = working(s).shifted(case.due_at, case.paused_since, now)
    return due, provisional or case.provisional


def withdraw(s: HallState, c: q.WithdrawCase, now: int) -> list[Event]:
    """The applicant takes the case back; papers on their way come home."""
    case = known_case(s, c.case)
    at_stage(case, "case_withdrawn")
    found: list[Event] = []
    if case.hand_off is not None and still_open(s.offices.hand_offs[case.hand_off]):
        found += [
            o.HandOffEnded(now, case.hand_off, case.id),
            *alert_over(s, now, f"hand_off_due:{case.hand_off}", f"hand_off_breached:{case.hand_off}"),
        ]
    return [*found, o.CaseWithdrawn(now, case.id, c.reason), *alert_over(s, now, f"case_overdue:{case.id}")]


# ---- the back office


def claim(s: HallState, c: q.ClaimCase, now: int) -> list[Event]:
    """An officer takes the case; never the one who accepted it (R4)."""
    case = known_case(s, c.case)
    at_stage(case, "case_claimed")
    if case.officer == c.staff:
        return []
    if c.staff == case.accepted_by:
        raise Refusal("acceptor_decides", case=case.id, staff=c.staff)
    return [o.CaseClaimed(now, case.id, c.staff)]


def give_opinion(s: HallState, c: q.GiveOpinion, now: int) -> list[Event]:
    """An opinion; of a joint case's department it ends that part (R56, R57)."""
    case = known_case(s, c.case)
    at_stage(case, "opinion_given")
    if c.department is not None:
        part = next((p for p in case.parts if p.department == c.department), None)
        if part is None:
            raise Refusal("invalid", fields={"department": "has no part in this case"})
        if part.done_at:
            raise Refusal("part_done", case=case.id, department=c.department)
    return [o.OpinionGiven(now, case.id, c.opinion, c.staff or case.officer, c.department)]


def start_step(s: HallState, c: q.StartStep, now: int) -> list[Event]:
    """A special step begins (R59)."""
    case = known_case(s, c.case)
    at_stage(case, "step_started")
    if case.step is not None:
        raise Refusal("step_open", case=case.id, step=case.step)
    return [o.StepStarted(now, case.id, c.step, "step" in s.rules.offices.pause_on)]


def end_step(s: HallState, c: q.EndStep, now: int) -> list[Event]:
    """The special step is over."""
    case = known_case(s, c.case)
    at_stage(case, "step_ended")
    if case.step is None:
        raise Refusal("no_step", case=case.id)
    return [o.StepEnded(now, case.id, case.step, *resumed(s, case, now))]


def request_fee(s: HallState, c: q.RequestFee, now: int) -> list[Event]:
    """The applicant must pay; told by SMS and on the phone page (R40)."""
    case = known_case(s, c.case)
    at_stage(case, "fee_requested")
    busy(case)
    if c.amount <= 0:
        raise Refusal("invalid", fields={"amount": "is fen above 0"})
    return [o.FeeRequested(now, case.id, c.amount, "fee" in s.rules.offices.pause_on)]


def busy(case: Case) -> None:
    """A step or a correction under way must end first."""
    if case.step is not None:
        raise Refusal("step_open", case=case.id, step=case.step)
    if case.correcting:
        raise Refusal("already_correcting", case=case.id)


def pay_fee(s: HallState, c: q.PayFee, now: int) -> list[Event]:
    """Paid (R41)."""
    case = known_case(s, c.case)
    at_stage(case, "fee_paid")
    return [o.FeePaid(now, case.id, c.reference, *resumed(s, case, now))]


def decide(s: HallState, c: q.DecideCase, now: int) -> list[Event]:
    """Approve or refuse (R4, R55). A reported item needs an opinion, a joint one all its parts."""
    case = known_case(s, c.case)
    if case.stage != Stage.IN_REVIEW:
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value, allowed=tuple(sorted(CASE_LIFE[case.stage])))
    busy(case)
    staff = c.staff or case.officer
    if staff is not None and staff == case.accepted_by:
        raise Refusal("acceptor_decides", case=case.id, staff=staff)
    if case.kind == "reported" and not case.opinions:
        raise Refusal("opinion_missing", case=case.id)
    waiting = [p.department for p in case.parts if not p.done_at]
    if waiting and c.outcome == "approve":
        raise Refusal("parts_open", case=case.id, departments=waiting)
    return [o.CaseDecided(now, case.id, c.outcome, c.opinion, staff), *alert_over(s, now, f"case_overdue:{case.id}")]


# ---- results and the archive


def make(s: HallState, c: q.MakeResult, now: int) -> list[Event]:
    """The certificate room makes the result (R15)."""
    case = known_case(s, c.case)
    at_stage(case, "result_made")
    return [o.ResultMade(now, case.id, f"{case.id}-result", c.staff)]


def ready(s: HallState, c: q.ReadyResult, now: int) -> list[Event]:
    """The result lies at the zone's issue post."""
    case = known_case(s, c.case)
    at_stage(case, "result_ready")
    return [o.ResultReady(now, case.id, case.zone)]


def deliver(s: HallState, c: q.DeliverResult, now: int) -> list[Event]:
    """Handed to the applicant as he asked (R39)."""
    case = known_case(s, c.case)
    at_stage(case, "result_delivered")
    if case.stage == Stage.DECIDED and c.method != "electronic":
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value, allowed=("result_made",))
    return [
        o.ResultDelivered(now, case.id, c.method, c.signature),
        *alert_over(s, now, f"result_uncollected:{case.id}"),
    ]


def unit_of(case: Case) -> str:
    """The unit in whose archive a case's originals go: the approving department (R27)."""
    return case.department


def originals(case: Case) -> tuple[str, ...]:
    """The originals in the hall that are not filed yet."""
    return tuple(
        p.id for p in case.papers if not p.copy and not p.filed_at and p.holder != "applicant" and p.code != "result"
    )


def close(s: HallState, c: q.CloseCase, now: int) -> list[Event]:
    """File what is left and end the case."""
    case = known_case(s, c.case)
    at_stage(case, "case_closed")
    left = originals(case)
    found: list[Event] = [o.PapersFiled(now, case.id, left, unit_of(case))] if left else []
    return [*found, o.CaseClosed(now, case.id)]


def file_papers(s: HallState, c: q.FilePapers, now: int) -> list[Event]:
    """File originals, all of the case or some (一天一归档)."""
    case = known_case(s, c.case)
    left = originals(case)
    papers = c.papers or left
    strange = [p for p in papers if p not in left]
    if strange:
        raise Refusal("papers_differ", case=case.id, strange=strange)
    return [o.PapersFiled(now, case.id, papers, unit_of(case))] if papers else []


def keep_in_use(s: HallState, c: q.KeepInUse, now: int) -> list[Event]:
    """Originals that stay out today, with a reason."""
    case = known_case(s, c.case)
    left = originals(case)
    strange = [p for p in c.papers if p not in left]
    if strange or not c.papers:
        raise Refusal("papers_differ", case=case.id, strange=strange)
    if not c.reason:
        raise Refusal("invalid", fields={"reason": "is needed"})
    return [o.PapersKept(now, case.id, c.papers, c.reason, s.day)]


def move_copy(s: HallState, c: q.MoveCopy, now: int) -> list[Event]:
    """A receipt copy changes hands (R36)."""
    case = known_case(s, c.case)
    if c.copy not in (1, 2, 3):
        raise Refusal("invalid", fields={"copy": "is 1, 2 or 3"})
    return [o.CopyMoved(now, case.id, c.copy, c.holder)]
