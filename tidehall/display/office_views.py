"""What windows, offices and citizens see of cases, papers, hand-offs, support, matters and the archive.

Law: as in views.py: pure projections of committed state, without a person in them; `allowed` says which actions of
contract.md are possible now. References to sealed texts are opened, and persons added, at the HTTP edge alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidehall.display.office_screens import (
    AlertAnswer,
    ArchivePaper,
    ArchiveUnit,
    CaseAnswer,
    CaseView,
    CopyView,
    DeliveryView,
    ElementsView,
    HandOffsAnswer,
    HandOffView,
    ItemDetail,
    ItemPartView,
    MaterialView,
    MatterView,
    PaperView,
    PartView,
    PersonView,
    ProgressView,
    ReceiptNumber,
    ReceiptView,
    SupportView,
)
from tidehall.display.views import optional_time, spans, time_text, zone_name
from tidehall.hall.catalogue import Guide, Item
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.handbook import ELEMENTS, consultation, lacking, supervision
from tidehall.hall.offices.archive import originals
from tidehall.hall.offices.cases import known_case, still_missing, under_way
from tidehall.hall.papers.objects import (
    CASE_LIFE,
    HAND_OFF_LIFE,
    MATTER_LIFE,
    SUPPORT_LIFE,
    Case,
    HandOff,
    Matter,
    MatterState,
    Paper,
    Stage,
    Support,
)
from tidehall.hall.plan import Plan
from tidehall.hall.state import HallState
from tidehall.locales import say

__all__ = [
    "AlertAnswer",
    "ArchivePaper",
    "ArchiveUnit",
    "CaseAnswer",
    "CaseView",
    "CopyView",
    "HandOffView",
    "HandOffsAnswer",
    "ItemDetail",
    "MatterView",
    "PaperView",
    "PersonView",
    "ProgressView",
    "ReceiptView",
    "SupportView",
    "archive_view",
    "case_actions",
    "case_answer",
    "case_view",
    "hand_off_actions",
    "hand_off_view",
    "item_name",
    "item_view",
    "matter_actions",
    "matter_view",
    "progress_view",
    "receipt_view",
    "support_actions",
    "support_view",
]

Words = dict[str, str]
SECOND = 1_000_000
#: event kind → the action of contract.md that brings it.
_ACTIONS = {
    "case_accepted": "accept",
    "correction_requested": "request-correction",
    "papers_corrected": "correct",
    "case_withdrawn": "withdraw",
    "case_claimed": "claim",
    "opinion_given": "opine",
    "step_started": "step",
    "fee_requested": "request-fee",
    "fee_paid": "paid",
    "case_decided": "decide",
    "result_made": "make",
    "result_ready": "ready",
    "result_delivered": "deliver",
    "case_closed": "archive",
    "hand_off_picked_up": "pick-up",
    "hand_off_arrived": "arrive",
    "hand_off_verified": "verify",
    "hand_off_refused": "refuse",
    "support_claimed": "claim",
    "support_answered": "answer",
    "support_escalated": "escalate",
    "matter_handed_over": "hand-over",
    "matter_contacted": "contact",
    "matter_solved": "solve",
    "matter_called_back": "call-back",
    "matter_closed": "close",
    "matter_reopened": "reopen",
}


# ---- pieces


def item_name(state: HallState, code: str) -> Words:
    """The item's name; its code where the plan no longer has it."""
    item = state.items.get(code)
    return {"zh": code, "en": code} if item is None else item.name


def said(key: str) -> Words:
    """A sentence in every language."""
    return {lang: say(key, lang) for lang in ("zh", "en")}


def paper_name(state: HallState, item_code: str, code: str, copy: int = 0) -> Words:
    """What a paper is called: the plan's material, the result, or which copy of the receipt."""
    if copy:
        return said(f"receipt.copy.{copy}")
    item = state.items.get(item_code)
    if code == "result":
        return (item.result if item is not None else None) or said("receipt.result")
    found = next((m.name for m in item.materials if m.code == code), None) if item is not None else None
    return found or {"zh": code, "en": code}


def paper_view(state: HallState, case: Case, paper: Paper) -> PaperView:
    """One paper of a case."""
    return PaperView(
        paper.id, paper.code, paper_name(state, case.item, paper.code, paper.copy), paper.copy, paper.holder,
        optional_time(state, paper.filed_at), paper.in_use if paper.in_use_day == state.day else None,
    )  # fmt: skip


def department_name(state: HallState, id: str) -> Words:
    """The department's name."""
    return next((d.name for d in state.rules.departments if d.id == id), {"zh": id, "en": id})


def actions(moves: Iterable[str]) -> tuple[str, ...]:
    """Event kinds as actions, each once."""
    return tuple(dict.fromkeys(_ACTIONS[kind] for kind in moves if kind in _ACTIONS))


def item_view(hall: Hall, code: str) -> ItemDetail:
    """An item as the plan has it now. Raises Refusal unknown_item."""
    state, plan = hall.state, hall.state.rules
    item = state.items.get(code)
    if item is None:
        raise Refusal("unknown_item", item=code)
    guide, lacks = item.guide or Guide(), lacking(plan, item)
    return ItemDetail(
        code=item.code,
        name=item.name,
        department=item.department,
        line=item.line,
        kind=item.kind,
        promised_days=item.promised_days,
        statutory_days=item.statutory_days,
        urgent_allowed=item.urgent_allowed,
        fee=item.fee,
        materials=tuple(MaterialView(m.code, m.name, m.required, m.standard) for m in item.materials),
        parts=tuple(ItemPartView(p.department, p.promised_days) for p in item.parts),
        bundles=tuple(bundle.id for bundle in plan.bundles if code in bundle.items),
        result=item.result,
        bookable=item.bookable,
        cross_region=item.cross_region,
        body=guide.body or department_name(state, item.department),
        place=guide.place or item_place(state, item),
        hours=guide.hours or opening_words(plan),
        consultation=consultation(plan, item),
        supervision=supervision(plan, item),
        guide=item.guide,
        elements=ElementsView(len(ELEMENTS) - len(lacks), len(ELEMENTS), lacks),
    )


def item_place(state: HallState, item: Item) -> Words:
    """Where it is taken in: the zone, its floor, the windows of its line by their numbers."""
    zone = state.zones[state.lines[item.line].zone]
    labels = [w.label for w in state.rules.windows if item.line in w.lines]
    found = {}
    for lang in ("zh", "en"):
        windows = say("call.windows", lang, windows=spans(labels)) if labels else ""
        key = "handbook.place" if zone.floor is None else "handbook.place_floor"
        name = zone.name.get(lang) or zone.name.get("zh") or zone.id
        found[lang] = say(key, lang, zone=name, floor=zone.floor, windows=windows).strip()
    return found


def opening_words(plan: Plan) -> Words:
    """The hall's hours in words: Monday to Friday 08:30–12:00, 14:00–17:30."""
    week = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    opens = [i for i, day in enumerate(week) if day in plan.hall.open_days]
    run = len(opens) > 2 and opens == list(range(opens[0], opens[-1] + 1))
    found = {}
    for lang in ("zh", "en"):
        names, comma = [say(f"handbook.day.{week[i]}", lang) for i in opens], say("office.comma", lang)
        days = say("handbook.days", lang, first=names[0], last=names[-1]) if run else comma.join(names)
        hours = comma.join(f"{a}–{b}" for a, b in plan.hall.hours)
        found[lang] = f"{days} {hours}"
    return found


# ---- cases


def case_actions(state: HallState, case: Case) -> tuple[str, ...]:
    """What can be done with a case now; who may do it is asked apart."""
    found = list(actions(kind for kind in CASE_LIFE[case.stage] if not kind.startswith("hand_off_")))

    def no(*names: str) -> None:
        found[:] = [name for name in found if name not in names]

    if case.stage == Stage.IN_REVIEW:
        if case.correcting:
            no("request-correction", "step", "request-fee", "decide")
        elif case.step is not None:
            no("request-correction", "correct", "request-fee", "decide")
        else:
            no("correct")
    elif not (case.stage == Stage.ACCEPTED and case.kind == "immediate"):
        no("decide")
    if case.stage in (Stage.RECEIVED, Stage.CORRECTING) and still_missing(state, case):
        no("accept")
    if case.stage not in (Stage.CLOSED, Stage.WITHDRAWN):
        if originals(case):
            found += ["keep"] if under_way(state, case) is not None else ["file", "keep"]
        found.append("copy")
    return tuple(found)


def case_view(hall: Hall, case: Case, now: int, *, seq: int | None = None) -> CaseView:
    """A case for staff at `now` (µs), without persons; `seq` of a command's answer."""
    state = hall.state
    parts = tuple(
        PartView(p.department, time_text(state, p.due_at), p.staff, optional_time(state, p.done_at)) for p in case.parts
    )
    return CaseView(
        id=case.id,
        receipt=case.receipt,
        item=case.item,
        item_name=item_name(state, case.item),
        kind=case.kind,
        department=case.department,
        zone=case.zone,
        urgent=case.urgent,
        source=case.source,
        bundle=case.bundle,
        stage=case.stage.value,
        holder=case.holder,
        ticket=case.ticket,
        window=case.window,
        officer=case.officer,
        helper=case.helper,
        accepted_by=case.accepted_by,
        received_at=time_text(state, case.received_at),
        accepted_at=optional_time(state, case.accepted_at),
        due_at=optional_time(state, case.due_at),
        provisional=case.provisional,
        overdue=case.overdue,
        remaining_s=(case.due_at - now) / SECOND if case.due_at and not case.decided_at else None,
        paused=optional_time(state, case.paused_since),
        step=case.step,
        correcting=case.correcting,
        correct_by=optional_time(state, case.correct_by),
        deemed=case.deemed,
        fee=case.fee,
        fee_paid=case.fee_paid,
        outcome=case.outcome,
        decided_at=optional_time(state, case.decided_at),
        notices=case.notices,
        notice_breach=case.notice_breach,
        missing=case.missing or (still_missing(state, case) if case.stage == Stage.RECEIVED else ()),
        parts=parts,
        papers=tuple(paper_view(state, case, paper) for paper in case.papers),
        delivery=DeliveryView(case.delivery.method, case.delivery.address),
        hand_off=case.hand_off,
        origin=case.origin,
        seq=case.seq if seq is None else seq,
        allowed=case_actions(state, case),
    )


def copies(case: Case) -> tuple[CopyView, ...]:
    """The receipt's three copies."""
    return tuple(CopyView(p.copy, p.holder, said(f"receipt.copy.{p.copy}")) for p in case.papers if p.copy)


def case_answer(hall: Hall, case: Case, now: int) -> CaseAnswer:
    """The answer to intake."""
    h = hall.state.offices.hand_offs.get(case.hand_off or "")
    return CaseAnswer(
        case_view(hall, case, now, seq=hall.state.seq),
        ReceiptNumber(case.receipt, copies(case)),
        None if h is None else hand_off_view(hall, h, now),
        hall.state.seq,
    )


def receipt_view(hall: Hall, case: Case, *, applicant: PersonView | None, agent: PersonView | None) -> ReceiptView:
    """The receipt as it is printed."""
    state = hall.state
    window, ticket = state.windows.get(case.window or ""), state.tickets.get(case.ticket or "")
    item = state.items.get(case.item)
    return ReceiptView(
        number=case.receipt,
        case=case.id,
        stage=case.stage.value,
        accepted_at=optional_time(state, case.accepted_at),
        handler=case.accepted_by,
        consultation=None if item is None else consultation(state.rules, item),
        promised_days=0 if item is None else item.promised_days,
        hall_name=state.rules.hall.name,
        zone_name=zone_name(state.rules, case.zone),
        item=case.item,
        item_name=item_name(state, case.item),
        department_name=department_name(state, case.department),
        kind=case.kind,
        urgent=case.urgent,
        ticket_number=None if ticket is None else ticket.number,
        window_label=None if window is None else window.label,
        applicant=applicant,
        agent=agent,
        received_at=time_text(state, case.received_at),
        due_at=optional_time(state, case.due_at),
        provisional=case.provisional,
        materials=tuple(paper_view(state, case, p) for p in case.papers if not p.copy and p.code != "result"),
        missing=case.missing or still_missing(state, case),
        fee=case.fee,
        delivery=DeliveryView(case.delivery.method, case.delivery.address),
        copies=copies(case),
        progress_url=f"/status/{state.id}?receipt={case.receipt}",
        origin=case.origin,
        origin_name=state.rules.hall.regions.get(case.origin) if case.origin is not None else None,
    )


def progress_view(hall: Hall, case: Case, name: str | None) -> ProgressView:
    """A case for its applicant; `name` is masked already. What was asked for in free words is said at the window."""
    state = hall.state
    known = state.materials
    return ProgressView(
        receipt=case.receipt,
        item_name=item_name(state, case.item),
        hall_name=state.rules.hall.name,
        zone_name=zone_name(state.rules, case.zone),
        applicant=name,
        urgent=case.urgent,
        stage=case.stage.value,
        received_at=time_text(state, case.received_at),
        accepted_at=optional_time(state, case.accepted_at),
        decided_at=optional_time(state, case.decided_at),
        ready_at=optional_time(state, case.ready_at),
        delivered_at=optional_time(state, case.delivered_at),
        due_at=optional_time(state, case.due_at),
        provisional=case.provisional,
        paused=bool(case.paused_since),
        missing=tuple(
            paper_name(state, case.item, code) if code in known else said("receipt.ask") for code in case.missing
        ),
        fee=case.fee,
        fee_paid=case.fee_paid,
        delivery=case.delivery.method,
        seq=case.seq,
    )


# ---- hand-offs, support, matters


def hand_off_actions(h: HandOff) -> tuple[str, ...]:
    """What can be done with a hand-off now."""
    return actions(HAND_OFF_LIFE[h.state])


def hand_off_view(hall: Hall, h: HandOff, now: int, *, seq: int | None = None) -> HandOffView:
    """A hand-off at `now` (µs)."""
    state = hall.state
    case = known_case(state, h.case)
    by_id = {p.id: p for p in case.papers}
    papers = [by_id[id] for id in h.papers if id in by_id]
    return HandOffView(
        id=h.id,
        case=h.case,
        receipt=case.receipt,
        item=case.item,
        item_name=item_name(state, case.item),
        papers=h.papers,
        paper_names=tuple(paper_name(state, case.item, p.code, p.copy) for p in papers),
        from_=h.origin,
        to=h.to,
        zone=case.zone,
        runners=h.zone,
        urgent=h.urgent,
        leg=h.leg,
        started_at=time_text(state, h.started_at),
        due_at=time_text(state, h.due_at),
        remaining_s=(h.due_at - (h.ended_at or now)) / SECOND,
        state=h.state.value,
        runner=h.runner,
        refusals=h.refusals,
        reason=h.reason,
        note=h.note,
        warned=h.warned,
        breached=h.breached,
        escalated=h.escalated,
        onward=h.onward,
        seq=h.seq if seq is None else seq,
        allowed=hand_off_actions(h),
    )


def support_actions(x: Support) -> tuple[str, ...]:
    """What can be done with a question now."""
    return actions(SUPPORT_LIFE[x.state])


def support_view(hall: Hall, x: Support, now: int, *, seq: int | None = None) -> SupportView:
    """A window's question at `now` (µs)."""
    state = hall.state
    ticket = state.tickets.get(x.ticket or "")
    until = x.answered_at or now
    return SupportView(
        id=x.id,
        window=x.window,
        ticket=x.ticket,
        number=None if ticket is None else ticket.number,
        item=x.item,
        item_name=None if x.item is None else item_name(state, x.item),
        question=x.question,
        asked_at=time_text(state, x.asked_at),
        due_at=time_text(state, x.due_at),
        remaining_s=(x.due_at - until) / SECOND,
        state=x.state.value,
        staff=x.staff,
        claimed_at=optional_time(state, x.claimed_at),
        answered_at=optional_time(state, x.answered_at),
        channel=x.channel,
        answer=x.answer,
        response_s=max(0, until - x.asked_at) / SECOND,
        overdue=x.overdue,
        seq=x.seq if seq is None else seq,
        allowed=support_actions(x),
    )


def matter_actions(m: Matter) -> tuple[str, ...]:
    """What can be done with a matter now."""
    return tuple(name for name in actions(MATTER_LIFE[m.state]) if name != "contact" or not m.contacted_at)


def matter_view(hall: Hall, m: Matter, now: int, *, seq: int | None = None) -> MatterView:
    """A matter at `now` (µs), without the person."""
    state = hall.state
    next_due = m.due_at if m.contacted_at else m.contact_by
    return MatterView(
        id=m.id,
        kind=m.kind.value,
        owner=m.owner,
        about=m.about,
        channel=m.channel,
        note=m.note,
        state=m.state.value,
        opened_at=time_text(state, m.opened_at),
        contact_by=time_text(state, m.contact_by),
        due_at=time_text(state, m.due_at),
        contacted_at=optional_time(state, m.contacted_at),
        solved_at=optional_time(state, m.solved_at),
        ended_at=optional_time(state, m.ended_at),
        result=m.result,
        remaining_s=None if m.solved_at and m.state != MatterState.OPEN else (next_due - now) / SECOND,
        overdue=m.overdue,
        level=m.level or None,
        reasons=m.reasons,
        number=m.number,
        window=m.window,
        seq=m.seq if seq is None else seq,
        allowed=matter_actions(m),
    )


# ---- the archive


def archive_view(hall: Hall, unit: str | None = None) -> tuple[ArchiveUnit, ...]:
    """Every original in the hall by the unit that has it: filed, in use with a reason, or open (R27)."""
    state = hall.state
    found: dict[str, list[ArchivePaper]] = {}
    for case in state.offices.cases.values():
        for paper in case.papers:
            if paper.copy or paper.holder == "applicant" or paper.code == "result":
                continue
            place = paper.holder.replace("archive:", "office:", 1)
            if unit is None or place == unit:
                found.setdefault(place, []).append(archive_paper(state, case, paper))
    return tuple(archive_unit(place, found[place]) for place in sorted(found))


def archive_unit(place: str, papers: list[ArchivePaper]) -> ArchiveUnit:
    """A unit's list, what is open first."""
    count: Mapping[str, int] = {s: sum(p.state == s for p in papers) for s in ("filed", "in_use", "open")}
    rank = {"open": 0, "in_use": 1, "filed": 2}
    ordered = sorted(papers, key=lambda p: (rank[p.state], p.receipt, p.id))
    return ArchiveUnit(place, count["filed"], count["in_use"], count["open"], tuple(ordered))


def archive_paper(state: HallState, case: Case, paper: Paper) -> ArchivePaper:
    """One original; papers of a case under way are in use by its stage (offices/archive.py `unfiled`)."""
    over = bool(case.decided_at)
    if paper.filed_at:
        standing, reason = "filed", None
    elif paper.in_use is not None and paper.in_use_day == state.day:
        standing, reason = "in_use", paper.in_use
    else:
        standing, reason = ("open", None) if over else ("in_use", case.stage.value)
    return ArchivePaper(
        id=paper.id,
        case=case.id,
        receipt=case.receipt,
        item=case.item,
        code=paper.code,
        name=paper_name(state, case.item, paper.code),
        stage=case.stage.value,
        state=standing,
        reason=reason,
        filed_at=optional_time(state, paper.filed_at),
    )
