"""What each office's page lists: rows, in the order in which they are to be done, made from the committed state.

Law: nothing is decided here; what may be done comes from the views' `allowed`. A row knows the journal position of its
last change, so a page that holds an older one is sent only what moved; views are made when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import to_builtins

from tidehall.display import office_views
from tidehall.display.tide_views import reason_text, standing, who_text
from tidehall.display.views import optional_time, time_text
from tidehall.hall.catalogue import Item
from tidehall.hall.engine import Hall
from tidehall.hall.notices import POOL
from tidehall.hall.offices.archive import closes_at, without_place
from tidehall.hall.offices.clocks import still_open
from tidehall.hall.papers.objects import Case, HandOff, HandOffState, Matter, MatterState, Stage, Support, SupportState
from tidehall.hall.plan import Plan
from tidehall.hall.state import Alert, HallState
from tidehall.hall.tide import Advice
from tidehall.hall.wire import AdviceFacts
from tidehall.locales import has, say

__all__ = [
    "Desk", "Row", "board_of_hand_offs", "case_facts", "guide_desk", "in_the_hall", "issue_desk", "item_facts",
    "middle_desk", "office_desk", "place_words", "runner_desk", "runners_sent", "unfiled_slots", "window_desk",
    "zone_of_hand_off",
]  # fmt: skip

#: Stages of a case that lies in a department's basket.
IN_BASKET = (Stage.VERIFIED, Stage.IN_REVIEW, Stage.AWAITING_FEE, Stage.DECIDED, Stage.MADE)
#: Rows of what is done already, or only for looking up.
MOST_DONE = 8
MOST_READY = 200
#: The next limit first.
BY_LIMIT = attrgetter("due_at", "id")
SECOND = 1_000_000
#: The alert that is about a zone.
NOBODY_OPEN = "no_window_open"


class Row(NamedTuple):
    """One row: `macro` of office_rows.html draws it from what `make` gives. `seq` None: always sent."""

    id: str
    seq: int | None
    macro: str
    make: Callable[[], Mapping[str, Any]]


@dataclass
class Desk:
    """What a desk shows: lists by name, and figures by the slot in which they stand."""

    lists: dict[str, list[Row]]
    slots: dict[str, str] = field(default_factory=dict)

    def counted(self) -> Desk:
        """The same, with how many rows each list has."""
        self.slots |= {f"{name}-count": str(len(rows)) for name, rows in self.lists.items()}
        return self


# ---- names


def department_name(plan: Plan, id: str, lang: str) -> str:
    """A department's name; its id where the plan does not know it any more."""
    found = next((d for d in plan.departments if d.id == id), None)
    return (found.name.get(lang) or found.name.get("zh") or id) if found is not None else id


def place_words(state: HallState, place: str, lang: str) -> str:
    """A holder, an owner or an end of a hand-off as people say it: window:s01 → 3 号窗口."""
    kind, _, id = place.partition(":")
    plan = state.rules
    if kind == "staff":
        return id
    if kind == "window" and id in state.windows:
        return say("strip.title", lang, label=state.windows[id].label)
    if kind in ("office", "maker", "archive"):
        return say(f"office.place.{kind}", lang, name=department_name(plan, id, lang))
    if kind in ("issue", "supervisor", "runner") and id:
        zone = next((z.name for z in plan.zones if z.id == id), None)
        name = (zone.get(lang) or zone.get("zh") or id) if zone is not None else id
        name = say("office.pool", lang) if id == "pool" else name
        return say(f"office.place.{kind}", lang, name=name)
    return say(f"office.place.{kind}", lang, name=id) if has(f"office.place.{kind}") else place


def zone_words(state: HallState, id: str, lang: str) -> str:
    """A zone's name; its id where the plan does not know it any more."""
    found = state.zones.get(id)
    return (found.name.get(lang) or found.name.get("zh") or id) if found is not None else id


def unfiled_slots(state: HallState, unit: str) -> dict[str, str]:
    """How many of a unit's originals are still open today, and until when they should have their place (R27)."""
    count = sum(paper.holder == unit for _, paper in without_place(state))
    closes = closes_at(state)
    return {"unfiled": str(count), "unfiled-by": time_text(state, closes) if closes else ""}


def item_facts(plan: Plan, code: str) -> Item | None:
    """The item as the plan has it now."""
    return next((item for item in plan.items if item.code == code), None)


# ---- one row's facts


def hand_off_facts(hall: Hall, h: HandOff, now: int, lang: str) -> dict[str, Any]:
    """A hand-off with its ends in words and the share of its time."""
    state = hall.state
    view: dict[str, Any] = to_builtins(office_views.hand_off_view(hall, h, now))
    names = [name.get(lang) or name.get("zh") or "" for name in view["paper_names"]]
    return view | {
        "from_words": place_words(state, h.origin, lang),
        "to_words": place_words(state, h.to, lang),
        "onward_words": department_name(state.rules, h.onward, lang) if h.onward else "",
        "limit_s": round((h.due_at - h.started_at) / SECOND),
        "elapsed_s": max(0, round((now - h.started_at) / SECOND)),
        "left_s": (h.due_at - now) // SECOND,
        "named": list(zip(h.papers, names, strict=False)),
        "named_words": names,
        "tail": view["receipt"][-5:],
    }


def case_facts(hall: Hall, case: Case, now: int, lang: str) -> dict[str, Any]:
    """A case with everything that its pages say about it."""
    state = hall.state
    view: dict[str, Any] = to_builtins(office_views.case_view(hall, case, now))
    item = state.items.get(case.item)
    names = {m.code: m.name for m in item.materials} if item is not None else {}
    times = {
        "received": case.received_at, "accepted": case.accepted_at, "decided": case.decided_at,
        "ready": case.ready_at, "delivered": case.delivered_at, "ended": case.ended_at,
    }  # fmt: skip
    return view | {
        "holder_words": place_words(state, case.holder, lang),
        "window_words": place_words(state, f"window:{case.window}", lang) if case.window else "",
        "department_words": department_name(state.rules, case.department, lang),
        "tail": case.receipt[-5:],
        "left_s": (case.due_at - now) // SECOND if case.due_at else None,
        "correcting": case.correcting or case.stage == Stage.CORRECTING,
        "missing_words": [names[code].get(lang) or code if code in names else code for code in view["missing"]],
        "times": {name: time_text(state, at) if at else None for name, at in times.items()},
        "line": life_line(case),
        "parts": [
            {
                "department": p.department,
                "name": department_name(state.rules, p.department, lang),
                "due_at": time_text(state, p.due_at),
                "done_at": optional_time(state, p.done_at or None),
            }
            for p in case.parts
        ],
        "sheets": [
            sheet
            | {
                "name": sheet["name"].get(lang) or sheet["name"].get("zh"),
                "holder": place_words(state, sheet["holder"], lang),
            }
            for sheet in view["papers"]
        ],
    }


def life_line(case: Case) -> list[tuple[str, str]]:
    """The stages on a case's way with done, now or next; a case that went another way ends there."""
    way = ["received", "accepted", "handed_off", "verified", "in_review", "decided", "made", "ready", "delivered"]
    if case.kind == "immediate":
        way = ["received", "accepted", "decided", "delivered"]
    way.append("closed")
    stage = {"correcting": "received", "awaiting_fee": "in_review"}.get(case.stage.value, case.stage.value)
    if stage == "withdrawn":
        return [("received", "done"), ("withdrawn", "now")]
    at = way.index(stage) if stage in way else 0
    return [(name, "done" if i < at else "now" if i == at else "next") for i, name in enumerate(way)]


def support_facts(hall: Hall, s: Support, now: int, lang: str) -> dict[str, Any]:
    """A window's question with how long it waits."""
    view: dict[str, Any] = to_builtins(office_views.support_view(hall, s, now))
    item = item_facts(hall.state.rules, s.item) if s.item else None
    return view | {
        "window_words": place_words(hall.state, f"window:{s.window}", lang),
        "item_words": (item.name.get(lang) or item.name.get("zh") or s.item) if item is not None else "",
        "question": s.question,
        "left_s": (s.due_at - now) // SECOND,
        "due": time_text(hall.state, s.due_at),
        "asked": time_text(hall.state, s.asked_at),
        "took_s": (s.answered_at - s.asked_at) // SECOND if s.answered_at else None,
    }


def matter_facts(hall: Hall, m: Matter, now: int, lang: str) -> dict[str, Any]:
    """A matter with its owner and its two limits."""
    view: dict[str, Any] = to_builtins(office_views.matter_view(hall, m, now))
    return view | {
        "kind": m.kind.value,
        "state": m.state.value,
        "owner_words": place_words(hall.state, m.owner, lang),
        "window_words": place_words(hall.state, f"window:{m.window}", lang) if m.window else "",
        "contacted": bool(m.contacted_at),
        "contact_by_text": time_text(hall.state, m.contact_by),
        "due_text": time_text(hall.state, m.due_at),
        "left_s": ((m.due_at if m.contacted_at else m.contact_by) - now) // SECOND,
        "next_due": time_text(hall.state, m.due_at if m.contacted_at else m.contact_by),
        "note": m.note,
        "about": m.about,
        "overdue": m.overdue,
    }


def alert_facts(hall: Hall, a: Alert, lang: str) -> dict[str, Any]:
    """An alert with its owner in words, and the case behind it."""
    offices = hall.state.offices
    case_id = offices.hand_offs[a.about].case if a.about in offices.hand_offs else a.about
    case = offices.cases.get(case_id)
    return {
        "id": a.id,
        "kind": a.kind,
        "kind_words": say(f"office.alert.{a.kind}", lang) if has(f"office.alert.{a.kind}") else a.kind,
        "about": case.receipt if case is not None else about_words(hall.state, a, lang),
        "case": case.id if case is not None else None,
        "owner": place_words(hall.state, a.owner, lang) if a.owner else "",
        "since": time_text(hall.state, a.since),
        "acknowledged_by": a.acknowledged_by,
        "escalated": a.escalated,
    }


def about_words(state: HallState, a: Alert, lang: str) -> str:
    """What an alert is about, where it is about no case: a zone, line, window or board by its name."""
    if a.kind == "board_silent":
        name = next((board.name for board in state.rules.boards if board.id == a.about), None)
        return a.about if name is None else name.get(lang) or name.get("zh") or a.about
    if a.kind == NOBODY_OPEN:
        return zone_words(state, a.about, lang)
    line = next((line for line in state.rules.lines if line.id == a.about), None)
    if line is not None:
        return f"{line.letter} {line.name.get(lang) or line.name.get('zh') or ''}"
    return place_words(state, f"window:{a.about}" if a.about in state.windows else a.about, lang)


def advice_facts(state: HallState, advice: Advice, facts: AdviceFacts, lang: str) -> dict[str, Any]:
    """What the tide advises for a zone, in words."""
    found: dict[str, Any] = to_builtins(facts)
    return found | {
        "zone_words": zone_words(state, facts.zone, lang),
        "why": reason_text(advice, facts.label, lang),
        "who": who_text(state, facts, lang),
    }


# ---- rows


def hand_off_rows(hall: Hall, found: Iterable[HandOff], now: int, lang: str, macro: str) -> list[Row]:
    """By remaining time."""
    return [Row(h.id, h.seq, macro, partial(hand_off_facts, hall, h, now, lang)) for h in sorted(found, key=BY_LIMIT)]


def case_rows(hall: Hall, found: Iterable[Case], now: int, lang: str, macro: str = "case") -> list[Row]:
    """In the order given."""
    return [
        Row(c.id, c.seq, macro, lambda c=c: case_facts(hall, c, now, lang))  # type: ignore[misc] # bound now
        for c in found
    ]


def alert_rows(hall: Hall, lang: str, *, zone: str | None = None) -> list[Row]:
    """Open alerts of the offices, the newest first, unacknowledged before acknowledged."""
    state = hall.state
    found = [a for a in state.alerts.values() if a.ended is None and (zone is None or a.zone == zone)]
    found.sort(key=lambda a: (a.acknowledged_by is not None, -a.since))
    return [Row(a.id, a.seq, "alert", partial(alert_facts, hall, a, lang)) for a in found]


def advice_rows(state: HallState, lang: str, zone: str) -> list[Row]:
    """What the tide advises, of one zone or ("") of all, in the plan's order."""
    return [
        Row(facts.zone, None, "tide", partial(advice_facts, state, advice, facts, lang))
        for advice, facts in standing(state)
        if zone in ("", facts.zone)
    ]


def zone_of_hand_off(state: HallState, h: HandOff) -> str:
    """The zone of the case whose papers these are (its runners may be the hall's pool)."""
    return state.offices.cases[h.case].zone


def carried_in(state: HallState, h: HandOff, zone: str) -> bool:
    """Whether whoever was sent to the zone (or the pool) carries these papers."""
    return zone in (h.zone, zone_of_hand_off(state, h))


def runners_sent(state: HallState, lang: str) -> str:
    """Who was sent where today, in words."""
    pool = say("office.pool", lang)
    places = {id: pool if d.zone == POOL else zone_words(state, d.zone, lang) for id, d in state.runners.items()}
    return "  ".join(say("office.runner_sent", lang, runner=id, place=places[id]) for id in sorted(places))


def in_the_hall(state: HallState, h: HandOff) -> bool:
    """Whether a hand-off has one of the hall's own limits; the way on to a department outside has a working day."""
    return (h.due_at - h.started_at) <= round(state.rules.limits.hand_off_promised_s * SECOND)


def by_due(case: Case) -> tuple[int, int]:
    """The next to be late first; what has no promise last."""
    return (case.due_at or 1 << 62, case.received_at)


# ---- the desks


def runner_desk(hall: Hall, now: int, lang: str, zones: Collection[str], me: str) -> Desk:
    """What the runners of some zones (or the pool) have to carry; without zones all of the hall.

    `me`: the runner who looks, where he has signed in; what another carries is not his. Where a supervisor has sent
    him comes first.
    """
    state = hall.state
    duty = state.runners.get(me)
    if duty is not None and zones:
        zones = {*zones, duty.zone}
    found = [
        h
        for h in state.offices.hand_offs.values()
        if still_open(h) and (not zones or h.zone in zones) and (not me or h.runner in (None, me))
    ]
    there = [h for h in found if h.state == HandOffState.ARRIVED]
    ways = [h for h in found if h.state != HandOffState.ARRIVED]
    first = [h for h in ways if duty is not None and carried_in(state, h, duty.zone)]
    rest = [h for h in ways if h not in first]
    return Desk(
        {
            "tasks": hand_off_rows(hall, first, now, lang, "task") + hand_off_rows(hall, rest, now, lang, "task"),
            "arrived": hand_off_rows(hall, there, now, lang, "task"),
        }
    ).counted()


def middle_desk(hall: Hall, now: int, lang: str) -> Desk:
    """Questions from the windows, and papers that the middle office has to check."""
    offices = hall.state.offices
    asked = sorted(offices.supports.values(), key=lambda s: s.asked_at)
    asks = [
        Row(s.id, s.seq, "ask", lambda s=s: support_facts(hall, s, now, lang))  # type: ignore[misc] # bound now
        for s in asked
        if s.state != SupportState.ANSWERED
    ]
    answered = [s for s in reversed(asked) if s.state == SupportState.ANSWERED][:MOST_DONE]
    done = [
        Row(s.id, s.seq, "ask_done", lambda s=s: support_facts(hall, s, now, lang))  # type: ignore[misc] # bound now
        for s in answered
    ]
    coming = [h for h in offices.hand_offs.values() if h.to == "middle" and still_open(h)]
    return Desk({"asks": asks, "coming": hand_off_rows(hall, coming, now, lang, "check"), "answered": done}).counted()


def office_desk(hall: Hall, now: int, lang: str, department: str) -> Desk:
    """A department's basket by due time, and the papers on their way to it."""
    offices = hall.state.offices
    here = f"office:{department}"
    coming = [h for h in offices.hand_offs.values() if h.to == here and still_open(h)]
    cases = [
        c
        for c in offices.cases.values()
        if c.stage in IN_BASKET and (c.department == department or any(p.department == department for p in c.parts))
    ]
    done = sorted(
        (c for c in offices.cases.values() if c.stage == Stage.DELIVERED and c.department == department),
        key=lambda c: -c.delivered_at,
    )
    return Desk(
        {
            "coming": hand_off_rows(hall, coming, now, lang, "check"),
            "cases": case_rows(hall, sorted(cases, key=by_due), now, lang),
            "to_file": case_rows(hall, done[:MOST_READY], now, lang),
        }
    ).counted()


def issue_desk(hall: Hall, now: int, lang: str, zone: str, tail: str) -> Desk:
    """Results that lie at the issue post, those that come, and those nobody has fetched; `tail` ends the receipt."""
    state = hall.state
    cases = [c for c in state.offices.cases.values() if zone in ("", c.zone) and c.receipt.endswith(tail)]
    late = {a.about for a in state.alerts.values() if a.kind == "result_uncollected" and a.ended is None}
    ready = sorted((c for c in cases if c.stage == Stage.READY), key=lambda c: c.ready_at)
    made = [c for c in cases if c.stage == Stage.MADE]
    given = sorted((c for c in cases if c.delivered_at and c.kind != "immediate"), key=lambda c: -c.delivered_at)
    return Desk(
        {
            "ready": case_rows(hall, [c for c in ready if c.id not in late][:MOST_READY], now, lang, "to_give"),
            "uncollected": case_rows(hall, [c for c in ready if c.id in late], now, lang, "to_give"),
            "made": case_rows(hall, made, now, lang, "to_give"),
            "given": case_rows(hall, given[:MOST_DONE], now, lang, "given"),
        }
    ).counted()


def board_of_hand_offs(hall: Hall, now: int, lang: str, zone: str) -> Desk:
    """Every open hand-off in the lane of its limit, what goes on out of the hall apart, and the alerts with their
    owners."""
    state = hall.state
    found = [h for h in state.offices.hand_offs.values() if still_open(h)]
    if zone:
        found = [h for h in found if zone_of_hand_off(state, h) == zone]
    inside = [h for h in found if in_the_hall(state, h)]
    lanes = {
        "urgent": hand_off_rows(hall, [h for h in inside if h.urgent and h.leg == 1], now, lang, "lane"),
        "promised": hand_off_rows(hall, [h for h in inside if not h.urgent or h.leg != 1], now, lang, "lane"),
        "onward": hand_off_rows(hall, [h for h in found if not in_the_hall(state, h)], now, lang, "lane"),
        "tide": advice_rows(state, lang, zone),
        "alerts": alert_rows(hall, lang, zone=zone or None),
    }
    slots = {
        "late": str(sum(h.breached for h in found)),
        "soon": str(sum(h.warned and not h.breached for h in found)),
        "waiting": str(sum(h.state is HandOffState.WAITING for h in found)),
        "runners": runners_sent(state, lang),
    }
    return Desk(lanes, slots).counted()


def window_desk(hall: Hall, now: int, lang: str, window: str) -> Desk:
    """What a window has given away and not yet rid of, its questions, and its last cases."""
    state = hall.state
    offices = state.offices
    own = [c for c in offices.cases.values() if c.window == window]
    mine = {c.id for c in own}
    carried = [h for h in offices.hand_offs.values() if still_open(h) and h.case in mine]
    asks = sorted((s for s in offices.supports.values() if s.window == window), key=lambda s: -s.asked_at)
    front = state.windows[window].ticket
    shown = [s for s in asks if s.state != SupportState.ANSWERED or (front is not None and s.ticket == front)]
    recent = sorted(own, key=lambda c: -c.received_at)
    unfinished = [c for c in recent if c.stage in (Stage.RECEIVED, Stage.CORRECTING)]
    rest = [c for c in recent if c not in unfinished]
    return Desk(
        {
            "carried": hand_off_rows(hall, carried, now, lang, "carried"),
            "questions": [
                Row(s.id, s.seq, "question", lambda s=s: support_facts(hall, s, now, lang))  # type: ignore[misc]
                for s in shown[:3]
            ],
            "taken": case_rows(hall, (unfinished + rest)[:MOST_DONE], now, lang, "taken"),
        },
        unfiled_slots(state, f"window:{window}"),
    ).counted()


def guide_desk(hall: Hall, now: int, lang: str) -> Desk:
    """What is looked after until somebody has been called back, the next limit first."""
    open_ones = [m for m in hall.state.offices.matters.values() if m.state != MatterState.CLOSED]
    open_ones.sort(key=lambda m: (m.due_at if m.contacted_at else m.contact_by, m.id))
    rows = [
        Row(m.id, m.seq, "matter", lambda m=m: matter_facts(hall, m, now, lang))  # type: ignore[misc] # bound now
        for m in open_ones
    ]
    return Desk({"matters": rows}).counted()
