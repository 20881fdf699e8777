"""A case's decisions: intake, correction, review, fee, decision, result.

Law: these functions read the state and either return events or raise Refusal. The life tables say which step fits a
stage (`wrong_stage`); the one who accepts does not decide (R4).
"""

from __future__ import annotations

from tidehall.hall.catalogue import Item
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.clocks import alert_over, hand_off_start, still_open, working
from tidehall.hall.offices.persons import open_as_agent
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import CASE_LIFE, Case, HandOff, Paper, Part, Stage
from tidehall.hall.state import HallState, Window
from tidehall.queue.tickets import TicketState

__all__ = [
    "accept", "accepted", "at_stage", "claim", "correct", "decide", "deliver", "end_step", "give_opinion", "known_case",
    "make", "pay_fee", "ready", "receive", "request_correction", "request_fee", "start_step", "under_way", "withdraw",
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


def under_way(s: HallState, case: Case) -> HandOff | None:
    """The case's hand-off, while its clock runs; those of former days may have left the state."""
    found = s.offices.hand_offs.get(case.hand_off or "")
    return found if found is not None and still_open(found) else None


def item_of(s: HallState, case: Case) -> Item:
    """The case's item in the version under which it was taken in (law 12, R69)."""
    kept = s.offices.versions
    return (kept.get(f"{case.item_version}:{case.item}") if kept else None) or s.items[case.item]


# ---- intake

#: Fen that may be asked for at most, where the item's own fee is not more.
MOST_FEN = 10_000_000
#: Codes of papers that the hall itself makes.
RESERVED = frozenset({"receipt", "result", "copy1", "copy2", "copy3"})


def item_at(s: HallState, code: str, window: Window, now_day: str) -> Item:
    """The item, if this window may take it: by its zones and by the letters of authorisation (R72)."""
    item = s.items.get(code)
    if item is None:
        raise Refusal("unknown_item", item=code)
    zones = item.zones or (s.lines[item.line].zone,)
    letters = [a for a in s.rules.authorisations if code in a.items]
    allowed = window.zone in zones
    if letters:
        allowed = any(
            (window.id in a.windows or window.zone in a.zones) and a.since <= now_day <= a.until for a in letters
        )
    if not allowed:
        raise Refusal("not_authorised_item", item=code, window=window.id)
    return item


def receive(s: HallState, c: q.ReceiveCase, now: int) -> list[Event]:
    """Take papers in (R10–R12, R36, R38, R42–R44).

    Complete: accepted at once; immediate items are done at the window, all others set out on their hand-off.
    Refusals: materials_missing (with everything missing), nothing_received (no paper came, though some are required),
    not_authorised_item, urgent_not_allowed, ticket_not_serving, agent_limit (R116).
    """
    window = s.window(c.window)
    item = item_at(s, c.item, window, s.day)
    staff = c.staff or window.staff
    if c.case in s.offices.cases:
        raise Refusal("case_exists", case=c.case)
    if c.ticket is None and c.source == "window":
        raise Refusal("invalid", fields={"ticket": "is needed, unless the papers came by courier or online"})
    helper = None
    if c.ticket is not None:
        t = s.ticket(c.ticket)
        helper = t.helper
        if window.ticket != c.ticket or t.state != TicketState.SERVING:
            raise Refusal("ticket_not_serving", window=window.id, number=t.number, state=t.state.value)
    if c.urgent and not item.urgent_allowed:
        raise Refusal("urgent_not_allowed", item=item.code)
    limit = s.rules.offices.agent_open_cases
    if c.agent is not None and (open_now := open_as_agent(s, c.agent)) >= limit:
        raise Refusal("agent_limit", open=open_now, limit=limit)
    if c.bundle is not None and not any(b.id == c.bundle and item.code in b.items for b in s.rules.bundles):
        raise Refusal("invalid", fields={"bundle": "does not hold this item"})
    if c.origin is not None:
        regions = s.rules.hall.regions
        if not item.cross_region:
            raise Refusal("invalid", fields={"origin": "this item is not taken in for other regions"})
        if regions and c.origin not in regions:
            raise Refusal("invalid", fields={"origin": f"is none of {', '.join(regions)}"})
    if not RESERVED.isdisjoint(c.present):
        raise Refusal("invalid", fields={"present": "names a paper that the hall makes"})
    if c.delivery.method == "courier" and not c.delivery.address:
        raise Refusal("invalid", fields={"delivery.address": "is needed"})
    missing = tuple([m.code for m in item.materials if m.required and m.code not in c.present])
    if missing and not c.incomplete:
        raise Refusal("materials_missing", item=item.code, missing=list(missing))
    if missing and not c.present:
        raise Refusal("nothing_received", item=item.code, missing=list(missing))
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
    taken = tuple(papers)
    received = o.CaseReceived(
        now, c.case, receipt, item.code, s.plan_seq, item.kind, item.department, window.zone, c.urgent, c.source, here,
        taken, c.delivery, c.ticket, window.id, c.applicant, c.agent, c.bundle, staff,
        c.helper or helper, c.origin,
    )  # fmt: skip
    if missing:
        return [received]
    case = Case(
        c.case, receipt, item.code, s.plan_seq, item.kind, item.department, window.zone, c.urgent, c.source,
        Stage.RECEIVED, here, taken, c.delivery, now, window=window.id,
    )  # fmt: skip
    return [received, *accepted(s, case, now, staff=staff)]


def accepted(s: HallState, case: Case, now: int, *, staff: str | None, deemed_at: int | None = None) -> list[Event]:
    """Acceptance and what follows at once: the result at the window, or the papers on their way.

    Deemed accepted by silence until `deemed_at`: as of the day when the papers came in (行政许可法 32), on their way
    from that moment on; an immediate item is accepted then, and still to be decided.
    """
    item = item_of(s, case)
    at = now if deemed_at is None else case.papers_at or case.received_at
    days = working(s)
    due, provisional = days.after(at, item.promised_days) if item.promised_days else (0, False)
    parts = []
    for part in item.parts:
        part_due, unsure = days.after(at, part.promised_days)
        parts.append(Part(part.department, part_due))
        due, provisional = max(due, part_due), provisional or unsure
    found: list[Event] = [
        o.CaseAccepted(now, case.id, due, staff, provisional, deemed_at is not None, tuple(parts), deemed_at)
    ]
    if case.kind == "immediate" and deemed_at is None:
        found += [
            o.CaseDecided(now, case.id, "approve", "immediate", staff),
            o.ResultDelivered(now, case.id, case.delivery.method),
        ]
    elif case.kind != "immediate":
        going = tuple([p.id for p in case.papers if p.copy == 0 or p.copy == 2])
        found.append(
            hand_off_start(
                s, case.id, going, zone=case.zone, origin=case.holder, department=case.department, urgent=case.urgent,
                leg=1, started=now if deemed_at is None else deemed_at, now=now, number=s.offices.count + 1,
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
    return tuple(m.code for m in item_of(s, case).materials if m.required and m.code not in have)


def request_correction(s: HallState, c: q.RequestCorrection, now: int) -> list[Event]:
    """One notice of everything missing; a second on the same case is counted as a breach (R45)."""
    case = known_case(s, c.case)
    at_stage(case, "correction_requested")
    busy(case)
    if not c.missing:
        raise Refusal("invalid", fields={"missing": "list everything that is missing"})
    notice = case.notices + 1
    pauses = case.stage == Stage.IN_REVIEW and "correction" in s.rules.offices.pause_on
    asked = o.CorrectionRequested(now, case.id, c.missing, notice, notice > 1, c.staff, pauses)
    return [asked, *rests(s, case, now, pauses=pauses)]


def rests(s: HallState, case: Case, now: int, *, pauses: bool) -> list[Event]:
    """A case whose clock stands still is not nearly due; when the clock runs again it may be so at once."""
    return alert_over(s, now, f"case_due:{case.id}") if pauses else []


def correct(s: HallState, c: q.CorrectPapers, now: int) -> list[Event]:
    """The missing papers have come."""
    case = known_case(s, c.case)
    at_stage(case, "papers_corrected")
    if case.stage == Stage.IN_REVIEW and not case.correcting:
        raise Refusal("wrong_stage", case=case.id, stage=case.stage.value)
    codes = dict.fromkeys(c.present or case.missing)
    if not RESERVED.isdisjoint(codes):
        raise Refusal("invalid", fields={"present": "names a paper that the hall makes"})
    have = {p.code for p in case.papers}
    papers = tuple(Paper(f"{case.id}-{code}", code, case.holder) for code in codes if code not in have)
    return [o.PapersCorrected(now, case.id, papers, *resumed(s, case, now))]


def resumed(s: HallState, case: Case, now: int) -> tuple[int, bool, tuple[int, ...]]:
    """After a pause that ends now: the promised moment, whether it is provisional, and the parts' own moments.

    A part that was done before keeps the moment that it was measured by (R57).
    """
    if not case.due_at or not case.paused_since:
        return case.due_at, case.provisional, ()
    days = working(s)
    due, provisional = days.shifted(case.due_at, case.paused_since, now)
    parts = tuple(p.due_at if p.done_at else days.shifted(p.due_at, case.paused_since, now)[0] for p in case.parts)
    return due, provisional or case.provisional, parts


def withdraw(s: HallState, c: q.WithdrawCase, now: int) -> list[Event]:
    """The applicant takes the case back; papers on their way come home."""
    case = known_case(s, c.case)
    at_stage(case, "case_withdrawn")
    found: list[Event] = []
    open_one = under_way(s, case)
    if open_one is not None:
        found += [
            o.HandOffEnded(now, open_one.id, case.id),
            *alert_over(s, now, f"hand_off_due:{open_one.id}", f"hand_off_breached:{open_one.id}"),
        ]
    over = alert_over(s, now, f"case_due:{case.id}", f"case_overdue:{case.id}", f"deemed_accepted:{case.id}")
    return [*found, o.CaseWithdrawn(now, case.id, c.reason), *over]


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
    busy(case)
    pauses = "step" in s.rules.offices.pause_on
    return [o.StepStarted(now, case.id, c.step, pauses), *rests(s, case, now, pauses=pauses)]


def end_step(s: HallState, c: q.EndStep, now: int) -> list[Event]:
    """The special step is over."""
    case = known_case(s, c.case)
    at_stage(case, "step_ended")
    if case.step is None:
        raise Refusal("no_step", case=case.id)
    return [o.StepEnded(now, case.id, case.step, *resumed(s, case, now))]


def request_fee(s: HallState, c: q.RequestFee, now: int) -> list[Event]:
    """The applicant must pay; told by SMS and on the phone page (R40). Another amount than the item's has a reason."""
    case = known_case(s, c.case)
    at_stage(case, "fee_requested")
    busy(case)
    if c.amount <= 0:
        raise Refusal("invalid", fields={"amount": "is fen above 0"})
    fee = item_of(s, case).fee
    if c.amount > max(MOST_FEN, fee):
        raise Refusal("invalid", fields={"amount": "is more than may be asked for"})
    if c.amount != fee and not c.reason:
        raise Refusal("invalid", fields={"reason": "is needed for another fee"})
    pauses = "fee" in s.rules.offices.pause_on
    return [o.FeeRequested(now, case.id, c.amount, pauses, c.reason), *rests(s, case, now, pauses=pauses)]


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
    """Approve or refuse (R4, R55). A reported item needs an opinion, a joint one all its parts.

    An immediate item that silence accepted is decided at its window.
    """
    case = known_case(s, c.case)
    if case.stage != Stage.IN_REVIEW and not (case.stage == Stage.ACCEPTED and case.kind == "immediate"):
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
    over = alert_over(s, now, f"case_due:{case.id}", f"case_overdue:{case.id}", f"deemed_accepted:{case.id}")
    return [o.CaseDecided(now, case.id, c.outcome, c.opinion, staff), *over]


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
