"""What each reader sees of a hall: the contract's objects and the boards', phones' and desks', made from its state.

Law: pure projections of committed state; a public one (`staff` false, boards, strips, phones) holds a number and never
a ticket id of others, a clerk or a person. Times go out as RFC 3339 with the hall's offset, durations in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from msgspec import UNSET

from tidehall.display.board_notices import board_notices
from tidehall.display.screens import (
    BoardLine,
    BoardView,
    BoardWindow,
    BoardZone,
    CallView,
    DeskView,
    Doing,
    LineBeat,
    PhoneBeat,
    PhoneView,
    ReadyGroup,
    Session,
    StaffView,
    StripLine,
    StripView,
)
from tidehall.display.tide_views import advice_facts
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.papers.objects import Stage
from tidehall.hall.plan import Board, Plan
from tidehall.hall.state import RECENT, Alert, Call, HallState, Window
from tidehall.hall.wire import (
    AlertView,
    BoardRef,
    EstimateView,
    HallRef,
    HallView,
    ItemView,
    LineRef,
    LineView,
    TicketCase,
    TicketView,
    WindowView,
    ZoneView,
)
from tidehall.locales import say
from tidehall.queue.estimates import minutes_shown
from tidehall.queue.tickets import ENDED, Estimate, Ticket, TicketState

__all__ = [
    "STRIP",
    "BoardLine",
    "BoardView",
    "BoardWindow",
    "BoardZone",
    "CallView",
    "DeskView",
    "LineBeat",
    "PhoneBeat",
    "PhoneView",
    "StaffView",
    "StripLine",
    "StripView",
    "alert_view",
    "alerts_view",
    "board_calls",
    "board_line",
    "board_missed",
    "board_plan",
    "board_position",
    "board_ready",
    "board_recent",
    "board_view",
    "board_window",
    "call_view",
    "desk_parked",
    "desk_view",
    "desk_waiting",
    "doing",
    "hall_ref",
    "hall_view",
    "line_beat",
    "line_name",
    "line_view",
    "parked_for",
    "phone_beat",
    "phone_view",
    "session",
    "spans",
    "staff_view",
    "strip_position",
    "strip_view",
    "ticket_view",
    "time_text",
    "window_view",
]

Words = dict[str, str]

SECOND = 1_000_000
#: A board id with this prefix is the strip above one window.
STRIP = "window:"
#: Figures of a receipt's end by which people find theirs.
TAIL = 5
#: In what an alert's limit counts, where it is no number of seconds.
LIMIT_UNITS = {"estimate_off": "share", "case_due": "days", "result_uncollected": "days"}
#: Tickets of the waiting list that a desk is sent.
DESK_LIST = 30


# ---- pieces


def time_text(state: HallState, at: int) -> str:
    """A time (µs) as RFC 3339 with the hall's offset."""
    return local_text(at, state.zone_name)


def optional_time(state: HallState, at: int | None) -> str | None:
    """The same for a time that may not have come (None or 0)."""
    return local_text(at, state.zone_name) if at else None


def estimate_view(found: Estimate | None) -> EstimateView | None:
    """µs → seconds."""
    return None if found is None else EstimateView(found[0] / SECOND, found[1] / SECOND, found[2] / SECOND)


def range_of(found: Estimate | None) -> tuple[int, int] | None:
    """The minutes that citizens read; None when unknown."""
    return None if found is None else minutes_shown(found)


def session(state: HallState, now: int) -> Session:
    """Whether the hall is open, in a break between two sessions, or closed."""
    if state.in_session:
        return "open"
    schedule = state.schedule
    if schedule is None or not state.issuing:
        return "closed"
    begun = schedule.local(date.fromisoformat(state.day), schedule.sessions[0][0]) <= now
    return "break" if begun else "closed"


def longest_wait(state: HallState, line_id: str, now: int) -> float:
    """Seconds for which the one who has waited longest in this line waits now; 0 when nobody does."""
    tickets = state.tickets
    since = min((tickets[entry[3]].waiting_since for entry in state.lines[line_id].waiting), default=now)
    return max(0, now - since) / SECOND


def line_estimate(state: HallState, line_id: str) -> Estimate | None:
    """The estimate for one who took a number now."""
    return state.estimate(line_id, len(state.lines[line_id].waiting))


def line_name(plan: Plan, line_id: str) -> Words:
    """The line's name; its id where the plan no longer has it."""
    return next((line.name for line in plan.lines if line.id == line_id), {"zh": line_id, "en": line_id})


def zone_name(plan: Plan, zone_id: str) -> Words:
    """The zone's name."""
    return next((zone.name for zone in plan.zones if zone.id == zone_id), {"zh": zone_id, "en": zone_id})


def doing(state: HallState, window: Window) -> tuple[str | None, Doing | None]:
    """The number in front of a window and what happens to it."""
    ticket = state.tickets.get(window.ticket) if window.ticket else None
    if ticket is None:
        return None, None
    return ticket.number, "called" if ticket.state == TicketState.CALLED else "serving"


# ---- the contract's objects


def ticket_view(hall: Hall, ticket: Ticket, now: int, *, staff: bool) -> TicketView:
    """The contract's Ticket; only `staff` see what follows `seq`, and nobody sees a person here (law 11)."""
    state = hall.state
    found = TicketView(
        id=ticket.id,
        number=ticket.number,
        hall=state.id,
        line=ticket.line,
        item=ticket.current or (ticket.items[0] if ticket.items else None),
        state=ticket.state.value,
        priority=ticket.priority,
        taken_at=time_text(state, ticket.taken_at),
        ahead=state.ahead(ticket),
        estimate=estimate_view(state.estimate_of(ticket)),
        window=ticket.window,
        calls=ticket.attempt,
        seq=ticket.seq,
    )
    if not staff:
        return found
    return TicketView(
        found.id, found.number, found.hall, found.line, found.item, found.state, found.priority, found.taken_at,
        found.ahead, found.estimate, found.window, found.calls, found.seq,
        items=ticket.items,
        current=ticket.current,
        claimed=ticket.claimed,
        called_at=optional_time(state, ticket.called_at),
        started_at=optional_time(state, ticket.started_at),
        parked=ticket.parked.value if ticket.parked else None,
        misses=ticket.misses,
        waited_s=waited(ticket, now),
        note=ticket.note,
        missing=ticket.missing,
        cases=ticket_cases(state, ticket),
        helper=ticket.helper,
    )  # fmt: skip


def ticket_cases(state: HallState, ticket: Ticket) -> tuple[TicketCase, ...]:
    """The cases whose results this visit collects; those that have left the hall since are left out."""
    found = (state.offices.cases.get(id) for id in ticket.cases)
    return tuple([TicketCase(case.id, case.receipt, case.item, case.stage.value) for case in found if case is not None])


def waited(ticket: Ticket, now: int) -> float | None:
    """Waiting time so far or until the first call (design section 6), s; None for one that ended uncalled."""
    since = max(ticket.taken_at, ticket.booked_for)
    if ticket.first_called_at:
        return max(0, ticket.first_called_at - since) / SECOND
    return None if ticket.state in ENDED else max(0, now - since) / SECOND


def window_view(hall: Hall, window_id: str, now: int, *, staff: bool) -> WindowView:
    """The contract's window; clerk, ticket and what is allowed now only for `staff`. Raises Refusal unknown_window."""
    state = hall.state
    window = state.window(window_id)
    if not staff:
        return WindowView(window.id, window.label, window.zone, window.post, window.lines, window.state)
    ticket = state.tickets.get(window.ticket) if window.ticket else None
    return WindowView(
        window.id, window.label, window.zone, window.post, window.lines, window.state,
        staff=window.staff,
        ticket=None if ticket is None else ticket_view(hall, ticket, now, staff=True),
        reason=window.reason,
        allowed=state.allowed(window_id, now),
        waiting=sum(len(state.lines[line].waiting) for line in window.lines),
        seq=window.seq,
        closing=window.closing,
    )  # fmt: skip


def hall_ref(hall: Hall) -> HallRef:
    """One row of the list of halls."""
    return HallRef(hall.state.id, hall.state.rules.hall.name, hall.state.in_session)


def hall_view(hall: Hall, now: int, *, staff: bool) -> HallView:
    """The contract's hall."""
    state = hall.state
    plan = state.rules
    return HallView(
        id=state.id,
        name=plan.hall.name,
        open=state.in_session,
        seq=state.seq,
        zones=tuple(ZoneView(zone.id, zone.kind, zone.name) for zone in plan.zones),
        lines=tuple(LineRef(line.id, line.letter, line.zone, line.name, line.purpose) for line in plan.lines),
        windows=tuple(window_view(hall, id, now, staff=staff) for id in state.windows),
        items=tuple(ItemView(item.code, item.name, item.department, item.line, item.kind) for item in plan.items),
        boards=tuple(BoardRef(board.id) for board in plan.boards),
    )


def line_view(hall: Hall, line_id: str, now: int) -> LineView:
    """How a line stands now. Raises Refusal unknown_line."""
    state = hall.state
    line = state.lines.get(line_id)
    if line is None:
        raise Refusal("unknown_line", line=line_id)
    return LineView(
        id=line.id,
        letter=line.letter,
        name=line_name(state.rules, line_id),
        waiting=len(line.waiting),
        longest_wait_s=longest_wait(state, line_id, now),
        open_windows=state.open_windows(line_id),
        estimate=estimate_view(line_estimate(state, line_id)),
    )


def alert_view(hall: Hall, alert: Alert) -> AlertView:
    """The contract's alert."""
    return AlertView(
        id=alert.id,
        kind=alert.kind,
        about=alert.about,
        owner=alert.owner,
        since=time_text(hall.state, alert.since),
        acknowledged=alert.acknowledged_by is not None,
        ended=optional_time(hall.state, alert.ended),
        zone=alert.zone,
        limit=alert.limit,
        unit=None if alert.limit is None else LIMIT_UNITS.get(alert.kind, "s"),
        escalated=alert.escalated,
        acknowledged_by=alert.acknowledged_by,
    )


def alerts_view(hall: Hall) -> tuple[AlertView, ...]:
    """The open alerts, oldest first."""
    return tuple(alert_view(hall, alert) for alert in hall.state.alerts.values() if alert.ended is None)


# ---- boards and strips


def call_view(hall: Hall, call: Call) -> CallView:
    """A call, with its sentence in every language that the hall speaks."""
    return call_words(call, hall.state.zone_name)


@lru_cache(1024)  # a board shows the same eight calls again and again
def call_words(call: Call, zone_name: str) -> CallView:
    """See call_view."""
    return CallView(
        call_id=call.id,
        attempt=call.attempt,
        number=call.number,
        window=call.window,
        label=call.label,
        zone=call.zone,
        at=local_text(call.at, zone_name),
        say={lang: say("call.say", lang, number=call.number, window=call.label) for lang in ("zh", "en")},
    )


def board_plan(hall: Hall, board_id: str) -> Board:
    """The board in the plan. Raises Refusal unknown_board."""
    for board in hall.state.rules.boards:
        if board.id == board_id:
            return board
    raise Refusal("unknown_board", board=board_id)


def board_position(state: HallState, board: Board) -> int:
    """The journal seq of the last event that may have changed what a board shows."""
    newest = max((state.zone_seq.get(zone, 0) for zone in board.zones), default=0)
    return max(newest, state.offices.seq) if board.kind == "issue" else newest


def board_ready(state: HallState, zones: Iterable[str]) -> tuple[ReadyGroup, ...]:
    """The results that lie ready for whoever comes, by the ends of their receipts; zones in their order."""
    order = {zone: place for place, zone in enumerate(zones)}
    found: dict[tuple[int, str, str], list[str]] = {}
    for case in state.offices.cases.values():
        if case.stage == Stage.READY and case.zone in order and case.delivery.method == "window":
            day, tail = case.receipt[:-TAIL], case.receipt[-TAIL:]
            found.setdefault((order[case.zone], case.zone, day), []).append(tail)
    rows = sorted(sorted(found), key=lambda row: row[2], reverse=True)
    rows.sort(key=lambda row: row[0])
    return tuple(ReadyGroup(row[1], row[2], tuple(sorted(found[row]))) for row in rows)


def board_line(hall: Hall, line_id: str, now: int) -> BoardLine:
    """A line as a board shows it."""
    view = line_view(hall, line_id, now)
    return BoardLine(
        view.id, view.letter, view.name, view.waiting, view.longest_wait_s, view.open_windows, view.estimate,
        zone=hall.state.lines[line_id].zone,
        range_min=range_of(line_estimate(hall.state, line_id)),
    )  # fmt: skip


def line_beat(hall: Hall, line_id: str, now: int) -> LineBeat:
    """What time alone changes of a line."""
    found = line_estimate(hall.state, line_id)
    return LineBeat(line_id, longest_wait(hall.state, line_id, now), estimate_view(found), range_of(found))


def board_window(state: HallState, window: Window) -> BoardWindow:
    """A window as a board shows it."""
    number, what = doing(state, window)
    return BoardWindow(window.id, window.label, window.zone, window.state, number, what)


def board_calls(state: HallState, zones: Iterable[str]) -> list[Call]:
    """The open calls of some zones, oldest first."""
    shown = set(zones)
    return sorted((call for call in state.calls.values() if call.zone in shown), key=lambda call: call.at)


def board_recent(state: HallState, zones: Iterable[str]) -> list[Call]:
    """The last calls of some zones, newest first, at most eight."""
    found = [call for zone in zones for call in state.recent.get(zone, ())]
    return sorted(found, key=lambda call: -call.at)[:RECENT]


def board_missed(state: HallState, zones: Iterable[str]) -> tuple[str, ...]:
    """Numbers that missed their call and may still come, newest first, at most eight."""
    found = [state.tickets[id] for zone in zones for id in state.missed.get(zone, ())]
    return tuple(t.number for t in sorted(found, key=lambda t: -t.waiting_since)[:RECENT])


def board_view(
    hall: Hall, board_id: str, now: int, *, stale_since: int | None = None, demo: bool = False,
    words: Mapping[str, str] | None = None,
) -> BoardView:  # fmt: skip
    """A whole board, masked; `words` of its notices, by their references. Raises Refusal unknown_board."""
    state, plan = hall.state, hall.state.rules
    board = board_plan(hall, board_id)
    zones = set(board.zones)
    lines = [line.id for line in plan.lines if line.zone in zones and (not board.lines or line.id in board.lines)]
    return BoardView(
        id=board.id,
        hall=state.id,
        name=board.name or (zone_name(plan, board.zones[0]) if len(zones) == 1 else plan.hall.name),
        hall_name=plan.hall.name,
        zones=tuple(BoardZone(zone, zone_name(plan, zone)) for zone in board.zones),
        lines=tuple(board_line(hall, line, now) for line in lines),
        windows=tuple(board_window(state, w) for w in state.windows.values() if w.zone in zones),
        calls=tuple(call_view(hall, call) for call in board_calls(state, zones)),
        recent=tuple(call_view(hall, call) for call in board_recent(state, board.zones)),
        missed=board_missed(state, board.zones),
        session=session(state, now),
        issuing=state.issuing,
        stale_since=optional_time(state, stale_since),
        demo=demo,
        notices=board_notices(state, board.id, words or {}),
        ready=board_ready(state, board.zones) if board.kind == "issue" else UNSET,
    )


def strip_position(state: HallState, window_id: str) -> int:
    """The journal seq of the last event that may have changed what a strip shows: its window's, or a new plan."""
    return max(state.window(window_id).seq, state.plan_seq)


def strip_view(
    hall: Hall, window_id: str, now: int, *, stale_since: int | None = None, demo: bool = False
) -> StripView:
    """The strip above a window, masked. Raises Refusal unknown_window."""
    state, plan = hall.state, hall.state.rules
    window = state.window(window_id)
    number, what = doing(state, window)
    calls = [call for call in state.calls.values() if call.window == window_id]
    return StripView(
        id=STRIP + window_id,
        hall=state.id,
        hall_name=plan.hall.name,
        label=window.label,
        zone=window.zone,
        zone_name=zone_name(plan, window.zone),
        state=window.state,
        number=number,
        doing=what,
        lines=tuple(StripLine(state.lines[id].letter, line_name(plan, id)) for id in window.lines),
        calls=tuple(call_view(hall, call) for call in calls),
        session=session(state, now),
        stale_since=optional_time(state, stale_since),
        demo=demo,
    )


# ---- phones


def phone_windows(state: HallState, line_id: str) -> Words:
    """Which windows serve a line now, in words; those that are not closed, or all when none is open."""
    serving = [w for w in state.windows.values() if line_id in w.lines]
    labels = [w.label for w in serving if w.state != "closed"] or [w.label for w in serving]
    return {lang: say("call.windows", lang, windows=spans(labels)) if labels else "" for lang in ("zh", "en")}


def spans(labels: list[str]) -> str:
    """["1", "2", "3", "7"] → "1–3, 7"; labels that are no numbers stand as they are."""
    numbers = sorted({int(label) for label in labels if label.isdecimal()})
    parts: list[str] = []
    start = 0
    for i, number in enumerate(numbers):
        if i + 1 == len(numbers) or numbers[i + 1] != number + 1:
            parts.append(f"{numbers[start]}–{number}" if number > numbers[start] else str(number))
            start = i + 1
    return ", ".join(parts + [label for label in labels if not label.isdecimal()])


def phone_view(
    hall: Hall, ticket: Ticket, now: int, *, stale_since: int | None = None, demo: bool = False
) -> PhoneView:
    """The citizen's own ticket; which windows serve it is said while it waits."""
    state, plan = hall.state, hall.state.rules
    view = ticket_view(hall, ticket, now, staff=False)
    window = state.windows.get(ticket.window or "")
    line = state.lines[ticket.line]
    return PhoneView(
        view.id, view.number, view.hall, view.line, view.item, view.state, view.priority, view.taken_at, view.ahead,
        view.estimate, view.window, view.calls, view.seq,
        hall_name=plan.hall.name,
        line_name=line_name(plan, ticket.line),
        zone_name=zone_name(plan, line.zone),
        window_label=None if window is None else window.label,
        windows_text=phone_windows(state, ticket.line) if ticket.state == TicketState.WAITING else {"zh": "", "en": ""},
        shown=estimate_view(ticket.shown),
        range_min=range_of(state.estimate_of(ticket)),
        stale_since=optional_time(state, stale_since),
        demo=demo,
        parked=ticket.parked.value if ticket.parked else None,  # who only fetches papers may say "I am back"
    )  # fmt: skip


def phone_beat(hall: Hall, ticket: Ticket) -> PhoneBeat:
    """What time alone changes of a citizen's ticket."""
    found = hall.state.estimate_of(ticket)
    return PhoneBeat(hall.state.ahead(ticket), estimate_view(found), range_of(found))


# ---- desks


def desk_waiting(hall: Hall, lines: tuple[str, ...], now: int) -> tuple[TicketView, ...]:
    """The first tickets that wait in some lines, in the order of their keys."""
    state = hall.state
    first = sorted(entry for line in lines for entry in state.lines[line].waiting[:DESK_LIST])[:DESK_LIST]
    return tuple(ticket_view(hall, state.tickets[entry[3]], now, staff=True) for entry in first)


def desk_parked(hall: Hall, window_id: str, now: int) -> tuple[TicketView, ...]:
    """The suspended tickets that this window may take up, longest parked first."""
    found = parked_for(hall.state.window(window_id), hall.state.tickets.values())
    return tuple(ticket_view(hall, t, now, staff=True) for t in found)


def parked_for(window: Window, tickets: Iterable[Ticket]) -> list[Ticket]:
    """Of these, the suspended tickets that the window may take up: its own, and of its lines those gone for papers."""
    found = [
        t
        for t in tickets
        if t.state == TicketState.SUSPENDED
        and (t.window == window.id or (t.parked == "away" and t.line in window.lines))
    ]
    return sorted(found, key=lambda t: t.parked_since)


def staff_view(hall: Hall, now: int, *, stale_since: int | None = None, demo: bool = False) -> StaffView:
    """The hall for its staff."""
    state = hall.state
    return StaffView(
        id=state.id,
        windows=tuple(window_view(hall, id, now, staff=True) for id in state.windows),
        lines=tuple(line_view(hall, id, now) for id in state.lines),
        alerts=alerts_view(hall),
        offices=state.offices.seq,
        session=session(state, now),
        issuing=state.issuing,
        stale_since=optional_time(state, stale_since),
        demo=demo,
        advice=advice_facts(state),
    )


def desk_view(hall: Hall, window_id: str, now: int, *, stale_since: int | None = None, demo: bool = False) -> DeskView:
    """One desk; `windows` and `lines` are those of its zone. Raises Refusal unknown_window."""
    state = hall.state
    window = state.window(window_id)
    return DeskView(
        id=state.id,
        windows=tuple(
            window_view(hall, w.id, now, staff=True) for w in state.windows.values() if w.zone == window.zone
        ),
        lines=tuple(line_view(hall, id, now) for id in state.lines if state.lines[id].zone == window.zone),
        alerts=alerts_view(hall),
        offices=state.offices.seq,
        session=session(state, now),
        issuing=state.issuing,
        stale_since=optional_time(state, stale_since),
        demo=demo,
        window=window_view(hall, window_id, now, staff=True),
        waiting=desk_waiting(hall, window.lines, now),
        parked=desk_parked(hall, window_id, now),
    )
